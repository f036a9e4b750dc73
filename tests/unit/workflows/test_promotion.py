"""A newcomer becomes champion for a reason that is told."""

from dataclasses import replace

import numpy as np
import pytest

from patron.tracking.registry import load_bundle
from patron.tracking.store import open_store
from patron.training.champion_gate import Candidate, judge
from patron.training.evaluation import PATRON


@pytest.fixture
def newcomer(trained, store):
    """The champion once more, as if it had known who leaves."""
    bundle, _ = load_bundle(store, trained.model_uri)
    candidate = Candidate(bundle, trained.outcome.evaluation, history=None)
    return saying(candidate, np.clip(trained.outcome.evaluation.left, 0.05, 0.95))


def saying(candidate, probability):
    """The candidate as if it had predicted this."""
    evaluation = candidate.evaluation
    said = replace(evaluation.said, churn={**evaluation.said.churn, PATRON: probability})
    return replace(candidate, evaluation=replace(evaluation, said=said))


def test_a_first_version_that_beats_the_simple_rules_becomes_champion(newcomer, tmp_path):
    verdict = judge(open_store(tmp_path), newcomer)
    assert verdict.wins
    assert verdict.reason.startswith("it beats the simple rules by more than chance: its Brier score")
    assert verdict.reason.endswith("and there is no champion yet")


def test_a_model_no_better_than_the_rules_is_no_champion_even_as_the_first(newcomer, tmp_path):
    noise = np.random.default_rng(0).random(len(newcomer.evaluation.left))
    verdict = judge(open_store(tmp_path), saying(newcomer, noise))
    assert not verdict.wins
    assert verdict.reason.startswith("it is worse than a simple rule: its Brier score is worse by 0.")


def test_a_model_as_good_as_the_best_rule_does_not_beat_it(newcomer, tmp_path):
    rule = newcomer.evaluation.said.churn["BG/NBD + Gamma-Gamma"]
    verdict = judge(open_store(tmp_path), saying(newcomer, rule))
    assert not verdict.wins
    assert "by more than chance" in verdict.reason


def test_a_first_version_that_did_not_converge_is_no_champion(newcomer, tmp_path):
    purchases = newcomer.bundle.value.purchases
    purchases.diagnostics_ = replace(purchases.diagnostics_, converged=False)
    verdict = judge(open_store(tmp_path), newcomer)
    assert not verdict.wins
    assert verdict.reason == "its value model did not converge"


def test_promotion_by_hand_comes_before_everything_and_names_the_doubt(newcomer, store):
    assert judge(store, newcomer, promote=True).reason == "it was promoted by hand"
    purchases = newcomer.bundle.value.purchases
    purchases.diagnostics_ = replace(purchases.diagnostics_, converged=False)
    verdict = judge(store, newcomer, promote=True)
    assert verdict.wins
    assert verdict.by_hand
    assert verdict.reason == "it was promoted by hand, although its value model did not converge"


def test_a_model_that_could_not_be_tested_is_no_champion(newcomer, store):
    verdict = judge(store, replace(newcomer, evaluation=None))
    assert not verdict.wins
    assert "too short to test" in verdict.reason


def test_a_better_version_takes_the_place_of_the_champion(newcomer, store, trained):
    verdict = judge(store, newcomer)
    champion = trained.recorded.model_version
    assert verdict.wins
    assert (
        f"against the champion (version {champion}), which has seen some of these outcomes" in verdict.reason
    )


def test_a_champion_of_another_horizon_stays_and_the_remedy_is_told(newcomer, store):
    verdict = judge(store, replace(newcomer, bundle=replace(newcomer.bundle, horizon_days=30)))
    assert not verdict.wins
    assert "in 45 days, and this one it predicts no purchase in 30 days" in verdict.reason
    assert "--promote" in verdict.remedy


def test_a_champion_that_cannot_be_read_is_replaced(newcomer, store, monkeypatch):
    monkeypatch.setattr("patron.models.bundle.bundle.FORMAT", -1)
    verdict = judge(store, newcomer)
    assert verdict.wins
    assert verdict.reason.endswith("the champion before it cannot be read")
