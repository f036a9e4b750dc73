"""One expected value out of two: who wins, what is set right, and what the interval holds."""

import json

import numpy as np
import pytest

from patron.errors import InputError
from patron.models.ensemble.stacking import ValueStacking


def snapshot(n=6000, seed=0, buys=0.4):
    """True mean, what came, and the bounds that hold 80 % of what comes of a customer."""
    rng = np.random.default_rng(seed)
    mean = rng.gamma(1.5, 20.0, n)
    actual = (rng.random(n) < buys) * mean / buys * rng.gamma(3.0, 1 / 3.0, n)
    return mean, actual, 0 * mean, 2 * mean


def noisy(mean, seed):
    return mean * np.random.default_rng(seed).lognormal(0.0, 1.0, mean.size)


@pytest.mark.parametrize(("trees_know", "least", "most"), [(True, 0.75, 1.0), (False, 0.0, 0.35)])
def test_the_part_that_knows_more_gets_the_larger_share(trees_know, least, most):
    mean, actual, low, high = snapshot()
    parts = (noisy(mean, 1), mean) if trees_know else (mean, noisy(mean, 1))
    stacking = ValueStacking.fit(*parts, actual, low, high)
    assert least <= stacking.tree_weight <= most
    winner = "the trees predicted better" if trees_know else "the purchase and spend models predicted better"
    assert winner in stacking.sentences()[0]


def test_trees_that_have_seen_few_buyers_start_with_a_smaller_share():
    mean, actual, low, high = snapshot(100)
    shares = [
        ValueStacking.fit(mean, mean, actual, low, high, seen_buyers=seen).tree_weight
        for seen in (0, 200, 1000, 50_000, None)
    ]
    assert shares[0] < 0.05 < shares[1] < 0.25
    assert shares[2] == shares[3] == shares[4] > 0.6


def test_the_total_is_right_where_both_parts_are_wrong():
    mean, actual, low, high = snapshot()
    stacking = ValueStacking.fit(0.5 * mean, 3 * mean, actual, low, high)
    total = stacking.predict(0.5 * mean, 3 * mean, low, high)["expected_value"].sum()
    assert total == pytest.approx(actual.sum(), rel=0.01)


def test_deciles_that_brought_more_than_expected_are_raised():
    mean, actual, low, high = snapshot(20_000)
    said = mean**0.5
    stacking = ValueStacking.fit(said, said, actual, low, high)
    best = said >= np.quantile(said, 0.9)
    expected = stacking.predict(said, said, low, high)["expected_value"].to_numpy()
    assert expected[best].sum() == pytest.approx(actual[best].sum(), rel=0.08)


def test_who_is_expected_to_bring_more_by_both_parts_is_expected_to_bring_more():
    mean, actual, low, high = snapshot(800)
    stacking = ValueStacking.fit(mean, noisy(mean, 1), actual, low, high)
    money = np.geomspace(0.1, 1e4, 500)
    expected = stacking.predict(money, money, 0 * money, money)["expected_value"]
    assert (np.diff(expected) > 0).all()


def test_cents_instead_of_euros_give_a_hundred_times_the_money():
    mean, actual, low, high = snapshot(1500)
    trees = noisy(mean, 1)
    euros = ValueStacking.fit(mean, trees, actual, low, high).predict(mean, trees, low, high)
    cents = ValueStacking.fit(*(100 * money for money in (mean, trees, actual, low, high)))
    found = cents.predict(*(100 * money for money in (mean, trees, low, high)))
    np.testing.assert_allclose(found, 100 * euros, rtol=1e-9)


@pytest.mark.parametrize("wrong", [0.4, 1.0, 2.5])
def test_intervals_too_wide_or_too_narrow_come_to_hold_eighty_per_cent(wrong):
    mean, actual, low, high = snapshot(buys=0.95)
    low, high = wrong * 0.4 * mean, wrong * 1.6 * mean
    stacking = ValueStacking.fit(mean, mean, actual, low, high)
    later_mean, later, *_ = snapshot(seed=9, buys=0.95)
    found = stacking.predict(later_mean, later_mean, wrong * 0.4 * later_mean, wrong * 1.6 * later_mean)
    inside = later.clip(found["expected_value_low"], found["expected_value_high"]) == later
    assert inside.mean() == pytest.approx(0.8, abs=0.03)
    assert stacking.coverage == pytest.approx(0.8, abs=0.02)


