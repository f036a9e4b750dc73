"""Connect to a database table, and write to it in one transaction.

The differences between databases are here: how to wait for another writer, how to mark a parameter, and how
to insert rows. DuckDB reads Arrow directly and PostgreSQL a COPY stream; any other database of Ibis gets rows
through its own driver. ::

    with connected(table) as backend, transaction(backend, "scores") as step:
        step.create(table, schema)
        step.insert(table, rows)
"""

import datetime
import re
import sys
import time
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import duckdb
import ibis
import ibis.expr.datatypes as dt
import pyarrow as pa
import sqlglot as sg
import sqlglot.expressions as sge
from ibis.common.exceptions import TableNotFound

from patron.errors import MissingExtraError, PatronError, SettingsError, SourceError, without_password

__all__ = ["DatabaseTable", "Transaction", "absolute_url", "connected", "lacking", "table_of", "transaction"]

PATIENCE = 60.0
"""Seconds that a writer waits for another."""

CREATION = 0.5
"""Seconds that another process may take to write the first bytes of a new DuckDB file."""

_NEW = "not a valid DuckDB database file"

EXTRAS = {"postgresql": ("psycopg", "postgres"), "postgres": ("psycopg", "postgres")}
_ROWS = "patron_rows"
_SCHEMAS = {
    "sqlite": "SELECT name FROM pragma_database_list()",
    **dict.fromkeys(("duckdb", "postgres"), "SELECT schema_name FROM information_schema.schemata"),
}


@dataclass(frozen=True, slots=True)
class DatabaseTable:
    """A database table. Its URL may contain a password, so it is never shown.

    Attributes
    ----------
    url
        as Ibis connects to it
    name, schema
        of the table; schema None is the database's own
    """

    url: str = field(repr=False)
    name: str
    schema: str | None = None

    def __str__(self) -> str:
        return f"the table {self.name!r} of {self.database}"

    @property
    def database(self) -> str:
        """The URL without password, for messages."""
        return without_password(self.url).partition("?")[0]

    @property
    def scheme(self) -> str:
        """The kind of database: the scheme of its URL."""
        return self.url.partition("://")[0]


def absolute_url(url: str) -> str:
    """The URL with an absolute path, if it is that of a file, as Ibis reads it.

    duckdb:///crm.db is a relative path for SQLAlchemy, and an absolute one for Ibis.

    Parameters
    ----------
    url
        of a database, as it was named

    Examples
    --------
    >>> absolute_url("sqlite:////var/lib/crm.db")
    'sqlite:///var/lib/crm.db'
    """
    scheme, _, rest = url.partition("://")
    if scheme not in ("duckdb", "sqlite") or not rest.startswith("/"):
        return url
    absolute, relative = Path("/" + rest.lstrip("/")), Path(rest.lstrip("/"))
    is_relative = not rest.startswith("//") and not absolute.exists()
    if is_relative and (relative.exists() or str(absolute.parent) == "/" or not absolute.parent.is_dir()):
        return f"{scheme}://{relative.absolute()}"
    return f"{scheme}://{absolute}"


@contextmanager
def connected(table: DatabaseTable, to: Literal["read", "write"] = "write") -> Iterator[Any]:
    """The database as an Ibis backend; its errors become one sentence.

    Parameters
    ----------
    table
        which table
    to
        whether it is read or written, for the sentence

    Raises
    ------
    MissingExtraError
        the driver is not installed
    SettingsError
        Ibis knows no such database, or nothing written there would be kept
    SourceError
        the table cannot be read
    PatronError
        the database does not answer, or the table cannot be written

    Examples
    --------
    >>> import tempfile
    >>> table = DatabaseTable(f"duckdb://{tempfile.mkdtemp()}/crm.db", "scores")
    >>> with connected(table) as backend:
    ...     backend.name
    'duckdb'
    """
    try:
        backend = _connect(table.url)
        _refuse_what_is_not_kept(backend, table)
    except PatronError:
        raise
    except (ImportError, AttributeError, ValueError) as unknown:  # no driver, or no such database
        raise _unknown(table, unknown) from unknown
    except Exception as failed:  # every driver has errors of its own
        raise PatronError(f"Cannot connect to {table}: {_reason(failed)}.") from failed
    try:
        yield backend
    except PatronError:
        raise
    except Exception as failed:
        if to == "read":
            raise SourceError(f"Cannot read {table}: {_reason(failed)}.") from failed
        raise PatronError(f"Cannot write {table}: {_reason(failed)}. It is as it was before.") from failed
    finally:
        backend.disconnect()


