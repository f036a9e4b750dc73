"""What contact changes for each customer, learned from a trial: `UpliftModel`.

Uplift is the difference between what a customer does when contacted and what the same customer does when not.
Nobody shows both, so it takes customers left alone at random to tell the one from the other: without such a
control group nothing here is called uplift (:func:`patron.campaigns.uplift.arms.assumed_effects` remains).

How an effect is found: every learner of :mod:`patron.campaigns.uplift.learners` learns from all folds of the
customers but one, and speaks of the one left out. That is held against noisy but unbiased effects of those
customers, which no learner has seen. The simplest learner, the smooth one, is kept unless another explains
more of them by two standard errors; it learns once more from everybody, and a straight line says how much of
what it tells apart is true. Where it tells nothing apart, everybody gets the effect of the mean customer.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Self

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import ndtri

from patron.arrays import Floats
from patron.campaigns.uplift.arms import check_groups
from patron.campaigns.uplift.learners import (
    LEARNERS,
    Effect,
    Trees,
    Trial,
    doubly_robust,
    folds_of,
    learn,
    learn_arms,
)
from patron.campaigns.uplift.residual_variance import unexplained_spread
from patron.campaigns.uplift.smooth import Basis
from patron.errors import InputError, NotFittedError, RangeError, SettingsError, some
from patron.models.encoding import FeatureEncoder
from patron.models.inference.estimator import Estimator

__all__ = ["USUAL", "UpliftModel"]


USUAL = ("smooth", "s", "t", "x")
"""The learners that compete when nobody asks otherwise."""

MEAN = "mean"
_STEEPEST = 2.0  # trees shrink effects, but hardly by more than half: beyond it, the line has met chance
_CLEARLY = 2.0  # standard errors by which a less simple learner must explain more: several try
_CHUNK = 100_000  # customers predicted at a time


class UpliftModel(Estimator):
    """The effect of a contact on each customer, with an interval, from a trial with a control group.

    Parameters
    ----------
    learners
        of "smooth", "s", "t", "x" and "dr", simplest first; one of them, or their mean, is kept. dr is
        not among the usual ones: it takes as long as the others together, and where the chance of contact is
        known it comes to nearly what x says
    folds
        ≥ 2, parts into which the customers are divided; each is predicted by models that have not seen it
    repeats
        ≥ 1, how often they are divided anew; more make effects and intervals steadier
    n_trees, learning_rate, num_leaves, max_depth, min_child_samples
        of every model; small trees, since
        effects differ less between customers than outcomes do
    level
        probability in (0, 1) that the intervals hold
    n_jobs
        most threads; the result does not depend on it
    random_state
        seed of all that is drawn

    Attributes
    ----------
    learner_
        the one that was kept, or "mean"
    average_effect_, average_effect_error_
        of all customers of the trial, and its standard error, in the
        unit of the outcome
    slope_, slope_error_
        how much of what the learner tells apart is true: 0 nothing, 1 all of it
    effects_
        (n_customers,) effect of each customer, by models that have not seen the customer
    noisy_effects_
        (n_customers,) doubly robust effect of each: right in the mean over any group
    unexplained_
        standard deviation of true effects around those told, beyond their error, in the unit of
        the outcome

    Notes
    -----
    effect = τ + b·(s - s̄), s what the learner says, s̄ its mean over the trial, τ and b by least squares of
    the noisy effects on the out-of-fold s, b kept within [0, 2]. What it explains is b·sd(s); the rule of two
    standard errors keeps trees from being chosen that merely fit the noise. The squared error of the effect
    adds up those of τ and of b·(s - s̄), and b² times the jackknife variance of s over the folds left out.
    The interval adds υ², the variance of effects that the features tell and the learner does not
    (:mod:`patron.campaigns.uplift.residual_variance`). What no feature shows is not in it: no trial can tell
    it.

    References
    ----------
    Chernozhukov, Demirer, Duflo & Fernández-Val (2025), Fisher-Schultz lecture: generic machine learning
    inference on heterogeneous treatment effects in randomized experiments, Econometrica 93(4), 1121-1164 (the
    line). Künzel et al. (2019), PNAS 116(10), 4156-4165 (learners).

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> X = pd.DataFrame({"days_since_last": rng.integers(0, 200, 4000), "plan": ["basic", "gold"] * 2000})
    >>> contacted = rng.random(4000) < 0.5
    >>> gain = np.where(X["days_since_last"] > 100, 0.3, -0.2)
    >>> stayed = rng.random(4000) < 0.4 + gain * contacted
    >>> model = UpliftModel(folds=3).fit(X, contacted, stayed)
    >>> fresh_and_stale = pd.DataFrame({"days_since_last": [20, 180], "plan": ["gold", "gold"]})
    >>> model.predict(fresh_and_stale)[["effect", "sleeping_dog"]].round(1)
       effect  sleeping_dog
    0    -0.2          True
    1     0.3         False
    """

    def __init__(
        self,
        *,
        learners: tuple[str, ...] = USUAL,
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
        self, X: pd.DataFrame, treated: Any, y: Any, *, chance: Literal["same", "learned"] | Any = "same"
    ) -> Self:
        """This model, learned from a trial.

        Parameters
        ----------
        X
            (n_customers, n_features) what was known before the contact; numbers and categories
        treated
            (n_customers,) 1 for a customer contacted, 0 for one of the control group
        y
            (n_customers,) what happened after: 0 or 1, or money
        chance
            the chance of contact: "same" for everybody, (n_customers,) numbers in (0, 1), or "learned"
            from the features, by models that have not seen the customer, where some were likelier to be
            contacted than others

        Raises
        ------
        InputError
            nobody was contacted, or everybody; lengths differ; a number is missing
        TooFewCustomersError
            fewer than `FEWEST_IN_A_GROUP` in one of the two groups
        RangeError, SettingsError
            a setting is out of range or unknown
        """
        self._check_settings()
        contacted, outcome = _numbers(treated, "treated", len(X)), _numbers(y, "y", len(X))
        check_groups(contacted)
        self.encoder = FeatureEncoder.learn(X)
        trial = Trial(self.encoder.encode(X), contacted, outcome, _chances(chance, contacted))
        trees = self._trees(trial.binary)

        runs = [self._cross_fit(trial, trees, repeat) for repeat in range(self.repeats)]
        noisy = _mean_over([run.noisy for run in runs])
        said = {name: _mean_over([run.said[name] for run in runs]) for name in runs[0].said}
        self.learner_ = _choose(said, noisy)
        self._all = _again(self.learner_, self.learners, trial, trees)
        self._level = float(self._all(trial.matrix).mean())
        self._folds = [[effects[self.learner_] for effects in run.speakers] for run in runs]
        self._draw_the_line(said[self.learner_], noisy)
        self.unexplained_ = self._beyond_the_line(trial, trees, runs)
        return self

    def predict(self, X: pd.DataFrame) -> pd.DataFrame:
        """What a contact would change for each of these customers.

        Parameters
        ----------
        X
            (n_customers, n_features) the features that `fit` was given, as of today

        Returns
        -------
        pd.DataFrame
            One row per row of `X`, with its index: `effect`, `low`, `high` (in the unit of the outcome) and
            `sleeping_dog` (bool): a contact does harm to customers like this one. low and high hold the
            customer's own effect; for sleeping_dog the mean effect of customers like this one must lie below
            0 with the same probability, since that is what a contact of them all brings

        Raises
        ------
        NotFittedError
            `fit` comes first
        TableError
            `X` lacks a feature
        """
        if not hasattr(self, "average_effect_"):
            raise NotFittedError("this UpliftModel is not fitted. Call fit with a trial first.")
        matrix = self.encoder.encode(X)
        parts = [self._effect_and_error(matrix[at : at + _CHUNK]) for at in range(0, max(len(X), 1), _CHUNK)]
        effect, error = (np.concatenate(column) for column in zip(*parts, strict=True))
        far = float(ndtri((1 + self.level) / 2))
        half = far * np.hypot(error, self.unexplained_)
        columns = {"effect": effect, "low": effect - half, "high": effect + half}
        return pd.DataFrame({**columns, "sleeping_dog": effect + far * error < 0}, index=X.index)

    def _cross_fit(self, trial: Trial, trees: Trees, repeat: int) -> "_Run":
        """What learners say of each customer who has not taught them."""
        fold, noisy = folds_of(trial, self.folds, self.random_state + repeat), np.zeros(len(trial.outcome))
        said: dict[str, Floats] = {}
        speakers: list[dict[str, Effect]] = []
        for number in range(self.folds):
            aside = fold == number
            arms = learn_arms(trial[~aside], trees, self.learners)
            effects = dict(learn(self.learners, trial[~aside], trees, arms))
            for name, effect in effects.items():
                said.setdefault(name, np.zeros(len(fold)))[aside] = effect(trial.matrix[aside])
            noisy[aside] = doubly_robust(trial[aside], arms)
            effects[MEAN] = _mean_of(list(effects.values()))
            speakers.append(effects)
        if len(said) > 1:
            said[MEAN] = sum(said.values(), np.zeros(len(fold))) / len(said)
        return _Run(fold, noisy, said, speakers)

    def _effect_and_error(self, matrix: npt.NDArray[np.float32]) -> tuple[Floats, Floats]:
        said = self._all(matrix)
        jackknife = np.zeros(len(matrix))
        for speakers in self._folds:
            voices = np.array([speaker(matrix) for speaker in speakers])
            jackknife += voices.var(axis=0) * (self.folds - 1) / self.repeats
        away = said - self._level
        variance = self.average_effect_error_**2 + (away * self.slope_error_) ** 2
        variance += self.slope_**2 * jackknife
        return self.average_effect_ + self.slope_ * away, np.sqrt(variance)

    def _draw_the_line(self, said: Floats, noisy: Floats) -> None:
        """How much of what the learner tells apart shows in effects that it has not seen."""
        n = len(said)
        away = said - said.mean()
        self.average_effect_ = float(noisy.mean())
        self.average_effect_error_ = float(noisy.std(ddof=1) / np.sqrt(n))
        spread = float(away @ away)
        if spread <= 1e-12 * n * max(float(noisy.var()), 1e-300):
            slope = error = 0.0
        else:
            slope = float(away @ noisy) / spread
            left = noisy - self.average_effect_ - slope * away
            error = (
                float(np.sqrt(((away * left) ** 2).sum())) / spread
            )  # whatever the spread of each customer
        self.slope_, self.slope_error_ = float(np.clip(slope, 0.0, _STEEPEST)), error
        self.effects_ = self.average_effect_ + self.slope_ * away
        self.noisy_effects_ = noisy

    def _beyond_the_line(self, trial: Trial, trees: Trees, runs: Sequence["_Run"]) -> float:
        """How far true effects lie from the line, by what is known of the customers: a standard deviation."""
        columns = Basis.learn(trial.matrix, trees.categories).columns(trial.matrix)
        spreads = [
            unexplained_spread(
                columns, run.noisy, self.slope_ * run.said[self.learner_], run.fold, self.random_state
            )
            for run in runs
        ]
        return float(np.sqrt(np.mean(np.square(spreads))))

    def _trees(self, binary: bool) -> Trees:
        return Trees(
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
                f"learners must name some of {', '.join(LEARNERS)}, got {some(self.learners) or 'none'}."
            )
        if self.folds < 2 or self.repeats < 1:
            raise RangeError(f"folds must be ≥ 2 and repeats ≥ 1, got {self.folds!r} and {self.repeats!r}.")
        if not 0 < self.level < 1:
            raise RangeError(f"level must lie between 0 and 1, got {self.level!r}. Write 80 % as 0.80.")


@dataclass(frozen=True, slots=True)
class _Run:
    """One division into folds: fold, noisy effect and what learners say of each customer; the learners."""

    fold: npt.NDArray[np.int64]
    noisy: Floats
    said: Mapping[str, Floats]
    speakers: Sequence[Mapping[str, Effect]]


def _mean_over(runs: Sequence[Floats]) -> Floats:
    total: Floats = sum((run / len(runs) for run in runs), np.zeros(len(runs[0])))
    return total


def _choose(said: Mapping[str, Floats], noisy: Floats) -> str:
    """The first learner, unless a later one explains more by two standard errors of the difference."""
    kept, *others = said
    for name in others:
        gain = _explained(said[name], noisy) - _explained(said[kept], noisy)
        apart = float(np.linalg.norm(_direction(said[name]) - _direction(said[kept])))
        if gain > _CLEARLY * apart * noisy.std():
            kept = name
    return kept


def _again(name: str, learners: Sequence[str], trial: Trial, trees: Trees) -> Effect:
    """The learner that was kept, from everybody."""
    chosen = learners if name == MEAN else (name,)
    return _mean_of(list(learn(chosen, trial, trees, learn_arms(trial, trees, chosen)).values()))


def _direction(said: Floats) -> Floats:
    away: Floats = said - said.mean()
    return away / max(float(np.linalg.norm(away)), 1e-300)


def _explained(said: Floats, noisy: Floats) -> float:
    """The spread of effects that is explained, times √n: covariance with the noisy ones ÷ own spread."""
    return float(_direction(said) @ noisy)


def _mean_of(effects: list[Effect]) -> Effect:
    def mean(rows: npt.NDArray[np.float32]) -> Floats:
        total: Floats = sum((effect(rows) for effect in effects), np.zeros(len(rows)))
        return total / len(effects)

    return mean


def _chances(chance: Any, treated: Floats) -> Floats | None:
    if isinstance(chance, str):
        if chance not in ("same", "learned"):
            raise SettingsError(f'chance must be "same", "learned" or numbers, got {chance!r}.')
        return None if chance == "learned" else np.full(len(treated), float(treated.mean()))
    given = _numbers(chance, "chance", len(treated))
    if not ((given > 0) & (given < 1)).all():
        raise RangeError(f"chance must lie between 0 and 1, got {given.min()} to {given.max()}.")
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
