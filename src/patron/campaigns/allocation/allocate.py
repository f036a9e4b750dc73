"""The list worth contacting: the most profit under a budget and the limits of the channels.

Maximise Σ expected profit over customers and offers, where the costs stay within the budget, the contacts of
each channel within its capacity, each customer gets at most one offer, and some segments at least so many.

1. The limits get prices (:mod:`patron.campaigns.allocation.shadow_prices`); these give a bound that no list
   exceeds.
2. Greedy: by the ratio of profit to the price of what a contact uses, each customer gets the offer that is
   best after prices, while there is room. At most as many customers as there are limits come out wrong.
3. Exact: what the prices do not decide beyond doubt, the core, is left to a solver of integer programs. An
   offer that loses more after prices than lies between list and bound cannot be part of a better list. The
   solver gets the least clear customers first: the better the list, the smaller the core.

What still lies between the list and the bound is the gap. It is told.

References
----------
Dantzig (1957), Discrete-variable extremum problems, Operations Research 5(2), 266-288: greedy by ratio and
its bound. Balas & Zemel (1980), An algorithm for large zero-one knapsack problems, Operations Research 28(5),
1130-1154: the core. The solver is HiGHS (Huangfu & Hall 2018, Mathematical Programming Computation 10(1),
119-142), by way of SciPy.
"""

from dataclasses import dataclass, replace

import numpy as np

from patron.arrays import Floats, Integers
from patron.campaigns.allocation.greedy import Room, fill
from patron.campaigns.allocation.integer_core import find_core, solve_core
from patron.campaigns.allocation.shadow_prices import Competition, Prices, find_prices, reduced_profits
from patron.errors import InputError

__all__ = ["Choice", "choose", "choose_by_rule"]


EXACT_UP_TO = 30_000
"""Customers on whom the prices do not decide that the solver gets at most."""

_FIRST = (100, 1_000)  # customers whom the solver gets before it gets all
_ENOUGH = 1e-5  # of the bound: a list that misses no more is as good as the best


@dataclass(frozen=True, slots=True)
class Choice:
    """Which offer each customer gets.

    Attributes
    ----------
    offer
        (n_customers,) position of the offer, −1 for none
    profit
        money, expected from the whole list
    cost
        money, of the whole list
    bound
        money; no list within the limits earns more
    exact
        whether the solver decided what the prices left open
    prices
        what the limits are worth at the margin
    """

    offer: Integers
    profit: float
    cost: float
    bound: float
    exact: bool
    prices: Prices

    @property
    def gap(self) -> float:
        """The share of the bound that this list may miss at most: 0 for the best list."""
        return max(self.bound - self.profit, 0.0) / self.bound if self.bound > 0 else 0.0


def choose(given: Competition, *, exact_up_to: int = EXACT_UP_TO, time_limit: float = 10.0) -> Choice:
    """The most profitable list within the limits.

    Parameters
    ----------
    given
        what each offer to each customer earns and costs, and the limits
    exact_up_to
        count of undecided customers up to which the solver is asked; 0 for greedy alone
    time_limit
        seconds that the solver may take; then its best list so far counts, with its gap

    Returns
    -------
    Choice
        a list of nobody where no contact earns anything and no minimum is asked for

    Raises
    ------
    InputError
        the minimum of a segment cannot be met within the limits

    Examples
    --------
    Money for 10: by ratio the third customer comes first, then the first, and no room is left for the second.

    >>> given = Competition(
    ...     profit=np.array([[6.0, 8.0, 4.0]]), cost=np.array([[5.0, 7.0, 3.0]]), budget=10.0,
    ...     channel=np.array([0]), capacity=np.array([np.inf]), segment=np.full(3, -1),
    ...     least=np.zeros(0, dtype=np.int64))
    >>> choice = choose(given)
    >>> choice.offer.tolist(), choice.profit, choice.gap
    ([-1, 0, 0], 12.0, 0.0)
    """
    prices = find_prices(given)
    reduced = reduced_profits(given, prices)
    offer = _greedy(given, prices, reduced)
    choice = _evaluate(given, offer, prices.bound, False, prices)
    if exact_up_to:
        choice = _decide_core(given, choice, reduced, exact_up_to, time_limit)
    if _short_of_minimum(given, choice.offer):
        raise InputError(
            "The minimum per segment cannot be met within the budget and the capacities of the channels. "
            "Lower it, or raise them."
        )
    return choice


