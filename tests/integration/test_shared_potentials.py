"""Referrals and contributions reach the scorecard, as far as they were known on the day."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from patron.errors import TableError
from patron.scores.network import customer_equity
from patron.scoring.potentials import keep_events
from patron.settings import Settings
from patron.settings.inputs import read_history, read_records
from patron.workflows.score import score

AS_OF = date(2024, 1, 31)
DAY = pd.Timestamp(AS_OF) + pd.Timedelta(days=1)
RATE_CARD = {"rate_card": {"review": 2.0, "idea": 10.0, "interview": 50.0}}


@pytest.fixture(scope="module")
def score_with(trained, make_settings, shop):
    own = {"transactions": shop.transactions, "engagement": shop.engagement, "customers": shop.customers}

    def score_it(tables=None, **changes):
        settings = make_settings(as_of=AS_OF, tables=own | (tables or {}), learning=RATE_CARD, **changes)
        result = score(settings, model=trained.model_uri)
        return result.scorecard.set_index("customer_id").sort_index()

    return score_it


@pytest.fixture(scope="module")
def both(shop):
    return {"referrals": shop.referrals, "contributions": shop.contributions}


@pytest.fixture(scope="module")
def alone(score_with):
    return score_with()


@pytest.fixture(scope="module")
def parts_file(tmp_path_factory):
    return tmp_path_factory.mktemp("parts") / "parts.parquet"


@pytest.fixture(scope="module")
def card(score_with, both, parts_file):
    return score_with(both, score={"potentials": parts_file})


@pytest.fixture(scope="module")
def parts(card, parts_file):
    return pd.read_parquet(parts_file).set_index("customer_id").sort_index()


def test_a_referrer_is_credited_with_what_the_others_row_says(card, alone, shop):
    customers = shop.customers.set_index("customer_id").loc[card.index]
    known = shop.referrals[shop.referrals["referred_at"] < DAY]
    margin = card["base_potential"] + customers["acquisition_cost"] + card["growth_potential"]
    costs = customers["acquisition_cost"]
    saved = (costs[~costs.index.isin(known["referred_id"])].mean() - costs).clip(lower=0)
    brought = (saved + 0.5 * margin).loc[known["referred_id"]].groupby(known["referrer_id"].to_numpy()).sum()
    nobody = card["network_potential"][~card.index.isin(known["referrer_id"])]
    made = card["network_potential"].loc[brought.index] - brought
    assert (made > nobody.max()).all()  # who has brought some is expected to bring more
    assert (nobody > 0).all()
    assert len(brought) > 5
    assert card["growth_potential"].equals(alone["growth_potential"])


def test_contributions_count_by_the_rate_card(card, shop):
    known = shop.contributions[shop.contributions["contributed_at"] < DAY]
    worth = known["kind"].map(RATE_CARD["rate_card"]).groupby(known["customer_id"]).sum()
    expected = worth.reindex(card.index).fillna(0.0)
    assert card["learning_potential"].to_numpy() == pytest.approx(expected.to_numpy())
    assert expected.max() > 0


def test_the_four_potentials_add_up(card):
    parts = card[["base_potential", "growth_potential", "network_potential", "learning_potential"]]
    assert card["customer_value"].to_numpy() == pytest.approx(parts.sum(axis=1).to_numpy())


def test_the_parts_of_each_potential_add_up(card, parts):
    base = parts["past_margin"] - parts["acquisition_cost"]
    assert base.to_numpy() == pytest.approx(card["base_potential"].to_numpy())
    network = parts["network_made"] + parts["network_to_come"]
    assert network.to_numpy() == pytest.approx(card["network_potential"].to_numpy())
    split = parts["more_purchases"] + parts["larger_orders"] + parts["new_categories"]
    assert split.to_numpy() == pytest.approx(parts["growth_headroom"].to_numpy(), nan_ok=True)
    assert parts["customer_value"].to_numpy() == pytest.approx(card["customer_value"].to_numpy())


def test_headroom_stands_beside_the_value_and_knows_the_categories(parts):
    known = parts["growth_headroom"].notna()
    assert known.mean() > 0.5
    assert (parts.loc[known, "growth_headroom"] >= 0).all()
    assert (parts.loc[known, "new_categories"] > 0).any()


def test_the_equity_counts_each_customer_once(parts, parts_file):
    equity = customer_equity(parts["customer_value"].to_numpy(), parts["network_made"].to_numpy())
    counted = parts["base_potential"] + parts["growth_potential"] + parts["learning_potential"]
    assert equity == pytest.approx((counted + parts["network_to_come"]).sum())
    assert equity < parts["customer_value"].sum()


def test_neither_what_happened_after_the_day_nor_the_batches_change_anything(card, score_with, shop):
    known = set(shop.referrals["referred_id"])
    others = [customer for customer in shop.customers["customer_id"] if customer not in known][:20]
    referrals = pd.DataFrame({"referrer_id": 1, "referred_id": others[1:], "referred_at": DAY})
    contributions = shop.contributions.assign(contributed_at=DAY)
    assert (shop.contributions["contributed_at"] >= DAY).any()
    more = {
        "referrals": pd.concat([shop.referrals, referrals]),
        "contributions": pd.concat([shop.contributions, contributions]),
    }
    by_few = score_with(more, score={"batch_rows": 37})
    pd.testing.assert_frame_equal(by_few.drop(columns="scored_at"), card.drop(columns="scored_at"))


def test_rows_that_cannot_count_are_said(score_with, shop, warned):
    day = shop.referrals["referred_at"].iloc[0]
    odd = pd.DataFrame({"referrer_id": [5, 77777], "referred_id": [5, 6], "referred_at": day})
    wrong = shop.contributions.iloc[[0]].assign(units=-3.0)
    tables = {
        "referrals": pd.concat([shop.referrals, odd]),
        "contributions": pd.concat([shop.contributions, wrong]),
    }
    score_with(tables)
    assert "2 of 35 referrals do not count: 1 refers itself, 1 not a customer." in warned()
    assert "contributions: 1 row rejected because units is below 0." in warned()


@pytest.mark.parametrize(
    ("table", "column"),
    [
        ("referrals", "referrer_id"),
        ("contributions", "customer_id"),
        ("costs_to_serve", "customer_id"),
    ],
)
def test_ids_that_no_customer_has_are_told(table, column, make_settings, shop, tmp_path, warned):
    costs = shop.customers[["customer_id"]].assign(
        period_start="2023-01-01", period_end="2023-06-30", retention_cost=2.0
    )
    rows = costs if table == "costs_to_serve" else getattr(shop, table)
    known = read_history(make_settings()).until(AS_OF)
    words = "r" + rows[column].astype(str)
    some = rows.assign(**{column: words.where(rows.index == rows.index[0], rows[column].astype(str))})
    keep_events(tmp_path, known, read_records(Settings(tables={table: some}), table))
    assert f"Not counted of the table {table!r}: 1 row with ids of no customer." in warned()
    broken = read_records(Settings(tables={table: rows.assign(**{column: words})}), table)
    refused = rf"No row of the table '{table}' belongs to a customer: its ids .* int64"
    with pytest.raises(TableError, match=refused):
        keep_events(tmp_path, known, broken)


def test_the_settings_decide_anew_what_they_name(score_with, alone, shop):
    visitor = shop.customers.head(1).assign(customer_id=9999)
    customers = pd.concat([shop.customers, visitor], ignore_index=True)
    eager = score_with({"customers": customers}, offer={"acceptance": 0.6}, stages={"loyalty_from": 3})
    spend = eager.loc[alone.index, "max_retention_spend"]
    assert spend.to_numpy() == pytest.approx(2 * alone["max_retention_spend"].to_numpy())
    assert (eager["lifecycle_stage"] == "loyalty").sum() > (alone["lifecycle_stage"] == "loyalty").sum()
    assert eager.loc[alone.index, "value_tier"].equals(alone["value_tier"])
    assert eager.loc[9999, "lifecycle_stage"] == "reach"  # who has not bought
    assert eager.loc[9999, "recommended_action"] == "invite to a first order"
    assert np.isnan(eager.loc[9999, "customer_value"])
