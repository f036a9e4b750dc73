"""One column as given → its values in patron's type, and the rules that its cells may break.

A cell that cannot be read gets the value null; the rules compare the cell as given with its value. Nothing is
executed here: `row_rules.py` evaluates all rules of a table in one query.
"""

import datetime

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.types as ir

from patron.errors import TableError
from patron.tables.dates import WrittenDates, in_business_time, is_blank, read_dates
from patron.tables.schema import ColumnSpec

__all__ = ["EARLIEST_DAY", "LARGEST_NUMBER", "Rule", "is_whole_number", "read_cells", "rules", "without_nan"]

EARLIEST_DAY = datetime.date(1900, 1, 2)  # systems write 1900-01-01 and 0001-01-01 for "unknown"
LARGEST_NUMBER = 1e15  # beyond it a float64 no longer holds whole cents

Rule = tuple[ir.BooleanValue, str]


def read_cells(
    given: ir.Value,
    spec: ColumnSpec,
    table: str,
    *,
    id_type: dt.DataType,
    time_zone: str | None = None,
    naive_time_zone: str | None = None,
    written: WrittenDates | None = None,
) -> ir.Value:
    """The values of one column: ids in the shared type, naive business-local times, float64 numbers, text.

    Parameters
    ----------
    given
        the column as it came
    spec
        its specification
    table
        the table's name, for messages
    id_type
        the type that customer ids have in all tables
    time_zone, naive_time_zone
        as for :func:`patron.tables.dates.in_business_time`
    written
        for a text column of times, the written forms that occur

    Returns
    -------
    ir.Value
        null where a cell cannot be read; NaN is null too

    Raises
    ------
    TableError
        the whole column is of an impossible type, such as booleans for money

    Examples
    --------
    >>> cell = ibis.literal(" 12.50 ")
    >>> from patron.tables.table_schemas import schema_of
    >>> amount = schema_of("transactions")["amount"]
    >>> read_cells(cell, amount, "transactions", id_type=dt.int64).execute()
    12.5
    """
    _refuse_wrong_type(given, spec, table)
    if spec.kind == "customer":
        return _read_id(given, id_type)
    if spec.kind == "time":
        return _read_time(given, written or WrittenDates(), time_zone, naive_time_zone)
    if spec.kind == "number":
        return without_nan(_read_text_number(given) if _is_text(given) else given.cast("float64"))
    return given if spec.kind == "key" else given.cast("string")


def rules(
    given: ir.Value, value: ir.Value, spec: ColumnSpec, *, today: datetime.date, id_type: dt.DataType
) -> list[Rule]:
    """The rules of a column, in order: the first condition that holds is the rule that the cell breaks.

    Parameters
    ----------
    given
        the column as it came
    value
        the column as `read_cells` read it
    spec
        its specification
    today
        last day that a cell may hold
    id_type
        the type that customer ids have in all tables

    Returns
    -------
    list[Rule]
        (condition, rule in words)
    """
    name, unread = spec.name, ~_is_empty(given) & value.isnull()
    found: list[Rule] = []
    if spec.required:
        found.append(
            (_is_empty(given), f"{name} is missing or NaN" if spec.kind == "number" else f"{name} is missing")
        )
    if spec.kind == "customer":
        found.append((unread, f"{name} is not of the type {id_type} as in transactions"))
    if spec.kind == "time":
        found += [
            (unread, f"{name} is not a date"),
            (value.date() < ibis.literal(EARLIEST_DAY), f"{name} is before {EARLIEST_DAY}"),
        ]
        if not spec.may_lie_ahead:
            found.append((value.date() > ibis.literal(today), f"{name} is after today"))
    if spec.kind == "number":
        found += [
            (unread, f"{name} is not a number"),
            (value.isinf(), f"{name} is infinite"),
            (value.abs() > LARGEST_NUMBER, f"{name} is beyond 1e15"),
        ]
    if spec.least is not None:
        found.append((value < spec.least, f"{name} is below {spec.least:g}"))
    if spec.one_of:
        words = ", ".join(f"{one:g}" if isinstance(one, float) else one for one in spec.one_of)
        found.append((value.notin(spec.one_of), f"{name} is none of {words}"))
    return found


def without_nan(value: ir.Value) -> ir.Value:
    """The value with NaN as null, since engines differ on whether NaN is null.

    Parameters
    ----------
    value
        any column or value
    """
    return ibis.ifelse(value.isnan(), ibis.null(value.type()), value) if value.type().is_floating() else value


def is_whole_number(text: ir.StringValue) -> ir.BooleanValue:
    """Whether text is a 64-bit integer in its plain form: 7 and -7, but not 007 or 7.0.

    Parameters
    ----------
    text
        cells
    """
    return (text == text.try_cast("int64").cast("string")).fill_null(False)


def _read_text_number(text: ir.StringValue) -> ir.FloatingValue:
    return ibis.coalesce(text.try_cast("float64"), text.strip().try_cast("float64"))


def _read_id(given: ir.Value, id_type: dt.DataType) -> ir.Value:
    kind = given.type()
    if kind.copy(nullable=True) == id_type:
        return given
    if id_type.is_string():
        return given.cast("string")
    if id_type.is_integer() and kind.is_string():  # an engine would round 12.5 to 13
        return ibis.ifelse(is_whole_number(given), given, ibis.null("string")).try_cast(id_type)
    if id_type.is_integer() and (kind.is_floating() or kind.is_decimal()):
        return ibis.ifelse(given == given.floor(), given, ibis.null(kind)).try_cast(id_type)
    return given.try_cast(id_type)


def _read_time(
    given: ir.Value, written: WrittenDates, time_zone: str | None, naive_time_zone: str | None
) -> ir.TimestampValue:
    kind = given.type()
    if kind.is_date():
        return given.cast(dt.Timestamp(scale=6))
    if kind.is_timestamp():
        return in_business_time(given, time_zone, naive_time_zone)
    return read_dates(given.cast("string"), written, time_zone, naive_time_zone)


def _is_empty(given: ir.Value) -> ir.BooleanValue:
    """Null, NaN or blank text."""
    if _is_text(given):
        return given.isnull() | is_blank(given)
    if given.type().is_floating():
        return given.isnull() | given.isnan()
    return given.isnull()


def _is_text(given: ir.Value) -> bool:
    return bool(given.type().is_string())


def _is_flag(kind: dt.DataType, spec: ColumnSpec) -> bool:
    return bool(kind.is_boolean()) and spec.one_of == (0.0, 1.0)


def _refuse_wrong_type(given: ir.Value, spec: ColumnSpec, table: str) -> None:
    kind = given.type()
    fits, wanted = {
        "customer": (not kind.is_nested() and not kind.is_json(), "an integer, text or UUID"),
        "key": (not kind.is_nested() and not kind.is_json(), "an integer, text or UUID"),
        "text": (not kind.is_nested() and not kind.is_json(), "text"),
        "time": (
            kind.is_timestamp() or kind.is_date() or kind.is_string() or kind.is_integer(),
            "dates or times",
        ),
        "number": (
            kind.is_string() or (kind.is_numeric() and not kind.is_boolean()) or _is_flag(kind, spec),
            "numbers",
        ),
    }[spec.kind]
    if not fits:
        raise TableError(
            f"table {table!r}: {spec.name} is of the type {kind.copy(nullable=True)}, but must hold "
            f"{wanted}. Convert the column, or map another one to it."
        )
