"""Frames of every kind, and ids of every type: they come back as they went in."""

import datetime
import uuid
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from patron.errors import SourceError, TableError
from patron.tables.history import History

DAYS = ["2024-01-05", "2024-01-06", "2024-02-05"]


def lines(**columns: Any) -> pd.DataFrame:
    given = {
        "customer_id": ["Ann", "Bob", "Ann"],
        "order_at": pd.to_datetime(DAYS),
        "amount": [20.0, 8.0, 30.0],
    }
    return pd.DataFrame({**given, **columns})


def ids(history: History) -> list[Any]:
    return sorted(set(history.days.customer_id.to_pandas()))


@pytest.mark.parametrize(
    "two",
    [
        (1, 2),
        (-1, 2**62),
        ("Ann", "Bob"),
        ("001", "1"),
        ("Ann ", "Ann"),
        ("سارا", "پویا"),
        ("O'Hara", 'the "first"'),
        (uuid.UUID(int=1), uuid.UUID(int=2)),
        (1.5, 2.0),
        (Decimal("1.50"), Decimal("2.00")),
    ],
)
def test_ids_come_back_as_they_went_in(two):
    first, second = two
    history = History.read(lines(customer_id=[first, second, first]))
    assert ids(history) == sorted(two)
    assert {type(one) for one in history.days.customer_id.to_pandas().tolist()} == {type(first)}


@pytest.mark.parametrize("dtype", ["int8", "int32", "uint64", "Int64", "int64[pyarrow]"])
def test_whole_numbers_of_every_width_are_ids(dtype):
    history = History.read(lines(customer_id=pd.array([1, 2, 1], dtype=dtype)))
    assert ids(history) == [1, 2]
    assert pd.api.types.is_integer_dtype(history.days.customer_id.to_pandas())


def test_whole_numbers_of_a_column_with_gaps_are_ids():
    history = History.read(lines(customer_id=pd.array([1, None, 1], dtype="Int64")))
    assert ids(history) == [1]
    assert history.report["transactions"].rejected == {"customer_id is missing": 1}


@pytest.mark.parametrize("dtype", ["object", "string", "category", "string[pyarrow]"])
def test_text_of_every_dtype_is_an_id(dtype):
    assert ids(History.read(lines(customer_id=pd.Series(["Ann", "Bob", "Ann"], dtype=dtype)))) == [
        "Ann",
        "Bob",
    ]


def test_categories_of_numbers_are_numbers():
    assert ids(History.read(lines(customer_id=pd.Categorical([7, 8, 7])))) == [7, 8]


def test_ids_of_several_types_are_refused():
    with pytest.raises(SourceError, match=r"ids in 'customer_id' are of several types \(int, str\)"):
        History.read(lines(customer_id=pd.Series(["Ann", 2, "Ann"], dtype=object)))


def test_ids_that_are_lists_are_refused():
    with pytest.raises(
        TableError, match=r"customer_id is of the type array<int64>, but must hold an integer"
    ):
        History.read(lines(customer_id=[[1], [2], [1]]))


@pytest.mark.parametrize("elsewhere", [["Ann", "Cleo"], pd.Categorical(["Ann", "Cleo"])])
def test_other_tables_take_the_type_of_the_transactions(elsewhere):
    history = History.read(lines(), customers=pd.DataFrame({"customer_id": elsewhere}))
    assert set(history.customers.customer_id.to_pandas()) == {"Ann", "Cleo"}


def test_ids_read_as_decimals_because_of_a_gap_become_the_integers_of_the_transactions():
    customers = pd.DataFrame({"customer_id": [1.0, 2.0, np.nan, 2.5]})
    history = History.read(lines(customer_id=[1, 2, 1]), customers=customers)
    assert history.customers.customer_id.to_pandas().sort_values().tolist() == [1, 2]
    assert history.report["customers"].rejected == {
        "customer_id is missing": 1,
        "customer_id is not of the type int64 as in transactions": 1,
    }


def test_text_that_is_no_integer_is_no_id_where_ids_are_integers():
    customers = pd.DataFrame({"customer_id": ["1", "2.5", "0x1", "Ann"]})
    history = History.read(lines(customer_id=[1, 2, 1]), customers=customers)
    assert history.customers.customer_id.to_pandas().tolist() == [1]
    assert history.report["customers"].rows_rejected == 3


