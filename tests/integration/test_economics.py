"""The commands on what customers cost, which plan is better, and what if."""

import json
from datetime import date

import pandas as pd
import pytest
from typer.testing import CliRunner

from patron.cli import app
from patron.datasets.simulate import simulate
from patron.errors import DateError, SettingsError, TableError
from patron.settings import Settings
from patron.workflows.costs import costs
from patron.workflows.kpis import kpis
from patron.workflows.plans import plans
from patron.workflows.what_if import what_if

NUMBERS = {"customers": 1000, "retention": 0.8, "acquisition": 0.2, "revenue": 100, "profit": 40}


@pytest.fixture(scope="module")
def shop():
    return simulate(400, days=731, start=date(2023, 1, 1), seed=2)


@pytest.fixture(scope="module")
def files(shop, tmp_path_factory):
    folder = tmp_path_factory.mktemp("shop")
    for name in ("transactions", "interactions", "costs", "subscriptions"):
        getattr(shop, name).to_parquet(folder / f"{name}.parquet")
    ids = shop.customers["customer_id"]
    tiers = pd.DataFrame(
        {"customer_id": ids, "as_of": "2023-12-31", "value_tier": ["vip", "low"] * (len(ids) // 2)}
    )
    tiers.to_csv(folder / "scores.csv", index=False)
    return folder


def run(*words):
    return CliRunner().invoke(app, [str(word) for word in words], env={"COLUMNS": "200"})


def test_costs_write_every_table_and_one_json_object(files, tmp_path, shop):
    (centre,) = shop.capacity.items()
    said = run(
        *("costs", "--transactions", files / "transactions.parquet", "--costs", files / "costs.parquet"),
        *("--interactions", files / "interactions.parquet", "--scores", files / "scores.csv"),
        *("--from", "2024-01-01", "--to", "2024-12-31", "--capacity", f"{centre[0]}={centre[1]}"),
        *("--out", tmp_path / "costs", "--json"),
    )
    assert said.exit_code == 0, said.output
    found = json.loads(said.stdout)
    totals = found["totals"]
    ledger = totals.pop("ledger")
    assert sum(totals.values()) == pytest.approx(ledger, abs=1e-6)
    assert {row["segment"] for row in found["summary"] if row["by"] == "tier"} == {"vip", "low", "anonymous"}
    customers = pd.read_parquet(tmp_path / "costs" / "customers.parquet")
    assert customers["retention_cost"].sum() == pytest.approx(totals["customers"], abs=1e-6)
    written = {path.name for path in (tmp_path / "costs").iterdir()}
    assert written == {
        "customers.parquet",
        "journey.csv",
        "summary.csv",
        "whale.csv",
        "statement.csv",
        "totals.json",
    }


def test_costs_keep_the_rows_that_they_reject(shop, tmp_path):
    bad = shop.costs.head(1).assign(amount=float("nan"))
    tables = {"transactions": shop.transactions, "interactions": shop.interactions}
    chosen = Settings(tables=tables | {"costs": pd.concat([shop.costs, bad])}, costs={"out": tmp_path})
    result = costs(chosen)
    assert len(pd.read_csv(tmp_path / "rejected_costs.csv")) == 1
    assert any(
        "Unallocated: " in line and "'acquisition' (the line has no driver)" in line
        for line in result.sentences()
    )


def test_plans_are_compared_from_the_contracts(files, tmp_path, shop):
    said = run(
        *(
            "plans",
            "--subscriptions",
            files / "subscriptions.parquet",
            "--as-of",
            shop.as_of,
            "--churn-odds-ratio",
            "0.5",
        ),
        *("--inference", "laplace", "--out", tmp_path / "plans.csv", "--json"),
    )
    assert said.exit_code == 0, said.output
    found = json.loads(said.stdout)
    assert [row["plan"] for row in found["plans"]] == [
        "monthly, all",
        "monthly, choosers of annual",
        "annual",
    ]
    assert found["contracts"]["monthly"] > found["contracts"]["annual"] > 10
    assert found["lifetimes"][-1]["ratio"] > 1.5
    assert {path.name for path in tmp_path.iterdir()} == {"plans.csv", "plans-cash.csv", "plans-survival.csv"}


def test_contracts_that_end_before_they_start_are_rejected_and_kept(shop, tmp_path):
    backwards = shop.subscriptions.head(2).assign(ended_at=pd.Timestamp("2020-01-01"))
    both = pd.concat([shop.subscriptions, backwards])
    chosen = {"inference": "map", "as_of": shop.as_of, "plans": {"out": tmp_path / "plans.csv"}}
    found = plans(Settings(tables={"subscriptions": both}, **chosen))
    assert found.rejected["rule"].tolist() == ["ended_at is before started_at"] * 2
    assert found.n_monthly + found.n_annual == len(shop.subscriptions)
    assert pd.read_csv(tmp_path / "plans-rejected.csv")["rule"].tolist() == found.rejected["rule"].tolist()


def test_the_last_end_of_a_contract_is_a_day_known_and_an_end_ahead_is_none(shop):
    began = shop.subscriptions["started_at"] < "2024-01-01"
    contracts = shop.subscriptions[began]
    ahead = contracts["ended_at"].mask(
        contracts["ended_at"].isna(), pd.Timestamp.today() + pd.Timedelta("9D")
    )
    last = contracts["ended_at"].max()
    assert last > pd.Timestamp("2024-06-01") > contracts["started_at"].max()
    found = kpis(Settings(tables={"subscriptions": contracts.assign(ended_at=ahead)}))
    assert found.rules.last == last.date()
    worth = [
        plans(Settings(tables={"subscriptions": contracts}, inference="map", as_of=day)).comparison.plans
        for day in (None, last.date())
    ]
    pd.testing.assert_frame_equal(*worth)


def test_plans_of_a_segment_without_monthly_contracts_are_refused(shop):
    annual = shop.subscriptions.query("plan == 'annual'")
    with pytest.raises(TableError, match="no contract that renews each month"):
        plans(Settings(tables={"subscriptions": annual}, as_of=shop.as_of))


def test_plans_before_the_first_contract_name_its_day(shop):
    settings = Settings(tables={"subscriptions": shop.subscriptions}, as_of="2020-01-01", inference="map")
    with pytest.raises(DateError, match=r"No contract had begun on 2020-01-01: the first began on 2023-"):
        plans(settings)


def test_plans_without_a_price_are_refused_before_the_fit(shop):
    steps = []
    unpriced = shop.subscriptions.drop(columns="price")
    with pytest.raises(SettingsError, match="Give it with --monthly-price"):
        plans(Settings(tables={"subscriptions": unpriced}, as_of=shop.as_of), progress=steps.append)
    assert steps == ["Reading the contracts"]  # and no fit


def test_what_if_counts_the_business_of_the_last_year(shop):
    tables = {"transactions": shop.transactions}
    found = what_if(Settings(tables=tables, what_if={"retention_points": 5, "years": 3}))
    assert found.basis.startswith("From 2024-01-01 to 2024-12-31:")
    assert found.found.present_value_low < found.found.present_value < found.found.present_value_high
    assert 0.3 < found.retention.mean() < 1
    last_year = shop.transactions[shop.transactions["order_at"] >= "2024-01-01"]["amount"].sum()
    per_customer = found.business.revenue
    assert per_customer == pytest.approx(last_year / found.business.customers, rel=0.3)


def test_what_if_on_the_command_line(tmp_path):
    flags = [f"--{name}={value}" for name, value in NUMBERS.items() if name != "customers"]
    out = tmp_path / "paths.parquet"
    said = run("what-if", "--customers-now=1000", *flags, "--retention-points=10", "--out", out)
    assert said.exit_code == 0, said.output
    assert "The base doubles in 7.3 years (changed)." in said.stdout
    assert "No doubling time (today): the base does not grow." in said.stdout
    assert len(pd.read_parquet(out)) == 3 * 8


@pytest.mark.parametrize(
    ("given", "error", "said"),
    [
        ({**NUMBERS}, SettingsError, "what-if needs a change"),
        (
            {**NUMBERS, "retention_points": 1, "retention_percent": 1},
            SettingsError,
            "change the same figure",
        ),
        (
            {"retention_points": 1},
            SettingsError,
            "what-if needs customers, acquisition, revenue, retention, profit",
        ),
        (
            {**NUMBERS, "cost": 3, "cost_down": 5},
            SettingsError,
            r"costs 3\.00 a year, which cannot fall by 5",
        ),
        ({**NUMBERS, "cost_down_percent": 5}, SettingsError, r"costs 0\.00 a year, which cannot fall by 5"),
    ],
)
def test_what_if_says_what_is_missing(given, error, said):
    with pytest.raises(error, match=said):
        what_if(Settings(what_if=given))


def test_half_a_year_says_nothing_of_a_year(shop):
    short = shop.transactions[shop.transactions["order_at"] < "2023-08-01"]
    with pytest.raises(DateError, match=r"The data hold [67] whole months"):
        what_if(Settings(tables={"transactions": short}, what_if={"cost_down": 1}))


def test_costs_name_the_table_that_is_missing(shop):
    with pytest.raises(SettingsError, match="costs needs the table 'interactions'"):
        costs(Settings(tables={"transactions": shop.transactions, "costs": shop.costs}))


def test_costs_of_months_without_purchases_or_interactions_are_unallocated(shop):
    tables = {name: getattr(shop, name) for name in ("transactions", "interactions")}
    early = shop.costs.assign(month=shop.costs["month"] - pd.DateOffset(years=10))
    totals = costs(Settings(tables={**tables, "costs": early})).found.totals
    assert totals["customers"] == totals["anonymous"] == 0.0
    assert totals["unallocated"] == totals["ledger"] == pytest.approx(shop.costs["amount"].sum())


@pytest.mark.parametrize(
    ("chosen", "error", "said"),
    [
        (
            {"capacity": {"call center": 9600}},
            SettingsError,
            "The costs have no pool 'call center', only acquisition",
        ),
        ({"first": "2031-01-01"}, DateError, "The costs reach from 2023-01-01 to 2024-12-31, outside"),
        (
            {"scores": pd.DataFrame({"customer_id": ["c1"], "value_tier": ["vip"]})},
            TableError,
            "The scores hold no customer of the other tables",
        ),
    ],
)
def test_costs_refuse_what_fits_none_of_the_tables(shop, chosen, error, said):
    tables = {name: getattr(shop, name) for name in ("transactions", "interactions", "costs")}
    with pytest.raises(error, match=said):
        costs(Settings(tables=tables, costs=chosen))
