"""What customers cost: a journey of five customers whose costs are on paper, and what may go wrong."""

from datetime import date

import ibis
import pandas as pd
import pytest

from patron.economics.costs.journey import Journey, Touchpoint
from patron.economics.costs.retention_costs import retention_costs
from patron.errors import DateError, RangeError, TableError
from patron.tables.records import Records

# Five customers in May. Ann, Bob and Cy bought in May; Dee bought in April and is still active; Eve bought
# last year and only calls.
SALES = pd.DataFrame(
    {
        "customer_id": ["Ann", "Bob", "Cy", "Dee", "Eve", "Ann"],
        "order_at": ["2024-05-02", "2024-05-09", "2024-05-10", "2024-04-20", "2023-05-01", "2024-04-02"],
        "amount": [300.0, 100.0, 50.0, 40.0, 90.0, 10.0],
        "cost": [200.0, 60.0, 60.0, 20.0, 45.0, 5.0],
    }
)
# Calls: Ann 10 minutes; Bob 5 + a complaint, 8 more by the equation; Eve 20 as recorded; nobody 7.
# Letters: Ann 2, Cy 1. Practical capacity of the call centre: 100 minutes.
DONE = pd.DataFrame(
    {
        "customer_id": ["Ann", "Bob", "Eve", None, "Ann", "Cy"],
        "occurred_at": ["2024-05-03", "2024-05-12", "2024-05-20", "2024-05-21", "2024-05-05", "2024-05-06"],
        "touchpoint": ["call", "call", "call", "call", "letter", "letter"],
        "channel": ["phone", "phone", "phone", "phone", "post", "post"],
        "minutes": [10.0, None, 20.0, 7.0, 0.0, 0.0],
        "units": [0, 0, 0, 0, 2, 1],
        "outcome": ["solved", "complaint", None, None, None, None],
    }
)
LEDGER = pd.DataFrame(
    {
        "month": "2024-05-31",
        "pool": ["call centre", "postage", "programme", "brand", "credit note"],
        "amount": [200.0, 3.0, 80.0, 45.0, -4.0],
        "kind": ["direct", "direct", "indirect", "indirect", "indirect"],
        "touchpoint": ["call", "letter", None, None, None],
        "driver": [None, None, "active_customers", "revenue", None],
    }
)
JOURNEY = Journey(
    touchpoints={"call": Touchpoint(base_minutes=5.0, extra_minutes={"complaint": 8.0})},
    capacity={"call centre": 100.0},
)
TIERS = pd.DataFrame({"customer_id": ["Ann", "Bob", "Cy", "Dee"], "tier": ["vip", "medium", "low", "low"]})
MAY = date(2024, 5, 1), date(2024, 5, 31)


def found_for(sales=SALES, done=DONE, ledger=LEDGER, *, tiers=TIERS, days=MAY, journey=JOURNEY, **more):
    records = Records.read(transactions=sales, interactions=done, costs=ledger, **more)
    return retention_costs(
        records, *days, journey=journey, tiers=None if tiers is None else ibis.memtable(tiers)
    )


@pytest.fixture(scope="module")
def found():
    return found_for()


def by_customer(found, *columns):
    table = found.customers.to_pandas().set_index("customer_id").sort_index()
    return table[list(columns)] if columns else table


def test_five_customers_cost_what_they_cost_on_paper(found):
    # A minute costs 200 / 100 = 2, a letter 3 / 3 = 1. Four active customers share 80: 20 each. Revenue of
    # May is 300 + 100 + 50: a tenth of it is 45.
    expected = {
        "Ann": (10 * 2 + 2 * 1, 20 + 30),
        "Bob": (13 * 2, 20 + 10),
        "Cy": (1 * 1, 20 + 5),
        "Dee": (0, 20),  # no interaction, but a share in what all cause by being there
        "Eve": (20 * 2, 0),  # active no more, but she calls
    }
    table = by_customer(found, "direct", "indirect")
    assert {name: tuple(row) for name, row in zip(table.index, table.to_numpy(), strict=True)} == expected


def test_a_recorded_zero_is_no_missing_time(found):
    assert found.notes == []  # letters take no minutes, and that is on record


