"""Lifetime value the simple way: every formula worked by hand, and no infinite number anywhere."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from patron.errors import RangeError
from patron.simple_value import (
    churn_over,
    compare_with_model,
    discounted_cash_flow,
    margin_multiple,
    marginal_cost,
    most_to_acquire,
    most_to_keep,
    profit_times_years,
    value_to_cost,
)


def test_profit_times_years_less_the_acquisition_cost():
    assert profit_times_years(50.0, 3, acquisition_cost=40.0) == 110.0


def test_the_margin_multiples_of_the_literature():
    # Gupta & Lehmann (2003): retention 60, 70, 80 and 90 % at a discount rate of 12 %
    assert margin_multiple([0.6, 0.7, 0.8, 0.9], 0.12).round(2).tolist() == [1.15, 1.67, 2.5, 4.09]


def test_the_first_margin_now_adds_exactly_one_margin():
    rates = np.array([0.0, 0.5, 0.95])
    now, later = (margin_multiple(rates, 0.10, first_margin_now=first) for first in (True, False))
    assert now - later == pytest.approx(1.0)


def test_a_long_plan_of_cash_flows_comes_to_the_margin_multiple():
    plan = discounted_cash_flow(np.full(400, 7.0), 0.10, retention=0.8)
    assert plan == pytest.approx(7.0 * float(margin_multiple(0.8, 0.10)))
    assert discounted_cash_flow([10.0, 10.0], 0.25, first_flow_now=True) == pytest.approx(10 + 8)


def test_customers_who_never_leave_and_money_that_costs_nothing_have_no_finite_value():
    assert np.isnan(margin_multiple(1.0, 0.0))


@pytest.mark.parametrize("cost", [0.0, np.nan, -1.0])
def test_a_cost_of_zero_or_unknown_gives_no_ratio(cost):
    assert np.isnan(value_to_cost(300.0, cost))


def test_the_marginal_cost_is_that_of_the_next_customers_and_none_where_money_won_nobody():
    assert np.isnan(marginal_cost([100.0], [10])).all()
    found = marginal_cost([100.0, 200.0, 150.0, 180.0], [10, 12, 11, 11])
    assert found[1:3].tolist() == [50.0, 50.0]
    assert np.isnan(found[3])


def test_twelve_months_of_five_per_cent_are_less_than_sixty_per_cent():
    assert churn_over(0.05, 12) == pytest.approx(1 - 0.95**12)
    assert churn_over(1.0, 12) == 1.0


def test_what_one_may_pay_to_win_and_to_keep():
    assert most_to_acquire(300.0) == 300.0
    assert most_to_acquire(300.0, ratio=3.0) == 100.0
    assert most_to_keep([300.0, -50.0], 0.1).tolist() == [30.0, 0.0]


def test_every_formula_stands_beside_the_model_with_a_sentence():
    found = compare_with_model(
        yearly_margin=100.0,
        retention=0.75,
        annual_rate=0.0,
        years=4,
        model_value=310.0,
        acquisition_cost=20.0,
    )
    values = {one.method: one.value for one in found}
    # 100·4; 100·0.75/0.25; the same and 100 now; 75 + 56.25 + 42.1875 + 31.640625
    assert values == pytest.approx(
        {
            "profit_times_years": 380.0,
            "margin_multiple": 280.0,
            "margin_multiple_first_now": 380.0,
            "discounted_cash_flow": 185.078125,
        }
    )
    assert {one.model_value for one in found} == {290.0}
    assert all(one.why.endswith(".") for one in found)


@given(st.floats(0, 1), st.floats(0, 1), st.floats(0.01, 1))
def test_who_stays_longer_is_worth_more(p, q, rate):
    low, high = margin_multiple(np.sort([p, q]), rate)
    assert low <= high


def test_numbers_that_cannot_be_meant_are_refused():
    with pytest.raises(RangeError, match=r"retention must lie in \[0, 1\], got 90\. Write 5 % as 0\.05"):
        margin_multiple(90, 0.1)
    with pytest.raises(RangeError, match=r"annual_rate must be at least 0, got -0\.1"):
        margin_multiple(0.9, -0.1)
    with pytest.raises(RangeError, match="ratio must be a finite number above 0, got 0"):
        most_to_acquire(10.0, ratio=0)
