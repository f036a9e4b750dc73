"""What holds for predictions of value whatever the customers: alone or together, sooner or later."""

import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from patron.models.value.gamma_gamma import GammaGammaModel
from patron.models.value.intervals import interval_of
from patron.models.value.model import CustomerValueModel
from patron.models.value.purchases.by_age import PurchasesByAge
from patron.models.value.purchases.expectation import expected_purchases, probability_no_purchase
from patron.models.value.purchases.model import BetaGeoModel
from patron.models.value.purchases.rate import purchases_while_alive
from patron.models.value.purchases.simulate import Futures, common_random_numbers, simulate_purchases


def uncertain_model(family="bgnbd", seed=0):
    """A model whose parameters are known but for a few per cent."""
    rng = np.random.default_rng(seed)
    purchases, spend = BetaGeoModel(family=family), GammaGammaModel()
    centres = {"r": 0.55, "alpha": 60.0, "a": 0.8, "b": 2.5, "p": 6.0, "q": 4.0, "v": 16.0}
    draws = {name: value * np.exp(0.05 * rng.standard_normal(300)) for name, value in centres.items()}
    arrays, meta = BetaGeoModel.from_params(**{k: centres[k] for k in ("r", "alpha", "a", "b")}).to_arrays()
    meta["settings"]["family"] = family
    purchases = BetaGeoModel.from_arrays({name: draws[name] for name in arrays}, meta)
    arrays, meta = GammaGammaModel.from_params(**{k: centres[k] for k in "pqv"}).to_arrays()
    spend = GammaGammaModel.from_arrays({name: draws[name] for name in arrays}, meta)
    return CustomerValueModel(purchases, spend, margin=0.4)