def choose_by_rule(given: Competition, rank: Floats, budget: float) -> Integers:
    """A list by a simple rule, for comparison: the highest rank first, each customer's own best offer.

    Parameters
    ----------
    given
        what each offer to each customer earns and costs, and the limits; its budget does not count
    rank
        (n_customers,) whom to contact first, highest first; NaN for nobody
    budget
        money to spend

    Returns
    -------
    Integers
        (n_customers,) position of the offer, −1 for none; within the capacity of the channels, for about as
        much money as `budget` and never more

    Examples
    --------
    >>> given = Competition(
    ...     profit=np.array([[6.0, -8.0, 4.0]]), cost=np.ones((1, 3)), budget=10.0, channel=np.array([0]),
    ...     capacity=np.array([np.inf]), segment=np.full(3, -1), least=np.zeros(0, dtype=np.int64))
    >>> choose_by_rule(given, np.array([1.0, 3.0, 2.0]), budget=2.0).tolist()
    [-1, 0, 0]
    """
    room = Room(budget, given.capacity.copy())
    chosen = np.full(given.profit.shape[1], -1, dtype=np.int64)
    order = np.argsort(-rank, kind="stable")
    waiting = order[~np.isnan(rank[order])]
    for _ in range(len(given.capacity) + 1):  # where a channel is full, the best offer of another one
        worth = np.where(room.open(given.channel)[:, None], given.profit[:, waiting], -np.inf)
        best = worth.argmax(axis=0)
        possible = np.isfinite(worth[best, np.arange(len(waiting))])
        added = fill(given, room, waiting[possible], best[possible], chosen)
        waiting = waiting[chosen[waiting] < 0]
        if not added:
            break
    return chosen


def _greedy(given: Competition, prices: Prices, reduced: Floats) -> Integers:
    room = Room(given.budget, given.capacity.copy())
    chosen = np.full(given.profit.shape[1], -1, dtype=np.int64)
    for segment, least in enumerate(given.least):
        members = np.flatnonzero(given.segment == segment)
        best = reduced[:, members].argmax(axis=0)
        worth = reduced[best, members]
        order = np.argsort(-worth, kind="stable")
        order = order[np.isfinite(worth[order])]
        fill(given, room, members[order], best[order], chosen, most=int(least))
    price = prices.budget * given.cost + prices.channel[given.channel][:, None]
    waiting = np.flatnonzero((chosen < 0) & (given.profit.max(axis=0, initial=-np.inf) > 0))
    for _ in range(len(given.profit) + 1):  # where a channel is full, the best offer of another one
        allowed = room.open(given.channel)[:, None] & (given.profit[:, waiting] > 0)
        worth = np.where(allowed, reduced[:, waiting], -np.inf)
        best = worth.argmax(axis=0)
        possible = np.flatnonzero(np.isfinite(worth[best, np.arange(len(waiting))]))
        customer, offer = waiting[possible], best[possible]
        paid, earned = price[offer, customer], given.profit[offer, customer]
        ratio = np.divide(earned, paid, out=np.full(len(paid), np.inf), where=paid > 0)
        order = np.lexsort((-earned, -ratio))
        added = fill(given, room, customer[order], offer[order], chosen)
        waiting = waiting[chosen[waiting] < 0]
        if not added or not len(waiting):
            break
    return chosen


def _decide_core(
    given: Competition, choice: Choice, reduced: Floats, exact_up_to: int, time_limit: float
) -> Choice:
    """The list with what the prices leave open decided by the solver, as far as it gets."""
    for most in (*(size for size in _FIRST if size < exact_up_to), exact_up_to):
        short = _short_of_minimum(given, choice.offer)
        core = find_core(reduced, np.inf if short else choice.bound - choice.profit, most)
        tolerance = _ENOUGH * abs(choice.bound)
        if not short and choice.bound - choice.profit <= tolerance:
            return replace(choice, exact=True)
        solved = None
        if len(core.customer) and (core.whole or most < exact_up_to):
            solved = solve_core(
                given, core, bound=choice.bound, tolerance=tolerance / 2, time_limit=time_limit / 3
            )
        if solved is not None:
            offer, bound, finished = solved
            found = _evaluate(given, offer, choice.bound, False, choice.prices)
            if short or found.profit > choice.profit:
                choice = found
            if core.whole:
                bound = max(min(choice.bound, bound), choice.profit)
                near = bound - choice.profit <= tolerance
                choice = replace(choice, bound=bound, exact=finished or near)
        elif core.whole and not len(core.customer):
            choice = replace(choice, bound=choice.profit, exact=True)
        if core.whole:
            break
    return choice


def _evaluate(given: Competition, offer: Integers, bound: float, exact: bool, prices: Prices) -> Choice:
    on = np.flatnonzero(offer >= 0)
    profit, cost = (float(table[offer[on], on].sum()) for table in (given.profit, given.cost))
    # A list that reaches the bound may pass it by the rounding of a sum.
    return Choice(offer, profit, cost, max(bound, profit), exact, prices)


def _short_of_minimum(given: Competition, offer: Integers) -> bool:
    contacted = given.segment[(offer >= 0) & (given.segment >= 0)]
    return bool((np.bincount(contacted, minlength=len(given.least)) < given.least).any())
