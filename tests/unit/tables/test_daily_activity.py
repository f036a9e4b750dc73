"""One row per customer and day: the sums of the lines of that day."""

import pandas as pd
import pytest

from patron.tables.history import History

LINES = pd.DataFrame(
    [
        # customer, time, order, amount, quantity, discount, cost
        ("Ann", "2024-01-05 09:00", "a1", 20.00, 2, 1.0, 10.0),
        ("Ann", "2024-01-05 09:00", "a1", 0.10, 1, None, 0.05),
        ("Ann", "2024-01-05 18:00", "a2", 0.20, 1, None, 0.05),
        ("Ann", "2024-01-05 23:59", "r1", -5.00, -1, None, -2.5),
        ("Ann", "2024-01-06 00:00", "a3", 8.00, 1, None, None),
        ("Bob", "2024-01-05 10:00", "b1", 5.00, 1, None, 2.5),
        ("Bob", "2024-01-05 11:00", "r2", -5.00, -1, None, -2.5),
        ("Cem", "2024-01-05 10:00", None, 1.00, 1, None, 0.0),
        ("Cem", "2024-01-05 11:00", None, 1.00, 1, None, 0.0),
        ("Dan", "2024-01-05 10:00", "d1", 0.00, 1, None, 0.0),
    ],
    columns=["customer_id", "order_at", "order_id", "amount", "quantity", "discount", "cost"],
)


@pytest.fixture(scope="module")
def days() -> pd.DataFrame:
    return (
        History.read(LINES).days.order_by("customer_id", "day").to_pandas().set_index(["customer_id", "day"])
    )


def test_there_is_one_row_per_customer_and_day(days):
    assert [(who, str(day.date())) for who, day in days.index] == [
        ("Ann", "2024-01-05"),
        ("Ann", "2024-01-06"),
        ("Bob", "2024-01-05"),
        ("Cem", "2024-01-05"),
        ("Dan", "2024-01-05"),
    ]


def test_amounts_are_summed_exactly_and_refunds_are_netted(days):
    assert days.net_amount.tolist() == [15.3, 8.0, 0.0, 2.0, 0.0]  # 20 + 0.1 + 0.2 - 5
    assert days.refund_amount.tolist() == [5.0, 0.0, 5.0, 0.0, 0.0]
    assert days.refunds.tolist() == [1, 0, 1, 0, 0]


def test_a_day_whose_net_is_not_positive_is_no_purchase(days):
    assert days.is_purchase.tolist() == [True, True, False, True, False]


def test_orders_are_distinct_and_refunds_are_none(days):
    # Ann a1, a2; a3. Bob b1. Cem's lines name no order: one. Dan's free order.
    assert days.orders.tolist() == [2, 1, 1, 1, 1]
    assert days.lines.tolist() == [4, 1, 2, 2, 1]


def test_quantity_discount_and_cost_are_summed_and_gaps_count_as_nothing(days):
    assert days.quantity.tolist() == [3, 1, 0, 2, 1]
    assert days.discount.tolist() == [1, 0, 0, 0, 0]
    assert days.cost.tolist() == [7.6, 0, 0, 0, 0]


def test_without_an_order_id_every_line_that_is_no_refund_is_an_order():
    history = History.read(LINES[["customer_id", "order_at", "amount"]])
    assert history.days.order_by("customer_id", "day").orders.to_pandas().tolist() == [3, 1, 1, 2, 1]
    assert history.days.columns == (
        "customer_id",
        "day",
        "net_amount",
        "orders",
        "lines",
        "refunds",
        "refund_amount",
        "is_purchase",
    )


def test_types_are_the_same_on_every_engine(days):
    assert days[["orders", "lines", "refunds"]].dtypes.astype(str).unique().tolist() == ["int64"]
    sums = ["net_amount", "refund_amount", "quantity", "discount", "cost"]
    assert days[sums].dtypes.astype(str).unique().tolist() == ["float64"]
    assert days.is_purchase.dtype == bool
