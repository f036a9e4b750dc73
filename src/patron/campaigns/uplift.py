"""What contact changes for each customer, learned from a trial: `UpliftModel`.

Uplift is the difference between what a customer does when contacted and what the same customer does when not.
Nobody shows both, so it takes customers left alone at random to tell the one from the other: without such a
control group nothing here is called uplift (`assumed_effects` is what remains).

How an effect is found: every learner of :mod:`patron.campaigns.learners` learns from all folds of the
customers but one, and speaks of the one left out. That is held against noisy but unbiased effects of those
customers, which no learner has seen. The simplest learner, the smooth one, is kept unless another explains
more of them by a standard error, learns once more from everybody, and a straight line says how much of what
it tells apart is true. Where it tells nothing apart, everybody gets the effect of the mean customer.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, Self

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import ndtri

from patron.campaigns.learners import (
    LEARNERS,
    Effect,
    Trees,
    Trial,
    doubly_robust,
    folds_of,
    learn,
    learn_arms,
)
from patron.errors import InputError, NotFittedError, RangeError, SettingsError, TooFewCustomersError, some
from patron.models.encoding import FeatureEncoder
from patron.models.estimator import Estimator

__all__ = ["FEWEST_IN_A_GROUP", "USUAL", "UpliftModel", "assumed_effects", "check_groups"]

type Floats = npt.NDArray[np.float64]

FEWEST_IN_A_GROUP = 50
"""Customers contacted, and customers left alone, below which no effect is learned."""

USUAL = ("smooth", "s", "t", "x")
"""The learners that compete when nobody asks otherwise."""

MEAN = "mean"
_STEEPEST = 2.0  # trees shrink effects, but hardly by more than half: beyond it, the line has met chance
_CHUNK = 100_000  # customers predicted at a time


class UpliftModel(Estimator):
    """The effect of a contact on each customer, with an interval, from a trial with a control group.

    Parameters
    ----------
    learners : of "smooth", "s", "t", "x" and "dr", simplest first; one of them, or their mean, is kept. dr is
        not among the usual ones: it takes as long as the others together, and where the chance of contact is
        known it comes to nearly what x says
    folds : ≥ 2, parts into which the customers are divided; each is predicted by models that have not seen it
    repeats : ≥ 1, how often they are divided anew; more make effects and intervals steadier
    n_trees, learning_rate, num_leaves, max_depth, min_child_samples : of every model; small trees, since
        effects differ less between customers than outcomes do
    level : probability in (0, 1) that the intervals hold
    n_jobs : most threads; the result does not depend on it
    random_state : seed of all that is drawn

    Attributes
    ----------
    learner_ : the one that was kept, or "mean"
    average_effect_, average_effect_error_ : of all customers of the trial, and its standard error, in the
        unit of the outcome
    slope_, slope_error_ : how much of what the learner tells apart is true: 0 nothing, 1 all of it
    effects_ : (n_customers,) effect of each customer, by models that have not seen the customer
    noisy_effects_ : (n_customers,) doubly robust effect of each: right in the mean over any group

    Notes
    -----
    effect = τ + b·(s - s̄), s what the learner says, s̄ its mean over the trial, τ and b by least squares of
    the noisy effects on the out-of-fold s, b kept within [0, 2]. Its variance adds up the squared errors of τ
    and of b·(s - s̄), and b² times the jackknife variance of s over the folds left out. What it explains is
    b·sd(s); the rule of one standard error keeps trees from being chosen that merely fit the noise. The
    interval is of the mean effect among customers whom the learner cannot tell apart: what it cannot see is
    not in it.

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
        X : (n_customers, n_features) what was known before the contact; numbers and categories
        treated : (n_customers,) 1 for a customer contacted, 0 for one of the control group
        y : (n_customers,) what happened after: 0 or 1, or money
        chance : the chance of contact: "same" for everybody, (n_customers,) numbers in (0, 1), or "learned"
            from the features, by models that have not seen the customer, where some were likelier to be
            contacted than others

        Raises
        ------
        InputError : nobody was contacted, or everybody; lengths differ; a number is missing
        TooFewCustomersError : fewer than `FEWEST_IN_A_GROUP` in one of the two groups
        RangeError, SettingsError : a setting is out of range or unknown
        """
        self._check_settings()
        contacted, outcome = _numbers(treated, "treated", len(X)), _numbers(y, "y", len(X))
        check_groups(contacted)
        self.encoder = FeatureEncoder.learn(X)
        trial = Trial(self.encoder.encode(X), contacted, outcome, _chances(chance, contacted))
        trees = self._trees(trial.binary)

        said: dict[str, Floats] = {}
        noisy = np.zeros(len(X))
        spoken: list[list[dict[str, Effect]]] = []
        for repeat in range(self.repeats):
            fold, speakers = folds_of(trial, self.folds, self.random_state + repeat), []
            for number in range(self.folds):
                aside = fold == number
                arms = learn_arms(trial[~aside], trees, self.learners)
                effects = dict(learn(self.learners, trial[~aside], trees, arms))
                for name, effect in effects.items():
                    at = said.setdefault(name, np.zeros(len(X)))
                    at[aside] += effect(trial.matrix[aside]) / self.repeats
                noisy[aside] += doubly_robust(trial[aside], arms) / self.repeats
                effects[MEAN] = _mean_of(list(effects.values()))
                speakers.append(effects)
            spoken.append(speakers)
        if len(said) > 1:
            said[MEAN] = sum(said.values(), np.zeros(len(X))) / len(said)
        self.learner_ = _choose(said, noisy)
        self._all = _again(self.learner_, self.learners, trial, trees)
        self._level = float(self._all(trial.matrix).mean())
        self._folds = [[effects[self.learner_] for effects in speakers] for speakers in spoken]
        self._draw_the_line(said[self.learner_], noisy)
        return self

    def predict(self, X: pd.DataFrame) -> pd.DataFrame:
        """What a contact would change for each of these customers.

        Parameters
        ----------
        X : (n_customers, n_features) the features that `fit` was given, as of today

        Returns
        -------
        One row per row of `X`, with its index: `effect`, `low`, `high` (in the unit of the outcome) and
        `sleeping_dog` (bool): the whole interval lies below 0, so that a contact does harm

        Raises
        ------
        NotFittedError : `fit` comes first
        TableError : `X` lacks a feature
        """
        if not hasattr(self, "average_effect_"):
            raise NotFittedError("this UpliftModel is not fitted. Call fit with a trial first.")
        matrix = self.encoder.encode(X)
        parts = [self._effect_and_error(matrix[at : at + _CHUNK]) for at in range(0, max(len(X), 1), _CHUNK)]
        effect, error = (np.concatenate(column) for column in zip(*parts, strict=True))
        half = float(ndtri((1 + self.level) / 2)) * error
        columns = {"effect": effect, "low": effect - half, "high": effect + half}
        return pd.DataFrame({**columns, "sleeping_dog": columns["high"] < 0}, index=X.index)

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


def check_groups(treated: Floats) -> None:
    """Raise unless there are customers contacted and customers left alone to compare them with.

    Parameters
    ----------
    treated : (n_customers,) 1 contacted, 0 not

    Raises
    ------
    InputError : no control group, nobody contacted, or another value
    TooFewCustomersError : one of the groups is too small

    Examples
    --------
    >>> check_groups(np.ones(500))
    Traceback (most recent call last):
        ...
    patron.errors.InputError: All 500 customers were contacted, so nothing shows what they would have done
    without it, and no effect may be called uplift. Leave a random control group alone next time (treated =
    0), and until then assume an acceptance.
    """
    if not np.isin(treated, (0.0, 1.0)).all():
        strange = np.unique(treated[~np.isin(treated, (0.0, 1.0))])
        raise InputError(f"treated must be 1 (contacted) or 0 (control group), got {some(strange)}.")
    contacted = int(treated.sum())
    alone = len(treated) - contacted
    if alone == 0:
        raise InputError(
            f"All {contacted} customers were contacted, so nothing shows what they would have done without "
            "it, and no effect may be called uplift. Leave a random control group alone next time (treated = "
            "0), and until then assume an acceptance."
        )
    if contacted == 0:
        raise InputError(
            f"None of the {alone} customers was contacted, so there is no effect to learn. Give the contacts "
            "with treated = 1 too."
        )
    if min(contacted, alone) < FEWEST_IN_A_GROUP:
        raise TooFewCustomersError(
            f"{contacted} customers were contacted and {alone} were not; effects need at least "
            f"{FEWEST_IN_A_GROUP} of each. Pool campaigns with the same offer, or run a larger one."
        )


def assumed_effects(risk: Any, value: Any, acceptance: float) -> Floats:
    """Risk × value × acceptance: what is assumed of a contact while no trial has shown its effect.

    It is no uplift: it takes everybody at risk for equally open to the offer, and never finds harm.

    Parameters
    ----------
    risk : (n_customers,) probability in [0, 1] of leaving when left alone
    value : (n_customers,) money that is lost with the customer
    acceptance : probability in [0, 1] that a would-be leaver stays for the offer; an assumption

    Returns
    -------
    (n_customers,) money; 0 where there is nothing to lose

    Raises
    ------
    RangeError : acceptance or a risk lies outside [0, 1]

    Examples
    --------
    >>> assumed_effects([0.5, 0.1], [200.0, -5.0], acceptance=0.3)
    array([30.,  0.])
    """
    chance = np.asarray(risk, dtype=np.float64)
    if not 0 <= acceptance <= 1:
        raise RangeError(
            f"acceptance must be a probability in [0, 1], got {acceptance!r}. Write 30 % as 0.30."
        )
    if not ((chance >= 0) & (chance <= 1)).all():  # written so that NaN fails too
        raise RangeError("every risk must be a probability in [0, 1]. Leave customers without a score out.")
    return chance * np.maximum(np.asarray(value, dtype=np.float64), 0.0) * acceptance


def _choose(said: Mapping[str, Floats], noisy: Floats) -> str:
    """The first learner, unless a later one explains more by a standard error of the difference."""
    kept, *others = said
    for name in others:
        gain = _explained(said[name], noisy) - _explained(said[kept], noisy)
        apart = float(np.linalg.norm(_direction(said[name]) - _direction(said[kept])))
        if gain > apart * noisy.std():
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
