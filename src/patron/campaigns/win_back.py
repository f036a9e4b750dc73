"""Win-back: dormant and lost customers ranked by return probability × value of a second life.

Some customers return without contact. This *organic* return probability is learned from customers who were
dormant before; its money is not the success of a campaign. A campaign adds the organic probability × the lift
of a contact. Without a trial the lift is unknown, so the list shows how large it must be for a contact to
pay.
"""

from datetime import timedelta
from typing import Any, Self

import ibis
import numpy as np
import pandas as pd

from patron.arrays import Floats
from patron.campaigns.purchase_summary import purchase_summaries
from patron.checks import at_least
from patron.errors import NotFittedError
from patron.models.bundle.policy import StageRules
from patron.models.churn.classifier import FEWEST_CUSTOMERS, ChurnClassifier
from patron.models.value.model import CustomerValueModel
from patron.progress import Progress, silent
from patron.scores.lifecycle import lifecycle_stage
from patron.snapshots.labels import make_labels
from patron.tables.activity import ChurnDefinition
from patron.tables.history import History

__all__ = [
    "MIN_RETURNS",
    "RETURN_FEATURES",
    "WIN_BACK_COLUMNS",
    "ReturnModel",
    "dormant_customers",
    "learn_returns",
    "rank_win_backs",
    "second_life",
]


MIN_RETURNS = 20
"""Smallest number of past returns to learn from."""

RETURN_FEATURES = (
    "days_since_last", "frequency", "recency", "T", "monetary_value", "gap_median", "gap_max",
    "overdue_ratio", "last_reason",
)  # fmt: skip
"""Time since the last purchase, strength of the first life, and why it ended, if known."""

WIN_BACK_COLUMNS = (
    "customer_id", "lifecycle_stage", "days_since_last", "last_reason", "return_probability",
    "second_life_value", "second_life_value_low", "second_life_value_high", "organic_value", "cost",
    "value_less_cost", "lift_needed", "expected_profit", "why",
)  # fmt: skip
"""The columns of a win-back list."""

_STAGES = ("dormant", "lost")


