"""From the tables of a business to one feature row per customer and as_of.

Both functions are loops over the feature families, whose order is that of the columns.
"""

from collections.abc import Sequence
from datetime import date
from functools import cache
from typing import TYPE_CHECKING

import ibis

from patron.checks import at_least
from patron.errors import InputError, some
from patron.features.attributes import ATTRIBUTES
from patron.features.catalogue import FeatureCatalogue, FeatureSpec
from patron.features.engagement import ENGAGEMENT
from patron.features.family import VisibleBusiness
from patron.features.purchases import PURCHASES
from patron.features.season import SEASON
from patron.features.subscriptions import SUBSCRIPTIONS
from patron.snapshots.asof import KEY
from patron.snapshots.spine import make_spine

if TYPE_CHECKING:
    import ibis.expr.types as ir

    from patron.tables.history import History

__all__ = ["FAMILIES", "assemble_features", "discover_catalogue"]

FAMILIES = (PURCHASES, ENGAGEMENT, SUBSCRIPTIONS, SEASON, ATTRIBUTES)


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
        an attribute of the customers is left out, or a kind named here has no visible event

    Examples
    --------
    >>> import pandas as pd
    >>> from patron.tables.history import History
    >>> orders = pd.DataFrame({"customer_id": [7, 7, 8], "amount": [50.0, 20.0, 30.0],
    ...                        "order_at": ["2024-01-01", "2024-01-22", "2024-01-31"]})
    >>> discover_catalogue(History.read(orders), date(2024, 1, 31)).names[:4]
    ('frequency', 'recency', 'T', 'monetary_value')
    """
    at_least("max_kinds", max_kinds, 0)
    history.check_as_of(as_of)
    business = VisibleBusiness(
        history=history,
        as_of=as_of,
        spine=cache(lambda: make_spine(history, as_of)),
        max_kinds=max_kinds,
        invitations=invitations,
        responses=responses,
    )
    found = [family.discover(business) for family in FAMILIES]
    return FeatureCatalogue(
        specs=tuple(spec for family in found for spec in family.specs),
        activity=history.activity,
        churn_window=history.churn.window,
        churn_segment=history.churn.segment,
        has_money=history.has_money,
        **{name: fact for family in found for name, fact in family.facts.items()},
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
        exactly those of `spine`. A lazy expression; the spine alone is computed at once, because every family
        is joined to it.

    Raises
    ------
    InputError
        the catalogue names a feature that is not computed here
    TableError
        an attribute that was a number at training has no number now

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
    family_of = {spec.name: family for family in FAMILIES for spec in family.computed(catalogue)}
    unknown = [name for name in catalogue.names if name not in family_of]
    if unknown:
        raise InputError(
            f"the catalogue names {some(unknown)}, which this version does not compute. Train again, or "
            "use the version of patron that wrote the catalogue."
        )
    spine = spine.select(*KEY)
    features = spine
    for family in FAMILIES:
        group = family.build(history, spine, catalogue)
        if group is not None:
            features = features.left_join(group, KEY).drop([f"{key}_right" for key in KEY])
    columns = {
        spec.name: _delivered(features, spec, null=family_of[spec.name].unknown_without_data)
        for spec in catalogue.specs
    }
    return features.select(*KEY, **columns)


def _delivered(features: "ir.Table", spec: FeatureSpec, *, null: bool) -> "ir.Column":
    """The column in its type, with its value where there was no such event; null or that value if missing."""
    type_ = "float64" if spec.dtype == "number" else "string"
    if spec.name not in features.columns:
        return ibis.literal(None if null else spec.when_none, type=type_)
    column = features[spec.name].cast(type_)
    return column if spec.when_none is None else column.fill_null(spec.when_none)
