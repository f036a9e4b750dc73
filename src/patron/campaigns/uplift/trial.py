"""The data of a trial: features, treatment, outcome and propensity; and its division into folds."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from patron.arrays import Floats, Integers, Matrix

__all__ = ["Trial", "stratified_folds"]


@dataclass(frozen=True, slots=True)
class Trial:
    """Customers of a trial: what was known before the contact, and what happened after.

    Attributes
    ----------
    matrix
        (n, n_features) features known before the contact; categories as codes, NaN if missing
    treated
        (n,) 1.0 for a treated customer, 0.0 for the control group
    outcome
        (n,) 0 or 1, or money
    propensity
        (n,) probability of treatment in (0, 1), or None to learn it from the features
    """

    matrix: Matrix
    treated: Floats
    outcome: Floats
    propensity: Floats | None

    def __getitem__(self, rows: npt.NDArray[Any]) -> "Trial":
        """Some of the customers."""
        propensity = None if self.propensity is None else self.propensity[rows]
        return Trial(self.matrix[rows], self.treated[rows], self.outcome[rows], propensity)

    @property
    def binary(self) -> bool:
        """Whether the outcome is 0 or 1."""
        return bool(np.isin(self.outcome, (0.0, 1.0)).all())


def stratified_folds(trial: Trial, folds: int, random_state: int) -> Integers:
    """(n,) the fold of each customer, drawn at random, stratified by treatment and outcome.

    Parameters
    ----------
    trial
        the customers
    folds
        number of folds
    random_state
        random seed

    Examples
    --------
    >>> trial = Trial(np.zeros((6, 1), np.float32), np.array([1.0, 1, 1, 0, 0, 0]), np.zeros(6), None)
    >>> fold = stratified_folds(trial, 3, 0)
    >>> np.bincount(fold).tolist(), sorted(fold[:3].tolist())
    ([2, 2, 2], [0, 1, 2])
    """
    drawn = np.random.default_rng(random_state).permutation(len(trial.outcome))
    by_stratum = drawn[np.lexsort((trial.outcome[drawn], trial.treated[drawn]))]
    fold = np.empty(len(drawn), dtype=np.int64)
    fold[by_stratum] = np.arange(len(drawn)) % folds
    return fold
