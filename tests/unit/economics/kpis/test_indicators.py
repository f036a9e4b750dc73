"""Every indicator on ten rows, worked out on paper."""

from datetime import date

import ibis
import pandas as pd
import pytest

from patron.economics.kpis.customer_base import KpiRules, read_base
from patron.economics.kpis.indicators import KPIS, indicators
from patron.economics.kpis.roll_forward import base_rates
from patron.errors import DateError, RangeError, TableError
from patron.tables.engine import open_engine

FEBRUARY, MARCH = "2024-02-01", "2024-03-01"

# Active for 30 days from a purchase: Ann until 1 March, Bob until 15 March, Cem until 23 February and again
# from 10 March on, Dee until 3 April, Eva from 20 March on.
SALES = pd.DataFrame(
    [
        ("Ann", date(2024, 1, 5), 20.0, "food", 2.0),
        ("Ann", date(2024, 2, 1), 30.0, "food", 2.0),
        ("Ann", date(2024, 2, 1), -5.0, "food", -1.0),
        ("Bob", date(2024, 1, 20), 40.0, "food", 4.0),
        ("Bob", date(2024, 2, 15), 8.0, "tools", 1.0),
        ("Cem", date(2024, 1, 25), 10.0, "food", 1.0),
        ("Cem", date(2024, 3, 10), 25.0, "food", 5.0),
        ("Dee", date(2024, 2, 10), 60.0, "tools", 1.0),
        ("Dee", date(2024, 3, 5), 30.0, "tools", 1.0),
        ("Eva", date(2024, 3, 20), 50.0, "food", 1.0),
    ],
    columns=["customer_id", "day", "amount", "category", "quantity"],
)


def found(tables, **rules) -> pd.DataFrame:
    """The indicators, by period and name."""
    chosen = {"first": date(2024, 2, 1), "last": date(2024, 3, 31), "active_within_days": 30, **rules}
    engine = open_engine(threads=1)
    named = {name: ibis.memtable(table) for name, table in tables.items()}
    rows = indicators(read_base(named, KpiRules(**chosen), engine), engine)
    return rows.set_index(["period_start", "kpi"])


@pytest.fixture(scope="module")
def shop() -> pd.DataFrame:
    return found({"transactions": SALES})


def fraction(rows: pd.DataFrame, period: str, kpi: str) -> tuple[float, float]:
    row = rows.loc[(period, kpi)]
    return float(row["numerator"]), float(row["denominator"])


def test_there_is_one_row_per_period_and_indicator(shop):
    assert shop.index.tolist() == [(period, kpi) for period in (FEBRUARY, MARCH) for kpi in KPIS]
    assert shop["period_end"].unique().tolist() == ["2024-02-29", "2024-03-31"]


def test_churn_is_lost_of_those_active_at_the_start(shop):
    assert fraction(shop, FEBRUARY, "churn_rate") == (1, 3)  # Cem, of Ann, Bob and Cem
    assert fraction(shop, MARCH, "churn_rate") == (2, 3)  # Ann and Bob; Dee stays, Cem and Eva are in neither
    assert shop.loc[(MARCH, "retention_rate"), "value"] == pytest.approx(1 / 3)
    assert shop.loc[(FEBRUARY, "churn_rate_annual"), "value"] == pytest.approx(1 - (2 / 3) ** 12)


def test_growth_is_of_the_active_and_of_all_ever_known(shop):
    assert fraction(shop, FEBRUARY, "net_growth_rate") == (0, 3)  # Dee came, Cem went
    assert fraction(shop, FEBRUARY, "net_growth_rate_total") == (1, 3)
    assert fraction(shop, MARCH, "net_growth_rate_total") == (1, 4)
    assert shop.loc[(MARCH, "new_customers"), "value"] == 1  # Eva; Cem is no new customer
    assert shop.loc[(MARCH, "active_customers"), "value"] == 3


def test_who_comes_back_unasked_is_the_organic_rate(shop):
    assert fraction(shop, MARCH, "win_back_rate_organic") == (1, 1)
    assert shop.loc[(FEBRUARY, "win_back_rate_organic"), "reason"] == "no customer had lapsed at the start"


def test_sales_per_customer_are_net_of_refunds(shop):
    assert fraction(shop, FEBRUARY, "sales_per_customer_mean") == (25 + 8 + 60, 3)
    assert shop.loc[(FEBRUARY, "sales_per_customer_median"), "value"] == 25
    assert shop.loc[(MARCH, "sales_per_customer_median"), "value"] == 30


def test_loyalty_in_behaviour_counts_orders_to_date(shop):
    assert fraction(shop, FEBRUARY, "repeat_rate") == (2, 3)  # Ann and Bob, not Dee
    assert fraction(shop, MARCH, "three_orders_rate") == (0, 3)


