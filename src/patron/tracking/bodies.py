"""Parse the body of a request into rows and parameters, or refuse it with one sentence.

The formats are those of MLflow's scoring server: JSON with one of `SHAPES` and optionally ``params``, CSV, or
Parquet. MLflow's own reader repeats the body in its errors and ignores unknown keys; this one repeats neither
a value nor a key of the request. Only columns that the model knows are read: a small body with very many
others, or with different ones in each row, would fill the memory.
"""

import json
from contextlib import suppress
from io import BytesIO
from itertools import chain
from operator import itemgetter
from types import NoneType
from typing import Any

import numpy as np
import pandas as pd
from pydantic_core import from_json

from patron.models.bundle.bundle import Bundle
from patron.models.value.rfm import RFM_COLUMNS
from patron.scores.columns import OPTIONAL_COLUMNS
from patron.tracking.guard import check_size, refuse

__all__ = ["SHAPES", "read_body"]

JSON, CSV, PARQUET = "application/json", "text/csv", "application/vnd.apache.parquet"

SHAPES = ("dataframe_records", "dataframe_split", "inputs", "instances")
"""The keys that may hold the rows of a JSON body."""

ENCODINGS = ("utf-8", "utf8", "us-ascii")

UNKNOWN = ["", "NA", "N/A", "NaN", "nan", "NULL", "null", "None"]
"""Values that mean an unknown number in CSV. For texts only an empty value does: NA may be a region."""

type Request = tuple[pd.DataFrame | dict[str, Any], Any]


def read_body(body: bytes, content_type: str | None, bundle: Bundle) -> Request:
    """The rows of a request as they were sent, and its parameters.

    Parameters
    ----------
    body
        of the request; refused where it is not of its content type
    content_type
        the header of that name, or None
    bundle
        the model, which knows the columns that are text

    Returns
    -------
    rows
        one per customer, not validated yet: a frame; or, for records with numbers wherever the model has
        numbers, the columns that the model knows: arrays of numbers, lists of others
    parameters
        the value of "params", not validated either; None if missing

    Examples
    --------
    >>> from patron.tracking.guard import RefusedRequest
    >>> rows, parameters = read_body(b'{"inputs": {"T": [90]}, "params": {}}', JSON, None)
    >>> rows["T"].tolist(), parameters
    ([90], {})
    >>> try:
    ...     read_body(b'{"dataframe_records": [', JSON, None)
    ... except RefusedRequest as refused:
    ...     refused.message
    'The body is not valid JSON: it ends early or has an error at line 1, column 24.'
    """
    if not content_type:
        raise refuse(f"The request has no Content-Type: send {JSON}, {CSV} or {PARQUET}.")
    kind, *details = (part.strip().lower() for part in content_type.split(";"))
    charsets = [detail.removeprefix("charset=").strip('"') for detail in details if "charset=" in detail]
    if any(charset not in ENCODINGS for charset in charsets):
        raise refuse("The body must be UTF-8, but the Content-Type names another charset.")
    if kind == JSON:
        return _from_json(body, bundle)
    if kind == CSV:
        return _from_csv(body, bundle), None
    if kind == PARQUET:
        return _from_parquet(body, bundle), None
    raise refuse(f"The request has an unknown Content-Type: send {JSON}, {CSV} or {PARQUET}.")


def _from_json(body: bytes, bundle: Bundle) -> Request:
    try:
        given = _loaded(body)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise refuse(f"The body is not valid JSON: it ends early or has an error at {where}.") from None
    except UnicodeDecodeError:
        raise refuse("The body is not valid JSON: it is not UTF-8.") from None
    except (RecursionError, ValueError):  # brackets without end, a number of thousands of digits
        raise refuse("The JSON body is nested too deeply or contains a number that is too long.") from None
    shapes = [name for name in SHAPES if name in given] if isinstance(given, dict) else []
    if len(shapes) != 1 or set(given) - {*shapes, "params"}:
        listed = ", ".join(SHAPES)
        raise refuse(f"The body must be an object with one of {listed}, optionally params, and nothing else.")
    (shape,) = shapes
    content = given[shape]
    if shape == "dataframe_split":
        return _from_split(content), given.get("params")
    if shape == "inputs" and isinstance(content, dict):
        return _from_columns(content), given.get("params")
    if not isinstance(content, list) or not all(isinstance(row, dict) for row in content):
        raise refuse(f"{shape} must be a list of objects, one for each customer, with columns as keys.")
    check_size(len(content))
    return _from_records(content, bundle), given.get("params")


def _loaded(body: bytes) -> Any:
    """The value of a JSON body.

    pydantic's reader takes half the time; what it refuses, the slower one either reads, or reports with its
    position.
    """
    try:
        return from_json(body)
    except ValueError:
        return json.loads(body)


