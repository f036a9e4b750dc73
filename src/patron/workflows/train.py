"""Tables → an evaluated, recorded and registered model.

One procedure, `fit_bundle`, fits everything, and it is run twice. First on what was known one horizon ago:
its predictions are compared with what happened since, and with those of the baselines and the present
champion. Then on everything known; that bundle is recorded and registered.
"""

import warnings
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pandas as pd

from patron.errors import InputError, PatronWarning
from patron.models.bundle.bundle import Bundle
from patron.models.value.purchases.families import families_in_words
from patron.progress import Progress, silent
from patron.results import Printed
from patron.settings import Settings
from patron.settings.inputs import known_history
from patron.settings.training_plan import training_plan
from patron.tables.history import History
from patron.tracking.store import open_store
from patron.training.champion_gate import Challenger, decide_promotion
from patron.training.evaluation import Evaluation, evaluate
from patron.training.fit_bundle import fit_bundle
from patron.training.plan import TrainingPlan
from patron.training.recording import Outcome, Recorded, record_training

__all__ = ["TrainResult", "train"]


def train(
    settings: Settings, *, history: History | None = None, progress: Progress = silent
) -> "TrainResult":
    """A model trained on what was known on `settings.as_of`, evaluated, recorded in MLflow and registered.

    Parameters
    ----------
    settings
        the tables, the horizon and every other choice
    history
        the tables, where they have been read already
    progress
        called with each step as it begins

    Raises
    ------
    InputError
        a table cannot be used, as_of lies outside the data, or the history is too short
    ModelError
        the model could not be recorded

    Examples
    --------
    >>> import patron
    >>> shop = patron.simulate(n_customers=300, days=500, seed=1)
    >>> settings = Settings(tables={"transactions": shop.transactions}, horizon_days=60, inference="map")
    >>> trained = train(settings)
    >>> trained.model_uri.startswith("models:/patron/")
    True
    """
    plan = training_plan(settings)
    known = known_history(settings, history, progress, warn=False)
    progress("Opening the MLflow store")
    store = open_store()  # before the long work, so that a store that cannot be written to fails at once

    evaluation = _evaluate_one_horizon_ago(known, plan, progress)
    bundle = fit_bundle(known, plan, progress=progress)

    progress("Comparing with the baselines and the champion")
    challenger = Challenger(bundle, evaluation, known)
    train = settings.train
    decision = decide_promotion(store, challenger, promote=train.promote, confidence=train.confidence)
    progress("Recording and registering the model")
    outcome = Outcome(bundle=bundle, settings=settings.to_dict(), report=known.report, evaluation=evaluation)
    return TrainResult(outcome, record_training(store, outcome, decision))


@dataclass(frozen=True, slots=True)
class TrainResult:
    """The model that `train` fitted.

    Attributes
    ----------
    outcome
        the model, and how good it is
    recorded
        where it is recorded, and whether it is champion
    """

    outcome: Outcome
    recorded: Recorded

    @property
    def metrics(self) -> dict[str, float]:
        """Metric → number on the newest labelled snapshot, without those that are not defined."""
        return self.outcome.metrics

    @property
    def model_uri(self) -> str:
        """The registered version, such as ``models:/patron/3``."""
        return self.recorded.model_uri

    @property
    def comparison(self) -> pd.DataFrame:
        """One row per model, on the newest labelled snapshot, for people to read; none without one."""
        columns = ["model", "auc", "average_precision", "brier", "log_loss", "calibration_error"]
        columns += ["gini", "mae", "total_bias", "coverage"]
        evaluation = self.outcome.evaluation
        return pd.DataFrame(columns=columns) if evaluation is None else evaluation.comparison[columns]

    def title(self) -> str:
        """The population of the comparison, as a caption."""
        evaluation = self.outcome.evaluation
        return "No outcome window is complete yet." if evaluation is None else evaluation.title()

    def to_dict(self) -> dict[str, Any]:
        """The result as plain values."""
        bundle, evaluation = self.outcome.bundle, self.outcome.evaluation
        compared = [] if evaluation is None else evaluation.comparison.to_dict("records")
        return {
            "model_uri": self.model_uri,
            "model_version": self.recorded.model_version,
            "run_id": self.recorded.run_id,
            "champion": self.recorded.champion,
            "reason": self.recorded.reason,
            "tracking_uri": self.recorded.store_uri,
            "as_of": bundle.as_of.isoformat(),
            "horizon_days": bundle.horizon_days,
            "tested_on": None if evaluation is None else evaluation.as_of.isoformat(),
            "metrics": self.metrics,
            "comparison": compared,
            "report": self.outcome.report.to_dict(),
        }

    def printed(self) -> Printed:
        """What a terminal shows."""
        yield from self.outcome.report.sentences()
        yield self.title(), self.comparison
        yield from self.sentences()

    def sentences(self) -> list[str]:
        """The result in sentences."""
        recorded, bundle = self.recorded, self.outcome.bundle
        place = "champion" if recorded.champion else "challenger"
        money = (
            "revenue (margin 1.0)" if bundle.margin == 1 else f"margin ({100 * bundle.margin:g}% of revenue)"
        )
        if not bundle.catalogue.has_money:
            money = "active days, because there are no transactions"
        advice = (
            f"Score with it using --model {self.model_uri}, or make it champion: "
            f"patron promote {self.recorded.model_version}."
        )
        lines = [
            f"Registered as {self.model_uri}, {place}, because {recorded.reason}.",
            *([] if recorded.champion else [recorded.remedy] if recorded.remedy else []),
            *([] if recorded.champion else [advice]),
            f"Values are {money}, discounted by {100 * bundle.annual_discount_rate:g}% a year.",
            *_family(bundle),
            *bundle.season.sentences(),
            *bundle.churn_blend.sentences(),
            *([] if bundle.stacking is None else bundle.stacking.sentences()),
            f"MLflow run {recorded.run_id} in {recorded.store_uri}.",
        ]
        return [*lines, *([f"Look at it with: {recorded.ui_command}"] if recorded.ui_command else [])]


def _family(bundle: Bundle) -> list[str]:
    """A comparison with the other family of purchase models, where that was fitted."""
    purchases = bundle.value.purchases
    fit = purchases.diagnostics_
    if fit is None or fit.other_family is None:
        return []
    return [families_in_words(purchases.family, fit.other_family)]


def _evaluate_one_horizon_ago(known: History, plan: TrainingPlan, progress: Progress) -> Evaluation | None:
    """How good the same procedure was on the newest labelled snapshot; None, with a warning, without one."""
    then = known.known_until - timedelta(days=plan.horizon_days)
    try:
        progress(f"Fitting on what was known on {then}, for the test")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", PatronWarning)  # the fit that is kept raises the same warnings
            # The test needs predictions, and its parameters are not kept: no sampling.
            quick = replace(plan, inference="map" if plan.inference == "map" else "laplace")
            earlier = fit_bundle(known.until(then), quick, progress=progress)
    except InputError as refused:
        warnings.warn(
            f"The model cannot be tested: no model could be fitted one horizon before the last day known, on "
            f"{then}. {refused}",
            PatronWarning,
            stacklevel=3,
        )
        return None
    progress(f"Testing it and the baselines on the {plan.horizon_days} days after {then}")
    return evaluate(earlier, known, active_within_days=plan.active_within_days)
