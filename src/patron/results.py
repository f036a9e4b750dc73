"""What a recipe returns, as a terminal and a JSON object show it."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Printed", "Result", "plain_fields"]

type Printed = Iterator[str | tuple[str, "pd.DataFrame"]]
"""Sentences, and tables with their titles, in the order in which a terminal shows them."""


class Result(Protocol):
    """The result of a recipe."""

    def to_dict(self) -> dict[str, Any]:
        """Plain values for one JSON object."""

    def printed(self) -> Printed:
        """What a terminal shows."""


def plain_fields(result: object, *names: str, **renamed: str) -> dict[str, Any]:
    """Fields of a result as plain values: dates as ISO text, paths as text, frames as lists of rows.

    Parameters
    ----------
    result
        the result of a recipe, or a part of it
    *names
        fields and properties to take, in order
    **renamed
        key in the dictionary → field, after those of `names`

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> plain_fields(SimpleNamespace(first=date(2024, 1, 31), path=None), "first", out="path")
    {'first': '2024-01-31', 'out': None}
    """
    fields = {name: name for name in names} | renamed
    return {key: _plain(getattr(result, field)) for key, field in fields.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    return value.to_dict("records") if hasattr(value, "columns") else value
