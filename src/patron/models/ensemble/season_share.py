"""Share of a year's purchases that falls into the coming horizon: `SeasonShare`, a check of the season."""

from dataclasses import dataclass
from datetime import date
from typing import Self

import numpy as np
import pandas as pd

from patron.arrays import Floats
from patron.errors import counted

__all__ = ["SeasonShare"]


@dataclass(frozen=True, slots=True)
class SeasonShare:
    """The share of a year's purchases that fell into the window of the coming horizon, in every full year.

    It needs no model and does not see growth: a check of the seasonal index, not part of it.

    Attributes
    ----------
    horizon_days
        length of the window
    shares
        (n_years,) share in [0, 1], newest year first; a year begins with the window

    Examples
    --------
    A shop that sells twice as much in the last quarter, on the last day of September:

    >>> days = pd.date_range("2022-10-01", "2023-09-30")
    >>> purchases = pd.Series(np.where(days.month >= 10, 20, 10), index=days)
    >>> share = SeasonShare.learn(purchases, as_of=date(2023, 9, 30), horizon_days=92)
    >>> share.index.round(2).tolist()
    [1.6]
    """

    horizon_days: int
    shares: tuple[float, ...]

    @classmethod
    def learn(cls, purchases: pd.Series, as_of: date, horizon_days: int) -> Self:
        """The shares of all years that are full.

        Parameters
        ----------
        purchases
            (n_days,) count of each day, indexed by the day; days without any may be missing
        as_of
            last day known
        horizon_days
            days ahead, 1 to 365
        """
        day = (np.asarray(purchases.index, dtype="datetime64[D]") - np.datetime64(as_of, "D")).astype(int)
        count = purchases.to_numpy(dtype=np.float64)
        shares = []
        for begin in range(-365, day.min(initial=0) - 2, -365):  # day `begin` is the eve of a year
            year = count[(day > begin) & (day <= begin + 365)]
            if year.sum() > 0:
                shares.append(float(count[(day > begin) & (day <= begin + horizon_days)].sum() / year.sum()))
        return cls(horizon_days, tuple(shares))

    @property
    def index(self) -> Floats:
        """(n_years,) the shares relative to a year in which every day is alike; 1 means no season."""
        return np.array(self.shares) * 365 / self.horizon_days

    def sentence(self) -> str:
        """The shares in words."""
        if not self.shares:
            return "No full year of purchases is known, so the share that falls into the horizon is unknown."
        times = ", ".join(f"{index:.2f}" for index in self.index)
        years = counted(len(self.shares), "full year")
        order = ", newest first" if len(self.shares) > 1 else ""
        return (
            f"In {years} the {self.horizon_days} days of the horizon had {times} times the purchases of "
            f"other such days{order}."
        )
