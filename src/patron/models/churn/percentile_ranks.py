"""The rank of a customer among the customers of the same day: `Percentiles`.

Orders and gaps drift with the season, ranks do not: a customer who bought more recently than 80 % of the
others did so in spring as in autumn. So trees also get the percentile of each number among the customers of
its own snapshot.

A percentile is interpolated on a grid of at most `MOST_POINTS` of the numbers and their mid-ranks, never on
the rows themselves. The grid of the training population is stored with the model; since a batch uses its own
grid in the same way, a single row that is served gets the percentile that it would get in that day's batch.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from patron.arrays import Index, Matrix
from patron.errors import SettingsError, TableError, some
from patron.models.churn.rows import Columns, count_rows
from patron.models.encoding import holds_numbers, matrix_of, numbers_of

__all__ = ["ENOUGH_FOR_RANKS", "MOST_POINTS", "PERCENTILE", "Percentiles", "Ranks"]

type Ranks = Literal["auto", "own", "model"] | "Percentiles"

MOST_POINTS = 200
"""Points of the grid of one feature."""

ENOUGH_FOR_RANKS = 1000
"""Customers from which a scored population is ranked by itself."""

PERCENTILE = "_pct"
"""Suffix of the name of a percentile."""

RANKED = "the rows to be ranked"


@dataclass(frozen=True, slots=True)
class Percentiles:
    """The grid of one population: numbers, and the share of customers below each.

    Parameters
    ----------
    grids
        feature → (numbers, ranks), both (n_points,) rising float32; without points for a feature that
        is missing for all

    Notes
    -----
    The rank of a number is its mid-rank: the share of customers below it, and half the share at it. So a tie
    of many (no order in 30 days) stands in the middle of its own, and a constant feature is 0.5 for all.
    Between points ranks are interpolated; beyond the ends they are those of the ends.

    Examples
    --------
    >>> seen = pd.DataFrame({"orders_30d": [0.0, 0.0, 1.0, 4.0, None]})
    >>> percentiles = Percentiles.learn(seen)
    >>> percentiles.place(pd.DataFrame({"orders_30d": [0, 1, 4, 9, None]}))["orders_30d_pct"].tolist()
    [0.25, 0.625, 0.875, 0.875, nan]
    """

    grids: Mapping[str, tuple[Matrix, Matrix]]

    @classmethod
    def learn(cls, features: pd.DataFrame, names: Iterable[str] | None = None) -> Self:
        """The grid of these customers.

        Parameters
        ----------
        features
            one row per customer of one day
        names
            which columns; all that hold numbers if None

        Raises
        ------
        TableError
            a column is missing
        InputError
            a column holds something that is no finite number
        """
        if names is None:
            names = [str(name) for name in features.columns if holds_numbers(features[name])]
        return cls({name: _grid(_column(features, name)) for name in names})

    @property
    def names(self) -> tuple[str, ...]:
        """The features that have a percentile, in order."""
        return tuple(self.grids)

    def place(self, features: pd.DataFrame) -> pd.DataFrame:
        """The percentile of each customer in each feature.

        Parameters
        ----------
        features
            (n_customers, any number of columns) the features by name

        Returns
        -------
        pd.DataFrame
            (n_customers, n_features) float32 in [0, 1], named ``<feature>_pct``, indexed like `features`;
            missing where the feature is

        Raises
        ------
        TableError
            a feature is missing
        InputError
            a feature holds something that is no finite number
        """
        if absent := [name for name in self.grids if name not in features.columns]:
            raise _lacking(features, absent[0])
        placed = np.asfortranarray(matrix_of(features, self.names, RANKED))
        self.place_rows(placed.T, into=placed.T)
        return pd.DataFrame(
            placed, index=features.index, columns=[name + PERCENTILE for name in self.grids], copy=False
        )

    def place_rows(self, numbers: Matrix, into: Matrix) -> None:
        """Writes the percentiles of numbers into an array.

        Parameters
        ----------
        numbers
            (n_features, n_customers) finite or NaN, in the order of `names`
        into
            (n_features, n_customers) receives the percentiles; may be `numbers` itself
        """
        unknown = np.isnan(numbers)  # which a grid of one point would rank too
        for row, place, (points, ranks) in zip(numbers, into, self.grids.values(), strict=True):
            place[...] = np.interp(row, points, ranks) if points.size else np.nan
        into[unknown] = np.nan

    def among(self, features: pd.DataFrame, ranks: Ranks = "auto") -> "Percentiles":
        """The grid that customers are ranked by: this one, or their own.

        Parameters
        ----------
        features
            the customers who are ranked
        ranks
            "own", "model" (this one), or "auto": their own from `ENOUGH_FOR_RANKS` customers on; or the
            grid of the whole population, where these are a batch of it

        Raises
        ------
        SettingsError
            `ranks` is none of the three

        Examples
        --------
        >>> model = Percentiles.learn(pd.DataFrame({"gap": [1.0, 2.0]}))
        >>> model.among(pd.DataFrame({"gap": [7.0]})) is model
        True
        """
        return self._which(len(features), ranks) or type(self).learn(features, self.names)

    def among_columns(self, columns: Columns, ranks: Ranks = "auto") -> "Percentiles":
        """The grid that customers are ranked by, as `among`, for arrays.

        Parameters
        ----------
        columns
            name → (n_customers,) the customers who are ranked
        ranks
            see `among`
        """
        return self._which(count_rows(columns), ranks) or type(self)(
            {name: _grid(columns[name].astype(np.float32)) for name in self.names}
        )

    def _which(self, customers: int, ranks: Ranks) -> "Percentiles | None":
        """The grid to rank a number of customers by; None for their own."""
        if isinstance(ranks, Percentiles):
            return ranks
        if ranks not in ("auto", "own", "model"):
            raise SettingsError(f"ranks must be 'auto', 'own' or 'model', got {ranks!r}.")
        own = ranks == "own" or (ranks == "auto" and customers >= ENOUGH_FOR_RANKS)
        return None if own else self

    def to_arrays(self) -> tuple[dict[str, npt.NDArray[Any]], dict[str, Any]]:
        """The grids as arrays, end to end, and the names and numbers of points as plain values.

        Examples
        --------
        >>> arrays, meta = Percentiles.learn(pd.DataFrame({"gap": [1.0, 2.0, 2.0]})).to_arrays()
        >>> arrays["numbers"], meta
        (array([1., 2.], dtype=float32), {'names': ['gap'], 'points': [2]})
        >>> Percentiles.from_arrays(arrays, meta).names
        ('gap',)
        """
        nothing: list[Matrix] = [np.empty(0, dtype=np.float32)]
        arrays = {
            kind: np.concatenate([*nothing, *(grid[which] for grid in self.grids.values())])
            for which, kind in enumerate(("numbers", "ranks"))
        }
        points = [len(grid[0]) for grid in self.grids.values()]
        return arrays, {"names": list(self.grids), "points": points}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, npt.NDArray[Any]], meta: Mapping[str, Any]) -> Self:
        """The percentiles that `to_arrays` took apart.

        Parameters
        ----------
        arrays, meta
            as in :meth:`patron.models.inference.stored.Stored.from_arrays`
        """
        ends = np.cumsum(meta["points"], dtype=int)[:-1]
        numbers, ranks = (np.split(arrays[kind], ends) for kind in ("numbers", "ranks"))
        return cls(dict(zip(meta["names"], zip(numbers, ranks, strict=True), strict=True)))


def _column(features: pd.DataFrame, name: str) -> Matrix:
    if name not in features.columns:
        raise _lacking(features, name)
    return numbers_of(features[name], RANKED)


def _lacking(features: pd.DataFrame, name: str) -> TableError:
    return TableError(f"The rows to be ranked lack {name!r}; they have {some(features.columns)}.")


def _grid(column: Matrix) -> tuple[Matrix, Matrix]:
    known = np.sort(column[~np.isnan(column)])
    if known.size == 0:
        return np.empty(0, dtype=np.float32), np.empty(0, dtype=np.float32)
    changes = np.flatnonzero(np.diff(known, prepend=np.float32(-np.inf)))
    distinct = known[changes]
    if distinct.size > MOST_POINTS:
        distinct = distinct[_points(distinct, known)]
    below, up_to = (np.searchsorted(known, distinct, side) for side in ("left", "right"))
    return distinct, ((below + up_to) / (2 * known.size)).astype(np.float32)


def _points(distinct: Matrix, known: Matrix) -> Index:
    """Which of the distinct numbers make the grid.

    They are spread evenly over the customers, so that there are points where there are many customers; the
    neighbours of numbers that many share are added, since ranks jump there.
    """
    evenly = known[np.round(np.linspace(0, known.size - 1, MOST_POINTS // 2)).astype(int)]
    which, drawn = np.unique(np.searchsorted(distinct, evenly), return_counts=True)
    shared = which[drawn > 1]
    return np.unique(np.clip(np.concatenate([which, shared - 1, shared + 1]), 0, distinct.size - 1))
