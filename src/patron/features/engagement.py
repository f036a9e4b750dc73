"""What customers did besides buying: events by kind and window, days since each kind, response rate.

Kinds differ from business to business, so they come from the data: the most common ones visible at as_of get
columns. An invitation is what the business sent or showed; a response is what the customer did about it.
Both are recognised by the words in a kind (email_sent, coupon_received; email_open, coupon_redeemed), or
named by the caller.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import ibis

from patron.features.catalogue import EngagementKind, FeatureCatalogue, FeatureSpec
from patron.features.naming import column_names, readable
from patron.features.windows import WINDOWS

if TYPE_CHECKING:
    import ibis.expr.types as ir

__all__ = ["common_kinds", "engagement", "engagement_features", "recognised"]

SPOKEN_FOR = ("last", "acquired")  # days_since_last and days_since_acquired are other features
INVITATION_WORDS = frozenset(
    {"received", "sent", "send", "delivered", "delivery", "impression", "impressions"}
    | {"invitation", "invite", "invited", "shown", "displayed", "mailed"}
)
RESPONSE_WORDS = frozenset(
    {"open", "opened", "click", "clicked", "redeem", "redeemed", "redemption"}
    | {"reply", "replied", "respond", "responded", "response", "answered"}
)


def common_kinds(events: "ir.Table", most: int) -> tuple[EngagementKind, ...]:
    """The kinds of engagement that get columns: the `most` common, and how columns are named after them.

    Parameters
    ----------
    events : visible engagement, with ``kind``
    most : how many kinds at most

    Returns
    -------
    Kinds, most common first, equally common ones by their text.

    Examples
    --------
    >>> events = ibis.memtable({"kind": ["email_open", "App visit", "email_open", "sms"]})
    >>> [kind.name for kind in common_kinds(events, most=2)]
    ['email_open', 'app_visit']
    """
    counts = events.group_by("kind").agg(events=events.count())
    ranked = counts.order_by([ibis.desc("events"), ibis.asc("kind")]).limit(most)
    kinds: list[str] = ranked.kind.to_pyarrow().to_pylist()
    return tuple(EngagementKind(kind, name) for kind, name in column_names(kinds, taken=SPOKEN_FOR).items())


def recognised(kinds: Sequence[EngagementKind]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Which kinds are invitations and which are responses, by the words in them.

    Examples
    --------
    >>> recognised([EngagementKind("Coupon received", "coupon_received"), EngagementKind("click", "click"),
    ...             EngagementKind("app_visit", "app_visit")])
    (('Coupon received',), ('click',))
    """
    words = {kind.kind: set(kind.name.split("_")) for kind in kinds}
    responses = tuple(kind for kind in words if words[kind] & RESPONSE_WORDS)
    invitations = tuple(kind for kind in words if words[kind] & INVITATION_WORDS and kind not in responses)
    return invitations, responses


def engagement_features(kinds: Sequence[EngagementKind]) -> tuple[FeatureSpec, ...]:
    """The features of these kinds: counts by window, days since, and the response rate.

    Examples
    --------
    >>> [spec.name for spec in engagement_features([EngagementKind("App visit", "app_visit")])][-3:]
    ['engagement_app_visit_365d', 'days_since_app_visit', 'response_rate']
    """
    counts = tuple(
        FeatureSpec(
            f"engagement_{kind.name}_{w}d", "engagement", "event", "number",
            f"{_said(kind)}: {{value:event}} in the last {w} days", w,
        )
        for kind in kinds
        for w in WINDOWS
    )  # fmt: skip
    since = tuple(
        FeatureSpec(
            f"days_since_{kind.name}", "engagement", "day", "number",
            f"{_said(kind)}: last {{value:day}} ago", when_none=None, words_unknown=f"{_said(kind)}: never",
        )
        for kind in kinds
    )  # fmt: skip
    rate = FeatureSpec(
        "response_rate", "engagement", "ratio", "number",
        "{value:.2f} responses per invitation", when_none=None, words_unknown="never invited",
    )  # fmt: skip
    return (*counts, *since, rate)


def _said(kind: EngagementKind) -> str:
    return readable(kind.kind)


def engagement(events: "ir.Table", catalogue: FeatureCatalogue) -> dict[str, "ir.NumericScalar"]:
    """Events of each kind in each window, days since the last of each kind, and responses per invitation.

    Parameters
    ----------
    events : visible engagement, one row per event, with ``kind`` and ``days_ago``
    catalogue : says which kinds have columns, and which are invitations and responses

    Returns
    -------
    Feature → aggregate over the events of one customer and as_of; response_rate is null without invitations,
    and may pass 1 where one invitation gets several responses.

    Examples
    --------
    >>> kinds = (EngagementKind("sent", "sent"), EngagementKind("open", "open"))
    >>> catalogue = FeatureCatalogue(engagement_features(kinds), kinds, ("sent",), ("open",))
    >>> events = ibis.memtable({"customer_id": [7] * 3, "kind": ["sent", "sent", "open"],
    ...                         "days_ago": [40, 9, 8]})
    >>> row = events.group_by("customer_id").agg(**engagement(events, catalogue)).to_pyarrow().to_pylist()[0]
    >>> row["engagement_sent_30d"], row["days_since_open"], row["response_rate"]
    (1, 8, 0.5)
    """
    counts = {
        f"engagement_{kind.name}_{w}d": events.count(where=(events.kind == kind.kind) & (events.days_ago < w))
        for kind in catalogue.engagement_kinds
        for w in WINDOWS
    }
    since = {
        f"days_since_{kind.name}": events.days_ago.min(where=events.kind == kind.kind)
        for kind in catalogue.engagement_kinds
    }
    invited = events.count(where=events.kind.isin(catalogue.invitations)).nullif(0)
    responded = events.count(where=events.kind.isin(catalogue.responses))
    return counts | since | {"response_rate": responded / invited}
