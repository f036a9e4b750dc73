"""What, when and how much was bought: RFM, windows and trends, the rhythm, first and last order, totals.

Every feature is an aggregate over the visible days of one customer and as_of, so one group-by computes them
all. A purchase day is a day whose net amount is positive.

RFM is as every library of the field defines it, in days: frequency = purchase days − 1; T = age at as_of,
counted from the first purchase day; recency = age at the last purchase day; monetary_value = mean net amount
of the purchase days after the first.

A window of w days ends with as_of: days 0 to w - 1 before it. A trend compares a window with the one of the
same length before it: (this - previous) / (this + previous), from -1 (stopped) to 1 (new), 0 where nothing
changed.

The gap that ends on a purchase day was known on that day, whatever came later. So gaps are computed once, as
a column of the days, and each as_of then takes those it can see.
"""

from typing import TYPE_CHECKING

import ibis

from patron.features.active_days import in_active_days, with_age_of_activity
from patron.features.catalogue import FeatureCatalogue, FeatureSpec
from patron.features.family import WINDOWS, Discovered, FeatureFamily, VisibleBusiness, windowed
from patron.snapshots.asof import KEY, visible

if TYPE_CHECKING:
    import ibis.expr.types as ir

    from patron.tables.history import History

__all__ = [
    "ACTIVE_DAYS", "BASKET_FEATURES", "PURCHASES", "RFM_FEATURES", "RHYTHM_FEATURES", "TREND_WINDOWS",
    "WINDOW_FEATURES", "add_gaps", "baskets", "rfm", "rhythm", "windows",
]  # fmt: skip

TREND_WINDOWS = (30, 90, 180)
ONE_DAY_ONLY = "bought on one day only, so there is no usual gap"

RFM_FEATURES = (
    FeatureSpec("frequency", "frequency", "purchase day", "number", "{value:repeat purchase} in {T:day}"),
    FeatureSpec(
        "recency", "recency", "day", "number",
        "last order {value:day} after the first[, {days_since_last:day} ago]", when_none=None,
    ),
    FeatureSpec("T", "tenure", "day", "number", "first order {value:day} ago", when_none=None),
    FeatureSpec("monetary_value", "spend", "money", "number", "{value:money} per repeat purchase on average"),
    FeatureSpec(
        "days_since_last", "recency", "day", "number",
        "last order {value:day} ago[, usually every {gap_median:day}]", when_none=None,
    ),
)  # fmt: skip

ACTIVE_DAYS = windowed(
    "active_days", "frequency", "purchase day", "bought on {value:day} of the last {w}", WINDOWS
)
WINDOW_FEATURES = (
    *windowed("orders", "frequency", "order", "{value:order} in the last {w} days", WINDOWS),
    *windowed("net_spend", "spend", "money", "spent {value:money} in the last {w} days", WINDOWS),
    *ACTIVE_DAYS,
    *windowed(
        "orders_trend", "trend", "ratio",
        "{orders_{w}d:order} in the last {w} days, {value:change} in the {w} days before",
        TREND_WINDOWS, spans=2,
    ),
    *windowed(
        "net_spend_trend", "trend", "ratio",
        "spent {net_spend_{w}d:money} in the last {w} days, {value:change} in the {w} days before",
        TREND_WINDOWS, spans=2,
    ),
)  # fmt: skip

RHYTHM_FEATURES = (
    FeatureSpec(
        "gap_mean", "rhythm", "day", "number",
        "{value:day} between purchases on average", when_none=None, text_unknown=ONE_DAY_ONLY,
    ),
    FeatureSpec(
        "gap_std", "rhythm", "day", "number",
        "gaps between purchases vary by {value:day}[ around {gap_mean:day}]",
        when_none=None, text_unknown="too few purchases to know how regular they are",
    ),
    FeatureSpec(
        "gap_median", "rhythm", "day", "number",
        "usually {value:day} between purchases", when_none=None, text_unknown=ONE_DAY_ONLY,
    ),
    FeatureSpec(
        "gap_max", "rhythm", "day", "number",
        "longest pause between purchases {value:day}[, now {days_since_last:day}]",
        when_none=None, text_unknown=ONE_DAY_ONLY,
    ),
    FeatureSpec(
        "overdue_ratio", "rhythm", "ratio", "number",
        "last order {days_since_last:day} ago, {value:.1f} times the usual {gap_median:day}",
        when_none=None, text_unknown=ONE_DAY_ONLY,
    ),
)  # fmt: skip

BASKET_FEATURES = (
    FeatureSpec(
        "first_order_value", "spend", "money", "number",
        "first order {value:money}[, {T:day} ago]", when_none=None,
    ),
    FeatureSpec(
        "last_order_value", "spend", "money", "number",
        "last order {value:money}[, usually {monetary_value:money}]", when_none=None,
    ),
    FeatureSpec("refunds_total", "refunds", "refund", "number", "{value:refund} so far"),
    FeatureSpec("refund_amount_total", "refunds", "money", "number", "{value:money} refunded so far"),
    FeatureSpec("refund_share", "refunds", "share", "number", "{value:percent} of what was bought came back"),
    FeatureSpec("net_spend_total", "spend", "money", "number", "spent {value:money}[ in {T:day}]"),
    FeatureSpec("cost_total", "cost", "money", "number", "cost of goods {value:money} so far"),
)  # fmt: skip

