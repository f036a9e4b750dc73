"""Effects learned from trials whose true effects are known."""

import numpy as np
import pandas as pd
import pytest

from patron.campaigns.uplift.balance import check_balance
from patron.campaigns.uplift.effects import EffectModel
from patron.campaigns.uplift.learners import LEARNERS, fit_learners, fit_nuisance_models, pseudo_outcomes
from patron.campaigns.uplift.model import UpliftModel
from patron.campaigns.uplift.outcome_trees import OutcomeTrees
from patron.campaigns.uplift.penalised_regression import BasisExpansion, fit_penalised_regression
from patron.campaigns.uplift.trial import Trial
from patron.datasets.campaigns import FEATURES, simulate_campaign
from patron.errors import (
    InputError,
    NotFittedError,
    RangeError,
    SettingsError,
    TableError,
    TooFewCustomersError,
)

QUICK = {"folds": 2, "n_trees": 40, "n_jobs": 1}


def _trial(n: int = 4000, seed: int = 0) -> tuple[pd.DataFrame, np.ndarray, np.ndarray, np.ndarray]:
    """A contact helps where x is high and harms where it is low."""
    rng = np.random.default_rng(seed)
    X = pd.DataFrame({"x": rng.random(n), "noise": rng.random(n)})
    effect = np.where(X["x"] > 0.5, 0.3, -0.2)
    treated = (rng.random(n) < 0.5).astype(float)
    y = (rng.random(n) < 0.4 + effect * treated).astype(float)
    return X, treated, y, effect


@pytest.fixture(scope="module")
def fitted() -> UpliftModel:
    X, treated, y, _ = _trial()
    return UpliftModel(**QUICK).fit(X, treated, y)


def test_effects_differ_in_sign_where_the_truth_does(fitted: UpliftModel) -> None:
    found = fitted.predict(pd.DataFrame({"x": [0.1, 0.9], "noise": [0.5, 0.5]}))
    assert found["effect"].iloc[0] < -0.05 < 0.15 < found["effect"].iloc[1]
    assert found["sleeping_dog"].tolist() == [True, False]
    assert (found["low"] < found["effect"]).all()
    assert (found["effect"] < found["high"]).all()


@pytest.mark.parametrize("learner", LEARNERS)
def test_every_learner_ranks_those_helped_before_those_harmed(learner: str) -> None:
    X, treated, y, effect = _trial(seed=1)
    found = UpliftModel(learners=(learner,), **QUICK).fit(X, treated, y)
    assert found.learner_ == learner
    assert found.effects_[effect > 0].mean() > found.effects_[effect < 0].mean() + 0.1


def test_without_heterogeneity_all_customers_get_nearly_the_mean_effect() -> None:
    rng = np.random.default_rng(2)
    X = pd.DataFrame({"x": rng.random(4000)})
    treated = (rng.random(4000) < 0.5).astype(float)
    y = (rng.random(4000) < 0.3 + 0.1 * treated).astype(float)
    found = UpliftModel(**QUICK).fit(X, treated, y)
    assert found.average_effect_ == pytest.approx(0.1, abs=4 * found.average_effect_error_)
    assert np.ptp(found.predict(X)["effect"]) < 0.2


def test_the_unit_of_money_changes_nothing_but_the_unit() -> None:
    X, treated, y, _ = _trial(1500)
    euros, cents = (UpliftModel(**QUICK).fit(X, treated, y * unit + unit).effects_ for unit in (3.0, 300.0))
    assert cents == pytest.approx(100 * euros, rel=1e-3, abs=1e-6)


def test_the_same_trial_gives_the_same_effects(fitted: UpliftModel) -> None:
    X, treated, y, _ = _trial()
    again = UpliftModel(**QUICK).fit(X, treated, y)
    assert np.array_equal(again.effects_, fitted.effects_)


def test_a_row_has_the_same_effect_alone_and_among_others(fitted: UpliftModel) -> None:
    X = _trial()[0].head(50)
    one = fitted.predict(X.iloc[[7]])["effect"].iloc[0]
    assert one == fitted.predict(X)["effect"].iloc[7]


def test_pseudo_outcomes_are_unbiased_when_the_outcome_models_are_wrong() -> None:
    X, treated, y, effect = _trial(20_000)
    trial = Trial(X.to_numpy(np.float32), treated, y, np.full(len(y), 0.5))
    useless = fit_nuisance_models(trial[np.arange(200)], OutcomeTrees(n_trees=1))
    pseudo = pseudo_outcomes(trial, useless)
    assert pseudo.mean() == pytest.approx(effect.mean(), abs=4 * pseudo.std() / np.sqrt(len(pseudo)))


