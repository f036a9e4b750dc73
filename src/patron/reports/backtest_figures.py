"""The figure of a backtest: every model at every cut-off."""

import pandas as pd
from matplotlib.figure import Figure

from patron.reports.canvas import QUIET, add_legend, by_model, check_table, new_figure

__all__ = ["backtest_figure"]

_PANELS = {
    "auc": "AUC (higher is better)",
    "brier": "Brier score (lower is better)",
    "calibration_error": "Calibration error (0 is best)",
    "gini": "Normalised Gini of value (higher is better)",
    "total_bias": "Bias of the total value (0 is best)",
    "coverage": "Coverage of 80 % intervals (0.8 is best)",
}
_TARGETS = {"calibration_error": 0.0, "total_bias": 0.0, "coverage": 0.8}


def backtest_figure(table: pd.DataFrame, *, title: str = "Backtest: every model at every cut-off") -> Figure:
    """Six metrics by cut-off date, one line per model.

    Parameters
    ----------
    table
        one row per cut-off and model: `as_of` (a date), `model`, and `auc`, `brier`, `calibration_error`,
        `gini`, `total_bias`, `coverage`; NaN if a model lacks the metric
    title
        above the figure

    Raises
    ------
    TableError
        the table lacks a column or has no row

    Examples
    --------
    >>> row = {"as_of": pd.Timestamp("2024-06-30"), "model": "patron", "auc": 0.8, "brier": 0.1, "gini": 0.7}
    >>> row |= {"calibration_error": 0.02, "total_bias": -0.05, "coverage": 0.8}
    >>> len(backtest_figure(pd.DataFrame([row])).axes)
    6
    """
    check_table(table, "as_of", "model", *_PANELS)
    figure, panels = new_figure((2, 3), title, size=(13.0, 7.2), sharex=True)
    cuts = pd.to_datetime(table["as_of"])
    named = sorted(cuts.unique())
    place = {day: number for number, day in enumerate(named)}
    for axes, (metric, label) in zip(panels, _PANELS.items(), strict=True):
        if metric in _TARGETS:
            axes.axhline(_TARGETS[metric], color=QUIET, linewidth=1, linestyle="--")
        for name, rows, look in by_model(table):
            axes.plot(cuts[rows.index].map(place), rows[metric], linewidth=1.4, label=name, **look)
        axes.set_title(label, fontsize=10)
        axes.set_xticks(range(len(named)), [f"{day:%Y-%m-%d}" for day in named], fontsize=8)
    add_legend(figure, panels[0], columns=6)
    return figure
