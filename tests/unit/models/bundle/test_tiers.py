"""Cut-offs of customer value that stay where they were when the model was trained."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from patron.errors import RangeError
from patron.models.bundle.tiers import Tiers

VALUES = st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=300)


def test_a_tenth_is_vip_and_four_tenths_are_medium():
    values = np.arange(1000.0)
    named, counts = np.unique(Tiers.from_values(values).tier(values), return_counts=True)
    assert dict(zip(named.tolist(), counts.tolist(), strict=True)) == {"vip": 100, "medium": 400, "low": 500}


def test_percentiles_reach_from_1_to_100():
    tiers = Tiers.from_values(np.arange(1000.0))
    assert tiers.percentile([-1e9, 0.0, 999.0, 1e9]).tolist() == [1, 1, 100, 100]


def test_equal_customers_are_all_low_rather_than_all_vip():
    assert set(Tiers.from_values([5.0] * 50).tier([5.0, 5.0])) == {"low"}


def test_an_unknown_value_has_no_tier_and_no_percentile():
    tiers = Tiers.from_values([1.0, 2.0, np.nan])
    assert tiers.tier([np.nan]).tolist() == [None]
    assert np.isnan(tiers.percentile([np.nan])).all()


@given(VALUES)
def test_no_more_than_a_tenth_of_the_training_is_vip(values):
    named = Tiers.from_values(values).tier(values)
    assert (named == "vip").sum() <= 0.1 * len(values) + 1
    assert (named == "low").sum() >= 0.5 * len(values) - 1


@given(VALUES, st.floats(-1e9, 1e9), st.floats(-1e9, 1e9))
def test_who_is_worth_more_never_stands_lower(values, one, other):
    low, high = Tiers.from_values(values).percentile(sorted([one, other]))
    assert 1 <= low <= high <= 100


@given(VALUES)
def test_the_tiers_say_the_same_as_the_percentiles(values):
    tiers = Tiers.from_values(values)
    percentile, named = tiers.percentile(values), tiers.tier(values)
    assert ((percentile > 90) == (named == "vip")).all()
    assert ((percentile <= 50) == (named == "low")).all()


def test_they_survive_json_to_the_last_digit():
    tiers = Tiers.from_values(np.random.default_rng(0).lognormal(3, 2, 500))
    assert Tiers.from_dict(json.loads(json.dumps(tiers.to_dict()))) == tiers


@pytest.mark.parametrize("values", [[], [np.nan, np.inf]])
def test_without_any_known_value_there_are_no_tiers(values):
    with pytest.raises(RangeError, match="no value is known"):
        Tiers.from_values(values)


@pytest.mark.parametrize("quantiles", [(1.0,), tuple(np.arange(99.0)[::-1]), (np.nan,) * 99])
def test_quantiles_that_cannot_be_are_refused(quantiles):
    with pytest.raises(RangeError, match="99 finite numbers that never fall"):
        Tiers(quantiles)


def test_the_shares_are_the_businesss_and_travel_along():
    tiers = Tiers.from_values(np.arange(1000.0), vip_share=0.05, medium_share=0.3)
    named, counts = np.unique(tiers.tier(np.arange(1000.0)), return_counts=True)
    assert dict(zip(named.tolist(), counts.tolist(), strict=True)) == {"vip": 50, "medium": 250, "low": 700}
    assert Tiers.from_dict(json.loads(json.dumps(tiers.to_dict()))) == tiers


@pytest.mark.parametrize(
    ("shares", "words"),
    [((10, 0.5), "Write 10 %"), ((0.125, 0.5), "whole percent"), ((0.6, 0.5), "must not exceed")],
)
def test_impossible_shares_are_refused(shares, words):
    with pytest.raises(RangeError, match=words):
        Tiers.from_values([1.0, 2.0], *shares)
