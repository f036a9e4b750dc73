"""Money and time: rates, discount factors, margins."""

import numpy as np
import pytest

from patron.errors import RangeError
from patron.money import (
    continuous_rate,
    convert_period,
    discount_factor,
    discounted_time,
    valid_margin,
)


def test_a_year_of_discounting_is_365_days_or_52_weeks():
    for unit, units in (("D", 365), ("W", 52), ("M", 12), ("Y", 1)):
        rate = continuous_rate(0.10, unit)
        assert discount_factor(units, rate) == pytest.approx(1 / 1.10)


def test_the_weekly_rate_of_the_published_examples_is_found():
    assert continuous_rate(0.15, "W") == pytest.approx(0.00268772966106, rel=1e-11)


def test_a_week_is_seven_days_and_a_year_twelve_months():
    assert convert_period(3, "W", to="D") == 21
    assert convert_period(91, "D", to="W") == pytest.approx(13)
    assert convert_period(1, "Y", to="M") == pytest.approx(12)


def test_a_stream_without_discount_is_worth_its_length_and_with_discount_never_more():
    lengths = np.array([0.0, 1.0, 365.0])
    assert (discounted_time(lengths, 0.0) == lengths).all()
    assert (discounted_time(lengths, 0.001) <= lengths).all()
    assert discounted_time(np.inf, 0.001) == pytest.approx(1000)


@pytest.mark.parametrize("rate", [-0.1, np.nan, np.inf])
def test_a_rate_that_is_no_rate_is_refused(rate):
    with pytest.raises(RangeError, match=r"Write 10 % as 0\.10"):
        continuous_rate(rate)


@pytest.mark.parametrize("margin", [30, -0.1, np.nan, [0.3, 1.2]])
def test_a_margin_outside_zero_to_one_is_refused(margin):
    with pytest.raises(RangeError, match=r"Write 30 % as 0\.30"):
        valid_margin(margin)


def test_an_unknown_time_unit_is_refused_with_those_that_are_known():
    with pytest.raises(RangeError, match="one of D, W, M, Y, got 'Q'"):
        convert_period(1, "Q", to="D")
