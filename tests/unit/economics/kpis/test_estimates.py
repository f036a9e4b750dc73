"""Shares, means and ratios with intervals that hold what they say."""

import numpy as np
import pytest

from patron.economics.kpis.estimates import complement, mean, ratio, share, unknown


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
    assert found.reason == "a sample of one has no interval"


def test_the_interval_of_a_mean_holds_it_nineteen_times_in_twenty():
    chance = np.random.default_rng(0)
    held = 0
    for _ in range(2000):
        numbers = chance.normal(10, 3, size=8)
        found = mean(numbers.sum(), (numbers**2).sum(), 8, empty="nobody")
        held += found.low <= 10 <= found.high
    assert held / 2000 == pytest.approx(0.95, abs=0.015)


def test_the_interval_of_money_that_is_never_negative_stays_above_nought():
    # 1, 1 and 10: mean 4, s = √27 = 3√3, s ÷ √3 = 3, t of 2 degrees of freedom 4.302653
    found = mean(12.0, 102.0, 3, empty="nobody", least=1.0)
    assert found.value == 4.0
    factor = np.exp(4.302653 * 3 / 4)
    assert (found.low, found.high) == pytest.approx((4 / factor, 4 * factor))
    assert mean(12.0, 102.0, 3, empty="nobody").low == pytest.approx(4 - 4.302653 * 3)


@pytest.mark.parametrize("numbers", [[-5.0, 1.0, 10.0], [0.0, 0.0, 0.0]])
def test_refunds_beyond_sales_and_sales_of_nothing_have_the_interval_of_student(numbers):
    drawn = np.array(numbers)
    total, squares, n = drawn.sum(), (drawn**2).sum(), drawn.size
    found = mean(total, squares, n, empty="nobody", least=drawn.min())
    assert found == mean(total, squares, n, empty="nobody")


def test_on_the_scale_of_logarithms_the_mean_of_skewed_sales_is_held_more_often():
    chance = np.random.default_rng(2)
    held = {True: 0, False: 0}
    for _ in range(2000):
        sales = chance.gamma(0.5, 40.0, size=10)
        for positive in held:
            found = mean(sales.sum(), (sales**2).sum(), 10, empty="nobody", least=0.0 if positive else None)
            held[positive] += found.low <= 20 <= found.high
    assert held[True] / 2000 > 0.89 > held[False] / 2000


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
    churn, kept = share(1, 4, empty="nobody"), complement(share(1, 4, empty="nobody"))
    assert (kept.value, kept.numerator, kept.low) == (0.75, 3.0, 1 - churn.high)
    assert complement(unknown("nobody")).value is None
