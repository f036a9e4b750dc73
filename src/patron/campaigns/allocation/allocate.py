"""The most profitable list of contacts under a budget, channel capacities and segment minimums.

Maximise Σ expected profit over customers and offers, subject to: total cost within the budget, contacts of
each channel within its capacity, at most one offer per customer, and a minimum number of contacts in some
segments.

1. Shadow prices of the limits (:mod:`patron.campaigns.allocation.shadow_prices`) give a bound that no list
   exceeds.
2. Greedy: in order of profit ÷ price of the resources used, each customer gets the offer that is best after
   prices, while capacity remains. Greedy errs on at most as many customers as there are limits.
3. Exact: what the prices do not settle, the core problem, goes to a mixed-integer solver. An offer that loses
   more after prices than the difference between list and bound cannot be part of a better list. The least
   clear customers are solved first: a better list makes the remaining core smaller.

The difference between list and bound is the optimality gap; it is reported.

References
----------
Dantzig (1957), Discrete-variable extremum problems, Operations Research 5(2), 266-288: greedy by ratio and
its bound. Balas & Zemel (1980), An algorithm for large zero-one knapsack problems, Operations Research 28(5),
1130-1154: the core problem. The solver is HiGHS (Huangfu & Hall 2018, Mathematical Programming Computation
10(1), 119-142), through SciPy.
"""

from dataclasses import dataclass, replace

import numpy as np

from patron.arrays import Flags, Floats, Integers
from patron.campaigns.allocation.integer_core import find_core, solve_core
from patron.campaigns.allocation.shadow_prices import (
    AllocationProblem,
    ShadowPrices,
    find_shadow_prices,
    reduced_profits,
)
from patron.errors import InputError

__all__ = ["MAX_EXACT_CUSTOMERS", "Allocation", "allocate", "allocate_by_rank"]


MAX_EXACT_CUSTOMERS = 30_000
"""Largest number of undecided customers passed to the mixed-integer solver."""

_FIRST_CORES = (100, 1_000)  # customers solved first, before the whole core
_CLOSE_ENOUGH = 1e-5  # relative to the bound: a list this close counts as optimal
_MAX_TRIED = 20_000  # customers tried one by one once the next one no longer fits


@dataclass(frozen=True, slots=True)
class Allocation:
    """The offer that each customer gets.

    Attributes
    ----------
    offer
        (n_customers,) position of the offer, −1 for none
    profit
        money, expected profit of the whole list
    cost
        money, cost of the whole list
    bound
        money; no list within the limits earns more
    exact
        whether the core problem was solved to optimality
    shadow_prices
        what the limits are worth at the margin
    """

    offer: Integers
    profit: float
    cost: float
    bound: float
    exact: bool
    shadow_prices: ShadowPrices

    @property
    def gap(self) -> float:
        """The optimality gap: at most this share of the bound is missed; 0 for an optimal list."""
        return max(self.bound - self.profit, 0.0) / self.bound if self.bound > 0 else 0.0


def allocate(
    problem: AllocationProblem, *, max_exact: int = MAX_EXACT_CUSTOMERS, time_limit: float = 10.0
) -> Allocation:
    """The most profitable list within the limits.

    Parameters
    ----------
    problem
        profits and costs of each offer to each customer, and the limits
    max_exact
        largest number of undecided customers passed to the solver; 0 for greedy only
    time_limit
        seconds that the solver may take; after that its best list so far is used, with its gap

    Returns
    -------
    Allocation
        an empty list if no contact earns anything and there are no minimums

    Raises
    ------
    InputError
        the minimum of a segment cannot be met within the limits

    Examples
    --------
    With a budget of 10, the third customer has the best ratio, then the first; the second no longer fits.

    >>> problem = AllocationProblem(
    ...     profit=np.array([[6.0, 8.0, 4.0]]), cost=np.array([[5.0, 7.0, 3.0]]), budget=10.0,
    ...     channel=np.array([0]), capacity=np.array([np.inf]), segment=np.full(3, -1),
    ...     min_contacts=np.zeros(0, dtype=np.int64))
    >>> allocation = allocate(problem)
    >>> allocation.offer.tolist(), allocation.profit, allocation.gap
    ([-1, 0, 0], 12.0, 0.0)
    """
    prices = find_shadow_prices(problem)
    reduced = reduced_profits(problem, prices)
    offer = _greedy(problem, prices, reduced)
    allocation = _evaluate(problem, offer, prices.bound, False, prices)
    if max_exact:
        allocation = _solve_core_problem(problem, allocation, reduced, max_exact, time_limit)
    if _misses_minimum(problem, allocation.offer):
        raise InputError(
            "The minimum per segment cannot be met within the budget and the channel capacities. "
            "Lower it, or raise them."
        )
    return allocation


