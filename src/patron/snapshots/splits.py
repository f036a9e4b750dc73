"""Which snapshots a model is trained, stopped, calibrated and tested on.

Snapshots are split by time, never by customer: every group lies at least one horizon before the next, so
that no label of an earlier group looks into the days that a later one is judged on. ::

    train … train | stop | calibrate | test | as_of
                  <- h -> <--- h ---> <-h->
"""

import datetime
import itertools
import warnings
from collections.abc import Sequence
from dataclasses import dataclass

from patron.errors import DateError, HistoryTooShortError, PatronWarning, RangeError, some

__all__ = ["Split", "choose_split"]

FEWEST_SNAPSHOTS = 3  # train, calibrate, test


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """The snapshots of one training.

    Parameters
    ----------
    train : snapshots that the model learns from, oldest first
    stop : snapshot that says when to stop learning; None when the history has no room for one
    calibrate : snapshot that probabilities are calibrated on
    test : snapshot that the metrics come from
    horizon_days : days, the least distance between two groups

    Raises
    ------
    DateError : two groups lie closer than the horizon, or there is nothing to train on

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
        if not self.train:
            raise DateError("a Split needs at least one snapshot to train on, got none.")
        groups = [max(self.train), *([self.stop] if self.stop else []), self.calibrate, self.test]
        for earlier, later in itertools.pairwise(groups):
            if (later - earlier).days < self.horizon_days:
                raise DateError(
                    f"the snapshots {earlier} and {later} lie closer than the horizon of {self.horizon_days} "
                    "days, so that a label would look into the later group. Move them apart."
                )

    @property
    def dates(self) -> tuple[datetime.date, ...]:
        """Every snapshot, oldest first."""
        return (*self.train, *([self.stop] if self.stop else []), self.calibrate, self.test)


def choose_split(
    first_day: datetime.date,
    as_of: datetime.date,
    horizon_days: int,
    *,
    max_snapshots: int = 12,
    as_of_dates: Sequence[datetime.date] | None = None,
) -> Split:
    """Snapshots for a training that knows nothing after as_of, the newest first to be filled: test,
    calibrate, stop.

    Without `as_of_dates` they lie one horizon apart, ending one horizon before as_of, and the earliest has
    at least half a horizon, and never less than 14 days, of history before it.

    Parameters
    ----------
    first_day : day of the first transaction
    as_of : last day known
    horizon_days : days that a label looks ahead, ≥ 1
    max_snapshots : the most snapshots to use, ≥ 3; the oldest are left out
    as_of_dates : snapshots to use instead; those that lie within a horizon of a later group belong to no
        group and are left out with a warning

    Returns
    -------
    Split

    Raises
    ------
    HistoryTooShortError : there is no room for three snapshots; says how many days are missing
    DateError : a given snapshot lies before the first day, or its horizon ends after as_of
    RangeError : horizon_days or max_snapshots is too small

    Warns
    -----
    PatronWarning : given snapshots are left out

    Examples
    --------
    >>> import datetime
    >>> split = choose_split(datetime.date(2024, 1, 1), datetime.date(2024, 12, 31), horizon_days=90)
    >>> split.test, split.calibrate, split.stop, split.train
    (datetime.date(2024, 10, 2), datetime.date(2024, 7, 4), None, (datetime.date(2024, 4, 5),))
    """
    if horizon_days < 1:
        raise RangeError(f"horizon_days must be at least 1 day, got {horizon_days!r}.")
    if max_snapshots < FEWEST_SNAPSHOTS:
        raise RangeError(f"max_snapshots must be at least {FEWEST_SNAPSHOTS}, got {max_snapshots!r}.")
    if as_of_dates is not None:
        return _split_given(first_day, as_of, horizon_days, max_snapshots, as_of_dates)
    horizon = datetime.timedelta(days=horizon_days)
    before = max(horizon_days // 2, 14)
    known = (as_of - first_day).days
    room = (known - before) // horizon_days
    if room < FEWEST_SNAPSHOTS:
        needed = FEWEST_SNAPSHOTS * horizon_days + before
        longer = "is longer than" if horizon_days > known else "is too long for"
        raise HistoryTooShortError(
            f"a horizon of {horizon_days} days {longer} the history from {first_day} to {as_of} ({known} "
            f"days): three snapshots one horizon apart and {before} days before the first need {needed}, so "
            f"{needed - known} are missing. Take {_longest_horizon(known)}, or add earlier transactions."
        )
    newest_first = [as_of - step * horizon for step in range(1, min(room, max_snapshots) + 1)]
    test, calibrate, *earlier = newest_first
    stop = earlier.pop(0) if len(earlier) > 1 else None
    return Split(
        train=tuple(reversed(earlier)), stop=stop, calibrate=calibrate, test=test, horizon_days=horizon_days
    )


def _longest_horizon(known: int) -> str:
    """The longest horizon for which three snapshots would fit, in words."""
    fitting = [days for days in range(1, known + 1) if known >= FEWEST_SNAPSHOTS * days + max(days // 2, 14)]
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
