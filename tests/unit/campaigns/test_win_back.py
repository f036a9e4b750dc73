"""Win-back by hand, and returns learned from those who came back before."""

import numpy as np
import pandas as pd
import pytest

from patron.campaigns.win_back import RETURN_FEATURES, ReturnModel, rank_win_backs, second_life
from patron.errors import NotFittedError, RangeError
from small_model import make_value_model

DORMANT = pd.DataFrame(
    {
        "customer_id": [1, 2, 3],
        "lifecycle_stage": ["lost", "dormant", "dormant"],
        "days_since_last": [700, 200, 300],
    }
)
LIFE = pd.DataFrame({"value": [100.0, 40.0, 0.0], "low": [0.0] * 3, "high": [200.0, 80.0, 0.0]})


def test_the_list_is_ranked_by_probability_times_value_less_cost():
    found = rank_win_backs(DORMANT, [0.02, 0.25, 0.5], LIFE, cost=1.5, lift=0.2)
    assert found["customer_id"].tolist() == [2, 1, 3]
    assert found["organic_value"].tolist() == [10, 2, 0]
    assert found["value_less_cost"].tolist() == [8.5, 0.5, -1.5]
    assert found["lift_needed"].fillna(-1).tolist() == [0.15, 0.75, -1]
    assert found["expected_profit"].round(9).tolist() == [0.5, -1.1, -1.5]


def test_without_a_lift_no_profit_is_claimed():
    assert rank_win_backs(DORMANT, [0.1] * 3, LIFE, cost=1.0)["expected_profit"].isna().all()


def test_a_second_life_is_worth_an_order_and_what_follows():
    rfm = pd.DataFrame(
        {"customer_id": [1], "frequency": [4], "recency": [200.0], "T": [900.0], "monetary_value": [50.0]}
    )
    model = make_value_model()
    found = second_life(model, rfm, 365).iloc[0]
    now = model.predict(rfm, 90).iloc[0]
    assert found["value"] > model.margin * now["expected_order_value"]
    assert found["value"] > now["growth_potential"]  # who is back is alive
    assert found["low"] <= found["value"] <= found["high"]


def test_returns_are_learned_and_their_level_is_right_on_the_last_day():
    rng = np.random.default_rng(0)
    past = pd.DataFrame({name: rng.random(3000) for name in RETURN_FEATURES[:-1]})
    past["days_since_last"] = rng.integers(180, 900, 3000)
    past["last_reason"] = rng.choice(["price", "moved"], 3000)
    past["as_of"] = np.repeat(["2024-01-01", "2024-04-01", "2024-07-01"], 1000)
    chance = 0.4 * 180 / past["days_since_last"] * (past["last_reason"] == "price")
    model = ReturnModel().fit(past, rng.random(3000) < chance)
    said = model.predict(past)
    assert model.learned_
    assert said.mean() == pytest.approx(chance.mean(), abs=0.03)
    assert said[past["last_reason"] == "moved"].max() < said[past["last_reason"] == "price"].mean()


def test_few_returns_teach_nothing():
    past = pd.DataFrame({"days_since_last": range(500), "as_of": "2024-01-01"})
    model = ReturnModel().fit(past, [1] * 5 + [0] * 495)
    assert not model.learned_
    with pytest.raises(NotFittedError, match="too few customers returned"):
        model.predict(past)


def test_costs_and_lifts_below_zero_are_refused():
    with pytest.raises(RangeError, match="cost must be at least 0, got -1"):
        rank_win_backs(DORMANT, [0.1] * 3, LIFE, cost=-1)
    with pytest.raises(RangeError, match="lift must be"):
        rank_win_backs(DORMANT, [0.1] * 3, LIFE, cost=1, lift=-0.5)