def table_of(backend: Any, table: DatabaseTable) -> Any:
    """The Ibis table; None if there is none.

    Parameters
    ----------
    backend
        what `connected` yields
    table
        which table

    Raises
    ------
    SettingsError
        there is no such schema

    Examples
    --------
    >>> import tempfile
    >>> table = DatabaseTable(f"duckdb://{tempfile.mkdtemp()}/crm.db", "scores")
    >>> with connected(table) as backend:
    ...     table_of(backend, table) is None
    True
    """
    if table.schema is not None and table.schema.lower() not in _schemas(backend, table.schema):
        raise SettingsError(f"{table.database} has no schema {table.schema!r}. Make it, or name another.")
    try:
        return backend.table(table.name, database=table.schema)
    except TableNotFound:
        return None


def lacking(backend: Any, table: DatabaseTable, columns: Sequence[str]) -> list[str]:
    """The columns that a table lacks; none if it does not exist yet.

    Parameters
    ----------
    backend, table
        as in :func:`table_of`
    columns
        names that it must have

    Examples
    --------
    >>> import tempfile
    >>> table = DatabaseTable(f"duckdb://{tempfile.mkdtemp()}/crm.db", "scores")
    >>> with connected(table) as backend:
    ...     lacking(backend, table, ["customer_id"])
    []
    """
    found = table_of(backend, table)
    return [] if found is None else [name for name in columns if name not in found.columns]


@contextmanager
def transaction(backend: Any, turn: str) -> Iterator["Transaction"]:
    """One transaction, committed if the block succeeds and rolled back if it fails.

    Parameters
    ----------
    backend
        what `connected` yields
    turn
        writers with the same word wait for each other, before the first of them reads

    Examples
    --------
    >>> import tempfile
    >>> table = DatabaseTable(f"sqlite://{tempfile.mkdtemp()}/crm.db", "scores")
    >>> rows = pa.table({"customer_id": [7, 8]})
    >>> with connected(table) as backend, transaction(backend, "scores") as step:
    ...     step.create(table, rows.schema)
    ...     step.insert(table, rows)
    >>> with connected(table, "read") as backend:
    ...     table_of(backend, table).count().execute()
    2
    """
    if backend.name == "duckdb":  # a file belongs to one process at a time
        backend.con.begin()
        yield Transaction(backend, backend.con)
        backend.con.commit()
        return
    with backend.begin() as cursor:
        if backend.name == "sqlite":  # its driver begins too late: CREATE TABLE would be outside
            cursor.execute("BEGIN IMMEDIATE")
        if backend.name == "postgres":  # two writers may create one table at once
            cursor.execute(f"SET LOCAL lock_timeout = {PATIENCE * 1000:.0f}")
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [zlib.crc32(turn.encode())])
        yield Transaction(backend, cursor)


