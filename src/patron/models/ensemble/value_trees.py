"""Expected value of a customer by boosted trees: `ValueTrees`.

Most customers buy nothing in a horizon, and the amounts of those who buy have a long tail. Two models::

    two-part    P(buys) × E(money | buys): trees of log-odds, times trees of a gamma's log mean
    tweedie     one boosted ensemble for the log mean of a compound Poisson-gamma amount, zeros included

The trees know every feature but neither calendar nor BTYD model; `patron.models.ensemble.stacking` combines
them with the purchase and spend models.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
import pandas as pd
from scipy.special import expit

from patron.arrays import Floats, Matrix
from patron.checks import one_of
from patron.errors import InputError, NotFittedError, SettingsError, TooFewCustomersError
from patron.models.churn.boosted_trees import (
    FEWEST_CUSTOMERS,
    Growth,
    Labelled,
    Rows,
    check_growth,
    grow_fixed,
    grow_trees,
    growth_of,
    raw_scores,
    read_trees,
    tree_tags,
)
from patron.models.encoding import FeatureEncoder
from patron.models.ensemble.stacking import known_money
from patron.models.inference.estimator import Estimator

if TYPE_CHECKING:
    from lightgbm import Booster

__all__ = ["ValueTrees"]

type Boosters = tuple["Booster | None", ...]

_CHUNK = 50_000  # rows encoded at a time
_NEXT = "\n=== next trees ===\n"
_FEWEST_OF_A_KIND = 20  # buyers, or customers without a purchase; with fewer the mean is used
_TWEEDIE = {"objective": "tweedie", "tweedie_variance_power": 1.5}
_TWO_PART = ({"objective": "binary"}, {"objective": "gamma"})


@dataclass(kw_only=True, eq=False, repr=False)
class ValueTrees(Estimator):
    """Expected money in the horizon from feature rows.

    Parameters
    ----------
    kind
        "two-part" or "tweedie"
    n_estimators
        maximum number of trees of each boosted ensemble, ≥ 1
    learning_rate
        weight of each tree, in (0, 1]
    num_leaves, max_depth
        maximum size of each tree, ≥ 2 and ≥ 1
    min_child_samples
        minimum number of customers in a leaf, ≥ 1
    early_stopping_rounds
        trees without gain on `stop` after which growing ends, ≥ 1
    n_jobs
        maximum number of threads, -1 for all; the result does not depend on it
    random_state
        seed of all random draws

    Attributes
    ----------
    feature_names_in_
        (n_features,) names, in the order of the trees' columns
    n_features_in_
        count
    encoder_
        turns features into the matrix that the trees see
    n_trees_
        number of trees per boosted ensemble; two-part: of buying, of the amount
    mean_
        money, mean over the buyers of the rows that grew the trees

    Notes
    -----
    Money of 0 or less, where refunds outweigh purchases, counts as buying nothing: stacking corrects totals
    for that. Where fewer than 20 customers bought, or fewer than 20 did not,
    the mean stands in for trees.

    References
    ----------
    Duan, Manning, Morris & Newhouse (1983), A comparison of alternative models for the demand for medical
    care, Journal of Business & Economic Statistics 1, 115-126. Jørgensen & de Souza (1994), Fitting Tweedie's
    compound Poisson model to insurance claims data, Scandinavian Actuarial Journal, 69-93.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> X = pd.DataFrame({"orders_90d": rng.poisson(1.0, 3000), "plan": ["basic", "gold"] * 1500})
    >>> buys = rng.random(3000) < 0.2 + 0.1 * X["orders_90d"].clip(upper=6)
    >>> value = buys * rng.gamma(4.0, 10.0, 3000)
    >>> model = ValueTrees().fit(X[:2000], value[:2000], stop=(X[2000:], value[2000:]))
    >>> customers = pd.DataFrame({"orders_90d": [0, 3], "plan": ["gold", "never seen"]})
    >>> rare, often = model.predict(customers)
    >>> bool(5 < rare < 11), bool(15 < often < 25)
    (True, True)
    """

    kind: Literal["two-part", "tweedie"] = "two-part"
    n_estimators: int = 100
    learning_rate: float = 0.08
    num_leaves: int = 12
    max_depth: int = 5
    min_child_samples: int = 40
    early_stopping_rounds: int = 20
    n_jobs: int = 2
    random_state: int = 0

    def fit(self, X: pd.DataFrame, value: Any, *, stop: Labelled | None = None) -> Self:
        """These trees, grown on `X` and stopped early on `stop`.

        Parameters
        ----------
        X
            (n_customers, n_features) numbers and categories; missing values are allowed
        value
            (n_customers,) money in the horizon, in the order of `X`
        stop
            (X, value) of a later snapshot; without it a fifth of the rows, drawn at random, determines the
            number of trees

        Raises
        ------
        TooFewCustomersError
            fewer than `FEWEST_CUSTOMERS` rows in `X`
        InputError
            a value is missing or infinite; a feature is infinite or neither number nor category
        TableError
            `stop` lacks a feature
        RangeError, SettingsError
            a setting is out of range or unknown
        """
        self._check_settings()
        encoder = FeatureEncoder.learn(X)
        matrix, money = encoder.encode(X), _money(value, len(X), "value")
        if len(X) < FEWEST_CUSTOMERS:
            raise TooFewCustomersError(
                f"value trees need at least {FEWEST_CUSTOMERS} customers, got {len(X)}. Take a longer "
                "history or more snapshots, or use the purchase and spend models alone."
            )
        later: tuple[Rows | None, ...] = (None, None)
        mean = _mean_of_buyers(money)
        if stop is not None and len(stop[0]):
            later_matrix = encoder.encode(stop[0], "the features of stop")
            later = self._targets(later_matrix, _money(stop[1], len(stop[0]), "stop"), mean)
        trees = tuple(
            None if rows is None else grow_trees(rows, self._growth(part, encoder), stop_on)
            for part, (rows, stop_on) in enumerate(
                zip(self._targets(matrix, money, mean), later, strict=False)
            )
        )
        self._restore(trees, encoder, mean, float((money > 0).mean()))
        return self

    def regrow(self, X: pd.DataFrame, value: Any) -> Self:
        """As many trees with the same settings, grown on other rows, which may include those of `stop`.

        Parameters
        ----------
        X, value
            see `fit`; `X` holds the features that the trees were fitted on

        Raises
        ------
        NotFittedError, TableError, InputError
            see `fit` and `predict`
        """
        self._check_fitted()
        matrix, money = self.encoder_.encode(X), _money(value, len(X), "value")
        mean = _mean_of_buyers(money)
        trees = tuple(
            None
            if rows is None or grown is None
            else grow_fixed(rows, replace(self._growth(part, self.encoder_), n_trees=grown.num_trees()))
            for part, (rows, grown) in enumerate(
                zip(self._targets(matrix, money, mean), self._trees, strict=True)
            )
        )
        again = type(self)(**self.get_params())
        again._restore(trees, self.encoder_, mean, float((money > 0).mean()))
        return again

    def predict(self, X: pd.DataFrame) -> Floats:
        """(n_customers,) money ≥ 0 expected in the horizon.

        Parameters
        ----------
        X
            (n_customers, any number of columns) the features by name

        Raises
        ------
        NotFittedError, TableError
            not fitted; a feature is missing
        InputError
            a number is infinite or is text
        """
        self._check_fitted()
        starts = range(0, max(len(X), 1), _CHUNK)
        return np.concatenate([self.expected(self.encoder_.encode(X.iloc[s : s + _CHUNK])) for s in starts])

    def to_parts(self) -> tuple[str, dict[str, Any]]:
        """The trees as LightGBM's own text and everything else as JSON has it; no customer rows.

        Examples
        --------
        >>> import json
        >>> rng = np.random.default_rng(0)
        >>> X = pd.DataFrame({"orders_90d": rng.poisson(1.0, 500)})
        >>> model = ValueTrees(kind="tweedie").fit(X, X["orders_90d"] * rng.gamma(4.0, 10.0, 500))
        >>> text, meta = model.to_parts()
        >>> again = ValueTrees.from_parts(text, json.loads(json.dumps(meta)))
        >>> bool((again.predict(X) == model.predict(X)).all())
        True
        """
        self._check_fitted()
        text = _NEXT.join("" if trees is None else trees.model_to_string() for trees in self._trees)
        return text, {
            "settings": self.plain_settings(),
            "encoder": self.encoder_.to_dict(),
            "mean": self.mean_,
            "buyers": self._buyers,
        }

    @classmethod
    def from_parts(cls, model_text: str, meta: Mapping[str, Any]) -> Self:
        """The model that `to_parts` took apart; it predicts the same to the last bit.

        Parameters
        ----------
        model_text
            the trees, as `to_parts` returned them
        meta
            everything else, as `to_parts` returned it
        """
        model = cls(**meta["settings"])
        trees = tuple(read_trees(text) if text else None for text in model_text.split(_NEXT))
        model._restore(trees, FeatureEncoder.from_dict(meta["encoder"]), meta["mean"], meta["buyers"])
        return model

    def __sklearn_tags__(self) -> Any:
        return tree_tags("regressor")

    def _targets(self, matrix: Matrix, money: Floats, mean: float) -> "tuple[Rows | None, ...]":
        """Rows and target of each boosted ensemble; None where there are too few of a kind."""
        bought = money > 0
        worth = np.maximum(money, 0.0) / (mean or 1.0)  # near 1, so that the unit of money changes no tree
        buyers, others = int(bought.sum()), int((~bought).sum())
        if self.kind == "tweedie":
            return ((matrix, worth) if buyers >= _FEWEST_OF_A_KIND else None,)
        return (
            (matrix, bought.astype(np.float64)) if min(buyers, others) >= _FEWEST_OF_A_KIND else None,
            (matrix[bought], worth[bought]) if buyers >= _FEWEST_OF_A_KIND else None,
        )

    def _growth(self, part: int, encoder: FeatureEncoder) -> Growth:
        objective = _TWEEDIE if self.kind == "tweedie" else _TWO_PART[part]
        return growth_of(self.get_params(), encoder.category_positions, **objective)

    def expected(self, matrix: Matrix) -> Floats:
        """(n_customers,) expected money from an encoded matrix.

        Parameters
        ----------
        matrix
            (n_customers, n_features) float32, as `encoder_` encodes features
        """
        # The mean over the buyers replaces missing trees.

        def total(trees: "Booster | None", without: float) -> Floats:
            return np.full(len(matrix), without) if trees is None else raw_scores(trees, matrix, self.n_jobs)

        if self.kind == "tweedie":
            with np.errstate(divide="ignore"):
                return self.mean_ * np.exp(total(self._trees[0], float(np.log(self._buyers))))
        buying, amount = self._trees
        buys = np.full(len(matrix), self._buyers) if buying is None else expit(total(buying, 0.0))
        return self.mean_ * buys * np.exp(total(amount, 0.0))

    def _check_settings(self) -> None:
        one_of("ValueTrees.kind", self.kind, ("two-part", "tweedie"), error=SettingsError)
        check_growth("ValueTrees", self.get_params())

    def _check_fitted(self) -> None:
        if not hasattr(self, "_trees"):
            raise NotFittedError(
                "these ValueTrees are not fitted yet. Call fit, or from_parts on stored ones."
            )

    def _restore(self, trees: Boosters, encoder: FeatureEncoder, mean: float, buyers: float) -> None:
        self._trees, self.encoder_, self._buyers = trees, encoder, buyers
        self.mean_ = mean
        self.feature_names_in_ = np.array(encoder.names, dtype=object)
        self.n_features_in_ = len(encoder.names)
        self.n_trees_ = tuple(0 if part is None else part.num_trees() for part in trees)


def _mean_of_buyers(money: Floats) -> float:
    return float(money[money > 0].mean()) if (money > 0).any() else 0.0


def _money(value: Any, n_rows: int, name: str) -> Floats:
    money = known_money(name, value, "Money that a customer did not spend is 0.")
    if len(money) != n_rows:
        raise InputError(f"{name} has {len(money)} values for {n_rows} rows. Give one per row, in order.")
    return money
