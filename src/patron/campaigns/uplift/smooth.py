"""A smooth learner: one logistic or linear regression whose coefficients differ with contact and without.

Where an outcome rises or falls steadily with what is known of a customer, a few coefficients tell it from far
fewer customers than trees need. Each number enters twice, as it is and as its rank among the customers that
teach, so that a long tail neither rules the model nor is lost; each level of a category enters once, and so
does whether a number is missing.

Two regressions, one of those contacted and one of the others, differ by chance in every coefficient. Here
they are one, log odds = a(x) + (w - w̄)·d(x), and the ridge on d, the difference, is the stronger: most of
what is known of customers tells what they do, and little of it what contact changes.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.linalg import cho_factor, cho_solve
from scipy.special import expit

from patron.arrays import Floats, Matrix

__all__ = ["Basis", "Smooth", "learn_smooth"]


_KNOTS = 201  # ranks are read off so many quantiles
_FARTHEST = 4.0  # spreads from the mean; beyond it a number counts as that far
_CONSTANT = 1e-6  # spreads that are smaller beside the mean are rounding
_STEPS, _CLOSE = 50, 1e-8  # of Newton's method


@dataclass(frozen=True, slots=True)
class Basis:
    """Features → columns of mean 0 and spread 1 over the customers that taught it.

    Attributes
    ----------
    knots
        feature → (2, n_knots) quantiles of its numbers, each once, and their ranks; none for a category
    levels
        feature → codes of its levels, empty for a number
    mean, spread
        of each column before it was standardised

    Examples
    --------
    >>> days = np.array([[1.0], [2.0], [3.0], [1000.0], [np.nan]], np.float32)
    >>> Basis.learn(days, ()).columns(days).round(1)
    array([[-0.6, -1.3, -0.5],
           [-0.6, -0.4, -0.5],
           [-0.6,  0.4, -0.5],
           [ 1.7,  1.3, -0.5],
           [ 0. ,  0. ,  2. ]])
    """

    knots: tuple[Floats, ...]
    levels: tuple[Floats, ...]
    mean: Floats
    spread: Floats

    @classmethod
    def learn(cls, matrix: Matrix, categories: tuple[int, ...]) -> "Basis":
        """The columns that these customers give.

        Parameters
        ----------
        matrix
            (n, n_features) numbers, and categories as codes; NaN where missing
        categories
            positions of the categories
        """
        knots: list[Floats] = []
        levels: list[Floats] = []
        for position in range(matrix.shape[1]):
            known = matrix[:, position][~np.isnan(matrix[:, position])].astype(np.float64)
            number = position not in categories and len(known) > 0
            knots.append(_knots(known) if number else np.zeros((2, 0)))
            levels.append(np.unique(known) if position in categories else np.zeros(0))
        knots_and_levels = tuple(knots), tuple(levels)
        means, spreads = [], []
        for column in _raw(matrix, *knots_and_levels):
            known = column[~np.isnan(column)]
            means.append(float(known.mean()))
            spread = float(known.std())
            spreads.append(spread if spread > _CONSTANT * abs(means[-1]) else 0.0)
        return cls(*knots_and_levels, np.array(means), np.array(spreads))

    def columns(self, matrix: Matrix) -> Floats:
        """(n, n_columns) of these customers, without constant ones; 0, the mean, where missing."""
        columns = np.empty((len(matrix), np.count_nonzero(self.spread)), order="F")
        at = 0
        raw = _raw(matrix, self.knots, self.levels)
        for column, mean, spread in zip(raw, self.mean, self.spread, strict=True):
            if spread > 0:
                away = np.clip((column - mean) / spread, -_FARTHEST, _FARTHEST)
                columns[:, at] = np.nan_to_num(away)
                at += 1
        return columns


@dataclass(frozen=True, slots=True)
class Smooth:
    """One regression of those contacted and of the others.

    Attributes
    ----------
    basis
        the columns
    common, difference
        intercept and one coefficient per column, and what contact adds to them
    share
        of those contacted; `common` is what holds on average over them and the others
    unit
        of the outcome; None where it is 0 or 1 and the sums are log odds
    """

    basis: Basis
    common: Floats
    difference: Floats
    share: float
    unit: float | None

    def outcomes(self, matrix: Matrix) -> tuple[Floats, Floats]:
        """(n,) each: the outcome expected with contact and without."""
        known = self.basis.columns(matrix)
        middle, changed = _sum(self.common, known), _sum(self.difference, known)
        sums = middle + (1 - self.share) * changed, middle - self.share * changed
        if self.unit is None:
            return expit(sums[0]), expit(sums[1])
        return self.unit * sums[0], self.unit * sums[1]

    def effect(self, matrix: Matrix) -> Floats:
        """(n,) what contact changes."""
        with_contact, without = self.outcomes(matrix)
        return with_contact - without


def learn_smooth(
    matrix: Matrix,
    treated: Floats,
    outcome: Floats,
    *,
    binary: bool,
    categories: tuple[int, ...] = (),
    penalty: float = 25.0,
    penalty_of_difference: float = 200.0,
) -> Smooth:
    """The regression: logistic for an outcome of 0 or 1, linear for any other.

    Parameters
    ----------
    matrix
        (n, n_features) what was known; categories as codes, NaN where missing
    treated
        (n,) 1 contacted, 0 not
    outcome
        (n,) what happened
    binary
        whether outcomes are 0 or 1
    categories
        positions of the categories
    penalty, penalty_of_difference
        ridge of the coefficients, and of their differences between contact and
        none. Before any customer is seen, a column of one spread is expected to move the log odds (or the
        outcome, in units of its spread) by about 1/√penalty, 0.2, and the effect by 0.07

    Examples
    --------
    >>> x, w = np.linspace(0, 1, 20_000, dtype=np.float32)[:, None], np.tile([0.0, 1.0], 10_000)
    >>> learn_smooth(x, w, 3.0 + 2.0 * w * x[:, 0], binary=False).effect(x[[0, -1]]).round(1)
    array([0., 2.])
    """
    basis = Basis.learn(matrix, categories)
    columns, share = basis.columns(matrix), float(treated.mean())
    n, k = columns.shape
    away = treated - share
    design = np.column_stack([np.ones(n), columns, away, columns * away[:, None]])
    free = 1e-6  # the mean outcome and the mean effect
    ridge = np.r_[free, np.full(k, penalty), free, np.full(k, penalty_of_difference)]
    unit = None if binary else float(outcome.std()) or 1.0
    coefficients = (
        _logistic(design, outcome, ridge) if unit is None else _linear(design, outcome / unit, ridge)
    )
    return Smooth(basis, coefficients[: k + 1], coefficients[k + 1 :], share, unit)


def _sum(coefficients: Floats, columns: Floats) -> Floats:
    """Intercept and columns, column by column: a customer's sum is the same alone and among others."""
    total = np.full(len(columns), coefficients[0])
    for coefficient, column in zip(coefficients[1:], columns.T, strict=True):
        total += coefficient * column
    return total