FEATURES = (*RFM_FEATURES, *WINDOW_FEATURES, *RHYTHM_FEATURES, *BASKET_FEATURES)


def discover(business: VisibleBusiness) -> Discovered:
    """All of them, or without transactions those that count active days."""
    return Discovered(specs=FEATURES if business.history.has_money else in_active_days(FEATURES))


def build(history: "History", spine: "ir.Table", catalogue: FeatureCatalogue) -> "ir.Table":
    """All features in one group-by. Rows: those of `spine` with any visible day."""
    days = visible(add_gaps(history.days), spine)
    features = days.group_by(*KEY).agg(**rfm(days), **windows(days), **rhythm(days), **baskets(days))
    return with_age_of_activity(features, history, spine)


PURCHASES = FeatureFamily(
    name="purchases", discover=discover, build=build, computed=lambda catalogue: FEATURES
)


def add_gaps(days: "ir.Table") -> "ir.Table":
    """`days` with ``gap``: days since the purchase day before; null on the first and without a purchase.

    Parameters
    ----------
    days
        one row per customer and day, with ``is_purchase``

    Returns
    -------
    ir.Table
        The same rows, and the column ``gap``, int64, at least 1.

    Examples
    --------
    >>> from datetime import date
    >>> days = ibis.memtable({"customer_id": [7, 7, 7], "is_purchase": [True, False, True],
    ...                       "day": [date(2024, 1, 1), date(2024, 1, 5), date(2024, 1, 22)]})
    >>> add_gaps(days).order_by("day").gap.to_pyarrow().to_pylist()
    [None, None, 21]
    """
    before = days.day.lag().over(ibis.window(group_by=["customer_id", "is_purchase"], order_by="day"))
    gap = days.day.delta(before, unit="day").cast("int64")
    return days.mutate(gap=days.is_purchase.ifelse(gap, ibis.null("int64")))


def rfm(days: "ir.Table") -> dict[str, "ir.NumericScalar"]:
    """Frequency, recency, T, monetary value and days since the last purchase: days and money.

    Parameters
    ----------
    days
        visible days, one row per customer, as_of and day, with ``days_ago``, ``is_purchase``,
        ``net_amount``, and ``gap`` (days since the purchase day before)

    Returns
    -------
    dict[str, 'ir.NumericScalar']
        Feature → aggregate over the days of one customer and as_of. Recency, T and days_since_last are null
        where nothing was ever bought, monetary_value where nothing was bought again.

    References
    ----------
    Fader, Hardie & Lee (2005), "Counting Your Customers" the Easy Way, Marketing Science 24(2), 275-284.

    Examples
    --------
    >>> days = ibis.memtable({"customer_id": [7, 7, 7], "days_ago": [100, 40, 10], "gap": [None, 60, 30],
    ...                       "is_purchase": [True] * 3, "net_amount": [50.0, 20.0, 30.0]})
    >>> row = days.group_by("customer_id").agg(**rfm(days)).to_pyarrow().to_pylist()[0]
    >>> row["frequency"], row["recency"], row["T"], row["monetary_value"], row["days_since_last"]
    (2, 90, 100, 25.0, 10)
    """
    again = days.gap.notnull()  # every purchase day but the first has a gap before it
    first = days.days_ago.max(where=days.is_purchase)
    last = days.days_ago.min(where=days.is_purchase)
    return {
        "frequency": days.gap.count(),
        "recency": first - last,
        "T": first,
        "monetary_value": (days.net_amount.sum(where=again).round(6) / days.gap.count()).round(6),
        "days_since_last": last,
    }


def windows(days: "ir.Table") -> dict[str, "ir.NumericScalar"]:
    """Orders, net spend and purchase days in each window, and the trends of orders and spend.

    Spend is net of refunds and may be negative, so a trend divides by the two amounts without their signs and
    stays within [-1, 1].

    Parameters
    ----------
    days
        visible days, one row per customer, as_of and day, with ``days_ago``, ``is_purchase``, ``orders``
        and ``net_amount``

    Returns
    -------
    dict[str, 'ir.NumericScalar']
        Feature → aggregate over the days of one customer and as_of: orders, money, days, and ratios in [-1,
        1]; null for none.

    Examples
    --------
    >>> days = ibis.memtable({"customer_id": [7, 7, 7], "days_ago": [100, 40, 10], "is_purchase": [True] * 3,
    ...                       "orders": [1, 1, 2], "net_amount": [50.0, 20.0, 30.0]})
    >>> row = days.group_by("customer_id").agg(**windows(days)).to_pyarrow().to_pylist()[0]
    >>> row["orders_90d"], row["net_spend_90d"], row["active_days_90d"], row["net_spend_trend_30d"]
    (3.0, 50.0, 2, 0.2)
    """
    orders, net_spend = days.orders.cast("float64"), days.net_amount
    return (
        {f"orders_{w}d": _sum(orders, _last(days, w)) for w in WINDOWS}
        | {f"net_spend_{w}d": _sum(net_spend, _last(days, w)) for w in WINDOWS}
        | {f"active_days_{w}d": days.count(where=_last(days, w) & days.is_purchase) for w in WINDOWS}
        | {f"orders_trend_{w}d": _trend(orders, _last(days, w), _before(days, w)) for w in TREND_WINDOWS}
        | {
            f"net_spend_trend_{w}d": _trend(net_spend, _last(days, w), _before(days, w))
            for w in TREND_WINDOWS
        }
    )


