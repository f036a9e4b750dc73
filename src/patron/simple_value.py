"""Simple lifetime value, a plausibility check of the model's: three formulas and the rules that go with them.

Each formula treats all customers as one average customer. That makes it easy to check by hand, and wrong for
most customers; `compare_with_model` compares each with the model's value and explains the difference. NumPy
only; any module may use it. Unknown values are NaN, never infinite.

References
----------
Gupta & Lehmann (2003), Customers as assets, Journal of Interactive Marketing 17(1), 9-24: the margin
multiple. Blattberg & Deighton (1996), Manage marketing by the customer equity test, Harvard Business Review
74(4), 136-144: what acquiring and keeping may cost. Fader & Hardie (2010), Customer-base valuation in a
contractual setting, Marketing Science 29(1), 85-93: why one retention rate for all values the loyal too low.
"""

from dataclasses import dataclass

import numpy as np

from patron.arrays import Floats, Real
from patron.checks import at_least, positive, shares

__all__ = [
    "RULE_OF_THREE",
    "SimpleValue",
    "churn_over",
    "compare_with_model",
    "discounted_cash_flow",
    "margin_multiple",
    "marginal_cost",
    "most_to_acquire",
    "most_to_keep",
    "profit_times_years",
    "value_to_cost",
]


RULE_OF_THREE = 3.0
"""Customary minimum of lifetime value over acquisition cost. A rule of thumb: it leaves room for overheads
that are not allocated, and does not consider when the money comes back."""

_WHY = {
    "profit_times_years": "It counts every year in full, though money that comes later is worth less and "
    "fewer and fewer customers are left to pay it; and the number of years is a guess.",
    "margin_multiple": "It gives every customer the same retention for ever. Customers differ, and those who "
    "are left are the loyal ones, so it is too low for them and too high for those about to go.",
    "margin_multiple_first_now": "As the margin multiple, and it counts besides the margin of today, which "
    "the model's value, of the days ahead, holds only as far as it is still to come.",
    "discounted_cash_flow": "It stops with the last year of the plan and loses the mean share of customers "
    "each year, where the model knows who is likely to stay.",
}


def profit_times_years(yearly_profit: Real, years: Real, acquisition_cost: float = 0.0) -> Floats:
    """Yearly profit × years − acquisition cost.

    Parameters
    ----------
    yearly_profit
        any shape, money a year
    years
        broadcasts against it, how long a customer stays
    acquisition_cost
        money, what it took to win the customer

    Returns
    -------
    Floats
        the common shape, money

    Examples
    --------
    >>> profit_times_years(120.0, 4, acquisition_cost=80.0)
    array(400.)
    """
    return np.asarray(np.multiply(yearly_profit, years, dtype=np.float64) - acquisition_cost)


def margin_multiple(retention: Real, annual_rate: float, *, first_margin_now: bool = False) -> Floats:
    """The multiple of the yearly margin that all future years are worth.

    Parameters
    ----------
    retention
        any shape, probability in [0, 1] of staying another year, the same every year
    annual_rate
        discount rate i ≥ 0 a year; 10 % is 0.10
    first_margin_now
        whether a first margin is paid today, by everyone

    Returns
    -------
    Floats
        the shape of `retention`: r ÷ (1 + i − r), or (1 + i) ÷ (1 + i − r) with the first margin now; NaN
        where r = 1 and i = 0, for which there is no finite value

    Raises
    ------
    RangeError
        a retention outside [0, 1] or a negative rate

    References
    ----------
    Gupta & Lehmann (2003), Journal of Interactive Marketing 17(1), 9-24: 90 % and 12 % give 4.09.

    Examples
    --------
    >>> margin_multiple(0.9, 0.12).round(2), margin_multiple(0.9, 0.12, first_margin_now=True).round(2)
    (np.float64(4.09), np.float64(5.09))
    """
    r, i = _shares("retention", retention), _rate(annual_rate)
    left = 1 + i - r
    above = np.full_like(r, 1 + i) if first_margin_now else r
    return np.divide(above, left, out=np.full_like(r, np.nan), where=left > 0)


def discounted_cash_flow(
    cash_flows: Real, annual_rate: float, *, retention: float = 1.0, first_flow_now: bool = False
) -> float:
    """Today's value of a plan of yearly cash flows from one customer.

    Parameters
    ----------
    cash_flows
        (n_years,) money a year, while the customer stays
    annual_rate
        discount rate i ≥ 0 a year
    retention
        probability r in [0, 1] of staying another year; 1 where the flows hold the losses already
    first_flow_now
        whether the first flow comes today instead of in a year

    Returns
    -------
    float
        money: Σ flow·(r ÷ (1 + i))^t for t = 1, 2, … or, with the first one now, t = 0, 1, …

    Raises
    ------
    RangeError
        a retention outside [0, 1] or a negative rate

    Examples
    --------
    >>> round(discounted_cash_flow([100.0, 100.0], 0.10, retention=0.8), 2)
    125.62
    """
    flows = np.asarray(cash_flows, dtype=np.float64)
    years = np.arange(flows.size) + (0 if first_flow_now else 1)
    step = float(_shares("retention", retention)) / (1 + _rate(annual_rate))
    return float(np.sum(flows * step**years))


@dataclass(frozen=True, slots=True, kw_only=True)
class SimpleValue:
    """A simple lifetime value of one average customer, and the model's mean.

    Attributes
    ----------
    method
        which formula
    value
        money, by the formula, less the acquisition cost; NaN where it has none
    model_value
        money, the model's mean, less the acquisition cost; NaN where there is no model
    why
        a sentence on why the two differ
    """

    method: str
    value: float
    model_value: float
    why: str


