"""Where a table comes from: a path, a frame, a database URL or an Ibis table becomes an Ibis table with patron's names.

A CSV file is read as text throughout, so that an id such as 007 keeps its zeros and no guess from the first rows
can fail on a later one; `cells.py` gives the columns their types. Files are read by DuckDB itself, whenever a
query needs them: their rows never pass through pandas.
"""

import csv
import glob
import gzip
import os
import re
import zoneinfo
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import ibis
import ibis.expr.datatypes as dt
import ibis.expr.types as ir
import pandas as pd
import pyarrow as pa
from ibis.common.exceptions import IbisError

from patron.errors import MissingColumnsError, SettingsError, SourceError, some
from patron.tables.engine import open_engine

__all__ = ["TableSource", "open_source", "reading"]

TEXT_ENDINGS = (".csv", ".tsv", ".txt", ".csv.gz", ".tsv.gz", ".txt.gz")
PARQUET_ENDINGS = (".parquet", ".pq")


@dataclass(frozen=True, slots=True)
class TableSource:
    """Where a table is, and how its columns and times are to be understood.

    Parameters
    ----------
    source : CSV or Parquet path or glob; pandas, Polars or Arrow table; Ibis table; or database URL with the
        table's name, such as "duckdb:///shop.db::orders"
    columns : patron's name → your name, for the columns whose names differ
    time_zone : zone of the business, such as "Europe/Berlin". Times that carry a zone become wall-clock times of
        this zone; without it, of the zone that a frame's column names, and of UTC otherwise
    naive_time_zone : zone of the times that carry none, such as "UTC"; None takes them as business-local
    day_first : for dates such as 02/03/2024: True reads 2 March, False 3 February, None lets the column decide
        (some day is past the 12th) or raises when it cannot

    Raises
    ------
    SettingsError : a time zone is unknown

    Examples
    --------
    >>> TableSource("shop.csv", columns={"customer_id": "Customer ID"}, time_zone="Europe/Berlin").holds_text
    True
    >>> TableSource("shop.csv", time_zone="Berlin")
    Traceback (most recent call last):
    patron.errors.SettingsError: time_zone 'Berlin' is unknown; perhaps 'Europe/Berlin' is meant. ...
    """

    source: Any
    columns: Mapping[str, str] = field(default_factory=dict)
    time_zone: str | None = None
    naive_time_zone: str | None = None
    day_first: bool | None = None

    def __post_init__(self) -> None:
        for setting in ("time_zone", "naive_time_zone"):
            _check_zone(setting, getattr(self, setting))

    @property
    def holds_text(self) -> bool:
        """Whether every column arrives as text, so that even ids have no type of their own."""
        given = self.source
        return isinstance(given, str | os.PathLike) and _ending(os.fspath(given), TEXT_ENDINGS)


def open_source(source: Any, name: str = "table", connection: Any = None) -> ir.Table:
    """A table with patron's column names, wherever it is; columns that no mapping names keep theirs.

    Parameters
    ----------
    source : a TableSource, or anything that its `source` may be
    name : what messages call the table
    connection : Ibis backend that shall read it; None opens a DuckDB

    Returns
    -------
    ir.Table, rows as they are at the source

    Raises
    ------
    SourceError : nothing is there, it cannot be read, or it is of a kind that patron does not know
    MissingColumnsError : the mapping names a column that the table lacks

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"Customer ID": [1], "when": ["2024-01-31"], "amount": [9.5]})
    >>> open_source(TableSource(frame, columns={"customer_id": "Customer ID", "order_at": "when"})).columns
    ('customer_id', 'order_at', 'amount')
    """
    wanted = source if isinstance(source, TableSource) else TableSource(source)
    connection = open_engine() if connection is None else connection
    with reading(name, wanted.source):
        table = _open(wanted, name, connection)
    for column, yours in wanted.columns.items():
        if yours not in table.columns:
            raise MissingColumnsError(name, [f"{yours} (mapped to {column})"], table.columns)
    mapped = {yours: column for column, yours in wanted.columns.items()}
    kept = [
        column
        for column in table.columns
        if mapped.get(column, column) == column and column not in wanted.columns
    ]
    return table.select(
        **{
            mapped.get(column, column): table[column]
            for column in table.columns
            if column in (*mapped, *kept)
        }
    )


