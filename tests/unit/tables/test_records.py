"""Any tables of a business, checked row by row like the purchases."""

import pandas as pd
import pytest

from patron.errors import MissingColumnsError, SettingsError, TableError
from patron.tables.history import History
from patron.tables.records import Records

COSTS = pd.DataFrame({"month": ["2024-01-01"], "pool": ["calls"], "amount": [900.0], "kind": ["direct"]})


def test_a_score_outside_the_scale_of_its_question_is_rejected():
    answers = pd.DataFrame(
        {
            "customer_id": [1, 2, 3, 4],
            "answered_at": "2024-01-05",
            "kind": ["nps", "csat", "csat", "nps"],
            "score": [0, 5, 0, 11],
        }
    )
    records = Records.read(surveys=answers)
    assert sorted(records["surveys"].customer_id.to_pyarrow().to_pylist()) == [1, 2]
    assert records.rejected("surveys")[["customer_id", "rule"]].sort_values(
        "customer_id"
    ).to_numpy().tolist() == [
        [3, "score is outside the scale of csat, 1 to 5"],
        [4, "score is outside the scale of nps, 0 to 10"],
    ]


@pytest.mark.parametrize("treated", [[1, 0], [1.0, 0.0], ["1", "0"], [True, False]])
def test_a_contact_is_made_or_not_however_it_is_written(treated):
    contacts = pd.DataFrame({"customer_id": [1, 2], "contacted_at": "2024-01-05", "treated": treated})
    found = Records.read(contacts=contacts)["contacts"].order_by("customer_id").to_pyarrow()
    assert found["treated"].to_pylist() == [1.0, 0.0]


def test_a_half_treated_customer_is_rejected():
    contacts = pd.DataFrame({"customer_id": [1, 2], "contacted_at": "2024-01-05", "treated": [0.5, 1]})
    assert Records.read(contacts=contacts).rejected("contacts")["rule"].tolist() == [
        "treated is none of 0, 1"
    ]


def test_ids_have_one_type_in_all_tables_under_whatever_name():
    orders = pd.DataFrame({"customer_id": ["1", "2"], "order_at": "2024-01-05", "amount": 9.0})
    links = pd.DataFrame({"referrer_id": [1], "referred_id": [2], "referred_at": "2024-01-05"})
    records = Records.read(transactions=orders, referrals=links)
    assert records["referrals"].to_pyarrow()["referrer_id"].to_pylist() == ["1"]


def test_an_interaction_with_nobody_in_particular_is_kept():
    calls = pd.DataFrame({"customer_id": [1, None], "occurred_at": "2024-01-05", "touchpoint": "call"})
    records = Records.read(interactions=calls)
    assert records.report["interactions"].rows_kept == 2
    assert records.report["interactions"].customers == 1


def test_a_lead_cannot_be_won_before_it_is_known():
    leads = pd.DataFrame(
        {
            "lead_id": ["a", "b"],
            "created_at": "2024-02-01",
            "converted_at": ["2024-01-31", None],
            "size": [3, 4],
        }
    )
    records = Records.read(leads=leads)
    assert records.rejected("leads")["rule"].tolist() == ["converted_at is before created_at"]
    assert records["leads"].to_pyarrow()["size"].to_pylist() == [4]  # an attribute of the lead


def test_amounts_in_several_currencies_are_refused():
    costs = pd.concat(
        [COSTS.assign(currency="EUR"), COSTS.assign(currency="USD"), COSTS.assign(currency=None)]
    )
    with pytest.raises(
        TableError, match=r"table 'costs' has amounts in several currencies: EUR, USD\. Convert"
    ):
        Records.read(costs=costs)
    orders = pd.DataFrame(
        {"customer_id": [1, 2], "order_at": "2024-01-05", "amount": 9.0, "currency": ["a", "b"]}
    )
    with pytest.raises(TableError, match="table 'transactions' has amounts in several currencies"):
        History.read(orders)


def test_amounts_of_which_some_name_the_currency_are_in_that_one():
    costs = pd.concat([COSTS.assign(currency="EUR"), COSTS.assign(currency=None)])
    assert Records.read(costs=costs).report["costs"].rows_kept == 2


def test_a_table_that_there_is_none_of_is_refused():
    with pytest.raises(SettingsError, match=r"There is no table 'cost'; the tables are transactions"):
        Records.read(cost=COSTS)
    with pytest.raises(SettingsError, match=r"No table was given; give at least one of transactions"):
        Records.read(costs=None)


def test_a_column_that_must_be_there_is_named():
    with pytest.raises(MissingColumnsError, match=r"table 'costs' lacks \['pool'\]"):
        Records.read(costs=COSTS.drop(columns="pool"))
