"""The body of a request → rows and parameters, or the sentence that says what is wrong with it.

The shapes are those of MLflow's scoring server: JSON with one of `SHAPES` and perhaps ``params``, CSV, or
Parquet. MLflow's own reader puts the body into its errors and passes over keys that it does not know; this
one names neither a value nor a key of the request.
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

from patron.models.bundle import Bundle
from patron.scores.decisions import OPTIONAL_COLUMNS
from patron.scores.scorable import RFM_COLUMNS
from patron.tracking.guard import check_size, refuse

__all__ = ["SHAPES", "read_body"]

JSON, CSV, PARQUET = "application/json", "text/csv", "application/vnd.apache.parquet"

SHAPES = ("dataframe_records", "dataframe_split", "inputs", "instances")
"""What the rows of a JSON body stand under."""

ENCODINGS = ("utf-8", "utf8", "us-ascii")

type Request = tuple[pd.DataFrame | dict[str, Any], Any]


def read_body(body: bytes, content_type: str | None, bundle: Bundle) -> Request:
    """The rows of a request as they were sent, and its parameters.

    Parameters
    ----------
    body : what was sent
    content_type : the header of that name; None where there was none
    bundle : which columns are text, where the body does not say so

    Returns
    -------
    rows : one per customer, not checked yet: a frame; or, where they came as records that all hold numbers
        where the model has numbers, the columns that the model knows: arrays of numbers, lists of others
    parameters : what stands under "params", also not checked; None without any

    Raises
    ------
    RefusedRequest : the content type is missing or unknown, or the body is not what it says

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
    'The body is no JSON: it breaks off or goes wrong at line 1, column 24.'
    """
    if not content_type:
        raise refuse(f"The request names no Content-Type: send {JSON}, {CSV} or {PARQUET}.")
    kind, *details = (part.strip().lower() for part in content_type.split(";"))
    charsets = [detail.removeprefix("charset=").strip('"') for detail in details if "charset=" in detail]
    if any(charset not in ENCODINGS for charset in charsets):
        raise refuse("The body must be UTF-8, and the Content-Type names another charset.")
    if kind == JSON:
        return _from_json(body, bundle)
    if kind == CSV:
        return _from_csv(body, bundle), None
    if kind == PARQUET:
        return _from_parquet(body), None
    raise refuse(f"The request has an unknown Content-Type: send {JSON}, {CSV} or {PARQUET}.")


def _from_json(body: bytes, bundle: Bundle) -> Request:
    try:
        given = _loaded(body)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise refuse(f"The body is no JSON: it breaks off or goes wrong at {where}.") from None
    except UnicodeDecodeError:
        raise refuse("The body is no JSON: it is not UTF-8.") from None
    except (RecursionError, ValueError):  # brackets without end, a number of thousands of digits
        raise refuse("The body is no JSON that can be read: it is nested or a number is too long.") from None
    shapes = [name for name in SHAPES if name in given] if isinstance(given, dict) else []
    if len(shapes) != 1 or set(given) - {*shapes, "params"}:
        listed = ", ".join(SHAPES)
        raise refuse(f"The body must be an object with one of {listed}, perhaps params, and nothing else.")
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
    """What a JSON body holds. pydantic's reader takes half the time; what it refuses the slower one reads, or
    knows why not."""
    try:
        return from_json(body)
    except ValueError:
        return json.loads(body)


def _from_records(records: list[dict[str, Any]], bundle: Bundle) -> pd.DataFrame | dict[str, Any]:
    """The rows. Those that are as they should be are read at once; the guard finds what is wrong with any
    others."""
    names = records[0].keys() if records else ()
    known = (*RFM_COLUMNS, *bundle.catalogue.numbers, *OPTIONAL_COLUMNS)
    numbers = [name for name in dict.fromkeys(known) if name in names]
    if len(numbers) > 1 and all(record.keys() == names for record in records):
        figures = list(map(itemgetter(*numbers), records))
        if set(map(type, chain.from_iterable(figures))) <= {float, int, NoneType}:
            with suppress(OverflowError):  # a whole number that no double holds
                columns: dict[str, Any] = dict(
                    zip(numbers, np.array(figures, dtype=np.float64).T, strict=True)
                )
                others = ("customer_id", "as_of", *bundle.catalogue.categories)
                return columns | {
                    name: [record[name] for record in records] for name in others if name in names
                }
    return pd.DataFrame(records)


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
    texts = dict.fromkeys(["as_of", *bundle.catalogue.categories], "str")
    if bundle.customer_ids == "text":
        texts["customer_id"] = "str"  # 007 is not 7
    try:
        rows = pd.read_csv(BytesIO(body), dtype=texts, low_memory=False)
    except UnicodeDecodeError:
        raise refuse("The body is no CSV: it is not UTF-8.") from None
    except (ValueError, OverflowError):  # every error of the parser is a ValueError
        raise refuse(
            "The body is no CSV: it needs a line of column names, and as many values in each row."
        ) from None
    check_size(len(rows))
    return rows


def _from_parquet(body: bytes) -> pd.DataFrame:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(pa.BufferReader(body))
        check_size(file.metadata.num_rows)  # a small file may hold a billion rows
        rows: pd.DataFrame = file.read().to_pandas()
        return rows
    except (pa.ArrowException, OSError, ValueError):
        raise refuse("The body is no Parquet file, or was cut short.") from None