@pytest.mark.parametrize(
    "amount",
    [
        [20, 8, 30],
        [Decimal("20.00"), Decimal("8.00"), Decimal("30.00")],
        pd.array([20, 8, 30], dtype="Int32"),
        pd.array([20.0, 8.0, 30.0], dtype="Float64"),
        pd.array([20.0, 8.0, 30.0], dtype="float32[pyarrow]"),
        pd.array(
            [Decimal("20.00"), Decimal("8.00"), Decimal("30.00")], dtype=pd.ArrowDtype(pa.decimal128(9, 2))
        ),
        ["20", " 8.00 ", "3e1"],
        pd.Categorical(["20", "8", "30"]),
        pd.Series(["20", 8, Decimal(30)], dtype=object),
    ],
)
def test_amounts_of_every_type_are_read(amount):
    history = History.read(lines(amount=amount))
    assert history.transactions.amount.type().is_float64()
    assert history.report["transactions"].total_amount == 58.0


def test_truth_values_are_no_amounts():
    with pytest.raises(TableError, match="amount is of the type boolean, but must hold numbers"):
        History.read(lines(amount=[True, False, True]))


@pytest.mark.parametrize(
    "order_at",
    [
        DAYS,
        pd.Categorical(DAYS),
        [datetime.date.fromisoformat(day) for day in DAYS],
        [datetime.datetime.fromisoformat(day) for day in DAYS],
        pd.to_datetime(DAYS).astype("datetime64[ns]"),
        pd.to_datetime(DAYS).astype("datetime64[s]"),
        pd.array([datetime.date.fromisoformat(day) for day in DAYS], dtype="date32[pyarrow]"),
        pd.to_datetime(DAYS).tz_localize("Asia/Tehran"),
        [int(day.replace("-", "")) for day in DAYS],
        pd.Series([DAYS[0], datetime.date.fromisoformat(DAYS[1]), pd.Timestamp(DAYS[2])], dtype=object),
    ],
)
def test_times_of_every_type_are_read(order_at):
    history = History.read(lines(order_at=order_at))
    assert sorted(history.days.day.to_pandas().dt.strftime("%Y-%m-%d")) == DAYS
    assert history.transactions.order_at.type().timezone is None


def test_fractions_are_no_times():
    with pytest.raises(TableError, match="order_at is of the type float64, but must hold dates or times"):
        History.read(lines(order_at=[1.5, 2.5, 3.5]))


@pytest.mark.parametrize(
    "convert",
    [
        pl.from_pandas,
        lambda frame: pl.from_pandas(frame).lazy(),
        pa.Table.from_pandas,
        lambda frame: frame.set_index("customer_id"),
    ],
    ids=["polars", "lazy polars", "arrow", "index"],
)
def test_frames_of_every_library_are_read(convert):
    assert History.read(convert(lines())).report["transactions"].total_amount == 58.0


def test_an_arrow_stream_is_read():
    table = pa.Table.from_pandas(lines())
    stream = pa.RecordBatchReader.from_batches(table.schema, table.to_batches())
    assert History.read(stream).report["transactions"].total_amount == 58.0


def test_a_frame_is_never_changed():
    frame = lines(order_at=DAYS)
    before = frame.copy()
    History.read(frame)
    pd.testing.assert_frame_equal(frame, before)


@pytest.mark.parametrize("source", [42, [1, 2], {"customer_id": [1]}])
def test_what_is_no_table_is_refused(source):
    with pytest.raises(
        SourceError, match=rf"table 'transactions' is a {type(source).__name__}, which cannot be read"
    ):
        History.read(source)


def test_two_columns_of_one_name_are_refused():
    frame = pd.concat([lines(), lines()[["amount"]]], axis=1)
    with pytest.raises(SourceError, match=r"has the columns \['amount'\] more than once"):
        History.read(frame)


@pytest.mark.parametrize("values", [[None, None, None], [np.nan] * 3, pd.array([None] * 3, dtype="string")])
def test_a_column_without_any_value_is_no_obstacle(values):
    history = History.read(lines(quantity=values, category=values, order_id=values))
    assert history.days.orders.to_pandas().tolist() == [1, 1, 1]
    assert history.days.quantity.to_pandas().tolist() == [0, 0, 0]


def test_attributes_are_kept_as_given_and_nan_is_null():
    customers = pd.DataFrame(
        {
            "customer_id": ["Ann", "Bob"],
            "city": ["Kiel", None],
            "age": [31.5, np.nan],
            "vip": [True, False],
            "rule": [1, 2],
        }
    )
    attributes = History.read(lines(), customers=customers).customers
    assert attributes.columns == ("customer_id", "city", "age", "vip", "rule")
    assert attributes.age.isnull().sum().execute() == 1
    assert attributes.vip.type().is_boolean()
