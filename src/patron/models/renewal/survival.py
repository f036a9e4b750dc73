"""Formulas of the shifted beta-geometric model: survival, retention rate, discounted residual lifetime.

========= ==========================================================================================
symbol    in words
========= ==========================================================================================
α, β      shapes of the chance θ of not renewing over customers
n, t      renewals made so far, and renewals
z         present value of a payment one term ahead, 1/(1 + rate per term)
========= ==========================================================================================

The references are those of :mod:`patron.models.renewal.model`.
"""

import numpy as np
from scipy.special import betaln

from patron.arrays import Floats, Real
from patron.checks import positive, shares, whole_number
from patron.errors import RangeError
from patron.money import continuous_rate

__all__ = ["constant_residual_lifetime", "residual_lifetime", "retention_rate", "survival", "term_discount"]


_DIGITS = 20.0  # e to minus twice this is what the continued fraction leaves out


def survival(alpha: Real, beta: Real, t: Real) -> Floats:
    """The share of customers who renew at least t times.

    Parameters
    ----------
    alpha, beta
        parameters, positive
    t
        renewals, count ≥ 0; everything broadcasts

    Returns
    -------
    Floats
        the broadcast shape, in [0, 1]: B(α, β + t) / B(α, β)

    Examples
    --------
    >>> survival(0.764, 1.296, [0, 1, 4, 12]).round(3)
    array([1.   , 0.629, 0.325, 0.159])
    """
    alpha, beta, t = (np.asarray(value, dtype=np.float64) for value in (alpha, beta, t))
    return np.exp(betaln(alpha, beta + t) - betaln(alpha, beta))


def retention_rate(alpha: Real, beta: Real, t: Real) -> Floats:
    """The share of those left before the t-th renewal who make it.

    Parameters
    ----------
    alpha, beta
        parameters, positive
    t
        which renewal, count ≥ 1

    Returns
    -------
    Floats
        the broadcast shape, in [0, 1]: (β + t - 1) / (α + β + t - 1)

    Examples
    --------
    >>> retention_rate(0.764, 1.296, [1, 2, 5]).round(3)
    array([0.629, 0.75 , 0.874])
    """
    alpha, beta, t = (np.asarray(value, dtype=np.float64) for value in (alpha, beta, t))
    return (beta + t - 1) / (alpha + beta + t - 1)


def residual_lifetime(
    alpha: Real,
    beta: Real,
    n: Real,
    annual_discount_rate: float,
    periods_per_year: float = 1.0,
    periods: int | None = None,
) -> Floats:
    """Expected discounted terms from the next renewal on, after n renewals.

    Parameters
    ----------
    alpha, beta
        parameters, positive
    n
        renewals made so far, count ≥ 0
    annual_discount_rate
        per year; 10 % is 0.10. Must be positive without `periods`
    periods_per_year
        terms in a year
    periods
        renewals to look ahead; None for all

    Returns
    -------
    Floats
        the broadcast shape, terms; the next renewal is one term away

    Raises
    ------
    RangeError
        a number is out of range

    Notes
    -----
    Σ over t ≥ 1 of S(n+t)/S(n) · z^t, which is (β+n)/(α+β+n) · z · ₂F₁(1, β+n+1; α+β+n+1; z).

    Examples
    --------
    >>> residual_lifetime(0.764, 1.296, [0, 4], 0.10).round(2)
    array([2.62, 5.17])
    """
    z = term_discount(annual_discount_rate, periods_per_year, periods)
    alpha, beta, n = (np.asarray(value, dtype=np.float64) for value in (alpha, beta, n))
    stay = beta + n
    if periods is None:
        return stay / (alpha + stay) * z * _sum_of_ratios(stay + 1, alpha + stay + 1, z)
    paid = np.ones(np.broadcast_shapes(alpha.shape, stay.shape))
    total = np.zeros_like(paid)
    for t in range(periods):
        paid = paid * z * (stay + t) / (alpha + stay + t)
        total += paid
    return total


def constant_residual_lifetime(
    retention: Real, annual_discount_rate: float, periods_per_year: float = 1.0, periods: int | None = None
) -> Floats:
    """Expected discounted terms with one constant retention rate for all: the textbook formula.

    Parameters
    ----------
    retention
        share in [0, 1] that renews, at every renewal
    annual_discount_rate, periods_per_year, periods
        see `residual_lifetime`

    Returns
    -------
    Floats
        the shape of `retention`, terms: r·z / (1 - r·z), cut off after `periods`

    Raises
    ------
    RangeError
        a number is out of range

    Examples
    --------
    >>> constant_residual_lifetime([0.8, 0.9], 0.10).round(3)
    array([2.667, 4.5  ])
    """
    z = term_discount(annual_discount_rate, periods_per_year, periods)
    rate = shares("retention", retention, example="80 % as 0.80")
    kept = rate * z
    if periods is not None:
        return np.sum([kept**t for t in range(1, periods + 1)], axis=0)
    return kept / (1 - kept)


def term_discount(annual_discount_rate: float, periods_per_year: float, periods: int | None = None) -> float:
    """The present value of a payment one term ahead.

    Parameters
    ----------
    annual_discount_rate, periods
        as in :func:`residual_lifetime`
    periods_per_year
        terms in a year, positive

    Raises
    ------
    RangeError
        a rate is out of range; or nothing is discounted and there is no last period, so that the sum
        may be infinite

    Examples
    --------
    >>> round(term_discount(0.10, 12), 4)
    0.9921
    """
    positive("periods_per_year", periods_per_year)
    if periods is None and annual_discount_rate == 0:
        raise RangeError(
            "without discounting a lifetime may be infinite. Give an annual_discount_rate or periods."
        )
    if periods is not None:
        whole_number("periods", periods, 1, floats=False)
    return float(np.exp(-continuous_rate(annual_discount_rate, "Y") / periods_per_year))


def _sum_of_ratios(b: Floats, c: Floats, z: float) -> Floats:
    """₂F₁(1, b; c; z) for 0 < b < c and 0 < z < 1, by Gauss's continued fraction.

    SciPy's own has no number where b and c are large, as they are when customers are all alike.
    """
    root = np.sqrt(1 - z)
    levels = int(np.ceil(_DIGITS / np.log((1 + root) / (1 - root)))) + 2
    fraction = np.ones(np.broadcast_shapes(b.shape, c.shape))
    for m in range(levels, 0, -1):
        odd = (b + m) * (c + m - 1) / ((c + 2 * m - 1) * (c + 2 * m))
        even = m * (c - b + m - 1) / ((c + 2 * m - 2) * (c + 2 * m - 1))
        fraction = 1 - even * z / (1 - odd * z / fraction)
    return 1 / (1 - b / c * z / fraction)
