"""Simulated customers do what their intervals promise, when the parameters are fitted to their past.

An interval that holds 80 % can be had for a customer who may well buy. One who almost surely buys nothing is
at 0 with more than 80 %, and so is the shortest interval. Coverage is therefore asked of customers whose
chance to buy nothing is below 80 %, and of all that it is at least that much.
"""

import numpy as np
import pytest

from patron.datasets.btyd import simulate_btyd
from patron.models.value.gamma_gamma import GammaGammaModel
from patron.models.value.model import CustomerValueModel
from patron.models.value.purchases.model import BetaGeoModel

HORIZON = 180


def simulated_world(seed):
    """1500 customers of a business that differs from seed to seed, and a model fitted to their past."""
    rng = np.random.default_rng(seed)
    family = ("bgnbd", "mbgnbd")[seed % 2]
    world = {
        "r": rng.uniform(1.0, 4.0),
        "alpha": rng.uniform(20.0, 80.0),
        "a": rng.uniform(0.3, 1.0),
        "b": rng.uniform(3.0, 12.0),
        "p": rng.uniform(2.0, 8.0),
        "q": rng.uniform(3.0, 6.0),
        "v": 10 ** rng.uniform(0.5, 2.0),
    }
    ages = rng.integers(60, 730, 1500).astype(float)
    buyers = simulate_btyd(1500, **world, T=ages, horizon=HORIZON, family=family, daily=True, seed=seed)
    parts = BetaGeoModel(family=family, inference="laplace"), GammaGammaModel(inference="laplace")
    model = CustomerValueModel(*parts, annual_discount_rate=0.0).fit(buyers.rfm)
    truth = buyers.truth.set_index("customer_id").loc[buyers.rfm["customer_id"]]
    return model, buyers.rfm, truth["purchases"].to_numpy(), truth["value"].to_numpy()


def coverage(seed):
    """Of the intervals of purchases and of value, of those who may well buy and of all; expected ÷ actual."""
    model, rfm, purchases, value = simulated_world(seed)
    scores = model.predict(rfm, HORIZON, random_state=seed)
    counts = model.predict_purchases(rfm, HORIZON, random_state=seed)
    rounding = 1e-6 * value
    in_value = (value >= scores["expected_value_low"] - rounding) & (
        value <= scores["expected_value_high"] + rounding
    )
    in_purchases = (purchases >= counts["expected_purchases_low"]) & (
        purchases <= counts["expected_purchases_high"]
    )
    awake = scores["p_no_purchase"] < 0.8
    return (
        in_purchases[awake].mean(),
        in_value[awake].mean(),
        in_purchases.mean(),
        in_value.mean(),
        scores["expected_purchases"].sum() / purchases.sum(),
        scores["expected_value"].sum() / value.sum(),
    )


def assert_honest(found):
    purchases, value, all_purchases, all_value, purchases_ratio, value_ratio = np.mean(found, axis=0)
    assert 0.75 <= purchases <= 0.85
    assert 0.75 <= value <= 0.85
    assert all_value >= 0.79
    assert all_purchases >= 0.79
    assert purchases_ratio == pytest.approx(1, abs=0.05)
    assert value_ratio == pytest.approx(1, abs=0.05)


def test_eighty_per_cent_intervals_hold_eighty_per_cent_of_what_customers_do():
    assert_honest([coverage(seed) for seed in range(4)])


@pytest.mark.slow
@pytest.mark.timeout(2400)
@pytest.mark.filterwarnings(
    "ignore:BetaGeoModel. k-hat"
)  # in some of fifty worlds the draws are a rough guide
def test_eighty_per_cent_intervals_hold_eighty_per_cent_in_fifty_worlds():
    assert_honest([coverage(seed) for seed in range(50)])


def test_the_probability_of_a_value_is_the_share_of_customers_who_reach_it():
    model, rfm, _, value = simulated_world(1)
    for threshold in np.quantile(value[value > 0], [0.0, 0.3, 0.6, 0.9]):
        expected = model.probability_value_above(rfm, threshold, HORIZON)
        sampling = np.sqrt((expected * (1 - expected)).sum()) / len(expected)
        assert (value > threshold).mean() == pytest.approx(expected.mean(), abs=4 * sampling + 0.01)


def test_the_probability_of_no_purchase_is_the_share_of_customers_who_stay_away():
    model, rfm, purchases, _ = simulated_world(2)
    expected = model.predict(rfm, HORIZON)["p_no_purchase"].to_numpy()
    for third in np.array_split(np.argsort(expected), 3):
        sampling = np.sqrt((expected * (1 - expected))[third].sum()) / len(third)
        assert (purchases[third] == 0).mean() == pytest.approx(
            expected[third].mean(), abs=4 * sampling + 0.01
        )