@contextmanager
def reading(name: str, source: Any = None) -> Iterator[None]:
    """Turn whatever an engine raises while it reads a table into one SourceError sentence.

    Examples
    --------
    >>> with reading("transactions", "shop.parquet"):
    ...     raise duckdb.InvalidInputException("Invalid Input Error: No magic bytes found at end of file")
    Traceback (most recent call last):
    patron.errors.SourceError: table 'transactions': shop.parquet cannot be read: No magic bytes found at end of file.
    """
    try:
        yield
    except (duckdb.Error, pa.ArrowException, IbisError, OSError, UnicodeError) as error:
        where = f"{_words(source)} cannot be read: " if source is not None else "cannot be read: "
        raise SourceError(f"table {name!r}: {where}{_reason(error)}") from error


def _open(wanted: TableSource, name: str, connection: Any) -> ir.Table:
    given = wanted.source
    if isinstance(given, ir.Table):
        return _open_ibis(given, connection)
    if isinstance(given, str | os.PathLike):
        text = os.fspath(given)
        is_database = "::" in text or ("://" in text and not _ending(text, TEXT_ENDINGS + PARQUET_ENDINGS))
        return _open_database(text, name, connection) if is_database else _open_files(text, name, connection)
    return _register(_to_arrow(given, name, wanted.columns.get("customer_id", "customer_id")), connection)


def _open_ibis(table: ir.Table, connection: Any) -> ir.Table:
    backends, holds_frames = table._find_backends()
    if backends == [connection] and not holds_frames:
        return table
    return _register(table.to_pyarrow(), connection)


# --- files -----------------------------------------------------------------------------------------------------


def _open_files(text: str, name: str, connection: Any) -> ir.Table:
    remote = "://" in text
    files = [text] if remote else _matching(text, name)
    if all(_ending(file, PARQUET_ENDINGS) for file in files):
        return connection.read_parquet(files, **({"union_by_name": True} if len(files) > 1 else {}))
    if all(_ending(file, TEXT_ENDINGS) for file in files):
        return _open_text(files, name, connection)
    raise SourceError(
        f"table {name!r}: {some(files)} cannot be read: the name must end in {', '.join(TEXT_ENDINGS)} "
        f"or {', '.join(PARQUET_ENDINGS)}. Save the table as CSV (UTF-8) or Parquet."
    )


def _matching(text: str, name: str) -> list[str]:
    """The files that a path or glob names."""
    path = Path(text)
    if path.is_dir():
        raise SourceError(
            f"table {name!r}: {text} is a folder. Name its files, such as {text.rstrip('/')}/*.parquet."
        )
    if path.is_file():
        return [text]
    files = sorted(glob.glob(text, recursive=True))
    if files:
        return files
    there = sorted(other.name for other in path.parent.iterdir()) if path.parent.is_dir() else None
    found = (
        f"the folder {path.parent} does not exist"
        if there is None
        else f"{path.parent} holds {some(there) or 'nothing'}"
    )
    raise SourceError(f"table {name!r}: there is no file {text} ({found}). Check the path.")


def _open_text(files: Sequence[str], name: str, connection: Any) -> ir.Table:
    """Every column as text. The header alone settles the separator: guessing by rows would accept broken quotes."""
    headers = {file: _header(file, name) for file in files}
    separator, columns = headers[files[0]]
    for file, header in headers.items():
        if header != (separator, columns):
            raise SourceError(
                f"table {name!r}: {file} has the header {header[1]}, but {files[0]} has {columns}. "
                "Give files with the same columns in the same order."
            )
    return connection.read_csv(
        list(files),
        columns=dict.fromkeys(columns, "string"),
        auto_detect=False,
        header=True,
        delim=separator,
        quote='"',
        escape='"',
    )


