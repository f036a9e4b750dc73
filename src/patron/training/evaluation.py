"""How good a model was: what it said on one day against what the horizon after that day brought.

The model was fitted on what was known on that day, and so were the baselines beside it: none of them has seen
a label that is judged here.
"""

import warnings
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import pandas as pd

from patron.arrays import Floats
from patron.errors import PatronWarning
from patron.evaluation.baselines import compare, compare_values
from patron.evaluation.metrics import PROBABILITY_METRICS, RANKING_METRICS
from patron.evaluation.value_metrics import INTERVAL_METRICS, VALUE_METRICS, decile_table
from patron.models.bundle.bundle import Bundle
from patron.models.bundle.prediction import predict_rows
from patron.models.value.checks import tracking
from patron.settings import Settings
from patron.tables.history import History
from patron.training.baselines import Predictions, predict_baselines
from patron.training.labelled_snapshots import Part, read_parts

__all__ = ["CHURN_METRICS", "MONEY_METRICS", "PATRON", "Evaluation", "evaluate"]


PATRON = "patron"
CHURN_METRICS = (*RANKING_METRICS, *PROBABILITY_METRICS)
MONEY_METRICS = (*VALUE_METRICS, *INTERVAL_METRICS)


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What one day's predictions were worth.

    Attributes
    ----------
    bundle
        the model, fitted on what was known on its as_of
    snapshot
        the customers of that day: features, and what they did in the horizon after it
    said
        what each model predicted; the first one is patron's
    margin
        share of the customers' money that is kept
    comparison
        one row per model: `model`, `kind`, `customers`, `churn_rate`, `CHURN_METRICS`,
        `MONEY_METRICS`, `note`; NaN where a model says nothing of it
    tracking
        one row per week: repeat purchases that came, and that BG/NBD expected, before the day (to
        which it was fitted) and after it; see :func:`patron.models.value.checks.tracking`
    """

    bundle: Bundle
    snapshot: Part
    said: Predictions
    margin: float
    comparison: pd.DataFrame
    tracking: pd.DataFrame

    @property
    def as_of(self) -> date:
        """The day of the predictions."""
        return self.bundle.as_of

    @property
    def left(self) -> Floats:
        """(n_customers,) 1 or 0, who left."""
        return self.snapshot.churned.to_numpy(dtype=np.float64)

    @property
    def brought(self) -> Floats:
        """(n_customers,) money that came in the horizon, times the margin."""
        return self.snapshot.rows["value"].to_numpy(dtype=np.float64) * self.margin

    @property
    def probability(self) -> Floats:
        """(n_customers,) probability of leaving, as patron said."""
        return self.said.churn[PATRON]

    @property
    def metrics(self) -> dict[str, float]:
        """Metric → number, of patron; without those that are not defined."""
        row = self.comparison.iloc[0]
        numbers = {name: row[name] for name in (*CHURN_METRICS, *MONEY_METRICS)}
        return {name: float(number) for name, number in numbers.items() if pd.notna(number)}

    @property
    def deciles(self) -> pd.DataFrame:
        """Expected beside actual money of each model, by tenths of customers: `model`, then the columns of
        :func:`patron.evaluation.value_metrics.decile_table`."""
        tables = [
            decile_table(self.brought, money).assign(model=name) for name, money in self.said.value.items()
        ]
        table = pd.concat(tables, ignore_index=True)
        return table[["model", *table.columns.drop("model")]]

    def title(self) -> str:
        """What the comparison compares."""
        days = self.bundle.horizon_days
        return (
            f"{len(self.left):,} customers as of {self.as_of}, of whom {self.left.mean():.1%} left in the "
            f"{days} days after"
        )


def evaluate(
    bundle: Bundle, history: History, settings: Settings, *, plain_trees: bool = False
) -> Evaluation:
    """The bundle and the baselines on the horizon after the bundle's as_of.

    Parameters
    ----------
    bundle
        fitted on what was known on its as_of
    history
        knows the whole horizon after it
    settings
        horizon, margin and seed
    plain_trees
        whether a plain LightGBM is among the baselines

    Raises
    ------
    HistoryTooShortError
        the horizon has not matured

    Examples
    --------
    >>> import patron
    >>> from patron.training.fit_bundle import fit_bundle
    >>> shop = patron.simulate(n_customers=300, days=500, seed=1)
    >>> history = History.read(shop.transactions)
    >>> settings = Settings(horizon_days=60, inference="map")
    >>> bundle = fit_bundle(history.until(history.known_until - timedelta(days=60)), settings)
    >>> evaluate(bundle, history, settings).comparison["model"].tolist()
    ['patron', 'recency', 'BG/NBD + Gamma-Gamma', 'logistic RFM', 'status quo']
    """
    (snapshot,) = read_parts(
        history,
        [[bundle.as_of]],
        bundle.horizon_days,
        bundle.catalogue,
        active_within_days=settings.active_within_days,
    )
    rows = snapshot.rows
    theirs = predict_baselines(
        rows, history.until(bundle.as_of), bundle.catalogue, settings, plain_trees=plain_trees
    )
    ours = predict_rows(bundle, rows)
    said = Predictions(
        churn={PATRON: _column(ours, "churn_probability"), **theirs.churn},
        value={PATRON: _column(ours, "expected_value"), **theirs.value},
        intervals={
            PATRON: (_column(ours, "expected_value_low"), _column(ours, "expected_value_high")),
            **theirs.intervals,
        },
    )
    return Evaluation(
        bundle=bundle,
        snapshot=snapshot,
        said=said,
        margin=settings.margin,
        comparison=_compare(snapshot, said, settings.margin),
        tracking=tracking(bundle.value.purchases, _purchases(history, bundle), bundle.as_of),
    )


def _compare(snapshot: Part, said: Predictions, margin: float) -> pd.DataFrame:
    """One row per model; those that speak of value alone last."""
    left = snapshot.churned.to_numpy()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PatronWarning)  # the note says it
        churn = compare(left, said.churn, rankings=said.rankings & set(said.churn))
    brought = snapshot.rows["value"].to_numpy(dtype=np.float64) * margin
    value = compare_values(brought, said.value, intervals=said.intervals)
    both = churn.drop(columns="note").merge(value, on="model", how="outer", sort=False)
    both = both.merge(churn[["model", "note"]], on="model", how="left")
    models = [*said.churn, *(name for name in said.value if name not in said.churn)]
    both = both.set_index("model").loc[models].reset_index()
    both["customers"], both["churn_rate"] = len(left), float(left.mean())
    both["kind"] = both["kind"].fillna("value alone")
    both["note"] = both["note"].fillna("")
    return both


def _column(frame: pd.DataFrame, name: str) -> Floats:
    return frame[name].to_numpy(dtype=np.float64)


def _purchases(history: History, bundle: Bundle) -> pd.DataFrame:
    """customer_id and day of every purchase up to the end of the horizon."""
    end = bundle.as_of + timedelta(days=bundle.horizon_days)
    days = history.until(end).days
    purchases: pd.DataFrame = days.filter(days.is_purchase).select("customer_id", "day").to_pandas()
    return purchases
