"""Metrics of money, by hand and at their ends."""

import numpy as np
import pytest

from patron.errors import InputError, RangeError
from patron.evaluation.value_metrics import decile_table, interval_metrics, value_metrics

ACTUAL = np.array([100.0, 0.0, 20.0, 0.0, 60.0])


def test_the_gini_of_the_right_order_is_one_whatever_the_amounts():
    assert value_metrics(ACTUAL, np.sqrt(ACTUAL))["gini"] == pytest.approx(1)


def test_the_gini_of_the_reverse_order_is_minus_one():
    assert value_metrics([3.0, 2.0, 1.0], [1.0, 2.0, 3.0])["gini"] == pytest.approx(-1)


def test_the_gini_by_hand():
    # 60 first, then 100, 20: areas of the curve 0, 1/3, 8/9, 1 over thirds, against 0, 5/9, 8/9, 1.
    found = (1 / 3 / 2 + (1 / 3 + 8 / 9) / 2 + (8 / 9 + 1) / 2) / 3 - 0.5
    best = (5 / 9 / 2 + (5 / 9 + 8 / 9) / 2 + (8 / 9 + 1) / 2) / 3 - 0.5
    assert value_metrics([60.0, 100.0, 20.0], [3.0, 2.0, 1.0])["gini"] == pytest.approx(found / best)


def test_the_same_expectation_of_everybody_ranks_nobody():
    metrics = value_metrics(ACTUAL, np.full(5, 36.0))
    assert metrics["gini"] == pytest.approx(0)
    assert np.isnan(metrics["spearman"])
    assert metrics["total_bias"] == pytest.approx(0)


def test_where_nobody_brought_anything_shares_are_undefined():
    metrics = value_metrics([0.0, 0.0], [1.0, 2.0])
    assert np.isnan([metrics["gini"], metrics["total_bias"], metrics["top_decile_share"]]).all()
    assert metrics["mae"] == 1.5


def test_refunds_beyond_the_purchases_are_money_too():
    metrics = value_metrics([-10.0, 40.0], [0.0, 30.0])
    assert metrics["total_bias"] == pytest.approx(0)
    assert metrics["gini"] == pytest.approx(1)


def test_points_are_left_out_of_the_open_coverage():
    found = interval_metrics([0.0, 0.0, 5.0], low=[0, 0, 6], high=[0, 0, 9])
    assert found == {"coverage": pytest.approx(2 / 3), "coverage_open": 0.0}


def test_an_interval_does_not_end_before_it_begins():
    with pytest.raises(RangeError, match="1 intervals have a high below their low"):
        interval_metrics([1.0], low=[2.0], high=[1.0])


def test_deciles_add_up_to_everything():
    rng = np.random.default_rng(0)
    actual, expected = rng.gamma(1, 10, 137), rng.gamma(1, 10, 137)
    table = decile_table(actual, expected)
    assert (table["actual"] * table["customers"]).sum() == pytest.approx(actual.sum())
    assert (table["expected"] * table["customers"]).sum() == pytest.approx(expected.sum())
    assert table["cumulative_share"].iloc[-1] == pytest.approx(1)
    assert table["expected"].is_monotonic_decreasing


@pytest.mark.parametrize(("expected", "words"), [([1.0], "actual 5, expected 1"), ([np.nan] * 5, "missing")])
def test_what_cannot_be_compared_is_refused(expected, words):
    with pytest.raises(InputError, match=words):
        value_metrics(ACTUAL, expected)
