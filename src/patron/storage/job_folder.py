"""The workspace of a scoring job: folder, lock and checkpoint, so that a killed job can be resumed.

The folder lies next to the target and holds what is finished so far::

    .scores.parquet.lock         held by the running job; released when its process ends, however it ends
    .scores.parquet.work/
        features.parquet         one row per customer with a score
        others.parquet           one row per customer without one, and why
        checkpoint.json          what all this was made from; written last of the three
        scored-00000.parquet     the scorecard, shard by shard
        …
        whole.parquet            the shards together, before they take the target's name

Each file is renamed only when it is complete, so what has a name can be trusted. A job that succeeds removes
the folder; one that fails or is killed leaves it, and the next job resumes from it or removes it.
"""

import glob
import json
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from filelock import FileLock, Timeout

from patron.errors import PatronError, SettingsError
from patron.storage.atomic_files import whole_file, writing

__all__ = [
    "SCORED",
    "UNSCORED",
    "Checkpoint",
    "Workspace",
    "fingerprint",
    "open_workspace",
    "refuse_sources",
    "sole_job",
]

SCORED, UNSCORED = "scored", "unscored"
"""The kinds of shards."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The state of a scoring whose features are complete.

    Attributes
    ----------
    key
        all that the scores depend on; a job may be resumed only with the same
    as_of, scored_at
        ISO text
    features, others
        count of the customers with and without a score
    purchases
        purchases since the training, observed and expected; None where not known
    """

    key: Mapping[str, Any]
    as_of: str
    scored_at: str
    features: int
    others: int
    purchases: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Workspace:
    """The folder in which one target is prepared.

    Attributes
    ----------
    folder
        it exists
    target
        what error messages call the target
    """

    folder: Path
    target: str

    @property
    def features(self) -> Path:
        """One row per customer with a score."""
        return self.folder / "features.parquet"

    @property
    def others(self) -> Path:
        """One row per customer without a score."""
        return self.folder / "others.parquet"

    def writing(self, path: Path) -> AbstractContextManager[Path]:
        """A temporary path, renamed to `path` if the block succeeds.

        Parameters
        ----------
        path
            a file of this folder

        Raises
        ------
        PatronError
            the disk is full, or refuses the file for another reason
        """
        return whole_file(path, self.target)

    def save_checkpoint(self, checkpoint: Checkpoint) -> None:
        """Write what the features were made from.

        Parameters
        ----------
        checkpoint
            the counts of the tables that are here
        """
        with self.writing(self._checkpoint) as temporary:
            written = {name: getattr(checkpoint, name) for name in Checkpoint.__slots__}
            temporary.write_text(json.dumps(written, ensure_ascii=False), encoding="utf-8")

    def checkpoint(self) -> Checkpoint | None:
        """What the features here were made from; None where they are incomplete."""
        try:
            found = Checkpoint(**json.loads(self._checkpoint.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return None
        complete = _rows(self.features) == found.features and _rows(self.others) == found.others
        return found if complete else None

    def shard(self, kind: str, number: int) -> Path:
        """The path of a shard.

        Parameters
        ----------
        kind
            "scored" or "unscored"
        number
            from 0
        """
        return self.folder / f"{kind}-{number:05d}.parquet"

    def has_shard(self, kind: str, number: int, rows: int) -> bool:
        """Whether a shard is there and complete.

        Parameters
        ----------
        kind, number
            as `shard`
        rows
            how many it must have
        """
        return _rows(self.shard(kind, number)) == rows

    def write_shard(self, kind: str, number: int, rows: pa.Table) -> None:
        """Write one shard.

        Parameters
        ----------
        kind, number
            as `shard`
        rows
            of the scorecard
        """
        with self.writing(self.shard(kind, number)) as temporary:
            pq.write_table(rows, temporary)

    def shards(self, *kinds: str) -> list[Path]:
        """The shards in the order of the scorecard: customers with a score first.

        Parameters
        ----------
        kinds
            of these kinds only; all if none is named
        """
        wanted = kinds or (SCORED, UNSCORED)
        return [path for kind in wanted for path in sorted(self.folder.glob(f"{kind}-*.parquet"))]

    def empty(self) -> None:
        """Remove everything in it."""
        shutil.rmtree(self.folder, ignore_errors=True)
        with writing(self.target):
            self.folder.mkdir(parents=True, exist_ok=True)

    @property
    def _checkpoint(self) -> Path:
        return self.folder / "checkpoint.json"


def fingerprint(sources: Mapping[str, Any]) -> dict[str, Any] | None:
    """The sizes and modification times of files, to see whether they have changed.

    Parameters
    ----------
    sources
        table → where it is

    Returns
    -------
    dict[str, Any] | None
        Table → path, size and time of each of its files; None where a table is not a file of this machine,
        so that changes cannot be detected

    Examples
    --------
    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp()) / "sales.csv"
    >>> size = file.write_text("customer_id")
    >>> fingerprint({"transactions": file})["transactions"][0][1]
    11
    >>> fingerprint({"transactions": object()}) is None
    True
    """
    found = {}
    for table, source in sources.items():
        paths = _files(source)
        if not paths:
            return None
        logs = [
            f"{path}{end}" for path in paths for end in (".wal", "-wal")
        ]  # what a database has yet to move
        states = [(path, os.stat(path)) for path in [*paths, *filter(os.path.exists, logs)]]
        found[table] = [[os.path.abspath(path), state.st_size, state.st_mtime_ns] for path, state in states]
    return found


def refuse_sources(target: Path, sources: Mapping[str, Any]) -> None:
    """Raise if a file to be written is also one that a table is read from.

    Parameters
    ----------
    target
        the file
    sources
        table → where it is

    Raises
    ------
    SettingsError
        it is one of them

    Examples
    --------
    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp()) / "sales.parquet"
    >>> file.touch()
    >>> refuse_sources(file.with_name("scores.parquet"), {"transactions": file})
    >>> refuse_sources(file, {"transactions": file})
    Traceback (most recent call last):
        ...
    patron.errors.SettingsError: The table 'transactions' is read from ...sales.parquet', which would be ...
    """
    for table, source in sources.items():
        if target.is_file() and any(os.path.samefile(target, path) for path in _files(source)):
            raise SettingsError(
                f"The table {table!r} is read from {str(target)!r}, which would be replaced. Name another."
            )


def _files(source: Any) -> list[str]:
    """The files of a table; none where it is not a file of this machine."""
    if not isinstance(source, str | os.PathLike):
        return []
    named = re.sub(r"^duckdb://|::\w+(\.\w+)?$", "", os.fspath(source))
    either = (named, named.lstrip("/"))  # duckdb:///shop.db may mean either
    return next((paths for name in either if (paths := sorted(glob.glob(name, recursive=True)))), [])


@contextmanager
def open_workspace(place: Path, target: str) -> Iterator[Workspace]:
    """The workspace next to `place`, for this job alone.

    Parameters
    ----------
    place
        the file or folder to be made
    target
        what error messages call it

    Raises
    ------
    PatronError
        another job works on the same target, or the folder cannot be made

    Examples
    --------
    >>> import tempfile
    >>> place = Path(tempfile.mkdtemp()) / "scores.parquet"
    >>> with open_workspace(place, "scores.parquet") as workspace:
    ...     workspace.folder.name
    '.scores.parquet.work'
    >>> list(place.parent.iterdir())
    []
    """
    workspace = Workspace(place.with_name(f".{place.name}.work"), target)
    with sole_job(place.with_name(f".{place.name}.lock"), target):
        with writing(target):
            workspace.folder.mkdir(parents=True, exist_ok=True)
        try:
            yield workspace
        except BaseException:
            if workspace.checkpoint() is None:  # nothing that a later job could resume from
                shutil.rmtree(workspace.folder, ignore_errors=True)
            raise
        shutil.rmtree(workspace.folder, ignore_errors=True)


@contextmanager
def sole_job(lock: Path, target: str) -> Iterator[None]:
    """Hold `lock` while the block runs; the system releases it when the process dies, however that happens.

    Parameters
    ----------
    lock
        a file, which is removed at the end
    target
        what the error message calls the job's target

    Raises
    ------
    PatronError
        another job holds it
    """
    held = FileLock(lock)
    with writing(target):
        lock.parent.mkdir(parents=True, exist_ok=True)
        try:
            held.acquire(blocking=False)
        except Timeout:
            raise PatronError(
                f"Another job{_holder(lock)} is scoring into {target} at this moment. Wait until it has "
                "ended, or name another target."
            ) from None
    try:
        with suppress(OSError):  # a full disk; the number only serves the sentence
            lock.write_text(str(os.getpid()))
        yield
    finally:
        lock.unlink(missing_ok=True)
        held.release()


def _holder(lock: Path) -> str:
    with suppress(OSError):
        number = lock.read_text(errors="replace").strip()
        return f" (process {number})" if number.isdigit() else ""
    return ""


def _rows(path: Path) -> int | None:
    """Rows of a Parquet file; None where it is missing or was cut short."""
    try:
        return int(pq.read_metadata(path).num_rows)
    except (OSError, pa.ArrowException):
        return None