def test_what_nobody_used_or_caused_stays_visible(found):
    assert found.totals == {
        "ledger": 324.0,
        "customers": 22 + 26 + 1 + 40 + 80 + 45,
        "anonymous": 14.0,
        "unused_capacity": 200 - 2 * 50.0,
        "unallocated": -4.0,
    }
    reasons = found.statement.set_index("pool")["reason"]
    assert reasons["credit note"] == "the line has no driver"
    assert reasons.drop("credit note").isna().all()


def test_a_customer_without_a_margin_has_no_ratio(found):
    table = by_customer(found, "margin", "retention_cost", "margin_after", "cost_to_margin", "reason")
    assert table.loc["Ann", "cost_to_margin"] == pytest.approx(72 / 100)
    assert table.loc["Bob", "margin_after"] == 40 - 56
    assert table.loc["Cy", ["margin", "reason"]].tolist() == [-10.0, "the margin is not positive"]
    assert table["cost_to_margin"].isna().tolist() == [False, False, True, True, True]


def test_costs_stand_beside_active_and_retained_customers(found):
    summary = found.summary.set_index(["by", "segment"])
    whole = summary.loc[("all", "")]
    assert (whole.active, whole.retained, whole.cost) == (4, 2, 214.0)
    assert whole.cost_per_active == 214 / 4
    assert whole.cost_per_retained == 214 / 2
    assert whole.cost_to_margin == pytest.approx(214 / 130)
    tiers = summary.loc["tier"]["cost"].to_dict()
    assert tiers == {"vip": 72.0, "medium": 56.0, "low": 46.0, "unscored": 40.0, "anonymous": 14.0}
    assert summary.loc["touchpoint"]["cost"].to_dict() == {
        "call": 86.0,
        "letter": 3.0,
        "(no touchpoint)": 125.0,
    }
    assert summary.loc[("tier", "anonymous"), "reason"] == "no active customer; the margin is not positive"


def test_costs_stand_by_channel_stage_and_month_as_well(found):
    summary = found.summary.set_index(["by", "segment"])
    assert summary.loc["channel"]["cost"].to_dict() == {"phone": 86.0, "post": 3.0, "(none)": 125.0}
    assert summary.loc["stage"]["cost"].to_dict() == {"retention": 214.0}
    may = summary.loc[("month", "2024-05")]
    assert (may.active, may.retained, may.cost, may.cost_per_active) == (4, 2, 214.0, 53.5)
    vip = summary.loc[("month and tier", "2024-05 vip")]
    assert (vip.active, vip.retained, vip.margin, vip.cost) == (1, 1, 100.0, 72.0)


def test_the_whale_curve_ends_at_the_profit_of_all(found):
    assert found.whale["profit"].iloc[-1] == pytest.approx(130 - 214)
    assert found.whale["profit"].max() == 28.0  # Ann's 100 - 72: everybody else takes from it
    assert found.whale["profit_share"].isna().all()


def test_every_table_adds_up_to_the_same_total(found):
    assert found.customers.retention_cost.sum().to_pyarrow().as_py() == pytest.approx(214, abs=1e-9)
    known = found.journey[found.journey["tier"] != "anonymous"]
    assert known["cost"].sum() == pytest.approx(214, abs=1e-9)


def test_the_tier_at_the_start_of_the_month_counts():
    days = ["2024-04-30", "2024-05-15", "2024-05-31"]
    tiers = pd.DataFrame(
        {"customer_id": "Ann", "as_of": pd.to_datetime(days), "tier": ["low", "vip", "medium"]}
    )
    done = DONE.iloc[:1].copy()
    june = done.assign(occurred_at="2024-06-05")
    ledger = LEDGER.iloc[:1]
    both = found_for(
        done=pd.concat([done, june]),
        ledger=pd.concat([ledger, ledger.assign(month="2024-06-01")]),
        tiers=tiers,
        days=(date(2024, 5, 1), date(2024, 6, 30)),
    )
    calls = both.journey[both.journey["touchpoint"] == "call"]
    assert calls["tier"].tolist() == ["low", "medium"]


