"""Contact where it pays, spend no more than it brings, and do what suits the stage."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from patron.errors import RangeError
from patron.models.bundle.policy import Policy, StageRules, TypicalOffer
from patron.scores.actions import (
    BANDS,
    churn_band,
    contact_cut,
    cost_sensitive_cut,
    max_retention_spend,
    recommended_action,
)
from patron.scores.lifecycle import STAGES

OFFER = TypicalOffer(incentive=10.0, contact_cost=1.0, acceptance=0.3)
money = st.floats(0, 1e6)


def profit_of_contact(p, value, offer):
    kept = p * offer.acceptance * (value - offer.incentive)
    return kept - (1 - p) * offer.incentive - offer.contact_cost


def test_at_the_cut_contact_neither_earns_nor_costs():
    value = np.array([60.0, 200.0, 5000.0])
    assert profit_of_contact(contact_cut(value, OFFER), value, OFFER) == pytest.approx(0, abs=1e-9)


@given(money, st.floats(0, 1), money, money, st.floats(0, 1))
def test_contact_pays_exactly_above_the_cut(value, p, incentive, contact_cost, acceptance):
    offer = TypicalOffer(incentive=incentive, contact_cost=contact_cost, acceptance=acceptance)
    cut = contact_cut(np.array([value]), offer)[0]
    assert 0 <= cut <= 1
    earned, scale = profit_of_contact(p, value, offer), 1e-9 * (1 + value + incentive + contact_cost)
    if p > cut:
        assert earned > -scale
    else:
        assert earned < scale


def test_the_cut_is_the_ratio_of_what_is_wasted_to_all_that_is_at_stake():
    assert cost_sensitive_cut(5.0, 1.0, 60.0, 44.0) == pytest.approx((5 - 1) / (5 - 1 + 60 - 44))


def test_a_contact_that_saves_nothing_never_pays():
    assert cost_sensitive_cut([5.0, 0.0], 0.0, [10.0, 10.0], [12.0, 10.0]).tolist() == [1.0, 1.0]


def test_a_contact_cannot_cost_less_than_none():
    with pytest.raises(RangeError, match="cost_fp must not be below cost_tn, and is by up to 2"):
        cost_sensitive_cut(1.0, 3.0, 10.0, 5.0)


def test_one_risk_is_low_for_a_poor_customer_and_high_for_a_rich_one():
    assert churn_band(np.full(3, 0.3), np.array([20.0, 120.0, 500.0]), OFFER).tolist() == list(BANDS)


@given(st.floats(0, 1), st.floats(0, 1), money)
def test_the_band_never_falls_as_the_risk_rises(p, q, value):
    low, high = churn_band(np.sort([p, q]), np.full(2, value), OFFER)
    assert BANDS.index(low) <= BANDS.index(high)


def test_what_is_not_known_has_no_band():
    assert churn_band(np.array([np.nan, 0.5]), np.array([9.0, np.nan]), OFFER).tolist() == [None, None]


def test_the_most_to_spend_lies_within_its_interval_and_is_never_below_zero():
    risk, growth = np.array([0.5, 0.5]), np.array([100.0, -20.0])
    spend = max_retention_spend(risk, growth, 0.5 * growth, 2 * growth, save_probability=0.2)
    assert spend.low.tolist() == [5.0, 0.0]
    assert spend.expected.tolist() == [10.0, 0.0]
    assert spend.high.tolist() == [20.0, 0.0]


def test_nobody_is_saved_with_thirty_percent_written_as_30():
    with pytest.raises(RangeError, match="save_probability"):
        max_retention_spend(*np.ones((4, 1)), save_probability=30)


def test_there_is_something_to_do_in_every_case():
    cases = np.array(list(product(STAGES, (*BANDS, None), ("vip", "medium", "low", None))), dtype=object)
    assert all(recommended_action(*cases.T))


def test_nobody_is_won_back_at_a_loss():
    stage, tier = np.array(["lost", "dormant"], dtype=object), np.array(["low", "low"], dtype=object)
    assert recommended_action(stage, np.array(["high", "high"], dtype=object), tier).tolist() == [
        "leave alone",
        "leave alone",
    ]


def test_an_offer_is_in_the_currency_of_the_orders():
    rials = TypicalOffer.of_orders(4_000_000.0)
    value, risk = np.array([50.0, 400.0]), np.array([0.5, 0.2])
    same = churn_band(risk, 1e5 * value, rials) == churn_band(risk, value, TypicalOffer.of_orders(40.0))
    assert same.all()


@pytest.mark.parametrize(
    ("wrong", "words"),
    [({"acceptance": 30}, "Write 30 % as 0.30"), ({"contact_cost": -1}, "contact_cost must be at least 0")],
)
def test_an_impossible_offer_is_refused(wrong, words):
    with pytest.raises(RangeError, match=words):
        TypicalOffer(**{"incentive": 10.0, "contact_cost": 1.0, **wrong})


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"loyalty_from": 2}, r"retention_from \(3\) must not exceed loyalty_from \(2\)"),
        ({"won_back_within": 60}, "must be one of 7, 30, 90, 180, 365"),
        ({"won_back_within": 365}, "must be below won_back_after"),
        ({"lost_gaps": float("nan")}, "lost_gaps must be at least 0"),
    ],
)
def test_impossible_stage_rules_are_refused(wrong, words):
    with pytest.raises(RangeError, match=words):
        StageRules(**wrong)


def test_a_policy_without_an_offer_travels_too():
    policy = Policy(stages=StageRules(loyalty_from=12))
    assert Policy.from_dict(policy.to_dict()) == policy
