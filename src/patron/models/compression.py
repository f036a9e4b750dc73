"""Customers who are alike, counted once: what makes a likelihood of a million customers small."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["Groups", "blocks", "count_distinct", "distinct_rows", "scaled"]

type Floats = npt.NDArray[np.float64]
type Positions = npt.NDArray[np.intp]

BLOCK = 10_000
"""Rows that are worked on at a time."""


def count_distinct(columns: Sequence[Floats], weights: Floats) -> tuple[list[Floats], Floats, Positions]:
    """The distinct rows of `columns`, the weight of each, and which of them each row is.

    Parameters
    ----------
    columns : k arrays (n_rows,)
    weights : (n_rows,)

    Returns
    -------
    columns : k arrays (n_distinct,), ordered by the first column, then the second, and so on
    weights : (n_distinct,) sums over equal rows
    positions : (n_rows,) in [0, n_distinct)

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


def distinct_rows(matrix: Floats) -> tuple[Floats, Positions]:
    """The distinct rows of a matrix, and which of them each row is.

    Parameters
    ----------
    matrix : (n_rows, k), where k may be 0: then all rows are alike

    Returns
    -------
    rows : (n_distinct, k)
    positions : (n_rows,) in [0, n_distinct)

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


class Groups:
    """Which group each row belongs to. Without groups a value per group is one plain number.

    Parameters
    ----------
    group : (n_rows,) number of the group, in [0, n_groups)
    n_groups : ≥ 1, or None where all rows are of one kind: then everything is as quick as a number can be

    Examples
    --------
    >>> groups = Groups(np.array([0.0, 1.0, 1.0]), 2)
    >>> groups.spread(np.array([5.0, 7.0])), groups.collect(np.ones(3), np.array([1.0, 2.0, 3.0]))
    (array([5., 7., 7.]), array([1., 5.]))
    >>> Groups(np.zeros(3), None).collect(np.ones(3), np.array([1.0, 2.0, 3.0]))
    np.float64(6.0)
    """

    def __init__(self, group: Floats, n_groups: int | None) -> None:
        self._group = group.astype(np.intp)
        self._n = n_groups

    def spread(self, values: Any) -> Any:
        """(n_rows,) the value of each row's group; a number, which broadcasts alike, without groups."""
        return values if self._n is None else values[self._group]

    def collect(self, weights: Floats, values: Floats) -> Any:
        """(n_groups,) the weighted sum of `values` over the rows of each group; a number without groups."""
        if self._n is None:
            return weights @ values
        return np.bincount(self._group, weights=weights * values, minlength=self._n)


def blocks(group: Floats) -> list[tuple[slice, slice]]:
    """Stretches of rows that fit into the processor's cache.

    Parameters
    ----------
    group : (n_rows,) number of the group of each row, ascending

    Returns
    -------
    list of (rows, groups) : the rows of a stretch, and the groups that they belong to

    Examples
    --------
    >>> blocks(np.array([0.0, 0.0, 3.0]))
    [(slice(0, 3, None), slice(0, 4, None))]
    """
    found = []
    for begin in range(0, len(group), BLOCK):
        end = min(begin + BLOCK, len(group))
        found.append((slice(begin, end), slice(int(group[begin]), int(group[end - 1]) + 1)))
    return found


def scaled(values: Floats, unit: Floats) -> tuple[Floats, float]:
    """`values` in units of the median of `unit`, and that median; neither feels the last bits of the values.

    Parameters
    ----------
    values : any shape
    unit : (n,) in the same unit as `values`

    Returns
    -------
    values : in medians, to 24 binary digits, so that the last bit of a sum alters no draw
    median : to twelve digits; 1 if it is 0

    Examples
    --------
    >>> sums, exact = np.array([0.1 + 0.2, 0.6]), np.array([0.3, 0.6])
    >>> (sums == exact).all(), (scaled(sums, sums)[0] == scaled(exact, exact)[0]).all()
    (np.False_, np.True_)
    """
    median = float(f"{np.median(unit):.12g}") or 1.0
    return (values / median).astype(np.float32).astype(np.float64), median
