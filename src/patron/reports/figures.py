"""Figures of churn predictions and of tracking.

====================  ==============================================  ==================================
figure                question                                        table
====================  ==============================================  ==================================
`calibration_figure`  did 30 % leave of those with a risk of 30 %?    `evaluation.calibration_table`
`lift_figure`         what share of leavers do the first calls reach? `evaluation.lift_table`
`tracking_figure`     did customers buy as often as expected?         `models.value.checks.tracking`
====================  ==============================================  ==================================

The first two take several models in one table, with a column `model`. Each returns a
`matplotlib.figure.Figure`, which a notebook shows and `save_figure` writes.
"""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure
from matplotlib.ticker import StrMethodFormatter

from patron.reports.canvas import (
    COLOURS,
    QUIET,
    add_legend,
    as_percent,
    by_model,
    check_table,
    mark_day,
    new_figure,
)

__all__ = ["calibration_figure", "lift_figure", "save_figure", "tracking_figure"]


def calibration_figure(
    table: pd.DataFrame, *, title: str = "Calibration: predicted and observed churn"
) -> Figure:
    """Observed churn against predicted probability by bin, with 95 % intervals and the diagonal.

    Parameters
    ----------
    table
        one row per bin (and `model`, if present): `predicted`, `observed`, `observed_low`,
        `observed_high`, each in [0, 1], and `customers`, as in `evaluation.calibration_table`
    title
        above the figure

    Raises
    ------
    TableError
        the table lacks a column or has no row

    Examples
    --------
    >>> bins = pd.DataFrame({"predicted": [0.1, 0.4], "observed": [0.2, 0.4], "customers": [50, 50],
    ...                      "observed_low": [0.1, 0.3], "observed_high": [0.3, 0.5]})
    >>> calibration_figure(bins).axes[0].get_xlabel()
    'Predicted probability of leaving (mean of the bin)'
    """
    check_table(table, "predicted", "observed", "observed_low", "observed_high", "customers")
    figure, (axes,) = new_figure((1, 1), title, size=(6.0, 6.2))
    top = min(1.0, 1.08 * float(table[["predicted", "observed_high"]].to_numpy().max()))
    axes.plot([0, top], [0, top], color=QUIET, linewidth=1, linestyle="--", label="perfect calibration")
    for name, rows, style in by_model(table):
        spread = [rows["observed"] - rows["observed_low"], rows["observed_high"] - rows["observed"]]
        label = f"{name or 'observed'} ({rows['customers'].sum():,.0f} customers)"
        axes.errorbar(
            rows["predicted"], rows["observed"], yerr=spread, capsize=2, linewidth=1.4, label=label, **style
        )
    axes.set(
        xlabel="Predicted probability of leaving (mean of the bin)",
        ylabel="Share that left (95 % interval)",
        xlim=(0, top),
        ylim=(0, top),
        aspect="equal",
    )
    as_percent(axes.xaxis, axes.yaxis)
    add_legend(figure, axes, columns=1)
    return figure


def lift_figure(
    table: pd.DataFrame, *, title: str = "Lift: contacting the riskiest customers first"
) -> Figure:
    """Share of leavers reached by share of customers contacted, and the lift of each slice.

    Parameters
    ----------
    table
        one row per slice (and `model`, if present), the riskiest first: `contacted`,
        `captured` in [0, 1] and `lift`, as in `evaluation.lift_table`
    title
        above the figure

    Raises
    ------
    TableError
        the table lacks a column or has no row

    Examples
    --------
    >>> halves = pd.DataFrame({"contacted": [0.5, 1.0], "captured": [0.8, 1.0], "lift": [1.6, 0.4]})
    >>> [axes.get_ylabel() for axes in lift_figure(halves).axes]
    ['Share of all leavers reached', 'Lift (churn rate of the slice ÷ churn rate of all)']
    """
    check_table(table, "contacted", "captured", "lift")
    figure, (gains, slices) = new_figure((1, 2), title, size=(10.0, 4.6))
    gains.plot([0, 1], [0, 1], color=QUIET, linewidth=1, linestyle="--", label="at random")
    slices.axhline(1, color=QUIET, linewidth=1, linestyle="--", label="at random")
    for name, rows, style in by_model(table):
        label = name or "riskiest first"
        gains.plot([0, *rows["contacted"]], [0, *rows["captured"]], linewidth=1.6, label=label, **style)
        slices.plot(rows["contacted"], rows["lift"], linewidth=1.6, label=label, **style)
    gains.set(
        xlabel="Share of customers contacted, riskiest first",
        ylabel="Share of all leavers reached",
        xlim=(0, 1.02),
        ylim=(0, 1.02),
    )
    slices.set(
        xlabel="Share of customers contacted, up to and including the slice",
        ylabel="Lift (churn rate of the slice ÷ churn rate of all)",
        xlim=(0, 1.02),
    )
    slices.set_ylim(bottom=0)
    as_percent(gains.xaxis, gains.yaxis, slices.xaxis)
    add_legend(figure, gains)
    return figure


