"""How far true effects lie from what a learner says: intervals that hold the customer's own effect."""

import copy

import numpy as np
import pytest

from patron.campaigns.uplift.model import UpliftModel
from patron.campaigns.uplift.residual_variance import unexplained_spread
from patron.datasets.campaigns import FEATURES, simulate_campaign

KNOWN = [*FEATURES, "churn_probability", "growth_potential"]
QUICK = {"learners": ("smooth",), "n_trees": 40, "n_jobs": 1}


def _missed(n=20_000, spread=0.3, seed=0):
    """A product of two columns that straight lines cannot tell, under noise three times as large."""
    rng = np.random.default_rng(seed)
    columns = rng.normal(size=(n, 4))
    effect = spread * columns[:, 0] * columns[:, 1]
    return columns, effect + rng.normal(size=n), np.arange(n) % 5


@pytest.mark.parametrize("spread", [0.2, 0.4])
def test_what_straight_lines_miss_is_found_under_the_noise(spread):
    columns, noisy, fold = _missed(spread=spread)
    found = unexplained_spread(columns, noisy, np.zeros(len(noisy)), fold)
    assert found == pytest.approx(spread, rel=0.25)


def test_where_nothing_is_missed_only_doubt_is_left():
    columns, noisy, fold = _missed(spread=0.0)
    assert unexplained_spread(columns, noisy, np.zeros(len(noisy)), fold) < 0.08


def test_few_customers_leave_more_doubt():
    few, many = (
        unexplained_spread(columns, noisy, np.zeros(len(noisy)), fold)
        for columns, noisy, fold in (_missed(n, spread=0.0, seed=3) for n in (300, 30_000))
    )
    assert few > 2 * many


def test_what_the_learner_says_itself_is_not_missed():
    columns, noisy, fold = _missed(spread=0.4)
    said = 0.4 * columns[:, 0] * columns[:, 1]
    assert unexplained_spread(columns, noisy, said, fold) < 0.12


def test_a_learner_that_has_seen_the_noise_of_the_other_folds_is_judged_by_its_own():
    columns, noisy, fold = _missed(spread=0.4)
    product = columns[:, 0] * columns[:, 1]
    said = np.empty(len(noisy))
    for number in range(5):
        others = fold != number
        said[~others] = product[~others] * (product[others] @ noisy[others]) / (product[others] ** 2).sum()
    assert unexplained_spread(columns, noisy, said, fold) < 0.12


def test_money_in_cents_has_a_hundred_times_the_spread():
    columns, noisy, fold = _missed(2000)
    said = 0.1 * columns[:, 0]
    euros = unexplained_spread(columns, noisy, said, fold)
    assert unexplained_spread(columns, 100 * noisy, 100 * said, fold) == pytest.approx(100 * euros)


@pytest.mark.parametrize("columns", [np.zeros((200, 0)), np.tile([[1.0], [-1.0]], (100, 1))])
def test_columns_whose_products_tell_nothing_new_explain_nothing(columns):
    noisy = np.random.default_rng(0).normal(size=200)
    assert unexplained_spread(columns, noisy, np.zeros(200), np.arange(200) % 2) == 0.0


def test_many_columns_are_taken_together_and_of_many_customers_some_are_drawn(monkeypatch):
    monkeypatch.setattr("patron.campaigns.uplift.residual_variance._MOST_CUSTOMERS", 8000)
    rng = np.random.default_rng(1)
    columns = rng.normal(size=(9000, 24))
    noisy, fold = columns[:, 0] ** 2 + rng.normal(size=9000), np.arange(9000) % 5
    found, again = (unexplained_spread(columns, noisy, np.ones(9000), fold, seed=7) for _ in range(2))
    assert found == again > 0.3
    assert found != unexplained_spread(columns, noisy, np.ones(9000), fold, seed=8)


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


def test_effects_and_sleeping_dogs_are_those_without_what_is_unexplained(fitted):
    _, now, models = fitted
    bare_model = copy.copy(models["call"])
    bare_model.unexplained_ = 0.0
    told, bare = models["call"].predict(now), bare_model.predict(now)
    for name in ("effect", "sleeping_dog"):
        assert (told[name] == bare[name]).all()
    assert (told["high"] > bare["high"]).all()
    assert told["sleeping_dog"].any()
