"""The tempo of a shop: how the hours, the week and the year spread what happens in it.

Everything that happens by chance is drawn at an even tempo and then moved to the calendar: the shop has a
clock which runs fast in busy hours and stands almost still at night, and which over a full year shows as many
days as the calendar does. Purchase rates therefore stay what they are; only the moments move.
"""

from datetime import date

import numpy as np
import numpy.typing as npt

from patron.arrays import Floats
from patron.datasets.world import World
from patron.durations import DAYS_PER_YEAR

__all__ = ["Tempo"]


# Share of a day's activity in each hour from midnight on: quiet nights, a lunch bump, most in the evening.
_HOURS = np.array(
    [6, 3, 1, 1, 1, 3, 9, 20, 34, 46, 55, 61, 66, 62, 57, 56, 60, 67, 74, 80, 82, 71, 44, 21], float
)


class Tempo:
    """The clock of the shop over the days of the window.

    Parameters
    ----------
    world
        its seasons
    start
        the first day
    days
        count, the length of the window

    Examples
    --------
    Half of a week's purchases in a shop without seasons are made by Thursday, four in the afternoon:

    >>> calm = Tempo(World(yearly_amplitude=0.0, weekly_amplitude=0.0), start=date(2024, 1, 1), days=7)
    >>> round(calm.length, 6), calm.moments(np.array([3.5])).round(2)
    (7.0, array([3.67]))
    """

    def __init__(self, world: World, start: date, days: int) -> None:
        calendar = np.datetime64(start, "D") + np.arange(days)
        day_of_year = (calendar - calendar.astype("datetime64[Y]")).astype(int) + 1
        weekday = (calendar.astype(int) + 3) % 7  # day 0 of the epoch was a Thursday, and Monday is 0 here
        yearly = 1 + world.yearly_amplitude * _wave(day_of_year - world.yearly_peak, DAYS_PER_YEAR)
        weekly = 1 + world.weekly_amplitude * _wave(weekday - world.weekly_peak, 7)
        hourly = np.outer(yearly * weekly, _HOURS / _HOURS.sum()).ravel()
        self._moments = np.arange(days * 24 + 1) / 24
        self._clock = np.concatenate([[0.0], np.cumsum(hourly)])

    @property
    def length(self) -> float:
        """Days that the shop's clock shows at the end of the window."""
        return float(self._clock[-1])

    def clock(self, moments: Floats) -> Floats:
        """What the clock shows: (n,) days of even tempo, for moments in calendar days since the start."""
        return _interpolate(moments, self._moments, self._clock)

    def moments(self, clock: Floats) -> Floats:
        """The moments at which the clock shows this: (n,) calendar days since the start."""
        return _interpolate(clock, self._clock, self._moments)


def _interpolate(at: Floats, known: Floats, values: Floats) -> Floats:
    between: Floats = np.interp(at, known, values)
    return between


def _wave(distance: npt.NDArray[np.int64], period: float) -> Floats:
    return np.cos(2 * np.pi * distance / period)
