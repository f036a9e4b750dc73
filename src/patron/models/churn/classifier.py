"""The chance that a customer leaves: `ChurnClassifier`, small LightGBM trees, calibrated.

Three snapshots, each later than the one before, each with its own job::

    X, y          grows the trees
    stop          says how many trees are enough       (without it: a fifth of X, drawn at random)
    calibrate     turns what the trees say into how often it happens    (without it: left as it is)

Once the three have spoken, all of their rows may grow the trees that are kept (`regrow`). Predicting reads
the fitted model only, so that any number of threads may share one.
"""

import warnings
from collections.abc import Callable, Mapping, Sequence
from numbers import Integral
from typing import Any, Literal, Self

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import expit

from patron.arrays import Floats
from patron.errors import (
    InputError,
    NotFittedError,
    PatronWarning,
    RangeError,
    SettingsError,
    TooFewCustomersError,
)
from patron.models.churn.calibration import (
    Calibration,
    calibration_from_dict,
    fit_calibration,
    shift_to_share,
)
from patron.models.churn.seed_average import Forest, plan_forest
from patron.models.encoding import FeatureEncoder, outcomes
from patron.models.inference.estimator import Estimator

__all__ = ["FEWEST_CUSTOMERS", "ChurnClassifier"]

type Part = tuple[pd.DataFrame, Any]

FEWEST_CUSTOMERS = 100
"""Rows below which no classifier is fitted."""

_NEVER_CERTAIN = 1e-6
_CHUNK = 50_000  # rows encoded at a time: a million customers need no second copy of their features


