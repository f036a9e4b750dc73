"""Times as people write them, in the zone of the business."""

import datetime

import pandas as pd
import pytest

from patron.errors import SettingsError, TableError
from patron.tables.history import History
from patron.tables.source import TableSource


def times(written: list[str], **settings: object) -> list[str]:
    frame = pd.DataFrame({"customer_id": range(len(written)), "order_at": written, "amount": 1.0})
    history = History.read(TableSource(frame, **settings))
    found = history.transactions.order_by("customer_id").order_at.to_pandas()
    return found.dt.strftime("%Y-%m-%d %H:%M:%S").tolist()


@pytest.mark.parametrize(
    "forms",
    [
        {
            "2024-01-31": "2024-01-31 00:00:00",
            " 2024-01-31 ": "2024-01-31 00:00:00",
            "2024-1-5": "2024-01-05 00:00:00",
            "2024/01/31": "2024-01-31 00:00:00",
            "2024-02-29": "2024-02-29 00:00:00",
            "2024-01-31 18:30": "2024-01-31 18:30:00",
            "2024-01-31T18:30:15": "2024-01-31 18:30:15",
            "2024-01-31 18:30:15.123456": "2024-01-31 18:30:15",
        },
        {
            "2024-01-31T18:30:00Z": "2024-01-31 18:30:00",
            "2024-01-31 18:30:00 UTC": "2024-01-31 18:30:00",
            "2024-01-31T18:30:00.000+02:00": "2024-01-31 16:30:00",
            "2024-01-31 18:30:00-0500": "2024-01-31 23:30:00",
        },
        {
            "31.01.2024": "2024-01-31 00:00:00",
            "31.1.2024 18:30": "2024-01-31 18:30:00",
            "31/01/2024": "2024-01-31 00:00:00",
            "02/01/2024": "2024-01-02 00:00:00",
            "31-01-2024 18:30:15": "2024-01-31 18:30:15",
        },
        {
            "01/31/2024": "2024-01-31 00:00:00",
            "1/2/2024 8:26": "2024-01-02 08:26:00",
            "1/31/2024 8:26 PM": "2024-01-31 20:26:00",
            "1/31/2024 12:05:09 am": "2024-01-31 00:05:09",
            "1/31/2024 12:05 p.m.": "2024-01-31 12:05:00",
        },
        {
            "31 Jan 2024": "2024-01-31 00:00:00",
            "31-JAN-2024": "2024-01-31 00:00:00",
            "31 January 2024 18:30": "2024-01-31 18:30:00",
            "Jan 31, 2024": "2024-01-31 00:00:00",
            "January 5 2024 6:30 PM": "2024-01-05 18:30:00",
        },
        {"2024-01-31 6:30 PM": "2024-01-31 18:30:00", "20240131": "2024-01-31 00:00:00"},
    ],
    ids=["ISO", "ISO with a zone", "day first", "month first", "named month", "others"],
)
def test_common_ways_to_write_a_time_are_read(forms):
    assert dict(zip(forms, times(list(forms)), strict=True)) == forms


def test_what_is_no_date_is_rejected_with_the_rule():
    wrong = [
        "soon",
        "2024-13-01",
        "2023-02-29",
        "31.02.2024",
        "2024",
        "epoch",
        "infinity",
        "12:30",
        "31 Jab 2024",
    ]
    frame = pd.DataFrame({"customer_id": 1, "order_at": ["2024-01-31", *wrong], "amount": 1.0})
    history = History.read(frame)
    assert history.report["transactions"].rejected == {"order_at is not a date": len(wrong)}
    assert sorted(history.rejected["transactions"]["order_at"]) == sorted(wrong)


def test_one_day_past_the_twelfth_tells_the_order_of_the_whole_column():
    assert times(["02/03/2024", "31/03/2024"]) == ["2024-03-02 00:00:00", "2024-03-31 00:00:00"]
    assert times(["02/03/2024", "03/31/2024"]) == ["2024-02-03 00:00:00", "2024-03-31 00:00:00"]


