from datetime import date

import ibis
import pandas as pd
import pytest

from patron.errors import InputError
from patron.features.assemble import assemble_features, discover_catalogue
from patron.features.catalogue import FeatureCatalogue, FeatureSpec
from patron.snapshots.spine import make_spine

LINES = [
    *[("often", f"2024-0{month}-15", 10.0) for month in range(1, 7)],
    ("once", "2024-05-01", 5.0),
    ("returned", "2024-05-01", 5.0),
    ("returned", "2024-05-02", -5.0),
    ("never", "2024-05-01", -1.0),
    ("later", "2024-06-30", 8.0),
]
EVENTS = [
    ("often", "2024-06-01", "visit"),
    ("stranger", "2024-06-01", "visit"),
    ("never", "2024-06-01", "visit"),
]
CUSTOMERS = {"customer_id": ["often", "stranger"], "town": ["Yazd", "Qom"]}

REQUIRED = [
    "frequency", "recency", "T", "monetary_value", "days_since_last",
    *[f"{measure}_{w}d" for measure in ("orders", "net_spend", "active_days") for w in (7, 30, 90, 180, 365)],
    *[f"{measure}_trend_{w}d" for measure in ("orders", "net_spend") for w in (30, 90, 180)],
    "gap_mean", "gap_std", "gap_median", "gap_max", "overdue_ratio", "first_order_value", "last_order_value",
    "refunds_total", "refund_amount_total", "refund_share", "net_spend_total", "cost_total",
    "acquisition_cost", "engagement_visit_30d", "days_since_visit", "response_rate", "attribute_town",
]  # fmt: skip


@pytest.fixture
def history(history_of):
    return history_of(LINES, EVENTS, CUSTOMERS)


def test_rows_out_are_exactly_the_rows_of_the_spine(history):
    spine = make_spine(history, [date(2024, 5, 15), date(2024, 6, 30)])
    features = assemble_features(history, spine, discover_catalogue(history, date(2024, 6, 30)))
    keys = ["customer_id", "as_of"]
    pd.testing.assert_frame_equal(
        features.select(*keys).order_by(keys).to_pandas(), spine.order_by(keys).to_pandas()
    )
    assert features.count().to_pyarrow().as_py() == 3 + 4


def test_columns_are_the_keys_and_then_the_catalogue_in_its_order(history, as_of):
    catalogue = discover_catalogue(history, as_of)
    features = assemble_features(history, make_spine(history, as_of), catalogue)
    assert features.columns == ("customer_id", "as_of", *catalogue.names)
    assert set(REQUIRED) <= set(catalogue.names)
    types = features.schema()
    assert all(types[name].is_float64() for name in catalogue.numbers)
    assert all(types[name].is_string() for name in catalogue.categories)


def test_a_smaller_catalogue_gives_fewer_columns_in_its_own_order(history, as_of):
    catalogue = discover_catalogue(history, as_of)
    few = FeatureCatalogue(
        (catalogue["T"], catalogue["attribute_town"], catalogue["frequency"]), attributes=catalogue.attributes
    )
    features = assemble_features(history, make_spine(history, as_of), few)
    assert features.columns == ("customer_id", "as_of", "T", "attribute_town", "frequency")


def test_several_dates_give_the_same_rows_as_each_alone(history):
    days = [date(2024, 5, 15), date(2024, 6, 15), date(2024, 6, 30)]
    catalogue = discover_catalogue(history, days[-1])

    def build(dates):
        features = assemble_features(history, make_spine(history, dates), catalogue)
        return features.order_by(["as_of", "customer_id"]).to_pandas()

    pd.testing.assert_frame_equal(build(days), pd.concat([build(day) for day in days], ignore_index=True))


def test_a_row_of_somebody_who_never_bought_has_zeros_and_unknowns(history, as_of):
    spine = ibis.memtable({"customer_id": ["never", "nobody"], "as_of": [as_of, as_of]})
    features = assemble_features(history, spine, discover_catalogue(history, as_of)).to_pandas()
    assert features.frequency.tolist() == [0, 0]
    assert features.monetary_value.tolist() == [0, 0]
    assert (
        features[["recency", "T", "days_since_last", "gap_median", "first_order_value"]].isna().all(axis=None)
    )
    assert features.set_index("customer_id").refunds_total.to_dict() == {"never": 1, "nobody": 0}


def test_a_feature_that_is_not_computed_is_named(history, as_of):
    catalogue = FeatureCatalogue((FeatureSpec("zodiac", "stars", "sign", "category", "born under {value}"),))
    with pytest.raises(InputError, match="the catalogue names zodiac, which this version does not compute"):
        assemble_features(history, make_spine(history, as_of), catalogue)


def test_customer_ids_come_out_in_the_type_they_had(features_of):
    assert features_of([(7, "2024-06-30", 5.0)]).index.dtype == "int64"
    assert features_of([("هفت", "2024-06-30", 5.0)]).index.tolist() == ["هفت"]


def test_money_in_cents_changes_the_money_and_nothing_else(history_of, as_of):
    def build(factor):
        history = history_of([(customer, day, factor * amount) for customer, day, amount in LINES])
        catalogue = discover_catalogue(history, as_of)
        features = assemble_features(history, make_spine(history, as_of), catalogue)
        return catalogue, features.to_pyarrow().to_pandas().set_index("customer_id").sort_index()

    (catalogue, euros), (_, cents) = build(1), build(100)
    for spec in catalogue.specs:
        expected = euros[spec.name] * (100 if spec.unit == "money" else 1)
        pd.testing.assert_series_equal(cents[spec.name], expected)