def compare_with_model(
    *,
    yearly_margin: float,
    retention: float,
    annual_rate: float,
    years: float,
    model_value: float = np.nan,
    acquisition_cost: float = 0.0,
) -> list[SimpleValue]:
    """Every simple formula for one average customer, compared with the model.

    Parameters
    ----------
    yearly_margin
        money a year, mean of the customers who are active
    retention
        probability in [0, 1] of staying another year
    annual_rate
        discount rate ≥ 0 a year
    years
        > 0, how many years the first and, in whole years, the last formula count
    model_value
        money, mean of the model's value of what is ahead; NaN where there is no model
    acquisition_cost
        money, taken from every value; NaN counts as 0

    Returns
    -------
    list[SimpleValue]
        list of `SimpleValue`, one per formula

    Examples
    --------
    >>> found = compare_with_model(
    ...     yearly_margin=100.0, retention=0.8, annual_rate=0.10, years=5, model_value=310.0
    ... )
    >>> {one.method: round(one.value) for one in found}
    {'profit_times_years': 500, 'margin_multiple': 267, 'margin_multiple_first_now': 367,
    'discounted_cash_flow': 212}
    """
    cost = 0.0 if np.isnan(acquisition_cost) else acquisition_cost
    values = {
        "profit_times_years": float(profit_times_years(yearly_margin, years)),
        "margin_multiple": yearly_margin * float(margin_multiple(retention, annual_rate)),
        "margin_multiple_first_now": yearly_margin
        * float(margin_multiple(retention, annual_rate, first_margin_now=True)),
        "discounted_cash_flow": discounted_cash_flow(
            np.full(int(np.ceil(years)), yearly_margin), annual_rate, retention=retention
        ),
    }
    return [
        SimpleValue(method=method, value=value - cost, model_value=model_value - cost, why=_WHY[method])
        for method, value in values.items()
    ]


def value_to_cost(value: Real, acquisition_cost: Real) -> Floats:
    """Lifetime value over acquisition cost, LTV:CAC.

    Parameters
    ----------
    value
        any shape, money, before the acquisition cost
    acquisition_cost
        broadcasts against it, money

    Returns
    -------
    Floats
        the common shape; NaN, and never infinite, where the cost is 0, negative or unknown

    Examples
    --------
    >>> value_to_cost([300.0, 300.0, 300.0], [75.0, 0.0, np.nan])
    array([ 4., nan, nan])
    """
    above, below = np.broadcast_arrays(_floats(value), _floats(acquisition_cost))
    ratio: Floats = np.divide(above, below, out=np.full(above.shape, np.nan), where=below > 0)
    return ratio


def marginal_cost(spend: Real, won: Real) -> Floats:
    """What one more customer cost, from each period to the next.

    Parameters
    ----------
    spend
        (n_periods,) money, in order of time
    won
        (n_periods,) count, customers won

    Returns
    -------
    Floats
        (n_periods,) money, change of spend ÷ change of customers; NaN for the first period, and where the two
        did not move the same way, as more money that won nobody has no price a customer

    Examples
    --------
    >>> marginal_cost([1000.0, 1500.0, 1600.0], [50, 60, 55])
    array([nan, 50., nan])
    """
    more_spend, more_won = np.diff(_floats(spend)), np.diff(_floats(won))
    sound = more_spend * more_won > 0
    prices = np.divide(more_spend, more_won, out=np.full(sound.shape, np.nan), where=sound)
    return np.concatenate([[np.nan], prices])[: np.size(spend)]


def most_to_acquire(value: Real, ratio: float = 1.0) -> Floats:
    """The maximum profitable cost of acquiring a customer.

    Parameters
    ----------
    value
        any shape, money, lifetime value before the acquisition cost
    ratio
        required value per unit of cost, > 0: 1 leaves no profit, 3 is the rule of three

    Returns
    -------
    Floats
        the shape of `value`, money ≥ 0

    Examples
    --------
    >>> most_to_acquire([300.0, -20.0], ratio=RULE_OF_THREE)
    array([100.,   0.])
    """
    return np.asarray(np.maximum(_floats(value), 0.0) / positive("ratio", ratio))


def most_to_keep(value: Real, gain: Real) -> Floats:
    """The maximum profitable cost, per customer addressed, of retaining customers.

    Parameters
    ----------
    value
        any shape, money, lifetime value of a customer who stays
    gain
        broadcasts, by how much the effort raises the probability of staying, in [0, 1]; 5 points are 0.05

    Returns
    -------
    Floats
        the common shape, money ≥ 0

    Examples
    --------
    >>> most_to_keep(300.0, 0.05)
    array(15.)
    """
    return np.asarray(np.maximum(_floats(value), 0.0) * _shares("gain", gain))


def churn_over(churn: Real, periods: float) -> Floats:
    """The churn over several periods from that of one: twelve months make a year.

    Parameters
    ----------
    churn
        any shape, probability c in [0, 1] of leaving within one period
    periods
        ≥ 0, how many

    Returns
    -------
    Floats
        the shape of `churn`, 1 − (1 − c)^periods, which is less than c × periods

    Examples
    --------
    >>> churn_over(0.05, 12).round(4)
    np.float64(0.4596)
    """
    return np.asarray(1 - (1 - _shares("churn", churn)) ** periods)


def _floats(values: Real) -> Floats:
    return np.asarray(values, dtype=np.float64)


def _shares(name: str, values: Real) -> Floats:
    return shares(name, values, example="5 % as 0.05", unknown=True)


def _rate(annual_rate: float) -> float:
    return at_least("annual_rate", annual_rate, 0, hint="10 % is 0.10.")
