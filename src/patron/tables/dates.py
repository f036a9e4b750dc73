"""Times as people write them → naive business-local timestamps.

Every written form is first rewritten as ISO text and only then cast, so that a day such as 31 February
becomes null instead of an error. Which forms occur is asked of the column once: most columns are ISO
throughout and cost one cast.
"""

from dataclasses import dataclass
from typing import Any

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.types as ir

from patron.errors import TableError

__all__ = ["WrittenDates", "in_business_time", "is_blank", "look_at_dates", "read_dates"]

# Each form: how it looks, and how its parts make ISO text. A number is the part of the pattern, "month" its
# name.
_NUMBERS = r"^(\d{1,2})[/-](\d{1,2})[/-](\d{4})(.*)$"
_DOTTED = r"^(\d{1,2})\.\s?(\d{1,2})\.\s?(\d{4})(.*)$"
_COMPACT = r"^(\d{4})(\d{2})(\d{2})$"
_DAY_NAME_YEAR = r"^(\d{1,2})[ -]([A-Za-z]{3,9})\.?,?[ -](\d{4})(.*)$"
_NAME_DAY_YEAR = r"^([A-Za-z]{3,9})\.? (\d{1,2}),? (\d{4})(.*)$"
_DAY_FIRST, _MONTH_FIRST = r"\3-\2-\1\4", r"\3-\1-\2\4"
_MERIDIEM = r"\s*([AaPp])\.?[Mm]\.?$"
_HOUR = r"\s(\d{1,2}):"
_ZONED = r"\d:\d{2}(:\d{2})?([.,]\d+)?\s*([+-]|[A-Za-z])"
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


@dataclass(frozen=True, slots=True)
class WrittenDates:
    """Which written forms a text column holds besides plain ISO.

    Parameters
    ----------
    iso_only : every cell that can be read is ISO, such as 2024-01-31 or 2024-01-31T18:30:00
    zoned : some cells carry an offset or zone, such as 2024-01-31T18:30:00Z
    day_first : of 02/03/2024, whether 02 is the day
    """

    iso_only: bool = True
    zoned: bool = False
    day_first: bool = False


def look_at_dates(
    text: ir.StringColumn, table: str, column: str, day_first: bool | None = None
) -> WrittenDates:
    """Which written forms a text column holds: one pass over ISO columns, two over others.

    Raises
    ------
    TableError : nothing in the column tells 02/03/2024 as 2 March from 3 February
    """
    counts = _first_row(
        text.as_table().aggregate(
            written=text.count(where=~is_blank(text)),
            iso=_cast(text).count(where=~text.re_search(_MERIDIEM)),  # DuckDB takes PM for a time zone
            zoned=text.count(where=text.re_search(_ZONED)),
        )
    )
    iso_only, zoned = counts["written"] == counts["iso"], bool(counts["zoned"])
    if iso_only or day_first is not None:
        return WrittenDates(iso_only, zoned, bool(day_first))
    cells = text.strip()
    numbers = cells.re_search(_NUMBERS)
    as_day_first, as_month_first = (
        _cast(cells.re_replace(_MERIDIEM, "").re_replace(_NUMBERS, order))
        for order in (_DAY_FIRST, _MONTH_FIRST)
    )
    differ = numbers & (as_day_first != as_month_first)
    counts = _first_row(
        text.as_table().aggregate(
            day_first=as_day_first.count(where=numbers),
            month_first=as_month_first.count(where=numbers),
            example=ibis.ifelse(differ, cells, ibis.null("string")).min(),
        )
    )
    if counts["example"] is not None and counts["day_first"] == counts["month_first"]:
        raise TableError(
            f"table {table!r}: {column} holds dates such as {counts['example']!r}, and nothing tells the day "
            "from the month. Write them as 2024-01-31, or say which by TableSource(day_first=True) or False."
        )
    return WrittenDates(False, zoned, counts["day_first"] > counts["month_first"])


def read_dates(
    text: ir.StringValue, written: WrittenDates, time_zone: str | None, naive_time_zone: str | None
) -> ir.TimestampValue:
    """Naive business-local time of each cell; null where the cell is no date.

    Examples
    --------
    >>> cell = ibis.literal("31.01.2024 6:30 PM")
    >>> read_dates(cell, WrittenDates(iso_only=False), None, None).execute()
    Timestamp('2024-01-31 18:30:00')
    """
    if written.iso_only:
        iso, naive = text, _cast(text)
    else:
        iso = _as_iso(text.strip(), written.day_first)
        naive = _cast(iso) + _half_days(text.strip())
    if naive_time_zone is not None:
        # A day without a time of day is a business day already: moving it by hours would change the day.
        naive = ibis.ifelse(text.contains(":"), in_business_time(naive, time_zone, naive_time_zone), naive)
    if not written.zoned:
        return naive
    instant = iso.strip().try_cast(dt.Timestamp(timezone="UTC"))
    return ibis.ifelse(iso.re_search(_ZONED), in_business_time(instant, time_zone, None), naive)


