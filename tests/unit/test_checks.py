"""Checks of arguments: what passes comes back, what does not is named with the value and the remedy."""

import re

import numpy as np
import pytest

from patron.checks import at_least, finite, one_of, positive, same_length, share, shares, whole_number
from patron.errors import InputError, RangeError, SettingsError


@pytest.mark.parametrize("value", [0.0, 0.3, 1])
def test_a_share_comes_back_as_it_was(value):
    assert share("acceptance", value) is value


@pytest.mark.parametrize(
    ("value", "ends", "message"),
    [
        (1.01, "[]", "acceptance must lie in [0, 1], got 1.01. Write 30 % as 0.30."),
        (-0.01, "[]", "acceptance must lie in [0, 1], got -0.01."),
        (0, "(]", "acceptance must lie in (0, 1], got 0."),
        (1, "[)", "acceptance must lie in [0, 1), got 1."),
        (0, "()", "acceptance must lie between 0 and 1, got 0."),
        (1, "()", "acceptance must lie between 0 and 1, got 1."),
        (float("nan"), "[]", "acceptance must lie in [0, 1], got nan."),
    ],
)
def test_a_share_outside_its_range_is_refused_with_an_example(value, ends, message):
    with pytest.raises(RangeError, match=re.escape(message)):
        share("acceptance", value, ends=ends)


def test_a_bound_belongs_to_a_closed_end_only():
    assert share("weight", 1, ends="(]") == 1
    assert share("weight", 0, ends="[)") == 0


def test_shares_are_floats_of_any_shape():
    assert shares("margin", 0.3).shape == ()
    assert shares("margin", [[0, 1], [0.5, 0.25]]).dtype == np.float64


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (80, "margin must lie in [0, 1], got 80. Write 30 % as 0.30."),
        ([0.1, 30, -1], "margin must lie in [0, 1], got 30 (2 of 3 numbers are not)."),
        ([0.1, float("nan")], "margin must lie in [0, 1], got nan (1 of 2 numbers is not)."),
    ],
)
def test_shares_outside_their_range_are_counted_and_the_first_is_named(values, message):
    with pytest.raises(RangeError, match=re.escape(message)):
        shares("margin", values)


def test_an_unknown_share_passes_where_that_is_allowed():
    assert np.isnan(shares("retention", [0.5, float("nan")], unknown=True)).tolist() == [False, True]
    with pytest.raises(RangeError, match="got 2 "):
        shares("retention", [2, float("nan")], unknown=True)


@pytest.mark.parametrize("value", [-1, float("inf"), float("nan")])
def test_a_number_that_is_too_low_or_not_finite_is_refused(value):
    with pytest.raises(RangeError, match=rf"rate must be at least 0, got {value}\."):
        at_least("rate", value, 0)


def test_the_lowest_number_is_allowed_and_the_message_has_unit_and_hint():
    assert at_least("horizon", 1, 1, "day") == 1
    with pytest.raises(RangeError, match=r"horizon must be at least 1 day, got 0\. Take a longer one\.$"):
        at_least("horizon", 0, 1, "day", hint="Take a longer one.")


@pytest.mark.parametrize("value", [0, -1.0, float("inf"), float("nan")])
def test_what_is_not_positive_and_finite_is_refused(value):
    assert positive("ratio", 3) == 3
    with pytest.raises(RangeError, match="ratio must be a finite number above 0"):
        positive("ratio", value)


@pytest.mark.parametrize("value", [2, 2.0, np.int32(2), np.float64(2)])
def test_a_whole_number_is_an_int(value):
    found = whole_number("years", value, 1)
    assert (found, type(found)) == (2, int)


@pytest.mark.parametrize("value", [0, 1.5, True, "2", None, float("nan"), float("inf")])
def test_what_is_no_whole_number_is_refused(value):
    with pytest.raises(RangeError, match="years must be a whole number of at least 1, got "):
        whole_number("years", value, 1)


def test_a_float_is_refused_where_an_integer_is_needed():
    assert whole_number("n_trees", np.int64(2), 1, floats=False) == 2
    with pytest.raises(RangeError, match=r"n_trees must be a whole number of at least 1, got 2\.0"):
        whole_number("n_trees", 2.0, 1, floats=False)


def test_a_text_is_one_of_the_choices_or_an_error_of_the_class_asked_for():
    assert one_of("family", "bgnbd", ("bgnbd", "mbgnbd")) == "bgnbd"
    with pytest.raises(RangeError, match="family must be one of bgnbd, mbgnbd, got 'poisson'"):
        one_of("family", "poisson", ("bgnbd", "mbgnbd"))
    with pytest.raises(SettingsError):
        one_of("family", "poisson", ("bgnbd", "mbgnbd"), error=SettingsError)


def test_finite_numbers_come_back_as_floats():
    assert finite("value", [1, 2]).tolist() == [1.0, 2.0]
    assert finite("value", [0], lowest=0).tolist() == [0.0]


@pytest.mark.parametrize(
    ("values", "lowest", "message"),
    [
        ([1, float("nan")], None, "value must be finite; 1 of 2 numbers is not, the first is nan."),
        ([float("inf"), -1, 2], 0, "value must be finite and at least 0; 2 of 3 numbers are not"),
    ],
)
def test_numbers_that_are_not_finite_are_counted(values, lowest, message):
    with pytest.raises(RangeError, match=re.escape(message)):
        finite("value", values, lowest=lowest)


def test_columns_of_one_length_give_that_length():
    assert same_length(left=[1, 0], probability=(0.5, 0.5)) == 2
    assert same_length() == 0


def test_columns_of_different_lengths_are_named_with_their_lengths():
    with pytest.raises(InputError, match="same number of rows: left 2, probability 1"):
        same_length(left=[1, 0], probability=[0.5])
