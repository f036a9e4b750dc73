"""Engagement features: events by kind, channel and window, their trends, and response rates.

Kinds differ from business to business, so they come from the data: the most common ones visible at as_of get
columns. An invitation is what the business sent or showed; a response is what the customer did about it.
Both are recognised by the words in a kind (email_sent, coupon_received; email_open, coupon_redeemed), or
named by the caller. Channels come from the data likewise; one that carries a single kind gets no columns,
since they would repeat those of the kind.
"""

import warnings
from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING

import ibis

from patron.errors import PatronWarning, some
from patron.features.catalogue import EngagementKind, FeatureCatalogue, FeatureSpec
from patron.features.family import (
    WINDOWS,
    Discovered,
    FeatureFamily,
    VisibleBusiness,
    warn_without_table,
    windowed,
)
from patron.features.naming import column_names, readable
from patron.snapshots.asof import KEY, visible
from patron.tables.activity import is_invitation, is_response

if TYPE_CHECKING:
    import ibis.expr.types as ir

    from patron.tables.history import History

__all__ = [
    "ENGAGEMENT",
    "common_channels",
    "common_kinds",
    "engagement",
    "engagement_features",
    "kinds_seen",
    "recognised",
    "warn_of_new_kinds",
]

# days_since_last, days_since_acquired, days_since_event and engagement_all_… are other features.
RESERVED = ("last", "acquired", "event", "all")
TREND_DAYS = 90
CHANNEL_WINDOWS = (30, 90, 365)
MOST_SEEN = 100


