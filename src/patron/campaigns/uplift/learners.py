"""Five meta-learners of individual effects from a trial: smooth, S-, T-, X- and DR-learner.

=======  ===================================================================================================
learner  what it does
=======  ===================================================================================================
smooth   one penalised logistic or linear regression with treatment interactions
         (:mod:`patron.campaigns.uplift.penalised_regression`); the others use boosted trees
s        one outcome model with the treatment as a feature; the effect is the change when it is switched on
t        one outcome model for treated and one for control customers; the effect is their difference
x        observed outcome minus the prediction of the other group's model, regressed in each group
dr       outcome models and propensity give a doubly robust pseudo-outcome per customer (unbiased if either is
         right), which is regressed on the features
=======  ===================================================================================================

With y the outcome, w the treatment, e(x) the propensity, m₁(x) and m₀(x) the expected outcome of treated and
control customers: x regresses y - m₀(x) for the treated and m₁(x) - y for the control group and weights the
two by 1 - e and e; dr regresses m₁ - m₀ + w·(y - m₁)/e - (1 - w)·(y - m₀)/(1 - e), with models that have not
seen the customer.

References
----------
Künzel, Sekhon, Bickel & Yu (2019), Metalearners for estimating heterogeneous treatment effects, PNAS 116(10),
4156-4165 (s, t, x). Kennedy (2023), Towards optimal doubly robust estimation of heterogeneous causal effects,
Electronic Journal of Statistics 17(2), 3008-3049 (dr).
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from patron.arrays import Floats, Matrix
from patron.campaigns.uplift.outcome_trees import OutcomeTrees, Predictor
from patron.campaigns.uplift.penalised_regression import PenalisedRegression, fit_penalised_regression
from patron.campaigns.uplift.trial import Trial, stratified_folds

__all__ = ["LEARNERS", "NuisanceModels", "fit_learners", "fit_nuisance_models", "pseudo_outcomes"]

LEARNERS = ("smooth", "s", "t", "x", "dr")
"""The learners by name, simplest first."""

_MIN_PROPENSITY = 0.02  # propensities closer to 0 or 1 would give a handful of customers all the weight
_INNER_FOLDS = 3  # folds of the cross-fitted models behind the pseudo-outcomes of the DR-learner


@dataclass(frozen=True, slots=True)
class NuisanceModels:
    """Models of the outcome with and without treatment, and of the propensity.

    Attributes
    ----------
    treated, control
        features → expected outcome
    propensity
        features → probability of treatment; None if the trial knows it
    """

    treated: Predictor
    control: Predictor
    propensity: Predictor | None


def fit_nuisance_models(
    trial: Trial, trees: OutcomeTrees, learners: Iterable[str] = LEARNERS
) -> NuisanceModels:
    """Models of the outcome with and without treatment.

    Parameters
    ----------
    trial
        the customers to learn from
    trees
        how trees are grown
    learners
        the learners that use the models: t and x need trees, one model per group; for the others the
        penalised regression of both groups is enough

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> x, w = rng.random((2000, 1)).astype(np.float32), np.tile([0.0, 1.0], 1000)
    >>> trial = Trial(x, w, w * (x[:, 0] > 0.5), np.full(2000, 0.5))
    >>> models = fit_nuisance_models(trial, OutcomeTrees(binary=True))
    >>> models.treated(np.array([[0.9]], np.float32)).round(1), models.control(x[:1]).round(1)
    (array([1.]), array([0.]))
    """
    treated = trial.treated == 1
    propensity = None
    if trial.propensity is None:
        propensity = replace(trees, binary=True).fit_outcome(trial.matrix, trial.treated)
    if not {"t", "x"} & set(learners):
        smooth = _smooth(trial, trees)
        return NuisanceModels(
            lambda rows: smooth.outcomes(rows)[0], lambda rows: smooth.outcomes(rows)[1], propensity
        )
    return NuisanceModels(
        trees.fit_outcome(trial.matrix[treated], trial.outcome[treated]),
        trees.fit_outcome(trial.matrix[~treated], trial.outcome[~treated]),
        propensity,
    )


def pseudo_outcomes(trial: Trial, models: NuisanceModels) -> Floats:
    """The doubly robust pseudo-outcome of each customer: noisy, but its mean is the mean effect.

    Parameters
    ----------
    trial
        the customers
    models
        outcome and propensity models that have not seen these customers

    Returns
    -------
    Floats
        (n,) in the unit of the outcome

    Examples
    --------
    >>> models = NuisanceModels(
    ...     lambda rows: np.full(len(rows), 0.5), lambda rows: np.full(len(rows), 0.25), None)
    >>> trial = Trial(np.zeros((2, 1), np.float32), np.array([1.0, 0.0]), np.ones(2), np.full(2, 0.5))
    >>> pseudo_outcomes(trial, models)
    array([ 1.25, -1.25])
    """
    if_treated, if_control = models.treated(trial.matrix), models.control(trial.matrix)
    propensity = _propensity(trial, models)
    correction = np.where(
        trial.treated == 1,
        (trial.outcome - if_treated) / propensity,
        (if_control - trial.outcome) / (1 - propensity),
    )
    return if_treated - if_control + correction


def fit_learners(
    learners: Iterable[str], trial: Trial, trees: OutcomeTrees, models: NuisanceModels
) -> Mapping[str, Predictor]:
    """The effect predictor of each of these learners.

    Parameters
    ----------
    learners
        some of `LEARNERS`
    trial
        the customers to learn from
    trees
        how trees are grown
    models
        what `fit_nuisance_models` returned for the same customers

    Returns
    -------
    Mapping[str, Predictor]
        learner → function of features (n, n_features) to effects (n,), in the unit of the outcome

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> x, w = rng.random((4000, 1)).astype(np.float32), np.tile([0.0, 1.0], 2000)
    >>> trial = Trial(x, w, w * x[:, 0] + rng.normal(0, 0.1, 4000), np.full(4000, 0.5))
    >>> trees = OutcomeTrees(binary=False)
    >>> found = fit_learners(("t", "x", "dr"), trial, trees, fit_nuisance_models(trial, trees))
    >>> {name: float(effect(np.array([[0.8]], np.float32))[0].round(1)) for name, effect in found.items()}
    {'t': 0.8, 'x': 0.8, 'dr': 0.8}
    """
    fit: dict[str, Callable[[], Predictor]] = {
        "smooth": lambda: _smooth(trial, trees).effect,
        "s": lambda: _s_learner(trial, trees),
        "t": lambda: _t_learner(models),
        "x": lambda: _x_learner(trial, trees, models),
        "dr": lambda: _dr_learner(trial, trees),
    }
    return {name: fit[name]() for name in learners}


def _smooth(trial: Trial, trees: OutcomeTrees) -> PenalisedRegression:
    return fit_penalised_regression(
        trial.matrix, trial.treated, trial.outcome, binary=trees.binary, categories=trees.categories
    )


def _s_learner(trial: Trial, trees: OutcomeTrees) -> Predictor:
    model = trees.fit_outcome(_with_treatment(trial.matrix, trial.treated), trial.outcome)

    def effect(rows: Matrix) -> Floats:
        on, off = np.ones(len(rows)), np.zeros(len(rows))
        return model(_with_treatment(rows, on)) - model(_with_treatment(rows, off))

    return effect


def _t_learner(models: NuisanceModels) -> Predictor:
    return lambda rows: models.treated(rows) - models.control(rows)


def _x_learner(trial: Trial, trees: OutcomeTrees, models: NuisanceModels) -> Predictor:
    """Each group is compared with the model of the other, which has not seen it: no cross-fitting needed."""
    treated = trial.treated == 1
    gained = trial.outcome[treated] - models.control(trial.matrix[treated])
    missed = models.treated(trial.matrix[~treated]) - trial.outcome[~treated]
    by_treated = trees.fit_number(trial.matrix[treated], gained)
    by_control = trees.fit_number(trial.matrix[~treated], missed)
    share = float(trial.treated.mean())

    def effect(rows: Matrix) -> Floats:
        propensity = share if models.propensity is None else _clipped(models.propensity(rows))
        return propensity * by_control(rows) + (1 - propensity) * by_treated(rows)

    return effect


def _dr_learner(trial: Trial, trees: OutcomeTrees) -> Predictor:
    fold = stratified_folds(trial, _INNER_FOLDS, trees.random_state + 1)
    pseudo = np.empty(len(fold))
    for number in range(_INNER_FOLDS):
        held_out = fold == number
        pseudo[held_out] = pseudo_outcomes(trial[held_out], fit_nuisance_models(trial[~held_out], trees))
    return trees.fit_number(trial.matrix, pseudo)


def _propensity(trial: Trial, models: NuisanceModels) -> Floats:
    if trial.propensity is not None:
        return trial.propensity
    if models.propensity is None:
        return np.full(len(trial.treated), float(trial.treated.mean()))
    return _clipped(models.propensity(trial.matrix))


def _clipped(propensity: Floats) -> Floats:
    return np.clip(propensity, _MIN_PROPENSITY, 1 - _MIN_PROPENSITY)


def _with_treatment(matrix: Matrix, treated: Floats) -> Matrix:
    return np.column_stack([matrix, treated.astype(np.float32)])
