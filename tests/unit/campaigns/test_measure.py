"""Holdout and measurement: fair randomisation, valid intervals, and no claim without a comparison."""

import numpy as np
import pytest
from scipy import stats

from patron.campaigns.allocation.holdout import detectable_effect, draw_treated, strata
from patron.campaigns.measure import measure_effects
from patron.errors import InputError, RangeError


def test_every_stratum_gives_its_share_to_the_holdout():
    stratum = strata(np.repeat(["call", "mail"], [1000, 40]), np.random.default_rng(0).random(1040))
    held_out = ~draw_treated(stratum, 0.1, seed=4)
    counts, sizes = np.bincount(stratum[held_out], minlength=stratum.max() + 1), np.bincount(stratum)
    assert sizes.tolist() == [200, 200, 200, 200, 200, 40]
    assert counts.tolist() == [20, 20, 20, 20, 20, 4]


def test_every_customer_is_held_out_with_the_same_probability():
    stratum = np.repeat([0, 1], [3, 17])
    held_out = np.mean([~draw_treated(stratum, 0.25, seed=seed) for seed in range(4000)], axis=0)
    assert held_out == pytest.approx(np.full(20, 0.25), abs=5 * np.sqrt(0.25 * 0.75 / 4000))


def test_the_same_seed_gives_the_same_holdout():
    stratum = np.zeros(100, dtype=np.int64)
    lots = [draw_treated(stratum, 0.2, seed).tolist() for seed in (1, 1, 2)]
    assert lots[0] == lots[1] != lots[2]


def test_an_empty_list_has_no_holdout():
    assert len(draw_treated(strata([], np.empty(0)), 0.1, seed=0)) == 0


def test_the_detectable_effect_is_detected_four_times_in_five():
    draw = np.random.default_rng(1)
    customers = 785
    treated = draw_treated(np.zeros(customers, dtype=np.int64), 0.2, seed=0)
    seen = 0
    for _ in range(500):
        outcome = draw.standard_normal(customers) + 0.25 * treated
        seen += measure_effects({"margin": outcome}, treated, np.zeros(customers, int)).loc[0, "low"] > 0
    assert seen / 500 == pytest.approx(0.8, abs=0.06)
    assert detectable_effect(customers, 1.0, share=0.2) == pytest.approx(0.25, rel=0.01)


def test_one_stratum_gives_the_interval_of_welch():
    draw = np.random.default_rng(2)
    treated = np.repeat([True, False], [60, 25])
    outcome = np.where(treated, draw.normal(3, 2, 85), draw.normal(2, 5, 85))
    measured = measure_effects({"margin": outcome}, treated, np.zeros(85, dtype=np.int64)).iloc[0]
    welch = stats.ttest_ind(outcome[treated], outcome[~treated], equal_var=False).confidence_interval(0.95)
    assert (measured["low"], measured["high"]) == pytest.approx((welch.low, welch.high))


def test_strata_are_weighted_by_the_customers_treated():
    treated = np.array([True, True, True, True, False, False, True, True, False, False])
    stratum = np.repeat([0, 1], [6, 4])
    outcome = np.where(stratum == 0, 1.0, 10.0) + treated * np.where(stratum == 0, 1.0, 4.0)
    measured = measure_effects({"margin": outcome}, treated, stratum).iloc[0]
    assert measured["effect"] == pytest.approx((4 * 1 + 2 * 4) / 6)
    assert measured["total"] == pytest.approx(12)
    assert measured["low"] == pytest.approx(measured["high"])


@pytest.mark.parametrize("adjusted", [False, True])
def test_intervals_cover_the_truth_as_often_as_stated(adjusted):
    draw = np.random.default_rng(3)
    stratum, held = np.repeat(np.arange(5), 200), 0
    truth = np.repeat(np.linspace(-1, 3, 5), 200)
    before = draw.gamma(1, 10, 1000)
    for seed in range(300):
        treated = draw_treated(stratum, 0.1, seed)
        outcome = 0.5 * before + draw.exponential(10, 1000) + truth * treated
        covariates = before[:, None] if adjusted else None
        measured = measure_effects({"profit": outcome}, treated, stratum, covariates=covariates).iloc[0]
        held += measured["total_low"] <= truth[treated].sum() <= measured["total_high"]
    assert 0.91 <= held / 300 <= 0.99


def test_covariates_that_predict_the_outcome_narrow_the_interval():
    draw = np.random.default_rng(4)
    before, stratum = draw.gamma(1, 10, 2000), np.zeros(2000, dtype=np.int64)
    treated = draw_treated(stratum, 0.1, seed=0)
    outcome = 2 * before + draw.standard_normal(2000) + treated
    plain = measure_effects({"margin": outcome}, treated, stratum).iloc[0]
    adjusted = measure_effects({"margin": outcome}, treated, stratum, covariates=before[:, None]).iloc[0]
    assert adjusted["high"] - adjusted["low"] < 0.2 * (plain["high"] - plain["low"])
    assert adjusted["low"] < 1 < adjusted["high"]


def test_strata_too_small_to_compare_are_merged():
    treated = np.array([True] * 9 + [False] * 3)
    stratum = np.array([0, 0, 0, 0, 1, 1, 2, 2, 2, 0, 1, 2])
    measured = measure_effects({"margin": np.arange(12.0)}, treated, stratum).iloc[0]
    assert np.isfinite(measured["low"])


@pytest.mark.parametrize(
    ("treated", "sentence"),
    [
        ([True] * 5, "5 customers were to be contacted, and none held out. Without a holdout"),
        ([False] * 5, "No customer on this list was to be contacted"),
        ([True] * 4 + [False], "4 customers treated and 1 held out"),
    ],
)
def test_without_two_groups_nothing_is_measured(treated, sentence):
    with pytest.raises(InputError, match=sentence):
        measure_effects({"margin": np.ones(5)}, np.array(treated), np.zeros(5, dtype=np.int64))


def test_numbers_out_of_range_are_refused():
    with pytest.raises(RangeError, match="holdout must lie in"):
        draw_treated(np.zeros(3, dtype=np.int64), 1.0, seed=0)
    with pytest.raises(RangeError, match="power must lie"):
        detectable_effect(10, sd=1.0, power=80)
