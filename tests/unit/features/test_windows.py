from datetime import timedelta

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
