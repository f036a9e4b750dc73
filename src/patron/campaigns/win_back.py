"""Who is worth winning back: dormant and lost customers by chance of a return × value of a second life.

Some come back by themselves. That is the *organic* chance of a return, learned from those who were silent
before; money that comes with it is no success of any campaign. What a campaign adds is the organic chance ×
the lift of a contact, and without a trial nobody knows the lift: the list shows how large it must be for the
contact to pay.
"""

from typing import Any, Self

import numpy as np
import pandas as pd

from patron.arrays import Floats
from patron.errors import NotFittedError, RangeError
from patron.models.churn.classifier import FEWEST_CUSTOMERS, ChurnClassifier
from patron.models.value.model import CustomerValueModel

__all__ = [
    "FEWEST_RETURNS",
    "RETURN_FEATURES",
    "WIN_BACK_COLUMNS",
    "ReturnModel",
    "rank_win_backs",
    "second_life",
]


FEWEST_RETURNS = 20
"""Past returns below which none are learned from."""

RETURN_FEATURES = (
    "days_since_last", "frequency", "recency", "T", "monetary_value", "gap_median", "gap_max",
    "overdue_ratio", "last_reason",
)  # fmt: skip
"""Silence, strength of the first life, and why it ended, where that is known."""

WIN_BACK_COLUMNS = (
    "customer_id", "lifecycle_stage", "days_since_last", "last_reason", "return_probability",
    "second_life_value", "second_life_value_low", "second_life_value_high", "organic_value", "cost",
    "value_less_cost", "lift_needed", "expected_profit", "why",
)  # fmt: skip
"""The columns of a win-back list."""


class ReturnModel:
    """P(purchase within the horizon | dormant), learned from customers who were dormant before.

    Parameters
    ----------
    random_state
        seed

    Attributes
    ----------
    learned_
        whether there were enough past returns; else there is nothing to predict with
    returns_, dormant_
        counts among the past customers

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> past = pd.DataFrame({name: rng.random(1000) for name in RETURN_FEATURES[:-1]})
    >>> past["days_since_last"] = rng.integers(180, 900, 1000)
    >>> past["as_of"] = np.repeat(["2024-01-01", "2024-04-01"], 500)
    >>> returned = rng.random(1000) < 60 / past["days_since_last"]
    >>> model = ReturnModel().fit(past, returned)
    >>> chance = model.predict(past.head(2).assign(days_since_last=[200, 800]))
    >>> model.learned_, bool(chance[0] > chance[1])
    (True, True)
    """

    def __init__(self, *, random_state: int = 0) -> None:
        self.random_state = random_state

    def fit(self, past: pd.DataFrame, returned: Any) -> Self:
        """This model, learned from past days.

        Parameters
        ----------
        past
            one row per customer who was dormant on a past day: as_of and those of `RETURN_FEATURES` that
            are known
        returned
            (n,) 1 for a purchase within the horizon, 0 for none

        Notes
        -----
        A discrete-time hazard: each silent customer counts once per past day. Small LightGBM trees; the last
        of the days calibrates them where it holds enough returns.
        """
        back = pd.Series(returned).to_numpy(dtype=np.float64, na_value=np.nan)
        self.dormant_, self.returns_ = len(back), int(back.sum())
        self.learned_ = bool(
            len(back) >= FEWEST_CUSTOMERS and FEWEST_RETURNS <= self.returns_ <= len(back) - FEWEST_RETURNS
        )
        if not self.learned_:
            return self
        self._names = [name for name in RETURN_FEATURES if name in past.columns and past[name].notna().any()]
        newest = (past["as_of"] == past["as_of"].max()).to_numpy()
        older = ~newest
        parts = [(len(back[part]), back[part].sum()) for part in (older, newest)]
        split = all(n >= FEWEST_CUSTOMERS and FEWEST_RETURNS <= k <= n - FEWEST_RETURNS for n, k in parts)
        grows = older if split else np.ones(len(back), dtype=bool)
        settings: dict[str, Any] = {"num_leaves": 7, "max_depth": 3, "min_child_samples": 20}
        self._classifier = ChurnClassifier(
            **settings, calibration="sigmoid" if split else None, random_state=self.random_state
        )
        features = past[self._names].reset_index(drop=True)
        self._classifier.fit(
            features[grows],
            1 - back[grows],
            calibrate=(features[newest], 1 - back[newest]) if split else None,
        )
        return self

    def predict(self, dormant: pd.DataFrame) -> Floats:
        """(n,) probability in [0, 1] of a purchase within the horizon.

        Raises
        ------
        NotFittedError
            `fit` comes first, or it had too few returns to learn from
        """
        if not getattr(self, "learned_", False):
            raise NotFittedError("this ReturnModel has learned nothing: too few customers came back.")
        chance: Floats = self._classifier.predict_proba(dormant[self._names])[:, 0]
        return chance


