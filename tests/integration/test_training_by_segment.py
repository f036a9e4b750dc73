"""Adaptive windows by segment, from the settings to what is predicted."""

import pytest

from patron.datasets.simulate import simulate
from patron.errors import SettingsError
from patron.features.assemble import assemble_features
from patron.models.bundle.prediction import predict_rows
from patron.progress import silent
from patron.settings import Settings
from patron.settings.inputs import known_history, read_history
from patron.settings.training_plan import training_plan
from patron.snapshots.spine import make_spine
from patron.training.fit_bundle import fit_bundle

SHOP = simulate(n_customers=150, days=420, seed=8, purchases_only=True)
FEW = {"max_snapshots": 3}
BY_CHANNEL = {"churn_window": "adaptive", "churn_segment": "channel", "horizon_days": 60, "train": FEW}


@pytest.mark.filterwarnings("ignore::patron.errors.PatronWarning")
def test_a_model_of_windows_by_segment_predicts_for_a_segment_that_is_new():
    tables = {"transactions": SHOP.transactions, "customers": SHOP.customers}
    settings = Settings(tables=tables, **BY_CHANNEL, inference="map")
    bundle = fit_bundle(read_history(settings), training_plan(settings))
    assert (bundle.catalogue.churn_window, bundle.catalogue.churn_segment) == ("adaptive", "channel")
    elsewhere = tables | {"customers": SHOP.customers.assign(channel="fair")}
    known = read_history(Settings(tables=elsewhere, **BY_CHANNEL))
    rows = assemble_features(known, make_spine(known, known.known_until), bundle.catalogue).to_pandas()
    assert predict_rows(bundle, rows).churn_probability.between(0, 1).all()


def test_training_by_a_column_that_is_not_there_is_refused():
    tables = {"transactions": SHOP.transactions, "customers": SHOP.customers}
    wrong = Settings(tables=tables, **(BY_CHANNEL | {"churn_segment": "shop"}))
    with pytest.raises(SettingsError, match="churn_segment 'shop' is not a column of the table 'customers'"):
        fit_bundle(read_history(wrong), training_plan(wrong))


def test_a_history_that_is_read_already_takes_the_segments_of_the_settings():
    settings = Settings(tables={"transactions": SHOP.transactions}, churn_segment="channel")
    history = read_history(Settings(tables={"transactions": SHOP.transactions}))
    assert history.churn.segment is None
    assert known_history(settings, history, silent).churn.segment == "channel"
