"""What has moved since the training is told with the scores, and kept beside them."""

from dataclasses import replace

import mlflow
import pandas as pd
import pytest

from patron.workflows.score import score


@pytest.fixture(scope="module")
def later(trained, make_settings, shop):
    """Scores of the last day known, of customers half of whom came from nowhere and have no region."""
    tables = {"transactions": shop.transactions, "engagement": shop.engagement, "customers": shop.customers}
    half = shop.customers["customer_id"] % 2 == 0
    tables["customers"] = shop.customers.assign(
        channel=shop.customers["channel"].where(~half, "the moon"),
        region=shop.customers["region"].where(~half, None),
    )
    return score(make_settings(as_of=shop.as_of, tables=tables), model=trained.model_uri)


def runs_of(store):
    found = mlflow.MlflowClient(store.uri).search_runs([store.experiment_id], "tags.job = 'score'")
    return sorted(found, key=lambda run: run.info.start_time)


def test_new_categories_missing_values_and_purchases_since_are_sentences_of_the_report(later):
    said = "\n".join(later.sentences())
    assert "attribute_channel has 1 value that did not occur in training (5" in said
    assert "attribute_region is missing for 5" in said
    days = (later.as_of - later.bundle.as_of).days
    assert f"purchases in the {days} days since the training" in said
    told = later.to_dict()["drift"]
    assert {row["column"] for row in told["columns"]} >= {"churn_probability", "expected_value", "recency"}
    assert told["early_alarm"]["days"] == days


def test_the_purchases_since_the_training_are_those_of_the_customers_of_then(later, shop):
    bought = shop.transactions[shop.transactions["amount"] > 0].assign(
        day=lambda lines: pd.to_datetime(lines["order_at"]).dt.date
    )
    then = later.bundle.as_of
    known = bought.loc[bought["day"] <= then, "customer_id"].unique()
    since = bought[(bought["day"] > then) & bought["customer_id"].isin(known)]
    alarm = later.drift.alarm
    assert alarm.customers == len(known)
    assert alarm.actual == pytest.approx(len(since.drop_duplicates(["customer_id", "day"])), abs=2)  # refunds
    assert 0.5 < alarm.ratio < 2


def test_the_numbers_and_the_table_are_kept_in_a_run_of_their_own(later, store):
    run = runs_of(store)[-1]
    drift = later.drift
    assert run.data.tags["model"] == later.model_uri
    assert run.data.metrics["drift.psi_largest"] == pytest.approx(drift.table["psi"].max())
    assert run.data.metrics["drift.purchases"] == drift.alarm.actual
    assert run.data.metrics["drift.alarm"] == float(drift.is_alarm)
    kept = pd.read_csv(store.client().download_artifacts(run.info.run_id, "tables/drift.csv"))
    assert kept["column"].tolist() == drift.table["column"].tolist()


@pytest.mark.parametrize(
    ("limits", "alarm"),
    [
        ({"psi_alarm": 1e9, "purchases_ratio": 0.99}, False),
        ({"psi_alarm": 0.0, "purchases_ratio": 0.99}, True),
        ({"psi_alarm": 1e9, "purchases_ratio": 1e-6, "purchases_z": 1e-6}, True),
    ],
)
def test_the_settings_decide_when_drift_is_an_alarm(later, limits, alarm):
    drift = replace(later.drift, limits=replace(later.drift.limits, **limits))
    assert drift.is_alarm == alarm
    assert ("Train again before trusting these scores" in " ".join(drift.sentences())) == alarm


def test_on_the_day_of_the_training_nothing_has_moved(trained, make_settings, shop):
    same = score(make_settings(as_of=trained.outcome.bundle.as_of), model=trained.model_uri).drift
    assert same.alarm is None
    assert same.table["psi"].max() < 1e-6
    assert not same.is_alarm


def test_it_can_be_left_out(trained, make_settings, shop, store):
    before = len(runs_of(store))
    scored = score(make_settings(as_of=shop.as_of, drift={"measure": False}), model=trained.model_uri)
    assert scored.drift is None
    assert len(runs_of(store)) == before
