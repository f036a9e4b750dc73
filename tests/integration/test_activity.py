"""A model of an event log or of contracts, from training to the scorecard, and who may be scored by it."""

from datetime import timedelta

import numpy as np
import pandas as pd
import pytest

from patron.datasets.simulate import simulate
from patron.errors import SettingsError
from patron.features.assemble import assemble_features
from patron.models.bundle.prediction import predict_rows
from patron.settings import Settings
from patron.snapshots.spine import make_spine
from patron.tables.history import History
from patron.training.fit_bundle import fit_bundle
from patron.training.plan import TrainingPlan
from patron.workflows.score import score
from patron.workflows.train import train

pytestmark = pytest.mark.filterwarnings("ignore::patron.errors.PatronWarning")


@pytest.fixture(scope="module")
def events() -> pd.DataFrame:
    return simulate(n_customers=150, days=420, seed=8).engagement


@pytest.fixture(scope="module")
def by_log(events):
    settings = Settings(tables={"engagement": events}, horizon_days=90, inference="map")
    return settings, train(settings)


def test_an_event_log_alone_trains_and_scores_and_value_counts_active_days(by_log):
    settings, trained = by_log
    assert "Values are active days, because there are no transactions" in " ".join(trained.sentences())
    scored = score(settings, model=trained.model_uri)
    assert scored.title().endswith("probability of no event in 90 days × active days expected in 365 days")
    card = scored.scored
    assert card.churn_probability.between(0, 1).all()
    assert card.churn_probability.nunique() > 10
    assert np.corrcoef(card.expected_value, card.expected_purchases)[0, 1] > 0.9


def test_a_model_of_a_log_scores_logs_only(by_log, events):
    _, trained = by_log
    lines = pd.DataFrame({"customer_id": [1], "order_at": [events.event_at.max()], "amount": [5.0]})
    with pytest.raises(SettingsError, match="trained without transactions, and there are some given here"):
        score(Settings(tables={"engagement": events, "transactions": lines}), model=trained.model_uri)
    with pytest.raises(
        SettingsError, match="predicts the end of engagement, and activity asks for purchases"
    ):
        score(Settings(tables={"transactions": lines}, activity="purchases"), model=trained.model_uri)


def test_a_model_of_engagement_keeps_its_activity_when_it_scores():
    shop = simulate(n_customers=150, days=420, seed=8)
    tables = {"engagement": shop.engagement, "transactions": shop.transactions}
    trained = train(Settings(tables=tables, activity="engagement", horizon_days=90, inference="map"))
    scored = score(Settings(tables=tables), model=trained.model_uri)
    assert "no event" in scored.title()
    assert set(scored.scorecard.not_scored_reason.dropna()) <= {"no event on or before as_of"}


def test_contracts_train_and_score():
    shop = simulate(n_customers=200, days=420, seed=9)
    chance = np.random.default_rng(1)
    began = pd.to_datetime(shop.customers.acquired_at)
    ended = began + pd.to_timedelta(chance.integers(30, 500, len(began)), unit="D")
    last = pd.Timestamp(shop.as_of) + timedelta(days=1)
    contracts = pd.DataFrame(
        {
            "customer_id": shop.customers.customer_id,
            "started_at": began,
            "ended_at": ended.where(ended < last),
        }
    )
    tables = {"transactions": shop.transactions, "subscriptions": contracts}
    settings = Settings(tables=tables, horizon_days=90, inference="map")
    scored = score(settings, model=train(settings).model_uri)
    assert "probability of the end of the contract in 90 days" in scored.title()
    assert len(scored.scored) < len(scored.scorecard)
    assert set(scored.scorecard.not_scored_reason.dropna()) == {"no contract that runs on as_of"}


def test_days_without_an_event_say_nothing_of_the_end_of_a_contract():
    shop = simulate(n_customers=200, days=420, seed=9)
    chance = np.random.default_rng(1)
    began = pd.Timestamp(shop.as_of) - pd.to_timedelta(chance.integers(200, 400, 200), unit="D")
    ended = began + pd.to_timedelta(chance.exponential(900, 200).round() + 1, unit="D")
    contracts = pd.DataFrame(
        {
            "customer_id": shop.customers.customer_id,
            "started_at": began,
            "ended_at": ended.where(ended <= pd.Timestamp(shop.as_of)),
        }
    )
    known = History.read(None, shop.engagement, None, contracts)
    bundle = fit_bundle(known, TrainingPlan(horizon_days=60, inference="map"))
    customers = assemble_features(known, make_spine(known, known.known_until), bundle.catalogue)
    predicted = predict_rows(bundle, customers.to_pandas())
    assert bundle.churn_blend.prior_shift == 0
    assert predicted.churn_probability.mean() < 0.15 < predicted.p_no_purchase.mean()
