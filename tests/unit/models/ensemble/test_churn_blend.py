"""The blend of churn probabilities: the weight of trees, and the shift to the expected base rate."""

import json
from dataclasses import replace

import numpy as np
import pytest
from scipy.special import expit, logit

from patron.models.ensemble.churn_blend import ChurnBlend


def test_trees_are_moved_half_way_to_the_churn_rate_that_is_forecast():
    rng = np.random.default_rng(0)
    trees, model = rng.beta(4, 2, 5000), rng.beta(2, 2, 5000)
    blend = ChurnBlend().with_prior_shift(trees, model, -0.5)
    forecast = expit(logit(model) - 0.5).mean()
    assert expit(logit(trees) + 2 * blend.prior_shift).mean() == pytest.approx(forecast)


def test_trees_that_agree_with_the_forecast_are_not_moved():
    p = np.random.default_rng(0).beta(2, 2, 5000)
    assert ChurnBlend().with_prior_shift(p, p, 0.0).prior_shift == pytest.approx(0.0, abs=1e-9)


def test_trees_that_have_seen_few_events_get_part_of_the_weight_and_the_sentence_reports_it():
    trees, model = np.array([0.2, 0.6]), np.array([0.4, 0.5])
    found = ChurnBlend().with_tree_weight(minority_events=250)
    assert found.probability(trees, model) == pytest.approx(np.array([0.35, 0.525]))
    assert "is 25% boosted trees and 75% purchase model: the trees have seen 250" in found.sentences()[0]


def test_trees_that_have_seen_enough_events_get_full_weight():
    trees = np.array([0.2, 0.6])
    found = ChurnBlend(prior_shift=0.3).with_tree_weight(minority_events=1000)
    assert found.tree_weight == 1
    assert found.sentences() == []
    assert found.probability(trees, 1 - trees) == pytest.approx(expit(logit(trees) + 0.3))


def test_trees_and_the_purchase_model_are_moved_together():
    rng = np.random.default_rng(0)
    trees, model = rng.beta(4, 2, 5000), rng.beta(2, 2, 5000)
    blend = ChurnBlend().with_tree_weight(400).with_prior_shift(trees, model, -0.5)
    together = replace(blend, prior_shift=2 * blend.prior_shift).probability(trees, model)
    assert together.mean() == pytest.approx(expit(logit(model) - 0.5).mean())


def test_only_the_default_changes_nothing():
    assert ChurnBlend().changes_nothing
    assert not ChurnBlend(prior_shift=0.1).changes_nothing
    assert not ChurnBlend(tree_weight=0.5).changes_nothing


def test_a_stored_blend_is_the_same_and_holds_no_sentence():
    blend = ChurnBlend(prior_shift=0.1).with_tree_weight(250)
    stored = json.dumps(blend.to_dict())
    assert ChurnBlend.from_dict(json.loads(stored)) == blend
    assert "trees have" not in stored
