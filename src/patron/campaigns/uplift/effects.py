"""The effect of an offer on staying and on money, from one trial: `EffectModel`.

Money is noisy, and most of what a contact changes in it comes about because a customer stays who would have
left. So the effect on money is taken as the effect on staying × what a customer who stays brings, unless the
money of the trial contradicts that; then it is learned straight from the money.
"""

from typing import Any, Self

import numpy as np
import pandas as pd

from patron.arrays import Floats
from patron.campaigns.uplift.learners import Trees
from patron.campaigns.uplift.model import USUAL, UpliftModel
from patron.errors import InputError, NotFittedError

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
"""What `EffectModel.predict` says of each customer."""

_CONTRADICTION = 3.0  # standard errors from which on money contradicts staying


class EffectModel:
    """What one offer changes for each customer: the chance of staying, and money.

    Parameters
    ----------
    settings
        those of :class:`patron.campaigns.uplift.model.UpliftModel`, by name

    Attributes
    ----------
    retention_, value_
        the fitted `UpliftModel` of each outcome; the one of money by the first learner alone
        where staying explains it, to save the time of the others
    through_retention_
        whether the effect on money is the effect on staying × what one who stays brings
    average_effect_on_value_
        money per customer contacted, straight from the money of the trial

    Notes
    -----
    With s = effect on staying × worth of staying, the noisy effects on money (doubly robust) are regressed on
    s. s is kept where their mean lies within three standard errors of the mean of s, and the slope within
    three of one. Two would drop it by mere chance in one of eleven trials, and what is learned straight from
    money is far noisier.

    Examples
    --------
    >>> from patron.datasets.campaigns import FEATURES, simulate_campaign
    >>> past = simulate_campaign(1, past_contacts=9000, seed=1).past
    >>> past = past[(past["offer"] == "call") | (past["treated"] == 0)]
    >>> model = EffectModel(folds=2, n_trees=40)
    >>> model = model.fit(past[list(FEATURES)], past["treated"], past["retained"], past["margin"])
    >>> found = model.predict(past[list(FEATURES)].head(3))
    >>> found.columns.tolist()[3:]
    ['effect_on_value', 'low', 'high', 'sleeping_dog']
    >>> model.through_retention_
    True
    """

    def __init__(self, **settings: Any) -> None:
        self.settings = settings

    def fit(self, X: pd.DataFrame, treated: Any, retained: Any, value: Any, *, chance: Any = "same") -> Self:
        """This model, learned from a trial.

        Parameters
        ----------
        X
            (n_customers, n_features) what was known before the contact
        treated
            (n_customers,) 1 contacted, 0 not
        retained
            (n_customers,) 1 for a customer who stayed, 0 for one who left
        value
            (n_customers,) money that the customer brought after
        chance
            of contact, as :meth:`patron.campaigns.uplift.model.UpliftModel.fit` takes it

        Raises
        ------
        InputError, TooFewCustomersError
            see `UpliftModel.fit`; `retained` is neither 0 nor 1
        """
        stayed = pd.Series(retained).to_numpy(dtype=np.float64, na_value=np.nan)
        if not np.isin(stayed, (0.0, 1.0)).all():
            raise InputError("retained must be 1 (stayed) or 0 (left) for every customer.")
        self.retention_ = UpliftModel(**self.settings).fit(X, treated, stayed, chance=chance)
        learners = self.settings.get("learners", USUAL)
        first = {**self.settings, "learners": learners[:1]}
        self.value_ = UpliftModel(**first).fit(X, treated, value, chance=chance)
        money = pd.Series(value).to_numpy(dtype=np.float64, na_value=np.nan)
        self._kept_value = self._learn_kept_value(X, stayed, money)

        through = self.retention_.effects_ * self._worth_of_staying(X)
        self.average_effect_on_value_ = self.value_.average_effect_
        self.through_retention_ = _agrees(through, self.value_.noisy_effects_)
        if not self.through_retention_ and len(learners) > 1:
            self.value_ = UpliftModel(**self.settings).fit(X, treated, value, chance=chance)
        return self

    def predict(self, X: pd.DataFrame) -> pd.DataFrame:
        """What the offer would change for each of these customers.

        Parameters
        ----------
        X
            (n_customers, n_features) the features that `fit` was given, as of today

        Returns
        -------
        pd.DataFrame
            `EFFECT_COLUMNS`, one row per row of `X`, with its index: shares, money, and sleeping_dog (bool),
            true where :class:`patron.campaigns.uplift.model.UpliftModel` says so of either effect

        Raises
        ------
        NotFittedError
            `fit` comes first
        TableError
            `X` lacks a feature
        """
        if not hasattr(self, "value_"):
            raise NotFittedError("this EffectModel is not fitted. Call fit with a trial first.")
        staying = self.retention_.predict(X)
        money = self._through_retention(X, staying) if self.through_retention_ else self.value_.predict(X)
        return pd.DataFrame(
            {
                "effect_on_retention": staying["effect"],
                "effect_on_retention_low": staying["low"],
                "effect_on_retention_high": staying["high"],
                "effect_on_value": money["effect"],
                "low": money["low"],
                "high": money["high"],
                "sleeping_dog": staying["sleeping_dog"] | money["sleeping_dog"],
            }
        )

    def _through_retention(self, X: pd.DataFrame, staying: pd.DataFrame) -> pd.DataFrame:
        worth = self._worth_of_staying(X)
        columns = {name: staying[name] * worth for name in ("effect", "low", "high")}
        return pd.DataFrame({**columns, "sleeping_dog": staying["sleeping_dog"]}, index=X.index)

    def _learn_kept_value(self, X: pd.DataFrame, stayed: Floats, money: Floats) -> Any:
        """What a customer who stays brings, learned from those who stayed, contacted or not."""
        encoder, settings = self.value_.encoder, self.value_.get_params()
        trees = Trees(
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
        return trees.of_outcome(encoder.encode(X[kept]), money[kept])

    def _worth_of_staying(self, X: pd.DataFrame) -> Floats:
        worth: Floats = np.maximum(self._kept_value(self.value_.encoder.encode(X)), 0.0)
        return worth


def _agrees(through: Floats, noisy: Floats) -> bool:
    """Whether unbiased effects on money are those that staying explains, within a few standard errors."""
    n, away = len(noisy), through - through.mean()
    spread = float(away @ away)
    if abs(noisy.mean() - through.mean()) > _CONTRADICTION * noisy.std(ddof=1) / np.sqrt(n):
        return False
    if spread == 0:
        return True
    slope = float(away @ noisy) / spread
    left = noisy - noisy.mean() - slope * away
    return bool(abs(slope - 1) <= _CONTRADICTION * np.sqrt(((away * left) ** 2).sum()) / spread)