def _header(file: str, name: str) -> tuple[str, list[str]]:
    """The separator and column names of a text file."""
    opened = gzip.open if file.lower().endswith(".gz") else open
    try:
        with opened(file, "rt", encoding="utf-8-sig", newline="") as lines:
            first = next(iter(lines), "")
            if "\r" in first.rstrip("\r\n"):  # old Mac line ends
                first = first.split("\r", 1)[0]
    except UnicodeDecodeError as error:
        raise SourceError(f"table {name!r}: {file} is not UTF-8 text. Save it as UTF-8.") from error
    outside_quotes = re.sub(r'"[^"]*"', "", first)
    separator = max(",;\t|", key=outside_quotes.count)
    columns = next(csv.reader([first.rstrip("\r\n")], delimiter=separator), [])
    if not columns:
        raise SourceError(f"table {name!r}: {file} is empty. The first line must name the columns.")
    folded = [column.casefold() for column in columns]
    unclear = sorted(
        {column for column in columns if not column.strip() or folded.count(column.casefold()) > 1}
    )
    if unclear:
        raise SourceError(
            f"table {name!r}: the first line of {file} must name each column once, but {unclear} is empty or repeated."
        )
    return separator, columns


# --- frames ----------------------------------------------------------------------------------------------------


def _to_arrow(given: Any, name: str, id_column: str) -> Any:
    """An Arrow table from a pandas, Polars or Arrow table, or from anything that speaks the Arrow stream."""
    if isinstance(given, pd.DataFrame):
        return _pandas_to_arrow(given, name, id_column)
    if not hasattr(given, "__arrow_c_stream__") and hasattr(given, "collect"):  # a lazy Polars frame
        given = given.collect()
    if hasattr(given, "__arrow_c_stream__"):
        return pa.table(given)
    raise SourceError(
        f"table {name!r} is a {type(given).__name__}, which cannot be read. Give a CSV or Parquet path, a pandas, "
        'Polars or Arrow table, an Ibis table, or a database URL such as "duckdb:///shop.db::orders".'
    )


def _pandas_to_arrow(frame: pd.DataFrame, name: str, id_column: str) -> Any:
    named_levels = [level for level in frame.index.names if level is not None and level not in frame.columns]
    if named_levels:
        frame = frame.reset_index(level=named_levels)
    labels = [str(label) for label in frame.columns]
    repeated = sorted({label for label in labels if labels.count(label) > 1})
    if repeated:
        raise SourceError(f"table {name!r} has the columns {repeated} more than once. Rename or drop them.")
    columns = {}
    for position, label in enumerate(labels):
        values = frame.iloc[:, position]
        try:
            columns[label] = pa.Array.from_pandas(values)
        except (pa.ArrowException, TypeError, ValueError, OverflowError) as error:
            if label == id_column:
                kinds = sorted({type(value).__name__ for value in values.dropna()})
                raise SourceError(
                    f"table {name!r}: the ids in {label!r} are of different types ({', '.join(kinds)}), so that none "
                    "could be given back as it was. Make them one type, such as text."
                ) from error
            # Other cells of mixed types are read as text; those that are no date or number are then rejected.
            columns[label] = pa.array(
                [None if pd.isna(value) else str(value) for value in values], pa.string()
            )
    return pa.table(columns)


def _register(arrow: Any, connection: Any) -> ir.Table:
    """An Arrow table as a table of the connection, without a copy where the engine is DuckDB."""
    if connection.name != "duckdb":
        return ibis.memtable(arrow)
    registered = ibis.util.gen_name("patron_frame")
    connection.con.register(registered, arrow)  # Ibis itself would refuse Arrow's UUIDs
    table = connection.table(registered)
    zones = {
        column.name: dt.Timestamp(timezone=column.type.tz)
        for column in arrow.schema
        if pa.types.is_timestamp(column.type) and column.type.tz is not None
    }
    return table.cast(zones)  # DuckDB forgets a column's own zone; the Ibis type remembers it


