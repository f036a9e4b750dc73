"""The ledger of promises: `append_to_ledger` when scores are made, `settle` once their horizon has passed."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, cast

import ibis
import pandas as pd

from patron.errors import HistoryTooShortError, InputError, SettingsError, SourceError, counted
from patron.evaluation.score_monitoring import (
    OUTCOME_COLUMNS,
    PROMISE_COLUMNS,
    calibration_by_version,
    promises_of,
    settled,
    settlement_report,
    unsettled,
    uuids_as_text,
)
from patron.progress import Progress, silent
from patron.results import Printed
from patron.scores.arrow import frame_of
from patron.settings import Settings
from patron.settings.inputs import known_history
from patron.snapshots.asof import visible
from patron.snapshots.labels import make_labels
from patron.snapshots.spine import make_spine
from patron.storage.atomic_files import check_target, write_frame
from patron.storage.prediction_log import LedgerStore, open_ledger
from patron.tables.history import History

__all__ = ["Settlement", "append_parts", "append_to_ledger", "settle"]


def append_to_ledger(scorecard: pd.DataFrame | str | Path, ledger: str | Path, *, margin: float = 1.0) -> int:
    """Write the promises of a scoring run down; nothing happens where they are written already.

    Parameters
    ----------
    scorecard
        what `patron score` made, or the Parquet file that it wrote
    ledger
        folder of Parquet parts, or database; see :func:`patron.storage.prediction_log.open_ledger`
    margin
        share of an amount that the model's money counts; `Bundle.margin`

    Returns
    -------
    int
        Count of promises that were new

    Raises
    ------
    SourceError
        the file or the ledger cannot be read
    TableError
        the scorecard makes no promise, or its ids are of another type than the ledger's
    SettingsError
        the place can be no ledger
    PatronError
        the database refuses; then it is as it was before

    Examples
    --------
    >>> import tempfile
    >>> card = pd.DataFrame({"customer_id": [7], "as_of": [date(2024, 6, 30)], "horizon_days": [90],
    ...                      "churn_probability": [0.2], "expected_value": [30.0],
    ...                      "expected_value_low": [0.0], "expected_value_high": [80.0],
    ...                      "model_version": ["3"], "scored_at": pd.Timestamp("2024-07-01", tz="UTC")})
    >>> folder = tempfile.mkdtemp()
    >>> append_to_ledger(card, folder), append_to_ledger(card, folder)
    (1, 0)
    """
    store = open_ledger(ledger)
    card = scorecard if isinstance(scorecard, pd.DataFrame) else _read_scores(Path(scorecard))
    return store.append("promises", promises_of(card, margin=margin))


def append_parts(parts: Iterable[Path], ledger: LedgerStore, *, margin: float) -> int:
    """Write the promises of a scoring run down that lies in Parquet parts.

    Parameters
    ----------
    parts
        Parquet files of scorecards
    ledger
        what `open_ledger` gives
    margin
        as `append_to_ledger`

    Returns
    -------
    int
        Count of promises that were new

    Raises
    ------
    SourceError, TableError, PatronError
        as `append_to_ledger`

    Examples
    --------
    See :func:`patron.workflows.score.score`, which calls it where a ledger is named.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = [name for name in PROMISE_COLUMNS if name != "margin"]
    tables = [pq.read_table(part, columns=columns) for part in parts]
    card = frame_of(pa.concat_tables(tables, promote_options="permissive"))
    return ledger.append("promises", promises_of(card, margin=margin))


