"""Value trees: what they learn, what they refuse, and how they travel."""

import json

import numpy as np
import pandas as pd
import pytest

from patron.errors import (
    InputError,
    NotFittedError,
    RangeError,
    SettingsError,
    TableError,
    TooFewCustomersError,
)
from patron.models.ensemble.value_trees import ValueTrees

KINDS = pytest.mark.parametrize("kind", ["two-part", "tweedie"])


def customers(n, seed=0):
    """Customers whose expected money is known: chance to buy 0.1 to 0.7, mean 40 or 80 on the gold plan."""
    rng = np.random.default_rng(seed)
    X = pd.DataFrame(
        {
            "orders_90d": rng.integers(0, 7, n).astype(float),
            "response_rate": np.where(rng.random(n) < 0.3, np.nan, rng.random(n)),
            "attribute_plan": rng.choice(["basic", "gold"], n),
        }
    )
    chance = 0.1 + 0.1 * X["orders_90d"].to_numpy()
    mean = np.where(X["attribute_plan"] == "gold", 80.0, 40.0)
    value = (rng.random(n) < chance) * rng.gamma(3.0, mean / 3.0)
    return X, value, chance * mean


@KINDS
def test_the_money_they_expect_is_the_money_there_is(kind):
    X, _, expected = customers(3000, seed=2)
    model = ValueTrees(kind=kind).fit(*customers(6000)[:2], stop=customers(3000, seed=1)[:2])
    found = model.predict(X)
    assert np.corrcoef(found, expected)[0, 1] > 0.95
    assert found.sum() == pytest.approx(expected.sum(), rel=0.06)
    assert (found >= 0).all()


@KINDS
def test_cents_instead_of_euros_give_a_hundred_times_the_money(kind):
    X, value, _ = customers(1500)
    euros, cents = (ValueTrees(kind=kind).fit(X, value * unit).predict(X) for unit in (1, 128))
    np.testing.assert_allclose(cents, 128 * euros, rtol=1e-6)


@KINDS
def test_stored_trees_predict_the_same_and_stay_small(kind):
    X, value, _ = customers(4000)
    text, meta = ValueTrees(kind=kind, early_stopping_rounds=100).fit(X, value).to_parts()
    assert len(text.encode()) < 300_000
    again = ValueTrees.from_parts(text, json.loads(json.dumps(meta, allow_nan=False)))
    np.testing.assert_array_equal(
        again.predict(X), ValueTrees(kind=kind, early_stopping_rounds=100).fit(X, value).predict(X)
    )


@KINDS
def test_where_nobody_bought_nothing_is_expected(kind):
    X, _, _ = customers(200)
    model = ValueTrees(kind=kind).fit(X, np.zeros(200))
    np.testing.assert_array_equal(model.predict(X), np.zeros(200))
    text, meta = model.to_parts()
    np.testing.assert_array_equal(ValueTrees.from_parts(text, meta).predict(X), np.zeros(200))


@KINDS
def test_where_few_bought_everybody_gets_their_mean(kind):
    X, _, _ = customers(200)
    value = np.where(np.arange(200) < 10, 30.0, 0.0)
    np.testing.assert_allclose(ValueTrees(kind=kind).fit(X, value).predict(X), 10 / 200 * 30.0)


def test_where_all_bought_only_the_amount_differs():
    X, _, expected = customers(2000)
    value = 10 + expected
    found = ValueTrees().fit(X, value).predict(X)
    assert np.corrcoef(found, value)[0, 1] > 0.95


@KINDS
def test_money_paid_back_counts_as_nothing_bought(kind):
    X, value, _ = customers(1000)
    refunded = np.where(value == 0, -25.0, value)
    np.testing.assert_array_equal(
        ValueTrees(kind=kind).fit(X, refunded).predict(X), ValueTrees(kind=kind).fit(X, value).predict(X)
    )


@KINDS
def test_trees_grown_again_are_as_many_and_know_the_newer_rows(kind):
    X, value, _ = customers(3000)
    newer, twice, expected = customers(3000, seed=1)
    first = ValueTrees(kind=kind).fit(X, value)
    again = first.regrow(newer, 2 * twice)
    assert again.n_trees_ == first.n_trees_
    assert again.predict(newer).sum() == pytest.approx(2 * expected.sum(), rel=0.06)
    assert first.predict(newer).sum() == pytest.approx(expected.sum(), rel=0.06)


def test_a_later_snapshot_without_buyers_still_ends_the_growing():
    X, value, _ = customers(1000)
    assert np.isfinite(ValueTrees().fit(X, value, stop=(X, np.zeros(1000))).predict(X)).all()


def test_the_number_of_threads_changes_nothing():
    X, value, _ = customers(1000)
    one, two = (ValueTrees(n_jobs=n, n_estimators=20).fit(X, value).predict(X) for n in (1, 2))
    np.testing.assert_array_equal(one, two)


def test_columns_are_found_by_name_and_one_that_is_missing_is_named():
    X, value, _ = customers(500)
    model = ValueTrees(n_estimators=20).fit(X, value)
    np.testing.assert_array_equal(model.predict(X[X.columns[::-1]].assign(note="extra")), model.predict(X))
    with pytest.raises(TableError, match="orders_90d"):
        model.predict(X.drop(columns="orders_90d"))


def test_what_cannot_be_learned_from_is_refused_in_a_sentence():
    X, value, _ = customers(200)
    with pytest.raises(InputError, match="missing or infinite in 1 rows, at position 3"):
        ValueTrees().fit(X, np.where(np.arange(200) == 3, np.nan, value))
    with pytest.raises(InputError, match="199 values for 200 rows"):
        ValueTrees().fit(X, value[1:])
    with pytest.raises(TooFewCustomersError, match="at least 100 customers, got 50"):
        ValueTrees().fit(X[:50], value[:50])
    with pytest.raises(NotFittedError):
        ValueTrees().predict(X)


@pytest.mark.parametrize(
    ("settings", "error"),
    [
        ({"kind": "three-part"}, SettingsError),
        ({"n_estimators": 0}, RangeError),
        ({"num_leaves": 1}, RangeError),
        ({"learning_rate": 0.0}, RangeError),
        ({"n_jobs": 0}, RangeError),
    ],
)
def test_a_setting_out_of_range_is_named(settings, error):
    X, value, _ = customers(200)
    with pytest.raises(error, match=next(iter(settings))):
        ValueTrees(**settings).fit(X, value)