class ReturnModel:
    """P(purchase within the horizon | dormant), learned from customers who were dormant before.

    Parameters
    ----------
    random_state
        random seed

    Attributes
    ----------
    learned_
        whether there were enough past returns; else the model cannot predict
    returns_, dormant_
        number of past returns and of past dormant customers

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> past = pd.DataFrame({name: rng.random(1000) for name in RETURN_FEATURES[:-1]})
    >>> past["days_since_last"] = rng.integers(180, 900, 1000)
    >>> past["as_of"] = np.repeat(["2024-01-01", "2024-04-01"], 500)
    >>> returned = rng.random(1000) < 60 / past["days_since_last"]
    >>> model = ReturnModel().fit(past, returned)
    >>> probability = model.predict(past.head(2).assign(days_since_last=[200, 800]))
    >>> model.learned_, bool(probability[0] > probability[1])
    (True, True)
    """

    def __init__(self, *, random_state: int = 0) -> None:
        self.random_state = random_state

    def fit(self, past: pd.DataFrame, returned: Any) -> Self:
        """The model itself, fitted to past days.

        Parameters
        ----------
        past
            one row per customer who was dormant on a past day: as_of and those of `RETURN_FEATURES` that are
            known
        returned
            (n,) 1 for a purchase within the horizon, 0 for none

        Notes
        -----
        A discrete-time hazard: each dormant customer counts once per past day. Small LightGBM trees,
        calibrated on the last day if it has enough returns.
        """
        back = pd.Series(returned).to_numpy(dtype=np.float64, na_value=np.nan)
        self.dormant_, self.returns_ = len(back), int(back.sum())
        self.learned_ = bool(
            len(back) >= FEWEST_CUSTOMERS and MIN_RETURNS <= self.returns_ <= len(back) - MIN_RETURNS
        )
        if not self.learned_:
            return self
        self._names = [name for name in RETURN_FEATURES if name in past.columns and past[name].notna().any()]
        newest = (past["as_of"] == past["as_of"].max()).to_numpy()
        older = ~newest
        parts = [(len(back[part]), back[part].sum()) for part in (older, newest)]
        split = all(n >= FEWEST_CUSTOMERS and MIN_RETURNS <= k <= n - MIN_RETURNS for n, k in parts)
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

        Parameters
        ----------
        dormant
            one row per dormant customer, with the features of `fit`

        Raises
        ------
        NotFittedError
            the model has not been fitted, or had too few returns to learn from
        """
        if not getattr(self, "learned_", False):
            raise NotFittedError("this ReturnModel has learned nothing: too few customers returned.")
        return self._classifier.predict_proba(dormant[self._names])[:, 0]


def dormant_customers(summaries: pd.DataFrame, rules: StageRules) -> pd.DataFrame:
    """The dormant and lost customers, with their lifecycle_stage.

    Parameters
    ----------
    summaries
        what :func:`patron.campaigns.purchase_summary.purchase_summaries` returned
    rules
        rules of the stages
    """
    stages = lifecycle_stage(summaries, rules)
    return summaries.assign(lifecycle_stage=stages)[np.isin(stages, _STAGES)].reset_index(drop=True)


def learn_returns(
    history: History,
    rules: StageRules,
    *,
    horizon_days: int,
    snapshots: int,
    seed: int = 0,
    progress: Progress = silent,
) -> ReturnModel:
    """The model of returns, learned from customers dormant on past days whose horizon has passed.

    Parameters
    ----------
    history
        the tables of the business
    rules
        rules of the stages
    horizon_days
        days within which a return counts
    snapshots
        largest number of past days
    seed
        random seed
    progress
        called with each step as it begins
    """
    newest = history.known_until - timedelta(days=horizon_days)
    days = [newest - timedelta(days=horizon_days * number) for number in range(snapshots)]
    first = history.active_days.day.min().to_pyarrow().as_py()
    days = [day for day in days if day >= max(first, history.first_day)]
    if not days:
        return ReturnModel().fit(pd.DataFrame({"as_of": []}), [])
    progress(f"Learning returns from {len(days)} past days")
    past = dormant_customers(purchase_summaries(history, days), rules)
    if past.empty:
        return ReturnModel().fit(past, [])
    keys = ibis.memtable(past[["customer_id", "as_of"]])
    spine = history.store(keys.mutate(as_of=keys.as_of.cast("date")), "silent")
    labels = make_labels(history.with_churn(ChurnDefinition()), spine, horizon_days)
    outcome = labels.select("customer_id", "as_of", "purchases").to_pandas()
    joined = past.merge(outcome, on=["customer_id", "as_of"], how="left", validate="one_to_one")
    return ReturnModel(random_state=seed).fit(joined, joined["purchases"] > 0)


def second_life(model: CustomerValueModel, rfm: pd.DataFrame, value_horizon_days: float) -> pd.DataFrame:
    """The value of each dormant customer if they returned today: the order and what follows it.

    Parameters
    ----------
    model, rfm
        as in :func:`patron.models.value.next_purchase.next_purchase_range`
    value_horizon_days
        days after the return that count

    Returns
    -------
    pd.DataFrame
        One row per row of `rfm`, in its order: customer_id, `value`, `low`, `high` (discounted margin, 80 %)

    Notes
    -----
    The customer is treated as if a purchase had just been made: one more repeat purchase, at age T, of the
    expected order value.

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
    dormant: pd.DataFrame,
    return_probability: Any,
    life: pd.DataFrame,
    *,
    cost: float,
    lift: float | None = None,
) -> pd.DataFrame:
    """The win-back list, most valuable first.

    Parameters
    ----------
    dormant
        one row per dormant or lost customer: customer_id, lifecycle_stage, days_since_last, and
        last_reason if known
    return_probability
        (n,) probability in [0, 1] of an organic return within the horizon
    life
        what `second_life` returned, in the same order
    cost
        money ≥ 0, cost of one contact
    lift
        relative increase of the return probability by a contact, ≥ 0; None if unknown

    Returns
    -------
    pd.DataFrame
        `WIN_BACK_COLUMNS` by value_less_cost, highest first:

        - organic_value : probability × value, which comes without contact
        - value_less_cost : the same minus the cost, by which customers are ranked
        - lift_needed : the lift from which a contact pays, cost ÷ organic_value; null if organic_value is 0
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
    at_least("cost", cost, 0)
    if lift is not None:
        at_least("lift", lift, 0)
    p = np.asarray(return_probability, dtype=np.float64)
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


def _why(days: float, p: float, value: float, needed: float) -> str:
    pays = f"; a contact pays from a lift of {needed:.0%}" if np.isfinite(needed) else ""
    return f"no purchase for {days:.0f} days; {p:.1%} return without contact, then worth {value:,.2f}{pays}"
