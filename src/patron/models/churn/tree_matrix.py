"""What trees see of customers, as one matrix: `tree_matrix`.

The same numbers as :func:`patron.models.ensemble.btyd_features.tree_rows` puts into a frame for training,
encoded as the trees have them, without a frame in between: the way of every prediction.
"""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from patron.arrays import Matrix
from patron.errors import InputError, some
from patron.models.churn.percentile_ranks import PERCENTILE, Percentiles
from patron.models.churn.rows import Columns, count_rows
from patron.models.encoding import FeatureEncoder

__all__ = ["tree_matrix"]


FRAME = "the rows to be scored"


def tree_matrix(columns: Columns, encoder: FeatureEncoder, grid: Percentiles | None) -> Matrix:
    """What trees see of these customers.

    Parameters
    ----------
    columns
        the features, and what is expected of each customer where the trees see that
    encoder
        the order of the features and the levels of the categories
    grid
        by which numbers are ranked; None where the trees see the features alone

    Returns
    -------
    Matrix
        (n_customers, n_features) in the order of the encoder, NaN where missing

    Raises
    ------
    InputError
        a number is infinite
    KeyError
        a feature is missing

    Examples
    --------
    >>> grid = Percentiles({"orders": (np.float32([0, 4]), np.float32([0.25, 0.75]))})
    >>> encoder = FeatureEncoder(("plan", "orders", "orders_pct"), {"plan": ("basic", "gold")})
    >>> tree_matrix({"orders": np.array([2.0]), "plan": np.array(["gold"])}, encoder, grid)
    array([[1. , 2. , 0.5]], dtype=float32)
    """
    ranked = () if grid is None else grid.names
    figures, order = _places(encoder.names, tuple(encoder.levels), ranked)
    seen = np.empty((len(figures) + len(ranked) + len(encoder.levels), count_rows(columns)), np.float32)
    with np.errstate(over="ignore"):
        for place, name in enumerate(figures):
            seen[place] = columns[name]
    _check_finite(seen[: len(figures)], figures)
    if grid is not None:
        grid.place_rows(seen[: len(ranked)], into=seen[len(figures) : len(figures) + len(ranked)])
    for place, name in enumerate(encoder.levels, start=len(figures) + len(ranked)):
        seen[place] = encoder.codes(name, columns[name].tolist())
    return np.ascontiguousarray(seen[order].T)


@lru_cache(maxsize=16)
def _places(
    names: tuple[str, ...], categories: tuple[str, ...], ranked: tuple[str, ...]
) -> tuple[tuple[str, ...], npt.NDArray[np.intp]]:
    """The numbers that are needed, those that are ranked first; and where each feature stands among the
    numbers, their ranks and the categories."""
    ranks = [name + PERCENTILE for name in ranked]
    figures = tuple(dict.fromkeys([*ranked, *(n for n in names if n not in ranks and n not in categories)]))
    place = {name: number for number, name in enumerate([*figures, *ranks, *categories])}
    return figures, np.array([place[name] for name in names], dtype=np.intp)


def _check_finite(seen: Matrix, names: Sequence[str]) -> None:
    infinite = np.isinf(seen)
    if infinite.any():
        which = int(infinite.any(axis=1).argmax())
        raise InputError(
            f"feature {names[which]!r} of {FRAME} is infinite in {infinite[which].sum()} rows, at position "
            f"{some(np.flatnonzero(infinite[which]))}. Give null where a number is unknown."
        )
