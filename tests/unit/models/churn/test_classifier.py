"""The churn classifier: what it learns, what it refuses, and how it travels."""

import json
import pickle
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit, logit

from patron.errors import (
    InputError,
    NotFittedError,
    PatronWarning,
    RangeError,
    SettingsError,
    TableError,
    TooFewCustomersError,
)
from patron.models.churn.classifier import FEWEST_CUSTOMERS, ChurnClassifier


def customers(n, seed=0):
    """Customers whose risk is known: it rises with the days since the last order, less on the gold plan."""
    rng = np.random.default_rng(seed)
    X = pd.DataFrame(
        {
            "days_since_last": rng.integers(0, 200, n).astype(float),
            "orders_90d": rng.poisson(2, n).astype(float),
            "response_rate": np.where(rng.random(n) < 0.3, np.nan, rng.random(n)),
            "attribute_plan": rng.choice(["basic", "gold", None], n),
        },
        index=[f"customer {i}" for i in range(n)],
    )
    risk = expit(X["days_since_last"] / 40 - 2.5 - 1.5 * (X["attribute_plan"] == "gold"))
    return X, pd.Series((rng.random(n) < risk).astype("int8"), index=X.index), risk.to_numpy()


@pytest.fixture(scope="module")
def fitted():
    return ChurnClassifier().fit(
        *customers(3000)[:2], stop=customers(1000, seed=1)[:2], calibrate=customers(1500, seed=2)[:2]
    )


def test_the_risk_it_learns_is_the_risk_there_is(fitted):
    X, _, risk = customers(4000, seed=3)
    p = fitted.predict_proba(X)[:, 1]
    assert np.abs(p - risk).mean() < 0.06  # the base rate is off by 0.21
    assert np.corrcoef(p, risk)[0, 1] > 0.97


def test_probabilities_of_staying_and_leaving_add_up_to_one(fitted):
    p = fitted.predict_proba(customers(500, seed=3)[0])
    assert p.shape == (500, 2)
    np.testing.assert_allclose(p.sum(axis=1), 1, rtol=0, atol=1e-15)
    assert p.min() >= 1e-6


@pytest.mark.parametrize("calibration", ["isotonic", "sigmoid", None])
def test_nobody_is_certain_to_leave_or_to_stay(calibration):
    X = pd.DataFrame({"days_since_last": np.arange(4000.0)})
    y = X["days_since_last"] >= 2000
    p = ChurnClassifier(calibration=calibration).fit(X, y, stop=(X, y), calibrate=(X, y)).predict_proba(X)
    assert 1e-6 <= p.min() < 0.001
    assert 0.999 < p.max() <= 1 - 1e-6


def test_growing_ends_when_the_later_snapshot_gains_no_more(fitted):
    assert 1 < fitted.n_trees_ < 600


def test_the_same_rows_give_the_same_model_whatever_the_number_of_threads():
    (X, y, _), later = customers(21_000), customers(500, seed=1)[:2]
    one, two, three = (ChurnClassifier(n_jobs=n, n_estimators=20).fit(X, y, stop=later) for n in (1, 2, 3))
    np.testing.assert_array_equal(two.predict_proba(X), one.predict_proba(X))
    np.testing.assert_array_equal(three.predict_proba(X), one.predict_proba(X))


def test_another_seed_gives_another_model():
    X, y, _ = customers(2000)
    one, other = (ChurnClassifier(random_state=seed).fit(X, y).predict_proba(X) for seed in (0, 1))
    assert (one != other).any()


def test_digits_beyond_float32_change_no_score(fitted):
    X, _, _ = customers(500, seed=3)
    nearly = X.assign(
        days_since_last=X["days_since_last"] * (1 + 1e-12), orders_90d=X["orders_90d"] * (1 - 1e-13)
    )
    np.testing.assert_array_equal(fitted.predict_proba(nearly), fitted.predict_proba(X))


