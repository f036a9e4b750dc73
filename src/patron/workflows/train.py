"""Tables → an evaluated, recorded and registered model.

Up to as_of, the last day known, and with nothing after it: past snapshots whose horizon has matured give the
rows on which the churn classifier learns, stops, is calibrated and is tested, in the order of time; the value
models are fitted on all purchases to date. What scoring needs is frozen in a bundle and registered.
"""

import warnings
from dataclasses import dataclass
from typing import Any

import pandas as pd

from patron.errors import PatronWarning
from patron.features.assemble import assemble_features, discover_catalogue
from patron.features.catalogue import FeatureCatalogue
from patron.models.bundle import Bundle
from patron.models.churn import FEWEST_CUSTOMERS, ChurnClassifier
from patron.models.purchases import BetaGeoModel
from patron.models.spend import GammaGammaModel
from patron.models.value import CustomerValueModel
from patron.scores.scorecard import freeze_tiers
from patron.snapshots.spine import make_spine
from patron.snapshots.splits import choose_split
from patron.tables.history import History
from patron.tracking.store import open_store
from patron.workflows.evaluation import evaluate
from patron.workflows.inputs import known_history
from patron.workflows.matured import RFM, Matured, Part, read_matured
from patron.workflows.progress import Progress, silent
from patron.workflows.promotion import Candidate, judge
from patron.workflows.recording import Outcome, Recorded, record_training
from patron.workflows.settings import Settings

__all__ = ["TrainResult", "train"]


def train(
    settings: Settings, *, history: History | None = None, progress: Progress = silent
) -> "TrainResult":
    """A model trained on what was known on `settings.as_of`, evaluated, recorded in MLflow and registered.

    Parameters
    ----------
    settings : where the tables are, the horizon, and everything else
    history : the tables, where they have been read already
    progress : called with each step as it begins

    Raises
    ------
    InputError : a table cannot be used, as_of lies outside the data, or the history is too short
    ModelError : the model could not be recorded

    Examples
    --------
    >>> import patron
    >>> shop = patron.simulate(n_customers=300, days=500, seed=1)
    >>> settings = Settings(tables={"transactions": shop.transactions}, horizon_days=60, inference="map")
    >>> trained = train(settings)
    >>> trained.model_uri.startswith("models:/patron/")
    True
    """
    known = known_history(settings, history, progress)
    as_of, horizon_days = known.known_until, settings.horizon_days
    split = choose_split(known.first_day, as_of, horizon_days, max_snapshots=settings.train.max_snapshots)

    progress("Opening the MLflow store")
    store = open_store()  # before the long work: a store that cannot be written to is found out at once

    progress(f"Building features on {len(split.dates)} past days, {split.dates[0]} to {split.dates[-1]}")
    catalogue = discover_catalogue(known, max(split.train), max_kinds=settings.train.max_kinds)
    matured = read_matured(known, split, catalogue, active_within_days=settings.active_within_days)

    progress(f"Fitting the churn classifier on {len(matured.train.rows):,} rows")
    churn = _fit_churn(matured, catalogue, settings)

    progress(f"Testing it on {split.test} beside simple rules")
    evaluation = evaluate(churn, matured, catalogue, split, known)

    progress(f"Building features as of {as_of}")
    today = _features_of_everyone(known, catalogue)

    progress(f"Fitting the value models on {len(today):,} customers ({settings.inference})")
    value = _fit_value(today, settings)

    progress("Recording and registering the model")
    bundle = freeze_tiers(_bundle(churn, value, catalogue, known, settings), today)
    outcome = Outcome(
        bundle=bundle, settings=settings, report=known.report, split=split, evaluation=evaluation
    )
    candidate = Candidate(bundle, evaluation.probability, matured.test, split.test, known)
    verdict = judge(store, candidate, promote=settings.train.promote)
    return TrainResult(outcome, record_training(store, outcome, verdict))


