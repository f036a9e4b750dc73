"""How good the model is on the newest matured snapshot, beside simple rules.

No part of the classifier has seen that snapshot's labels."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from patron.evaluation.baselines import compare, recency_ranking
from patron.evaluation.metrics import PROBABILITY_METRICS, RANKING_METRICS
from patron.features.catalogue import FeatureCatalogue
from patron.models.checks import tracking
from patron.models.churn import ChurnClassifier
from patron.models.purchases import BetaGeoModel
from patron.snapshots.splits import Split
from patron.tables.history import History
from patron.workflows.matured import Matured

__all__ = ["BTYD", "CLASSIFIER", "RECENCY", "Evaluation", "evaluate"]

type Floats = npt.NDArray[np.float64]

CLASSIFIER, BTYD, RECENCY = "patron (LightGBM)", "BG/NBD, no purchase", "days since last"


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What was found on the test snapshot.

    Attributes
    ----------
    left : (n_customers,) 1 or 0, who left
    probability : (n_customers,) probability of leaving, as the first model said
    metrics : metric → number, of the first model; without those that are not defined
    comparison : one row per model: the classifier, if there is one, then the simple rules
    tracking : one row per week: repeat purchases that came, and that BG/NBD expected, before the test day
        (to which it was fitted) and after it; see :func:`patron.models.checks.tracking`
    """

    left: Floats
    probability: Floats
    metrics: dict[str, float]
    comparison: pd.DataFrame
    tracking: pd.DataFrame


def evaluate(
    churn: ChurnClassifier | None,
    matured: Matured,
    catalogue: FeatureCatalogue,
    split: Split,
    history: History,
) -> Evaluation:
    """The classifier and two simple rules on the customers of the test snapshot.

    Parameters
    ----------
    churn : fitted on the parts before the test snapshot; None where there is none, and BG/NBD takes its place
    matured : all parts
    catalogue : the features of the classifier
    split : the snapshot dates
    history : what is known; tells the purchases before and after the test snapshot

    Notes
    -----
    The rules are ranking by days since the last purchase, and P(no purchase in the horizon) of a BG/NBD model
    fitted, by its mode, to what was known at the test snapshot.

    Examples
    --------
    See :func:`patron.workflows.train.train`.
    """
    test = matured.test
    left = test.churned.to_numpy(dtype=np.float64)
    btyd = BetaGeoModel(inference="map").fit(test.rfm)
    rules = {
        BTYD: btyd.probability_no_purchase(test.rfm, split.horizon_days).to_numpy(),
        RECENCY: recency_ranking(test.rfm).to_numpy(),
    }
    classified = {} if churn is None else {CLASSIFIER: churn.predict_proba(test.features(catalogue))[:, 1]}
    scores = classified | rules
    base_rate = float(matured.train.churned.mean())
    comparison = compare(left, scores, base_rate=base_rate, rankings=[RECENCY])
    return Evaluation(
        left=left,
        probability=next(iter(scores.values())),
        metrics=_defined(comparison.iloc[0]),
        comparison=comparison,
        tracking=tracking(btyd, _purchases(history), split.test),
    )


def _defined(row: pd.Series) -> dict[str, float]:
    return {
        name: float(row[name]) for name in (*RANKING_METRICS, *PROBABILITY_METRICS) if pd.notna(row[name])
    }


def _purchases(history: History) -> pd.DataFrame:
    """customer_id and day of every purchase."""
    days: pd.DataFrame = (
        history.days.filter(history.days.is_purchase).select("customer_id", "day").to_pandas()
    )
    return days
