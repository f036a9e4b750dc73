"""Validate requests to the served model, and refuse invalid ones with one sentence.

MLflow's scoring server accepts NaN, and repeats the received rows in every error of a model. So the model
validates a request itself and refuses it with a `RefusedRequest`: status 400 and one sentence that names the
column and the rule, and no customer data except the position of a row.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from types import NoneType
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from mlflow.exceptions import MlflowException

from patron.arrays import Floats
from patron.errors import some
from patron.models.bundle.bundle import Bundle
from patron.models.churn.rows import Columns
from patron.models.value.rfm import RFM_COLUMNS
from patron.scores.columns import OPTIONAL_COLUMNS, dates
from patron.scores.scorable import broken_rules

__all__ = [
    "LARGEST_NUMBER",
    "MOST_ROWS",
    "PARAMETERS",
    "RefusedRequest",
    "check_parameters",
    "check_request",
    "check_size",
    "refuse",
]

LARGEST_NUMBER = 1e15
"""The largest number in a request: beyond about this size doubles no longer represent whole cents."""

MOST_ROWS = 100_000
"""The maximum number of rows in a request; these take seconds, and more should be scored as a batch."""


NUMBERS = ("integer", "integer-na", "floating", "mixed-integer-float", "decimal", "empty")
"""The types that pandas may infer for a numeric column; '30' is not a number."""

DAY = re.compile(r"\d{4}-?\d\d-?\d\d")
"""The beginning of a date as text; a time may follow."""

NEEDED = ("customer_id", *RFM_COLUMNS)

PARAMETERS = ("horizon_days", "value_horizon_days", "annual_discount_rate", "reasons")
"""What a request may set in addition to its rows."""


class RefusedRequest(MlflowException):
    """A refused request. Its message cannot be changed, because the server would add the rows to it.

    Examples
    --------
    >>> refused = refuse("The column 'T' must hold numbers.")
    >>> refused.message = "Failed to predict data 'customer_id ...'"
    >>> refused.message, refused.get_http_status_code()
    ("The column 'T' must hold numbers.", 400)
    """

    @property
    def message(self) -> str:
        """One sentence."""
        return str(self.args[0]) if self.args else ""

    @message.setter
    def message(self, text: str) -> None:
        """Ignore the message of the server, which would contain the rows of the request."""


def refuse(sentence: str) -> RefusedRequest:
    """The exception with this sentence, for `raise`.

    Parameters
    ----------
    sentence
        names the column and the rule, and no customer data
    """
    refusal: RefusedRequest = RefusedRequest.invalid_parameter_value(sentence)
    return refusal


def check_size(rows: int) -> None:
    """Refuse a request of more than `MOST_ROWS` rows.

    Parameters
    ----------
    rows
        count

    Raises
    ------
    RefusedRequest
        it has more

    Examples
    --------
    >>> check_size(100_000)
    """
    if rows > MOST_ROWS:
        raise refuse(
            f"The request has {rows:,} rows; at most {MOST_ROWS:,} are allowed: send it in parts, or score a "
            "whole table with 'patron score'."
        )


def check_request(rows: Any, bundle: Bundle) -> Columns:
    """The rows of a request in the types that scoring needs.

    Parameters
    ----------
    rows
        a frame with customer_id, either all features or the purchase columns alone, and optionally
        `OPTIONAL_COLUMNS`; or the same as :func:`patron.tracking.bodies.read_body` parses it from records
    bundle
        the model

    Returns
    -------
    Columns
        The same rows as arrays; numbers float64 with NaN for null, categories text with None for null.

    Raises
    ------
    RefusedRequest
        a column is missing or wrong, a row breaks a rule, or there is no row

    Examples
    --------
    See :class:`patron.tracking.served.ServedModel`.
    """
    if not isinstance(rows, pd.DataFrame | dict):
        raise refuse("The request must be a table: send it as dataframe_records or dataframe_split.")
    if isinstance(rows, pd.DataFrame):
        if not len(rows):
            raise refuse(f"The request has no rows: give at least one, with {', '.join(NEEDED)}.")
        check_size(len(rows))
        if not rows.columns.is_unique:
            raise refuse("The request has two columns of the same name.")
    given = _which_features(rows, bundle)
    categories = [name for name in bundle.catalogue.categories if name in given]
    others: dict[str, Any] = {name: _texts(rows[name], name) for name in categories}
    others["customer_id"] = _ids(rows["customer_id"], bundle)
    if "as_of" in rows:
        others["as_of"] = _days(rows["as_of"])
    optional = [name for name in OPTIONAL_COLUMNS if name in rows]
    numbers = _numbers(rows, [*RFM_COLUMNS, *(name for name in given if name not in categories), *optional])
    broken = broken_rules(numbers)
    for place, rule in enumerate(broken, start=1):
        if rule is not None:
            raise refuse(f"In row {place}, {rule}.")
    return numbers | others


def check_parameters(parameters: Any) -> dict[str, Any]:
    """The parameters of a request, without those that are null.

    Parameters
    ----------
    parameters
        as the request has them; refused where one is unknown or of another kind

    Examples
    --------
    >>> check_parameters({"horizon_days": 30, "reasons": None})
    {'horizon_days': 30}
    """
    if not isinstance(parameters, Mapping | None):
        raise refuse(f"params must be an object; it may set {', '.join(PARAMETERS)}.")
    given = dict(parameters or {})
    if unknown := sorted(map(_name, set(given) - set(PARAMETERS))):
        raise refuse(f"The request sets {some(unknown)}; it may set {', '.join(PARAMETERS)}.")
    given = {name: value for name, value in given.items() if value is not None}
    for name, value in given.items():
        kind = bool if name == "reasons" else (int, float, np.integer, np.floating)
        if not isinstance(value, kind) or (name != "reasons" and isinstance(value, bool)):
            raise refuse(
                f"The parameter {name} must be {'true or false' if name == 'reasons' else 'a number'}."
            )
        if isinstance(value, int) and abs(value) > LARGEST_NUMBER:  # the message would repeat all its digits
            raise refuse(f"The parameter {name} must be a number below {LARGEST_NUMBER:.0e}.")
    return given


def _name(given: Any) -> str:
    """The name of a parameter if it looks like one; anything else might be customer data."""
    plain = isinstance(given, str) and given.isidentifier() and len(given) <= 40
    return given if plain else "an invalid name"


def _which_features(rows: pd.DataFrame | dict[str, Any], bundle: Bundle) -> list[str]:
    """The given features other than the purchase columns; none if only those are given."""
    if absent := [name for name in NEEDED if name not in rows]:
        raise refuse(f"The request lacks the column {absent[0]!r}: each row needs {', '.join(NEEDED)}.")
    given = [name for name in bundle.catalogue.names if name in rows and name not in RFM_COLUMNS]
    absent = [name for name in bundle.catalogue.names if name not in rows]
    if given and absent:
        raise refuse(
            f"The request lacks {len(absent)} of the {len(bundle.catalogue)} features of this model: "
            f"{some(absent)}; send all of them, null where unknown, or none but {', '.join(RFM_COLUMNS)}."
        )
    return given


def _ids(given: Any, bundle: Bundle) -> npt.NDArray[Any]:
    if isinstance(given, list) and set(map(type, given)) == {int if bundle.customer_ids == "whole" else str}:
        return _objects(given)
    column = given if isinstance(given, pd.Series) else pd.Series(given, dtype=object)
    if column.isna().any():
        raise refuse(f"The column 'customer_id' must not be null, and is in row {_first(column.isna())}.")
    if column.dtype.kind in "iu":
        return column.to_numpy()
    wanted = (int, np.integer) if bundle.customer_ids == "whole" else (str, int, np.integer)
    if not all(issubclass(kind, wanted) and kind is not bool for kind in set(map(type, column))):
        texts = "" if bundle.customer_ids == "whole" else "texts or "
        raise refuse(f"The column 'customer_id' must hold {texts}whole numbers.")
    return _objects(column.tolist())


def _days(given: Any) -> npt.NDArray[np.datetime64]:
    days = given if isinstance(given, list) else given.tolist()
    try:
        if any(isinstance(day, str) and not DAY.match(day) for day in set(days)):
            raise ValueError  # pandas accepts more: 'today', 'nan', and 2024 for the first of January
        if isinstance(days[0], str) and days.count(days[0]) == len(days):  # as of one day, as a rule
            return np.full(len(days), _day(days[0]))
        return dates(given)
    except (TypeError, ValueError) as error:
        raise refuse("The column 'as_of' must hold dates such as 2024-12-31.") from error


@lru_cache(maxsize=128)
def _day(text: str) -> np.datetime64:
    day: np.datetime64 = dates([text])[0]
    return day


def _numbers(rows: pd.DataFrame | dict[str, Any], names: list[str]) -> dict[str, Floats]:
    if isinstance(rows, dict):
        numbers = np.array([rows[name] for name in names])
    elif set((chosen := rows[names]).dtypes) == {np.dtype(np.float64)}:
        numbers = np.ascontiguousarray(chosen.to_numpy().T)
    else:
        numbers = np.array([_number(rows[name]) for name in names])
    large = np.abs(numbers) > LARGEST_NUMBER  # infinity too; null is not
    if large.any():
        which = int(large.any(axis=1).argmax())
        raise refuse(
            f"The column {names[which]!r} must hold numbers between -{LARGEST_NUMBER:.0e} and "
            f"{LARGEST_NUMBER:.0e}, and does not in row {_first(large[which])}."
        )
    return dict(zip(names, numbers, strict=True))


def _number(column: pd.Series) -> Floats:
    try:
        if column.dtype.kind not in "iuf" and pd.api.types.infer_dtype(column) not in NUMBERS:
            raise TypeError
        return column.to_numpy(dtype=np.float64, na_value=np.nan)
    except (TypeError, ValueError, OverflowError) as error:
        raise refuse(f"The column {column.name!r} must hold numbers.") from error


def _texts(given: Any, name: str) -> npt.NDArray[np.object_]:
    texts = given if isinstance(given, list) else given.tolist()
    kinds = set(map(type, texts))
    if not kinds <= {str, NoneType}:
        texts = [None if pd.api.types.is_scalar(text) and pd.isna(text) else text for text in texts]
        if not all(isinstance(text, str | None) for text in texts):  # 7 is not '7', nor true 'true'
            raise refuse(f"The column {name!r} must hold texts.")
    return _objects(texts)


def _objects(values: list[Any]) -> npt.NDArray[np.object_]:
    column = np.empty(len(values), dtype=object)
    column[:] = values
    return column


def _first(found: Any) -> int:
    """The position of the first match, counted from 1."""
    return int(np.flatnonzero(np.asarray(found))[0]) + 1
