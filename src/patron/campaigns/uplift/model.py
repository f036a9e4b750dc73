"""Individual effects of a contact, learned from a randomised trial: `UpliftModel`.

Uplift is the difference between what a customer does when contacted and what the same customer does when not.
No customer shows both, so it takes a randomised control group; without one, nothing here is called uplift.

Every learner of :mod:`patron.campaigns.uplift.learners` is cross-fitted: it learns from all folds but one and
predicts the fold left out. The predictions are compared with doubly robust pseudo-outcomes of those
customers, which are noisy but unbiased. The simplest learner, the smooth one, is kept unless another explains
more of them by two standard errors. It is then refitted to all customers, and a linear calibration estimates
how much of the predicted differences is real. If none is, every customer gets the average effect.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Self

import numpy as np
import pandas as pd
from scipy.special import ndtri

from patron.arrays import Floats, Integers, Matrix
from patron.campaigns.uplift.control_group import check_control_group
from patron.campaigns.uplift.learners import LEARNERS, fit_learners, fit_nuisance_models, pseudo_outcomes
from patron.campaigns.uplift.outcome_trees import OutcomeTrees, Predictor
from patron.campaigns.uplift.penalised_regression import BasisExpansion
from patron.campaigns.uplift.residual_variance import residual_effect_sd
from patron.campaigns.uplift.trial import Trial, stratified_folds
from patron.checks import at_least, share
from patron.errors import InputError, NotFittedError, RangeError, SettingsError, some
from patron.models.encoding import FeatureEncoder
from patron.models.inference.estimator import Estimator

__all__ = ["DEFAULT_LEARNERS", "UpliftModel"]


DEFAULT_LEARNERS = ("smooth", "s", "t", "x")
"""The learners that compete by default."""

MEAN = "mean"
_MAX_SLOPE = 2.0  # trees shrink effects, but hardly by more than half: a steeper line is chance
_MIN_GAIN = 2.0  # standard errors by which a less simple learner must explain more: there are several
_BATCH = 100_000  # customers predicted at a time


class UpliftModel(Estimator):
    """The effect of a contact on each customer, with an interval, from a trial with a control group.

    Parameters
    ----------
    learners
        some of "smooth", "s", "t", "x" and "dr", simplest first; one of them, or their mean, is kept. dr is
        not a default: it takes as long as the others together, and with known propensities it comes close to
        x
    folds
        number of folds for cross-fitting, ≥ 2
    repeats
        number of different divisions into folds, ≥ 1; more make effects and intervals more stable
    n_trees, learning_rate, num_leaves, max_depth, min_child_samples
        settings of every tree model; trees are small, since effects vary less than outcomes
    level
        probability of the intervals, in (0, 1)
    n_jobs
        maximum number of threads; the result does not depend on it
    random_state
        random seed

    Attributes
    ----------
    learner_
        the learner that was kept, or "mean"
    average_effect_, average_effect_error_
        average effect over the trial and its standard error, in the unit of the outcome
    slope_, slope_error_
        slope of the linear calibration: 0 if the predicted differences are noise, 1 if they are all real
    effects_
        (n_customers,) effect of each customer, by models that have not seen the customer
    pseudo_outcomes_
        (n_customers,) doubly robust pseudo-outcomes: their mean over any group is unbiased
    residual_sd_
        residual effect heterogeneity: standard deviation of individual effects around the predicted ones,
        beyond the error of the prediction, in the unit of the outcome

    Notes
    -----
    effect = τ + b·(s - s̄), with s the prediction of the learner, s̄ its mean over the trial, τ and b by
    least squares of the pseudo-outcomes on the out-of-fold s, b limited to [0, 2]. It explains b·sd(s); the
    rule of two standard errors avoids choosing trees that merely fit noise. The squared error of the effect
    is the sum of those of τ and of b·(s - s̄), and b² times the jackknife variance of s over the folds. The
    interval adds υ², the variance of effects that the features explain and the learner does not
    (:mod:`patron.campaigns.uplift.residual_variance`). Heterogeneity that no feature explains is not
    included: no trial can identify it.

    References
    ----------
    Chernozhukov, Demirer, Duflo & Fernández-Val (2025), Fisher-Schultz lecture: generic machine learning
    inference on heterogeneous treatment effects in randomized experiments, Econometrica 93(4), 1121-1164 (the
    line). Künzel et al. (2019), PNAS 116(10), 4156-4165 (learners).

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> X = pd.DataFrame({"days_since_last": rng.integers(0, 200, 4000), "plan": ["basic", "gold"] * 2000})
    >>> treated = rng.random(4000) < 0.5
    >>> gain = np.where(X["days_since_last"] > 100, 0.3, -0.2)
    >>> stayed = rng.random(4000) < 0.4 + gain * treated
    >>> model = UpliftModel(folds=3).fit(X, treated, stayed)
    >>> fresh_and_stale = pd.DataFrame({"days_since_last": [20, 180], "plan": ["gold", "gold"]})
    >>> model.predict(fresh_and_stale)[["effect", "sleeping_dog"]].round(1)
       effect  sleeping_dog
    0    -0.2          True
    1     0.3         False
    """

    def __init__(
        self,
        *,
        learners: tuple[str, ...] = DEFAULT_LEARNERS,
        folds: int = 5,
        repeats: int = 1,
        n_trees: int = 100,
        learning_rate: float = 0.05,
        num_leaves: int = 4,
        max_depth: int = 3,
        min_child_samples: int = 100,
        level: float = 0.8,
        n_jobs: int = 2,
        random_state: int = 0,
    ) -> None:
        self.learners = learners
        self.folds = folds
        self.repeats = repeats
        self.n_trees = n_trees
        self.learning_rate = learning_rate
        self.num_leaves = num_leaves
        self.max_depth = max_depth
        self.min_child_samples = min_child_samples
        self.level = level
        self.n_jobs = n_jobs
        self.random_state = random_state

    def fit(
        self,
        X: pd.DataFrame,
        treated: Any,
        y: Any,
        *,
        propensity: Literal["constant", "learned"] | Any = "constant",
    ) -> Self:
        """The model itself, fitted to a trial.

        Parameters
        ----------
        X
            (n_customers, n_features) features known before the contact; numbers and categories
        treated
            (n_customers,) 1 treated, 0 control
        y
            (n_customers,) observed outcome: 0 or 1, or money
        propensity
            probability of treatment: "constant" for all customers, (n_customers,) numbers in (0, 1), or
            "learned" from the features, by models that have not seen the customer, if some customers were
            more likely to be treated than others

        Raises
        ------
        InputError
            there are no treated or no control customers, lengths differ, or a number is missing
        TooFewCustomersError
            fewer than `MIN_GROUP_SIZE` in one of the two groups
        RangeError, SettingsError
            a setting is out of range or unknown
        """
        self._check_settings()
        treatment, outcome = _numbers(treated, "treated", len(X)), _numbers(y, "y", len(X))
        check_control_group(treatment)
        self.encoder = FeatureEncoder.learn(X)
        trial = Trial(self.encoder.encode(X), treatment, outcome, _propensities(propensity, treatment))
        trees = self._trees(trial.binary)

        runs = [self._cross_fit(trial, trees, repeat) for repeat in range(self.repeats)]
        pseudo = _mean_over([run.pseudo for run in runs])
        predicted = {name: _mean_over([run.predicted[name] for run in runs]) for name in runs[0].predicted}
        self.learner_ = _select_learner(predicted, pseudo)
        self._predictor = _refit(self.learner_, self.learners, trial, trees)
        self._mean_prediction = float(self._predictor(trial.matrix).mean())
        self._fold_predictors = [[fold[self.learner_] for fold in run.predictors] for run in runs]
        self._calibrate(predicted[self.learner_], pseudo)
        self.residual_sd_ = self._residual_sd(trial, trees, runs)
        return self

    def predict(self, X: pd.DataFrame) -> pd.DataFrame:
        """The effect of a contact on each of these customers.

        Parameters
        ----------
        X
            (n_customers, n_features) the features of `fit`, as of today

        Returns
        -------
        pd.DataFrame
            One row per row of `X`, with its index: `effect`, `low`, `high` (in the unit of the outcome) and
            `sleeping_dog` (bool): contact harms customers like this one. low and high cover the customer's
            own effect; for sleeping_dog the mean effect of customers like this one must be below 0 with the
            same probability, since that is the result of contacting them all

        Raises
        ------
        NotFittedError
            the model has not been fitted
        TableError
            `X` lacks a feature
        """
        if not hasattr(self, "average_effect_"):
            raise NotFittedError("this UpliftModel is not fitted. Call fit with a trial first.")
        matrix = self.encoder.encode(X)
        parts = [self._effect_and_error(matrix[at : at + _BATCH]) for at in range(0, max(len(X), 1), _BATCH)]
        effect, error = (np.concatenate(column) for column in zip(*parts, strict=True))
        z = float(ndtri((1 + self.level) / 2))
        half = z * np.hypot(error, self.residual_sd_)
        columns = {"effect": effect, "low": effect - half, "high": effect + half}
        return pd.DataFrame({**columns, "sleeping_dog": effect + z * error < 0}, index=X.index)

    def _cross_fit(self, trial: Trial, trees: OutcomeTrees, repeat: int) -> "_Run":
        """Out-of-fold predictions of every learner, and pseudo-outcomes."""
        fold = stratified_folds(trial, self.folds, self.random_state + repeat)
        pseudo = np.zeros(len(trial.outcome))
        predicted: dict[str, Floats] = {}
        predictors: list[dict[str, Predictor]] = []
        for number in range(self.folds):
            held_out = fold == number
            models = fit_nuisance_models(trial[~held_out], trees, self.learners)
            effects = dict(fit_learners(self.learners, trial[~held_out], trees, models))
            for name, effect in effects.items():
                predicted.setdefault(name, np.zeros(len(fold)))[held_out] = effect(trial.matrix[held_out])
            pseudo[held_out] = pseudo_outcomes(trial[held_out], models)
            effects[MEAN] = _mean_of(list(effects.values()))
            predictors.append(effects)
        if len(predicted) > 1:
            predicted[MEAN] = sum(predicted.values(), np.zeros(len(fold))) / len(predicted)
        return _Run(fold, pseudo, predicted, predictors)

    def _effect_and_error(self, matrix: Matrix) -> tuple[Floats, Floats]:
        prediction = self._predictor(matrix)
        jackknife = np.zeros(len(matrix))
        for predictors in self._fold_predictors:
            predictions = np.array([predict(matrix) for predict in predictors])
            jackknife += predictions.var(axis=0) * (self.folds - 1) / self.repeats
        centred = prediction - self._mean_prediction
        variance = self.average_effect_error_**2 + (centred * self.slope_error_) ** 2
        variance += self.slope_**2 * jackknife
        return self.average_effect_ + self.slope_ * centred, np.sqrt(variance)

    def _calibrate(self, predicted: Floats, pseudo: Floats) -> None:
        """Regress the pseudo-outcomes on the out-of-fold predictions."""
        n = len(predicted)
        centred = predicted - predicted.mean()
        self.average_effect_ = float(pseudo.mean())
        self.average_effect_error_ = float(pseudo.std(ddof=1) / np.sqrt(n))
        squares = float(centred @ centred)
        if squares <= 1e-12 * n * max(float(pseudo.var()), 1e-300):
            slope = error = 0.0
        else:
            slope = float(centred @ pseudo) / squares
            residual = pseudo - self.average_effect_ - slope * centred
            error = float(np.sqrt(((centred * residual) ** 2).sum())) / squares
        self.slope_, self.slope_error_ = float(np.clip(slope, 0.0, _MAX_SLOPE)), error
        self.effects_ = self.average_effect_ + self.slope_ * centred
        self.pseudo_outcomes_ = pseudo

    def _residual_sd(self, trial: Trial, trees: OutcomeTrees, runs: Sequence["_Run"]) -> float:
        columns = BasisExpansion.learn(trial.matrix, trees.categories).columns(trial.matrix)
        sds = [
            residual_effect_sd(
                columns, run.pseudo, self.slope_ * run.predicted[self.learner_], run.fold, self.random_state
            )
            for run in runs
        ]
        return float(np.sqrt(np.mean(np.square(sds))))

    def _trees(self, binary: bool) -> OutcomeTrees:
        return OutcomeTrees(
            n_trees=self.n_trees,
            learning_rate=self.learning_rate,
            num_leaves=self.num_leaves,
            max_depth=self.max_depth,
            min_child_samples=self.min_child_samples,
            categories=tuple(self.encoder.category_positions),
            n_jobs=self.n_jobs,
            random_state=self.random_state,
            binary=binary,
        )

    def _check_settings(self) -> None:
        if not self.learners or not set(self.learners) <= set(LEARNERS):
            raise SettingsError(
                f"learners must be some of {', '.join(LEARNERS)}, got {some(self.learners) or 'none'}."
            )
        at_least("folds", self.folds, 2)
        at_least("repeats", self.repeats, 1)
        share("level", self.level, ends="()", example="80 % as 0.80")


@dataclass(frozen=True, slots=True)
class _Run:
    """One division into folds: fold, pseudo-outcome and predictions of each customer; predictors by fold."""

    fold: Integers
    pseudo: Floats
    predicted: Mapping[str, Floats]
    predictors: Sequence[Mapping[str, Predictor]]


def _mean_over(runs: Sequence[Floats]) -> Floats:
    return sum((run / len(runs) for run in runs), np.zeros(len(runs[0])))


def _select_learner(predicted: Mapping[str, Floats], pseudo: Floats) -> str:
    """The first learner, unless a later one explains more by two standard errors of the difference."""
    kept, *others = predicted
    for name in others:
        gain = _explained(predicted[name], pseudo) - _explained(predicted[kept], pseudo)
        distance = float(np.linalg.norm(_direction(predicted[name]) - _direction(predicted[kept])))
        if gain > _MIN_GAIN * distance * pseudo.std():
            kept = name
    return kept


def _refit(name: str, learners: Sequence[str], trial: Trial, trees: OutcomeTrees) -> Predictor:
    """The selected learner, fitted to all customers."""
    chosen = learners if name == MEAN else (name,)
    models = fit_nuisance_models(trial, trees, chosen)
    return _mean_of(list(fit_learners(chosen, trial, trees, models).values()))


def _direction(predicted: Floats) -> Floats:
    centred: Floats = predicted - predicted.mean()
    return centred / max(float(np.linalg.norm(centred)), 1e-300)


def _explained(predicted: Floats, pseudo: Floats) -> float:
    """The standard deviation of effects explained, times √n: covariance with pseudo-outcomes ÷ own sd."""
    return float(_direction(predicted) @ pseudo)


def _mean_of(effects: list[Predictor]) -> Predictor:
    def mean(rows: Matrix) -> Floats:
        total: Floats = sum((effect(rows) for effect in effects), np.zeros(len(rows)))
        return total / len(effects)

    return mean


def _propensities(propensity: Any, treated: Floats) -> Floats | None:
    if isinstance(propensity, str):
        if propensity not in ("constant", "learned"):
            raise SettingsError(f'propensity must be "constant", "learned" or numbers, got {propensity!r}.')
        return None if propensity == "learned" else np.full(len(treated), float(treated.mean()))
    given = _numbers(propensity, "propensity", len(treated))
    if not ((given > 0) & (given < 1)).all():
        raise RangeError(f"propensity must lie between 0 and 1, got {given.min()} to {given.max()}.")
    return given


def _numbers(given: Any, name: str, length: int) -> Floats:
    numbers = pd.Series(given).to_numpy(dtype=np.float64, na_value=np.nan)
    if len(numbers) != length:
        raise InputError(f"{name} has {len(numbers)} customers and X has {length}. Give one for each.")
    if not np.isfinite(numbers).all():
        raise InputError(
            f"{(~np.isfinite(numbers)).sum()} of {length} numbers of {name} are missing or infinite. Leave "
            "those customers out."
        )
    return numbers
