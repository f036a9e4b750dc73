"""Who is looked at when, and why the others are not."""

import datetime

import pandas as pd
import pytest

from patron.errors import DateError, RangeError
from patron.snapshots.spine import make_spine, not_eligible
from patron.tables.history import History

LINES = pd.DataFrame(
    [
        ("Ann", "2024-01-05", 20.0),
        ("Ann", "2024-03-05", 20.0),
        ("Bob", "2024-01-20", 8.0),
        ("Cem", "2024-01-25", -5.0),  # a refund without its purchase
        ("Dan", "2024-01-26", 9.0),
        ("Dan", "2024-01-26", -9.0),  # given back the same day
        ("Eve", "2024-02-10", 3.0),
    ],
    columns=["customer_id", "order_at", "amount"],
)
CUSTOMERS = pd.DataFrame(
    {
        "customer_id": ["Ann", "Flo", "Gus", "Hal"],
        "acquired_at": ["2023-12-01", None, "2024-01-31", "2024-02-20"],
    }
)


def day(text: str) -> datetime.date:
    return datetime.date.fromisoformat(text)


@pytest.fixture(scope="module")
def history() -> History:
    return History.read(LINES, customers=CUSTOMERS)


def rows(table: object) -> list[tuple[str, ...]]:
    return sorted(table.to_pandas().astype(str).itertuples(index=False, name=None))


def test_customers_with_a_purchase_on_or_before_as_of_are_eligible(history):
    assert rows(make_spine(history, day("2024-01-31"))) == [("Ann", "2024-01-31"), ("Bob", "2024-01-31")]
    assert rows(make_spine(history, day("2024-01-20"))) == [("Ann", "2024-01-20"), ("Bob", "2024-01-20")]
    assert rows(make_spine(history, day("2024-01-19"))) == [("Ann", "2024-01-19")]


def test_several_days_give_one_row_per_customer_and_day(history):
    spine = make_spine(history, [day("2024-02-10"), day("2024-01-05")])
    assert rows(spine) == [
        ("Ann", "2024-01-05"),
        ("Ann", "2024-02-10"),
        ("Bob", "2024-02-10"),
        ("Eve", "2024-02-10"),
    ]
    assert spine.as_of.type().is_date()


def test_active_within_days_counts_as_of_as_the_first_day(history):
    at = day("2024-02-10")  # Bob bought 21 days before
    assert rows(make_spine(history, at, active_within_days=22)) == [
        ("Bob", "2024-02-10"),
        ("Eve", "2024-02-10"),
    ]
    assert rows(make_spine(history, at, active_within_days=21)) == [("Eve", "2024-02-10")]
    assert rows(make_spine(history, at, active_within_days=1)) == [("Eve", "2024-02-10")]


def test_whoever_is_known_but_not_eligible_is_listed_with_the_reason(history):
    never = "no purchase on or before as_of"
    assert rows(not_eligible(history, day("2024-01-31"))) == [
        ("Cem", "2024-01-31", never),
        ("Dan", "2024-01-31", never),
        ("Flo", "2024-01-31", never),
        ("Gus", "2024-01-31", never),
    ]


def test_whoever_has_not_bought_for_long_is_listed_with_that_reason(history):
    listed = rows(not_eligible(history, day("2024-02-10"), active_within_days=7))
    found = {who: reason for who, _, reason in listed}
    assert found["Ann"] == found["Bob"] == "no purchase in the last 7 days"
    assert found["Cem"] == "no purchase on or before as_of"


@pytest.mark.parametrize("active_within_days", [None, 10])
def test_every_known_customer_is_either_eligible_or_not(history, active_within_days):
    at = day("2024-03-05")
    eligible = rows(make_spine(history, at, active_within_days=active_within_days))
    others = rows(not_eligible(history, at, active_within_days=active_within_days))
    assert sorted(who for who, *_ in eligible + others) == [
        "Ann",
        "Bob",
        "Cem",
        "Dan",
        "Eve",
        "Flo",
        "Gus",
        "Hal",
    ]


def test_without_a_customers_table_only_the_transactions_tell_who_is_known():
    history = History.read(LINES)
    assert [who for who, *_ in rows(not_eligible(history, day("2024-01-31")))] == ["Cem", "Dan"]


def test_a_spine_is_computed_once(history):
    assert "patron_spine" in make_spine(history, day("2024-01-31")).get_name()


def test_a_time_of_pandas_means_its_day(history):
    assert rows(make_spine(history, pd.Timestamp("2024-01-19 18:00"))) == [("Ann", "2024-01-19")]


@pytest.mark.parametrize(
    ("as_of", "words"),
    [
        ("2024-01-04", "as_of 2024-01-04 is before the first transaction, on 2024-01-05"),
        ("2024-03-06", "as_of 2024-03-06 is after the last day of the transactions, 2024-03-05"),
    ],
)
def test_a_day_outside_the_data_is_refused(history, as_of, words):
    with pytest.raises(DateError, match=words):
        make_spine(history, day(as_of))
    with pytest.raises(DateError, match=words):
        not_eligible(history, day(as_of))


def test_a_day_before_the_first_purchase_is_refused():
    history = History.read(LINES.replace({"Ann": "Zoe", 20.0: -1.0}))
    with pytest.raises(DateError, match="as_of 2024-01-19 is before the first purchase, on 2024-01-20"):
        make_spine(history, day("2024-01-19"))


@pytest.mark.parametrize("days", [[], ["2024-01-31", "2024-01-31"]])
def test_as_of_names_each_day_once(history, days):
    with pytest.raises(DateError, match="as_of must name at least one day, and each once"):
        make_spine(history, [day(one) for one in days])


def test_a_window_of_activity_is_at_least_a_day(history):
    with pytest.raises(RangeError, match="active_within_days must be at least 1 day, got 0"):
        make_spine(history, day("2024-01-31"), active_within_days=0)
