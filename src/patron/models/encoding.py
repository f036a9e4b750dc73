"""Feature frames → the matrix of numbers that trees are grown on: `FeatureEncoder`.

The rule: the kind of a column (number or category) and the levels of a category are learned once, on the
training rows, and are stored with the model as plain text. Later rows are made to fit:

======================================  ==========================================================
found in later rows                     becomes
======================================  ==========================================================
other order of columns, extra columns   selected by name, the rest ignored
a level never seen in training          missing
null, NaN, None, pd.NA                  missing
a column that is not there              an error that names it
infinity, text in a number              an error that names the column
======================================  ==========================================================
"""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Self

import numpy as np
import pandas as pd

from patron.arrays import Floats, Matrix
from patron.errors import InputError, PatronWarning, TableError, some

__all__ = ["MOST_LEVELS", "FeatureEncoder", "holds_numbers", "matrix_of", "numbers_of", "outcomes"]

MOST_LEVELS = 100
"""Maximum number of levels of a category: the most frequent ones; others count as missing."""

_PLAIN = {np.dtype(name) for name in ("float64", "float32", "int64", "int32")}
_NUMBERS = {"boolean", "integer", "floating", "mixed-integer-float", "decimal", "empty"}
_CATEGORIES = {"string", "categorical", "mixed-integer", "mixed", "unknown-array"}


@dataclass(frozen=True, slots=True)
class FeatureEncoder:
    """The features of a model in their order, and the levels of each category.

    Parameters
    ----------
    names
        the features, in the order of the matrix
    levels
        category → its levels as text, in the order of their codes; a feature not named here is a number

    Examples
    --------
    >>> seen = pd.DataFrame({"days_since_last": [3.0, None], "attribute_plan": ["basic", "gold"]})
    >>> encoder = FeatureEncoder.learn(seen)
    >>> later = pd.DataFrame({"attribute_plan": ["gold", "new"], "days_since_last": [9, 1], "note": "extra"})
    >>> encoder.encode(later)
    array([[ 9.,  1.],
           [ 1., nan]], dtype=float32)
    """

    names: tuple[str, ...]
    levels: Mapping[str, tuple[str, ...]]

    @classmethod
    def learn(cls, X: pd.DataFrame) -> Self:
        """The encoder of the columns of `X`.

        Parameters
        ----------
        X
            (n_customers, n_features) one feature per column, numbers or categories

        Raises
        ------
        InputError
            `X` is not a DataFrame, or a column holds dates, durations or the like
        TableError
            `X` has no column, or two of one name

        Warns
        -----
        PatronWarning
            a category has more than `MOST_LEVELS` levels
        """
        _check_frame(X, "X")
        levels = {str(name): _learn_levels(X[name]) for name in X.columns if _is_category(X[name])}
        return cls(names=tuple(map(str, X.columns)), levels=levels)

    @property
    def category_positions(self) -> list[int]:
        """Positions of the categories in the matrix."""
        return [position for position, name in enumerate(self.names) if name in self.levels]

    def encode(self, X: pd.DataFrame, frame: str = "X") -> Matrix:
        """The matrix of `X`.

        Parameters
        ----------
        X
            (n_customers, any number of columns) holds at least the features by name
        frame
            name of `X` in errors

        Returns
        -------
        Matrix
            (n_customers, n_features) numbers as they are, categories as codes from 0, NaN where missing

        Raises
        ------
        TableError
            a feature is missing, or there twice
        InputError
            a number is infinite or is text
        """
        _check_frame(X, frame)
        absent = [name for name in self.names if name not in X.columns]
        if absent:
            raise TableError(
                f"{frame} lacks {len(absent)} of the {len(self.names)} features the model was trained on: "
                f"{some(absent)}. Build the features with the catalogue that belongs to the model."
            )
        # float32 on purpose: sums of money differ in their last bits between engines and orders of rows.
        # Without those bits a customer falls on the same side of every split, and so gets the same score.
        matrix = np.empty((len(X), len(self.names)), dtype=np.float32)
        categories = self.category_positions
        numbers = np.setdiff1d(np.arange(len(self.names)), categories)
        matrix[:, numbers] = matrix_of(X, [self.names[position] for position in numbers], frame)
        for position in categories:
            name = self.names[position]
            matrix[:, position] = self.codes(name, X[name].tolist())
        return matrix

    def codes(self, name: str, values: Sequence[Any]) -> Matrix:
        """The codes of a category, NaN for a missing value or a level that is not known.

        Parameters
        ----------
        name
            the category
        values
            (n,) its values

        Examples
        --------
        >>> FeatureEncoder(("plan",), {"plan": ("basic", "gold")}).codes("plan", ["gold", "new", None])
        array([ 1., nan, nan], dtype=float32)
        """
        code_of = _code_of(self.levels[name])
        known = {value: code_of.get(_level(value), np.nan) for value in set(values) if not _missing(value)}
        return np.array([known.get(value, np.nan) for value in values], dtype=np.float32)

    def to_dict(self) -> dict[str, Any]:
        """Names and levels as JSON values."""
        return {
            "names": list(self.names),
            "levels": {name: list(levels) for name, levels in self.levels.items()},
        }

    @classmethod
    def from_dict(cls, parts: Mapping[str, Any]) -> Self:
        """The encoder that `to_dict` described.

        Parameters
        ----------
        parts
            field → value, as `to_dict` returned it
        """
        return cls(tuple(parts["names"]), {name: tuple(levels) for name, levels in parts["levels"].items()})


