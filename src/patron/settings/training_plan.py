"""Settings → the plan of a training, which is all that the rooms below see of them."""

from dataclasses import fields

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

    Examples
    --------
    >>> training_plan(Settings(offer={"incentive": 5.0})).policy.offer
    {'incentive': 5.0, 'acceptance': 0.3}
    """
    train, shared = settings.train, {field.name for field in fields(TrainingPlan)}
    return TrainingPlan(
        **settings.model_dump(include=shared),
        **train.model_dump(include=shared),
        trees=TreeOptions(n_seeds=train.seeds, search=train.search, monotone=train.monotone),
        policy=PolicyOptions(
            tier_shares=(settings.tiers.vip, settings.tiers.medium),
            offer=settings.offer.model_dump(exclude_none=True),
            stages=StageRules(**settings.stages.model_dump()),
        ),
    )
