"""What, when and how much was bought, worked by hand."""

from datetime import timedelta

import pandas as pd
import pytest


@pytest.mark.parametrize("window", [7, 30, 90, 180, 365])
def test_a_window_ends_with_as_of_and_holds_exactly_its_days(features_of, as_of, window):
    inside, outside = as_of - timedelta(days=window - 1), as_of - timedelta(days=window)
    features = features_of([("in", inside, 10.0), ("out", outside, 10.0), ("today", as_of, 10.0)])
    counted = features[[f"orders_{window}d", f"net_spend_{window}d", f"active_days_{window}d"]]
    assert counted.loc["in"].tolist() == [1, 10.0, 1]
    assert counted.loc["today"].tolist() == [1, 10.0, 1]
    assert counted.loc["out"].tolist() == [0, 0.0, 0]


def test_a_trend_runs_from_stopped_to_new(features_of):
    features = features_of(
        [
            ("stopped", "2024-05-15", 10.0),
            ("new", "2024-06-15", 10.0),
            ("gone", "2023-01-01", 10.0),
            ("steady", "2024-05-15", 10.0),
            ("steady", "2024-06-15", 10.0),
            ("grows", "2024-05-15", 10.0),
            ("grows", "2024-06-15", 20.0),
            ("grows", "2024-06-30", 10.0),
        ]
    )
    orders = {"stopped": -1.0, "new": 1.0, "gone": 0.0, "steady": 0.0, "grows": (2 - 1) / (2 + 1)}
    assert features.orders_trend_30d.to_dict() == pytest.approx(orders)
    assert features.net_spend_trend_30d["grows"] == (30 - 10) / (30 + 10)


def test_a_trend_of_spend_stays_within_its_bounds_when_refunds_prevail(features_of):
    features = features_of(
        [
            ("returns", "2024-01-01", 50.0),
            ("returns", "2024-05-15", 10.0),
            ("returns", "2024-06-15", -10.0),
            ("evens", "2024-01-01", 50.0),
            ("evens", "2024-06-15", 9.0),
            ("evens", "2024-06-30", -9.0),
        ]
    )
    assert features.net_spend_trend_30d.to_dict() == {"returns": -1.0, "evens": 0.0}


def test_active_days_count_purchase_days_not_orders(features_of):
    row = features_of([(1, "2024-06-29", 5.0), (1, "2024-06-29", 5.0), (1, "2024-06-30", -1.0)]).loc[1]
    assert (row.orders_7d, row.active_days_7d, row.net_spend_7d) == (2, 1, 9.0)


def test_rfm_is_the_fields_worked_by_hand(features_of):
    row = features_of(
        [(1, "2024-01-01", 50.0), (1, "2024-03-01", 20.0), (1, "2024-06-10", 31.0), (2, "2024-06-30", 1.0)]
    ).loc[1]
    assert row.frequency == 2
    assert row["recency"] == 31 + 29 + 31 + 30 + 31 + 9  # January to the tenth of June
    assert row["T"] == row.recency + 20
    assert row.days_since_last == 20
    assert row.monetary_value == (20.0 + 31.0) / 2


def test_two_purchases_on_one_day_are_one_occasion(features_of):
    row = features_of(
        [(1, "2024-06-01 09:00", 5.0), (1, "2024-06-01 18:00", 7.0), (1, "2024-06-30", 9.0)]
    ).loc[1]
    assert row.frequency == 1
    assert row.monetary_value == 9.0
    assert row.first_order_value == 12.0


def test_a_customer_without_a_second_purchase_has_frequency_and_money_zero(features_of):
    row = features_of([(1, "2024-06-01", 5.0), (2, "2024-06-30", 5.0)]).loc[1]
    assert (row.frequency, row["recency"], row["T"], row.monetary_value) == (0, 0, 29, 0.0)


def test_a_day_whose_refunds_outweigh_its_purchases_is_no_occasion(features_of):
    row = features_of(
        [
            (1, "2024-06-01", 5.0),
            (1, "2024-06-10", 8.0),
            (1, "2024-06-10", -8.0),
            (1, "2024-06-20", -3.0),
            (2, "2024-06-30", 1.0),
        ]
    ).loc[1]
    assert (row.frequency, row["recency"], row.days_since_last) == (0, 0, 29)
    assert row.net_spend_total == pytest.approx(2.0)


def test_a_refund_before_the_first_purchase_does_not_make_a_customer_older(features_of):
    row = features_of([(1, "2024-05-01", -3.0), (1, "2024-06-20", 9.0), (2, "2024-06-30", 1.0)]).loc[1]
    assert (row["T"], row.refunds_total, row.refund_amount_total) == (10, 1, 3.0)


def test_money_comes_out_the_same_whatever_the_order_of_the_lines(features_of):
    lines = [(1, f"2024-06-{day:02}", 0.1 * day) for day in range(1, 31)]
    there, back = features_of(lines), features_of(lines[::-1])
    assert there.loc[1].equals(back.loc[1])
    assert there.loc[1].net_spend_30d == 46.5


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


def test_first_and_last_order_are_the_purchase_days_at_either_end(features_of):
    row = features_of(
        [
            (1, "2024-01-01", -5.0),
            (1, "2024-01-05", 40.0),
            (1, "2024-02-01", 7.0),
            (1, "2024-03-01", 30.0),
            (1, "2024-04-01", -10.0),
            (2, "2024-06-30", 1.0),
        ]
    ).loc[1]
    assert (row.first_order_value, row.last_order_value) == (40.0, 30.0)


def test_the_refund_share_is_what_came_back_of_what_was_bought(features_of):
    features = features_of(
        [
            (1, "2024-06-01", 80.0),
            (1, "2024-06-30", -20.0),
            (2, "2024-06-30", 10.0),
            (3, "2024-06-01", 10.0),
            (3, "2024-06-30", -10.0),
        ]
    )
    assert features.refund_share.to_dict() == {1: 0.25, 2: 0.0, 3: 1.0}
    assert features.refunds_total.to_dict() == {1: 1, 2: 0, 3: 1}
    assert features.net_spend_total.to_dict() == {1: 60.0, 2: 10.0, 3: 0.0}


def test_cost_is_summed_where_there_is_a_cost_and_zero_elsewhere(features_of):
    with_cost = features_of([(1, "2024-06-01", 80.0, 30.0), (1, "2024-06-30", 10.0, 4.5)])
    without = features_of([(1, "2024-06-01", 80.0), (1, "2024-06-30", 10.0)])
    assert (with_cost.cost_total[1], without.cost_total[1]) == (34.5, 0.0)
