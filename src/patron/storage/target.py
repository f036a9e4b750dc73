"""Where a scorecard goes: a file, a folder parted by a column, or a table of a database."""

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

from patron.errors import PatronError, SettingsError
from patron.scores.arrow import schema_of
from patron.scores.columns import SCORECARD_COLUMNS
from patron.storage.atomic_files import check_folder, check_target
from patron.storage.job_folder import Work
from patron.storage.parquet_output import (
    STEM,
    check_partition,
    publish_file,
    publish_folder,
    put_back,
    refuse_strangers,
)
from patron.storage.upsert import DatabaseTable, check_table, read_database_table, upsert
from patron.tracking.store import project_root

__all__ = ["Target", "choose_target"]


@dataclass(frozen=True, slots=True)
class Target:
    """One of the three.

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
        """The path beside which the work is done; that of a database lies in the store of patron."""
        if self.path is not None:
            return self.path.absolute()
        name = f"{self.table}".encode()
        return project_root() / "mlruns" / "work" / sha256(name).hexdigest()[:16]

    def publish(self, parts: Sequence[Path], work: Work) -> None:
        """Write the parts; the old scores stand until the new ones are whole.

        Raises
        ------
        PatronError
            the disk or the database refuses; the old scores are still there
        """
        if self.table is not None:
            upsert(self.table, parts)
        elif self.path is not None and self.partition_by is not None:
            publish_folder(parts, self.path, self.partition_by, work)
        elif self.path is not None:
            publish_file(parts, self.path, work)

    def put_back(self) -> None:
        """Give an old folder its name again, where a job was killed between two renames."""
        if self.path is not None and self.partition_by is not None:
            put_back(self.path)

    def read(self, as_of: date, model_version: str | None) -> pa.Table:
        """The rows of one scoring, read back.

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
    """Where the scorecard goes, once it is certain that it can be written there; None for nowhere.

    Parameters
    ----------
    out
        Parquet or CSV file; with `partition_by` the folder of Parquet files
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
