"""The posterior predictive distribution behind the value model: from parameter draws to means and intervals.

A million customers are cheap because little depends on the whole customer. Given that a customer is alive,
purchases ahead depend on (x, T) alone, and smoothly on T; one-time buyers differ in T alone; spend per order
is linear in the mean spend seen. So each is computed once per distinct value and draw, and a customer adds
P(alive) and a few products. Everything is elementwise in the customer, with a fixed order of summation over
draws, so that a row's numbers are the same alone, in a batch and in any order.

Means are means over posterior draws of the analytic expectation. Intervals come from simulated futures (see
`patron.models.value.purchases.simulate`), one per posterior draw; the probability of being gone is not drawn
but weights each draw, so that few draws suffice.

The letters are those of `patron.models.value.purchases.expectation`; of spend: an order is worth Gamma(p, ν),
with ν ~ Gamma(q, v) over customers, and z is the mean of the x repeat orders seen.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from scipy.special import gammaincinv

from patron.arrays import Flags, Floats, Index, Matrix
from patron.models.value.intervals import interval_of
from patron.models.value.parameter_groups import ParameterDraws, thinned
from patron.models.value.purchases.by_age import PurchasesByAge
from patron.models.value.purchases.expectation import log_odds_gone
from patron.models.value.purchases.rate import FARTHEST
from patron.models.value.purchases.simulate import (
    Futures,
    common_random_numbers,
    draws_at_a_time,
    purchase_counts,
)

__all__ = ["Buyers", "PosteriorPredictive", "PredictiveSettings"]

Pairs = tuple[Index, Floats]  # distinct (x, T): which of the distinct x, and T

BLOCK = 2048  # customers at a time: the arrays of a block stay in the processor's cache
SLICE = 0.02  # a simulated purchase is discounted as in the middle of a stretch of time that takes this share
MOST = 1e30  # of money, in the units of the input: a bound that keeps single precision finite


@dataclass(frozen=True, slots=True)
class Buyers:
    """Customers as arrays.

    Attributes
    ----------
    x
        repeat purchases
    t_x, T
        recency and age, time units of the purchase model
    z
        money, mean of the repeat orders; 0 where there is none
    """

    x: Floats
    t_x: Floats
    T: Floats
    z: Floats

    def __getitem__(self, rows: Index) -> "Buyers":
        """Some of the customers."""
        return Buyers(self.x[rows], self.t_x[rows], self.T[rows], self.z[rows])

    def distinct(self) -> tuple["Buyers", Index]:
        """The distinct rows, sorted by x, then T; and which of them each customer is.

        Examples
        --------
        >>> distinct, which = Buyers(*np.array([[1.0, 0, 1], [5, 0, 5], [9, 9, 9], [20, 0, 20]])).distinct()
        >>> distinct.x, which
        (array([0., 1.]), array([1, 0, 1]))
        """
        order = np.lexsort((self.z, self.t_x, self.T, self.x))
        columns = [column[order] for column in (self.x, self.t_x, self.T, self.z)]
        first = _changes(*columns)
        which = np.empty(order.size, dtype=np.intp)
        which[order] = np.cumsum(first) - 1
        return Buyers(*(column[first] for column in columns)), which


@dataclass(frozen=True, slots=True, kw_only=True)
class PredictiveSettings:
    """Horizons, discounting, and number of draws.

    Attributes
    ----------
    horizon, value_horizon
        time units ahead; either may be the longer, the second may be infinite
    rate
        continuous discount rate per time unit
    n_draws
        simulated futures per customer, and maximum number of posterior draws that a mean is taken over
    random_state
        seed of the common random numbers
    interval
        probability in (0, 1) that a predictive interval covers
    """

    horizon: float
    value_horizon: float
    rate: float
    n_draws: int
    random_state: int
    interval: float


class PosteriorPredictive:
    """The posterior predictive distribution of customers' purchases and spend. Money is before the margin.

    Parameters
    ----------
    draws
        posterior draws
    buyers
        customers, in any order; equal ones are computed once
    settings
        horizons, discounting, and number of draws

    Examples
    --------
    >>> draws = ParameterDraws({name: np.array([value]) for name, value in
    ...                         dict(r=0.243, alpha=4.414, a=0.793, b=2.426).items()},
    ...                        dict(p=np.array([6.25]), q=np.array([3.74]), v=np.array([15.44])), "bgnbd")
    >>> buyers = Buyers(np.array([2.0]), np.array([30.43]), np.array([38.86]), np.array([22.35]))
    >>> settings = PredictiveSettings(horizon=39, value_horizon=78, rate=0.0027, n_draws=100, random_state=0,
    ...                            interval=0.8)
    >>> expected = PosteriorPredictive(draws, buyers, settings).expectations()
    >>> {name: float(values[0].round(2)) for name, values in expected.items()}
    {'p_alive': 0.73, 'p_no_purchase': 0.45, 'purchases': 1.23, 'value': 28.79, 'growth': 48.31,
     'next_purchase': 15.67, 'order_value': 24.66}
    """

    def __init__(self, draws: ParameterDraws, buyers: Buyers, settings: PredictiveSettings) -> None:
        rate, n_draws, random_state = settings.rate, settings.n_draws, settings.random_state
        self._buyers, self._which = buyers.distinct()
        self._x, self._x_of = np.unique(self._buyers.x, return_inverse=True)
        self._family, self._rate = draws.family, rate
        self._interval, self._horizon = settings.interval, settings.horizon
        ends = [settings.horizon, settings.value_horizon]
        if rate > 0:
            ends = [min(end, FARTHEST / rate) for end in ends]
        self._near, self._far = min(ends), max(ends)
        self._names = ("value", "growth") if ends[0] <= ends[1] else ("growth", "value")  # nearer end first
        self._draws = thinned(draws.purchases, n_draws)
        self._cycle = np.arange(n_draws) % self._draws["r"].size
        self._by_age = PurchasesByAge(
            self._draws, draws.family, self._x, self._near, self._far, rate, plain_to_far=ends[0] > ends[1]
        )
        self._order_value = _mean_orders(draws.spend, self._x)
        chances = common_random_numbers(n_draws, random_state)
        repeated = {name: values[self._cycle] for name, values in self._draws.items()}
        self._futures = Futures(chances, repeated, draws.family, self._x)
        spend = thinned(draws.spend, n_draws)
        p, q, v = (spend[name][np.arange(n_draws) % spend[name].size] for name in ("p", "q", "v"))
        self._v = v.astype(np.float32)
        self._order_sums = chances.order_sums(p)
        shared = (p.tobytes(), q.tobytes(), chances.spend.tobytes())
        self._quantiles_by_x = np.transpose([_spend_quantiles(*shared, float(x)) for x in self._x])

    def expectations(self) -> dict[str, Floats]:
        """Expectations of each customer, (n_customers,) each.

        p_alive, p_no_purchase, purchases, value and growth (money, discounted), next_purchase (median time,
        if alive) and order_value (money).
        """
        return self.columns(simulated=False)

    def columns(self, *, simulated: bool = True) -> dict[str, Floats]:
        """The expectations, and the interval bounds value_low, value_high, growth_low and growth_high.

        Parameters
        ----------
        simulated
            whether to find the bounds
        """
        found = self._empty("p_alive", "p_no_purchase", "purchases", "value", "growth", "next_purchase")
        if simulated:
            found |= self._empty("value_low", "value_high", "growth_low", "growth_high")
        for rows, pairs, pair in self._blocks():
            alive, gone = self._alive(rows)
            ahead = self._by_age.at(*pairs)
            found["p_alive"][rows] = _mean(alive)
            found["p_no_purchase"][rows] = _mean(gone + alive * self._waits(pairs)[pair])
            found["purchases"][rows] = _mean(alive * ahead.purchases[pair])
            for name, amount in zip(self._names, (ahead.near, ahead.far), strict=True):
                found[name][rows] = _mean(alive * amount[pair])
            found["next_purchase"][rows] = ahead.next_purchase[pair]
            if simulated:
                weights, scale = self._weights(alive), self._scale(rows)
                for name, orders in zip(self._names, self._spent(pairs), strict=True):
                    bounds = interval_of(orders[pair] * scale, weights, self._interval)
                    found[f"{name}_low"][rows], found[f"{name}_high"][rows] = bounds
        intercept, slope = self._order_value[:, self._x_of]
        found["order_value"] = intercept + slope * self._buyers.x * self._buyers.z
        found["value"] *= found["order_value"]
        found["growth"] *= found["order_value"]
        return {name: values[self._which] for name, values in found.items()}

    def exceedance(self, threshold: Floats) -> Floats:
        """(n_customers,) probability that a customer spends more than their threshold in the horizon.

        `threshold` is (n_customers,) discounted money.

        Parameters
        ----------
        threshold
            (n_customers,) discounted money before the margin
        """
        chance = np.empty(self._which.size)
        members = np.argsort(self._which, kind="stable")
        starts = np.searchsorted(self._which[members], np.arange(self._buyers.x.size + 1))
        for rows, pairs, pair in self._blocks():
            alive = self._alive(rows)[0][:, self._cycle]
            spent = self._spent(pairs)[self._names.index("value")][pair] * self._scale(rows)
            chosen = members[starts[rows.start] : starts[rows.stop]]
            for begin in range(0, chosen.size, BLOCK):
                part = chosen[begin : begin + BLOCK]
                row = self._which[part] - rows.start
                chance[part] = _mean(alive[row] * (spent[row] > threshold[part, None]))
        return chance

    def purchase_interval(self) -> dict[str, Floats]:
        """(n_customers,) each: low and high, the bounds of the number of purchases in the horizon."""
        found = self._empty("low", "high")
        for rows, pairs, pair in self._blocks():
            bought = self._futures.purchases(*pairs, np.array([self._horizon]))[:, 0]
            counts = np.ascontiguousarray(bought.T, dtype=np.float32)[pair]
            weights = self._weights(self._alive(rows)[0])
            found["low"][rows], found["high"][rows] = interval_of(counts, weights, self._interval)
        return {name: values[self._which] for name, values in found.items()}

    def _blocks(self) -> Iterator[tuple[slice, Pairs, Index]]:
        """Rows of a block, their distinct (x, T), and which of those each row has."""
        for begin in range(0, self._buyers.x.size, BLOCK):
            rows = slice(begin, min(begin + BLOCK, self._buyers.x.size))
            x, T = self._x_of[rows], self._buyers.T[rows]
            first = _changes(x, T)
            yield rows, (x[first], T[first]), np.cumsum(first) - 1

    def _alive(self, rows: slice) -> tuple[Floats, Floats]:
        """(n, n_means) P(alive) and P(gone)."""
        x, t_x, T = (column[rows, None] for column in (self._buyers.x, self._buyers.t_x, self._buyers.T))
        r, alpha, a, b = (self._draws[name] for name in ("r", "alpha", "a", "b"))
        odds = np.exp(np.minimum(log_odds_gone(r, alpha, a, b, x, t_x, T, self._family), 700.0))
        alive = 1 / (1 + odds)
        return alive, odds * alive

    def _waits(self, pairs: Pairs) -> Floats:
        """(n, n_means) probability of no purchase in the horizon, if alive."""
        s = self._draws["r"] + self._x[pairs[0]][:, None]
        return np.exp(-s * np.log1p(self._horizon / (self._draws["alpha"] + pairs[1][:, None])))

    def _weights(self, alive: Floats) -> Matrix:
        cycled = alive if alive.shape[1] == self._cycle.size else alive[:, self._cycle]
        return cycled.astype(np.float32)

    def _spent(self, pairs: Pairs) -> tuple[Matrix, Matrix]:
        """(n, n_draws) discounted orders of those alive, to the near and far end, in units of v + xz."""
        times, factors, n_near = _slices(self._near, self._far, self._rate)
        bought = self._futures.purchases(*pairs, times)
        near, far = np.zeros((2, bought.shape[0], bought.shape[2]))
        for some in draws_at_a_time(bought.shape):
            worth = bought[some]
            for orders, sums in zip(worth, self._order_sums[some], strict=True):
                orders[...] = np.interp(orders, purchase_counts(), sums)
            worth[:, 1:] -= worth[:, :-1].copy()
            worth *= factors[:, None]
            quantiles = np.maximum(self._quantiles_by_x[some][:, pairs[0]], 1 / MOST)
            for k in range(n_near):  # one after the other: the number of rows must not change the order
                near[some] += worth[:, k]
            for k in range(n_near, factors.size):
                far[some] += worth[:, k]
            near[some] /= quantiles
            far[some] = near[some] + far[some] / quantiles
        return np.ascontiguousarray(near.T, dtype=np.float32), np.ascontiguousarray(far.T, dtype=np.float32)

    def _scale(self, rows: slice) -> Matrix:
        seen = self._buyers.x[rows] * self._buyers.z[rows]
        return self._v + seen.astype(np.float32)[:, None]

    def _empty(self, *names: str) -> dict[str, Floats]:
        return {name: np.empty(self._buyers.x.size) for name in names}


def _mean_orders(spend: Mapping[str, Floats], x: Floats) -> Floats:
    """(2, n) intercept and slope of the expected order value in x·z, over all draws, per distinct x."""
    p, q, v = (spend[name] for name in ("p", "q", "v"))
    shares = (p / (p * repeats + q - 1) for repeats in x)
    return np.array([(np.mean(share * v), np.mean(share)) for share in shares]).T


@lru_cache(maxsize=1024)
def _spend_quantiles(p: bytes, q: bytes, chance: bytes, x: float) -> Floats:
    """(n_draws,) the gamma quantile behind the spend of a customer with x repeat purchases."""
    return gammaincinv(np.frombuffer(p) * x + np.frombuffer(q), np.frombuffer(chance))


def _slices(near: float, far: float, rate: float) -> tuple[Floats, Floats, int]:
    """Ends of the slices of time, their discount factors, and how many lie before the nearer end.

    Slices do not depend on the ends, which only cut them: a longer horizon is never worth less.
    """
    if rate == 0:
        return np.array([near, far]), np.ones(2), 1
    inner = -np.log1p(-SLICE * np.arange(1, round(1 / SLICE))) / rate
    times = np.unique(np.concatenate([inner[inner < far], [near, far]]))
    middles = 0.5 * (times + np.concatenate([[0.0], times[:-1]]))
    number = np.floor(-np.expm1(-rate * middles) / SLICE)
    return times, 1 - SLICE * (number + 0.5), int(np.searchsorted(times, near)) + 1


def _mean(values: Floats) -> Floats:
    """Mean over the draws of each row, in an order of summation that the number of rows cannot change."""
    mean: Floats = np.add.reduce(np.ascontiguousarray(values), axis=1) / values.shape[1]
    return mean


def _changes(*columns: npt.NDArray[np.generic]) -> Flags:
    """True where a row differs from the one before it, and at the first."""
    first = np.ones(columns[0].size, dtype=np.bool_)
    if first.size > 1:
        first[1:] = np.logical_or.reduce([column[1:] != column[:-1] for column in columns])
    return first
