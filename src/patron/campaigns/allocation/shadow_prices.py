"""The allocation problem, and shadow prices of its limits: one for the budget, each channel and each segment.

Customers compete for the budget and for the capacity of the channels. Given a price λ per unit of money
spent, a price μ per contact through a channel, and a reward ν per contact in a segment that needs a minimum,
each customer can be decided separately: make the offer with the highest profit − λ·cost − μ + ν if that is
positive. For any prices, the profit of these decisions plus the value of the limits at their prices,

    D(λ, μ, ν) = Σ_i max(0, max_j (profit_ij − λ·cost_ij − μ_j + ν_i))
                 + λ·budget + Σ μ·capacity − Σ ν·minimum,

is an upper bound on what any list can earn. The minimum of D over the prices is the bound of the linear
program. It is found by cutting planes: D is convex, each evaluation gives a supporting plane, and the next
prices are those at which the highest plane is lowest.

References
----------
Kelley (1960), The cutting-plane method for solving convex programs, Journal of the SIAM 8(4), 703-712.
Fisher (1981), The Lagrangian relaxation method for solving integer programming problems, Management Science
27(1), 1-18.
"""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import linprog

from patron.arrays import Floats, Integers

__all__ = ["AllocationProblem", "ShadowPrices", "find_shadow_prices", "reduced_profits"]


_MAX_ROUNDS = 200  # a dozen prices need about fifty
_TOLERANCE = 1e-7  # relative to the bound


@dataclass(frozen=True, slots=True)
class AllocationProblem:
    """Offers × customers and the limits they share: a multiple-choice knapsack with several constraints.

    Attributes
    ----------
    profit
        (n_offers, n_customers) money; minus infinity where the offer must not be made
    cost
        (n_offers, n_customers) money ≥ 0
    budget
        money ≥ 0; infinite if there is no limit
    channel
        (n_offers,) position of the channel through which the offer is made
    capacity
        (n_channels,) number of contacts; infinite if there is no limit
    segment
        (n_customers,) position of the customer's segment in `min_contacts`, −1 if it has no minimum
    min_contacts
        (n_segments,) number of contacts that each of these segments needs
    """

    profit: Floats
    cost: Floats
    budget: float
    channel: Integers
    capacity: Floats
    segment: Integers
    min_contacts: Integers


@dataclass(frozen=True, slots=True)
class ShadowPrices:
    """What the limits are worth at the margin.

    Attributes
    ----------
    budget
        money earned by one more unit of budget; 0 if the budget does not bind
    channel
        (n_channels,) money earned by one more contact
    segment
        (n_segments,) money saved by lowering the minimum by one customer
    bound
        money; no list earns more
    """

    budget: float
    channel: Floats
    segment: Floats
    bound: float


def find_shadow_prices(problem: AllocationProblem) -> ShadowPrices:
    """The prices that give the lowest upper bound on the profit of any list.

    Parameters
    ----------
    problem
        profits, costs and limits

    Returns
    -------
    ShadowPrices
        infinite limits have price 0

    Examples
    --------
    Three customers at a cost of 1 each and a budget for two of them: a third contact would earn 2.

    >>> prices = find_shadow_prices(AllocationProblem(
    ...     profit=np.array([[5.0, 2.0, 3.0]]), cost=np.ones((1, 3)), budget=2.0, channel=np.array([0]),
    ...     capacity=np.array([np.inf]), segment=np.full(3, -1), min_contacts=np.zeros(0, dtype=np.int64)))
    >>> round(prices.bound, 6), bool(2 <= prices.budget <= 3)
    (8.0, True)
    """
    limits = np.concatenate([[problem.budget], problem.capacity, -problem.min_contacts.astype(np.float64)])
    finite = np.flatnonzero(np.isfinite(limits))
    ceiling = _price_ceiling(problem)[finite]
    point = np.zeros(len(finite))
    best, centre, scale = np.inf, point, 1.0
    heights, slopes = [], []
    for turn in range(_MAX_ROUNDS):
        prices = np.zeros(len(limits))
        prices[finite] = point
        earned, used = _decide_separately(problem, prices)
        value = earned + float(prices[finite] @ limits[finite])
        slope = (limits - used)[finite]
        heights.append(value - slope @ point)
        slopes.append(slope)
        if value < best:
            best, centre = value, point
        if not len(finite):
            break
        scale = max(abs(best), 1e-9)
        lowest, below = _lowest_point(np.array(heights) / scale, np.array(slopes) / scale, ceiling)
        if best - below * scale <= _TOLERANCE * scale:
            break
        # Half steps are steadier; every other step is a full one, so that no plane is missed.
        point = (lowest + centre) / 2 if turn % 2 else lowest
    prices = np.zeros(len(limits))
    prices[finite] = centre
    channels = 1 + len(problem.capacity)
    return ShadowPrices(float(prices[0]), prices[1:channels], prices[channels:], float(best))


