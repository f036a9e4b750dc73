"""Spend models that need no fit: nobody has bought twice, or all orders are worth the same."""

import warnings

import numpy as np
import pandas as pd

from patron.errors import InputError, PatronWarning
from patron.models.value.gamma_gamma import GammaGammaModel

__all__ = ["one_price", "population_spend"]

SAME = 1e-9  # amounts that differ by less, in parts of one, are one price
ALIKE = 1e6  # shape q of customers whose mean orders are all alike: their spread is 1/√q of the mean


def population_spend(rfm: pd.DataFrame) -> GammaGammaModel:
    """Gamma-Gamma with known parameters: mean and spread of single orders, customers all alike.

    Parameters
    ----------
    rfm
        one row per customer; first_order_value (money), if there is such a column, else monetary_value,
        says what orders are worth. Amounts that are missing or not positive are left out.

    Returns
    -------
    GammaGammaModel
        ready to predict

    Raises
    ------
    InputError
        no amount is positive

    Warns
    -----
    PatronWarning
        always, for the difference between customers is unknown

    Examples
    --------
    >>> rfm = pd.DataFrame({"customer_id": [1, 2], "frequency": [0, 0], "first_order_value": [10.0, 30.0]})
    >>> with warnings.catch_warnings(action="ignore"):
    ...     model = population_spend(rfm)
    >>> model.expected_spend(rfm.assign(monetary_value=0.0)).round(2).to_dict()
    {1: 20.0, 2: 20.0}
    """
    column = "first_order_value" if "first_order_value" in rfm.columns else "monetary_value"
    values = pd.to_numeric(rfm[column], errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
    known = values[np.isfinite(values) & (values > 0)]
    if known.size == 0:
        raise InputError(
            f"Nobody in rfm has bought twice, so the spend model cannot be fitted, and {column} holds no "
            "positive amount to fall back to. Add a column first_order_value, or take a longer history."
        )
    mean = float(known.mean())
    warnings.warn(
        f"Nobody has bought twice, so the spend model cannot be fitted: the expected order value of every "
        f"customer is {mean:.2f}, the mean of {column} of {known.size} customers.",
        PatronWarning,
        stacklevel=3,
    )
    return _alike(mean, spread=float(known.std()) / mean)


def one_price(rfm: pd.DataFrame) -> GammaGammaModel | None:
    """Gamma-Gamma of a business whose orders are all worth the same; None where they differ.

    Parameters
    ----------
    rfm
        one row per customer: frequency, and monetary_value (money) of those who have bought twice

    Examples
    --------
    >>> model = one_price(pd.DataFrame({"frequency": [3, 1], "monetary_value": [9.9, 9.9]}))
    >>> rfm = pd.DataFrame({"customer_id": [7], "frequency": [2], "monetary_value": [9.9]})
    >>> model.expected_spend(rfm).round(2).to_dict()
    {7: 9.9}
    """
    again = rfm.loc[rfm["frequency"].astype("float64") > 0, "monetary_value"]
    values = again.to_numpy(dtype=np.float64, na_value=np.nan)
    if values.size == 0 or np.ptp(values) > SAME * values.max():
        return None
    return _alike(float(values.mean()), spread=0.0)


def _alike(mean: float, spread: float) -> GammaGammaModel:
    p = 1 / max(spread, 1e-3) ** 2
    return GammaGammaModel.from_params(p=p, q=ALIKE, v=mean * (ALIKE - 1) / p)
