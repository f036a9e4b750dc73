"""Drift is told where there is some and not where there is none."""

import json

import numpy as np
import pandas as pd
import pytest

from patron.evaluation.drift import EarlyAlarm, early_alarm, population_stability
from patron.models.bundle.reference import Reference
from patron.models.value.purchases.model import BetaGeoModel

THEN = pd.DataFrame(
    {
        "orders": np.random.default_rng(0).poisson(1, 2000).astype(float),
        "spend": np.random.default_rng(1).gamma(2, 10, 2000),
        "plan": np.random.default_rng(2).choice(["basic", "gold"], 2000),
    }
)
REFERENCE = Reference.learn(THEN)


def test_the_same_customers_in_another_order_have_not_moved():
    assert population_stability(REFERENCE, THEN.sample(frac=1, random_state=1))["psi"].max() == 0


def test_another_draw_of_the_same_customers_has_hardly_moved():
    assert population_stability(REFERENCE, THEN.sample(1000, random_state=1))["psi"].max() < 0.02


def test_the_column_that_moved_stands_first():
    moved = THEN.assign(spend=THEN["spend"] * 2)
    table = population_stability(REFERENCE, moved)
    assert table["column"].iloc[0] == "spend"
    assert table["psi"].iloc[0] > 0.25
    assert table["psi"].iloc[1:].max() == 0


def test_a_level_never_seen_is_counted():
    now = THEN.assign(plan=["platinum"] * 500 + THEN["plan"].tolist()[500:])
    row = population_stability(REFERENCE, now).set_index("column").loc["plan"]
    assert (row["new_levels"], row["share_new"]) == (1, 0.25)


def test_of_many_levels_the_rare_ones_of_the_training_are_no_news():
    towns = pd.Series([f"town {number}" for number in range(300)])
    reference = Reference.learn(pd.DataFrame({"town": pd.concat([towns, towns.head(50)])}))
    kept = Reference.from_dict(json.loads(json.dumps(reference.to_dict())))
    now = pd.DataFrame({"town": [*towns, "Atlantis"]})
    for known in (reference, kept):
        row = population_stability(known, now).iloc[0]
        assert (row["new_levels"], row["share_new"]) == (1, pytest.approx(1 / 301))
    assert "town 299" not in str(kept.to_dict())


def test_values_that_go_missing_are_counted_and_move_the_column():
    now = THEN.assign(spend=THEN["spend"].where(THEN.index >= 1000))
    row = population_stability(REFERENCE, now).set_index("column").loc["spend"]
    assert (row["missing_then"], row["missing_now"]) == (0, 0.5)
    assert row["psi"] > 0.25


def test_psi_by_hand():
    reference = Reference.learn(pd.DataFrame({"plan": ["a", "b"]}))
    now = pd.DataFrame({"plan": ["a", "a", "a", "b"]})
    expected = 0.25 * np.log(0.75 / 0.5) - 0.25 * np.log(0.25 / 0.5)
    assert population_stability(reference, now)["psi"].item() == pytest.approx(expected)


def test_a_reference_survives_json_and_holds_no_rows():
    kept = REFERENCE.to_dict()
    assert Reference.from_dict(kept) == REFERENCE
    assert len(kept["columns"]["spend"]["shares"]) <= 11


MODEL = BetaGeoModel.from_params(r=0.8, alpha=40.0, a=0.8, b=3.2)
RFM = pd.DataFrame({"customer_id": range(3000), "frequency": 3, "recency": 150.0, "T": 160.0})


def test_customers_who_buy_as_expected_raise_no_alarm():
    bought = MODEL.simulate(RFM, 30, n_draws=1, random_state=5).to_numpy().sum()
    alarm = early_alarm(MODEL, RFM, bought, 30)
    assert abs(alarm.z) < 4
    assert not alarm.is_alarm(z=4, ratio=0.2)


def test_customers_who_stop_buying_raise_it():
    bought = MODEL.simulate(RFM, 30, n_draws=1, random_state=5).to_numpy().sum()
    assert early_alarm(MODEL, RFM, bought * 0.5, 30).is_alarm(z=3, ratio=0.2)


def test_a_trifle_is_no_alarm_however_sure():
    assert not EarlyAlarm(30, 10**6, 95_000, 100_000.0, 400.0).is_alarm(z=3, ratio=0.2)
