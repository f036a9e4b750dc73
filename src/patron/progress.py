"""How a job tells what it is doing: it calls a function with the step it begins.

A job never prints. It takes `progress`, any function of one string, and calls it at the beginning of each
step; the command line passes one that writes to stderr, a notebook may pass `print`. Where `progress` also
has a method `rows`, it is told how many rows the present step has handled.
"""

from collections.abc import Callable
from typing import Protocol, runtime_checkable

__all__ = ["CountsRows", "Progress", "silent"]

type Progress = Callable[[str], object]


@runtime_checkable
class CountsRows(Protocol):
    """A `Progress` that also wants to know of rows."""

    def rows(self, count: int, /) -> object:
        """Take note of how many rows the present step has handled."""


def silent(step: str) -> None:
    """Tell nobody.

    Examples
    --------
    >>> silent("Reading the tables")
    """
