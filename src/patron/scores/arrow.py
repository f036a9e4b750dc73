"""Scorecard rows as Arrow tables: one type per column, whatever a batch contains.

A batch in which no customer has a tier still has a text column. Customer ids never pass through pandas, so
whole numbers, texts and UUIDs stay what they are.
"""

from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from patron.scores.columns import SCORECARD_TYPES, as_scorecard, dates
from patron.scores.not_scored import of_not_scored

__all__ = ["frame_of", "schema_of", "table_of", "unscored_rows"]

TYPES = {
    "date": pa.date32(),
    "time": pa.timestamp("us", tz="UTC"),
    "whole": pa.int64(),
    "number": pa.float64(),
    "text": pa.string(),
}
TEXT: Any = pd.StringDtype(na_value=np.nan)


def schema_of(ids: pa.DataType) -> pa.Schema:
    """The Arrow schema of a scorecard.

    Parameters
    ----------
    ids
        the type of customer_id

    Examples
    --------
    >>> schema_of(pa.int64()).field("value_percentile").type
    DataType(int64)
    """
    return pa.schema([(name, TYPES.get(kind, ids)) for name, kind in SCORECARD_TYPES.items()])


def table_of(card: pd.DataFrame, ids: Any) -> pa.Table:
    """A scorecard as an Arrow table.

    Parameters
    ----------
    card
        as :func:`patron.scores.scorecard.make_scorecard` returns it
    ids
        (n_rows,) Arrow column of customer_id, which replaces that of `card`

    Returns
    -------
    pa.Table
        of `schema_of`
    """
    schema = schema_of(ids.type)
    columns: dict[str, Any] = {
        name: ids if kind == "id" else pa.Array.from_pandas(card[name])
        for name, kind in SCORECARD_TYPES.items()
    }
    return pa.table({name: column.cast(schema.field(name).type) for name, column in columns.items()}, schema)


def unscored_rows(others: pa.Table, shared: dict[str, Any]) -> pa.Table:
    """The rows of customers without a score.

    Parameters
    ----------
    others
        customer_id, as_of (a date), not_scored_reason (text)
    shared
        values that are the same in every row of this scorecard, such as horizon_days and scored_at

    Returns
    -------
    pa.Table
        of `schema_of`; the rows of `others`, in order

    Examples
    --------
    >>> visitor = pa.table({"customer_id": [9], "as_of": ["2024-06-30"], "not_scored_reason": ["no order"]})
    >>> row = unscored_rows(visitor, {"horizon_days": 90}).to_pylist()[0]
    >>> row["customer_id"], row["horizon_days"], row["p_alive"], row["not_scored_reason"]
    (9, 90, None, 'no order')
    """
    frame = others.select(["as_of", "not_scored_reason"]).to_pandas(date_as_object=True)
    known = shared | {"as_of": dates(frame["as_of"]), **of_not_scored(frame["not_scored_reason"])}
    return table_of(as_scorecard(known, len(frame)), others.column("customer_id"))


def frame_of(rows: pa.Table) -> pd.DataFrame:
    """The rows as the frame that :func:`patron.scores.scorecard.make_scorecard` would have returned.

    Parameters
    ----------
    rows
        of a scorecard, perhaps only some of its columns
    """
    return pd.DataFrame(
        {name: _column(rows.column(name), SCORECARD_TYPES[name]) for name in rows.column_names}
    )


def _column(column: Any, kind: str) -> Any:
    if kind == "time":
        return pd.array(column.combine_chunks(), dtype="timestamp[us, tz=UTC][pyarrow]")
    if kind == "whole":
        return pd.array(column.to_pylist(), dtype="Int64")
    if kind == "text":
        return pd.array(column.to_pylist(), dtype=TEXT)
    if kind == "id" and isinstance(column.type, pa.BaseExtensionType):  # UUIDs: pandas would have their bytes
        return pd.array(column.to_pylist(), dtype=object)
    return column.to_pandas(date_as_object=True)
