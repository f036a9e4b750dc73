"""Write files atomically: readers find the old file or the new one, never a part of it.

Everything is written to a hidden temporary file next to the target and renamed once it is complete.
"""

import errno
import json
import math
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from patron.errors import PatronError, SettingsError

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pandas as pd

__all__ = [
    "ENDINGS",
    "check_folder",
    "check_target",
    "plain",
    "settle",
    "whole_file",
    "write_frame",
    "write_frames",
    "write_json",
    "write_table",
    "writing",
]

ENDINGS = (".parquet", ".csv")
_FULL = (errno.ENOSPC, errno.EFBIG, errno.EDQUOT)


def check_target(path: str | Path) -> Path:
    """The path of a table to write, checked before the work starts.

    Parameters
    ----------
    path
        a Parquet or CSV file, by its ending

    Raises
    ------
    SettingsError
        the ending is neither .parquet nor .csv, or the target or its folder cannot be written to

    Examples
    --------
    >>> check_target("scores.xlsx")
    Traceback (most recent call last):
        ...
    patron.errors.SettingsError: Cannot write 'scores.xlsx': the ending must be .parquet or .csv.
    """
    target = Path(path)
    if target.suffix.lower() not in ENDINGS:
        raise SettingsError(f"Cannot write {str(path)!r}: the ending must be {' or '.join(ENDINGS)}.")
    if target.is_dir():
        raise SettingsError(f"Cannot write {str(path)!r}: it is a folder. Name a file in it.")
    _check_surroundings(target, path)
    return target


def check_folder(path: str | Path) -> Path:
    """The path of a folder to write, checked before the work starts.

    Parameters
    ----------
    path
        the folder, which need not exist yet

    Raises
    ------
    SettingsError
        a file is there, or its surroundings cannot be written to

    Examples
    --------
    >>> check_folder(tempfile.mkdtemp() + "/scores").name
    'scores'
    """
    target = Path(path)
    if target.is_file():
        raise SettingsError(f"Cannot write the folder {str(path)!r}: a file of this name is there.")
    _check_surroundings(target, path)
    return target


@contextmanager
def whole_file(target: Path, shown_as: str | None = None) -> Iterator[Path]:
    """A temporary path next to `target`; renamed to `target` if the block succeeds, removed if it fails.

    Parameters
    ----------
    target
        the file to write; its folder is created where it is missing
    shown_as
        what an error message calls it; None for its path

    Raises
    ------
    PatronError
        the disk is full, or refuses the file for another reason

    Examples
    --------
    >>> folder = Path(tempfile.mkdtemp())
    >>> with whole_file(folder / "note.csv") as temporary:
    ...     size = temporary.write_text("customer_id")
    ...     (folder / "note.csv").exists()
    False
    >>> (folder / "note.csv").read_text()
    'customer_id'
    """
    temporary = None
    try:
        with writing(shown_as or repr(str(target))):
            target.parent.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(
                prefix=f".{target.stem}-", suffix=target.suffix, dir=target.parent
            )
            os.close(handle)
            temporary = Path(name)
            yield temporary
            settle(temporary)
            os.replace(temporary, target)
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


@contextmanager
def writing(target: str) -> Iterator[None]:
    """Turn an error of the disk while `target` is written into one sentence.

    Parameters
    ----------
    target
        what the sentence names

    Examples
    --------
    >>> with writing("scores.csv"):
    ...     raise OSError(28, "No space left on device")
    Traceback (most recent call last):
        ...
    patron.errors.PatronError: Cannot write scores.csv: No space left on device.
    """
    try:
        yield
    except OSError as failed:  # engines say it in the middle of a longer text
        full = next((os.strerror(number) for number in _FULL if os.strerror(number) in str(failed)), None)
        raise PatronError(f"Cannot write {target}: {full or failed.strerror or failed}.") from failed


def settle(temporary: Path) -> None:
    """Flush a file to disk before it is renamed, with the permissions of any new file.

    Parameters
    ----------
    temporary
        a complete file
    """
    mask = os.umask(0)
    os.umask(mask)
    temporary.chmod(0o666 & ~mask)
    with temporary.open("rb") as written:
        os.fsync(written.fileno())


