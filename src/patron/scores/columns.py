"""The columns of a scorecard, in order, with the type of each.

==========  ==================================================================================================
kind        in a frame
==========  ==================================================================================================
id          the type in the input
date        `datetime.date`, None where unknown
time        `timestamp[us, tz=UTC][pyarrow]`, null where unknown
whole       `Int64`, NA where unknown
number      `float64`, NaN where unknown
text        `str`, NaN where unknown
==========  ==================================================================================================

Parquet and CSV write unknown values as null.
"""

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

__all__ = [
    "OPTIONAL_COLUMNS",
    "SCORECARD_COLUMNS",
    "SCORECARD_TYPES",
    "as_answer",
    "as_json",
    "as_scorecard",
    "dates",
]

type Columns = Mapping[str, Any]

SCORECARD_TYPES = {
    "customer_id": "id",
    "as_of": "date",
    "horizon_days": "whole",
    "value_horizon_days": "whole",
    "model_version": "text",
    "scored_at": "time",
    "churn_probability": "number",
    "churn_band": "text",
    "p_alive": "number",
    "expected_purchases": "number",
    "expected_order_value": "number",
    "expected_value": "number",
    "expected_value_low": "number",
    "expected_value_high": "number",
    "next_purchase_on": "date",
    "overdue_ratio": "number",
    "base_potential": "number",
    "growth_potential": "number",
    "growth_potential_low": "number",
    "growth_potential_high": "number",
    "network_potential": "number",
    "learning_potential": "number",
    "customer_value": "number",
    "value_at_risk": "number",
    "value_tier": "text",
    "value_percentile": "whole",
    "lifecycle_stage": "text",
    "reason_1": "text",
    "reason_2": "text",
    "reason_3": "text",
    "recommended_action": "text",
    "max_retention_spend": "number",
    "not_scored_reason": "text",
}
"""Column → kind, in the order of the columns."""

SCORECARD_COLUMNS = tuple(SCORECARD_TYPES)
"""The columns of a scorecard, in order."""

OPTIONAL_COLUMNS = ("network_potential", "learning_potential", "cost_to_serve")
"""Columns that a feature row may have in addition to the features: money; null, or missing, counts as 0."""

UTC_TIME: Any = "timestamp[us, tz=UTC][pyarrow]"
KINDS_OF_DATES = ("date", "datetime", "datetime64", "string")
EARLIEST, LATEST = np.datetime64("1800-01-01"), np.datetime64("2200-01-01")


def as_scorecard(columns: Columns, rows: int) -> pd.DataFrame:
    """A frame of all scorecard columns, each in its type; columns that are not given are unknown.

    Parameters
    ----------
    columns
        column → (rows,) values, or one value for all; dates as `datetime64[D]`; unknown is NaT, NaN or
        None
    rows
        count

    Returns
    -------
    pd.DataFrame
        `SCORECARD_COLUMNS`, index 0, 1, 2, …

    Examples
    --------
    >>> columns = {"customer_id": ["a", "b"], "value_percentile": np.array([99.0, np.nan])}
    >>> as_scorecard(columns, 2)[["customer_id", "value_percentile", "p_alive"]]
      customer_id  value_percentile  p_alive
    0           a                99      NaN
    1           b              <NA>      NaN
    """
    typed = {name: _typed(columns.get(name), kind, rows) for name, kind in SCORECARD_TYPES.items()}
    return pd.DataFrame(typed, index=pd.RangeIndex(rows))


def as_answer(columns: Columns, rows: int) -> pd.DataFrame:
    """A frame of all scorecard columns as JSON holds them: None where unknown, dates and times as ISO text.

    Parameters
    ----------
    columns, rows
        as `as_scorecard` takes them

    Returns
    -------
    pd.DataFrame
        `SCORECARD_COLUMNS` of Python objects, index 0, 1, 2, …

    Examples
    --------
    >>> columns = {"customer_id": ["a"], "next_purchase_on": np.array(["2024-02-29"], "datetime64[D]")}
    >>> as_answer(columns, 1).loc[0, ["customer_id", "next_purchase_on", "p_alive"]].tolist()
    ['a', '2024-02-29', None]
    """
    said = {name: _plain(columns.get(name), kind, rows) for name, kind in SCORECARD_TYPES.items()}
    return pd.DataFrame(said, index=pd.RangeIndex(rows), dtype=object)


