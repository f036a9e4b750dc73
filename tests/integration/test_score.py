"""Scoring gives every known customer one row, with the id as it came."""

import uuid
from datetime import date

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from patron.errors import DateError, ModelNotFoundError, SettingsError
from patron.scores.columns import SCORECARD_COLUMNS
from patron.settings import Settings
from patron.workflows.score import score

AS_OF = date(2024, 1, 31)


@pytest.fixture(scope="module")
def scored(trained, make_settings):
    return score(make_settings(as_of=AS_OF), model=trained.model_uri)


def test_every_customer_known_by_then_has_one_row(scored, shop):
    known = shop.customers.loc[shop.customers["acquired_at"].dt.date <= AS_OF, "customer_id"]
    assert sorted(scored.scorecard["customer_id"]) == sorted(known)


def test_the_columns_are_those_of_the_scorecard(scored, trained):
    assert tuple(scored.scorecard.columns) == tuple(SCORECARD_COLUMNS)
    assert scored.scorecard["churn_probability"].between(0, 1).all()
    assert scored.scorecard["model_version"].unique().tolist() == [str(trained.recorded.model_version)]


def test_the_tiers_of_the_training_customers_are_a_tenth_and_half(scored):
    shares = scored.scored["value_tier"].value_counts(normalize=True)
    assert shares["vip"] == pytest.approx(0.10, abs=0.01)
    assert shares["low"] == pytest.approx(0.50, abs=0.01)


def test_the_most_valuable_at_risk_come_first_and_say_why(scored):
    top = scored.most_valuable_at_risk()
    assert len(top) == 10
    assert top["value_at_risk"].is_monotonic_decreasing
    assert top["value_at_risk"].iloc[0] == scored.scorecard["value_at_risk"].max()
    assert (top["why"].str.len() > 0).all()


def test_a_customer_without_purchases_has_a_row_that_says_so(trained, make_settings, shop):
    visitor = shop.customers.head(1).assign(customer_id=9999)
    customers = pd.concat([shop.customers, visitor], ignore_index=True)
    tables = {"transactions": shop.transactions, "engagement": shop.engagement, "customers": customers}
    scored = score(make_settings(as_of=AS_OF, tables=tables), model=trained.model_uri)
    row = scored.scorecard.set_index("customer_id").loc[9999]
    assert row["not_scored_reason"] == "no purchase on or before as_of"
    assert pd.isna(row["churn_probability"])
    assert 9999 not in scored.scored["customer_id"].tolist()


def test_inactive_customers_are_listed_but_not_scored(trained, make_settings, scored):
    active = score(make_settings(as_of=AS_OF, active_within_days=60), model=trained.model_uri)
    assert len(active.scorecard) == len(scored.scorecard)
    assert len(active.scored) < len(scored.scored)
    assert "no purchase in the last 60 days" in active.scorecard["not_scored_reason"].unique()


@pytest.mark.parametrize(
    ("name", "rename", "types"),
    [
        ("integers", lambda n: n, [pa.int64()]),
        ("text with zeros in front", lambda n: f"{n:06d}", [pa.string(), pa.large_string()]),
        ("Persian text", lambda n: f"مشتری {n}", [pa.string(), pa.large_string()]),
        ("UUIDs", lambda n: uuid.UUID(int=n), [pa.uuid()]),
    ],
)
def test_ids_come_back_exactly_as_they_went_in(trained, shop, tmp_path, warned, name, rename, types):
    ids = {n: rename(n) for n in range(1, 251)}
    sales = shop.transactions.assign(customer_id=shop.transactions["customer_id"].map(ids))
    sales = sales[sales["order_at"] < "2024-02-01"]
    settings = {"tables": {"transactions": sales}, "score": {"reasons": False}}
    for ending in ("parquet", "csv"):
        settings["score"]["out"] = tmp_path / f"scores.{ending}"
        score(Settings.model_validate(settings), model=trained.model_uri)
    given = set(sales["customer_id"])
    typed = pq.read_table(tmp_path / "scores.parquet")["customer_id"]
    assert typed.type in types
    assert set(typed.to_pylist()) == given
    text = pd.read_csv(tmp_path / "scores.csv", dtype={"customer_id": "str"})["customer_id"]
    assert set(text) == {str(value) for value in given}


def test_the_same_scores_are_in_both_kinds_of_file(trained, make_settings, tmp_path):
    for ending in ("parquet", "csv"):
        score(
            make_settings(as_of=AS_OF, score={"out": tmp_path / f"scores.{ending}"}), model=trained.model_uri
        )
    parquet, text = pd.read_parquet(tmp_path / "scores.parquet"), pd.read_csv(tmp_path / "scores.csv")
    assert text.columns.tolist() == parquet.columns.tolist()
    assert text["as_of"].unique().tolist() == ["2024-01-31"]
    for name in ("customer_id", "churn_probability", "growth_potential", "reason_1"):
        assert text[name].tolist() == parquet[name].tolist()


def test_the_horizon_of_the_model_counts_and_another_one_is_refused(trained, make_settings):
    with pytest.raises(SettingsError, match="predicts 45 days ahead, and horizon_days asks for 30"):
        score(make_settings(as_of=AS_OF, horizon_days=30), model=trained.model_uri)


def test_another_margin_waits_for_the_next_training(trained, make_settings, warned):
    score(make_settings(as_of=AS_OF, margin=0.5), model=trained.model_uri)
    assert (
        "trained with margin 1.0; the margin 0.5 of the settings takes effect with the next training"
        in warned()
    )


def test_a_longer_value_horizon_is_never_worth_less(trained, make_settings, scored):
    longer = score(make_settings(as_of=AS_OF, value_horizon_days=730), model=trained.model_uri)
    assert (longer.scored["growth_potential"] >= scored.scored["growth_potential"] - 1e-9).all()


def test_a_model_that_is_not_there_is_named_beside_those_that_are(trained, make_settings):
    with pytest.raises(ModelNotFoundError, match=r"'models:/patron@chmpion'.*aliases .*champion"):
        score(make_settings(as_of=AS_OF), model="models:/patron@chmpion")


def test_as_of_after_the_data_is_refused(trained, make_settings):
    with pytest.raises(DateError, match="after the last day"):
        score(make_settings(as_of="2030-01-01"), model=trained.model_uri)


def test_nobody_active_is_said(trained, make_settings, warned):
    days = ["2024-01-01", "2024-01-02", "2024-03-01"]
    sales = pd.DataFrame({"customer_id": [1, 2, 1], "order_at": days, "amount": [9.0, 9.0, -9.0]})
    with pytest.raises(SettingsError, match="No customer bought in the 7 days up to 2024-03-01"):
        score(make_settings(tables={"transactions": sales}, active_within_days=7), model=trained.model_uri)


def test_the_scorecard_and_the_parts_of_the_potentials_need_a_file_each(tmp_path):
    sales = pd.DataFrame({"customer_id": [7], "order_at": ["2024-01-05"], "amount": [9.0]})
    twice = {"out": tmp_path / "scores.parquet", "potentials": tmp_path / "scores.parquet"}
    with pytest.raises(SettingsError, match="--out and --potentials name the same file"):
        score(Settings.model_validate({"tables": {"transactions": sales}, "score": twice}))
