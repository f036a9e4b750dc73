"""Write a folder of Parquet files by Spark, partitioned by a column.

Spark first writes its own files, hidden next to the target; once complete they are renamed like patron's
files, and the folder replaces the old one (:mod:`patron.storage.parquet_output`). The driver and the workers
must share the target's file system.
"""

import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq

from patron.errors import SettingsError
from patron.storage.atomic_files import check_folder, settle, writing
from patron.storage.job_folder import Workspace
from patron.storage.parquet_output import replace_folder
from patron.tables.files import as_url
from patron.tables.spark import spark_failures

if TYPE_CHECKING:
    from patron.tables.spark_sql import SparkEngine

__all__ = ["as_shards", "check_spark_target", "publish", "write_files"]


def check_spark_target(path: str | Path) -> Path:
    """The path of a folder of Parquet files to write, checked before the work starts.

    Parameters
    ----------
    path
        as :func:`patron.storage.atomic_files.check_folder`; the ending may not be .csv either

    Examples
    --------
    >>> check_spark_target("scores.csv")
    Traceback (most recent call last):
    patron.errors.SettingsError: Cannot write 'scores.csv': Spark writes a folder of Parquet files. Name a
    folder.
    """
    if Path(path).suffix.lower() == ".csv":
        raise SettingsError(
            f"Cannot write {str(path)!r}: Spark writes a folder of Parquet files. Name a folder."
        )
    return check_folder(path).absolute()


def write_files(frame: Any, folder: Path, by: str | None = None) -> int:
    """Let Spark write a frame into a new folder.

    Parameters
    ----------
    frame
        of Spark
    folder
        it is replaced
    by
        column to partition by, or None

    Returns
    -------
    int
        Count of its rows.

    Raises
    ------
    PatronError
        a worker or Spark itself died, or a disk is full
    """
    with spark_failures():
        writer = frame.write.mode("overwrite").option("compression", "zstd")
        (writer if by is None else writer.partitionBy(by)).parquet(as_url(folder))
    return sum(int(pq.read_metadata(file).num_rows) for file in folder.rglob("part-*.parquet"))


def as_shards(frame: Any, workspace: Workspace, kind: str) -> None:
    """Let Spark write a frame as the shards of a scoring.

    Parameters
    ----------
    frame
        of Spark, rows of a scorecard
    workspace
        takes the shards
    kind
        "scored" or "unscored"

    Raises
    ------
    PatronError
        a worker or Spark itself died, or a disk is full
    """
    written = workspace.folder / kind
    write_files(frame, written)
    with writing(workspace.target):
        for number, file in enumerate(sorted(written.glob("part-*.parquet"))):
            file.rename(workspace.shard(kind, number))


def publish(engine: "SparkEngine", grown: Path, target: Path, by: str, stem: str) -> None:
    """Replace `target` by a folder that `write_files` wrote.

    Parameters
    ----------
    engine
        forgets what it knew of the old files
    grown
        partitioned by `by`
    target
        the folder that is replaced
    by
        column that the folder is partitioned by; if it is constant within a run, such as as_of, only its own
        folder is replaced and those of other days stay
    stem
        how names of files begin; a target that holds any others is refused

    Raises
    ------
    SettingsError
        the target holds other files
    PatronError
        the disk refuses
    """
    run = uuid.uuid4().hex[:12]
    with writing(repr(str(target))):
        for number, file in enumerate(sorted(grown.rglob("part-*.parquet"))):
            named = file.with_name(f"{stem}-{run}-{number}.parquet")
            file.rename(named)
            settle(named)
        for mark in [*grown.rglob("_SUCCESS"), *grown.rglob(".*.crc")]:
            mark.unlink()
        replace_folder(grown, target, by, stem)
    with spark_failures():
        engine.session.catalog.refreshByPath(as_url(target))