def test_a_propensity_that_depends_on_the_features_is_learned() -> None:
    rng = np.random.default_rng(3)
    X = pd.DataFrame({"x": rng.random(8000)})
    treated = (rng.random(8000) < 0.2 + 0.6 * (X["x"] > 0.5)).astype(float)
    y = (rng.random(8000) < 0.2 + 0.5 * (X["x"] > 0.5)).astype(float)  # contact changes nothing
    naive = y[treated == 1].mean() - y[treated == 0].mean()
    found = UpliftModel(**QUICK).fit(X, treated, y, propensity="learned")
    assert naive > 0.2
    assert abs(found.average_effect_) < 0.05


def test_a_control_group_that_was_not_randomised_is_detected() -> None:
    rng = np.random.default_rng(4)
    X = pd.DataFrame({"orders": rng.poisson(3.0, 3000).astype(float), "plan": rng.choice(["a", "b"], 3000)})
    randomised = check_balance(X, rng.random(3000) < 0.3, n_jobs=1)
    chosen = check_balance(X, rng.random(3000) < 0.2 + 0.1 * X["orders"].clip(0, 6), n_jobs=1)
    assert randomised.is_randomised
    assert not chosen.is_randomised
    assert chosen.imbalanced == ["orders"]
    assert chosen.balance["feature"].iloc[0] == "orders"


def test_values_missing_more_often_among_treated_customers_count_as_imbalance() -> None:
    rng = np.random.default_rng(5)
    treated = rng.random(2000) < 0.5
    gaps = np.where(treated & (rng.random(2000) < 0.5), np.nan, 1.0)
    found = check_balance(pd.DataFrame({"gap": gaps}), treated, n_jobs=1)
    assert found.imbalanced == ["gap"]
    assert found.balance["level"].iloc[0] == "missing"


def test_an_offer_that_keeps_customers_changes_money_through_staying() -> None:
    past = simulate_campaign(1, past_contacts=12_000, seed=1).past
    past = past[(past["offer"] == "call") | (past["treated"] == 0)]
    model = EffectModel(UpliftModel(**QUICK)).fit(
        past[list(FEATURES)], past["treated"], past["retained"], past["margin"]
    )
    found = model.predict(past[list(FEATURES)])
    assert model.through_retention_
    assert np.corrcoef(found["effect_on_retention"] > 0, found["effect_on_value"] > 0)[0, 1] > 0.9
    assert (found["low"] <= found["effect_on_value"]).all()


def test_money_that_contradicts_staying_is_learned_for_itself() -> None:
    X, treated, _, effect = _trial(3000)
    rng = np.random.default_rng(6)
    money = 10 * treated * (effect > 0) + rng.normal(0, 1, 3000)  # nobody stays or leaves for it
    stayed = (rng.random(3000) < 0.5).astype(float)
    model = EffectModel(UpliftModel(**QUICK)).fit(X, treated, stayed, money)
    assert not model.through_retention_
    assert model.predict(X)["effect_on_value"][effect > 0].mean() == pytest.approx(10, abs=1)


@pytest.mark.parametrize(
    ("treated", "error", "words"),
    [
        (np.ones(400), InputError, "no effect may be called uplift"),
        (np.zeros(400), InputError, "None of the 400 customers was treated"),
        (np.r_[np.ones(390), np.zeros(10)], TooFewCustomersError, "at least 50 of each"),
        (np.r_[np.ones(399), 2.0], InputError, r"treated must be 1 .* got 2\.0"),
        (np.r_[np.ones(399), np.nan], InputError, "1 of 400 numbers of treated are missing"),
        (np.ones(3), InputError, "treated has 3 customers and X has 400"),
    ],
)
def test_a_trial_that_shows_nothing_is_refused(
    treated: np.ndarray, error: type[Exception], words: str
) -> None:
    X = pd.DataFrame({"x": np.arange(400.0)})
    with pytest.raises(error, match=words):
        UpliftModel().fit(X, treated, np.zeros(400))


def test_settings_and_features_that_do_not_fit_are_named(fitted: UpliftModel) -> None:
    X, treated, y, _ = _trial(400)
    with pytest.raises(SettingsError, match="learners must be some of smooth, s, t, x, dr, got z"):
        UpliftModel(learners=("z",)).fit(X, treated, y)
    with pytest.raises(RangeError, match="folds must be at least 2"):
        UpliftModel(folds=1).fit(X, treated, y)
    with pytest.raises(RangeError, match="propensity must lie between 0 and 1"):
        UpliftModel().fit(X, treated, y, propensity=np.ones(400))
    with pytest.raises(NotFittedError, match="Call fit with a trial first"):
        UpliftModel().predict(X)
    with pytest.raises(TableError, match="lacks 1 of the 2 features"):
        fitted.predict(X[["x"]])


