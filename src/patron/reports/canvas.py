"""Layout, colours and legend of every figure, and the check of its table."""

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

# Okabe & Ito's palette, distinguishable with colour blindness and in greyscale.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
MARKERS = "os^Dv<>"
QUIET = "#6E6E6E"


def new_figure(
    shape: tuple[int, int], title: str, size: tuple[float, float], **settings: Any
) -> tuple[Figure, list[Axes]]:
    """A new figure and its panels, in reading order.

    Parameters
    ----------
    shape
        rows and columns of panels
    title
        above the figure
    size
        width and height in inches
    **settings
        of `Figure.subplots`
    """
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
    """Mark the last day of the fit window.

    Parameters
    ----------
    axes
        panel
    day
        position on the x axis
    """
    across = axes.get_xaxis_transform()  # x in days, y from the bottom 0 to the top 1
    look: dict[str, Any] = {"color": QUIET, "linewidth": 1, "linestyle": ":"}
    axes.plot([day, day], [0, 1], label="fitted up to here", transform=across, **look)


def add_legend(figure: Figure, axes: Axes, columns: int = 4) -> None:
    """Add one legend for the whole figure, below it.

    Parameters
    ----------
    figure
        the figure
    axes
        panel whose labels it shows
    columns
        maximum number of columns
    """
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=min(len(labels), columns), frameon=False)


def by_model(table: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame, dict[str, Any]]]:
    """The name, rows and style of each model, in the order of the table.

    Parameters
    ----------
    table
        with a column `model`, or of one model without a name
    """
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
    """Format axes of shares as per cent.

    Parameters
    ----------
    *every
        x or y axes
    """
    for axis in every:
        axis.set_major_formatter(PercentFormatter(xmax=1, decimals=0, symbol=" %"))


def check_table(table: pd.DataFrame, *needed: str) -> None:
    """Raise where a table lacks a column or has no row.

    Parameters
    ----------
    table
        of a figure
    *needed
        names of columns

    Raises
    ------
    TableError
        a column is missing, or there is no row
    """
    missing = [name for name in needed if name not in table.columns]
    if missing:
        raise TableError(f"the table of the figure lacks {some(missing)}; it has {some(table.columns, 20)}.")
    if table.empty:
        raise TableError(f"the table of the figure has no row; its columns are {some(table.columns, 20)}.")
