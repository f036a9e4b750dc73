"""What holds for the expectations whatever the parameters and the customer."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from patron.errors import RangeError
from patron.models.value.purchases.expectation import (
    discounted_expected_purchases,
    expected_purchases,
    expected_purchases_new_customer,
    probability_alive,
    probability_no_purchase,
    probability_of_purchases,
)
from patron.models.value.purchases.likelihood import log_likelihood
from patron.models.value.purchases.rate import beta_mean_power, purchases_while_alive

FAMILIES = st.sampled_from(["bgnbd", "mbgnbd"])
PARAMETERS = st.tuples(*[st.floats(0.01, 100.0)] * 4)
TIMES = st.floats(0.01, 3650.0)


@st.composite
def customers(draw):
    """Repeat purchases, recency and age in days."""
    x, T = draw(st.integers(0, 5000)), draw(st.floats(1.0, 3650.0))
    return x, (T * draw(st.floats(0.01, 1.0)) if x else 0.0), T


@settings(max_examples=60, deadline=None)
@given(PARAMETERS, customers(), TIMES, TIMES, FAMILIES)
def test_purchases_are_additive_over_neighbouring_stretches(parameters, customer, first, second, family):
    known = (*parameters, *customer)
    parts = [
        expected_purchases(*known, first, family),
        expected_purchases(*known, second, family, start=first),
    ]
    assert sum(parts) == pytest.approx(expected_purchases(*known, first + second, family), rel=1e-10)


@settings(max_examples=60, deadline=None)
@given(PARAMETERS, customers(), TIMES, st.floats(1.0, 10.0), FAMILIES)
def test_a_longer_horizon_never_means_less(parameters, customer, t, factor, family):
    known = (*parameters, *customer)
    nearer, farther = expected_purchases(*known, np.array([t, t * factor]), family)
    assert nearer <= farther * (1 + 1e-10)  # twelve digits of quadrature
    nearer, farther = discounted_expected_purchases(*known, 3e-4, np.array([t, t * factor]), family)
    assert nearer <= farther * (1 + 1e-10)  # twelve digits of quadrature
    nearer, farther = probability_no_purchase(*known, np.array([t, t * factor]), family)
    assert nearer >= farther


@settings(max_examples=60, deadline=None)
@given(PARAMETERS, customers(), FAMILIES)
def test_purchases_vanish_with_the_horizon_at_the_rate_of_who_is_alive(parameters, customer, family):
    r, alpha, _, _ = parameters
    x, _, T = customer
    t = 1e-7 * (alpha + T) / (r + x)
    alive = probability_alive(*parameters, *customer, family)
    found = expected_purchases(*parameters, *customer, t, family)
    assert found == pytest.approx(alive * (r + x) / (alpha + T) * t, rel=1e-5, abs=1e-300)
    assert expected_purchases(*parameters, *customer, 0.0, family) == 0.0


@settings(max_examples=60, deadline=None)
@given(PARAMETERS, customers(), TIMES, FAMILIES)
def test_weeks_and_days_give_the_same_answer(parameters, customer, t, family):
    r, alpha, a, b = parameters
    x, t_x, T = customer
    days = (r, alpha, a, b, x, t_x, T)
    weeks = (r, alpha / 7, a, b, x, t_x / 7, T / 7)
    for formula in (expected_purchases, probability_no_purchase):
        found = formula(*weeks, t / 7, family)
        assert found == pytest.approx(formula(*days, t, family), rel=1e-9, abs=1e-290)
    found = discounted_expected_purchases(*weeks, 7e-4, family=family)
    expected = discounted_expected_purchases(*days, 1e-4, family=family)
    assert found == pytest.approx(expected, rel=1e-9, abs=1e-290)


@settings(max_examples=60, deadline=None)
@given(PARAMETERS, customers(), TIMES, FAMILIES)
def test_a_discount_takes_away_and_none_takes_nothing(parameters, customer, t, family):
    known = (*parameters, *customer)
    plain = expected_purchases(*known, t, family)
    assert discounted_expected_purchases(*known, 0.0, t, family) == pytest.approx(plain, rel=1e-12)
    assert discounted_expected_purchases(*known, 0.001, t, family) <= plain
    assert discounted_expected_purchases(*known, 0.001, t, family) >= plain * np.exp(-0.001 * t) * (1 - 1e-12)


@settings(max_examples=60, deadline=None)
@given(PARAMETERS, customers(), TIMES, st.integers(0, 50), FAMILIES)
def test_every_count_has_a_probability_and_none_is_that_of_no_purchase(parameters, customer, t, n, family):
    known = (*parameters, *customer)
    assert 0 <= probability_of_purchases(*known, t, n, family) <= 1
    none = probability_no_purchase(*known, t, family)
    assert probability_of_purchases(*known, t, 0, family) == none
    some = 1 - none
    assert probability_of_purchases(*known, t, np.arange(1, 51), family).sum() <= some + 1e-9


def test_who_bought_just_now_is_more_likely_alive_than_who_bought_long_ago():
    recency = np.linspace(1, 300, 50)
    for family in ("bgnbd", "mbgnbd"):
        alive = probability_alive(0.24, 31.0, 0.79, 2.43, 5, recency, 300.0, family)
        assert (np.diff(alive) > 0).all()


def test_a_one_time_buyer_is_alive_for_certain_only_in_bgnbd():
    assert probability_alive(0.24, 31.0, 0.79, 2.43, 0, 0, 300.0, "bgnbd") == 1
    assert probability_alive(0.24, 31.0, 0.79, 2.43, 0, 0, 300.0, "mbgnbd") < 0.75


def test_a_new_customer_is_one_of_whom_nothing_is_known_but_the_first_purchase():
    for family in ("bgnbd", "mbgnbd"):
        new = expected_purchases_new_customer(0.24, 31.0, 0.79, 2.43, 90, family)
        assert new == expected_purchases(0.24, 31.0, 0.79, 2.43, 0, 0, 0, 90, family)


def test_the_mean_of_a_power_is_that_of_a_sum_over_many_draws():
    rng = np.random.default_rng(1)
    for power, a, c, u in ((1.5, 0.8, 2.4, 0.7), (8.0, 0.3, 1.1, 5.0), (60.0, 2.0, 1.5, 0.3)):
        drawn = (1 + rng.beta(a, c, 400_000) * u) ** -power
        found = beta_mean_power(*(np.array([value]) for value in (power, a, c, u)))[0]
        assert found == pytest.approx(drawn.mean(), abs=5 * drawn.std() / np.sqrt(drawn.size))


def test_a_hundred_thousand_random_customers_give_no_number_that_is_none():
    rng = np.random.default_rng(20240607)
    n = 100_000
    r, alpha, a, b = 10 ** rng.uniform(-2, 2, (4, n))  # four decades
    x = np.where(rng.random(n) < 0.3, 0, np.floor(10 ** rng.uniform(0, np.log10(5001), n)))
    T = 3650 * rng.random(n) ** 2
    t_x = np.where(x > 0, T * rng.random(n), 0.0)
    t = 3650 * rng.random(n) ** 2
    for family, half in (("bgnbd", slice(0, n // 2)), ("mbgnbd", slice(n // 2, n))):
        known = [values[half] for values in (r, alpha, a, b, x, t_x, T)]
        alive = probability_alive(*known, family)
        none = probability_no_purchase(*known, t[half], family)
        exactly = probability_of_purchases(*known, t[half], x[half], family)
        for probability in (alive, none, exactly):
            assert ((probability >= 0) & (probability <= 1)).all()  # NaN fails too
        assert np.isfinite(log_likelihood(*known, family)).all()
        s, beta = known[0] + known[4], known[1] + known[6]
        c = known[3] + known[4] + (family == "mbgnbd")
        plain, discounted = purchases_while_alive(s, beta, known[2], c, (0.0, t[half]), (0.0, 3e-4))[:, 0]
        assert ((plain >= 0) & (plain <= s / beta * t[half] * (1 + 1e-12))).all()
        assert ((discounted >= 0) & (discounted <= plain * (1 + 1e-12))).all()
        some = [values[::100] for values in (s, beta, known[2], c)]
        endless = purchases_while_alive(*some, (0.0, np.inf), (3e-4,))[0, 0]
        assert ((endless >= discounted[::100] * (1 - 1e-10)) & (endless < np.inf)).all()


@pytest.mark.parametrize("t", [-1.0, np.nan, np.inf])
def test_a_horizon_that_is_no_time_is_refused(t):
    with pytest.raises(RangeError, match=r"^horizon must be"):
        expected_purchases(0.24, 31.0, 0.79, 2.43, 2, 30, 39, t)


def test_an_endless_future_needs_a_discount():
    with pytest.raises(RangeError, match="endless"):
        discounted_expected_purchases(0.24, 31.0, 0.79, 2.43, 2, 30, 39, rate=0.0)


def test_an_unknown_family_is_refused_with_those_that_are_known():
    with pytest.raises(RangeError, match="one of bgnbd, mbgnbd, got 'pareto'"):
        probability_alive(0.24, 31.0, 0.79, 2.43, 2, 30, 39, "pareto")
