"""Churn by engagement, by contract, and by each customer's own rhythm."""

import datetime

import pandas as pd
import pytest

from patron.errors import RangeError, SettingsError
from patron.snapshots.churn_window import adaptive_windows
from patron.snapshots.labels import audit_windows, make_labels
from patron.snapshots.spine import make_spine, not_eligible
from patron.tables.activity import ChurnDefinition
from patron.tables.history import History

AS_OF = datetime.date(2024, 1, 31)
TODAY = datetime.date(2024, 12, 31)

LINES = pd.DataFrame(
    [("Ann", "2024-01-01", 5.0), ("Bob", "2024-02-10", 5.0), ("Eve", "2024-03-31", 5.0)],
    columns=["customer_id", "order_at", "amount"],
)
EVENTS = pd.DataFrame(
    [
        ("Ann", "2024-01-05", "visit"),
        ("Ann", "2024-02-05", "email_sent"),  # what is sent to her is no activity of hers
        ("Bob", "2024-01-31", "visit"),
        ("Bob", "2024-02-01", "visit"),
        ("Cem", "2024-01-20", "email_sent"),
        ("Cem", "2024-03-31", "visit"),
    ],
    columns=["customer_id", "event_at", "kind"],
)
CONTRACTS = pd.DataFrame(
    [
        ("runs on", "2024-01-01", None),
        ("ends", "2024-01-01", "2024-02-01"),
        ("ends late", "2024-01-01", "2024-03-02"),  # the day after a horizon of 30 days
        ("ended before", "2023-01-01", "2024-01-31"),
        ("renews", "2024-01-01", "2024-02-10"),
        ("renews", "2024-02-10", None),
        ("comes back and goes", "2024-01-01", "2024-02-10"),
        ("comes back and goes", "2024-02-15", "2024-02-20"),
        ("begins later", "2024-02-01", None),
        ("latest", "2024-04-30", None),
    ],
    columns=["customer_id", "started_at", "ended_at"],
)

ADAPTIVE = ChurnDefinition(window="adaptive")


def churned(history: History, horizon_days: int = 30) -> dict[str, int]:
    found = make_labels(history, make_spine(history, AS_OF), horizon_days).to_pandas()
    return dict(sorted(zip(found.customer_id, found.churned, strict=True)))


def test_with_engagement_whoever_does_nothing_in_the_horizon_has_churned():
    history = History.read(LINES, EVENTS, churn=ChurnDefinition(activity="engagement"))
    assert churned(history) == {"Ann": 1, "Bob": 0}
    found = make_labels(history, make_spine(history, AS_OF), 30).order_by("customer_id").to_pandas()
    assert found.purchases.tolist() == [0, 1]  # what is bought stays what it is


def test_with_an_event_log_alone_purchases_and_value_count_active_days():
    history = History.read(engagement=EVENTS)
    found = make_labels(history, make_spine(history, AS_OF), 60).order_by("customer_id").to_pandas()
    assert found[["churned", "purchases", "value"]].values.tolist() == [[1, 0, 0.0], [0, 1, 1.0]]


def test_whoever_was_only_written_to_is_not_eligible():
    history = History.read(engagement=EVENTS)
    found = not_eligible(history, datetime.date(2024, 2, 5)).to_pandas()
    assert dict(zip(found.customer_id, found.not_scored_reason, strict=True)) == {
        "Cem": "no event on or before as_of"
    }


def test_with_contracts_the_end_of_the_last_one_is_churn():
    history = History.read(subscriptions=CONTRACTS, today=TODAY)
    assert churned(history) == {
        "comes back and goes": 1,
        "ends": 1,
        "ends late": 0,
        "renews": 0,
        "runs on": 0,
    }


def test_whoever_has_no_contract_that_runs_is_not_eligible():
    history = History.read(subscriptions=CONTRACTS, today=TODAY)
    found = not_eligible(history, AS_OF).to_pandas()
    assert dict(zip(found.customer_id, found.not_scored_reason, strict=True)) == {
        "ended before": "no contract that runs on as_of"
    }


def test_contracts_without_an_end_never_churn():
    history = History.read(subscriptions=CONTRACTS.drop(columns="ended_at"), today=TODAY)
    assert set(churned(history).values()) == {0}


def weekly_and_monthly() -> History:
    """A customer of every 7 days, one of every 30, and one who has bought once; the first stops on as_of."""
    days = [("week", AS_OF - datetime.timedelta(days=7 * number)) for number in range(20)]
    days += [("month", AS_OF + datetime.timedelta(days=30 * number)) for number in range(-10, 3)]
    days += [("week", AS_OF + datetime.timedelta(days=40)), ("once", AS_OF)]
    frame = pd.DataFrame(days, columns=["customer_id", "order_at"]).assign(amount=5.0)
    return History.read(frame)


def test_a_window_of_ones_own_follows_ones_own_gaps():
    history = weekly_and_monthly()
    found = adaptive_windows(history, make_spine(history, AS_OF), 60).to_pandas()
    window = dict(zip(found.customer_id, found.window_days, strict=True))
    # 90 % of all 29 gaps are at most 30 days; of 19 gaps of 7: exp((19 log 7 + 5 log 30) / 24) = 9.5.
    assert window == {"week": 10, "month": 30, "once": 30}


def test_a_weekly_customer_has_churned_after_two_weeks_and_a_monthly_one_has_not():
    history = weekly_and_monthly()
    assert churned(history, 60) == {"month": 0, "once": 1, "week": 0}
    adaptive = history.with_churn(ADAPTIVE)
    assert churned(adaptive, 60) == {"month": 0, "once": 1, "week": 1}


def test_a_window_is_never_longer_than_the_horizon():
    history = weekly_and_monthly()
    found = adaptive_windows(history, make_spine(history, AS_OF), 5).to_pandas()
    assert found.window_days.unique().tolist() == [5]


def test_a_window_is_the_same_when_the_future_is_deleted():
    history = weekly_and_monthly()
    tables = [
        adaptive_windows(known, make_spine(known, AS_OF), 60).order_by("customer_id").to_pandas()
        for known in (history, history.until(AS_OF))
    ]
    pd.testing.assert_frame_equal(*tables)


def test_the_audit_counts_who_came_back_after_each_silence():
    days = [("back", 0), ("back", 35), ("gone", 0), ("loyal", 0), ("loyal", 10), ("last", 60)]
    frame = pd.DataFrame(days, columns=["customer_id", "order_at"]).assign(amount=5.0)
    frame["order_at"] = pd.Timestamp("2024-01-01") + pd.to_timedelta(frame.order_at, unit="D")
    found = audit_windows(History.read(frame), windows=(30, 365), horizon_days=30)
    assert found.window.tolist() == ["30 days", "own, at most 30 days"]  # a year is longer than the history
    row = found.iloc[0]
    assert (row.customers, row.churned, row.came_back, row.came_back_share) == (3, 2, 1, 0.5)


def test_contracts_have_neither_an_adaptive_window_nor_an_audit():
    history = History.read(subscriptions=CONTRACTS, today=TODAY)
    with pytest.raises(SettingsError, match='churn_window "adaptive" needs gaps'):
        churned(history.with_churn(ADAPTIVE))
    assert audit_windows(history).empty


def test_an_unknown_window_is_refused():
    with pytest.raises(RangeError, match=r"churn\.window must be one of fixed, adaptive, got 'own'"):
        ChurnDefinition(window="own")
