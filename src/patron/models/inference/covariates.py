"""Covariates of customers as standardised numbers: `Covariates`.

A number becomes standard deviations from the mean; a category becomes one indicator column per level, whose
effects the prior shrinks towards 0. Missing values and unknown levels count as average: all zeros.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import fsum, sqrt
from typing import Any, Self

import numpy as np
import pandas as pd

from patron.arrays import Floats
from patron.errors import TableError
from patron.models.encoding import FeatureEncoder

__all__ = ["Covariates"]


@dataclass(frozen=True, slots=True)
class Covariates:
    """The covariates, and how each becomes numbers.

    Attributes
    ----------
    encoder
        the columns, and the levels of those that are categories
    centre, spread
        number column → mean and standard deviation of the customers it was learned from

    Examples
    --------
    >>> seen = pd.DataFrame({"age": [20, 40], "channel": ["shop", "web"]})
    >>> covariates = Covariates.learn(seen, ["age", "channel"])
    >>> covariates.effects
    ('age', 'channel=shop', 'channel=web')
    >>> covariates.matrix(pd.DataFrame({"channel": ["web", "post"], "age": [30, 50]}))
    array([[0., 0., 1.],
           [2., 0., 0.]])
    """

    encoder: FeatureEncoder
    centre: Mapping[str, float]
    spread: Mapping[str, float]

    @classmethod
    def learn(cls, frame: pd.DataFrame, names: Sequence[str]) -> Self:
        """The encoding of some columns, learned from these rows.

        Parameters
        ----------
        frame
            (n_customers, …) rows to learn from
        names
            columns that are covariates

        Raises
        ------
        TableError
            a column is missing
        InputError
            a column holds neither numbers nor categories
        """
        absent = [name for name in names if name not in frame.columns]
        if absent:
            raise TableError(
                f"rfm lacks the covariates {', '.join(absent)}; it has {', '.join(map(str, frame.columns))}."
            )
        encoder = FeatureEncoder.learn(frame[list(names)])
        matrix = encoder.encode(frame).astype(np.float64)
        centre, spread = dict[str, float](), dict[str, float]()
        for name, column in zip(encoder.names, matrix.T, strict=True):
            known = column[np.isfinite(column)]
            if name not in encoder.levels and len(known):
                centre[name] = fsum(known) / len(known)  # exact, whatever the order of the rows
                spread[name] = sqrt(fsum((known - centre[name]) ** 2) / len(known)) or 1.0
        return cls(encoder, centre, spread)

    @property
    def effects(self) -> tuple[str, ...]:
        """(k,) names of the columns of `matrix`."""
        names: list[str] = []
        for name in self.encoder.names:
            levels = self.encoder.levels.get(name)
            names += [name] if levels is None else [f"{name}={level}" for level in levels]
        return tuple(names)

    def matrix(self, frame: pd.DataFrame) -> Floats:
        """(n_rows, k) the covariates of each row as numbers around zero, in single precision.

        Parameters
        ----------
        frame
            (n_rows, …) rows with the covariates by name

        Raises
        ------
        TableError
            a column is missing
        """
        columns: list[Floats] = []
        for name, column in zip(self.encoder.names, self.encoder.encode(frame, "rfm").T, strict=True):
            if name in self.encoder.levels:
                columns += [
                    (column == code).astype(np.float64) for code in range(len(self.encoder.levels[name]))
                ]
            else:
                away = (column.astype(np.float64) - self.centre.get(name, 0.0)) / self.spread.get(name, 1.0)
                columns.append(np.where(np.isfinite(away), away, 0.0).astype(np.float32).astype(np.float64))
        return np.column_stack(columns)

    def to_dict(self) -> dict[str, Any]:
        """The covariates as JSON has them."""
        return {
            "encoder": self.encoder.to_dict(),
            "centre": dict(self.centre),
            "spread": dict(self.spread),
        }

    @classmethod
    def from_dict(cls, parts: Mapping[str, Any]) -> Self:
        """The covariates that `to_dict` took apart.

        Parameters
        ----------
        parts
            field → value, as `to_dict` returned it
        """
        return cls(FeatureEncoder.from_dict(parts["encoder"]), dict(parts["centre"]), dict(parts["spread"]))
