"""A penalised logistic or linear regression with treatment interactions: the smooth learner.

If an outcome rises or falls steadily with a feature, a few coefficients capture it from far fewer customers
than trees need. Each number enters twice, as it is and as its rank among the training customers, so that a
long tail neither dominates the model nor is lost. Each level of a category gets an indicator, and so does a
missing number.

Two separate regressions, for treated and control customers, would differ by chance in every coefficient. Here
they are one, log odds = a(x) + (w - w̄)·d(x), with a stronger ridge penalty on the interactions d: most
features predict the outcome, and few of them the effect of contact.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.linalg import cho_factor, cho_solve
from scipy.special import expit

from patron.arrays import Floats, Matrix

__all__ = ["BasisExpansion", "PenalisedRegression", "fit_penalised_regression"]


_KNOTS = 201  # ranks are interpolated between this many quantiles
_MAX_SD = 4.0  # standard deviations from the mean; numbers are clipped there
_CONSTANT = 1e-6  # a standard deviation smaller than this share of the mean is rounding
_MAX_STEPS, _CONVERGED = 50, 1e-8  # of Newton's method


@dataclass(frozen=True, slots=True)
class BasisExpansion:
    """Features → columns with mean 0 and standard deviation 1 over the training customers.

    Attributes
    ----------
    knots
        feature → (2, n_knots) distinct quantiles of its numbers and their ranks; empty for a category
    levels
        feature → codes of its levels, empty for a number
    mean, sd
        mean and standard deviation of each column before standardisation

    Examples
    --------
    >>> days = np.array([[1.0], [2.0], [3.0], [1000.0], [np.nan]], np.float32)
    >>> BasisExpansion.learn(days, ()).columns(days).round(1)
    array([[-0.6, -1.3, -0.5],
           [-0.6, -0.4, -0.5],
           [-0.6,  0.4, -0.5],
           [ 1.7,  1.3, -0.5],
           [ 0. ,  0. ,  2. ]])
    """

    knots: tuple[Floats, ...]
    levels: tuple[Floats, ...]
    mean: Floats
    sd: Floats

    @classmethod
    def learn(cls, matrix: Matrix, categories: tuple[int, ...]) -> "BasisExpansion":
        """The expansion learned from these customers.

        Parameters
        ----------
        matrix
            (n, n_features) numbers, and categories as codes; NaN if missing
        categories
            positions of the categorical features
        """
        knots: list[Floats] = []
        levels: list[Floats] = []
        for position in range(matrix.shape[1]):
            known = matrix[:, position][~np.isnan(matrix[:, position])].astype(np.float64)
            number = position not in categories and len(known) > 0
            knots.append(_knots(known) if number else np.zeros((2, 0)))
            levels.append(np.unique(known) if position in categories else np.zeros(0))
        knots_and_levels = tuple(knots), tuple(levels)
        means, sds = [], []
        for column in _raw(matrix, *knots_and_levels):
            known = column[~np.isnan(column)]
            means.append(float(known.mean()))
            sd = float(known.std())
            sds.append(sd if sd > _CONSTANT * abs(means[-1]) else 0.0)
        return cls(*knots_and_levels, np.array(means), np.array(sds))

    def columns(self, matrix: Matrix) -> Floats:
        """The columns of these customers without constant ones: (n, n_columns); 0, the mean, if missing.

        Parameters
        ----------
        matrix
            (n, n_features) as in `learn`
        """
        columns = np.empty((len(matrix), np.count_nonzero(self.sd)), order="F")
        at = 0
        raw = _raw(matrix, self.knots, self.levels)
        for column, mean, sd in zip(raw, self.mean, self.sd, strict=True):
            if sd > 0:
                away = np.clip((column - mean) / sd, -_MAX_SD, _MAX_SD)
                columns[:, at] = np.nan_to_num(away)
                at += 1
        return columns


@dataclass(frozen=True, slots=True)
class PenalisedRegression:
    """One regression of treated and control customers.

    Attributes
    ----------
    basis
        the columns
    common, interaction
        intercept and one coefficient per column, and what treatment adds to them
    share
        share of treated customers; `common` is the average over both groups
    unit
        scale of the outcome; None if it is binary and the linear predictor is in log odds
    """

    basis: BasisExpansion
    common: Floats
    interaction: Floats
    share: float
    unit: float | None

    def outcomes(self, matrix: Matrix) -> tuple[Floats, Floats]:
        """The expected outcome with and without treatment: (n,) each.

        Parameters
        ----------
        matrix
            (n, n_features) features
        """
        known = self.basis.columns(matrix)
        middle, changed = _linear_predictor(self.common, known), _linear_predictor(self.interaction, known)
        sums = middle + (1 - self.share) * changed, middle - self.share * changed
        if self.unit is None:
            return expit(sums[0]), expit(sums[1])
        return self.unit * sums[0], self.unit * sums[1]

    def effect(self, matrix: Matrix) -> Floats:
        """The effect of treatment: (n,) in the unit of the outcome.

        Parameters
        ----------
        matrix
            (n, n_features) features
        """
        if_treated, if_control = self.outcomes(matrix)
        return if_treated - if_control


def fit_penalised_regression(
    matrix: Matrix,
    treated: Floats,
    outcome: Floats,
    *,
    binary: bool,
    categories: tuple[int, ...] = (),
    penalty: float = 25.0,
    interaction_penalty: float = 200.0,
) -> PenalisedRegression:
    """The fitted regression: logistic for a binary outcome, linear otherwise.

    Parameters
    ----------
    matrix
        (n, n_features) features; categories as codes, NaN if missing
    treated
        (n,) 1 treated, 0 control
    outcome
        (n,) observed outcome
    binary
        whether outcomes are 0 or 1
    categories
        positions of the categorical features
    penalty, interaction_penalty
        ridge penalties of the coefficients and of the treatment interactions. A priori, one standard
        deviation of a column moves the log odds (or the standardised outcome) by about 1/√penalty, 0.2,
        and the effect by 0.07

    Examples
    --------
    >>> x, w = np.linspace(0, 1, 20_000, dtype=np.float32)[:, None], np.tile([0.0, 1.0], 10_000)
    >>> fit_penalised_regression(x, w, 3.0 + 2.0 * w * x[:, 0], binary=False).effect(x[[0, -1]]).round(1)
    array([0., 2.])
    """
    basis = BasisExpansion.learn(matrix, categories)
    columns, share = basis.columns(matrix), float(treated.mean())
    n, k = columns.shape
    away = treated - share
    design = np.column_stack([np.ones(n), columns, away, columns * away[:, None]])
    free = 1e-6  # mean outcome and mean effect are hardly penalised
    ridge = np.r_[free, np.full(k, penalty), free, np.full(k, interaction_penalty)]
    unit = None if binary else float(outcome.std()) or 1.0
    coefficients = (
        _logistic(design, outcome, ridge) if unit is None else _linear(design, outcome / unit, ridge)
    )
    return PenalisedRegression(basis, coefficients[: k + 1], coefficients[k + 1 :], share, unit)


def _linear_predictor(coefficients: Floats, columns: Floats) -> Floats:
    """The linear predictor, summed by column, so that it does not depend on the other rows."""
    total = np.full(len(columns), coefficients[0])
    for coefficient, column in zip(coefficients[1:], columns.T, strict=True):
        total += coefficient * column
    return total


def _linear(design: Floats, outcome: Floats, ridge: Floats) -> Floats:
    return cho_solve(cho_factor(design.T @ design + np.diag(ridge)), design.T @ outcome)


def _logistic(design: Floats, outcome: Floats, ridge: Floats) -> Floats:
    """By Newton's method with step halving."""
    share = float(np.clip(outcome.mean(), 1e-3, 1 - 1e-3))
    coefficients = np.zeros(design.shape[1])
    coefficients[0] = np.log(share / (1 - share))
    loss = _loss(design, outcome, ridge, coefficients)
    for _ in range(_MAX_STEPS):
        probability = expit(design @ coefficients)
        slope = design.T @ (probability - outcome) + ridge * coefficients
        weighted = design * (probability * (1 - probability))[:, None]
        step = cho_solve(cho_factor(design.T @ weighted + np.diag(ridge)), slope)
        length, before = 1.0, loss
        while length > 1e-4:
            loss = _loss(design, outcome, ridge, coefficients - length * step)
            if loss <= before:
                coefficients = coefficients - length * step
                break
            length /= 2
        if before - loss <= _CONVERGED * max(before, 1.0):
            break
    return coefficients


def _loss(design: Floats, outcome: Floats, ridge: Floats, coefficients: Floats) -> float:
    log_odds = design @ coefficients
    return float((np.logaddexp(0, log_odds) - outcome * log_odds).sum() + ridge @ coefficients**2 / 2)


def _raw(matrix: Matrix, knots: tuple[Floats, ...], levels: tuple[Floats, ...]) -> Iterator[Floats]:
    """Number, rank and missing indicator of each number; an indicator of each level of each category."""
    for position in range(matrix.shape[1]):
        column = matrix[:, position].astype(np.float64)
        if knots[position].size:
            yield column
            yield np.interp(column, *knots[position])
            yield np.isnan(column).astype(np.float64)
        for level in levels[position]:
            yield (column == level).astype(np.float64)


def _knots(known: Floats) -> Floats:
    """Distinct quantiles above their ranks from 0 to 1: the mean rank if several quantiles are equal."""
    quantiles = np.quantile(known, np.linspace(0, 1, _KNOTS))
    distinct, first, times = np.unique(quantiles, return_index=True, return_counts=True)
    return np.stack([distinct, (first + (times - 1) / 2) / (_KNOTS - 1)])
