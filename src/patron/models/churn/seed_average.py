"""Boosted ensembles that differ by their seed alone, averaged: `SeedAverage`.

Which rows and features a tree sees is random; a mean over seeds removes that noise. The number of trees per
seed and the settings are determined once (`plan_growth`) on rows later than those that grow the trees; an
ensemble can then be grown on more rows by the same plan.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import numpy.typing as npt

from patron.arrays import Floats, Matrix
from patron.models.churn.boosted_trees import (
    Grown,
    Rows,
    explain,
    grow_fixed,
    grow_with_early_stopping,
    holdout_fifth,
    raw_scores,
    read_trees,
)

if TYPE_CHECKING:
    from lightgbm import Booster

__all__ = ["GrowthPlan", "SeedAverage", "plan_growth"]

_NEXT = "\n=== next trees ===\n"
_CHOICES: dict[str, Sequence[float]] = {
    "learning_rate": (0.03, 0.05, 0.08),
    "num_leaves": (4, 6, 8, 12, 15),
    "min_data_in_leaf": (20, 40, 80, 160),
    "feature_fraction": (0.4, 0.7, 0.9),
    "lambda_l2": (0.5, 1.0, 5.0, 20.0),
}
"""Values that a search draws from; all of them small trees."""


@dataclass(frozen=True, slots=True)
class GrowthPlan:
    """How to grow an ensemble.

    Attributes
    ----------
    settings
        of LightGBM
    n_trees
        seed → number of trees
    loss
        of the objective on the rows that growing stopped on, mean over the seeds
    categories
        positions of the categories
    n_jobs
        maximum number of threads
    """

    settings: Mapping[str, Any]
    n_trees: Mapping[int, int]
    loss: float
    categories: tuple[int, ...]
    n_jobs: int


def plan_growth(
    rows: Rows,
    stop_on: Rows | None,
    settings: Mapping[str, Any],
    *,
    n_trees: int,
    patience: int,
    categories: Sequence[int] = (),
    n_seeds: int = 1,
    search: int = 0,
    n_jobs: int = 1,
    random_state: int = 0,
) -> "tuple[GrowthPlan, SeedAverage]":
    """The number of trees per seed and their settings, and the ensemble that determined them.

    Parameters
    ----------
    rows
        features and target that grow trees
    stop_on
        later rows; without them a fifth of `rows`, drawn at random
    settings
        LightGBM's own, `objective` among them
    n_trees, patience, categories, n_jobs
        see :func:`patron.models.churn.boosted_trees.grow_trees`
    n_seeds
        number of boosted ensembles, ≥ 1
    search
        number of random settings that compete with `settings` on `stop_on`; 0 for none
    random_state
        the first of the seeds

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> matrix = rng.random((600, 2)).astype(np.float32)
    >>> rows = matrix, (matrix[:, 0] > rng.random(600)).astype(float)
    >>> plan, ensemble = plan_growth(rows, None, {"objective": "binary"}, n_trees=50, patience=5, n_seeds=2)
    >>> sorted(plan.n_trees), ensemble.n_trees == sum(plan.n_trees.values())
    ([0, 1], True)
    """
    if stop_on is None:
        aside = holdout_fifth(rows[1], random_state)
        rows, stop_on = (rows[0][~aside], rows[1][~aside]), (rows[0][aside], rows[1][aside])

    def grow(candidate: Mapping[str, Any], seed: int) -> Grown:
        return grow_with_early_stopping(
            rows,
            stop_on,
            candidate,
            n_trees=n_trees,
            patience=patience,
            categories=categories,
            n_jobs=n_jobs,
            random_state=seed,
        )

    candidates = [dict(settings), *_drawn(settings, search, random_state)]
    firsts = [grow(candidate, random_state) for candidate in candidates]
    best = int(np.argmin([first.loss for first in firsts]))
    others = [grow(candidates[best], random_state + number) for number in range(1, n_seeds)]
    grown = {random_state + number: found for number, found in enumerate([firsts[best], *others])}
    plan = GrowthPlan(
        settings=candidates[best],
        n_trees={seed: found.trees.num_trees() for seed, found in grown.items()},
        loss=float(np.mean([found.loss for found in grown.values()])),
        categories=tuple(categories),
        n_jobs=n_jobs,
    )
    return plan, SeedAverage(tuple(found.trees for found in grown.values()))


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
    def grow(cls, rows: Rows, plan: GrowthPlan) -> Self:
        """The ensemble of these rows by this plan.

        Parameters
        ----------
        rows
            features and target
        plan
            settings, and number of trees per seed
        """
        grown = (
            grow_fixed(
                rows,
                plan.settings,
                n_trees=max(n_trees, 1),
                categories=plan.categories,
                n_jobs=plan.n_jobs,
                random_state=seed,
            )
            for seed, n_trees in plan.n_trees.items()
        )
        return cls(tuple(grown))

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
        matrix
            (n_rows, n_features) as in growing
        n_jobs
            maximum number of threads, -1 for all; the trees do not depend on it
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
        added: npt.NDArray[Any] = np.sum([trees.feature_importance(kind) for trees in self.boosters], axis=0)
        return added

    def to_text(self) -> str:
        """All boosters as LightGBM's own text.

        Examples
        --------
        >>> matrix = np.arange(200, dtype=np.float32)[:, None]
        >>> rows = matrix, (matrix[:, 0] >= 120) * 1.0
        >>> _, ensemble = plan_growth(rows, rows, {"objective": "binary"}, n_trees=3, patience=3, n_seeds=2)
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


def _drawn(settings: Mapping[str, Any], search: int, random_state: int) -> list[dict[str, Any]]:
    rng = np.random.default_rng(random_state)
    return [
        {**settings, **{name: rng.choice(values).item() for name, values in _CHOICES.items()}}
        for _ in range(search)
    ]
