import numpy as np
import pandas as pd
import pytest

from patron.features.templates import fill


def test_a_figure_that_is_not_known_silences_only_its_own_brackets():
    template = "last order {days:day} ago[, usually every {gap:day}][, spent {money:money}]"
    assert fill(template, {"days": 3, "money": 20.5}) == "last order 3 days ago, spent 20.50"


@pytest.mark.parametrize("unknown", [None, np.nan, float("nan"), pd.NA, pd.NaT])
def test_every_kind_of_missing_value_is_unknown(unknown):
    assert fill("{value:day}", {"value": unknown}) is None
    assert fill("so it is[: {value:day}]", {"value": unknown}) == "so it is"


@pytest.mark.parametrize(
    ("form", "value", "said"),
    [
        ("day", 1, "1 day"),
        ("day", 0, "0 days"),
        ("day", 10.5, "10.5 days"),
        ("day", np.float64(63), "63 days"),
        ("repeat purchase", 1234, "1,234 repeat purchases"),
        ("money", 1234567.5, "1,234,567.50"),
        ("money", 20.0, "20"),
        ("money", -3.2, "-3.20"),
        ("percent", 0.125, "12 %"),
        ("change", 0.4, "more than"),
        ("change", -0.4, "less than"),
        ("change", 0.0, "as much as"),
        (".0f", 63.4, "63"),
        ("", "Yazd", "Yazd"),
    ],
)
def test_a_format_says_a_value_as_people_would(form, value, said):
    assert fill(f"{{value:{form}}}", {"value": value}) == said


def test_braces_in_a_customers_own_text_are_not_a_template():
    assert fill("town is {value}", {"value": "{T} [x]"}) == "town is {T} [x]"
