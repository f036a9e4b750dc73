"""Money per customer, worked by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from patron.scores.potentials import base_potential, customer_value, past_margin, value_at_risk

MONEY = st.floats(-1e9, 1e9)


def test_the_base_is_the_margin_on_what_was_spent_less_what_it_took():
    earned = past_margin(np.array([250.0]), np.array([0.0]), margin=0.4)
    assert base_potential(earned, np.array([30.0]), np.array([20.0])) == pytest.approx(0.4 * 250 - 30 - 20)


def test_the_cost_of_goods_is_taken_off_once():
    assert past_margin(np.array([250.0]), np.array([150.0]), margin=0.4) == pytest.approx(100.0)


def test_a_customer_who_returned_everything_has_cost_money():
    earned = past_margin(np.array([0.0]), np.array([0.0]), margin=0.4)
    assert base_potential(earned, np.array([5.0]), np.array([20.0])) == pytest.approx(-25.0)


def test_customer_value_is_the_sum_of_four_potentials():
    parts = (np.array([50.0]), np.array([120.0]), np.array([7.0]), np.array([3.0]))
    assert customer_value(*parts) == pytest.approx(180.0)


def test_a_quarter_of_the_growth_is_at_risk_from_a_risk_of_a_quarter():
    assert value_at_risk(np.array([0.25]), np.array([120.0])) == pytest.approx(30.0)


@given(st.floats(0, 1), st.floats(0, 1), MONEY)
def test_value_at_risk_is_never_negative_and_never_falls_as_risk_rises(p, q, growth):
    low, high = value_at_risk(np.sort([p, q]), np.full(2, growth))
    assert 0 <= low <= high <= max(growth, 0)


@pytest.mark.parametrize("unknown", range(4))
def test_what_rests_on_an_unknown_number_is_unknown(unknown):
    parts = [np.array([1.0])] * 4
    parts[unknown] = np.array([np.nan])
    assert np.isnan(customer_value(*parts)).all()
