"""How deep into a ranked list to go, and what a ranking is worth: profit curve, MPC and EMPC.

The profit curve answers for one list: contact the first k customers, and so much is earned; beyond the best
depth every further contact loses money, beyond the break-even depth the campaign does.

MPC and EMPC compare models: the profit per customer at the best cut, for a typical value and offer. MPC knows
the acceptance, EMPC averages over a beta distribution of it, each acceptance with a best cut of its own.

======  ==========================================================  ==================
symbol  meaning                                                     default
======  ==========================================================  ==================
CLV     value of a customer who stays, money                        200
d       incentive, money; δ = d ÷ CLV                               10
f       contact, money; φ = f ÷ CLV                                 1
γ       acceptance                                                  0.3; Beta(6, 14)
F₀, F₁  share of leavers, of stayers, contacted at a cut
π₀, π₁  share of leavers, of stayers, among all customers
======  ==========================================================  ==================

References
----------
Verbraken, Verbeke & Baesens (2013), A novel profit maximizing metric for measuring classification performance
of customer churn prediction models, IEEE Transactions on Knowledge and Data Engineering 25(5), 961-973.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import betainc
from scipy.stats import norm

from patron.arrays import Floats
from patron.campaigns.allocation.offers import Offer, expected_profit
from patron.errors import InputError, RangeError

__all__ = ["MaximumProfit", "ProfitCurve", "empc", "mpc", "profit_curve"]


_SD = float(norm.ppf(0.9))  # from the median to either end of an 80 % interval


@dataclass(frozen=True, slots=True)
class ProfitCurve:
    """What contacting the first k customers of a list earns.

    Attributes
    ----------
    table
        key depth (count of customers contacted, from 0): share (of the list), profit, low, high (money;
        the band from P10 to P90 takes in acceptance, the same for all, the customers' values, and chance)
    best_depth
        count at which most is earned; 0 where every contact loses
    best_profit
        money earned there
    break_even_depth
        the largest count at which the campaign does not lose money
    """

    table: pd.DataFrame
    best_depth: int
    best_profit: float
    break_even_depth: int


class MaximumProfit(NamedTuple):
    """Money per customer of the base, at the best cut, and the share of customers contacted there."""

    profit: float
    share: float


def profit_curve(
    offer: Offer,
    churn_probability: Floats,
    value: Floats,
    value_low: Floats | None = None,
    value_high: Floats | None = None,
    *,
    order: Floats | None = None,
    points: int = 201,
) -> ProfitCurve:
    """Cumulative expected profit of one offer over a ranked list, with its P10-P90 band.

    Parameters
    ----------
    offer
        what it costs and how often it works
    churn_probability, value, value_low, value_high
        (n_customers,) as `expected_profit` takes them
    order
        (n_customers,) a score by which customers are contacted, highest first; None is expected profit
    points
        count ≥ 2, the most rows of the table; the depths are best and break-even to the customer

    Returns
    -------
    ProfitCurve
        customers whose risk or value is unknown are left out

    Raises
    ------
    RangeError
        a probability is outside [0, 1]

    Examples
    --------
    >>> from patron.campaigns.allocation.offers import Acceptance
    >>> offer = Offer(name="call", channel="phone", incentive=10.0, contact_cost=1.0,
    ...               acceptance=Acceptance(0.3))
    >>> curve = profit_curve(offer, np.array([0.4, 0.05, 0.2]), np.full(3, 200.0))
    >>> curve.best_depth, round(curve.best_profit, 2), curve.break_even_depth
    (2, 18.2, 3)
    """
    profit, _, _, _ = expected_profit(offer, churn_probability, value)
    rank = profit if order is None else np.asarray(order, dtype=np.float64)
    listed = np.argsort(-rank, kind="stable")
    listed = listed[~np.isnan(profit + rank)[listed]]
    p, worth = np.asarray(churn_probability)[listed], np.maximum(np.asarray(value)[listed], 0.0)
    known = [worth if end is None else np.asarray(end)[listed] for end in (value_low, value_high)]
    total = np.concatenate([[0.0], np.cumsum(profit[listed])])

    a, (a_low, a_high) = offer.acceptance.mean, offer.acceptance.interval()
    shared = np.concatenate([[0.0], np.cumsum(p * (worth - offer.incentive))])
    spread = (np.maximum(known[1], worth) - np.minimum(known[0], worth)) / (2 * _SD)
    squares = (
        p * a * ((worth - offer.incentive) ** 2 + spread**2)
        + (1 - p) * offer.redemption * offer.incentive**2
        - (profit[listed] + offer.contact_cost) ** 2
    )
    chance = _SD * np.sqrt(np.concatenate([[0.0], np.cumsum(np.maximum(squares, 0.0))]))
    shown = np.unique(np.linspace(0, len(listed), min(points, len(listed) + 1)).astype(np.int64))
    table = pd.DataFrame(
        {
            "depth": shown,
            "share": shown / max(len(listed), 1),
            "profit": total[shown],
            "low": (total - np.hypot(shared * (a - a_low), chance))[shown],
            "high": (total + np.hypot(shared * (a_high - a), chance))[shown],
        }
    )
    best = int(np.argmax(total))
    return ProfitCurve(table, best, float(total[best]), int(np.flatnonzero(total >= 0)[-1]))


def mpc(
    churned: npt.ArrayLike,
    score: npt.ArrayLike,
    *,
    acceptance: float = 0.3,
    clv: float = 200.0,
    incentive: float = 10.0,
    contact_cost: float = 1.0,
) -> MaximumProfit:
    """The maximum profit criterion for customer churn.

    Parameters
    ----------
    churned
        (n_customers,) 1 for a customer who left, 0 for one who stayed
    score
        (n_customers,) any number that is higher for more risk
    acceptance
        probability in [0, 1]
    clv, incentive, contact_cost
        money; clv > 0, the others ≥ 0

    Returns
    -------
    MaximumProfit
        0 where contacting nobody is best

    Raises
    ------
    InputError
        the two differ in length, hold unknown values, or nobody left or nobody stayed
    RangeError
        a number is out of range

    Notes
    -----
    max over cuts of CLV·(γ·(1 − δ) − φ)·π₀·F₀ − CLV·(δ + φ)·π₁·F₁

    References
    ----------
    Verbraken, Verbeke & Baesens (2013), IEEE TKDE 25(5), 961-973.

    Examples
    --------
    A perfect ranking of 100 customers, 20 of whom leave, earns 20 % · (0.3 · 190 − 1):

    >>> left = np.repeat([1, 0], [20, 80])
    >>> round(mpc(left, left).profit, 6), mpc(left, left).share
    (11.2, 0.2)
    """
    if not 0 <= acceptance <= 1:
        raise RangeError(f"acceptance must be a probability in [0, 1], got {acceptance!r}.")
    leavers, stayers = _hull(churned, score)
    gain, waste = _per_contact(clv, incentive, contact_cost)
    profit = (acceptance * gain - contact_cost) * leavers - waste * stayers
    best = int(np.argmax(profit))
    return MaximumProfit(float(profit[best]), float(leavers[best] + stayers[best]))


def empc(
    churned: npt.ArrayLike,
    score: npt.ArrayLike,
    *,
    alpha: float = 6.0,
    beta: float = 14.0,
    clv: float = 200.0,
    incentive: float = 10.0,
    contact_cost: float = 1.0,
) -> MaximumProfit:
    """The expected maximum profit measure for customer churn.

    Parameters
    ----------
    churned, score, clv, incentive, contact_cost
        as `mpc`; incentive < clv
    alpha, beta
        > 0, of the beta distribution of the acceptance

    Returns
    -------
    MaximumProfit
        the share of customers is an expectation, too

    Raises
    ------
    InputError, RangeError
        as `mpc`

    Notes
    -----
    ∫ P(T(γ); γ)·h(γ) dγ, with T(γ) the best cut for the acceptance γ. Only corners of the convex hull of the
    ROC curve are ever best. The next corner takes over at the acceptance where the two earn the same,
    γ = ((δ + φ)·π₁·ΔF₁ ÷ (π₀·ΔF₀) + φ) ÷ (1 − δ). Between two of these the profit is linear in γ, so the
    integral is a sum of incomplete beta functions.

    References
    ----------
    Verbraken, Verbeke & Baesens (2013), IEEE TKDE 25(5), 961-973.

    Examples
    --------
    >>> left = np.repeat([1, 0], [20, 80])
    >>> round(empc(left, left).profit, 6), round(empc(left, 1 - left).profit, 6)
    (11.2, 2.960377)
    """
    for name, shape in (("alpha", alpha), ("beta", beta)):
        if not 0 < shape < np.inf:
            raise RangeError(f"empc({name}=…) must be a finite number above 0, got {shape!r}.")
    if not incentive < clv:
        raise RangeError(
            f"An incentive of {incentive!r} for a customer worth {clv!r} can never pay: give less than that."
        )
    leavers, stayers = _hull(churned, score)
    gain, waste = _per_contact(clv, incentive, contact_cost)
    more_leavers, more_stayers = np.diff(leavers), np.diff(stayers)
    ratio = np.divide(
        more_stayers, more_leavers, out=np.full(len(more_leavers), np.inf), where=more_leavers > 0
    )
    turns = np.clip((waste * ratio + contact_cost) / gain, 0.0, 1.0)
    edges = np.concatenate([[0.0], turns, [1.0]])
    weight = np.diff(betainc(alpha, beta, edges))
    mean = np.diff(betainc(alpha + 1, beta, edges)) * alpha / (alpha + beta)
    profit = (gain * mean - contact_cost * weight) * leavers - waste * weight * stayers
    return MaximumProfit(float(profit.sum()), float(((leavers + stayers) * weight).sum()))


def _per_contact(clv: float, incentive: float, contact_cost: float) -> tuple[float, float]:
    """What a leaver who accepts brings before the contact, and what a stayer costs: money."""
    if not 0 < clv < np.inf:
        raise RangeError(f"clv must be money above 0, got {clv!r}.")
    for name, money in (("incentive", incentive), ("contact_cost", contact_cost)):
        if not 0 <= money < np.inf:
            raise RangeError(f"{name} must be money of at least 0, got {money!r}.")
    return clv - incentive, incentive + contact_cost


def _hull(churned: npt.ArrayLike, score: npt.ArrayLike) -> tuple[Floats, Floats]:
    """π₀·F₀ and π₁·F₁ at the corners of the convex hull of the ROC curve, from (0, 0) on."""
    left, ranked = np.asarray(churned, dtype=np.float64), np.asarray(score, dtype=np.float64)
    if left.shape != ranked.shape or left.ndim != 1:
        raise InputError(
            f"churned and score must have one number per customer, got {left.shape} and {ranked.shape}."
        )
    if not np.isfinite(ranked).all() or not np.isin(left, (0, 1)).all():
        raise InputError(
            "churned must be 0 or 1 and score a finite number for every customer. Leave others out."
        )
    if len(np.unique(left)) < 2:
        raise InputError(
            "Profit needs customers who left and customers who stayed; here all are of one kind."
        )
    order = np.argsort(-ranked, kind="stable")
    last = np.append(np.flatnonzero(np.diff(ranked[order])), len(ranked) - 1)  # of each run of equal scores
    leavers = np.concatenate([[0.0], np.cumsum(left[order])[last]])
    stayers = np.concatenate([[0.0], (last + 1) - leavers[1:]])
    corners = _upper_corners(stayers, leavers)
    return leavers[corners] / len(left), stayers[corners] / len(left)


def _upper_corners(across: Any, up: Any) -> list[int]:
    """Positions of the corners of the upper convex hull of points sorted by `across`, then `up`."""
    corners: list[int] = []
    for point in range(len(up)):
        while len(corners) > 1 and not _turns_right(across, up, corners[-2], corners[-1], point):
            corners.pop()
        corners.append(point)
    return corners


def _turns_right(across: Any, up: Any, first: int, second: int, third: int) -> bool:
    onward = (across[second] - across[first]) * (up[third] - up[first])
    upward = (up[second] - up[first]) * (across[third] - across[first])
    return bool(upward > onward)
