"""Whole months, quarters or years: the periods that indicators and costs are counted by."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Literal

import ibis
import ibis.expr.types as ir

from patron.errors import DateError

__all__ = [
    "Every",
    "Period",
    "choose_days",
    "first_day_of_month",
    "in_table",
    "number_of",
    "rows_by_number",
    "whole_periods",
]

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
        periods of this length in a year

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
        """The last day before it; who is active at the close of that day is active at the start."""
        return self.start - timedelta(days=1)


def whole_periods(first: date, last: date, every: Every) -> list[Period]:
    """The calendar periods that lie completely between two days, in order of time.

    Parameters
    ----------
    first, last
        the first and the last day that count
    every
        "month", "quarter" or "year"

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
        start = first_day_of_month(number * months)
        end = first_day_of_month((number + 1) * months) - timedelta(days=1)
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


def choose_days(
    first: date | None, last: date | None, *, known: tuple[date, date], table: str
) -> tuple[date, date]:
    """The first and the last day that count: those given, or else those of the data.

    Parameters
    ----------
    first, last
        days; None takes that of the data
    known
        first and last day of the data
    table
        the data, as the message names them

    Raises
    ------
    DateError
        none of the chosen days has data

    Examples
    --------
    >>> choose_days(None, date(2024, 6, 30), known=(date(2024, 1, 1), date(2024, 12, 31)), table="data")
    (datetime.date(2024, 1, 1), datetime.date(2024, 6, 30))
    """
    begin, end = known
    if (first or begin) > end or (last or end) < begin:
        raise DateError(
            f"The {table} reach from {begin} to {end}, outside the days chosen. Choose other days with "
            "--from and --to."
        )
    return first or begin, last or end


def number_of(day: ir.DateValue, every: Every) -> ir.IntegerValue:
    """The number of the period that contains a day, as in `Period.number`.

    Parameters
    ----------
    day
        any column of days
    every
        length of the periods
    """
    return ((day.year() * 12 + day.month() - 1) // _MONTHS[every]).cast("int64")


def in_table(periods: Sequence[Period]) -> ir.Table:
    """The periods as a table: number, before, start, end.

    Parameters
    ----------
    periods
        one row each
    """
    return ibis.memtable(
        {name: [getattr(period, name) for period in periods] for name in ("number", "before", "start", "end")}
    )


def rows_by_number(table: ir.Table, number: str = "number") -> dict[int, dict[str, Any]]:
    """The rows of a table with one row per period, as plain values by number of the period.

    Parameters
    ----------
    table
        one row per period
    number
        column of the number
    """
    return {row[number]: row for row in table.to_pyarrow().to_pylist()}


def first_day_of_month(number: int) -> date:
    """The first day of a month, given its `Period.number`.

    Parameters
    ----------
    number
        months since the year 0

    Examples
    --------
    >>> first_day_of_month(24290)
    datetime.date(2024, 3, 1)
    """
    return date(number // 12, number % 12 + 1, 1)