def test_columns_are_found_by_name_and_extra_ones_ignored(fitted):
    X, _, _ = customers(200, seed=3)
    shuffled = X[X.columns[::-1]].assign(customer_id=range(200), as_of=pd.Timestamp("2024-01-01"))
    np.testing.assert_array_equal(fitted.predict_proba(shuffled), fitted.predict_proba(X))


def test_a_level_never_seen_counts_as_missing(fitted):
    X, _, _ = customers(100, seed=3)
    new, missing = X.assign(attribute_plan="platinum"), X.assign(attribute_plan=None)
    np.testing.assert_array_equal(fitted.predict_proba(new), fitted.predict_proba(missing))


def test_a_missing_feature_is_named(fitted):
    X, _, _ = customers(100, seed=3)
    with pytest.raises(TableError, match="X lacks 1 of the 4 features the model was trained on: orders_90d"):
        fitted.predict_proba(X.drop(columns="orders_90d"))


def test_an_infinite_number_is_named_with_its_customer(fitted):
    X, _, _ = customers(100, seed=3)
    X.loc["customer 7", "orders_90d"] = np.inf
    with pytest.raises(InputError, match="'orders_90d' of X is infinite in 1 rows, at index customer 7"):
        fitted.predict_proba(X)


def test_no_rows_give_no_probabilities(fitted):
    nobody = customers(100)[0].iloc[:0]
    assert fitted.predict_proba(nobody).shape == (0, 2)
    assert fitted.contributions(nobody).shape == (0, 4)


def test_rows_in_several_chunks_come_back_in_their_order(fitted, monkeypatch):
    X, _, _ = customers(1000, seed=3)
    whole, reasons = fitted.predict_proba(X), fitted.contributions(X)
    monkeypatch.setattr("patron.models.churn.classifier._CHUNK", 77)
    np.testing.assert_array_equal(fitted.predict_proba(X), whole)
    pd.testing.assert_frame_equal(fitted.contributions(X), reasons)


def test_contributions_add_up_to_the_log_odds_less_a_constant():
    X, y, _ = customers(1500)
    model = ChurnClassifier(calibration=None).fit(X, y)
    contributions = model.contributions(X)
    assert contributions.index.equals(X.index)
    assert list(contributions) == list(X)
    rest = logit(model.predict_proba(X)[:, 1]) - contributions.sum(axis=1)
    np.testing.assert_allclose(rest, rest.iloc[0], rtol=0, atol=1e-9)


def test_calibration_does_not_touch_the_contributions():
    X, y, _ = customers(1500)
    plain = ChurnClassifier(calibration=None).fit(X, y)
    calibrated = ChurnClassifier().fit(X, y, calibrate=customers(500, seed=2)[:2])
    pd.testing.assert_frame_equal(plain.contributions(X), calibrated.contributions(X))


def test_importance_finds_the_features_that_matter(fitted):
    table = fitted.feature_importance_
    assert list(table) == ["feature", "gain", "share", "splits"]
    assert set(table["feature"][:2]) == {"days_since_last", "attribute_plan"}
    assert table["share"].sum() == pytest.approx(1)
    assert table["gain"].is_monotonic_decreasing


@pytest.mark.parametrize("calibration", ["isotonic", "sigmoid", None])
def test_a_stored_model_predicts_the_same_to_the_last_bit(calibration):
    X, y, _ = customers(1500)
    model = ChurnClassifier(calibration=calibration, num_leaves=np.int64(7)).fit(
        X, y, calibrate=customers(500, seed=2)[:2]
    )
    text, meta = model.to_parts()
    again = ChurnClassifier.from_parts(text, json.loads(json.dumps(meta, allow_nan=False)))
    np.testing.assert_array_equal(again.predict_proba(X), model.predict_proba(X))
    pd.testing.assert_frame_equal(again.contributions(X), model.contributions(X))
    pd.testing.assert_frame_equal(again.feature_importance_, model.feature_importance_)
    assert again.get_params() == model.get_params()
    assert (again.calibration_, again.base_rate_) == (calibration, y.mean())
    assert again.to_parts() == (text, meta)


