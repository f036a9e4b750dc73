"""Training evaluates, records and registers; the better version becomes champion."""

import json

import pandas as pd
import pytest

from patron.errors import HistoryTooShortError, TooFewCustomersError
from patron.evaluation.metrics import PROBABILITY_METRICS, RANKING_METRICS
from patron.tracking.registry import load_bundle, promote
from patron.workflows.settings import Settings
from patron.workflows.train import train

METRICS = {*RANKING_METRICS, *PROBABILITY_METRICS}


def test_the_first_version_becomes_champion(trained):
    assert trained.recorded.champion
    assert trained.recorded.reason == "it is the first version"


def test_the_same_training_again_becomes_challenger_because_it_is_no_better(trained, make_settings):
    again = train(make_settings(as_of="2024-01-31"))
    assert not again.recorded.champion
    brier = f"{trained.metrics['brier']:.4f}"
    compared = f"snapshot is {brier} and that of the champion (version 1) {brier}"
    assert again.recorded.reason.endswith(compared)


def test_a_version_can_be_promoted_by_hand(trained, make_settings, store):
    forced = train(make_settings(as_of="2024-01-31", train={"promote": True}))
    assert forced.recorded.champion
    assert forced.recorded.reason == "it was promoted by hand"
    promote(store, trained.recorded.model_version)


def test_another_horizon_cannot_be_compared_with_the_champion(trained, make_settings):
    other = train(make_settings(as_of="2024-01-31", horizon_days=30))
    assert not other.recorded.champion
    assert "predicts 45 days ahead and this one 30, so they cannot be compared" in other.recorded.reason


def test_a_better_version_becomes_champion(trained, make_settings, store, monkeypatch):
    worse = load_bundle(store, trained.model_uri)[0]
    monkeypatch.setattr(
        worse.churn, "predict_proba", lambda rows: pd.DataFrame({0: 0.5, 1: 0.5}, index=rows.index).to_numpy()
    )
    monkeypatch.setattr("patron.workflows.promotion.load_bundle", lambda *_: (worse, None))
    better = train(make_settings(as_of="2024-01-31"))
    assert better.recorded.champion
    assert better.recorded.reason.endswith("and that of the champion 0.2500")
    promote(store, trained.recorded.model_version)


def test_the_classifier_stands_beside_two_simple_rules(trained):
    assert set(trained.metrics) == METRICS
    assert trained.comparison["model"].tolist() == [
        "patron (LightGBM)",
        "BG/NBD, no purchase",
        "days since last",
    ]
    assert trained.comparison["auc"].iloc[0] == trained.metrics["auc"]


def test_a_ranking_has_no_brier_score(trained):
    assert trained.comparison.set_index("model")["brier"].isna().to_dict() == {
        "patron (LightGBM)": False,
        "BG/NBD, no purchase": False,
        "days since last": True,
    }


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
    assert {f"figures/{name}.png" for name in ("calibration", "lift", "tracking")} <= files
    assert {f"tables/{name}.csv" for name in ("calibration", "comparison", "lift", "tracking")} <= files
    children = client.search_runs(
        [run.info.experiment_id], f"tags.`mlflow.parentRunId` = '{run.info.run_id}'"
    )
    assert {child.info.run_name for child in children} == {"churn", "value"}


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
    assert told["model_uri"] == "models:/patron/1"
    assert told["snapshots"][-1] == "2023-12-17"


def test_margin_one_is_named_revenue(trained):
    assert any("Values are revenue" in sentence for sentence in trained.sentences())


def test_a_history_that_is_too_short_says_how_many_days_are_missing(make_settings):
    with pytest.raises(HistoryTooShortError, match=r"are missing\. Take a horizon of at most"):
        train(make_settings(horizon_days=200))


def test_too_few_customers_are_refused(shop):
    few = shop.transactions[shop.transactions["customer_id"] <= 12]
    with pytest.raises(TooFewCustomersError, match="at least 100"):
        train(Settings(tables={"transactions": few}, horizon_days=45, inference="map"))


def test_one_time_buyers_alone_give_a_model_of_value_that_says_what_it_lacks(warned):
    days = pd.date_range("2023-01-01", periods=400)
    buyers = pd.DataFrame({"customer_id": range(400), "order_at": days, "amount": 20.0 + days.day})
    settings = Settings(tables={"transactions": buyers}, horizon_days=45, inference="map")
    trained = train(settings)
    assert "customers of the training snapshots left: there is no churn classifier" in warned()
    assert "Nobody has bought twice, so the spend model cannot be fitted" in warned()
    assert trained.outcome.bundle.churn is None
    assert trained.comparison["model"].tolist() == ["BG/NBD, no purchase", "days since last"]
