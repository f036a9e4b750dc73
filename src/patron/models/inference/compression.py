"""Equal customers, counted once: keeps the likelihood of a million customers small."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from patron.arrays import Floats, Index

__all__ = ["count_distinct", "distinct_rows", "packed", "scaled"]


def count_distinct(columns: Sequence[Floats], weights: Floats) -> tuple[list[Floats], Floats, Index]:
    """The distinct rows of `columns`, the weight of each, and which of them each row is.

    Parameters
    ----------
    columns
        k arrays (n_rows,)
    weights
        (n_rows,)

    Returns
    -------
    columns
        k arrays (n_distinct,), ordered by the first column, then the second, and so on
    weights
        (n_distinct,) sums over equal rows
    positions
        (n_rows,) in [0, n_distinct)

    Examples
    --------
    >>> columns = [np.array([2.0, 0, 2]), np.array([9.0, 7, 9])]
    >>> (x, age), weight, position = count_distinct(columns, np.ones(3))
    >>> x, age, weight, position
    (array([0., 2.]), array([7., 9.]), array([1., 2.]), array([1, 0, 1]))
    """
    key = np.zeros(len(weights), dtype=np.int64)
    for column in columns:
        values, code = np.unique(column, return_inverse=True)
        key = key * max(len(values), 1) + code
        if len(values) > 1:
            key = np.unique(key, return_inverse=True)[1]  # stays small however many columns there are
    _, first, position = np.unique(key, return_index=True, return_inverse=True)
    total = np.bincount(position, weights=weights, minlength=len(first))
    return [column[first] for column in columns], total, position


def distinct_rows(matrix: Floats) -> tuple[Floats, Index]:
    """The distinct rows of a matrix, and which of them each row is.

    Parameters
    ----------
    matrix
        (n_rows, k), where k may be 0: then all rows are alike

    Returns
    -------
    rows
        (n_distinct, k)
    positions
        (n_rows,) in [0, n_distinct)

    Examples
    --------
    >>> distinct_rows(np.array([[0.5], [0.1], [0.5]]))
    (array([[0.1],
           [0.5]]), array([1, 0, 1]))
    >>> distinct_rows(np.zeros((3, 0)))[1]
    array([0, 0, 0])
    """
    if matrix.shape[1] == 0:
        return np.zeros((1, 0)), np.zeros(len(matrix), dtype=np.intp)
    columns, _, position = count_distinct(list(matrix.T), np.ones(len(matrix)))
    return np.column_stack(columns), position


def packed(columns: Sequence[npt.NDArray[Any]]) -> Floats:
    """Arrays behind one another, after how many there are and how long each is.

    Parameters
    ----------
    columns
        arrays of any length

    Examples
    --------
    >>> packed([np.array([7.0, 8.0]), np.array([]), np.array([9.0])])
    array([3., 2., 0., 1., 7., 8., 9.])
    """
    sizes = np.array([len(columns), *map(np.size, columns)], dtype=np.float64)
    return np.concatenate([sizes, *(np.ravel(column) for column in columns)], dtype=np.float64)


def scaled(values: Floats, unit: Floats) -> tuple[Floats, float]:
    """`values` in units of the median of `unit`, and that median; neither feels the last bits of the values.

    Parameters
    ----------
    values
        any shape
    unit
        (n,) in the same unit as `values`

    Returns
    -------
    values
        in medians, to 24 binary digits, so that the last bit of a sum alters no draw
    median
        to twelve digits; 1 if it is 0

    Examples
    --------
    >>> sums, exact = np.array([0.1 + 0.2, 0.6]), np.array([0.3, 0.6])
    >>> (sums == exact).all(), (scaled(sums, sums)[0] == scaled(exact, exact)[0]).all()
    (np.False_, np.True_)
    """
    median = float(f"{np.median(unit):.12g}") or 1.0
    return (values / median).astype(np.float32).astype(np.float64), median