def allocate_by_rank(problem: AllocationProblem, rank: Floats, budget: float) -> Integers:
    """A list by a simple rule, for comparison: highest rank first, each customer's own best offer.

    Parameters
    ----------
    problem
        profits and costs of each offer to each customer, and the limits; its budget is not used
    rank
        (n_customers,) whom to contact first, highest first; NaN excludes the customer
    budget
        money to spend

    Returns
    -------
    Integers
        (n_customers,) position of the offer, −1 for none; within the channel capacities, for about as much
        money as `budget` and never more

    Examples
    --------
    >>> problem = AllocationProblem(
    ...     profit=np.array([[6.0, -8.0, 4.0]]), cost=np.ones((1, 3)), budget=10.0, channel=np.array([0]),
    ...     capacity=np.array([np.inf]), segment=np.full(3, -1), min_contacts=np.zeros(0, dtype=np.int64))
    >>> allocate_by_rank(problem, np.array([1.0, 3.0, 2.0]), budget=2.0).tolist()
    [-1, 0, 0]
    """
    remaining = _Remaining(budget, problem.capacity.copy())
    chosen = np.full(problem.profit.shape[1], -1, dtype=np.int64)
    order = np.argsort(-rank, kind="stable")
    waiting = order[~np.isnan(rank[order])]
    for _ in range(len(problem.capacity) + 1):  # once a channel is full, the best offer of another one
        profit = np.where(remaining.has_room(problem.channel)[:, None], problem.profit[:, waiting], -np.inf)
        best = profit.argmax(axis=0)
        possible = np.isfinite(profit[best, np.arange(len(waiting))])
        added = _fill(problem, remaining, waiting[possible], best[possible], chosen)
        waiting = waiting[chosen[waiting] < 0]
        if not added:
            break
    return chosen


def _greedy(problem: AllocationProblem, prices: ShadowPrices, reduced: Floats) -> Integers:
    remaining = _Remaining(problem.budget, problem.capacity.copy())
    chosen = np.full(problem.profit.shape[1], -1, dtype=np.int64)
    for segment, minimum in enumerate(problem.min_contacts):
        members = np.flatnonzero(problem.segment == segment)
        best = reduced[:, members].argmax(axis=0)
        value = reduced[best, members]
        order = np.argsort(-value, kind="stable")
        order = order[np.isfinite(value[order])]
        _fill(problem, remaining, members[order], best[order], chosen, limit=int(minimum))
    price = prices.budget * problem.cost + prices.channel[problem.channel][:, None]
    waiting = np.flatnonzero((chosen < 0) & (problem.profit.max(axis=0, initial=-np.inf) > 0))
    for _ in range(len(problem.profit) + 1):  # once a channel is full, the best offer of another one
        allowed = remaining.has_room(problem.channel)[:, None] & (problem.profit[:, waiting] > 0)
        value = np.where(allowed, reduced[:, waiting], -np.inf)
        best = value.argmax(axis=0)
        possible = np.flatnonzero(np.isfinite(value[best, np.arange(len(waiting))]))
        customer, offer = waiting[possible], best[possible]
        paid, earned = price[offer, customer], problem.profit[offer, customer]
        ratio = np.divide(earned, paid, out=np.full(len(paid), np.inf), where=paid > 0)
        order = np.lexsort((-earned, -ratio))
        added = _fill(problem, remaining, customer[order], offer[order], chosen)
        waiting = waiting[chosen[waiting] < 0]
        if not added or not len(waiting):
            break
    return chosen


