"""Days until the next purchase of a customer who is still alive, with an interval."""

import numpy as np
import pandas as pd

from patron.arrays import Floats
from patron.checks import share
from patron.models.value.model import CustomerValueModel
from patron.models.value.parameter_groups import parameter_groups, thinned
from patron.models.value.rfm import read_customers
from patron.money import DAYS_PER_UNIT

__all__ = ["next_purchase_range"]


_DRAWS = 50  # posterior draws: the range is wide, and its ends need no more
_BLOCK = 20_000  # customers at a time
_STEPS = 50  # halvings of the bracket on the scale of logarithms
_FARTHEST = 1e6  # time units


def next_purchase_range(
    model: CustomerValueModel, rfm: pd.DataFrame, *, interval: float = 0.8
) -> pd.DataFrame:
    """The days until each customer's next purchase, if the customer is still one.

    Parameters
    ----------
    model
        fitted value model
    rfm
        one row per customer: customer_id, frequency, recency, T, monetary_value
    interval
        probability in (0, 1) that the range holds

    Returns
    -------
    pd.DataFrame
        DataFrame, one row per row of `rfm`, in its order: customer_id, `median`, `low`, `high` (days from
        today)

    Raises
    ------
    TableError
        a row breaks a rule of RFM tables
    RangeError
        the interval lies outside (0, 1)

    Notes
    -----
    P(no purchase within τ | alive) = ((α + T)/(α + T + τ))^(r + x), averaged over posterior draws, x the
    repeat purchases and T the age; the ends of the range are where it has fallen to (1 ± interval)/2.

    References
    ----------
    Fader, Hardie & Lee (2005), Marketing Science 24(2), 275-284 (BG/NBD).

    Examples
    --------
    >>> from patron.models.value.purchases.model import BetaGeoModel
    >>> from patron.models.value.gamma_gamma import GammaGammaModel
    >>> model = CustomerValueModel(BetaGeoModel.from_params(r=0.243, alpha=30.9, a=0.793, b=2.426),
    ...                            GammaGammaModel.from_params(p=6.25, q=3.74, v=15.44))
    >>> rfm = pd.DataFrame({"customer_id": [7], "frequency": [26], "recency": [216], "T": [217],
    ...                     "monetary_value": [22.35]})
    >>> next_purchase_range(model, rfm).round(1).iloc[0].to_dict()
    {'customer_id': 7.0, 'median': 6.6, 'low': 1.0, 'high': 22.7}
    """
    share("interval", interval, ends="()", example="80 % as 0.80")
    customers = read_customers(rfm, purchases=True, spend=True)
    found = np.empty((3, len(customers)))
    for rows, draws in parameter_groups(model.purchases, model.spend, rfm):
        some = thinned(draws.purchases, _DRAWS)
        for begin in range(0, rows.size, _BLOCK):
            part = rows[begin : begin + _BLOCK]
            x, T = customers.frequency[part], customers.T[part]
            pairs, which = np.unique(np.column_stack([x, T]), axis=0, return_inverse=True)
            shape, age = some["r"] + pairs[:, :1], some["alpha"] + pairs[:, 1:]
            for number, left in enumerate((0.5, (1 + interval) / 2, (1 - interval) / 2)):
                found[number, part] = _wait(shape, age, left)[which.ravel()]
    days = found * DAYS_PER_UNIT[model.purchases.time_unit]
    return pd.DataFrame({"customer_id": customers.ids, "median": days[0], "low": days[1], "high": days[2]})


def _wait(shape: Floats, age: Floats, left: float) -> Floats:
    """(n,) time until the mean over draws of P(no purchase) has fallen to `left`; (n, n_draws) each."""
    low, high = np.full(len(shape), np.log(1e-6)), np.full(len(shape), np.log(_FARTHEST))
    for _step in range(_STEPS):
        middle = (low + high) / 2
        none = np.exp(-shape * np.log1p(np.exp(middle)[:, None] / age)).mean(axis=1)
        low, high = np.where(none > left, middle, low), np.where(none > left, high, middle)
    waited: Floats = np.exp((low + high) / 2)
    return waited
