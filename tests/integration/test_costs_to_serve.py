"""What serving a customer took is taken off the base potential, as far as it was known on the day."""

from datetime import date

import pandas as pd
import pytest

from patron.errors import TableError
from patron.scoring.costs_to_serve import COSTS, CostsToServe, costs_known, costs_of
from patron.tables.records import Records
from patron.workflows.costs import costs
from patron.workflows.score import score

AS_OF = date(2024, 1, 31)
MOVED = ["base_potential", "customer_value", "value_tier", "value_percentile", "recommended_action"]


@pytest.fixture(scope="module")
def score_with(trained, make_settings, shop):
    own = {"transactions": shop.transactions, "engagement": shop.engagement, "customers": shop.customers}

    def score_it(table=None, **changes):
        tables = own if table is None else own | {"costs_to_serve": table}
        return score(make_settings(as_of=AS_OF, tables=tables, **changes), model=trained.model_uri)

    return score_it


@pytest.fixture(scope="module")
def alone(score_with):
    return score_with().scorecard.set_index("customer_id").sort_index()


@pytest.fixture(scope="module")
def somebody(alone):
    return int(alone.index[alone["churn_probability"].notna()][3])


def months(customer, **cost):
    """One row per month of 2023 or 2024, such as nov_2023=4.0."""
    starts = pd.to_datetime(list(cost), format="%b_%Y")
    return pd.DataFrame(
        {
            "customer_id": customer,
            "period_start": starts,
            "period_end": starts + pd.offsets.MonthEnd(0),
            "retention_cost": list(cost.values()),
        }
    )


def test_costs_of_months_that_had_ended_are_taken_off_the_base(score_with, alone, somebody, warned, tmp_path):
    table = months(somebody, nov_2023=4.0, jan_2024=2.5, feb_2024=9.0)
    found = score_with(table, score={"potentials": tmp_path / "parts.parquet"})
    card = found.scorecard.set_index("customer_id").sort_index()
    less = alone["base_potential"] - card["base_potential"]
    assert less[somebody] == pytest.approx(4.0 + 2.5)
    assert (less.drop(somebody).dropna() == 0).all()
    assert alone["customer_value"][somebody] - card["customer_value"][somebody] == pytest.approx(6.5)
    pd.testing.assert_frame_equal(
        card.drop(columns=[*MOVED, "scored_at"]), alone.drop(columns=[*MOVED, "scored_at"])
    )
    assert "Not counted of the table 'costs_to_serve': 1 row whose period ends after 2024-01-31." in warned()
    scored = len(found.scored)
    assert found.costs_to_serve == CostsToServe(scored, 1, 6.5, AS_OF)
    assert any(
        line.startswith("Costs to serve of 6.50 up to 2024-01-31 are subtracted")
        for line in found.sentences()
    )
    parts = pd.read_parquet(tmp_path / "parts.parquet").set_index("customer_id")
    assert parts["cost_to_serve"][somebody] == 6.5
    base = parts["past_margin"] - parts["cost_to_serve"] - parts["acquisition_cost"]
    assert base.to_numpy() == pytest.approx(parts["base_potential"].to_numpy())


def test_what_the_command_on_costs_writes_is_taken_as_it_is(score_with, alone, make_settings, shop, tmp_path):
    tables = {name: getattr(shop, name) for name in ("transactions", "interactions", "costs")}
    asked = {"first": "2023-02-01", "last": AS_OF, "capacity": shop.capacity, "out": tmp_path}
    ledger = costs(make_settings(tables=tables, costs=asked))
    written = pd.read_parquet(tmp_path / "customers.parquet").set_index("customer_id")
    assert set(written["period_start"].astype(str)) == {"2023-02-01"}
    assert set(written["period_end"].astype(str)) == {"2024-01-31"}
    found = score_with(tmp_path / "customers.parquet", score={"batch_rows": 37})
    card = found.scorecard.set_index("customer_id").sort_index()
    taken = (alone["base_potential"] - card["base_potential"]).dropna()
    expected = written["retention_cost"].reindex(taken.index).fillna(0.0)
    assert taken.to_numpy() == pytest.approx(expected.to_numpy())
    assert expected.sum() == pytest.approx(ledger.found.totals["customers"])


def test_a_table_whose_periods_are_all_to_come_changes_nothing(score_with, alone, somebody, warned):
    found = score_with(months(somebody, feb_2024=9.0))
    card = found.scorecard.set_index("customer_id").sort_index()
    pd.testing.assert_frame_equal(card.drop(columns="scored_at"), alone.drop(columns="scored_at"))
    assert "No cost to serve was known on that day: the base potentials are unchanged." in found.sentences()
    assert "1 row whose period ends after" in warned()


@pytest.mark.parametrize("again", [1.0, 4.0], ids=["another cost", "the same row twice"])
def test_periods_that_overlap_are_refused(again):
    table = pd.concat(
        [months(7, nov_2023=4.0, dec_2023=2.0), months(7, nov_2023=again), months(8, nov_2023=1)]
    )
    read = Records.read(costs_to_serve=table)["costs_to_serve"]
    with pytest.raises(TableError, match=r"periods that overlap, for customer_id 7: .* would count twice"):
        costs_known(read, AS_OF, "int64")


def test_costs_of_other_customers_are_refused(tmp_path):
    pd.DataFrame({"customer_id": [90001, 90002], "cost": 4.0}).to_parquet(tmp_path / COSTS)
    with pytest.raises(TableError, match="None of the 2 customers of the table 'costs_to_serve'"):
        costs_of(tmp_path, pd.Series([1, 2, 3]))


def test_a_period_that_ends_before_it_begins_is_rejected():
    table = months(7, nov_2023=4.0, dec_2023=1.0)
    table.loc[1, "period_end"] = pd.Timestamp("2023-11-30")
    records = Records.read(costs_to_serve=table)
    assert records.rejected("costs_to_serve")["rule"].tolist() == ["period_end is before period_start"]
    assert costs_known(records["costs_to_serve"], AS_OF, "int64").to_pandas()["cost"].tolist() == [4.0]


def test_one_customer_without_a_cost_is_counted_as_one():
    assert CostsToServe(2, 1, 5.0, AS_OF).sentence() == (
        "Costs to serve of 5.00 up to 2024-01-31 are subtracted from the base potentials of 1 of 2 "
        "customers; the other has none on record and counts as 0."
    )
    assert CostsToServe(1, 1, 5.0, AS_OF).sentence().endswith("of 1 of 1 customer.")