def test_dates_that_can_be_read_in_two_ways_are_not_guessed():
    with pytest.raises(
        TableError, match=r"order_at holds dates such as '02/03/2024', whose day and month cannot"
    ):
        times(["02/03/2024", "04/05/2024"])


def test_the_order_may_be_said():
    assert times(["02/03/2024"], day_first=True) == ["2024-03-02 00:00:00"]
    assert times(["02/03/2024"], day_first=False) == ["2024-02-03 00:00:00"]


def test_the_same_day_in_either_order_is_no_riddle():
    assert times(["02/02/2024"]) == ["2024-02-02 00:00:00"]


def test_several_ways_of_writing_may_stand_in_one_column():
    written = ["2024-01-31", "31.01.2024", "31/01/2024", "Jan 31, 2024", "20240131", "2024-01-31T00:00:00Z"]
    assert set(times(written)) == {"2024-01-31 00:00:00"}


def test_times_with_an_offset_become_business_time():
    written = ["2024-07-01T23:30:00Z", "2024-01-31T23:30:00-05:00", "2024-01-31 23:30:00"]
    assert times(written, time_zone="Europe/Berlin") == [
        "2024-07-02 01:30:00",  # summer time
        "2024-02-01 05:30:00",
        "2024-01-31 23:30:00",  # no zone: business time already
    ]


def test_times_without_an_offset_may_be_another_zones():
    written = ["2024-01-31 02:30:00", "2024-01-31", "2024-01-31T02:30:00Z"]
    assert times(written, time_zone="America/New_York", naive_time_zone="UTC") == [
        "2024-01-30 21:30:00",
        "2024-01-31 00:00:00",  # a day without a time of day is a business day
        "2024-01-30 21:30:00",
    ]


ZONED = pd.to_datetime(["2024-01-31 23:30"]).tz_localize("America/New_York")


@pytest.mark.parametrize(
    ("zone", "read"),
    [(None, "2024-01-31 23:30:00"), ("UTC", "2024-02-01 04:30:00"), ("Asia/Tehran", "2024-02-01 08:00:00")],
)
def test_a_zoned_column_becomes_business_time_and_else_stays_in_its_own_zone(zone, read):
    frame = pd.DataFrame({"customer_id": [1], "order_at": ZONED, "amount": [1.0]})
    history = History.read(frame, time_zones=zone)
    assert history.transactions.order_at.to_pandas().dt.strftime("%Y-%m-%d %H:%M:%S").tolist() == [read]


def test_a_zoned_column_of_a_parquet_file_is_utc_unless_a_zone_is_given(tmp_path):
    pd.DataFrame({"customer_id": [1], "order_at": ZONED, "amount": [1.0]}).to_parquet(tmp_path / "a.parquet")
    utc, local = (
        History.read(tmp_path / "a.parquet"),
        History.read(tmp_path / "a.parquet", time_zones="Asia/Tehran"),
    )
    assert (utc.first_day, local.first_day) == (datetime.date(2024, 2, 1), datetime.date(2024, 2, 1))
    assert local.transactions.order_at.to_pandas().dt.hour.tolist() == [8]


def test_naive_times_stay_as_they_are():
    frame = pd.DataFrame(
        {"customer_id": [1], "order_at": pd.to_datetime(["2024-01-31 23:30"]), "amount": [1.0]}
    )
    assert History.read(frame, time_zones="Asia/Tehran").last_day == datetime.date(2024, 1, 31)


def test_zones_may_differ_by_table():
    frame = pd.DataFrame({"customer_id": [1], "order_at": ZONED, "amount": [1.0]})
    events = pd.DataFrame({"customer_id": [1], "event_at": ZONED, "kind": ["visit"]})
    history = History.read(frame, events, time_zones={"engagement": "UTC"})
    assert history.last_day == datetime.date(2024, 1, 31)
    assert history.engagement.day.max().execute() == pd.Timestamp("2024-02-01")


def test_an_unknown_zone_is_answered_with_the_one_that_is_meant():
    with pytest.raises(SettingsError, match="time_zone 'Tehran' is unknown; perhaps 'Asia/Tehran' is meant"):
        History.read(pd.DataFrame(), time_zones="Tehran")