def test_revenue_retention_is_of_those_who_paid_the_period_before(shop):
    # in January Ann paid 20, Bob 40, Cem 10; in February Ann 25, Bob 8
    assert fraction(shop, FEBRUARY, "net_revenue_retention") == (33, 70)
    assert fraction(shop, FEBRUARY, "gross_revenue_retention") == (28, 70)


def test_up_sell_is_among_those_who_buy_again_in_a_category(shop):
    # February: Ann pays 15 a piece after 10; March: Cem 5 after 10, Dee 30 after 60
    assert fraction(shop, FEBRUARY, "up_sell_rate") == (1, 1)
    assert fraction(shop, MARCH, "up_sell_rate") == (0, 2)


def test_cross_sell_is_among_those_who_have_a_category_left(shop):
    # February: Bob buys tools for the first time, Ann food again; March: neither Cem nor Dee anything new
    assert fraction(shop, FEBRUARY, "cross_sell_rate") == (1, 2)
    assert fraction(shop, MARCH, "cross_sell_rate") == (0, 2)


def test_tenure_counts_those_who_are_still_there(shop):
    # left after 57, 56 and 30 days; Dee is watched for 51, Eva for 12: 30 + 26·3/4 + 1·3/8
    assert shop.loc[(MARCH, "tenure_mean_days"), "value"] == pytest.approx(49.875)
    assert shop.loc[(MARCH, "tenure_median_days"), "value"] == 56
    assert shop.loc[(MARCH, "tenure_mean_days"), "value"] > (57 + 56 + 30) / 3  # completed ones alone


def test_what_no_table_tells_is_null_with_the_reason(shop):
    silent = shop.loc[FEBRUARY].loc[["cac", "leads", "csat", "nps", "customer_equity", "win_back_rate"]]
    assert silent["value"].isna().all()
    assert silent["reason"].str.len().min() > 5


def test_every_null_has_its_reason(shop):
    missing = shop[shop[["value", "low", "high"]].isna().any(axis=1)]
    assert missing["reason"].notna().all()
    assert shop["value"].isin([float("inf"), float("-inf")]).sum() == 0


def test_the_published_example_of_a_customer_base():
    rates = base_rates(at_start=17_000_000, lost=170_000, gained=680_000)
    assert rates["churn_rate"].value == 0.01
    assert rates["retention_rate"].value == 0.99
    assert rates["net_growth_rate"].value == 0.03
    monthly = base_rates(at_start=17_000_000, lost=170_000, gained=680_000, per_year=12)
    assert monthly["churn_rate_annual"].value == pytest.approx(1 - 0.99**12)


def test_an_empty_period_has_counts_of_zero_and_no_rates():
    rows = found({"transactions": SALES}, first=date(2024, 8, 1), last=date(2024, 8, 31))
    assert rows.loc[("2024-08-01", "new_customers"), "value"] == 0
    for kpi in ("churn_rate", "sales_per_customer_mean", "repeat_rate", "net_revenue_retention"):
        assert pd.isna(rows.loc[("2024-08-01", kpi), "value"])
        assert rows.loc[("2024-08-01", kpi), "reason"].startswith("no customer")


def test_nothing_after_the_last_day_moves_a_number():
    future = pd.DataFrame([("Ann", date(2024, 3, 15), 999.0, "food", 1.0)], columns=SALES.columns)
    rules = {"first": date(2024, 2, 1), "last": date(2024, 2, 29)}
    calm = found({"transactions": SALES[SALES["day"] <= date(2024, 2, 29)]}, **rules)
    pd.testing.assert_frame_equal(calm, found({"transactions": pd.concat([SALES, future])}, **rules))


def test_the_order_of_the_rows_changes_nothing(shop):
    mixed = SALES.sample(frac=1.0, random_state=3)
    pd.testing.assert_frame_equal(shop, found({"transactions": mixed}))


def test_a_period_that_is_not_whole_is_refused():
    with pytest.raises(DateError, match="No whole month lies between 2024-02-02 and 2024-03-30"):
        found({"transactions": SALES}, first=date(2024, 2, 2), last=date(2024, 3, 30))
    with pytest.raises(DateError, match="is before the first"):
        found({"transactions": SALES}, first=date(2024, 4, 1))


def test_rules_that_cannot_be_meant_are_refused():
    with pytest.raises(RangeError, match="active_within_days must be a whole number of at least 1, got 0"):
        found({"transactions": SALES}, active_within_days=0)
    with pytest.raises(TableError, match="need transactions or subscriptions"):
        found({"customers": pd.DataFrame({"customer_id": [1]})})
