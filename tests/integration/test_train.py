"""Training evaluates, records and registers; the better version becomes champion."""

import json
from types import SimpleNamespace

import pandas as pd
import pytest

from patron.settings import Settings
from patron.tracking.registry import find_version
from patron.training.evaluation import CHURN_METRICS, MONEY_METRICS
from patron.training.recording import _log_purchases
from patron.workflows.train import train

METRICS = {*CHURN_METRICS, *MONEY_METRICS}


def test_a_version_can_be_promoted_by_hand_and_is_tagged_as_such(trained, store):
    assert trained.recorded.champion
    assert trained.recorded.reason.startswith("it was promoted by hand")
    version = find_version(store, trained.model_uri)
    assert version.tags["promoted_by_hand"] == "true"
    assert store.client().get_run(version.run_id).data.tags["promoted_by_hand"] == "true"


def test_a_model_that_is_no_better_becomes_challenger_and_says_what_to_do(trained, make_settings, store):
    again = train(make_settings(as_of="2024-01-31"))
    assert not again.recorded.champion
    assert "baselines" in again.recorded.reason or "champion" in again.recorded.reason
    assert f"patron promote {again.recorded.model_version}" in " ".join(again.sentences())
    assert find_version(store, again.model_uri).tags["promoted_by_hand"] == "false"


def test_the_model_stands_beside_the_simple_rules(trained):
    assert set(trained.metrics) == METRICS
    assert trained.comparison["model"].tolist() == [
        "patron",
        "recency",
        "BG/NBD + Gamma-Gamma",
        "logistic RFM",
        "status quo",
    ]
    assert trained.comparison["auc"].iloc[0] == trained.metrics["auc"]


def test_each_model_has_the_metrics_of_what_it_speaks_of(trained):
    table = trained.comparison.set_index("model")
    assert table["brier"].notna().to_dict() == {
        "patron": True,
        "recency": False,
        "BG/NBD + Gamma-Gamma": True,
        "logistic RFM": True,
        "status quo": False,
    }
    assert table["gini"].notna().sum() == 3


def test_the_test_is_of_a_model_that_knew_one_horizon_less(trained):
    evaluation, bundle = trained.outcome.evaluation, trained.outcome.bundle
    assert (bundle.as_of - evaluation.as_of).days == 45
    assert evaluation.bundle.as_of == evaluation.as_of


def test_expected_purchases_track_the_actual_ones_before_and_after_the_test_snapshot(trained):
    tracking = trained.outcome.evaluation.tracking
    assert tracking["in_fit_window"].tolist() == sorted(tracking["in_fit_window"], reverse=True)
    assert tracking["in_fit_window"].nunique() == 2
    last = tracking.iloc[-1]
    assert last["expected_cumulative"] == pytest.approx(last["actual_cumulative"], rel=0.3)


def test_the_run_holds_settings_report_metrics_figures_and_both_models(trained, store):
    client = store.client()
    run = client.get_run(trained.recorded.run_id)
    assert run.data.params["horizon_days"] == "45"
    assert run.data.params["tables.transactions.source"].startswith("DataFrame of ")
    assert set(run.data.metrics) >= METRICS
    assert run.data.metrics["data.transactions.rows_kept"] > 0
    files = {
        file.path
        for folder in ("", "figures", "tables")
        for file in client.list_artifacts(run.info.run_id, folder)
    }
    assert {"data_report.json", "features.json"} <= files
    both = {"calibration", "lift", "tracking", "frequency", "purchases_by_frequency", "purchases_by_recency"}
    assert {f"figures/{name}.png" for name in both} <= files
    assert {f"tables/{name}.csv" for name in both | {"comparison", "value_deciles"}} <= files
    children = client.search_runs(
        [run.info.experiment_id], f"tags.`mlflow.parentRunId` = '{run.info.run_id}'"
    )
    assert {child.info.run_name for child in children} == {"churn", "value"}


