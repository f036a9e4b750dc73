"""The training population, to measure drift by: `Reference`, the distribution of each column.

Of each number it keeps the edges of ten bins with equally many customers and the shares in them, of each
category the shares of its most frequent levels and hashes of the rarer ones, and of both the share that is
missing. It holds no customer's row.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pandas as pd

__all__ = ["MISSING", "OTHER", "Distribution", "Reference"]


MISSING, OTHER = "(missing)", "(other)"
_BINS = 10
_MOST_LEVELS = 50  # the rest counts as one
_MARK_BYTES = 6  # hash of a rarer level: distinguishes thousands of them without storing a name


@dataclass(frozen=True, slots=True)
class Distribution:
    """The distribution of one column.

    Attributes
    ----------
    shares
        bin → share of the customers, including missing ones; a bin is named by its position among `edges`
        ("0", "1", …), by its level, or is `MISSING` or `OTHER`
    edges
        inner edges of the bins of a number, ascending; a number equal to one belongs above it. None for a
        category
    rarer
        hashes of the levels without a bin of their own, so that they are recognised

    Examples
    --------
    >>> ages = Distribution.of_numbers(pd.Series([20.0, 30.0, 40.0, None]), bins=2)
    >>> ages.edges, ages.shares
    ((30.0,), {'0': 0.25, '1': 0.5, '(missing)': 0.25})
    >>> ages.place(pd.Series([10.0, 20.0]))
    {'0': 1.0, '1': 0.0, '(missing)': 0.0}
    """

    shares: Mapping[str, float]
    edges: tuple[float, ...] | None = None
    rarer: tuple[str, ...] = ()

    @classmethod
    def of_numbers(cls, column: pd.Series, *, bins: int = _BINS) -> Self:
        """The distribution of a number, in bins of about equally many customers; fewer if many share a value.

        Parameters
        ----------
        column
            (n_customers,) numbers, null where missing
        bins
            maximum number of bins, ≥ 1
        """
        known = column.to_numpy(dtype=np.float64, na_value=np.nan)
        known = known[np.isfinite(known)]
        cuts = np.quantile(known, np.arange(1, bins) / bins, method="higher") if len(known) else np.empty(0)
        edges = tuple(float(cut) for cut in np.unique(cuts) if len(known) and cut > known.min())
        return cls(_shares_of_numbers(column, edges), edges)

    @classmethod
    def of_levels(cls, column: pd.Series) -> Self:
        """The distribution of a category: its most frequent levels, and all others as one.

        Parameters
        ----------
        column
            (n_customers,) categories, null where missing
        """
        named = column.astype("string").fillna(MISSING)
        counted = named[named != MISSING].value_counts().sort_index()
        known = [str(level) for level in counted.sort_values(ascending=False, kind="stable").index]
        levels, rarer = sorted(known[:_MOST_LEVELS]), tuple(sorted(map(_mark, known[_MOST_LEVELS:])))
        bins = named.where(named.isin([*levels, MISSING]), OTHER)
        return cls(_shares(bins, [*levels, OTHER, MISSING]), rarer=rarer)

    def place(self, column: pd.Series) -> dict[str, float]:
        """Bin → share of these customers; a level never seen counts as `OTHER`.

        Parameters
        ----------
        column
            (n_customers,) numbers or categories, as in training
        """
        if self.edges is not None:
            return _shares_of_numbers(column, self.edges)
        named = column.astype("string").fillna(MISSING)
        return _shares(named.where(named.isin(list(self.shares)), OTHER), list(self.shares))

    def new_levels(self, column: pd.Series) -> list[str]:
        """Levels of these customers that no customer of the training had.

        Parameters
        ----------
        column
            (n_customers,) categories
        """
        if self.edges is not None:
            return []
        rarer, levels = set(self.rarer), map(str, column.astype("string").dropna().unique())
        return sorted(level for level in levels if level not in self.shares and _mark(level) not in rarer)


@dataclass(frozen=True, slots=True)
class Reference:
    """The distributions of features and scores in the training population.

    Attributes
    ----------
    columns
        name → its distribution
    customers
        size of the population

    Examples
    --------
    >>> rows = pd.DataFrame({"days_since_last": [3.0, 9.0, 30.0], "attribute_plan": ["gold", None, "basic"]})
    >>> reference = Reference.learn(rows)
    >>> reference.columns["attribute_plan"].shares["gold"] == 1 / 3
    True
    >>> Reference.from_dict(reference.to_dict()) == reference
    True
    """

    columns: Mapping[str, Distribution]
    customers: int

    @classmethod
    def learn(cls, rows: pd.DataFrame) -> Self:
        """The distribution of each column of `rows`, one row per customer; columns are numbers or text.

        Parameters
        ----------
        rows
            (n_customers, n_columns) numbers or text
        """
        learned = {
            str(name): Distribution.of_numbers(column)
            if pd.api.types.is_numeric_dtype(column)
            else Distribution.of_levels(column)
            for name, column in rows.items()
        }
        return cls(learned, len(rows))

    def to_dict(self) -> dict[str, Any]:
        """As JSON can hold it."""
        return {
            "customers": self.customers,
            "columns": {
                name: {
                    "shares": dict(column.shares),
                    "edges": None if column.edges is None else list(column.edges),
                    "rarer": list(column.rarer),
                }
                for name, column in self.columns.items()
            },
        }

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Self:
        """The reference that `to_dict` described.

        Parameters
        ----------
        stored
            field → value, as `to_dict` returned it
        """
        columns = {
            name: Distribution(
                column["shares"],
                None if column["edges"] is None else tuple(column["edges"]),
                tuple(column.get("rarer", ())),  # older models know the frequent ones alone
            )
            for name, column in stored["columns"].items()
        }
        return cls(columns, stored["customers"])


def _mark(level: str) -> str:
    return hashlib.blake2b(level.encode(), digest_size=_MARK_BYTES).hexdigest()


def _shares_of_numbers(column: pd.Series, edges: tuple[float, ...]) -> dict[str, float]:
    numbers = column.to_numpy(dtype=np.float64, na_value=np.nan)
    missing = np.isnan(numbers)
    places = np.searchsorted(np.asarray(edges), numbers[~missing], side="right")
    counts = [*np.bincount(places, minlength=len(edges) + 1), missing.sum()]
    names = [*(str(place) for place in range(len(edges) + 1)), MISSING]
    return {name: float(count / max(len(numbers), 1)) for name, count in zip(names, counts, strict=True)}


def _shares(bins: pd.Series, names: list[str]) -> dict[str, float]:
    counted = bins.value_counts(normalize=True) if len(bins) else pd.Series(dtype="float64")
    return {name: float(counted.get(name, 0.0)) for name in names}