class ChurnClassifier(Estimator):
    """P(churn in the horizon) from feature rows.

    Parameters
    ----------
    n_estimators, learning_rate
        most trees, ≥ 1; weight of each tree, in (0, 1]
    num_leaves, max_depth
        bounds of each tree, ≥ 2 and ≥ 1; small trees keep reasons fast and steady
    min_child_samples
        fewest customers in a leaf, ≥ 1
    early_stopping_rounds
        trees without gain on `stop` after which growing ends, ≥ 1
    n_seeds
        how many sums of trees, each with a seed of its own, are averaged, ≥ 1
    monotone
        feature → 1 where more of it never lowers the risk, -1 where it never raises it; None for no
        constraint; features that are not there are passed over
    search
        how many other settings of the trees, drawn by chance, compete on `stop`; 0 for none
    regrow
        whether the trees that are kept grow on the rows of `stop` and `calibrate` too
    calibration
        "isotonic", "sigmoid", "auto" (isotonic where `calibrate` has 1000 customers of the rarer
        class) or None, which ignores `calibrate`
    n_jobs
        most threads, -1 for all; the result does not depend on it
    random_state
        seed of all that is drawn

    Attributes
    ----------
    feature_names_in_
        (n_features,) names, in the order of the trees' columns
    classes_
        (2,) 0 stays, 1 leaves
    n_features_in_, n_trees_
        counts; trees of all seeds
    encoder_
        turns features into the matrix that the trees see
    base_rate_
        share of leavers among the rows that grew the trees
    calibration_
        "isotonic", "sigmoid" or None
    feature_importance_
        one row per feature: `feature`, `gain` (log-loss saved), `share` of all gain,
        `splits`

    Notes
    -----
    Classes are left as unbalanced as they are: resampling would spoil the probabilities. Probabilities lie
    within [1e-6, 1 - 1e-6].

    References
    ----------
    Ke et al. (2017), LightGBM: a highly efficient gradient boosting decision tree, NeurIPS 30.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> X = pd.DataFrame({"days_since_last": rng.integers(0, 200, 2000), "plan": ["basic", "gold"] * 1000})
    >>> y = rng.random(2000) < X["days_since_last"] / 250
    >>> older, newer = slice(0, 1500), slice(1500, 2000)
    >>> model = ChurnClassifier().fit(X[older], y[older], calibrate=(X[newer], y[newer]))
    >>> model.calibration_
    'sigmoid'
    >>> customers = pd.DataFrame({"days_since_last": [5, 180], "plan": ["gold", "never seen"]})
    >>> fresh, stale = model.predict_proba(customers)[:, 1]
    >>> bool(fresh < 0.15), bool(stale > 0.6)
    (True, True)
    """

    def __init__(
        self,
        *,
        n_estimators: int = 600,
        learning_rate: float = 0.05,
        num_leaves: int = 15,
        max_depth: int = 5,
        min_child_samples: int = 40,
        early_stopping_rounds: int = 50,
        n_seeds: int = 1,
        monotone: Mapping[str, int] | None = None,
        search: int = 0,
        regrow: bool = False,
        calibration: Literal["auto", "isotonic", "sigmoid"] | None = "auto",
        n_jobs: int = 2,
        random_state: int = 0,
    ) -> None:
        self.n_estimators = n_estimators
        self.learning_rate = learning_rate
        self.num_leaves = num_leaves
        self.max_depth = max_depth
        self.min_child_samples = min_child_samples
        self.early_stopping_rounds = early_stopping_rounds
        self.n_seeds = n_seeds
        self.monotone = monotone
        self.search = search
        self.regrow = regrow
        self.calibration = calibration
        self.n_jobs = n_jobs
        self.random_state = random_state

    def fit(
        self, X: pd.DataFrame, y: Any, *, stop: Part | None = None, calibrate: Part | None = None
    ) -> Self:
        """This classifier, its trees grown on `X`, ended on `stop` and calibrated on `calibrate`.

        Parameters
        ----------
        X
            (n_customers, n_features) numbers and categories; missing values are welcome
        y
            (n_customers,) 1 if the customer left, 0 if not, in the order of `X`
        stop, calibrate
            each (X, y) of a later snapshot

        Raises
        ------
        TooFewCustomersError
            fewer than `FEWEST_CUSTOMERS` rows in `X`
        InputError
            `y` is not 0 and 1, or all one of them; a feature is infinite or neither number nor
            category
        TableError
            `stop` or `calibrate` lacks a feature
        RangeError, SettingsError
            a setting of the classifier is out of range or unknown

        Warns
        -----
        PatronWarning
            no feature tells leavers from stayers; `calibrate` holds one class only
        """
        self._check_settings()
        encoder = FeatureEncoder.learn(X)
        grown_on = encoder.encode(X), outcomes(y, len(X), "y")
        _check_enough(grown_on[1])
        stop_on = _encoded(encoder, stop, "stop")
        calibrate_on = _encoded(encoder, calibrate, "calibrate") if self.calibration else None

        plan, forest = plan_forest(
            grown_on,
            stop_on,
            self._tree_settings(encoder.names),
            n_trees=self.n_estimators,
            patience=self.early_stopping_rounds,
            categories=encoder.category_positions,
            n_seeds=self.n_seeds,
            search=self.search,
            n_jobs=self.n_jobs,
            random_state=self.random_state,
        )
        if stop_on is None or self.regrow:
            forest = Forest.grow(_together(grown_on, stop_on), plan)
        calibration = None
        if calibrate_on is not None and self.calibration:
            said = forest.add_up(calibrate_on[0], self.n_jobs)
            calibration = fit_calibration(said, calibrate_on[1], self.calibration)
        shift = 0.0
        if calibrate_on is not None and self.regrow:
            forest = Forest.grow(_together(grown_on, stop_on, calibrate_on), plan)
            said = forest.add_up(calibrate_on[0], self.n_jobs)
            shift = shift_to_share(said, float(calibrate_on[1].mean()), calibration)
        self._restore(forest, encoder, calibration, float(grown_on[1].mean()), shift)
        if not self.feature_importance_["splits"].any():
            warnings.warn(
                f"none of the {len(encoder.names)} features tells leavers from stayers among customers, "
                "so all get the same probability, the share that left. Give more features or more customers.",
                PatronWarning,
                stacklevel=2,
            )
        return self

    def predict_proba(self, X: pd.DataFrame) -> Floats:
        """P(stay) and P(leave).

        Parameters
        ----------
        X
            (n_customers, any number of columns) the features by name, whatever else there is

        Returns
        -------
        Floats
            (n_customers, 2) probability in [1e-6, 1 - 1e-6]; rows add up to 1

        Raises
        ------
        NotFittedError, TableError
            not fitted; a feature is missing
        InputError
            a number is infinite or is text
        """
        leaves = self._in_chunks(X, self.leaves)
        return np.column_stack([1 - leaves, leaves])

    def leaves(self, matrix: npt.NDArray[np.float32]) -> Floats:
        """(n_customers,) P(leave) of rows of a matrix that `encoder_` made."""
        moved = self._fitted().add_up(matrix, self.n_jobs) + self._shift
        probability = expit(moved) if self._calibration is None else self._calibration(moved)
        return np.clip(probability, _NEVER_CERTAIN, 1 - _NEVER_CERTAIN)

    def predict(self, X: pd.DataFrame) -> npt.NDArray[np.int64]:
        """(n_customers,) 1 where leaving is more likely than staying. Whom to contact is about cost."""
        return (self.predict_proba(X)[:, 1] >= 0.5).astype(np.int64)

    def score(self, X: pd.DataFrame, y: Any) -> float:
        """Share of customers that `predict` gets right, as scikit-learn has it. For more: `churn_metrics`."""
        return float((self.predict(X) == outcomes(y, len(X), "y")).mean())

    def contributions(self, X: pd.DataFrame) -> pd.DataFrame:
        """How far each feature moves each customer's risk: Shapley values of the trees.

        Parameters
        ----------
        X
            (n_customers, any number of columns) the customers that need reasons: this is the slow part of
            scoring

        Returns
        -------
        pd.DataFrame
            (n_customers, n_features) log-odds **before calibration**, indexed like `X`; positive raises the
            risk. A row adds up to the customer's log-odds less the average, which is the same for every row.

        References
        ----------
        Lundberg et al. (2020), Nature Machine Intelligence 2, 56-67.
        """
        parts = self._in_chunks(X, lambda matrix: self._forest.explain(matrix, self.n_jobs))
        return pd.DataFrame(parts, index=X.index, columns=list(self.feature_names_in_))

    @property
    def feature_importance_(self) -> pd.DataFrame:
        """One row per feature, the most useful first: `feature`, `gain`, `share` of all gain, `splits`."""
        gain = self._fitted().importance("gain")
        splits, share = self._forest.importance("split"), gain / (gain.sum() or 1.0)
        columns = {"feature": self.feature_names_in_, "gain": gain, "share": share, "splits": splits}
        table = pd.DataFrame(columns)
        return table.sort_values("gain", ascending=False, kind="stable", ignore_index=True)

    @property
    def calibration_(self) -> str | None:
        """The way of calibration that was fitted."""
        self._fitted()
        return None if self._calibration is None else self._calibration.method

    def to_parts(self) -> tuple[str, dict[str, Any]]:
        """The trees as LightGBM's own text and everything else as JSON has it; no customer rows.

        Examples
        --------
        >>> import json
        >>> rng = np.random.default_rng(0)
        >>> X = pd.DataFrame({"days_since_last": rng.integers(0, 200, 500)})
        >>> model = ChurnClassifier().fit(X, X["days_since_last"] > rng.integers(0, 200, 500))
        >>> text, meta = model.to_parts()
        >>> again = ChurnClassifier.from_parts(text, json.loads(json.dumps(meta)))
        >>> bool((again.predict_proba(X) == model.predict_proba(X)).all())
        True
        """
        text = self._fitted().to_text()
        given = self.get_params().items()
        settings = {name: value.item() if isinstance(value, np.generic) else value for name, value in given}
        return text, {
            "settings": settings,
            "encoder": self.encoder_.to_dict(),
            "calibration": None if self._calibration is None else self._calibration.to_dict(),
            "base_rate": self.base_rate_,
            "shift": self._shift,
        }

    @classmethod
    def from_parts(cls, model_text: str, meta: Mapping[str, Any]) -> Self:
        """The classifier that `to_parts` took apart; it predicts the same to the last bit."""
        calibration = None if meta["calibration"] is None else calibration_from_dict(meta["calibration"])
        encoder = FeatureEncoder.from_dict(meta["encoder"])
        model = cls(**meta["settings"])
        model._restore(Forest.from_text(model_text), encoder, calibration, meta["base_rate"], meta["shift"])
        return model

    def __sklearn_tags__(self) -> Any:
        from sklearn.utils import ClassifierTags, InputTags, Tags, TargetTags

        return Tags(
            estimator_type="classifier",
            target_tags=TargetTags(required=True),
            classifier_tags=ClassifierTags(multi_class=False),
            input_tags=InputTags(allow_nan=True, categorical=True, string=True),
        )

    def _tree_settings(self, names: Sequence[str]) -> dict[str, Any]:
        settings = {
            "objective": "binary",
            "learning_rate": self.learning_rate,
            "num_leaves": self.num_leaves,
            "max_depth": self.max_depth,
            "min_data_in_leaf": self.min_child_samples,
        }
        if self.monotone:
            settings["monotone_constraints"] = [self.monotone.get(name, 0) for name in names]
        return settings

    def _check_settings(self) -> None:
        bounds = {"num_leaves": 2, "n_jobs": -1, "random_state": 0, "search": 0, "n_seeds": 1}
        if self.n_jobs == 0:
            raise RangeError("ChurnClassifier.n_jobs must be -1 (all) or at least 1, got 0.")
        for name in ("n_estimators", "max_depth", "min_child_samples", "early_stopping_rounds", *bounds):
            bound = bounds.get(name, 1)
            value = getattr(self, name)
            if not isinstance(value, Integral) or value < bound:
                raise RangeError(
                    f"ChurnClassifier.{name} must be a whole number of at least {bound}, got {value!r}."
                )
        if not 0 < self.learning_rate <= 1:
            raise RangeError(f"ChurnClassifier.learning_rate must lie in (0, 1], got {self.learning_rate!r}.")
        if strange := sorted(set((self.monotone or {}).values()) - {-1, 0, 1}):
            raise RangeError(f"ChurnClassifier.monotone takes -1, 0 or 1 for a feature, got {strange}.")
        if self.calibration not in ("auto", "isotonic", "sigmoid", None):
            raise SettingsError(
                "ChurnClassifier.calibration must be 'auto', 'isotonic', 'sigmoid' or None, "
                f"got {self.calibration!r}."
            )

    def _restore(
        self,
        forest: Forest,
        encoder: FeatureEncoder,
        calibration: Calibration | None,
        rate: float,
        shift: float,
    ) -> None:
        self._forest, self.encoder_, self._calibration, self._shift = forest, encoder, calibration, shift
        self.classes_ = np.array([0, 1])
        self.feature_names_in_ = np.array(encoder.names, dtype=object)
        self.n_features_in_ = len(encoder.names)
        self.n_trees_ = forest.n_trees
        self.base_rate_ = rate

    def _fitted(self) -> Forest:
        if not hasattr(self, "_forest"):
            raise NotFittedError(
                "this ChurnClassifier is not fitted yet. Call fit(X, y), or from_parts on a stored one."
            )
        return self._forest

    def _in_chunks(self, X: pd.DataFrame, compute: Callable[[npt.NDArray[np.float32]], Floats]) -> Floats:
        self._fitted()
        chunks = (X.iloc[start : start + _CHUNK] for start in range(0, max(len(X), 1), _CHUNK))
        return np.concatenate([compute(self.encoder_.encode(chunk)) for chunk in chunks])


def _encoded(
    encoder: FeatureEncoder, part: Part | None, name: str
) -> tuple[npt.NDArray[np.float32], Floats] | None:
    if part is None:
        return None
    X, y = part
    if len(X) == 0:
        raise InputError(f"{name} has no rows. Leave it out (None) where there is no such snapshot.")
    return encoder.encode(X, f"the features of {name}"), outcomes(y, len(X), f"y of {name}")


def _together(*parts: tuple[npt.NDArray[np.float32], Floats] | None) -> tuple[Any, Any]:
    given = [part for part in parts if part is not None]
    if len(given) == 1:
        return given[0]
    return np.concatenate([part[0] for part in given]), np.concatenate([part[1] for part in given])


def _check_enough(churned: Floats) -> None:
    if len(churned) < FEWEST_CUSTOMERS:
        raise TooFewCustomersError(
            f"a churn classifier needs at least {FEWEST_CUSTOMERS} customers, got {len(churned)}. Take a "
            "longer history or more snapshots, or use the value model alone."
        )
    if churned.min() == churned.max():
        raise InputError(
            f"all {len(churned)} customers {'left' if churned[0] else 'stayed'}: nothing to tell apart. "
            "Try another horizon."
        )
