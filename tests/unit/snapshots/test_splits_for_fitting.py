"""The snapshots of a fit: nothing held back, nothing leaked, and the season of a year ago among them."""

import datetime

import pytest

from patron.errors import DateError, HistoryTooShortError, RangeError
from patron.snapshots.splits import FitSplit, choose_fit_split

FIRST = datetime.date(2024, 1, 1)


def after(days: int) -> datetime.date:
    return FIRST + datetime.timedelta(days=days)


def days_ago(known: int, horizon_days: int, **settings: int) -> tuple[list[int], int | None, int, int | None]:
    """The training snapshots, the one to stop on, that to calibrate on and the same season: days before."""
    split = choose_fit_split(FIRST, after(known), horizon_days, **settings)
    before = {day: known - (day - FIRST).days for day in split.dates}
    stop = None if split.stop is None else before[split.stop]
    season = None if split.same_season is None else before[split.same_season]
    return [before[day] for day in split.train], stop, before[split.calibrate], season


def test_the_newest_matured_snapshot_calibrates_and_the_one_before_stops():
    # A horizon of 28 days and 14 days before the earliest.
    assert days_ago(154, 28) == ([140, 112, 84], 56, 28, None)


def test_with_room_for_two_there_is_no_snapshot_to_stop_on():
    assert days_ago(225, 90) == ([180], None, 90, None)


def test_with_less_room_the_days_that_are_missing_and_what_would_fit_are_said():
    with pytest.raises(
        HistoryTooShortError,
        match=r"\(224 days\): two snapshots .* need 225, so 1 are missing. Take a horizon of at most 89 days",
    ):
        choose_fit_split(FIRST, after(224), 90)
    assert choose_fit_split(FIRST, after(224), 89).train


def test_a_year_of_history_has_the_same_season_instead_of_its_nearest_neighbour():
    assert days_ago(409, 90) == ([360, 270], 180, 90, None)
    assert days_ago(410, 90) == ([365, 270], 180, 90, 365)
    assert days_ago(730, 90) == ([630, 540, 450, 365, 270], 180, 90, 365)


def test_a_season_beyond_the_most_snapshots_takes_the_place_of_the_oldest():
    assert days_ago(800, 28, max_snapshots=6) == ([365, 140, 112, 84], 56, 28, 365)


def test_a_season_between_the_oldest_snapshot_and_the_first_day_is_one_more():
    assert days_ago(400, 60) == ([365, 300, 240, 180], 120, 60, 365)


def test_a_season_within_two_horizons_of_the_stop_is_stopped_on():
    assert days_ago(800, 150) == ([665, 515], 365, 150, 365)
    assert days_ago(580, 150) == ([450], 300, 150, None)  # too short to train before it


def test_a_horizon_of_a_year_takes_the_season_of_two_years_before():
    assert days_ago(2000, 365) == ([1460, 1095], 730, 365, 730)


def test_a_finer_step_overlaps_inside_the_training_only():
    assert days_ago(250, 90, step_days=15) == ([195, 180], None, 90, None)
    assert days_ago(400, 90, step_days=30) == ([330, 300, 270], 180, 90, None)


def test_a_training_of_one_snapshot_keeps_the_newest():
    assert days_ago(800, 90, max_snapshots=3) == ([270], 180, 90, None)


def test_a_fit_split_that_would_leak_a_day_cannot_be_made():
    with pytest.raises(DateError, match="2024-01-01 and 2024-01-30 lie closer than the horizon of 30 days"):
        FitSplit(train=(after(0),), stop=None, calibrate=after(29), horizon_days=30)
    with pytest.raises(DateError, match="a FitSplit needs at least one snapshot to train on"):
        FitSplit(train=(), stop=None, calibrate=after(29), horizon_days=30)


def test_the_same_season_is_one_of_the_snapshots():
    with pytest.raises(DateError, match="same_season 2024-01-05 is none of the snapshots"):
        FitSplit(train=(after(0),), stop=None, calibrate=after(30), horizon_days=30, same_season=after(4))


def test_a_step_is_at_least_a_day():
    with pytest.raises(RangeError, match="step_days must be at least 1 day, got 0"):
        choose_fit_split(FIRST, after(400), 90, step_days=0)