def as_json(columns: Columns, rows: int) -> str:
    """All scorecard columns as a JSON list of one object per row; unknown and infinite values are null.

    Parameters
    ----------
    columns, rows
        as `as_scorecard` takes them

    Examples
    --------
    >>> text = as_json({"customer_id": ["a"], "p_alive": np.array([0.5]), "horizon_days": 90}, 1)
    >>> [json.loads(text)[0][name] for name in ("customer_id", "horizon_days", "p_alive", "value_tier")]
    ['a', 90, 0.5, None]
    """
    fields, varying = [], []
    for name, kind in SCORECARD_TYPES.items():
        values = columns.get(name)
        if values is None or np.ndim(values) == 0:  # one for all
            (text,) = _json_texts(values, kind, 1)
            fields.append(f'"{name}": {text.replace("%", "%%")}')
        else:
            varying.append(_json_texts(values, kind, rows))
            fields.append(f'"{name}": %s')
    row = f"{{{', '.join(fields)}}}"
    return f"[{', '.join(row % texts for texts in zip(*varying, strict=True))}]"


def dates(values: Any) -> npt.NDArray[np.datetime64]:
    """Days of dates, times or ISO texts.

    Parameters
    ----------
    values
        (n,) dates, times or texts between 1800 and 2200; null where unknown. A time counts as its day

    Returns
    -------
    npt.NDArray[np.datetime64]
        (n,) `datetime64[D]`, NaT where unknown

    Raises
    ------
    ValueError, TypeError
        a value is no date, or none of those years

    Examples
    --------
    >>> dates(pd.Series(["2024-02-29", None]))
    array(['2024-02-29',        'NaT'], dtype='datetime64[D]')
    """
    column = pd.Series(values)
    if column.dtype.kind != "M":
        if (kind := pd.api.types.infer_dtype(column)) not in KINDS_OF_DATES and column.notna().any():
            raise TypeError(f"{kind} values are no dates")  # pandas would take numbers for time since 1970
        column = pd.to_datetime(column.astype(object), format="ISO8601")
    days = column.dt.tz_localize(None).to_numpy().astype("datetime64[D]")
    if ((days < EARLIEST) | (days > LATEST)).any():
        raise ValueError(f"a date lies outside {EARLIEST} to {LATEST}")
    return days


def _typed(values: Any, kind: str, rows: int) -> Any:
    if kind == "id":
        return values.array if isinstance(values, pd.Series) else values
    if kind == "date":
        return _days(values, rows).astype(object)
    if kind == "time":
        # pandas' own UTC type warns whenever pyarrow reads it.
        return pd.Series([pd.NaT if values is None else values] * rows).astype(UTC_TIME).array
    if kind == "whole":
        return pd.array(_floats(values, rows), dtype="Float64").astype("Int64")
    if kind == "text":
        return pd.array(_objects(values, rows), dtype=pd.StringDtype(na_value=np.nan))
    return _floats(values, rows)


def _plain(values: Any, kind: str, rows: int) -> npt.NDArray[np.object_]:
    if kind == "id":
        return np.asarray(values, dtype=object)
    if kind == "date":
        days = _days(values, rows)
        said = days.astype(str).astype(object)
        said[np.isnat(days)] = None
        return said
    if kind == "time":
        return _objects(None if values is None else values.isoformat(), rows)
    if kind == "text":
        return _objects(values, rows)
    numbers = _floats(values, rows)
    unknown = np.isnan(numbers)
    if kind == "whole":
        numbers = np.where(unknown, 0, numbers).astype(np.int64)
    said = numbers.astype(object)
    said[unknown] = None
    return said


def _json_texts(values: Any, kind: str, rows: int) -> list[str]:
    if kind == "number":
        numbers = _floats(values, rows)
        texts = list(map(repr, numbers.tolist()))
        for place in np.flatnonzero(~np.isfinite(numbers)):
            texts[place] = "null"
        return texts
    plain = _plain(values, kind, rows).tolist()
    if kind == "id":
        return list(map(json.dumps, plain))
    known = {value: "null" if value != value else json.dumps(value) for value in set(plain)}
    return [known[value] for value in plain]


def _days(values: Any, rows: int) -> npt.NDArray[np.datetime64]:
    return np.broadcast_to(np.asarray("NaT" if values is None else values, dtype="datetime64[D]"), rows)


def _floats(values: Any, rows: int) -> npt.NDArray[np.float64]:
    unknown = values is None or values is pd.NA
    return np.broadcast_to(np.asarray(np.nan if unknown else values, dtype=np.float64), rows).copy()


def _objects(values: Any, rows: int) -> npt.NDArray[np.object_]:
    return np.broadcast_to(np.asarray(values, dtype=object), rows).copy()
