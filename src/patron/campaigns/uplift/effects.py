"""The effect of one offer on retention and on money, from one trial: `EffectModel`.

Money is noisy, and most of the effect of a contact on it arises because a customer stays who would have left.
So the effect on money is taken as the effect on retention × the money of a retained customer, unless the
money of the trial contradicts it; then it is learned directly from money.
"""

from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pandas as pd

from patron.arrays import Floats
from patron.campaigns.uplift.outcome_trees import OutcomeTrees
from patron.errors import InputError, NotFittedError

if TYPE_CHECKING:
    from patron.campaigns.uplift.model import UpliftModel

__all__ = ["EFFECT_COLUMNS", "EffectModel"]


EFFECT_COLUMNS = (
    "effect_on_retention",
    "effect_on_retention_low",
    "effect_on_retention_high",
    "effect_on_value",
    "low",
    "high",
    "sleeping_dog",
)
"""The columns of `EffectModel.predict`."""

_CONTRADICTION = 3.0  # standard errors from which money contradicts retention


class EffectModel:
    """The effect of one offer on each customer's probability of staying, and on money.

    Parameters
    ----------
    uplift
        unfitted :class:`patron.campaigns.uplift.model.UpliftModel`, whose settings both outcomes use

    Attributes
    ----------
    retention_, value_
        the fitted `UpliftModel` of each outcome; the one of money uses the first learner only if retention
        explains it, to save the time of the others
    through_retention_
        whether the effect on money is the effect on retention × the money of a retained customer
    average_effect_on_value_
        money per treated customer, directly from the money of the trial

    Notes
    -----
    With s = effect on retention × money of a retained customer, the doubly robust pseudo-outcomes of money
    are regressed on s. s is kept if their mean is within three standard errors of the mean of s, and the
    slope within three of one. Two standard errors would reject s by chance in one of eleven trials, and
    effects learned directly from money are far noisier.

    Examples
    --------
    >>> from patron.campaigns.uplift.model import UpliftModel
    >>> from patron.datasets.campaigns import FEATURES, simulate_campaign
    >>> past = simulate_campaign(1, past_contacts=9000, seed=1).past
    >>> past = past[(past["offer"] == "call") | (past["treated"] == 0)]
    >>> model = EffectModel(UpliftModel(folds=2, n_trees=40))
    >>> model = model.fit(past[list(FEATURES)], past["treated"], past["retained"], past["margin"])
    >>> found = model.predict(past[list(FEATURES)].head(3))
    >>> found.columns.tolist()[3:]
    ['effect_on_value', 'low', 'high', 'sleeping_dog']
    >>> model.through_retention_
    True
    """

    def __init__(self, uplift: "UpliftModel") -> None:
        self.uplift = uplift

    def fit(
        self, X: pd.DataFrame, treated: Any, retained: Any, value: Any, *, propensity: Any = "constant"
    ) -> Self:
        """The model itself, fitted to a trial.

        Parameters
        ----------
        X
            (n_customers, n_features) features known before the contact
        treated
            (n_customers,) 1 treated, 0 control
        retained
            (n_customers,) 1 for a customer who stayed, 0 for one who left
        value
            (n_customers,) money that the customer brought afterwards
        propensity
            probability of treatment, as in :meth:`patron.campaigns.uplift.model.UpliftModel.fit`

        Raises
        ------
        InputError, TooFewCustomersError
            as in `UpliftModel.fit`; `retained` is neither 0 nor 1
        """
        stayed = pd.Series(retained).to_numpy(dtype=np.float64, na_value=np.nan)
        if not np.isin(stayed, (0.0, 1.0)).all():
            raise InputError("retained must be 1 (stayed) or 0 (left) for every customer.")
        self.retention_ = self._unfitted().fit(X, treated, stayed, propensity=propensity)
        learners = self.uplift.learners
        self.value_ = self._unfitted(learners=learners[:1]).fit(X, treated, value, propensity=propensity)
        money = pd.Series(value).to_numpy(dtype=np.float64, na_value=np.nan)
        self._retained_value = self._fit_retained_value(X, stayed, money)

        through = self.retention_.effects_ * self._value_of_retention(X)
        self.average_effect_on_value_ = self.value_.average_effect_
        self.through_retention_ = _agrees(through, self.value_.pseudo_outcomes_)
        if not self.through_retention_ and len(learners) > 1:
            self.value_ = self._unfitted().fit(X, treated, value, propensity=propensity)
        return self

    def predict(self, X: pd.DataFrame) -> pd.DataFrame:
        """The effect of the offer on each of these customers.

        Parameters
        ----------
        X
            as in :meth:`patron.campaigns.uplift.model.UpliftModel.predict`

        Returns
        -------
        pd.DataFrame
            `EFFECT_COLUMNS`, one row per row of `X`, with its index: shares, money, and sleeping_dog (bool),
            true if :class:`patron.campaigns.uplift.model.UpliftModel` flags either effect

        Raises
        ------
        NotFittedError, TableError
            as that method
        """
        if not hasattr(self, "value_"):
            raise NotFittedError("this EffectModel is not fitted. Call fit with a trial first.")
        retention = self.retention_.predict(X)
        money = self._through_retention(X, retention) if self.through_retention_ else self.value_.predict(X)
        return pd.DataFrame(
            {
                "effect_on_retention": retention["effect"],
                "effect_on_retention_low": retention["low"],
                "effect_on_retention_high": retention["high"],
                "effect_on_value": money["effect"],
                "low": money["low"],
                "high": money["high"],
                "sleeping_dog": retention["sleeping_dog"] | money["sleeping_dog"],
            }
        )

    def _unfitted(self, **changes: Any) -> "UpliftModel":
        return type(self.uplift)(**{**self.uplift.get_params(), **changes})

    def _through_retention(self, X: pd.DataFrame, retention: pd.DataFrame) -> pd.DataFrame:
        value = self._value_of_retention(X)
        columns = {name: retention[name] * value for name in ("effect", "low", "high")}
        return pd.DataFrame({**columns, "sleeping_dog": retention["sleeping_dog"]}, index=X.index)

    def _fit_retained_value(self, X: pd.DataFrame, stayed: Floats, money: Floats) -> Any:
        """The money of a customer who stays, learned from those who stayed, treated or not."""
        encoder, settings = self.value_.encoder, self.value_.get_params()
        trees = OutcomeTrees(
            n_trees=settings["n_trees"],
            learning_rate=settings["learning_rate"],
            categories=tuple(encoder.category_positions),
            n_jobs=settings["n_jobs"],
            random_state=settings["random_state"],
            binary=False,
        )
        kept = stayed == 1
        if kept.sum() < 2:
            return lambda rows: np.full(len(rows), float(money.mean()))
        return trees.fit_outcome(encoder.encode(X[kept]), money[kept])

    def _value_of_retention(self, X: pd.DataFrame) -> Floats:
        value: Floats = np.maximum(self._retained_value(self.value_.encoder.encode(X)), 0.0)
        return value


def _agrees(through: Floats, pseudo: Floats) -> bool:
    """Whether the pseudo-outcomes of money match the effects through retention, within standard errors."""
    n, centred = len(pseudo), through - through.mean()
    squares = float(centred @ centred)
    if abs(pseudo.mean() - through.mean()) > _CONTRADICTION * pseudo.std(ddof=1) / np.sqrt(n):
        return False
    if squares == 0:
        return True
    slope = float(centred @ pseudo) / squares
    residual = pseudo - pseudo.mean() - slope * centred
    return bool(abs(slope - 1) <= _CONTRADICTION * np.sqrt(((centred * residual) ** 2).sum()) / squares)
