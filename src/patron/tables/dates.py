"""Written times → naive business-local timestamps.

Every written form is first rewritten as ISO text and then cast, so that a day such as 31 February becomes
null instead of an error. The forms in a column are detected once: most columns are ISO throughout and cost
one cast.
"""

from dataclasses import dataclass
from typing import Any

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.types as ir

from patron.errors import TableError

__all__ = ["WrittenDates", "in_business_time", "is_blank", "look_at_dates", "read_dates"]

_INSTANT, _NAIVE = dt.Timestamp(timezone="UTC"), dt.Timestamp(scale=6)

# Other forms than ISO. Their numbered groups are rearranged to ISO text.
_NUMBERS = r"^(\d{1,2})[/-](\d{1,2})[/-](\d{4})(.*)$"
_DOTTED = r"^(\d{1,2})\.\s?(\d{1,2})\.\s?(\d{4})(.*)$"
_COMPACT = r"^(\d{4})(\d{2})(\d{2})$"
_DAY_MONTH_NAME = r"^(\d{1,2})[ -]([A-Za-z]{3,9})\.?,?[ -](\d{4})(.*)$"
_MONTH_NAME_DAY = r"^([A-Za-z]{3,9})\.? (\d{1,2}),? (\d{4})(.*)$"
_MERIDIEM = r"\s*([AaPp])\.?[Mm]\.?$"
_FORMS = (_NUMBERS, _DOTTED, _COMPACT, _DAY_MONTH_NAME, _MONTH_NAME_DAY, _MERIDIEM)

_DAY_FIRST, _MONTH_FIRST = r"\3-\2-\1\4", r"\3-\1-\2\4"
_PLACE_OF_DAY = {_DAY_MONTH_NAME: 1, _MONTH_NAME_DAY: 2}
_HOUR = r"\s(\d{1,2}):"
_ZONED = r"\d:\d{2}(:\d{2})?([.,]\d+)?\s*([+-]|[A-Za-z])"
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


@dataclass(frozen=True, slots=True)
class WrittenDates:
    """The written forms of times in a text column, besides ISO (2024-01-31, or 2024-01-31T18:30:00).

    Parameters
    ----------
    forms
        patterns of the other forms that occur, such as 31.01.2024
    zoned
        whether some cells carry an offset or zone, such as 2024-01-31T18:30:00Z
    day_first
        of 02/03/2024, whether 02 is the day
    """

    forms: frozenset[str] = frozenset()
    zoned: bool = False
    day_first: bool = False


def look_at_dates(
    text: ir.StringColumn, table: str, column: str, day_first: bool | None = None
) -> WrittenDates:
    """The written forms of times in a text column: one pass over an ISO column, two over others.

    Parameters
    ----------
    text
        the column
    table, column
        its names, for messages
    day_first
        whether 02/03/2024 is 2 March; None infers it from the column

    Returns
    -------
    WrittenDates

    Raises
    ------
    TableError
        the column leaves open whether 02/03/2024 is 2 March or 3 February
    """
    iso = ~text.re_search(_MERIDIEM)  # DuckDB reads the PM of 6:30 PM as a time zone
    found = _first_row(
        text.as_table().aggregate(
            written=text.count(where=~is_blank(text)),
            iso=_cast(text).count(where=iso),
            zoned=text.count(where=text.re_search(_ZONED)),
        )
    )
    zoned = bool(found["zoned"])
    if found["written"] == found["iso"]:
        return WrittenDates(zoned=zoned)
    cells = text.strip()
    numbers = cells.re_search(_NUMBERS)
    as_day_first, as_month_first = (
        _cast(cells.re_replace(_MERIDIEM, "").re_replace(_NUMBERS, order))
        for order in (_DAY_FIRST, _MONTH_FIRST)
    )
    differ = numbers & (as_day_first != as_month_first)
    found = _first_row(
        text.as_table().aggregate(
            day_first=as_day_first.count(where=numbers),
            month_first=as_month_first.count(where=numbers),
            example=ibis.ifelse(differ, cells, ibis.null("string")).min(),
            **{form: cells.count(where=cells.re_search(form)) for form in _FORMS},
        )
    )
    if found["example"] is not None and day_first is None and found["day_first"] == found["month_first"]:
        raise TableError(
            f"table {table!r}: {column} holds dates such as {found['example']!r}, whose day and month "
            "cannot be told apart. Write them as 2024-01-31, or set TableSource(day_first=True) or False."
        )
    forms = frozenset(form for form in _FORMS if found[form])
    return WrittenDates(
        forms, zoned, found["day_first"] > found["month_first"] if day_first is None else day_first
    )


