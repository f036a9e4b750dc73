"""Offers due, by hand."""

from datetime import date

import ibis
import numpy as np
import pandas as pd
import pytest

from patron.campaigns.due_dates import (
    DUE_COLUMNS,
    next_purchases_due,
    product_dates_due,
    renewals_due,
    replenishments_due,
    sort_due_dates,
)
from patron.errors import RangeError, TableError
from patron.models.value.next_purchase import next_purchase_range
from small_model import make_value_model

AS_OF = date(2024, 6, 30)


def make_spine(*customers):
    return ibis.memtable({"customer_id": list(customers), "as_of": [AS_OF] * len(customers)})


def make_lines(days, product="filter", customer=1, amount=9.0):
    n = len(days)
    columns = {
        "customer_id": [customer] * n,
        "day": days,
        "product_id": [product] * n,
        "amount": [amount] * n,
    }
    return ibis.memtable(columns)


def test_a_regular_product_is_due_one_usual_gap_after_the_last_purchase():
    days = [date(2024, 4, 1), date(2024, 4, 29), date(2024, 5, 27), date(2024, 6, 26)]  # gaps 28, 28, 30
    row = replenishments_due(make_lines(days), make_spine(1)).iloc[0]
    spread = np.std([28, 28, 30], ddof=1)
    assert row["due_on"] == date(2024, 7, 24)
    assert row["low"] == date(2024, 6, 26) + pd.Timedelta(days=round(28 - 1.2816 * spread))
    assert row["high"] == date(2024, 6, 26) + pd.Timedelta(days=round(28 + 1.2816 * spread))


@pytest.mark.parametrize(
    "days",
    [
        [date(2024, 4, 1), date(2024, 5, 1), date(2024, 6, 1)],  # two gaps
        [date(2023, 1, 1), date(2024, 4, 1), date(2024, 4, 9), date(2024, 6, 26)],  # irregular
        [date(2024, 6, 1)] * 5,  # one day
        [date(2024, 5, 1), date(2024, 6, 1), date(2024, 7, 1), date(2024, 8, 1)],  # half of it ahead
    ],
)
def test_what_has_no_regular_rhythm_by_the_day_is_never_due(days):
    assert replenishments_due(make_lines(days), make_spine(1)).empty


def test_refunds_are_no_rhythm():
    days = [date(2024, month, 1) for month in (2, 3, 4, 5)]
    assert replenishments_due(make_lines(days, amount=-9.0), make_spine(1)).empty


def test_a_contract_comes_up_within_its_notice_and_not_once_it_has_ended():
    contracts = ibis.memtable(
        {
            "customer_id": [1, 2, 3, 4],
            "day": [date(2023, 7, 20)] * 4,
            "period_days": [365.0, 365.0, 30.0, None],
            "ended_on": [None, date(2024, 6, 1), None, None],
        },
        schema={"customer_id": "int64", "day": "date", "period_days": "float64", "ended_on": "date"},
    )
    found = renewals_due(contracts, make_spine(1, 2, 3, 4), 90, (90, 60, 30)).set_index("customer_id")
    assert sorted(found.index) == [1, 3]
    assert found.loc[1, "due_on"] == date(2024, 7, 19)
    assert found.loc[1, "why"] == "contract renews in 19 days: within the notice of 30 days"
    assert found.loc[3, "due_on"] == date(2024, 7, 14)


def test_warranty_life_and_end_of_a_product_are_dated():
    products = ibis.memtable(
        {
            "product_id": ["tv"], "name": ["Television"], "warranty_days": [730.0], "life_days": [2000.0],
            "ends_at": [date(2024, 12, 31)],
        }
    )  # fmt: skip
    found = product_dates_due(make_lines([date(2023, 1, 1)], "tv"), products, make_spine(1))
    assert dict(zip(found["kind"], found["due_on"], strict=True)) == {
        "product_end": date(2024, 12, 31),
        "warranty_end": date(2024, 12, 31),
        "life_end": date(2028, 6, 23),
    }
    assert (
        found["why"].iloc[-1]
        == "Television, bought on 2023-01-01: it reaches its usual lifetime of 2000 days"
    )


def test_a_product_named_twice_is_refused():
    products = ibis.memtable({"product_id": ["tv", "tv"], "warranty_days": [1.0, 2.0]})
    with pytest.raises(TableError, match="appear twice in the products table: tv"):
        product_dates_due(make_lines([date(2023, 1, 1)], "tv"), products, make_spine(1))


def test_tables_without_products_or_periods_have_no_due_dates():
    lines = make_lines([date(2024, 1, 1)]).drop("product_id")
    assert replenishments_due(lines, make_spine(1)).columns.tolist() == list(DUE_COLUMNS)
    assert product_dates_due(lines, ibis.memtable({"product_id": ["tv"]}), make_spine(1)).empty
    assert renewals_due(lines, make_spine(1), 90, (30,)).empty
    with pytest.raises(RangeError, match="renewals must be days"):
        renewals_due(lines, make_spine(1), 90, ())
    with pytest.raises(RangeError, match="min_gaps must be at least 2"):
        replenishments_due(lines, make_spine(1), min_gaps=1)


def test_the_list_is_cut_to_its_window_and_sorted():
    waits = pd.DataFrame({"customer_id": [3, 2, 1], "median": [50.0, 5.0, 5.0], "low": 1.0, "high": 99.0})
    found = sort_due_dates([next_purchases_due(waits, AS_OF)], AS_OF, date(2024, 7, 31))
    assert found["customer_id"].tolist() == [1, 2]


def test_next_purchases_fall_into_their_interval_as_often_as_stated():
    """Recovery: waits drawn from the law itself, given x purchases in T days."""
    model = make_value_model()
    drawn = {name: float(values[0]) for name, values in model.purchases.to_arrays()[0].items()}
    x, T = 6, 300.0
    rfm = pd.DataFrame(
        {"customer_id": [1], "frequency": [x], "recency": [290.0], "T": [T], "monetary_value": [30.0]}
    )
    found = next_purchase_range(model, rfm).iloc[0]
    rng = np.random.default_rng(0)
    rate = rng.gamma(drawn["r"] + x, 1 / (drawn["alpha"] + T), 40_000)
    waits = rng.exponential(1 / rate)
    assert ((waits >= found["low"]) & (waits <= found["high"])).mean() == pytest.approx(0.8, abs=0.01)
    assert np.median(waits) == pytest.approx(found["median"], rel=0.03)
    assert model.predict(rfm, 90)["next_purchase_days"].iloc[0] == pytest.approx(found["median"], rel=1e-6)
    with pytest.raises(RangeError, match=r"Write 80 % as 0\.80"):
        next_purchase_range(model, rfm, interval=80)
