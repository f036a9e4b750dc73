"""Whole months, quarters or years: what the indicators are counted by."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

import ibis
import ibis.expr.types as ir

from patron.errors import DateError

__all__ = ["Every", "Period", "in_table", "number_of", "whole_periods"]

Every = Literal["month", "quarter", "year"]

_MONTHS = {"month": 1, "quarter": 3, "year": 12}


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """One month, quarter or year.

    Attributes
    ----------
    number
        months, quarters or years since the year 0: the next period has the next number
    start, end
        its first and last day
    per_year
        how many of its kind make a year

    Examples
    --------
    >>> Period(number=24290, start=date(2024, 3, 1), end=date(2024, 3, 31), per_year=12).before
    datetime.date(2024, 2, 29)
    """

    number: int
    start: date
    end: date
    per_year: int

    @property
    def before(self) -> date:
        """The last day before it, at whose end a customer is active at the start or not."""
        return self.start - timedelta(days=1)


def whole_periods(first: date, last: date, every: Every) -> list[Period]:
    """The calendar periods that lie within two days as a whole.

    Parameters
    ----------
    first, last
        the first and the last day that count
    every
        "month", "quarter" or "year"

    Returns
    -------
    list[Period]
        list of `Period`, in order of time; days at either end that make no whole period are in none

    Raises
    ------
    DateError
        `last` is before `first`, or no whole period lies between them

    Examples
    --------
    >>> [str(one.start) for one in whole_periods(date(2024, 1, 15), date(2024, 7, 3), "quarter")]
    ['2024-04-01']
    """
    if last < first:
        raise DateError(f"The last day, {last}, is before the first, {first}. Swap --from and --to.")
    months, found = _MONTHS[every], []
    number = (first.year * 12 + first.month - 1) // months
    while True:
        start, end = _first_day(number * months), _first_day((number + 1) * months) - timedelta(days=1)
        if end > last:
            break
        if start >= first:
            found.append(Period(number=number, start=start, end=end, per_year=12 // months))
        number += 1
    if not found:
        raise DateError(
            f"No whole {every} lies between {first} and {last}. Begin on the first day of a {every} and end "
            "on its last, or take shorter periods."
        )
    return found


def number_of(day: ir.DateValue, every: Every) -> ir.IntegerValue:
    """The number of the period in which a day lies, as `Period.number` has it."""
    return ((day.year() * 12 + day.month() - 1) // _MONTHS[every]).cast("int64")


def in_table(periods: Sequence[Period]) -> ir.Table:
    """The periods as a table: number, before, start, end."""
    return ibis.memtable(
        {
            "number": [period.number for period in periods],
            "before": [period.before for period in periods],
            "start": [period.start for period in periods],
            "end": [period.end for period in periods],
        }
    )


def _first_day(months: int) -> date:
    return date(months // 12, months % 12 + 1, 1)