def read_dates(
    text: ir.StringValue, written: WrittenDates, time_zone: str | None, naive_time_zone: str | None
) -> ir.TimestampValue:
    """Naive business-local time of each cell.

    Parameters
    ----------
    text
        cells
    written
        how they are written
    time_zone, naive_time_zone
        as for `in_business_time`

    Returns
    -------
    ir.TimestampValue
        timestamps, null where a cell is not a date

    Examples
    --------
    >>> cells = ibis.memtable({"order_at": ["31.01.2024 6:30 PM"]}).order_at
    >>> read_dates(cells, look_at_dates(cells, "transactions", "order_at"), None, None).to_pandas()[0]
    Timestamp('2024-01-31 18:30:00')
    """
    iso = _as_iso(text.strip(), written) if written.forms else text
    naive = _cast(iso)
    if _MERIDIEM in written.forms:
        naive = naive + _half_days(text.strip())
    if naive_time_zone is not None:
        # A date without a time of day is a business day already: shifting it by hours would change the day.
        naive = ibis.ifelse(text.contains(":"), in_business_time(naive, time_zone, naive_time_zone), naive)
    if not written.zoned:
        return naive
    instant = iso.strip().try_cast(_INSTANT)
    return ibis.ifelse(iso.re_search(_ZONED), in_business_time(instant, time_zone, None), naive)


def is_blank(text: ir.StringValue) -> ir.BooleanValue:
    """Whether text is empty or white space. Stripping every cell is slow, and few begin with white space.

    Parameters
    ----------
    text
        cells
    """
    return ibis.ifelse(text < "!", text.strip(), text) == ""


def in_business_time(
    moment: ir.TimestampValue, time_zone: str | None, naive_time_zone: str | None
) -> ir.TimestampValue:
    """Wall-clock time of `time_zone`.

    A moment with a zone keeps its own zone if `time_zone` is None; a naive one is business-local already
    unless `naive_time_zone` is given.

    Parameters
    ----------
    moment
        timestamps, with or without a zone
    time_zone
        zone of the business
    naive_time_zone
        zone of timestamps that carry none

    Examples
    --------
    >>> noon = ibis.literal("2024-01-31 12:00").cast("timestamp")
    >>> in_business_time(noon, "America/New_York", "UTC").execute()
    Timestamp('2024-01-31 07:00:00')
    """
    own = moment.type().timezone
    if own is not None:
        return _wall_clock(time_zone or own, moment)
    naive = moment.cast(_NAIVE)
    if naive_time_zone is None or naive_time_zone == time_zone:
        return naive
    return _wall_clock(time_zone or "UTC", _instant(naive_time_zone, naive))


def _cast(text: ir.StringValue) -> ir.TimestampValue:
    """ISO text → timestamp; stripping is slow, so only cells that cannot be read as they are get stripped."""
    return ibis.coalesce(_cast_unpadded(text), _cast_unpadded(text.strip()))


def _cast_unpadded(text: ir.StringValue) -> ir.TimestampValue:
    """Only text that begins with a digit: engines also accept words such as epoch and infinity."""
    starts_with_digit = (text >= "0") & (text < ":")  # ":" follows "9"
    return ibis.ifelse(starts_with_digit, text, ibis.null("string")).try_cast(_NAIVE)


def _as_iso(text: ir.StringValue, written: WrittenDates) -> ir.StringValue:
    """Any written form → ISO text, without AM and PM."""
    plain = text.re_replace(_MERIDIEM, "") if _MERIDIEM in written.forms else text
    in_numbers = {
        _NUMBERS: _DAY_FIRST if written.day_first else _MONTH_FIRST,
        _DOTTED: _DAY_FIRST,
        _COMPACT: r"\1-\2-\3",
    }
    cases = [(form, plain.re_replace(form, iso)) for form, iso in in_numbers.items()]
    cases += [(form, _with_month_number(plain, form, day)) for form, day in _PLACE_OF_DAY.items()]
    cases = [(text.re_search(form), iso) for form, iso in cases if form in written.forms]
    return ibis.cases(*cases, else_=plain) if cases else plain


def _with_month_number(text: ir.StringValue, form: str, day: int) -> ir.StringValue:
    """31 Jan 2024 → 2024-1-31."""
    name = text.re_extract(form, 3 - day).lower().substr(0, 3)
    number = name.cases(*((short, str(place)) for place, short in enumerate(_MONTHS, start=1)), else_="0")
    return text.re_replace(form, r"\3-") + number + "-" + text.re_replace(form, rf"\{day}\4")


def _half_days(text: ir.StringValue) -> ir.IntervalValue:
    """The hours that AM or PM adds: 12 for 1 PM, -12 for 12 AM."""
    meridiem, twelve = text.re_extract(_MERIDIEM, 1).lower(), text.re_extract(_HOUR, 1) == "12"
    hours = ibis.cases(((meridiem == "p") & ~twelve, 12), ((meridiem == "a") & twelve, -12), else_=0)
    return hours.as_interval("h")


def _first_row(table: ir.Table) -> dict[str, Any]:
    row: dict[str, Any] = table.to_pyarrow().to_pylist()[0]
    return row


def _timezone(zone: str, moment: ir.TimestampValue) -> None:
    """SQL's AT TIME ZONE: an instant to a zone's wall clock, and a wall clock of the zone to an instant."""


_at_time_zone = ibis.udf.scalar.builtin
_wall_clock: Any = _at_time_zone(name="timezone", signature=((dt.string, _INSTANT), _NAIVE))(_timezone)
_instant: Any = _at_time_zone(name="timezone", signature=((dt.string, _NAIVE), _INSTANT))(_timezone)
