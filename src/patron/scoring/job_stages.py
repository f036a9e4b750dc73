"""Stages of a long job: the name of each, the rows it handled and the seconds it took.

`Stages` is called with each step as it begins, passes it on to the progress display, and records it, so that
the numbers are in the result as well as on the screen.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from patron.progress import CountsRows, Progress, silent

__all__ = ["Stage", "Stages"]


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage that has ended.

    Attributes
    ----------
    stage
        what was done
    rows
        count of the rows handled; None where rows do not apply
    seconds
        duration
    """

    stage: str
    rows: int | None
    seconds: float

    def to_dict(self) -> dict[str, Any]:
        """The stage as plain values."""
        return {"stage": self.stage, "rows": self.rows, "seconds": round(self.seconds, 3)}


class Stages:
    """A `Progress` that records each step.

    Parameters
    ----------
    progress
        called with each step as it begins, and with its rows if it has a method `rows`
    clock
        returns seconds, monotonic

    Examples
    --------
    >>> seconds = iter([0.0, 2.5, 2.5, 3.5])
    >>> stages = Stages(print, clock=lambda: next(seconds))
    >>> stages("Reading the tables")
    Reading the tables
    >>> stages.rows(1000)
    >>> stages("Scoring")
    Scoring
    >>> [(stage.stage, stage.rows, stage.seconds) for stage in stages.end()]
    [('Reading the tables', 1000, 2.5), ('Scoring', None, 1.0)]
    """

    def __init__(self, progress: Progress = silent, clock: Callable[[], float] = time.perf_counter) -> None:
        self._progress, self._clock = progress, clock
        self._ended: list[Stage] = []
        self._step: str | None = None
        self._rows: int | None = None
        self._since = 0.0

    def __call__(self, step: str) -> None:
        """End the previous stage and begin `step`."""
        self.end()
        self._progress(step)
        self._step, self._rows, self._since = step, None, self._clock()

    def rows(self, count: int) -> None:
        """Record how many rows the current stage has handled.

        Parameters
        ----------
        count
            of rows
        """
        self._rows = count
        if isinstance(self._progress, CountsRows):
            self._progress.rows(count)

    def end(self) -> tuple[Stage, ...]:
        """End the current stage and return all stages."""
        if self._step is not None:
            self._ended.append(Stage(self._step, self._rows, self._clock() - self._since))
            self._step = None
        return tuple(self._ended)
