"""Simulated buyers follow the value models: their moments are those of the models' formulas."""

import numpy as np
import pandas as pd
import pytest
from scipy.special import hyp2f1

from patron.datasets.btyd import simulate_btyd
from patron.errors import RangeError

CDNOW = {"r": 0.243, "alpha": 4.414, "a": 0.793, "b": 2.426, "p": 6.25, "q": 3.74, "v": 15.44}
OFTEN = {"r": 2.0, "alpha": 10.0, "a": 0.9, "b": 3.0, "p": 6.0, "q": 8.0, "v": 50.0}


def expected_repeat_purchases(r, alpha, a, b, t):
    """E[X(t)] of BG/NBD, equation (9) of Fader, Hardie & Lee (2005)."""
    growth = (alpha / (alpha + t)) ** r * hyp2f1(r, b, a + b - 1, t / (alpha + t))
    return (a + b - 1) / (a - 1) * (1 - growth)


def test_the_mean_number_of_purchases_is_that_of_bgnbd():
    buyers = simulate_btyd(400_000, **CDNOW, T=39.0, horizon=39.0, seed=1)  # weeks, as in the paper
    until_39, until_78 = (
        expected_repeat_purchases(*(CDNOW[name] for name in ("r", "alpha", "a", "b")), t)
        for t in (39.0, 78.0)
    )
    assert buyers.rfm["frequency"].mean() == pytest.approx(until_39, rel=0.015)
    assert buyers.truth["purchases"].mean() == pytest.approx(until_78 - until_39, rel=0.02)


def test_the_share_without_a_repeat_purchase_is_that_of_the_model():
    # BG/NBD: nobody leaves before the first repeat purchase, so that P(X = 0) = (α / (α + T))^r.
    # MBG/NBD: some have left at once, with probability a / (a + b).
    no_purchase = (10.0 / 30.0) ** 2.0
    bgnbd = simulate_btyd(200_000, **OFTEN, T=20.0, horizon=0.0, seed=2).rfm
    mbgnbd = simulate_btyd(200_000, **OFTEN, T=20.0, horizon=0.0, family="mbgnbd", seed=2).rfm
    assert (bgnbd["frequency"] == 0).mean() == pytest.approx(no_purchase, abs=0.004)
    assert (mbgnbd["frequency"] == 0).mean() == pytest.approx(0.9 / 3.9 + 3.0 / 3.9 * no_purchase, abs=0.004)


def test_spend_is_gamma_gamma():
    buyers = simulate_btyd(200_000, **OFTEN, T=100.0, horizon=50.0, seed=3)
    mean_order = 6.0 * 50.0 / (8.0 - 1)
    assert buyers.truth["mean_order_value"].mean() == pytest.approx(mean_order, rel=0.01)
    regulars = buyers.rfm["frequency"] >= 20
    ratio = buyers.rfm["monetary_value"][regulars] / buyers.truth["mean_order_value"][regulars]
    assert ratio.mean() == pytest.approx(1, abs=0.005)
    assert buyers.truth["value"].sum() / buyers.truth["purchases"].sum() == pytest.approx(
        mean_order, rel=0.02
    )


@pytest.mark.parametrize("daily", [False, True])
@pytest.mark.parametrize("family", ["bgnbd", "mbgnbd"])
def test_every_row_keeps_the_rules_of_rfm(family, daily):
    age = np.arange(5000) % 300
    buyers = simulate_btyd(5000, **OFTEN, T=age, horizon=60, family=family, daily=daily, seed=4)
    rfm, truth = buyers.rfm, buyers.truth
    assert rfm["T"].tolist() == age.tolist()
    assert rfm["recency"].between(0, rfm["T"]).all()
    once = rfm["frequency"] == 0
    assert (rfm.loc[once, ["recency", "monetary_value"]] == 0).all(axis=None)
    assert (rfm.loc[~once, ["recency", "monetary_value"]] > 0).all(axis=None)
    assert truth["next_purchase"].isna().equals(truth["purchases"] == 0)
    assert truth["next_purchase"].dropna().between(0, 60).all()
    assert truth.loc[~truth["alive"], "purchases"].sum() == 0
    if daily:
        assert (rfm["recency"] % 1 == 0).all()
        assert (rfm["frequency"] <= rfm["recency"]).all()
        assert truth["purchases"].max() <= 60


def test_whole_days_hold_nearly_the_purchases_of_any_moment():
    rarely = OFTEN | {"alpha": 200.0}
    moments, days = (
        simulate_btyd(50_000, **rarely, T=200, horizon=100, daily=daily, seed=5).rfm
        for daily in (False, True)
    )
    assert days["frequency"].mean() == pytest.approx(moments["frequency"].mean(), rel=0.03)


def test_the_units_of_time_and_money_are_free():
    weeks = simulate_btyd(2000, **CDNOW, T=39.0, horizon=13.0, seed=6)
    in_days_and_cents = CDNOW | {"alpha": CDNOW["alpha"] * 7, "v": CDNOW["v"] * 100}
    days = simulate_btyd(2000, **in_days_and_cents, T=273.0, horizon=91.0, seed=6)
    assert days.rfm["frequency"].tolist() == weeks.rfm["frequency"].tolist()
    assert days.rfm["recency"].to_numpy() == pytest.approx(weeks.rfm["recency"].to_numpy() * 7)
    assert days.truth["value"].to_numpy() == pytest.approx(weeks.truth["value"].to_numpy() * 100)


def test_the_same_seed_gives_the_same_buyers():
    one, same, other = (simulate_btyd(500, **OFTEN, T=50.0, horizon=9.0, seed=seed) for seed in (7, 7, 8))
    pd.testing.assert_frame_equal(one.rfm, same.rfm)
    pd.testing.assert_frame_equal(one.truth, same.truth)
    assert not one.rfm.equals(other.rfm)


def test_without_a_horizon_nothing_lies_ahead():
    truth = simulate_btyd(500, **OFTEN, T=50.0, horizon=0.0, seed=9).truth
    assert truth["purchases"].sum() == truth["value"].sum() == 0
    assert truth["next_purchase"].isna().all()


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"n": 0}, "n must be a whole number of at least 1, got 0"),
        ({"alpha": 0.0}, "alpha must be a finite number above 0, got 0.0"),
        ({"family": "paretonbd"}, "must be one of bgnbd, mbgnbd, got 'paretonbd'"),
        ({"T": [1.0, 2.0]}, r"one number or 10, got an array of shape \(2,\)"),
        ({"T": float("nan")}, "T must be finite and at least 0"),
        ({"horizon": -1.0}, "horizon must be finite and at least 0.*first is -1.0"),
        ({"T": 1.5, "daily": True}, "must be whole days"),
    ],
)
def test_what_cannot_be_is_refused_by_name(wrong, message):
    given = {"n": 10, **OFTEN, "T": 10.0, "horizon": 5.0} | wrong
    with pytest.raises(RangeError, match=message):
        simulate_btyd(given.pop("n"), **given)
