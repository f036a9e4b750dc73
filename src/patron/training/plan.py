"""How a bundle is fitted: `TrainingPlan`, and the two groups of choices in it.

A plan names no table and no day, so one plan serves the model that is kept, its test one horizon earlier and
every cut of a backtest.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from patron.models.bundle.policy import StageRules

__all__ = ["PolicyOptions", "TrainingPlan", "TreeOptions"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TreeOptions:
    """How the churn trees are fitted.

    Attributes
    ----------
    n_seeds
        count ≥ 1 of ensembles, each with its own seed, whose mean ranks the customers
    search
        count ≥ 0 of random hyperparameter settings that compete with the default
    monotone
        whether the risk may only rise with P(no purchase) and fall with the expected purchases
    """

    n_seeds: int = 1
    search: int = 0
    monotone: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyOptions:
    """What the business decides about tiers, offer and stages, frozen with the model.

    Attributes
    ----------
    tier_shares
        shares of the customers, in (0, 1), that are vip, and that are vip or medium
    offer
        incentive, contact_cost (money) and acceptance (probability) of a typical offer, as far as they are
        known; missing ones are taken in proportion to the median expected order
    stages
        the rules of lifecycle_stage
    """

    tier_shares: tuple[float, float] = (0.10, 0.50)
    offer: Mapping[str, float] = field(default_factory=dict)
    stages: StageRules = field(default_factory=StageRules)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingPlan:
    """Everything that a fit needs besides the data.

    Attributes
    ----------
    horizon_days
        days ≥ 1 ahead for which churn and value are predicted
    value_horizon_days
        days ≥ 1 ahead over which growth_potential counts
    margin
        share of an amount that is kept, in (0, 1]; 1.0 means that money is revenue
    annual_discount_rate
        per year, ≥ 0
    active_within_days
        only customers active in these last days are eligible; None for all
    purchase_family
        BTYD model of purchases: "bgnbd", or "mbgnbd", in which customers may leave after the first purchase
    inference
        how the value models are fitted: "nuts" (sampled), "laplace" or "map" (quick)
    seed
        random seed of the whole fit
    max_snapshots
        count ≥ 3, the most labelled snapshots that the trees learn from
    step_days
        days from one training snapshot to the next; None for the horizon
    max_kinds
        count ≥ 1, the most kinds of engagement that get features of their own
    trees
        how the churn trees are fitted
    policy
        tiers, offer and stages

    Examples
    --------
    >>> TrainingPlan(horizon_days=60, inference="map").value_horizon_days
    365
    """

    horizon_days: int = 90
    value_horizon_days: int = 365
    margin: float = 1.0
    annual_discount_rate: float = 0.10
    active_within_days: int | None = None
    purchase_family: Literal["bgnbd", "mbgnbd"] = "bgnbd"
    inference: Literal["nuts", "laplace", "map"] = "nuts"
    seed: int = 0
    max_snapshots: int = 12
    step_days: int | None = None
    max_kinds: int = 12
    trees: TreeOptions = field(default_factory=TreeOptions)
    policy: PolicyOptions = field(default_factory=PolicyOptions)
