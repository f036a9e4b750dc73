"""Score monitoring: logged predictions are compared with what happened once their horizon has passed."""

from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, cast

import ibis
import pandas as pd

from patron.errors import HistoryTooShortError, InputError, SettingsError, counted
from patron.evaluation.score_monitoring import (
    OUTCOME_COLUMNS,
    awaiting_outcome,
    calibration_by_version,
    monitoring_report,
    uuids_as_text,
    with_outcomes,
)
from patron.progress import Progress, silent
from patron.results import Printed
from patron.settings import Settings
from patron.settings.inputs import known_history
from patron.snapshots.asof import visible
from patron.snapshots.labels import make_labels
from patron.snapshots.spine import make_spine
from patron.storage.atomic_files import check_target, write_frame
from patron.storage.prediction_log import open_prediction_log
from patron.tables.history import History

__all__ = ["Settlement", "settle"]


def settle(
    settings: Settings, *, history: History | None = None, progress: Progress = silent
) -> "Settlement":
    """Predictions whose horizon has passed, their outcomes, and how good each model version was.

    Parameters
    ----------
    settings
        the tables, and `settle`: which prediction log. `activity`, `churn_window` and `churn_segment`
        must be those of the model
    history, progress
        as in :func:`patron.workflows.train.train`

    Raises
    ------
    SettingsError
        no prediction log is named
    InputError
        the log is empty, or none of its customers is in the tables
    HistoryTooShortError
        no horizon has passed yet
    SourceError
        a file of the log is damaged
    PatronError
        the database of the log refuses

    Examples
    --------
    >>> import tempfile
    >>> from patron.storage.prediction_log import log_scorecard
    >>> log, as_of = tempfile.mkdtemp(), date(2024, 1, 31)
    >>> card = pd.DataFrame({"customer_id": [7, 8], "as_of": [as_of] * 2, "horizon_days": [28] * 2,
    ...                      "churn_probability": [0.2, 0.9], "expected_value": [30.0, 2.0],
    ...                      "expected_value_low": [0.0, 0.0], "expected_value_high": [80.0, 5.0],
    ...                      "model_version": ["3"] * 2, "scored_at": pd.Timestamp("2024-02-01", tz="UTC")})
    >>> logged = log_scorecard(card, log)
    >>> sales = pd.DataFrame({"customer_id": [7, 8, 7], "amount": [9.0, 4.0, 25.0],
    ...                       "order_at": ["2024-01-05", "2024-01-09", "2024-02-28"]})
    >>> found = settle(Settings(tables={"transactions": sales}, settle={"prediction_log": log}))
    >>> found.rows[["customer_id", "churned", "value"]]
       customer_id  churned  value
    0            7        0   25.0
    1            8        1    0.0
    """
    if settings.settle.prediction_log is None:
        raise SettingsError("No prediction log is named: give the one of patron score with --prediction-log.")
    out = check_target(settings.settle.out) if settings.settle.out is not None else None
    log = open_prediction_log(settings.settle.prediction_log.get_secret_value())
    progress("Reading the prediction log")
    predictions, outcomes = log.read("predictions"), log.read("outcomes")
    if predictions.empty:
        raise InputError(
            f"The prediction log {str(log)!r} is empty. Fill it with patron score --prediction-log."
        )
    known = known_history(settings, history, progress)
    due, ends = awaiting_outcome(predictions, outcomes, known.known_until)
    if due.empty and outcomes.empty:
        raise HistoryTooShortError(
            f"No horizon of this log has passed: the first ends on {ends[0]}, and the transactions are "
            f"known until {known.known_until}. Settle from {ends[0]} on."
        )
    found, unknown = _look_up(known, due, progress)
    del known  # a DuckDB file cannot be read as tables and written to as a log at once
    new = sum(log.append("outcomes", outcomes) for outcomes in found)
    rows = with_outcomes(predictions, log.read("outcomes") if new else outcomes)
    report = monitoring_report(rows, depth=settings.settle.depth)
    if out is not None:
        progress(f"Writing {out}")
        write_frame(rows, out)
    calibration = calibration_by_version(rows)
    return Settlement(report, calibration, rows, new, unknown, ends, settings.settle.depth, out)


