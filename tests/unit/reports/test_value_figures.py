"""Figures of the value side show the numbers of their tables."""

import pandas as pd
import pytest

from patron.errors import TableError
from patron.reports.value_figures import expected_purchases_figure, frequency_figure

FREQUENCIES = pd.DataFrame({"frequency": [0, 1, 2], "actual": [60, 25, 15], "expected": [58.0, 27.0, 15.0]})
GROUPS = pd.DataFrame(
    {"from": [0, 1], "to": [0, 9], "customers": [1200, 40], "actual": [0.2, 1.9], "expected": [0.25, 1.8]}
)


def heights(figure):
    return [[bar.get_height() for bar in bars] for bars in figure.axes[0].containers]


def test_the_bars_are_as_high_as_the_table_says():
    assert heights(frequency_figure(FREQUENCIES)) == [[60, 25, 15], [58, 27, 15]]
    assert heights(expected_purchases_figure(GROUPS)) == [[0.2, 1.9], [0.25, 1.8]]


def test_a_group_shows_its_range_and_how_many_it_holds():
    labels = [label.get_text() for label in expected_purchases_figure(GROUPS).axes[0].get_xticklabels()]
    assert labels == ["0\n1,200", "1 to 9\n40"]


def test_the_unit_of_the_groups_is_on_the_axis():
    figure = expected_purchases_figure(GROUPS, by="Days since the last purchase")
    assert figure.axes[0].get_xlabel().startswith("Days since the last purchase")


@pytest.mark.parametrize("draw", [frequency_figure, expected_purchases_figure])
def test_a_table_without_its_columns_is_refused(draw):
    with pytest.raises(TableError, match="lacks actual"):
        draw(FREQUENCIES.drop(columns="actual").assign(**{"from": 0, "to": 0, "customers": 1}))
