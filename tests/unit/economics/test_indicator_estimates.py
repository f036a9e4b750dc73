"""Shares, means and ratios with intervals that hold what they say."""

import numpy as np
import pytest

from patron.economics.estimates import mean, ratio, share, turned, unknown


def test_the_interval_of_wilson_is_that_of_the_textbook():
    # Brown, Cai & DasGupta: 0 of 10 reaches up to z²/(n + z²)
    none = share(0, 10, empty="nobody")
    assert (none.value, none.low) == (0.0, 0.0)
    assert none.high == pytest.approx(3.841459 / 13.841459, abs=1e-6)
    half = share(5, 10, empty="nobody")
    assert half.low == pytest.approx(0.2366, abs=1e-4)
    assert half.high == pytest.approx(0.7634, abs=1e-4)


def test_of_nobody_there_is_no_share_but_a_reason():
    found = share(0, 0, empty="nobody bought")
    assert (found.value, found.low, found.high, found.n) == (None, None, None, 0)
    assert found.reason == "nobody bought"


def test_a_mean_of_one_has_no_interval_and_says_so():
    found = mean(20.0, 400.0, 1, empty="nobody")
    assert (found.value, found.low) == (20.0, None)
    assert found.reason == "one alone has no interval"


def test_the_interval_of_a_mean_holds_it_nineteen_times_in_twenty():
    chance = np.random.default_rng(0)
    held = 0
    for _ in range(2000):
        numbers = chance.normal(10, 3, size=8)
        found = mean(numbers.sum(), (numbers**2).sum(), 8, empty="nobody")
        held += found.low <= 10 <= found.high
    assert held / 2000 == pytest.approx(0.95, abs=0.015)


def test_the_interval_of_a_ratio_holds_it():
    chance = np.random.default_rng(1)
    held = 0
    for _ in range(1000):
        was = chance.gamma(2, 10, size=60)
        now = was * chance.uniform(0, 1.6, size=60)
        squares = ((now**2).sum(), (was**2).sum(), (was * now).sum())
        found = ratio(now.sum(), was.sum(), squares, 60, empty="nobody")
        held += found.low <= 0.8 <= found.high
    assert held / 1000 == pytest.approx(0.95, abs=0.03)


def test_what_is_left_of_a_share_has_its_interval_turned():
    churn, kept = share(1, 4, empty="nobody"), turned(share(1, 4, empty="nobody"))
    assert (kept.value, kept.numerator, kept.low) == (0.75, 3.0, 1 - churn.high)
    assert turned(unknown("nobody")).value is None
