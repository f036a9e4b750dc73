"""How a job reports its progress: it calls a function with the name of each step.

A job never prints. It takes `progress`, any function of one string, and calls it at the beginning of each
step; the command line passes one that writes to stderr, a notebook may pass `print`. If `progress` also
has a method `rows`, the job calls it with the number of rows that the current step has handled.
"""

from collections.abc import Callable
from typing import Protocol, runtime_checkable

__all__ = ["CountsRows", "Progress", "silent"]

type Progress = Callable[[str], object]


@runtime_checkable
class CountsRows(Protocol):
    """A `Progress` that also takes numbers of rows."""

    def rows(self, count: int, /) -> object:
        """Report how many rows the current step has handled.

        Parameters
        ----------
        count
            rows of the current step so far
        """


def silent(step: str) -> None:
    """A `Progress` that reports nothing.

    Parameters
    ----------
    step
        the name of the step, ignored

    Examples
    --------
    >>> silent("Reading the tables")
    """