def settle(
    settings: Settings, *, history: History | None = None, progress: Progress = silent
) -> "Settlement":
    """What became of the promises whose horizon has passed.

    Parameters
    ----------
    settings
        the tables, and `settle`: which ledger. `activity`, `churn_window` and `churn_segment` are
        those of the model
    history
        the tables, where they have been read already
    progress
        called with each step as it begins

    Raises
    ------
    SettingsError
        no ledger is named
    InputError
        the ledger is empty, or none of its customers is in the tables
    HistoryTooShortError
        no horizon has passed yet
    SourceError
        a part of the ledger is damaged
    PatronError
        the database of the ledger refuses

    Examples
    --------
    >>> import tempfile
    >>> ledger, as_of = tempfile.mkdtemp(), date(2024, 1, 31)
    >>> card = pd.DataFrame({"customer_id": [7, 8], "as_of": [as_of] * 2, "horizon_days": [28] * 2,
    ...                      "churn_probability": [0.2, 0.9], "expected_value": [30.0, 2.0],
    ...                      "expected_value_low": [0.0, 0.0], "expected_value_high": [80.0, 5.0],
    ...                      "model_version": ["3"] * 2, "scored_at": pd.Timestamp("2024-02-01", tz="UTC")})
    >>> promised = append_to_ledger(card, ledger)
    >>> sales = pd.DataFrame({"customer_id": [7, 8, 7], "amount": [9.0, 4.0, 25.0],
    ...                       "order_at": ["2024-01-05", "2024-01-09", "2024-02-28"]})
    >>> found = settle(Settings(tables={"transactions": sales}, settle={"prediction_log": ledger}))
    >>> found.rows[["customer_id", "churned", "value"]]
       customer_id  churned  value
    0            7        0   25.0
    1            8        1    0.0
    """
    if settings.settle.prediction_log is None:
        raise SettingsError("No prediction log is named: give the one of patron score with --prediction-log.")
    out = check_target(settings.settle.out) if settings.settle.out is not None else None
    store = open_ledger(settings.settle.prediction_log.get_secret_value())
    progress("Reading the ledger")
    promises, outcomes = store.read("promises"), store.read("outcomes")
    if promises.empty:
        raise InputError(
            f"The prediction log {str(store)!r} is empty. Fill it with patron score --prediction-log."
        )
    known = known_history(settings, history, progress)
    ripe, ends = unsettled(promises, outcomes, known.known_until)
    if ripe.empty and outcomes.empty:
        raise HistoryTooShortError(
            f"No horizon of this ledger has passed: the first ends on {ends[0]}, and the transactions are "
            f"known until {known.known_until}. Settle from {ends[0]} on."
        )
    found, unknown = _look_up(known, ripe, progress)
    del known  # a DuckDB file cannot be read as tables and written to as a ledger at once
    new = sum(store.append("outcomes", outcomes) for outcomes in found)
    rows = settled(promises, store.read("outcomes") if new else outcomes)
    report = settlement_report(rows, depth=settings.settle.depth)
    if out is not None:
        progress(f"Writing {out}")
        write_frame(rows, out)
    calibration = calibration_by_version(rows)
    return Settlement(report, calibration, rows, new, unknown, ends, settings.settle.depth, out)


