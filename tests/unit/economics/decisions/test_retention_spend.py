"""How much to spend on keeping customers: the closed form, the optimiser, and savings that cost customers."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize, minimize_scalar

from patron.economics.decisions.rate_changes import Percent, Points
from patron.economics.decisions.retention_spend import RetentionCurve, best_spend
from patron.economics.decisions.scenarios import (
    Scenario,
    automation,
    channel_shift,
    compare_scenarios,
    personalisation,
)
from patron.errors import RangeError, SettingsError, TableError

TIERS = pd.DataFrame(
    {
        "tier": ["vip", "medium", "low"],
        "customers": [100, 400, 2000],
        "spend": [40.0, 12.0, 3.0],
        "retention": [0.85, 0.70, 0.50],
        "ceiling": [0.95, 0.85, 0.60],
        "value": [600.0, 150.0, 20.0],
    }
)


@given(st.floats(0.05, 1.0), st.floats(0.001, 2.0), st.floats(1.0, 5000.0))
def test_the_closed_form_is_what_the_optimiser_finds(ceiling, k, value):
    curve = RetentionCurve(ceiling=ceiling, k=k)
    best = curve.best_spend(value)
    found = minimize_scalar(
        lambda spend: -float(curve.profit(spend, value)),
        bounds=(0, value),
        method="bounded",
        options={"xatol": 1e-9},
    )
    assert float(curve.profit(best, value)) == pytest.approx(max(-found.fun, 0.0), rel=1e-7, abs=1e-6)


def test_the_curve_passes_through_today():
    curve = RetentionCurve.from_today(spend=12.0, retention=0.7, ceiling=0.85)
    assert float(curve.retention(12.0)) == pytest.approx(0.7)
    assert float(curve.retention(1e9)) == pytest.approx(0.85)


@pytest.mark.parametrize("budget", [2_000.0, 8_000.0])
def test_a_budget_is_shared_as_the_optimiser_would(budget):
    curves = [
        RetentionCurve.from_today(spend=row.spend, retention=row.retention, ceiling=row.ceiling)
        for row in TIERS.itertuples()
    ]
    n, value = TIERS["customers"].to_numpy(float), TIERS["value"].to_numpy(float)

    def loss(spends):
        return -sum(
            c * float(curve.profit(s, v)) for c, curve, s, v in zip(n, curves, spends, value, strict=True)
        )

    within = {"type": "eq", "fun": lambda spends: budget - n @ spends}
    slsqp = minimize(
        loss,
        np.full(3, budget / n.sum()),
        bounds=[(0, None)] * 3,
        constraints=[within],
        options={"maxiter": 500, "ftol": 1e-12},
    )
    found = best_spend(TIERS, budget)
    assert (found["best_spend"] * n).sum() == pytest.approx(budget)
    assert found["profit_best"].sum() == pytest.approx(-slsqp.fun, rel=1e-6)
    assert (found["shadow_price"] > 0).all()


def test_a_budget_that_does_not_bind_changes_nothing():
    pd.testing.assert_frame_equal(best_spend(TIERS, 1e9), best_spend(TIERS))
    assert (best_spend(TIERS)["profit_best"] >= best_spend(TIERS)["profit_today"]).all()


def test_without_a_budget_nobody_gets_anything():
    assert best_spend(TIERS, 0.0)["best_spend"].tolist() == [0.0, 0.0, 0.0]


def test_comparing_costs_alone_is_refused():
    blind = Scenario(name="no letters", saving=500.0)
    with pytest.raises(SettingsError, match=r"The effect of scenario 'no letters' on retention is unknown"):
        compare_scenarios([blind], customers=1000, retention=0.8, value=60.0)


def test_no_effect_is_an_effect_that_is_shown():
    found = compare_scenarios(
        [
            Scenario(name="a", saving=500.0, effect=Points(0)),
            personalisation(customers=1000, cost_per_customer=1, effect=Points(2)),
        ],
        customers=1000,
        retention=0.8,
        value=100.0,
    ).set_index("scenario")
    assert found.loc["a", ["effect_points", "value_kept", "net"]].tolist() == [0.0, 0.0, 500.0]
    assert found.loc["personalisation at 1 per customer", "net"] == pytest.approx(0.02 * 1000 * 100 - 1000)
    assert found.loc["a", "break_even_points"] == pytest.approx(-0.5)


def test_nobody_stays_more_than_everybody():
    found = compare_scenarios(
        [Scenario(name="a", saving=0.0, effect=Points(50))], customers=10, retention=0.9, value=1
    )
    assert found["customers_kept"].tolist() == pytest.approx([1.0])


def test_what_a_touchpoint_does_not_show_is_refused():
    journey = pd.DataFrame(
        {"touchpoint": ["help"], "channel": ["phone"], "events": [9], "minutes": [50.0], "cost": [90.0]}
    )
    with pytest.raises(TableError, match="Touchpoint 'help' has no events in channel 'chat'"):
        channel_shift(journey, "help", start="phone", to="chat", share=0.5)
    assert automation(journey, "help", share=1 / 3, cost_per_event=1.0).freed_minutes == pytest.approx(50 / 3)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"retention": 0.96}, "retention must lie between 0 and its ceiling"),
        ({"spend": 0.0}, "spend must be a finite number above 0"),
        ({"ceiling": 1.2}, "retention must lie between 0 and its ceiling"),
    ],
)
def test_a_point_on_no_curve_is_refused(change, said):
    with pytest.raises(RangeError, match=said):
        best_spend(TIERS.assign(**change))


def test_an_empty_table_of_tiers_is_refused():
    with pytest.raises(TableError, match="the table of tiers has no row"):
        best_spend(TIERS.iloc[:0])


def test_points_are_no_per_cent():
    assert float(Points(5).of(0.8)) == pytest.approx(0.85)
    assert float(Percent(5).of(0.8)) == pytest.approx(0.84)
    assert Points(5) != Percent(5)
    with pytest.raises(RangeError, match="Points must lie between"):
        Points(150)
