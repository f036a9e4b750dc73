"""The columns that trees see of a customer: features, BTYD expectations, and the percentiles of both.

Trees see a customer's past but do not know how purchases come about; BG/NBD and Gamma-Gamma know that and
nothing else. So their expectations (see :mod:`patron.models.ensemble.btyd_features`) are columns among the
features of a day, and each number has its percentile among the customers of that day as a further column.
`tree_rows` builds these rows the same way for training snapshots and for scoring.
"""

from collections.abc import Mapping

import pandas as pd

from patron.arrays import Floats
from patron.errors import InputError
from patron.features.catalogue import FeatureCatalogue, FeatureSpec
from patron.models.churn.percentile_ranks import PERCENTILE, Percentiles

__all__ = [
    "BTYD_COLUMNS",
    "BTYD_SPECS",
    "btyd_columns",
    "ranked_columns",
    "spec_of",
    "tree_rows",
    "with_expected_value",
]

_HISTORY = "{frequency:repeat purchase} in {T:day}[, last order {days_since_last:day} ago]"
_ORDERS = "orders of about {expected_order_value:.2f} expected"


def _spec(name: str, family: str, unit: str, words: str) -> FeatureSpec:
    return FeatureSpec(name, family, unit, "number", words, when_none=None)


BTYD_SPECS = (
    _spec("p_alive", "purchase history", "probability", _HISTORY),
    _spec("p_no_purchase", "purchase history", "probability", _HISTORY),
    _spec("expected_purchases", "purchase history", "purchase", _HISTORY),
    _spec("expected_order_value", "spend", "money", _ORDERS),
    _spec("expected_value", "spend", "money", _ORDERS),
)
"""What the BTYD columns mean; the reason text of each names the figures that the expectation rests on."""

BTYD_COLUMNS = tuple(spec.name for spec in BTYD_SPECS)
_RANKED_ONLY = ("expected_order_value", "expected_value")  # as money they drift


def btyd_columns(predicted: pd.DataFrame) -> pd.DataFrame:
    """The BTYD columns, from the predictions of a :class:`patron.models.value.model.CustomerValueModel`.

    Parameters
    ----------
    predicted
        (n_customers, …) p_alive, p_no_purchase, expected_purchases, expected_order_value

    Returns
    -------
    pd.DataFrame
        (n_customers, 5) the columns of `BTYD_COLUMNS`, index 0, 1, 2, …
    """
    return pd.DataFrame(with_expected_value({name: predicted[name].to_numpy() for name in BTYD_COLUMNS[:4]}))


def with_expected_value(predicted: Mapping[str, Floats]) -> dict[str, Floats]:
    """The BTYD columns as arrays: the four expectations, and their product, the expected value.

    Parameters
    ----------
    predicted
        p_alive, p_no_purchase, expected_purchases and expected_order_value, (n_customers,) each

    Returns
    -------
    dict[str, Floats]
        the columns of `BTYD_COLUMNS`; expected_value is money before margin and discount
    """
    orders = {"expected_value": predicted["expected_purchases"] * predicted["expected_order_value"]}
    return {name: predicted[name] for name in BTYD_COLUMNS[:4]} | orders


def ranked_columns(catalogue: FeatureCatalogue) -> tuple[str, ...]:
    """The columns of `tree_rows` that also have a percentile column.

    Parameters
    ----------
    catalogue
        the features
    """
    return (*catalogue.numbers, *BTYD_COLUMNS)


def tree_rows(features: pd.DataFrame, percentiles: Percentiles, catalogue: FeatureCatalogue) -> pd.DataFrame:
    """The rows that trees are grown on and predict from.

    Parameters
    ----------
    features
        (n_customers, …) the features of the catalogue and the BTYD columns
    percentiles
        the grid of the customers of that day
    catalogue
        which features

    Returns
    -------
    pd.DataFrame
        (n_customers, n_columns) the features; the BTYD columns except money; the percentiles of all numbers

    Examples
    --------
    >>> catalogue = FeatureCatalogue(())
    >>> two = [[0.9, 0.2, 3.0, 20.0, 60.0], [0.1, 0.9, 0.1, 30.0, 3.0]]
    >>> day = pd.DataFrame(two, columns=list(BTYD_COLUMNS))
    >>> rows = tree_rows(day, Percentiles.learn(day, ranked_columns(catalogue)), catalogue)
    >>> rows[["p_no_purchase", "p_no_purchase_pct", "expected_value_pct"]].to_numpy().tolist()
    [[0.2, 0.25, 0.75], [0.9, 0.75, 0.25]]
    """
    seen = [*catalogue.names, *(name for name in BTYD_COLUMNS if name not in _RANKED_ONLY)]
    return pd.concat([features[seen], percentiles.place(features)], axis=1)


def spec_of(column: str, catalogue: FeatureCatalogue) -> FeatureSpec:
    """What a column of `tree_rows` means; a percentile has the specification of its feature.

    Parameters
    ----------
    column
        name of a column of `tree_rows`
    catalogue
        the features

    Raises
    ------
    InputError
        there is no such column

    Examples
    --------
    >>> spec_of("p_alive_pct", FeatureCatalogue(())).topic
    'purchase history'
    """
    for name in (column, column.removesuffix(PERCENTILE)):
        if name in catalogue:
            return catalogue[name]
        if name in _BY_NAME:
            return _BY_NAME[name]
    raise InputError(f"the column {column!r} is neither a feature of the catalogue nor a BTYD column.")


_BY_NAME: Mapping[str, FeatureSpec] = {spec.name: spec for spec in BTYD_SPECS}
