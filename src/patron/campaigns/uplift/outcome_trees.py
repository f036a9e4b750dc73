"""Gradient-boosted trees for outcomes, propensities and effects: the base learner of the meta-learners."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from patron.arrays import Floats, Matrix
from patron.models.churn.boosted_trees import Growth, grow_fixed, raw_scores

__all__ = ["OutcomeTrees", "Predictor"]

type Predictor = Callable[[Matrix], Floats]
"""Features (n, n_features) → predictions (n,)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeTrees:
    """How the trees of every model are grown.

    Attributes
    ----------
    n_trees
        number of trees
    learning_rate
        weight of each tree, in (0, 1]
    num_leaves, max_depth, min_child_samples
        limits of each tree
    categories
        positions of the categorical features
    n_jobs
        maximum number of threads
    random_state
        random seed
    binary
        whether outcomes are 0 or 1, so that models of them predict probabilities
    """

    n_trees: int = 100
    learning_rate: float = 0.05
    num_leaves: int = 8
    max_depth: int = 4
    min_child_samples: int = 100
    categories: tuple[int, ...] = ()
    n_jobs: int = 1
    random_state: int = 0
    binary: bool = True

    def fit_outcome(self, matrix: Matrix, outcome: Floats) -> Predictor:
        """A model of the outcome; it predicts a probability if the outcome is binary.

        Parameters
        ----------
        matrix
            (n, n_features) features
        outcome
            (n,) 0 or 1, or any number

        Examples
        --------
        >>> x = np.linspace(0, 1, 1000, dtype=np.float32)[:, None]
        >>> predict = OutcomeTrees().fit_outcome(x, (x[:, 0] > 0.5).astype(float))
        >>> predict(np.array([[0.1], [0.9]], np.float32)).round(1)
        array([0., 1.])
        """
        if not self.binary:
            return self.fit_number(matrix, outcome)
        trees = self._grow(matrix, outcome, "binary")
        return lambda rows: 1 / (1 + np.exp(-np.clip(trees(rows), -30, 30)))

    def fit_number(self, matrix: Matrix, number: Floats) -> Predictor:
        """A regression, standardised so that cents and euros grow the same trees.

        Parameters
        ----------
        matrix
            (n, n_features) features
        number
            (n,) target
        """
        sd = float(number.std()) or 1.0
        mean = float(number.mean())
        trees = self._grow(matrix, (number - mean) / sd, "regression")
        return lambda rows: mean + sd * trees(rows)

    def _grow(self, matrix: Matrix, target: Floats, objective: str) -> Predictor:
        # With few customers a leaf need not hold more than a fifth of them, so that trees can still split.
        min_leaf = max(1, min(self.min_child_samples, len(target) // 5))
        settings: dict[str, Any] = {
            "objective": objective,
            "learning_rate": self.learning_rate,
            "num_leaves": self.num_leaves,
            "max_depth": self.max_depth,
            "min_data_in_leaf": min_leaf,
        }
        growth = Growth(
            settings=settings,
            n_trees=self.n_trees,
            categories=self.categories,
            n_jobs=self.n_jobs,
            random_state=self.random_state,
        )
        grown = grow_fixed((matrix, target), growth)
        return lambda rows: raw_scores(grown, rows, self.n_jobs)
