"""Season and index: which window is believed how far, and what is said of it."""

import json
from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest
from scipy.special import expit, logit

from patron.errors import InputError
from patron.models.ensemble.season_share import SeasonShare
from patron.models.ensemble.seasonal_index import OutcomeWindow, SeasonalIndex

TODAY = date(2024, 10, 1)
A_YEAR_AGO = date(2023, 10, 2)


def window(as_of, ratio, *, history_days=730, purchases=5000, newest=False):
    return OutcomeWindow(
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
    index = SeasonalIndex.learn([window(A_YEAR_AGO, 1.5), NEWEST], as_of=TODAY)
    assert index.purchases == pytest.approx(1.5, rel=0.1)
    assert index.value == pytest.approx(1.5, rel=0.1)
    assert index.no_purchase < -0.3  # and fewer leave than the models say


def test_less_history_a_year_ago_counts_less():
    found = [
        SeasonalIndex.learn([window(A_YEAR_AGO, 1.5, history_days=days), NEWEST], as_of=TODAY).purchases
        for days in (0, 30, 180, 365, 900)
    ]
    assert found == sorted(found)
    assert found[0] < 1 < found[1]
    assert found[2] > 1.25
    assert found[3] == pytest.approx(found[4], rel=1e-3)  # a full year is enough


def test_few_purchases_move_little():
    many, few = (
        SeasonalIndex.learn([window(A_YEAR_AGO, 1.5, purchases=n)], as_of=TODAY).purchases for n in (5000, 20)
    )
    assert 1 < few < 1.2 < many


def test_without_an_earlier_year_the_newest_window_is_believed_by_half_and_that_is_said():
    index = SeasonalIndex.learn([NEWEST], as_of=TODAY)
    assert 0.92 < index.purchases < 0.96
    assert "the season is unknown" in index.sentences()[0]
    assert "0.90 times the purchases" in index.sentences()[1]


def test_what_models_miss_in_every_window_is_expected_to_be_missed_again():
    every = [replace(NEWEST, as_of=TODAY - timedelta(days=90 * k), newest=k == 1) for k in range(1, 4)]
    assert SeasonalIndex.learn(every, as_of=TODAY).purchases == pytest.approx(0.9, rel=0.04)


def test_seasons_that_even_out_are_not_taken_for_what_models_miss():
    ratios = [1.0, 2.0, 1.0, 0.5]
    windows = [
        window(TODAY - timedelta(days=90 * k), r, newest=k == 1) for k, r in enumerate(ratios, start=1)
    ]
    assert SeasonalIndex.learn(windows[:3], as_of=TODAY).purchases == pytest.approx(1.0, abs=0.05)


@pytest.mark.parametrize(("days", "same_season"), [(365, True), (360, True), (372, True), (330, False)])
def test_the_same_season_is_within_a_week_of_full_years(days, same_season):
    index = SeasonalIndex.learn([window(TODAY - timedelta(days=days), 2.0), NEWEST], as_of=TODAY)
    assert (index.purchases > 1.5) == same_season


def test_two_earlier_years_are_averaged():
    two_years_ago = window(date(2022, 10, 1), 1.2)
    index = SeasonalIndex.learn([window(A_YEAR_AGO, 1.6), two_years_ago], as_of=TODAY)
    assert 1.3 < index.purchases < 1.45


def test_a_window_of_the_future_has_no_influence():
    windows = [window(A_YEAR_AGO, 1.5), NEWEST]
    assert SeasonalIndex.learn([*windows, window(TODAY, 9.0)], as_of=TODAY) == SeasonalIndex.learn(
        windows, as_of=TODAY
    )


@pytest.mark.parametrize("windows", [[], [replace(NEWEST, expected_purchases=0.0, expected_value=0.0)]])
def test_where_nothing_has_matured_the_level_is_flat_and_that_is_said(windows):
    index = SeasonalIndex.learn(windows, as_of=TODAY)
    assert (index.purchases, index.value, index.no_purchase) == (1, 1, 0)
    assert "No window has a complete outcome yet" in index.sentences()[0]


def test_a_window_in_which_nobody_bought_gives_a_level_all_the_same():
    nothing = replace(NEWEST, purchases=0.0, value=-5.0)
    index = SeasonalIndex.learn([nothing], as_of=TODAY)
    assert 0 < index.value < 1
    assert np.isfinite(index.no_purchase)


def test_a_stored_index_is_the_same_and_holds_no_sentence():
    share = SeasonShare(horizon_days=90, shares=(0.3, 0.25))
    index = SeasonalIndex.learn([window(A_YEAR_AGO, 1.5), NEWEST], as_of=TODAY, share=share)
    stored = json.dumps(index.to_dict(), allow_nan=False)
    again = SeasonalIndex.from_dict(json.loads(stored))
    assert again == index
    assert again.sentences() == index.sentences()
    assert not any(sentence in stored for sentence in index.sentences())


def test_a_window_without_expected_money_has_no_ratio_of_value():
    index = SeasonalIndex.learn([replace(NEWEST, expected_value=0.0)], as_of=TODAY)
    assert index.windows[0].value is None
    assert "times the value" not in index.sentences()[1]


def test_the_shift_of_a_window_makes_the_expected_share_of_leavers_the_actual_one():
    p = np.random.default_rng(0).beta(0.5, 0.5, 2000)
    purchases = (np.arange(2000) < 1400).astype(float)
    found = OutcomeWindow.measure(
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
        OutcomeWindow.measure(
            TODAY,
            history_days=100,
            p_no_purchase=[0.5],
            expected_purchases=[1.0, 2.0],
            expected_value=[1.0],
            purchases=[1],
            value=[1.0],
        )
