"""A path, frame, database URL or Ibis table → an Ibis table with patron's column names.

Files and DuckDB databases are read by DuckDB itself, whenever a query needs them: their rows never pass
through pandas.
"""

import difflib
import os
import re
import zlib
import zoneinfo
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import ibis
import ibis.expr.types as ir
import pyarrow as pa
from ibis.common.exceptions import IbisError, TableNotFound

from patron.errors import PatronError, SettingsError, SourceError, TableError, some, without_password
from patron.tables.engine import open_engine, store
from patron.tables.files import is_text_file, open_files
from patron.tables.frames import open_frame, register
from patron.tables.spark import has_stopped, is_spark_frame, on_spark, open_spark, spark_errors

__all__ = ["TableSource", "backends_of", "open_source", "reading"]


@dataclass(frozen=True, slots=True)
class TableSource:
    """Where a table is, its column mapping, and how its times are read.

    Parameters
    ----------
    source
        CSV or Parquet path or glob; pandas, Polars or Arrow table; Ibis table; or database URL with the
        table's name, such as "duckdb:///shop.db::orders"
    columns
        patron's name → your name, for the columns whose names differ
    time_zone
        zone of the business, such as "Europe/Berlin". Times that carry a zone become wall-clock
        times of this zone; without it, of the zone that a frame's column names, and of UTC otherwise
    naive_time_zone
        zone of the times that carry none, such as "UTC"; None takes them as business-local
    day_first
        for dates such as 02/03/2024: True reads 2 March, False 3 February, None infers it from the column
        (some day is past the 12th) and raises if that is impossible

    Raises
    ------
    SettingsError
        a time zone is unknown

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
        return isinstance(given, str | os.PathLike) and is_text_file(os.fspath(given))


def open_source(source: Any, name: str = "table", connection: Any = None) -> ir.Table:
    """A table with patron's column names, from any source; unmapped columns keep their names.

    Parameters
    ----------
    source
        a TableSource, or anything that its `source` may be
    name
        what messages call the table
    connection
        Ibis backend that reads it; None opens a DuckDB

    Returns
    -------
    ir.Table
        rows as they are at the source

    Raises
    ------
    SourceError
        the source is missing, cannot be read, or is of an unknown kind
    TableError
        the mapping names a column that the table lacks

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"Customer ID": [1], "when": ["2024-01-31"], "amount": [9.5]})
    >>> open_source(TableSource(frame, columns={"customer_id": "Customer ID", "order_at": "when"})).columns
    ('amount', 'customer_id', 'order_at')
    """
    wanted = source if isinstance(source, TableSource) else TableSource(source)
    connection = open_engine() if connection is None else connection
    with reading(name, wanted.source):
        table = _open(wanted, name, connection)
    for column, yours in wanted.columns.items():
        if yours not in table.columns:
            close = difflib.get_close_matches(yours, table.columns, n=1)
            raise TableError(
                f"table {name!r}: columns maps {column} to {yours!r}, but it has {sorted(table.columns)}. "
                + (f"Perhaps {close[0]!r} is meant." if close else "Map it to one of these.")
            )
    others = [column for column in table.columns if column not in {*wanted.columns, *wanted.columns.values()}]
    return table.select(*others, **{column: table[yours] for column, yours in wanted.columns.items()})


@contextmanager
def reading(name: str, source: Any = None) -> Iterator[None]:
    """A block in which every error of an engine that reads a table becomes one SourceError sentence.

    Parameters
    ----------
    name
        what messages call the table
    source
        where it is, for the message

    Examples
    --------
    >>> with reading("transactions", "a.parquet"):
    ...     raise duckdb.InvalidInputException("Invalid Input Error: No magic bytes found at end")
    Traceback (most recent call last):
    patron.errors.SourceError: table 'transactions': a.parquet cannot be read: No magic bytes found at end.
    """
    try:
        yield
    except _unreadable() as error:
        if has_stopped(error):
            raise PatronError("Spark has stopped answering while it read the tables.") from error
        where = f"{_words(source)} cannot be read: " if source is not None else "cannot be read: "
        raise SourceError(f"table {name!r}: {where}{_reason(error)}") from error


def _unreadable() -> tuple[type[BaseException], ...]:
    """The exceptions of engines that read."""
    of_duckdb = (duckdb.Error, pa.ArrowException, IbisError, OSError, EOFError, zlib.error, UnicodeError)
    return (*of_duckdb, *spark_errors())


def backends_of(table: ir.Table) -> list[Any]:
    """The backends that hold an Ibis table; none if it consists of frames.

    Parameters
    ----------
    table
        any Ibis table

    Examples
    --------
    >>> backends_of(ibis.memtable({"customer_id": [1]}))
    []
    """
    backends, _ = table._find_backends()
    return list(backends)


def _open(wanted: TableSource, name: str, connection: Any) -> ir.Table:
    given = wanted.source
    if isinstance(given, ir.Table):
        return _open_ibis(given, connection)
    if is_spark_frame(given):
        return _open_ibis(open_spark(given.sparkSession).adopt(given), connection)
    if isinstance(given, str | os.PathLike):
        text = os.fspath(given)
        if connection.name == "pyspark" and (place := _place_of_spark(text)):
            return connection.open(*place)
        is_database = "::" in text or "://" in text
        return _open_database(text, name, connection) if is_database else open_files(text, name, connection)
    return open_frame(given, name, wanted.columns.get("customer_id", "customer_id"), connection)


def _open_ibis(table: ir.Table, connection: Any) -> ir.Table:
    """The Ibis table itself if the connection can reach it, otherwise a copy."""
    backends = backends_of(table)
    if backends == [connection]:
        return table
    if backends and connection.name == backends[0].name == "pyspark":
        return connection.adopt(on_spark(backends[0]).frame_of(table))
    if connection.name == "duckdb" and backends and backends[0].name != "duckdb":
        batches = register(table.to_pyarrow_batches(), connection)  # a stream can be read only once
        return store(connection, batches, "copy")
    return register(table.to_pyarrow(), connection)


def _place_of_spark(text: str) -> tuple[str, str] | None:
    """The kind and place of a source that Spark opens: a catalogue table, a folder, or remote files."""
    if text.startswith("spark::"):
        return "table", text.removeprefix("spark::")
    return ("parquet", text) if Path(text).is_dir() or ("://" in text and "::" not in text) else None


def _open_database(text: str, name: str, connection: Any) -> ir.Table:
    url, _, table_name = text.rpartition("::")
    if not url:
        raise SourceError(
            f"table {name!r}: {_words(text)} names no table of the database. Add it after two colons, such "
            "as duckdb:///shop.db::orders. Files are read from this machine only."
        )
    if "://" not in url or url.startswith("duckdb://"):
        engine = connection if connection.name == "duckdb" else open_engine()
        return _open_ibis(_attach(url.removeprefix("duckdb://"), table_name, name, engine), connection)
    if url.startswith("sqlite://"):
        path, mark, options = url.removeprefix("sqlite://").partition("?")
        url = f"sqlite://{_database_file(path, name).absolute()}{mark}{options}"
    try:
        backend = ibis.connect(url)
        try:
            return _open_ibis(_table_of(backend, url, table_name, name), connection)
        finally:
            backend.disconnect()  # the table has been copied over
    except SourceError:
        raise
    except Exception as error:  # every database has a driver with errors of its own
        missing = isinstance(
            error, ImportError | AttributeError
        )  # Ibis knows no such backend, or lacks its driver
        remedy = f" pip install 'ibis-framework[{url.split('://')[0]}]' may help." if missing else ""
        raise SourceError(
            f"table {name!r}: {_words(text)} cannot be read: {_reason(error)}{remedy}"
        ) from error


def _table_of(backend: Any, url: str, table_name: str, name: str) -> ir.Table:
    """A table by its name, or by schema.name."""
    schema, _, plain = table_name.rpartition(".")
    try:
        return backend.table(plain, database=schema or None)
    except TableNotFound:
        raise _no_table(name, url, table_name, backend.list_tables(database=schema or None)) from None


def _attach(path: str, table_name: str, name: str, connection: Any) -> ir.Table:
    """A table of an attached DuckDB file."""
    file = _database_file(path, name)
    catalog = ibis.util.gen_name("patron_database")
    connection.attach(str(file).replace("'", "''"), name=catalog, read_only=True)
    query = "SELECT table_schema, table_name FROM information_schema.tables WHERE table_catalog = ?"
    tables = connection.con.execute(query, [catalog]).fetchall()
    for schema, table in tables:
        if table_name in (table, f"{schema}.{table}"):
            return connection.table(table, database=(catalog, schema))
    raise _no_table(name, file, table_name, [table for _, table in tables])


def _database_file(path: str, name: str) -> Path:
    """The file of a database URL.

    In duckdb:///shop.db, SQLAlchemy reads a relative path, Ibis an absolute one.
    """
    file = next((Path(there) for there in (path, path.lstrip("/")) if Path(there).is_file()), None)
    if file is None:
        raise SourceError(f"table {name!r}: there is no database file {path}. Check the path.")
    return file


def _no_table(name: str, where: str | Path, table_name: str, tables: Iterable[str]) -> SourceError:
    there = some(sorted(tables)) or "none"
    return SourceError(f"table {name!r}: {_words(where)} has no table {table_name!r}; it has {there}.")


def _words(source: Any) -> str:
    """A source for a message: never a frame's rows, never a password."""
    if isinstance(source, str | os.PathLike):
        return without_password(os.fspath(source))
    return f"the {type(source).__name__}"


def _reason(error: BaseException) -> str:
    """One sentence from an engine's message, which is often a page long."""
    text = _words(str(error))
    line = re.search(r"CSV Error on Line: (\d+)", text)
    at = f"line {line[1]}" if line else "it"
    if "unicode" in text.lower() or "utf-8" in text.lower():
        return f"{at} is not UTF-8 text. Save the file as UTF-8."
    if "unterminated quote" in text:
        return f"{at} opens a quote that is never closed. Close or remove it."
    if columns := re.search(r"Expected Number of Columns: (\d+) Found: (\d+)", text):
        return f"{at} has {columns[2]} columns where the header has {columns[1]}. Correct the line."
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
