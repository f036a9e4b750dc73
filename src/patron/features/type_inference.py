"""Type inference: is an attribute text, a whole number that is a code, or a number?

Files without types hold numbers as text, and a column of whole numbers with a missing value becomes one of
decimals. So the values decide, not the column's type: 3, 3.0 and "3" are the same value.
"""

from typing import TYPE_CHECKING, Literal

import ibis

if TYPE_CHECKING:
    import ibis.expr.datatypes as dt
    import ibis.expr.types as ir

__all__ = ["ValueType", "as_type", "count_non_numbers", "infer_types"]

type ValueType = Literal["text", "whole", "number"]

FEW_VALUES = 20  # whole numbers with no more values than this are codes
MOST_VALUES = 1000  # a category with more identifies customers instead of describing them
MANY_VALUES = 50  # so does one with more, such as a name, if most rows have a value of their own
LARGEST_WHOLE = 2**53  # beyond it a float64 no longer tells neighbouring whole numbers apart
WRITTEN_NUMBER = r"^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?$"  # 007 is a code, and stays text


def infer_types(table: "ir.Table") -> tuple[dict[str, ValueType], dict[str, str]]:
    """The type of each column of `table`, and why some have none.

    Parameters
    ----------
    table
        one row per customer and as_of

    Returns
    -------
    tuple[dict[str, ValueType], dict[str, str]]
        column → "text" (a category), "whole" (a category of whole numbers) or "number"; and for every other
        column the reason why it cannot be used, as the end of a sentence.

    Examples
    --------
    >>> table = ibis.memtable({"town": ["Yazd", "Qom"], "floor": ["1", "2"], "debt": [1.5, 2.5]})
    >>> infer_types(table)
    ({'town': 'text', 'floor': 'whole', 'debt': 'number'}, {})
    """
    types = dict(table.schema().items())
    faults = {
        column: f"a column of type {type_} is neither text nor number"
        for column, type_ in types.items()
        if not (_is_text(type_) or type_.is_numeric())
    }
    types_found: dict[str, ValueType] = {}
    for column, facts in _facts(table, [column for column in types if column not in faults]).items():
        if facts["values"] == 0:
            faults[column] = "it has no value for any customer"
        elif facts["numbers"] == facts["rows"] and not types[column].is_boolean():
            types_found[column] = "whole" if facts["whole"] and facts["values"] <= FEW_VALUES else "number"
        elif facts["values"] > MOST_VALUES:
            faults[column] = (
                f"{facts['values']} different values are too many for a category (at most {MOST_VALUES})"
            )
        elif facts["values"] > max(MANY_VALUES, facts["rows"] / 2):
            faults[column] = (
                f"{facts['values']} different values in {facts['rows']} rows identify customers instead of "
                "describing them"
            )
        else:
            types_found[column] = "text"
    return types_found, faults


def as_type(column: "ir.Column", value_type: ValueType) -> "ir.Column":
    """The values of a column as text or float64; a value that is not of the type is null.

    Parameters
    ----------
    column
        an attribute, of any type of the engine
    value_type
        "number" gives float64, "text" and "whole" give text

    Examples
    --------
    >>> table = ibis.memtable({"shop": [3.0, None, 4.0]})
    >>> as_type(table.shop, "whole").to_pyarrow().to_pylist()
    ['3', None, '4']
    """
    if value_type == "text":
        return column.cast("string")
    number = _number(column)
    if value_type == "number":
        return number
    return _is_whole(number).ifelse(number, ibis.null("float64")).cast("int64").cast("string")


def count_non_numbers(column: "ir.Column") -> "ir.IntegerScalar":
    """How many values of the column are not numbers.

    Parameters
    ----------
    column
        an attribute, of any type of the engine

    Examples
    --------
    >>> count_non_numbers(ibis.memtable({"age": ["31", "young", None]}).age).to_pyarrow().as_py()
    1
    """
    return (column.notnull() & _number(column).isnull()).sum()


def _facts(table: "ir.Table", columns: list[str]) -> dict[str, dict[str, int]]:
    """For each column: values, numbers among them, different values, and whether all numbers are whole."""
    if not columns:
        return {}
    wanted: dict[str, ir.Scalar] = {}
    for place, column in enumerate(columns):
        values, number = _without_nan(table[column]), _number(table[column])
        wanted[f"rows_{place}"] = values.count()
        wanted[f"numbers_{place}"] = number.count()
        wanted[f"values_{place}"] = values.nunique()
        wanted[f"whole_{place}"] = _is_whole(number).all()
    found = table.aggregate(**wanted).to_pyarrow().to_pylist()[0]
    names = ("rows", "numbers", "values", "whole")
    return {
        column: {name: found[f"{name}_{place}"] for name in names} for place, column in enumerate(columns)
    }


def _is_text(type_: "dt.DataType") -> bool:
    return bool(type_.is_string() or type_.is_boolean() or type_.is_uuid() or type_.is_enum())


def _number(column: "ir.Column") -> "ir.FloatingColumn":
    """The finite numbers of a column, also where they are written as text."""
    type_ = column.type()
    if type_.is_boolean():
        return column.cast("int64").cast("float64")
    if not type_.is_numeric():
        written = column.cast("string").strip()
        column = written.re_search(WRITTEN_NUMBER).ifelse(written, ibis.null("string"))
    return _without_nan(column.cast("float64"))


def _without_nan(column: "ir.Column") -> "ir.Column":
    """The column with NaN and infinity as null."""
    if not column.type().is_floating():
        return column
    return (column.isnan() | column.isinf()).ifelse(ibis.null(column.type()), column)


def _is_whole(number: "ir.FloatingColumn") -> "ir.BooleanColumn":
    return (number.floor() == number) & (number.abs() < LARGEST_WHOLE)
