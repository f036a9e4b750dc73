"""The stages of a long job: what each is called, how many rows it handled and how many seconds it took.

`Stages` is told of each step as it begins, passes it on to whoever watches the job, and remembers it, so that
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
        count of the rows handled; None where rows say nothing
    seconds
        that it took
    """

    stage: str
    rows: int | None
    seconds: float

    def to_dict(self) -> dict[str, Any]:
        """As plain values."""
        return {"stage": self.stage, "rows": self.rows, "seconds": round(self.seconds, 3)}


class Stages:
    """A `Progress` that remembers.

    Parameters
    ----------
    progress
        told of each step as it begins, and of its rows if it has a method `rows`
    clock
        seconds, rising

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
        """End the stage before and begin `step`."""
        self.end()
        self._progress(step)
        self._step, self._rows, self._since = step, None, self._clock()

    def rows(self, count: int) -> None:
        """How many rows the present stage has handled."""
        self._rows = count
        if isinstance(self._progress, CountsRows):
            self._progress.rows(count)

    def end(self) -> tuple[Stage, ...]:
        """End the present stage; all that have ended."""
        if self._step is not None:
            self._ended.append(Stage(self._step, self._rows, self._clock() - self._since))
            self._step = None
        return tuple(self._ended)