def some_customers(n, seed=0, whole_days=True):
    """Customers with all kinds of pasts, heavy buyers and newcomers of today among them."""
    rng = np.random.default_rng(seed)
    x = np.where(rng.random(n) < 0.4, 0, np.floor(10 ** rng.uniform(0, 1.5, n)))
    x[: n // 100] = 1000 * rng.random(n // 100)  # heavy buyers
    x = np.floor(x)
    T = rng.integers(0, 800, n) if whole_days else 800 * rng.random(n)
    T = np.maximum(T, x)
    recency = np.where(x > 0, np.clip(np.round(T * rng.random(n)), 1, T), 0)
    spend = np.where(x > 0, np.round(10 ** rng.uniform(0.5, 2.5, n), 2), 0)
    ids = [f"مشتری {number}" for number in range(n)]
    return pd.DataFrame(
        {
            "customer_id": ids,
            "frequency": x,
            "recency": recency,
            "T": T.astype(float),
            "monetary_value": spend,
        }
    )


@pytest.mark.parametrize("family", ["bgnbd", "mbgnbd"])
def test_a_customer_served_alone_gets_the_same_numbers_as_in_a_batch(family):
    model, rfm = uncertain_model(family), some_customers(2500)
    batch = model.predict(rfm, 90)
    for row in (0, 1, 500, 2047, 2048, 2499):
        alone = model.predict(rfm.iloc[[row]], 90)
        pd.testing.assert_frame_equal(alone, batch.iloc[[row]].reset_index(drop=True), check_exact=True)


def test_the_order_of_the_rows_changes_no_number():
    model, rfm = uncertain_model(), some_customers(600)
    shuffled = rfm.sample(frac=1, random_state=3)
    expected = model.predict(rfm, 90).iloc[shuffled.index].reset_index(drop=True)
    pd.testing.assert_frame_equal(model.predict(shuffled, 90), expected, check_exact=True)


def test_the_same_seed_gives_the_same_intervals_and_another_seed_similar_ones():
    model, rfm = uncertain_model(), some_customers(150)
    first, again, other = (model.predict(rfm, 90, random_state=seed) for seed in (0, 0, 1))
    pd.testing.assert_frame_equal(first, again, check_exact=True)
    means = ["p_alive", "expected_value", "growth_potential"]
    pd.testing.assert_frame_equal(first[means], other[means], check_exact=True)
    highs = first["growth_potential_high"], other["growth_potential_high"]
    assert highs[0].sum() == pytest.approx(highs[1].sum(), rel=0.1)
    assert not highs[0].equals(highs[1])


@pytest.mark.parametrize("family", ["bgnbd", "mbgnbd"])
def test_twelve_months_are_never_worth_less_than_six(family):
    model, rfm = uncertain_model(family), some_customers(200)
    scores = [model.predict(rfm, 30, value_horizon_days=days) for days in (1, 182, 365, 730)]
    for shorter, longer in itertools.pairwise(scores):
        for column in ("growth_potential", "growth_potential_low", "growth_potential_high"):
            assert (longer[column] >= shorter[column] * (1 - 1e-6)).all(), column


def test_every_number_is_finite_in_its_range_and_every_interval_in_order():
    for whole_days in (True, False):
        scores = uncertain_model().predict(some_customers(400, whole_days=whole_days), 90)
        assert np.isfinite(scores.drop(columns="customer_id").to_numpy()).all()
        for column in ("p_alive", "p_no_purchase"):
            assert scores[column].between(0, 1).all()
        assert (scores["p_no_purchase"] >= 1 - scores["p_alive"] - 1e-12).all()
        assert (scores["next_purchase_days"] > 0).all()
        for column in ("expected_value", "growth_potential"):
            assert scores[f"{column}_low"].between(0, scores[f"{column}_high"]).all()


def test_between_the_ages_at_which_they_are_computed_expectations_lose_nothing():
    rng = np.random.default_rng(8)
    for _world in range(8):
        r, alpha, a, b = 10 ** rng.uniform(-2, 2, (4, 3))
        draws = {"r": r, "alpha": alpha, "a": a, "b": b}
        x, T = np.array([0.0, 1.0, 30.0, 2000.0]), np.sort(3650 * rng.random(40) ** 2)
        near, far = np.sort(10 ** rng.uniform(0, 3.5, 2))
        by_age = PurchasesByAge(draws, "bgnbd", x, near, far, 3e-4, plain_to_far=False)
        found = by_age.at(np.repeat(np.arange(4), 40), np.tile(T, 4))
        s, beta, c = (np.repeat(r + x[:, None], 40, axis=0), alpha + np.tile(T, 4)[:, None], b + x[:, None])
        edges, rates = (0.0, near, far), (0.0, 3e-4)
        plain, discounted = purchases_while_alive(s, beta, a, np.repeat(c, 40, axis=0), edges, rates)
        assert found.purchases == pytest.approx(plain[0], rel=1e-9)
        assert found.near == pytest.approx(discounted[0], rel=1e-9)
        assert found.far == pytest.approx(discounted.sum(axis=0), rel=1e-9)


@pytest.mark.parametrize("family", ["bgnbd", "mbgnbd"])
def test_draws_agree_with_the_expectations_in_mean_and_in_silence(family):
    known = (0.55, 60.0, 0.8, 2.5)
    for x, t_x, T in ((0.0, 0.0, 30.0), (3.0, 200.0, 300.0), (40.0, 690.0, 700.0)):
        drawn = simulate_purchases(
            np.random.default_rng(5), *known, np.full(200_000, x), t_x, T, 180.0, family
        )
        expected = expected_purchases(*known, x, t_x, T, 180.0, family)
        assert drawn.mean() == pytest.approx(expected, abs=5 * drawn.std() / np.sqrt(drawn.size))
        silent = probability_no_purchase(*known, x, t_x, T, 180.0, family)
        assert (drawn == 0).mean() == pytest.approx(silent, abs=0.006)


@pytest.mark.parametrize("family", ["bgnbd", "mbgnbd"])
def test_futures_of_one_luck_for_all_have_the_distribution_of_independent_draws(family):
    known = {"r": 0.55, "alpha": 60.0, "a": 0.8, "b": 2.5}
    n = 20_000
    x, T, t = 12.0, 300.0, 365.0
    parameters = {name: np.full(n, value) for name, value in known.items()}
    futures = Futures(common_random_numbers(n, 1), parameters, family, np.array([x]))
    shared = futures.purchases(np.array([0]), np.array([T]), np.array([t]))[:, 0, 0]
    alone = simulate_purchases(
        np.random.default_rng(2), **known, x=np.full(n, x), t_x=T, T=T, t=t, family=family
    )
    surely_alive = alone[alone > 0]  # a customer who bought just now is alive, or left at that purchase
    levels = np.array([0.1, 0.25, 0.5, 0.75, 0.9])
    found, expected = np.quantile(shared[shared > 0], levels), np.quantile(surely_alive, levels)
    assert found == pytest.approx(expected, rel=0.06, abs=0.6)
    assert shared[shared > 0].mean() == pytest.approx(surely_alive.mean(), rel=0.03)


def test_the_longer_the_time_the_more_purchases_along_every_future():
    parameters = {
        name: np.full(50, value) for name, value in (("r", 0.5), ("alpha", 9.0), ("a", 1.0), ("b", 2.0))
    }
    futures = Futures(common_random_numbers(50, 0), parameters, "bgnbd", np.array([0.0, 5000.0]))
    times = np.array([1.0, 10.0, 100.0, 1e4, 1e6])
    counts = futures.purchases(np.array([0, 1]), np.array([0.0, 300.0]), times)
    assert (np.diff(counts, axis=1) >= 0).all()
    assert np.isfinite(counts).all()


def test_whatever_the_parameters_no_number_of_a_prediction_is_none():
    rng = np.random.default_rng(0)
    for world in range(12):
        r, alpha, a, b = 10 ** rng.uniform(-2, 2, 4)  # four decades
        p, q, v = 10 ** rng.uniform(-1, 2), 1 + 10 ** rng.uniform(-1, 2), 10 ** rng.uniform(-2, 4)
        family = ("bgnbd", "mbgnbd")[world % 2]
        model = CustomerValueModel(
            BetaGeoModel.from_params(r=r, alpha=alpha, a=a, b=b, family=family),
            GammaGammaModel.from_params(p=p, q=q, v=v),
        )
        rfm = some_customers(40, seed=world)
        horizons = {
            "horizon_days": 10 ** rng.uniform(0, 3),
            "value_horizon_days": (365, 3650, np.inf)[world % 3],
        }
        scores = model.predict(rfm, **horizons, n_draws=100).drop(columns="customer_id").to_numpy()
        assert np.isfinite(scores).all()
        assert (scores >= 0).all()


@settings(max_examples=80, deadline=None)
@given(
    st.lists(st.floats(0, 1e6, width=32), min_size=20, max_size=60),
    st.floats(0.0, 1.0),
    st.sampled_from([0.5, 0.8, 0.95]),
)
def test_an_interval_holds_what_it_promises_and_hardly_more(values, alive, level):
    drawn = np.array([values], dtype=np.float32)
    low, high = interval_of(drawn, np.full(drawn.shape, alive, dtype=np.float32), level)
    inside = alive * np.mean((drawn >= low) & (drawn <= high)) + (1 - alive) * (low[0] == 0)
    assert inside >= level - 1e-4
    below_high = alive * np.mean((drawn >= low) & (drawn < high)) + (1 - alive) * (low[0] == 0 < high[0])
    assert below_high < level + 1e-4


def test_a_customer_who_is_surely_gone_brings_nothing():
    values = np.arange(1, 101, dtype=np.float32)[None, :]
    low, high = interval_of(values, np.zeros((1, 100), dtype=np.float32), 0.8)
    assert (low[0], high[0]) == (0, 0)