def discover(business: VisibleBusiness) -> Discovered:
    """Counts, trends and response rates of the common kinds and channels, and of events of any kind."""
    kinds: tuple[EngagementKind, ...] = ()
    channels: tuple[EngagementKind, ...] = ()
    seen: tuple[str, ...] = ()
    if business.history.engagement is not None:
        events = visible(business.history.engagement, business.spine())
        kinds, seen = common_kinds(events, business.max_kinds), kinds_seen(events)
        channels = common_channels(events, kinds, business.max_kinds // 2)
        _warn_of_unseen(events, business.as_of, {*(business.invitations or ()), *(business.responses or ())})
    invitations, responses = recognised(kinds)
    if business.invitations is not None:
        invitations = tuple(business.invitations)
    if business.responses is not None:
        responses = tuple(business.responses)
    facts = {
        "engagement_kinds": kinds, "engagement_channels": channels, "seen_kinds": seen,
        "invitations": invitations, "responses": responses,
    }  # fmt: skip
    return Discovered(specs=engagement_features(kinds, channels, responses), facts=facts)


def build(history: "History", spine: "ir.Table", catalogue: FeatureCatalogue) -> "ir.Table | None":
    """All features in one group-by of the visible events. Rows: those of `spine` with any."""
    if history.engagement is None:
        if catalogue.engagement_kinds:
            warn_without_table("engagement")
        return None
    events = visible(history.engagement, spine)
    return events.group_by(*KEY).agg(**engagement(events, catalogue))


def _computed(catalogue: FeatureCatalogue) -> tuple[FeatureSpec, ...]:
    return engagement_features(catalogue.engagement_kinds, catalogue.engagement_channels, catalogue.responses)


ENGAGEMENT = FeatureFamily(
    name="engagement", discover=discover, build=build, computed=_computed, unknown_without_data=True
)


def common_kinds(events: "ir.Table", most: int) -> tuple[EngagementKind, ...]:
    """The kinds of engagement that get columns: the `most` common, and how columns are named after them.

    Parameters
    ----------
    events
        visible engagement, with ``kind``
    most
        how many kinds at most

    Returns
    -------
    tuple[EngagementKind, ...]
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
    return tuple(EngagementKind(kind, name) for kind, name in column_names(kinds, taken=RESERVED).items())


def common_channels(
    events: "ir.Table", kinds: Sequence[EngagementKind], most: int
) -> tuple[EngagementKind, ...]:
    """The channels that get columns: the `most` common of those that carry more than one kind.

    Parameters
    ----------
    events
        visible engagement, with ``kind`` and perhaps ``channel``
    kinds
        those that have columns themselves
    most
        how many channels at most

    Returns
    -------
    tuple[EngagementKind, ...]
        Channels, most common first, equally common ones by their text; none where the table has none.

    Examples
    --------
    >>> events = ibis.memtable({"kind": ["sent", "open", "visit"], "channel": ["email", "email", "web"]})
    >>> [channel.name for channel in common_channels(events, common_kinds(events, most=3), most=3)]
    ['email']
    """
    if "channel" not in events.columns or most < 1:
        return ()
    given = events.filter(events.channel.notnull())
    has_columns = given.kind.isin([kind.kind for kind in kinds])
    counts = given.group_by("channel").agg(
        events=given.count(), kinds=given.kind.nunique(), without_columns=(~has_columns).any()
    )
    several = counts.filter((counts.kinds > 1) | counts.without_columns)
    ranked = several.order_by([ibis.desc("events"), ibis.asc("channel")]).limit(most)
    channels: list[str] = ranked.channel.to_pyarrow().to_pylist()
    return tuple(EngagementKind(channel, name) for channel, name in column_names(channels).items())


def kinds_seen(events: "ir.Table") -> tuple[str, ...]:
    """Every kind there is, in alphabetical order; of more than a hundred, the most common.

    Parameters
    ----------
    events
        visible engagement, with ``kind``

    Examples
    --------
    >>> kinds_seen(ibis.memtable({"kind": ["visit", "open", "visit"]}))
    ('open', 'visit')
    """
    return tuple(sorted(kind.kind for kind in common_kinds(events, MOST_SEEN)))


def warn_of_new_kinds(events: "ir.Table", catalogue: FeatureCatalogue) -> None:
    """Warn of kinds of engagement that the training had never seen.

    Parameters
    ----------
    events
        visible engagement, with ``kind``
    catalogue
        has the kinds of the training

    Warns
    -----
    PatronWarning
        there are new kinds; they count among events of any kind and have no columns of their own

    Examples
    --------
    >>> events = ibis.memtable({"kind": ["visit", "chat"]})
    >>> with warnings.catch_warnings(action="always", record=True) as caught:
    ...     warn_of_new_kinds(events, FeatureCatalogue((), seen_kinds=("visit",)))
    >>> print(caught[0].message)
    events of kind chat were never seen in training: they count among all events and have no features of their
    own. Train again to use them.
    """
    if not catalogue.seen_kinds or len(catalogue.seen_kinds) >= MOST_SEEN:
        return
    unseen = events.filter(events.kind.notin(catalogue.seen_kinds)).select("kind").distinct()
    new = sorted(unseen.limit(MOST_SEEN).kind.to_pyarrow().to_pylist())
    if new:
        warnings.warn(
            f"events of kind {some(new)} were never seen in training: they count among all events and have "
            "no features of their own. Train again to use them.",
            PatronWarning,
            stacklevel=3,
        )


def recognised(kinds: Sequence[EngagementKind]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Which kinds are invitations and which are responses, by the words in them.

    Parameters
    ----------
    kinds
        those that have columns

    Examples
    --------
    >>> recognised([EngagementKind("Coupon received", "coupon_received"), EngagementKind("click", "click"),
    ...             EngagementKind("app_visit", "app_visit")])
    (('Coupon received',), ('click',))
    """
    named = [kind.kind for kind in kinds]
    return tuple(filter(is_invitation, named)), tuple(filter(is_response, named))


def engagement_features(
    kinds: Sequence[EngagementKind],
    channels: Sequence[EngagementKind] = (),
    responses: Sequence[str] = (),
) -> tuple[FeatureSpec, ...]:
    """The features of these kinds and channels: counts by window, days since, trends and response rates.

    Parameters
    ----------
    kinds, channels
        those that have columns
    responses
        kinds, as the data writes them, that answer an invitation

    Examples
    --------
    >>> [spec.name for spec in engagement_features([EngagementKind("App visit", "app_visit")])][4:7]
    ['engagement_app_visit_365d', 'days_since_app_visit', 'engagement_app_visit_trend_90d']
    """
    counts = (spec for kind in kinds for spec in _counts(f"engagement_{kind.name}", _label(kind), WINDOWS))
    since = (_days_since(f"days_since_{kind.name}", _label(kind)) for kind in kinds)
    trends = (spec for kind in kinds for spec in _trend_of(f"engagement_{kind.name}", _label(kind)))
    of_channels = (spec for channel in channels for spec in _channel_features(channel))
    return (*counts, *since, *trends, *ALL_EVENTS, *of_channels, *_rates(kinds, responses))


ALL_EVENTS = (
    *windowed(
        "engagement_all", "engagement", "event",
        "{value:event} of any kind in the last {w} days", CHANNEL_WINDOWS,
    ),
    FeatureSpec("days_since_event", "engagement", "day", "number", "last event {value:day} ago",
                when_none=None, text_unknown="no event ever"),
    *windowed(
        "engagement_all_trend", "engagement", "ratio",
        "{value:change} events of any kind in the {w} days before than in the last {w}", (30, 90), spans=2,
    ),
)  # fmt: skip


def _channel_features(channel: EngagementKind) -> tuple[FeatureSpec, ...]:
    name, label = f"channel_{channel.name}", _label(channel)
    rate = FeatureSpec(
        f"{name}_response_rate", "engagement", "ratio", "number",
        f"{label}: {{value:.2f}} responses per invitation",
        when_none=None, text_unknown=f"{label}: never invited",
    )  # fmt: skip
    counts = _counts(name, label, CHANNEL_WINDOWS)
    return (*counts, _days_since(f"{name}_days_since", label), *_trend_of(name, label), rate)


def _counts(name: str, label: str, windows: Sequence[int]) -> tuple[FeatureSpec, ...]:
    text = f"{label}: {{value:event}} in the last {{w}} days"
    return windowed(name, "engagement", "event", text, windows)


def _days_since(name: str, label: str) -> FeatureSpec:
    return FeatureSpec(
        name, "engagement", "day", "number",
        f"{label}: last {{value:day}} ago", when_none=None, text_unknown=f"{label}: never",
    )  # fmt: skip


def _trend_of(name: str, label: str) -> tuple[FeatureSpec, ...]:
    text = (
        f"{label}: {{{name}_{{w}}d:event}} in the last {{w}} days, {{value:change}} in the {{w}} days before"
    )
    return windowed(f"{name}_trend", "engagement", "ratio", text, (TREND_DAYS,), spans=2)


def _rates(kinds: Sequence[EngagementKind], responses: Sequence[str]) -> tuple[FeatureSpec, ...]:
    rate = FeatureSpec(
        "response_rate", "engagement", "ratio", "number",
        "{value:.2f} responses per invitation", when_none=None, text_unknown="never invited",
    )  # fmt: skip
    recent = FeatureSpec(
        f"response_rate_{TREND_DAYS}d", "engagement", "ratio", "number",
        f"{{value:.2f}} responses per invitation in the last {TREND_DAYS} days"
        "[, {response_rate:.2f} in all]",
        TREND_DAYS, when_none=None, text_unknown=f"not invited in the last {TREND_DAYS} days",
    )  # fmt: skip
    by_kind = tuple(
        FeatureSpec(
            f"{kind.name}_response_rate", "engagement", "ratio", "number",
            f"{_label(kind)}: {{value:.2f}} per invitation", when_none=None, text_unknown="never invited",
        )
        for kind in kinds
        if kind.kind in responses
    )  # fmt: skip
    return (rate, recent, *by_kind)


def _label(kind: EngagementKind) -> str:
    return readable(kind.kind)


def engagement(events: "ir.Table", catalogue: FeatureCatalogue) -> dict[str, "ir.NumericScalar"]:
    """Events by kind, channel and window, days since the last, trends, and responses per invitation.

    Parameters
    ----------
    events
        visible engagement, one row per event, with ``kind``, ``days_ago`` and perhaps ``channel``
    catalogue
        which kinds and channels have columns, and which kinds are invitations and responses

    Returns
    -------
    dict[str, 'ir.NumericScalar']
        Feature → aggregate over the events of one customer and as_of. Trends lie in [-1, 1], as those of
        orders do. Rates are null without invitations, and may pass 1 where one invitation gets several
        responses.

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
    ago = events.days_ago
    any_event = ago >= 0
    invites, responds = events.kind.isin(catalogue.invitations), events.kind.isin(catalogue.responses)
    features: dict[str, ir.NumericScalar] = {"days_since_event": ago.min()}

    def add(name: str, these: "ir.BooleanColumn", windows: Sequence[int], trends: Sequence[int]) -> None:
        features.update({f"{name}_{w}d": events.count(where=these & (ago < w)) for w in windows})
        features.update({f"{name}_trend_{w}d": _trend(events, these, w) for w in trends})

    def rate(answers: "ir.BooleanColumn", asked: "ir.BooleanColumn") -> "ir.NumericScalar":
        return events.count(where=answers) / events.count(where=asked).nullif(0)

    add("engagement_all", any_event, CHANNEL_WINDOWS, (30, 90))
    for kind in catalogue.engagement_kinds:
        this = events.kind == kind.kind
        add(f"engagement_{kind.name}", this, WINDOWS, (TREND_DAYS,))
        features[f"days_since_{kind.name}"] = ago.min(where=this)
        if kind.kind in catalogue.responses:
            features[f"{kind.name}_response_rate"] = rate(this, invites)
    for channel in catalogue.engagement_channels if "channel" in events.columns else ():
        here = events.channel == channel.kind
        add(f"channel_{channel.name}", here, CHANNEL_WINDOWS, (TREND_DAYS,))
        features[f"channel_{channel.name}_days_since"] = ago.min(where=here)
        features[f"channel_{channel.name}_response_rate"] = rate(here & responds, here & invites)
    features["response_rate"] = rate(responds, invites)
    recent = ago < TREND_DAYS
    features[f"response_rate_{TREND_DAYS}d"] = rate(responds & recent, invites & recent)
    return features


def _trend(events: "ir.Table", these: "ir.BooleanColumn", window_days: int) -> "ir.NumericScalar":
    this = events.count(where=these & (events.days_ago < window_days))
    both = events.count(where=these & (events.days_ago < 2 * window_days))
    return (2 * this - both) / both.nullif(0)


def _warn_of_unseen(events: "ir.Table", as_of: date, named: set[str]) -> None:
    seen = events.filter(events.kind.isin(named)).kind.to_pyarrow().unique().to_pylist() if named else []
    unseen = sorted(named.difference(seen))
    if unseen:
        warnings.warn(
            f"no event of kind {some(unseen)} is visible on {as_of}; response_rate cannot count it. Check "
            "the spelling against the column kind of the table 'engagement'.",
            PatronWarning,
            stacklevel=5,
        )
