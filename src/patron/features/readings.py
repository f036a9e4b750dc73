"""How an attribute is read: as text, as a whole number that is a code, or as a number.

Files without types hold numbers as text, and a column of whole numbers with a gap in it becomes one of
decimals. So the values decide, not the column's type: 3, 3.0 and "3" are one value wherever they are read.
"""

from typing import TYPE_CHECKING, Literal

import ibis

if TYPE_CHECKING:
    import ibis.expr.datatypes as dt
    import ibis.expr.types as ir

__all__ = ["Fault", "Reading", "choose_readings", "read_values", "unreadable"]

type Reading = Literal["text", "whole", "number"]
type Fault = str

FEW_VALUES = 20  # whole numbers with no more values than this are codes
MOST_VALUES = 1000  # a category with more says who somebody is, not what they are like
MANY_VALUES = 50  # so does one with more, such as a name, if most rows have a value of their own
LARGEST_WHOLE = 2**53  # beyond it a float64 no longer tells neighbouring whole numbers apart
WRITTEN_NUMBER = r"^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?$"  # 007 is a code, and stays text


def choose_readings(table: "ir.Table") -> tuple[dict[str, Reading], dict[str, Fault]]:
    """How to read each column of `table`, and why some cannot be read.

    Parameters
    ----------
    table
        one row per customer and as_of

    Returns
    -------
    tuple[dict[str, Reading], dict[str, Fault]]
        column → "text" (a category), "whole" (a category of whole numbers) or "number"; and for every other
        column what is wrong with it, as the end of a sentence.

    Examples
    --------
    >>> table = ibis.memtable({"town": ["Yazd", "Qom"], "floor": ["1", "2"], "debt": [1.5, 2.5]})
    >>> choose_readings(table)
    ({'town': 'text', 'floor': 'whole', 'debt': 'number'}, {})
    """
    types = dict(table.schema().items())
    faults = {
        column: f"a column of type {type_} is neither text nor number"
        for column, type_ in types.items()
        if not (_is_text(type_) or type_.is_numeric())
    }
    readings: dict[str, Reading] = {}
    for column, facts in _facts(table, [column for column in types if column not in faults]).items():
        if facts["values"] == 0:
            faults[column] = "it has no value for any customer"
        elif facts["numbers"] == facts["rows"] and not types[column].is_boolean():
            readings[column] = "whole" if facts["whole"] and facts["values"] <= FEW_VALUES else "number"
        elif facts["values"] > MOST_VALUES:
            faults[column] = (
                f"{facts['values']} different values are too many for a category (at most {MOST_VALUES})"
            )
        elif facts["values"] > max(MANY_VALUES, facts["rows"] / 2):
            faults[column] = (
                f"{facts['values']} different values in {facts['rows']} rows tell who somebody is, not what "
                "they are like"
            )
        else:
            readings[column] = "text"
    return readings, faults


def read_values(column: "ir.Column", reading: Reading) -> "ir.Column":
    """The values of a column as text or float64; what cannot be read as asked is null.

    Examples
    --------
    >>> table = ibis.memtable({"shop": [3.0, None, 4.0]})
    >>> read_values(table.shop, "whole").to_pyarrow().to_pylist()
    ['3', None, '4']
    """
    if reading == "text":
        return column.cast("string")
    number = _number(column)
    if reading == "number":
        return number
    return _is_whole(number).ifelse(number, ibis.null("float64")).cast("int64").cast("string")


def unreadable(column: "ir.Column") -> "ir.IntegerScalar":
    """How many values of the column are no numbers.

    Examples
    --------
    >>> unreadable(ibis.memtable({"age": ["31", "young", None]}).age).to_pyarrow().as_py()
    1
    """
    return (column.notnull() & _number(column).isnull()).sum()


def _facts(table: "ir.Table", columns: list[str]) -> dict[str, dict[str, int]]:
    """For each column: values, numbers among them, different values, and whether all numbers are whole."""
    if not columns:
        return {}
    asked: dict[str, ir.Scalar] = {}
    for place, column in enumerate(columns):
        values, number = _without_nan(table[column]), _number(table[column])
        asked[f"rows_{place}"] = values.count()
        asked[f"numbers_{place}"] = number.count()
        asked[f"values_{place}"] = values.nunique()
        asked[f"whole_{place}"] = _is_whole(number).all()
    found = table.aggregate(**asked).to_pyarrow().to_pylist()[0]
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
