"""Where a ledger is kept: a folder of Parquet parts, or a SQLite database. Rows are added, never changed.

A part is named by what it holds. Whoever appends the same rows again finds them there, and two writers at
once write two files, or the same one twice with the same content: no lock is needed, and none is taken. ::

    ledger/promises/2024-06-30_0a1b2c3d4e5f6071.parquet
    ledger/outcomes/2024-06-30_9f8e7d6c5b4a3928.parquet

In SQLite the same name is the first half of the primary key, and writers wait for each other.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Protocol

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from patron.campaigns.ledger import OUTCOME_COLUMNS, PROMISE_COLUMNS, fingerprint
from patron.errors import SettingsError, SourceError, TableError
from patron.workflows.outputs import whole_file

__all__ = ["LedgerStore", "ParquetLedger", "SqliteLedger", "open_ledger"]

SQLITE = "sqlite:///"
COLUMNS = {"promises": PROMISE_COLUMNS, "outcomes": OUTCOME_COLUMNS}
_PATIENCE = 60.0  # seconds that a writer waits for another


class LedgerStore(Protocol):
    """A place that keeps promises and outcomes."""

    def append(self, kind: str, rows: pd.DataFrame) -> int:
        """Add rows ("promises" or "outcomes"); the count of those that were new."""
        ...

    def read(self, kind: str) -> pd.DataFrame:
        """Every row of a kind, in the order of their parts."""
        ...


def open_ledger(place: str | Path) -> LedgerStore:
    """The ledger at a place; it is made by the first append.

    Parameters
    ----------
    place : a folder, or ``sqlite:///FILE``

    Raises
    ------
    SettingsError : the place is a file, or another database

    Examples
    --------
    >>> open_ledger("postgresql://shop/ledger")
    Traceback (most recent call last):
        ...
    patron.errors.SettingsError: A ledger is a folder of Parquet files or sqlite:///FILE, and not
    'postgresql://shop/ledger'.
    """
    text = str(place)
    if text.startswith(SQLITE) and len(text) > len(SQLITE):
        return SqliteLedger(Path(text.removeprefix(SQLITE)))
    if "://" in text or not text:
        raise SettingsError(f"A ledger is a folder of Parquet files or sqlite:///FILE, and not {text!r}.")
    if Path(text).is_file():
        raise SettingsError(f"The ledger {text!r} is a file. Name a folder, or sqlite:///FILE.")
    return ParquetLedger(Path(text))


class ParquetLedger:
    """A ledger of Parquet parts in a folder.

    Examples
    --------
    >>> import tempfile
    >>> from datetime import date
    >>> ledger = ParquetLedger(Path(tempfile.mkdtemp()))
    >>> rows = pd.DataFrame({"customer_id": [7], "as_of": [date(2024, 6, 30)], "horizon_days": [90],
    ...                      "churned": [0], "purchases": [2], "value": [50.0], "days_since_last": [9]})
    >>> ledger.append("outcomes", rows), ledger.append("outcomes", rows), len(ledger.read("outcomes"))
    (1, 0, 1)
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def append(self, kind: str, rows: pd.DataFrame) -> int:
        """Add rows as one part; 0 where that part is there already."""
        if rows.empty:
            return 0
        target = self.folder / kind / f"{_part_name(rows)}.parquet"
        if target.exists():
            return 0
        _refuse_other_ids(self._first_ids(kind), rows["customer_id"])
        with whole_file(target) as temporary:
            pq.write_table(_arrow(rows), temporary)
        return len(rows)

    def read(self, kind: str) -> pd.DataFrame:
        """Every row of a kind.

        Raises
        ------
        SourceError : a part is damaged
        """
        parts = [_read_part(part, kind) for part in self._parts(kind)]
        if not parts:
            return pd.DataFrame(columns=list(COLUMNS[kind]))
        return _typed(pd.concat(parts, ignore_index=True))

    def _parts(self, kind: str) -> list[Path]:
        return sorted((self.folder / kind).glob("[!.]*.parquet"))

    def _first_ids(self, kind: str) -> "pd.Series[Any] | None":
        for part in self._parts(kind):
            return _read_part(part, kind)["customer_id"]
        return None


