"""Decision threshold, maximum profitable incentive and recommended action of each customer.

A customer leaves with probability p and is worth V if retained. An offer that a would-be leaver accepts with
probability a earns p·a·V; it costs the contact c, and the incentive d whenever it is accepted (also by those
who would have stayed). It pays if p exceeds the customer's own threshold::

    p > (C_FP − C_TN) / (C_FP − C_TN + C_FN − C_TP)

    C_FP = d + c                      contacted, would have stayed
    C_TN = 0                          not contacted, would have stayed
    C_FN = V                          not contacted, leaves
    C_TP = a·d + (1 − a)·V + c        contacted, would have left

V is the growth potential. It already allows for churn, so the threshold is conservative.

====== =====================================================================
band
====== =====================================================================
low    contact does not pay
medium contact pays
high   contact would pay even if the customer were worth only half as much
====== =====================================================================

References
----------
Elkan (2001), "The Foundations of Cost-Sensitive Learning", IJCAI 17, 973-978: the threshold. Verbraken,
Verbeke & Baesens (2013), IEEE Transactions on Knowledge and Data Engineering 25(5), 961-973: the costs of an
offer.
"""

from functools import cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from patron.arrays import Floats, Texts
from patron.checks import shares
from patron.errors import RangeError
from patron.models.bundle.policy import TypicalOffer

__all__ = [
    "ACTIONS",
    "BANDS",
    "RetentionSpend",
    "churn_band",
    "contact_cut",
    "cost_sensitive_cut",
    "max_retention_spend",
    "offer_cut",
    "recommended_action",
]


BANDS = ("low", "medium", "high")

HALF = 0.5
"""The share of a customer's value at which contact must still pay for the band to be high."""

ACTIONS = (
    # stage         band             tier              action
    ("reach",       "any",           "any",            "invite to a first order"),
    ("lost",        "any",           "vip",            "win back"),
    ("lost",        "any",           "medium",         "win back"),
    ("lost",        "any",           "any",            "leave alone"),
    ("dormant",     "any",           "low",            "leave alone"),
    ("dormant",     "any",           "any",            "win back"),
    ("any",         "high",          "vip",            "contact in person"),
    ("any",         "high",          "any",            "offer to stay"),
    ("any",         "medium",        "any",            "offer to stay"),
    ("at_risk",     "any",           "any",            "remind"),
    ("won_back",    "any",           "any",            "welcome back"),
    ("acquisition", "any",           "any",            "invite to a second order"),
    ("development", "any",           "any",            "show more of the range"),
    ("retention",   "any",           "any",            "show more of the range"),
    ("loyalty",     "any",           "any",            "thank and ask for a referral"),
)  # fmt: skip
"""Stage, band and tier → what to do. The first row that fits counts; "any" fits the unknown, too."""


class RetentionSpend(NamedTuple):
    """The maximum profitable incentive of each customer, and its interval.

    Attributes
    ----------
    expected
        (n_customers,) money, the maximum profitable incentive at the expected value
    low
        (n_customers,) money, at the lower bound of the value
    high
        (n_customers,) money, at the upper bound of the value
    """

    expected: Floats
    low: Floats
    high: Floats


def cost_sensitive_cut(
    cost_fp: npt.ArrayLike, cost_tn: npt.ArrayLike, cost_fn: npt.ArrayLike, cost_tp: npt.ArrayLike
) -> Floats:
    """The churn probability above which contact costs less than no contact.

    Parameters
    ----------
    cost_fp, cost_tn
        money, one number or (n_customers,): cost of a customer who would have stayed, with and without
        contact
    cost_fn, cost_tp
        likewise of one who would have left, without and with contact

    Returns
    -------
    Floats
        (n_customers,) in [0, 1]; 1 where contact never pays, since no probability exceeds it; NaN where a
        cost is

    Raises
    ------
    RangeError
        contacting somebody who would have stayed costs less than not doing so

    Notes
    -----
    (C_FP − C_TN) / (C_FP − C_TN + C_FN − C_TP)

    References
    ----------
    Elkan (2001), "The Foundations of Cost-Sensitive Learning", IJCAI 17, 973-978.

    Examples
    --------
    A contact that wastes 5 on a stayer and saves 45 on a leaver pays from 10 % on; one that saves nothing
    never does:

    >>> cost_sensitive_cut(cost_fp=5.0, cost_tn=0.0, cost_fn=[60.0, 15.0], cost_tp=15.0)
    array([0.1, 1. ])
    """
    wasted = np.subtract(cost_fp, cost_tn, dtype=np.float64)
    saved = np.subtract(cost_fn, cost_tp, dtype=np.float64)
    if (wasted < 0).any():
        raise RangeError(
            f"cost_fp must not be below cost_tn, and is by up to {-np.nanmin(wasted):g}: a contact cannot "
            "cost less than nothing."
        )
    at_stake = wasted + np.maximum(saved, 0.0)
    return np.where(at_stake == 0, 1.0, wasted / np.where(at_stake == 0, 1.0, at_stake))


