"""What the business decides: its typical offer, stages, tiers, and what referrals and contributions count."""

from patron.settings.section import Section, setting

__all__ = ["LearningSettings", "NetworkSettings", "OfferSettings", "StagesSettings", "TiersSettings"]


class OfferSettings(Section):
    """The typical retention offer, which decides churn_band, recommended_action and max_retention_spend."""

    incentive: float | None = setting(
        None, unit="money", absent="a tenth of a typical order", example=4.0, ge=0
    )
    """Cost of the incentive, paid only if the offer is taken."""
    contact_cost: float | None = setting(
        None, unit="money", absent="a hundredth of a typical order", example=0.4, ge=0
    )
    """Cost of one contact."""
    acceptance: float = setting(0.3, unit="probability", ge=0, le=1)
    """Probability that a customer who would have left takes the offer and stays."""


class StagesSettings(Section):
    """Rules of lifecycle_stage; a silence must exceed both its days and its number of usual gaps."""

    retention_from: int = setting(3, unit="days", ge=1)
    """Repeat purchase days from which a customer is in retention."""
    loyalty_from: int = setting(8, unit="days", ge=0)
    """Repeat purchase days that loyalty needs."""
    loyalty_days: int = setting(365, unit="days", ge=0)
    """Days since the first purchase that loyalty needs."""
    at_risk_days: float = setting(30, unit="days", ge=0)
    """Days of silence after which a customer is at risk."""
    at_risk_gaps: float = setting(2.0, unit="gaps", ge=0)
    """Usual gaps of silence after which a customer is at risk."""
    dormant_days: float = setting(180, unit="days", ge=0)
    """Days of silence after which a customer is dormant."""
    dormant_gaps: float = setting(4.0, unit="gaps", ge=0)
    """Usual gaps of silence after which a customer is dormant."""
    lost_days: float = setting(365, unit="days", ge=0)
    """Days of silence after which a customer is lost."""
    lost_gaps: float = setting(8.0, unit="gaps", ge=0)
    """Usual gaps of silence after which a customer is lost."""
    won_back_within: int = setting(90, unit="days", ge=7, le=365)
    """A won-back customer has bought within this number of days: 7, 30, 90, 180 or 365."""
    won_back_after: int = setting(365, unit="days", ge=7, le=365)
    """A won-back customer had not bought for this number of days before that: 7, 30, 90, 180 or 365."""
    first_gap_days: float = setting(90, unit="days", ge=1)
    """Usual gap of customers who have bought on one day only."""


class TiersSettings(Section):
    """Sizes of the value tiers as shares of the customers of a training, in whole per cent."""

    vip: float = setting(0.10, unit="share", gt=0, lt=1)
    """Share of the customers in the tier vip."""
    medium: float = setting(0.50, unit="share", gt=0, lt=1)
    """Share of the customers in the tiers vip and medium together."""


class NetworkSettings(Section):
    """What is assumed about referrals."""

    made_by: float = setting(0.5, unit="probability", ge=0, le=1)
    """Probability that a referred customer would not have come otherwise."""
    depth: int = setting(1, unit="degrees", ge=1)
    """Degrees of referral that count."""
    decay: float = setting(0.25, unit="share", ge=0, lt=1)
    """Weight of each degree of referral relative to the one before."""


class LearningSettings(Section):
    """What contributions are worth to the business."""

    rate_card: dict[str, float] = setting({}, unit="money", example={"review": 2.0, "interview": 150.0})
    """Value of one unit of each kind of contribution."""
