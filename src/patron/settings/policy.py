"""What the business decides: its typical offer, stages, tiers, and what referrals and contributions count."""

from pydantic import Field

from patron.settings.section import Section

__all__ = ["LearningSettings", "NetworkSettings", "OfferSettings", "StagesSettings", "TiersSettings"]


class OfferSettings(Section):
    """What is assumed of an offer to stay, for churn_band, recommended_action and max_retention_spend.

    Attributes
    ----------
    incentive
        money ≥ 0, paid where it is taken; None for a tenth of a typical order
    contact_cost
        money ≥ 0, paid for every contact; None for a hundredth of a typical order
    acceptance
        probability in [0, 1] that a customer who would have left takes it and stays
    """

    incentive: float | None = Field(default=None, ge=0)
    contact_cost: float | None = Field(default=None, ge=0)
    acceptance: float = Field(default=0.3, ge=0, le=1)


class StagesSettings(Section):
    """The rules of lifecycle_stage, as :class:`patron.models.bundle.policy.StageRules` explains them. A
    silence must exceed both so many days and so many of the customer's own usual gaps.
    """

    retention_from: int = Field(default=3, ge=1)
    loyalty_from: int = Field(default=8, ge=0)
    loyalty_days: int = Field(default=365, ge=0)
    at_risk_days: float = Field(default=30, ge=0)
    at_risk_gaps: float = Field(default=2.0, ge=0)
    dormant_days: float = Field(default=180, ge=0)
    dormant_gaps: float = Field(default=4.0, ge=0)
    lost_days: float = Field(default=365, ge=0)
    lost_gaps: float = Field(default=8.0, ge=0)
    won_back_within: int = Field(default=90, ge=7, le=365)
    won_back_after: int = Field(default=365, ge=7, le=365)
    first_gap_days: float = Field(default=90, ge=1)


class TiersSettings(Section):
    """How large the tiers are among the customers of a training, whole percents in (0, 1).

    Attributes
    ----------
    vip
        share of the customers that are vip
    medium
        share that are vip or medium
    """

    vip: float = Field(default=0.10, gt=0, lt=1)
    medium: float = Field(default=0.50, gt=0, lt=1)


class NetworkSettings(Section):
    """What is assumed of referrals.

    Attributes
    ----------
    made_by
        probability in [0, 1] that a customer who was referred would not have come otherwise
    depth
        count ≥ 1, degrees of referral that count
    decay
        in [0, 1), how much each degree counts of the one before
    """

    made_by: float = Field(default=0.5, ge=0, le=1)
    depth: int = Field(default=1, ge=1)
    decay: float = Field(default=0.25, ge=0, lt=1)


class LearningSettings(Section):
    """What contributions are worth. `rate_card`: kind → money for one unit, declared by the business."""

    rate_card: dict[str, float] = Field(default_factory=dict)
