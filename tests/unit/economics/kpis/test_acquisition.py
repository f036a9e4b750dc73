"""What customers cost to win, worked out on paper: ledger, leads, channels and cohorts."""

from datetime import date

import ibis
import numpy as np
import pandas as pd
import pytest

from patron.economics.kpis.acquisition import (
    acquisition_costs,
    lead_estimates,
    spend_of_periods,
    with_conversions,
)
from patron.economics.kpis.channels import ALL, acquisition_by_channel
from patron.economics.kpis.roll_forward import RollForward, contacted_lapsed, win_back_rates
from patron.economics.kpis.spells import spells_by_rule
from patron.economics.periods import whole_periods

QUARTER = whole_periods(date(2024, 1, 1), date(2024, 3, 31), "month")
JANUARY, FEBRUARY = date(2024, 1, 1), date(2024, 2, 1)

SALES = pd.DataFrame(
    [
        (1, date(2024, 1, 5), 30.0),
        (1, date(2024, 2, 20), 30.0),
        (2, date(2024, 1, 10), 10.0),
        (3, date(2024, 2, 3), 40.0),
        (3, date(2024, 4, 20), 40.0),
        (4, date(2024, 2, 8), 20.0),
        (5, date(2024, 2, 9), 5.0),
    ],
    columns=["customer_id", "day", "amount"],
)
CUSTOMERS = pd.DataFrame(
    {
        "customer_id": [1, 2, 3, 4, 5],
        "channel": ["search", "search", "search", "search", "organic"],
        "acquisition_cost": [15.0, 25.0, 30.0, 30.0, 0.0],
    }
)


def spells():
    return spells_by_rule(ibis.memtable(SALES[["customer_id", "day"]]), 30)


def table(scores=None, margin=1.0, customers=CUSTOMERS) -> pd.DataFrame:
    return acquisition_by_channel(
        ibis.memtable(SALES),
        spells(),
        ibis.memtable(customers),
        "month",
        margin=margin,
        first=JANUARY,
        last=date(2024, 6, 30),
        scores=None if scores is None else ibis.memtable(scores),
    ).set_index(["channel", "cohort"])


def test_a_month_without_spend_has_no_cost_of_a_customer_and_neither_has_one_without_customers():
    costs = ibis.memtable(
        pd.DataFrame(
            {
                "day": [JANUARY, JANUARY, date(2024, 3, 1)],
                "pool": ["acquisition", "rent", "acquisition"],
                "amount": [300.0, 999.0, 80.0],
            }
        )
    )
    spend = spend_of_periods(costs, ["acquisition"], "month")
    found = acquisition_costs(spells(), QUARTER, "month", new=[2, 3, 0], spend=spend, customers=None)
    assert [one.value for one in found] == [150.0, None, None]
    assert [one.reason for one in found][1:] == [
        "no acquisition spend in the period",
        "no new customer in the period",
    ]


def test_costs_by_customer_give_a_mean_with_its_interval():
    found = acquisition_costs(
        spells(), QUARTER, "month", new=[2, 3, 0], spend=None, customers=ibis.memtable(CUSTOMERS)
    )
    assert [one.value for one in found] == [20.0, 20.0, None]  # (15 + 25) / 2 and (30 + 30 + 0) / 3
    assert found[0].low is not None


def test_a_cohort_that_cost_nothing_has_no_ratio_and_says_so():
    row = table(pd.DataFrame({"customer_id": [5], "growth_potential": [9.0]})).loc[("organic", "2024-02-01")]
    assert np.isnan(row["cac"])
    assert np.isnan(row["value_to_cost"])
    assert row["meets_rule_of_three"] is None
    assert row["reason"] == "the acquisition spend is unknown"


def test_value_over_cost_by_channel_and_cohort():
    scores = pd.DataFrame({"customer_id": [1, 2, 3, 4, 5], "growth_potential": [10.0, 30.0, 0.0, 20.0, 9.0]})
    found = table(scores, margin=0.5)
    january, february, all_ = (found.loc[("search", cohort)] for cohort in ("2024-01-01", "2024-02-01", ALL))
    # January: margin 0.5·70/2 so far and 20 ahead, for 20; February: 0.5·100/2 and 10, for 30
    assert (january["cac"], january["value"], january["value_to_cost"]) == (20.0, 37.5, 1.875)
    assert (february["cac"], february["value"]) == (30.0, 35.0)
    assert (all_["customers"], all_["cac"], all_["value"]) == (4, 25.0, 0.5 * 170 / 4 + 15)
    assert january["meets_rule_of_three"] is False
    assert january["max_acquisition_cost"] == 37.5
    assert january["max_cost_by_rule_of_three"] == 12.5