def _linear(design: Floats, outcome: Floats, ridge: Floats) -> Floats:
    solved: Floats = cho_solve(cho_factor(design.T @ design + np.diag(ridge)), design.T @ outcome)
    return solved


def _logistic(design: Floats, outcome: Floats, ridge: Floats) -> Floats:
    """By Newton's method, a step halved as long as it does not lead downhill."""
    share = float(np.clip(outcome.mean(), 1e-3, 1 - 1e-3))
    coefficients = np.zeros(design.shape[1])
    coefficients[0] = np.log(share / (1 - share))
    loss = _loss(design, outcome, ridge, coefficients)
    for _ in range(_STEPS):
        chance = expit(design @ coefficients)
        slope = design.T @ (chance - outcome) + ridge * coefficients
        weighed = design * (chance * (1 - chance))[:, None]
        step = cho_solve(cho_factor(design.T @ weighed + np.diag(ridge)), slope)
        length, before = 1.0, loss
        while length > 1e-4:
            loss = _loss(design, outcome, ridge, coefficients - length * step)
            if loss <= before:
                coefficients = coefficients - length * step
                break
            length /= 2
        if before - loss <= _CLOSE * max(before, 1.0):
            break
    return coefficients


def _loss(design: Floats, outcome: Floats, ridge: Floats, coefficients: Floats) -> float:
    log_odds = design @ coefficients
    return float((np.logaddexp(0, log_odds) - outcome * log_odds).sum() + ridge @ coefficients**2 / 2)


def _raw(matrix: Matrix, knots: tuple[Floats, ...], levels: tuple[Floats, ...]) -> Iterator[Floats]:
    """Number, rank and whether it is missing; or whether a category is of each of its levels."""
    for position in range(matrix.shape[1]):
        column = matrix[:, position].astype(np.float64)
        if knots[position].size:
            yield column
            yield np.interp(column, *knots[position])
            yield np.isnan(column).astype(np.float64)
        for level in levels[position]:
            yield (column == level).astype(np.float64)


def _knots(known: Floats) -> Floats:
    """Quantiles, each once, above their ranks from 0 to 1: halfway where several quantiles are the same."""
    quantiles = np.quantile(known, np.linspace(0, 1, _KNOTS))
    once, first, times = np.unique(quantiles, return_index=True, return_counts=True)
    return np.stack([once, (first + (times - 1) / 2) / (_KNOTS - 1)])
