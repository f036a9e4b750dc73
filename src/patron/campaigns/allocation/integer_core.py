"""The part of a list that prices leave open, decided by an integer program."""

import ctypes
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.optimize import Bounds, LinearConstraint, milp

from patron.arrays import Floats, Integers
from patron.campaigns.allocation.shadow_prices import Competition

__all__ = ["Core", "find_core", "solve_core"]


_NOISE = 1e-9  # of the largest number: rounding shall decide nothing
_SLIP = 1e-6  # by which the solver may exceed a limit; it is asked again if it does
_SOLVED = (0, 1)  # milp: the best list, or the best so far when the time was up


@dataclass(frozen=True, slots=True)
class Core:
    """What the prices decide, and what they leave open.

    Attributes
    ----------
    decided
        (n_customers,) position of the offer that the customer gets in any better list, −1 for none
    customer, offer
        (m,) the pairs that are open; their customers are decided as −1
    whole
        whether nothing was decided that could be otherwise in a better list
    """

    decided: Integers
    customer: Integers
    offer: Integers
    whole: bool


def find_core(reduced: Floats, slack: float, most: int) -> Core:
    """The pairs of customer and offer on which lists may differ that earn more than one already found.

    Parameters
    ----------
    reduced
        (n_offers, n_customers) money, profits after prices
    slack
        money ≥ 0 between the list already found and the bound at these prices
    most
        count of customers to leave open at most, those on whom the prices are least clear

    Returns
    -------
    Core
        taking a customer's second choice instead of the first loses the difference of the two from the
        bound, so that a difference above the slack leads to no better list

    Examples
    --------
    >>> core = find_core(np.array([[5.0, 0.1, -4.0]]), slack=0.5, most=10)
    >>> core.decided.tolist(), core.customer.tolist(), core.offer.tolist(), core.whole
    ([0, -1, -1], [1], [0], True)
    """
    options = np.vstack([reduced, np.zeros(reduced.shape[1])])  # the last one is to be left alone
    behind = options.max(axis=0) - options
    second = np.partition(behind, 1, axis=0)[1]
    finite = reduced[np.isfinite(reduced)]
    slack = max(slack, 0.0) + _NOISE * float(np.abs(finite).max(initial=0.0))
    whole = int(np.count_nonzero(second <= slack)) <= most
    if not whole:
        slack = float(np.partition(second, most)[most])
    unclear = np.flatnonzero(second <= slack)[:most]
    decided = behind.argmin(axis=0)
    decided[decided == len(reduced)] = -1
    decided[unclear] = -1
    offer, position = np.nonzero(np.isfinite(reduced[:, unclear]) & (behind[:-1, unclear] <= slack))
    return Core(decided, unclear[position], offer, whole)


def solve_core(
    given: Competition, core: Core, *, bound: float, tolerance: float, time_limit: float
) -> tuple[Integers, float, bool] | None:
    """The best list that agrees with what is decided.

    Parameters
    ----------
    given
        profits, costs and limits
    core
        what is decided and what is open
    bound
        money, which no list exceeds
    tolerance
        money, so little that a better list is not worth looking for
    time_limit
        seconds

    Returns
    -------
    tuple[Integers, float, bool] | None
        (n_customers,) position of the offer, −1 for none; the bound of such lists, money; whether it was
        solved to the end. None where no list within the limits was found

    Examples
    --------
    >>> given = Competition(
    ...     profit=np.array([[6.0, 8.0, 4.0]]), cost=np.array([[5.0, 7.0, 3.0]]), budget=10.0,
    ...     channel=np.array([0]), capacity=np.array([np.inf]), segment=np.full(3, -1),
    ...     least=np.zeros(0, dtype=np.int64))
    >>> everything = Core(np.full(3, -1), np.arange(3), np.zeros(3, dtype=np.int64), True)
    >>> offer, bound, finished = solve_core(given, everything, bound=13.0, tolerance=0.0, time_limit=10.0)
    >>> offer.tolist(), round(bound, 6), finished
    ([-1, 0, 0], 12.0, True)
    """
    profit = given.profit[core.offer, core.customer]
    matrix, upper, budget_row = _limits(given, core)
    on = np.flatnonzero(core.decided >= 0)
    already = float(given.profit[core.decided[on], on].sum())
    at_stake = max(bound - already, tolerance, 1e-300)
    for slip in (0.0, _SLIP):
        upper[budget_row] -= slip
        with _nothing_printed():
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
        if _cost(given, offer) <= given.budget:
            return offer, bound, found.status == 0
    return None


@contextmanager
def _nothing_printed() -> Iterator[None]:
    """HiGHS prints a line when it mends a solution, whatever its options say: no JSON on stdout survives."""
    try:
        sys.stdout.flush()
        stdout, nowhere = os.dup(1), os.open(os.devnull, os.O_WRONLY)
    except (OSError, ValueError):  # no stdout that could be spoiled
        yield
        return
    try:
        os.dup2(nowhere, 1)
        yield
    finally:
        if os.name == "posix":
            ctypes.CDLL(None).fflush(None)  # what C has kept in its own buffer
        os.dup2(stdout, 1)
        os.close(stdout)
        os.close(nowhere)


def _cost(given: Competition, offer: Integers) -> float:
    on = np.flatnonzero(offer >= 0)
    return float(given.cost[offer[on], on].sum())


def _limits(given: Competition, core: Core) -> tuple[sparse.csr_array, Floats, int]:
    """Rows of at most: one offer per customer, budget, channels, and minus the minimum of each segment."""
    on = np.flatnonzero(core.decided >= 0)
    offer = core.decided[on]
    members, person = np.unique(core.customer, return_inverse=True)
    pairs = np.arange(len(core.customer))
    channel, segment = given.channel[core.offer], given.segment[core.customer]

    channels_used = np.bincount(given.channel[offer], minlength=len(given.capacity))
    needed = given.least - np.bincount(given.segment[on][given.segment[on] >= 0], minlength=len(given.least))
    unit = 100 * max(float(given.cost[core.offer, core.customer].max(initial=0.0)), 1e-300)
    upper = np.concatenate(
        [
            np.ones(len(members)),
            [(given.budget - given.cost[offer, on].sum()) / unit],
            given.capacity - channels_used,
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
            first + 1 + len(given.capacity) + segment[counted],
        ]
    )
    columns = np.concatenate([pairs, pairs, pairs, pairs[counted]])
    numbers = np.concatenate(
        [
            np.ones(len(pairs)),
            given.cost[core.offer, core.customer] / unit,
            np.ones(len(pairs)),
            -np.ones(np.count_nonzero(counted)),
        ]
    )
    matrix = sparse.csr_array((numbers, (rows, columns)), shape=(len(upper), len(pairs)))
    return matrix, upper, first
