"""What was visible at as_of, and what came after: one rule for every feature and every label."""

import datetime

import ibis
import ibis.expr.types as ir
import pytest

from patron.errors import RangeError
from patron.snapshots.asof import ahead, visible


def day(text: str) -> datetime.date:
    return datetime.date.fromisoformat(text)


@pytest.fixture(scope="module")
def days() -> ir.Table:
    rows = [("Ann", "2024-01-01"), ("Ann", "2024-01-31"), ("Ann", "2024-02-01"), ("Bob", "2024-01-31")]
    return ibis.memtable([{"customer_id": who, "day": day(on), "spent": 1.0} for who, on in rows])


@pytest.fixture(scope="module")
def spine() -> ir.Table:
    rows = [("Ann", "2024-01-31"), ("Ann", "2024-02-01"), ("Cem", "2024-01-31")]
    return ibis.memtable([{"customer_id": who, "as_of": day(on)} for who, on in rows])


def rows(table: ir.Table, *columns: str) -> list[tuple[object, ...]]:
    return sorted(table.select(*columns).to_pandas().astype(str).itertuples(index=False, name=None))


def test_a_customer_sees_the_own_events_up_to_and_including_as_of(days, spine):
    assert rows(visible(days, spine), "customer_id", "as_of", "day", "days_ago") == [
        ("Ann", "2024-01-31", "2024-01-01", "30"),
        ("Ann", "2024-01-31", "2024-01-31", "0"),
        ("Ann", "2024-02-01", "2024-01-01", "31"),
        ("Ann", "2024-02-01", "2024-01-31", "1"),
        ("Ann", "2024-02-01", "2024-02-01", "0"),
    ]


def test_the_horizon_begins_the_day_after_as_of_and_includes_its_last(days, spine):
    assert rows(ahead(days, spine, 1), "customer_id", "as_of", "day", "days_ahead") == [
        ("Ann", "2024-01-31", "2024-02-01", "1")
    ]
    sixth = ibis.memtable({"customer_id": ["Ann"], "as_of": [day("2024-01-26")]})
    assert rows(ahead(days, sixth, 5), "days_ahead") == [("5",)]
    assert rows(ahead(days, sixth, 6), "days_ahead") == [("5",), ("6",)]


def test_the_columns_of_the_events_stay(days, spine):
    assert visible(days, spine).columns == ("customer_id", "day", "spent", "as_of", "days_ago")
    assert ahead(days, spine, 1).columns == ("customer_id", "day", "spent", "as_of", "days_ahead")


def test_days_are_whole_numbers_of_64_bits(days, spine):
    assert visible(days, spine).days_ago.type().is_int64()
    assert ahead(days, spine, 1).days_ahead.type().is_int64()


def test_other_columns_of_the_spine_do_not_matter(days, spine):
    wider = spine.mutate(spent=ibis.literal(9.0), day=ibis.literal(day("2000-01-01")))
    assert rows(visible(days, wider), "day", "spent") == rows(visible(days, spine), "day", "spent")


@pytest.mark.parametrize("horizon_days", [0, -1])
def test_a_horizon_is_at_least_a_day(days, spine, horizon_days):
    with pytest.raises(RangeError, match=f"horizon_days must be at least 1 day, got {horizon_days}"):
        ahead(days, spine, horizon_days)