def test_a_customer_whose_cost_is_unknown_is_no_cheap_one():
    some = CUSTOMERS.assign(acquisition_cost=[15.0, np.nan, 30.0, 30.0, np.nan])
    found = table(customers=some)
    assert found.loc[("search", "2024-01-01"), ["customers", "spend", "cac"]].tolist() == [2, 15.0, 15.0]
    assert found.loc[("search", ALL), "cac"] == 25.0  # 75 of the three that are known
    assert found.loc[("search", "2024-02-01"), "marginal_cac"] == 45.0  # 60 for two after 15 for one
    assert np.isnan(found.loc[("organic", ALL), "cac"])


def test_the_marginal_cost_is_null_where_more_money_won_no_more_customers():
    found = table()
    assert np.isnan(found.loc[("search", "2024-01-01"), "marginal_cac"])
    assert np.isnan(found.loc[("search", "2024-02-01"), "marginal_cac"])  # 60 instead of 40, for two again


def test_payback_is_the_month_in_which_the_margin_had_paid():
    found = table()
    # January's two cost 40 and paid 40 in their first month; February's cost 60 and paid 60 in theirs
    assert found.loc[("search", "2024-01-01"), "payback_months"] == 1
    assert found.loc[("search", "2024-02-01"), "payback_months"] == 1
    half = table(margin=0.5)
    # at half the margin January's have 35 of 40 after all; February's 50 of 60
    assert half["payback_months"].isna().all()
    assert "not paid back in the months observed" in half.loc[("search", "2024-01-01"), "reason"]
    most = table(margin=0.75)  # January's: 30 of 40 at first, 52.5 with the second month
    assert most.loc[("search", "2024-01-01"), "payback_months"] == 2


LEADS = pd.DataFrame(
    {
        "lead_id": range(1, 11),
        "day": [date(2024, 1, d) for d in (2, 5, 9, 20, 31)] + [date(2024, 2, d) for d in (1, 3, 9, 20, 29)],
        "cost": [2.0, 4.0, 6.0, None, 8.0] + [None] * 5,
        "converted_at": pd.to_datetime(["2024-01-20", None, "2024-02-08", "2024-03-30", None] + [None] * 5),
    }
)


def test_leads_are_judged_only_when_all_of_the_period_have_had_their_time():
    found = lead_estimates(ibis.memtable(LEADS), QUARTER, "month", lead_days=30, last=date(2024, 3, 10))
    january, february, march = found
    assert january["leads"].value == 5
    assert january["cost_per_lead"].value == 5.0  # of the four whose cost is known
    # of five leads two converted within 30 days; the third took 70
    assert (january["lead_conversion_rate"].numerator, january["lead_conversion_rate"].value) == (2, 0.4)
    assert february["lead_conversion_rate"].value is None
    assert (
        february["lead_conversion_rate"].reason
        == "not matured: the youngest lead has been known for 10 of 30 days"
    )
    assert february["cost_per_lead"].reason == "no lead of the period has a cost"
    assert march["leads"].value == 0
    assert march["lead_conversion_rate"].reason == "no lead in the period"


def test_events_tell_of_conversions_where_the_leads_do_not():
    events = pd.DataFrame(
        {
            "lead_id": [1, 1, 2],
            "event_at": pd.to_datetime(["2024-01-15", "2024-01-12", "2024-01-13"]),
            "kind": ["converted", "converted", "visit"],
        }
    )
    leads = ibis.memtable(LEADS.drop(columns="converted_at"))
    known = with_conversions(leads, ibis.memtable(events))
    january = lead_estimates(known, QUARTER, "month", lead_days=30, last=date(2024, 3, 31))[0]
    assert january["lead_conversion_rate"].numerator == 1


def test_the_contacted_and_the_others_are_won_back_each_at_their_own_rate():
    bought = pd.DataFrame(
        {
            "customer_id": [1, 2, 3, 4, 5, 1, 2, 4],
            "day": [date(2023, 6, 1)] * 4
            + [date(2024, 1, 20), date(2024, 2, 10), date(2024, 2, 2), date(2024, 2, 25)],
        }
    )
    contacts = pd.DataFrame(
        {
            "customer_id": [1, 2, 3, 5, 4],
            "day": [date(2024, 2, 5)] * 5,
            "treated": [1.0, 1.0, 1.0, 1.0, 0.0],
        }
    )
    february = whole_periods(FEBRUARY, date(2024, 2, 29), "month")
    lapsed = spells_by_rule(ibis.memtable(bought), 30)
    # lapsed are 1 to 4; of the contacted 1, 2 and 3 one came back after the contact, and 2 before it
    assert contacted_lapsed(lapsed, ibis.memtable(contacts), february) == [(3, 1, 2)]
    rates = win_back_rates(RollForward(at_start=1, known=5, returned=3), (3, 1, 2))
    assert rates["win_back_rate"].value == pytest.approx(1 / 3)
    assert rates["win_back_rate_organic"].value == 1.0  # 4, who was left alone
