"""One bundle of all that is known: the same for one customer as for the batch, and honest where it cannot."""

import warnings
from datetime import timedelta

import pandas as pd
import pytest

import patron
from patron.errors import PatronWarning
from patron.features.assemble import assemble_features
from patron.models.bundle.bundle import Bundle
from patron.models.bundle.prediction import predict_rows
from patron.snapshots.spine import make_spine
from patron.tables.history import History
from patron.training.fit_bundle import fit_bundle
from patron.training.plan import TrainingPlan

PLAN = TrainingPlan(horizon_days=60, inference="map")


@pytest.fixture(scope="module")
def known():
    shop = patron.simulate(n_customers=1600, days=400, seed=4)
    return History.read(shop.transactions, shop.engagement, shop.customers)


@pytest.fixture(scope="module")
def fitted(known):
    return fit_bundle(known, PLAN)


@pytest.fixture(scope="module")
def customers(known, fitted):
    spine = make_spine(known, known.known_until)
    return assemble_features(known, spine, fitted.catalogue).order_by("customer_id").to_pandas()


def test_one_customer_alone_gets_what_the_batch_of_the_day_gave(fitted, customers):
    together = predict_rows(fitted, customers)
    assert len(customers) >= 1000  # so that the batch has ranks of its own
    for place in (0, 500, 999):
        alone = predict_rows(fitted, customers.iloc[[place]])
        pd.testing.assert_frame_equal(
            alone, together.iloc[[place]].reset_index(drop=True), check_exact=False, rtol=1e-9
        )


def test_what_was_saved_predicts_the_same(fitted, customers, tmp_path):
    loaded = Bundle.load(fitted.save(tmp_path / "model"))
    pd.testing.assert_frame_equal(
        predict_rows(loaded, customers), predict_rows(fitted, customers), check_exact=True
    )


def test_a_fit_knows_nothing_of_what_came_later(known):
    day = known.known_until - timedelta(days=90)
    shop = patron.simulate(n_customers=1600, days=400, seed=4)
    early = shop.transactions[shop.transactions["order_at"] < pd.Timestamp(day) + pd.Timedelta(days=1)]
    seen_less = History.read(early).until(day)
    seen_all = History.read(shop.transactions).until(day)
    one, other = (fit_bundle(history, PLAN) for history in (seen_less, seen_all))
    assert one.churn.to_parts() == other.churn.to_parts()
    assert (one.season, one.churn_blend, one.stacking) == (other.season, other.churn_blend, other.stacking)


def test_a_short_history_is_answered_by_the_purchase_model_alone_and_says_so(known):
    early = known.until(known.first_day + timedelta(days=120))
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("ignore")
        warnings.simplefilter("always", PatronWarning)
        bundle = fit_bundle(early, PLAN)
    assert any("There is no churn classifier" in str(warning.message) for warning in warned)
    spine = make_spine(early, early.known_until)
    predicted = predict_rows(bundle, assemble_features(early, spine, bundle.catalogue).to_pandas())
    assert (predicted["churn_probability"] == predicted["p_no_purchase"]).all()


def test_value_over_a_longer_horizon_is_never_less(fitted, customers):
    predicted = predict_rows(fitted, customers)
    assert (predicted["growth_potential"] >= predicted["expected_value"] - 1e-6).all()
    assert (predicted["expected_value_low"] <= predicted["expected_value_high"]).all()


def test_reasons_have_words_for_ranks_and_expectations_too(fitted, customers):
    card = patron.make_scorecard(customers.head(200), fitted)
    said = pd.concat([card[f"reason_{place}"] for place in (1, 2, 3)]).dropna()
    assert said.str.endswith("risk)").any()
    assert not said.str.contains("_pct|unknown unknown|nan").any()