def holds_numbers(column: pd.Series) -> bool:
    """Whether a column is of numbers, and not of flags.

    Parameters
    ----------
    column
        of any type
    """
    return pd.api.types.is_numeric_dtype(column.dtype) and not pd.api.types.is_bool_dtype(column.dtype)


def outcomes(y: Any, n_rows: int, name: str = "y") -> Floats:
    """Outcomes as the trees expect them.

    Parameters
    ----------
    y
        (n_rows,) 1 or True if the customer left, 0 or False if not
    n_rows
        rows of the features
    name
        name of `y` in errors

    Returns
    -------
    Floats
        (n_rows,) 1.0 or 0.0

    Raises
    ------
    InputError
        another number of values, or a value that is neither, such as null

    Examples
    --------
    >>> outcomes([True, False], 2)
    array([1., 0.])
    """
    values = pd.Series(np.ravel(y) if isinstance(y, np.ndarray) else y)
    if len(values) != n_rows:
        raise InputError(
            f"{name} has {len(values)} values for {n_rows} rows. Give one per row, in the same order."
        )
    valid = values.isin([0, 1])
    if not valid.all():
        raise InputError(f"{name} must be 1 (left) or 0 (stayed), got {some(values[~valid].unique())}.")
    return values.to_numpy(dtype=np.float64)


def numbers_of(column: pd.Series, frame: str) -> Matrix:
    """A column of numbers as float32, checked.

    Parameters
    ----------
    column
        (n_customers,) numbers, null where unknown
    frame
        name of its frame in errors

    Returns
    -------
    Matrix
        (n_customers,) NaN where unknown

    Raises
    ------
    InputError
        a number is infinite or is text

    Examples
    --------
    >>> numbers_of(pd.Series([1, None], name="orders"), "X")
    array([ 1., nan], dtype=float32)
    """
    try:
        with np.errstate(over="ignore"):
            numbers = column.to_numpy(dtype=np.float64, na_value=np.nan).astype(np.float32)
    except (ValueError, TypeError) as error:
        raise InputError(
            f"feature {str(column.name)!r} of {frame} was a number in training and is not now: {error}. "
            "Give it as a number, or null where unknown."
        ) from error
    infinite = np.isinf(numbers)
    if infinite.any():
        raise InputError(
            f"feature {str(column.name)!r} of {frame} is infinite in {infinite.sum()} rows, at index "
            f"{some(column.index[infinite])}. Give null where a number is unknown."
        )
    return numbers


def matrix_of(X: pd.DataFrame, names: Sequence[str], frame: str) -> Matrix:
    """Columns of numbers side by side, each as `numbers_of` returns it.

    Parameters
    ----------
    X
        (n_customers, any number of columns) holds the columns by name
    names
        the columns
    frame
        name of `X` in errors

    Returns
    -------
    Matrix
        (n_customers, n_names) NaN where unknown

    Examples
    --------
    >>> matrix_of(pd.DataFrame({"orders": [1.0, None], "gap": [7, 2]}), ["gap", "orders"], "X")
    array([[ 7.,  1.],
           [ 2., nan]], dtype=float32)
    """
    chosen = X[list(names)]
    if all(dtype in _PLAIN for dtype in set(chosen.dtypes)):  # one copy for all, not one for each
        with np.errstate(over="ignore"):
            matrix = chosen.to_numpy(dtype=np.float64).astype(np.float32)
        if not np.isinf(matrix).any():
            return matrix
    columns = [numbers_of(chosen[name], frame) for name in names]
    return np.column_stack(columns) if columns else np.empty((len(X), 0), dtype=np.float32)


def _check_frame(X: pd.DataFrame, frame: str) -> None:
    if not isinstance(X, pd.DataFrame):
        raise InputError(
            f"{frame} must be a pandas DataFrame with one named feature per column, got {type(X).__name__}."
        )
    if X.shape[1] == 0:
        raise TableError(f"{frame} has no columns. Give it one feature per column.")
    if not X.columns.is_unique:
        raise TableError(
            f"{frame} has columns of the same name: {some(X.columns[X.columns.duplicated()].unique())}."
        )


def _is_category(column: pd.Series) -> bool:
    if isinstance(column.dtype, pd.CategoricalDtype | pd.StringDtype):
        return True  # even if every value is missing
    kind = pd.api.types.infer_dtype(column, skipna=True)
    if kind not in _NUMBERS | _CATEGORIES:
        raise InputError(
            f"feature {str(column.name)!r} holds {kind} values; a feature is a number or a category. "
            "Leave it out, or turn it into a number such as days before as_of."
        )
    return kind in _CATEGORIES


def _learn_levels(column: pd.Series) -> tuple[str, ...]:
    counts = column.dropna().astype(object).map(_level).value_counts()
    counts = counts[counts > 0]
    if len(counts) > MOST_LEVELS:
        warnings.warn(
            f"feature {str(column.name)!r} has {len(counts)} levels; the {MOST_LEVELS} most frequent are "
            "used and the others count as missing. Group them to use them all.",
            PatronWarning,
            stacklevel=4,
        )
    by_frequency = sorted(counts.index, key=lambda level: (-counts[level], level))
    return tuple(sorted(by_frequency[:MOST_LEVELS]))


@lru_cache(maxsize=256)
def _code_of(levels: tuple[str, ...]) -> dict[str, float]:
    return {level: float(code) for code, level in enumerate(levels)}


def _missing(value: Any) -> bool:
    return value is None or value is pd.NA or value is pd.NaT or (isinstance(value, float) and value != value)


def _level(value: Any) -> str:
    # A column of whole numbers turns into floats as soon as one is missing: 3 and 3.0 are the same level.
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
