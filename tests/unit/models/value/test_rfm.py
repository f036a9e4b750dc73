"""RFM rows are checked once, and refused with a sentence that says which and why."""

from decimal import Decimal
from uuid import UUID

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from patron.errors import TableError
from patron.models.value.rfm import read_customers

RFM = pd.DataFrame(
    {
        "customer_id": ["ann", "bob", "cy"],
        "frequency": [2, 0, 1],
        "recency": [30, 0, 9],
        "T": [40, 40, 21],
        "monetary_value": [12.5, 0.0, 3.0],
    }
)

RULES = {
    "T (age today) is smaller than recency (age at the last purchase)": {"T": [29, 40, 21]},
    "recency is positive without repeat purchase": {"recency": [30, 5, 9]},
    "recency is 0 in spite of repeat purchases": {"recency": [0, 0, 9]},
    "recency (age at the last purchase) is negative": {"recency": [-1, 0, 9]},
    "T (age today) is negative": {"T": [40, 40, -21]},
    "frequency (repeat purchases) is negative": {"frequency": [-2, 0, 1]},
    "frequency (repeat purchases) is not a whole number": {"frequency": [1.5, 0, 1]},
    "monetary_value is not positive in spite of repeat purchases": {"monetary_value": [0.0, 0.0, 3.0]},
    "recency is not a finite number": {"recency": [np.nan, 0, 9]},
    "T is not a finite number": {"T": [40, np.inf, 21]},
    "customer_id occurs more than once": {"customer_id": ["ann", "bob", "ann"]},
    "customer_id is missing": {"customer_id": ["ann", None, "cy"]},
}


@pytest.mark.parametrize("rule", RULES)
def test_a_broken_rule_is_named_with_the_customer(rule):
    with pytest.raises(TableError) as refused:
        read_customers(RFM.assign(**RULES[rule]), spend=True)
    assert f"{rule} for 1 customer: " in str(refused.value)


def test_five_customers_are_named_and_all_are_counted():
    many = pd.DataFrame({"customer_id": range(100, 112), "frequency": 1, "recency": 9.0, "T": 5.0})
    with pytest.raises(TableError, match=r"for 12 customers: 100, 101, 102, 103, 104, …\.$"):
        read_customers(many)


def test_one_error_names_all_broken_rules():
    with pytest.raises(
        TableError, match=r"is negative for 1 customer: cy\. T .* smaller .* customer: ann\.$"
    ):
        read_customers(RFM.assign(frequency=[2, 0, -1], T=[29, 40, 21]))


def test_a_missing_id_is_told_by_its_row():
    with pytest.raises(TableError, match="customer_id is missing for 1 customer: row 1"):
        read_customers(RFM.assign(customer_id=["ann", None, "cy"]))


def test_recency_as_days_since_the_last_purchase_is_recognised():
    classic = RFM.assign(recency=RFM["T"] - RFM["recency"])
    with pytest.raises(TableError, match="seems to count the days since the last purchase"):
        read_customers(classic)


def test_the_remedy_for_days_since_the_last_purchase_works():
    classic = RFM.assign(recency=RFM["T"] - RFM["recency"])
    mended = read_customers(classic.assign(recency=classic["T"] - classic["recency"]))
    assert mended.recency.tolist() == [30.0, 0.0, 9.0]


@pytest.mark.parametrize(
    "frame",
    [
        RFM.convert_dtypes(),
        RFM.convert_dtypes(dtype_backend="pyarrow"),
        RFM.assign(T=[Decimal(40), Decimal(40), Decimal(21)]),
        RFM.assign(monetary_value=pd.Series(["12.5", "0", "3"]).astype(pd.ArrowDtype(pa.decimal128(6, 2)))),
        RFM.astype({"frequency": "int8", "T": "float32"}),
        RFM.set_index("customer_id"),
    ],
    ids=["nullable", "arrow", "decimal", "arrow decimal", "small", "id as index"],
)
def test_every_kind_of_number_is_accepted(frame):
    customers, plain = read_customers(frame, spend=True), read_customers(RFM, spend=True)
    for column in ("frequency", "recency", "T", "monetary_value"):
        np.testing.assert_array_equal(getattr(customers, column), getattr(plain, column))
    assert customers.ids.tolist() == ["ann", "bob", "cy"]


def test_null_in_a_nullable_column_is_no_number():
    with pytest.raises(TableError, match="T is not a finite number for 1 customer: bob"):
        read_customers(RFM.assign(T=pd.array([40, None, 21], dtype="Int64")))


def test_text_is_no_number():
    with pytest.raises(TableError, match=r"rfm\.T must hold numbers, got .*'forty'"):
        read_customers(RFM.assign(T=["forty", "40", "21"]))


@pytest.mark.parametrize(
    "ids",
    [
        [3, 1, 2],
        ["سارا", "علی", "مریم"],
        [UUID(int=3), UUID(int=1), UUID(int=2)],
        pd.array([3, 1, 2], dtype="int64[pyarrow]"),
    ],
    ids=["integers", "Persian", "UUID", "arrow"],
)
def test_ids_come_back_as_they_went_in_and_in_their_order(ids):
    rfm = RFM.assign(customer_id=ids)
    series = read_customers(rfm).series(np.arange(3.0), "number")
    assert series.index.equals(pd.Index(rfm["customer_id"]))
    assert series.index.dtype == rfm["customer_id"].dtype
    assert series.index.name == "customer_id"
    assert series.tolist() == [0.0, 1.0, 2.0]


def test_a_missing_column_is_named_with_those_there_are():
    with pytest.raises(TableError, match=r"rfm lacks recency, T; it has customer_id, frequency"):
        read_customers(RFM[["customer_id", "frequency"]])


def test_an_empty_frame_is_refused():
    with pytest.raises(TableError, match="rfm has no rows"):
        read_customers(RFM.head(0))


def test_what_is_no_frame_is_refused():
    with pytest.raises(TableError, match="must be a pandas DataFrame, got dict"):
        read_customers({"customer_id": [1]})


def test_spend_alone_asks_for_no_times():
    customers = read_customers(
        RFM[["customer_id", "frequency", "monetary_value"]], purchases=False, spend=True
    )
    assert customers.monetary_value.tolist() == [12.5, 0.0, 3.0]


def test_the_value_of_a_single_purchase_is_not_asked_for():
    assert len(read_customers(RFM.assign(monetary_value=[12.5, -1.0, 3.0]), spend=True)) == 3
