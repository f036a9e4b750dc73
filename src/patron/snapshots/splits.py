"""The snapshots that a model is trained, stopped early, calibrated and tested on.

Snapshots are split by time, never by customer: every group lies at least one horizon before the next, so that
no label of an earlier group uses days on which a later one is evaluated. A model for production holds no
snapshot out; its test is a second fit, on one horizon less. ::

    train … same season a year ago … train | stop | calibrate | as_of      choose_fit_split
                                           <- h -> <--- h ---->
    train … train | stop | calibrate | test | as_of                        choose_split
                  <- h -> <--- h ---> <-h->
"""

import datetime
import itertools
import warnings
from collections.abc import Sequence
from dataclasses import dataclass

from patron.checks import at_least
from patron.errors import DateError, HistoryTooShortError, PatronWarning, some

__all__ = ["FitSplit", "Split", "choose_fit_split", "choose_split"]

FEWEST_SNAPSHOTS = 3  # train, calibrate, test
FEWEST_TO_FIT = 2  # train, calibrate
YEAR_DAYS = 365


@dataclass(frozen=True, slots=True, kw_only=True)
class FitSplit:
    """The snapshots of one fit: the outcome windows of all are complete, and none is held out for a test.

    Parameters
    ----------
    train
        snapshots that the model learns from, oldest first; their horizons may overlap
    stop
        snapshot for early stopping; None when the history has no room for one
    calibrate
        snapshot that levels, weights and probabilities are calibrated on, the newest
    horizon_days
        days, the least distance between two groups
    same_season
        which of the snapshots lies whole years before the day that is predicted from; None when the
        history does not reach back

    Raises
    ------
    DateError
        two groups lie closer than the horizon, there is nothing to train on, or same_season is none
        of the snapshots

    Examples
    --------
    >>> import datetime
    >>> march, april = datetime.date(2024, 3, 1), datetime.date(2024, 4, 1)
    >>> FitSplit(train=(march,), stop=None, calibrate=april, horizon_days=30).dates
    (datetime.date(2024, 3, 1), datetime.date(2024, 4, 1))
    """

    train: tuple[datetime.date, ...]
    stop: datetime.date | None
    calibrate: datetime.date
    horizon_days: int
    same_season: datetime.date | None = None

    def __post_init__(self) -> None:
        _check_groups("FitSplit", self.train, [self.stop, self.calibrate], self.horizon_days)
        if self.same_season is not None and self.same_season not in self.dates:
            raise DateError(f"same_season {self.same_season} is none of the snapshots {some(self.dates)}.")

    @property
    def dates(self) -> tuple[datetime.date, ...]:
        """Every snapshot, oldest first."""
        return (*self.train, *([self.stop] if self.stop else []), self.calibrate)


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """The snapshots of one training.

    Parameters
    ----------
    train
        snapshots that the model learns from, oldest first
    stop
        snapshot for early stopping; None when the history has no room for one
    calibrate
        snapshot that probabilities are calibrated on
    test
        snapshot that the metrics come from
    horizon_days
        days, the least distance between two groups

    Raises
    ------
    DateError
        two groups lie closer than the horizon, or there is nothing to train on

    Examples
    --------
    >>> import datetime
    >>> march, april, may = (datetime.date(2024, month, 1) for month in (3, 4, 5))
    >>> Split(train=(march,), stop=None, calibrate=april, test=may, horizon_days=30).dates
    (datetime.date(2024, 3, 1), datetime.date(2024, 4, 1), datetime.date(2024, 5, 1))
    """

    train: tuple[datetime.date, ...]
    stop: datetime.date | None
    calibrate: datetime.date
    test: datetime.date
    horizon_days: int

    def __post_init__(self) -> None:
        _check_groups("Split", self.train, [self.stop, self.calibrate, self.test], self.horizon_days)

    @property
    def dates(self) -> tuple[datetime.date, ...]:
        """Every snapshot, oldest first."""
        return (*self.train, *([self.stop] if self.stop else []), self.calibrate, self.test)


