"""The tables a campaign is given: checks of their columns, and ids as text to match them by."""

from collections.abc import Iterable

import ibis.expr.types as ir
import numpy as np
import numpy.typing as npt
import pandas as pd

from patron.errors import TableError, some

__all__ = ["check_columns", "ids_as_text"]


def ids_as_text(ids: pd.Series) -> npt.NDArray[np.str_]:
    """(n,) customer ids as text, so that tables whose ids have different types can be matched.

    Parameters
    ----------
    ids
        (n,) ids of any type

    Examples
    --------
    >>> ids_as_text(pd.Series([7, 8])).tolist()
    ['7', '8']
    """
    return ids.astype(str).to_numpy(dtype=object).astype(str)


def check_columns(name: str, table: ir.Table, wanted: Iterable[str], remedy: str) -> None:
    """Raise unless the table has these columns.

    Parameters
    ----------
    name
        what the table holds, in the plural
    table
        the table
    wanted
        the columns it needs
    remedy
        what to do, as a sentence

    Raises
    ------
    TableError
        one is missing
    """
    if missing := [column for column in wanted if column not in table.columns]:
        raise TableError(
            f"The {name} lack {', '.join(missing)}; they have {some(sorted(table.columns), 12)}. {remedy}"
        )
