"""Boosted trees of LightGBM, grown so that the same rows always give the same trees.

`grow_trees` grows them, in two steps where there are no rows to stop on (`grow_with_early_stopping`, then
`grow_fixed`); `explain` gives the contribution of each feature. LightGBM is imported by the call that needs
it, because it loads scikit-learn where that is installed, and not every importer of this file predicts.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from threading import Lock
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from patron.arrays import Floats, Matrix
from patron.checks import share, whole_number
from patron.errors import RangeError

if TYPE_CHECKING:
    import pandas as pd
    from lightgbm import Booster

__all__ = [
    "FEWEST_CUSTOMERS",
    "Grown",
    "Growth",
    "Labelled",
    "Rows",
    "check_growth",
    "explain",
    "grow_fixed",
    "grow_trees",
    "grow_with_early_stopping",
    "growth_of",
    "hold_out_fifth",
    "raw_scores",
    "read_trees",
    "tree_tags",
]

type Rows = tuple[Matrix, Floats]
"""Features (n_rows, n_features) and target (n_rows,)."""

type Labelled = tuple["pd.DataFrame", Any]
"""Features (n_customers, n_features) and outcome (n_customers,)."""

FEWEST_CUSTOMERS = 100
"""Rows below which no trees are fitted."""

_ROWS_PER_THREAD = 100_000  # fewer, and waiting for each other costs more than it brings
# Many features are nearly the same (orders in 30 and in 90 days), so each tree sees a part of them.
_USUAL = {"feature_fraction": 0.7, "bagging_fraction": 0.8, "bagging_freq": 1, "lambda_l2": 1.0}
_FIXED = {
    # Reproducible: whatever the number of threads, and silent.
    "deterministic": True,
    "force_row_wise": True,
    "verbosity": -1,
}
# LightGBM works out the depths of its trees at the start of each contribution call and keeps them in the
# trees, so two calls at once could read a depth half written. One call uses all of its threads anyway.
_ONE_EXPLANATION_AT_A_TIME = Lock()


@dataclass(frozen=True, slots=True, kw_only=True)
class Growth:
    """How to grow trees.

    Attributes
    ----------
    settings
        LightGBM's own, `objective` among them
    n_trees
        number of trees; the maximum number where growing may end earlier
    patience
        trees without gain after which growing ends
    categories
        positions of the categories
    n_jobs
        maximum number of threads, -1 for all; the trees do not depend on it
    random_state
        seed of all random draws
    """

    settings: Mapping[str, Any]
    n_trees: int
    patience: int = 1
    categories: Sequence[int] = ()
    n_jobs: int = 1
    random_state: int = 0


@dataclass(frozen=True, slots=True)
class Grown:
    """Trees, and their loss on rows that did not grow them.

    Attributes
    ----------
    trees
        up to the best one; they hold no rows
    loss
        of the objective, on the rows that growing stopped on
    """

    trees: "Booster"
    loss: float


def check_growth(owner: str, settings: Mapping[str, Any]) -> None:
    """Checks the settings that estimators of boosted trees share.

    Parameters
    ----------
    owner
        class of the estimator, for messages
    settings
        n_estimators, max_depth, min_child_samples and early_stopping_rounds (whole numbers ≥ 1), num_leaves
        (≥ 2), random_state (≥ 0), n_jobs (≥ 1, or -1 for all) and learning_rate (in (0, 1])

    Raises
    ------
    RangeError
        one is out of range
    """
    lowest = {"num_leaves": 2, "random_state": 0, "n_jobs": -1}
    for name in ("n_estimators", "max_depth", "min_child_samples", "early_stopping_rounds", *lowest):
        whole_number(f"{owner}.{name}", settings[name], lowest.get(name, 1), floats=False)
    if settings["n_jobs"] == 0:
        raise RangeError(f"{owner}.n_jobs must be -1 (all) or at least 1, got 0.")
    share(f"{owner}.learning_rate", settings["learning_rate"], ends="(]", example="5 % as 0.05")


def growth_of(settings: Mapping[str, Any], categories: Sequence[int], **objective: Any) -> Growth:
    """How an estimator with the settings of `check_growth` grows its trees.

    Parameters
    ----------
    settings
        as in :func:`check_growth`
    categories
        positions of the categories
    objective
        what LightGBM minimises, by its own names
    """
    return Growth(
        settings={
            **objective,
            "learning_rate": settings["learning_rate"],
            "num_leaves": settings["num_leaves"],
            "max_depth": settings["max_depth"],
            "min_data_in_leaf": settings["min_child_samples"],
        },
        n_trees=settings["n_estimators"],
        patience=settings["early_stopping_rounds"],
        categories=categories,
        n_jobs=settings["n_jobs"],
        random_state=settings["random_state"],
    )


def grow_trees(rows: Rows, growth: Growth, stop_on: Rows | None = None) -> "Booster":
    """Trees grown until the loss on `stop_on` falls no more.

    Parameters
    ----------
    rows
        features and target that grow the trees; NaN where a feature is missing
    growth
        how to grow them
    stop_on
        later rows and their target; without them a fifth of the rows, drawn at random, determines the
        number of trees, and all rows then grow that many

    Returns
    -------
    Booster
        The trees up to the best one. They hold no rows.

    Examples
    --------
    >>> matrix = np.arange(200, dtype=np.float32)[:, None]
    >>> growth = Growth(settings={"objective": "binary", "num_leaves": 2}, n_trees=3, patience=3)
    >>> trees = grow_trees((matrix, (matrix[:, 0] >= 120) * 1.0), growth)
    >>> trees.predict(matrix[[0, 199]], raw_score=True).round(1)
    array([-0.9..., 0...])
    """
    if stop_on is not None:
        return grow_with_early_stopping(rows, stop_on, growth).trees
    enough = grow_with_early_stopping(*hold_out_fifth(rows, growth.random_state), growth).trees.num_trees()
    return grow_fixed(rows, replace(growth, n_trees=enough))


def grow_with_early_stopping(rows: Rows, stop_on: Rows, growth: Growth) -> Grown:
    """Trees grown on some rows until the loss on others falls no more, and that loss.

    Parameters
    ----------
    rows, growth
        as in :func:`grow_trees`
    stop_on
        features and target that decide when growing ends
    """
    import lightgbm

    train, complete = _dataset(rows, growth)
    stopping, _ = _dataset(stop_on, growth, like=train)
    stop = lightgbm.early_stopping(growth.patience, verbose=False)
    grown = lightgbm.train(complete, train, growth.n_trees, valid_sets=[stopping], callbacks=[stop])
    (loss,) = grown.best_score["valid_0"].values()
    return Grown(read_trees(grown.model_to_string(num_iteration=grown.best_iteration)), float(loss))


def grow_fixed(rows: Rows, growth: Growth) -> "Booster":
    """A fixed number of trees, grown without early stopping.

    Parameters
    ----------
    rows, growth
        as in :func:`grow_trees`; the patience does not count
    """
    import lightgbm

    train, complete = _dataset(rows, growth)
    return read_trees(lightgbm.train(complete, train, growth.n_trees).model_to_string())


def hold_out_fifth(rows: Rows, random_state: int) -> tuple[Rows, Rows]:
    """Four fifths of the rows, and a random fifth, stratified by the target.

    Parameters
    ----------
    rows
        features and target
    random_state
        seed
    """
    matrix, target = rows
    drawn = np.random.default_rng(random_state).permutation(len(target))
    aside = np.zeros(len(target), dtype=bool)
    aside[drawn[np.argsort(target[drawn], kind="stable")][::5]] = True
    return (matrix[~aside], target[~aside]), (matrix[aside], target[aside])


def read_trees(text: str) -> "Booster":
    """The trees of a model text of LightGBM; they predict the same to the last bit.

    Parameters
    ----------
    text
        model text of LightGBM
    """
    from lightgbm import Booster

    return Booster(model_str=text)


def raw_scores(trees: "Booster", matrix: Matrix, n_jobs: int = 1) -> Floats:
    """The raw score of each row: the sum of its trees.

    Parameters
    ----------
    trees
        grown
    matrix
        (n_rows, n_features) as in growing
    n_jobs
        maximum number of threads, -1 for all

    Returns
    -------
    Floats
        (n_rows,) in the unit of the objective's score, which is log-odds for a binary one
    """
    total: Floats = trees.predict(matrix, raw_score=True, num_threads=_threads(n_jobs, len(matrix)))
    return total


def explain(trees: "Booster", matrix: Matrix, n_jobs: int = 1) -> Floats:
    """The contribution of each feature to the raw score: Shapley values.

    Parameters
    ----------
    trees, matrix, n_jobs
        as in :func:`raw_scores`

    Returns
    -------
    Floats
        (n_rows, n_features) in the unit of the raw score, which is log-odds for a binary objective. A row
        adds up to the raw score less its average, which is the same for every row.

    References
    ----------
    Lundberg et al. (2020), Nature Machine Intelligence 2, 56-67.
    """
    if len(matrix) == 0:  # LightGBM divides by the number of rows
        return np.empty(matrix.shape)
    with _ONE_EXPLANATION_AT_A_TIME:
        explained = trees.predict(matrix, pred_contrib=True, num_threads=_threads(n_jobs, len(matrix)))
    return np.asarray(explained)[:, :-1]


def tree_tags(kind: Literal["classifier", "regressor"]) -> Any:
    """The tags by which scikit-learn knows an estimator of boosted trees.

    Parameters
    ----------
    kind
        of estimator
    """
    from sklearn.utils import ClassifierTags, InputTags, RegressorTags, Tags, TargetTags

    return Tags(
        estimator_type=kind,
        target_tags=TargetTags(required=True),
        classifier_tags=ClassifierTags(multi_class=False) if kind == "classifier" else None,
        regressor_tags=RegressorTags() if kind == "regressor" else None,
        input_tags=InputTags(allow_nan=True, categorical=True, string=True),
    )


def _threads(n_jobs: int, n_rows: int) -> int:
    useful = 1 + n_rows // _ROWS_PER_THREAD
    return min(useful, os.cpu_count() or 1 if n_jobs == -1 else n_jobs)


def _dataset(rows: Rows, growth: Growth, like: Any = None) -> tuple[Any, dict[str, Any]]:
    """The rows as LightGBM takes them, and its complete settings."""
    import lightgbm

    matrix, target = rows
    complete = {**_USUAL, **growth.settings, **_FIXED, "seed": growth.random_state}
    complete["num_threads"] = _threads(growth.n_jobs, len(target))
    categories, own = list(growth.categories), dict(complete)
    dataset = lightgbm.Dataset(
        matrix, label=target, categorical_feature=categories, reference=like, params=own
    )
    return dataset, complete