@dataclass(frozen=True, slots=True)
class TrainResult:
    """What `train` made.

    Attributes
    ----------
    outcome : the model, and how good it is
    recorded : where it is kept, and whether it is champion
    """

    outcome: Outcome
    recorded: Recorded

    @property
    def metrics(self) -> dict[str, float]:
        """Metric → number on the test snapshot, without those that are not defined."""
        return self.outcome.evaluation.metrics

    @property
    def model_uri(self) -> str:
        """The registered version, such as ``models:/patron/3``."""
        return self.recorded.model_uri

    @property
    def comparison(self) -> pd.DataFrame:
        """One row per model, on the test snapshot, for people to read."""
        columns = ["model", "auc", "average_precision", "top_decile_lift"]
        columns += ["brier", "brier_skill", "log_loss", "calibration_error"]
        return self.outcome.evaluation.comparison[columns]

    def title(self) -> str:
        """What the comparison compares."""
        left, split = self.outcome.evaluation.left, self.outcome.split
        return (
            f"{len(left):,} customers as of {split.test}, of whom {left.mean():.1%} bought nothing in the "
            f"{split.horizon_days} days after"
        )

    def to_dict(self) -> dict[str, Any]:
        """What was made, as plain values."""
        bundle, split = self.outcome.bundle, self.outcome.split
        return {
            "model_uri": self.model_uri,
            "model_version": self.recorded.model_version,
            "run_id": self.recorded.run_id,
            "champion": self.recorded.champion,
            "reason": self.recorded.reason,
            "tracking_uri": self.recorded.store_uri,
            "as_of": bundle.as_of.isoformat(),
            "horizon_days": bundle.horizon_days,
            "snapshots": [day.isoformat() for day in split.dates],
            "metrics": self.metrics,
            "comparison": self.outcome.evaluation.comparison.to_dict("records"),
            "report": self.outcome.report.to_dict(),
        }

    def sentences(self) -> list[str]:
        """What was made, in words."""
        recorded, bundle = self.recorded, self.outcome.bundle
        place = "champion" if recorded.champion else "challenger"
        money = "revenue (margin 1.0)" if bundle.margin == 1 else f"margin ({bundle.margin:.0%} of revenue)"
        advice = f"Score with it by --model {self.model_uri}; --promote makes the next training champion."
        lines = [
            f"Registered as {self.model_uri}, {place}, because {recorded.reason}.",
            *([] if recorded.champion else [advice]),
            f"Values are {money}, discounted by {bundle.annual_discount_rate:.0%} a year.",
            f"MLflow run {recorded.run_id} in {recorded.store_uri}.",
        ]
        return [*lines, *([f"Look at it with: {recorded.ui_command}"] if recorded.ui_command else [])]


def _fit_churn(matured: Matured, catalogue: FeatureCatalogue, settings: Settings) -> ChurnClassifier | None:
    """The classifier; None, said in a warning, where all customers left or all stayed."""
    left = matured.train.churned
    if len(left) >= FEWEST_CUSTOMERS and left.min() == left.max():
        warnings.warn(
            f"All {len(left):,} customers of the training snapshots {'left' if left.iloc[0] else 'stayed'}: "
            "there is no churn classifier, and churn_probability is P(no purchase in the horizon) of the "
            "purchase model. Another horizon may tell them apart.",
            PatronWarning,
            stacklevel=3,
        )
        return None

    def rows(part: Part) -> tuple[pd.DataFrame, pd.Series]:
        return part.features(catalogue), part.churned

    return ChurnClassifier(random_state=settings.seed).fit(
        *rows(matured.train),
        stop=rows(matured.stop) if matured.stop is not None else None,
        calibrate=rows(matured.calibrate),
    )


def _features_of_everyone(known: History, catalogue: FeatureCatalogue) -> pd.DataFrame:
    """Every customer, also those who are too inactive to be scored: the value models need them all."""
    features = assemble_features(known, make_spine(known, known.known_until), catalogue)
    rows: pd.DataFrame = features.order_by("customer_id").to_pandas()
    return rows


def _fit_value(today: pd.DataFrame, settings: Settings) -> CustomerValueModel:
    return CustomerValueModel(
        BetaGeoModel(inference=settings.inference, random_state=settings.seed),
        GammaGammaModel(inference=settings.inference, random_state=settings.seed),
        margin=settings.margin,
        annual_discount_rate=settings.annual_discount_rate,
    ).fit(today[[*RFM, "first_order_value"]])


def _bundle(
    churn: ChurnClassifier | None,
    value: CustomerValueModel,
    catalogue: FeatureCatalogue,
    known: History,
    settings: Settings,
) -> Bundle:
    return Bundle(
        churn=churn,
        value=value,
        catalogue=catalogue,
        horizon_days=settings.horizon_days,
        value_horizon_days=settings.value_horizon_days,
        first_day=known.first_day,
        as_of=known.known_until,
    )