@dataclass(slots=True)
class _Remaining:
    """What is left of the budget (money) and of each channel (n_channels,) (number of contacts)."""

    budget: float
    capacity: Floats

    def has_room(self, channel: Integers) -> Flags:
        """Whether the channel of each offer has room for one more contact: the shape of `channel`."""
        return self.capacity[channel] >= 1

    def use(self, cost: Floats, channel: Integers) -> None:
        self.budget -= float(cost.sum())
        self.capacity -= np.bincount(channel, minlength=len(self.capacity))


def _fill(
    problem: AllocationProblem,
    remaining: _Remaining,
    customer: Integers,
    offer: Integers,
    chosen: Integers,
    *,
    limit: int | None = None,
) -> int:
    """Take up to `limit` customers in order while they fit, skip those who do not; the number taken.

    `remaining` shrinks by what is taken, and the offers of those taken are written into `chosen`.
    """
    limit = len(customer) if limit is None else limit
    cost, channel = problem.cost[offer, customer], problem.channel[offer]
    fits = np.ones(len(customer), dtype=bool)
    for position, capacity in enumerate(remaining.capacity):
        here = channel == position
        fits[here] = np.arange(1, np.count_nonzero(here) + 1) <= capacity
    spent = np.cumsum(np.where(fits, cost, 0.0))
    until = int(np.searchsorted(spent, remaining.budget, side="right"))
    taken = np.flatnonzero(fits[:until])[:limit]
    remaining.use(cost[taken], channel[taken])
    chosen[customer[taken]] = offer[taken]
    count = len(taken)
    for row in range(until, min(until + _MAX_TRIED, len(customer))):
        if count >= limit or remaining.budget <= 0:
            break
        if cost[row] <= remaining.budget and remaining.capacity[channel[row]] >= 1:
            remaining.use(cost[row : row + 1], channel[row : row + 1])
            chosen[customer[row]] = offer[row]
            count += 1
    return count


def _solve_core_problem(
    problem: AllocationProblem,
    allocation: Allocation,
    reduced: Floats,
    max_exact: int,
    time_limit: float,
) -> Allocation:
    """The list with the customers that the prices leave open decided by the solver, as far as it gets."""
    for size in (*(size for size in _FIRST_CORES if size < max_exact), max_exact):
        infeasible = _misses_minimum(problem, allocation.offer)
        core = find_core(reduced, np.inf if infeasible else allocation.bound - allocation.profit, size)
        tolerance = _CLOSE_ENOUGH * abs(allocation.bound)
        if not infeasible and allocation.bound - allocation.profit <= tolerance:
            return replace(allocation, exact=True)
        solved = None
        if len(core.customer) and (core.complete or size < max_exact):
            solved = solve_core(
                problem, core, bound=allocation.bound, tolerance=tolerance / 2, time_limit=time_limit / 3
            )
        if solved is not None:
            offer, bound, finished = solved
            found = _evaluate(problem, offer, allocation.bound, False, allocation.shadow_prices)
            if infeasible or found.profit > allocation.profit:
                allocation = found
            if core.complete:
                bound = max(min(allocation.bound, bound), allocation.profit)
                near = bound - allocation.profit <= tolerance
                allocation = replace(allocation, bound=bound, exact=finished or near)
        elif core.complete and not len(core.customer):
            allocation = replace(allocation, bound=allocation.profit, exact=True)
        if core.complete:
            break
    return allocation


def _evaluate(
    problem: AllocationProblem, offer: Integers, bound: float, exact: bool, prices: ShadowPrices
) -> Allocation:
    on = np.flatnonzero(offer >= 0)
    profit, cost = (float(table[offer[on], on].sum()) for table in (problem.profit, problem.cost))
    # The profit of an optimal list may exceed the bound by the rounding of a sum.
    return Allocation(offer, profit, cost, max(bound, profit), exact, prices)


def _misses_minimum(problem: AllocationProblem, offer: Integers) -> bool:
    contacted = problem.segment[(offer >= 0) & (problem.segment >= 0)]
    counts = np.bincount(contacted, minlength=len(problem.min_contacts))
    return bool((counts < problem.min_contacts).any())
