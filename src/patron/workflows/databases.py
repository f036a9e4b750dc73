"""Scorecards into a table of a database: all rows in one transaction, or none.

A row is known by customer_id, as_of and model_version. A row that is there already gives way to the new one;
rows of other days, models and customers stay. So a job that runs twice leaves what it left the first time.
DuckDB reads the parts itself; any other database that Ibis connects to gets them into a temporary table, row
by row through its own driver.
"""

import datetime
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import ibis
import ibis.expr.datatypes as dt
import pyarrow as pa
import pyarrow.parquet as pq
import sqlglot as sg
import sqlglot.expressions as sge
from ibis.common.exceptions import TableNotFound

from patron.errors import MissingExtraError, PatronError, SettingsError, some

__all__ = ["DatabaseTable", "check_table", "read_database_table", "upsert"]

DEFAULT_TABLE, STAGED = "scorecard", "patron_scores"
EXTRAS = {"postgresql": ("psycopg", "postgres"), "postgres": ("psycopg", "postgres")}
KEY = ("customer_id", "as_of", "model_version")


@dataclass(frozen=True, slots=True)
class DatabaseTable:
    """A table of a database. Its URL may hold a password, so it is never shown.

    Attributes
    ----------
    url : as Ibis connects to it
    name, schema : of the table; schema None is the database's own
    """

    url: str = field(repr=False)
    name: str
    schema: str | None = None

    def __str__(self) -> str:
        shown = re.sub(r"://[^/@]*@", "://…@", self.url).partition("?")[0]
        return f"the table {self.name!r} of {shown}"

    @property
    def scheme(self) -> str:
        """The kind of database, as its URL says."""
        return self.url.partition("://")[0]


def read_database_table(text: str) -> DatabaseTable:
    """What ``--to`` names: a database URL, and after two colons the table.

    Raises
    ------
    SettingsError : it is no URL

    Examples
    --------
    >>> print(read_database_table("postgresql://ann:secret@db/crm::marketing.scores"))
    the table 'scores' of postgresql://…@db/crm
    >>> read_database_table("sqlite:///crm.db").name
    'scorecard'
    """
    found = re.fullmatch(r"(?P<url>[a-z0-9+]+://.*?)(::((?P<schema>\w+)\.)?(?P<name>\w+))?", text)
    if found is None:
        raise SettingsError(
            "--to names no database. Write its URL and, after two colons, the table, such as "
            "duckdb:///crm.db::scorecard or postgresql://user@host/crm::scorecard."
        )
    return DatabaseTable(_with_path(found["url"]), found["name"] or DEFAULT_TABLE, found["schema"])


def check_table(table: DatabaseTable, columns: Sequence[str]) -> None:
    """Make sure, before the work, that the database answers and that its table can take these columns.

    Raises
    ------
    MissingExtraError : the driver is not installed
    SettingsError : Ibis knows no such database, or the table lacks a column
    PatronError : the database does not answer
    """
    with _connected(table) as backend:
        found = _columns(backend, table)
    missing = [] if found is None else [name for name in columns if name not in found]
    if missing:
        raise SettingsError(
            f"{table} lacks the columns {some(missing)} of the scorecard. Add them, or name another table."
        )


def upsert(table: DatabaseTable, parts: Sequence[Path]) -> None:
    """Write the rows of the parts in one transaction, in place of those with the same key.

    Parameters
    ----------
    table : made if it is not there
    parts : Parquet files with the columns of a scorecard, all of one as_of and model_version

    Raises
    ------
    PatronError : the database refuses; then it is as it was before
    """
    schema = pq.read_schema(parts[0])
    first = pq.read_table(parts[0], columns=list(KEY[1:])).slice(0, 1).to_pylist()[0]
    with _connected(table) as backend:
        words = _Words(backend.dialect, table, schema)
        if backend.name == "duckdb":
            _into_duckdb(backend.con, words, parts, first)
            return
        with backend.begin() as cursor:
            if backend.name == "sqlite":  # whose driver begins too late: creating a table would be outside
                cursor.execute("BEGIN IMMEDIATE")
            cursor.execute(words.create)
            if backend.name == "postgres":  # two jobs that both find nothing to delete would both insert
                cursor.execute(f"LOCK TABLE {words.table} IN SHARE ROW EXCLUSIVE MODE")
            cursor.execute(words.create_staged)
            mark = _mark(backend)
            into = f"INSERT INTO {words.staged} ({words.columns}) VALUES ({', '.join([mark] * len(schema))})"
            for part in parts:
                cursor.executemany(into, _rows(pq.read_table(part), plain=backend.name == "sqlite"))
            cursor.execute(*words.delete(first, mark, plain=backend.name == "sqlite"))
            cursor.execute(words.insert)
            cursor.execute(f"DROP TABLE {words.staged}")


