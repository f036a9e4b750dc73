"""How a job tells what it is doing: it calls a function with the step it begins.

A job never prints. It takes `progress`, any function of one string, and calls it at the beginning of each
step; the command line passes one that writes to stderr, a notebook may pass `print`.
"""

from collections.abc import Callable

__all__ = ["Progress", "silent"]

type Progress = Callable[[str], object]


def silent(step: str) -> None:
    """Tell nobody.

    Examples
    --------
    >>> silent("Reading the tables")
    """
