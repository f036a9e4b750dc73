"""The policy of a model by the settings: what a training freezes, and what a scoring may change."""

from dataclasses import replace
from typing import Any

from patron.models.bundle.bundle import Bundle
from patron.models.bundle.policy import StageRules
from patron.settings import Settings

__all__ = ["policy_to_freeze", "with_policy"]


def policy_to_freeze(settings: Settings) -> dict[str, Any]:
    """Tiers, offer and stages for :func:`patron.scores.scorecard.freeze_tiers`.

    Parameters
    ----------
    settings
        Their sections `tiers`, `offer` and `stages`.

    Raises
    ------
    RangeError
        If the rules of the stages contradict each other.

    Examples
    --------
    >>> policy_to_freeze(Settings(offer={"incentive": 5.0}))["offer"]
    {'incentive': 5.0, 'acceptance': 0.3}
    """
    return {
        "shares": (settings.tiers.vip, settings.tiers.medium),
        "offer": settings.offer.model_dump(exclude_none=True),
        "stages": StageRules(**settings.stages.model_dump()),
    }


def with_policy(bundle: Bundle, settings: Settings) -> Bundle:
    """The bundle with the offer and the stages that are given; what is not given stays as it was frozen.

    Tiers are always those of the training.

    Parameters
    ----------
    bundle
        The model with its frozen policy.
    settings
        Their sections `offer` and `stages`.

    Raises
    ------
    RangeError
        If the rules of the stages contradict each other.

    Examples
    --------
    See :func:`patron.workflows.score.score`.
    """
    policy = bundle.policy
    offer = settings.offer.model_dump(exclude_unset=True, exclude_none=True)
    stages = settings.stages.model_dump(exclude_unset=True)
    return replace(
        bundle,
        policy=replace(
            policy,
            offer=None if policy.offer is None else replace(policy.offer, **offer),
            stages=replace(policy.stages, **stages),
        ),
    )
