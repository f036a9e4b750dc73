"""The purchase rate of a customer who is alive, and its integral over time.

A customer who is alive at T buys at the rate λ and leaves with probability p after each purchase, where
λ ~ Gamma(s, β) and p ~ Beta(a, c). The expected rate at time τ from now is therefore

    g(τ) = E[λ e^(-λpτ)] = s/β · E[(1 + p·τ/β)^(-s-1)]

which is smooth in τ for every parameter, so Gauss-Legendre quadrature gives purchases in any interval, plain
or discounted, where the closed form divides by a - 1 or subtracts nearly equal numbers.

====== =====================================================================
symbol in words
====== =====================================================================
s      r + x: shape of the purchase rate after x repeat purchases
β      α + T: its inverse scale, in time units
a, c   shape of the drop-out chance; c is b + x (BG/NBD) or b + x + 1 (MBG)
τ, u   time from now, and the same in units of β
δ      continuous discount rate per time unit
====== =====================================================================
"""

from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise

import numpy as np
from scipy.special import betaln, expit, hyp2f1

from patron.arrays import Floats, Real

__all__ = ["beta_mean_power", "purchases_while_alive"]

Alive = tuple[Floats, Floats, Floats, Floats]  # s, β, a, c of customers who are alive

FARTHEST = 45.0  # e^-45 of today's money is below the last digit: infinity, for a discounted sum
CHUNK = 16_384  # rate evaluations at a time: small enough to stay in the processor's cache

# The quadrature runs over y = log(1 + u/ℓ), where g is analytic for |Im y| < π/2 with ℓ as below. A stretch
# of y up to the first number then needs as many nodes as the second for 12 digits.
NODES = ((0.15, 4), (0.5, 6), (1.0, 8), (2.0, 12), (3.0, 16), (7.0, 32), (15.0, 64), (np.inf, 128))


def purchases_while_alive(
    s: Real, beta: Real, a: Real, c: Real, edges: Sequence[Real], rates: Sequence[float] = (0.0,)
) -> Floats:
    """Expected purchases, plain or discounted, between times from now, of customers who are alive now.

    Parameters
    ----------
    s, beta, a, c
        positive, broadcast against each other; `beta` in time units
    edges
        k + 1 times from now, ascending, each broadcast against the others; the last may be infinite if
        every rate is positive
    rates
        continuous discount rates δ per time unit, at least 0

    Returns
    -------
    Floats
        (n_rates, k, *broadcast shape) purchases: the integral of e^(-δτ) g(τ) between neighbouring edges

    Examples
    --------
    Two years are the first half year and the rest:

    >>> parts = purchases_while_alive(1.2, 80.0, 0.8, 3.4, edges=(0, 182, 730))
    >>> whole = purchases_while_alive(1.2, 80.0, 0.8, 3.4, edges=(0, 730))
    >>> (parts.sum() - whole.sum()).round(12)
    np.float64(0.0)
    """
    arrays = np.broadcast_arrays(*(np.asarray(v, dtype=np.float64) for v in (s, beta, a, c, *edges)))
    shape = arrays[0].shape
    flat: list[Floats] = [np.ravel(array) for array in arrays]
    alive, times = (flat[0], flat[1], flat[2], flat[3]), flat[4:]
    if min(rates) > 0:
        times = [np.minimum(time, FARTHEST / min(rates)) for time in times]
    found = np.empty((len(rates), len(times) - 1, flat[0].size))
    for index, (start, stop) in enumerate(pairwise(times)):
        found[:, index] = _between(alive, start, stop, rates)
    return found.reshape(len(rates), len(times) - 1, *shape)


def beta_mean_power(power: Floats, a: Floats, c: Floats, u: Floats) -> Floats:
    """E[(1 + p·u)^(-power)] for p ~ Beta(a, c): how far drop-out has thinned the purchase rate.

    Parameters
    ----------
    power, a, c
        (n,) positive
    u
        (n,) at least 0

    Returns
    -------
    Floats
        (n,) in [0, 1]

    Notes
    -----
    (1 + u)^(-a) · 2F1(a, a + c - power; a + c; u/(1 + u)): Pfaff's form of the hypergeometric function, whose
    terms are positive unless power > a + c. Where they alternate enough to cancel, `_by_trapezoid` answers.

    Examples
    --------
    >>> one = np.ones(1)
    >>> beta_mean_power(one, one, one, one).round(6)  # the mean of 1/(1 + p) for a uniform p: ln 2
    array([0.693147])
    """
    second = a + c - power
    with np.errstate(invalid="ignore", over="ignore"):  # 0 · infinity: `doubtful` sees it
        found: Floats = np.exp(-a * np.log1p(u)) * hyp2f1(a, second, a + c, u / (1 + u))
    cancels = a * -second > 8 * (a + c)
    doubtful = cancels | ~((found >= 0) & (found <= 1 + 1e-12))
    if doubtful.any():
        found[doubtful] = _by_trapezoid(power[doubtful], a[doubtful], c[doubtful], u[doubtful])
    return np.minimum(found, 1.0)