def reduced_profits(problem: AllocationProblem, prices: ShadowPrices) -> Floats:
    """The profit of each offer to each customer after paying for the limits: (n_offers, n_customers) money.

    Parameters
    ----------
    problem
        profits, costs and limits
    prices
        what the limits cost

    Examples
    --------
    >>> problem = AllocationProblem(
    ...     profit=np.array([[5.0, -np.inf]]), cost=np.ones((1, 2)), budget=1.0, channel=np.array([0]),
    ...     capacity=np.array([np.inf]), segment=np.full(2, -1), min_contacts=np.zeros(0, dtype=np.int64))
    >>> reduced_profits(problem, ShadowPrices(2.0, np.zeros(1), np.zeros(0), 5.0))
    array([[  3., -inf]])
    """
    reduced = problem.profit - prices.budget * problem.cost - prices.channel[problem.channel][:, None]
    return reduced + _rewards(problem, prices.segment) if problem.min_contacts.size else reduced


def _decide_separately(problem: AllocationProblem, prices: Floats) -> tuple[float, Floats]:
    """Profit after prices, and how much of each limit is used: (1 + n_channels + n_segments,)."""
    channels, offers = len(problem.capacity), len(problem.profit)
    reward = _rewards(problem, prices[1 + channels :]) if problem.min_contacts.size else 0.0
    best = np.zeros(problem.profit.shape[1])
    chosen = np.full(len(best), -1, dtype=np.int64)
    for offer in range(offers):
        reduced = problem.profit[offer] - prices[0] * problem.cost[offer]
        reduced += reward - prices[1 + problem.channel[offer]]
        better = reduced > best
        np.copyto(best, reduced, where=better)
        chosen[better] = offer
    used = np.zeros(len(prices))
    for offer in range(offers):
        takers = chosen == offer
        used[0] += problem.cost[offer] @ takers
        used[1 + problem.channel[offer]] += np.count_nonzero(takers)
    if problem.min_contacts.size:
        contacted = problem.segment[(chosen >= 0) & (problem.segment >= 0)]
        used[1 + channels :] = -np.bincount(contacted, minlength=len(problem.min_contacts))
    return float(best.sum()), used


def _rewards(problem: AllocationProblem, segment: Floats) -> Floats:
    """(n_customers,) the reward for a contact in the customer's segment."""
    return np.append(segment, 0.0)[problem.segment]


def _price_ceiling(problem: AllocationProblem) -> Floats:
    """Prices above which no contact pays."""
    profits = problem.profit[np.isfinite(problem.profit)]
    largest = float(np.abs(profits).max(initial=0.0)) + 1e-9
    ratio = 0.0
    for profit, cost in zip(problem.profit, problem.cost, strict=True):
        paid = (cost > 0) & (profit > 0)
        ratio = max(ratio, float((profit[paid] / cost[paid]).max(initial=0.0)))
    channels = np.full(len(problem.capacity), largest)
    return np.concatenate([[ratio + 1e-9], channels, np.full(len(problem.min_contacts), 10 * largest)])


def _lowest_point(heights: Floats, slopes: Floats, ceiling: Floats) -> tuple[Floats, float]:
    """The prices at which the highest of the planes is lowest, and its height there."""
    spans = np.where(ceiling > 0, ceiling, 1.0)  # prices differ by orders of magnitude
    planes = np.column_stack([-np.ones(len(heights)), slopes * spans])
    objective = np.zeros(1 + len(spans))
    objective[0] = 1.0
    bounds = [(None, None), *((0.0, 1.0) for _ in spans)]
    found = linprog(objective, A_ub=planes, b_ub=-heights, bounds=bounds, method="highs")
    at = np.asarray(found.x, dtype=np.float64)
    return at[1:] * spans, float(at[0])
