"""The prediction log: every score and, later, its outcome, in a folder of Parquet files or in a database.

Rows are appended and never changed. A file is named by a hash of its rows, so appending the same rows again
changes nothing, and two writers at once need no lock. ::

    log/predictions/2024-06-30_0a1b2c3d4e5f6071.parquet
    log/outcomes/2024-06-30_9f8e7d6c5b4a3928.parquet

In a database the tables predictions and outcomes carry that name in the column part, and the table parts
lists each name once. The rows of one part are added in one transaction, and writers wait for each other.
"""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from patron.errors import SettingsError, SourceError, TableError, some, without_password
from patron.evaluation.score_monitoring import (
    OUTCOME_COLUMNS,
    PREDICTION_COLUMNS,
    fingerprint,
    predictions_of,
)
from patron.scores.arrow import frame_of
from patron.storage.atomic_files import check_folder, whole_file
from patron.storage.databases import (
    DatabaseTable,
    absolute_url,
    connected,
    lacking,
    table_of,
    transaction,
)

__all__ = [
    "DatabaseLog",
    "ParquetLog",
    "PredictionLog",
    "log_scorecard",
    "log_shards",
    "open_prediction_log",
]

PLACES = "a folder of Parquet files, sqlite:///FILE, duckdb:///FILE or postgresql://USER@HOST/DATABASE"
COLUMNS = {"predictions": PREDICTION_COLUMNS, "outcomes": OUTCOME_COLUMNS}

_DATABASE = r"(?P<url>(sqlite|duckdb):///+[^/:?][^?]*?|postgres(ql)?://.+?)(::(?P<schema>\w+))?"
_PARTS = pa.schema({"kind": pa.string(), "part": pa.string()})
_TYPES = {
    "as_of": pa.date32(),
    "model_version": pa.string(),
    "scored_at": pa.timestamp("us", tz="UTC"),
    **dict.fromkeys(("horizon_days", "churned", "purchases"), pa.int64()),
}  # any other number is a double


def open_prediction_log(place: str | Path) -> "PredictionLog":
    """The prediction log at a place; the first append creates it.

    Parameters
    ----------
    place
        a folder; or ``sqlite:///FILE``, ``duckdb:///FILE`` or ``postgresql://USER@HOST/DATABASE``,
        optionally followed by two colons and a schema

    Raises
    ------
    SettingsError
        the place is a file or another kind of database, cannot be written to, or has other tables
        of these names
    MissingExtraError
        the driver of the database is not installed
    PatronError
        the database does not answer

    Examples
    --------
    >>> open_prediction_log("mysql://shop/crm")
    Traceback (most recent call last):
        ...
    patron.errors.SettingsError: A prediction log is a folder of Parquet files, sqlite:///FILE, duckdb:///FILE
    or postgresql://USER@HOST/DATABASE, and not 'mysql://shop/crm'.
    """
    text = str(place)
    if found := re.fullmatch(_DATABASE, text):
        log = DatabaseLog(absolute_url(found["url"]), found["schema"])
        log.check()
        return log
    if "://" in text or not text:
        raise SettingsError(f"A prediction log is {PLACES}, and not {without_password(text)!r}.")
    if Path(text).is_file():
        raise SettingsError(f"The prediction log {text!r} is a file. Name {PLACES}.")
    return ParquetLog(check_folder(text))


def log_scorecard(scorecard: pd.DataFrame | str | Path, log: str | Path, *, margin: float = 1.0) -> int:
    """Log the predictions of a scoring run; nothing happens if they are logged already.

    Parameters
    ----------
    scorecard
        what `patron score` made, or the file that it wrote
    log
        folder or database, see :func:`open_prediction_log`
    margin
        share of an amount that is kept, in (0, 1]; `Bundle.margin`

    Returns
    -------
    int
        Count of new predictions.

    Raises
    ------
    SourceError
        the file or the log cannot be read
    TableError
        the scorecard has no score, or its ids are of another type than those of the log
    SettingsError
        the place cannot be a prediction log
    PatronError
        the database refuses; then it is as it was before

    Examples
    --------
    >>> import tempfile
    >>> from datetime import date
    >>> card = pd.DataFrame({"customer_id": [7], "as_of": [date(2024, 6, 30)], "horizon_days": [90],
    ...                      "churn_probability": [0.2], "expected_value": [30.0],
    ...                      "expected_value_low": [0.0], "expected_value_high": [80.0],
    ...                      "model_version": ["3"], "scored_at": pd.Timestamp("2024-07-01", tz="UTC")})
    >>> folder = tempfile.mkdtemp()
    >>> log_scorecard(card, folder), log_scorecard(card, folder)
    (1, 0)
    """
    opened = open_prediction_log(log)
    card = scorecard if isinstance(scorecard, pd.DataFrame) else _read_scores(Path(scorecard))
    return opened.append("predictions", predictions_of(card, margin=margin))


