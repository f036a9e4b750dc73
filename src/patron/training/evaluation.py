"""How good a model was: its predictions of one day against the outcome of the horizon after that day.

The model was fitted on what was known on that day, and so were the baselines: none of them has seen a label
that is evaluated here.

==========================  ============================  ==================  ===========================
name                        churn                         value               learns from
==========================  ============================  ==================  ===========================
recency                     days since the last purchase  –                   nothing
status quo                  –                             past rate × mean    nothing
BG/NBD + Gamma-Gamma        P(no purchase)                expected value      the customers of the day
logistic RFM                probability                   –                   the newest labelled snapshot
LightGBM, plain             probability                   expected value      all labelled snapshots
==========================  ============================  ==================  ===========================
"""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta

import numpy as np
import pandas as pd

from patron.arrays import Floats
from patron.errors import HistoryTooShortError, InputError, PatronWarning
from patron.evaluation.baselines import btyd_value, compare, compare_values, recency_ranking, status_quo_value
from patron.evaluation.learned_baselines import PlainLogistic, PlainTrees
from patron.evaluation.metrics import PROBABILITY_METRICS, RANKING_METRICS
from patron.evaluation.value_metrics import INTERVAL_METRICS, VALUE_METRICS, decile_table
from patron.models.bundle.bundle import Bundle
from patron.models.bundle.prediction import predict_rows
from patron.models.value.checks import tracking
from patron.models.value.rfm import RFM_COLUMNS, RFM_WITH_ID
from patron.snapshots.splits import choose_fit_split
from patron.tables.history import History
from patron.training.labelled_snapshots import LabelledSnapshot, read_labelled_snapshots

__all__ = ["BTYD", "CHURN_METRICS", "MONEY_METRICS", "PATRON", "Evaluation", "Predictions", "evaluate"]

PATRON = "patron"
RECENCY, STATUS_QUO, BTYD = "recency", "status quo", "BG/NBD + Gamma-Gamma"
LOGISTIC, TREES = "logistic RFM", "LightGBM, plain"
CHURN_METRICS = (*RANKING_METRICS, *PROBABILITY_METRICS)
MONEY_METRICS = (*VALUE_METRICS, *INTERVAL_METRICS)


@dataclass(frozen=True, slots=True)
class Predictions:
    """Predictions of several models for the same customers, in the order of their rows.

    Attributes
    ----------
    churn
        model → (n_customers,) probability of churn; of a model in `rankings` any score
    value
        model → (n_customers,) money in the horizon, times the margin
    intervals
        model → low and high end of its 80 % interval of value
    rankings
        models whose churn score is not a probability
    """

    churn: dict[str, Floats] = field(default_factory=dict)
    value: dict[str, Floats] = field(default_factory=dict)
    intervals: dict[str, tuple[Floats, Floats]] = field(default_factory=dict)
    rankings: frozenset[str] = frozenset({RECENCY})