def contact_cut(value: Floats, offer: TypicalOffer) -> Floats:
    """The churn probability above which this offer pays, for each customer.

    Parameters
    ----------
    value
        (n_customers,) money, kept where the customer stays; below 0 counts as 0
    offer
        its costs and its acceptance

    Returns
    -------
    Floats
        (n_customers,) in [0, 1]; 1 where it never pays; NaN where the value is unknown

    Examples
    --------
    >>> offer = TypicalOffer(incentive=10.0, contact_cost=1.0, acceptance=0.3)
    >>> contact_cut(np.array([200.0, 20.0, 10.0]), offer).round(3)
    array([0.164, 0.846, 1.   ])
    """
    return offer_cut(value, offer.incentive, offer.contact_cost, offer.acceptance)


def offer_cut(
    value: Floats, incentive: float, contact_cost: float, acceptance: float, redemption: float = 1.0
) -> Floats:
    """The churn probability above which an offer with these numbers pays.

    Parameters
    ----------
    value
        as in :func:`contact_cut`
    incentive, contact_cost
        money ≥ 0, paid if the offer is accepted, and for every contact
    acceptance, redemption
        probability of acceptance by a customer who would have left, and by one who would have stayed

    Examples
    --------
    >>> offer_cut(np.array([200.0]), incentive=10.0, contact_cost=1.0, acceptance=0.3).round(3)
    array([0.164])
    """
    kept = np.maximum(value, 0.0)
    return cost_sensitive_cut(
        cost_fp=redemption * incentive + contact_cost,
        cost_tn=0.0,
        cost_fn=kept,
        cost_tp=acceptance * incentive + (1 - acceptance) * kept + contact_cost,
    )


def churn_band(churn_probability: Floats, growth: Floats, offer: TypicalOffer) -> Texts:
    """The churn band of each customer, low, medium or high, by whether contact pays.

    Parameters
    ----------
    churn_probability
        (n_customers,) probability in [0, 1]
    growth
        (n_customers,) money, growth potential
    offer
        the typical offer

    Returns
    -------
    Texts
        (n_customers,) text, None where the probability or the growth is unknown

    Examples
    --------
    Half of the customers leave; whether to call depends on what they are worth:

    >>> offer = TypicalOffer(incentive=10.0, contact_cost=1.0, acceptance=0.3)
    >>> churn_band(np.full(4, 0.5), np.array([10.0, 60.0, 200.0, np.nan]), offer).tolist()
    ['low', 'medium', 'high', None]
    """
    band = np.full(len(growth), None, dtype=object)
    band[~np.isnan(churn_probability + growth)] = "low"
    band[churn_probability > contact_cut(growth, offer)] = "medium"
    band[churn_probability > contact_cut(HALF * growth, offer)] = "high"
    return band


def max_retention_spend(
    churn_probability: Floats,
    growth: Floats,
    growth_low: Floats,
    growth_high: Floats,
    save_probability: float | Floats,
) -> RetentionSpend:
    """The maximum profitable cost of one attempt to retain each customer.

    Parameters
    ----------
    churn_probability
        (n_customers,) probability in [0, 1]
    growth, growth_low, growth_high
        (n_customers,) money, growth potential and the ends of its interval
    save_probability
        probability in [0, 1] that the attempt retains a customer who would have left; one, or
        (n_customers,)

    Returns
    -------
    RetentionSpend
        (n_customers,) money ≥ 0 each, expected, low and high; NaN where the value is unknown. The interval is
        that of the customer's value, at the given risk and save probability.

    Raises
    ------
    RangeError
        a save probability is NaN or outside [0, 1]

    Notes
    -----
    save probability × churn probability × growth. An attempt that costs more loses money on average, whether
    it works or not; an incentive that is paid only where it is taken may cost more.

    Examples
    --------
    >>> risk, growth = np.array([0.5]), np.array([200.0])
    >>> spend = max_retention_spend(risk, growth, 0.2 * growth, 2 * growth, save_probability=0.3)
    >>> spend.expected.round(2), spend.low.round(2), spend.high.round(2)
    (array([30.]), array([6.]), array([60.]))
    """
    save = np.asarray(save_probability, dtype=np.float64)
    shares("save_probability", save)
    saved = save * churn_probability
    return RetentionSpend(*(saved * np.maximum(worth, 0.0) for worth in (growth, growth_low, growth_high)))


def recommended_action(stage: Texts, band: Texts, tier: Texts) -> Texts:
    """The recommended action for each customer, by `ACTIONS`.

    Parameters
    ----------
    stage, band, tier
        (n_customers,) lifecycle_stage, churn_band and value_tier; None where unknown

    Returns
    -------
    Texts
        (n_customers,) text, None where the stage is unknown

    Examples
    --------
    >>> stage = np.array(["loyalty", "loyalty", "lost", None], dtype=object)
    >>> band = np.array(["low", "high", "low", "low"], dtype=object)
    >>> tier = np.array(["vip", "vip", "low", "low"], dtype=object)
    >>> recommended_action(stage, band, tier).tolist()
    ['thank and ask for a referral', 'contact in person', 'leave alone', None]
    """
    cases = zip(stage.tolist(), band.tolist(), tier.tolist(), strict=True)
    return np.array([_action(*case) for case in cases], dtype=object)


@cache
def _action(stage: str | None, band: str | None, tier: str | None) -> str | None:
    """The first matching row of `ACTIONS`."""
    if stage is None:
        return None
    fits = ((stage, "any"), (band, "any"), (tier, "any"))
    return next(
        action
        for *wanted, action in ACTIONS
        if all(one in either for one, either in zip(wanted, fits, strict=True))
    )
