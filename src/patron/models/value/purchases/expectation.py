"""What to expect of a customer after T: probabilities and expected purchases, for BG/NBD and MBG/NBD.

Every function is a formula: arrays in, an array out. Parameters broadcast against customers, so
`r[:, None]` against `x[None, :]` gives one row per posterior draw. `family` is "bgnbd" or "mbgnbd"; in MBG a
customer can also drop out before the first repeat purchase, so b + x becomes b + x + 1 and one-time buyers
may be gone.

======== =========================================================================================
symbol   in words
======== =========================================================================================
r, alpha shape and inverse scale of the purchase rate λ ~ Gamma(r, α) over customers
a, b     shapes of the chance of dropping out after a purchase, p ~ Beta(a, b) over customers
x        frequency: repeat purchases so far
t_x, T   recency and age: time units from the first purchase to the last, and to today
t        time units ahead
======== =========================================================================================

References
----------
Fader, Hardie & Lee (2005), "Counting your customers" the easy way, Marketing Science 24(2), 275-284.
Batislam, Denizel & Filiztekin (2007), International Journal of Research in Marketing 24(3), 201-209.
"""

import numpy as np
from scipy.special import betainc, betaln, expit

from patron.arrays import Floats, Real
from patron.checks import at_least, one_of
from patron.errors import RangeError
from patron.models.value.purchases import FAMILIES
from patron.models.value.purchases.rate import purchases_while_alive

__all__ = [
    "discounted_expected_purchases",
    "drop_out_shape",
    "expected_purchases",
    "expected_purchases_new_customer",
    "log_odds_gone",
    "probability_alive",
    "probability_no_purchase",
    "probability_of_purchases",
]


def probability_alive(
    r: Real, alpha: Real, a: Real, b: Real, x: Real, t_x: Real, T: Real, family: str = "bgnbd"
) -> Floats:
    """The probability that a customer is still a customer at T.

    Parameters
    ----------
    r, alpha, a, b
        parameters, positive
    x, t_x, T
        customers: repeat purchases, and recency and age in time units
    family
        "bgnbd" or "mbgnbd"

    Returns
    -------
    Floats
        the broadcast shape, probability in [0, 1]

    Notes
    -----
    1 ÷ (1 + a/(b + x - 1) · ((α + T)/(α + t_x))^(r + x)), and b + x in place of b + x - 1 for MBG. Under
    BG/NBD a customer without repeat purchase has had no chance to drop out: the probability is 1, which does
    not mean that the customer returns. Use `probability_no_purchase` for that.

    Examples
    --------
    >>> x, t_x, T = np.array([2, 0]), np.array([30.43, 0]), np.array([38.86, 38.86])
    >>> probability_alive(0.243, 4.414, 0.793, 2.426, x, t_x, T).round(4)
    array([0.7266, 1.    ])
    """
    r, alpha, a, b, x, t_x, T = _floats(r, alpha, a, b, x, t_x, T)
    return _expit(-log_odds_gone(r, alpha, a, b, x, t_x, T, family))


def probability_no_purchase(
    r: Real, alpha: Real, a: Real, b: Real, x: Real, t_x: Real, T: Real, t: Real, family: str = "bgnbd"
) -> Floats:
    """The probability that a customer buys nothing in (T, T + t]: churn, as the purchase model sees it.

    Parameters
    ----------
    r, alpha, a, b, x, t_x, T, family
        see `probability_alive`
    t
        horizon, time units, at least 0, may be infinite

    Returns
    -------
    Floats
        the broadcast shape, probability in [0, 1]

    Raises
    ------
    RangeError
        the family is unknown, or t is negative or NaN

    Notes
    -----
    1 - P(alive) · [1 - ((α + T)/(α + T + t))^(r + x)], summed without taking nearly equal numbers apart.

    Examples
    --------
    >>> probability_no_purchase(0.243, 4.414, 0.793, 2.426, 2, 30.43, 38.86, 39).round(4)
    np.float64(0.4454)
    """
    r, alpha, a, b, x, t_x, T = _floats(r, alpha, a, b, x, t_x, T)
    gone = log_odds_gone(r, alpha, a, b, x, t_x, T, family)
    waits = np.exp(-(r + x) * np.log1p(time_ahead(t, "horizon") / (alpha + T)))
    return np.minimum(_expit(gone) + _expit(-gone) * waits, 1.0)


