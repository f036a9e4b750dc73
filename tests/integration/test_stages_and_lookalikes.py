"""Stages over past days and lookalikes of a group, from tables to results and on the command line."""

import json
from datetime import date, timedelta

import pandas as pd
import pytest
from typer.testing import CliRunner

from patron.cli import app
from patron.errors import HistoryTooShortError, SettingsError, TableError
from patron.scores.lifecycle import STAGES
from patron.settings import Settings
from patron.workflows.lookalikes import find_lookalikes
from patron.workflows.stage_history import follow_stages

# Ann buys every ten days until May and never again; Bob buys once, in March; Cem signs up and never buys;
# Dan buys on the last day.
BOUGHT = [
    *(("Ann", date(2024, 1, 1) + timedelta(days=10 * time)) for time in range(13)),
    ("Bob", date(2024, 3, 1)),
    ("Dan", date(2024, 9, 1)),
]
SALES = pd.DataFrame(BOUGHT, columns=["customer_id", "order_at"]).assign(amount=20.0)
PEOPLE = pd.DataFrame({"customer_id": ["Ann", "Bob", "Cem", "Dan"], "acquired_at": ["2024-01-01"] * 4})


def followed(sales=SALES, people=PEOPLE, **chosen):
    tables = {"transactions": sales, **({} if people is None else {"customers": people})}
    return follow_stages(Settings.model_validate({"tables": tables, "stage_history": chosen}))


@pytest.fixture(scope="module")
def found():
    return followed(max_snapshots=5, step_days=61)


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    SALES.to_csv("sales.csv", index=False)

    def invoke(*words):
        return CliRunner().invoke(app, [str(word) for word in words], env={"COLUMNS": "200"})

    return invoke


def test_the_stages_of_each_customer_are_listed_day_by_day(found):
    assert found.days == [date(2024, 1, 1) + timedelta(days=61 * time) for time in range(5)]
    way = found.history.groupby("customer_id")["lifecycle_stage"].agg(list)
    assert way["Ann"] == ["acquisition", "retention", "retention", "at_risk", "at_risk"]
    assert way["Bob"] == ["reach", "acquisition", "acquisition", "acquisition", "at_risk"]
    assert way["Cem"] == ["reach"] * 5
    assert way["Dan"] == [*["reach"] * 4, "acquisition"]


def test_transitions_and_dwell_times_follow_from_the_ways(found):
    moves = found.transitions.set_index("lifecycle_stage")
    # reach was seen again nine times: Bob and Dan left it once each; acquisition four times, Ann and Bob left
    assert moves.loc["reach", ["reach", "acquisition"]].tolist() == [7 / 9, 2 / 9]
    assert moves.loc["acquisition", ["acquisition", "retention", "at_risk"]].tolist() == [0.5, 0.25, 0.25]
    assert moves.sum(axis=1).to_numpy() == pytest.approx(1)
    dwelt = found.dwelt.set_index("lifecycle_stage")
    assert dwelt["customers"].to_dict() == {
        **dict.fromkeys(dwelt.index, 0),
        **{"reach": 1, "acquisition": 1, "at_risk": 2},
    }
    # Ann's retention took two steps; Bob's acquisition three, while Dan's has only begun
    assert dwelt.loc["retention", ["stays", "ended", "median_days"]].tolist() == [1, 1, 122]
    assert dwelt.loc["acquisition", ["stays", "ended", "median_days"]].tolist() == [2, 1, 183]
    assert dwelt.loc["at_risk", "reason"] == "half of the stays or more are still ongoing"
    assert dwelt.loc["reach", "reason"] == "no stay in it began within these days"
    assert (dwelt["median_days"].isna() == dwelt["reason"].notna()).all()


def test_the_rules_of_the_settings_decide_the_stages():
    tables = {"transactions": SALES}
    rules = {"at_risk_days": 200, "dormant_days": 300}
    patient = Settings(tables=tables, stages=rules, stage_history={"max_snapshots": 2})
    assert set(follow_stages(patient).history["lifecycle_stage"]) == {"retention", "acquisition"}


def test_a_contract_that_has_ended_takes_nobody_back_to_reach(found):
    contracts = pd.DataFrame({"customer_id": ["Ann"], "started_at": "2024-01-01", "ended_at": "2024-02-01"})
    tables = {"transactions": SALES, "customers": PEOPLE, "subscriptions": contracts}
    with_contracts = follow_stages(
        Settings(tables=tables, stage_history={"max_snapshots": 2, "step_days": 61})
    )
    last = found.history[found.history["as_of"] >= "2024-07-02"].reset_index(drop=True)
    pd.testing.assert_frame_equal(with_contracts.history, last)


def test_events_define_the_stages_if_nothing_is_sold():
    visits = SALES.drop(columns="amount").rename(columns={"order_at": "event_at"}).assign(kind="visit")
    found = follow_stages(Settings(tables={"engagement": visits}, stage_history={"max_snapshots": 2}))
    now = found.history[found.history["as_of"] == "2024-09-01"].set_index("customer_id")["lifecycle_stage"]
    assert now.to_dict() == {"Ann": "at_risk", "Bob": "at_risk", "Dan": "acquisition"}


