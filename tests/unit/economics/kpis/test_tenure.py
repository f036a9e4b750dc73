"""Kaplan-Meier against the textbook, against the truth, and against the biased mean of completed tenures."""

import numpy as np
import pytest

from patron.economics.kpis.tenure import kaplan_meier, tenure_estimates


def test_the_remission_times_of_the_textbook():
    # Freireich et al. (1963), 6-MP group, in Klein & Moeschberger (2003), table 4.1: median 23
    weeks = [6, 6, 6, 6, 7, 9, 10, 10, 11, 13, 16, 17, 19, 20, 22, 23, 25, 32, 32, 34, 35]
    still = {3, 5, 7, 8, 11, 12, 13, 16, 17, 18, 19, 20}  # places of those still in remission
    left = [place not in still for place in range(21)]
    found = kaplan_meier(weeks, left)
    assert found.times.tolist() == [6, 7, 10, 13, 16, 22, 23]
    assert found.share.round(3).tolist() == [0.857, 0.807, 0.753, 0.690, 0.627, 0.538, 0.448]
    errors = found.share * np.sqrt(found.spread)
    assert errors.round(3).tolist() == [0.076, 0.087, 0.096, 0.107, 0.114, 0.128, 0.135]
    assert tenure_estimates(found)["tenure_median_days"].value == 23


def test_completed_tenures_alone_are_biased_and_kaplan_meier_is_not():
    chance = np.random.default_rng(0)
    tenure, watched = chance.exponential(400, 20_000), chance.uniform(0, 1000, 20_000)
    left = tenure <= watched
    found = tenure_estimates(kaplan_meier(np.minimum(tenure, watched), left))
    median = found["tenure_median_days"]
    assert median.low < 400 * np.log(2) < median.high
    assert np.median(tenure[left]) < 0.75 * 400 * np.log(2)


def test_the_interval_of_the_median_holds_it():
    chance, held = np.random.default_rng(1), 0
    for _ in range(400):
        tenure, watched = chance.exponential(100, 80), chance.uniform(50, 400, 80)
        found = tenure_estimates(kaplan_meier(np.minimum(tenure, watched), tenure <= watched))
        median = found["tenure_median_days"]
        held += median.low <= 100 * np.log(2) <= (median.high or np.inf)
    assert held / 400 == pytest.approx(0.95, abs=0.03)


def test_where_most_are_still_there_the_median_is_unknown_and_says_so():
    found = tenure_estimates(kaplan_meier([10, 50, 50, 50], [True, False, False, False]))
    assert found["tenure_median_days"].value is None
    assert found["tenure_median_days"].reason == (
        "fewer than half have left: 75% stay longer than any tenure observed"
    )
    assert found["tenure_mean_days"].value == pytest.approx(10 + 40 * 0.75)


def test_rows_that_stand_for_many_count_as_many():
    once = kaplan_meier([5, 5, 9, 9, 9], [True, True, False, False, True])
    weighted = kaplan_meier([5, 9, 9], [True, False, True], [2, 2, 1])
    assert once.share.tolist() == weighted.share.tolist()
    assert once.spread == pytest.approx(weighted.spread)


def test_the_median_is_the_first_time_by_which_half_have_left():
    medians = [tenure_estimates(kaplan_meier(np.arange(n), np.ones(n, bool))) for n in range(2, 60, 2)]
    assert [found["tenure_median_days"].value for found in medians] == [n / 2 - 1 for n in range(2, 60, 2)]


def test_nobody_watched_has_no_tenure():
    assert tenure_estimates(kaplan_meier([], []))["tenure_mean_days"].value is None
