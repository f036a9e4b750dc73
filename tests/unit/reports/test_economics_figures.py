"""Figures of the economics show the numbers of their tables."""

import numpy as np
import pandas as pd
import pytest

from patron.errors import TableError
from patron.reports.economics_figures import (
    channel_figure,
    journey_figure,
    plan_cash_figure,
    triangle_figure,
    whale_figure,
    what_if_figure,
)

JOURNEY = pd.DataFrame(
    {"tier": ["vip", "vip", "low"], "touchpoint": ["call", "letter", "call"], "cost": [5.0, 1.0, 20.0]}
)


def test_a_bar_is_as_long_as_the_tier_costs():
    axes = journey_figure(JOURNEY).axes[0]
    ends = [max(bar.get_x() + bar.get_width() for bar in bars) for bars in zip(*axes.containers, strict=True)]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["vip", "low"]
    assert ends == [6.0, 20.0]


def test_the_whale_curve_begins_with_nobody_and_ends_with_all():
    line, whole = whale_figure(pd.DataFrame({"percent": [50, 100], "profit": [120.0, 100.0]})).axes[0].lines
    assert line.get_xydata().tolist() == [[0, 0], [50, 120], [100, 100]]
    assert whole.get_ydata()[0] == 100


def test_a_cohort_that_was_not_watched_so_long_has_no_number():
    table = pd.DataFrame({"cohort": ["a", "a", "b"], "renewals": [0, 1, 0], "survival": [1.0, 0.5, 1.0]})
    assert sorted(text.get_text() for text in triangle_figure(table).axes[0].texts) == ["100", "100", "50"]


def test_a_channel_without_a_cost_has_no_ratio():
    table = pd.DataFrame(
        {
            "channel": ["organic", "search"],
            "cac": [np.nan, 20.0],
            "value": [50.0, 70.0],
            "value_to_cost": [np.nan, 3.5],
            "payback_months": [np.nan, 4.0],
        }
    )
    money, months = channel_figure(table).axes
    assert [text.get_text() for text in money.texts] == ["cost unknown", "3.5 : 1"]
    assert [text.get_text() for text in months.texts] == ["–"]


def test_the_money_of_a_year_that_is_over_is_not_drawn():
    names = [f"{name}{end}" for name in ("customers", "revenue", "profit") for end in ("", "_low", "_high")]
    table = pd.DataFrame(
        {"year": [0, 1, 2] * 2, "scenario": ["today"] * 3 + ["changed"] * 3} | dict.fromkeys(names, 1.0)
    )
    customers, revenue, _ = what_if_figure(table).axes
    assert customers.lines[0].get_xdata().tolist() == [0, 1, 2]
    assert revenue.lines[0].get_xdata().tolist() == [1, 2]


@pytest.mark.parametrize(
    "draw", [journey_figure, whale_figure, triangle_figure, channel_figure, plan_cash_figure, what_if_figure]
)
def test_a_table_without_rows_is_refused(draw):
    with pytest.raises(TableError, match="the table of the figure lacks"):
        draw(pd.DataFrame())
