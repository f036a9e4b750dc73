"""Season and level: which window is believed how far, and what is said of it."""

import json
from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest
from scipy.special import expit, logit

from patron.errors import InputError
from patron.models.ensemble.seasonal_shift import Level, Window

TODAY = date(2024, 10, 1)
A_YEAR_AGO = date(2023, 10, 2)


def window(as_of, ratio, *, history_days=730, purchases=5000, newest=False):
    return Window(
        as_of=as_of,
        history_days=history_days,
        customers=10_000,
        purchases=purchases * ratio,
        expected_purchases=purchases,
        value=30 * purchases * ratio,
        expected_value=30 * purchases,
        churned_share=0.5,
        expected_churned_share=0.5,
        log_odds=-float(np.log(ratio)),
        newest=newest,
    )


NEWEST = window(TODAY - timedelta(days=90), 0.9, newest=True)


def test_a_season_of_last_year_is_expected_again():
    level = Level.learn([window(A_YEAR_AGO, 1.5), NEWEST], as_of=TODAY)
    assert level.purchases == pytest.approx(1.5, rel=0.1)
    assert level.value == pytest.approx(1.5, rel=0.1)
    assert level.no_purchase < -0.3  # and fewer leave than the models say
    assert level.log_odds == 0.0  # what that means for trees is known once they have spoken


def test_trees_are_moved_half_the_way_to_the_share_of_leavers_that_is_forecast():
    rng = np.random.default_rng(0)
    trees, model = rng.beta(4, 2, 5000), rng.beta(2, 2, 5000)
    level = Level(no_purchase=-0.5).anchored(trees, model)
    forecast = expit(logit(model) - 0.5).mean()
    assert expit(logit(trees) + 2 * level.log_odds).mean() == pytest.approx(forecast)


def test_trees_that_agree_with_the_forecast_are_not_moved():
    p = np.random.default_rng(0).beta(2, 2, 5000)
    assert Level().anchored(p, p).log_odds == pytest.approx(0.0, abs=1e-9)


def test_trees_that_have_seen_few_cases_are_believed_by_part_and_that_is_said():
    trees, model = np.array([0.2, 0.6]), np.array([0.4, 0.5])
    found = Level().believing(cases=250)
    assert found.churn(trees, model) == pytest.approx(np.array([0.35, 0.525]))
    assert "is 25% trees and 75% purchase model: trees saw 250 cases" in found.sentences()[-1]


def test_trees_that_have_seen_enough_are_believed_alone():
    trees = np.array([0.2, 0.6])
    found = Level(log_odds=0.3).believing(cases=1000)
    assert found == Level(log_odds=0.3)
    assert found.churn(trees, 1 - trees) == pytest.approx(expit(logit(trees) + 0.3))


def test_trees_and_the_purchase_model_are_moved_together_half_the_way():
    rng = np.random.default_rng(0)
    trees, model = rng.beta(4, 2, 5000), rng.beta(2, 2, 5000)
    level = Level(no_purchase=-0.5).believing(cases=400).anchored(trees, model)
    together = replace(level, log_odds=2 * level.log_odds).churn(trees, model)
    assert together.mean() == pytest.approx(expit(logit(model) - 0.5).mean())


def test_less_history_a_year_ago_counts_less():
    found = [
        Level.learn([window(A_YEAR_AGO, 1.5, history_days=days), NEWEST], as_of=TODAY).purchases
        for days in (0, 30, 180, 365, 900)
    ]
    assert found == sorted(found)
    assert found[0] < 1 < found[1]
    assert found[2] > 1.25
    assert found[3] == pytest.approx(found[4], rel=1e-3)  # a full year is enough


def test_few_purchases_move_little():
    many, few = (
        Level.learn([window(A_YEAR_AGO, 1.5, purchases=n)], as_of=TODAY).purchases for n in (5000, 20)
    )
    assert 1 < few < 1.2 < many


