"""The share of a year's purchases that falls into the coming horizon."""

from datetime import date

import numpy as np
import pandas as pd

from patron.models.ensemble.season_share import SeasonShare


def test_each_full_year_has_its_share_the_newest_first():
    days = pd.date_range("2021-10-02", "2023-09-30")  # two full years and a day less than one
    in_season = (days.month >= 10) & (days.year == 2022)
    share = SeasonShare.learn(pd.Series(np.where(in_season, 3, 1), index=days), date(2023, 9, 30), 92)
    np.testing.assert_allclose(share.shares, [3 * 92 / (365 + 2 * 92)])
    assert "In 1 full year the 92 days" in share.sentence()
    assert "newest" not in share.sentence()
    two = SeasonShare(92, (0.4, 0.2)).sentence()
    assert two.startswith("In 2 full years the 92 days of the horizon had 1.59, 0.79 times")
    assert two.endswith("newest first.")


def test_without_a_full_year_there_is_no_share_and_that_is_said():
    days = pd.date_range("2023-01-01", "2023-09-30")
    share = SeasonShare.learn(pd.Series(1, index=days), date(2023, 9, 30), 92)
    assert share.shares == ()
    assert "No full year" in share.sentence()
