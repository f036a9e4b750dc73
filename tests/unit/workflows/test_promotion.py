"""A newcomer becomes champion for a reason that is told."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from patron.tracking.registry import load_bundle
from patron.tracking.store import open_store
from patron.workflows.matured import Part
from patron.workflows.promotion import Candidate, judge


@pytest.fixture
def newcomer(trained, store):
    """The champion once more, without any customer to compare on."""
    bundle, _ = load_bundle(store, trained.model_uri)
    nobody = Part(pd.DataFrame())
    return Candidate(bundle, np.array([]), nobody, trained.outcome.split.test, history=None)


def test_the_first_version_has_nobody_to_beat(newcomer, tmp_path):
    verdict = judge(open_store(tmp_path), newcomer)
    assert verdict.wins
    assert verdict.reason == "it is the first version"


def test_a_value_model_that_did_not_converge_never_wins(newcomer, store):
    purchases = newcomer.bundle.value.purchases
    purchases.diagnostics_ = replace(purchases.diagnostics_, converged=False)
    verdict = judge(store, newcomer)
    assert not verdict.wins
    assert verdict.reason == "its value model did not converge"


def test_promotion_by_hand_comes_before_every_comparison(newcomer, store):
    assert judge(store, newcomer, promote=True).reason == "it was promoted by hand"


def test_a_champion_of_another_horizon_stays(newcomer, store):
    verdict = judge(store, replace(newcomer, bundle=replace(newcomer.bundle, horizon_days=30)))
    assert not verdict.wins
    assert "predicts 45 days ahead and this one 30" in verdict.reason


def test_a_champion_that_cannot_be_read_is_replaced(newcomer, store, monkeypatch):
    monkeypatch.setattr("patron.models.bundle.FORMAT", -1)
    verdict = judge(store, newcomer)
    assert verdict.wins
    assert verdict.reason == "the champion before it cannot be read"
