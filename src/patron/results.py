"""What a recipe returns, as a terminal and a JSON object show it."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Printed", "Result"]

type Printed = Iterator[str | tuple[str, "pd.DataFrame"]]
"""Sentences, and tables with their titles, in the order in which a terminal shows them."""


class Result(Protocol):
    """The result of a recipe."""

    def to_dict(self) -> dict[str, Any]:
        """Plain values for one JSON object."""

    def printed(self) -> Printed:
        """What a terminal shows."""