def test_the_interval_of_who_surely_brings_nothing_stays_a_point():
    mean, actual, low, high = snapshot(1000)
    actual, high = np.where(mean < 10, 0.0, actual), np.where(mean < 10, 0.0, high)
    found = ValueStacking.fit(mean, mean, actual, low, high).predict(mean, mean, low, high)
    assert (found["expected_value_high"][mean < 10] == 0).all()


def test_bounds_are_in_order_and_never_negative():
    mean, actual, _, high = snapshot(500)
    stacking = ValueStacking.fit(mean, noisy(mean, 1), actual - 5, 0.9 * high, high)
    found = stacking.predict(mean, noisy(mean, 2), 0.9 * high, high)
    assert (found["expected_value_low"] >= 0).all()
    assert (found["expected_value_low"] <= found["expected_value_high"]).all()


def test_every_row_is_answered_by_itself():
    mean, actual, low, high = snapshot(500)
    trees = noisy(mean, 1)
    stacking = ValueStacking.fit(mean, trees, actual, low, high)
    whole = stacking.predict(mean, trees, low, high)
    alone = stacking.predict(mean[[7]], trees[[7]], low[[7]], high[[7]])
    np.testing.assert_array_equal(alone.to_numpy(), whole.iloc[[7]].to_numpy())


def test_without_trees_the_models_alone_are_set_right():
    mean, actual, low, high = snapshot()
    stacking = ValueStacking.fit(2 * mean, None, actual, low, high)
    assert stacking.tree_weight == 0
    expected = stacking.predict(2 * mean, None, low, high)["expected_value"]
    assert expected.sum() == pytest.approx(actual.sum(), rel=0.01)


def test_where_nobody_bought_nothing_is_learned():
    mean, actual, low, high = snapshot(300)
    stacking = ValueStacking.fit(mean, mean, 0 * actual, low, high)
    np.testing.assert_allclose(stacking.predict(mean, mean, low, high)["expected_value"], mean, rtol=1e-6)
    assert "None of 300 customers" in stacking.sentences()[0]


def test_five_buyers_change_little():
    mean, _, low, high = snapshot(300)
    actual = np.where(np.arange(300) < 5, 5000.0, 0.0)
    stacking = ValueStacking.fit(mean, mean, actual, low, high)
    assert 1 / 1.5 < stacking.btyd_factor < 1.5
    assert 0.69 < stacking.tree_weight < 0.71


def test_a_stored_stacking_predicts_the_same():
    mean, actual, low, high = snapshot(500)
    trees = noisy(mean, 1)
    stacking = ValueStacking.fit(mean, trees, actual, low, high)
    again = ValueStacking.from_dict(json.loads(json.dumps(stacking.to_dict(), allow_nan=False)))
    assert again == stacking


def test_columns_that_do_not_fit_are_refused_in_a_sentence():
    mean, actual, low, high = snapshot(100)
    with pytest.raises(InputError, match="one value per customer in every column"):
        ValueStacking.fit(mean, mean[1:], actual, low, high)
    with pytest.raises(InputError, match="tree_expected is missing or infinite in 1 rows, at position 4"):
        ValueStacking.fit(mean, np.where(np.arange(100) == 4, np.nan, mean), actual, low, high)


def test_with_another_total_the_weights_stay_and_the_sum_is_that_of_the_forecast():
    mean, actual, low, high = snapshot()
    trees = noisy(mean, 1)
    learned = ValueStacking.fit(mean, trees, actual, low, high)
    today = learned.with_total(
        mean, 4 * trees, total=1.5 * actual.sum()
    )  # these trees grew in a better season
    plain = learned.predict(mean, trees, low, high)
    raised = today.predict(mean, 4 * trees, low, high)
    assert raised["expected_value"].sum() == pytest.approx(1.5 * actual.sum())
    np.testing.assert_allclose(raised, plain * raised.to_numpy().sum() / plain.to_numpy().sum(), rtol=0.02)


def test_a_forecast_of_nothing_changes_nothing():
    mean, actual, low, high = snapshot(300)
    learned = ValueStacking.fit(mean, mean, actual, low, high)
    assert learned.with_total(mean, mean, total=0.0) is learned