def test_the_run_of_the_value_model_says_how_far_to_trust_it(trained, store):
    client = store.client()
    parent = client.get_run(trained.recorded.run_id)
    (run,) = client.search_runs(
        [parent.info.experiment_id],
        f"tags.`mlflow.parentRunId` = '{parent.info.run_id}' and tags.`mlflow.runName` = 'value'",
    )
    fit = trained.outcome.bundle.value.purchases.diagnostics_
    assert run.data.metrics["purchases.converged"] == 1
    assert run.data.metrics["purchases.gradient"] == pytest.approx(fit.gradient)
    assert run.data.metrics["spend.n_customers"] > 0
    with open(client.download_artifacts(run.info.run_id, "diagnostics.json")) as file:
        told = json.load(file)
    assert told["purchases"] == {**fit.to_dict(), "warnings": fit.warnings()}
    assert set(told["spend"]) >= {"ridge", "r_hat", "ess_bulk", "ess_tail", "divergences", "k_hat"}


def test_no_row_of_a_customer_is_recorded(trained, store, shop, tmp_path):
    folder = store.client().download_artifacts(trained.recorded.run_id, "", str(tmp_path))
    rows = {f"{amount:.2f}" for amount in shop.transactions["amount"].head(50)}
    texts = [path.read_text() for path in tmp_path.rglob("*") if path.suffix in {".json", ".csv"}]
    assert folder
    assert len(texts) >= 6
    assert not any(row in text.split(",") for text in texts for row in rows)


def test_what_was_made_is_plain_enough_for_json(trained):
    told = json.loads(json.dumps(trained.to_dict(), default=str))
    assert set(told) >= {"model_uri", "model_version", "run_id", "metrics"}
    assert told["model_uri"] == f"models:/patron/{told['model_version']}"
    assert told["tested_on"] == "2023-12-17"


def test_margin_one_is_named_revenue(trained):
    assert any("Values are revenue" in sentence for sentence in trained.sentences())


def test_a_history_too_short_for_a_classifier_says_so_and_goes_without(trained, make_settings, warned):
    assert trained.recorded.champion
    short = train(make_settings(horizon_days=200))
    assert "There is no churn classifier" in warned()
    assert "are missing" in warned()
    assert short.outcome.bundle.churn is None
    assert not short.recorded.champion


def test_too_few_customers_for_trees_are_told_so_and_get_purchase_models_alone(shop, warned):
    few = shop.transactions[shop.transactions["customer_id"] <= 12]
    trained = train(Settings(tables={"transactions": few}, horizon_days=45, inference="map"))
    assert "rows and 100 are needed" in warned()
    assert "fitted to 12 customers, fewer than 50" in warned()
    assert trained.outcome.bundle.churn is None
    assert not trained.recorded.champion
    assert (
        "customers, and with fewer than 50 no difference can be told from chance" in trained.recorded.reason
    )


def test_one_time_buyers_alone_give_a_model_of_value_that_says_what_it_lacks(warned):
    days = pd.date_range("2023-01-01", periods=400)
    buyers = pd.DataFrame({"customer_id": range(400), "order_at": days, "amount": 20.0 + days.day})
    settings = Settings(tables={"transactions": buyers}, horizon_days=45, inference="map")
    trained = train(settings)
    assert "customers of the training snapshots left. Another horizon may separate them" in warned()
    assert "Nobody has bought twice, so the spend model cannot be fitted" in warned()
    assert trained.outcome.bundle.churn is None
    assert not trained.recorded.champion


def test_the_checks_of_purchases_take_a_sample_of_many_customers(trained, monkeypatch):
    logged = {}
    run = SimpleNamespace(
        log_table=lambda table, name: logged.update({name: table}), log_figure=lambda *_: None
    )
    monkeypatch.setattr("patron.training.recording._CHECKED_CUSTOMERS", 50)
    _log_purchases(run, trained.outcome.evaluation)
    assert logged["frequency"]["actual"].sum() == len(trained.outcome.evaluation.snapshot.rfm) > 50
    assert [logged[f"purchases_by_{by}"]["customers"].sum() for by in ("frequency", "recency")] == [50, 50]
