"""Boosted trees of LightGBM, grown so that the same rows always give the same trees.

`grow_trees` grows them, in two steps where there are no rows to stop on (`grow_with_early_stopping`, then
`grow_fixed`); `explain` gives the contribution of each feature. LightGBM is imported by the call that needs
it, because it loads scikit-learn where that is installed, and not every importer of this file predicts.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from patron.arrays import Flags, Floats, Matrix
from patron.checks import share, whole_number
from patron.errors import RangeError

if TYPE_CHECKING:
    import pandas as pd
    from lightgbm import Booster

__all__ = [
    "FEWEST_CUSTOMERS",
    "Grown",
    "Labelled",
    "Rows",
    "check_growth",
    "explain",
    "grow_fixed",
    "grow_trees",
    "grow_with_early_stopping",
    "holdout_fifth",
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


def grow_trees(
    matrix: Matrix,
    target: Floats,
    settings: Mapping[str, Any],
    *,
    n_trees: int,
    patience: int,
    categories: Sequence[int] = (),
    stop_on: Rows | None = None,
    n_jobs: int = 1,
    random_state: int = 0,
) -> "Booster":
    """Trees grown until the loss on `stop_on` falls no more.

    Parameters
    ----------
    matrix
        (n_rows, n_features) numbers and category codes, NaN where missing
    target
        (n_rows,) what the trees predict
    settings
        LightGBM's own, `objective` among them
    n_trees
        maximum number of trees
    patience
        trees without gain after which growing ends
    categories
        positions of the categories
    stop_on
        later rows and their target; without them a fifth of the rows, drawn at random, determines the
        number of trees, and all rows then grow that many
    n_jobs
        maximum number of threads, -1 for all; the trees do not depend on it
    random_state
        seed of all random draws

    Returns
    -------
    Booster
        The trees up to the best one. They hold no rows.

    Examples
    --------
    >>> matrix = np.arange(200, dtype=np.float32)[:, None]
    >>> settings = {"objective": "binary", "num_leaves": 2}
    >>> trees = grow_trees(matrix, (matrix[:, 0] >= 120) * 1.0, settings, n_trees=3, patience=3)
    >>> trees.predict(matrix[[0, 199]], raw_score=True).round(1)
    array([-0.9..., 0...])
    """
    shared: dict[str, Any] = {"categories": categories, "n_jobs": n_jobs, "random_state": random_state}
    shared_stop = {**shared, "n_trees": n_trees, "patience": patience}
    if stop_on is not None:
        return grow_with_early_stopping((matrix, target), stop_on, settings, **shared_stop).trees
    aside = holdout_fifth(target, random_state)
    parts = (matrix[~aside], target[~aside]), (matrix[aside], target[aside])
    enough = grow_with_early_stopping(*parts, settings, **shared_stop).trees.num_trees()
    return grow_fixed((matrix, target), settings, n_trees=enough, **shared)


def grow_with_early_stopping(
    rows: Rows,
    stop_on: Rows,
    settings: Mapping[str, Any],
    *,
    n_trees: int,
    patience: int,
    categories: Sequence[int] = (),
    n_jobs: int = 1,
    random_state: int = 0,
) -> Grown:
    """Trees grown on some rows until the loss on others falls no more, and that loss.

    Parameters
    ----------
    rows
        features and target that grow the trees
    stop_on
        features and target that decide when growing ends
    settings
        LightGBM's own, `objective` among them
    n_trees
        maximum number of trees
    patience
        trees without gain after which growing ends
    categories
        positions of the categories
    n_jobs
        maximum number of threads, -1 for all; the trees do not depend on it
    random_state
        seed of all random draws
    """
    import lightgbm

    train, complete = _dataset(rows, settings, categories, n_jobs, random_state)
    stopping, _ = _dataset(stop_on, settings, categories, n_jobs, random_state, like=train)
    stop = lightgbm.early_stopping(patience, verbose=False)
    grown = lightgbm.train(complete, train, n_trees, valid_sets=[stopping], callbacks=[stop])
    (loss,) = grown.best_score["valid_0"].values()
    return Grown(read_trees(grown.model_to_string(num_iteration=grown.best_iteration)), float(loss))


def grow_fixed(
    rows: Rows,
    settings: Mapping[str, Any],
    *,
    n_trees: int,
    categories: Sequence[int] = (),
    n_jobs: int = 1,
    random_state: int = 0,
) -> "Booster":
    """A fixed number of trees, grown without early stopping.

    Parameters
    ----------
    rows
        features and target
    settings
        LightGBM's own, `objective` among them
    n_trees
        number of trees
    categories
        positions of the categories
    n_jobs
        maximum number of threads, -1 for all; the trees do not depend on it
    random_state
        seed of all random draws
    """
    import lightgbm

    train, complete = _dataset(rows, settings, categories, n_jobs, random_state)
    return read_trees(lightgbm.train(complete, train, n_trees).model_to_string())


def holdout_fifth(target: Floats, random_state: int) -> Flags:
    """(n_rows,) True for a random fifth of the rows, stratified by the target.

    Parameters
    ----------
    target
        (n_rows,)
    random_state
        seed
    """
    drawn = np.random.default_rng(random_state).permutation(len(target))
    aside = np.zeros(len(target), dtype=bool)
    aside[drawn[np.argsort(target[drawn], kind="stable")][::5]] = True
    return aside


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
    trees
        grown
    matrix
        (n_rows, n_features) as in growing
    n_jobs
        maximum number of threads, -1 for all

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
    without_average: Floats = np.asarray(explained)[:, :-1]
    return without_average


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


def _dataset(
    rows: Rows,
    settings: Mapping[str, Any],
    categories: Sequence[int],
    n_jobs: int,
    random_state: int,
    like: Any = None,
) -> tuple[Any, dict[str, Any]]:
    """The rows as LightGBM takes them, and its complete settings."""
    import lightgbm

    complete = {**_USUAL, **settings, **_FIXED, "seed": random_state}
    complete["num_threads"] = _threads(n_jobs, len(rows[1]))
    dataset = lightgbm.Dataset(
        rows[0], label=rows[1], categorical_feature=list(categories), reference=like, params=dict(complete)
    )
    return dataset, complete