def expected_purchases(
    r: Real,
    alpha: Real,
    a: Real,
    b: Real,
    x: Real,
    t_x: Real,
    T: Real,
    t: Real,
    family: str = "bgnbd",
    start: Real = 0.0,
) -> Floats:
    """Expected number of purchases in a window of `t` time units: in (T + start, T + start + t].

    Parameters
    ----------
    r, alpha, a, b, x, t_x, T, family
        see `probability_alive`
    t
        length of the window, time units, finite
    start
        time units from T to the beginning of the window

    Returns
    -------
    Floats
        the broadcast shape, purchases, at least 0

    Raises
    ------
    RangeError
        the family is unknown, or a time is negative, infinite or NaN

    Notes
    -----
    P(alive) times the integral of the purchase rate of a customer who is alive, see the module
    `rate`. It equals the published closed form with the Gaussian hypergeometric function, and is stable at
    a = 1 and with thousands of purchases.

    Examples
    --------
    >>> customer = dict(x=2, t_x=30.43, T=38.86)
    >>> expected_purchases(0.243, 4.414, 0.793, 2.426, **customer, t=39).round(4)
    np.float64(1.226)
    """
    r, alpha, a, b, x, t_x, T = _floats(r, alpha, a, b, x, t_x, T)
    begin = time_ahead(start, "start", finite=True)
    end = begin + time_ahead(t, "horizon", finite=True)
    shape = drop_out_shape(b, x, family)
    bought = purchases_while_alive(r + x, alpha + T, a, shape, (begin, end))
    expected: Floats = probability_alive(r, alpha, a, b, x, t_x, T, family) * bought[0, 0]
    return expected


def discounted_expected_purchases(
    r: Real,
    alpha: Real,
    a: Real,
    b: Real,
    x: Real,
    t_x: Real,
    T: Real,
    rate: float,
    t: Real | None = None,
    family: str = "bgnbd",
) -> Floats:
    """Expected purchases in (T, T + t], each discounted to T; over all future without `t` (DERT).

    Parameters
    ----------
    r, alpha, a, b, x, t_x, T, family
        see `probability_alive`
    rate
        continuous discount rate δ per time unit (see `patron.money.continuous_rate`)
    t
        horizon, time units; None or infinity is all future

    Returns
    -------
    Floats
        the broadcast shape, purchases worth one purchase today, at least 0

    Raises
    ------
    RangeError
        the family is unknown, a time or the rate is negative or NaN, or both the future is endless
        and the rate 0

    References
    ----------
    Fader, Hardie & Lee (2005), RFM and CLV: using iso-value curves for customer base analysis, Journal of
    Marketing Research 42(4), 415-430, define discounted expected residual transactions.

    Examples
    --------
    >>> weekly = np.log(1.15) / 52
    >>> customer = dict(x=2, t_x=30.43, T=38.86)
    >>> discounted_expected_purchases(0.243, 4.414, 0.793, 2.426, **customer, rate=weekly).round(4)
    np.float64(5.1696)
    """
    horizon = time_ahead(np.inf if t is None else t, "horizon")
    at_least("rate", rate, 0)
    if rate == 0 and np.isinf(horizon).any():
        raise RangeError(
            "the discount rate is 0 and the horizon endless: purchases without discount need not have a "
            "finite sum. Give a horizon, or a rate above 0."
        )
    r, alpha, a, b, x, t_x, T = _floats(r, alpha, a, b, x, t_x, T)
    shape = drop_out_shape(b, x, family)
    bought = purchases_while_alive(r + x, alpha + T, a, shape, (0.0, horizon), (rate,))
    expected: Floats = probability_alive(r, alpha, a, b, x, t_x, T, family) * bought[0, 0]
    return expected


def probability_of_purchases(
    r: Real,
    alpha: Real,
    a: Real,
    b: Real,
    x: Real,
    t_x: Real,
    T: Real,
    t: Real,
    n: Real,
    family: str = "bgnbd",
) -> Floats:
    """The probability of exactly `n` purchases in (T, T + t].

    Parameters
    ----------
    r, alpha, a, b, x, t_x, T, family
        see `probability_alive`
    t
        horizon, time units, finite
    n
        whole number of purchases, at least 0

    Returns
    -------
    Floats
        the broadcast shape, probability in [0, 1]

    Raises
    ------
    RangeError
        the family is unknown, a time is negative or NaN, or n is not a whole number of at least 0

    Notes
    -----
    A customer who is alive buys n times either by surviving n chances to leave, with n events of a negative
    binomial in t, or by leaving at the nth of at least n events.

    Examples
    --------
    >>> customer = dict(x=2, t_x=30.43, T=38.86)
    >>> probability_of_purchases(0.243, 4.414, 0.793, 2.426, **customer, t=39, n=np.arange(4)).round(3)
    array([0.445, 0.239, 0.144, 0.081])
    """
    r, alpha, a, b, x, t_x, T = _floats(r, alpha, a, b, x, t_x, T)
    wanted = np.asarray(n, dtype=np.float64)
    if not ((wanted >= 0) & (wanted == np.floor(wanted)) & (wanted < np.inf)).all():
        raise RangeError(f"n must be whole numbers of at least 0, got {n!r}.")
    s, shape = r + x, drop_out_shape(b, x, family)
    ahead = time_ahead(t, "horizon", finite=True) / (alpha + T)
    nearer = ahead / (1 + ahead)
    some = np.maximum(wanted, 1.0)
    # P(n events) = Γ(s + n)/(Γ(s) n!) ..., written with a Beta function so that nothing overflows.
    log_ways = -np.log(some) - betaln(s, some)
    with np.errstate(divide="ignore"):  # no time ahead: no events, log 0
        log_events = log_ways + some * np.log(nearer) - s * np.log1p(ahead)
    survives = np.exp(log_events + betaln(a, shape + some) - betaln(a, shape))
    leaves = betainc(some, s, nearer) * np.exp(betaln(a + 1, shape + some - 1) - betaln(a, shape))
    alive = probability_alive(r, alpha, a, b, x, t_x, T, family)
    none = probability_no_purchase(r, alpha, a, b, x, t_x, T, t, family)
    return np.where(wanted == 0, none, np.minimum(alive * (survives + leaves), 1.0))


