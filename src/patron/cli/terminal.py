"""How things look in a terminal: progress and notes on stderr; tables, or one JSON object, on stdout."""

import json
import sys
import time
import warnings
from collections.abc import Hashable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, TextIO

from patron.cli.signals import check_interruption
from patron.errors import PatronWarning
from patron.results import Result

if TYPE_CHECKING:
    import pandas as pd
    from rich.console import Console
    from rich.status import Status
    from rich.table import Table

__all__ = ["Steps", "print_json", "print_lines", "print_table", "show", "steps"]

_TEXT = 24  # characters above which text is wrapped rather than given more room


@dataclass
class Steps:
    """Reports each step of a job on stderr when it begins, and how long it took when it ends.

    Attributes
    ----------
    console
        Where the steps are reported.
    notes
        Sentences that were reported by :meth:`note`.
    """

    console: "Console"
    notes: list[str] = field(default_factory=list)
    _status: "Status | None" = field(default=None, init=False)
    _step: str = field(default="", init=False)
    _rows: int | None = field(default=None, init=False)
    _since: float = field(default=0.0, init=False)

    def __call__(self, step: str) -> None:
        """End the previous step and begin `step`, unless Ctrl-C was pressed."""
        check_interruption()
        self.end()
        self._step, self._rows, self._since = step, None, time.perf_counter()
        self._status = self.console.status(f"{step} …")
        self._status.start()

    def rows(self, count: int) -> None:
        """Report how many rows the current step has handled.

        Parameters
        ----------
        count
            Rows so far.
        """
        self._rows = count

    def end(self, *, done: bool = True) -> None:
        """End the current step.

        Parameters
        ----------
        done
            Whether its rows and seconds are reported.
        """
        if self._status is None:
            return
        self._status.stop()
        self._status = None
        if done:
            rows = "" if self._rows is None else f"{self._rows:,} rows, "
            seconds = time.perf_counter() - self._since
            self.console.print(f"{_plain(self._step)}  [dim]{rows}{seconds:.1f} s[/dim]", highlight=False)

    def note(self, sentence: str) -> None:
        """Report once what the user should know before trusting a number.

        Parameters
        ----------
        sentence
            The note; one that was reported before is left out.
        """
        if sentence not in self.notes:
            self.notes.append(sentence)
            self.console.print(f"[yellow]Note:[/yellow] {_plain(sentence)}", highlight=False)


