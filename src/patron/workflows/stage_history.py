"""Tables → the lifecycle stages of customers on past days: transitions and dwell times."""

from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pandas as pd

from patron.errors import HistoryTooShortError, SettingsError, counted
from patron.models.bundle.policy import StageRules
from patron.progress import Progress, silent
from patron.results import Printed, plain_fields
from patron.scores.stage_history import median_dwell_time, transition_matrix
from patron.scores.stages_over_time import stages_over_time
from patron.settings import Settings
from patron.settings.inputs import known_history
from patron.storage.atomic_files import check_target, write_frames
from patron.tables.history import History

__all__ = ["StagesResult", "follow_stages"]

NO_START = "no stay in it began within these days"
ONGOING = "half of the stays or more are still ongoing"


def follow_stages(settings: Settings, *, progress: Progress = silent) -> "StagesResult":
    """How customers move from stage to stage; also as files if one is named.

    The transitions and dwell times go next to `stage_history.out`, in files named after it.

    Parameters
    ----------
    settings
        transactions or, without them, engagement; `stages` holds the rules, `stage_history` the days
    progress
        called with each step as it begins

    Raises
    ------
    SettingsError
        neither transactions nor engagement are named
    HistoryTooShortError
        the data contain only one of the days
    InputError
        a table cannot be used, or as_of lies outside the data

    Examples
    --------
    >>> orders = pd.DataFrame({"customer_id": [7, 7, 8], "amount": [50.0, 20.0, 30.0],
    ...                        "order_at": ["2024-01-01", "2024-01-22", "2024-03-01"]})
    >>> found = follow_stages(Settings(tables={"transactions": orders}))
    >>> found.days
    [datetime.date(2024, 1, 1), datetime.date(2024, 1, 31), datetime.date(2024, 3, 1)]
    >>> found.history[["customer_id", "lifecycle_stage"]].values.tolist()
    [[7, 'acquisition'], [7, 'development'], [7, 'development'], [8, 'acquisition']]
    """
    chosen = settings.stage_history
    out = check_target(chosen.out) if chosen.out is not None else None
    tables = settings.tables
    if tables.transactions is None and tables.engagement is None:
        raise SettingsError(
            "Lifecycle stages are defined by purchases, or else by events. Name a table with --transactions "
            "or --engagement."
        )
    activity = "purchases" if tables.transactions is not None else "engagement"
    known = known_history(settings.model_copy(update={"activity": activity}), None, progress)
    days = _days(known, chosen.max_snapshots, chosen.step_days)
    progress(f"Looking at {len(days)} days from {days[0]} to {days[-1]}")
    history = stages_over_time(known, days, rules=StageRules(**settings.stages.model_dump()))
    transitions = transition_matrix(history).dropna(how="all").rename_axis("lifecycle_stage").reset_index()
    found = StagesResult(history, days, transitions, _dwelt(history, days[-1]))
    if out is None:
        return found
    progress(f"Writing {out}")
    written = write_frames(out, history, transitions=found.transitions, dwelt=found.dwelt)
    return replace(found, written=written)


@dataclass(frozen=True, slots=True)
class StagesResult:
    """The result of `follow_stages`.

    Attributes
    ----------
    history
        customer_id, as_of, lifecycle_stage; one row per customer and day
    days
        the snapshot days, first to last
    transitions
        one row per stage with customers seen on the next snapshot day: lifecycle_stage, then for each stage
        the share of them in it on that day
    dwelt
        one row per stage: lifecycle_stage, customers (in it on the last day), stays, ended, median_days, and
        the reason if that is null; see :func:`patron.scores.stage_history.median_dwell_time`
    written
        the files that were written
    """

    history: pd.DataFrame
    days: list[date]
    transitions: pd.DataFrame
    dwelt: pd.DataFrame
    written: tuple[Path, ...] = ()

    def title(self) -> str:
        """The title of `dwelt`."""
        return f"Lifecycle stages as of {self.days[-1]}, and how long they last"

    def to_dict(self) -> dict[str, Any]:
        """The result as plain values; the rows of individual customers are in the file."""
        return {
            **plain_fields(self, "days"),
            "customers": int(self.history["customer_id"].nunique()),
            **plain_fields(self, stages="dwelt", transitions="transitions", written="written"),
        }

    def printed(self) -> Printed:
        """What a terminal shows."""
        yield self.title(), self.dwelt
        yield "Share of a stage's customers in each stage on the next of the days", self.transitions
        yield from self.sentences()

    def sentences(self) -> list[str]:
        """The result in words."""
        seen = counted(self.history["customer_id"].nunique(), "customer was", "customers were")
        step = counted((self.days[1] - self.days[0]).days, "day")
        return [
            f"{seen} observed on {len(self.days)} days, {step} apart: a change is dated to the first day "
            "that shows it.",
            f"Stays already running on {self.days[0]} have no known start and are not counted; ongoing stays "
            "count as censored.",
            *(f"Written: {path}" for path in self.written),
        ]


def _days(known: History, snapshots: int, step_days: int) -> list[date]:
    """The snapshot days, first to last: the last one known, and up to `snapshots` days within the data."""
    last = known.known_until
    begin = max(known.active_days.day.min().to_pyarrow().as_py(), known.first_day)
    days = [last - timedelta(days=step_days * number) for number in range(snapshots)]
    held = sorted(day for day in days if day >= begin)
    if len(held) < 2:
        raise HistoryTooShortError(
            f"From {begin} to {last} there is only one snapshot at {step_days} days from one to the next, so "
            "no transition can be observed. Use fewer days with --step."
        )
    return held


def _dwelt(history: pd.DataFrame, last: date) -> pd.DataFrame:
    now = history.loc[history["as_of"] == pd.Timestamp(last), "lifecycle_stage"].value_counts()
    dwelt = median_dwell_time(history)
    known, some = dwelt["median_days"].notna(), dwelt["stays"] > 0
    reason = pd.Series(ONGOING, index=dwelt.index, dtype=object).where(some, NO_START)
    customers = now.reindex(dwelt.index, fill_value=0).astype("int64")
    dwelt = dwelt.assign(reason=reason.where(~known, None))
    dwelt.insert(0, "customers", customers)
    return dwelt.rename_axis("lifecycle_stage").reset_index()