def log_shards(shards: Iterable[Path], log: "PredictionLog", *, margin: float) -> int:
    """Log the predictions of a scorecard that lies in shards.

    Parameters
    ----------
    shards
        Parquet files
    log
        what `open_prediction_log` returns
    margin
        as `log_scorecard`

    Returns
    -------
    int
        As :func:`log_scorecard`, whose errors it shares.

    Examples
    --------
    See :func:`patron.workflows.score.score`, which calls it if a prediction log is named.
    """
    columns = [name for name in PREDICTION_COLUMNS if name != "margin"]
    tables = [pq.read_table(shard, columns=columns) for shard in shards]
    card = frame_of(pa.concat_tables(tables, promote_options="permissive"))
    return log.append("predictions", predictions_of(card, margin=margin))


class ParquetLog:
    """A prediction log of Parquet files in a folder.

    Parameters
    ----------
    folder
        created by the first append

    Examples
    --------
    >>> import tempfile
    >>> from datetime import date
    >>> log = ParquetLog(Path(tempfile.mkdtemp()))
    >>> rows = pd.DataFrame({"customer_id": [7], "as_of": [date(2024, 6, 30)], "horizon_days": [90],
    ...                      "churned": [0], "purchases": [2], "value": [50.0], "days_since_last": [9]})
    >>> log.append("outcomes", rows), log.append("outcomes", rows), len(log.read("outcomes"))
    (1, 0, 1)
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __str__(self) -> str:
        return str(self.folder)

    def append(self, kind: str, rows: pd.DataFrame) -> int:
        """Add rows as one part; 0 where that part is there already.

        Parameters
        ----------
        kind
            "predictions" or "outcomes"
        rows
            of that kind
        """
        if rows.empty:
            return 0
        target = self.folder / kind / f"{_part_name(rows)}.parquet"
        if target.exists():
            return 0
        if parts := self._parts(kind):
            _refuse_other_ids(_read_part(parts[0], kind)["customer_id"], rows["customer_id"])
        with whole_file(target) as temporary:
            pq.write_table(_arrow(rows), temporary)
        return len(rows)

    def read(self, kind: str) -> pd.DataFrame:
        """Every row of a kind.

        Parameters
        ----------
        kind
            "predictions" or "outcomes"

        Raises
        ------
        SourceError
            a part is damaged
        """
        parts = [_read_part(part, kind) for part in self._parts(kind)]
        if not parts:
            return pd.DataFrame(columns=list(COLUMNS[kind]))
        return _typed(pd.concat(parts, ignore_index=True))

    def _parts(self, kind: str) -> list[Path]:
        return sorted((self.folder / kind).glob("[!.]*.parquet"))


class DatabaseLog:
    """A prediction log in the tables predictions, outcomes and parts of a database.

    Parameters
    ----------
    url
        of DuckDB, SQLite or PostgreSQL, as Ibis connects to it
    schema
        of the tables; None is the database's own

    Examples
    --------
    >>> import tempfile
    >>> from datetime import date
    >>> log = DatabaseLog(f"sqlite://{tempfile.mkdtemp()}/log.db")
    >>> rows = pd.DataFrame({"customer_id": ["a"], "as_of": [date(2024, 6, 30)], "horizon_days": [90],
    ...                      "churned": [0], "purchases": [2], "value": [50.0], "days_since_last": [9]})
    >>> log.append("outcomes", rows), log.append("outcomes", rows), len(log.read("outcomes"))
    (1, 0, 1)
    """

    def __init__(self, url: str, schema: str | None = None) -> None:
        self.tables = {name: DatabaseTable(url, name, schema) for name in ("parts", *COLUMNS)}
        is_file = url.startswith(("sqlite://", "duckdb://"))
        self.file = Path(url.partition("://")[2]) if is_file else None

    def __str__(self) -> str:
        return self.tables["parts"].database

    def check(self) -> None:
        """Check that the database answers, and that its tables, if there are any, are those of a log.

        Raises
        ------
        SettingsError
            a table of that name is another, there is no such schema, or the file cannot be made
        PatronError
            the database does not answer
        """
        if self.file is not None and not self.file.exists():
            check_folder(self.file.parent)
            return
        wanted = {"parts": _PARTS.names, **{kind: [*columns, "part"] for kind, columns in COLUMNS.items()}}
        with connected(self.tables["predictions"]) as backend:
            for name, columns in wanted.items():
                if missing := lacking(backend, self.tables[name], columns):
                    raise SettingsError(
                        f"{self.tables[name]} is not a table of a prediction log: it lacks {some(missing)}. "
                        "Name another database or, after two colons, another schema."
                    )

    def append(self, kind: str, rows: pd.DataFrame) -> int:
        """Add rows as one part, in one transaction; 0 where that part is there already.

        Parameters
        ----------
        kind, rows
            as in :class:`ParquetLog`
        """
        if rows.empty:
            return 0
        name, table, parts = _part_name(rows), self.tables[kind], self.tables["parts"]
        added = _as_stored(rows[list(COLUMNS[kind])], name)
        if self.file is not None:
            self.file.parent.mkdir(parents=True, exist_ok=True)
        with connected(table) as backend, transaction(backend, "prediction log") as step:
            step.create(parts, _PARTS, key=_PARTS.names)
            step.create(table, added.schema)
            same = f"SELECT part FROM {step.name(parts)} WHERE kind = {step.mark} AND part = {step.mark}"
            if step.rows(same, [kind, name]):
                return 0
            if held := step.rows(f"SELECT customer_id FROM {step.name(table)} LIMIT 1"):
                _refuse_other_ids(pd.Series(held[0]), rows["customer_id"])
            step.insert(parts, pa.table({"kind": [kind], "part": [name]}))
            step.insert(table, added)
        return len(rows)

    def read(self, kind: str) -> pd.DataFrame:
        """Every row of a kind, in the order of their parts; a SourceError if the database cannot be read.

        Parameters
        ----------
        kind
            as in :class:`ParquetLog`
        """
        table, columns = self.tables[kind], list(COLUMNS[kind])
        if self.file is not None and not self.file.exists():
            return pd.DataFrame(columns=columns)
        with connected(table, "read") as backend:
            found = table_of(backend, table)
            if found is None:
                return pd.DataFrame(columns=columns)
            return _typed(found.order_by("part", "customer_id").select(columns).to_pandas())


type PredictionLog = ParquetLog | DatabaseLog
"""A store of predictions and outcomes. Its `str` is the place, without a password."""


def _read_scores(path: Path) -> pd.DataFrame:
    try:
        if path.suffix.lower() == ".csv":
            return pd.read_csv(path, parse_dates=["as_of"], dtype={"model_version": "str"})
        rows = pq.read_table(path)
    except (OSError, ValueError, pa.ArrowException) as refused:
        raise SourceError(
            f"The scores {str(path)!r} cannot be read: {str(refused).splitlines()[0]}. Give the file that "
            "patron score wrote."
        ) from None
    return frame_of(rows.select([name for name in rows.column_names if name in PREDICTION_COLUMNS]))


def _part_name(rows: pd.DataFrame) -> str:
    return f"{min(rows['as_of'])}_{fingerprint(rows)}"


def _read_part(part: Path, kind: str) -> pd.DataFrame:
    try:
        read: pd.DataFrame = pq.read_table(part, columns=list(COLUMNS[kind])).to_pandas()
    except (OSError, pa.ArrowException, KeyError) as damaged:
        raise SourceError(
            f"The file {str(part)!r} of the prediction log cannot be read: {str(damaged).splitlines()[0]}. "
            "Move it away and log the scores of that run again."
        ) from None
    return read


def _arrow(rows: pd.DataFrame) -> pa.Table:
    columns: dict[str, Any] = {str(name): rows[name] for name in rows.columns}
    if "scored_at" in columns:  # pandas' own UTC type warns whenever pyarrow reads it
        columns["scored_at"] = columns["scored_at"].astype("timestamp[us, tz=UTC][pyarrow]")
    return pa.table({name: pa.Array.from_pandas(column) for name, column in columns.items()})


def _as_stored(rows: pd.DataFrame, part: str) -> pa.Table:
    """The rows of a part, in the types of its table whatever is appended first."""
    plain = _arrow(rows)
    ids = plain["customer_id"].type
    types = {"customer_id": pa.int64() if pa.types.is_integer(ids) else ids} | _TYPES
    wanted = pa.schema({name: types.get(name, pa.float64()) for name in plain.column_names})
    return plain.cast(wanted).append_column("part", pa.array([part] * len(rows), pa.string()))


def _typed(rows: pd.DataFrame) -> pd.DataFrame:
    days = pd.to_datetime(rows["as_of"]).dt.date
    rows = rows.assign(as_of=days, horizon_days=rows["horizon_days"].astype("int64"))
    if "scored_at" in rows.columns:
        rows = rows.assign(scored_at=pd.to_datetime(rows["scored_at"], utc=True, format="ISO8601"))
    return rows


def _refuse_other_ids(held: "pd.Series[Any]", given: "pd.Series[Any]") -> None:
    """Whole numbers and text never share a log: 7 and "7" would be two customers."""
    kinds = ["whole numbers" if pd.api.types.is_integer_dtype(ids.dtype) else "text" for ids in (held, given)]
    if kinds[0] != kinds[1]:
        raise TableError(
            f"The customer ids of this prediction log are {kinds[0]}, and those given are {kinds[1]}. Keep "
            "one log per kind of id, or write the ids alike."
        )
