"""From parameters to every number of the scorecard: the engine of the value model. Arrays in, arrays out.

What makes a million customers cheap is that little depends on the whole customer. Given that a customer is
alive, purchases ahead depend on (x, T) alone; one-time buyers on T alone; spend per purchase is linear in the
mean spend seen. So each is computed once per distinct value and draw, and a customer adds P(alive) and two
products. Everything is elementwise in the customer, with the order of summation over draws fixed, so that a
row's numbers are the same alone, in a batch and in any order.

Means are means over posterior draws of the analytic expectation. Intervals come from simulated futures (see
`patron.models.purchases.simulate`), one per posterior draw; the chance of being gone is not drawn but enters
each draw as a weight, which makes the most of few draws.

The letters are those of `patron.models.purchases.expectation`; of spend: an order is worth Gamma(p, ν), with
ν ~ Gamma(q, v) over customers, and z is the mean of the x repeat orders seen.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import gammaincinv

from patron.models.purchases.expectation import drop_out_shape, probability_alive
from patron.models.purchases.rate import FARTHEST, purchases_while_alive
from patron.models.purchases.simulate import Futures, draw_chances, purchase_counts

__all__ = ["Buyers", "Outlook", "Posterior", "interval_of", "thinned"]

Floats = npt.NDArray[np.float64]
Singles = npt.NDArray[np.float32]
Index = npt.NDArray[np.intp]

BLOCK = 2048  # customers at a time: the arrays of a block stay in the processor's cache
SLICE = 0.02  # within a simulated future money is discounted as of slices that differ by this share
MOST = 1e30  # of money, in the units of the input: a bound that keeps single precision finite


@dataclass(frozen=True, slots=True)
class Buyers:
    """Customers as the models see them, one number each.

    Attributes
    ----------
    x : repeat purchases
    t_x, T : recency and age, time units of the purchase model
    z : money, mean of the repeat orders; 0 where there is none
    """

    x: Floats
    t_x: Floats
    T: Floats
    z: Floats

    def distinct(self) -> tuple["Buyers", Index]:
        """The distinct rows, sorted by x, then T; and which of them each customer is."""
        order = np.lexsort((self.z, self.t_x, self.T, self.x))
        columns = [column[order] for column in (self.x, self.t_x, self.T, self.z)]
        which = np.empty(order.size, dtype=np.intp)
        first = _changes(*columns)
        which[order] = np.cumsum(first) - 1
        return Buyers(*(column[first] for column in columns)), which


@dataclass(frozen=True, slots=True)
class Posterior:
    """Parameter draws of both models.

    Attributes
    ----------
    purchases : r, alpha, a, b, each (n,)
    spend : p, q, v, each (m,)
    family : "bgnbd" or "mbgnbd"
    """

    purchases: Mapping[str, Floats]
    spend: Mapping[str, Floats]
    family: str


def thinned(draws: Mapping[str, Floats], n_draws: int) -> dict[str, Floats]:
    """At most `n_draws` of the draws, evenly spaced.

    Examples
    --------
    >>> thinned({"r": np.arange(10.0)}, 5)
    {'r': array([0., 2., 4., 6., 8.])}
    """
    kept = {}
    for name, values in draws.items():
        column = np.atleast_1d(np.asarray(values, dtype=np.float64))
        chosen = np.arange(min(n_draws, column.size)) * column.size // min(n_draws, column.size)
        kept[name] = column[chosen]
    return kept


class Outlook:
    """What the models expect of customers, and what customers may do.

    Parameters
    ----------
    posterior : parameter draws
    buyers : customers, in any order; equal ones are computed once
    horizon, value_horizon : time units ahead; either may be the longer, the second may be infinite
    rate : continuous discount rate per time unit
    n_draws : futures of each customer, and the most posterior draws that a mean is taken over
    random_state : seed of the luck that all customers share
    level : probability that an interval holds

    Notes
    -----
    `columns` gives a dict of arrays in the order of `buyers`; money is before the margin.
    """

    def __init__(
        self,
        posterior: Posterior,
        buyers: Buyers,
        *,
        horizon: float,
        value_horizon: float,
        rate: float,
        n_draws: int,
        random_state: int,
        level: float,
    ) -> None:
        self.buyers, self.which = buyers.distinct()
        self.family, self.rate, self.level = posterior.family, rate, level
        self.horizon = horizon
        ends = [min(end, FARTHEST / rate) if rate > 0 else end for end in (horizon, value_horizon)]
        self.near, self.far = min(ends), max(ends)
        self.flipped = ends[0] > ends[1]
        self.draws = thinned(posterior.purchases, n_draws)
        self.n_means = self.draws["r"].size
        self.cycle = np.arange(n_draws) % self.n_means
        self.groups, self.group = np.unique(self.buyers.x, return_inverse=True)
        self._prepare_spend(posterior.spend, n_draws, random_state)
        self.futures = Futures(
            draw_chances(n_draws, random_state),
            {name: values[self.cycle] for name, values in self.draws.items()},
            self.family,
            self.groups,
        )

    def columns(self) -> dict[str, Floats]:
        """Every number, (n_customers,) each: see `patron.models.value.CustomerValueModel.predict`."""
        found = self._empty(
            "p_alive", "p_no_purchase", "purchases", "value", "growth", "next_purchase",
            "value_low", "value_high", "growth_low", "growth_high",
        )  # fmt: skip
        order_value = self.order_value()
        for rows, pairs, pair in self._blocks():
            alive, dead = self._alive(rows)
            plain, near, far, waits = self._ahead(pairs)
            found["p_alive"][rows] = _mean(alive)
            found["p_no_purchase"][rows] = _mean(dead + alive * waits[pair])
            found["purchases"][rows] = _mean(alive * plain[pair])
            found["value"][rows] = _mean(alive * (far if self.flipped else near)[pair])
            found["growth"][rows] = _mean(alive * (near if self.flipped else far)[pair])
            found["next_purchase"][rows] = self._next_purchase(pairs)[pair]
            weights = alive[:, self.cycle].astype(np.float32)
            spent = self._spent(pairs)
            for name, totals in zip(
                ("growth", "value") if self.flipped else ("value", "growth"), spent, strict=True
            ):
                low, high = interval_of(totals[pair] * self._scale(rows), weights, self.level)
                found[f"{name}_low"][rows], found[f"{name}_high"][rows] = low, high
        found["value"] *= order_value
        found["growth"] *= order_value
        found["order_value"] = order_value
        return {name: values[self.which] for name, values in found.items()}

    def exceedance(self, threshold: Floats) -> Floats:
        """(n_customers,) probability that the money spent in the horizon is more than each customer's threshold.

        `threshold` is (n_customers,) money; customers who are alike but for it are told apart by it.
        """
        chance = np.empty(self.which.size)
        members = np.argsort(self.which, kind="stable")
        starts = np.searchsorted(self.which[members], np.arange(self.buyers.x.size + 1))
        for rows, pairs, pair in self._blocks():
            weights = self._alive(rows)[0][:, self.cycle]
            values = self._spent(pairs)[1 if self.flipped else 0][pair] * self._scale(rows)
            chosen = members[starts[rows.start] : starts[rows.stop]]
            for begin in range(0, chosen.size, BLOCK):
                part = chosen[begin : begin + BLOCK]
                row = self.which[part] - rows.start
                chance[part] = _mean(weights[row] * (values[row] > threshold[part, None]))
        return chance

    def purchase_interval(self) -> tuple[Floats, Floats]:
        """(n_customers,) bounds of the number of purchases in the horizon."""
        found = self._empty("low", "high")
        for rows, pairs, pair in self._blocks():
            bought = self.futures.purchases(*pairs, np.array([self.horizon]))[:, 0]
            weights = self._alive(rows)[0][:, self.cycle].astype(np.float32)
            counts = np.ascontiguousarray(bought.T, dtype=np.float32)[pair]
            found["low"][rows], found["high"][rows] = interval_of(counts, weights, self.level)
        return found["low"][self.which], found["high"][self.which]

    def expected_purchases(self) -> Floats:
        """(n_customers,) purchases expected in the horizon."""
        found = self._empty("purchases")
        for rows, pairs, pair in self._blocks():
            found["purchases"][rows] = _mean(self._alive(rows)[0] * self._ahead(pairs)[0][pair])
        return found["purchases"][self.which]

    def order_value(self) -> Floats:
        """(n_distinct,) money, expected mean order: over all draws of the spend model."""
        return self.spend_level[self.group] + self.spend_slope[self.group] * self.buyers.x * self.buyers.z

    def _prepare_spend(self, spend: Mapping[str, Floats], n_draws: int, random_state: int) -> None:
        self.spend_level, self.spend_slope = np.empty((2, self.groups.size))
        p, q, v = (np.atleast_1d(np.asarray(spend[name], dtype=np.float64)) for name in ("p", "q", "v"))
        for index, x in enumerate(self.groups):
            share = p / (p * x + q - 1)
            self.spend_level[index], self.spend_slope[index] = np.mean(share * v), np.mean(share)
        drawn = thinned(spend, n_draws)
        cycle = np.arange(n_draws) % drawn["p"].size
        p, q, self.spend_v = (drawn[name][cycle] for name in ("p", "q", "v"))
        chances = draw_chances(n_draws, random_state)
        shape = p[:, None] * self.groups + q[:, None]
        self.spend_luck = gammaincinv(shape, chances.spend[:, None])
        self.order_sums = chances.order_sums(p)

    def _empty(self, *names: str) -> dict[str, Floats]:
        return {name: np.empty(self.buyers.x.size) for name in names}

    def _blocks(self) -> Iterator[tuple[slice, tuple[Index, Floats], Index]]:
        """Rows of a block; its distinct (x, T) as (which x, T); and which of those each row has."""
        for begin in range(0, self.buyers.x.size, BLOCK):
            rows = slice(begin, min(begin + BLOCK, self.buyers.x.size))
            group, T = self.group[rows], self.buyers.T[rows]
            first = _changes(group, T)
            yield rows, (group[first], T[first]), np.cumsum(first) - 1

    def _alive(self, rows: slice) -> tuple[Floats, Floats]:
        """(n, n_means) P(alive) and P(gone)."""
        x, t_x, T = (column[rows, None] for column in (self.buyers.x, self.buyers.t_x, self.buyers.T))
        draws = self.draws
        alive = probability_alive(draws["r"], draws["alpha"], draws["a"], draws["b"], x, t_x, T, self.family)
        return alive, 1 - alive

    def _ahead(self, pairs: tuple[Index, Floats]) -> tuple[Floats, Floats, Floats, Floats]:
        """Of those alive, (n, n_means): purchases in the horizon, discounted ones up to the nearer and the farther
        end, and the probability of none in the horizon."""
        s, beta, c = self._shapes(pairs)
        found = purchases_while_alive(
            s, beta, self.draws["a"], c, (0.0, self.near, self.far), (0.0, self.rate)
        )
        plain = found[0, 0] + found[0, 1] if self.flipped else found[0, 0]
        return plain, found[1, 0], found[1, 0] + found[1, 1], np.exp(-s * np.log1p(self.horizon / beta))

    def _next_purchase(self, pairs: tuple[Index, Floats]) -> Floats:
        """(n,) time until the probability of no purchase, if alive, has fallen to one half."""
        s, beta, _ = self._shapes(pairs)
        wait = np.log(2) / s
        medians = np.log(beta) + np.where(wait > 30, wait, np.log(np.expm1(np.minimum(wait, 30))))
        low, high = medians.min(axis=1), medians.max(axis=1)
        guess = 0.5 * (low + high)
        for _step in range(25):  # Newton's steps, halved where they leave the bracket; log of time throughout
            relative = np.exp(np.minimum(guess[:, None] - np.log(beta), 690.0))
            none = np.exp(-s * np.log1p(relative))
            excess = _mean(none) - 0.5
            slope = _mean(none * s * relative / (1 + relative))
            low, high = np.where(excess > 0, guess, low), np.where(excess > 0, high, guess)
            step = guess + excess / np.maximum(slope, 1e-300)
            guess = np.where((step > low) & (step < high), step, 0.5 * (low + high))
        return np.exp(np.minimum(guess, 690.0))

    def _shapes(self, pairs: tuple[Index, Floats]) -> tuple[Floats, Floats, Floats]:
        x, T = self.groups[pairs[0]][:, None], pairs[1][:, None]
        return self.draws["r"] + x, self.draws["alpha"] + T, drop_out_shape(self.draws["b"], x, self.family)

    def _spent(self, pairs: tuple[Index, Floats]) -> tuple[Singles, Singles]:
        """(n, n_draws) discounted orders of those alive, up to the nearer and the farther end, in units of v + xz."""
        times, factors, n_near = self._slices()
        bought = self.futures.purchases(*pairs, times)
        counts = purchase_counts()
        near, far = np.empty((2, bought.shape[0], bought.shape[2]))
        for k, sums in enumerate(self.order_sums):
            orders = np.diff(np.interp(bought[k], counts, sums), axis=0, prepend=0.0)
            worth = np.cumsum(orders * factors[:, None], axis=0)
            luck = np.maximum(self.spend_luck[k, pairs[0]], 1 / MOST)
            near[k], far[k] = worth[n_near - 1] / luck, worth[-1] / luck
        return np.ascontiguousarray(near.T, dtype=np.float32), np.ascontiguousarray(far.T, dtype=np.float32)

    def _slices(self) -> tuple[Floats, Floats, int]:
        """Ends of the slices of time, their discount factors, and how many lie before the nearer end."""
        kept = [1.0, float(np.exp(-self.rate * self.near)), float(np.exp(-self.rate * self.far))]
        parts = [max(1, int(np.ceil((kept[i] - kept[i + 1]) / SLICE))) for i in range(2)]
        marks = np.concatenate([np.linspace(kept[i], kept[i + 1], parts[i] + 1)[1:] for i in range(2)])
        if self.rate == 0:
            return np.array([self.near, self.far]), np.ones(2), 1
        times = -np.log(marks) / self.rate
        times[parts[0] - 1], times[-1] = self.near, self.far
        return times, 0.5 * (marks + np.concatenate([[1.0], marks[:-1]])), parts[0]

    def _scale(self, rows: slice) -> Singles:
        seen = (self.buyers.x[rows] * self.buyers.z[rows])[:, None]
        return (self.spend_v + seen).astype(np.float32)


def interval_of(
    values: npt.NDArray[np.floating], weights: npt.NDArray[np.floating], level: float
) -> tuple[Floats, Floats]:
    """The interval that holds a customer's number with probability `level`.

    Parameters
    ----------
    values : (n_customers, n_draws) at least 0, what happens in each draw if the customer is alive
    weights : (n_customers, n_draws) P(alive) in each draw; a customer who is gone counts as 0
    level : probability in (0, 1)

    Returns
    -------
    low, high : (n_customers,)

    Notes
    -----
    low is the quantile at (1 - level)/2, and high the least number such that [low, high] holds `level`. Where
    values are smooth that is the central interval. Where most of the probability lies at 0, low is 0 and high
    the quantile at `level`: a central interval would hold more than it says.

    Examples
    --------
    >>> values = np.arange(1.0, 11.0)[None, :]
    >>> interval_of(values, np.ones((1, 10)), 0.8)
    (array([1.]), array([8.]))
    >>> interval_of(values, np.full((1, 10), 0.5), 0.8)
    (array([0.]), array([6.]))
    """
    n_draws = values.shape[1]
    order = np.argsort(values, axis=1)
    sorted_values = np.take_along_axis(values, order, axis=1)
    summed = np.cumsum(np.take_along_axis(weights, order, axis=1), axis=1, dtype=np.float64) / n_draws
    gone = 1 - summed[:, -1]
    tail = 0.5 * (1 - level)

    def reaches(probability: Floats) -> Floats:
        short = np.sum(summed < (probability - gone - 1e-6)[:, None], axis=1)
        found = sorted_values[np.arange(short.size), np.minimum(short, n_draws - 1)]
        return np.where(gone >= probability - 1e-6, 0.0, found).astype(np.float64)

    low = reaches(np.full(gone.size, tail))
    below = np.sum(np.where(values < low[:, None], weights, 0), axis=1, dtype=np.float64) / n_draws
    return low, reaches(np.minimum(np.where(low > 0, below + gone, 0.0) + level, 1.0))


def _mean(values: Floats) -> Floats:
    """Mean over the draws of each row, in an order of summation that the number of rows cannot change."""
    mean: Floats = np.add.reduce(np.ascontiguousarray(values), axis=1) / values.shape[1]
    return mean


def _changes(*columns: npt.NDArray[np.generic]) -> npt.NDArray[np.bool_]:
    """True where a row differs from the one before it, and at the first."""
    first = np.ones(columns[0].size, dtype=np.bool_)
    if first.size > 1:
        first[1:] = np.logical_or.reduce([column[1:] != column[:-1] for column in columns])
    return first