def rhythm(days: "ir.Table") -> dict[str, "ir.NumericScalar"]:
    """Mean, spread, median and longest gap in days, and days since the last purchase ÷ median gap.

    Parameters
    ----------
    days
        visible days, one row per customer, as_of and day, with ``gap``, ``days_ago`` and ``is_purchase``

    Returns
    -------
    dict[str, 'ir.NumericScalar']
        Feature → aggregate over the days of one customer and as_of; null where there is no gap, and for the
        standard deviation (of a sample) where there is only one.

    Examples
    --------
    >>> days = ibis.memtable({"customer_id": [7, 7, 7], "days_ago": [100, 40, 30], "is_purchase": [True] * 3,
    ...                       "gap": [None, 60, 10]}, schema={"customer_id": "int64", "days_ago": "int64",
    ...                                                       "is_purchase": "boolean", "gap": "int64"})
    >>> row = days.group_by("customer_id").agg(**rhythm(days)).to_pyarrow().to_pylist()[0]
    >>> row["gap_mean"], row["gap_median"], row["gap_max"], round(row["overdue_ratio"], 3)
    (35.0, 35.0, 60, 0.857)
    """
    gaps = days.gap.count()
    total = days.gap.sum().cast("float64")
    squares = (days.gap * days.gap).sum().cast("float64")
    median = days.gap.median()
    # Sums of whole days are exact, so the spread is the same to the last digit in whatever order they are
    # added up.
    return {
        "gap_mean": total / gaps.nullif(0),
        "gap_std": ((gaps * squares - total * total) / (gaps * (gaps - 1)).nullif(0)).sqrt(),
        "gap_median": median,
        "gap_max": days.gap.max(),
        "overdue_ratio": days.days_ago.min(where=days.is_purchase) / median,
    }


def baskets(days: "ir.Table") -> dict[str, "ir.NumericScalar"]:
    """Value of the first and last purchase day, refunds, and totals to date: money and counts.

    Parameters
    ----------
    days
        visible days, one row per customer, as_of and day, with ``days_ago``, ``is_purchase``,
        ``net_amount``, ``gap`` (null on the first purchase day), ``refunds``, ``refund_amount``, and ``cost``
        if there is one

    Returns
    -------
    dict[str, 'ir.NumericScalar']
        Feature → aggregate over the days of one customer and as_of. refund_share is refunds ÷ (net spend +
        refunds), in [0, 1]. cost_total is 0 without a cost column.

    Examples
    --------
    >>> days = ibis.memtable({"customer_id": [7, 7], "days_ago": [40, 10], "is_purchase": [True] * 2,
    ...                       "gap": [None, 30], "net_amount": [50.0, 30.0], "refunds": [0, 1],
    ...                       "refund_amount": [0.0, 20.0]})
    >>> row = days.group_by("customer_id").agg(**baskets(days)).to_pyarrow().to_pylist()[0]
    >>> row["first_order_value"], row["last_order_value"], row["refund_share"], row["cost_total"]
    (50.0, 30.0, 0.2, 0.0)
    """
    bought = days.is_purchase
    net = days.net_amount.sum().round(6)
    refunded = days.refund_amount.sum().round(6)
    return {
        "first_order_value": days.net_amount.max(where=bought & days.gap.isnull()).round(6),
        "last_order_value": days.net_amount.argmin(days.days_ago, where=bought).round(6),
        "refunds_total": days.refunds.cast("float64").sum(),
        "refund_amount_total": refunded,
        "refund_share": refunded / (net + refunded).nullif(0),
        "net_spend_total": net,
        "cost_total": days.cost.sum().round(6) if "cost" in days.columns else ibis.literal(0.0),
    }


def _last(days: "ir.Table", window_days: int) -> "ir.BooleanColumn":
    return days.days_ago < window_days


def _before(days: "ir.Table", window_days: int) -> "ir.BooleanColumn":
    """The window of the same length before the last one."""
    return (days.days_ago >= window_days) & (days.days_ago < 2 * window_days)


def _sum(amount: "ir.NumericColumn", window: "ir.BooleanColumn") -> "ir.NumericScalar":
    """Six decimals, so that the order of summation changes nothing."""
    return amount.sum(where=window).round(6)


def _trend(
    amount: "ir.NumericColumn", last: "ir.BooleanColumn", before: "ir.BooleanColumn"
) -> "ir.NumericScalar":
    this, previous = _sum(amount, last).fill_null(0.0), _sum(amount, before).fill_null(0.0)
    return (this - previous) / (this.abs() + previous.abs()).nullif(0.0)
