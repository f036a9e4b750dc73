"""Adaptive windows by segment: who has few gaps is judged by those of customers who are alike."""

import datetime

import pandas as pd
import pytest

from patron.errors import SettingsError
from patron.snapshots.churn_window import adaptive_windows
from patron.snapshots.labels import audit_windows, make_labels
from patron.snapshots.spine import make_spine
from patron.tables.activity import ChurnDefinition
from patron.tables.history import History

AS_OF = datetime.date(2024, 6, 30)
BY_SHOP = ChurnDefinition(segment="shop")


def purchases(every: dict[str, tuple[int, int]]) -> pd.DataFrame:
    """Customer → (days from one purchase to the next, gaps), the last purchase on AS_OF."""
    days = [
        (customer, AS_OF - datetime.timedelta(days=gap * number))
        for customer, (gap, gaps) in every.items()
        for number in range(gaps + 1)
    ]
    return pd.DataFrame(days, columns=["customer_id", "order_at"]).assign(amount=5.0)


LINES = purchases({"cafe 1": (7, 50), "cafe 2": (7, 1), "garden 1": (70, 2), "lone": (7, 0), "new": (7, 0)})
SHOPS = pd.DataFrame(
    {
        "customer_id": ["cafe 1", "cafe 2", "garden 1", "new", "never bought"],
        "shop": ["cafe", "cafe", "garden", "kiosk", "cafe"],
    }
)


def windows(history: History, as_of: datetime.date = AS_OF) -> dict[str, int]:
    found = adaptive_windows(history, make_spine(history, as_of), 90).to_pandas()
    return dict(sorted(zip(found.customer_id, found.window_days, strict=True)))


def test_few_gaps_of_ones_own_lean_on_those_of_the_segment_and_a_small_segment_on_all():
    found = windows(History.read(LINES, customers=SHOPS, churn=BY_SHOP))
    # Of all 53 gaps, 90 % are at most 7 days; of the two of the garden, 70 (all are), which weigh 2 of 52:
    # S = exp((2 log 70 + 50 log 7) / 52) = 7.6, and of one's own exp((2 log 70 + 5 log 7.6) / 7) = 14.4.
    assert found == {"cafe 1": 7, "cafe 2": 7, "garden 1": 15, "lone": 7, "new": 7}


@pytest.fixture(scope="module")
def shops() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Lines and customers of a cafe of weekly guests, a garden of rare ones, and three who came once."""
    everybody = {f"cafe {number}": (7, 40) for number in range(10)}
    everybody |= {f"garden {number}": (70, 5) for number in range(40)}
    everybody |= {"new in the cafe": (1, 0), "new in the garden": (1, 0), "new elsewhere": (1, 0)}
    shop = [name.removeprefix("new in the ").split()[0] for name in everybody]
    return purchases(everybody), pd.DataFrame({"customer_id": list(everybody), "shop": shop})


def test_a_large_segment_has_a_rhythm_of_its_own(shops):
    lines, customers = shops
    found = windows(History.read(lines, customers=customers, churn=BY_SHOP))
    # Of all 600 gaps, 90 % are at most 70 days; of the 400 of the cafe, at most 7:
    # exp((400 log 7 + 50 log 70) / 450) = 9.04. The garden is as all are, and so is who is nowhere.
    assert {name: days for name, days in found.items() if name.startswith("new")} == {
        "new elsewhere": 70,
        "new in the cafe": 10,
        "new in the garden": 70,
    }


def test_labels_and_the_audit_follow_the_segments(shops):
    lines, customers = shops
    later = pd.DataFrame({"customer_id": ["new in the cafe", "cafe 0"], "amount": 5.0})
    later["order_at"] = [AS_OF + datetime.timedelta(days=days) for days in (15, 180)]
    churned, audited = [], []
    for segment in (None, "shop"):
        history = History.read(
            pd.concat([lines, later]),
            customers=customers,
            churn=ChurnDefinition(window="adaptive", segment=segment),
        )
        labels = make_labels(history, make_spine(history, AS_OF), 90).to_pandas()
        churned.append(labels.set_index("customer_id").churned["new in the cafe"])
        audit = audit_windows(history, windows=(), horizon_days=90)
        audited.append(audit[["customers", "churned", "came_back"]].iloc[0].tolist())
    assert churned == [0, 1]  # 15 days are less than 70, and more than 10
    assert audited == [[53, 52, 0], [53, 53, 1]]


def test_segments_of_which_nothing_is_known_change_nothing():
    unknown = SHOPS.assign(shop=pd.Series([None] * len(SHOPS), dtype="str"))
    by_shop = History.read(LINES, customers=unknown, churn=BY_SHOP)
    assert windows(by_shop) == windows(History.read(LINES))


def test_the_segment_of_a_customer_counts_from_the_day_it_was_known(shops):
    lines, customers = shops
    found = []
    for known_from in ("2024-07-01", "2024-06-30"):
        acquired = pd.Series(None, index=customers.index, dtype="datetime64[us]")
        acquired[customers["customer_id"] == "new in the cafe"] = pd.Timestamp(known_from)
        history = History.read(lines, customers=customers.assign(acquired_at=acquired), churn=BY_SHOP)
        found.append(windows(history)["new in the cafe"])
    assert found == [70, 10]


def test_a_window_by_segment_is_the_same_when_the_future_is_deleted(shops):
    lines, customers = shops
    acquired = pd.Series(pd.Timestamp("2024-01-01"), index=customers.index)
    acquired[::3] = pd.Timestamp("2024-07-01")
    history = History.read(lines, customers=customers.assign(acquired_at=acquired), churn=BY_SHOP)
    assert windows(history) == windows(history.until(AS_OF))


REFUSED = {
    "town": r"'town' is not a column of the table 'customers'; it has shop\. Name one of them",
    "customer_id": "'customer_id' is not a column",
}


@pytest.mark.parametrize("column", REFUSED)
def test_a_column_that_is_not_there_is_named(column):
    with pytest.raises(SettingsError, match=REFUSED[column]):
        windows(History.read(LINES, customers=SHOPS, churn=ChurnDefinition(segment=column)))


def test_segments_need_the_customers_table():
    with pytest.raises(SettingsError, match="'shop' is a column of the table 'customers', which is not"):
        windows(History.read(LINES, churn=BY_SHOP))
