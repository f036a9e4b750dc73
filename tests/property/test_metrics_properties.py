"""What is true of the metrics whatever the customers."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from patron.evaluation.metrics import (
    PROBABILITY_METRICS,
    calibration_table,
    churn_metrics,
    lift_table,
    ranking_metrics,
)


@st.composite
def outcomes_and_probabilities(draw):
    n = draw(st.integers(2, 60))
    y = np.array(draw(st.lists(st.integers(0, 1), min_size=n, max_size=n)))
    y[:2] = 0, 1
    # Few distinct values, so that ties are common.
    return y, np.array(draw(st.lists(st.integers(0, 20), min_size=n, max_size=n))) / 20


@given(outcomes_and_probabilities())
@settings(deadline=None)  # a busy machine is no failure
def test_every_metric_stays_within_its_bounds(pair):
    y, p = pair
    metrics = churn_metrics(y, p)
    for name in ("auc", "average_precision", "brier", "calibration_error"):
        assert 0 <= metrics[name] <= 1 + 1e-12
    assert 0 <= metrics["top_decile_lift"] <= 1 / y.mean() + 1e-9
    assert metrics["brier_skill"] <= 1
    assert metrics["log_loss"] >= 0


@given(outcomes_and_probabilities(), st.randoms(use_true_random=False))
@settings(deadline=None)  # a busy machine is no failure
def test_the_order_of_customers_changes_nothing(pair, chance):
    y, p = pair
    order = list(range(len(y)))
    chance.shuffle(order)
    assert churn_metrics(y[order], p[order]) == pytest.approx(churn_metrics(y, p), rel=1e-9, abs=1e-12)


@given(outcomes_and_probabilities())
@settings(deadline=None)  # a busy machine is no failure
def test_ranking_metrics_see_the_order_alone(pair):
    y, p = pair
    assert ranking_metrics(y, np.exp(7 * p) - 100) == pytest.approx(ranking_metrics(y, p), rel=1e-12)


@given(outcomes_and_probabilities())
@settings(deadline=None)  # a busy machine is no failure
def test_a_ranking_turned_round_has_the_mirrored_auc(pair):
    y, p = pair
    assert ranking_metrics(y, -p)["auc"] == pytest.approx(1 - ranking_metrics(y, p)["auc"], abs=1e-12)


@given(outcomes_and_probabilities())
@settings(deadline=None)  # a busy machine is no failure
def test_doubling_every_customer_changes_no_metric_of_the_mean(pair):
    y, p = pair
    once, twice = churn_metrics(y, p), churn_metrics(np.tile(y, 2), np.tile(p, 2))
    for name in ("auc", "average_precision", "top_decile_lift", *PROBABILITY_METRICS):
        assert twice[name] == pytest.approx(once[name], rel=1e-9, abs=1e-9)


@given(outcomes_and_probabilities(), st.integers(1, 15))
@settings(deadline=None)  # a busy machine is no failure
def test_bins_hold_every_customer_once(pair, bins):
    y, p = pair
    table = calibration_table(y, p, bins=bins)
    assert table["customers"].sum() == len(y)
    assert len(table) <= bins
    assert (table["customers"] * table["observed"]).sum() == pytest.approx(y.sum())
    assert (table["highest"].to_numpy()[:-1] < table["lowest"].to_numpy()[1:]).all()
    assert table["observed"].between(table["observed_low"], table["observed_high"]).all()


@given(outcomes_and_probabilities(), st.integers(1, 15))
@settings(deadline=None)  # a busy machine is no failure
def test_the_last_slice_reaches_every_leaver(pair, bins):
    y, p = pair
    table = lift_table(y, p, bins=bins)
    assert table["leavers"].sum() == pytest.approx(y.sum())
    assert table["captured"].is_monotonic_increasing
    assert table["captured"].iloc[-1] == 1
    assert table["cumulative_lift"].iloc[-1] == 1