def test_without_an_earlier_year_the_newest_window_is_believed_by_half_and_that_is_said():
    level = Level.learn([NEWEST], as_of=TODAY)
    assert 0.92 < level.purchases < 0.96
    assert "the season is not known" in level.sentences()[0]
    assert "0.90 times the purchases" in level.sentences()[1]


def test_what_models_miss_in_every_window_is_expected_to_be_missed_again():
    every = [replace(NEWEST, as_of=TODAY - timedelta(days=90 * k), newest=k == 1) for k in range(1, 4)]
    assert Level.learn(every, as_of=TODAY).purchases == pytest.approx(0.9, rel=0.04)


def test_seasons_that_even_out_are_not_taken_for_what_models_miss():
    ratios = [1.0, 2.0, 1.0, 0.5]
    windows = [
        window(TODAY - timedelta(days=90 * k), r, newest=k == 1) for k, r in enumerate(ratios, start=1)
    ]
    assert Level.learn(windows[:3], as_of=TODAY).purchases == pytest.approx(1.0, abs=0.05)


@pytest.mark.parametrize(("days", "same_season"), [(365, True), (360, True), (372, True), (330, False)])
def test_the_same_season_is_within_a_week_of_full_years(days, same_season):
    level = Level.learn([window(TODAY - timedelta(days=days), 2.0), NEWEST], as_of=TODAY)
    assert (level.purchases > 1.5) == same_season


def test_two_earlier_years_are_averaged():
    two_years_ago = window(date(2022, 10, 1), 1.2)
    level = Level.learn([window(A_YEAR_AGO, 1.6), two_years_ago], as_of=TODAY)
    assert 1.3 < level.purchases < 1.45


def test_a_window_of_the_future_has_no_influence():
    windows = [window(A_YEAR_AGO, 1.5), NEWEST]
    assert Level.learn([*windows, window(TODAY, 9.0)], as_of=TODAY) == Level.learn(windows, as_of=TODAY)


@pytest.mark.parametrize("windows", [[], [replace(NEWEST, expected_purchases=0.0, expected_value=0.0)]])
def test_where_nothing_has_matured_the_level_is_flat_and_that_is_said(windows):
    level = Level.learn(windows, as_of=TODAY)
    assert (level.purchases, level.value, level.no_purchase, level.log_odds) == (1, 1, 0, 0)
    assert "No window has matured" in level.sentences()[0]


def test_a_window_in_which_nobody_bought_gives_a_level_all_the_same():
    nothing = replace(NEWEST, purchases=0.0, value=-5.0)
    level = Level.learn([nothing], as_of=TODAY)
    assert 0 < level.value < 1
    assert np.isfinite(level.no_purchase)


def test_a_stored_level_is_the_same():
    level = Level.learn([window(A_YEAR_AGO, 1.5), NEWEST], as_of=TODAY)
    assert Level.from_dict(json.loads(json.dumps(level.to_dict(), allow_nan=False))) == level


def test_the_shift_of_a_window_makes_the_expected_share_of_leavers_the_actual_one():
    p = np.random.default_rng(0).beta(0.5, 0.5, 2000)
    purchases = (np.arange(2000) < 1400).astype(float)
    found = Window.measure(
        TODAY,
        history_days=100,
        p_no_purchase=p,
        expected_purchases=1 - p,
        expected_value=30 * (1 - p),
        purchases=purchases,
        value=25 * purchases,
    )
    assert found.churned_share == 0.3
    assert expit(logit(p) + found.log_odds).mean() == pytest.approx(0.3)


def test_a_window_wants_one_value_per_customer():
    with pytest.raises(InputError, match="one value per customer"):
        Window.measure(
            TODAY,
            history_days=100,
            p_no_purchase=[0.5],
            expected_purchases=[1.0, 2.0],
            expected_value=[1.0],
            purchases=[1],
            value=[1.0],
        )
