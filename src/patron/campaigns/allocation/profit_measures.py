"""Profit of a ranked list by depth (profit curve), and profit measures that compare models: MPC and EMPC.

The profit curve shows what contacting the first k customers of a list earns. Beyond the best depth each
further contact loses money; beyond the break-even depth the whole campaign does.

MPC and EMPC compare models by the profit per customer at the best cutoff, for a typical value and offer. MPC
takes the acceptance as known; EMPC averages over a beta distribution, with the best cutoff for each value.

======  ==========================================================  ==================
symbol  meaning                                                     default
======  ==========================================================  ==================
CLV     value of a customer who stays, money                        200
d       incentive, money; δ = d ÷ CLV                               10
f       contact, money; φ = f ÷ CLV                                 1
γ       acceptance                                                  0.3; Beta(6, 14)
F₀, F₁  share of leavers, of stayers, contacted at a cutoff
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
from patron.checks import at_least, positive, share
from patron.errors import InputError, RangeError

__all__ = ["MaximumProfit", "ProfitCurve", "empc", "mpc", "profit_curve"]


_SD = float(norm.ppf(0.9))  # from the median to either end of an 80 % interval


@dataclass(frozen=True, slots=True)
class ProfitCurve:
    """Profit of contacting the first k customers of a list.

    Attributes
    ----------
    table
        key depth (number of customers contacted, from 0): share (of the list), profit, low, high (money; the
        band from P10 to P90 covers acceptance, shared by all, the customers' values, and chance)
    best_depth
        number of contacts with the highest profit; 0 if every contact loses money
    best_profit
        money earned there
    break_even_depth
        largest number of contacts at which the campaign does not lose money
    """

    table: pd.DataFrame
    best_depth: int
    best_profit: float
    break_even_depth: int


class MaximumProfit(NamedTuple):
    """Money per customer of the base at the best cutoff, and the share of customers contacted there."""

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
        cost and acceptance
    churn_probability, value, value_low, value_high
        (n_customers,) as in `expected_profit`
    order
        (n_customers,) score by which customers are contacted, highest first; None for expected profit
    points
        largest number of rows of the table, ≥ 2; best and break-even depth are exact regardless

    Returns
    -------
    ProfitCurve
        customers with unknown risk or value are left out

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
    sd = (np.maximum(known[1], worth) - np.minimum(known[0], worth)) / (2 * _SD)
    squares = (
        p * a * ((worth - offer.incentive) ** 2 + sd**2)
        + (1 - p) * offer.redemption * offer.incentive**2
        - (profit[listed] + offer.contact_cost) ** 2
    )
    randomness = _SD * np.sqrt(np.concatenate([[0.0], np.cumsum(np.maximum(squares, 0.0))]))
    shown = np.unique(np.linspace(0, len(listed), min(points, len(listed) + 1)).astype(np.int64))
    table = pd.DataFrame(
        {
            "depth": shown,
            "share": shown / max(len(listed), 1),
            "profit": total[shown],
            "low": (total - np.hypot(shared * (a - a_low), randomness))[shown],
            "high": (total + np.hypot(shared * (a_high - a), randomness))[shown],
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
        0 if contacting nobody is best

    Raises
    ------
    InputError
        lengths differ, a value is unknown, or there are no leavers or no stayers
    RangeError
        a number is out of range

    Notes
    -----
    max over cutoffs of CLV·(γ·(1 − δ) − φ)·π₀·F₀ − CLV·(δ + φ)·π₁·F₁

    Examples
    --------
    A perfect ranking of 100 customers, 20 of whom leave, earns 20 % · (0.3 · 190 − 1):

    >>> left = np.repeat([1, 0], [20, 80])
    >>> round(mpc(left, left).profit, 6), mpc(left, left).share
    (11.2, 0.2)
    """
    share("acceptance", acceptance)
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
        as in `mpc`; incentive < clv
    alpha, beta
        > 0, parameters of the beta distribution of the acceptance

    Returns
    -------
    MaximumProfit
        the share of customers is an expectation too

    Raises
    ------
    InputError, RangeError
        as in `mpc`

    Notes
    -----
    ∫ P(T(γ); γ)·h(γ) dγ, with T(γ) the best cutoff for the acceptance γ. Only corners of the convex hull of
    the ROC curve can be best. The next corner takes over at the acceptance where the two earn the same,
    γ = ((δ + φ)·π₁·ΔF₁ ÷ (π₀·ΔF₀) + φ) ÷ (1 − δ). Between two of these the profit is linear in γ, so the
    integral is a sum of incomplete beta functions.

    Examples
    --------
    >>> left = np.repeat([1, 0], [20, 80])
    >>> round(empc(left, left).profit, 6), round(empc(left, 1 - left).profit, 6)
    (11.2, 2.960377)
    """
    positive("alpha", alpha)
    positive("beta", beta)
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
    """Money gained from a leaver who accepts, before the contact cost, and money lost on a stayer."""
    positive("clv", clv)
    at_least("incentive", incentive, 0)
    at_least("contact_cost", contact_cost, 0)
    return clv - incentive, incentive + contact_cost


def _hull(churned: npt.ArrayLike, score: npt.ArrayLike) -> tuple[Floats, Floats]:
    """π₀·F₀ and π₁·F₁ at the corners of the convex hull of the ROC curve, starting at (0, 0)."""
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
            "Profit measures need customers who left and customers who stayed; here there is only one kind."
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
