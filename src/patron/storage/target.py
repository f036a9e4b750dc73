"""Where a scorecard is written: a file, a folder partitioned by a column, or a database table.

In a database a row is identified by customer_id, as_of and model_version. An existing row is replaced by the
new one; rows of other days, models and customers stay. So running a job twice leaves what the first run left.
"""

import re
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from patron.errors import PatronError, SettingsError, some
from patron.scores.arrow import schema_of
from patron.scores.columns import SCORECARD_COLUMNS
from patron.storage.atomic_files import check_folder, check_target
from patron.storage.databases import DatabaseTable, absolute_url, connected, lacking, transaction
from patron.storage.parquet_output import (
    STEM,
    check_partition,
    publish_file,
    publish_folder,
    put_back,
    refuse_strangers,
)
from patron.tracking.store import project_root

__all__ = ["Target", "check_table", "choose_target", "read_database_table", "upsert"]

DEFAULT_TABLE = "scorecard"
SCORECARD_KEY = ("customer_id", "as_of", "model_version")
NO_NAME = re.compile(r"::[^\]/]*$")  # but [::1] is an address
NOT_KEPT = re.compile(r"(duckdb|sqlite)://(/*(:memory:)?|.*\.(parquet|csv|json))", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Target:
    """Where the scorecard is written.

    Attributes
    ----------
    path
        the file or folder; None for a database
    partition_by
        column of the folders; None for a file
    table
        of the database; None for a file or folder
    """

    path: Path | None = None
    partition_by: str | None = None
    table: DatabaseTable | None = None

    def __str__(self) -> str:
        return str(self.table or self.path)

    @property
    def place(self) -> Path:
        """The path next to which the job works; for a database it lies in patron's own store."""
        if self.path is not None:
            return self.path.absolute()
        name = f"{self.table}".encode()
        return project_root() / "mlruns" / "work" / sha256(name).hexdigest()[:16]

    def publish(self, shards: Sequence[Path], folder: Path) -> None:
        """Write the scorecard; the old scores stay until the new ones are complete.

        Parameters
        ----------
        shards
            Parquet files of the scorecard
        folder
            of the job, where a new file or folder grows

        Raises
        ------
        PatronError
            the disk or the database refuses; the old scores are still there
        """
        if self.table is not None:
            upsert(self.table, shards)
        elif self.path is not None and self.partition_by is not None:
            publish_folder(shards, self.path, self.partition_by, folder)
        elif self.path is not None:
            publish_file(shards, self.path, folder)

    def put_back(self) -> None:
        """Restore the old folder where a job was killed between two renames."""
        if self.path is not None and self.partition_by is not None:
            put_back(self.path)

    def read(self, as_of: date, model_version: str | None) -> pa.Table:
        """The rows of one scoring, read back.

        Parameters
        ----------
        as_of, model_version
            of that scoring

        Raises
        ------
        PatronError
            they are in a database, which has better ways to read them
        """
        if self.path is None:
            raise PatronError(f"The scores are in {self}. Read them there.")
        if self.partition_by is not None:
            return _read_folder(self.path, self.partition_by, as_of, model_version)
        if self.path.suffix.lower() == ".csv":
            return _read_csv(self.path)
        return pq.read_table(self.path)


def choose_target(
    out: Path | None = None, to: str | None = None, partition_by: str | None = None
) -> Target | None:
    """Where the scorecard is written, checked before the work starts; None for nowhere.

    Parameters
    ----------
    out
        Parquet or CSV file; with `partition_by` a folder of Parquet files
    to
        URL of a database and its table, such as ``duckdb:///crm.db::scorecard``
    partition_by
        column of the scorecard with few values, or None

    Raises
    ------
    SettingsError
        two targets are named, or one that cannot be written to
    PatronError
        the database does not answer

    Examples
    --------
    >>> print(choose_target(Path("scores.csv")))
    scores.csv
    """
    if to is not None:
        if out is not None or partition_by is not None:
            raise SettingsError("--to names a database, so leave out --out and --partition-by.")
        table = read_database_table(to)
        check_table(table, SCORECARD_COLUMNS)
        return Target(table=table)
    if partition_by is not None:
        if out is None:
            raise SettingsError("--partition-by needs a folder to write: name one with --out.")
        folder = check_folder(out)
        refuse_strangers(folder, STEM)
        return Target(folder, check_partition(partition_by))
    return None if out is None else Target(check_target(out))


def read_database_table(text: str) -> DatabaseTable:
    """The table that ``--to`` names: a database URL and, after two colons, the table.

    Parameters
    ----------
    text
        such as ``duckdb:///crm.db::scorecard``

    Raises
    ------
    SettingsError
        it is not a URL, the name is not that of a table, or nothing written there would be kept

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
            "--to does not name a database. Write its URL and, after two colons, the table, such as "
            "duckdb:///crm.db::scorecard or postgresql://user@host/crm::scorecard."
        )
    if NO_NAME.search(found["url"]):
        raise SettingsError(
            "What follows the two colons of --to is not the name of a table. Write letters, digits and "
            "underscores, after a schema and a dot if need be, such as ::marketing.scorecard."
        )
    if NOT_KEPT.fullmatch(found["url"]):
        raise SettingsError(
            "--to names no file that holds a database, so nothing would be kept. Name one, such as "
            "duckdb:///crm.db::scorecard; for a Parquet or CSV file there is --out."
        )
    return DatabaseTable(absolute_url(found["url"]), found["name"] or DEFAULT_TABLE, found["schema"])


def check_table(table: DatabaseTable, columns: Sequence[str]) -> None:
    """Check, before the work starts, that the database answers and that its table can take these columns.

    Parameters
    ----------
    table
        which need not exist yet
    columns
        names

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


def upsert(table: DatabaseTable, shards: Sequence[Path]) -> None:
    """Write the rows in one transaction, replacing those with the same key.

    Parameters
    ----------
    table
        created if it does not exist
    shards
        Parquet files with the columns of a scorecard, all of one as_of and model_version

    Raises
    ------
    PatronError
        the database refuses; then it is as it was before
    """
    schema = pq.read_schema(shards[0])
    staged = DatabaseTable(table.url, f"patron_{uuid.uuid4().hex}")  # it would hide a table of the same name
    first = pq.read_table(shards[0], columns=list(SCORECARD_KEY[1:])).slice(0, 1).to_pylist()[0]
    version = first["model_version"]
    with connected(table) as backend, transaction(backend, table.name) as step:
        step.create(table, schema)
        step.create(staged, schema, temporary=True)
        for shard in shards:
            step.insert(staged, pq.read_table(shard))
        target, source, columns = step.name(table), step.name(staged), step.names(schema.names)
        step.execute(
            f"DELETE FROM {target} WHERE as_of = {step.mark} "
            f"AND model_version {'IS NULL' if version is None else f'= {step.mark}'} "
            f"AND customer_id IN (SELECT customer_id FROM {source})",
            [first["as_of"]] if version is None else [first["as_of"], version],
        )
        step.execute(f"INSERT INTO {target} ({columns}) SELECT {columns} FROM {source}")
        step.execute(f"DROP TABLE {source}")


def _read_csv(path: Path) -> pa.Table:
    types = {column.name: column.type for column in schema_of(pa.string()) if column.name != "customer_id"}
    convert = pyarrow.csv.ConvertOptions(
        column_types=types, strings_can_be_null=True, quoted_strings_can_be_null=False
    )
    return pyarrow.csv.read_csv(path, convert_options=convert)


def _read_folder(path: Path, column: str, as_of: date, model_version: str | None) -> pa.Table:
    field = schema_of(pa.string()).field(column)
    files: Any = ds.dataset(
        path, format="parquet", partitioning=ds.partitioning(pa.schema([field]), flavor="hive")
    )
    rows = files.to_table(columns=list(SCORECARD_COLUMNS))
    same = pc.equal(rows["as_of"], pa.scalar(as_of))
    version = rows["model_version"]
    ours = pc.is_null(version) if model_version is None else pc.equal(version, model_version)
    return rows.filter(pc.and_(same, ours))
