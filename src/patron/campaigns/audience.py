"""A list for export to marketing tools: chosen columns, no formulas, e-mail addresses hashed.

A spreadsheet interprets a cell that begins with = + - @, a tab or a carriage return as a formula and runs it,
so a customer named ``=cmd|…`` could run a program on the computer where the file is opened. Such text is
prefixed with an apostrophe, which spreadsheets do not show. Numbers are not changed.

References
----------
OWASP, CSV Injection (the characters, and the apostrophe). RFC 4180 (the format).
"""

import csv
import hashlib
import io
import unicodedata
from collections.abc import Iterable, Sequence

import pandas as pd

from patron.errors import TableError, some

__all__ = ["as_audience", "escape_formula", "hashed_email", "to_csv"]

_FORMULA_SIGNS = tuple("=+-@\t\r\n＝＋－＠")  # full-width forms too: some spreadsheets accept them


def as_audience(
    customers: pd.DataFrame, columns: Sequence[str], *, hashed: Iterable[str] = ()
) -> pd.DataFrame:
    """The chosen columns of these customers.

    Parameters
    ----------
    customers
        one row per customer
    columns
        columns to export, in order
    hashed
        columns with e-mail addresses, exported as SHA-256 hashes

    Returns
    -------
    pd.DataFrame
        `columns`, rows as in `customers`, index 0, 1, 2, …; formulas escaped, see `escape_formula`

    Raises
    ------
    TableError
        a column is missing, or a hashed column is not exported

    Examples
    --------
    >>> people = pd.DataFrame({"customer_id": ["=1+1", "b"], "email": ["Ann@Shop.test ", None], "age": 31})
    >>> audience = as_audience(people, ["customer_id", "email"], hashed=["email"])
    >>> audience["customer_id"].tolist(), audience["email"].str.len().tolist()
    (["'=1+1", 'b'], [64, 0])
    """
    missing = [name for name in columns if name not in customers.columns]
    if missing:
        raise TableError(
            f"There is no column {missing[0]!r} to export; there are {some(map(str, customers.columns), 20)}."
        )
    if stray := [name for name in hashed if name not in columns]:
        raise TableError(f"The column {stray[0]!r} is to be hashed but not exported. Add it to the columns.")
    chosen = customers[list(columns)].reset_index(drop=True)
    hashed = set(hashed)
    for name in columns:
        column = chosen[name]
        if name in hashed:
            chosen[name] = pd.Series([hashed_email(value) for value in column], dtype=object)
        elif not pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column):
            chosen[name] = pd.Series(
                ["" if pd.isna(value) else escape_formula(str(value)) for value in column], dtype=object
            )
    return chosen


def escape_formula(text: str) -> str:
    """The text, prefixed with an apostrophe if a spreadsheet would interpret it as a formula.

    Parameters
    ----------
    text
        content of a cell

    Examples
    --------
    >>> escape_formula("=HYPERLINK(1)"), escape_formula("O'Neil"), escape_formula(" @SUM(A1)")
    ("'=HYPERLINK(1)", "O'Neil", "' @SUM(A1)")
    """
    if text.lstrip(" ").startswith(_FORMULA_SIGNS) or text.lstrip().startswith(_FORMULA_SIGNS):
        return f"'{text}"
    return text


def hashed_email(address: object) -> str:
    """SHA-256 of an e-mail address, normalised as advertisers compare them; empty if there is none.

    Parameters
    ----------
    address
        text; surrounding spaces and upper case are ignored

    Returns
    -------
    str
        64 hexadecimal digits, or ""

    Examples
    --------
    >>> hashed_email(" Ann@Shop.test") == hashed_email("ann@shop.test")
    True
    >>> hashed_email(None)
    ''
    """
    if not isinstance(address, str) or not address.strip():
        return ""
    plain = unicodedata.normalize("NFC", address).strip().lower()
    return hashlib.sha256(plain.encode("utf-8")).hexdigest()


def to_csv(audience: pd.DataFrame) -> str:
    r"""The rows as CSV, with every text quoted so that no cell can be split.

    Parameters
    ----------
    audience
        what `as_audience` returned

    Examples
    --------
    >>> to_csv(pd.DataFrame({"customer_id": ["a,b"], "cost": [-0.5]}))
    '"customer_id","cost"\n"a,b",-0.5\n'
    """
    written = io.StringIO()
    named = audience.rename(columns={name: escape_formula(str(name)) for name in audience.columns})
    named.to_csv(written, index=False, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\n")
    return written.getvalue()
