"""Changes of a rate in percentage points (`Points`) or in per cent (`Percent`).

One point more than 80 % is 81 %; one per cent more is 80.8 %.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from patron.arrays import Floats
from patron.errors import RangeError

__all__ = ["Percent", "Points"]


@dataclass(frozen=True, slots=True)
class Points:
    """A change in percentage points, added to a rate.

    Attributes
    ----------
    points
        1.0 turns 80 % into 81 %; negative for less

    Raises
    ------
    RangeError
        more than 100 points either way

    Examples
    --------
    >>> round(float(Points(1.0).of(0.80)), 4), str(Points(1.0))
    (0.81, '+1 point')
    """

    points: float

    def __post_init__(self) -> None:
        if not abs(self.points) <= 100:
            raise RangeError(f"Points must lie between -100 and 100, got {self.points!r}.")

    def of(self, rate: npt.ArrayLike) -> Floats:
        """The changed rate, any shape, clipped to [0, 1].

        Parameters
        ----------
        rate
            any shape, in [0, 1]
        """
        return np.clip(np.asarray(rate, dtype=np.float64) + self.points / 100, 0.0, 1.0)

    def __str__(self) -> str:
        return f"{self.points:+g} {'point' if abs(self.points) == 1 else 'points'}"


@dataclass(frozen=True, slots=True)
class Percent:
    """A change in per cent, a factor on a rate or an amount.

    Attributes
    ----------
    percent
        1.0 turns 80 % into 80.8 %; negative for less

    Raises
    ------
    RangeError
        below -100 or not finite

    Examples
    --------
    >>> round(float(Percent(1.0).of(0.80)), 4), str(Percent(-10.0))
    (0.808, '-10 per cent')
    """

    percent: float

    def __post_init__(self) -> None:
        if not -100 <= self.percent < np.inf:
            raise RangeError(f"Percent must be a finite number of at least -100, got {self.percent!r}.")

    def of(self, rate: npt.ArrayLike) -> Floats:
        """The changed rate, any shape, clipped to [0, 1].

        Parameters
        ----------
        rate
            any shape, in [0, 1]
        """
        return np.clip(self.of_amount(rate), 0.0, 1.0)

    def of_amount(self, amount: npt.ArrayLike) -> Floats:
        """The changed amount, any shape.

        Parameters
        ----------
        amount
            any shape, money
        """
        return np.asarray(amount, dtype=np.float64) * (1 + self.percent / 100)

    def __str__(self) -> str:
        return f"{self.percent:+g} per cent"