def second_life(model: CustomerValueModel, rfm: pd.DataFrame, value_horizon_days: float) -> pd.DataFrame:
    """What a dormant customer would bring who came back today: the order, and what follows it.

    Parameters
    ----------
    model
        fitted value model
    rfm
        one row per customer: customer_id, frequency, recency, T, monetary_value
    value_horizon_days
        days ahead that count

    Returns
    -------
    pd.DataFrame
        One row per row of `rfm`, in its order: customer_id, `value`, `low`, `high` (discounted margin, 80 %)

    Notes
    -----
    The customer is looked at as if the purchase had just been made: one more repeat purchase, at age T, of
    the order value that the model expects.

    Examples
    --------
    >>> from patron.models.value.purchases.model import BetaGeoModel
    >>> from patron.models.value.gamma_gamma import GammaGammaModel
    >>> model = CustomerValueModel(BetaGeoModel.from_params(r=0.243, alpha=30.9, a=0.793, b=2.426),
    ...                            GammaGammaModel.from_params(p=6.25, q=3.74, v=15.44), margin=0.5)
    >>> rfm = pd.DataFrame({"customer_id": [7], "frequency": [2], "recency": [60], "T": [500],
    ...                     "monetary_value": [22.35]})
    >>> second_life(model, rfm, 365)[["value", "low", "high"]].round(1).values.tolist()
    [[30.9, 12.3, 43.1]]
    """
    order = model.predict(rfm, horizon_days=1, value_horizon_days=1)["expected_order_value"].to_numpy()
    frequency, spent = (rfm[name].to_numpy(dtype=np.float64) for name in ("frequency", "monetary_value"))
    back = rfm.assign(
        frequency=frequency + 1,
        recency=rfm["T"],
        monetary_value=np.where(frequency > 0, spent, order),
    )
    ahead = model.predict(back, horizon_days=value_horizon_days, value_horizon_days=value_horizon_days)
    at_once = model.margin * order
    return pd.DataFrame(
        {
            "customer_id": rfm["customer_id"].to_numpy(),
            "value": at_once + ahead["growth_potential"].to_numpy(),
            "low": at_once + ahead["growth_potential_low"].to_numpy(),
            "high": at_once + ahead["growth_potential_high"].to_numpy(),
        }
    )


def rank_win_backs(
    dormant: pd.DataFrame, chance: Any, life: pd.DataFrame, *, cost: float, lift: float | None = None
) -> pd.DataFrame:
    """The win-back list, most valuable first.

    Parameters
    ----------
    dormant
        one row per dormant or lost customer: customer_id, lifecycle_stage, days_since_last, and
        last_reason where known
    chance
        (n,) probability in [0, 1] of an organic return within the horizon
    life
        what `second_life` returned, in the same order
    cost
        money ≥ 0, of one contact
    lift
        by what share a contact raises the chance, ≥ 0; None where nobody knows

    Returns
    -------
    pd.DataFrame
        `WIN_BACK_COLUMNS` by value_less_cost, highest first:

        - organic_value : chance × value, which comes without any contact
        - value_less_cost : the same less the cost, by which customers are ranked
        - lift_needed : the lift from which on a contact pays, cost ÷ organic_value; null where nothing can
          come
        - expected_profit : organic_value × lift - cost; null without a lift

    Raises
    ------
    RangeError
        the cost or the lift is negative

    Examples
    --------
    >>> dormant = pd.DataFrame({"customer_id": [7, 8], "lifecycle_stage": ["lost", "dormant"],
    ...                         "days_since_last": [700, 200]})
    >>> life = pd.DataFrame({"value": [80.0, 40.0], "low": [10.0, 5.0], "high": [200.0, 90.0]})
    >>> found = rank_win_backs(dormant, [0.05, 0.25], life, cost=1.0)
    >>> found[["customer_id", "organic_value", "value_less_cost", "lift_needed"]]
       customer_id  organic_value  value_less_cost  lift_needed
    0            8           10.0              9.0         0.10
    1            7            4.0              3.0         0.25
    """
    for name, number in (("cost", cost), ("lift", lift)):
        if number is not None and not 0 <= number < np.inf:
            raise RangeError(f"{name} must be finite and at least 0, got {number!r}.")
    p = np.asarray(chance, dtype=np.float64)
    value = life["value"].to_numpy(dtype=np.float64)
    organic = p * value
    pays = organic > 0
    needed = np.divide(cost, organic, out=np.full(len(p), np.nan), where=pays)
    unknown = pd.Series([None] * len(dormant), index=dormant.index, dtype="str")
    listed = pd.DataFrame(
        {
            "customer_id": dormant["customer_id"].to_numpy(),
            "lifecycle_stage": dormant["lifecycle_stage"].to_numpy(),
            "days_since_last": dormant["days_since_last"].to_numpy(),
            "last_reason": dormant.get("last_reason", unknown).to_numpy(),
            "return_probability": p,
            "second_life_value": value,
            "second_life_value_low": life["low"].to_numpy(),
            "second_life_value_high": life["high"].to_numpy(),
            "organic_value": organic,
            "cost": float(cost),
            "value_less_cost": organic - cost,
            "lift_needed": needed,
            "expected_profit": np.nan if lift is None else organic * lift - cost,
            "why": [_why(*row) for row in zip(dormant["days_since_last"], p, value, needed, strict=True)],
        }
    )
    order = np.lexsort((np.arange(len(p)), -listed["value_less_cost"].to_numpy()))
    return listed.iloc[order].reset_index(drop=True)


def _why(silent: float, chance: float, value: float, needed: float) -> str:
    pays = f"; a contact pays from a lift of {needed:.0%} on" if np.isfinite(needed) else ""
    return f"silent for {silent:.0f} days; {chance:.1%} return by themselves, worth {value:,.2f} then{pays}"
