"""Each rule of a row that can be scored, and the row that just keeps it."""

import numpy as np
import pandas as pd
import pytest

from patron.errors import InputError
from patron.scores.scorable import LONGEST_AGE_DAYS, broken_rules, purchase_columns
from small_model import make_rows

GOOD = {"frequency": 2.0, "recency": 30.0, "T": 90.0, "monetary_value": 9.5}
ONCE = {"frequency": 0.0, "recency": 0.0, "T": 90.0, "monetary_value": 0.0}


def rule_broken_by(**changed):
    return broken_rules(purchase_columns(pd.DataFrame([GOOD | changed])))[0]


@pytest.mark.parametrize("name", list(GOOD))
@pytest.mark.parametrize("unknown", [np.nan, np.inf, -np.inf])
def test_every_number_must_be_known(name, unknown):
    assert rule_broken_by(**{name: unknown}) == f"{name} must be a finite number"


@pytest.mark.parametrize(
    ("changed", "rule"),
    [
        ({"T": -1.0, "recency": -2.0}, "T must lie between 0 and 36525 days"),
        ({"T": LONGEST_AGE_DAYS + 1.0}, "T must lie between 0 and 36525 days"),
        ({"frequency": 1.5}, "frequency must be a whole number from 0 up"),
        ({"frequency": -1.0}, "frequency must be a whole number from 0 up"),
        ({"recency": 90.5}, "recency must lie between 0 and T"),
        ({"recency": -0.5}, "recency must lie between 0 and T"),
        ({"frequency": 0.0}, "recency must be 0 where frequency is 0"),
        ({"recency": 0.0}, "recency must be 0 where frequency is 0"),
        ({"frequency": 31.0}, "frequency must not exceed recency"),
        ({"monetary_value": 0.0}, "monetary_value must be above 0 where frequency is above 0"),
        ({"monetary_value": -9.5}, "monetary_value must be above 0 where frequency is above 0"),
    ],
)
def test_a_row_that_breaks_a_rule_is_told_which(changed, rule):
    assert rule_broken_by(**changed).startswith(rule)


@pytest.mark.parametrize(
    "changed",
    [
        {},
        ONCE,
        {"recency": 90.0},
        {"T": float(LONGEST_AGE_DAYS)},
        {"frequency": 30.0},
        {"frequency": 1.0, "recency": 0.4},  # an hour before midnight and an hour after
        ONCE | {"T": 0.0},
        {"monetary_value": 1e12},
    ],
)
def test_a_row_at_the_edge_of_the_rules_can_be_scored(changed):
    assert rule_broken_by(**changed) is None


def test_a_row_that_breaks_several_rules_is_told_the_first():
    assert (
        rule_broken_by(T=-1.0, frequency=np.nan, monetary_value=-3.0) == "frequency must be a finite number"
    )


def test_real_feature_rows_break_no_rule():
    assert broken_rules(purchase_columns(make_rows(500))).tolist() == [None] * 500


def test_nullable_and_decimal_columns_are_read_as_numbers():
    from decimal import Decimal

    rows = pd.DataFrame([GOOD]).astype({"frequency": "Int64", "recency": "float64[pyarrow]"})
    rows["monetary_value"] = [Decimal("9.5")]
    assert {name: column[0] for name, column in purchase_columns(rows).items()} == GOOD


def test_a_missing_column_is_named():
    with pytest.raises(InputError, match="lack T, monetary_value: each row needs frequency, recency, T"):
        purchase_columns(pd.DataFrame([GOOD]).drop(columns=["T", "monetary_value"]))


def test_a_column_of_words_is_named():
    with pytest.raises(InputError, match="The column 'recency' of the feature rows must hold numbers"):
        purchase_columns(pd.DataFrame([GOOD | {"recency": "long ago"}]))
