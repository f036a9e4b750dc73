"""Tables in a terminal: no number is cut, counts are whole, ids stay as they are."""

import re
import sys

import numpy as np
import pandas as pd
import pytest

from patron.cli.terminal import print_table

COMPARED = pd.DataFrame(
    {
        "model": ["patron", "BG/NBD + Gamma-Gamma"],
        "auc": [0.879, 0.868],
        "average_precision": [0.612, 0.587],
        "calibration_error": [0.011, np.nan],
        "gini": [0.833, 0.8],
        "mae": [73.3, 1076.7],
        "total_bias": [-0.06, -0.061],
        "coverage": [0.79, 0.816],
        "why": ["bought on 13 days of the last 30 (lowers risk)", None],
    }
)


@pytest.fixture
def shown(monkeypatch, capsys):
    """What a frame looks like in a terminal of so many columns."""

    def shown(frame: pd.DataFrame, columns: int, title: str = "Two models") -> str:
        monkeypatch.setenv("COLUMNS", str(columns))
        monkeypatch.setenv("TERM", "xterm")
        monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
        print_table(frame, title)
        return re.sub(r"\x1b\[[0-9;]*m", "", capsys.readouterr().out)

    return shown


@pytest.mark.parametrize("columns", [40, 60, 80, 100, 200])
def test_no_number_is_cut_and_no_line_is_too_long(shown, columns):
    out = shown(COMPARED, columns)
    for number in ("0.879", "0.612", "0.011", "0.800", "73.3", "1,077", "-0.061", "0.816"):
        assert re.search(rf"[│ ]{re.escape(number)} │", out), number
    assert max(map(len, out.splitlines())) <= columns


def test_each_part_of_a_table_that_does_not_fit_names_its_rows(shown):
    out = shown(COMPARED, 60)
    assert out.count("patron") == out.count("┏") > 1


def test_a_title_stands_in_one_line_above_however_narrow_the_table(shown):
    title = "9.00 a month or 90.00 a year, per signed customer"
    assert shown(pd.DataFrame({"worth": [131.4]}), 80, title).splitlines()[0] == title


def test_without_a_row_there_is_the_title_alone(shown):
    assert shown(COMPARED.head(0), 80, "No snapshot has matured.").strip() == "No snapshot has matured."


def test_counts_are_whole_and_ids_stay_as_they_are(shown):
    frame = pd.DataFrame(
        {
            "customer_id": [12345],
            "customers": [12345],
            "leads": [5.0],
            "events": pd.array([None], "Int64"),
            "known": [True],
        }
    )
    assert re.findall(r"[\w,–]+", shown(frame, 80).splitlines()[4]) == ["12345", "12,345", "5", "–", "True"]
    mixed = pd.DataFrame({"value": [113.0, 0.5, 1.0, 0.0]})
    assert re.findall(r"[\d.]+", shown(mixed, 80)) == ["113", "0.500", "1", "0"]
    shares = pd.DataFrame({"share": [0.5, 1.0, 0.0]})
    assert re.findall(r"[\d.]+", shown(shares, 80)) == ["0.500", "1.000", "0.000"]
