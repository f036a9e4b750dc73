"""Several sums of trees that differ by their seed alone, averaged: `Forest`.

Which rows and features a tree sees is drawn; a mean over seeds takes out what that luck brought. How many
trees each seed needs, and with which settings, is settled once (`plan_forest`) on rows that are later than
those that grow them; a forest can then be grown on more rows by the same plan.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import numpy.typing as npt

from patron.arrays import Floats, Matrix
from patron.models.churn.boosted_trees import (
    Grown,
    a_fifth,
    add_up,
    explain,
    grow_so_many,
    grow_until,
    read_trees,
)

if TYPE_CHECKING:
    from lightgbm import Booster

__all__ = ["Forest", "Plan", "plan_forest"]

type Rows = tuple[Matrix, Floats]

_NEXT = "\n=== next trees ===\n"
_CHOICES: dict[str, Sequence[float]] = {
    "learning_rate": (0.03, 0.05, 0.08),
    "num_leaves": (4, 6, 8, 12, 15),
    "min_data_in_leaf": (20, 40, 80, 160),
    "feature_fraction": (0.4, 0.7, 0.9),
    "lambda_l2": (0.5, 1.0, 5.0, 20.0),
}
"""What a search draws from; all of it small trees."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How to grow a forest.

    Attributes
    ----------
    settings
        of LightGBM
    n_trees
        seed → how many trees
    loss
        of the objective on the rows that said when to stop, mean over the seeds
    categories
        positions of the categories
    n_jobs
        most threads
    """

    settings: Mapping[str, Any]
    n_trees: Mapping[int, int]
    loss: float
    categories: tuple[int, ...]
    n_jobs: int


def plan_forest(
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
) -> "tuple[Plan, Forest]":
    """How many trees are enough, with which settings; and the forest that told.

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
        how many sums of trees, ≥ 1
    search
        how many other settings, drawn by chance, compete with `settings` on `stop_on`; 0 for none
    random_state
        the first of the seeds

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> matrix = rng.random((600, 2)).astype(np.float32)
    >>> rows = matrix, (matrix[:, 0] > rng.random(600)).astype(float)
    >>> plan, forest = plan_forest(rows, None, {"objective": "binary"}, n_trees=50, patience=5, n_seeds=2)
    >>> sorted(plan.n_trees), forest.n_trees == sum(plan.n_trees.values())
    ([0, 1], True)
    """
    if stop_on is None:
        aside = a_fifth(rows[1], random_state)
        rows, stop_on = (rows[0][~aside], rows[1][~aside]), (rows[0][aside], rows[1][aside])

    def grow(candidate: Mapping[str, Any], seed: int) -> Grown:
        return grow_until(
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
    plan = Plan(
        settings=candidates[best],
        n_trees={seed: found.trees.num_trees() for seed, found in grown.items()},
        loss=float(np.mean([found.loss for found in grown.values()])),
        categories=tuple(categories),
        n_jobs=n_jobs,
    )
    return plan, Forest(tuple(found.trees for found in grown.values()))


@dataclass(frozen=True, slots=True)
class Forest:
    """Sums of trees whose mean counts.

    Parameters
    ----------
    sums
        one for each seed
    """

    sums: "tuple[Booster, ...]"

    @classmethod
    def grow(cls, rows: Rows, plan: Plan) -> Self:
        """The forest of these rows by this plan."""
        grown = (
            grow_so_many(
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
        """Trees of all sums."""
        return sum(trees.num_trees() for trees in self.sums)

    def add_up(self, matrix: Matrix, n_jobs: int = 1) -> Floats:
        """(n_rows,) see :func:`patron.models.churn.boosted_trees.add_up`."""
        total: Floats = sum((add_up(trees, matrix, n_jobs) for trees in self.sums), np.zeros(len(matrix)))
        return total / len(self.sums)

    def explain(self, matrix: Matrix, n_jobs: int = 1) -> Floats:
        """(n_rows, n_features) see :func:`patron.models.churn.boosted_trees.explain`."""
        total: Floats = sum((explain(trees, matrix, n_jobs) for trees in self.sums), np.zeros(matrix.shape))
        return total / len(self.sums)

    def importance(self, kind: str) -> npt.NDArray[Any]:
        """(n_features,) "gain" or "split", added up."""
        added: npt.NDArray[Any] = np.sum([trees.feature_importance(kind) for trees in self.sums], axis=0)
        return added

    def to_text(self) -> str:
        """All of it in LightGBM's own text.

        Examples
        --------
        >>> matrix = np.arange(200, dtype=np.float32)[:, None]
        >>> rows = matrix, (matrix[:, 0] >= 120) * 1.0
        >>> _, forest = plan_forest(rows, rows, {"objective": "binary"}, n_trees=3, patience=3, n_seeds=2)
        >>> bool((Forest.from_text(forest.to_text()).add_up(matrix) == forest.add_up(matrix)).all())
        True
        """
        return _NEXT.join(trees.model_to_string() for trees in self.sums)

    @classmethod
    def from_text(cls, text: str) -> Self:
        """The forest that `to_text` wrote; it predicts the same to the last bit."""
        return cls(tuple(map(read_trees, text.split(_NEXT))))


def _drawn(settings: Mapping[str, Any], search: int, random_state: int) -> list[dict[str, Any]]:
    rng = np.random.default_rng(random_state)
    return [
        {**settings, **{name: rng.choice(values).item() for name, values in _CHOICES.items()}}
        for _ in range(search)
    ]
