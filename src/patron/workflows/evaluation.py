"""How good the model is on the newest matured snapshot, beside simple rules.

No part of the classifier has seen that snapshot's labels."""

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import numpy.typing as npt
import pandas as pd

from patron.evaluation.baselines import compare, recency_ranking
from patron.evaluation.metrics import PROBABILITY_METRICS, RANKING_METRICS
from patron.features.catalogue import FeatureCatalogue
from patron.models.churn import ChurnClassifier
from patron.models.purchases import BetaGeoModel
from patron.snapshots.asof import ahead
from patron.snapshots.spine import make_spine
from patron.snapshots.splits import Split
from patron.tables.history import History
from patron.workflows.matured import Matured, Part

__all__ = ["BTYD", "CLASSIFIER", "RECENCY", "Evaluation", "evaluate"]

type Floats = npt.NDArray[np.float64]

CLASSIFIER, BTYD, RECENCY = "patron (LightGBM)", "BG/NBD, no purchase", "days since last"

TRACKED_STEPS = 14


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What was found on the test snapshot.

    Attributes
    ----------
    left : (n_customers,) 1 or 0, who left
    probability : (n_customers,) probability of leaving, as the classifier said
    metrics : metric → number, of the classifier
    comparison : one row per model, the classifier first, then the simple rules
    tracking : one row per day: `day`, and the `actual_cumulative` and `expected_cumulative` purchases of all
        customers since the snapshot; expected by the BG/NBD rule
    """

    left: Floats
    probability: Floats
    metrics: dict[str, float]
    comparison: pd.DataFrame
    tracking: pd.DataFrame


def evaluate(
    churn: ChurnClassifier, matured: Matured, catalogue: FeatureCatalogue, split: Split, history: History
) -> Evaluation:
    """The classifier and two simple rules on the customers of the test snapshot.

    Parameters
    ----------
    churn : fitted on the parts before the test snapshot
    matured : all parts
    catalogue : the features of the classifier
    split : the snapshot dates
    history : what is known; tells the purchases after the test snapshot

    Notes
    -----
    The rules are ranking by days since the last purchase, and P(no purchase in the horizon) of a BG/NBD model
    fitted, by its mode, to what was known at the test snapshot.
    """
    test = matured.test
    left = test.churned.to_numpy(dtype=np.float64)
    probability = churn.predict_proba(test.features(catalogue))[:, 1]
    btyd = BetaGeoModel(inference="map").fit(test.rfm)
    comparison = compare(
        left,
        {
            CLASSIFIER: probability,
            BTYD: btyd.probability_no_purchase(test.rfm, split.horizon_days).to_numpy(),
            RECENCY: recency_ranking(test.rfm).to_numpy(),
        },
        base_rate=float(matured.train.churned.mean()),
        rankings=[RECENCY],
    )
    return Evaluation(
        left=left,
        probability=probability,
        metrics={name: float(comparison[name].iloc[0]) for name in (*RANKING_METRICS, *PROBABILITY_METRICS)},
        comparison=comparison,
        tracking=_track(btyd, test, split.test, split.horizon_days, history),
    )


def _track(btyd: BetaGeoModel, test: Part, as_of: date, horizon_days: int, history: History) -> pd.DataFrame:
    """Purchases of the customers of the snapshot since then, as they came and as BG/NBD expected them."""
    purchases = ahead(history.days.filter(history.days.is_purchase), make_spine(history, as_of), horizon_days)
    came = purchases.group_by("days_ahead").aggregate(purchases=purchases.count()).to_pandas()
    came = came.set_index("days_ahead")["purchases"].sort_index().cumsum()
    steps = np.unique(np.linspace(1, horizon_days, min(horizon_days, TRACKED_STEPS)).round().astype(int))
    return pd.DataFrame(
        {
            "day": [as_of + timedelta(days=int(step)) for step in steps],
            "actual_cumulative": [
                int(came.loc[:step].iloc[-1]) if (came.index <= step).any() else 0 for step in steps
            ],
            "expected_cumulative": [
                float(btyd.expected_purchases(test.rfm, int(step)).sum()) for step in steps
            ],
        }
    )
