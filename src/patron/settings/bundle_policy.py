"""The policy of a model by the settings: what a scoring may change of it."""

from dataclasses import replace

from patron.models.bundle.bundle import Bundle
from patron.settings import Settings

__all__ = ["with_policy"]


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
