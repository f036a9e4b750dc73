"""Leads and surveys of a simulated business are what their truth says."""

import numpy as np
import pandas as pd
import pytest

from patron.datasets.simulate import SimulatedBusiness, simulate
from patron.tables.records import Records


@pytest.fixture(scope="module")
def business() -> SimulatedBusiness:
    return simulate(4000, days=730, seed=9)


def test_leads_convert_as_often_as_their_probability_says(business):
    truth = business.lead_truth
    tenth = pd.qcut(truth["conversion_probability"], 5, labels=False)
    by_fifth = truth.groupby(tenth)[["conversion_probability", "converts"]].mean()
    assert by_fifth["converts"].to_numpy() == pytest.approx(by_fifth["conversion_probability"], abs=0.035)


def test_a_converted_lead_is_a_customer_from_the_first_purchase_on(business):
    won = business.leads[business.leads["customer_id"].notna()]
    assert won["customer_id"].is_unique
    assert won["lead_id"].isin(business.lead_truth.query("converts")["lead_id"]).all()
    first = business.transactions.groupby("customer_id")["order_at"].min()
    assert (won["converted_at"].to_numpy() == first[won["customer_id"]].to_numpy()).all()
    channel = business.customers.set_index("customer_id")["channel"]
    assert (won["source"].to_numpy() == channel[won["customer_id"]].to_numpy()).all()


def test_leads_do_nothing_before_they_are_known_or_after_they_are_customers(business):
    events = business.lead_events.merge(business.leads, on="lead_id")
    assert (events["event_at"] >= events["created_at"]).all()
    assert not (events["event_at"] > events["converted_at"]).any()
    assert business.lead_events["event_at"].is_monotonic_increasing


def test_who_is_likely_to_leave_is_less_satisfied_and_says_so(business):
    moods = business.satisfaction.merge(business.truth, on="customer_id")
    assert moods["satisfaction"].corr(moods["leave_probability"]) == pytest.approx(-0.58, abs=0.06)
    answers = business.surveys.merge(moods, on="customer_id")
    for _, of_kind in answers.groupby("kind"):
        assert of_kind["score"].corr(of_kind["satisfaction"]) > 0.7


def test_the_new_tables_break_no_rule(business):
    names = ("surveys", "leads", "lead_events")
    records = Records.read(**{name: getattr(business, name) for name in names})
    assert records.report.rows_rejected == 0


def test_they_are_left_out_with_purchases_only():
    bare = simulate(50, seed=1, purchases_only=True)
    assert (bare.surveys, bare.leads, bare.lead_events, bare.lead_truth) == (None, None, None, None)


def test_a_business_nobody_came_to_as_a_lead_has_tables_without_rows():
    for seed in range(30):
        business = simulate(1, days=60, seed=seed)
        if not len(business.leads):
            assert business.lead_events.empty
            assert np.array_equal(business.leads.columns, simulate(500, days=60).leads.columns)
            return
    pytest.fail("every single customer came as a lead")
