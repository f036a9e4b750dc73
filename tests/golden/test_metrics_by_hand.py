"""Metrics worked by hand, on numbers small enough to follow."""

import numpy as np
import pandas as pd
import pytest

from patron.evaluation.metrics import calibration_table, churn_metrics, lift_table, ranking_metrics

# Ten customers, four left; two share the score 0.6, one of whom left.
LEFT = [1, 1, 0, 1, 0, 0, 1, 0, 0, 0]
P = [0.9, 0.8, 0.7, 0.6, 0.6, 0.4, 0.3, 0.2, 0.1, 0.0]


def test_auc_counts_pairs_and_halves_ties():
    # Stayers below each leaver, of 6: 0.9 → 6, 0.8 → 6, 0.6 → 4 and half a tie, 0.3 → 3: 19.5 of 24 pairs.
    assert ranking_metrics(LEFT, P)["auc"] == pytest.approx(19.5 / 24, rel=1e-15)


def test_average_precision_weighs_precision_by_the_leavers_found():
    # Cut-offs that find a leaver: 0.9 → 1/1, 0.8 → 2/2, 0.6 (both) → 3/5, 0.3 → 4/7; each finds a quarter.
    expected = (1 + 1 + 3 / 5 + 4 / 7) / 4
    assert ranking_metrics(LEFT, P)["average_precision"] == pytest.approx(expected, rel=1e-15)


def test_the_lift_of_the_first_of_ten_is_one_over_the_base_rate():
    assert ranking_metrics(LEFT, P)["top_decile_lift"] == pytest.approx(1 / 0.4)


def test_a_tie_at_the_border_of_the_decile_is_shared_out():
    # The decile of 20 is 2. Three share the highest score and two of them left: 2 · 2/3 of 5 expected.
    left = [1, 1, 0] + [1, 1, 1] + [0] * 14
    score = [9, 9, 9] + [5] * 17
    assert ranking_metrics(left, score)["top_decile_lift"] == pytest.approx((2 * 2 / 3) / (5 / 10))


def test_a_fraction_of_a_customer_belongs_to_the_top_decile_of_few():
    # 4 customers: the decile is 0.4 of the first, who left, of two: 0.4 / 0.2.
    assert ranking_metrics([1, 0, 1, 0], [4, 3, 2, 1])["top_decile_lift"] == pytest.approx(0.4 / 0.2)


def test_brier_is_the_mean_squared_error():
    squares = [0.01, 0.04, 0.49, 0.16, 0.36, 0.16, 0.49, 0.04, 0.01, 0.0]
    metrics = churn_metrics(LEFT, P)
    assert metrics["brier"] == pytest.approx(sum(squares) / 10)  # 0.176
    assert metrics["brier_skill"] == pytest.approx(1 - 0.176 / (0.4 * 0.6))


def test_skill_can_be_told_against_the_base_rate_of_training():
    # A guess of 0.3: four leavers at 0.49, six stayers at 0.09.
    assert churn_metrics(LEFT, P, base_rate=0.3)["brier_skill"] == pytest.approx(
        1 - 0.176 / ((4 * 0.49 + 6 * 0.09) / 10)
    )


def test_log_loss_is_the_mean_surprise():
    surprise = -np.log([0.9, 0.8, 1 - 0.7, 0.6, 1 - 0.6, 1 - 0.4, 0.3, 1 - 0.2, 1 - 0.1, 1.0])
    assert churn_metrics(LEFT, P)["log_loss"] == pytest.approx(surprise.mean(), rel=1e-12)


def test_calibration_error_is_the_mean_gap_over_ten_bins():
    # One customer per bin, but for the tie: both at 0.6 have the mid-rank 5 and share bin 6.
    gaps = [0.1, 0.2, 0.7, 2 * abs(0.6 - 0.5), 0.4, 0.7, 0.2, 0.1, 0.0]
    assert churn_metrics(LEFT, P)["calibration_error"] == pytest.approx(sum(gaps) / 10)


