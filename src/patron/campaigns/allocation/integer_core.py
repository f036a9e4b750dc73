"""The core problem: the part of a list that shadow prices leave open, solved as a mixed-integer program."""

import ctypes
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse
from scipy.optimize import Bounds, LinearConstraint, milp

from patron.arrays import Floats, Integers

if TYPE_CHECKING:
    from patron.campaigns.allocation.shadow_prices import AllocationProblem

__all__ = ["Core", "find_core", "solve_core"]


_NOISE = 1e-9  # relative to the largest number: rounding must not decide anything
_SLIP = 1e-6  # the solver may exceed a limit by this much; if it does, it is run again with less
_SOLVED = (0, 1)  # status of milp: optimal, or the best list found when the time was up


@dataclass(frozen=True, slots=True)
class Core:
    """What the prices settle, and what they leave open.

    Attributes
    ----------
    decided
        (n_customers,) position of the offer that the customer gets in any better list, −1 for none
    customer, offer
        (m,) the open pairs; `decided` is −1 for their customers
    complete
        whether every pair that could be part of a better list is open
    """

    decided: Integers
    customer: Integers
    offer: Integers
    complete: bool


def find_core(reduced: Floats, slack: float, max_customers: int) -> Core:
    """The pairs of customer and offer that may change in a list better than the one already found.

    Parameters
    ----------
    reduced
        (n_offers, n_customers) money, profits after prices
    slack
        money ≥ 0, the difference between the list already found and the bound at these prices
    max_customers
        largest number of customers to leave open, those with the least clear decision first

    Returns
    -------
    Core
        taking a customer's second choice instead of the first lowers the bound by the difference of the two,
        so a difference above the slack cannot lead to a better list

    Examples
    --------
    >>> core = find_core(np.array([[5.0, 0.1, -4.0]]), slack=0.5, max_customers=10)
    >>> core.decided.tolist(), core.customer.tolist(), core.offer.tolist(), core.complete
    ([0, -1, -1], [1], [0], True)
    """
    options = np.vstack([reduced, np.zeros(reduced.shape[1])])  # the last row: no contact
    behind = options.max(axis=0) - options
    second = np.partition(behind, 1, axis=0)[1]
    finite = reduced[np.isfinite(reduced)]
    slack = max(slack, 0.0) + _NOISE * float(np.abs(finite).max(initial=0.0))
    complete = int(np.count_nonzero(second <= slack)) <= max_customers
    if not complete:
        slack = float(np.partition(second, max_customers)[max_customers])
    unclear = np.flatnonzero(second <= slack)[:max_customers]
    decided = behind.argmin(axis=0)
    decided[decided == len(reduced)] = -1
    decided[unclear] = -1
    offer, position = np.nonzero(np.isfinite(reduced[:, unclear]) & (behind[:-1, unclear] <= slack))
    return Core(decided, unclear[position], offer, complete)


