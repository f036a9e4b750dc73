from datetime import date
from uuid import UUID

import pandas as pd
import pytest

from patron.errors import PatronWarning, TableError
from patron.features.assemble import discover_catalogue

LINES = [(1, "2024-01-05", 20.0), (2, "2024-06-30", 5.0)]


def test_text_codes_and_truth_values_are_categories_and_measures_are_numbers(features_of):
    features = features_of(
        LINES,
        customers={"customer_id": [1, 2], "town": ["Yazd", None], "shop": [3, 4], "member": [True, False]}
        | {"income": [1.5, 2.5], "channel": ["web", "shop"]},
    )
    assert features.attribute_town.tolist()[0] == "Yazd"
    assert pd.isna(features.attribute_town[2])
    assert features.attribute_shop.tolist() == ["3", "4"]
    assert features.attribute_member.tolist() == ["true", "false"]
    assert features.attribute_income.tolist() == [1.5, 2.5]
    assert features.attribute_channel.tolist() == ["web", "shop"]


def test_a_code_is_the_same_category_with_and_without_gaps_in_its_column(history_of, features_of, as_of):
    whole = history_of(LINES, customers={"customer_id": [1, 2], "shop": [3, 4]})
    now = features_of(
        LINES,
        customers={"customer_id": [1, 2], "shop": [3.0, None]},
        catalogue=discover_catalogue(whole, as_of),
    )
    assert now.attribute_shop[1] == "3"
    assert pd.isna(now.attribute_shop[2])


def test_whole_numbers_with_many_values_are_numbers(features_of):
    lines = [(customer, "2024-06-30", 1.0) for customer in range(30)]
    features = features_of(lines, customers={"customer_id": range(30), "age": range(20, 50)})
    assert features.attribute_age.dtype == "float64"


def test_numbers_written_as_text_are_numbers_and_codes_with_leading_zeros_are_not(features_of):
    lines = [(customer, "2024-06-30", 1.0) for customer in range(30)]
    ages, towns = (
        [f"{20 + customer}.5" for customer in range(30)],
        [f"{customer:05}" for customer in range(30)],
    )
    features = features_of(lines, customers={"customer_id": range(30), "age": ages, "post_code": towns})
    assert features.attribute_age[3] == 23.5
    assert features.attribute_post_code[3] == "00003"


def test_a_code_is_the_same_category_as_number_and_as_text(history_of, features_of, as_of):
    then = discover_catalogue(history_of(LINES, customers={"customer_id": [1, 2], "shop": [3, 4]}), as_of)
    now = features_of(LINES, customers={"customer_id": [1, 2], "shop": ["3", "4.0"]}, catalogue=then)
    assert now.attribute_shop.tolist() == ["3", "4"]


def test_not_a_number_and_infinity_are_unknown(features_of):
    lines = [(customer, "2024-06-30", 1.0) for customer in range(4)]
    income = [1.5, float("nan"), float("inf"), 2.5]
    features = features_of(lines, customers={"customer_id": range(4), "income": income})
    assert features.attribute_income.isna().tolist() == [False, True, True, False]


def test_an_attribute_with_too_many_values_is_left_out_and_said(history_of, as_of):
    lines = [(customer, "2024-06-30", 1.0) for customer in range(1001)]
    customers = {"customer_id": range(1001), "name": [f"customer {customer}" for customer in range(1001)]}
    with pytest.warns(PatronWarning, match=r"customers\.name is left out .* 1001 different values"):
        catalogue = discover_catalogue(history_of(lines, customers=customers), as_of)
    assert catalogue.categories == ()


@pytest.mark.parametrize(("customers", "towns", "kept"), [(60, 60, False), (60, 30, True), (200, 100, True)])
def test_a_name_is_left_out_among_few_customers_too(history_of, as_of, customers, towns, kept, recwarn):
    lines = [(customer, "2024-06-30", 1.0) for customer in range(customers)]
    table = {"customer_id": range(customers), "town": [f"T{n % towns}" for n in range(customers)]}
    catalogue = discover_catalogue(history_of(lines, customers=table), as_of)
    said = [str(warning.message) for warning in recwarn if warning.category is PatronWarning]
    assert catalogue.categories == (("attribute_town",) if kept else ())
    assert any("60 different values in 60 rows identify customers" in text for text in said) == (not kept)


