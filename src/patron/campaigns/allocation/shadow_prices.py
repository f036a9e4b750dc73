"""What the shared limits of a campaign are worth: a price for the budget, each channel and each segment.

Customers compete for the budget and for the capacity of the channels. With a price λ for each unit of money
spent and μ for each contact by a channel, and a reward ν for each contact in a segment that needs a minimum,
everybody can be decided alone: make the offer with the highest profit − λ·cost − μ + ν, if that is above 0.
For any prices, what is earned in this way and by selling the limits at their prices,

    D(λ, μ, ν) = Σ_i max(0, max_j (profit_ij − λ·cost_ij − μ_j + ν_i)) + λ·budget + Σ μ·capacity − Σ ν·least,

is at least what any list can earn. The prices at which D is smallest give the bound of the linear program.
They are found by cutting planes: D is convex, each point gives a plane below it, and the next point is where
the highest of the planes is lowest.

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

__all__ = ["Competition", "Prices", "find_prices", "reduced_profits"]


_ROUNDS = 200  # a dozen prices need some fifty
_TOLERANCE = 1e-7  # of the bound


@dataclass(frozen=True, slots=True)
class Competition:
    """Offers × customers, and the limits that they share.

    Attributes
    ----------
    profit
        (n_offers, n_customers) money; minus infinity where the offer is not to be made
    cost
        (n_offers, n_customers) money ≥ 0
    budget
        money ≥ 0; infinite where there is no limit
    channel
        (n_offers,) position of the channel by which the offer is made
    capacity
        (n_channels,) count of contacts; infinite where there is no limit
    segment
        (n_customers,) position of the segment that needs a minimum, −1 for none of them
    least
        (n_segments,) count of contacts that each of these segments needs
    """

    profit: Floats
    cost: Floats
    budget: float
    channel: Integers
    capacity: Floats
    segment: Integers
    least: Integers


@dataclass(frozen=True, slots=True)
class Prices:
    """What the limits are worth at the margin.

    Attributes
    ----------
    budget
        money earned by one more unit of money to spend, 0 where the budget does not bind
    channel
        (n_channels,) money earned by one more contact
    segment
        (n_segments,) money that one customer less in the minimum would save
    bound
        money; no list earns more
    """

    budget: float
    channel: Floats
    segment: Floats
    bound: float


def find_prices(given: Competition) -> Prices:
    """The prices at which no list can earn more than the bound that they give, and the bound is lowest.

    Parameters
    ----------
    given
        who competes, for what

    Returns
    -------
    Prices
        limits that are infinite cost nothing

    Examples
    --------
    Three customers at 1 each and money for two of them: a third contact would earn 2.

    >>> prices = find_prices(Competition(
    ...     profit=np.array([[5.0, 2.0, 3.0]]), cost=np.ones((1, 3)), budget=2.0, channel=np.array([0]),
    ...     capacity=np.array([np.inf]), segment=np.full(3, -1), least=np.zeros(0, dtype=np.int64)))
    >>> round(prices.bound, 6), bool(2 <= prices.budget <= 3)
    (8.0, True)
    """
    limits = np.concatenate([[given.budget], given.capacity, -given.least.astype(np.float64)])
    bound_by = np.flatnonzero(np.isfinite(limits))
    ceiling = _ceiling(given)[bound_by]
    point = np.zeros(len(bound_by))
    best, centre, scale = np.inf, point, 1.0
    heights, slopes = [], []
    for turn in range(_ROUNDS):
        prices = np.zeros(len(limits))
        prices[bound_by] = point
        earned, used = _everybody_alone(given, prices)
        value = earned + float(prices[bound_by] @ limits[bound_by])
        slope = (limits - used)[bound_by]
        heights.append(value - slope @ point)
        slopes.append(slope)
        if value < best:
            best, centre = value, point
        if not len(bound_by):
            break
        scale = max(abs(best), 1e-9)
        lowest, below = _lowest_point(np.array(heights) / scale, np.array(slopes) / scale, ceiling)
        if best - below * scale <= _TOLERANCE * scale:
            break
        # Half the way is steadier than all of it; every other time all of it, so that no step is lost.
        point = (lowest + centre) / 2 if turn % 2 else lowest
    prices = np.zeros(len(limits))
    prices[bound_by] = centre
    channels = 1 + len(given.capacity)
    return Prices(float(prices[0]), prices[1:channels], prices[channels:], float(best))


def reduced_profits(given: Competition, prices: Prices) -> Floats:
    """What each offer to each customer earns after paying for the limits: (n_offers, n_customers) money.

    Examples
    --------
    >>> given = Competition(
    ...     profit=np.array([[5.0, -np.inf]]), cost=np.ones((1, 2)), budget=1.0, channel=np.array([0]),
    ...     capacity=np.array([np.inf]), segment=np.full(2, -1), least=np.zeros(0, dtype=np.int64))
    >>> reduced_profits(given, Prices(2.0, np.zeros(1), np.zeros(0), 5.0))
    array([[  3., -inf]])
    """
    left = given.profit - prices.budget * given.cost - prices.channel[given.channel][:, None]
    return left + _rewards(given, prices.segment) if given.least.size else left


def _everybody_alone(given: Competition, prices: Floats) -> tuple[float, Floats]:
    """What is earned at these prices, and how much of each limit is used: (1 + n_channels + n_segments,)."""
    channels, offers = len(given.capacity), len(given.profit)
    reward = _rewards(given, prices[1 + channels :]) if given.least.size else 0.0
    best = np.zeros(given.profit.shape[1])
    chosen = np.full(len(best), -1, dtype=np.int64)
    for offer in range(offers):
        left = given.profit[offer] - prices[0] * given.cost[offer]
        left += reward - prices[1 + given.channel[offer]]
        better = left > best
        np.copyto(best, left, where=better)
        chosen[better] = offer
    used = np.zeros(len(prices))
    for offer in range(offers):
        takers = chosen == offer
        used[0] += given.cost[offer] @ takers
        used[1 + given.channel[offer]] += np.count_nonzero(takers)
    if given.least.size:
        contacted = given.segment[(chosen >= 0) & (given.segment >= 0)]
        used[1 + channels :] = -np.bincount(contacted, minlength=len(given.least))
    return float(best.sum()), used


def _rewards(given: Competition, segment: Floats) -> Floats:
    """(n_customers,) what a contact in the customer's segment is rewarded with."""
    return np.append(segment, 0.0)[given.segment]


