"""pandas, Polars and Arrow tables → an Ibis table, without a copy where the engine is DuckDB."""

from typing import Any

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.types as ir
import pandas as pd
import pyarrow as pa

from patron.errors import SourceError

__all__ = ["open_frame", "register", "with_typed_nulls"]


def open_frame(given: Any, name: str, id_column: str, connection: Any) -> ir.Table:
    """A frame as a table of the connection.

    Parameters
    ----------
    given
        pandas frame, or any object with an Arrow stream, such as a Polars frame
    name
        what messages call the table
    id_column
        the column of customer ids, whose cells must be of one type
    connection
        Ibis backend that holds it

    Returns
    -------
    ir.Table
        rows as given

    Raises
    ------
    SourceError
        it is not a frame, two columns share a name, or its ids are of several types
    """
    return register(_to_arrow(given, name, id_column), connection)


def register(arrow: Any, connection: Any) -> ir.Table:
    """An Arrow table or stream as a table of the connection, without a copy where the engine is DuckDB.

    Parameters
    ----------
    arrow
        table or record batch reader
    connection
        Ibis backend that holds it
    """
    if connection.name != "duckdb":
        return ibis.memtable(arrow)
    if isinstance(arrow, pa.Table):
        arrow = with_typed_nulls(arrow)
    registered = ibis.util.gen_name("patron_frame")
    connection.con.register(registered, arrow)  # Ibis itself refuses Arrow's UUIDs
    table = connection.table(registered)
    zones = {
        column.name: dt.Timestamp(timezone=column.type.tz)
        for column in arrow.schema
        if pa.types.is_timestamp(column.type) and column.type.tz is not None
    }
    return table.cast(zones)  # DuckDB drops a column's own zone; the Ibis type keeps it


def with_typed_nulls(arrow: Any) -> Any:
    """An Arrow table with its untyped empty columns as text: neither Ibis nor Spark reads them otherwise.

    Parameters
    ----------
    arrow
        any table

    Examples
    --------
    >>> with_typed_nulls(pa.table({"note": [None]})).schema.field("note").type
    DataType(string)
    """
    for position, column in enumerate(arrow.schema):
        if pa.types.is_null(column.type):
            arrow = arrow.set_column(position, column.name, arrow.column(position).cast(pa.string()))
    return arrow


def _to_arrow(given: Any, name: str, id_column: str) -> Any:
    """An Arrow table from a pandas, Polars or Arrow table, or any object with an Arrow stream."""
    if isinstance(given, pd.DataFrame):
        return _pandas_to_arrow(given, name, id_column)
    if not hasattr(given, "__arrow_c_stream__") and hasattr(given, "collect"):  # a lazy Polars frame
        given = given.collect()
    if hasattr(given, "__arrow_c_stream__"):
        return pa.table(given)
    raise SourceError(
        f"table {name!r} is a {type(given).__name__}, which cannot be read. Give a CSV or Parquet path, a "
        'pandas, Polars, Arrow or Ibis table, or a database URL such as "duckdb:///shop.db::orders".'
    )


def _pandas_to_arrow(frame: pd.DataFrame, name: str, id_column: str) -> Any:
    named_levels = [level for level in frame.index.names if level is not None and level not in frame.columns]
    if named_levels:
        frame = frame.reset_index(level=named_levels)
    labels = [str(label) for label in frame.columns]
    repeated = sorted({label for label in labels if labels.count(label) > 1})
    if repeated:
        raise SourceError(f"table {name!r} has the columns {repeated} more than once. Rename or drop them.")
    columns = {}
    for position, label in enumerate(labels):
        values = frame.iloc[:, position]
        if isinstance(values.dtype, pd.PeriodDtype):  # Arrow would keep only its number
            values = values.astype("str")
        try:
            columns[label] = pa.chunked_array(values)
        except (pa.ArrowException, TypeError, ValueError, OverflowError) as error:
            if label == id_column:
                kinds = sorted({type(value).__name__ for value in values.dropna()})
                raise SourceError(
                    f"table {name!r}: the ids in {label!r} are of several types ({', '.join(kinds)}). "
                    "Convert them to one type, such as text, so that they can be returned unchanged."
                ) from error
            # Other cells of mixed types are read as text; unreadable dates and numbers are rejected later.
            columns[label] = pa.array(
                [None if pd.isna(value) else str(value) for value in values], pa.string()
            )
    return pa.table(columns)
