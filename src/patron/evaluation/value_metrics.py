"""Metrics of value predictions.

Every function takes the actual money first, then one number per customer in the same order.

==================  ====================================================  =============  ===================
metric              meaning                                               perfect        no information
==================  ====================================================  =============  ===================
gini                area under the gains curve, as a share of that of     1              0
                    the best possible order
spearman            correlation of the ranks                              1              0
mae                 mean distance of expected from actual money           0              –
total_bias          expected total over actual total, less 1              0              –
top_decile_share    share of all money from the predicted top tenth       –              0.1
coverage            share of customers within their interval              its level      –
coverage_open       the same, of those whose interval is not a point      its level      –
==================  ====================================================  =============  ===================

Money may be negative if refunds exceed purchases. Ties are split evenly: customers with the same expectation
count as if their order were random.
"""

from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import rankdata

from patron.arrays import Floats
from patron.checks import at_least, same_length
from patron.errors import InputError, RangeError
from patron.evaluation.metrics import gains_curve

__all__ = [
    "INTERVAL_METRICS",
    "VALUE_METRICS",
    "decile_table",
    "interval_metrics",
    "value_metrics",
    "within_interval",
]


VALUE_METRICS = ("gini", "spearman", "mae", "total_bias", "top_decile_share")
"""Metrics of one expected amount of money per customer."""

INTERVAL_METRICS = ("coverage", "coverage_open")
"""Metrics that only an interval has."""


def value_metrics(actual: Any, expected: Any) -> dict[str, float]:
    """The metrics of expected values: `VALUE_METRICS`.

    Parameters
    ----------
    actual
        (n_customers,) money of each customer; negative if refunds exceed purchases
    expected
        (n_customers,) expected money

    Returns
    -------
    dict[str, float]
        Metric → number; NaN if undefined: no customer spent anything, or all expectations are equal

    Raises
    ------
    InputError
        no customers, different lengths, or a number that is missing or infinite

    Notes
    -----
    Put customers in the order of `expected`, the highest first, and draw the share of all money against the
    share of customers: A is the area between that curve and the diagonal, and gini = A(by expected) /
    A(by actual). total_bias = Σ expected / Σ actual - 1.

    References
    ----------
    Lorenz (1905), Publications of the American Statistical Association 9, 209-219. Malthouse & Blattberg
    (2005), Journal of Interactive Marketing 19, 2-16 (the top fifth of customers found).

    Examples
    --------
    >>> metrics = value_metrics([100.0, 0.0, 20.0, 0.0], expected=[60.0, 5.0, 30.0, 1.0])
    >>> {name: round(number, 3) for name, number in metrics.items()}
    {'gini': 1.0, 'spearman': 0.949, 'mae': 14.0, 'total_bias': -0.2, 'top_decile_share': 0.333}
    """
    money, guess = _pair(actual, expected)
    total = money.sum()
    defined = total > 0
    perfect = _area(money, money) if defined else 0.0
    return {
        "gini": float(_area(money, guess) / perfect) if perfect > 0 else np.nan,
        "spearman": _correlation(rankdata(money), rankdata(guess)),
        "mae": float(np.abs(money - guess).mean()),
        "total_bias": float(guess.sum() / total - 1) if defined else np.nan,
        "top_decile_share": float(np.interp(len(money) / 10, *gains_curve(money, guess)) / total)
        if defined
        else np.nan,
    }


def interval_metrics(actual: Any, low: Any, high: Any) -> dict[str, float]:
    """The coverage of prediction intervals: `INTERVAL_METRICS`.

    Parameters
    ----------
    actual
        (n_customers,) money of each customer
    low, high
        (n_customers,) bounds of each customer's interval, both inclusive

    Returns
    -------
    dict[str, float]
        Metric → number. If most customers are almost certain to buy nothing, their interval is the point 0
        and covers nearly always, so that `coverage` exceeds its level; `coverage_open` leaves them out and is
        NaN if none remain.

    Raises
    ------
    InputError
        as `value_metrics`
    RangeError
        an interval ends before it begins

    Examples
    --------
    >>> interval_metrics([0.0, 5.0, 50.0], low=[0.0, 0.0, 0.0], high=[0.0, 10.0, 40.0])
    {'coverage': 0.6666666666666666, 'coverage_open': 0.5}
    """
    inside = within_interval(actual, low, high)
    (_, bottom), (_, top) = _pair(actual, low), _pair(actual, high)
    is_open = top > bottom
    return {
        "coverage": float(inside.mean()),
        "coverage_open": float(inside[is_open].mean()) if is_open.any() else np.nan,
    }


