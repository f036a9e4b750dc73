"""What happens after as_of changes no feature: not by a digit, and not by a column or a row."""

from datetime import date, timedelta
from typing import Any

import pandas as pd
import pytest

from patron.datasets.simulate import simulate
from patron.features.assemble import assemble_features, discover_catalogue
from patron.snapshots.spine import make_spine
from patron.tables.history import History

AS_OF = date(2024, 1, 31)
MIDNIGHT = pd.Timestamp(AS_OF) + timedelta(days=1)  # the first moment that is not known
LAST_SECOND = MIDNIGHT - timedelta(seconds=1)


@pytest.fixture(scope="module")
def business():
    """Transactions, engagement and customers of 500 days, of which as_of is the 396th."""
    whole = simulate(n_customers=200, days=500, seed=5)
    return (
        with_rows(whole.transactions, order_at=LAST_SECOND, customer_id=1),
        whole.engagement,
        whole.customers,
    )


@pytest.fixture(scope="module")
def known(business):
    """The features on as_of, built from tables that end with it."""
    transactions, engagement, customers = business
    return features(
        transactions[transactions.order_at < MIDNIGHT],
        engagement[engagement.event_at < MIDNIGHT],
        customers[customers.acquired_at < MIDNIGHT],
    )


def features(*tables: pd.DataFrame) -> pd.DataFrame:
    return features_of(History.read(*tables))


def features_of(history: History) -> pd.DataFrame:
    catalogue = discover_catalogue(history, AS_OF)
    table = assemble_features(history, make_spine(history, AS_OF), catalogue)
    return table.to_pyarrow().to_pandas().sort_values("customer_id", ignore_index=True)


def with_rows(table: pd.DataFrame, **cells: Any) -> pd.DataFrame:
    """The table and rows like its first one but for these cells, some before the others and some after."""
    rows = pd.DataFrame(
        cells, index=range(max(len(cell) if isinstance(cell, list) else 1 for cell in cells.values()))
    )
    for column in table.columns.difference(rows.columns):
        rows[column] = table[column].iloc[0]
    rows = rows[table.columns].astype(table.dtypes)
    return pd.concat([rows[::2], table, rows[1::2]], ignore_index=True)


def assert_same(found: pd.DataFrame, expected: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(found, expected, check_exact=True)


def test_the_future_changes_no_feature(business, known):
    assert_same(features(*business), known)


def test_an_order_booked_ahead_and_a_refund_at_midnight_change_no_feature(business, known):
    transactions, engagement, customers = business
    for moment, amount in ((pd.Timestamp("2025-12-24"), 1e6), (MIDNIGHT, -1e6)):
        everybody = transactions.customer_id.unique().tolist()
        transactions = with_rows(transactions, customer_id=everybody, order_at=moment, amount=amount)
    assert_same(features(transactions, engagement, customers), known)


def test_lines_and_events_loaded_late_and_out_of_order_change_no_feature(business, known):
    transactions, engagement, customers = business
    assert_same(
        features(
            transactions.sample(frac=1, random_state=1), engagement.sample(frac=1, random_state=2), customers
        ),
        known,
    )


def test_a_kind_of_event_of_the_future_adds_no_column(business, known):
    transactions, engagement, customers = business
    engagement = with_rows(
        engagement, customer_id=[1, 2, 3] * 2000, event_at=MIDNIGHT, kind="a_kind_of_the_future"
    )
    assert_same(features(transactions, engagement, customers), known)


def test_a_customer_of_the_future_adds_no_row_and_no_category(business, known):
    transactions, engagement, customers = business
    newcomers = [10**6 + number for number in range(2000)]
    transactions = with_rows(transactions, customer_id=newcomers, order_at=MIDNIGHT)
    regions = [f"region {number}" for number in newcomers]
    customers = with_rows(customers, customer_id=newcomers, acquired_at=MIDNIGHT, region=regions)
    assert_same(features(transactions, engagement, customers), known)


def test_features_of_a_history_until_as_of_are_those_of_the_whole(business, known):
    assert_same(features_of(History.read(*business).until(AS_OF)), known)


def test_one_more_line_in_the_last_second_of_as_of_does_change_a_feature(business, known):
    transactions, engagement, customers = business
    transactions = with_rows(transactions, customer_id=2, order_at=LAST_SECOND, amount=1.0)
    assert not features(transactions, engagement, customers).equals(known)
