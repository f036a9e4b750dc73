"""The leak test: rows of the future are planted, and no feature and no score may change.

Every customer gets purchases, engagement and contracts on the days after as_of, of amounts and kinds that
would be hard to miss. Then everything is built again as of the same day. A feature or score that has changed
uses the future. The test cannot find attributes of the customers table that were filled in later, since they
carry no date.
"""

import warnings
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd

from patron.errors import PatronWarning
from patron.features.assemble import assemble_features, discover_catalogue
from patron.models.bundle.prediction import predict_rows
from patron.progress import Progress, silent
from patron.snapshots.spine import make_spine
from patron.tables.daily_activity import daily_events, daily_transactions
from patron.tables.history import History
from patron.training.fit_bundle import fit_bundle
from patron.training.plan import TrainingPlan

__all__ = ["LeakReport", "find_leaks", "plant_future"]

PLANTED_TABLES = {"transactions": "order_at", "engagement": "event_at", "subscriptions": "started_at"}
PLANTED_DAYS = (1, 2, 7, 30)
PLANTED_AMOUNT = 98_765.0
PLANTED_KIND = "planted_by_the_leak_test"


@dataclass(frozen=True, slots=True)
class LeakReport:
    """The features and scores that changed when rows of the future were planted.

    Attributes
    ----------
    as_of
        the day as of which everything was built
    planted
        rows planted
    customers
        compared
    features, scores
        how many of each were compared
    moved
        one row per feature or score that moved: `name`, `what` ("feature", "score" or "catalogue"),
        `customers` (how many it moved for)
    """

    as_of: date
    planted: int
    customers: int
    features: int
    scores: int
    moved: pd.DataFrame

    @property
    def is_clean(self) -> bool:
        """Nothing moved."""
        return self.moved.empty

    def to_dict(self) -> dict[str, Any]:
        """As plain values."""
        return {
            "as_of": self.as_of.isoformat(),
            "planted": self.planted,
            "customers": self.customers,
            "features": self.features,
            "scores": self.scores,
            "moved": self.moved.to_dict("records"),
        }

    def sentences(self) -> list[str]:
        """The test and its result, one sentence."""
        done = f"Leaks: {self.planted:,} rows of the days after {self.as_of} were planted"
        if self.is_clean:
            return [
                f"{done}; none of {self.features} features and {self.scores} scores of {self.customers:,} "
                "customers moved."
            ]
        names = ", ".join(
            f"{row['name']} ({row['customers']:,} customers)" for row in self.moved.to_dict("records")
        )
        return [f"{done}, and {len(self.moved)} features or scores have seen them: {names}."]


def find_leaks(known: History, plan: TrainingPlan, *, progress: Progress = silent) -> LeakReport:
    """The features and scores that rows of the future change.

    Parameters
    ----------
    known
        what is known on its `known_until`
    plan
        horizon and every other choice of a training; its inference is not used
    progress
        called with each step as it begins

    Returns
    -------
    LeakReport

    Raises
    ------
    InputError
        no model can be fitted to these tables
    """
    as_of = known.known_until
    progress(f"Planting rows after {as_of}")
    planted, rows = plant_future(known)
    progress("Building features without and with them")
    before, after = (_features(history, as_of, plan.max_kinds) for history in (known, planted))
    moved = _moved(before, after, "feature")
    progress("Fitting and scoring without and with them")
    scores, others = _scores(known, before, plan), _scores(planted.until(as_of), after, plan)
    moved += _moved(scores, others, "score")
    return LeakReport(
        as_of=as_of,
        planted=rows,
        customers=len(before),
        features=before.shape[1],
        scores=scores.shape[1],
        moved=pd.DataFrame(moved, columns=["name", "what", "customers"]),
    )


