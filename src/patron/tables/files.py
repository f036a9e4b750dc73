"""CSV and Parquet files → an Ibis table that reads them whenever a query needs them.

Every column of a CSV file is read as text, so that an id such as 007 keeps its zeros and no type inferred
from the first rows fails on a later one; `cell_rules.py` gives the columns their types.
"""

import csv
import difflib
import glob
import gzip
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import ibis.expr.types as ir

from patron.errors import SourceError, some

__all__ = ["as_url", "is_text_file", "open_files"]

TEXT_ENDINGS = (".csv", ".tsv", ".txt", ".csv.gz", ".tsv.gz", ".txt.gz")
PARQUET_ENDINGS = (".parquet", ".pq")


def is_text_file(path: str) -> bool:
    """Whether a path names a CSV file, by its ending.

    Parameters
    ----------
    path
        file or glob

    Examples
    --------
    >>> is_text_file("shop/2024-*.CSV.gz")
    True
    """
    return path.lower().endswith(TEXT_ENDINGS)


def open_files(text: str, name: str, connection: Any) -> ir.Table:
    """The rows of one file, or of all files that a glob names.

    Parameters
    ----------
    text
        path or glob; all files of a glob have the same columns
    name
        what messages call the table
    connection
        Ibis backend that reads them

    Returns
    -------
    ir.Table
        every column of a CSV file as text

    Raises
    ------
    SourceError
        there is no such file, or patron does not read its format
    """
    files = _matching(text, name)
    if all(file.lower().endswith(PARQUET_ENDINGS) for file in files):
        _refuse_other_content(files[0], name, named_parquet=True)
        return connection.read_parquet(files, **({"union_by_name": True} if len(files) > 1 else {}))
    if all(is_text_file(file) for file in files):
        return _open_text(files, name, connection)
    raise SourceError(
        f"table {name!r}: {some(files)} cannot be read: the name must end in {', '.join(TEXT_ENDINGS)} "
        f"or {', '.join(PARQUET_ENDINGS)}. Save the table as CSV (UTF-8) or Parquet."
    )


def as_url(path: str | Path) -> str:
    """The file URL of a path of this machine; Spark may resolve a bare path in another file system.

    Parameters
    ----------
    path
        file or folder

    Examples
    --------
    >>> as_url("/data/as_of=2024-01-31").partition("://")
    ('file', '://', '/data/as_of=2024-01-31')
    """
    return f"file://{Path(path).absolute()}"


def _matching(text: str, name: str) -> list[str]:
    """The files that a path or glob names."""
    path = Path(text)
    if path.is_dir():
        raise SourceError(
            f"table {name!r}: {text} is a folder. Name its files, such as {text.rstrip('/')}/*.parquet."
        )
    if path.is_file():
        return [text]
    files = sorted(glob.glob(text, recursive=True))
    if files:
        return files
    there = sorted(glob.glob("*", root_dir=path.parent)) if path.parent.is_dir() else None  # none hidden
    found = (
        f"the folder {path.parent} does not exist"
        if there is None
        else f"{path.parent} holds {some(there) or 'nothing'}"
    )
    close = difflib.get_close_matches(path.name, there or (), n=1)
    guess = f"; perhaps {path.parent / close[0]} is meant" if close else ""
    raise SourceError(f"table {name!r}: there is no file {text} ({found}). Check the path{guess}.")


def _refuse_other_content(file: str, name: str, *, named_parquet: bool) -> None:
    """Raise if the name ends in .parquet and the content is not Parquet, or the reverse."""
    with open(file, "rb") as opened:
        start = opened.read(4)
    is_parquet = start in (b"PAR1", b"PARE")
    if is_parquet and not named_parquet:
        raise SourceError(f"table {name!r}: {file} is a Parquet file. Rename it to end in .parquet.")
    if named_parquet and not is_parquet and len(start) == 4:  # a shorter one was cut off
        raise SourceError(
            f"table {name!r}: {file} is not a Parquet file, despite its name. If it is CSV, rename it to "
            "end in .csv."
        )


def _open_text(files: Sequence[str], name: str, connection: Any) -> ir.Table:
    """Every column as text.

    The header alone decides the separator: inferring it from rows accepts broken quotes.
    """
    headers = {file: _header(file, name) for file in files}
    separator, columns = headers[files[0]]
    for file, header in headers.items():
        if header != (separator, columns):
            raise SourceError(
                f"table {name!r}: {file} has the header {header[1]}, but {files[0]} has {columns}. "
                "Give files with the same columns in the same order."
            )
    return connection.read_csv(
        list(files),
        columns=dict.fromkeys(columns, "string"),
        auto_detect=False,
        header=True,
        delim=separator,
        quote='"',
        escape='"',
    )


def _header(file: str, name: str) -> tuple[str, list[str]]:
    """The separator and column names of a text file."""
    _refuse_other_content(file, name, named_parquet=False)
    opened = gzip.open if file.lower().endswith(".gz") else open
    try:
        with opened(file, "rt", encoding="utf-8-sig", newline="") as lines:
            first = next(iter(lines), "")
            if "\r" in first.rstrip("\r\n"):  # old Mac line ends
                first = first.split("\r", 1)[0]
    except UnicodeDecodeError as error:
        raise SourceError(f"table {name!r}: {file} is not UTF-8 text. Save it as UTF-8.") from error
    outside_quotes = re.sub(r'"[^"]*"', "", first)
    separator = max(",;\t|", key=outside_quotes.count)
    columns = next(csv.reader([first.rstrip("\r\n")], delimiter=separator), [])
    if not columns:
        raise SourceError(f"table {name!r}: {file} is empty. The first line must name the columns.")
    folded = [column.casefold() for column in columns]
    unclear = sorted(
        {column for column in columns if not column.strip() or folded.count(column.casefold()) > 1}
    )
    if unclear:
        raise SourceError(
            f"table {name!r}: the first line of {file} must name each column once, but {unclear} is empty or "
            "repeated. Name the columns."
        )
    return separator, columns
