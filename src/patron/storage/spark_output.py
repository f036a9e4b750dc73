"""What Spark writes: a folder of Parquet files, with a folder in it for each value of a column.

Spark's own files come first, hidden beside the target; when all of them are there they get the names that
patron's files have, and the folder takes the place of the old one, as :mod:`patron.storage.parquet_output`
does it. The target must be a folder that the driver and the workers share.
"""

import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq

from patron.errors import SettingsError
from patron.storage.atomic_files import check_folder, settle, writing
from patron.storage.job_folder import Work
from patron.storage.parquet_output import replace_folder
from patron.tables.files import as_url
from patron.tables.spark import spark_failures

if TYPE_CHECKING:
    from patron.tables.spark_sql import SparkEngine

__all__ = ["as_parts", "check_spark_target", "publish", "write_files"]


def check_spark_target(path: str | Path) -> Path:
    """The path, once it is sure that a folder of Parquet files may be written there.

    Raises
    ------
    SettingsError
        the ending is .csv, a file is there, or its surroundings cannot be written to

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
    """Let Spark write a frame into a new folder, with a folder for each value of `by`.

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


def as_parts(frame: Any, work: Work, kind: str) -> None:
    """Let Spark write a frame as the parts of a scoring; `kind` is "scored" or "unscored".

    Raises
    ------
    PatronError
        a worker or Spark itself died, or a disk is full
    """
    written = work.folder / kind
    write_files(frame, written)
    with writing(work.target):
        for number, file in enumerate(sorted(written.glob("part-*.parquet"))):
            file.rename(work.part(kind, number))


def publish(engine: "SparkEngine", grown: Path, target: Path, by: str, stem: str) -> None:
    """Put a folder that `write_files` wrote in the place of `target`.

    Parameters
    ----------
    engine
        forgets what it knew of the old files
    grown
        partitioned by `by`
    target
        the folder that is replaced
    by
        column that the folders are named by; one that is the same throughout a run, such as as_of, replaces
        its own folder and leaves those of other days
    stem
        how names of files begin; a target that holds any others is left alone

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