def tracking_figure(
    table: pd.DataFrame, *, title: str = "Tracking: expected and actual repeat purchases"
) -> Figure:
    """Expected and actual purchases of all customers: cumulative and, if given, per step.

    Parameters
    ----------
    table
        one row per step, by time, as in `models.value.checks.tracking`: `day` (last day of the step, a date
        or a number of days), `actual_cumulative` and `expected_cumulative` purchases up to it; optionally
        `actual` and `expected` purchases in the step, and `in_fit_window`, whose end is marked by a line
    title
        above the figure

    Raises
    ------
    TableError
        the table lacks a column or has no row

    Examples
    --------
    >>> weeks = pd.DataFrame({"day": [7, 14, 21], "actual_cumulative": [90, 170, 240]})
    >>> weeks = weeks.assign(expected_cumulative=[88.1, 171.5, 250.2], in_fit_window=[True, True, False])
    >>> tracking_figure(weeks).axes[0].get_ylabel()
    'Cumulative purchases'
    """
    check_table(table, "day", "actual_cumulative", "expected_cumulative")
    dated = not pd.api.types.is_numeric_dtype(table["day"])
    day = pd.to_datetime(table["day"]).to_numpy() if dated else table["day"].to_numpy(dtype=np.float64)
    panels = {"Cumulative purchases": "_cumulative"}
    if {"actual", "expected"} <= set(table.columns):
        panels[f"Purchases per {_step(day)}"] = ""
    size = (8.0, 3.2 + 1.7 * len(panels))
    figure, every = new_figure(
        (len(panels), 1), title, size=size, height_ratios=[3, 2][: len(panels)], sharex=True
    )
    for axes, (label, ending) in zip(every, panels.items(), strict=True):
        for name, colour, dashes in (("expected", COLOURS[0], "-"), ("actual", COLOURS[1], (0, (5, 1.5)))):
            axes.plot(day, table[name + ending], color=colour, linestyle=dashes, linewidth=1.6, label=name)
        if "in_fit_window" in table.columns and table["in_fit_window"].any():
            mark_day(axes, day[table["in_fit_window"].to_numpy(dtype=bool)][-1])
        axes.set_ylabel(label)
        axes.margins(x=0)
        axes.set_ylim(bottom=0)
        axes.yaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    if dated:
        locator = AutoDateLocator(maxticks=8)
        every[-1].xaxis.set_major_locator(locator)
        every[-1].xaxis.set_major_formatter(ConciseDateFormatter(locator))
    every[-1].set_xlabel("Day" if dated else "Days since the first day")
    add_legend(figure, every[0])
    return figure


def _step(day: npt.NDArray[Any]) -> str:
    """The length of a step, in words; the last step may be shorter."""
    gaps = np.diff(day) / (np.timedelta64(1, "D") if day.dtype.kind == "M" else 1)
    if not len(gaps):
        return "step"
    days = float(np.median(gaps))
    return "day" if days == 1 else f"{days:g} days"


def save_figure(figure: Figure, path: str | Path) -> Path:
    """Write a figure as PNG with 144 dpi, creating the folder if needed, and return the path.

    Parameters
    ----------
    figure
        to be written
    path
        of the file

    Examples
    --------
    >>> import tempfile
    >>> save_figure(Figure(), Path(tempfile.mkdtemp()) / "figures" / "empty.png").name
    'empty.png'
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, format="png", dpi=144)
    return path
