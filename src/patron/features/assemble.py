"""From the tables of a business to one feature row per customer and as_of.

Everything about purchases comes from one pass: the days that each spine row can see, grouped once, with all
aggregates side by side. Engagement is a second pass of the same kind, the customers table a plain join.
"""

import warnings
from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING

import ibis

from patron.errors import InputError, PatronWarning, RangeError, some
from patron.features.activity import in_active_days, with_age_of_activity
from patron.features.attributes import attribute_features, attributes, usable_attributes
from patron.features.baskets import BASKETS, baskets
from patron.features.catalogue import Attribute, EngagementKind, FeatureCatalogue, FeatureSpec
from patron.features.engagement import (
    common_channels,
    common_kinds,
    engagement,
    engagement_features,
    kinds_seen,
    recognised,
)
from patron.features.rfm import RFM, rfm
from patron.features.rhythm import RHYTHM, add_gaps, rhythm
from patron.features.season import SEASON, season, shows_seasons
from patron.features.subscriptions import SUBSCRIPTIONS, subscription_features, subscriptions
from patron.features.windows import WINDOW_FEATURES, windows
from patron.snapshots.asof import KEY, visible
from patron.snapshots.spine import make_spine

if TYPE_CHECKING:
    import ibis.expr.types as ir

    from patron.tables.history import History

__all__ = ["assemble_features", "discover_catalogue"]


