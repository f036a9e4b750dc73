"""Learned baselines: logistic regression on RFM, and LightGBM on the features.

Both learn from a snapshot whose outcome window is complete and predict a later one, like the model that they
are compared with.
"""

from typing import Any, Self

import numpy as np
import pandas as pd

from patron.arrays import Floats
from patron.errors import InputError, NotFittedError
from patron.models.churn.classifier import ChurnClassifier
from patron.models.encoding import FeatureEncoder

__all__ = ["PlainLogistic", "PlainTrees"]

type Part = tuple[pd.DataFrame, Any]

_MOST_ROWS = 100_000  # five coefficients need no more


class PlainLogistic:
    """P(churn) by logistic regression on the logarithms of recency, frequency, age and mean order.

    Attributes
    ----------
    coefficients_
        feature → coefficient, per standard deviation of its logarithm

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> rfm = pd.DataFrame({"frequency": rng.poisson(2, 900), "T": 300.0, "monetary_value": 20.0})
    >>> rfm["recency"] = np.where(rfm["frequency"] > 0, 300 * rng.random(900), 0.0)
    >>> left = rng.random(900) < (300 - rfm["recency"]) / 400
    >>> model = PlainLogistic().fit(rfm, left)
    >>> model.coefficients_["days_since_last"] > 0.3
    True
    """

    def fit(self, rfm: pd.DataFrame, churned: Any) -> Self:
        """The fitted model itself.

        Parameters
        ----------
        rfm
            (n_customers, …) frequency, recency and T in days, monetary_value in money
        churned
            (n_customers,) 1 if the customer left, 0 if not

        Raises
        ------
        InputError
            all customers left or all stayed
        """
        from sklearn.linear_model import LogisticRegression

        X, left = _logarithms(rfm), np.asarray(churned, dtype=np.int64)
        if left.min() == left.max():
            raise InputError(
                f"all {len(left)} customers {'left' if left[0] else 'stayed'}: nothing to learn."
            )
        if len(left) > _MOST_ROWS:
            some = np.random.default_rng(0).choice(len(left), _MOST_ROWS, replace=False)
            X, left = X.iloc[some], left[some]
        self._mean, self._spread = X.mean().to_numpy(), X.std(ddof=0).replace(0, 1).to_numpy()
        self._model = LogisticRegression().fit(self._scaled(X), left)
        self.coefficients_ = dict(zip(X.columns, self._model.coef_[0].tolist(), strict=True))
        return self

    def predict(self, rfm: pd.DataFrame) -> Floats:
        """(n_customers,) probability of leaving.

        Parameters
        ----------
        rfm
            (n_customers, …) with the purchase columns

        Raises
        ------
        NotFittedError
            `fit` comes first
        """
        if not hasattr(self, "_model"):
            raise NotFittedError("this PlainLogistic is not fitted yet. Call fit(rfm, churned).")
        probability: Floats = self._model.predict_proba(self._scaled(_logarithms(rfm)))[:, 1]
        return probability

    def _scaled(self, X: pd.DataFrame) -> Floats:
        scaled: Floats = (X.to_numpy() - self._mean) / self._spread
        return scaled


class PlainTrees:
    """LightGBM on the features: churn calibrated on the newest snapshot, value by squared error.

    Parameters
    ----------
    random_state
        seed

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> X = pd.DataFrame({"days_since_last": rng.integers(0, 200, 900)})
    >>> bought = rng.random(900) > X["days_since_last"] / 200
    >>> model = PlainTrees().fit((X, ~bought), value=bought * 10.0)
    >>> fresh, stale = model.value(pd.DataFrame({"days_since_last": [10, 190]}))
    >>> bool(fresh > 7), bool(stale < 3)
    (True, True)
    """

    def __init__(self, *, random_state: int = 0) -> None:
        self.random_state = random_state

    def fit(
        self, train: Part, *, value: Any, stop: Part | None = None, calibrate: Part | None = None
    ) -> Self:
        """The fitted model itself.

        Parameters
        ----------
        train
            features, and 1 if the customer left, 0 if not
        value
            (n_customers,) money of the customers of `train` in the horizon
        stop, calibrate
            as for :class:`patron.models.churn.classifier.ChurnClassifier`

        Raises
        ------
        InputError, TooFewCustomersError, TableError
            as `ChurnClassifier.fit`
        """
        import lightgbm

        features, left = train
        self._churn = ChurnClassifier(random_state=self.random_state).fit(
            features, left, stop=stop, calibrate=calibrate
        )
        self._encoder = FeatureEncoder.learn(features)
        rows = lightgbm.Dataset(
            self._encoder.encode(features),
            np.asarray(value, dtype=np.float64),
            categorical_feature=self._encoder.category_positions,
            params={"verbose": -1},
        )
        settings = {
            "objective": "regression",
            "learning_rate": 0.05,
            "num_leaves": 15,
            "min_data_in_leaf": 40,
            "num_threads": 2,
            "deterministic": True,
            "seed": self.random_state,
            "verbose": -1,
        }
        self._value = lightgbm.train(settings, rows, num_boost_round=150)
        return self

    def churn(self, features: pd.DataFrame) -> Floats:
        """(n_customers,) probability of leaving.

        Parameters
        ----------
        features
            (n_customers, …) feature rows
        """
        return self._churn.predict_proba(features)[:, 1]

    def value(self, features: pd.DataFrame) -> Floats:
        """(n_customers,) money in the horizon.

        Parameters
        ----------
        features
            (n_customers, …) feature rows
        """
        return np.asarray(self._value.predict(self._encoder.encode(features)), dtype=np.float64)


def _logarithms(rfm: pd.DataFrame) -> pd.DataFrame:
    days = {"days_since_last": rfm["T"] - rfm["recency"], "T": rfm["T"], "frequency": rfm["frequency"]}
    columns = {name: np.log1p(column.astype("float64")) for name, column in days.items()}
    columns["monetary_value"] = np.log1p(rfm["monetary_value"].astype("float64").clip(lower=0))
    return pd.DataFrame(columns)