def within_interval(actual: Any, low: Any, high: Any) -> Floats:
    """Whether the actual value lies in its interval.

    Parameters
    ----------
    actual, low, high
        see `interval_metrics`

    Returns
    -------
    Floats
        (n_customers,) 1 or 0

    Raises
    ------
    InputError, RangeError
        see `interval_metrics`

    Examples
    --------
    >>> within_interval([0.0, 5.0, 50.0], low=[0.0, 0.0, 0.0], high=[0.0, 10.0, 40.0])
    array([1., 1., 0.])
    """
    money, bottom = _pair(actual, low)
    _, top = _pair(actual, high)
    if (top < bottom).any():
        raise RangeError(f"{(top < bottom).sum()} intervals have a high below their low. Swap the two.")
    slack = 1e-9 * np.abs(money)
    inside = (bottom <= money + slack) & (money - slack <= top)
    return inside.astype(np.float64)


def decile_table(actual: Any, expected: Any, *, bins: int = 10) -> pd.DataFrame:
    """Expected and actual money by decile of the expected value, highest first.

    Parameters
    ----------
    actual, expected
        see `value_metrics`
    bins
        slices of equally many customers, ≥ 1

    Returns
    -------
    pd.DataFrame
        One row per slice: `bin` (1, 2, …), `customers`, mean `expected` and `actual` money per customer,
        `share` of all actual money and `cumulative_share`. Customers at a border are split, so
        numbers of customers may be fractions.

    Raises
    ------
    InputError
        as `value_metrics`
    RangeError
        `bins` below 1

    Examples
    --------
    >>> decile_table([100.0, 0.0, 20.0, 0.0], [60.0, 5.0, 30.0, 1.0], bins=2).round(2)
       bin  customers  expected  actual  share  cumulative_share
    0    1        2.0      45.0    60.0    1.0               1.0
    1    2        2.0       3.0     0.0    0.0               1.0
    """
    at_least("bins", bins, 1)
    money, guess = _pair(actual, expected)
    edges = np.linspace(0, len(money), bins + 1)
    size = np.diff(edges)
    brought = np.diff(np.interp(edges, *gains_curve(money, guess)))
    hoped = np.diff(np.interp(edges, *gains_curve(guess, guess)))
    total = money.sum()
    share = brought / total if total > 0 else np.full(bins, np.nan)
    return pd.DataFrame(
        {
            "bin": np.arange(1, bins + 1),
            "customers": size,
            "expected": hoped / size,
            "actual": brought / size,
            "share": share,
            "cumulative_share": share.cumsum(),
        }
    )


def _area(money: Floats, guess: Floats) -> float:
    """Area between the gains curve and the diagonal, both as shares."""
    reached, found = gains_curve(money, guess)
    return float(np.trapezoid(found / found[-1], reached / reached[-1]) - 0.5)


def _correlation(a: Floats, b: Floats) -> float:
    a, b = a - a.mean(), b - b.mean()
    spread = np.sqrt((a @ a) * (b @ b))
    return float(a @ b / spread) if spread > 0 else np.nan


def _pair(actual: Any, expected: Any) -> tuple[Floats, Floats]:
    money, guess = (
        pd.Series(given).to_numpy(dtype=np.float64, na_value=np.nan) for given in (actual, expected)
    )
    if len(money) == 0:
        raise InputError("actual is empty. Metrics need at least one customer.")
    same_length(actual=money, expected=guess)
    for name, numbers in (("actual", money), ("expected", guess)):
        strange = ~np.isfinite(numbers)
        if strange.any():
            raise InputError(
                f"{strange.sum()} of {len(numbers)} numbers of {name} are missing or infinite. "
                "Leave those customers out."
            )
    return money, guess
