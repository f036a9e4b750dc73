"""A training → its run in MLflow and its registered version.

Nothing is recorded before everything has been computed, so a training that fails leaves no run behind.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from patron.evaluation.metrics import calibration_table, lift_table
from patron.models.bundle.bundle import Bundle
from patron.models.inference.drawn_model import DrawnModel
from patron.models.value.checks import calibration, frequency_histogram
from patron.reports.figures import calibration_figure, lift_figure, tracking_figure
from patron.reports.value_figures import expected_purchases_figure, frequency_figure
from patron.tables.report import DataReport
from patron.tracking.registry import CHAMPION, register
from patron.tracking.runs import TrainingRun, start_training_run
from patron.tracking.store import Store
from patron.training.evaluation import Evaluation
from patron.training.promotion import PromotionDecision

__all__ = ["Outcome", "Recorded", "record_training"]

_LONGEST_TAG = 500
_CHECKED_CUSTOMERS = 20_000  # sampled: group means need no more, and each is valued with every draw
_ALIKE_IN: dict[Literal["frequency", "recency"], str] = {
    "frequency": "Repeat purchases so far",
    "recency": "Age at the last purchase, days",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """Everything about a training that is recorded.

    Attributes
    ----------
    bundle
        the model
    settings
        with which it was trained, as plain values
    report
        what the tables held
    evaluation
        how good a model fitted the same way one horizon earlier was; None where the history is too
        short for one
    """

    bundle: Bundle
    settings: Mapping[str, Any]
    report: DataReport
    evaluation: Evaluation | None

    @property
    def metrics(self) -> dict[str, float]:
        """Metric → number of the evaluation; empty where there is none."""
        return {} if self.evaluation is None else self.evaluation.metrics


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """Where a training is kept.

    Attributes
    ----------
    run_id
        MLflow's id of the run
    model_uri, model_version
        the registered version, such as ``models:/patron/3`` and 3
    champion
        whether it is the champion now
    reason
        why it is, or is not
    remedy
        what to do about it, a sentence; "" where there is nothing to do
    store_uri
        what MLflow calls the tracking URI
    ui_command
        the command that shows the store in a browser; None where a server shows it already
    """

    run_id: str
    model_uri: str
    model_version: int
    champion: bool
    reason: str
    remedy: str
    store_uri: str
    ui_command: str | None


def record_training(store: Store, outcome: Outcome, decision: PromotionDecision) -> Recorded:
    """The recorded training: one parent run with everything, and a registered version.

    Parameters
    ----------
    store
        where to record it
    outcome
        what to record
    decision
        whether the version becomes champion, and why

    Raises
    ------
    ModelError
        the store is locked, cannot be reached, or cannot be written to

    Examples
    --------
    See :func:`patron.workflows.train.train`.
    """
    bundle, metrics = outcome.bundle, outcome.metrics
    name = f"as of {bundle.as_of}, {bundle.horizon_days} days ahead"
    tags = {"verdict": decision.reason[:_LONGEST_TAG], "promoted_by_hand": str(decision.by_hand).lower()}
    with start_training_run(store, name, tags=tags) as run:
        run.log_settings(dict(outcome.settings))
        run.log_report(outcome.report.to_dict())
        run.log_catalogue(bundle.catalogue)
        run.log_metrics(metrics)
        if outcome.evaluation is not None:
            _log_evaluation(run, outcome.evaluation)
        _log_churn(run, outcome)
        _log_value(run, outcome)
        logged = run.log_bundle(bundle)
        version = register(
            store,
            logged,
            bundle,
            metrics,
            run_id=run.run_id,
            tags=tags,
            becomes_champion=lambda champion, newcomer: decision.promoted,
        )
    return Recorded(
        run_id=run.run_id,
        model_uri=version.uri,
        model_version=version.version,
        champion=CHAMPION in version.aliases,
        reason=decision.reason,
        remedy=decision.remedy,
        store_uri=store.uri,
        ui_command=store.ui_command,
    )


def _log_evaluation(run: TrainingRun, evaluation: Evaluation) -> None:
    """Each table, with the figure that draws it."""
    calibrated = calibration_table(evaluation.churned, evaluation.probability)
    run.log_table(evaluation.comparison, "comparison")
    run.log_table(evaluation.deciles, "value_deciles")
    run.log_table(calibrated, "calibration")
    run.log_figure(calibration_figure(calibrated), "calibration")
    run.log_table(evaluation.tracking, "tracking")
    run.log_figure(tracking_figure(evaluation.tracking), "tracking")
    if evaluation.churned.any():  # lift is undefined if no customer churned
        lift = lift_table(evaluation.churned, evaluation.probability)
        run.log_table(lift, "lift")
        run.log_figure(lift_figure(lift), "lift")
    _log_purchases(run, evaluation)


def _log_purchases(run: TrainingRun, evaluation: Evaluation) -> None:
    """Checks of the purchase model: actual and expected purchases by customer history."""
    model, rfm = evaluation.bundle.value.purchases, evaluation.snapshot.rfm
    bought = evaluation.snapshot.rows.set_index("customer_id")["purchases"]
    histogram = frequency_histogram(model, rfm)
    run.log_table(histogram, "frequency")
    run.log_figure(frequency_figure(histogram), "frequency")
    if len(rfm) > _CHECKED_CUSTOMERS:
        rfm = rfm.sample(_CHECKED_CUSTOMERS, random_state=0)
        bought = bought[bought.index.isin(rfm["customer_id"])]
    for by, words in _ALIKE_IN.items():
        table = calibration(model, rfm, bought, evaluation.bundle.horizon_days, by=by)
        run.log_table(table, f"purchases_by_{by}")
        run.log_figure(expected_purchases_figure(table, by=words), f"purchases_by_{by}")


def _log_churn(run: TrainingRun, outcome: Outcome) -> None:
    churn = outcome.bundle.churn
    if churn is None:
        return
    tested_on = None if outcome.evaluation is None else outcome.evaluation.as_of
    importance = churn.feature_importance_.to_csv(index=False, lineterminator="\n")
    run.log_part(
        "churn",
        params={**churn.get_params(), "tested_on": tested_on, "calibration_chosen": churn.calibration_},
        metrics={**outcome.metrics, "trees": churn.n_trees_, "base_rate": churn.base_rate_},
        documents={"feature_importance.csv": importance, "churn.txt": churn.to_parts()[0]},
    )


def _log_value(run: TrainingRun, outcome: Outcome) -> None:
    value = outcome.bundle.value
    fitted = {"purchases": value.purchases, "spend": value.spend}
    learned = {
        f"{name}.{letter}": number for name, part in fitted.items() for letter, number in part.params_.items()
    }
    found = {
        f"{name}.{key}": number for name, part in fitted.items() for key, number in _diagnostics(part).items()
    }
    every = {name: _all_diagnostics(part) for name, part in fitted.items()}
    run.log_part(
        "value",
        params={
            "inference": value.purchases.inference,
            "margin": value.margin,
            "annual_discount_rate": value.annual_discount_rate,
        },
        metrics=learned | found,
        documents={"diagnostics.json": json.dumps(every, indent=1)},
    )


def _diagnostics(part: DrawnModel) -> dict[str, float]:
    """The numeric diagnostics of a fit; none where the parameters were given."""
    found = _all_diagnostics(part).items()
    return {name: float(number) for name, number in found if isinstance(number, int | float)}


def _all_diagnostics(part: DrawnModel) -> dict[str, Any]:
    """Every diagnostic of a fit, and its warnings in words."""
    found = part.diagnostics_
    return {} if found is None else {**found.to_dict(), "warnings": found.warnings()}