def test_what_is_stored_holds_no_customer(fitted):
    text, meta = fitted.to_parts()
    assert "customer 1" not in text + json.dumps(meta)
    assert len(text) + len(json.dumps(meta)) < 1_000_000


def test_many_threads_share_one_model(fitted):
    frames = [customers(300, seed=seed)[0] for seed in range(8)]
    alone = [(fitted.predict_proba(X), fitted.contributions(X)) for X in frames]
    stored = ChurnClassifier.from_parts(*fitted.to_parts())
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda X: (stored.predict_proba(X), stored.contributions(X)), frames * 5))
    for (p, reasons), (p_alone, reasons_alone) in zip(together, alone * 5, strict=True):
        np.testing.assert_array_equal(p, p_alone)
        pd.testing.assert_frame_equal(reasons, reasons_alone)


def test_predicting_needs_no_scikit_learn(tmp_path, fitted):
    text, meta = fitted.to_parts()
    (tmp_path / "churn.txt").write_text(text)
    (tmp_path / "meta.json").write_text(json.dumps(meta))
    code = f"""
import sys
sys.modules["sklearn"] = None
import json, pathlib, pandas as pd
from patron.models.churn.classifier import ChurnClassifier
folder = pathlib.Path({str(tmp_path)!r})
meta = json.loads((folder / "meta.json").read_text())
model = ChurnClassifier.from_parts((folder / "churn.txt").read_text(), meta)
row = pd.DataFrame({{"days_since_last": [190.0], "orders_90d": 1, "response_rate": None}})
row["attribute_plan"] = "new"
assert model.predict_proba(row)[0, 1] > 0.7
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_constant_features_give_the_base_rate_and_say_so():
    X = pd.DataFrame({"orders_90d": np.ones(400), "attribute_plan": "basic"})
    y = np.arange(400) < 100
    with pytest.warns(PatronWarning, match="none of the 2 features separates leavers from stayers"):
        model = ChurnClassifier().fit(X, y)
    np.testing.assert_allclose(model.predict_proba(X)[:, 1], 0.25, rtol=1e-9)
    np.testing.assert_array_equal(model.contributions(X), np.zeros((400, 2)))


def test_constant_features_are_calibrated_to_the_newer_base_rate():
    X = pd.DataFrame({"orders_90d": np.ones(400)})
    with pytest.warns(PatronWarning, match="none of the 1 features"):
        model = ChurnClassifier().fit(X, np.arange(400) < 100, calibrate=(X, np.arange(400) < 300))
    np.testing.assert_allclose(model.predict_proba(X)[:, 1], 0.75, atol=0.003)


def test_features_that_are_missing_throughout_are_no_obstacle():
    X, y, _ = customers(500)
    model = ChurnClassifier().fit(X.assign(days_since_visit=np.nan, attribute_region=None), y)
    assert model.n_features_in_ == 6
    assert np.ptp(model.predict_proba(X.assign(days_since_visit=3.0, attribute_region=None))[:, 1]) > 0.3


def test_a_calibration_snapshot_where_nobody_left_is_not_used():
    X, y, _ = customers(500)
    with pytest.warns(PatronWarning, match="not calibrated: all 200 customers .* stayed"):
        model = ChurnClassifier().fit(X, y, calibrate=(customers(200, seed=1)[0], np.zeros(200)))
    assert model.calibration_ is None


def test_a_calibration_snapshot_that_the_trees_cannot_rank_is_reported():
    X, y, _ = customers(2000)
    other = customers(1000, seed=1)
    with pytest.warns(PatronWarning, match="rank no better than at random"):
        model = ChurnClassifier().fit(X, y, calibrate=(other[0], 1 - other[1]))
    np.testing.assert_allclose(model.predict_proba(X)[:, 1], 1 - other[1].mean(), atol=0.005)


@pytest.mark.parametrize(("who", "word"), [(0, "stayed"), (1, "left")])
def test_one_class_alone_cannot_be_learned(who, word):
    with pytest.raises(InputError, match=f"all 300 customers {word}: there is nothing to learn"):
        ChurnClassifier().fit(customers(300)[0], np.full(300, who))


def test_too_few_customers_are_refused():
    X, y, _ = customers(FEWEST_CUSTOMERS - 1)
    with pytest.raises(TooFewCustomersError, match="at least 100 customers, got 99"):
        ChurnClassifier().fit(X, y)


def test_a_hundred_customers_are_enough():
    X, _, _ = customers(FEWEST_CUSTOMERS)
    y = np.arange(100) == 3
    with pytest.warns(PatronWarning, match="none of the 4 features"):
        model = ChurnClassifier(min_child_samples=60).fit(X, y)
    np.testing.assert_allclose(model.predict_proba(X)[:, 1], 0.01, rtol=1e-6)


@pytest.mark.parametrize(
    ("y", "message"),
    [
        ([0, 1, 2] * 100, r"y must be 1 \(left\) or 0 \(stayed\), got 2"),
        ([0, 1, None] * 100, r"y must be 1 \(left\) or 0 \(stayed\), got nan"),
        (["yes", "no", "no"] * 100, "got yes, no"),
        ([0, 1], "y has 2 values for 300 rows"),
    ],
)
def test_an_outcome_is_0_or_1_for_each_row(y, message):
    with pytest.raises(InputError, match=message):
        ChurnClassifier().fit(customers(300)[0], y)


def test_errors_in_later_snapshots_name_the_snapshot():
    X, y, _ = customers(300)
    with pytest.raises(TableError, match="the features of stop lacks 1 of the 4"):
        ChurnClassifier().fit(X, y, stop=(X.drop(columns="orders_90d"), y))
    with pytest.raises(InputError, match="y of calibrate has 299 values for 300 rows"):
        ChurnClassifier().fit(X, y, calibrate=(X, y[:-1]))
    with pytest.raises(InputError, match="stop has no rows"):
        ChurnClassifier().fit(X, y, stop=(X[:0], y[:0]))


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"n_estimators": 0}, "n_estimators must be a whole number of at least 1, got 0"),
        ({"num_leaves": 1}, "num_leaves must be a whole number of at least 2, got 1"),
        ({"max_depth": 2.5}, "max_depth must be a whole number of at least 1, got 2.5"),
        ({"learning_rate": 0.0}, r"learning_rate must lie in \(0, 1\], got 0.0"),
        ({"random_state": -1}, "random_state must be a whole number of at least 0, got -1"),
    ],
)
def test_a_setting_out_of_range_is_refused(setting, message):
    with pytest.raises(RangeError, match=message):
        ChurnClassifier(**setting).fit(*customers(300)[:2])


def test_an_unknown_calibration_is_refused():
    with pytest.raises(SettingsError, match="calibration must be one of auto, isotonic, sigmoid, got 'beta'"):
        ChurnClassifier(calibration="beta").fit(*customers(300)[:2])


@pytest.mark.parametrize("use", ["predict_proba", "contributions", "predict"])
def test_fit_comes_first(use):
    with pytest.raises(NotFittedError, match="not fitted yet"):
        getattr(ChurnClassifier(), use)(customers(300)[0])
    with pytest.raises(NotFittedError):
        ChurnClassifier().to_parts()
    assert not hasattr(ChurnClassifier(), "feature_importance_")


def test_a_fitted_model_survives_pickling_for_parallel_searches(fitted):
    X, _, _ = customers(100, seed=3)
    copied = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(copied.predict_proba(X), fitted.predict_proba(X))