def test_learners_are_functions_of_the_features_alone() -> None:
    X, treated, y, _ = _trial(600)
    trial = Trial(X.to_numpy(np.float32), treated, y, np.full(600, 0.5))
    trees = OutcomeTrees(n_trees=10, min_child_samples=20)
    effects = fit_learners(LEARNERS, trial, trees, fit_nuisance_models(trial, trees))
    rows = trial.matrix[:5]
    for effect in effects.values():
        assert np.array_equal(effect(rows)[::-1], effect(rows[::-1]))


def _gentle(n: int, seed: int) -> tuple[pd.DataFrame, np.ndarray, np.ndarray, np.ndarray]:
    """An effect that rises steadily with x, among six other features that tell only who stays."""
    rng = np.random.default_rng(seed)
    X = pd.DataFrame(rng.random((n, 7)), columns=["x", *"abcdef"])
    effect = 0.3 * X["x"].to_numpy() - 0.1
    treated = (rng.random(n) < 0.5).astype(float)
    y = (rng.random(n) < 0.2 + 0.2 * X["a"] + 0.2 * X["b"] + effect * treated).astype(float)
    return X, treated, y, effect


def test_a_steady_effect_is_learned_better_smoothly_than_by_trees_from_few_contacts() -> None:
    X, treated, y, effect = _gentle(3000, seed=7)
    found = {
        name: UpliftModel(learners=(name,), **QUICK).fit(X, treated, y).effects_ for name in ("smooth", "t")
    }
    smooth, trees = (float(np.corrcoef(said, effect)[0, 1]) for said in found.values())
    assert smooth > max(0.7, trees)


def test_the_smooth_learner_is_kept_where_trees_explain_no_more() -> None:
    X, treated, y, _ = _gentle(3000, seed=8)
    assert UpliftModel(**QUICK).fit(X, treated, y).learner_ == "smooth"


def test_trees_are_kept_where_the_effect_comes_and_goes() -> None:
    rng = np.random.default_rng(9)
    X = pd.DataFrame({"x": rng.random(6000)})
    treated = (rng.random(6000) < 0.5).astype(float)
    effect = np.where(np.abs(X["x"] - 0.5) < 0.25, 0.3, -0.2)  # helps in the middle alone
    y = (rng.random(6000) < 0.4 + effect * treated).astype(float)
    found = UpliftModel(**QUICK).fit(X, treated, y)
    assert found.learner_ != "smooth"
    assert np.corrcoef(found.effects_, effect)[0, 1] > 0.9


def test_the_smooth_learner_takes_categories_and_gaps_and_levels_never_seen() -> None:
    rng = np.random.default_rng(10)
    X = pd.DataFrame({"plan": rng.choice(["a", "b"], 4000), "gap": rng.random(4000), "same": 1.0})
    X.loc[rng.random(4000) < 0.3, "gap"] = np.nan
    treated = (rng.random(4000) < 0.5).astype(float)
    y = (rng.random(4000) < 0.3 + treated * np.where(X["plan"] == "a", 0.3, -0.1)).astype(float)
    found = UpliftModel(learners=("smooth",), **QUICK).fit(X, treated, y)
    asked = pd.DataFrame({"plan": ["a", "b", "new", None], "gap": [0.5, np.nan, 1e9, -1e9], "same": 2.0})
    effect = found.predict(asked)["effect"].to_numpy()
    assert effect[0] > 0.15 > 0.05 > effect[1]
    assert np.isfinite(effect).all()
    assert np.abs(effect).max() < 0.6


def test_constant_or_missing_features_give_everyone_the_mean_effect() -> None:
    matrix = np.column_stack([np.ones(400), np.full(400, np.nan)]).astype(np.float32)
    treated = np.tile([0.0, 1.0], 200)
    assert BasisExpansion.learn(matrix, ()).columns(matrix).shape == (400, 0)
    found = fit_penalised_regression(matrix, treated, 2.0 * treated, binary=False)
    assert found.effect(matrix) == pytest.approx(np.full(400, 2.0), abs=1e-4)


def test_perfectly_predicted_outcomes_leave_the_smooth_learner_finite() -> None:
    x = np.linspace(0, 1, 1000, dtype=np.float32)[:, None]
    found = fit_penalised_regression(x, np.tile([0.0, 1.0], 500), (x[:, 0] > 0.5).astype(float), binary=True)
    with_contact, without = found.outcomes(x)
    assert (np.diff(without) >= 0).all()
    assert np.abs(with_contact - without).max() < 0.05


def test_smooth_and_tree_models_give_the_same_mean_effect() -> None:
    X, treated, y, effect = _trial(8000, seed=11)
    means = [
        UpliftModel(learners=(name,), **QUICK).fit(X, treated, y).average_effect_ for name in ("smooth", "t")
    ]
    assert means[0] == pytest.approx(means[1], abs=0.01)
    assert means[0] == pytest.approx(effect.mean(), abs=0.05)
