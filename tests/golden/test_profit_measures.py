"""MPC and EMPC against another implementation and against their own definition; the profit curve by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, stats

from patron.campaigns.allocation.offers import Acceptance, Offer
from patron.campaigns.allocation.profit_measures import empc, mpc, profit_curve
from patron.errors import InputError, RangeError

TEN_LEFT = np.array([1, 0, 1, 1, 0, 0, 0, 1, 0, 0])
TEN_SCORES = np.array([0.9, 0.8, 0.7, 0.6, 0.55, 0.5, 0.4, 0.35, 0.2, 0.1])

POSITION = np.arange(1, 501)
MANY_SCORES = ((POSITION * 37) % 101) / 101  # with ties
MANY_LEFT = (((POSITION * 53) % 97) / 97 < 0.1 + 0.5 * MANY_SCORES).astype(int)

OTHER = {"clv": 100.0, "incentive": 20.0, "contact_cost": 2.0}

# Profit and share of customers, by empulse 0.4.6 (functions mpc and empc of empulse.metrics).
MPC = [
    (TEN_LEFT, TEN_SCORES, {}, 18.0, 0.8),
    (TEN_LEFT, TEN_SCORES, {**OTHER, "acceptance": 0.5}, 9.2, 0.4),
    (MANY_LEFT, MANY_SCORES, {}, 12.274, 0.882),
    (MANY_LEFT, MANY_SCORES, {**OTHER, "acceptance": 0.5}, 3.968, 0.436),
]
EMPC = [
    (TEN_LEFT, TEN_SCORES, {}, 18.071561425, 0.756558380),
    (TEN_LEFT, TEN_SCORES, {**OTHER, "alpha": 3, "beta": 5}, 6.265551310, 0.373437023),
    (MANY_LEFT, MANY_SCORES, {}, 12.474917901, 0.800382534),
    (MANY_LEFT, MANY_SCORES, {**OTHER, "alpha": 3, "beta": 5}, 2.287268141, 0.298780882),
]


@pytest.mark.parametrize(("left", "scores", "offer", "profit", "share"), MPC)
def test_mpc_is_that_of_another_implementation(left, scores, offer, profit, share):
    assert mpc(left, scores, **offer) == pytest.approx((profit, share))


@pytest.mark.parametrize(("left", "scores", "offer", "profit", "share"), EMPC)
def test_empc_is_that_of_another_implementation(left, scores, offer, profit, share):
    assert empc(left, scores, **offer) == pytest.approx((profit, share), abs=1e-8)


def test_empc_is_the_mean_of_mpc_over_the_acceptance():
    def at(acceptance):
        return mpc(MANY_LEFT, MANY_SCORES, acceptance=acceptance).profit * stats.beta.pdf(acceptance, 6, 14)

    mean, _ = integrate.quad(at, 0, 1, limit=500)
    assert empc(MANY_LEFT, MANY_SCORES).profit == pytest.approx(mean, rel=1e-6)


@given(st.lists(st.tuples(st.integers(0, 1), st.integers(0, 9)), min_size=2, max_size=40))
def test_no_ranking_earns_more_than_the_perfect_one_nor_less_than_contacting_nobody(customers):
    left, scores = np.array(customers).T
    if len(set(left)) == 2:
        assert 0 <= empc(left, scores).profit <= empc(left, left).profit + 1e-9


@given(st.lists(st.tuples(st.integers(0, 1), st.integers(0, 9)), min_size=2, max_size=40))
def test_only_the_ranking_counts(customers):
    left, scores = np.array(customers).T
    if len(set(left)) == 2:
        assert empc(left, np.exp(scores)) == pytest.approx(empc(left, scores))


def test_profit_needs_leavers_and_stayers():
    with pytest.raises(InputError, match="here there is only one kind"):
        mpc([1, 1], [0.2, 0.4])
    with pytest.raises(InputError, match="finite number for every customer"):
        empc([1, 0], [0.2, np.nan])
    with pytest.raises(RangeError, match="can never pay"):
        empc([1, 0], [0.2, 0.1], clv=10, incentive=10)


OFFER = Offer(name="call", channel="phone", incentive=10.0, contact_cost=1.0, acceptance=Acceptance(0.3))


def test_the_curve_adds_up_what_each_customer_earns():
    # p·0.3·190 − (1 − p)·10 − 1: 15.8, −7.65 and 2.4
    curve = profit_curve(OFFER, np.array([0.4, 0.05, 0.2]), np.full(3, 200.0))
    assert curve.table["profit"].to_numpy() == pytest.approx([0, 15.8, 18.2, 10.55])
    assert (curve.best_depth, curve.break_even_depth) == (2, 3)


def test_by_risk_alone_the_curve_is_never_above_the_best():
    draw = np.random.default_rng(1)
    risk, value = draw.random(500), draw.gamma(2, 60, 500)
    best = profit_curve(OFFER, risk, value)
    by_risk = profit_curve(OFFER, risk, value, order=risk)
    assert (by_risk.table["profit"] <= best.table["profit"] + 1e-9).all()


def test_where_every_contact_loses_the_best_depth_is_nobody():
    curve = profit_curve(OFFER, np.full(5, 0.01), np.full(5, 50.0))
    assert (curve.best_depth, curve.best_profit, curve.break_even_depth) == (0, 0.0, 0)


def test_the_band_holds_the_profit_of_four_campaigns_in_five():
    draw = np.random.default_rng(2)
    offer = Offer(
        name="call",
        channel="phone",
        incentive=10.0,
        contact_cost=1.0,
        acceptance=Acceptance(0.3, strength=40),
        redemption=0.5,
    )
    risk, value = draw.random(400), draw.gamma(2, 60, 400)
    curve = profit_curve(offer, risk, value, points=401)
    row = curve.table.iloc[200]
    listed = np.argsort(-(risk * 0.3 * value - 10 * (risk * 0.3 + (1 - risk) * 0.5)), kind="stable")[:200]
    p, worth = risk[listed], value[listed]
    campaigns = []
    for _ in range(2000):
        leaves, kept = draw.random(200) < p, draw.random(200) < draw.beta(12, 28)
        redeems = draw.random(200) < 0.5
        takes = np.where(leaves, kept, redeems)
        campaigns.append((leaves * kept * worth - takes * 10).sum() - 200)
    held = np.mean((campaigns > row["low"]) & (campaigns < row["high"]))
    assert held == pytest.approx(0.8, abs=0.04)