@contextmanager
def steps() -> Iterator[Steps]:
    """A `Steps` on stderr; meanwhile patron's warnings become notes, and those of libraries are hidden.

    Examples
    --------
    >>> with steps() as progress:
    ...     warnings.warn("Few customers.", PatronWarning)
    >>> progress.notes
    ['Few customers.']
    """
    from rich.console import Console

    progress = Steps(Console(stderr=True, soft_wrap=True))

    def show(
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        if issubclass(category, PatronWarning):
            progress.note(str(message))

    with warnings.catch_warnings():
        warnings.simplefilter("always", PatronWarning)
        warnings.showwarning = show
        try:
            yield progress
        except BaseException:
            progress.end(done=False)
            raise
        progress.end()


def show(result: Result, *, as_json: bool, notes: list[str] | None = None) -> None:
    """Print the result of a recipe on stdout: one JSON object, or its tables and sentences in order.

    Parameters
    ----------
    result
        What a recipe has returned.
    as_json
        Whether one JSON object is printed.
    notes
        What the JSON object reports as "notes"; None leaves the key out.

    Examples
    --------
    >>> class Result:
    ...     def printed(self):
    ...         return ["Nothing was rejected."]
    >>> show(Result(), as_json=False)
    Nothing was rejected.
    """
    if as_json:
        print_json(result.to_dict() | ({} if notes is None else {"notes": notes}))
        return
    for part in result.printed():
        print_lines([part]) if isinstance(part, str) else print_table(part[1], part[0])


def print_json(value: Mapping[str, Any]) -> None:
    """Print one JSON object on stdout; NaN and infinity become null.

    Parameters
    ----------
    value
        Plain values, dates, arrays or frames.

    Examples
    --------
    >>> from datetime import date
    >>> print_json({"auc": float("nan"), "as_of": date(2024, 5, 1)})
    {"auc": null, "as_of": "2024-05-01"}
    """
    from patron.storage.atomic_files import plain  # late, so that --help does not wait for it

    sys.stdout.write(json.dumps(plain(value), ensure_ascii=False, allow_nan=False) + "\n")


def print_lines(lines: Iterable[str]) -> None:
    """Print sentences on stdout, each on its own line.

    Parameters
    ----------
    lines
        The sentences.

    Examples
    --------
    >>> print_lines(["Nothing was rejected."])
    Nothing was rejected.
    """
    sys.stdout.write("".join(f"{line}\n" for line in lines))


def print_table(frame: "pd.DataFrame", title: str) -> None:
    """Print a frame on stdout as a Rich table: numbers right-aligned and never cut, text wrapped.

    If the terminal is too narrow, long column names are broken; if that is not enough, the columns are split
    over several tables, each of which begins with the first column. A frame without rows is only a title.

    Parameters
    ----------
    frame
        The table; its index is not shown.
    title
        Line above the table.

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

    console = Console(width=None if sys.stdout.isatty() else 160)
    console.print(_plain(title), style="table.title", highlight=False, soft_wrap=True)
    shown = [] if frame.empty else [_column(name, cells) for name, cells in frame.items()]
    for columns in _side_by_side(shown, console.width):
        console.print(_table(columns))


@dataclass
class _Column:
    """A column as text: name, cells, and whether they are numbers."""

    name: str
    cells: list[str]
    is_numeric: bool

    @property
    def width(self) -> int:
        """Characters that it needs: numbers are not cut, text may be wrapped."""
        longest = max(map(len, self.cells), default=0)
        return max(longest if self.is_numeric else min(longest, _TEXT), *map(len, self.name.split("\n")))


def _column(name: Hashable, values: "pd.Series[Any]") -> _Column:
    is_key = str(name).endswith("_id")
    known = values.dropna()
    whole = values.dtype.kind == "f" and bool((known % 1 == 0).all() or (known.abs() >= 10).any())
    texts = [str(value) if is_key else _words(value, whole=whole) for value in values]
    cells = ["–" if unknown else cell for cell, unknown in zip(texts, values.isna(), strict=True)]
    return _Column(str(name), cells, values.dtype.kind in "fiu")


def _side_by_side(columns: list[_Column], width: int) -> Iterator[list[_Column]]:
    """The columns of one table if they fit, else of several tables with the first column in each."""
    if _width(columns) > width:
        columns = [replace(column, name=column.name.replace("_", "_\n")) for column in columns]
    while columns:
        many = len(columns)
        while many > 2 and _width(columns[:many]) > width:
            many -= 1
        yield columns[:many]
        columns = [columns[0], *columns[many:]] if many < len(columns) else []


def _width(columns: list[_Column]) -> int:
    """Characters of a table of these columns, with its borders."""
    return 1 + sum(3 + column.width for column in columns)


def _table(columns: list[_Column]) -> "Table":
    from rich.table import Table

    shown = Table(header_style="bold")
    for column in columns:
        justify: Literal["left", "right"] = "right" if column.is_numeric else "left"
        shown.add_column(_plain(column.name), justify=justify, no_wrap=column.is_numeric, overflow="fold")
    for row in zip(*(column.cells for column in columns), strict=True):
        shown.add_row(*map(_plain, row))
    return shown


def _plain(text: str) -> str:
    return text.replace("[", r"\[")


def _words(value: Any, *, whole: bool) -> str:
    """A cell as text; `whole`: its column holds counts or money, so zero is printed as 0, not 0.000."""
    if isinstance(value, float):
        if abs(value) >= 1000 or (value.is_integer() and (whole or abs(value) > 1)):
            return f"{value:,.0f}"
        return f"{value:.3f}" if abs(value) < 10 else f"{value:.1f}"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)