def choose_fit_split(
    first_day: datetime.date,
    as_of: datetime.date,
    horizon_days: int,
    *,
    max_snapshots: int = 12,
    step_days: int | None = None,
) -> FitSplit:
    """Snapshots for a fit that knows everything until as_of, the newest first to be filled: calibrate, stop.

    The newest lies one horizon before as_of, and the earliest has at least half a horizon, and never less
    than 14 days, of history before it. One snapshot lies on the same day a year before as_of, so that the
    model has seen the season that it predicts: it stands in for its nearest neighbour, or for the oldest
    where `max_snapshots` do not reach back that far.

    Parameters
    ----------
    first_day
        first day known
    as_of
        last day known
    horizon_days
        days that a label looks ahead, ≥ 1
    max_snapshots
        the most snapshots to use, ≥ 3; the oldest are left out
    step_days
        days from one training snapshot to the next, ≥ 1; None for the horizon. Less lets the
        horizons of training snapshots overlap; they never reach into those of the other groups

    Returns
    -------
    FitSplit

    Raises
    ------
    HistoryTooShortError
        there is no room for two snapshots; the message gives the missing days and the longest horizon that
        would fit
    RangeError
        horizon_days, max_snapshots or step_days is too small

    Notes
    -----
    With a horizon of 122 to 182 days, no training snapshot fits on the same day a year before; the snapshot
    for early stopping is then moved there. With a longer horizon, the same season of an earlier year is used.

    Examples
    --------
    >>> import datetime
    >>> split = choose_fit_split(datetime.date(2023, 1, 1), datetime.date(2024, 12, 31), horizon_days=90)
    >>> split.calibrate, split.stop, split.same_season
    (datetime.date(2024, 10, 2), datetime.date(2024, 7, 4), datetime.date(2024, 1, 1))
    >>> [day.isoformat() for day in split.train]
    ['2023-04-11', '2023-07-10', '2023-10-08', '2024-01-01', '2024-04-05']
    """
    _check_numbers(horizon_days, max_snapshots)
    if step_days is not None:
        at_least("step_days", step_days, 1, "day")
    known = (as_of - first_day).days
    farthest = known - _days_before(horizon_days)  # of all snapshots, in days before as_of
    if farthest < FEWEST_TO_FIT * horizon_days:
        raise _too_short(first_day, as_of, horizon_days, FEWEST_TO_FIT)
    season = YEAR_DAYS * -(-FEWEST_TO_FIT * horizon_days // YEAR_DAYS)  # first with room after it
    stop = 2 * horizon_days if farthest >= 3 * horizon_days else None
    if stop is not None and season < 3 * horizon_days <= farthest - (season - stop):
        stop = season
    newest = (stop or horizon_days) + horizon_days
    most = max_snapshots - (1 if stop is None else 2)
    train = list(range(newest, farthest + 1, step_days or horizon_days))[:most]
    if newest <= season <= farthest and most > 1:
        train = _with_season(train, season, step_days or horizon_days, most)

    def day(days_ago: int) -> datetime.date:
        return as_of - datetime.timedelta(days=days_ago)

    return FitSplit(
        train=tuple(day(days_ago) for days_ago in reversed(train)),
        stop=None if stop is None else day(stop),
        calibrate=day(horizon_days),
        horizon_days=horizon_days,
        same_season=day(season) if season in (*train, stop) else None,
    )


def choose_split(
    first_day: datetime.date,
    as_of: datetime.date,
    horizon_days: int,
    *,
    max_snapshots: int = 12,
    as_of_dates: Sequence[datetime.date] | None = None,
) -> Split:
    """Snapshots for a training that knows nothing after as_of: test, calibrate and stop are filled first.

    Without `as_of_dates` they lie one horizon apart, ending one horizon before as_of, and the earliest has
    at least half a horizon, and never less than 14 days, of history before it.

    Parameters
    ----------
    first_day, as_of, horizon_days, max_snapshots
        as in :func:`choose_fit_split`
    as_of_dates
        snapshots to use instead; those that lie within a horizon of a later group belong to no
        group and are left out with a warning

    Returns
    -------
    Split

    Raises
    ------
    HistoryTooShortError
        there is no room for three snapshots; the message gives the missing days
    DateError
        a given snapshot lies before the first day, or its horizon ends after as_of
    RangeError
        horizon_days or max_snapshots is too small

    Warns
    -----
    PatronWarning
        given snapshots are left out

    Examples
    --------
    >>> import datetime
    >>> split = choose_split(datetime.date(2024, 1, 1), datetime.date(2024, 12, 31), horizon_days=90)
    >>> split.test, split.calibrate, split.stop, split.train
    (datetime.date(2024, 10, 2), datetime.date(2024, 7, 4), None, (datetime.date(2024, 4, 5),))
    """
    _check_numbers(horizon_days, max_snapshots)
    if as_of_dates is not None:
        return _split_given(first_day, as_of, horizon_days, max_snapshots, as_of_dates)
    horizon = datetime.timedelta(days=horizon_days)
    room = ((as_of - first_day).days - _days_before(horizon_days)) // horizon_days
    if room < FEWEST_SNAPSHOTS:
        raise _too_short(first_day, as_of, horizon_days, FEWEST_SNAPSHOTS)
    newest_first = [as_of - step * horizon for step in range(1, min(room, max_snapshots) + 1)]
    test, calibrate, *earlier = newest_first
    stop = earlier.pop(0) if len(earlier) > 1 else None
    return Split(
        train=tuple(reversed(earlier)), stop=stop, calibrate=calibrate, test=test, horizon_days=horizon_days
    )


def _check_numbers(horizon_days: int, max_snapshots: int) -> None:
    at_least("horizon_days", horizon_days, 1, "day")
    at_least("max_snapshots", max_snapshots, FEWEST_SNAPSHOTS)


def _check_groups(
    name: str, train: Sequence[datetime.date], later: Sequence[datetime.date | None], horizon_days: int
) -> None:
    if not train:
        raise DateError(f"a {name} needs at least one snapshot to train on, got none.")
    groups = [max(train), *(day for day in later if day is not None)]
    for one, next_one in itertools.pairwise(groups):
        if (next_one - one).days < horizon_days:
            raise DateError(
                f"the snapshots {one} and {next_one} lie closer than the horizon of {horizon_days} "
                "days, so that a label would look into the later group. Move them apart."
            )


def _with_season(train: list[int], season: int, step_days: int, most: int) -> list[int]:
    """The training snapshots, in days before as_of, with the season instead of its nearest or the oldest."""
    near = min(train, key=lambda days_ago: abs(days_ago - season))
    kept = set(train)
    if 2 * abs(near - season) <= step_days or len(train) == most:
        kept.remove(near)
    return sorted({*kept, season})


def _days_before(horizon_days: int) -> int:
    """Days of history before the earliest snapshot."""
    return max(horizon_days // 2, 14)


def _too_short(
    first_day: datetime.date, as_of: datetime.date, horizon_days: int, snapshots: int
) -> HistoryTooShortError:
    known, before = (as_of - first_day).days, _days_before(horizon_days)
    needed = snapshots * horizon_days + before
    longer = "is longer than" if horizon_days > known else "is too long for"
    return HistoryTooShortError(
        f"a horizon of {horizon_days} days {longer} the history from {first_day} to {as_of} ({known} days): "
        f"{'two' if snapshots == FEWEST_TO_FIT else 'three'} snapshots one horizon apart and {before} days "
        f"before the first need {needed}, so {needed - known} are missing. "
        f"Take {_longest_horizon(known, snapshots)}, or add earlier transactions."
    )


def _longest_horizon(known: int, snapshots: int) -> str:
    """The longest horizon for which that number of snapshots would fit, as part of a sentence."""
    fitting = [days for days in range(1, known + 1) if known >= snapshots * days + _days_before(days)]
    return f"a horizon of at most {fitting[-1]} days" if fitting else "a longer history"


def _split_given(
    first_day: datetime.date,
    as_of: datetime.date,
    horizon_days: int,
    max_snapshots: int,
    as_of_dates: Sequence[datetime.date],
) -> Split:
    horizon = datetime.timedelta(days=horizon_days)
    dates = sorted(set(as_of_dates), reverse=True)
    outside = [day for day in dates if day < first_day or day > as_of - horizon]
    if outside:
        raise DateError(
            f"the snapshots {some(outside)} cannot be used: a snapshot lies between the first transaction, "
            f"{first_day}, and {as_of - horizon}, one horizon of {horizon_days} days before as_of."
        )
    test = _newest(dates, as_of - horizon)
    calibrate = _newest(dates, test - horizon) if test else None
    stop = _newest(dates, calibrate - horizon) if calibrate else None
    if test is None or calibrate is None or stop is None:
        raise HistoryTooShortError(
            f"a training needs {FEWEST_SNAPSHOTS} snapshots at least {horizon_days} days apart, to train, "
            f"calibrate and test; {some(sorted(dates)) or 'none'} are fewer. Add earlier ones."
        )
    train = [day for day in dates if day <= stop - horizon]
    if not train:
        train, stop = [day for day in dates if day <= calibrate - horizon], None
    groups = 3 if stop else 2
    train = sorted(train[: max_snapshots - groups])
    split = Split(train=tuple(train), stop=stop, calibrate=calibrate, test=test, horizon_days=horizon_days)
    left_out = sorted(set(dates) - set(split.dates))
    if left_out:
        warnings.warn(
            f"{len(left_out)} snapshots are left out, since they lie within {horizon_days} days of a later "
            f"group or are more than {max_snapshots}: {some(left_out)}.",
            PatronWarning,
            stacklevel=3,
        )
    return split


def _newest(dates: Sequence[datetime.date], until: datetime.date) -> datetime.date | None:
    return next((day for day in dates if day <= until), None)