def test_bins_hold_as_many_customers_each_and_split_no_tie():
    table = calibration_table(LEFT, P, bins=3)
    # From the safest, the mid-ranks are 0.5, 1.5, 2.5 | 3.5, 4.5, 6, 6 | 7.5 …: cut at 10/3 and 20/3.
    expected = pd.DataFrame(
        {
            "bin": [1, 2, 3],
            "customers": [3, 4, 3],
            "lowest": [0.0, 0.3, 0.7],
            "highest": [0.2, 0.6, 0.9],
            "predicted": [0.1, (0.3 + 0.4 + 0.6 + 0.6) / 4, 0.8],
            "observed": [0.0, 2 / 4, 2 / 3],
        }
    )
    pd.testing.assert_frame_equal(table[list(expected)], expected)


def test_the_interval_of_a_share_is_that_of_wilson():
    # 4 of 10 with z² = 3.8415: (0.4 + 0.19207 ± 1.95996·√(0.024 + 0.0096036)) / 1.38415
    row = calibration_table([1] * 4 + [0] * 6, [0.4] * 10).iloc[0]
    assert (row["observed_low"], row["observed_high"]) == pytest.approx((0.16818, 0.68733), abs=1e-5)


def test_an_observed_share_of_none_or_all_has_an_interval_too():
    table = calibration_table([0] * 10 + [1] * 10, [0.1] * 10 + [0.9] * 10, bins=2)
    # z² / (n + z²) = 3.8415 / 13.8415 = 0.27753
    assert table["observed_low"].tolist() == pytest.approx([0, 1 - 0.27753], abs=1e-5)
    assert table["observed_high"].tolist() == pytest.approx([0.27753, 1], abs=1e-5)


def test_lift_by_fifth():
    table = lift_table(LEFT, P, bins=5)
    # Two customers each: both left; 0.7 stayed, then half of the leaver at 0.6; his other half; 0.3; nobody.
    expected = pd.DataFrame(
        {
            "bin": [1, 2, 3, 4, 5],
            "customers": [2.0] * 5,
            "leavers": [2, 0.5, 0.5, 1, 0],
            "lift": np.array([2, 0.5, 0.5, 1, 0]) / 2 / 0.4,
            "contacted": [0.2, 0.4, 0.6, 0.8, 1.0],
            "captured": np.array([2, 2.5, 3, 4, 4]) / 4,
            "cumulative_lift": np.array([2, 2.5, 3, 4, 4]) / 4 / np.array([0.2, 0.4, 0.6, 0.8, 1.0]),
        }
    )
    pd.testing.assert_frame_equal(table, expected)


def test_perfect_and_worst_predictions_have_the_extreme_values():
    left = np.repeat([0, 1], [80, 20])
    perfect, worst = churn_metrics(left, left), churn_metrics(left, 1 - left)
    assert perfect == pytest.approx(
        {
            "auc": 1,
            "average_precision": 1,
            "top_decile_lift": 5,
            "brier": 0,
            "brier_skill": 1,
            "log_loss": 0,
            "calibration_error": 0,
        },
        abs=1e-12,
    )
    assert (worst["auc"], worst["top_decile_lift"], worst["brier"], worst["calibration_error"]) == (
        0,
        0,
        1,
        1,
    )
    assert worst["average_precision"] == pytest.approx(0.2)


def test_the_base_rate_itself_has_no_skill():
    guess = churn_metrics(np.repeat([0, 1], [80, 20]), np.full(100, 0.2))
    assert guess["auc"] == 0.5
    assert guess["average_precision"] == pytest.approx(0.2)
    assert guess["top_decile_lift"] == pytest.approx(1)
    assert guess["brier"] == pytest.approx(0.16)
    assert guess["brier_skill"] == pytest.approx(0, abs=1e-15)
    assert guess["calibration_error"] == pytest.approx(0, abs=1e-15)