def solve_core(
    problem: "AllocationProblem", core: Core, *, bound: float, tolerance: float, time_limit: float
) -> tuple[Integers, float, bool] | None:
    """The best list that agrees with what is already decided.

    Parameters
    ----------
    problem
        profits, costs and limits
    core
        what is decided and what is open
    bound
        money; no list exceeds it
    tolerance
        money; a smaller improvement is not searched for
    time_limit
        seconds

    Returns
    -------
    tuple[Integers, float, bool] | None
        (n_customers,) position of the offer, −1 for none; the bound of such lists, money; whether it was
        solved to optimality. None if no list within the limits was found

    Examples
    --------
    >>> from patron.campaigns.allocation.shadow_prices import AllocationProblem
    >>> problem = AllocationProblem(
    ...     profit=np.array([[6.0, 8.0, 4.0]]), cost=np.array([[5.0, 7.0, 3.0]]), budget=10.0,
    ...     channel=np.array([0]), capacity=np.array([np.inf]), segment=np.full(3, -1),
    ...     min_contacts=np.zeros(0, dtype=np.int64))
    >>> everything = Core(np.full(3, -1), np.arange(3), np.zeros(3, dtype=np.int64), True)
    >>> offer, bound, finished = solve_core(problem, everything, bound=13.0, tolerance=0.0, time_limit=10.0)
    >>> offer.tolist(), round(bound, 6), finished
    ([-1, 0, 0], 12.0, True)
    """
    profit = problem.profit[core.offer, core.customer]
    matrix, upper, budget_row = _limits(problem, core)
    on = np.flatnonzero(core.decided >= 0)
    already = float(problem.profit[core.decided[on], on].sum())
    at_stake = max(bound - already, tolerance, 1e-300)
    for slip in (0.0, _SLIP):
        upper[budget_row] -= slip
        with _silenced():
            found = milp(
                -profit,
                integrality=np.ones(len(profit), dtype=np.int64),
                bounds=Bounds(0, 1),
                constraints=LinearConstraint(matrix, -np.inf, upper),
                options={"time_limit": time_limit, "mip_rel_gap": tolerance / at_stake},
            )
        if found.status not in _SOLVED or found.x is None:
            return None
        taken = np.asarray(found.x) > 0.5
        bound = min(bound, already - float(found.mip_dual_bound))
        offer = core.decided.copy()
        offer[core.customer[taken]] = core.offer[taken]
        if _cost(problem, offer) <= problem.budget:
            return offer, bound, found.status == 0
    return None


@contextmanager
def _silenced() -> Iterator[None]:
    """Keep stdout clean: HiGHS prints a line when it repairs a solution, whatever its options say."""
    try:
        sys.stdout.flush()
        stdout, nowhere = os.dup(1), os.open(os.devnull, os.O_WRONLY)
    except (OSError, ValueError):  # there is no stdout
        yield
        return
    try:
        os.dup2(nowhere, 1)
        yield
    finally:
        if os.name == "posix":
            ctypes.CDLL(None).fflush(None)  # the buffer of the C library
        os.dup2(stdout, 1)
        os.close(stdout)
        os.close(nowhere)


def _cost(problem: "AllocationProblem", offer: Integers) -> float:
    on = np.flatnonzero(offer >= 0)
    return float(problem.cost[offer[on], on].sum())


def _limits(problem: "AllocationProblem", core: Core) -> tuple[sparse.csr_array, Floats, int]:
    """Upper limits by row: one offer per customer, budget, channels, minus the minimum of each segment."""
    on = np.flatnonzero(core.decided >= 0)
    offer = core.decided[on]
    members, person = np.unique(core.customer, return_inverse=True)
    pairs = np.arange(len(core.customer))
    channel, segment = problem.channel[core.offer], problem.segment[core.customer]

    channels_used = np.bincount(problem.channel[offer], minlength=len(problem.capacity))
    needed = problem.min_contacts - np.bincount(
        problem.segment[on][problem.segment[on] >= 0], minlength=len(problem.min_contacts)
    )
    unit = 100 * max(float(problem.cost[core.offer, core.customer].max(initial=0.0)), 1e-300)
    upper = np.concatenate(
        [
            np.ones(len(members)),
            [(problem.budget - problem.cost[offer, on].sum()) / unit],
            problem.capacity - channels_used,
            -needed.astype(np.float64),
        ]
    )
    first = len(members)
    counted = segment >= 0
    rows = np.concatenate(
        [
            person,
            np.full(len(pairs), first),
            first + 1 + channel,
            first + 1 + len(problem.capacity) + segment[counted],
        ]
    )
    columns = np.concatenate([pairs, pairs, pairs, pairs[counted]])
    numbers = np.concatenate(
        [
            np.ones(len(pairs)),
            problem.cost[core.offer, core.customer] / unit,
            np.ones(len(pairs)),
            -np.ones(np.count_nonzero(counted)),
        ]
    )
    matrix = sparse.csr_array((numbers, (rows, columns)), shape=(len(upper), len(pairs)))
    return matrix, upper, first
