"""Figures of retention costs, cohorts, acquisition channels, plans and what-if.

=====================  ================================================  ====================================
figure                 question                                          table
=====================  ================================================  ====================================
`journey_figure`       which touchpoints cost most, for which tier?      `RetentionCosts.journey`
`whale_figure`         which customers earn the profit, which lose it?   `RetentionCosts.whale`
`triangle_figure`      how many of each cohort are left?                 `economics.kpis.cohorts`
`channel_figure`       is a customer worth the acquisition cost?         `economics.kpis.channels`
`plan_cash_figure`     when does the cash of each plan come in?          `PlanComparison.cash`
`what_if_figure`       what is the effect of the change?                 `WhatIf.paths`
=====================  ================================================  ====================================
"""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, StrMethodFormatter

from patron.reports.canvas import COLOURS, QUIET, add_legend, check_table, new_figure

__all__ = [
    "channel_figure",
    "journey_figure",
    "plan_cash_figure",
    "triangle_figure",
    "whale_figure",
    "what_if_figure",
]

_MONEY = StrMethodFormatter("{x:,.0f}")


def journey_figure(table: pd.DataFrame, *, title: str = "Retention cost by tier") -> Figure:
    """Costs by tier, stacked by touchpoint.

    Parameters
    ----------
    table
        `tier`, `touchpoint` and `cost` (money), any number of rows each
    title
        above the figure

    Raises
    ------
    TableError
        the table lacks a column or has no row

    Examples
    --------
    >>> table = pd.DataFrame({"tier": ["vip", "low"], "touchpoint": "call", "cost": [20.0, 30.0]})
    >>> [label.get_text() for label in journey_figure(table).axes[0].get_yticklabels()]
    ['vip', 'low']
    """
    check_table(table, "tier", "touchpoint", "cost")
    sums = table.pivot_table(index="tier", columns="touchpoint", values="cost", aggfunc="sum", fill_value=0.0)
    sums = sums.loc[sums.sum(axis=1).sort_values().index]
    figure, (axes,) = new_figure((1, 1), title, size=(8.0, 1.6 + 0.5 * len(sums)))
    at = np.zeros(len(sums))
    for number, name in enumerate(sums.sum().sort_values(ascending=False).index):
        axes.barh(sums.index, sums[name], left=at, color=COLOURS[number % len(COLOURS)], label=str(name))
        at += sums[name].to_numpy()
    axes.set(xlabel="Cost (money of the input)")
    axes.xaxis.set_major_formatter(_MONEY)
    axes.grid(visible=False, axis="y")
    add_legend(figure, axes)
    return figure


def whale_figure(table: pd.DataFrame, *, title: str = "Whale curve: cumulative profit") -> Figure:
    """Cumulative profit over customers, the most profitable first.

    Parameters
    ----------
    table
        one row per percent of the customers: `percent` and `profit` (cumulative money)
    title
        above the figure

    Raises
    ------
    TableError
        the table lacks a column or has no row

    Examples
    --------
    >>> table = pd.DataFrame({"percent": [50, 100], "profit": [120.0, 100.0]})
    >>> whale_figure(table).axes[0].get_xlabel()
    'Customers, most profitable first (%)'
    """
    check_table(table, "percent", "profit")
    figure, (axes,) = new_figure((1, 1), title, size=(7.0, 4.4))
    axes.plot([0, *table["percent"]], [0.0, *table["profit"]], color=COLOURS[0])
    axes.axhline(float(table["profit"].iloc[-1]), color=QUIET, linewidth=1, linestyle=":", label="total")
    axes.set(xlabel="Customers, most profitable first (%)", ylabel="Cumulative profit (money of the input)")
    axes.yaxis.set_major_formatter(_MONEY)
    axes.set_xlim(0, 100)
    add_legend(figure, axes)
    return figure


def triangle_figure(
    table: pd.DataFrame, *, title: str = "Retention triangle", term: str = "Renewals"
) -> Figure:
    """The share of each cohort left after each renewal, as a heat map.

    Parameters
    ----------
    table
        one row per cohort and number of renewals: `cohort`, `renewals`, `survival` (share)
    title
        above the figure
    term
        what the columns count

    Raises
    ------
    TableError
        the table lacks a column or has no row

    Examples
    --------
    >>> table = pd.DataFrame({"cohort": ["Jan", "Jan"], "renewals": [0, 1], "survival": [1.0, 0.625]})
    >>> [text.get_text() for text in triangle_figure(table).axes[0].texts]
    ['100', '62']
    """
    check_table(table, "cohort", "renewals", "survival")
    wide = table.pivot_table(index="cohort", columns="renewals", values="survival")
    shape = (1.5 + 0.45 * wide.shape[1], 1.5 + 0.34 * len(wide))
    figure, (axes,) = new_figure((1, 1), title, size=shape)
    shares = wide.to_numpy()
    axes.imshow(np.ma.masked_invalid(shares), cmap="Blues", vmin=0, vmax=1, aspect="auto")
    for row, column in zip(*np.nonzero(np.isfinite(shares)), strict=True):
        share = shares[row, column]
        colour = "white" if share > 0.6 else "black"
        axes.text(column, row, f"{100 * share:.0f}", ha="center", va="center", color=colour, fontsize=8)
    axes.set_xticks(range(wide.shape[1]), [f"{number:g}" for number in wide.columns])
    axes.set_yticks(range(len(wide)), [str(name) for name in wide.index])
    axes.set(xlabel=f"{term} (cells: % of the cohort)", ylabel="Cohort")
    axes.grid(visible=False)
    return figure


