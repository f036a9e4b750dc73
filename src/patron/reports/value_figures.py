"""Figures to check a value model before trusting it.

============================  ==========================================  ====================================
figure                        question                                    table of `models.value.checks`
============================  ==========================================  ====================================
`frequency_figure`            do as many buy again as the model says?     `frequency_histogram`
`expected_purchases_figure`   which customers buy more than expected?     `calibration`
============================  ==========================================  ====================================
"""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import StrMethodFormatter

from patron.reports.canvas import COLOURS, add_legend, check_table, new_figure

__all__ = ["expected_purchases_figure", "frequency_figure"]

_WIDTH = 0.4  # of a bar; two are drawn side by side


def frequency_figure(
    table: pd.DataFrame, *, title: str = "Repeat purchases: customers, actual and expected"
) -> Figure:
    """Actual and expected number of customers by repeat purchases.

    Parameters
    ----------
    table
        one row per frequency: `frequency` (the last includes all above it), `actual` and `expected`
        customers
    title
        above the figure

    Raises
    ------
    TableError
        the table lacks a column or has no row

    Examples
    --------
    >>> table = pd.DataFrame({"frequency": [0, 1, 2], "actual": [60, 25, 15], "expected": [58.2, 27.1, 14.7]})
    >>> [label.get_text() for label in frequency_figure(table).axes[0].get_xticklabels()]
    ['0', '1', '2+']
    """
    check_table(table, "frequency", "actual", "expected")
    figure, (axes,) = new_figure((1, 1), title, size=(7.0, 4.6))
    labels = [f"{number:.0f}" for number in table["frequency"]]
    labels[-1] += "+"
    _bars(axes, table, labels)
    axes.set(xlabel="Repeat purchases", ylabel="Customers")
    axes.yaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    add_legend(figure, axes)
    return figure


def expected_purchases_figure(
    table: pd.DataFrame,
    *,
    by: str = "Repeat purchases so far",
    title: str = "Purchases in the horizon: actual and expected",
) -> Figure:
    r"""Actual and expected mean purchases after the fit, by group of customers.

    Parameters
    ----------
    table
        one row per group: `from` and `to` (both inclusive), `customers`, and mean `actual` and `expected`
        purchases per customer
    by
        the grouping variable, with its unit
    title
        above the figure

    Raises
    ------
    TableError
        the table lacks a column or has no row

    Examples
    --------
    >>> table = pd.DataFrame({"from": [0, 1], "to": [0, 9], "customers": [60, 40], "actual": [0.2, 1.9],
    ...                       "expected": [0.25, 1.8]})
    >>> [label.get_text() for label in expected_purchases_figure(table).axes[0].get_xticklabels()]
    ['0\n60', '1 to 9\n40']
    """
    check_table(table, "from", "to", "customers", "actual", "expected")
    figure, (axes,) = new_figure((1, 1), title, size=(8.0, 4.6))
    labels = [
        f"{low:g}\n{size:,.0f}" if low == high else f"{low:g} to {high:g}\n{size:,.0f}"
        for low, high, size in zip(table["from"], table["to"], table["customers"], strict=True)
    ]
    _bars(axes, table, labels)
    axes.set(xlabel=f"{by}; below: customers", ylabel="Purchases per customer (mean)")
    add_legend(figure, axes)
    return figure


def _bars(axes: Axes, table: pd.DataFrame, labels: list[str]) -> None:
    place = np.arange(len(table))
    axes.bar(place - _WIDTH / 2, table["actual"], _WIDTH, color=COLOURS[1], label="actual")
    axes.bar(place + _WIDTH / 2, table["expected"], _WIDTH, color=COLOURS[0], label="expected")
    axes.set_xticks(place, labels)
    axes.grid(visible=False, axis="x")
