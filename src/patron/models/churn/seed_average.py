"""Boosted ensembles that differ by their seed alone, averaged: `SeedAverage`.

Which rows and features a tree sees is random; a mean over seeds removes that noise. The number of trees per
seed and the settings are determined once (`plan_growth`) on rows later than those that grow the trees; an
ensemble can then be grown on more rows by the same plan.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import numpy.typing as npt

from patron.arrays import Floats, Matrix
from patron.models.churn.boosted_trees import (
    Growth,
    Rows,
    explain,
    grow_fixed,
    grow_with_early_stopping,
    hold_out_fifth,
    raw_scores,
    read_trees,
)

if TYPE_CHECKING:
    from lightgbm import Booster

__all__ = ["SeedAverage", "plan_growth"]

_NEXT = "\n=== next trees ===\n"
_CHOICES: dict[str, Sequence[float]] = {
    "learning_rate": (0.03, 0.05, 0.08),
    "num_leaves": (4, 6, 8, 12, 15),
    "min_data_in_leaf": (20, 40, 80, 160),
    "feature_fraction": (0.4, 0.7, 0.9),
    "lambda_l2": (0.5, 1.0, 5.0, 20.0),
}
"""Values that a search draws from; all of them small trees."""


def plan_growth(
    rows: Rows, stop_on: Rows | None, growth: Growth, *, n_seeds: int = 1, search: int = 0
) -> "tuple[list[Growth], SeedAverage]":
    """How to grow the trees of each seed, their number included, and the ensemble that determined it.

    Parameters
    ----------
    rows
        features and target that grow trees
    stop_on
        later rows; without them a fifth of `rows`, drawn at random
    growth
        how to grow them; its random_state is the first of the seeds
    n_seeds
        number of boosted ensembles, ≥ 1
    search
        number of random settings that compete with those of `growth` on `stop_on`; 0 for none

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> matrix = rng.random((600, 2)).astype(np.float32)
    >>> rows = matrix, (matrix[:, 0] > rng.random(600)).astype(float)
    >>> growth = Growth(settings={"objective": "binary"}, n_trees=50, patience=5)
    >>> plan, ensemble = plan_growth(rows, None, growth, n_seeds=2)
    >>> [seed.random_state for seed in plan], ensemble.n_trees == sum(seed.n_trees for seed in plan)
    ([0, 1], True)
    """
    first = growth.random_state
    grows_on, stops_on = hold_out_fifth(rows, first) if stop_on is None else (rows, stop_on)
    candidates = [growth, *_drawn(growth, search)]
    firsts = [grow_with_early_stopping(grows_on, stops_on, candidate) for candidate in candidates]
    best = int(np.argmin([found.loss for found in firsts]))
    plan = [replace(candidates[best], random_state=first + number) for number in range(n_seeds)]
    others = [grow_with_early_stopping(grows_on, stops_on, seed) for seed in plan[1:]]
    grown = [found.trees for found in (firsts[best], *others)]
    counted = zip(plan, grown, strict=True)
    return [replace(seed, n_trees=trees.num_trees()) for seed, trees in counted], SeedAverage(tuple(grown))


@dataclass(frozen=True, slots=True)
class SeedAverage:
    """The mean of boosted ensembles.

    Parameters
    ----------
    boosters
        one per seed
    """

    boosters: "tuple[Booster, ...]"

    @classmethod
    def grow(cls, rows: Rows, plan: Sequence[Growth]) -> Self:
        """The ensemble of these rows by this plan.

        Parameters
        ----------
        rows
            features and target
        plan
            how to grow the trees of each seed
        """
        return cls(tuple(grow_fixed(rows, replace(seed, n_trees=max(seed.n_trees, 1))) for seed in plan))

    @property
    def n_trees(self) -> int:
        """Number of trees of all boosters."""
        return sum(trees.num_trees() for trees in self.boosters)

    def raw_scores(self, matrix: Matrix, n_jobs: int = 1) -> Floats:
        """(n_rows,) mean raw score, see :func:`patron.models.churn.boosted_trees.raw_scores`.

        Parameters
        ----------
        matrix
            (n_rows, n_features) as in growing
        n_jobs
            maximum number of threads, -1 for all; the trees do not depend on it
        """
        total: Floats = sum(
            (raw_scores(trees, matrix, n_jobs) for trees in self.boosters), np.zeros(len(matrix))
        )
        return total / len(self.boosters)

    def explain(self, matrix: Matrix, n_jobs: int = 1) -> Floats:
        """(n_rows, n_features) see :func:`patron.models.churn.boosted_trees.explain`.

        Parameters
        ----------
        matrix, n_jobs
            as in :meth:`raw_scores`
        """
        total: Floats = sum(
            (explain(trees, matrix, n_jobs) for trees in self.boosters), np.zeros(matrix.shape)
        )
        return total / len(self.boosters)

    def importance(self, kind: str) -> npt.NDArray[Any]:
        """(n_features,) "gain" or "split", added up.

        Parameters
        ----------
        kind
            "gain" or "split"
        """
        return np.sum([trees.feature_importance(kind) for trees in self.boosters], axis=0)

    def to_text(self) -> str:
        """All boosters as LightGBM's own text.

        Examples
        --------
        >>> matrix = np.arange(200, dtype=np.float32)[:, None]
        >>> rows = matrix, (matrix[:, 0] >= 120) * 1.0
        >>> growth = Growth(settings={"objective": "binary"}, n_trees=3, patience=3)
        >>> _, ensemble = plan_growth(rows, rows, growth, n_seeds=2)
        >>> again = SeedAverage.from_text(ensemble.to_text())
        >>> bool((again.raw_scores(matrix) == ensemble.raw_scores(matrix)).all())
        True
        """
        return _NEXT.join(trees.model_to_string() for trees in self.boosters)

    @classmethod
    def from_text(cls, text: str) -> Self:
        """The ensemble that `to_text` wrote; it predicts the same to the last bit.

        Parameters
        ----------
        text
            as `to_text` wrote it
        """
        return cls(tuple(map(read_trees, text.split(_NEXT))))


def _drawn(growth: Growth, search: int) -> list[Growth]:
    rng = np.random.default_rng(growth.random_state)
    return [
        replace(
            growth,
            settings={
                **growth.settings,
                **{name: rng.choice(values).item() for name, values in _CHOICES.items()},
            },
        )
        for _ in range(search)
    ]
