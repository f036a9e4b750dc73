"""A challenger becomes champion for a reason that is reported."""

from dataclasses import replace

import numpy as np
import pytest

from patron.tracking.registry import load_bundle
from patron.tracking.store import open_store
from patron.training.champion_gate import Challenger, decide_promotion
from patron.training.evaluation import PATRON


@pytest.fixture
def challenger(trained, store):
    """The champion once more, as if it had known who leaves."""
    bundle, _ = load_bundle(store, trained.model_uri)
    candidate = Challenger(bundle, trained.outcome.evaluation, history=None)
    return predicting(candidate, np.clip(trained.outcome.evaluation.churned, 0.05, 0.95))


def predicting(challenger, probability):
    """The challenger as if it had predicted this."""
    evaluation = challenger.evaluation
    churn = {**evaluation.predictions.churn, PATRON: probability}
    predictions = replace(evaluation.predictions, churn=churn)
    return replace(challenger, evaluation=replace(evaluation, predictions=predictions))


def test_a_first_version_that_beats_the_baselines_becomes_champion(challenger, tmp_path):
    decision = decide_promotion(open_store(tmp_path), challenger)
    assert decision.promoted
    assert decision.reason.startswith("it beats the baselines by more than chance: its Brier score")
    assert decision.reason.endswith("and there is no champion yet")


def test_a_model_no_better_than_the_baselines_is_no_champion_even_as_the_first(challenger, tmp_path):
    noise = np.random.default_rng(0).random(len(challenger.evaluation.churned))
    decision = decide_promotion(open_store(tmp_path), predicting(challenger, noise))
    assert not decision.promoted
    assert decision.reason.startswith("it is worse than a baseline: its Brier score is worse by 0.")


def test_a_model_as_good_as_the_best_baseline_does_not_beat_it(challenger, tmp_path):
    baseline = challenger.evaluation.predictions.churn["BG/NBD + Gamma-Gamma"]
    decision = decide_promotion(open_store(tmp_path), predicting(challenger, baseline))
    assert not decision.promoted
    assert "by more than chance" in decision.reason


def test_a_first_version_that_did_not_converge_is_no_champion(challenger, tmp_path):
    purchases = challenger.bundle.value.purchases
    purchases.diagnostics_ = replace(purchases.diagnostics_, converged=False)
    decision = decide_promotion(open_store(tmp_path), challenger)
    assert not decision.promoted
    assert decision.reason == "its value model did not converge"


def test_promotion_by_hand_comes_before_everything_and_names_the_doubt(challenger, store):
    assert decide_promotion(store, challenger, promote=True).reason == "it was promoted by hand"
    purchases = challenger.bundle.value.purchases
    purchases.diagnostics_ = replace(purchases.diagnostics_, converged=False)
    decision = decide_promotion(store, challenger, promote=True)
    assert decision.promoted
    assert decision.by_hand
    assert decision.reason == "it was promoted by hand, although its value model did not converge"


def test_a_model_that_could_not_be_tested_is_no_champion(challenger, store):
    decision = decide_promotion(store, replace(challenger, evaluation=None))
    assert not decision.promoted
    assert "too short to test" in decision.reason


def test_a_better_version_takes_the_place_of_the_champion(challenger, store, trained):
    decision = decide_promotion(store, challenger)
    champion = trained.recorded.model_version
    assert decision.promoted
    assert (
        f"against the champion (version {champion}), which has seen some of these outcomes" in decision.reason
    )


def test_a_champion_of_another_horizon_stays_and_the_remedy_is_reported(challenger, store):
    decision = decide_promotion(
        store, replace(challenger, bundle=replace(challenger.bundle, horizon_days=30))
    )
    assert not decision.promoted
    assert "in 45 days, and this one no purchase in 30 days" in decision.reason
    assert "--promote" in decision.remedy


def test_a_champion_that_cannot_be_read_is_replaced(challenger, store, monkeypatch):
    monkeypatch.setattr("patron.models.bundle.bundle.FORMAT", -1)
    decision = decide_promotion(store, challenger)
    assert decision.promoted
    assert decision.reason.endswith("the champion before it cannot be read")
