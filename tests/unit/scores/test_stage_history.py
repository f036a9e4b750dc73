"""The stage of a past day is what it would have been on that day."""

import pandas as pd
import pytest

import patron
from patron.datasets.world import World
from patron.scores.stage_history import median_dwell_time, transition_matrix
from patron.scores.stages_over_time import stages_over_time

DAYS = [day.date() for day in pd.date_range("2023-04-01", periods=8, freq="45D")]


@pytest.fixture(scope="module")
def history():
    shop = patron.simulate(300, days=420, seed=3, world=World(never_buy_share=0.2))
    return patron.History.read(shop.transactions, customers=shop.customers)


@pytest.fixture(scope="module")
def seen(history):
    return stages_over_time(history, DAYS)


def test_everybody_known_by_then_has_a_stage(seen, history):
    customers = history.customers.to_pandas()
    for day in (DAYS[0], DAYS[-1]):
        then = seen[seen["as_of"] == pd.Timestamp(day)]
        known = customers.loc[customers["acquired_at"].dt.date <= day, "customer_id"]
        assert sorted(then["customer_id"]) == sorted(known)
    never = seen.groupby("customer_id")["lifecycle_stage"].nunique()[lambda stages: stages.index > 300]
    assert (never == 1).all()  # who never buys stays in reach
    assert set(seen.loc[seen["customer_id"] > 300, "lifecycle_stage"]) == {"reach"}


def test_a_later_day_changes_no_earlier_stage(seen, history):
    day = DAYS[2]
    alone = stages_over_time(history.until(day), [day])
    then = seen[seen["as_of"] == pd.Timestamp(day)].reset_index(drop=True)
    pd.testing.assert_frame_equal(alone, then)


def test_transitions_follow_the_lifecycle(seen):
    matrix = transition_matrix(seen)
    assert matrix.dropna().sum(axis=1).to_numpy() == pytest.approx(1)
    assert matrix.loc["reach", "reach"] == 1
    assert matrix.loc["acquisition", "lost"] == 0  # nobody is lost in 45 days
    dwelt = median_dwell_time(seen)
    assert dwelt.loc["acquisition", "median_days"] >= 45
    assert dwelt.loc["reach", "ended"] == 0
