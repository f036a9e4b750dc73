"""One column as given → its values in patron's type, and the rules that its cells may break.

Values that break a rule are null; the rules say why. Nothing is executed here: rules are Ibis conditions which
`rows.py` evaluates for a whole table at once.
"""

import datetime
from dataclasses import dataclass

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.types as ir

from patron.errors import TableError
from patron.tables.dates import WrittenDates, in_business_time, read_dates
from patron.tables.schema import ColumnSpec
from patron.tables.source import TableSource

__all__ = ["EARLIEST_DAY", "LARGEST_AMOUNT", "Cells", "read_ids", "read_keys", "read_numbers", "read_times"]

EARLIEST_DAY = datetime.date(1900, 1, 2)  # 1900-01-01 and 0001-01-01 are how systems write "unknown"
LARGEST_AMOUNT = 1e15  # beyond it a float64 no longer holds whole cents

WHOLE_NUMBER = r"^(0|-?[1-9][0-9]{0,17})$"


@dataclass(frozen=True, slots=True)
class Cells:
    """A column's values, and its rules in the order in which they are asked.

    Parameters
    ----------
    value : the cells in patron's type
    broken : (condition, rule) pairs; a cell is rejected by the first condition that holds
    """

    value: ir.Value
    broken: tuple[tuple[ir.BooleanValue, str], ...]


def read_ids(raw: ir.Value, spec: ColumnSpec, table: str, id_type: dt.DataType) -> Cells:
    """Customer ids in the one type that all tables share; an id that is no such type breaks a rule."""
    _refuse_unless(_is_plain(raw), raw, spec, table, "an integer, text or UUID")
    value = _as_id(raw, id_type)
    missing = _is_empty(raw)
    return Cells(
        value,
        (
            (missing, f"{spec.name} is missing"),
            (
                value.isnull(),
                f"{spec.name} is not of the type {id_type.copy(nullable=True)} as in transactions",
            ),
        ),
    )


def read_keys(raw: ir.Value, spec: ColumnSpec, table: str) -> Cells:
    """Ids of orders and products as given, and text as text."""
    _refuse_unless(_is_plain(raw), raw, spec, table, "text or numbers")
    value = raw if spec.kind == "key" else raw.cast("string")
    if not spec.required:
        return Cells(value, ())
    return Cells(value, ((_is_empty(raw), f"{spec.name} is missing"),))


def read_times(
    raw: ir.Value,
    spec: ColumnSpec,
    table: str,
    source: TableSource,
    written: WrittenDates | None,
    today: datetime.date,
) -> Cells:
    """Naive business-local times."""
    kind = raw.type()
    _refuse_unless(
        kind.is_timestamp() or kind.is_date() or kind.is_string() or kind.is_integer(),
        raw,
        spec,
        table,
        "dates",
    )
    if kind.is_date():
        value = raw.cast(dt.Timestamp(scale=6))
    elif kind.is_timestamp():
        value = in_business_time(raw, source.time_zone, source.naive_time_zone)
    else:
        text = raw.cast("string")
        value = read_dates(text, written or WrittenDates(), source.time_zone, source.naive_time_zone)
    empty = _is_empty(raw)
    broken = [
        (~empty & value.isnull(), f"{spec.name} is not a date"),
        (value.date() < ibis.literal(EARLIEST_DAY), f"{spec.name} is before {EARLIEST_DAY}"),
        (value.date() > ibis.literal(today), f"{spec.name} is after today"),
    ]
    if spec.required:
        broken.insert(0, (empty, f"{spec.name} is missing"))
    return Cells(value, tuple(broken))


def read_numbers(raw: ir.Value, spec: ColumnSpec, table: str) -> Cells:
    """Finite float64 numbers; NaN counts as missing."""
    kind = raw.type()
    _refuse_unless(
        (kind.is_numeric() and not kind.is_boolean()) or kind.is_string(), raw, spec, table, "numbers"
    )
    number = raw.strip().try_cast("float64") if kind.is_string() else raw.cast("float64")
    is_nan = number.isnan().fill_null(False)
    value = ibis.ifelse(is_nan, ibis.null("float64"), number)
    empty = _is_empty(raw) | is_nan
    broken = [
        (~empty & value.isnull(), f"{spec.name} is not a number"),
        (value.isinf(), f"{spec.name} is infinite"),
        (value.abs() > LARGEST_AMOUNT, f"{spec.name} is beyond {LARGEST_AMOUNT:.0e}".replace("e+", "e")),
    ]
    if spec.required:
        broken.insert(0, (empty, f"{spec.name} is missing or NaN"))
    if spec.least is not None:
        broken.append((value < spec.least, f"{spec.name} is below {spec.least:g}"))
    return Cells(value, tuple(broken))


def _as_id(raw: ir.Value, id_type: dt.DataType) -> ir.Value:
    kind = raw.type()
    if kind.copy(nullable=True) == id_type:
        return raw
    if id_type.is_string():
        return raw.cast("string")
    if id_type.is_integer() and kind.is_string():  # an engine would round 12.5 to 13
        return ibis.ifelse(raw.re_search(WHOLE_NUMBER), raw, ibis.null("string")).try_cast(id_type)
    if id_type.is_integer() and (kind.is_floating() or kind.is_decimal()):
        return ibis.ifelse(raw == raw.round(), raw, ibis.null(kind)).try_cast(id_type)
    return raw.try_cast(id_type)


def _is_empty(raw: ir.Value) -> ir.BooleanValue:
    """Null, NaN or blank text."""
    kind = raw.type()
    if kind.is_string():
        return raw.isnull() | (raw.strip() == "")
    if kind.is_floating():
        return raw.isnull() | raw.isnan()
    return raw.isnull()


def _is_plain(raw: ir.Value) -> bool:
    return not raw.type().is_nested() and not raw.type().is_json()


def _refuse_unless(fits: bool, raw: ir.Value, spec: ColumnSpec, table: str, wanted: str) -> None:
    if not fits:
        raise TableError(
            f"table {table!r}: {spec.name} holds {raw.type().copy(nullable=True)}, but must hold {wanted}. "
            "Convert the column, or map another one to it."
        )
