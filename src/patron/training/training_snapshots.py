"""One matured snapshot as models learn from it: what was seen and expected on the day, and what came after.

Models of buying are fitted on all customers of the day; trees learn from at most `most` of them, drawn by
chance, who also rank each other. So memory grows with the customers of one day, and not with the number of
days.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from patron.features.catalogue import FeatureCatalogue
from patron.models.churn.percentile_ranks import Percentiles
from patron.models.ensemble.btyd_features import btyd_features, fit_by_mode
from patron.models.ensemble.seasonal_index import OutcomeWindow
from patron.models.ensemble.tree_columns import ranked_columns, tree_rows
from patron.models.value.model import CustomerValueModel
from patron.models.value.rfm import RFM_COLUMNS
from patron.settings import Settings
from patron.snapshots.spine import make_spine
from patron.tables.history import History
from patron.training.labelled_snapshots import read_parts

__all__ = ["Lesson", "read_lessons"]

ROWS_AT_A_TIME = 500_000
"""Rows of all customers and days that one query brings."""


@dataclass(frozen=True, slots=True)
class Lesson:
    """The customers of one matured snapshot, some of them where they are many.

    Attributes
    ----------
    as_of
        its day
    rows
        (n_customers, n_columns) all that trees see, numbers as float32; index 0, 1, 2, …
    rfm
        (n_customers, 4) the RFM columns
    churned
        (n_customers,) 0 or 1
    purchases, value
        (n_customers,) count, and money times the margin, in the horizon
    buying
        the purchase and spend models of the day; None where they cannot be fitted
    window
        what all of these did against what was expected; None without models
    """

    as_of: date
    rows: pd.DataFrame
    rfm: pd.DataFrame
    churned: pd.Series
    purchases: pd.Series
    value: pd.Series
    buying: CustomerValueModel | None
    window: OutcomeWindow | None


def read_lessons(
    known: History,
    dates: Sequence[date],
    catalogue: FeatureCatalogue,
    settings: Settings,
    *,
    most: int,
) -> list[Lesson]:
    """The snapshots of past days, in their order; the last one is taken as the newest.

    Parameters
    ----------
    known
        what is known today
    dates
        the days, at least one horizon ago, oldest first
    catalogue
        the features
    settings
        horizon, margin, eligibility and seed
    most
        customers of each day, ≥ 1

    Examples
    --------
    See :func:`patron.training.fit_bundle.fit_bundle`.
    """
    customers = known.days.customer_id.nunique().to_pyarrow().as_py()
    together = max(ROWS_AT_A_TIME // max(customers, 1), 1)
    lessons = []
    for start in range(0, len(dates), together):
        days = dates[start : start + together]
        parts = read_parts(known, [[day] for day in days], settings.horizon_days, catalogue)
        for day, everyone in zip(days, parts, strict=True):
            lessons.append(
                _lesson(known, day, everyone.rows, catalogue, settings, most, newest=day == dates[-1])
            )
    return lessons


def _lesson(
    known: History,
    as_of: date,
    everyone: pd.DataFrame,
    catalogue: FeatureCatalogue,
    settings: Settings,
    most: int,
    *,
    newest: bool,
) -> Lesson:
    everyone = everyone[everyone["T"].notna()]  # who never bought has no history to learn from
    columns = [
        "customer_id",
        *RFM_COLUMNS,
        *(name for name in ["first_order_value"] if name in everyone.columns),
    ]
    buying = fit_by_mode(
        everyone[columns],
        family=settings.purchase_family,
        margin=settings.margin,
        annual_discount_rate=settings.annual_discount_rate,
        random_state=settings.seed,
    )
    rows = _drawn(_eligible(everyone, known, as_of, settings), most, settings.seed)
    seen = pd.concat([rows, btyd_features(buying, rows, settings.horizon_days)], axis=1)
    percentiles = Percentiles.learn(seen, ranked_columns(catalogue))
    value = rows["value"] * settings.margin
    return Lesson(
        as_of=as_of,
        rows=_in_single_precision(tree_rows(seen, percentiles, catalogue)),
        rfm=rows[list(RFM_COLUMNS)],
        churned=rows["churned"].astype("int8"),
        purchases=rows["purchases"],
        value=value,
        buying=buying,
        window=_window(seen, value, known, as_of, settings, newest=newest) if buying is not None else None,
    )


def _eligible(rows: pd.DataFrame, known: History, as_of: date, settings: Settings) -> pd.DataFrame:
    if settings.active_within_days is None:
        return rows
    spine = make_spine(known, as_of, active_within_days=settings.active_within_days)
    return rows[rows["customer_id"].isin(spine.customer_id.to_pandas())]


def _drawn(rows: pd.DataFrame, most: int, seed: int) -> pd.DataFrame:
    if len(rows) > most:
        drawn = np.random.default_rng(seed).choice(len(rows), most, replace=False)
        rows = rows.iloc[np.sort(drawn)]
    return rows.reset_index(drop=True)


def _in_single_precision(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.astype({name: np.float32 for name in rows.columns if rows[name].dtype == np.float64})


def _window(
    seen: pd.DataFrame, value: pd.Series, known: History, as_of: date, settings: Settings, *, newest: bool
) -> OutcomeWindow:
    return OutcomeWindow.measure(
        as_of,
        history_days=(as_of - known.first_day).days,
        p_no_purchase=seen["p_no_purchase"],
        expected_purchases=seen["expected_purchases"],
        expected_value=seen["expected_value"] * settings.margin,
        purchases=seen["purchases"],
        value=value,
        newest=newest,
    )
