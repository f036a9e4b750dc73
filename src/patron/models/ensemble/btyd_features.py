"""What the laws of buying expect of each customer, as columns of a feature row.

Trees see a customer's past and know nothing of how purchases come about; BG/NBD and Gamma-Gamma know that and
nothing else. So what the two expect on a day stands among the features of that day, and each number stands
beside its percentile among the customers of the day: `tree_rows` puts it all together, in the same way for
the snapshots of a training and for whoever is scored.
"""

import warnings
from collections.abc import Mapping
from typing import Literal

import numpy as np
import pandas as pd

from patron.arrays import Floats
from patron.errors import InputError, PatronWarning
from patron.features.catalogue import FeatureCatalogue, FeatureSpec
from patron.models.churn.percentile_ranks import PERCENTILE, Percentiles
from patron.models.value.gamma_gamma import GammaGammaModel
from patron.models.value.model import CustomerValueModel
from patron.models.value.posterior_predictive import OutlookSettings
from patron.models.value.purchases import BetaGeoModel
from patron.models.value.query import ask_all
from patron.models.value.rfm import RFM_COLUMNS

__all__ = [
    "EXPECTED", "columns_of", "expectations", "expected_columns", "fit_quickly", "spec_of",
    "tree_columns", "tree_rows",
]  # fmt: skip


HISTORY = "{frequency:repeat purchase} in {T:day}[, last order {days_since_last:day} ago]"
ORDERS = "orders of about {expected_order_value:.2f} expected"


def _spec(name: str, family: str, unit: str, words: str) -> FeatureSpec:
    return FeatureSpec(name, family, unit, "number", words, when_none=None)


EXPECTED = (
    _spec("p_alive", "purchase history", "probability", HISTORY),
    _spec("p_no_purchase", "purchase history", "probability", HISTORY),
    _spec("expected_purchases", "purchase history", "purchase", HISTORY),
    _spec("expected_order_value", "spend", "money", ORDERS),
    _spec("expected_value", "spend", "money", ORDERS),
)
"""The columns; as a reason each says the figures that the expectation rests on."""

NAMES = tuple(spec.name for spec in EXPECTED)
_RANKED_ONLY = ("expected_order_value", "expected_value")  # as money they drift


def fit_quickly(
    rfm: pd.DataFrame,
    *,
    family: Literal["bgnbd", "mbgnbd"] = "bgnbd",
    margin: float = 1.0,
    annual_discount_rate: float = 0.0,
    random_state: int = 0,
) -> CustomerValueModel | None:
    """The purchase and spend models of these customers by their mode; None where they cannot be fitted.

    Parameters
    ----------
    rfm
        one row per customer of one day: customer_id and the RFM columns
    family
        of the purchase model
    margin, annual_discount_rate
        see :class:`patron.models.value.model.CustomerValueModel`
    random_state
        seed

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> rfm = pd.DataFrame({"customer_id": range(300), "frequency": rng.poisson(2, 300), "T": 200.0})
    >>> rfm["recency"] = np.where(rfm["frequency"] > 0, 200 * rng.beta(rfm["frequency"] + 0.5, 1), 0.0)
    >>> rfm["monetary_value"] = np.where(rfm["frequency"] > 0, rng.gamma(6, 5, 300), 0.0)
    >>> fit_quickly(rfm).purchases.inference
    'map'
    """
    model = CustomerValueModel(
        BetaGeoModel(family=family, inference="map", random_state=random_state),
        GammaGammaModel(inference="map", random_state=random_state),
        margin=margin,
        annual_discount_rate=annual_discount_rate,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PatronWarning)  # of parameters that nobody reads: trees are judged
        try:
            return model.fit(rfm)
        except InputError:  # nobody has bought twice, and no order says what one is worth
            return None