def channel_figure(
    table: pd.DataFrame, *, title: str = "Customer value and acquisition cost by channel"
) -> Figure:
    """Value and acquisition cost per customer by channel, and the payback months.

    Parameters
    ----------
    table
        one row per channel: `channel`, `cac`, `value` (money per customer), `value_to_cost`,
        `payback_months`; missing numbers are not drawn
    title
        above the figure

    Raises
    ------
    TableError
        the table lacks a column or has no row

    Examples
    --------
    >>> table = pd.DataFrame({"channel": ["search"], "cac": [20.0], "value": [70.0], "value_to_cost": [3.5],
    ...                       "payback_months": [4.0]})
    >>> [axes.get_ylabel() for axes in channel_figure(table).axes]
    ['Money per customer', 'Payback months']
    """
    check_table(table, "channel", "cac", "value", "value_to_cost", "payback_months")
    figure, (money, months) = new_figure((1, 2), title, size=(10.0, 4.4))
    place = np.arange(len(table))
    money.bar(place - 0.2, table["cac"].fillna(0.0), 0.4, color=COLOURS[1], label="acquisition cost")
    money.bar(place + 0.2, table["value"].fillna(0.0), 0.4, color=COLOURS[0], label="value")
    cost = table["cac"].to_numpy(dtype=np.float64)
    rule: dict[str, Any] = {"color": "black", "linewidth": 1.5, "linestyle": ":"}
    for number, least in enumerate(3 * cost):
        label = (
            "three times the cost (rule of thumb)" if number == int(np.argmax(np.isfinite(cost))) else None
        )
        if np.isfinite(least):
            money.plot([number, number + 0.4], [least, least], label=label, **rule)
    top = table[["value", "cac"]].max(axis=1).fillna(0.0)
    for number, (height, ratio) in enumerate(zip(top, table["value_to_cost"], strict=True)):
        note = f"{ratio:.1f} : 1" if np.isfinite(ratio) else "cost unknown"
        money.annotate(note, (number, height), (0, 4), textcoords="offset points", ha="center", fontsize=9)
    months.bar(place, table["payback_months"].fillna(0.0), 0.5, color=COLOURS[2])
    for number, wait in enumerate(table["payback_months"]):
        if not np.isfinite(wait):
            months.annotate("–", (number, 0), (0, 4), textcoords="offset points", ha="center")
    money.set(ylabel="Money per customer")
    months.set(ylabel="Payback months")
    months.yaxis.set_major_locator(MaxNLocator(integer=True))
    for axes in (money, months):
        axes.set_xticks(place, list(table["channel"]))
        axes.grid(visible=False, axis="x")
    add_legend(figure, money)
    return figure


def plan_cash_figure(table: pd.DataFrame, *, title: str = "Cumulative cash per signed customer") -> Figure:
    """Cumulative cash of each plan, by month.

    Parameters
    ----------
    table
        one row per plan and month: `plan`, `month`, `cumulative_cash` (money)
    title
        above the figure

    Raises
    ------
    TableError
        the table lacks a column or has no row

    Examples
    --------
    >>> table = pd.DataFrame({"plan": "annual", "month": [0, 1], "cumulative_cash": [90.0, 90.0]})
    >>> plan_cash_figure(table).axes[0].get_xlabel()
    'Months since signing'
    """
    check_table(table, "plan", "month", "cumulative_cash")
    figure, (axes,) = new_figure((1, 1), title, size=(8.0, 4.6))
    for number, (name, rows) in enumerate(table.groupby("plan", sort=False)):
        look: dict[str, Any] = {
            "color": COLOURS[number % len(COLOURS)],
            "linestyle": ("-", "--", "-")[number % 3],
        }
        axes.step(rows["month"], rows["cumulative_cash"], where="post", label=str(name), **look)
    axes.set(xlabel="Months since signing", ylabel="Cumulative cash (money of the input)")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 3, 6, 10]))
    axes.yaxis.set_major_formatter(_MONEY)
    add_legend(figure, axes)
    return figure


def what_if_figure(table: pd.DataFrame, *, title: str = "What if") -> Figure:
    """Customers, revenue and profit by year, today and after the change, with intervals.

    Parameters
    ----------
    table
        one row per year and scenario: `year`, `scenario`, and `customers`, `revenue`, `profit`, each with
        its `_low` and `_high`
    title
        above the figure

    Raises
    ------
    TableError
        the table lacks a column or has no row

    Examples
    --------
    >>> numbers = {f"{name}{end}": [1.0, 2.0] for name in ("customers", "revenue", "profit")
    ...            for end in ("", "_low", "_high")}
    >>> figure = what_if_figure(pd.DataFrame({"year": [0, 1], "scenario": "today"} | numbers))
    >>> [axes.get_ylabel() for axes in figure.axes]
    ['Customers', 'Revenue a year', 'Profit a year']
    """
    names = ("customers", "revenue", "profit")
    check_table(
        table, "year", "scenario", *(f"{name}{end}" for name in names for end in ("", "_low", "_high"))
    )
    figure, panels = new_figure((1, 3), title, size=(11.0, 4.0))
    for axes, name in zip(panels, names, strict=True):
        # The money of year 0 is already earned.
        since = 0 if name == "customers" else min(1, int(table["year"].max()))
        for number, scenario in enumerate(("today", "changed")):
            rows = table[(table["scenario"] == scenario) & (table["year"] >= since)]
            colour = COLOURS[number]
            axes.fill_between(
                rows["year"], rows[f"{name}_low"], rows[f"{name}_high"], color=colour, alpha=0.2
            )
            axes.plot(rows["year"], rows[name], color=colour, label=scenario)
        axes.set(xlabel="Year", ylabel="Customers" if name == "customers" else f"{name.capitalize()} a year")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.yaxis.set_major_formatter(_MONEY)
    add_legend(figure, panels[0])
    return figure