# --- databases -------------------------------------------------------------------------------------------------


def _open_database(text: str, name: str, connection: Any) -> ir.Table:
    url, _, table_name = text.rpartition("::")
    if not url:
        raise SourceError(
            f"table {name!r}: {_words(text)} does not say which table. Add it after two colons, "
            "such as duckdb:///shop.db::orders."
        )
    if connection.name == "duckdb" and ("://" not in url or url.startswith("duckdb://")):
        return _attach(url.removeprefix("duckdb://"), table_name, name, connection)
    try:
        backend = ibis.connect(url)
    except (ImportError, ValueError, AttributeError) as error:
        scheme = url.split("://")[0]
        raise SourceError(
            f"table {name!r}: Ibis cannot open {_words(text)}: {error}. A driver may be missing: "
            f"pip install 'ibis-framework[{scheme}]'."
        ) from error
    return _open_ibis(backend.table(table_name), connection)


def _attach(path: str, table_name: str, name: str, connection: Any) -> ir.Table:
    """A table of a DuckDB file, read where it is."""
    # duckdb:///shop.db names a relative path in SQLAlchemy's reading and an absolute one in Ibis's.
    file = next((there for there in (path, path.lstrip("/")) if Path(there).is_file()), None)
    if file is None:
        raise SourceError(f"table {name!r}: there is no database file {path}. Check the path.")
    catalog = ibis.util.gen_name("patron_database")
    connection.attach(file.replace("'", "''"), name=catalog, read_only=True)
    query = "SELECT table_schema, table_name FROM information_schema.tables WHERE table_catalog = ?"
    tables = connection.con.execute(query, [catalog]).fetchall()
    for schema, table in tables:
        if table_name in (table, f"{schema}.{table}"):
            return connection.table(table, database=(catalog, schema))
    there = some(sorted(table for _, table in tables)) or "none"
    raise SourceError(f"table {name!r}: {file} has no table {table_name!r}; it has {there}.")


# --- words -----------------------------------------------------------------------------------------------------


def _ending(text: str, endings: tuple[str, ...]) -> bool:
    return text.lower().endswith(endings)


def _words(source: Any) -> str:
    """A source as a message may show it: never a frame's rows, never a password."""
    if isinstance(source, str | os.PathLike):
        return re.sub(r"://[^/@]*@", "://…@", os.fspath(source))
    return f"the {type(source).__name__}"


def _reason(error: Exception) -> str:
    """One sentence from an engine's message, which is often a page long."""
    text = str(error)
    line = re.search(r"CSV Error on Line: (\d+)", text)
    at = f"line {line[1]}" if line else "it"
    if "unicode" in text.lower() or "utf-8" in text.lower():
        return f"{at} is not UTF-8 text. Save the file as UTF-8."
    if "unterminated quote" in text:
        return f"{at} opens a quote that is never closed. Close or remove it."
    if columns := re.search(r"Expected Number of Columns: (\d+) Found: (\d+)", text):
        return f"{at} has {columns[2]} columns where the header has {columns[1]}. Mend the line."
    first = next((part.strip() for part in text.splitlines() if part.strip()), type(error).__name__)
    plain = re.sub(r"^[A-Z][A-Za-z ]*Error: ", "", first)
    return plain if plain.endswith(".") else f"{plain}."


def _check_zone(setting: str, zone: str | None) -> None:
    if zone is None or zone in zoneinfo.available_timezones():
        return
    ends = sorted(
        known for known in zoneinfo.available_timezones() if known.lower().endswith(f"/{zone.lower()}")
    )
    guess = f"; perhaps {ends[0]!r} is meant" if ends else ""
    raise SettingsError(f"{setting} {zone!r} is unknown{guess}. Write it as in Europe/Berlin or UTC.")
