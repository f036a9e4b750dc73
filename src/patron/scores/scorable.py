"""Validation rules of the purchase columns: which feature rows can be scored.

A purchase model returns a number for any input, but it is meaningless for some, such as a purchase earlier
than the first one. Each rule is a sentence that holds for a valid row, and so is the reason why another row
has no score.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from patron.arrays import Flags, Floats
from patron.errors import InputError
from patron.models.churn.rows import Columns
from patron.models.value.rfm import RFM_COLUMNS

__all__ = ["LONGEST_AGE_DAYS", "broken_rules", "purchase_columns"]

type Purchases = Mapping[str, Floats]

"""What a purchase model needs to know about a customer."""

LONGEST_AGE_DAYS = 36_525
"""No customer is older than a century."""


class Rule(NamedTuple):
    """A validation rule.

    Attributes
    ----------
    sentence
        the rule that a valid row keeps
    broken
        from purchase columns to (n_rows,) whether each row breaks the rule
    """

    sentence: str
    broken: Callable[[Purchases], Flags]


def _must_be_known(name: str) -> Rule:
    return Rule(f"{name} must be a finite number", lambda rfm: ~np.isfinite(rfm[name]))


# NaN breaks only the rules about what is known, and those come first.
RULES = (
    *map(_must_be_known, RFM_COLUMNS),
    Rule(
        f"T must lie between 0 and {LONGEST_AGE_DAYS} days: it is the age at as_of since the first purchase",
        lambda rfm: (rfm["T"] < 0) | (rfm["T"] > LONGEST_AGE_DAYS),
    ),
    Rule(
        "frequency must be a whole number from 0 up: it counts the days with a repeat purchase",
        lambda rfm: (rfm["frequency"] < 0) | (np.floor(rfm["frequency"]) < rfm["frequency"]),
    ),
    Rule(
        "recency must lie between 0 and T: it is the age at the last purchase, not the days since then",
        lambda rfm: (rfm["recency"] < 0) | (rfm["recency"] > rfm["T"]),
    ),
    Rule(
        "recency must be 0 where frequency is 0, and above 0 where frequency is above 0",
        lambda rfm: (rfm["frequency"] > 0) != (rfm["recency"] > 0),
    ),
    Rule(
        "frequency must not exceed recency: a day holds one purchase occasion at most",
        lambda rfm: rfm["frequency"] > np.ceil(rfm["recency"]),
    ),
    Rule(
        "monetary_value must be above 0 where frequency is above 0, and not below 0 elsewhere",
        lambda rfm: (rfm["monetary_value"] < 0) | (rfm["frequency"] > 0) & (rfm["monetary_value"] == 0),
    ),
)


def purchase_columns(features: pd.DataFrame | Columns) -> dict[str, Floats]:
    """The four columns of `RFM_COLUMNS`: each (n_customers,) float64, NaN where null.

    Parameters
    ----------
    features
        feature rows

    Raises
    ------
    InputError
        a column is not there, or holds something that is no number

    Examples
    --------
    >>> row = {"frequency": 2, "recency": 30, "T": 90, "monetary_value": 9.5}
    >>> purchase_columns(pd.DataFrame([row]))["recency"]
    array([30.])
    """
    absent = [name for name in RFM_COLUMNS if name not in features]
    if absent:
        raise InputError(
            f"The feature rows lack {', '.join(absent)}: each row needs {', '.join(RFM_COLUMNS)}."
        )
    return {name: _floats(features[name], name) for name in RFM_COLUMNS}


def broken_rules(rfm: Purchases) -> npt.NDArray[np.object_]:
    """The first rule that each row breaks.

    Parameters
    ----------
    rfm
        frequency: count of repeat purchase days; recency, T: days; monetary_value: money; each
        (n_customers,)

    Returns
    -------
    npt.NDArray[np.object_]
        (n_customers,) a sentence, or None for a row that can be scored

    Examples
    --------
    >>> good = {"frequency": 2, "recency": 30, "T": 90, "monetary_value": 9.5}
    >>> broken_rules(purchase_columns(pd.DataFrame([good, {**good, "recency": 95}]))).tolist()
    [None, 'recency must lie between 0 and T: it is the age at the last purchase, not the days since then']
    """
    first = np.full(len(rfm["T"]), None, dtype=object)
    for rule in reversed(RULES):
        first[rule.broken(rfm)] = rule.sentence
    return first


def _floats(column: Any, name: str) -> Floats:
    if isinstance(column, np.ndarray) and column.dtype == np.float64:
        return column
    try:
        return pd.Series(column).to_numpy(dtype=np.float64, na_value=np.nan)
    except (TypeError, ValueError) as error:
        raise InputError(
            f"The column {name!r} of the feature rows must hold numbers, and is {column.dtype}."
        ) from error