@dataclass(frozen=True, slots=True)
class Evaluation:
    """How good the predictions of one day were.

    Attributes
    ----------
    bundle
        the model, fitted on what was known on its as_of
    snapshot
        the customers of that day: features, and their outcome in the horizon after it
    predictions
        of each model; the first one is patron's
    comparison
        one row per model: `model`, `kind`, `customers`, `churn_rate`, `CHURN_METRICS`,
        `MONEY_METRICS`, `note`; NaN where a model makes no such prediction
    tracking
        one row per week: actual repeat purchases, and those that BG/NBD expected, before the day (to
        which it was fitted) and after it; see :func:`patron.models.value.checks.tracking`
    """

    bundle: Bundle
    snapshot: LabelledSnapshot
    predictions: Predictions
    comparison: pd.DataFrame
    tracking: pd.DataFrame

    @property
    def as_of(self) -> date:
        """The day of the predictions."""
        return self.bundle.as_of

    @property
    def churned(self) -> Floats:
        """(n_customers,) 1 for customers who churned, else 0."""
        return self.snapshot.churned.to_numpy(dtype=np.float64)

    @property
    def value(self) -> Floats:
        """(n_customers,) actual money in the horizon, times the margin."""
        return _value(self.snapshot, self.bundle.margin)

    @property
    def probability(self) -> Floats:
        """(n_customers,) patron's churn probability."""
        return self.predictions.churn[PATRON]

    @property
    def metrics(self) -> dict[str, float]:
        """Metric → number, of patron; without those that are not defined."""
        row = self.comparison.iloc[0]
        numbers = {name: row[name] for name in (*CHURN_METRICS, *MONEY_METRICS)}
        return {name: float(number) for name, number in numbers.items() if pd.notna(number)}

    @property
    def deciles(self) -> pd.DataFrame:
        """Expected and actual money of each model, by tenths of customers.

        `model`, then the columns of :func:`patron.evaluation.value_metrics.decile_table`.
        """
        actual = self.value
        tables = [
            decile_table(actual, money).assign(model=name) for name, money in self.predictions.value.items()
        ]
        table = pd.concat(tables, ignore_index=True)
        return table[["model", *table.columns.drop("model")]]

    def title(self) -> str:
        """The population of the comparison, as a caption."""
        days, churned = self.bundle.horizon_days, self.churned
        return (
            f"{len(churned):,} customers as of {self.as_of}, of whom {churned.mean():.1%} left in the "
            f"{days} days after"
        )


def evaluate(
    bundle: Bundle,
    history: History,
    *,
    active_within_days: int | None = None,
    plain_trees: bool = False,
    max_snapshots: int = 12,
    seed: int = 0,
) -> Evaluation:
    """The bundle and the baselines on the horizon after the bundle's as_of.

    Parameters
    ----------
    bundle
        fitted on what was known on its as_of
    history
        knows the whole horizon after it
    active_within_days
        only customers active in these last days are evaluated; None for all
    plain_trees
        whether a plain LightGBM is among the baselines, which takes as long as fitting a model
    max_snapshots
        count ≥ 3, the most snapshots that a plain LightGBM learns from
    seed
        random seed of a plain LightGBM

    Returns
    -------
    Evaluation
        a baseline that cannot be fitted is not in it: the history is too short, or all customers of its
        snapshot have the same outcome

    Raises
    ------
    HistoryTooShortError
        the outcome window is not complete
    """
    (snapshot,) = read_labelled_snapshots(
        history,
        [[bundle.as_of]],
        bundle.horizon_days,
        bundle.catalogue,
        active_within_days=active_within_days,
    )
    rows, known = snapshot.rows, history.until(bundle.as_of)
    predictions = _of_bundle(bundle, rows)
    _add_simple_baselines(predictions, bundle, rows)
    _add_logistic(predictions, bundle, rows, known, active_within_days)
    if plain_trees:
        _add_trees(predictions, bundle, rows, known, active_within_days, max_snapshots, seed)
    return Evaluation(
        bundle=bundle,
        snapshot=snapshot,
        predictions=predictions,
        comparison=_compare(snapshot, predictions, bundle.margin),
        tracking=tracking(bundle.value.purchases, _purchases(history, bundle), bundle.as_of),
    )


def _of_bundle(bundle: Bundle, rows: pd.DataFrame) -> Predictions:
    """patron's predictions, which come first in every table."""
    ours = predict_rows(bundle, rows)
    low, high = _column(ours, "expected_value_low"), _column(ours, "expected_value_high")
    return Predictions(
        churn={PATRON: _column(ours, "churn_probability")},
        value={PATRON: _column(ours, "expected_value")},
        intervals={PATRON: (low, high)},
    )


def _add_simple_baselines(predictions: Predictions, bundle: Bundle, rows: pd.DataFrame) -> None:
    """Recency, BTYD models and status quo, from the RFM columns alone."""
    optional = [name for name in ["first_order_value"] if name in rows.columns]
    rfm = rows[[*RFM_WITH_ID, *optional]]
    predictions.churn[RECENCY] = recency_ranking(rfm).to_numpy()
    try:
        found = btyd_value(rfm, bundle.horizon_days)
    except InputError:  # no customer has bought twice
        pass
    else:
        predictions.churn[BTYD] = found["p_no_purchase"].to_numpy()
        money = found[["expected_value", "expected_value_low", "expected_value_high"]] * bundle.margin
        predictions.value[BTYD] = money["expected_value"].to_numpy()
        low, high = money["expected_value_low"].to_numpy(), money["expected_value_high"].to_numpy()
        predictions.intervals[BTYD] = (low, high)
    predictions.value[STATUS_QUO] = status_quo_value(rfm, bundle.horizon_days).to_numpy() * bundle.margin


