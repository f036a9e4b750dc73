"""Tables that cannot be used at all: one clear error each."""

import numpy as np
import pandas as pd
import pytest

from patron.errors import MissingColumnsError, SettingsError, TableError
from patron.tables.history import History

LINES = pd.DataFrame(
    {"customer_id": ["Ann", "Bob"], "order_at": ["2024-01-05", "2024-01-06"], "amount": [20.0, 8.0]}
)


@pytest.mark.parametrize("table", ["transactions", "engagement", "customers"])
def test_a_table_without_rows_is_refused_by_name(table):
    empty = {
        "transactions": LINES[:0],
        "engagement": pd.DataFrame({"customer_id": [], "event_at": [], "kind": []}, dtype="str"),
        "customers": pd.DataFrame({"customer_id": []}, dtype="str"),
    }[table]
    with pytest.raises(TableError, match=f"table '{table}' is empty: it has columns but no row"):
        History.read(**{"transactions": LINES, table: empty})


def test_a_table_without_a_date_that_can_be_read_shows_what_it_has():
    with pytest.raises(TableError) as found:
        History.read(LINES.assign(order_at=["winter", "spring"]))
    assert "no valid row among 2: order_at is not a date (2 rows, such as 'spring', 'winter')" in str(
        found.value
    )


def test_a_table_without_a_day_of_the_past_shows_its_days_and_times_as_iso_text():
    times = pd.to_datetime(["2094-01-05 00:00", "2094-01-06 17:30"])
    with pytest.raises(TableError) as found:
        History.read(LINES.assign(order_at=times))
    assert "order_at is after today (2 rows, such as 2094-01-05, 2094-01-06T17:30:00)" in str(found.value)


def test_cells_that_are_shown_differ():
    with pytest.raises(TableError, match=r"amount is not a number \(4 rows, such as '€ 5', '€ 9'\)"):
        History.read(pd.concat([LINES, LINES]).assign(amount=["€ 9", "€ 5", "€ 9", "€ 5"]))


def test_one_row_is_one_row():
    with pytest.raises(TableError, match=r"order_at is not a date \(1 row, such as 'spring'\)"):
        History.read(LINES[:1].assign(order_at="spring"))


def test_a_table_whose_rows_break_several_rules_counts_each():
    lines = pd.concat([LINES.assign(amount=["1,5", "2,5"]), LINES.assign(amount="3", customer_id=None)])
    with pytest.raises(
        TableError,
        match=r"amount is not a number \(2 rows, such as '1,5', '2,5'\); customer_id is missing \(2 rows\)",
    ):
        History.read(lines)


def test_missing_columns_are_named_with_those_found():
    with pytest.raises(
        MissingColumnsError,
        match=r"table 'transactions' lacks \['amount'\]; it has \['customer_id', 'order_at'\]",
    ):
        History.read(LINES[["customer_id", "order_at"]])


@pytest.mark.parametrize(
    ("amount", "words"),
    [
        (0.0, "every amount is zero"),
        (-5.0, "no amount is positive, and negative amounts mean refunds"),
        ([0.0, -5.0], "no amount is positive, and negative amounts mean refunds"),
    ],
)
def test_amounts_that_are_never_positive_are_no_purchases(amount, words):
    with pytest.raises(TableError, match=f"table 'transactions' holds no purchase: {words}. Map the column"):
        History.read(LINES.assign(amount=amount))


def test_purchases_that_were_all_refunded_are_none():
    lines = pd.concat([LINES, LINES.assign(amount=-LINES.amount)])
    with pytest.raises(
        TableError, match="no customer has a day whose amounts are positive once refunds are netted"
    ):
        History.read(lines)


def test_customers_with_two_rows_are_named():
    customers = pd.DataFrame({"customer_id": ["Bob", "Ann", "Bob", "Ann", "Cem"], "city": list("abcde")})
    with pytest.raises(
        TableError, match="table 'customers' has more than one row for 2 of its customers: Ann, Bob"
    ):
        History.read(LINES, customers=customers)


def test_many_customers_with_two_rows_are_counted():
    customers = pd.DataFrame({"customer_id": [str(number) for number in range(1000)] * 2})
    with pytest.raises(TableError, match=r"for 1000 of its customers: 0, 1, 10, 100, 101, … \(1000 in all\)"):
        History.read(LINES, customers=customers)


def test_customers_with_two_like_rows_are_refused_unless_duplicates_are_rejected():
    customers = pd.DataFrame({"customer_id": ["Ann", "Ann"], "age": [30, 30]})
    with pytest.raises(TableError, match="more than one row for 1 of its customers: Ann"):
        History.read(LINES, customers=customers)
    assert History.read(LINES, customers=customers, duplicates="reject").report["customers"].rows_kept == 1


@pytest.mark.parametrize("setting", ["columns", "time_zones"])
def test_settings_for_a_table_that_does_not_exist_are_refused(setting):
    with pytest.raises(
        SettingsError, match=f"{setting} names the table 'orders'; the tables are transactions, engagement"
    ):
        History.read(LINES, **{setting: {"orders": {}}})


def test_a_mapping_of_a_column_that_does_not_exist_is_refused():
    with pytest.raises(
        SettingsError, match=r"columns maps transactions.price, which is not a column of patron. The columns"
    ):
        History.read(LINES, columns={"transactions": {"price": "amount"}})


def test_an_attribute_of_customers_may_be_mapped():
    customers = pd.DataFrame({"customer_id": ["Ann"], "Stadt": ["Kiel"], "Alter": [np.nan]})
    history = History.read(LINES, customers=customers, columns={"customers": {"city": "Stadt"}})
    assert history.customers.columns == ("customer_id", "Alter", "city")
