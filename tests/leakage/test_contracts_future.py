"""What becomes of contracts and of engagement after as_of changes no row, no feature and no label before."""

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from patron.datasets.simulate import simulate
from patron.features.assemble import assemble_features, discover_catalogue
from patron.snapshots.labels import make_labels
from patron.snapshots.spine import make_spine
from patron.tables.activity import ChurnDefinition
from patron.tables.history import History

AS_OF, TODAY, HORIZON = date(2024, 1, 31), date(2024, 12, 31), 60


@pytest.fixture(scope="module")
def contracts() -> pd.DataFrame:
    """Two contracts of each of 300 customers, from anywhere in two years; half of them have ended."""
    chance = np.random.default_rng(3)
    started = pd.Timestamp("2023-01-01") + pd.to_timedelta(chance.integers(0, 700, 600), unit="D")
    ended = started + pd.to_timedelta(chance.integers(1, 400, 600), unit="D")
    return pd.DataFrame(
        {
            "customer_id": np.tile(np.arange(300), 2),
            "started_at": started,
            "ended_at": ended.where(chance.random(600) < 0.5),
            "plan": chance.choice(["basic", "gold"], 600),
            "price": chance.integers(5, 20, 600) / 2,
            "period_days": 30.0,
            "renews_at": started + pd.Timedelta(days=300),
            "cancel_reason": "moved",
        }
    )


def rows(history: History) -> pd.DataFrame:
    spine = make_spine(history, AS_OF)
    table = assemble_features(history, spine, discover_catalogue(history, AS_OF))
    return table.to_pyarrow().to_pandas().sort_values("customer_id", ignore_index=True)


def labels(history: History) -> pd.DataFrame:
    day = AS_OF - timedelta(days=HORIZON)
    table = make_labels(history, make_spine(history, day), HORIZON)
    return table.to_pyarrow().to_pandas().sort_values("customer_id", ignore_index=True)


def assert_same(one: History, other: History) -> None:
    pd.testing.assert_frame_equal(rows(one), rows(other), check_exact=True)
    pd.testing.assert_frame_equal(labels(one), labels(other), check_exact=True)


def test_how_contracts_end_and_which_begin_after_as_of_changes_nothing(contracts):
    whole = History.read(subscriptions=contracts, today=TODAY)
    tomorrow = pd.Timestamp(AS_OF) + pd.Timedelta(days=1)
    later = contracts.ended_at.isna() | (contracts.ended_at >= tomorrow)
    all_end = contracts.assign(ended_at=contracts.ended_at.mask(later, tomorrow))
    all_end = all_end[all_end.started_at < tomorrow]
    nobody_leaves = contracts.assign(
        ended_at=contracts.ended_at.mask(later),
        cancel_reason=contracts.cancel_reason.mask(later),
        renews_at=contracts.renews_at + pd.Timedelta(days=30 * 7),
    )
    assert_same(whole, whole.until(AS_OF))
    assert_same(whole, History.read(subscriptions=all_end, today=TODAY))
    assert_same(whole, History.read(subscriptions=nobody_leaves, today=TODAY))


def test_a_contract_that_ends_on_as_of_does_change_something(contracts):
    whole = History.read(subscriptions=contracts, today=TODAY)
    ended = contracts.assign(
        ended_at=contracts.ended_at.mask(contracts.started_at < "2024-01-01", "2024-01-31")
    )
    assert len(rows(History.read(subscriptions=ended, today=TODAY))) < len(rows(whole))


@pytest.mark.parametrize("window", ["fixed", "adaptive"])
def test_engagement_after_as_of_changes_nothing(window):
    churn = ChurnDefinition(window=window)
    events = simulate(n_customers=150, days=500, seed=6).engagement
    whole = History.read(engagement=events, churn=churn)
    past = events[events.event_at < pd.Timestamp(AS_OF) + pd.Timedelta(days=1)]
    tomorrow = pd.Timestamp(AS_OF) + pd.Timedelta(days=1)
    flood = pd.DataFrame({"customer_id": range(1, 151), "event_at": tomorrow, "kind": "site_visited"})
    assert_same(whole, whole.until(AS_OF))
    assert_same(whole, History.read(engagement=pd.concat([past, flood]), churn=churn))
