"""Train, stop, calibrate and test: apart by at least the horizon."""

import datetime

import pytest

from patron.errors import DateError, HistoryTooShortError, PatronWarning, RangeError
from patron.snapshots.splits import Split, choose_split

FIRST = datetime.date(2024, 1, 1)


def after(days: int) -> datetime.date:
    return FIRST + datetime.timedelta(days=days)


def numbers(split: Split) -> tuple[list[int], int | None, int, int]:
    """The snapshots as days since the first."""
    days = [(day - FIRST).days for day in split.dates]
    *train, calibrate, test = days
    return ([*train[:-1]], train[-1], calibrate, test) if split.stop else (train, None, calibrate, test)


def test_the_newest_snapshots_are_filled_first():
    # 28-day horizon, as_of day 182: snapshots on 154, 126, 98, 70, 42, 14, and 14 days before the earliest.
    assert numbers(choose_split(FIRST, after(182), 28)) == ([14, 42, 70], 98, 126, 154)


def test_a_day_less_loses_the_earliest_snapshot():
    assert numbers(choose_split(FIRST, after(181), 28)) == ([41, 69], 97, 125, 153)


def test_with_room_for_three_there_is_no_snapshot_to_stop_on():
    # Three horizons of 90 days and 45 days before them.
    assert numbers(choose_split(FIRST, after(315), 90)) == ([45], None, 135, 225)


def test_with_less_room_the_days_that_are_missing_are_counted():
    with pytest.raises(
        HistoryTooShortError,
        match=r"is too long for the history .*\(314 days\).*need 315, so 1 are missing.*at most 89 days",
    ):
        choose_split(FIRST, after(314), 90)


def test_the_horizon_that_is_suggested_works():
    with pytest.raises(HistoryTooShortError, match="at most 28 days"):
        choose_split(FIRST, after(100), 90)
    assert choose_split(FIRST, after(100), 28).train == (after(16),)


def test_a_horizon_longer_than_the_history_says_so():
    with pytest.raises(
        HistoryTooShortError,
        match=r"a horizon of 90 days is longer than the history from 2024-01-01 to 2024-03-01",
    ):
        choose_split(FIRST, after(60), 90)


def test_a_history_of_a_few_days_fits_no_horizon():
    with pytest.raises(HistoryTooShortError, match="Take a longer history"):
        choose_split(FIRST, after(10), 5)


def test_the_oldest_snapshots_are_left_out_beyond_the_most():
    split = choose_split(FIRST, after(3650), 30, max_snapshots=5)
    assert numbers(split) == ([3500, 3530], 3560, 3590, 3620)
    assert len(choose_split(FIRST, after(3650), 30).dates) == 12


def test_given_snapshots_are_used():
    days = [after(day) for day in (200, 100, 130, 20, 50, 70)]
    assert numbers(choose_split(FIRST, after(230), 30, as_of_dates=days)) == ([20, 50, 70], 100, 130, 200)


def test_given_snapshots_in_a_gap_are_left_out_with_a_warning():
    days = [after(day) for day in (20, 40, 60, 80, 100, 120)]
    with pytest.warns(
        PatronWarning, match="2 snapshots are left out, since they lie within 30 days of a later group"
    ):
        split = choose_split(FIRST, after(150), 30, as_of_dates=days)
    assert numbers(split) == ([20, 40], None, 80, 120)  # 60 is too close to 80, and 100 to 120


def test_given_snapshots_must_be_known_to_their_horizons_end():
    days = [after(day) for day in (30, 60, 90)]
    with pytest.raises(
        DateError, match=r"the snapshots 2024-03-31 cannot be used: a snapshot lies between .* and 2024-03-30"
    ):
        choose_split(FIRST, after(119), 30, as_of_dates=days)
    with pytest.raises(DateError, match="the snapshots 2023-12-31 cannot be used"):
        choose_split(FIRST, after(119), 30, as_of_dates=[after(-1), *days[:2]])


@pytest.mark.parametrize("days", [[], [30], [30, 60], [30, 40, 50, 60]])
def test_given_snapshots_must_make_three_groups(days):
    with pytest.raises(HistoryTooShortError, match="needs 3 snapshots at least 30 days apart"):
        choose_split(FIRST, after(119), 30, as_of_dates=[after(day) for day in days])


def test_settings_out_of_range_are_refused():
    with pytest.raises(RangeError, match="horizon_days must be at least 1 day"):
        choose_split(FIRST, after(100), 0)
    with pytest.raises(RangeError, match="max_snapshots must be at least 3"):
        choose_split(FIRST, after(100), 10, max_snapshots=2)


def test_a_split_whose_groups_are_too_close_cannot_be_made():
    with pytest.raises(DateError, match="2024-01-31 and 2024-02-10 lie closer than the horizon of 30 days"):
        Split(train=(after(0),), stop=after(30), calibrate=after(40), test=after(80), horizon_days=30)


def test_a_split_has_something_to_train_on():
    with pytest.raises(DateError, match="at least one snapshot to train on"):
        Split(train=(), stop=None, calibrate=after(40), test=after(80), horizon_days=30)
