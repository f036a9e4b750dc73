"""Labelled snapshots: features as of past days, with the outcome of the horizon after each.

A snapshot can be labelled once its outcome window is complete. `read_labelled_snapshots` reads features and
labels; `read_training_snapshots` adds what the purchase and spend models of the day expected, for the trees.
Those models are fitted to all customers of the day; trees learn from at most `max_rows` of them, drawn at
random, which also rank each other. So memory grows with the customers of one day, and not with the number of
days.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from patron.features.assemble import assemble_features
from patron.features.catalogue import FeatureCatalogue
from patron.models.churn.percentile_ranks import Percentiles
from patron.models.ensemble.btyd_features import btyd_features, fit_by_mode
from patron.models.ensemble.seasonal_index import OutcomeWindow
from patron.models.ensemble.tree_columns import ranked_columns, tree_rows
from patron.models.value.model import CustomerValueModel
from patron.models.value.rfm import RFM_COLUMNS, RFM_WITH_ID
from patron.snapshots.asof import KEY
from patron.snapshots.labels import make_labels
from patron.snapshots.spine import make_spine
from patron.tables.history import History
from patron.training.plan import TrainingPlan

__all__ = ["LabelledSnapshot", "TrainingSnapshot", "read_labelled_snapshots", "read_training_snapshots"]

ROWS_AT_A_TIME = 500_000
"""Rows, over all customers and days, that one query brings."""


@dataclass(frozen=True, slots=True)
class LabelledSnapshot:
    """The rows of one or more labelled snapshots.

    Attributes
    ----------
    rows
        key (customer_id, as_of), one row per eligible customer of each snapshot: features and labels
    """

    rows: pd.DataFrame

    @property
    def churned(self) -> pd.Series:
        """(n,) 1 for customers who churned in the horizon, else 0."""
        return self.rows["churned"].astype("int8")

    @property
    def rfm(self) -> pd.DataFrame:
        """(n, 5) customer_id, frequency, recency, T, monetary_value; days; of a single snapshot."""
        return self.rows[RFM_WITH_ID].reset_index(drop=True)

    def features(self, catalogue: FeatureCatalogue) -> pd.DataFrame:
        """(n, n_features) the features of the catalogue, in its order.

        Parameters
        ----------
        catalogue
            the features that the snapshots were read with
        """
        return self.rows[list(catalogue.names)]


@dataclass(frozen=True, slots=True)
class TrainingSnapshot:
    """One labelled snapshot as trees learn from it: the customers of a day, or a random sample of them.

    Attributes
    ----------
    as_of
        its day
    rows
        (n_customers, n_columns) the inputs of the trees, numbers as float32; index 0, 1, 2, …
    rfm
        (n_customers, 4) the RFM columns
    churned
        (n_customers,) 0 or 1
    purchases, value
        (n_customers,) count, and money times the margin, in the horizon
    value_model
        the purchase and spend models of the day; None where they cannot be fitted
    window
        totals that came compared with those expected; None without models
    """

    as_of: date
    rows: pd.DataFrame
    rfm: pd.DataFrame
    churned: pd.Series
    purchases: pd.Series
    value: pd.Series
    value_model: CustomerValueModel | None
    window: OutcomeWindow | None


def read_labelled_snapshots(
    history: History,
    groups: Sequence[Sequence[date]],
    horizon_days: int,
    catalogue: FeatureCatalogue,
    *,
    active_within_days: int | None = None,
) -> list[LabelledSnapshot]:
    """Features and labels of every snapshot of these groups, built by one query.

    Parameters
    ----------
    history
        what is known; it must cover the horizon of every snapshot
    groups
        dates of each group; a group without dates gives a result without rows
    horizon_days
        days that a label looks ahead, ≥ 1
    catalogue
        the features to build
    active_within_days
        eligibility, as for scoring

    Returns
    -------
    list[LabelledSnapshot]
        one per group; rows sorted by as_of and customer_id, so that their order never depends on the engine

    Raises
    ------
    HistoryTooShortError
        the outcome window of a snapshot is not complete

    Examples
    --------
    See :func:`patron.training.fit_bundle.fit_bundle`.
    """
    dates = sorted({day for group in groups for day in group})
    spine = make_spine(history, dates, active_within_days=active_within_days)
    labels = make_labels(history, spine, horizon_days)
    features = assemble_features(history, spine, catalogue)
    rows = features.inner_join(labels, list(KEY)).order_by("as_of", "customer_id").to_pandas()
    days = pd.to_datetime(rows["as_of"]).dt.date
    return [LabelledSnapshot(rows[days.isin(group)].reset_index(drop=True)) for group in groups]


def read_training_snapshots(
    known: History,
    dates: Sequence[date],
    catalogue: FeatureCatalogue,
    plan: TrainingPlan,
    *,
    max_rows: int,
) -> list[TrainingSnapshot]:
    """The training snapshots of past days, in their order; the last one is taken as the newest.

    Parameters
    ----------
    known
        what is known today
    dates
        the days, at least one horizon ago, oldest first
    catalogue
        the features
    plan
        horizon, eligibility, margin and seed
    max_rows
        most customers of each day, ≥ 1

    Examples
    --------
    See :func:`patron.training.fit_bundle.fit_bundle`.
    """
    customers = known.days.customer_id.nunique().to_pyarrow().as_py()
    together = max(ROWS_AT_A_TIME // max(customers, 1), 1)
    snapshots = []
    for start in range(0, len(dates), together):
        days = dates[start : start + together]
        read = read_labelled_snapshots(known, [[day] for day in days], plan.horizon_days, catalogue)
        for day, everyone in zip(days, read, strict=True):
            newest = day == dates[-1]
            snapshots.append(
                _training_snapshot(known, day, everyone.rows, catalogue, plan, max_rows, newest=newest)
            )
    return snapshots


def _training_snapshot(
    known: History,
    as_of: date,
    everyone: pd.DataFrame,
    catalogue: FeatureCatalogue,
    plan: TrainingPlan,
    max_rows: int,
    *,
    newest: bool,
) -> TrainingSnapshot:
    everyone = everyone[everyone["T"].notna()]  # customers without a purchase have no history to learn from
    optional = [name for name in ["first_order_value"] if name in everyone.columns]
    value_model = fit_by_mode(
        everyone[["customer_id", *RFM_COLUMNS, *optional]],
        family=plan.purchase_family,
        margin=plan.margin,
        annual_discount_rate=plan.annual_discount_rate,
        random_state=plan.seed,
    )
    rows = _sampled(_eligible(everyone, known, as_of, plan.active_within_days), max_rows, plan.seed)
    seen = pd.concat([rows, btyd_features(value_model, rows, plan.horizon_days)], axis=1)
    percentiles = Percentiles.learn(seen, ranked_columns(catalogue))
    value = rows["value"] * plan.margin
    window = None
    if value_model is not None:
        window = OutcomeWindow.measure(
            as_of,
            history_days=(as_of - known.first_day).days,
            p_no_purchase=seen["p_no_purchase"],
            expected_purchases=seen["expected_purchases"],
            expected_value=seen["expected_value"] * plan.margin,
            purchases=seen["purchases"],
            value=value,
            newest=newest,
        )
    return TrainingSnapshot(
        as_of=as_of,
        rows=_in_single_precision(tree_rows(seen, percentiles, catalogue)),
        rfm=rows[list(RFM_COLUMNS)],
        churned=rows["churned"].astype("int8"),
        purchases=rows["purchases"],
        value=value,
        value_model=value_model,
        window=window,
    )


def _eligible(
    rows: pd.DataFrame, known: History, as_of: date, active_within_days: int | None
) -> pd.DataFrame:
    if active_within_days is None:
        return rows
    spine = make_spine(known, as_of, active_within_days=active_within_days)
    return rows[rows["customer_id"].isin(spine.customer_id.to_pandas())]


def _sampled(rows: pd.DataFrame, max_rows: int, seed: int) -> pd.DataFrame:
    if len(rows) > max_rows:
        drawn = np.random.default_rng(seed).choice(len(rows), max_rows, replace=False)
        rows = rows.iloc[np.sort(drawn)]
    return rows.reset_index(drop=True)


def _in_single_precision(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.astype({name: np.float32 for name in rows.columns if rows[name].dtype == np.float64})
