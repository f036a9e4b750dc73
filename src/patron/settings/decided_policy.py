"""What the settings decide of bands, stages and tiers, for a training and for a scoring."""

from dataclasses import replace
from typing import Any

from patron.models.bundle.bundle import Bundle
from patron.models.bundle.policy import StageRules
from patron.settings import Settings

__all__ = ["decided", "decided_anew"]


def decided(settings: Settings) -> dict[str, Any]:
    """What :func:`patron.scores.scorecard.freeze_tiers` is to freeze.

    Raises
    ------
    RangeError
        the rules of the stages contradict each other

    Examples
    --------
    >>> decided(Settings(offer={"incentive": 5.0}))["offer"]
    {'incentive': 5.0, 'acceptance': 0.3}
    """
    return {
        "shares": (settings.tiers.vip, settings.tiers.medium),
        "offer": settings.offer.model_dump(exclude_none=True),
        "stages": StageRules(**settings.stages.model_dump()),
    }


def decided_anew(bundle: Bundle, settings: Settings) -> Bundle:
    """The bundle with what these settings say of offer and stages; what they leave out stays as it is frozen.

    Tiers stay those of the training whatever the settings say.

    Raises
    ------
    RangeError
        the rules of the stages contradict each other

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
