"""The seasonality of a shop: intensity by hour of the day, weekday and day of the year.

Events are drawn at constant intensity in operational time and then mapped to calendar time. Operational time
runs fast in busy hours and almost stands still at night; over a full year it is as long as the calendar.
Purchase rates therefore keep their size; only the moments move.
"""

from datetime import date

import numpy as np
import numpy.typing as npt

from patron.arrays import Floats
from patron.datasets.world import World
from patron.durations import DAYS_PER_YEAR

__all__ = ["SeasonalClock"]


# Relative intensity of each hour from midnight on: quiet nights, a lunch bump, most in the evening.
_HOURS = np.array(
    [6, 3, 1, 1, 1, 3, 9, 20, 34, 46, 55, 61, 66, 62, 57, 56, 60, 67, 74, 80, 82, 71, 44, 21], float
)


class SeasonalClock:
    """Maps calendar time to operational time, and back, over the days of the window.

    Parameters
    ----------
    world
        its yearly and weekly seasonality
    start
        the first day
    days
        count, the length of the window

    Examples
    --------
    Half of a week's purchases in a shop without seasons are made by Thursday, four in the afternoon:

    >>> even = World(yearly_amplitude=0.0, weekly_amplitude=0.0)
    >>> calm = SeasonalClock(even, start=date(2024, 1, 1), days=7)
    >>> round(calm.length, 6), calm.calendar_time(np.array([3.5])).round(2)
    (7.0, array([3.67]))
    """

    def __init__(self, world: World, start: date, days: int) -> None:
        calendar = np.datetime64(start, "D") + np.arange(days)
        day_of_year = (calendar - calendar.astype("datetime64[Y]")).astype(int) + 1
        weekday = (calendar.astype(int) + 3) % 7  # day 0 of the epoch was a Thursday, and Monday is 0 here
        yearly = 1 + world.yearly_amplitude * _wave(day_of_year - world.yearly_peak, DAYS_PER_YEAR)
        weekly = 1 + world.weekly_amplitude * _wave(weekday - world.weekly_peak, 7)
        hourly = np.outer(yearly * weekly, _HOURS / _HOURS.sum()).ravel()
        self._calendar = np.arange(days * 24 + 1) / 24
        self._operational = np.concatenate([[0.0], np.cumsum(hourly)])

    @property
    def length(self) -> float:
        """Operational time at the end of the window, in days."""
        return float(self._operational[-1])

    def operational_time(self, at: Floats) -> Floats:
        """Operational time: (n,) days of constant intensity, from calendar days since the start.

        Parameters
        ----------
        at
            (n,) calendar days since the start
        """
        return _interpolate(at, self._calendar, self._operational)

    def calendar_time(self, at: Floats) -> Floats:
        """Calendar time: (n,) days since the start, from operational time.

        Parameters
        ----------
        at
            (n,) days of constant intensity
        """
        return _interpolate(at, self._operational, self._calendar)


def _interpolate(at: Floats, known: Floats, values: Floats) -> Floats:
    return np.interp(at, known, values)


def _wave(distance: npt.NDArray[np.int64], period: float) -> Floats:
    return np.cos(2 * np.pi * distance / period)
