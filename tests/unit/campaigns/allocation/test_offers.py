"""Offers: what they cost and earn, and what is refused."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from patron.campaigns.allocation.offers import Acceptance, OfferBook, contact_cut, expected_profit
from patron.errors import RangeError, SettingsError

CALL = {"channel": "phone", "incentive": 10.0, "contact_cost": 1.0, "acceptance": 0.3}


def call(**changes):
    return book(**changes).offers[0]


def book(**changes):
    return OfferBook.of({"channels": {"phone": {}}, "offers": {"call": {**CALL, **changes}}})


def test_a_loyal_customer_is_not_worth_a_call():
    profit = expected_profit(call(), np.array([0.05]), np.array([200.0])).profit
    assert profit == pytest.approx([0.05 * 0.3 * 190 - 0.95 * 10 - 1])


@given(st.floats(0, 1), st.floats(0, 1))
def test_profit_never_falls_as_risk_rises(p, q):
    low, high = expected_profit(call(), np.sort([p, q]), np.full(2, 200.0)).profit
    assert low <= high + 1e-9


@given(st.floats(0, 1), st.floats(0, 1000), st.floats(0, 1))
def test_contact_pays_exactly_above_the_cut_of_the_customer(p, value, redemption):
    offer = call(redemption=redemption)
    value = np.array([value])
    profit, cut = expected_profit(offer, np.array([p]), value).profit[0], contact_cut(value, offer)[0]
    assert (p > cut) == (profit > 0) or abs(profit) < 1e-9


def test_only_the_share_that_takes_the_incentive_is_paid():
    offer = call(acceptance=0.25, redemption=0.5)
    expected = expected_profit(offer, np.array([0.4]), np.array([200.0]))
    assert expected.cost == pytest.approx([1 + 10 * (0.4 * 0.25 + 0.6 * 0.5)])
    assert expected.profit == pytest.approx([0.4 * 0.25 * 200 - 5.0])


def test_the_interval_of_the_profit_is_that_of_the_acceptance_where_the_value_is_certain():
    offer = call(acceptance={"mean": 0.3, "strength": 20})
    expected = expected_profit(offer, np.array([0.4]), np.array([200.0]))
    ends = [0.4 * a * 190 - 0.6 * 10 - 1 for a in stats.beta.ppf([0.1, 0.9], 6, 14)]
    assert (expected.low[0], expected.high[0]) == pytest.approx(tuple(ends))


def test_the_interval_of_the_profit_covers_draws_of_acceptance_and_value():
    offer = call(acceptance={"mean": 0.3, "strength": 20})
    draw = np.random.default_rng(0)
    value = 200 * np.exp(0.2 * draw.standard_normal(100_000))
    drawn = 0.4 * draw.beta(6, 14, 100_000) * (value - 10) - 0.6 * 10 - 1
    ends = [np.array([200 * np.exp(0.2 * z)]) for z in stats.norm.ppf([0.1, 0.9])]
    expected = expected_profit(offer, np.array([0.4]), np.array([200.0]), *ends)
    assert expected.low[0] < expected.profit[0] < expected.high[0]
    held = ((drawn > expected.low[0]) & (drawn < expected.high[0])).mean()
    assert held == pytest.approx(0.8, abs=0.03)


def test_an_unknown_risk_or_value_gives_an_unknown_profit():
    expected = expected_profit(call(), np.array([np.nan, 0.5]), np.array([10.0, np.nan]))
    assert np.isnan(expected.profit).all()


@given(st.floats(0.05, 0.9), st.floats(0.02, 0.5))
def test_an_acceptance_by_its_ends_has_these_ends(low, width):
    high = min(low + width, 0.97)
    assert Acceptance.between(low, high).interval() == pytest.approx((low, high), abs=1e-6)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (
            {"acceptance": 1.2},
            r"Offer 'call': acceptance must lie in \[0, 1\], got 1.2. Write 30 %",
        ),
        ({"acceptance": float("nan")}, r"Offer 'call': acceptance must lie in"),
        ({"acceptance": {"mean": 0.3, "strength": 0}}, r"Offer 'call': The strength of an acceptance"),
        ({"acceptance": {"low": 0.4, "high": 0.2}}, r"Offer 'call': acceptance must have 0 < low < high < 1"),
        ({"contact_cost": -1.0}, r"Offer 'call': contact_cost must be money of at least 0, got -1.0"),
        ({"incentive": -1}, r"Offer 'call': incentive must be money of at least 0, got -1"),
        ({"incentive": "ten"}, r"Offer 'call': incentive must be money of at least 0, got 'ten'"),
        ({"redemption": 2.0}, r"Offer 'call': redemption must be a probability"),
    ],
)
def test_a_number_out_of_range_is_refused(changes, sentence):
    with pytest.raises(RangeError, match=sentence):
        book(**changes)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (
            {"channel": "sms"},
            r"channel 'sms', which does not exist; the channels are: phone. Add \[channels.sms\]",
        ),
        ({"acceptence": 0.3}, r"Offer 'call' has no key 'acceptence'; did you mean 'acceptance'\?"),
        ({"acceptance": "often"}, r"Offer 'call': acceptance must be a number, or \{ mean"),
        ({"acceptance": {"mean": 0.3}}, r"Offer 'call': acceptance must be a number, or"),
    ],
)
def test_a_key_or_channel_that_is_not_known_is_refused(changes, sentence):
    with pytest.raises(SettingsError, match=sentence):
        book(**changes)


def test_an_offer_must_be_complete():
    with pytest.raises(SettingsError, match="Offer 'call' lacks incentive, contact_cost, acceptance"):
        OfferBook.of({"channels": {"phone": {}}, "offers": {"call": {"channel": "phone"}}})


def test_there_must_be_an_offer():
    with pytest.raises(SettingsError, match="There is no offer"):
        OfferBook.of({"channels": {"phone": {}}})


@pytest.mark.parametrize("capacity", [-1, 2.5, True])
def test_a_capacity_is_a_count(capacity):
    with pytest.raises(RangeError, match="Channel 'phone': capacity must be a whole number"):
        OfferBook.of({"channels": {"phone": {"capacity": capacity}}, "offers": {"call": CALL}})
