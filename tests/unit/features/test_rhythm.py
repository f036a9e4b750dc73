import pandas as pd
import pytest


def test_gaps_are_those_between_purchase_days_worked_by_hand(features_of):
    lines = [(1, day, 9.0) for day in ("2024-05-01", "2024-05-03", "2024-05-13", "2024-06-20")]
    row = features_of([*lines, (2, "2024-06-30", 1.0)]).loc[1]  # gaps of 2, 10 and 38 days
    assert row.gap_mean == pytest.approx(50 / 3)
    assert row.gap_std == pytest.approx(pd.Series([2, 10, 38]).std())
    assert (row.gap_median, row.gap_max, row.overdue_ratio) == (10, 38, 1.0)


def test_the_median_of_two_gaps_lies_between_them(features_of):
    row = features_of([(1, day, 9.0) for day in ("2024-06-01", "2024-06-03", "2024-06-30")]).loc[1]
    assert row.gap_median == (2 + 27) / 2


def test_one_gap_has_no_spread_and_no_gap_has_no_rhythm(features_of):
    features = features_of([(1, "2024-06-01", 9.0), (1, "2024-06-30", 9.0), (2, "2024-06-30", 1.0)])
    rhythm = features[["gap_mean", "gap_std", "gap_median", "gap_max", "overdue_ratio"]]
    assert rhythm.loc[1].isna().tolist() == [False, True, False, False, False]
    assert rhythm.loc[2].isna().all()


def test_equal_gaps_have_a_spread_of_exactly_zero(features_of):
    lines = [(1, f"2024-06-{day:02}", 9.0) for day in (2, 9, 16, 23, 30)]
    assert features_of(lines).loc[1].gap_std == 0.0


def test_a_day_of_refunds_does_not_break_a_gap_in_two(features_of):
    row = features_of([(1, "2024-06-01", 9.0), (1, "2024-06-11", -9.0), (1, "2024-06-30", 9.0)]).loc[1]
    assert (row.gap_mean, row.gap_max) == (29, 29)