def test_stages_need_purchases_and_two_days():
    contracts = pd.DataFrame({"customer_id": ["Ann"], "started_at": "2024-01-01", "ended_at": [None]})
    with pytest.raises(SettingsError, match="defined by purchases, or else by events"):
        follow_stages(Settings(tables={"subscriptions": contracts}))
    with pytest.raises(HistoryTooShortError, match="2024-01-01 to 2024-09-01 there is only one snapshot"):
        followed(step_days=300)


def test_stages_from_the_command_line_go_into_three_files(run):
    asked = ["stages", "--transactions", "sales.csv", "--max-snapshots", "2", "--step", "61"]
    said = run(*asked, "--out", "stages.csv")
    assert said.exit_code == 0, said.output
    assert "Lifecycle stages as of 2024-09-01" in said.stdout
    assert "3 customers were observed on 2 days, 61 days apart" in said.stdout
    assert list(pd.read_csv("stages.csv")) == ["customer_id", "as_of", "lifecycle_stage"]
    assert pd.read_csv("stages-transitions.csv").sum(axis=1, numeric_only=True).tolist() == [1.0, 1.0]
    assert pd.read_csv("stages-dwelt.csv")["lifecycle_stage"].tolist() == list(STAGES)


def test_a_table_that_is_read_is_not_written_over(tmp_path):
    SALES.to_csv(tmp_path / "sales.csv", index=False)
    before = (tmp_path / "sales.csv").read_bytes()
    with pytest.raises(SettingsError, match=r"The table 'transactions' is read from '.*sales\.csv'"):
        followed(sales=str(tmp_path / "sales.csv"), people=None, out=tmp_path / "sales.csv")
    assert (tmp_path / "sales.csv").read_bytes() == before


def test_the_result_is_available_as_plain_values(found):
    told = found.to_dict()
    assert (told["customers"], told["days"][-1], told["written"]) == (4, "2024-09-01", [])
    assert [row["lifecycle_stage"] for row in told["stages"]] == list(STAGES)


TOWNS = pd.DataFrame(
    {
        "customer_id": range(1, 41),
        "home_town": ["Qom", "Yazd"] * 20,
        "channel": ["search", "search", "fair", "fair"] * 10,
    }
)
FIRST_ORDERS = TOWNS[["customer_id"]].assign(order_at="2024-05-01", amount=20.0)


def alike(group, most=5, **tables):
    given = {"transactions": FIRST_ORDERS, "customers": TOWNS, **tables}
    return find_lookalikes(Settings(tables=given, lookalikes={"group": group, "limit": most}))


def test_those_of_the_groups_own_town_are_most_like_it():
    found = alike(pd.DataFrame({"customer_id": [1, 3, 5, 7, 9, 11]}), most=14)
    assert set(found.listed["customer_id"]) == set(range(13, 41, 2))
    assert set(found.listed["because"]) == {"home_town"}
    assert (found.group, found.customers, found.alike) == (6, 40, 14)
    assert found.sentences()[0].endswith("the main reasons: home_town (14).")


def test_a_group_that_nothing_distinguishes_is_reported_as_such():
    found = alike(pd.DataFrame({"customer_id": [1, 2, 3, 4]}))
    assert found.alike == 0
    assert found.sentences()[0].startswith("Nothing that was known at acquisition distinguishes the group")
    assert found.to_dict()["because"] == {}


def test_a_group_is_some_of_the_customers(warned):
    assert alike(pd.DataFrame({"customer_id": ["1", "3", "77"]})).group == 2
    assert "1 of 3 customers of the group have bought nothing and are left out." in warned()
    with pytest.raises(SettingsError, match="No group is named"):
        alike(None)
    with pytest.raises(TableError, match="The group has no column customer_id; it has id"):
        alike(pd.DataFrame({"id": [1]}))
    with pytest.raises(TableError, match="The group has no rows"):
        alike(pd.DataFrame({"customer_id": pd.Series(dtype="int64")}))
    with pytest.raises(TableError, match="whose ids look like '1', those of the group like 'c1'"):
        alike(pd.DataFrame({"customer_id": ["c1"]}))


def test_lookalikes_from_the_command_line(run):
    TOWNS.to_csv("people.csv", index=False)
    FIRST_ORDERS.to_csv("orders.csv", index=False)
    pd.DataFrame({"customer_id": [1, 3, 5, 7]}).to_csv("best.csv", index=False)
    asked = ["lookalikes", "--transactions", "orders.csv", "--customers", "people.csv", "--group", "best.csv"]
    said = run(*asked, "--limit", "3", "--out", "alike.csv", "--json")
    assert said.exit_code == 0, said.output
    found = json.loads(said.stdout.splitlines()[-1])
    assert (found["group"], found["listed"], found["because"]) == (4, 3, {"home_town": 3})
    assert list(pd.read_csv("alike.csv")) == ["customer_id", "likeness", "because"]