class Transaction:
    """The statements of one transaction, in the dialect of its database; `transaction` begins and ends it.

    Parameters
    ----------
    backend
        what `connected` yields
    cursor
        of the driver, inside a transaction

    Attributes
    ----------
    mark
        the placeholder of a value in a statement
    """

    def __init__(self, backend: Any, cursor: Any) -> None:
        self._kind, self._dialect, self._cursor = backend.name, backend.dialect, cursor
        driver = sys.modules[type(backend.con).__module__.partition(".")[0]]
        self.mark = "?" if getattr(driver, "paramstyle", "qmark") == "qmark" else "%s"

    def create(
        self, table: DatabaseTable, schema: pa.Schema, *, key: Sequence[str] = (), temporary: bool = False
    ) -> None:
        """Create a table with these columns unless it exists, with `key` as its primary key.

        Parameters
        ----------
        table
            to be created
        schema
            columns and their types
        key
            columns of the primary key; none if empty
        temporary
            whether it is dropped with the connection
        """
        types = ibis.schema({column.name: _type(column.type) for column in schema})
        columns = [column.sql(self._dialect) for column in types.to_sqlglot_column_defs(self._dialect)]
        if key:
            columns.append(f"PRIMARY KEY ({self.names(key)})")
        made = "TEMPORARY TABLE" if temporary else "TABLE"
        self.execute(f"CREATE {made} IF NOT EXISTS {self.name(table)} ({', '.join(columns)})")

    def insert(self, table: DatabaseTable, rows: pa.Table) -> None:
        """Add rows.

        Parameters
        ----------
        table
            which table
        rows
            with the names of its columns
        """
        name, columns = self.name(table), self.names(rows.column_names)
        if self._kind == "duckdb":
            self._cursor.register(_ROWS, rows)
            self._cursor.execute(f"INSERT INTO {name} ({columns}) SELECT {columns} FROM {_ROWS}")
            self._cursor.unregister(_ROWS)
        elif self._kind == "postgres":
            with self._cursor.copy(f"COPY {name} ({columns}) FROM STDIN") as stream:
                for row in self._tuples(rows):
                    stream.write_row(row)
        else:
            marks = ", ".join([self.mark] * rows.num_columns)
            self._cursor.executemany(
                f"INSERT INTO {name} ({columns}) VALUES ({marks})",
                self._tuples(rows),
            )

    def execute(self, statement: str, values: Sequence[Any] = ()) -> None:
        """Execute a statement.

        Parameters
        ----------
        statement
            SQL
        values
            one per mark
        """
        self._cursor.execute(statement, [self._plain(value) for value in values])

    def rows(self, query: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """All rows of a query.

        Parameters
        ----------
        query
            SQL
        values
            one per mark
        """
        self.execute(query, values)
        return list(self._cursor.fetchall())

    def name(self, table: DatabaseTable) -> str:
        """The quoted name of a table.

        Parameters
        ----------
        table
            which table
        """
        return str(sge.table_(table.name, db=table.schema, quoted=True).sql(self._dialect))

    def names(self, columns: Sequence[str]) -> str:
        """The quoted names of columns, separated by commas.

        Parameters
        ----------
        columns
            unquoted names
        """
        return ", ".join(sg.to_identifier(name, quoted=True).sql(self._dialect) for name in columns)

    def _tuples(self, rows: pa.Table) -> Iterator[tuple[Any, ...]]:
        return zip(*(self._values(column) for column in rows.columns), strict=True)

    def _values(self, column: pa.ChunkedArray) -> list[Any]:
        if pa.types.is_temporal(column.type):  # few distinct values, and slow to convert
            coded = column.combine_chunks().dictionary_encode()
            values = [self._plain(value) for value in coded.dictionary.to_pylist()]
            return [None if code is None else values[code] for code in coded.indices.to_pylist()]
        if isinstance(column.type, pa.BaseExtensionType):
            return [self._plain(value) for value in column.to_pylist()]
        return list(column.to_pylist())

    def _plain(self, value: Any) -> Any:
        """The value as the driver accepts it: SQLite has no type for dates and UUIDs, so they are text."""
        if self._kind != "sqlite" or value is None or isinstance(value, int | float | str):
            return value
        return value.isoformat() if isinstance(value, datetime.date) else str(value)


def _connect(url: str) -> Any:
    """The backend; waits for a DuckDB file that another process holds, or is just creating."""
    begun = time.monotonic()
    while True:
        try:
            backend = ibis.connect(url)
        except duckdb.IOException as held:
            patience = PATIENCE if "lock is held" in str(held) else CREATION if _NEW in str(held) else 0.0
            if time.monotonic() > begun + patience:
                raise
            time.sleep(0.05)
            continue
        if backend.name == "sqlite":
            backend.con.execute(f"PRAGMA busy_timeout = {PATIENCE * 1000:.0f}")
        return backend


def _schemas(backend: Any, wanted: str) -> set[str]:
    """The schemas of the database in lower case; the wanted one if the database cannot list them."""
    query = _SCHEMAS.get(backend.name)
    if query is None:
        return {wanted.lower()}
    return {str(name).lower() for (name,) in backend.con.execute(query).fetchall()}


def _refuse_what_is_not_kept(backend: Any, table: DatabaseTable) -> None:
    """DuckDB also opens a Parquet or CSV file, but as a view in memory that ends with the process."""
    if backend.name != "duckdb":
        return
    query = "SELECT path FROM duckdb_databases() WHERE database_name = current_database()"
    if backend.con.execute(query).fetchall() == [(None,)]:
        backend.disconnect()
        raise SettingsError(f"{table.database} is not a database: nothing would be kept. Name another file.")


def _unknown(table: DatabaseTable, why: Exception) -> Exception:
    if table.scheme in EXTRAS and not isinstance(why, ValueError):
        return MissingExtraError(*EXTRAS[table.scheme], "Writing to PostgreSQL")
    if table.scheme in EXTRAS:
        return SettingsError(
            f"The {table.scheme} URL cannot be read. In a password write / as %2F, @ as %40 and : as %3A."
        )
    return SettingsError(
        f"--to names a database of the kind {table.scheme!r}, which Ibis does not know or has no driver for: "
        f"pip install 'ibis-framework[{table.scheme}]' may help."
    )


def _type(arrow: pa.DataType) -> dt.DataType:
    return dt.uuid if str(arrow) == "extension<arrow.uuid>" else dt.DataType.from_pyarrow(arrow)


def _reason(error: Exception) -> str:
    text = str(error)
    if holder := re.search(r"lock is held in .*\(PID (\d+)\)", text):
        return f"another program (process {holder[1]}) has had the file open for {PATIENCE:.0f} seconds"
    if "Unique file handle conflict" in text:
        return "this job is reading tables from the same file, so name another"
    first = next((line.strip() for line in text.splitlines() if line.strip()), type(error).__name__)
    return without_password(first).rstrip(".")