def test_a_customer_scored_later_has_the_first_tier_that_is_known():
    tiers = pd.DataFrame(
        {"customer_id": "Ann", "as_of": pd.to_datetime(["2024-05-15", "2024-06-01"]), "tier": ["vip", "low"]}
    )
    calls = found_for(tiers=tiers).journey
    assert set(calls.loc[calls["touchpoint"] == "letter", "tier"]) == {"vip", "unscored"}


def test_more_minutes_than_capacity_cost_no_more_than_the_ledger():
    over = found_for(journey=Journey(capacity={"call centre": 20.0}))
    assert over.totals["unused_capacity"] == 0
    assert any("more than its capacity of 20" in note for note in over.notes)


def test_a_standard_unit_cost_leaves_its_variance_unallocated():
    standard = found_for(journey=Journey(unit_costs={"postage": 0.90}))
    line = standard.statement.set_index("pool").loc["postage"]
    assert (line["customers"], line["unallocated"]) == (2.70, 0.30)


def test_with_contracts_a_customer_is_active_by_contract():
    contracts = pd.DataFrame(
        {
            "customer_id": ["Eve", "Eve", "Ann"],  # Eve's overlap: she is one customer all the same
            "started_at": ["2020-01-01", "2024-03-01", "2024-05-10"],
            "ended_at": [None, "2024-09-01", "2024-05-20"],
        }
    )
    whole = found_for(subscriptions=contracts).summary.iloc[0]
    assert (whole.active, whole.retained) == (1, 1)


def test_without_scores_every_customer_is_unscored(found):
    assert set(found_for(tiers=None).summary.query("by == 'tier'")["segment"]) == {"unscored", "anonymous"}


def test_interactions_that_take_no_known_time_are_told():
    silent = found_for(journey=Journey(capacity={"call centre": 100.0}))
    assert silent.totals["customers"] == found_for().totals["customers"] - 26
    assert silent.notes[0].startswith("No minutes are charged for 1 interaction with neither")


def test_months_without_spend_and_lines_outside_are_told():
    ledger = pd.concat([LEDGER, LEDGER.assign(month="2024-08-01")])
    notes = found_for(ledger=ledger, days=(date(2024, 4, 1), date(2024, 5, 31))).notes
    assert notes[0].startswith("Ignored 5 lines of the ledger outside 2024-04-01 to 2024-05-31")
    assert notes[1] == "The ledger has no line for 2024-04."


def test_months_without_any_line_are_refused():
    with pytest.raises(TableError, match="table 'costs' has no line from 2023-01-01 to 2023-01-31"):
        found_for(days=(date(2023, 1, 1), date(2023, 1, 31)))


def test_part_of_a_month_is_refused():
    with pytest.raises(DateError, match="No whole month lies between 2024-05-02 and 2024-05-31"):
        found_for(days=(date(2024, 5, 2), date(2024, 5, 31)))


def test_currencies_mixed_in_one_table_are_refused():
    with pytest.raises(TableError, match="currenc"):
        found_for(ledger=LEDGER.assign(currency=["EUR", "EUR", "USD", "EUR", "EUR"]))


def test_a_line_that_cannot_be_is_kept_among_the_rejected():
    ledger = pd.concat([LEDGER, LEDGER.iloc[:1].assign(amount=None), LEDGER.iloc[:1].assign(kind="shared")])
    records = Records.read(transactions=SALES, interactions=DONE, costs=ledger)
    assert len(records.rejected("costs")) == 2
    assert retention_costs(records, *MAY, journey=JOURNEY).totals["ledger"] == 324.0


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: Touchpoint(stage="limbo"), "stage must be one of reach"),
        (
            lambda: Touchpoint(extra_minutes={"complaint": float("nan")}),
            r"extra_minutes\[complaint\] must be",
        ),
        (
            lambda: Journey(capacity={"calls": 0.0}),
            "capacity of pool 'calls' in minutes per month must be",
        ),
        (lambda: Journey(unit_costs={"post": -1.0}), "unit cost of pool 'post'"),
        (lambda: Journey(capacity={"x": 1.0}, unit_costs={"x": 1.0}), "has a capacity and a unit cost"),
    ],
)
def test_a_journey_that_cannot_be_is_refused(make, said):
    with pytest.raises(RangeError, match=said):
        make()