def _ceiling(given: Competition) -> Floats:
    """Prices above which nobody would buy."""
    profits = given.profit[np.isfinite(given.profit)]
    most = float(np.abs(profits).max(initial=0.0)) + 1e-9
    ratio = 0.0
    for profit, cost in zip(given.profit, given.cost, strict=True):
        paid = (cost > 0) & (profit > 0)
        ratio = max(ratio, float((profit[paid] / cost[paid]).max(initial=0.0)))
    channels = np.full(len(given.capacity), most)
    return np.concatenate([[ratio + 1e-9], channels, np.full(len(given.least), 10 * most)])


def _lowest_point(heights: Floats, slopes: Floats, ceiling: Floats) -> tuple[Floats, float]:
    """Where the highest of the planes is lowest, and how high it is there."""
    spans = np.where(ceiling > 0, ceiling, 1.0)  # prices of very different size
    planes = np.column_stack([-np.ones(len(heights)), slopes * spans])
    aim = np.zeros(1 + len(spans))
    aim[0] = 1.0
    bounds = [(None, None), *((0.0, 1.0) for _ in spans)]
    found = linprog(aim, A_ub=planes, b_ub=-heights, bounds=bounds, method="highs")
    at = np.asarray(found.x, dtype=np.float64)
    return at[1:] * spans, float(at[0])