def expected_purchases_new_customer(
    r: Real, alpha: Real, a: Real, b: Real, t: Real, family: str = "bgnbd"
) -> Floats:
    """Expected repeat purchases in the first `t` time units of a new customer.

    Parameters
    ----------
    r, alpha, a, b, family
        see `probability_alive`
    t
        time units since the first purchase, finite

    Returns
    -------
    Floats
        the broadcast shape, repeat purchases, at least 0

    Raises
    ------
    RangeError
        the family is unknown, or t is negative, infinite or NaN

    Examples
    --------
    >>> expected_purchases_new_customer(0.243, 4.414, 0.793, 2.426, np.array([39, 78])).round(4)
    array([1.1967, 1.8605])
    """
    return expected_purchases(r, alpha, a, b, 0.0, 0.0, 0.0, t, family)


def drop_out_shape(b: Floats, x: Floats, family: str) -> Floats:
    """The second shape of the drop-out chance of a customer who is alive after x repeat purchases.

    Parameters
    ----------
    b
        second shape of the drop-out probability over customers
    x
        repeat purchases so far
    family
        "bgnbd" or "mbgnbd"

    Examples
    --------
    >>> drop_out_shape(np.array([2.5]), np.array([3.0]), "mbgnbd")
    array([6.5])
    """
    one_of("family", family, FAMILIES)
    return b + x if family == "bgnbd" else b + x + 1


def log_odds_gone(
    r: Floats, alpha: Floats, a: Floats, b: Floats, x: Floats, t_x: Floats, T: Floats, family: str
) -> Floats:
    """ln of P(gone) ÷ P(alive) at T, per element; -infinity where a customer could not have dropped out.

    Parameters
    ----------
    r, alpha, a, b, x, t_x, T, family
        see `probability_alive`

    Examples
    --------
    >>> one_time = dict(x=np.array(0.0), t_x=np.array(0.0), T=np.array(38.86))
    >>> log_odds_gone(*np.array([0.525, 6.183, 0.891, 1.614]), **one_time, family="mbgnbd").round(4)
    np.float64(0.4484)
    """
    repeats = np.maximum(x, 1.0) if family == "bgnbd" else x
    before = drop_out_shape(b, repeats, family) - 1  # b + x - 1, or b + x: chances survived
    odds = np.log(a / before) + (r + x) * np.log1p((T - t_x) / (alpha + t_x))
    return np.where(x > 0, odds, -np.inf) if family == "bgnbd" else odds


def time_ahead(value: Real, name: str, finite: bool = False) -> Floats:
    """A length of time from today on, as an array.

    Parameters
    ----------
    value
        time units, any shape
    name
        what errors call it
    finite
        whether infinity is refused

    Raises
    ------
    RangeError
        it is negative or NaN, or infinite where it must be `finite`

    Examples
    --------
    >>> time_ahead(39, "horizon")
    array(39.)
    """
    time = np.asarray(value, dtype=np.float64)
    if not (time >= 0).all():  # written so that NaN fails too
        raise RangeError(f"{name} must be at least 0 time units, got {np.min(time)}.")
    if finite and np.isinf(time).any():
        raise RangeError(f"{name} must be finite; discounted_expected_purchases sums over an endless future.")
    return time


def _expit(log_odds: Floats) -> Floats:
    return expit(log_odds)


def _floats(*values: Real) -> tuple[Floats, ...]:
    return tuple(np.asarray(value, dtype=np.float64) for value in values)