def _from_records(records: list[dict[str, Any]], bundle: Bundle) -> pd.DataFrame | dict[str, Any]:
    """The rows. Valid ones are read the fast way; the guard finds the error in any others."""
    names = records[0].keys() if records else ()
    numbers = [name for name in _numbers(bundle) if name in names]
    if len(numbers) > 1 and all(record.keys() == names for record in records):
        figures = list(map(itemgetter(*numbers), records))
        if set(map(type, chain.from_iterable(figures))) <= {float, int, NoneType}:
            with suppress(OverflowError):  # a whole number that no double holds
                columns: dict[str, Any] = dict(
                    zip(numbers, np.array(figures, dtype=np.float64).T, strict=True)
                )
                return columns | {
                    name: [record[name] for record in records] for name in _others(bundle) if name in names
                }
    known = (*_others(bundle), *_numbers(bundle))
    return pd.DataFrame(
        records, columns=[name for name in known if any(name in record for record in records)]
    )


def _numbers(bundle: Bundle) -> list[str]:
    """The numeric columns that the model knows."""
    return list(dict.fromkeys([*RFM_COLUMNS, *bundle.catalogue.numbers, *OPTIONAL_COLUMNS]))


def _others(bundle: Bundle) -> list[str]:
    """The other columns that the model knows."""
    return ["customer_id", "as_of", *bundle.catalogue.categories]


def _from_split(content: Any) -> pd.DataFrame:
    columns, data = (content.get(key) for key in ("columns", "data")) if isinstance(content, dict) else (0, 0)
    if not isinstance(columns, list) or not isinstance(data, list):
        raise refuse("dataframe_split must be an object with columns (a list) and data (a list of rows).")
    if not all(isinstance(name, str) for name in columns):
        raise refuse("The columns of dataframe_split must be texts.")
    for place, row in enumerate(data, start=1):
        if not isinstance(row, list) or len(row) != len(columns):
            raise refuse(f"In row {place}, dataframe_split must hold {len(columns)} values, one per column.")
    check_size(len(data))
    return pd.DataFrame(data, columns=columns)


def _from_columns(content: dict[str, Any]) -> pd.DataFrame:
    lengths = {len(values) if isinstance(values, list) else -1 for values in content.values()}
    if -1 in lengths or len(lengths) > 1:
        raise refuse("inputs must hold for each column a list of values, all of the same length.")
    check_size(max(lengths, default=0))
    return pd.DataFrame(content)


def _from_csv(body: bytes, bundle: Bundle) -> pd.DataFrame:
    texts = ["as_of", *bundle.catalogue.categories]
    if bundle.customer_ids == "text":
        texts.append("customer_id")  # 007 is not 7
    known = [*_others(bundle), *_numbers(bundle)]
    try:
        names = pd.read_csv(BytesIO(body), header=None, nrows=1, dtype="str").iloc[0].tolist()
        rows = pd.read_csv(
            BytesIO(body),
            usecols=lambda name: name in known or name == names[0],
            index_col=False,
            dtype=dict.fromkeys(texts, "str"),
            keep_default_na=False,
            na_values={name: [""] if name in texts else UNKNOWN for name in known},
            low_memory=False,
        )
        if len(rows) and len(rows.columns):
            _check_widths(body, rows.columns[0])
    except UnicodeDecodeError:
        raise refuse("The body is not valid CSV: it is not UTF-8.") from None
    except (ValueError, OverflowError):  # every error of the parser is a ValueError
        raise refuse(
            "The body is not valid CSV: it needs a line of column names, and as many values in each row."
        ) from None
    check_size(len(rows))
    _refuse_twice([name for name in names if name in known])
    return rows


def _check_widths(body: bytes, name: str) -> None:
    """Raise a ValueError if a row has more or fewer values than there are names.

    pandas drops surplus values, and reads missing ones as unknown.
    """
    import pyarrow as pa
    import pyarrow.csv as text

    text.read_csv(
        BytesIO(body),
        text.ReadOptions(block_size=len(body) + 1, use_threads=False),
        text.ParseOptions(newlines_in_values=True),
        text.ConvertOptions(include_columns=[name], column_types={name: pa.binary()}),
    )


def _from_parquet(body: bytes, bundle: Bundle) -> pd.DataFrame:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(pa.BufferReader(body))
        check_size(file.metadata.num_rows)  # a small file may hold a billion rows
        names = file.schema_arrow.names
        _refuse_twice(names)
        known = [name for name in (*_others(bundle), *_numbers(bundle)) if name in names]
        rows: pd.DataFrame = file.read(columns=known).to_pandas(ignore_metadata=True)
        return rows
    except (pa.ArrowException, OSError, ValueError):
        raise refuse("The body is not a Parquet file, or was cut short.") from None


def _refuse_twice(names: list[str]) -> None:
    if len(set(names)) < len(names):
        raise refuse("The request has two columns of the same name.")
