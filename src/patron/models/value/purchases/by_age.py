"""Expected purchases of customers who are alive, as smooth functions of their age, computed at few ages.

Among a million customers with x purchases there are hundreds of ages T, or a million if times are exact to
the second. The expectations are smooth in ln(α + T), so they are computed at ten ages per octave, the same
ones for every customer, and interpolated by a polynomial between them. That loses less than 1e-10 of the
value, and makes the cost of a customer independent of how finely time is measured.

The letters are those of `patron.models.value.purchases.expectation`.
"""

from collections.abc import Mapping
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from patron.arrays import Floats, Index
from patron.models.value.purchases.expectation import drop_out_shape
from patron.models.value.purchases.rate import purchases_while_alive

__all__ = ["Ahead", "PurchasesByAge"]


N_NODES = 10  # ages per octave
KEPT = 512  # octaves remembered from one request to the next: 25 MB with 200 draws
_ANGLES = np.pi * (np.arange(N_NODES) + 0.5) / N_NODES
NODES = np.cos(_ANGLES)  # of Chebyshev, in [-1, 1]
BARYCENTRIC = (-1.0) ** np.arange(N_NODES) * np.sin(_ANGLES)


class Ahead(NamedTuple):
    """What lies ahead of customers who are alive.

    Attributes
    ----------
    purchases
        (n, n_draws) expected in the horizon
    near, far
        (n, n_draws) the same, discounted, up to the nearer and the farther end
    next_purchase
        (n,) median time to the next purchase, over all draws
    """

    purchases: Floats
    near: Floats
    far: Floats
    next_purchase: Floats


class PurchasesByAge:
    """Expected purchases ahead, by age, for each of some distinct x.

    Parameters
    ----------
    draws
        r, alpha, a, b, each (n_draws,)
    family
        "bgnbd" or "mbgnbd"
    x
        (k,) distinct repeat purchases
    near, far
        time units ahead, near ≤ far
    rate
        continuous discount rate per time unit
    plain_to_far
        whether `purchases` counts up to the farther end; else up to the nearer

    Examples
    --------
    >>> draws = dict(r=np.array([0.243]), alpha=np.array([4.414]), a=np.array([0.793]), b=np.array([2.426]))
    >>> by_age = PurchasesByAge(draws, "bgnbd", np.array([0.0, 2.0]), 39.0, 78.0, 0.0027, plain_to_far=False)
    >>> by_age.at(np.array([1]), np.array([38.86])).purchases.round(4)  # 1.2260 ÷ P(alive)
    array([[1.6874]])
    """

    def __init__(
        self,
        draws: Mapping[str, Floats],
        family: str,
        x: Floats,
        near: float,
        far: float,
        rate: float,
        *,
        plain_to_far: bool,
    ) -> None:
        self._x, self._n_draws = x, draws["r"].size
        self._unit = float(2.0 ** np.floor(np.log2(draws["alpha"].min())))  # ages below it are one octave
        shared = b"".join(np.ascontiguousarray(draws[name]).tobytes() for name in ("r", "alpha", "a", "b"))
        self._key = _Key(shared, family, self._unit, (0.0, near, far), rate, plain_to_far)
        self._octaves: dict[tuple[int, int], tuple[Floats, Floats]] = {}

    def at(self, which: Index, T: Floats) -> Ahead:
        """What lies ahead of customers with the `which`-th x and age T; (n,) each, sorted by x, then T.

        Parameters
        ----------
        which
            (n,) position of each customer's x among the distinct ones
        T
            (n,) age, time units
        """
        height = np.log1p(T / self._unit) / np.log(2)
        octave = np.floor(height).astype(np.intp)
        away = (2 * (height - octave) - 1)[:, None] - NODES
        shares = BARYCENTRIC / np.where(away == 0, 1e-300, away)
        shares /= np.add.reduce(shares, axis=1)[:, None]
        edges = np.flatnonzero((np.diff(which) != 0) | (np.diff(octave) != 0)) + 1
        before, self._octaves = self._octaves, {}
        found = np.empty((T.size, 3, self._n_draws))
        waits = np.empty(T.size)
        for start, stop in pairwise([0, *edges.tolist(), T.size]):
            cell = int(which[start]), int(octave[start])
            # The rows are sorted: of the octaves met before, none but the last can be met again.
            means, medians = self._octaves[cell] = before[cell] if cell in before else self._octave(*cell)
            found[start:stop], waits[start:stop] = 0.0, 0.0
            for node, share in enumerate(shares[start:stop].T):
                found[start:stop] += share[:, None, None] * means[node]
                waits[start:stop] += share * medians[node]
        median = np.exp(np.minimum(waits, 600.0))
        return Ahead(found[:, 0], found[:, 1], found[:, 2], median)

    def _octave(self, which: int, octave: int) -> tuple[Floats, Floats]:
        """(n_nodes, 3, n_draws) expectations and (n_nodes,) ln median waits at the ages of one octave."""
        return _one_octave(self._key, float(self._x[which]), octave)


class _Key(NamedTuple):
    """What the expectations at an age depend on besides x: the key of the cache."""

    draws: bytes  # r, alpha, a, b, one after the other
    family: str
    unit: float
    ends: tuple[float, float, float]
    rate: float
    plain_to_far: bool


@lru_cache(maxsize=KEPT)
def _one_octave(key: _Key, x: float, octave: int) -> tuple[Floats, Floats]:
    r, alpha, a, b = np.frombuffer(key.draws).reshape(4, -1)
    T = key.unit * np.expm1(np.log(2) * (octave + (1 + NODES[:, None]) / 2))
    s, beta = r + x, alpha + T
    c = drop_out_shape(b, np.array(x), key.family)
    plain, discounted = purchases_while_alive(s, beta, a, c, key.ends, (0.0, key.rate))
    purchases = plain[0] + plain[1] if key.plain_to_far else plain[0]
    means = np.stack([purchases, discounted[0], discounted[0] + discounted[1]], axis=1)
    return means, _log_median_wait(np.broadcast_to(s, beta.shape), beta)


def _log_median_wait(s: Floats, beta: Floats) -> Floats:
    """(n,) logarithm of the time until the mean over draws of P(no purchase | alive) has fallen to one half.

    s, beta : (n, n_draws)
    """
    wait = np.log(2) / s
    medians = np.log(beta) + np.where(wait > 30, wait, np.log(np.expm1(np.minimum(wait, 30))))
    low, high = medians.min(axis=1), medians.max(axis=1)
    found: Floats = 0.5 * (low + high)
    for _step in range(60):  # Newton's steps, halved where they would leave the bracket
        relative = np.exp(np.minimum(found, 600.0))[:, None] / beta
        none = np.exp(-s * np.log1p(relative))
        excess = none.mean(axis=1) - 0.5
        slope = (none * s * (relative / (1 + relative))).mean(axis=1)
        low, high = np.where(excess > 0, found, low), np.where(excess > 0, high, found)
        next_one = found + excess / np.maximum(slope, 1e-300)
        inside = (next_one >= low) & (next_one <= high)
        step = np.where(inside, next_one, 0.5 * (low + high)) - found
        found += step
        if np.abs(step).max() < 1e-11:
            break
    return found
