"""What a scoring is made of, apart from the engine that does the work."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from patron.models.bundle.bundle import Bundle
from patron.scores.network import NetworkRules
from patron.scoring.job_stages import Stages
from patron.storage.job_folder import Workspace

__all__ = ["ScoringJob", "ScoringOptions"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoringOptions:
    """How a scorecard is made.

    Attributes
    ----------
    model_version
        in the registry; None for a model that is not registered
    reasons
        whether each customer gets three reasons
    value_horizon_days
        days; None for the model's own
    annual_discount_rate
        per year; None for the model's own
    random_state
        seed of the draws behind the intervals
    active_within_days
        only customers active in these last days get a score; None for everyone
    measure_drift
        whether the customers are compared with those of the training
    keep_components
        whether the components of the potentials are kept for `patron score --potentials`
    network
        assumptions about referrals
    rate_card
        kind of contribution → money per unit
    """

    model_version: str | None = None
    reasons: bool = True
    value_horizon_days: int | None = None
    annual_discount_rate: float | None = None
    random_state: int = 0
    active_within_days: int | None = None
    measure_drift: bool = True
    keep_components: bool = False
    network: NetworkRules = field(default_factory=NetworkRules)
    rate_card: Mapping[str, float] = field(default_factory=dict)

    def of_predictions(self) -> dict[str, Any]:
        """The keywords of :func:`patron.scores.scorecard.make_scorecard` that every prediction depends on."""
        return {
            "value_horizon_days": self.value_horizon_days,
            "annual_discount_rate": self.annual_discount_rate,
            "random_state": self.random_state,
        }


@dataclass(frozen=True, slots=True)
class ScoringJob:
    """One scoring in progress.

    Attributes
    ----------
    workspace
        takes features, events and shards
    bundle
        the model
    options
        how the scorecard is made
    stages
        reports the progress
    """

    workspace: Workspace
    bundle: Bundle
    options: ScoringOptions
    stages: Stages