def test_an_attribute_without_a_value_and_one_of_another_type_are_left_out_and_said(history_of, as_of):
    customers = {
        "customer_id": [1, 2],
        "empty": pd.Series([None, None], dtype="string"),
        "born": [date(1990, 1, 1)] * 2,
    }
    with pytest.warns(PatronWarning) as said:
        catalogue = discover_catalogue(history_of(LINES, customers=customers), as_of)
    assert catalogue.attributes == ()
    sentences = " ".join(str(warning.message) for warning in said)
    assert "customers.empty is left out of the features: it has no value" in sentences
    assert "customers.born is left out of the features: a column of type date" in sentences


def test_a_customer_is_described_from_the_day_of_acquisition_on(features_of):
    features = features_of(
        [*LINES, (3, "2024-06-01", 5.0)],
        customers={"customer_id": [1, 2, 3], "acquired_at": ["2024-01-01", "2024-07-01", None]}
        | {"town": ["Yazd", "Qom", "Rasht"], "acquisition_cost": [7.5, 8.0, 9.0]},
    )
    assert features.days_since_acquired[1] == 181
    assert features.days_since_acquired[[2, 3]].isna().all()
    assert features.acquisition_cost.to_dict() == {1: 7.5, 2: 0.0, 3: 9.0}
    assert features.attribute_town[[1, 3]].tolist() == ["Yazd", "Rasht"]
    assert pd.isna(features.attribute_town[2])


def test_a_customer_who_is_not_in_the_table_has_unknown_attributes_and_no_cost(features_of):
    features = features_of(LINES, customers={"customer_id": [1], "town": ["Yazd"], "acquisition_cost": [7.5]})
    assert pd.isna(features.attribute_town[2])
    assert features.acquisition_cost[2] == 0.0


def test_an_attribute_that_is_missing_later_is_unknown_and_said(history_of, features_of, as_of):
    then = discover_catalogue(
        history_of(
            LINES,
            customers={"customer_id": [1, 2], "town": ["Yazd", "Qom"], "acquired_at": ["2024-01-01"] * 2},
        ),
        as_of,
    )
    with pytest.warns(PatronWarning, match="table 'customers' lacks town, acquired_at"):
        features = features_of(LINES, customers={"customer_id": [1, 2], "size": ["L", "M"]}, catalogue=then)
    assert features.attribute_town.isna().all()
    assert features.days_since_acquired.isna().all()


def test_a_number_that_became_text_is_refused(history_of, features_of, as_of):
    then = discover_catalogue(
        history_of(LINES, customers={"customer_id": [1, 2], "income": [1.5, 2.5]}), as_of
    )
    with pytest.raises(TableError, match=r"customers\.income held numbers .* none of its 2 values"):
        features_of(LINES, customers={"customer_id": [1, 2], "income": ["low", "high"]}, catalogue=then)


def test_a_text_among_numbers_is_unknown_and_said(history_of, features_of, as_of):
    customers = {"customer_id": [1, 2], "income": [1.5, 2.5]}
    then = discover_catalogue(history_of(LINES, customers=customers), as_of)
    with pytest.warns(PatronWarning, match=r"1 of 2 values of customers\.income are not numbers"):
        now = features_of(
            LINES, customers={"customer_id": [1, 2], "income": ["1.5", "secret"]}, catalogue=then
        )
    assert now.attribute_income.isna().tolist() == [False, True]


def test_attributes_may_bear_any_name(features_of):
    customers = {
        "customer_id": [1, 2],
        "day": ["a", "b"],
        "as_of": ["c", "d"],
        "شهر": ["یزد", "قم"],
        "Age Band": ["x", "y"],
    }
    features = features_of(LINES, customers=customers)
    assert features.attribute_day.tolist() == ["a", "b"]
    assert features.attribute_as_of.tolist() == ["c", "d"]
    assert features["attribute_شهر"].tolist() == ["یزد", "قم"]
    assert features.attribute_age_band.tolist() == ["x", "y"]


def test_ids_that_are_uuids_meet_their_attributes(features_of):
    who = UUID(int=7)
    features = features_of([(who, "2024-06-30", 5.0)], customers={"customer_id": [who], "town": ["Yazd"]})
    assert features.attribute_town.tolist() == ["Yazd"]
