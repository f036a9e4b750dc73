"""Lookalikes: the customers most similar to a seed group, by what is known at acquisition.

Similarity in purchases since then would be circular, and is unknown for a new customer. So only data known at
acquisition are compared: attributes, channel, acquisition cost and the first order.

The similarity is a sum of log-odds, one per column: how much more common the customer's value is in the group
than among the others. Numeric columns are compared by deciles of all customers.
"""

import numpy as np
import numpy.typing as npt
import pandas as pd

from patron.arrays import Flags, Floats, Index
from patron.checks import at_least
from patron.errors import RangeError, TableError
from patron.features.catalogue import FeatureCatalogue
from patron.models.encoding import holds_numbers

__all__ = ["known_at_acquisition", "lookalikes"]


FIRST_KNOWN = ("acquisition_cost", "first_order_value")
"""Features other than attributes that never change after acquisition."""

TENTHS = np.arange(1, 10) / 10


def known_at_acquisition(features: pd.DataFrame, catalogue: FeatureCatalogue) -> pd.DataFrame:
    """The columns of feature rows that were known at acquisition.

    Parameters
    ----------
    features
        one row per customer: customer_id and the features of the catalogue
    catalogue
        knows which of them are attributes

    Returns
    -------
    pd.DataFrame
        customer_id, the attributes (including channel), acquisition_cost and first_order_value, as far as
        they exist. Rows: those of `features`.

    Examples
    --------
    >>> from patron.features.catalogue import Attribute, FeatureSpec
    >>> town = FeatureSpec("attribute_town", "attributes", "town", "category", "town is {value}")
    >>> catalogue = FeatureCatalogue((town,), attributes=(Attribute("town", "attribute_town", "text"),))
    >>> rows = pd.DataFrame({"customer_id": [7], "attribute_town": ["Qom"], "orders_90d": [3.0]})
    >>> known_at_acquisition(rows, catalogue)
       customer_id attribute_town
    0            7            Qom
    """
    attributes = tuple(attribute.feature for attribute in catalogue.attributes)
    there = [name for name in (*attributes, *FIRST_KNOWN) if name in features.columns]
    return features[["customer_id", *there]]


def lookalikes(known: pd.DataFrame, group: npt.ArrayLike, *, most: int | None = None) -> pd.DataFrame:
    """The customers outside the group that are most similar to it, best first.

    Parameters
    ----------
    known
        one row per customer: customer_id, and what was known at acquisition: texts and numbers, null
        where unknown (which may be alike, too)
    group
        (n_customers,) truth value, who is in the chosen group
    most
        count, how many lookalikes; None for everybody outside the group

    Returns
    -------
    pd.DataFrame
        customer_id, likeness (log-odds; 0 is no more like the group than like the others), because (the
        column in which the customer is most like the group; null where in none). Rows: by likeness, among
        equals in the order of `known`.

    Raises
    ------
    TableError
        `known` holds nothing but customer_id, or the group has another length
    RangeError
        the group is empty or has all customers, or `most` is below 1

    Notes
    -----
    Σ ln((g_v + 1) / (G + k)) − ln((o_v + 1) / (O + k)) over the columns, where g_v of the G customers in the
    group and o_v of the O others have the customer's value, one of k. The ones keep a rare value from
    deciding alone.

    Examples
    --------
    >>> known = pd.DataFrame({"customer_id": [1, 2, 3, 4, 5], "channel": ["referral", "referral", "search",
    ...                       "referral", "search"]})
    >>> lookalikes(known, known["customer_id"] <= 2, most=1)
       customer_id  likeness  because
    0            4  0.628609  channel
    """
    chosen = np.asarray(group, dtype=bool)
    columns = [str(name) for name in known.columns if name != "customer_id"]
    _check(known, columns, chosen, most)
    parts = np.column_stack([_log_odds(_codes(known[name]), chosen) for name in columns])
    outside = np.flatnonzero(~chosen)
    parts = parts[outside].round(12)  # so that the order of summation changes no rank
    likeness = parts.sum(axis=1)
    best = np.argsort(-likeness, kind="stable")[:most]
    because = np.array(columns, dtype=object)[parts.argmax(axis=1)]
    because[parts.max(axis=1) <= 0] = None
    return pd.DataFrame(
        {
            "customer_id": known["customer_id"].iloc[outside[best]].array,
            "likeness": likeness[best],
            "because": because[best],
        }
    )


def _codes(column: pd.Series) -> Index:
    """(n_customers,) which value each has: texts as they are, numbers by tenths; unknown is a value, too."""
    if holds_numbers(column):
        numbers = column.to_numpy(dtype=np.float64, na_value=np.nan)
        there = numbers[np.isfinite(numbers)]
        cuts = np.unique(np.quantile(there, TENTHS)) if there.size else TENTHS
        column = pd.Series(np.where(np.isnan(numbers), -1, np.searchsorted(cuts, numbers)))
    codes = pd.factorize(column.astype(object), use_na_sentinel=False)[0]
    return codes.astype(np.intp)


def _log_odds(codes: Index, chosen: Flags) -> Floats:
    """(n_customers,) how much more common each customer's value is in the group than among the others."""
    values = codes.max() + 1
    inside = np.bincount(codes[chosen], minlength=values)
    outside = np.bincount(codes[~chosen], minlength=values)
    odds = np.log((inside + 1) / (chosen.sum() + values)) - np.log((outside + 1) / ((~chosen).sum() + values))
    return odds[codes]


def _check(known: pd.DataFrame, columns: list[str], chosen: Flags, most: int | None) -> None:
    if not columns:
        raise TableError(
            "Nothing is known of the customers at acquisition: give --customers with attributes, or amounts."
        )
    if chosen.shape != (len(known),):
        raise TableError(f"The group must say yes or no for {len(known)} customers, and has {chosen.shape}.")
    if chosen.all() or not chosen.any():
        size = "all customers" if chosen.all() else "no customer"
        raise RangeError(f"The group has {size}: choose some customers, and leave others to compare with.")
    if most is not None:
        at_least("most", most, 1)