def discover_catalogue(
    history: "History",
    as_of: date,
    *,
    max_kinds: int = 12,
    invitations: Sequence[str] | None = None,
    responses: Sequence[str] | None = None,
) -> FeatureCatalogue:
    """The features that this business can have, from what was visible on `as_of`.

    Parameters
    ----------
    history
        the tables of the business
    as_of
        the last day known
    max_kinds
        how many kinds of engagement get columns of their own, most common first; half as many
        channels do
    invitations, responses
        kinds of engagement, as the data writes them, that response_rate divides; None
        to recognise them by their words, such as email_sent and email_open

    Returns
    -------
    FeatureCatalogue
        The catalogue. The future of `history` has no influence on it.

    Raises
    ------
    DateError
        as_of lies outside the data
    RangeError
        max_kinds is negative

    Warns
    -----
    PatronWarning
        an attribute of the customers is left out, or nobody was ever in a kind named here

    Examples
    --------
    >>> import pandas as pd
    >>> from patron.tables.history import History
    >>> orders = pd.DataFrame({"customer_id": [7, 7, 8], "amount": [50.0, 20.0, 30.0],
    ...                        "order_at": ["2024-01-01", "2024-01-22", "2024-01-31"]})
    >>> discover_catalogue(History.read(orders), date(2024, 1, 31)).names[:4]
    ('frequency', 'recency', 'T', 'monetary_value')
    """
    if max_kinds < 0:
        raise RangeError(f"max_kinds must be 0 or more, got {max_kinds!r}.")
    history.check_as_of(as_of)
    kinds: tuple[EngagementKind, ...] = ()
    channels: tuple[EngagementKind, ...] = ()
    seen: tuple[str, ...] = ()
    usable: tuple[Attribute, ...] = ()
    contracts: tuple[FeatureSpec, ...] = ()
    if history.engagement is not None or history.customers is not None or history.subscriptions is not None:
        spine = make_spine(history, as_of)
    if history.engagement is not None:
        events = visible(history.engagement, spine)
        kinds, seen = common_kinds(events, max_kinds), kinds_seen(events)
        channels = common_channels(events, kinds, max_kinds // 2)
        _warn_of_strangers(events, as_of, {*(invitations or ()), *(responses or ())})
    if history.customers is not None:
        usable = usable_attributes(history.customers, spine)
    if history.subscriptions is not None:
        contracts = subscription_features(history.subscriptions, spine)
    acquired_at = history.customers is not None and "acquired_at" in history.customers.columns
    their_invitations, their_responses = recognised(kinds)
    bought = _of_transactions() if history.has_money else in_active_days(_of_transactions())
    seasons = SEASON if shows_seasons(history.first_day, as_of) else ()
    return FeatureCatalogue(
        specs=(
            *bought,
            *engagement_features(kinds, channels, their_responses if responses is None else responses),
            *contracts,
            *seasons,
            *attribute_features(usable, acquired_at=acquired_at),
        ),
        engagement_kinds=kinds,
        engagement_channels=channels,
        seen_kinds=seen,
        activity=history.activity,
        churn_window=history.churn.window,
        churn_segment=history.churn.segment,
        has_money=history.has_money,
        invitations=their_invitations if invitations is None else tuple(invitations),
        responses=their_responses if responses is None else tuple(responses),
        attributes=usable,
    )


def assemble_features(history: "History", spine: "ir.Table", catalogue: FeatureCatalogue) -> "ir.Table":
    """One feature row for each row of `spine`, from what that row's customer and as_of could see.

    Parameters
    ----------
    history
        the tables of the business
    spine
        customer_id, as_of; one row each, of any number of as_of dates, as `make_spine` stores them
    catalogue
        which features, in which order

    Returns
    -------
    ir.Table
        customer_id, as_of, then ``catalogue.names`` in order: numbers as float64, categories as text. Rows:
        exactly those of `spine`. A lazy expression; the spine alone is computed at once, because every group
        is joined to it.

    Raises
    ------
    InputError
        the catalogue names a feature that is not computed here
    TableError
        an attribute that was a number at training is none now

    Warns
    -----
    PatronWarning
        a table or column that the catalogue was built with is missing; its features are null

    Notes
    -----
    Memory grows with the rows of `spine`, about 1 GB per million. For many dates of a large business, call
    once per date.

    Examples
    --------
    >>> import pandas as pd
    >>> from patron.snapshots.spine import make_spine
    >>> from patron.tables.history import History
    >>> orders = pd.DataFrame({"customer_id": [7, 7, 8], "amount": [50.0, 20.0, 30.0],
    ...                        "order_at": ["2024-01-01", "2024-01-22", "2024-01-31"]})
    >>> history, as_of = History.read(orders), date(2024, 1, 31)
    >>> features = assemble_features(history, make_spine(history, as_of), discover_catalogue(history, as_of))
    >>> features.order_by("customer_id")["customer_id", "recency", "T", "net_spend_30d"].to_pandas()
       customer_id  recency     T  net_spend_30d
    0            7     21.0  30.0           20.0
    1            8      0.0   0.0           30.0
    """
    _check(catalogue)
    spine = spine.select(*KEY)
    days = visible(add_gaps(history.days), spine)
    groups = [days.group_by(*KEY).agg(**rfm(days), **windows(days), **rhythm(days), **baskets(days))]
    if history.engagement is not None:
        events = visible(history.engagement, spine)
        groups.append(events.group_by(*KEY).agg(**engagement(events, catalogue)))
    if history.subscriptions is not None:
        groups.append(subscriptions(history.subscriptions, spine))
    if history.customers is not None:
        groups.append(attributes(history.customers, spine, catalogue))
    _warn_of_missing_tables(history, catalogue)
    features = spine
    for group in groups:
        features = features.left_join(group, KEY).drop([f"{key}_right" for key in KEY])
    features = with_age_of_activity(features, history, spine)
    features = features.mutate(**season(features.as_of))
    return features.select(*KEY, **{spec.name: _delivered(features, spec) for spec in catalogue.specs})


def _of_transactions() -> tuple[FeatureSpec, ...]:
    return (*RFM, *WINDOW_FEATURES, *RHYTHM, *BASKETS)


def _check(catalogue: FeatureCatalogue) -> None:
    specs = (
        *_of_transactions(),
        *engagement_features(catalogue.engagement_kinds, catalogue.engagement_channels, catalogue.responses),
        *SUBSCRIPTIONS,
        *SEASON,
        *attribute_features(catalogue.attributes, acquired_at=True),
    )
    computed = {spec.name for spec in specs}
    strangers = [name for name in catalogue.names if name not in computed]
    if strangers:
        raise InputError(
            f"the catalogue names {some(strangers)}, which this version does not compute. Train again, or "
            "use the version of patron that wrote the catalogue."
        )


def _delivered(features: "ir.Table", spec: FeatureSpec) -> "ir.Column":
    """The column as the catalogue promises it: its type, and its value where there was no such event."""
    type_ = "float64" if spec.dtype == "number" else "string"
    if spec.name not in features.columns:
        # Without the engagement table nobody knows of any event; that is not the same as no event.
        unknown = spec.family in ("engagement", "subscription")
        return ibis.literal(None if unknown else spec.when_none, type=type_)
    column = features[spec.name].cast(type_)
    return column if spec.when_none is None else column.fill_null(spec.when_none)


def _warn_of_missing_tables(history: "History", catalogue: FeatureCatalogue) -> None:
    contracts = catalogue.families.get("subscription", ())
    needs = (
        ("engagement", catalogue.engagement_kinds),
        ("customers", catalogue.attributes),
        ("subscriptions", contracts),
    )
    for table, needed in needs:
        if needed and getattr(history, table) is None:
            warnings.warn(
                f"there is no table {table!r}, which the features were built with; what it says is unknown "
                f"for every customer here. Give --{table} as the training did.",
                PatronWarning,
                stacklevel=3,
            )


def _warn_of_strangers(events: "ir.Table", as_of: date, named: set[str]) -> None:
    seen = events.filter(events.kind.isin(named)).kind.to_pyarrow().unique().to_pylist() if named else []
    strangers = sorted(named.difference(seen))
    if strangers:
        warnings.warn(
            f"no event of kind {some(strangers)} is visible on {as_of}; response_rate cannot count it. Check "
            "the spelling against the column kind of the table 'engagement'.",
            PatronWarning,
            stacklevel=3,
        )
