"""Calibration: from what the trees say to how often it happens."""

import json

import numpy as np
import pytest
from scipy.special import expit, logit
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression

from patron.errors import ModelError
from patron.models.churn.calibration import (
    ENOUGH_FOR_ISOTONIC,
    RANK_SHARE,
    IsotonicCalibration,
    SigmoidCalibration,
    calibration_from_dict,
    fit_calibration,
    fit_isotonic,
    fit_sigmoid,
)


def too_sure(n, seed=0):
    """Log-odds twice as far from -1 as they should be, and who left."""
    rng = np.random.default_rng(seed)
    truth = rng.normal(-1, 1, n)
    return 2 * truth + 1, (rng.random(n) < expit(truth)).astype(float)


@pytest.mark.parametrize("fit", [fit_sigmoid, fit_isotonic])
def test_overconfidence_is_cured(fit):
    calibration = fit(*too_sure(20_000))
    log_odds = np.linspace(-4, 2, 50)
    assert np.abs(calibration(log_odds) - expit((log_odds - 1) / 2)).max() < 0.05


def test_the_sigmoid_is_the_maximum_likelihood_one():
    log_odds, left = too_sure(3000)
    target = np.where(left == 1, (left.sum() + 1) / (left.sum() + 2), 1 / (3000 - left.sum() + 2))
    # Soft targets are two weighted rows each.
    peer = LogisticRegression(C=np.inf, tol=1e-10).fit(
        np.tile(log_odds, 2)[:, None], np.repeat([1, 0], 3000), sample_weight=np.append(target, 1 - target)
    )
    ours = fit_sigmoid(log_odds, left)
    assert (ours.slope, ours.intercept) == pytest.approx((peer.coef_[0, 0], peer.intercept_[0]), abs=1e-5)


def test_a_sigmoid_has_the_mean_of_what_happened():
    log_odds, left = too_sure(5000)
    assert fit_sigmoid(log_odds, left)(log_odds).mean() == pytest.approx(left.mean(), abs=2e-4)


def test_the_staircase_is_that_of_scikit_learn():
    log_odds, left = too_sure(3000)
    log_odds = log_odds.round(1)  # with ties
    raw = expit(log_odds)
    peer = IsotonicRegression(y_min=1 / 3002, y_max=1 - 1 / 3002, out_of_bounds="clip").fit(raw, left)
    ours = fit_isotonic(log_odds, left)(log_odds)
    np.testing.assert_allclose(
        ours, (1 - RANK_SHARE) * peer.predict(raw) + RANK_SHARE * raw, rtol=0, atol=1e-12
    )


def test_an_isotonic_calibration_keeps_every_order():
    log_odds, left = too_sure(3000)
    grid = np.linspace(-12, 12, 5000)
    assert (np.diff(fit_isotonic(log_odds, left)(grid)) > 0).all()


def test_no_share_goes_beyond_what_the_customers_can_show():
    log_odds, left = np.linspace(-5, 5, 1998), (np.arange(1998) >= 999).astype(float)  # perfectly told apart
    lowest, highest = fit_isotonic(log_odds, left)(np.array([-30.0, 30.0]))
    assert lowest == pytest.approx((1 - RANK_SHARE) / 2000)
    assert highest == pytest.approx(1 - (1 - RANK_SHARE) / 2000)


def test_isotonic_is_taken_where_the_rarer_class_is_large_enough():
    n = ENOUGH_FOR_ISOTONIC
    log_odds = np.linspace(-3, 3, 4 * n)
    for leavers, method in [(n, "isotonic"), (n - 1, "sigmoid"), (3 * n, "isotonic"), (3 * n + 1, "sigmoid")]:
        left = (np.arange(4 * n) >= 4 * n - leavers).astype(float)
        assert fit_calibration(log_odds, left).method == method


def test_the_method_can_be_chosen():
    log_odds, left = too_sure(200)
    assert fit_calibration(log_odds, left, "isotonic").method == "isotonic"
    assert fit_calibration(*too_sure(9000), "sigmoid").method == "sigmoid"


def test_a_sigmoid_never_turns_the_ranking_round():
    log_odds, left = too_sure(1000)
    calibration = fit_sigmoid(log_odds, 1 - left)
    assert calibration.slope == 0
    assert calibration(np.zeros(1)) == pytest.approx(1 - left.mean(), abs=2e-3)


def test_where_all_get_one_score_the_level_is_learned():
    calibration = fit_sigmoid(np.full(100, logit(0.5)), np.repeat([0.0, 1.0], [80, 20]))
    # Platt's targets: (80 · 1/82 + 20 · 21/22) / 100 = 0.200665...
    assert calibration(np.array([0.0])) == pytest.approx((80 / 82 + 20 * 21 / 22) / 100)


@pytest.mark.parametrize(
    "calibration",
    [SigmoidCalibration(0.1 + 0.2, -1 / 3), IsotonicCalibration((0.0, 1 / 3, 1.0), (0.1, 0.3, 2 / 3))],
)
def test_a_calibration_survives_json_to_the_last_bit(calibration):
    assert calibration_from_dict(json.loads(json.dumps(calibration.to_dict()))) == calibration


def test_an_unknown_calibration_is_named():
    with pytest.raises(ModelError, match="has the method 'beta'; this version knows sigmoid, isotonic"):
        calibration_from_dict({"method": "beta"})
