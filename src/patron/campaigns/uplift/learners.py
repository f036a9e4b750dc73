"""Five ways to learn from a trial what contact changes for whom: smooth, or the S-, T-, X- or DR-learner.

=======  ===================================================================================================
learner  what it does
=======  ===================================================================================================
smooth   one logistic or linear regression in which every coefficient differs with contact, but not by much
         (:mod:`patron.campaigns.uplift.smooth`); the others grow trees
s        one model of the outcome in which the contact is a feature; the effect is what changing it changes
t        one model of those contacted and one of the others; the effect is their difference
x        what each customer did less what the other model expects of the customer, learned for each group
dr       both models and the chance of contact make a noisy effect of each customer, right if either is
         right (doubly robust); that is learned
=======  ===================================================================================================

With y the outcome, w 1 for a customer contacted, e(x) the chance of contact, m₁(x) and m₀(x) the outcome
expected with and without: x learns y - m₀(x) of those contacted and m₁(x) - y of the others, and weighs the
two by 1 - e and e; dr learns m₁ - m₀ + w·(y - m₁)/e - (1 - w)·(y - m₀)/(1 - e), with models that have not
seen the customer.

References
----------
Künzel, Sekhon, Bickel & Yu (2019), Metalearners for estimating heterogeneous treatment effects, PNAS 116(10),
4156-4165 (s, t, x). Kennedy (2023), Towards optimal doubly robust estimation of heterogeneous causal effects,
Electronic Journal of Statistics 17(2), 3008-3049 (dr).
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from patron.arrays import Floats, Matrix
from patron.campaigns.uplift.smooth import Smooth, learn_smooth
from patron.models.churn.boosted_trees import add_up, grow_so_many

__all__ = ["LEARNERS", "Arms", "Effect", "Trees", "Trial", "doubly_robust", "folds_of", "learn", "learn_arms"]

type Effect = Callable[[Matrix], Floats]

LEARNERS = ("smooth", "s", "t", "x", "dr")
"""The learners by name, simplest first."""

_OVERLAP = 0.02  # a chance of contact nearer to 0 or 1 would give a handful of customers all the weight
_INNER = 3  # folds in which the models behind the noisy effect are learned


@dataclass(frozen=True, slots=True)
class Trial:
    """Customers of a trial, before and after.

    Attributes
    ----------
    matrix
        (n, n_features) what was known before the contact; categories as codes, NaN where missing
    treated
        (n,) 1.0 for a customer contacted, 0.0 for the control group
    outcome
        (n,) 0 or 1, or money
    chance
        (n,) chance of contact in (0, 1), or None to learn it from the features
    """

    matrix: Matrix
    treated: Floats
    outcome: Floats
    chance: Floats | None

    def __getitem__(self, rows: npt.NDArray[Any]) -> "Trial":
        """Some of the customers."""
        chance = None if self.chance is None else self.chance[rows]
        return Trial(self.matrix[rows], self.treated[rows], self.outcome[rows], chance)

    @property
    def binary(self) -> bool:
        """Whether the outcome is 0 or 1."""
        return bool(np.isin(self.outcome, (0.0, 1.0)).all())


@dataclass(frozen=True, slots=True, kw_only=True)
class Trees:
    """How the trees of every model grow.

    Attributes
    ----------
    n_trees
        count
    learning_rate
        weight of each tree, in (0, 1]
    num_leaves, max_depth, min_child_samples
        bounds of each tree
    categories
        positions of the categories
    n_jobs
        most threads
    random_state
        seed of all that is drawn
    binary
        whether outcomes are 0 or 1, so that models of them give probabilities
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

    def of_outcome(self, matrix: Matrix, outcome: Floats) -> Effect:
        """A model of the outcome: a probability where it is 0 or 1."""
        if not self.binary:
            return self.of_number(matrix, outcome)
        trees = self._grown(matrix, outcome, "binary")
        return lambda rows: 1 / (1 + np.exp(-np.clip(trees(rows), -30, 30)))

    def of_number(self, matrix: Matrix, number: Floats) -> Effect:
        """A model of a number, in units of its spread: cents and euros grow the same trees."""
        spread = float(number.std()) or 1.0
        mean = float(number.mean())
        trees = self._grown(matrix, (number - mean) / spread, "regression")
        return lambda rows: mean + spread * trees(rows)

    def _grown(self, matrix: Matrix, target: Floats, objective: str) -> Effect:
        # Few customers still get trees: a leaf need not hold more than a fifth of them.
        fewest = max(1, min(self.min_child_samples, len(target) // 5))
        settings: dict[str, Any] = {
            "objective": objective,
            "learning_rate": self.learning_rate,
            "num_leaves": self.num_leaves,
            "max_depth": self.max_depth,
            "min_data_in_leaf": fewest,
        }
        grown = grow_so_many(
            (matrix, target),
            settings,
            n_trees=self.n_trees,
            categories=self.categories,
            n_jobs=self.n_jobs,
            random_state=self.random_state,
        )
        return lambda rows: add_up(grown, rows, self.n_jobs)


@dataclass(frozen=True, slots=True)
class Arms:
    """Models of the outcome with and without contact, and of the chance of contact.

    Attributes
    ----------
    contacted, control
        features → outcome expected
    chance
        features → chance of contact; None where the trial knows it
    """

    contacted: Effect
    control: Effect
    chance: Effect | None


def learn_arms(trial: Trial, trees: Trees, learners: Iterable[str] = LEARNERS) -> Arms:
    """The outcome with and without contact.

    Parameters
    ----------
    trial
        the customers that teach
    trees
        how trees grow
    learners
        who will ask; t and x want trees, learned from each group by itself, and for the others the
        smooth regression of both will do

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> x, w = rng.random((2000, 1)).astype(np.float32), np.tile([0.0, 1.0], 1000)
    >>> trial = Trial(x, w, w * (x[:, 0] > 0.5), np.full(2000, 0.5))
    >>> arms = learn_arms(trial, Trees(binary=True))
    >>> arms.contacted(np.array([[0.9]], np.float32)).round(1), arms.control(x[:1]).round(1)
    (array([1.]), array([0.]))
    """
    contacted = trial.treated == 1
    chance = None
    if trial.chance is None:
        chance = replace(trees, binary=True).of_outcome(trial.matrix, trial.treated)
    if not {"t", "x"} & set(learners):
        smooth = _smooth(trial, trees)
        return Arms(lambda rows: smooth.outcomes(rows)[0], lambda rows: smooth.outcomes(rows)[1], chance)
    return Arms(
        trees.of_outcome(trial.matrix[contacted], trial.outcome[contacted]),
        trees.of_outcome(trial.matrix[~contacted], trial.outcome[~contacted]),
        chance,
    )


def doubly_robust(trial: Trial, arms: Arms) -> Floats:
    """A noisy effect of each customer, right in the mean; the arms must not have seen these customers.

    Returns
    -------
    Floats
        (n,) in the unit of the outcome

    Examples
    --------
    >>> arms = Arms(lambda rows: np.full(len(rows), 0.5), lambda rows: np.full(len(rows), 0.25), None)
    >>> trial = Trial(np.zeros((2, 1), np.float32), np.array([1.0, 0.0]), np.ones(2), np.full(2, 0.5))
    >>> doubly_robust(trial, arms)
    array([ 1.25, -1.25])
    """
    with_contact, without = arms.contacted(trial.matrix), arms.control(trial.matrix)
    chance = _chance(trial, arms)
    surprise = np.where(
        trial.treated == 1,
        (trial.outcome - with_contact) / chance,
        (without - trial.outcome) / (1 - chance),
    )
    noisy: Floats = with_contact - without + surprise
    return noisy


def learn(learners: Iterable[str], trial: Trial, trees: Trees, arms: Arms) -> Mapping[str, Effect]:
    """The effect by each of these learners.

    Parameters
    ----------
    learners
        of `LEARNERS`
    trial
        the customers that teach
    trees
        how trees grow
    arms
        what `learn_arms` made of the same customers

    Returns
    -------
    Mapping[str, Effect]
        Learner → function of features (n, n_features) to effects (n,), in the unit of the outcome

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> x, w = rng.random((4000, 1)).astype(np.float32), np.tile([0.0, 1.0], 2000)
    >>> trial = Trial(x, w, w * x[:, 0] + rng.normal(0, 0.1, 4000), np.full(4000, 0.5))
    >>> trees = Trees(binary=False)
    >>> found = learn(("t", "x", "dr"), trial, trees, learn_arms(trial, trees))
    >>> {name: float(effect(np.array([[0.8]], np.float32))[0].round(1)) for name, effect in found.items()}
    {'t': 0.8, 'x': 0.8, 'dr': 0.8}
    """
    made: dict[str, Callable[[], Effect]] = {
        "smooth": lambda: _smooth(trial, trees).effect,
        "s": lambda: _s_learner(trial, trees),
        "t": lambda: _t_learner(arms),
        "x": lambda: _x_learner(trial, trees, arms),
        "dr": lambda: _dr_learner(trial, trees),
    }
    return {name: made[name]() for name in learners}


def folds_of(trial: Trial, folds: int, random_state: int) -> npt.NDArray[np.int64]:
    """(n,) the fold of each customer, drawn at random, with as many of each group and outcome in each fold.

    Examples
    --------
    >>> trial = Trial(np.zeros((6, 1), np.float32), np.array([1.0, 1, 1, 0, 0, 0]), np.zeros(6), None)
    >>> fold = folds_of(trial, 3, 0)
    >>> np.bincount(fold).tolist(), sorted(fold[:3].tolist())
    ([2, 2, 2], [0, 1, 2])
    """
    drawn = np.random.default_rng(random_state).permutation(len(trial.outcome))
    by_kind = drawn[np.lexsort((trial.outcome[drawn], trial.treated[drawn]))]
    fold = np.empty(len(drawn), dtype=np.int64)
    fold[by_kind] = np.arange(len(drawn)) % folds
    return fold


def _smooth(trial: Trial, trees: Trees) -> Smooth:
    return learn_smooth(
        trial.matrix, trial.treated, trial.outcome, binary=trees.binary, categories=trees.categories
    )


def _s_learner(trial: Trial, trees: Trees) -> Effect:
    model = trees.of_outcome(_beside(trial.matrix, trial.treated), trial.outcome)

    def effect(rows: Matrix) -> Floats:
        changed: Floats = model(_beside(rows, np.ones(len(rows)))) - model(_beside(rows, np.zeros(len(rows))))
        return changed

    return effect


def _t_learner(arms: Arms) -> Effect:
    return lambda rows: arms.contacted(rows) - arms.control(rows)


def _x_learner(trial: Trial, trees: Trees, arms: Arms) -> Effect:
    """Each group is compared with a model of the other, which has not seen it: cross-fitted as it stands."""
    contacted = trial.treated == 1
    gained = trial.outcome[contacted] - arms.control(trial.matrix[contacted])
    missed = arms.contacted(trial.matrix[~contacted]) - trial.outcome[~contacted]
    by_contacted = trees.of_number(trial.matrix[contacted], gained)
    by_control = trees.of_number(trial.matrix[~contacted], missed)
    share = float(trial.treated.mean())

    def effect(rows: Matrix) -> Floats:
        chance = share if arms.chance is None else _within(arms.chance(rows))
        weighed: Floats = chance * by_control(rows) + (1 - chance) * by_contacted(rows)
        return weighed

    return effect


def _dr_learner(trial: Trial, trees: Trees) -> Effect:
    fold = folds_of(trial, _INNER, trees.random_state + 1)
    noisy = np.empty(len(fold))
    for number in range(_INNER):
        aside = fold == number
        noisy[aside] = doubly_robust(trial[aside], learn_arms(trial[~aside], trees))
    return trees.of_number(trial.matrix, noisy)


def _chance(trial: Trial, arms: Arms) -> Floats:
    if trial.chance is not None:
        return trial.chance
    if arms.chance is None:
        return np.full(len(trial.treated), float(trial.treated.mean()))
    return _within(arms.chance(trial.matrix))


def _within(chance: Floats) -> Floats:
    return np.clip(chance, _OVERLAP, 1 - _OVERLAP)


def _beside(matrix: Matrix, treated: Floats) -> Matrix:
    return np.column_stack([matrix, treated.astype(np.float32)])
