"""Scorecards into a table of a database: all rows in one transaction, or none.

A row is known by customer_id, as_of and model_version. A row that is there already gives way to the new one;
rows of other days, models and customers stay. So a job that runs twice leaves what it left the first time.
"""

import re
import uuid
from collections.abc import Sequence
from pathlib import Path

import pyarrow.parquet as pq

from patron.errors import SettingsError, some
from patron.storage.databases import DatabaseTable, absolute_url, connected, lacking, transaction

__all__ = ["DatabaseTable", "check_table", "read_database_table", "upsert"]

DEFAULT_TABLE = "scorecard"
KEY = ("customer_id", "as_of", "model_version")
NO_NAME = re.compile(r"::[^\]/]*$")  # but [::1] is an address
NOT_KEPT = re.compile(r"(duckdb|sqlite)://(/*(:memory:)?|.*\.(parquet|csv|json))", re.IGNORECASE)


def read_database_table(text: str) -> DatabaseTable:
    """What ``--to`` names: a database URL, and after two colons the table.

    Raises
    ------
    SettingsError
        it is no URL, the name is none of a table, or nothing written there would stay

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
    if NO_NAME.search(found["url"]):
        raise SettingsError(
            "What follows the two colons of --to names no table. Write letters, digits and underscores, "
            "after a schema and a dot if need be, such as ::marketing.scorecard."
        )
    if NOT_KEPT.fullmatch(found["url"]):
        raise SettingsError(
            "--to names no file that holds a database, so nothing would be kept. Name one, such as "
            "duckdb:///crm.db::scorecard; for a Parquet or CSV file there is --out."
        )
    return DatabaseTable(absolute_url(found["url"]), found["name"] or DEFAULT_TABLE, found["schema"])


def check_table(table: DatabaseTable, columns: Sequence[str]) -> None:
    """Make sure, before the work, that the database answers and that its table can take these columns.

    Raises
    ------
    MissingExtraError
        the driver is not installed
    SettingsError
        Ibis knows no such database, it has no such schema, or the table lacks a column
    PatronError
        the database does not answer
    """
    with connected(table) as backend:
        missing = lacking(backend, table, columns)
    if missing:
        raise SettingsError(
            f"{table} lacks the columns {some(missing)} of the scorecard. Add them, or name another table."
        )


def upsert(table: DatabaseTable, parts: Sequence[Path]) -> None:
    """Write the rows of the parts in one transaction, in place of those with the same key.

    Parameters
    ----------
    table
        made if it is not there
    parts
        Parquet files with the columns of a scorecard, all of one as_of and model_version

    Raises
    ------
    PatronError
        the database refuses; then it is as it was before
    """
    schema = pq.read_schema(parts[0])
    staged = DatabaseTable(table.url, f"patron_{uuid.uuid4().hex}")  # it would hide a table of the same name
    first = pq.read_table(parts[0], columns=list(KEY[1:])).slice(0, 1).to_pylist()[0]
    version = first["model_version"]
    with connected(table) as backend, transaction(backend, table.name) as step:
        step.create(table, schema)
        step.create(staged, schema, temporary=True)
        for part in parts:
            step.insert(staged, pq.read_table(part))
        target, source, columns = step.name(table), step.name(staged), step.names(schema.names)
        step.execute(
            f"DELETE FROM {target} WHERE as_of = {step.mark} "
            f"AND model_version {'IS NULL' if version is None else f'= {step.mark}'} "
            f"AND customer_id IN (SELECT customer_id FROM {source})",
            [first["as_of"]] if version is None else [first["as_of"], version],
        )
        step.execute(f"INSERT INTO {target} ({columns}) SELECT {columns} FROM {source}")
        step.execute(f"DROP TABLE {source}")
