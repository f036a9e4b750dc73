"""Who resembles a group, by nothing but what was known on the first day."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

import patron
from patron.errors import RangeError, TableError
from patron.features.assemble import assemble_features, discover_catalogue
from patron.scores.lookalikes import known_at_acquisition, lookalikes
from patron.snapshots.spine import make_spine

AS_OF = date(2024, 4, 30)


@pytest.fixture(scope="module")
def shop():
    return patron.simulate(n_customers=400, days=500, start=date(2023, 1, 1), seed=2)


def known(shop, transactions):
    history = patron.History.read(transactions, customers=shop.customers)
    catalogue = discover_catalogue(history, AS_OF)
    features = assemble_features(history, make_spine(history, AS_OF), catalogue)
    return known_at_acquisition(features.order_by("customer_id").to_pandas(), catalogue)


def test_what_happens_after_acquisition_changes_nobodys_likeness(shop):
    sales = shop.transactions
    first = sales.groupby("customer_id")["order_at"].transform("min").dt.normalize()
    later = sales["order_at"].dt.normalize() > first
    changed = sales.assign(amount=sales["amount"].where(~later, sales["amount"] * 7 + 1))
    fewer = changed[~later | (np.arange(len(sales)) % 3 == 0)]
    before, after = known(shop, sales), known(shop, fewer)
    pd.testing.assert_frame_equal(before, after)
    group = before["customer_id"] % 7 == 0
    pd.testing.assert_frame_equal(lookalikes(before, group), lookalikes(after, group))
    assert "attribute_channel" in before.columns
    assert "first_order_value" in before.columns


def test_the_most_alike_come_first_and_say_why():
    rng = np.random.default_rng(0)
    rows = pd.DataFrame(
        {
            "customer_id": np.arange(400),
            "channel": rng.choice(["search", "referral", None], 400),
            "first_order_value": rng.gamma(2, 20, 400),
        }
    )
    group = (rows["channel"] == "referral") & (rng.random(400) < 0.5)
    found = lookalikes(rows, group, most=20)
    assert (rows.set_index("customer_id").loc[found["customer_id"], "channel"] == "referral").all()
    assert set(found["because"]) == {"channel"}
    assert found["likeness"].is_monotonic_decreasing
    assert not group[found["customer_id"]].any()


def test_units_of_money_change_nobodys_likeness():
    rng = np.random.default_rng(0)
    rows = pd.DataFrame({"customer_id": range(200), "first_order_value": rng.gamma(2, 20, 200)})
    group = rows["first_order_value"] > 50
    cents = rows.assign(first_order_value=100 * rows["first_order_value"])
    pd.testing.assert_frame_equal(lookalikes(rows, group), lookalikes(cents, group))


def test_the_unknown_resemble_the_unknown():
    rows = pd.DataFrame({"customer_id": [1, 2, 3, 4], "town": [None, None, "Qom", "Yazd"]})
    assert lookalikes(rows, rows["customer_id"] == 1)["customer_id"].iloc[0] == 2


def test_equals_stay_in_order_and_have_no_reason():
    rows = pd.DataFrame({"customer_id": list("abcd"), "town": ["Qom"] * 4})
    found = lookalikes(rows, [False, True, False, False])
    assert found["customer_id"].tolist() == ["a", "c", "d"]
    assert found["likeness"].tolist() == [0.0] * 3
    assert found["because"].isna().all()


def test_a_group_must_be_some_of_the_customers():
    rows = pd.DataFrame({"customer_id": [1, 2], "town": ["Qom", "Yazd"]})
    with pytest.raises(RangeError, match="has no customer"):
        lookalikes(rows, [False, False])
    with pytest.raises(RangeError, match="has all customers"):
        lookalikes(rows, [True, True])
    with pytest.raises(TableError, match=r"for 2 customers, and has \(1,\)"):
        lookalikes(rows, [True])
    with pytest.raises(TableError, match="Nothing is known"):
        lookalikes(rows[["customer_id"]], [True, False])
    with pytest.raises(RangeError, match="most must be at least 1"):
        lookalikes(rows, [True, False], most=0)