def expected_columns(
    value: CustomerValueModel | None, features: pd.DataFrame, horizon_days: float
) -> pd.DataFrame:
    """What a model expects of each customer in the horizon.

    Parameters
    ----------
    value
        fitted on what was known on the day of the rows; None where there is none
    features
        (n_customers, …) rows of one day: the RFM columns, whatever else there is
    horizon_days
        days ahead

    Returns
    -------
    pd.DataFrame
        (n_customers, 5) the columns of `EXPECTED`, indexed like `features`; money before margin and discount;
        missing without a model

    Examples
    --------
    >>> value = CustomerValueModel(BetaGeoModel.from_params(r=0.243, alpha=30.9, a=0.793, b=2.426),
    ...                            GammaGammaModel.from_params(p=6.25, q=3.74, v=15.44))
    >>> row = pd.DataFrame({"frequency": [2], "recency": [213], "T": [272], "monetary_value": [22.35]})
    >>> expected_columns(value, row, 90).round(2).iloc[0].to_dict()
    {'p_alive': 0.73, 'p_no_purchase': 0.68, 'expected_purchases': 0.45, 'expected_order_value': 24.66,
     'expected_value': 11.16}
    """
    if value is None or len(features) == 0:
        return pd.DataFrame(np.nan, index=features.index, columns=list(NAMES))
    rfm = features[list(RFM_COLUMNS)].reset_index(drop=True)
    rfm.insert(0, "customer_id", np.arange(len(rfm)))  # ids may be null or come twice
    ahead = OutlookSettings(
        horizon=horizon_days, value_horizon=horizon_days, rate=0.0, n_draws=100, random_state=0, level=0.8
    )
    _, found = ask_all(lambda outlook, _: outlook.expectations(), value.purchases, value.spend, rfm, ahead)
    names = zip(NAMES, ("p_alive", "p_no_purchase", "purchases", "order_value"), strict=False)
    return pd.DataFrame(expectations({name: found[said] for name, said in names}), index=features.index)


def columns_of(predicted: pd.DataFrame) -> pd.DataFrame:
    """The columns of `EXPECTED`, from the predictions of a `CustomerValueModel`."""
    return pd.DataFrame(expectations({name: predicted[name].to_numpy() for name in NAMES[:4]}))


def expectations(predicted: Mapping[str, Floats]) -> dict[str, Floats]:
    """The same as arrays."""
    orders = {"expected_value": predicted["expected_purchases"] * predicted["expected_order_value"]}
    return {name: predicted[name] for name in NAMES[:4]} | orders


def tree_columns(catalogue: FeatureCatalogue) -> tuple[str, ...]:
    """The columns of `tree_rows` that have a percentile beside them."""
    return (*catalogue.numbers, *NAMES)


def tree_rows(features: pd.DataFrame, percentiles: Percentiles, catalogue: FeatureCatalogue) -> pd.DataFrame:
    """All that trees see of a customer.

    Parameters
    ----------
    features
        (n_customers, …) the features of the catalogue and the columns of `EXPECTED`
    percentiles
        the grid of the customers of that day
    catalogue
        which features

    Returns
    -------
    pd.DataFrame
        (n_customers, n_columns) the features; what is expected, but money; then the percentiles of all
        numbers

    Examples
    --------
    >>> catalogue = FeatureCatalogue(())
    >>> day = pd.DataFrame([[0.9, 0.2, 3.0, 20.0, 60.0], [0.1, 0.9, 0.1, 30.0, 3.0]], columns=list(NAMES))
    >>> rows = tree_rows(day, Percentiles.learn(day, tree_columns(catalogue)), catalogue)
    >>> rows[["p_no_purchase", "p_no_purchase_pct", "expected_value_pct"]].to_numpy().tolist()
    [[0.2, 0.25, 0.75], [0.9, 0.75, 0.25]]
    """
    seen = [*catalogue.names, *(name for name in NAMES if name not in _RANKED_ONLY)]
    return pd.concat([features[seen], percentiles.place(features)], axis=1)


def spec_of(column: str, catalogue: FeatureCatalogue) -> FeatureSpec:
    """What a column of `tree_rows` is about: the feature itself, also for its percentile.

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
    raise InputError(
        f"the column {column!r} is neither a feature of the catalogue nor expected of customers."
    )


_BY_NAME: Mapping[str, FeatureSpec] = {spec.name: spec for spec in EXPECTED}
