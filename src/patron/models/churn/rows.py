"""Feature rows as arrays: `Columns`, which prediction works on.

A small frame costs as much to build as its numbers cost to compute, and one request would build a dozen. So
the rows become arrays once, on entry, and a frame again at the end.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from patron.arrays import Index
from patron.errors import InputError, TableError, some
from patron.models.encoding import holds_numbers

__all__ = ["Columns", "as_columns", "count_rows", "take_rows"]

type Columns = Mapping[str, npt.NDArray[Any]]
"""Column → (n_customers,) numbers as float64 with NaN where unknown, anything else as objects."""


def as_columns(features: pd.DataFrame, numbers: Iterable[str], frame: str = "X") -> dict[str, Any]:
    """The columns of a frame.

    Parameters
    ----------
    features
        (n_customers, any number of columns)
    numbers
        the columns that must be numbers, whatever their dtype
    frame
        name of `features` in errors

    Returns
    -------
    dict[str, Any]
        column → (n_customers,) float64 for these and for all others that are numbers, but customer_id and
        as_of, which stay what they are; objects for the rest

    Raises
    ------
    InputError
        one of `numbers` holds something else
    TableError
        two columns have the same name

    Examples
    --------
    >>> orders = pd.DataFrame({"orders": pd.array([1, None], dtype="Int64"), "plan": ["basic", None]})
    >>> as_columns(orders, ["orders"])
    {'orders': array([ 1., nan]), 'plan': array(['basic', nan], dtype=object)}
    """
    if not features.columns.is_unique:
        twice = features.columns[features.columns.duplicated()].unique()
        raise TableError(f"{frame} has columns of the same name: {some(twice)}.")
    wanted = set(numbers)
    return {str(name): _array(column, str(name) in wanted, frame) for name, column in features.items()}


def count_rows(columns: Columns) -> int:
    """The number of customers.

    Parameters
    ----------
    columns
        name → (n_customers,)

    Examples
    --------
    >>> count_rows({"T": np.array([90.0, 30.0])})
    2
    """
    return len(next(iter(columns.values()), ()))


def take_rows(columns: Columns, rows: Index | slice) -> Columns:
    """Some of the customers.

    Parameters
    ----------
    columns
        name → (n_customers,)
    rows
        positions, or a slice of them

    Examples
    --------
    >>> take_rows({"T": np.array([90.0, 30.0])}, slice(1, 2))
    {'T': array([30.])}
    """
    return {name: column[rows] for name, column in columns.items()}


def _array(column: pd.Series, number: bool, frame: str) -> npt.NDArray[Any]:
    if number or (holds_numbers(column) and column.name not in ("customer_id", "as_of")):
        try:
            return column.to_numpy(dtype=np.float64, na_value=np.nan)
        except (ValueError, TypeError) as error:
            raise InputError(
                f"feature {str(column.name)!r} of {frame} must be a number and is not: {error}. Give it as a "
                "number, or null where unknown."
            ) from error
    return column.to_numpy(dtype=object) if column.dtype.kind not in "iuM" else column.to_numpy()
