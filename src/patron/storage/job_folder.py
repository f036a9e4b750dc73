"""The folder in which a scoring is prepared, so that a killed job can go on: `working`.

It lies beside the target and holds what is finished so far::

    .scores.parquet.lock         held by the job that works; gone with it
    .scores.parquet.work/
        features.parquet         one row per customer who gets a score
        others.parquet           one row per customer who gets none, and why
        begun.json               what all this was made from; written last of the three
        scored-00000.parquet     the scorecard, part by part
        …
        whole.parquet            the parts together, about to take the target's name

Each file takes its name only when it is whole, so what has a name can be trusted. A job that ends well
removes the folder; one that fails or is killed leaves it, and the next either goes on from it or removes it.
"""

import fcntl
import glob
import json
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from patron.errors import PatronError, SettingsError
from patron.storage.atomic_files import settle, writing

__all__ = ["SCORED", "UNSCORED", "Begun", "Work", "fingerprint", "only_job", "refuse_sources", "working"]

FEATURES, OTHERS, BEGUN = "features.parquet", "others.parquet", "begun.json"

SCORED, UNSCORED = "scored", "unscored"
"""The kinds of parts."""


@dataclass(frozen=True, slots=True)
class Begun:
    """What a scoring was begun with.

    Attributes
    ----------
    key
        all that the scores depend on; a job may go on only from the same
    as_of, scored_at
        ISO text
    features, others
        count of the customers with and without a score
    purchases
        the purchases since the training beside those expected; None where not known
    """

    key: Mapping[str, Any]
    as_of: str
    scored_at: str
    features: int
    others: int
    purchases: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Work:
    """The working folder of one target.

    Attributes
    ----------
    folder
        it exists
    target
        what is to be made, in words
    """

    folder: Path
    target: str

    @property
    def features(self) -> Path:
        """One row per customer who gets a score."""
        return self.folder / FEATURES

    @property
    def others(self) -> Path:
        """One row per customer who gets none."""
        return self.folder / OTHERS

    @contextmanager
    def writing(self, path: Path) -> Iterator[Path]:
        """A temporary path; it becomes `path` when the block ends well.

        Raises
        ------
        PatronError
            the disk is full, or refuses the file for another reason
        """
        temporary = path.with_name(f"{path.name}.part")
        try:
            with writing(self.target):
                yield temporary
                settle(temporary)
                os.replace(temporary, path)
        finally:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)

    def begin(self, begun: Begun) -> None:
        """Note what the features were made from."""
        with self.writing(self.folder / BEGUN) as temporary:
            written = {name: getattr(begun, name) for name in Begun.__slots__}
            temporary.write_text(json.dumps(written, ensure_ascii=False), encoding="utf-8")

    def begun(self) -> Begun | None:
        """What the features here were made from; None where they are not whole."""
        try:
            begun = Begun(**json.loads((self.folder / BEGUN).read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return None
        whole = _rows(self.features) == begun.features and _rows(self.others) == begun.others
        return begun if whole else None

    def part(self, kind: str, number: int) -> Path:
        """Where a part is, or will be; `kind` is "scored" or "unscored"."""
        return self.folder / f"{kind}-{number:05d}.parquet"

    def has_part(self, kind: str, number: int, rows: int) -> bool:
        """Whether a part is there and whole."""
        return _rows(self.part(kind, number)) == rows

    def write_part(self, kind: str, number: int, rows: pa.Table) -> None:
        """Write one part."""
        with self.writing(self.part(kind, number)) as temporary:
            pq.write_table(rows, temporary)

    def parts(self) -> list[Path]:
        """The parts in the order of the scorecard: those with a score first."""
        return [path for kind in (SCORED, UNSCORED) for path in sorted(self.folder.glob(f"{kind}-*.parquet"))]

    def empty(self) -> None:
        """Remove everything in it."""
        shutil.rmtree(self.folder, ignore_errors=True)
        with writing(self.target):
            self.folder.mkdir(parents=True, exist_ok=True)


def fingerprint(sources: Mapping[str, Any]) -> dict[str, Any] | None:
    """What tells whether files are still the same: their sizes, and when they were written.

    Parameters
    ----------
    sources
        table → where it is

    Returns
    -------
    dict[str, Any] | None
        Table → path, size and time of each of its files; None where a table is no file of this machine, so
        that nobody can tell whether it has changed

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
    """Raise where a file that is to be written is one that a table is read from.

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
    """The files of a table; none where it is no file of this machine."""
    if not isinstance(source, str | os.PathLike):
        return []
    named = re.sub(r"^duckdb://|::\w+(\.\w+)?$", "", os.fspath(source))
    either = (named, named.lstrip("/"))  # duckdb:///shop.db may mean either
    return next((paths for name in either if (paths := sorted(glob.glob(name, recursive=True)))), [])


@contextmanager
def working(place: Path, target: str) -> Iterator[Work]:
    """The working folder beside `place`, for this job alone.

    Parameters
    ----------
    place
        the file or folder that is to be made
    target
        the same in words

    Raises
    ------
    PatronError
        another job works on the same target, or the folder cannot be made

    Examples
    --------
    >>> import tempfile
    >>> place = Path(tempfile.mkdtemp()) / "scores.parquet"
    >>> with working(place, "scores.parquet") as work:
    ...     work.folder.name
    '.scores.parquet.work'
    >>> list(place.parent.iterdir())
    []
    """
    work = Work(place.with_name(f".{place.name}.work"), target)
    with only_job(place.with_name(f".{place.name}.lock"), target):
        with writing(target):
            work.folder.mkdir(parents=True, exist_ok=True)
        try:
            yield work
        except BaseException:
            if work.begun() is None:  # nothing that a later job could go on from
                shutil.rmtree(work.folder, ignore_errors=True)
            raise
        shutil.rmtree(work.folder, ignore_errors=True)


@contextmanager
def only_job(lock: Path, target: str) -> Iterator[None]:
    """Hold `lock` while the block runs; the system lets it go when the process dies, however that happens.

    Raises
    ------
    PatronError
        another job holds it
    """
    with writing(target):
        lock.parent.mkdir(parents=True, exist_ok=True)
        handle = _locked(lock, target)
    try:
        os.ftruncate(handle, 0)
        with suppress(OSError):  # a full disk; the number only serves the sentence
            os.pwrite(handle, str(os.getpid()).encode(), 0)
        yield
    finally:
        lock.unlink(missing_ok=True)
        os.close(handle)


def _locked(lock: Path, target: str) -> int:
    """The locked file. Its holder removes it at the end, so what was opened may be a file that is no more."""
    while True:
        handle = os.open(lock, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            with suppress(FileNotFoundError):
                if os.path.samestat(os.fstat(handle), os.stat(lock)):
                    return handle
        except BlockingIOError:
            holder = os.pread(handle, 20, 0).decode(errors="replace").strip()
            who = f" (process {holder})" if holder.isdigit() else ""
            os.close(handle)
            raise PatronError(
                f"Another job{who} is scoring into {target} at this moment. Wait until it has ended, or name "
                "another target."
            ) from None
        except OSError:
            os.close(handle)
            raise
        os.close(handle)


def _rows(path: Path) -> int | None:
    """Rows of a Parquet file; None where it is not there or was cut short."""
    try:
        return int(pq.read_metadata(path).num_rows)
    except (OSError, pa.ArrowException):
        return None
