"""What the metrics accept and refuse; the numbers themselves are in tests/golden."""

import numpy as np
import pandas as pd
import pytest

from patron.errors import InputError, PatronWarning, RangeError
from patron.evaluation.metrics import (
    PROBABILITY_METRICS,
    RANKING_METRICS,
    calibration_table,
    churn_metrics,
    lift_table,
    ranking_metrics,
)

LEFT, P = [1, 0, 1, 0], [0.9, 0.2, 0.6, 0.5]


def test_every_metric_is_a_plain_number():
    metrics = churn_metrics(LEFT, P)
    assert list(metrics) == [*RANKING_METRICS, *PROBABILITY_METRICS]
    assert {type(value) for value in metrics.values()} == {float}


@pytest.mark.parametrize(("y", "word"), [([0, 0, 0], "stayed"), ([1, 1, 1], "left")])
def test_one_class_leaves_the_ranking_open_and_says_why(y, word):
    with pytest.warns(PatronWarning, match=f"all 3 customers {word}, so auc, .* are undefined"):
        metrics = churn_metrics(y, [0.1, 0.2, 0.3])
    assert all(np.isnan(metrics[name]) for name in (*RANKING_METRICS, "brier_skill"))
    assert all(np.isfinite(metrics[name]) for name in ("brier", "log_loss", "calibration_error"))


def test_one_class_has_skill_against_the_base_rate_of_training():
    with pytest.warns(PatronWarning, match="all 3 customers stayed"):
        metrics = churn_metrics([0, 0, 0], [0.1, 0.1, 0.1], base_rate=0.2)
    assert metrics["brier_skill"] == pytest.approx(1 - 0.01 / 0.04)


@pytest.mark.parametrize(
    "kind",
    [
        list,
        np.array,
        pd.Series,
        lambda values: pd.Series(values, dtype="Float64"),
        lambda values: pd.Series(values, dtype="float64[pyarrow]"),
    ],
    ids=["list", "array", "series", "nullable", "arrow"],
)
def test_numbers_come_in_any_container(kind):
    assert churn_metrics(kind(LEFT), kind(P)) == churn_metrics(LEFT, P)


def test_two_series_are_taken_by_position():
    y, p = pd.Series(LEFT), pd.Series(P, index=["a", "b", "c", "d"])
    assert churn_metrics(y, p) == churn_metrics(LEFT, P)


def test_the_same_customers_in_another_order_are_refused():
    y = pd.Series(LEFT, index=["a", "b", "c", "d"])
    with pytest.raises(InputError, match="the same customers in different orders"):
        churn_metrics(y, pd.Series(P, index=["b", "a", "c", "d"]))


@pytest.mark.parametrize(
    ("y", "p", "error", "message"),
    [
        ([], [], InputError, "y is empty"),
        ([0, 1, 2], [0.1, 0.2, 0.3], InputError, r"y must be 1 \(left\) or 0 \(stayed\), got 2"),
        ([0, 1, None], [0.1, 0.2, 0.3], InputError, "got nan"),
        ([0, 1], [0.1, 0.2, 0.3], InputError, "y 2, scores 3"),
        ([0, 1], [0.1, np.nan], InputError, "1 of 2 scores are missing or infinite"),
        ([0, 1], [0.1, 1.5], RangeError, r"p must lie in \[0, 1\], got 0.1 to 1.5"),
        ([0, 1], [-0.1, 0.5], RangeError, r"p must lie in \[0, 1\], got -0.1 to 0.5"),
    ],
)
def test_what_cannot_be_judged_is_refused(y, p, error, message):
    with pytest.raises(error, match=message):
        churn_metrics(y, p)


def test_a_base_rate_is_a_probability():
    with pytest.raises(RangeError, match=r"base_rate must lie in \[0, 1\], got 30"):
        churn_metrics(LEFT, P, base_rate=30)


def test_a_score_of_any_range_can_be_ranked():
    assert ranking_metrics(LEFT, [400, -10, 70, 60])["auc"] == 1


def test_one_score_for_all_gives_one_bin():
    table = calibration_table(LEFT, [0.5] * 4)
    assert (len(table), table["customers"].item()) == (1, 4)


def test_there_is_no_lift_where_nobody_left():
    with pytest.raises(InputError, match="none of the 3 customers left"):
        lift_table([0, 0, 0], [1, 2, 3])


@pytest.mark.parametrize("table", [calibration_table, lift_table])
def test_a_table_has_at_least_one_bin(table):
    with pytest.raises(RangeError, match="bins must be at least 1, got 0"):
        table(LEFT, P, bins=0)
