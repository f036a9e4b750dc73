"""`patron kpis` from files to files: bad rows are kept apart and told, a simulated truth is found again."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from patron.cli import main
from patron.datasets.simulate import SimulatedBusiness, simulate
from patron.economics.kpis.indicators import KPIS
from patron.errors import DateError, MissingColumnsError, SettingsError, TableError
from patron.settings import Settings
from patron.workflows.kpis import kpis

YEAR = {"first": "2024-01-01", "last": "2024-12-31"}
SALES = pd.DataFrame(
    {
        "customer_id": [1, 1, 2, 3],
        "order_at": ["2024-01-05", "2024-02-01", "2024-01-20", "2024-02-10"],
        "amount": [20.0, 30.0, 40.0, 60.0],
    }
)


@pytest.fixture(scope="module")
def business() -> SimulatedBusiness:
    return simulate(3000, days=731, seed=4)


def settings(tables, **chosen) -> Settings:
    return Settings.model_validate({"tables": tables, "kpis": {**YEAR, **chosen}})


def found(tables, **chosen):
    return kpis(settings(tables, **chosen))


def value(result, kpi, period="2024-01-01"):
    rows = result.rows.set_index(["period_start", "kpi"])
    return rows.loc[(period, kpi), "value"]


def rules_broken(result, table):
    return result.rejected.loc[result.rejected["table"] == table, "rule"].tolist()


def test_the_truth_of_a_simulated_business_is_found(business):
    names = ("transactions", "customers", "surveys", "leads", "lead_events")
    result = found({name: getattr(business, name) for name in names}, every="year")
    assert result.rejected.empty
    assert sorted(result.rows["kpi"]) == sorted(KPIS)
    arrived = business.customers["acquired_at"].dt.year == 2024
    assert value(result, "new_customers") == arrived.sum()
    cost = business.customers.loc[arrived, "acquisition_cost"]
    assert value(result, "cac") == pytest.approx(cost.mean())
    bought = business.transactions[business.transactions["order_at"].dt.year == 2024]
    assert value(result, "sales_per_customer_mean") == pytest.approx(
        bought["amount"].sum() / bought["customer_id"].nunique(), rel=0.01
    )  # who only returned something is no buyer
    nps = business.surveys.query("kind == 'nps'")
    assert result.rows.set_index("kpi").loc["loyalty_attitude", "low"] < (nps["score"] >= 9).mean()


def test_leads_convert_as_often_as_they_were_made_to(business):
    result = found(
        {"transactions": business.transactions, "leads": business.leads}, every="quarter", lead_days=180
    )
    rows = result.rows[(result.rows["kpi"] == "lead_conversion_rate") & result.rows["value"].notna()]
    assert rows["period_start"].tolist() == ["2024-01-01", "2024-04-01"]
    truth = business.lead_truth["conversion_probability"].mean()
    assert rows["value"].to_numpy() == pytest.approx(truth, abs=0.04)


def test_scores_tell_the_worth_of_channels_and_the_equity_of_all(business):
    scores = pd.DataFrame(
        {"customer_id": business.truth["customer_id"], "as_of": "2024-12-31", "growth_potential": 50.0}
    )
    older = scores.assign(as_of="2024-05-31", growth_potential=70.0)
    older = pd.concat(
        [older, older.assign(as_of="2024-04-30")]
    )  # the last day of a period is the one that counts
    scores = pd.concat([older, scores])
    tables = {"transactions": business.transactions, "customers": business.customers}
    result = found(tables, every="quarter", scores=scores)
    assert value(result, "customer_equity", "2024-10-01") == 50.0 * 3000
    assert value(result, "customer_equity", "2024-04-01") == 70.0 * 3000
    assert np.isnan(value(result, "customer_equity"))
    search = result.by_channel.set_index("channel").loc["search"]
    assert search["value"] == pytest.approx(search["margin_so_far"] + 50.0)
    assert search["value_to_cost"] == pytest.approx(search["value"] / search["cac"])
    worth = result.values["model_value"]
    assert 0 < worth.min() == worth.max() < 50.0  # less what it cost to win the customer
    assert result.values["why"].str.endswith(".").all()


def test_rows_that_cannot_be_are_kept_apart_with_their_rule():
    surveys = pd.DataFrame(
        {
            "customer_id": [1, 2, 3],
            "answered_at": ["2024-01-05"] * 3,
            "kind": ["csat", "csat", "nps"],
            "score": [5, 6, 11],
        }
    )
    leads = pd.DataFrame(
        {
            "lead_id": [1, 2],
            "created_at": ["2024-01-05", "2024-01-05"],
            "converted_at": ["2024-01-04", "2024-01-09"],
        }
    )
    contracts = pd.DataFrame(
        {"customer_id": [1, 2], "started_at": ["2024-01-05", "2023-01-05"], "ended_at": ["2024-01-04", None]}
    )
    result = found({"transactions": SALES, "surveys": surveys, "leads": leads, "subscriptions": contracts})
    assert rules_broken(result, "surveys") == [
        "score is outside the scale of csat, 1 to 5",
        "score is outside the scale of nps, 0 to 10",
    ]
    assert rules_broken(result, "leads") == ["converted_at is before created_at"]
    assert rules_broken(result, "subscriptions") == ["ended_at is before started_at"]
    assert (value(result, "csat"), value(result, "leads")) == (1.0, 1.0)
    assert any(
        "1 row rejected because converted_at is before created_at" in line for line in result.sentences()
    )


def test_currencies_are_not_mixed():
    costs = pd.DataFrame(
        {
            "month": ["2024-01-01", "2024-02-01"],
            "pool": "acquisition",
            "amount": [10.0, 20.0],
            "kind": "direct",
            "currency": ["EUR", "USD"],
        }
    )
    with pytest.raises(TableError, match="EUR"):
        found({"transactions": SALES, "costs": costs})


def test_a_month_without_spend_has_no_cost_per_customer():
    costs = pd.DataFrame(
        {"month": ["2024-01-15"], "pool": ["acquisition"], "amount": [90.0], "kind": ["direct"]}
    )
    result = found({"transactions": SALES, "costs": costs})
    assert value(result, "cac") == 45.0
    february = result.rows.query("kpi == 'cac' and period_start == '2024-02-01'").iloc[0]
    assert np.isnan(february["value"])
    assert february["reason"] == "no acquisition spend in the period"


def test_a_late_beginning_of_the_data_is_told():
    result = found({"transactions": SALES})
    assert any("The data begin on 2024-01-05" in line for line in result.sentences())


def test_what_cannot_be_counted_is_refused_in_a_sentence(tmp_path):
    with pytest.raises(SettingsError, match="needs transactions or subscriptions"):
        found({"customers": pd.DataFrame({"customer_id": [1]})})
    with pytest.raises(DateError, match="No whole year lies between"):
        found({"transactions": SALES}, every="year", last="2024-06-30")
    with pytest.raises(MissingColumnsError, match="table 'scores' lacks"):
        found({"transactions": SALES}, scores=pd.DataFrame({"customer_id": [1]}))
    with pytest.raises(SettingsError, match=r"the ending must be \.parquet or \.csv"):
        found({"transactions": SALES}, out=tmp_path / "kpis.xlsx")
    with pytest.raises(SettingsError, match=r"kpis\.every"):
        found({"transactions": SALES}, every="week")


def test_days_outside_the_data_and_scores_of_others_are_refused():
    sales = {"transactions": SALES}
    for days in ({"first": "2020-01-01", "last": "2020-12-31"}, {"first": "2030-01-01", "last": None}):
        with pytest.raises(DateError, match="The data reach from 2024-01-05 to 2024-02-10, outside"):
            found(sales, **days)
    others = pd.DataFrame({"customer_id": ["c1"], "as_of": ["2024-03-01"], "growth_potential": [9.0]})
    with pytest.raises(TableError, match="The scores hold no customer of the other tables"):
        found(sales, scores=others)


def test_who_is_active_can_be_said_by_purchases_though_there_are_contracts():
    contracts = pd.DataFrame({"customer_id": [1], "started_at": ["2023-01-05"]})
    tables = {"transactions": SALES, "subscriptions": contracts}
    by_contract = found(tables)
    assert by_contract.by_contract
    assert value(by_contract, "active_customers", "2024-02-01") == 1
    chosen = settings(tables)
    by_purchases = kpis(chosen.model_copy(update={"activity": "purchases"}))
    assert not by_purchases.by_contract
    assert value(by_purchases, "active_customers", "2024-02-01") == 3
    with pytest.raises(SettingsError, match="got 'engagement'"):
        kpis(chosen.model_copy(update={"activity": "engagement"}))
    with pytest.raises(SettingsError, match="needs the table 'subscriptions'"):
        kpis(settings({"transactions": SALES}).model_copy(update={"activity": "subscriptions"}))


def test_the_worth_of_members_counts_what_members_pay():
    contracts = pd.DataFrame({"customer_id": [1], "started_at": ["2023-01-05"]})
    tables = {"transactions": SALES, "subscriptions": contracts}
    values = found(tables, years=2, last="2024-06-30").values.set_index("method")["value"]
    assert values["profit_times_years"] == pytest.approx(2 * (20 + 30) / 0.5)


def test_the_page_on_indicators_says_what_each_one_is():
    page = (Path(__file__).parents[2] / "docs" / "indicators.md").read_text(encoding="utf-8")
    assert [name for name, words in KPIS.items() if f"| `{name}` | {words} |" not in page] == []


def test_the_command_writes_rows_and_prints_one_json_object(tmp_path, capsys):
    sales = tmp_path / "sales.csv"
    pd.concat([SALES, SALES.assign(amount=None).head(1)]).to_csv(sales, index=False)
    arguments = ["--transactions", sales, "--from", "2024-01-01", "--to", "2024-03-31", "--every", "month"]
    out = tmp_path / "kpis.parquet"
    with pytest.raises(SystemExit) as left:
        main(["kpis", *map(str, arguments), "--active-within", "30", "--out", str(out), "--json"])
    assert not left.value.code
    told = json.loads(capsys.readouterr().out)
    rows = pd.read_parquet(out)
    assert len(told["indicators"]) == len(rows) == 3 * len(KPIS)
    assert rows.columns.tolist() == [
        *("period_start", "period_end", "kpi", "value", "numerator", "denominator", "n", "low", "high"),
        "reason",
    ]
    assert pd.read_parquet(tmp_path / "kpis-rejected.parquet")["rule"].tolist() == [
        "amount is missing or NaN"
    ]
    assert told["rule"] == "active within 30 days"


def test_the_command_shows_the_last_period_to_people(tmp_path, capsys):
    SALES.to_parquet(tmp_path / "sales.parquet")
    with pytest.raises(SystemExit):
        main(
            [
                "kpis",
                "--transactions",
                str(tmp_path / "sales.parquet"),
                "--from",
                "2024-01-01",
                "--to",
                "2024-02-29",
            ]
        )
    shown = capsys.readouterr().out
    assert "2024-02-01 to 2024-02-29" in shown
    assert "churn_rate" in shown
    assert "customers are active for 90 days after each purchase" in shown