class SqliteLedger:
    """A ledger in a SQLite database, in the tables promises and outcomes.

    Examples
    --------
    >>> import tempfile
    >>> from datetime import date
    >>> ledger = SqliteLedger(Path(tempfile.mkdtemp()) / "ledger.db")
    >>> rows = pd.DataFrame({"customer_id": ["a"], "as_of": [date(2024, 6, 30)], "horizon_days": [90],
    ...                      "churned": [0], "purchases": [2], "value": [50.0], "days_since_last": [9]})
    >>> ledger.append("outcomes", rows), ledger.append("outcomes", rows), len(ledger.read("outcomes"))
    (1, 0, 1)
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def append(self, kind: str, rows: pd.DataFrame) -> int:
        """Add rows in one transaction; those of the same part are there already and stay as they are."""
        if rows.empty:
            return 0
        columns, part = COLUMNS[kind], _part_name(rows)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        plain = rows[list(columns)].assign(as_of=rows["as_of"].astype(str))
        if "scored_at" in columns:
            plain["scored_at"] = rows["scored_at"].map(lambda moment: moment.isoformat())
        values = plain.astype(object).where(plain.notna(), None)
        marks = ", ".join("?" * (len(columns) + 1))
        with self._connected() as connection, connection:
            connection.execute("BEGIN IMMEDIATE")  # wait here, and not between reading and writing
            self._create(connection, kind)
            held = connection.execute(f"SELECT customer_id FROM {kind} LIMIT 1").fetchall()
            _refuse_other_ids(pd.Series([row[0] for row in held]) if held else None, rows["customer_id"])
            before = connection.total_changes
            connection.executemany(
                f"INSERT OR IGNORE INTO {kind} VALUES ({marks})",
                ((part, *row) for row in values.itertuples(index=False)),
            )
            return connection.total_changes - before

    def read(self, kind: str) -> pd.DataFrame:
        """Every row of a kind.

        Raises
        ------
        SourceError : the file is no SQLite database
        """
        columns = list(COLUMNS[kind])
        if not self.path.exists():
            return pd.DataFrame(columns=columns)
        with self._connected() as connection, connection:
            self._create(connection, kind)
            query = f"SELECT {', '.join(columns)} FROM {kind} ORDER BY part, customer_id"
            rows = connection.execute(query).fetchall()
        return _typed(pd.DataFrame(rows, columns=columns))

    @contextmanager
    def _connected(self) -> Iterator[sqlite3.Connection]:
        try:
            with closing(sqlite3.connect(self.path, timeout=_PATIENCE, isolation_level=None)) as connection:
                yield connection
        except sqlite3.Error as refused:
            raise SourceError(f"The ledger {str(self.path)!r} cannot be used: {refused}.") from refused

    def _create(self, connection: sqlite3.Connection, kind: str) -> None:
        columns = ", ".join(COLUMNS[kind])
        key = "PRIMARY KEY (part, customer_id, as_of)"
        connection.execute(f"CREATE TABLE IF NOT EXISTS {kind} (part TEXT, {columns}, {key})")


def _part_name(rows: pd.DataFrame) -> str:
    return f"{min(rows['as_of'])}_{fingerprint(rows)}"


def _read_part(part: Path, kind: str) -> pd.DataFrame:
    try:
        read: pd.DataFrame = pq.read_table(part, columns=list(COLUMNS[kind])).to_pandas()
    except (OSError, pa.ArrowException, KeyError) as damaged:
        raise SourceError(
            f"The part {str(part)!r} of the ledger cannot be read: {str(damaged).splitlines()[0]}. Move it "
            "away and append the scores of that run again."
        ) from None
    return read


def _arrow(rows: pd.DataFrame) -> pa.Table:
    columns: dict[str, Any] = {str(name): rows[name] for name in rows.columns}
    if "scored_at" in columns:  # pandas' own UTC type warns whenever pyarrow reads it
        columns["scored_at"] = columns["scored_at"].astype("timestamp[us, tz=UTC][pyarrow]")
    return pa.table({name: pa.Array.from_pandas(column) for name, column in columns.items()})


def _typed(rows: pd.DataFrame) -> pd.DataFrame:
    days = pd.to_datetime(rows["as_of"]).dt.date
    rows = rows.assign(as_of=days, horizon_days=rows["horizon_days"].astype("int64"))
    if "scored_at" in rows.columns:
        rows = rows.assign(scored_at=pd.to_datetime(rows["scored_at"], utc=True, format="ISO8601"))
    return rows


def _refuse_other_ids(held: "pd.Series[Any] | None", given: "pd.Series[Any]") -> None:
    """Whole numbers and text never meet in one ledger: 7 and "7" would be two customers."""
    if held is None:
        return
    kinds = ["whole numbers" if pd.api.types.is_integer_dtype(ids.dtype) else "text" for ids in (held, given)]
    if kinds[0] != kinds[1]:
        raise TableError(
            f"The customers of this ledger are {kinds[0]}, and those given are {kinds[1]}. Keep one ledger "
            "for each kind of id, or write the ids alike."
        )
