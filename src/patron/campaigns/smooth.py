"""A smooth learner: one logistic or linear regression whose coefficients differ with contact and without.

Where an outcome rises or falls steadily with what is known of a customer, a few coefficients tell it from far
fewer customers than trees need. Each number enters twice, as it is and as its rank among the customers that
teach, so that a long tail neither rules the model nor is lost; each level of a category enters once, and so
does whether a number is missing.

Two regressions, one of those contacted and one of the others, differ by chance in every coefficient. Here
they are one, log odds = a(x) + (w - w̄)·d(x), and the ridge on d, the difference, is the stronger: most of
what is known of customers tells what they do, and little of it what contact changes.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.linalg import cho_factor, cho_solve
from scipy.special import expit

from patron.models.trees import Matrix

__all__ = ["Basis", "learn_difference"]

type Floats = npt.NDArray[np.float64]

_KNOTS = 201  # ranks are read off so many quantiles
_FARTHEST = 4.0  # spreads from the mean; beyond it a number counts as that far
_CONSTANT = 1e-6  # spreads that are smaller beside the mean are rounding
_STEPS, _CLOSE = 50, 1e-8  # of Newton's method


@dataclass(frozen=True, slots=True)
class Basis:
    """Features → columns of mean 0 and spread 1 over the customers that taught it.

    Attributes
    ----------
    knots : feature → quantiles of its numbers, empty for a category
    levels : feature → codes of its levels, empty for a number
    mean, spread : of each column before it was standardised

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
        matrix : (n, n_features) numbers, and categories as codes; NaN where missing
        categories : positions of the categories
        """
        knots: list[Floats] = []
        levels: list[Floats] = []
        for position in range(matrix.shape[1]):
            known = matrix[:, position][~np.isnan(matrix[:, position])].astype(np.float64)
            number = position not in categories and len(known) > 0
            knots.append(np.quantile(known, np.linspace(0, 1, _KNOTS)) if number else np.zeros(0))
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


def learn_difference(
    matrix: Matrix,
    treated: Floats,
    outcome: Floats,
    *,
    binary: bool,
    categories: tuple[int, ...] = (),
    penalty: float = 25.0,
    penalty_of_difference: float = 200.0,
) -> Callable[[Matrix], Floats]:
    """What contact changes, from one regression: logistic for an outcome of 0 or 1, linear for any other.

    Parameters
    ----------
    matrix : (n, n_features) what was known; categories as codes, NaN where missing
    treated : (n,) 1 contacted, 0 not
    outcome : (n,) what happened
    binary : whether outcomes are 0 or 1
    categories : positions of the categories
    penalty, penalty_of_difference : ridge of the coefficients, and of their differences between contact and
        none. Before any customer is seen, a column of one spread is expected to move the log odds (or the
        outcome, in units of its spread) by about 1/√penalty, 0.2, and the effect by 0.07

    Returns
    -------
    Function of features (n, n_features) to effects (n,), in the unit of the outcome

    Examples
    --------
    >>> x, w = np.linspace(0, 1, 20_000, dtype=np.float32)[:, None], np.tile([0.0, 1.0], 10_000)
    >>> effect = learn_difference(x, w, 3.0 + 2.0 * w * x[:, 0], binary=False)
    >>> effect(x[[0, -1]]).round(1)
    array([0., 2.])
    """
    basis = Basis.learn(matrix, categories)
    columns, share = basis.columns(matrix), float(treated.mean())
    n, k = columns.shape
    away = treated - share
    design = np.column_stack([np.ones(n), columns, away, columns * away[:, None]])
    free = 1e-6  # the mean outcome and the mean effect
    ridge = np.r_[free, np.full(k, penalty), free, np.full(k, penalty_of_difference)]
    unit = 1.0 if binary else float(outcome.std()) or 1.0
    fit = _logistic if binary else _linear
    common, difference = np.split(fit(design, outcome / unit, ridge), 2)

    def effect(rows: Matrix) -> Floats:
        known = basis.columns(rows)
        middle, changed = _sum(common, known), _sum(difference, known)
        if not binary:
            return unit * changed
        gained: Floats = expit(middle + (1 - share) * changed) - expit(middle - share * changed)
        return gained

    return effect


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
        if len(knots[position]):
            yield column
            yield _ranks(column, knots[position])
            yield np.isnan(column).astype(np.float64)
        for level in levels[position]:
            yield (column == level).astype(np.float64)


def _ranks(column: Floats, knots: Floats) -> Floats:
    """The share of knots below each number, halfway where several knots are the same."""
    below = np.interp(column, knots, np.linspace(0, 1, len(knots)))
    above = 1 - np.interp(-column, -knots[::-1], np.linspace(0, 1, len(knots)))
    ranks: Floats = np.where(np.isnan(column), np.nan, (below + above) / 2)
    return ranks
