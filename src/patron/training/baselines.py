"""The baselines of one day: fitted on what was known then, and asked about the same customers as the model.

==========================  ============================  ==================  ===========================
name                        churn                         value               learns from
==========================  ============================  ==================  ===========================
recency                     days since the last purchase  –                   nothing
status quo                  –                             past rate × mean    nothing
BG/NBD + Gamma-Gamma        P(no purchase)                expected value      the customers of the day
logistic RFM                probability                   –                   the newest matured snapshot
LightGBM, plain             probability                   expected value      all matured snapshots
==========================  ============================  ==================  ===========================
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta

import pandas as pd

from patron.arrays import Floats
from patron.errors import HistoryTooShortError, InputError
from patron.evaluation.baselines import btyd_value, recency_ranking, status_quo_value
from patron.evaluation.learned_baselines import PlainLogistic, PlainTrees
from patron.features.catalogue import FeatureCatalogue
from patron.models.value.rfm import RFM_COLUMNS, RFM_WITH_ID
from patron.settings import Settings
from patron.snapshots.splits import choose_fit_split
from patron.tables.history import History
from patron.training.labelled_snapshots import Part, read_parts

__all__ = ["BTYD", "LOGISTIC", "RECENCY", "STATUS_QUO", "TREES", "Predictions", "predict_baselines"]


RECENCY, STATUS_QUO, BTYD = "recency", "status quo", "BG/NBD + Gamma-Gamma"
LOGISTIC, TREES = "logistic RFM", "LightGBM, plain"


@dataclass(frozen=True, slots=True)
class Predictions:
    """What several models say of the same customers, in the order of their rows.

    Attributes
    ----------
    churn
        model → (n_customers,) probability of leaving; of a model in `rankings` any score
    value
        model → (n_customers,) money in the horizon, times the margin
    intervals
        model → low and high end of its 80 % interval, likewise
    rankings
        models whose churn is no probability
    """

    churn: dict[str, Floats] = field(default_factory=dict)
    value: dict[str, Floats] = field(default_factory=dict)
    intervals: dict[str, tuple[Floats, Floats]] = field(default_factory=dict)
    rankings: frozenset[str] = frozenset({RECENCY})


def predict_baselines(
    rows: pd.DataFrame,
    known: History,
    catalogue: FeatureCatalogue,
    settings: Settings,
    *,
    plain_trees: bool = False,
) -> Predictions:
    """What the baselines of one day say of the customers of that day.

    Parameters
    ----------
    rows
        one row per customer as of `known.known_until`: customer_id and the features of `catalogue`
    known
        what was known on that day, and nothing later
    catalogue
        the features of `rows`
    settings
        horizon, margin and seed
    plain_trees
        whether LightGBM is among them, which takes as long as fitting a model

    Returns
    -------
    Predictions
        a baseline that cannot be fitted is not among them: the history is too short, or all
        customers of its snapshot left or stayed

    Examples
    --------
    See :func:`patron.training.evaluation.evaluate`.
    """
    rfm = rows[[*RFM_WITH_ID, *(name for name in ["first_order_value"] if name in rows.columns)]]
    said = Predictions()
    said.churn[RECENCY] = recency_ranking(rfm).to_numpy()
    _ask_btyd(said, rfm, settings)
    said.value[STATUS_QUO] = status_quo_value(rfm, settings.horizon_days).to_numpy() * settings.margin
    _ask_logistic(said, rows, known, catalogue, settings)
    if plain_trees:
        _ask_trees(said, rows, known, catalogue, settings)
    return said


def _ask_btyd(said: Predictions, rfm: pd.DataFrame, settings: Settings) -> None:
    try:
        found = btyd_value(rfm, settings.horizon_days)
    except InputError:  # nobody has bought twice
        return
    said.churn[BTYD] = found["p_no_purchase"].to_numpy()
    money = found[["expected_value", "expected_value_low", "expected_value_high"]] * settings.margin
    said.value[BTYD] = money["expected_value"].to_numpy()
    said.intervals[BTYD] = (money["expected_value_low"].to_numpy(), money["expected_value_high"].to_numpy())


def _ask_logistic(
    said: Predictions, rows: pd.DataFrame, known: History, catalogue: FeatureCatalogue, settings: Settings
) -> None:
    newest = known.known_until - timedelta(days=settings.horizon_days)
    if newest <= known.first_day:
        return
    rfm = replace(catalogue, specs=tuple(catalogue[name] for name in RFM_COLUMNS))
    (learned,) = _read(known, [[newest]], rfm, settings)
    if learned.churned.nunique() < 2:
        return
    said.churn[LOGISTIC] = PlainLogistic().fit(learned.rows, learned.churned).predict(rows)


def _ask_trees(
    said: Predictions, rows: pd.DataFrame, known: History, catalogue: FeatureCatalogue, settings: Settings
) -> None:
    try:
        split = choose_fit_split(
            known.first_day,
            known.known_until,
            settings.horizon_days,
            max_snapshots=settings.train.max_snapshots,
        )
    except HistoryTooShortError:
        return
    days = [split.train, [] if split.stop is None else [split.stop], [split.calibrate]]
    train, stop, calibrate = (part for part in _read(known, days, catalogue, settings))
    try:
        trees = PlainTrees(random_state=settings.seed).fit(
            (train.features(catalogue), train.churned),
            value=train.rows["value"],
            stop=(stop.features(catalogue), stop.churned) if len(stop.rows) else None,
            calibrate=(calibrate.features(catalogue), calibrate.churned),
        )
    except InputError:  # too few customers, or all of them left or stayed
        return
    said.churn[TREES] = trees.churn(rows)
    said.value[TREES] = trees.value(rows) * settings.margin


def _read(
    known: History, days: Sequence[Sequence[date]], catalogue: FeatureCatalogue, settings: Settings
) -> list[Part]:
    return read_parts(
        known, days, settings.horizon_days, catalogue, active_within_days=settings.active_within_days
    )
