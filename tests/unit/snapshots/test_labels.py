"""Churned, purchases and value: decided in the horizon, and nowhere else."""

import datetime

import pandas as pd
import pytest

from patron.errors import HistoryTooShortError, RangeError
from patron.snapshots.labels import make_labels
from patron.snapshots.spine import make_spine
from patron.tables.history import History

AS_OF = datetime.date(2024, 1, 31)
LINES = pd.DataFrame(
    [
        ("Ann", "2024-01-31", 20.0),  # as_of itself is history
        ("Bob", "2024-01-01", 8.0),
        ("Bob", "2024-02-01 09:00", 8.0),  # first day of the horizon
        ("Bob", "2024-02-01 18:00", 2.0),  # the same occasion
        ("Bob", "2024-02-10", 5.0),  # last day of a horizon of 10
        ("Cem", "2024-01-01", 4.0),
        ("Cem", "2024-02-05", -4.0),  # only a refund
        ("Dan", "2024-01-01", 1.0),
        ("Dan", "2024-02-11", 1.0),  # a day too late
        ("Eve", "2024-02-02", 1.0),  # not a customer yet
    ],
    columns=["customer_id", "order_at", "amount"],
)


@pytest.fixture(scope="module")
def history() -> History:
    return History.read(LINES)


def labels(history: History, horizon_days: int) -> pd.DataFrame:
    table = make_labels(history, make_spine(history, AS_OF), horizon_days)
    return table.order_by("customer_id").to_pandas().set_index("customer_id")


def test_labels_are_decided_by_the_days_after_as_of_up_to_the_horizon(history):
    found = labels(history, 10)
    assert found.churned.to_dict() == {"Ann": 1, "Bob": 0, "Cem": 1, "Dan": 1}
    assert found.purchases.to_dict() == {"Ann": 0, "Bob": 2, "Cem": 0, "Dan": 0}
    assert found.value.to_dict() == {"Ann": 0.0, "Bob": 15.0, "Cem": -4.0, "Dan": 0.0}


def test_a_day_more_or_less_of_horizon_counts_or_does_not(history):
    assert labels(history, 9).purchases["Bob"] == 1
    assert labels(history, 11).churned["Dan"] == 0


def test_labels_have_exactly_the_rows_of_the_spine_and_fixed_types(history):
    found = labels(history, 10)
    assert set(found.as_of) == {pd.Timestamp(AS_OF)}
    assert found[["churned", "purchases", "value"]].dtypes.astype(str).tolist() == [
        "int8",
        "int64",
        "float64",
    ]
    assert len(found) == 4


def test_several_snapshots_have_labels_of_their_own(history):
    spine = make_spine(history, [datetime.date(2024, 1, 1), AS_OF])
    found = make_labels(history, spine, 10).to_pandas()
    assert len(found) == 3 + 4
    assert found[found.as_of < pd.Timestamp(AS_OF)].churned.tolist() == [1, 1, 1]


def test_a_horizon_that_ends_on_the_last_day_is_known(history):
    assert len(labels(history, 11)) == 4


def test_a_horizon_that_ends_later_is_refused_with_what_would_fit(history):
    with pytest.raises(
        HistoryTooShortError,
        match=r"ends on 2024-02-12, but the last day known is 2024-02-11.*before 2024-01-30",
    ):
        labels(history, 12)


def test_what_until_left_out_is_unknown(history):
    with pytest.raises(HistoryTooShortError, match="the last day known is 2024-02-05"):
        labels(history.until(datetime.date(2024, 2, 5)), 10)


def test_a_horizon_is_at_least_a_day(history):
    with pytest.raises(RangeError, match="horizon_days must be at least 1 day, got 0"):
        labels(history, 0)
