"""How every figure of this room looks: the sheet, the colours, the legend, and the check of the table."""

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from patron.errors import TableError, some

__all__ = [
    "COLOURS",
    "QUIET",
    "add_legend",
    "as_percent",
    "by_model",
    "check_table",
    "mark_day",
    "new_figure",
]

# Okabe & Ito's colours, told apart by the colour-blind and in grey.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
MARKERS = "os^Dv<>"
QUIET = "#6E6E6E"


def new_figure(
    shape: tuple[int, int], title: str, size: tuple[float, float], **settings: Any
) -> tuple[Figure, list[Axes]]:
    """A figure and its panels, in reading order."""
    figure = Figure(figsize=size, layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(title, fontsize=12)
    listed = list(np.ravel(figure.subplots(*shape, **settings)))
    for axes in listed:
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(color="#E4E4E4", linewidth=0.8)
        axes.set_axisbelow(True)
    return figure, listed


def mark_day(axes: Axes, day: Any) -> None:
    """A line where the data end that the model had seen."""
    across = axes.get_xaxis_transform()  # x in days, y from the bottom 0 to the top 1
    look: dict[str, Any] = {"color": QUIET, "linewidth": 1, "linestyle": ":"}
    axes.plot([day, day], [0, 1], label="fitted up to here", transform=across, **look)


def add_legend(figure: Figure, axes: Axes, columns: int = 4) -> None:
    """One legend for the whole figure, below it."""
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=min(len(labels), columns), frameon=False)


def by_model(table: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame, dict[str, Any]]]:
    """Each model's rows and look, in the order of the table."""
    groups: Iterable[tuple[Any, pd.DataFrame]] = [("", table)]
    if "model" in table.columns:
        groups = table.groupby("model", sort=False, observed=True)
    for number, (name, rows) in enumerate(groups):
        look = {
            "color": COLOURS[number % len(COLOURS)],
            "marker": MARKERS[number % len(MARKERS)],
            "markersize": 5,
        }
        yield str(name), rows, look


def as_percent(*every: Any) -> None:
    """Shares shown as per cent."""
    for axis in every:
        axis.set_major_formatter(PercentFormatter(xmax=1, decimals=0, symbol=" %"))


def check_table(table: pd.DataFrame, *needed: str) -> None:
    """Refuses a table that lacks a column or has no row."""
    missing = [name for name in needed if name not in table.columns]
    if missing:
        raise TableError(f"the table of the figure lacks {some(missing)}; it has {some(table.columns, 20)}.")
    if table.empty:
        raise TableError(f"the table of the figure has no row; its columns are {some(table.columns, 20)}.")