def _between(alive: Alive, start: Floats, stop: Floats, rates: Sequence[float]) -> Floats:
    """Integrals (n_rates, n) over one interval, with as many nodes as each element's stretch of y needs."""
    s, beta, a, c = alive
    # The rate falls over u of about (a + c)/((1 + a)·s), a discount over 1/(δβ): ℓ is the shorter, at most 1.
    unit = beta / np.maximum(np.maximum(1.0, (1 + a) * s / (a + c)), max(rates) * beta)
    low, high = np.log1p(start / unit), np.log1p(stop / unit)
    found = np.empty((len(rates), s.size))
    shorter = -np.inf
    for longest, n_nodes in NODES:
        chosen = np.flatnonzero((high - low > shorter) & (high - low <= longest))
        shorter = longest
        for begin in range(0, chosen.size, max(1, CHUNK // n_nodes)):
            part = chosen[begin : begin + max(1, CHUNK // n_nodes)]
            some = (s[part], beta[part], a[part], c[part])
            found[:, part] = _quadrature(some, unit[part], low[part], high[part], rates, n_nodes)
    return found


def _quadrature(
    alive: Alive, unit: Floats, low: Floats, high: Floats, rates: Sequence[float], n_nodes: int
) -> Floats:
    s, beta, a, c = alive
    nodes, weights = _gauss_legendre(n_nodes)
    half = 0.5 * (high - low)
    y = low + half * (1 + nodes[:, None])
    time = unit * np.expm1(y)
    power, first, second = (np.broadcast_to(values, time.shape).ravel() for values in (s + 1, a, c))
    thinned = beta_mean_power(power, first, second, (time / beta).ravel()).reshape(time.shape)
    slope = weights[:, None] * np.exp(y) * thinned  # dτ = unit · e^y dy
    found = np.empty((len(rates), s.size))
    for index, rate in enumerate(rates):
        terms = slope if rate == 0 else slope * np.exp(-rate * time)
        total = terms[0].copy()
        for term in terms[1:]:  # node by node: the order of summation must not depend on the batch
            total += term
        found[index] = s / beta * unit * half * total
    return found


def _by_trapezoid(power: Floats, a: Floats, c: Floats, u: Floats) -> Floats:
    """The same mean by the trapezoid rule over the log-odds of p: slower, positive throughout, never fails.

    The integrand is analytic for |Im| < π/2 and falls exponentially on both sides, so the rule converges
    exponentially. A shape below 1 would make a tail too long to sum, so the value at that end of [0, 1] is
    taken out first: the mean of 1 - p, or of p, is known.
    """
    at_one = np.exp(-power * np.log1p(u))
    left, right = (a < 1).astype(np.float64), (c < 1).astype(np.float64)
    reach = 36.0  # e^-36: the last digit
    tails = reach / (a + left) + reach / (c + right) + np.sqrt(2 * reach * (1 / (a + left) + 1 / (c + right)))
    lowest = np.log(a / (c + power * u)) - tails - np.log1p(reach / c)
    highest = np.log(a / c) + tails + np.log1p(reach / a)
    n_steps = np.ceil((highest - lowest) / np.minimum(0.22, 0.6 / np.sqrt(a)))
    steps = (highest - lowest) / n_steps
    scale = betaln(a, c)
    found = np.empty_like(a)
    for i in range(a.size):  # few customers come here
        y = lowest[i] + steps[i] * np.arange(n_steps[i] + 1)
        p = expit(y)
        log_rest = -np.maximum(y, 0) - np.log1p(np.exp(-np.abs(y)))  # log(1 - p); log p is y more
        density = np.exp(a[i] * (log_rest + y) + c[i] * log_rest - scale[i])
        line = left[i] * (1 - p) + right[i] * at_one[i] * p
        found[i] = steps[i] * np.sum(density * (np.exp(-power[i] * np.log1p(p * u[i])) - line))
    return found + (left * c + right * at_one * a) / (a + c)


@lru_cache(maxsize=16)
def _gauss_legendre(n_nodes: int) -> tuple[Floats, Floats]:
    nodes, weights = np.polynomial.legendre.leggauss(n_nodes)
    return nodes, weights
