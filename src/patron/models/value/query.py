"""Customers → an outlook on them: who shares parameters, and how far to look.

`ask_all` puts one question to the outlook of each segment of customers; `ask_checked` is the short way for
customers who have been checked and models without covariates.
"""

import warnings
from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd

from patron.arrays import Floats, Index
from patron.errors import PatronWarning, RangeError, TableError
from patron.models.inference.estimator import whole_number
from patron.models.value.gamma_gamma import GammaGammaModel
from patron.models.value.parameter_groups import one_segment, segments_of
from patron.models.value.posterior_predictive import Buyers, Outlook, OutlookSettings
from patron.models.value.purchases import BetaGeoModel
from patron.models.value.rfm import Customers, read_customers
from patron.money import continuous_rate, convert_period

__all__ = ["Question", "ask_all", "ask_checked", "positive_days", "settings_in_days"]


MANY = 1000  # segments from which on waiting is announced: each takes about 20 milliseconds

type Question = Callable[[Outlook, Index], Mapping[str, Floats]]


def ask_all(
    question: Question,
    purchases: BetaGeoModel,
    spend: GammaGammaModel,
    rfm: pd.DataFrame,
    settings: OutlookSettings,
) -> tuple[Customers, dict[str, Floats]]:
    """The customers of `rfm`, and the answers to `question` for each, in the order of the rows.

    `question` is asked of the outlook of each segment of customers, with the rows that are in it.
    """
    customers = read_customers(rfm, purchases=True, spend=True)
    buyers = _buyers(customers)
    found: dict[str, Floats] = {}
    segments = segments_of(purchases, spend, rfm)
    if len(segments) > MANY:
        warnings.warn(
            f"the covariates tell {len(segments):,} kinds of customers apart, and each takes about 20 "
            "milliseconds. Put numbers into bands before fitting: every band is one kind.",
            PatronWarning,
            stacklevel=4,
        )
    for rows, draws in segments:
        for name, values in question(Outlook(draws, buyers[rows], settings), rows).items():
            found.setdefault(name, np.empty(len(customers)))[rows] = values
    return customers, found


def ask_checked(
    purchases: BetaGeoModel, spend: GammaGammaModel, customers: Customers, settings: OutlookSettings
) -> dict[str, Floats]:
    """The columns of the outlook on customers who have been checked, by models without covariates.

    Raises
    ------
    TableError
        a model has covariates
    """
    draws = one_segment(purchases, spend)
    if draws is None:
        raise TableError("The value model has covariates, and these customers come without.")
    return Outlook(draws, _buyers(customers), settings).columns()


def settings_in_days(
    horizon_days: float,
    value_horizon_days: float,
    annual_discount_rate: float,
    unit: str,
    interval: float,
    *,
    n_draws: int,
    random_state: int,
) -> OutlookSettings:
    """The settings of an outlook in a time unit, from days.

    Raises
    ------
    RangeError
        a horizon, the interval, n_draws or random_state is out of range
    """
    if not 0 < interval < 1:
        raise RangeError(f"interval must lie between 0 and 1, got {interval!r}. Write 80 % as 0.80.")
    if n_draws < 10:
        raise RangeError(f"n_draws must be at least 10 for an interval, got {n_draws!r}. 200 is plenty.")
    whole_number(random_state, "random_state", least=0)
    rate = continuous_rate(annual_discount_rate, unit)
    value_horizon = positive_days(value_horizon_days, "value_horizon_days", endless=rate > 0)
    return OutlookSettings(
        horizon=float(convert_period(positive_days(horizon_days, "horizon_days"), "D", to=unit)),
        value_horizon=float(convert_period(value_horizon, "D", to=unit)),
        rate=rate,
        n_draws=n_draws,
        random_state=random_state,
        level=interval,
    )


def positive_days(days: float, name: str, endless: bool = False) -> float:
    """The days, if they are positive, and finite unless `endless`.

    Raises
    ------
    RangeError
        they are not

    Examples
    --------
    >>> positive_days(90, "horizon_days")
    90.0
    """
    if not days > 0 or (np.isinf(days) and not endless):  # written so that NaN fails too
        hint = " A whole lifetime needs value_horizon_days and a discount rate above 0." if days > 0 else ""
        raise RangeError(f"{name} must be a positive number of days, got {days!r}.{hint}")
    return float(days)


def _buyers(customers: Customers) -> Buyers:
    seen = np.where(customers.frequency > 0, customers.monetary_value, 0.0)
    return Buyers(customers.frequency, customers.recency, customers.T, seen)
