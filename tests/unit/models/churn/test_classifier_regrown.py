"""Seeds, constraints, search, and trees grown again with the newest rows."""

import json

import numpy as np
import pandas as pd
import pytest

from patron.errors import RangeError
from patron.models.churn.classifier import ChurnClassifier

SMALL = {"n_estimators": 60, "num_leaves": 4, "early_stopping_rounds": 10}


def snapshot(n_customers, seed, level=0.0):
    rng = np.random.default_rng(seed)
    X = pd.DataFrame({"days_since_last": rng.integers(0, 200, n_customers), "noise": rng.random(n_customers)})
    risk = 1 / (1 + np.exp(-(X["days_since_last"] / 40 - 2.5 + level)))
    return X, (rng.random(n_customers) < risk).astype(int)


TRAIN, STOP, CALIBRATE = snapshot(1500, 1), snapshot(800, 2), snapshot(800, 3, level=1.0)


def fitted(**settings):
    return ChurnClassifier(**SMALL, **settings).fit(*TRAIN, stop=STOP, calibrate=CALIBRATE)


def test_trees_grown_again_expect_as_many_to_leave_as_left_on_the_newest_snapshot():
    probability = fitted(regrow=True).predict_proba(CALIBRATE[0])[:, 1]
    assert probability.mean() == pytest.approx(CALIBRATE[1].mean(), abs=1e-6)


def test_trees_grown_again_come_back_from_their_parts_to_the_last_bit():
    model = fitted(regrow=True, n_seeds=2, monotone={"days_since_last": 1}, search=1)
    text, meta = model.to_parts()
    again = ChurnClassifier.from_parts(text, json.loads(json.dumps(meta)))
    assert (again.predict_proba(STOP[0]) == model.predict_proba(STOP[0])).all()
    assert again.get_params() == model.get_params()


def test_more_never_lowers_the_risk_where_that_is_asked_for():
    model = fitted(monotone={"days_since_last": 1, "not there": -1})
    days = pd.DataFrame({"days_since_last": np.arange(200), "noise": 0.5})
    assert (np.diff(model.predict_proba(days)[:, 1]) >= 0).all()


def test_a_constraint_is_a_direction():
    with pytest.raises(RangeError, match="takes -1, 0 or 1 for a feature, got \\[2\\]"):
        fitted(monotone={"noise": 2})


def test_contributions_of_several_seeds_add_up_to_the_mean_log_odds():
    model = fitted(n_seeds=3, calibration=None)
    odds = model.predict_proba(STOP[0])
    log_odds = np.log(odds[:, 1] / odds[:, 0])
    left_over = log_odds - model.contributions(STOP[0]).sum(axis=1)
    assert np.ptp(left_over) < 1e-6


def test_a_search_never_ends_worse_on_the_snapshot_that_stops():
    def loss(model):
        p = np.where(STOP[1] == 1, *model.predict_proba(STOP[0])[:, ::-1].T)
        return -np.log(p).mean()

    assert loss(fitted(search=4, calibration=None)) <= loss(fitted(calibration=None)) + 1e-9