def write_frame(frame: "pd.DataFrame", path: str | Path) -> Path:
    """Write a frame as Parquet or CSV by the ending; null is empty in CSV, dates are ISO.

    Parameters
    ----------
    frame
        the rows
    path
        the file

    Returns
    -------
    Path
        The file that was written, once :func:`check_target` has accepted it.

    Examples
    --------
    >>> import pandas as pd
    >>> scores = pd.DataFrame({"customer_id": [7], "score": [0.5]})
    >>> target = write_frame(scores, tempfile.mkdtemp() + "/scores.csv")
    >>> print(target.read_text().strip())
    customer_id,score
    7,0.5
    """
    target = check_target(path)
    with whole_file(target) as temporary:
        if target.suffix.lower() == ".csv":
            frame.to_csv(temporary, index=False, encoding="utf-8", lineterminator="\n")
        else:
            _write_parquet(frame, temporary)
    return target


def write_frames(target: Path, frame: "pd.DataFrame", **beside: "pd.DataFrame") -> tuple[Path, ...]:
    """Write a frame and those that go with it, and return their paths.

    Parameters
    ----------
    target
        where `frame` goes; its ending decides on Parquet or CSV for all
    frame
        the main table
    **beside
        name → table, written next to it as "STEM-name"
    """
    paths = {target: frame} | {
        target.with_name(f"{target.stem}-{name}{target.suffix}"): table for name, table in beside.items()
    }
    return tuple(write_frame(table, path) for path, table in paths.items())


def write_table(table: "ir.Table", path: str | Path) -> Path:
    """Write an Ibis table as Parquet or CSV by the ending, straight from the engine.

    Parameters
    ----------
    table, path
        as :func:`write_frame` takes the rows and the file

    Examples
    --------
    >>> import ibis
    >>> target = write_table(ibis.memtable({"customer_id": ["a"]}), tempfile.mkdtemp() + "/ids.csv")
    >>> print(target.read_text().strip())
    customer_id
    a
    """
    target = check_target(path)
    with whole_file(target) as temporary:
        if target.suffix.lower() == ".csv":
            table.to_csv(temporary)
        else:
            table.to_parquet(temporary)
    return target


def write_json(value: Mapping[str, Any], path: str | Path) -> Path:
    """Write plain values as one JSON object; NaN and infinity become null, dates ISO text.

    Parameters
    ----------
    value, path
        the object and the file, which is returned

    Examples
    --------
    >>> target = write_json({"auc": float("nan"), "cuts": [1, 2]}, tempfile.mkdtemp() + "/found.json")
    >>> json.loads(target.read_text())
    {'auc': None, 'cuts': [1, 2]}
    """
    target = Path(path)
    with whole_file(target) as temporary:
        temporary.write_text(json.dumps(plain(value), ensure_ascii=False, allow_nan=False, indent=1))
    return target


def plain(value: Any) -> Any:
    """The value as JSON can hold it: NumPy scalars as Python's, NaN and infinity as None, all else as text.

    Parameters
    ----------
    value
        a mapping, a sequence or a scalar

    Examples
    --------
    >>> import numpy as np
    >>> plain({"gini": np.float64(0.5), "mae": np.nan})
    {'gini': 0.5, 'mae': None}
    """
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set):
        return [plain(item) for item in value]
    if hasattr(value, "item"):  # a NumPy scalar
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value if isinstance(value, bool | int | float | str) or value is None else str(value)


def _check_surroundings(target: Path, path: str | Path) -> None:
    folder = next(folder for folder in target.absolute().parents if folder.exists())
    if not folder.is_dir():
        raise SettingsError(f"Cannot write {str(path)!r}: {str(folder)!r} is a file, not a folder.")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise SettingsError(f"Cannot write {str(path)!r}: the folder {str(folder)!r} may not be written to.")


def _write_parquet(frame: "pd.DataFrame", path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns: dict[str, Any] = {str(name): frame[name] for name in frame.columns}
    arrays = {name: pa.Array.from_pandas(column) for name, column in columns.items()}
    pq.write_table(pa.table(arrays), path)
