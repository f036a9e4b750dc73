"""Indicators by contract, worked out on paper: who has a contract is active."""

from datetime import date

import ibis
import pandas as pd
import pytest

from patron.economics.kpis.customer_base import KpiRules, read_base
from patron.economics.kpis.indicators import indicators
from patron.economics.kpis.spells import RUNNING, spells_by_contract
from patron.tables.engine import open_engine

# Kim changes to a dearer plan on 10 February; Lea has two overlapping contracts and leaves on 10 March; Mia
# is away from 10 to 19 February; Nat signs on 5 February; Pam leaves on 20 February.
CONTRACTS = pd.DataFrame(
    [
        ("Kim", date(2023, 5, 1), date(2024, 2, 9), 30.0),
        ("Kim", date(2024, 2, 10), None, 60.0),
        ("Lea", date(2024, 1, 10), date(2024, 2, 15), 30.0),
        ("Lea", date(2024, 2, 1), date(2024, 3, 10), 30.0),
        ("Mia", date(2023, 6, 1), date(2024, 2, 10), 30.0),
        ("Mia", date(2024, 2, 20), None, 30.0),
        ("Nat", date(2024, 2, 5), None, 30.0),
        ("Pam", date(2023, 6, 1), date(2024, 2, 20), 30.0),
    ],
    columns=["customer_id", "day", "ended_on", "price"],
)


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    engine = open_engine(threads=1)
    rules = KpiRules(first=date(2024, 2, 1), last=date(2024, 3, 31))
    base = read_base({"subscriptions": ibis.memtable(CONTRACTS)}, rules, engine)
    return indicators(base, engine).set_index(["period_start", "kpi"])


def fraction(rows: pd.DataFrame, period: str, kpi: str) -> tuple[float, float]:
    row = rows.loc[(period, kpi)]
    return float(row["numerator"]), float(row["denominator"])


def test_overlapping_contracts_and_those_from_one_day_to_the_next_are_one_spell():
    spells = spells_by_contract(ibis.memtable(CONTRACTS)).to_pandas().set_index("customer_id")
    assert spells["number"].value_counts().to_dict() == {1: 5, 2: 1}  # the second is Mia's
    assert spells.loc["Lea", "starts_on"] == pd.Timestamp("2024-01-10")
    assert spells.loc["Lea", "ends_on"] == pd.Timestamp("2024-03-10")
    assert pd.Timestamp(spells.loc["Kim", "ends_on"]).date() == RUNNING


def test_who_leaves_and_is_back_at_the_end_is_not_lost(rows):
    assert fraction(rows, "2024-02-01", "churn_rate") == (1, 4)  # Pam, of Kim, Lea, Mia and Pam
    assert fraction(rows, "2024-02-01", "net_growth_rate") == (0, 4)  # Nat came
    assert fraction(rows, "2024-03-01", "churn_rate") == (1, 4)  # Lea, of Kim, Lea, Mia and Nat


def test_revenue_that_stays_is_that_of_the_contracts_at_the_start(rows):
    # before February a month brings 30 of each but Lea, who has one contract then; Kim pays 60 afterwards
    assert fraction(rows, "2024-02-01", "net_revenue_retention") == pytest.approx((60 + 30 + 30, 120))
    assert fraction(rows, "2024-02-01", "gross_revenue_retention") == pytest.approx((30 + 30 + 30, 120))


def test_a_dearer_plan_is_up_sell_among_those_who_stayed(rows):
    assert fraction(rows, "2024-02-01", "up_sell_rate") == (1, 3)


def test_without_sales_the_indicators_of_sales_say_so(rows):
    assert rows.loc[("2024-03-01", "sales_per_customer_mean"), "reason"] == "no transactions"
    assert rows.loc[("2024-03-01", "cross_sell_rate"), "reason"] == "no transactions"


def test_contracts_without_a_price_have_no_revenue_to_keep():
    engine = open_engine(threads=1)
    rules = KpiRules(first=date(2024, 2, 1), last=date(2024, 2, 29))
    table = ibis.memtable(CONTRACTS.drop(columns="price"))
    rows = indicators(read_base({"subscriptions": table}, rules, engine), engine).set_index("kpi")
    assert rows.loc["net_revenue_retention", "reason"] == "the contracts have no price"
    assert rows.loc["churn_rate", "value"] == 0.25
