"""A monthly against an annual plan: value, cash, and who chooses what."""

from dataclasses import replace

import numpy as np
import pytest

from patron.economics.decisions.plan_cash import PlanTerms
from patron.economics.decisions.plans import compare_plans
from patron.errors import NotFittedError, RangeError
from patron.models.renewal.contracts import contracts_of_cohorts
from patron.models.renewal.model import RenewalModel

MODEL = RenewalModel.from_params(alpha=0.8, beta=9.0)
TERMS = {"monthly_price": 10.0, "annual_price": 100.0}


def compare(years=2, rate=0.10, **terms):
    return compare_plans(MODEL, PlanTerms(**{**TERMS, **terms}), years=years, annual_discount_rate=rate)


def worth(found, plan="annual", column="present_value"):
    return found.plans.set_index("plan").loc[plan, column]


def test_two_years_by_hand():
    stay = MODEL.curve(24)["survival"].to_numpy()
    z = 1.1 ** (-1 / 12)
    monthly = sum(10 * stay[m] * z**m for m in range(24))
    assert worth(compare(), "monthly, all") == pytest.approx(monthly)
    assert worth(compare()) == pytest.approx(100 + 100 * stay[12] / 1.1)


def test_at_the_break_even_price_both_plans_are_worth_the_same():
    settings = {
        "cost_to_serve": 2.0,
        "payment_fee": 0.02,
        "failed_payments": 0.01,
        "refunded": 0.5,
        "churn_odds_ratio": 0.7,
    }
    found = compare(years=3, **settings)
    again = compare(years=3, **settings, annual_price=found.break_even_annual_price)
    assert again.gain_per_switcher == pytest.approx(0, abs=1e-9)
    assert found.break_even_discount == pytest.approx(1 - found.break_even_annual_price / 120)


def test_a_plan_gets_no_credit_for_the_loyal_who_choose_it():
    picked = compare(churn_odds_ratio=0.5)
    assert picked.apparent_gain > picked.gain_per_switcher + 10
    everyone = compare(churn_odds_ratio=1.0)
    assert everyone.apparent_gain == pytest.approx(everyone.gain_per_switcher)


def test_customers_lost_to_failed_payments_are_kept_apart_from_those_who_leave():
    found = compare(failed_payments=0.02)
    monthly, annual = (found.plans.set_index("plan").loc[p] for p in ("monthly, all", "annual"))
    stay = MODEL.curve(24)["survival"].to_numpy()[24]
    assert monthly["left_voluntarily"] == pytest.approx(1 - stay) == pytest.approx(annual["left_voluntarily"])
    assert monthly["left_involuntarily"] == pytest.approx(stay * (1 - 0.98**24))
    assert annual["left_involuntarily"] == pytest.approx(stay * (1 - 0.98**2))
    assert monthly["lost_to_failed_payments"] == pytest.approx(
        worth(compare(), "monthly, all") - monthly["present_value"]
    )
    assert annual["lost_to_failed_payments"] == pytest.approx(worth(compare()) - annual["present_value"])


def test_who_leaves_within_a_term_gets_the_rest_of_it_back():
    stay = MODEL.curve(12)["survival"].to_numpy()
    refunds = sum((stay[m - 1] - stay[m]) * (12 - m) / 12 * 100 for m in range(1, 12))
    assert worth(compare(years=1, rate=0.0, refunded=1.0), column="refunds") == pytest.approx(refunds)
    assert worth(compare(years=1, rate=0.0), column="refunds") == 0


def test_a_pause_is_neither_paid_nor_served_nor_a_farewell():
    paused, plain = (compare(paused=share, cost_to_serve=3.0) for share in (0.1, 0.0))
    one, other = (found.plans.set_index("plan").loc["monthly, all"] for found in (paused, plain))
    assert one["present_value"] == pytest.approx(0.9 * other["present_value"])
    assert one["customers_left"] == other["customers_left"]


def test_the_annual_plan_is_ahead_in_cash_at_first():
    found = compare()
    cash = found.cash.pivot(index="month", columns="plan", values="cumulative_cash")
    assert cash.loc[0, "annual"] == 100
    assert cash.loc[0, "monthly, all"] == 10
    assert (cash["annual"] > cash["monthly, choosers of annual"]).to_numpy()[found.ahead_until]
    assert len(cash) == 25


def test_the_share_that_must_switch_pays_the_fixed_cost():
    found = compare(fixed_cost=500.0, signed=1000)
    assert found.share_to_switch * 1000 * found.gain_per_switcher == pytest.approx(500)
    assert "must switch to cover the fixed cost" in found.sentences()[2]


@pytest.mark.parametrize(
    ("terms", "reason"),
    [
        ({"annual_price": 60.0}, "the annual plan has a lower present value for the same customers"),
        ({"fixed_cost": 1e6}, "even if all customers switched, the gain would not cover the fixed cost"),
    ],
)
def test_where_no_share_is_enough_the_reason_is_told(terms, reason):
    found = compare(**terms)
    assert np.isnan(found.share_to_switch)
    assert found.reason == reason
    assert reason in found.sentences()[2]


def test_annual_contracts_of_their_own_say_who_renews():
    annual = RenewalModel.from_params(alpha=0.5, beta=4.5)
    found = compare_plans(MODEL, PlanTerms(**TERMS), years=2, annual_model=annual)
    assert worth(found) == pytest.approx(100 + 100 * 0.9 / 1.1)


def test_doubt_about_renewals_becomes_an_interval():
    contracts = contracts_of_cohorts([300, 250, 220, 200, 185])
    model = RenewalModel(inference="laplace").fit(contracts)
    found = compare_plans(model, PlanTerms(**TERMS))
    row = found.plans.set_index("plan").loc["annual"]
    assert row["present_value_low"] < row["present_value"] < row["present_value_high"]


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: compare(years=1.5), "years must be a whole number"),
        (
            lambda: PlanTerms(monthly_price=0.0, annual_price=100.0),
            "monthly_price must be a finite number above 0",
        ),
        (lambda: PlanTerms(**TERMS, failed_payments=2.0), "Write 2 % as 0.02"),
        (lambda: PlanTerms(**TERMS, cost_to_serve=-1.0), "cost_to_serve must be at least 0"),
    ],
)
def test_terms_that_cannot_be_are_refused(make, said):
    with pytest.raises(RangeError, match=said):
        make()


def test_a_model_without_data_is_refused():
    with pytest.raises(NotFittedError):
        compare_plans(RenewalModel(), PlanTerms(**TERMS))


def test_a_year_that_would_have_to_be_dearer_is_not_called_a_discount():
    higher = replace(compare(), break_even_annual_price=126.0, break_even_discount=-0.05)
    assert "an annual price of 126.00, 5.0% more than twelve months." in higher.sentences()[1]
