"""No command drops a row in silence: rows that break a rule are counted where the result is shown."""

import pandas as pd
import pytest
from typer.testing import CliRunner

from patron.campaigns.exclusions import excluded_customers
from patron.cli import app
from patron.datasets.campaigns import simulate_campaign
from patron.settings import Settings
from patron.settings.effect_learning import contacts_of
from patron.workflows.features import build_features
from patron.workflows.what_if import what_if

SALES = pd.DataFrame(
    {"customer_id": [7, 8, 8], "order_at": ["2024-05-01", "2024-05-11", "2024-02-31"], "amount": 9.5}
)


def test_features_tell_of_rows_that_were_left_out(warned):
    build_features(Settings(tables={"transactions": SALES}))
    assert warned() == "transactions: 1 row rejected because order_at is not a date."


def test_tables_without_such_rows_say_nothing(warned):
    build_features(Settings(tables={"transactions": SALES.head(2)}))
    assert warned() == ""


def test_what_was_left_out_stands_on_the_screen_and_in_the_json(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    SALES.to_csv("sales.csv", index=False)
    said = CliRunner().invoke(app, ["features", "--transactions", "sales.csv", "--json"])
    assert said.exit_code == 0, said.output
    assert '"notes": ["transactions: 1 row rejected because order_at is not a date."]' in said.stdout


def test_a_contact_that_cannot_be_read_is_told_before_its_customer_is_contacted_again(warned):
    world = simulate_campaign(50, past_contacts=0, seed=1)
    contacts = pd.DataFrame({"customer_id": [1, 2], "contacted_at": "2024-06-20", "treated": [1, 3]})
    settings = Settings(tables={"contacts": contacts})
    ids, as_of = world.scores["customer_id"], world.as_of
    resting = excluded_customers(ids, as_of, contacts=contacts_of(settings), rest_days=30)
    assert [int(flags.sum()) for flags in resting.values()] == [1]
    assert warned() == "contacts: 1 row rejected because treated is none of 0, 1."


@pytest.mark.parametrize("bad", [0, 2])
def test_a_forecast_tells_what_it_does_not_rest_on(bad, warned):
    days = pd.date_range("2023-01-01", "2024-12-31", freq="30D").astype(str)
    sales = pd.DataFrame({"customer_id": 7, "order_at": [*days, *["2024-02-31"] * bad], "amount": 20.0})
    what_if(Settings(tables={"transactions": sales}, what_if={"retention_points": 1}))
    told = "transactions: 2 rows rejected because order_at is not a date."
    assert warned() == (told if bad else "")
