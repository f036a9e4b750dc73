"""The probability that a customer leaves: `ChurnClassifier`, small LightGBM trees, calibrated.

Three snapshots, each later than the one before, each with its own purpose::

    X, y          grow the trees
    stop          determines the number of trees        (without it: a random fifth of X)
    calibrate     calibrates the trees' log-odds        (without it: uncalibrated)

Afterwards all of their rows can grow the trees that are kept (`regrow`). Prediction only reads the fitted
model, so that any number of threads may share one.
"""

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Self

import numpy as np
import pandas as pd
from scipy.special import expit

from patron.arrays import Floats, Integers, Matrix
from patron.checks import one_of, whole_number
from patron.errors import (
    InputError,
    NotFittedError,
    PatronWarning,
    RangeError,
    SettingsError,
    TooFewCustomersError,
)
from patron.models.churn.boosted_trees import (
    FEWEST_CUSTOMERS,
    Labelled,
    Rows,
    check_growth,
    growth_of,
    tree_tags,
)
from patron.models.churn.calibration import (
    Calibration,
    calibration_from_dict,
    fit_calibration,
    shift_to_share,
)
from patron.models.churn.seed_average import SeedAverage, plan_growth
from patron.models.encoding import FeatureEncoder, outcomes
from patron.models.inference.estimator import Estimator

__all__ = ["FEWEST_CUSTOMERS", "ChurnClassifier"]

_NEVER_CERTAIN = 1e-6
_CHUNK = 50_000  # rows encoded at a time: a million customers need no second copy of their features


