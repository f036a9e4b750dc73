"""How things look in a terminal: progress and notes on stderr; tables, or one JSON object, on stdout."""

import json
import math
import sys
import time
import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TextIO

from patron.cli.signals import check_interruption
from patron.errors import PatronWarning

if TYPE_CHECKING:
    import pandas as pd
    from rich.console import Console
    from rich.status import Status

__all__ = ["Steps", "print_json", "print_lines", "print_table", "steps"]


@dataclass
class Steps:
    """Tells each step of a job on stderr when it begins, and how long it took when it ends."""

    console: "Console"
    notes: list[str] = field(default_factory=list)
    _status: "Status | None" = None
    _step: str = ""
    _rows: int | None = None
    _since: float = 0.0

    def __call__(self, step: str) -> None:
        """End the step before and begin `step`; not where Ctrl-C was pressed meanwhile."""
        check_interruption()
        self.end()
        self._step, self._rows, self._since = step, None, time.perf_counter()
        self._status = self.console.status(f"{step} …")
        self._status.start()

    def rows(self, count: int) -> None:
        """How many rows the present step has handled."""
        self._rows = count

    def end(self, *, done: bool = True) -> None:
        """End the present step; say its rows and seconds if it was `done`."""
        if self._status is None:
            return
        self._status.stop()
        self._status = None
        if done:
            rows = "" if self._rows is None else f"{self._rows:,} rows, "
            seconds = time.perf_counter() - self._since
            self.console.print(f"{_plain(self._step)}  [dim]{rows}{seconds:.1f} s[/dim]", highlight=False)

    def note(self, sentence: str) -> None:
        """Say once what the user should know before trusting a number."""
        if sentence not in self.notes:
            self.notes.append(sentence)
            self.console.print(f"[yellow]Note:[/yellow] {_plain(sentence)}", highlight=False)


@contextmanager
def steps() -> Iterator[Steps]:
    """A `Steps` on stderr; meanwhile patron's warnings become notes and other libraries' are not shown.

    Examples
    --------
    >>> with steps() as tell:
    ...     warnings.warn("Few customers.", PatronWarning)
    >>> tell.notes
    ['Few customers.']
    """
    from rich.console import Console

    told = Steps(Console(stderr=True, soft_wrap=True))

    def show(
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        if issubclass(category, PatronWarning):
            told.note(str(message))

    with warnings.catch_warnings():
        warnings.simplefilter("always", PatronWarning)
        warnings.showwarning = show
        try:
            yield told
        except BaseException:
            told.end(done=False)
            raise
        told.end()


def print_json(value: Mapping[str, Any]) -> None:
    """Print one JSON object on stdout; what is no number becomes null.

    Examples
    --------
    >>> from datetime import date
    >>> print_json({"auc": float("nan"), "as_of": date(2024, 5, 1)})
    {"auc": null, "as_of": "2024-05-01"}
    """
    from patron.workflows.outputs import plain  # late: --help shall not wait for it

    sys.stdout.write(json.dumps(plain(value), ensure_ascii=False, allow_nan=False) + "\n")


def print_lines(lines: Iterable[str]) -> None:
    """Print sentences on stdout, each on its own line.

    Examples
    --------
    >>> print_lines(["Nothing was rejected."])
    Nothing was rejected.
    """
    sys.stdout.write("".join(f"{line}\n" for line in lines))


def print_table(frame: "pd.DataFrame", title: str) -> None:
    """Print a frame on stdout as a Rich table: numbers to the right, text and reasons wrapped.

    Examples
    --------
    >>> import pandas as pd
    >>> print_table(pd.DataFrame({"model": ["recency"], "auc": [0.8]}), "Two customers")
    Two customers
    ┏━━━━━━━━━┳━━━━━━━┓
    ┃ model   ┃   auc ┃
    ┡━━━━━━━━━╇━━━━━━━┩
    │ recency │ 0.800 │
    └─────────┴───────┘
    """
    from rich.console import Console
    from rich.table import Table

    shown = Table(title=title, title_justify="left", header_style="bold")
    for name in frame.columns:
        numeric = frame[name].dtype.kind in "fiu"
        shown.add_column(
            _plain(str(name)), justify="right" if numeric else "left", no_wrap=numeric, overflow="fold"
        )
    for row in frame.itertuples(index=False):
        shown.add_row(*(_plain(_words(value)) for value in row))
    Console(width=None if sys.stdout.isatty() else 160).print(shown)


def _plain(text: str) -> str:
    return text.replace("[", r"\[")


def _words(value: Any) -> str:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "–"
    if isinstance(value, float):
        return (
            f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3f}" if abs(value) < 10 else f"{value:.1f}"
        )
    return str(value)
