"""BTYD features of a training snapshot: purchase and spend models fitted that day, and their expectations."""

import warnings
from typing import Literal

import numpy as np
import pandas as pd

from patron.errors import InputError, PatronWarning
from patron.models.ensemble.tree_columns import BTYD_COLUMNS, with_expected_value
from patron.models.value.gamma_gamma import GammaGammaModel
from patron.models.value.model import CustomerValueModel
from patron.models.value.purchases.model import BetaGeoModel
from patron.models.value.rfm import RFM_COLUMNS

__all__ = ["btyd_features", "fit_by_mode"]

_DRAWS = 100  # maximum number of posterior draws that an expectation is averaged over


def fit_by_mode(
    rfm: pd.DataFrame,
    *,
    family: Literal["bgnbd", "mbgnbd"] = "bgnbd",
    margin: float = 1.0,
    annual_discount_rate: float = 0.0,
    random_state: int = 0,
) -> CustomerValueModel | None:
    """The purchase and spend models of these customers, fitted by the mode; None where they cannot be fitted.

    Parameters
    ----------
    rfm
        one row per customer of one day: customer_id and the RFM columns
    family
        "bgnbd" or "mbgnbd", of the purchase model
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
    >>> fit_by_mode(rfm).purchases.inference
    'map'
    """
    model = CustomerValueModel(
        BetaGeoModel(family=family, inference="map", random_state=random_state),
        GammaGammaModel(inference="map", random_state=random_state),
        margin=margin,
        annual_discount_rate=annual_discount_rate,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PatronWarning)  # about parameters that nobody reads
        try:
            return model.fit(rfm)
        except InputError:  # nobody has bought twice, and there is no order value
            return None


def btyd_features(
    value: CustomerValueModel | None, features: pd.DataFrame, horizon_days: float
) -> pd.DataFrame:
    """The BTYD columns of each customer: what the purchase and spend models expect in the horizon.

    Parameters
    ----------
    value
        fitted on what was known on the day of the rows; None where there is none
    features
        (n_customers, …) rows of one day: the RFM columns and any others
    horizon_days
        days ahead

    Returns
    -------
    pd.DataFrame
        (n_customers, 5) the columns of `BTYD_COLUMNS`, indexed like `features`; money before margin and
        discount; missing without a model

    Examples
    --------
    >>> value = CustomerValueModel(BetaGeoModel.from_params(r=0.243, alpha=30.9, a=0.793, b=2.426),
    ...                            GammaGammaModel.from_params(p=6.25, q=3.74, v=15.44))
    >>> row = pd.DataFrame({"frequency": [2], "recency": [213], "T": [272], "monetary_value": [22.35]})
    >>> btyd_features(value, row, 90).round(2).iloc[0].to_dict()
    {'p_alive': 0.73, 'p_no_purchase': 0.68, 'expected_purchases': 0.45, 'expected_order_value': 24.66,
     'expected_value': 11.16}
    """
    if value is None or len(features) == 0:
        return pd.DataFrame(np.nan, index=features.index, columns=list(BTYD_COLUMNS))
    rfm = features[list(RFM_COLUMNS)].reset_index(drop=True)
    rfm.insert(0, "customer_id", np.arange(len(rfm)))  # ids may be null or come twice
    found = value.expectations(rfm, horizon_days, annual_discount_rate=0.0, n_draws=_DRAWS)
    return pd.DataFrame(with_expected_value(found), index=features.index)
