"""Scorecard rows as Arrow holds them: one type per column, whatever a batch happens to contain.

A batch in which nobody has a tier still has a column of texts. And customer ids never pass through pandas, so
that they come out as they went in: whole numbers, texts, UUIDs.
"""

from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from patron.models.bundle.bundle import Bundle
from patron.models.churn.percentile_ranks import Ranks
from patron.scores.columns import SCORECARD_TYPES, as_scorecard, dates
from patron.scores.not_scored import of_not_scored
from patron.scores.scorecard import make_scorecard

__all__ = ["frame_of", "schema_of", "score_rows", "unscored_rows"]

TYPES = {
    "date": pa.date32(),
    "time": pa.timestamp("us", tz="UTC"),
    "whole": pa.int64(),
    "number": pa.float64(),
    "text": pa.string(),
}
TEXT: Any = pd.StringDtype(na_value=np.nan)


def schema_of(ids: pa.DataType) -> pa.Schema:
    """The columns of a scorecard and their types.

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


def score_rows(
    features: pa.Table,
    bundle: Bundle,
    *,
    scored_at: datetime,
    model_version: str | None,
    ranks: Ranks,
    reasons: bool,
    **asked: Any,
) -> pa.Table:
    """The scorecard rows of one batch.

    Parameters
    ----------
    features
        customer_id, as_of and the features of the bundle's catalogue, as DuckDB wrote them
    bundle
        the model
    scored_at, model_version, ranks, reasons, asked
        see :func:`patron.scores.scorecard.make_scorecard`

    Returns
    -------
    pa.Table
        of `schema_of`; the rows of `features`, in order
    """
    ids = features.column("customer_id")
    frame = features.drop_columns(["customer_id"]).to_pandas(date_as_object=True)
    frame.insert(0, "customer_id", np.arange(len(frame)))
    card = make_scorecard(
        frame,
        bundle,
        scored_at=scored_at,
        model_version=model_version,
        reasons=reasons,
        ranks=ranks,
        **asked,
    )
    return _table(card, ids)


def unscored_rows(others: pa.Table, shared: dict[str, Any]) -> pa.Table:
    """The rows of customers who get no score.

    Parameters
    ----------
    others
        customer_id, as_of (a date), not_scored_reason (text)
    shared
        what every row of this scorecard holds, such as horizon_days and scored_at

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
    return _table(as_scorecard(known, len(frame)), others.column("customer_id"))


def frame_of(rows: pa.Table) -> pd.DataFrame:
    """The frame that :func:`patron.scores.scorecard.make_scorecard` would have returned for these rows."""
    return pd.DataFrame(
        {name: _column(rows.column(name), SCORECARD_TYPES[name]) for name in rows.column_names}
    )


def _table(card: pd.DataFrame, ids: Any) -> pa.Table:
    schema = schema_of(ids.type)
    columns: dict[str, Any] = {
        name: ids if kind == "id" else pa.Array.from_pandas(card[name])
        for name, kind in SCORECARD_TYPES.items()
    }
    return pa.table({name: column.cast(schema.field(name).type) for name, column in columns.items()}, schema)


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
