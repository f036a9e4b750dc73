"""Leads are scored by what was known of them, judged when their time is over, and handled where it pays."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from patron.datasets.simulate import SimulatedBusiness, simulate
from patron.errors import RangeError, TooFewCustomersError
from patron.models.leads import (
    LeadRules,
    break_even_probability,
    conversion_by_decile,
    fit_lead_model,
    lead_rows,
    lead_stages,
    score_by_rule,
)

RULES = LeadRules(
    fit={"company_size": {"large": 10, "small": -5}},
    intent={"visit": 4, "demo_booked": 20, "unsubscribed": -15},
    half_life_days=10,
)
LEADS = pd.DataFrame(
    {
        "lead_id": [1, 2, 3, 4],
        "created_at": pd.to_datetime(["2024-01-01", "2024-01-02", "2024-01-03", "2024-03-01"]),
        "company_size": ["large", "small", "medium", "large"],
        "converted_at": pd.to_datetime(["2024-01-20", None, "2024-01-05", None]),
    }
)
EVENTS = pd.DataFrame(
    {
        "lead_id": [1, 1, 1, 2],
        "event_at": pd.to_datetime(["2024-01-01", "2024-01-06", "2024-01-18", "2024-01-03"]),
        "kind": ["visit", "demo_booked", "visit", "unsubscribed"],
    }
)
MARCH = date(2024, 3, 20)


@pytest.fixture(scope="module")
def business() -> SimulatedBusiness:
    return simulate(2500, days=730, seed=11)


def rows_of(business: SimulatedBusiness, rules: LeadRules | None = None) -> pd.DataFrame:
    return lead_rows(
        business.leads, business.lead_events, age_days=7, horizon_days=60, last=business.as_of, rules=rules
    )


def test_points_fade_by_half_and_may_be_negative():
    points = score_by_rule(LEADS, EVENTS, pd.Timestamp("2024-01-16"), RULES)
    # a visit 15 days ago, a demo 10 days ago; the visit of the 18th has not happened yet
    assert points["intent"].tolist() == pytest.approx([4 * 0.5**1.5 + 10, -15 * 0.5**1.3, 0, 0])
    assert points["fit"].tolist() == [10, -5, 0, 10]
    assert points["score"].tolist() == pytest.approx((points["fit"] + points["intent"]).tolist())


def test_who_has_converted_is_no_lead_and_who_is_too_young_has_no_outcome():
    rows = lead_rows(LEADS, EVENTS, age_days=7, horizon_days=30, last=MARCH)
    assert rows["lead_id"].tolist() == [1, 2, 4]  # 3 converted after two days
    assert rows["converts"].tolist()[:2] == [1.0, 0.0]
    assert np.isnan(rows["converts"].iloc[2])


def test_what_came_later_is_in_no_feature():
    early = EVENTS[EVENTS["event_at"] < "2024-01-10"]
    seen = lead_rows(LEADS, early, age_days=7, horizon_days=30, last=MARCH)
    pd.testing.assert_frame_equal(seen, lead_rows(LEADS, EVENTS, age_days=7, horizon_days=30, last=MARCH))
    assert {"customer_id", "converted_at"}.isdisjoint(seen.columns)


def test_the_model_ranks_leads_by_their_true_chance_and_is_calibrated(business):
    rows = rows_of(business)
    older = rows["created_at"] < pd.Timestamp("2024-03-01")
    chance = fit_lead_model(rows[older]).predict_proba(rows[~older])[:, 1]
    newer = rows[~older].assign(chance=chance).merge(business.lead_truth, on="lead_id")
    assert newer["chance"].corr(newer["conversion_probability"], method="spearman") > 0.5
    judged = newer[newer["converts_x"].notna()]
    assert judged["chance"].mean() == pytest.approx(judged["converts_x"].mean(), abs=0.04)


def test_points_find_the_likely_ones_too(business):
    rows = rows_of(business, RULES)
    ripe = rows[rows["converts"].notna()]
    table = conversion_by_decile(ripe["fit_points"] + ripe["intent_points"], ripe["converts"])
    assert table["lift"].iloc[0] > 1.5
    assert table["lift"].iloc[-1] < 0.7
    assert table["converted_so_far"].iloc[-1] == pytest.approx(1.0)


def test_too_few_leads_are_scored_by_rule():
    with pytest.raises(
        TooFewCustomersError, match=r"horizon of 2 leads is over.*Score them by rule until there are 143"
    ):
        fit_lead_model(lead_rows(LEADS, EVENTS, age_days=7, horizon_days=30, last=MARCH))


def test_a_lead_is_handled_where_its_expected_value_pays_for_it():
    assert break_even_probability(500.0, 20.0) == 0.04
    assert np.isnan(break_even_probability([0.0, 10.0], 20.0)).all()
    stages = lead_stages([0.039, 0.04, 0.2], 500.0, marketing_cost=20.0, sales_cost=100.0)
    assert stages.tolist() == ["unqualified", "mql", "sql"]


def test_numbers_that_cannot_be_meant_are_refused_for_leads():
    with pytest.raises(RangeError, match="half_life_days must be a finite number above 0, got 0"):
        LeadRules(half_life_days=0)
    with pytest.raises(RangeError, match="age_days must be at least 1, got 0"):
        lead_rows(LEADS, EVENTS, age_days=0, horizon_days=30, last=MARCH)
    with pytest.raises(RangeError, match="Swap the two"):
        lead_stages([0.5], 100.0, marketing_cost=50.0, sales_cost=5.0)


def test_deciles_without_a_conversion_have_no_lift():
    table = conversion_by_decile([3.0, 2.0, 1.0], [0, 0, 0])
    assert table["conversion_rate"].tolist() == [0, 0, 0]
    assert table["lift"].isna().all()
