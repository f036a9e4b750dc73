"""One matured snapshot as models learn from it: what was seen and expected on the day, and what came after.

Models of buying are fitted on all customers of the day; trees learn from at most `most` of them, drawn by
chance, who also rank each other. So memory grows with the customers of one day, and not with the number of
days.
"""

from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from patron.features.catalogue import FeatureCatalogue
from patron.models.expected import RFM, expected_columns, fit_quickly, tree_columns, tree_rows
from patron.models.level import Window
from patron.models.percentiles import Percentiles
from patron.models.value import CustomerValueModel
from patron.tables.history import History
from patron.workflows.matured import read_parts
from patron.workflows.settings import Settings

__all__ = ["Lesson", "read_lesson"]


@dataclass(frozen=True, slots=True)
class Lesson:
    """The customers of one matured snapshot, some of them where they are many.

    Attributes
    ----------
    as_of : its day
    rows : (n_customers, n_columns) all that trees see, numbers as float32; index 0, 1, 2, …
    rfm : (n_customers, 4) the RFM columns
    churned : (n_customers,) 0 or 1
    purchases, value : (n_customers,) count, and money times the margin, in the horizon
    buying : the purchase and spend models of the day; None where they cannot be fitted
    window : what all of these did against what was expected; None without models
    """

    as_of: date
    rows: pd.DataFrame
    rfm: pd.DataFrame
    churned: pd.Series
    purchases: pd.Series
    value: pd.Series
    buying: CustomerValueModel | None
    window: Window | None


def read_lesson(
    known: History,
    as_of: date,
    catalogue: FeatureCatalogue,
    settings: Settings,
    *,
    most: int,
    newest: bool = False,
) -> Lesson:
    """The snapshot of a past day.

    Parameters
    ----------
    known : what is known today
    as_of : the day, at least one horizon ago
    catalogue : the features
    settings : horizon, margin, eligibility and seed
    most : customers, ≥ 1
    newest : whether it is the newest matured snapshot

    Examples
    --------
    See :func:`patron.workflows.fitting.fit_bundle`.
    """
    (everyone,) = read_parts(known, [[as_of]], settings.horizon_days, catalogue)
    buyers = everyone.rows[everyone.rows["T"].notna()]
    buying = fit_quickly(
        buyers[["customer_id", *RFM, *(name for name in ["first_order_value"] if name in buyers.columns)]],
        margin=settings.margin,
        annual_discount_rate=settings.annual_discount_rate,
        random_state=settings.seed,
    )
    rows = _drawn(_eligible(everyone.rows, known, as_of, settings), most, settings.seed)
    seen = pd.concat([rows, expected_columns(buying, rows, settings.horizon_days)], axis=1)
    percentiles = Percentiles.learn(seen, tree_columns(catalogue))
    value = rows["value"] * settings.margin
    return Lesson(
        as_of=as_of,
        rows=_in_single_precision(tree_rows(seen, percentiles, catalogue)),
        rfm=rows[list(RFM)],
        churned=rows["churned"].astype("int8"),
        purchases=rows["purchases"],
        value=value,
        buying=buying,
        window=_window(seen, value, known, as_of, settings, newest=newest) if buying is not None else None,
    )


def _eligible(rows: pd.DataFrame, known: History, as_of: date, settings: Settings) -> pd.DataFrame:
    if settings.active_within_days is None:
        return rows
    from patron.snapshots.spine import make_spine

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
) -> Window:
    bought_before = seen["T"].notna()
    buyers = seen[bought_before]
    return Window.measure(
        as_of,
        history_days=(as_of - known.first_day).days,
        p_no_purchase=buyers["p_no_purchase"],
        expected_purchases=buyers["expected_purchases"],
        expected_value=buyers["expected_value"] * settings.margin,
        purchases=buyers["purchases"],
        value=value[bought_before],
        newest=newest,
    )
