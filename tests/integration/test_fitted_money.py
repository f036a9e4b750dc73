"""What a bundle expects in money: models and trees combined, at the level of the season that comes."""

import pytest

from patron.datasets.simulate import simulate
from patron.features.assemble import assemble_features
from patron.models.bundle.bundle import Bundle
from patron.models.bundle.prediction import predict_rows
from patron.snapshots.spine import make_spine
from patron.tables.history import History
from patron.training.fit_bundle import fit_bundle
from patron.training.plan import TrainingPlan


@pytest.fixture(scope="module")
def fitted():
    known = History.read(simulate(n_customers=500, days=480, seed=2, purchases_only=True).transactions)
    bundle = fit_bundle(known, TrainingPlan(horizon_days=60, margin=0.4, inference="map"))
    customers = assemble_features(known, make_spine(known, known.known_until), bundle.catalogue)
    return bundle, customers.order_by("customer_id").to_pandas()


def test_all_customers_add_up_to_what_the_models_expect_at_the_level_of_the_season(fitted):
    bundle, customers = fitted
    combined = predict_rows(bundle, customers)["expected_value"].sum()
    alone = bundle.value.predict(customers, bundle.horizon_days)["expected_value"].sum()
    assert combined == pytest.approx(bundle.season.value * alone, rel=1e-6)
    assert bundle.season.value != 1


def test_the_trees_of_money_have_a_say_that_is_told(fitted):
    bundle, _ = fitted
    assert 0 < bundle.stacking.tree_weight < 1
    assert f"{bundle.stacking.tree_weight:.0%} trees" in bundle.stacking.sentences()[0]


def test_the_share_of_a_year_stands_beside_the_level_as_a_check(fitted):
    bundle, _ = fitted
    assert bundle.season.sentences()[-1].startswith("In 1 full year the 60 days of the horizon had")


def test_a_stored_bundle_expects_the_same_money(fitted, tmp_path):
    bundle, customers = fitted
    columns = ["expected_value", "expected_value_low", "expected_value_high"]
    again = predict_rows(Bundle.load(bundle.save(tmp_path)), customers)[columns]
    assert again.equals(predict_rows(bundle, customers)[columns])


def test_intervals_hold_the_mean_or_start_at_nothing(fitted):
    bundle, customers = fitted
    found = predict_rows(bundle, customers)
    assert (found["expected_value_low"] <= found["expected_value_high"]).all()
    assert (found["expected_value_low"] <= found["expected_value"]).mean() > 0.99
