"""Residual effect heterogeneity is found under noise, and intervals cover individual effects."""

import copy

import numpy as np
import pytest

from patron.campaigns.uplift.model import UpliftModel
from patron.campaigns.uplift.residual_variance import residual_effect_sd
from patron.datasets.campaigns import FEATURES, simulate_campaign

KNOWN = [*FEATURES, "churn_probability", "growth_potential"]
QUICK = {"learners": ("smooth",), "n_trees": 40, "n_jobs": 1}


def _missed(n=20_000, sd=0.3, seed=0):
    """A product of two columns that straight lines cannot tell, under noise three times as large."""
    rng = np.random.default_rng(seed)
    columns = rng.normal(size=(n, 4))
    effect = sd * columns[:, 0] * columns[:, 1]
    return columns, effect + rng.normal(size=n), np.arange(n) % 5


@pytest.mark.parametrize("sd", [0.2, 0.4])
def test_what_straight_lines_miss_is_found_under_the_noise(sd):
    columns, pseudo, fold = _missed(sd=sd)
    found = residual_effect_sd(columns, pseudo, np.zeros(len(pseudo)), fold)
    assert found == pytest.approx(sd, rel=0.25)


def test_without_heterogeneity_only_uncertainty_is_left():
    columns, pseudo, fold = _missed(sd=0.0)
    assert residual_effect_sd(columns, pseudo, np.zeros(len(pseudo)), fold) < 0.08


def test_few_customers_leave_more_uncertainty():
    few, many = (
        residual_effect_sd(columns, pseudo, np.zeros(len(pseudo)), fold)
        for columns, pseudo, fold in (_missed(n, sd=0.0, seed=3) for n in (300, 30_000))
    )
    assert few > 2 * many


def test_what_the_learner_predicts_is_not_residual():
    columns, pseudo, fold = _missed(sd=0.4)
    predicted = 0.4 * columns[:, 0] * columns[:, 1]
    assert residual_effect_sd(columns, pseudo, predicted, fold) < 0.12


def test_a_learner_that_has_seen_the_noise_of_the_other_folds_is_judged_by_its_own():
    columns, pseudo, fold = _missed(sd=0.4)
    product = columns[:, 0] * columns[:, 1]
    predicted = np.empty(len(pseudo))
    for number in range(5):
        others = fold != number
        predicted[~others] = (
            product[~others] * (product[others] @ pseudo[others]) / (product[others] ** 2).sum()
        )
    assert residual_effect_sd(columns, pseudo, predicted, fold) < 0.12


def test_money_in_cents_has_a_hundred_times_the_standard_deviation():
    columns, pseudo, fold = _missed(2000)
    predicted = 0.1 * columns[:, 0]
    euros = residual_effect_sd(columns, pseudo, predicted, fold)
    assert residual_effect_sd(columns, 100 * pseudo, 100 * predicted, fold) == pytest.approx(100 * euros)


@pytest.mark.parametrize("columns", [np.zeros((200, 0)), np.tile([[1.0], [-1.0]], (100, 1))])
def test_columns_whose_products_add_nothing_explain_nothing(columns):
    pseudo = np.random.default_rng(0).normal(size=200)
    assert residual_effect_sd(columns, pseudo, np.zeros(200), np.arange(200) % 2) == 0.0


def test_many_columns_are_taken_together_and_of_many_customers_some_are_drawn(monkeypatch):
    monkeypatch.setattr("patron.campaigns.uplift.residual_variance._MAX_CUSTOMERS", 8000)
    rng = np.random.default_rng(1)
    columns = rng.normal(size=(9000, 24))
    pseudo, fold = columns[:, 0] ** 2 + rng.normal(size=9000), np.arange(9000) % 5
    found, again = (residual_effect_sd(columns, pseudo, np.ones(9000), fold, seed=7) for _ in range(2))
    assert found == again > 0.3
    assert found != residual_effect_sd(columns, pseudo, np.ones(9000), fold, seed=8)


@pytest.fixture(scope="module")
def fitted():
    world = simulate_campaign(2000, past_contacts=12_000, seed=420)
    now = world.customers.assign(**{name: world.scores[name] for name in KNOWN[-2:]})[KNOWN]
    models = {}
    for offer in world.offers["offer"]:
        trial = world.past[(world.past["offer"] == offer) | (world.past["treated"] == 0)]
        models[offer] = UpliftModel(**QUICK).fit(trial[KNOWN], trial["treated"], trial["retained"])
    return world, now, models


def test_intervals_of_eighty_percent_hold_about_eighty_percent_of_individual_effects(fitted):
    world, now, models = fitted
    held = []
    for offer, model in models.items():
        found, true = model.predict(now), world.truth[f"effect_on_retention_{offer}"]
        held.append(((found["low"] <= true) & (true <= found["high"])).mean())
    assert 0.75 <= np.mean(held) <= 0.92


def test_residual_heterogeneity_widens_intervals_and_changes_no_effect_or_sleeping_dog(fitted):
    _, now, models = fitted
    bare_model = copy.copy(models["call"])
    bare_model.residual_sd_ = 0.0
    told, bare = models["call"].predict(now), bare_model.predict(now)
    for name in ("effect", "sleeping_dog"):
        assert (told[name] == bare[name]).all()
    assert (told["high"] > bare["high"]).all()
    assert told["sleeping_dog"].any()
