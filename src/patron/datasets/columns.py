"""Draws → columns of a table: timestamps, and text from codes."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from patron.arrays import Floats, Integers
from patron.durations import SECONDS_PER_DAY

__all__ = ["after_seconds", "from_codes", "timestamps"]


def timestamps(start: np.datetime64, days: Floats) -> npt.NDArray[np.datetime64]:
    """Timestamps to the second: (n,) from days since the start, rounded down.

    Parameters
    ----------
    start
        time of day 0
    days
        (n,) days since the start

    Examples
    --------
    >>> timestamps(np.datetime64("2024-01-01"), np.array([1.5])).astype(str).tolist()
    ['2024-01-02T12:00:00.000000']
    """
    return after_seconds(start, np.floor(days * SECONDS_PER_DAY).astype(np.int64))


def after_seconds(start: np.datetime64, seconds: Integers) -> npt.NDArray[np.datetime64]:
    """Timestamps as pandas and DuckDB store them: (n,) from whole seconds since the start.

    Parameters
    ----------
    start
        time of second 0
    seconds
        (n,) whole seconds since the start

    Examples
    --------
    >>> after_seconds(np.datetime64("2024-01-01"), np.array([3600])).astype(str).tolist()
    ['2024-01-01T01:00:00.000000']
    """
    moments: npt.NDArray[np.datetime64] = start.astype("datetime64[us]") + seconds * np.timedelta64(
        1_000_000, "us"
    )
    return moments


def from_codes(codes: npt.NDArray[Any], labels: list[str]) -> Any:
    """The label of each code as a pandas string array: (n,), built without a Python object per row.

    Parameters
    ----------
    codes
        (n,) position in `labels`
    labels
        the text of each code

    Examples
    --------
    >>> list(from_codes(np.array([1, 0]), ["tea", "rice"]))
    ['rice', 'tea']
    """
    coded = pa.DictionaryArray.from_arrays(pa.array(codes), pa.array(labels, pa.large_string()))
    return pd.array(coded.cast(pa.large_string()), dtype="str")