@dataclass(frozen=True, slots=True)
class Settlement:
    """What `settle` found.

    Attributes
    ----------
    report
        one row per version and horizon, see :func:`patron.evaluation.score_monitoring.settlement_report`
    calibration
        predicted beside observed shares, in ten bins for each version
    rows
        every settled promise beside its outcome
    new
        count of outcomes that were looked up this time
    unknown
        count of promised customers who are not in the tables, and stay open
    open_until
        the days on which the horizons end that have not passed
    depth
        share of the customers that what following the scores was worth is counted for
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
            "model_version", "horizon_days", "first", "last", "promises", "churn_rate", "churn_bias",
            "calibration_error", "auc", "top_decile_lift", "value_bias", "coverage", "worth",
        ]  # fmt: skip
        return self.report[columns]

    def title(self) -> str:
        """What `shown` shows."""
        return "What became of the scores, by version of the model"

    def to_dict(self) -> dict[str, Any]:
        """What was found, as plain values."""
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
        """What was found, in words."""
        settled = counted(len(self.rows), "promise is", "promises are")
        lines = [f"{settled} settled, {self.new:,} of them now."]
        for row in self.report.to_dict("records"):
            more = "more" if row["worth"] >= 0 else "less"
            lines.append(
                f"Version {row['model_version']}: the best {self.depth:.0%} by expected value earned "
                f"{abs(row['worth']):,.2f} {more} than those who bought last "
                f"({row['earned_by_scores']:,.2f} and {row['earned_by_recency']:,.2f}); among the riskiest "
                f"{self.depth:.0%} {row['leavers_by_scores']:,.0f} left, among those silent longest "
                f"{row['leavers_by_recency']:,.0f}: {row['worth_of_leavers']:,.2f} at what one "
                "who stayed earned."
            )
        if self.unknown:
            missing = counted(self.unknown, "promised customer is", "promised customers are")
            lines.append(f"{missing} not in the tables: their promises stay open.")
        if self.open_until:
            lines.append(f"Horizons still open end on {', '.join(map(str, self.open_until))}.")
        return lines if self.out is None else [*lines, f"Written to {self.out}."]


def _look_up(known: History, ripe: pd.DataFrame, progress: Progress) -> tuple[list[pd.DataFrame], int]:
    """Outcomes of the promises whose horizon has passed, day by day, and how many are not in the tables."""
    found, unknown = [], 0
    for key, group in ripe.groupby(["as_of", "horizon_days"]):
        as_of, horizon_days = cast("tuple[date, int]", key)
        progress(f"Looking up what happened in the {horizon_days} days after {as_of}")
        outcomes = _outcomes(known, group, as_of, int(horizon_days))
        unknown += len(group) - len(outcomes)
        found.append(outcomes)
    if unknown == len(ripe) and unknown:
        raise InputError(
            f"None of the {unknown} promised customers is in the tables: their ids are "
            f"{str(ripe['customer_id'].iloc[0])!r} and the like. Give the tables that were scored."
        )
    return found, unknown


def _outcomes(known: History, promised: pd.DataFrame, as_of: date, horizon_days: int) -> pd.DataFrame:
    if as_of < known.first_day:
        return pd.DataFrame(columns=list(OUTCOME_COLUMNS))
    ids = ibis.memtable(promised[["customer_id"]].drop_duplicates())
    spine = make_spine(known, as_of)
    if is_uuid := spine.customer_id.type().is_uuid():
        ids = ids.mutate(customer_id=ids.customer_id.cast("string").try_cast("uuid"))
    elif spine.customer_id.type().is_string() != ids.customer_id.type().is_string():
        return pd.DataFrame(columns=list(OUTCOME_COLUMNS))
    mine = known.store(spine.semi_join(ids, "customer_id"), "promised")
    labels = make_labels(known, mine, horizon_days)
    seen = visible(known.active_days, mine)
    last = seen.group_by("customer_id").aggregate(days_since_last=seen.days_ago.min())
    found = labels.left_join(last, "customer_id").order_by("customer_id").to_pandas()
    found = found.assign(customer_id=uuids_as_text(found["customer_id"])) if is_uuid else found
    found = found.assign(as_of=as_of, horizon_days=horizon_days, churned=found["churned"].astype("int64"))
    chosen: pd.DataFrame = found[list(OUTCOME_COLUMNS)]
    return chosen


def _read_scores(path: Path) -> pd.DataFrame:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        if path.suffix.lower() == ".csv":
            return pd.read_csv(path, parse_dates=["as_of"], dtype={"model_version": "str"})
        rows = pq.read_table(path)
    except (OSError, ValueError, pa.ArrowException) as refused:
        raise SourceError(
            f"The scores {str(path)!r} cannot be read: {str(refused).splitlines()[0]}. Give the file that "
            "patron score wrote."
        ) from None
    return frame_of(rows.select([name for name in rows.column_names if name in PROMISE_COLUMNS]))
