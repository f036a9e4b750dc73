"""Figures say what they show, in units, and are made without pyplot."""

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from matplotlib.container import ErrorbarContainer
from matplotlib.figure import Figure

from patron.errors import TableError
from patron.evaluation.metrics import calibration_table, lift_table
from patron.reports.figures import calibration_figure, lift_figure, save_figure, tracking_figure

rng = np.random.default_rng(0)
P = rng.beta(2, 3, 2000)
LEFT = rng.random(2000) < P
CALIBRATION, LIFT = calibration_table(LEFT, P), lift_table(LEFT, P)
TRACKING = pd.DataFrame(
    {
        "day": pd.date_range("2024-01-07", periods=10, freq="7D"),
        "in_fit_window": np.arange(10) < 6,
        "actual": [9, 12, 10, 8, 7, 9, 6, 5, 7, 4],
        "expected": np.linspace(11, 5, 10),
    }
)
TRACKING[["actual_cumulative", "expected_cumulative"]] = TRACKING[["actual", "expected"]].cumsum()
FIGURES = [
    (calibration_figure, CALIBRATION),
    (lift_figure, LIFT),
    (tracking_figure, TRACKING),
    (tracking_figure, TRACKING.assign(day=range(7, 77, 7))),
]


@pytest.mark.parametrize(("draw", "table"), FIGURES)
def test_a_figure_has_a_title_and_every_axis_a_label(draw, table):
    figure = draw(table)
    assert isinstance(figure, Figure)
    assert figure.get_suptitle()
    assert all(axes.get_ylabel() for axes in figure.axes)
    assert figure.axes[-1].get_xlabel()
    assert draw(table, title="Autumn").get_suptitle() == "Autumn"


@pytest.mark.parametrize(("draw", "table"), FIGURES)
def test_a_figure_leaves_its_table_as_it_was(draw, table):
    before = table.copy(deep=True)
    draw(table)
    pd.testing.assert_frame_equal(table, before)


@pytest.mark.parametrize(("draw", "table"), FIGURES)
def test_a_figure_becomes_a_png(draw, table, tmp_path):
    path = save_figure(draw(table), tmp_path / "figures" / "figure.png")
    assert path.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    assert path.stat().st_size > 10_000


def test_the_calibration_figure_shows_the_table():
    figure = calibration_figure(CALIBRATION)
    bars = next(c for c in figure.axes[0].containers if isinstance(c, ErrorbarContainer))
    x, y = bars.lines[0].get_data()
    np.testing.assert_array_equal(x, CALIBRATION["predicted"])
    np.testing.assert_array_equal(y, CALIBRATION["observed"])


def test_the_lift_figure_starts_at_nobody_and_ends_at_everybody():
    gains = lift_figure(LIFT).axes[0].lines[1]
    assert gains.get_xydata()[[0, -1]].tolist() == [[0, 0], [1, 1]]


@pytest.mark.parametrize(("draw", "table"), FIGURES[:2])
def test_several_models_share_a_figure(draw, table):
    both = pd.concat([table.assign(model="trees"), table.assign(model="BG/NBD")])
    labels = [text.get_text() for text in draw(both).legends[0].get_texts()]
    assert len(labels) == 3
    assert "trees" in labels[1]
    assert "BG/NBD" in labels[2]


def test_the_tracking_figure_shows_totals_above_steps():
    for axes, ending in zip(tracking_figure(TRACKING).axes, ["_cumulative", ""], strict=True):
        np.testing.assert_array_equal(axes.lines[0].get_ydata(), TRACKING[f"expected{ending}"])
        np.testing.assert_array_equal(axes.lines[1].get_ydata(), TRACKING[f"actual{ending}"])


@pytest.mark.parametrize(
    ("day", "last"),
    [
        (TRACKING["day"], np.datetime64("2024-02-11")),
        (TRACKING["day"].dt.date, np.datetime64("2024-02-11")),
        (range(7, 77, 7), 42),
    ],
    ids=["times", "dates", "numbers"],
)
def test_a_line_marks_the_last_day_that_the_model_knew(day, last):
    line = tracking_figure(TRACKING.assign(day=day)).axes[0].lines[2]
    assert line.get_label() == "fitted up to here"
    assert list(line.get_xdata()) == [last, last]


def test_the_length_of_a_step_is_told():
    labels = [
        tracking_figure(TRACKING.assign(day=day)).axes[1].get_ylabel() for day in (TRACKING["day"], range(10))
    ]
    assert labels == ["Purchases per 7 days", "Purchases per day"]
    assert tracking_figure(TRACKING.head(1)).axes[1].get_ylabel() == "Purchases per step"


def test_totals_alone_make_a_figure_too():
    (totals,) = tracking_figure(TRACKING.drop(columns=["actual", "expected"])).axes
    np.testing.assert_array_equal(totals.lines[1].get_ydata(), TRACKING["actual_cumulative"])


def test_no_line_is_drawn_where_the_table_does_not_say():
    assert len(tracking_figure(TRACKING.drop(columns="in_fit_window")).axes[0].lines) == 2
    assert len(tracking_figure(TRACKING.assign(in_fit_window=False)).axes[0].lines) == 2


@pytest.mark.parametrize(("draw", "table"), FIGURES)
def test_a_table_that_does_not_fit_is_refused(draw, table):
    with pytest.raises(TableError, match="the table of the figure lacks"):
        draw(table.drop(columns=table.columns[-3:]))
    with pytest.raises(TableError, match="the table of the figure has no row"):
        draw(table.iloc[:0])


def test_drawing_never_loads_pyplot():
    code = """
import sys, pandas as pd
from patron.reports.figures import lift_figure, save_figure
lift_figure(pd.DataFrame({"contacted": [0.5, 1.0], "captured": [0.8, 1.0], "lift": [1.6, 0.4]}))
assert "matplotlib.pyplot" not in sys.modules
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