@dataclass(frozen=True, slots=True)
class Settlement:
    """The result of `settle`.

    Attributes
    ----------
    report
        one row per version and horizon, see :func:`patron.evaluation.score_monitoring.monitoring_report`
    calibration
        predicted and observed churn rates, in ten bins per version
    rows
        every prediction that has an outcome, joined with it
    new
        count of outcomes that were observed in this run
    unknown
        count of logged customers who are not in the tables; their predictions stay open
    open_until
        the days on which open horizons end
    depth
        share of the customers that a campaign would have reached
    out
        the file that was written, or None
    """

    report: pd.DataFrame
    calibration: pd.DataFrame
    rows: pd.DataFrame = field(repr=False)
    new: int
    unknown: int
    open_until: list[date]
    depth: float
    out: Path | None = None

    @property
    def shown(self) -> pd.DataFrame:
        """The report, for people to read."""
        columns = [
            "model_version", "horizon_days", "first", "last", "predictions", "churn_rate", "churn_bias",
            "calibration_error", "auc", "top_decile_lift", "value_bias", "coverage", "worth",
        ]  # fmt: skip
        return self.report[columns]

    def title(self) -> str:
        """The heading of `shown`."""
        return "Predictions and outcomes, by model version"

    def to_dict(self) -> dict[str, Any]:
        """The result as plain values."""
        return {
            "versions": self.report.to_dict("records"),
            "calibration": self.calibration.to_dict("records"),
            "settled": len(self.rows),
            "new": self.new,
            "unknown": self.unknown,
            "open_until": [day.isoformat() for day in self.open_until],
            "depth": self.depth,
            "out": str(self.out) if self.out is not None else None,
        }

    def printed(self) -> Printed:
        """What a terminal shows."""
        yield self.title(), self.shown
        yield from self.sentences()

    def sentences(self) -> list[str]:
        """The result in sentences."""
        settled = counted(len(self.rows), "prediction has", "predictions have")
        lines = [f"{settled} an outcome, {self.new:,} of them observed in this run."]
        for row in self.report.to_dict("records"):
            more = "more" if row["worth"] >= 0 else "less"
            lines.append(
                f"Version {row['model_version']}: the top {self.depth:.0%} by expected value earned "
                f"{abs(row['worth']):,.2f} {more} than the top {self.depth:.0%} by recency "
                f"({row['earned_by_scores']:,.2f} and {row['earned_by_recency']:,.2f}). Of the top "
                f"{self.depth:.0%} by churn probability {row['leavers_by_scores']:,.0f} left, of the "
                f"{self.depth:.0%} inactive for longest {row['leavers_by_recency']:,.0f}: a difference of "
                f"{row['worth_of_leavers']:,.2f} at the average earned by a customer who stayed."
            )
        if self.unknown:
            missing = counted(self.unknown, "logged customer is", "logged customers are")
            lines.append(f"{missing} not in the tables: their predictions stay open.")
        if self.open_until:
            lines.append(f"Open horizons end on {', '.join(map(str, self.open_until))}.")
        return lines if self.out is None else [*lines, f"Written to {self.out}."]


def _look_up(known: History, due: pd.DataFrame, progress: Progress) -> tuple[list[pd.DataFrame], int]:
    """Outcomes of the predictions whose horizon has passed, day by day, and the count not in the tables."""
    found, unknown = [], 0
    for key, group in due.groupby(["as_of", "horizon_days"]):
        as_of, horizon_days = cast("tuple[date, int]", key)
        progress(f"Observing the outcomes of the {horizon_days} days after {as_of}")
        outcomes = _outcomes(known, group, as_of, int(horizon_days))
        unknown += len(group) - len(outcomes)
        found.append(outcomes)
    if unknown == len(due) and unknown:
        raise InputError(
            f"None of the {unknown} logged customers is in the tables: their ids are "
            f"{str(due['customer_id'].iloc[0])!r} and the like. Give the tables that were scored."
        )
    return found, unknown


def _outcomes(known: History, due: pd.DataFrame, as_of: date, horizon_days: int) -> pd.DataFrame:
    if as_of < known.first_day:
        return pd.DataFrame(columns=list(OUTCOME_COLUMNS))
    ids = ibis.memtable(due[["customer_id"]].drop_duplicates())
    spine = make_spine(known, as_of)
    if is_uuid := spine.customer_id.type().is_uuid():
        ids = ids.mutate(customer_id=ids.customer_id.cast("string").try_cast("uuid"))
    elif spine.customer_id.type().is_string() != ids.customer_id.type().is_string():
        return pd.DataFrame(columns=list(OUTCOME_COLUMNS))
    mine = known.store(spine.semi_join(ids, "customer_id"), "logged")
    labels = make_labels(known, mine, horizon_days)
    seen = visible(known.active_days, mine)
    last = seen.group_by("customer_id").aggregate(days_since_last=seen.days_ago.min())
    found = labels.left_join(last, "customer_id").order_by("customer_id").to_pandas()
    found = found.assign(customer_id=uuids_as_text(found["customer_id"])) if is_uuid else found
    found = found.assign(as_of=as_of, horizon_days=horizon_days, churned=found["churned"].astype("int64"))
    chosen: pd.DataFrame = found[list(OUTCOME_COLUMNS)]
    return chosen
