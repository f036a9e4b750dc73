"""Audience export: no formula survives, no address leaves, nothing but the chosen columns."""

import csv
import io

import pandas as pd
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from patron.campaigns.audience import as_audience, escape_formula, hashed_email, to_csv
from patron.errors import TableError


@pytest.mark.parametrize("sign", ["=", "+", "-", "@", "\t", "\r", "\n", "＝"])
def test_text_that_begins_like_a_formula_becomes_text(sign):
    assert escape_formula(f"{sign}1+cmd|' /C calc'!A0").startswith(f"'{sign}")


def test_other_text_and_numbers_stay_as_they_are():
    people = pd.DataFrame({"customer_id": ["a=b", "7"], "cost": [-1.5, 2.0], "on": [True, False]})
    pd.testing.assert_frame_equal(
        as_audience(people, ["customer_id", "cost", "on"]), people.astype({"customer_id": object})
    )


@given(st.lists(st.text(alphabet='=+-@\t\r\n",;a é', max_size=8), min_size=1, max_size=5))
@example([" \r"])
def test_every_cell_comes_back_and_none_is_a_formula(texts):
    people = pd.DataFrame({"customer_id": texts})
    written = to_csv(as_audience(people, ["customer_id"]))
    cells = [row[0] for row in csv.reader(io.StringIO(written, newline=""))][1:]
    assert [cell.removeprefix("'") for cell in cells] == [text.removeprefix("'") for text in texts]
    assert not any(cell.lstrip(" ").startswith(tuple("=+-@\t\r\n")) for cell in cells)


def test_the_hash_is_the_one_that_advertisers_compare():
    # sha256sum of "test@example.com"
    assert (
        hashed_email(" Test@Example.COM ")
        == "973dfe463ec85785f5f95af5ba3906eedb2d931c24e69824a89ea65dba4e813b"
    )


def test_nothing_but_the_chosen_columns_is_exported():
    people = pd.DataFrame({"customer_id": [1], "email": ["a@b.test"], "income": [5]})
    audience = as_audience(people, ["email", "customer_id"], hashed=["email"])
    assert list(audience.columns) == ["email", "customer_id"]
    assert "a@b.test" not in to_csv(audience)


def test_a_column_that_is_not_there_is_refused():
    people = pd.DataFrame({"customer_id": [1]})
    with pytest.raises(TableError, match="There is no column 'email' to export; there are customer_id"):
        as_audience(people, ["email"])
    with pytest.raises(TableError, match="'email' is to be hashed but not exported"):
        as_audience(people, ["customer_id"], hashed=["email"])