class _Words:
    """The statements, in the words of one database."""

    def __init__(self, dialect: Any, table: DatabaseTable, schema: pa.Schema) -> None:
        self.table = sge.table_(table.name, db=table.schema, quoted=True).sql(dialect)
        self.staged = sg.to_identifier(STAGED, quoted=True).sql(dialect)
        self.columns = ", ".join(sg.to_identifier(name, quoted=True).sql(dialect) for name in schema.names)
        types = ibis.schema({column.name: _type(column.type) for column in schema})
        defined = ", ".join(column.sql(dialect) for column in types.to_sqlglot_column_defs(dialect))
        temporary = sge.Create(
            kind="TABLE",
            this=sg.to_identifier(STAGED, quoted=True),
            properties=sge.Properties(expressions=[sge.TemporaryProperty()]),
        )
        self.create = f"CREATE TABLE IF NOT EXISTS {self.table} ({defined})"
        self.create_staged = f"{temporary.sql(dialect)} ({defined})"
        self.insert = f"INSERT INTO {self.table} ({self.columns}) SELECT {self.columns} FROM {self.staged}"

    def delete(self, first: dict[str, Any], mark: str, plain: bool = False) -> tuple[str, list[Any]]:
        """The statement that removes the rows with the same key, and its values."""
        as_of, version = first["as_of"], first["model_version"]
        values = [as_of.isoformat() if plain else as_of] + ([] if version is None else [version])
        same = "IS NULL" if version is None else f"= {mark}"
        return (
            f"DELETE FROM {self.table} WHERE as_of = {mark} AND model_version {same} "
            f"AND customer_id IN (SELECT customer_id FROM {self.staged})"
        ), values


def _into_duckdb(connection: Any, words: _Words, parts: Sequence[Path], first: dict[str, Any]) -> None:
    files = [str(part) for part in parts]
    connection.execute("BEGIN TRANSACTION")
    connection.execute(words.create)
    connection.execute(words.create_staged)
    connection.execute(
        f"INSERT INTO {words.staged} ({words.columns}) SELECT {words.columns} FROM read_parquet(?)", [files]
    )
    connection.execute(*words.delete(first, "?"))
    connection.execute(words.insert)
    connection.execute(f"DROP TABLE {words.staged}")
    connection.execute("COMMIT")


@contextmanager
def _connected(table: DatabaseTable) -> Iterator[Any]:
    """The database; whatever goes wrong with it is told in one sentence."""
    try:
        backend = ibis.connect(table.url)
    except (ImportError, AttributeError) as missing:  # Ibis lacks the driver, or knows no such database
        raise _unknown(table) from missing
    except ValueError as refused:
        raise _unknown(table) from refused
    except Exception as failed:  # every driver has errors of its own
        raise PatronError(f"Cannot connect to {table}: {_reason(failed)}.") from failed
    try:
        yield backend
    except PatronError:
        raise
    except Exception as failed:
        raise PatronError(f"Cannot write {table}: {_reason(failed)}. It is as it was before.") from failed
    finally:
        backend.disconnect()


def _unknown(table: DatabaseTable) -> Exception:
    if table.scheme in EXTRAS:
        return MissingExtraError(*EXTRAS[table.scheme], "Writing scores to PostgreSQL")
    return SettingsError(
        f"--to names a database of the kind {table.scheme!r}, which Ibis does not know or has no driver for: "
        f"pip install 'ibis-framework[{table.scheme}]' may help."
    )


def _columns(backend: Any, table: DatabaseTable) -> tuple[str, ...] | None:
    """The columns of the table; None where there is none."""
    try:
        columns: tuple[str, ...] = backend.table(table.name, database=table.schema).columns
    except TableNotFound:
        return None
    return columns


def _rows(rows: pa.Table, *, plain: bool) -> list[tuple[Any, ...]]:
    columns = [column.to_pylist() for column in rows.columns]
    if plain:
        columns = [[_plain(value) for value in column] for column in columns]
    return list(zip(*columns, strict=True))


def _plain(value: Any) -> Any:
    """As SQLite holds it: a date or an id of no type of its own is text."""
    if value is None or isinstance(value, int | float | str):
        return value
    return value.isoformat() if isinstance(value, datetime.date) else str(value)


def _type(arrow: pa.DataType) -> dt.DataType:
    return dt.uuid if str(arrow) == "extension<arrow.uuid>" else dt.DataType.from_pyarrow(arrow)


def _mark(backend: Any) -> str:
    """What stands for a value in a statement of this driver."""
    driver = sys.modules[type(backend.con).__module__.partition(".")[0]]
    return "?" if getattr(driver, "paramstyle", "qmark") == "qmark" else "%s"


def _reason(error: Exception) -> str:
    first = next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
    return re.sub(r"://[^/@\s]*@", "://…@", first).rstrip(".")


def _with_path(url: str) -> str:
    """duckdb:///crm.db is a relative path in SQLAlchemy's reading, and an absolute one in Ibis's."""
    scheme, _, rest = url.partition("://")
    if scheme not in ("duckdb", "sqlite") or not rest.startswith("/"):
        return url
    absolute, relative = Path("/" + rest.lstrip("/")), Path(rest.lstrip("/"))
    is_relative = not rest.startswith("//") and not absolute.exists()
    if is_relative and (relative.exists() or str(absolute.parent) == "/" or not absolute.parent.is_dir()):
        return f"{scheme}://{relative.absolute()}"
    return f"{scheme}://{absolute}"
