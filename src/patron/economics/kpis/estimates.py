"""An indicator with its numerator, denominator, sample size and 95 % interval, or the reason for a gap.

References
----------
Wilson (1927), Journal of the American Statistical Association 22(158), 209-212 (shares). Brown, Cai &
DasGupta (2001), Statistical Science 16(2), 101-133 (why not the plain interval). Cochran (1977), Sampling
Techniques, ch. 6 (ratios of sums). Oehlert (1992), The American Statistician 46(1), 27-29 (the delta method).
"""

from dataclasses import dataclass, replace

import numpy as np
from scipy import stats

__all__ = ["COUNTED", "LEVEL", "Estimate", "Z", "complement", "count", "mean", "ratio", "share", "unknown"]

LEVEL = 0.95
"""Confidence level of the intervals."""

COUNTED = "counted in full, which has no interval"

Z = float(stats.norm.ppf(0.5 + LEVEL / 2))
"""Normal quantile of the level."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A number, its parts, and its uncertainty.

    Attributes
    ----------
    value
        the number; None if it is missing
    numerator, denominator
        the two parts of a rate; None for a number that is not one
    n
        sample size: customers, leads or answers
    low, high
        ends of the 95 % interval; None if there is none
    reason
        why the value or its interval is missing; None if neither is

    Examples
    --------
    >>> Estimate(value=0.25, numerator=1.0, denominator=4.0, n=4, low=0.05, high=0.70).reason is None
    True
    """

    value: float | None = None
    numerator: float | None = None
    denominator: float | None = None
    n: int = 0
    low: float | None = None
    high: float | None = None
    reason: str | None = None


def unknown(reason: str, *, numerator: float | None = None, n: int = 0) -> Estimate:
    """A missing number, with the reason.

    Parameters
    ----------
    reason
        why it is missing
    numerator
        the numerator, if known
    n
        sample size, if known

    Examples
    --------
    >>> unknown("no surveys").value is None
    True
    """
    return Estimate(numerator=numerator, n=n, reason=reason)


def count(number: float, n: int | None = None) -> Estimate:
    """A number that was counted, not estimated.

    Parameters
    ----------
    number
        of customers, leads or money
    n
        sample size; None for the number itself

    Examples
    --------
    >>> count(12).value, count(12).n
    (12.0, 12)
    """
    return Estimate(value=float(number), n=int(number) if n is None else n, reason=COUNTED)


def share(part: float, whole: float, *, empty: str) -> Estimate:
    """A share with Wilson's interval.

    Parameters
    ----------
    part, whole
        counts, 0 ≤ part ≤ whole
    empty
        the reason if `whole` is 0

    Notes
    -----
    (p + z²/2n ± z √(p(1 − p)/n + z²/4n²)) ÷ (1 + z²/n), which stays within [0, 1].

    Examples
    --------
    >>> quarter = share(1, 4, empty="nobody")
    >>> quarter.value, round(quarter.low, 3), round(quarter.high, 3)
    (0.25, 0.046, 0.699)
    """
    if whole <= 0:
        return Estimate(numerator=float(part), denominator=0.0, reason=empty)
    p, shrink = part / whole, Z**2 / whole
    centre = p + shrink / 2
    half = Z * np.sqrt(p * (1 - p) / whole + shrink / (4 * whole))
    low, high = (centre - half) / (1 + shrink), (centre + half) / (1 + shrink)
    return Estimate(
        value=p,
        numerator=float(part),
        denominator=float(whole),
        n=int(whole),
        low=float(max(low, 0.0)) if part > 0 else 0.0,
        high=float(min(high, 1.0)) if part < whole else 1.0,
    )


def mean(total: float, squares: float, n: int, *, empty: str, least: float | None = None) -> Estimate:
    """A mean with Student's interval, on the log scale if no number is negative.

    Parameters
    ----------
    total, squares
        sum of the numbers and of their squares
    n
        sample size
    empty
        the reason if `n` is 0
    least
        the smallest number, or a lower bound; None if numbers may be negative

    Notes
    -----
    m ± t·s/√n with the mean m, the standard deviation s and the quantile t of n − 1 degrees of freedom. For
    numbers ≥ 0 it is m·exp(±t·s/(m√n)), by the delta method: money per customer is skewed, so the symmetric
    interval would reach below 0 and be too short above.

    Examples
    --------
    >>> of_three = mean(60.0, 1400.0, 3, empty="nobody")
    >>> of_three.value, round(of_three.low, 2), round(of_three.high, 2)
    (20.0, -4.84, 44.84)
    >>> spent = mean(60.0, 1400.0, 3, empty="nobody", least=10.0)
    >>> spent.value, round(spent.low, 2), round(spent.high, 2)
    (20.0, 5.78, 69.26)
    """
    if n == 0:
        return Estimate(numerator=0.0, denominator=0.0, reason=empty)
    found = Estimate(value=total / n, numerator=float(total), denominator=float(n), n=n)
    if n == 1:
        return replace(found, reason="a sample of one has no interval")
    variance = max(squares - total**2 / n, 0.0) / (n - 1)
    half = float(stats.t.ppf(0.5 + LEVEL / 2, n - 1)) * np.sqrt(variance / n)
    if least is not None and least >= 0 and total > 0:
        factor = float(np.exp(half * n / total))
        return replace(found, low=total / n / factor, high=total / n * factor)
    return replace(found, low=float(total / n - half), high=float(total / n + half))


def ratio(above: float, below: float, squares: tuple[float, float, float], n: int, *, empty: str) -> Estimate:
    """A ratio of two sums ≥ 0 over the same customers, with the interval of the linearised ratio, cut at 0.

    Parameters
    ----------
    above, below
        Σy and Σx
    squares
        Σy², Σx² and Σxy
    n
        customers
    empty
        the reason if Σx is not positive

    Examples
    --------
    >>> kept = ratio(90.0, 100.0, (4100.0, 5000.0, 4500.0), 2, empty="no revenue")
    >>> kept.value, round(kept.low, 2), round(kept.high, 2)
    (0.9, 0.0, 2.17)
    """
    if not below > 0:
        return Estimate(numerator=float(above), denominator=float(below), n=n, reason=empty)
    found = Estimate(value=above / below, numerator=float(above), denominator=float(below), n=n)
    if n < 2:
        return replace(found, reason="a sample of one has no interval")
    r, (yy, xx, xy) = above / below, squares
    residual = max(yy - 2 * r * xy + r**2 * xx, 0.0) / (n - 1)
    half = float(stats.t.ppf(0.5 + LEVEL / 2, n - 1)) * np.sqrt(n * residual) / below
    return replace(found, low=max(float(r - half), 0.0), high=float(r + half))


def complement(found: Estimate) -> Estimate:
    """The complement of a share: retention from churn, with its interval.

    Parameters
    ----------
    found
        a share

    Examples
    --------
    >>> complement(share(1, 4, empty="nobody")).value
    0.75
    """
    if found.value is None or found.low is None or found.high is None:
        return found
    return replace(
        found,
        value=1 - found.value,
        numerator=(found.denominator or 0.0) - (found.numerator or 0.0),
        low=1 - found.high,
        high=1 - found.low,
    )
