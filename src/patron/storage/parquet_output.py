"""Write shards as one file or as a partitioned folder; the old one stays until the new one is complete.

A file is replaced by renaming, so readers see the old or the new one. Two folders are swapped in one step
where the system can (Linux: RENAME_EXCHANGE); elsewhere the old one is renamed first, and for a moment there
is none. File names are unique to a scoring: a reader that listed the old folder and opens its files after the
swap gets "no such file", never a mixture of old and new rows.
"""

import ctypes
import os
import shutil
import sys
import uuid
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from patron.errors import SettingsError, some
from patron.scores.arrow import frame_of
from patron.scores.columns import SCORECARD_TYPES
from patron.storage.atomic_files import settle, whole_file, writing

__all__ = [
    "STEM",
    "check_partition",
    "publish_file",
    "publish_folder",
    "put_back",
    "refuse_strangers",
    "replace_folder",
]

STEM = "scores"
"""How the names of the files begin."""

MOST_FOLDERS = 200
OF_THE_WHOLE_RUN = ("as_of", "model_version", "horizon_days", "value_horizon_days")
"""Columns that are the same in every row of one scoring: folders of another day or model stay as they are."""

AT_FDCWD, RENAME_EXCHANGE = -100, 2


def check_partition(column: str) -> str:
    """The column, after checking that a folder for each of its values makes sense.

    Parameters
    ----------
    column
        of the scorecard

    Raises
    ------
    SettingsError
        the scorecard has no such column, or it has too many values

    Examples
    --------
    >>> check_partition("p_alive")
    Traceback (most recent call last):
        ...
    patron.errors.SettingsError: partition_by is 'p_alive', which has too many values. Choose among as_of, ...
    """
    few = [name for name, kind in SCORECARD_TYPES.items() if kind in ("date", "whole", "text")]
    few = [name for name in few if not name.startswith(("reason_", "next_"))]
    if column not in few:
        what = "has too many values" if column in SCORECARD_TYPES else "is not a column of the scorecard"
        raise SettingsError(f"partition_by is {column!r}, which {what}. Choose among {', '.join(few)}.")
    return column


def publish_file(shards: Sequence[Path], target: Path, folder: Path) -> None:
    """Combine the shards, as Parquet or CSV by the ending, into one file that replaces `target`.

    Parameters
    ----------
    shards
        Parquet files of the scorecard
    target
        the file
    folder
        of the job, on the same disk, where the new file grows
    """
    whole = folder / f"whole{target.suffix.lower()}"
    with whole_file(whole, str(target)) as temporary:
        if whole.suffix == ".csv":
            with temporary.open("w", encoding="utf-8", newline="") as text:
                for number, shard in enumerate(shards):
                    rows = frame_of(pq.read_table(shard))
                    rows.to_csv(text, index=False, header=number == 0, lineterminator="\n")
        else:
            with pq.ParquetWriter(temporary, pq.read_schema(shards[0])) as written:
                for shard in shards:
                    written.write_table(pq.read_table(shard))
    with writing(str(target)):
        os.replace(whole, target)


def publish_folder(shards: Sequence[Path], target: Path, column: str, folder: Path) -> None:
    """Write the rows into one folder per value of `column`, replacing the old ones.

    Parameters
    ----------
    shards, folder
        as in :func:`publish_file`
    target
        the folder; refused if it holds anything but patron's Parquet files
    column
        with few values. If it is constant within a scoring, such as as_of, only its own folder is replaced
        and those of other days stay; otherwise the whole folder is replaced

    Raises
    ------
    SettingsError
        the column has more than 200 values, or the target holds other files
    """
    refuse_strangers(target, STEM)
    values = pc.unique(ds.dataset(list(shards)).to_table(columns=[column])[column])
    if len(values) > MOST_FOLDERS:
        raise SettingsError(
            f"partition_by {column!r} would make {len(values)} folders; at most {MOST_FOLDERS} are allowed. "
            "Choose a column with fewer values."
        )
    grown = folder / "whole"
    shutil.rmtree(grown, ignore_errors=True)
    schema = pq.read_schema(shards[0])
    with writing(str(target)):
        ds.write_dataset(
            (batch for shard in shards for batch in pq.read_table(shard).to_batches()),
            grown,
            schema=schema,
            format="parquet",
            partitioning=ds.partitioning(pa.schema([schema.field(column)]), flavor="hive"),
            basename_template=f"{STEM}-{uuid.uuid4().hex[:12]}-{{i}}.parquet",
            existing_data_behavior="overwrite_or_ignore",
            use_threads=False,
        )
        for file in grown.rglob("*.parquet"):
            settle(file)
        replace_folder(grown, target, column, STEM)


def replace_folder(grown: Path, target: Path, column: str, stem: str) -> None:
    """Replace `target` by a complete folder.

    Parameters
    ----------
    grown
        holds a folder for each value of `column`
    target
        the folder that is replaced
    column
        if it is constant within a run, such as as_of, only its own folder is replaced and those of other
        days stay; otherwise the whole folder is replaced
    stem
        how the names of the files begin; a target that holds others is refused

    Raises
    ------
    SettingsError
        the target holds other files
    """
    refuse_strangers(target, stem)
    if column in OF_THE_WHOLE_RUN and target.is_dir():
        for folder in sorted(grown.iterdir()):
            _take_the_place(folder, target / folder.name)
    else:
        target.parent.mkdir(parents=True, exist_ok=True)
        _take_the_place(grown, target)


def refuse_strangers(target: Path, stem: str) -> None:
    """Raise if a folder that would be replaced holds anything but files that patron wrote.

    Parameters
    ----------
    target
        the folder
    stem
        how the names of patron's files begin

    Raises
    ------
    SettingsError
        it holds other files
    """
    files = [file for file in target.rglob("*") if file.is_file()] if target.is_dir() else []
    strangers = sorted(
        str(file.relative_to(target))
        for file in files
        if not (file.match(f"{stem}-*.parquet") and "=" in file.parent.name)
    )
    if strangers:
        raise SettingsError(
            f"The folder {str(target)!r} would be replaced, and holds {some(strangers)}. Name a new folder."
        )


def put_back(target: Path) -> None:
    """Restore the old folder where a job was killed between renaming it and moving in the new one.

    Parameters
    ----------
    target
        the folder
    """
    for aside in (_aside(target), *target.glob(".*.old")):
        old = aside.with_name(aside.name.removeprefix(".").removesuffix(".old"))
        if aside.is_dir() and not old.exists():
            os.replace(aside, old)
        shutil.rmtree(aside, ignore_errors=True)


def _aside(target: Path) -> Path:
    return target.with_name(f".{target.name}.old")


def _take_the_place(new: Path, old: Path) -> None:
    """Rename `new` to `old`, which is removed."""
    if not old.exists():
        os.replace(new, old)
        return
    if _swapped(new, old):
        shutil.rmtree(new, ignore_errors=True)
        return
    aside = _aside(old)
    shutil.rmtree(aside, ignore_errors=True)
    os.replace(old, aside)
    os.replace(new, old)
    shutil.rmtree(aside, ignore_errors=True)


def _swapped(one: Path, other: Path) -> bool:
    """Swap two names in one step; False where the system or its disk cannot."""
    if not sys.platform.startswith("linux"):
        return False
    with suppress(AttributeError, OSError):
        rename = ctypes.CDLL(None, use_errno=True).renameat2
        done = rename(AT_FDCWD, os.fsencode(one), AT_FDCWD, os.fsencode(other), RENAME_EXCHANGE)
        return bool(done == 0)
    return False