def _add_logistic(
    predictions: Predictions,
    bundle: Bundle,
    rows: pd.DataFrame,
    known: History,
    active_within_days: int | None,
) -> None:
    newest = known.known_until - timedelta(days=bundle.horizon_days)
    if newest <= known.first_day:
        return
    catalogue = bundle.catalogue
    rfm = replace(catalogue, specs=tuple(catalogue[name] for name in RFM_COLUMNS))
    (learned,) = read_labelled_snapshots(
        known, [[newest]], bundle.horizon_days, rfm, active_within_days=active_within_days
    )
    if learned.churned.nunique() < 2:
        return
    predictions.churn[LOGISTIC] = PlainLogistic().fit(learned.rows, learned.churned).predict(rows)


def _add_trees(
    predictions: Predictions,
    bundle: Bundle,
    rows: pd.DataFrame,
    known: History,
    active_within_days: int | None,
    max_snapshots: int,
    seed: int,
) -> None:
    catalogue, horizon_days = bundle.catalogue, bundle.horizon_days
    try:
        split = choose_fit_split(
            known.first_day, known.known_until, horizon_days, max_snapshots=max_snapshots
        )
    except HistoryTooShortError:
        return
    days: list[Sequence[date]] = [split.train, [] if split.stop is None else [split.stop], [split.calibrate]]
    train, stop, calibrate = read_labelled_snapshots(
        known, days, horizon_days, catalogue, active_within_days=active_within_days
    )
    try:
        trees = PlainTrees(random_state=seed).fit(
            (train.features(catalogue), train.churned),
            value=train.rows["value"],
            stop=(stop.features(catalogue), stop.churned) if len(stop.rows) else None,
            calibrate=(calibrate.features(catalogue), calibrate.churned),
        )
    except InputError:  # too few customers, or all of them left or stayed
        return
    predictions.churn[TREES] = trees.churn(rows)
    predictions.value[TREES] = trees.value(rows) * bundle.margin


def _compare(snapshot: LabelledSnapshot, predictions: Predictions, margin: float) -> pd.DataFrame:
    """One row per model; those that predict value alone last."""
    churned = snapshot.churned.to_numpy()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PatronWarning)  # the note column holds the same
        churn = compare(churned, predictions.churn, rankings=predictions.rankings & set(predictions.churn))
    value = compare_values(_value(snapshot, margin), predictions.value, intervals=predictions.intervals)
    both = churn.drop(columns="note").merge(value, on="model", how="outer", sort=False)
    both = both.merge(churn[["model", "note"]], on="model", how="left")
    models = [*predictions.churn, *(name for name in predictions.value if name not in predictions.churn)]
    both = both.set_index("model").loc[models].reset_index()
    both["customers"], both["churn_rate"] = len(churned), float(churned.mean())
    both["kind"] = both["kind"].fillna("value alone")
    both["note"] = both["note"].fillna("")
    return both


def _value(snapshot: LabelledSnapshot, margin: float) -> Floats:
    return snapshot.rows["value"].to_numpy(dtype=np.float64) * margin


def _column(frame: pd.DataFrame, name: str) -> Floats:
    return frame[name].to_numpy(dtype=np.float64)


def _purchases(history: History, bundle: Bundle) -> pd.DataFrame:
    """customer_id and day of every purchase up to the end of the horizon."""
    end = bundle.as_of + timedelta(days=bundle.horizon_days)
    days = history.until(end).days
    purchases: pd.DataFrame = days.filter(days.is_purchase).select("customer_id", "day").to_pandas()
    return purchases
