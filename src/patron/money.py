"""Money and time: discounting, margins and period conversion. NumPy only; any module may use it.

Discounting is continuous: money that arrives after a time t is worth e^(-δt) of itself today, where δ is
`continuous_rate` of the annual rate that a finance department quotes. A year counts 365 days or 52 weeks,
as the published figures of the field count it.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from patron.arrays import Floats
from patron.checks import at_least, one_of, shares

__all__ = [
    "DAYS_PER_UNIT",
    "UNITS_PER_YEAR",
    "continuous_rate",
    "convert_period",
    "discount_factor",
    "discounted_time",
    "valid_margin",
]


DAYS_PER_UNIT: Mapping[str, float] = MappingProxyType({"D": 1.0, "W": 7.0, "M": 365 / 12, "Y": 365.0})
"""Days in a day, week, month and year."""

UNITS_PER_YEAR: Mapping[str, float] = MappingProxyType({"D": 365.0, "W": 52.0, "M": 12.0, "Y": 1.0})
"""Time units in a year of discounting. 52 weeks are a day short of 365 days: so the literature counts."""


def convert_period(length: npt.ArrayLike, unit: str, to: str) -> Floats:
    """The same length of time in another unit.

    Parameters
    ----------
    length
        any shape, in `unit`
    unit, to
        "D" days, "W" weeks, "M" months (a twelfth of 365 days) or "Y" years (365 days)

    Returns
    -------
    Floats
        the shape of `length`, in `to`

    Raises
    ------
    RangeError
        a unit is none of the four

    Examples
    --------
    >>> convert_period([1, 26], "W", to="D")
    array([  7., 182.])
    """
    return np.asarray(length, dtype=np.float64) * (_known(unit, DAYS_PER_UNIT) / _known(to, DAYS_PER_UNIT))


def continuous_rate(annual_rate: float, unit: str = "D") -> float:
    """The continuous discount rate δ per time unit that an annual rate amounts to.

    Parameters
    ----------
    annual_rate
        per year, at least 0; 10 % is 0.10
    unit
        the time unit of the result: "D", "W", "M" or "Y"

    Returns
    -------
    float
        per `unit`: ln(1 + annual rate) ÷ units per year

    Raises
    ------
    RangeError
        the rate is negative or not finite, or the unit is unknown

    References
    ----------
    Fader, Hardie & Lee (2005), Journal of Marketing Research 42(4), 415-430: 15 % a year is 0.0027 a week.

    Examples
    --------
    >>> round(continuous_rate(0.15, "W"), 10)
    0.0026877297
    """
    at_least("annual_discount_rate", annual_rate, 0, hint="Write 10 % as 0.10.")
    return float(np.log1p(annual_rate)) / _known(unit, UNITS_PER_YEAR)


def discount_factor(time: npt.ArrayLike, rate: float) -> Floats:
    """What one unit of money is worth today if it arrives after `time`.

    Parameters
    ----------
    time
        any shape, time units from today, may be infinite if `rate` is positive
    rate
        continuous rate δ per time unit (see `continuous_rate`)

    Returns
    -------
    Floats
        the shape of `time`, e^(-δt), between 0 and 1

    Examples
    --------
    >>> discount_factor([0, 365, 730], continuous_rate(0.25)).round(6)
    array([1.  , 0.8 , 0.64])
    """
    return np.exp(-rate * np.asarray(time, dtype=np.float64))


def discounted_time(duration: npt.ArrayLike, rate: float) -> Floats:
    """Today's value of a stream of one unit of money per time unit that lasts for `duration`.

    Parameters
    ----------
    duration
        any shape, time units, may be infinite if `rate` is positive
    rate
        continuous rate δ per time unit, at least 0

    Returns
    -------
    Floats
        the shape of `duration`, (1 - e^(-δt)) ÷ δ, and the duration itself where δ = 0

    Examples
    --------
    >>> discounted_time([30, 365, np.inf], 0.001).round(3)
    array([  29.554,  305.803, 1000.   ])
    """
    length = np.asarray(duration, dtype=np.float64)
    return length + 0.0 if rate == 0 else -np.expm1(-rate * length) / rate


def valid_margin(margin: Any) -> Floats:
    """The margin as floats, checked: a share of revenue lies between 0 and 1.

    Parameters
    ----------
    margin
        a number, or one for each customer; share of revenue in [0, 1]

    Returns
    -------
    Floats
        the shape of `margin`

    Raises
    ------
    RangeError
        a margin is missing or outside [0, 1]

    Examples
    --------
    >>> valid_margin(0.3)
    array(0.3)
    """
    return shares("margin", margin)


def _known(unit: str, table: Mapping[str, float]) -> float:
    return table[one_of("the time unit", unit, tuple(table))]