def is_blank(text: ir.StringValue) -> ir.BooleanValue:
    """Whether text is empty or white space. To strip every cell is slow, and few begin with white space."""
    return ibis.ifelse(text < "!", text.strip(), text) == ""


def in_business_time(
    moment: ir.TimestampValue, time_zone: str | None, naive_time_zone: str | None
) -> ir.TimestampValue:
    """Wall-clock time of `time_zone`.

    A moment with a zone falls back to its own zone when `time_zone` is None; a naive one is taken as it is
    unless `naive_time_zone` says where its clock stood.

    Examples
    --------
    >>> noon = ibis.literal("2024-01-31 12:00").cast("timestamp")
    >>> in_business_time(noon, "America/New_York", "UTC").execute()
    Timestamp('2024-01-31 07:00:00')
    """
    own = moment.type().timezone
    if own is not None:
        return _wall_clock(time_zone or own, moment)
    naive = moment.cast(dt.Timestamp(scale=6))
    if naive_time_zone is None or naive_time_zone == time_zone:
        return naive
    return _wall_clock(time_zone or "UTC", _instant(naive_time_zone, naive))


def _cast(text: ir.StringValue) -> ir.TimestampValue:
    """ISO text → timestamp; only cells that cannot be read as they are get stripped, which is slow."""
    return ibis.coalesce(_cast_unpadded(text), _cast_unpadded(text.strip()))


def _cast_unpadded(text: ir.StringValue) -> ir.TimestampValue:
    """Words that an engine would accept (epoch, infinity) do not begin with a digit."""
    starts_with_digit = (text >= "0") & (text < ":")  # ":" follows "9"
    return ibis.ifelse(starts_with_digit, text, ibis.null("string")).try_cast(dt.Timestamp(scale=6))


def _as_iso(text: ir.StringValue, day_first: bool) -> ir.StringValue:
    """Any written form → ISO text, without AM and PM."""
    plain = text.re_replace(_MERIDIEM, "")
    return ibis.cases(
        (text.re_search(_NUMBERS), plain.re_replace(_NUMBERS, _DAY_FIRST if day_first else _MONTH_FIRST)),
        (text.re_search(_DOTTED), plain.re_replace(_DOTTED, _DAY_FIRST)),
        (text.re_search(_COMPACT), plain.re_replace(_COMPACT, r"\1-\2-\3")),
        (text.re_search(_DAY_NAME_YEAR), _with_month_number(plain, _DAY_NAME_YEAR, day=1, month=2)),
        (text.re_search(_NAME_DAY_YEAR), _with_month_number(plain, _NAME_DAY_YEAR, day=2, month=1)),
        else_=plain,
    )


def _with_month_number(text: ir.StringValue, pattern: str, day: int, month: int) -> ir.StringValue:
    """31 Jan 2024 → 2024-1-31."""
    name = text.re_extract(pattern, month).lower().substr(0, 3)
    number = name.cases(*((short, str(place)) for place, short in enumerate(_MONTHS, start=1)), else_="0")
    return text.re_replace(pattern, r"\3-") + number + "-" + text.re_replace(pattern, rf"\{day}\4")


def _half_days(text: ir.StringValue) -> ir.IntervalValue:
    """What AM or PM adds to the hours written before it: 12 for 1 PM, -12 for 12 AM."""
    meridiem, twelve = text.re_extract(_MERIDIEM, 1).lower(), text.re_extract(_HOUR, 1) == "12"
    hours = ibis.cases(((meridiem == "p") & ~twelve, 12), ((meridiem == "a") & twelve, -12), else_=0)
    return hours.as_interval("h")


def _first_row(table: ir.Table) -> dict[str, Any]:
    row: dict[str, Any] = table.to_pyarrow().to_pylist()[0]
    return row


def _timezone(zone: str, moment: ir.TimestampValue) -> None:
    """SQL's AT TIME ZONE: an instant to a zone's wall clock, and a wall clock of the zone to an instant."""


_INSTANT, _NAIVE = dt.Timestamp(timezone="UTC"), dt.Timestamp(scale=6)
_at_time_zone = ibis.udf.scalar.builtin
_wall_clock: Any = _at_time_zone(name="timezone", signature=((dt.string, _INSTANT), _NAIVE))(_timezone)
_instant: Any = _at_time_zone(name="timezone", signature=((dt.string, _NAIVE), _INSTANT))(_timezone)