@dataclass(kw_only=True, eq=False, repr=False)
class ChurnClassifier(Estimator):
    """P(churn in the horizon) from feature rows.

    Parameters
    ----------
    n_estimators, learning_rate
        maximum number of trees, ≥ 1; weight of each tree, in (0, 1]
    num_leaves, max_depth
        maximum size of each tree, ≥ 2 and ≥ 1; small trees keep reasons fast and stable
    min_child_samples
        minimum number of customers in a leaf, ≥ 1
    early_stopping_rounds
        trees without gain on `stop` after which growing ends, ≥ 1
    n_seeds
        number of boosted ensembles, each with its own seed, that are averaged, ≥ 1
    monotone
        feature → 1 where the risk must not fall as it grows, -1 where it must not rise; None for no
        constraint; unknown features are ignored
    search
        number of random settings of the trees that compete on `stop`; 0 for none
    regrow
        whether the trees that are kept are grown on the rows of `stop` and `calibrate` as well
    calibration
        "isotonic", "sigmoid", "auto" (isotonic where `calibrate` has 1000 minority-class events) or None,
        which ignores `calibrate`
    n_jobs
        maximum number of threads, -1 for all; the result does not depend on it
    random_state
        seed of all random draws

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
    Classes are not resampled: that would bias the probabilities. Probabilities lie
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

    n_estimators: int = 600
    learning_rate: float = 0.05
    num_leaves: int = 15
    max_depth: int = 5
    min_child_samples: int = 40
    early_stopping_rounds: int = 50
    n_seeds: int = 1
    monotone: Mapping[str, int] | None = None
    search: int = 0
    regrow: bool = False
    calibration: Literal["auto", "isotonic", "sigmoid"] | None = "auto"
    n_jobs: int = 2
    random_state: int = 0

    def fit(
        self, X: pd.DataFrame, y: Any, *, stop: Labelled | None = None, calibrate: Labelled | None = None
    ) -> Self:
        """The classifier itself: trees grown on `X`, stopped early on `stop`, calibrated on `calibrate`.

        Parameters
        ----------
        X
            (n_customers, n_features) numbers and categories; missing values are allowed
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
            no feature separates leavers from stayers; `calibrate` holds one class only
        """
        self._check_settings()
        encoder = FeatureEncoder.learn(X)
        grown_on = encoder.encode(X), outcomes(y, len(X), "y")
        _check_enough(grown_on[1])
        stop_on = _encoded(encoder, stop, "stop")
        calibrate_on = _encoded(encoder, calibrate, "calibrate") if self.calibration else None

        objective: dict[str, Any] = {"objective": "binary"}
        if self.monotone:
            objective["monotone_constraints"] = [self.monotone.get(name, 0) for name in encoder.names]
        growth = growth_of(self.get_params(), encoder.category_positions, **objective)
        plan, ensemble = plan_growth(grown_on, stop_on, growth, n_seeds=self.n_seeds, search=self.search)
        if stop_on is None or self.regrow:
            ensemble = SeedAverage.grow(_together(grown_on, stop_on), plan)
        calibration = None
        if calibrate_on is not None and self.calibration:
            log_odds = ensemble.raw_scores(calibrate_on[0], self.n_jobs)
            calibration = fit_calibration(log_odds, calibrate_on[1], self.calibration)
        shift = 0.0
        if calibrate_on is not None and self.regrow:
            ensemble = SeedAverage.grow(_together(grown_on, stop_on, calibrate_on), plan)
            log_odds = ensemble.raw_scores(calibrate_on[0], self.n_jobs)
            shift = shift_to_share(log_odds, float(calibrate_on[1].mean()), calibration)
        self._restore(ensemble, encoder, calibration, float(grown_on[1].mean()), shift)
        if not self.feature_importance_["splits"].any():
            warnings.warn(
                f"none of the {len(encoder.names)} features separates leavers from stayers, so all customers "
                "get the same probability, the share that left. Give more features or more customers.",
                PatronWarning,
                stacklevel=2,
            )
        return self

    def predict_proba(self, X: pd.DataFrame) -> Floats:
        """P(stay) and P(leave).

        Parameters
        ----------
        X
            (n_customers, any number of columns) the features by name

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

    def leaves(self, matrix: Matrix) -> Floats:
        """(n_customers,) P(leave) from an encoded matrix.

        Parameters
        ----------
        matrix
            (n_customers, n_features) float32, as `encoder_` encodes features
        """
        moved = self._fitted().raw_scores(matrix, self.n_jobs) + self._shift
        probability = expit(moved) if self._calibration is None else self._calibration(moved)
        return np.clip(probability, _NEVER_CERTAIN, 1 - _NEVER_CERTAIN)

    def predict(self, X: pd.DataFrame) -> Integers:
        """(n_customers,) 1 where leaving is more likely than staying; whom to contact depends on cost, too.

        Parameters
        ----------
        X
            (n_customers, any number of columns) the features by name
        """
        return (self.predict_proba(X)[:, 1] >= 0.5).astype(np.int64)

    def score(self, X: pd.DataFrame, y: Any) -> float:
        """Accuracy of `predict`, as scikit-learn defines it; `churn_metrics` has more.

        Parameters
        ----------
        X
            (n_customers, any number of columns) the features by name
        y
            (n_customers,) 1 if the customer left, 0 if not
        """
        return float((self.predict(X) == outcomes(y, len(X), "y")).mean())

    def contributions(self, X: pd.DataFrame) -> pd.DataFrame:
        """The contribution of each feature to each customer's risk: Shapley values of the trees.

        Parameters
        ----------
        X
            (n_customers, any number of columns) the customers that need reasons: the slow part of scoring

        Returns
        -------
        pd.DataFrame
            (n_customers, n_features) log-odds **before calibration**, indexed like `X`; positive raises the
            risk. A row adds up to the customer's log-odds less the average, which is the same for every row.

        References
        ----------
        Lundberg et al. (2020), Nature Machine Intelligence 2, 56-67.
        """
        parts = self._in_chunks(X, lambda matrix: self._ensemble.explain(matrix, self.n_jobs))
        return pd.DataFrame(parts, index=X.index, columns=list(self.feature_names_in_))

    @property
    def feature_importance_(self) -> pd.DataFrame:
        """One row per feature, the most useful first: `feature`, `gain`, `share` of all gain, `splits`."""
        gain = self._fitted().importance("gain")
        splits, share = self._ensemble.importance("split"), gain / (gain.sum() or 1.0)
        columns = {"feature": self.feature_names_in_, "gain": gain, "share": share, "splits": splits}
        table = pd.DataFrame(columns)
        return table.sort_values("gain", ascending=False, kind="stable", ignore_index=True)

    @property
    def calibration_(self) -> str | None:
        """Method of the fitted calibration; None without one."""
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
        return text, {
            "settings": self.plain_settings(),
            "encoder": self.encoder_.to_dict(),
            "calibration": None if self._calibration is None else self._calibration.to_dict(),
            "base_rate": self.base_rate_,
            "shift": self._shift,
        }

    @classmethod
    def from_parts(cls, model_text: str, meta: Mapping[str, Any]) -> Self:
        """The classifier that `to_parts` took apart; it predicts the same to the last bit.

        Parameters
        ----------
        model_text
            the trees, as `to_parts` returned them
        meta
            everything else, as `to_parts` returned it
        """
        calibration = None if meta["calibration"] is None else calibration_from_dict(meta["calibration"])
        encoder = FeatureEncoder.from_dict(meta["encoder"])
        model = cls(**meta["settings"])
        model._restore(
            SeedAverage.from_text(model_text), encoder, calibration, meta["base_rate"], meta["shift"]
        )
        return model

    def __sklearn_tags__(self) -> Any:
        return tree_tags("classifier")

    def _check_settings(self) -> None:
        check_growth("ChurnClassifier", self.get_params())
        whole_number("ChurnClassifier.n_seeds", self.n_seeds, 1, floats=False)
        whole_number("ChurnClassifier.search", self.search, 0, floats=False)
        if strange := sorted(set((self.monotone or {}).values()) - {-1, 0, 1}):
            raise RangeError(f"ChurnClassifier.monotone takes -1, 0 or 1 for a feature, got {strange}.")
        if self.calibration is not None:
            known = ("auto", "isotonic", "sigmoid")
            one_of("ChurnClassifier.calibration", self.calibration, known, error=SettingsError)

    def _restore(
        self,
        ensemble: SeedAverage,
        encoder: FeatureEncoder,
        calibration: Calibration | None,
        rate: float,
        shift: float,
    ) -> None:
        self._ensemble, self.encoder_, self._calibration, self._shift = ensemble, encoder, calibration, shift
        self.classes_ = np.array([0, 1])
        self.feature_names_in_ = np.array(encoder.names, dtype=object)
        self.n_features_in_ = len(encoder.names)
        self.n_trees_ = ensemble.n_trees
        self.base_rate_ = rate

    def _fitted(self) -> SeedAverage:
        if not hasattr(self, "_ensemble"):
            raise NotFittedError(
                "this ChurnClassifier is not fitted yet. Call fit(X, y), or from_parts on a stored one."
            )
        return self._ensemble

    def _in_chunks(self, X: pd.DataFrame, compute: Callable[[Matrix], Floats]) -> Floats:
        self._fitted()
        chunks = (X.iloc[start : start + _CHUNK] for start in range(0, max(len(X), 1), _CHUNK))
        return np.concatenate([compute(self.encoder_.encode(chunk)) for chunk in chunks])


def _encoded(encoder: FeatureEncoder, part: Labelled | None, name: str) -> Rows | None:
    if part is None:
        return None
    X, y = part
    if len(X) == 0:
        raise InputError(f"{name} has no rows. Leave it out (None) where there is no such snapshot.")
    return encoder.encode(X, f"the features of {name}"), outcomes(y, len(X), f"y of {name}")


def _together(*parts: Rows | None) -> Rows:
    present = [part for part in parts if part is not None]
    if len(present) == 1:
        return present[0]
    return np.concatenate([part[0] for part in present]), np.concatenate([part[1] for part in present])


def _check_enough(churned: Floats) -> None:
    if len(churned) < FEWEST_CUSTOMERS:
        raise TooFewCustomersError(
            f"a churn classifier needs at least {FEWEST_CUSTOMERS} customers, got {len(churned)}. Take a "
            "longer history or more snapshots, or use the value model alone."
        )
    if churned.min() == churned.max():
        raise InputError(
            f"all {len(churned)} customers {'left' if churned[0] else 'stayed'}: there is nothing to learn. "
            "Try another horizon."
        )