def plant_future(known: History) -> tuple[History, int]:
    """The same history, and after its last day purchases, events and contracts of every customer.

    Parameters
    ----------
    known
        what is known on its `known_until`

    Returns
    -------
    tuple[History, int]
        The history with the future, which knows the days after too, and how many rows were planted

    Examples
    --------
    >>> lines = pd.DataFrame({"customer_id": [1, 2], "order_at": ["2024-01-05"] * 2, "amount": [2, 3]})
    >>> planted, rows = plant_future(History.read(lines))
    >>> rows, planted.known_until
    (8, datetime.date(2024, 2, 4))
    """
    as_of, rows = known.known_until, 0
    last = as_of + timedelta(days=max(PLANTED_DAYS))
    tables: dict[str, ir.Table] = {}
    days = known.days
    for name, time in PLANTED_TABLES.items():
        events: ir.Table | None = getattr(known, name)
        if events is None:
            continue
        future = known.store(_planted(events, time, as_of), f"planted_{name}")
        rows += int(future.count().execute())
        if not tables:  # the first table that is given makes the days
            of_future = daily_transactions(future) if name == "transactions" else daily_events(future)
            days = known.store(days.union(of_future.select(*days.columns)), "planted_days")
        tables[name] = events.union(future)
    records = known.records.with_tables(tables)
    planted = replace(known, records=records, days=days, last_day=last, known_until=last)
    return planted, rows


def _planted(events: ir.Table, time: str, as_of: date) -> ir.Table:
    """One row per customer and planted day: one of the customer's rows with another time, amount and kind."""
    first = events.group_by("customer_id").aggregate(
        **{name: events[name].arbitrary() for name in events.columns if name != "customer_id"}
    )
    parts = []
    for days in PLANTED_DAYS:
        day = as_of + timedelta(days=days)
        cells = {
            time: ibis.literal(pd.Timestamp(day).to_pydatetime()).cast(events[time].type()),
            "day": ibis.literal(day).cast(events.day.type()),
        }
        if "amount" in events.columns:
            cells["amount"] = ibis.literal(PLANTED_AMOUNT).cast(events.amount.type())
        if "kind" in events.columns:
            cells["kind"] = ibis.literal(PLANTED_KIND)
        parts.append(first.mutate(**cells).select(*events.columns))
    return parts[0].union(*parts[1:])


def _features(history: History, as_of: date, max_kinds: int) -> pd.DataFrame:
    """By customer; the same day of both histories."""
    catalogue = discover_catalogue(history, as_of, max_kinds=max_kinds)
    spine = make_spine(history, as_of)
    rows: pd.DataFrame = assemble_features(history, spine, catalogue).to_pandas()
    return rows.sort_values("customer_id").set_index("customer_id").drop(columns="as_of")


def _scores(known: History, features: pd.DataFrame, plan: TrainingPlan) -> pd.DataFrame:
    """Scores by a model fitted to this history."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PatronWarning)  # the model is not kept
        bundle = fit_bundle(known, replace(plan, inference="map"))
    rows = features.reindex(columns=list(bundle.catalogue.names)).reset_index()
    return predict_rows(bundle, rows).set_index("customer_id")


def _moved(before: pd.DataFrame, after: pd.DataFrame, what: str) -> list[dict[str, Any]]:
    """The columns that differ, and for how many customers."""
    found: list[dict[str, Any]] = []
    if not before.index.equals(after.index):
        strangers = len(before.index.symmetric_difference(after.index))
        found.append({"name": "the customers themselves", "what": what, "customers": strangers})
    both = before.index.intersection(after.index)
    for name in dict.fromkeys([*before.columns, *after.columns]):
        if name not in before.columns or name not in after.columns:
            found.append({"name": name, "what": "catalogue", "customers": len(both)})
            continue
        differs = _differ(before.loc[both, name], after.loc[both, name])
        if differs:
            found.append({"name": name, "what": what, "customers": differs})
    return found


def _differ(before: pd.Series, after: pd.Series) -> int:
    one, other = before.to_numpy(dtype=object), after.to_numpy(dtype=object)
    both_missing = pd.isna(one) & pd.isna(other)
    return int(np.sum((one != other) & ~both_missing))
