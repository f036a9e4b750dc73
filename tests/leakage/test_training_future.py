"""Training uses nothing after as_of, neither for features nor for labels."""

from datetime import timedelta

import pandas as pd
import pytest

from patron.datasets.simulate import simulate
from patron.settings import Settings
from patron.workflows.score import score
from patron.workflows.train import TrainResult, train

SHOP = simulate(n_customers=250, days=560, seed=4)
AS_OF = SHOP.as_of - timedelta(days=140)
NIGHT = pd.Timestamp(AS_OF) + timedelta(days=1)  # the first moment that is not known on as_of
PROVENANCE = ["model_version", "scored_at"]

type Tables = dict[str, pd.DataFrame]


def whole() -> Tables:
    assert SHOP.engagement is not None
    return {"transactions": SHOP.transactions, "engagement": SHOP.engagement, "customers": SHOP.customers}


def without_the_future() -> Tables:
    times = {"transactions": "order_at", "engagement": "event_at", "customers": "acquired_at"}
    return {name: table[table[times[name]] < NIGHT] for name, table in whole().items()}


def with_another_future() -> Tables:
    """After as_of everybody buys and clicks every week, in another order of rows, and strangers come."""
    tables = without_the_future()
    days = [NIGHT + timedelta(days=day) for day in range(0, 140, 7)]
    ids = [*tables["customers"]["customer_id"], 10_001, 10_002]
    later = pd.MultiIndex.from_product([ids, days], names=["customer_id", "order_at"]).to_frame(index=False)
    orders = later.assign(order_id=10_000_000 + later.index, category="gold", amount=5000.0, cost=0.01)
    clicks = later.rename(columns={"order_at": "event_at"}).assign(kind="called", channel="telephone")
    return {
        "transactions": pd.concat([orders, tables["transactions"]], ignore_index=True),
        "engagement": pd.concat([clicks, tables["engagement"]], ignore_index=True),
        "customers": tables["customers"],
    }


def trained_on(tables: Tables) -> TrainResult:
    return train(_settings(tables))


def scores_of(trained: TrainResult, tables: Tables) -> pd.DataFrame:
    return score(_settings(tables), model=trained.model_uri).scorecard.drop(columns=PROVENANCE)


def _settings(tables: Tables) -> Settings:
    return Settings(tables=tables, as_of=AS_OF, horizon_days=45, inference="map")


@pytest.fixture(scope="module")
def past() -> tuple[TrainResult, pd.DataFrame]:
    """A training on the tables as they were on as_of, and its scores."""
    trained = trained_on(without_the_future())
    return trained, scores_of(trained, without_the_future())


def test_the_day_itself_belongs_to_the_past():
    days = without_the_future()["transactions"]["order_at"].dt.date
    assert days.max() == AS_OF
    assert SHOP.transactions["order_at"].dt.date.max() > AS_OF


@pytest.mark.parametrize("tables", [whole, with_another_future])
def test_what_happens_after_as_of_changes_no_score(past, tables):
    _, scores = past
    pd.testing.assert_frame_equal(scores_of(trained_on(tables()), tables()), scores, check_exact=True)


def test_what_happens_after_as_of_changes_no_metric_and_no_part_of_the_model(past):
    trained, _ = past
    other = trained_on(with_another_future())
    assert other.metrics == trained.metrics
    ours, theirs = trained.outcome.bundle, other.outcome.bundle
    assert theirs.churn.to_parts() == ours.churn.to_parts()
    assert theirs.value.purchases.params_ == ours.value.purchases.params_
    assert theirs.value.spend.params_ == ours.value.spend.params_
    assert theirs.tiers == ours.tiers
    assert theirs.catalogue == ours.catalogue


def test_the_model_that_is_tested_knew_nothing_of_the_horizon_on_which_it_is_tested(past):
    outcome = past[0].outcome
    assert outcome.evaluation.as_of + timedelta(days=45) == AS_OF
    assert outcome.evaluation.bundle.as_of == outcome.evaluation.as_of
