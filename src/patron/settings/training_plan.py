"""Settings → the plan of a training, which is all that the rooms below see of them."""

from patron.models.bundle.policy import StageRules
from patron.settings import Settings
from patron.training.plan import PolicyOptions, TrainingPlan, TreeOptions

__all__ = ["training_plan"]


def training_plan(settings: Settings) -> TrainingPlan:
    """How the settings fit a bundle.

    Parameters
    ----------
    settings
        Horizon, money and seed, and the sections `train`, `tiers`, `offer` and `stages`.

    Raises
    ------
    RangeError
        the rules of the stages contradict each other

    Examples
    --------
    >>> training_plan(Settings(offer={"incentive": 5.0})).policy.offer
    {'incentive': 5.0, 'acceptance': 0.3}
    """
    train = settings.train
    return TrainingPlan(
        horizon_days=settings.horizon_days,
        value_horizon_days=settings.value_horizon_days,
        margin=settings.margin,
        annual_discount_rate=settings.annual_discount_rate,
        active_within_days=settings.active_within_days,
        purchase_family=settings.purchase_family,
        inference=settings.inference,
        seed=settings.seed,
        max_snapshots=train.max_snapshots,
        step_days=train.step_days,
        max_kinds=train.max_kinds,
        trees=TreeOptions(n_seeds=train.seeds, search=train.search, monotone=train.monotone),
        policy=PolicyOptions(
            tier_shares=(settings.tiers.vip, settings.tiers.medium),
            offer=settings.offer.model_dump(exclude_none=True),
            stages=StageRules(**settings.stages.model_dump()),
        ),
    )
