"""Percentiles: read off a grid that a single row and a whole batch share."""

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from patron.errors import InputError, SettingsError, TableError
from patron.models.churn.percentile_ranks import ENOUGH_FOR_RANKS, MOST_POINTS, Percentiles

NUMBERS = st.lists(st.floats(-1e6, 1e6, width=32) | st.none(), min_size=1, max_size=60)


def spend_of(values):
    return pd.DataFrame({"spend": pd.Series(values, dtype=float)})


def many(n_customers=5000, seed=0):
    rng = np.random.default_rng(seed)
    spend = np.where(rng.random(n_customers) < 0.4, 0.0, rng.gamma(2, 20, n_customers).round(2))
    return pd.DataFrame({"spend": spend, "orders": rng.poisson(2, n_customers)})


@given(NUMBERS)
def test_few_numbers_get_their_mid_rank_and_the_missing_none(values):
    column = spend_of(values)
    known = column["spend"].dropna().to_numpy(dtype=np.float32)
    expected = [
        np.nan if np.isnan(v) else ((known < v).sum() + (known <= v).sum()) / 2 / known.size
        for v in column["spend"].to_numpy(dtype=np.float32)
    ]
    np.testing.assert_allclose(Percentiles.learn(column).place(column)["spend_pct"], expected, atol=1e-6)


@given(NUMBERS, st.floats(-1e7, 1e7), st.floats(-1e7, 1e7))
def test_more_is_never_ranked_lower(values, one, other):
    placed = Percentiles.learn(spend_of(values)).place(spend_of(sorted([one, other])))["spend_pct"]
    assert placed.isna().all() or 0 <= placed[0] <= placed[1] <= 1


def test_a_row_alone_gets_the_percentile_that_it_gets_in_the_batch_of_the_day():
    batch = many()
    model = Percentiles.learn(batch)
    together = model.among(batch).place(batch)
    alone = pd.concat([model.among(batch.iloc[[i]]).place(batch.iloc[[i]]) for i in range(0, 5000, 499)])
    pd.testing.assert_frame_equal(alone, together.iloc[::499], check_exact=True)


def test_a_grid_of_many_numbers_is_small_and_hardly_off():
    batch = many(50_000)
    percentiles = Percentiles.learn(batch)
    assert max(len(grid[0]) for grid in percentiles.grids.values()) <= MOST_POINTS
    exact = (batch["spend"].rank(method="average") - 0.5) / len(batch)
    assert (percentiles.place(batch)["spend_pct"] - exact).abs().max() < 2 / MOST_POINTS


def test_the_ranks_of_another_season_are_the_same_where_all_bought_twice_as_much():
    spring = many()
    autumn = 2 * spring
    first, second = (Percentiles.learn(day).place(day) for day in (spring, autumn))
    pd.testing.assert_frame_equal(first, second)


def test_a_constant_is_in_the_middle_and_what_nobody_has_stays_missing():
    day = pd.DataFrame({"same": [3.0, 3.0, 3.0], "unknown": [np.nan] * 3})
    placed = Percentiles.learn(day).place(day)
    assert placed["same_pct"].tolist() == [0.5] * 3
    assert placed["unknown_pct"].isna().all()


def test_a_small_population_takes_the_grid_of_the_model_and_a_large_one_its_own():
    model, later = Percentiles.learn(many()), 3 * many(seed=1)
    assert model.among(later.head(ENOUGH_FOR_RANKS - 1)) is model
    assert model.among(later.head(ENOUGH_FOR_RANKS)) is not model
    assert model.among(later, "model") is model
    assert abs(model.among(later.head(20), "own").place(later.head(20))["spend_pct"].mean() - 0.5) < 1e-6


def test_what_was_stored_ranks_alike():
    batch = many().assign(unknown=np.nan)
    percentiles = Percentiles.learn(batch)
    arrays, meta = percentiles.to_arrays()
    again = Percentiles.from_arrays(arrays, json.loads(json.dumps(meta)))
    pd.testing.assert_frame_equal(again.place(batch), percentiles.place(batch), check_exact=True)


def test_text_and_categories_have_no_percentile():
    assert Percentiles.learn(pd.DataFrame({"plan": ["gold"], "x": [1], "new": [True]})).names == ("x",)


def test_what_cannot_be_ranked_is_named():
    model = Percentiles.learn(spend_of([1.0, 2.0]))
    with pytest.raises(TableError, match="lack 'spend'"):
        model.place(pd.DataFrame({"orders": [1]}))
    with pytest.raises(InputError, match="'spend' of the rows to be ranked is infinite"):
        model.place(spend_of([np.inf]))
    with pytest.raises(SettingsError, match="'auto', 'own' or 'model'"):
        model.among(spend_of([1.0]), "all")
