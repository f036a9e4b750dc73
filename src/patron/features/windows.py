"""Orders, spend and active days in the last days, and whether they rise or fall.

A window of w days ends with as_of: days 0 to w - 1 before it. A trend compares a window with the one of the
same length before it: (this - previous) / (this + previous), from -1 (stopped) to 1 (new), 0 where nothing
changed.
"""

from typing import TYPE_CHECKING

from patron.features.catalogue import FeatureSpec

if TYPE_CHECKING:
    import ibis.expr.types as ir

__all__ = ["TREND_WINDOWS", "WINDOWS", "WINDOW_FEATURES", "windows"]

WINDOWS = (7, 30, 90, 180, 365)
TREND_WINDOWS = (30, 90, 180)

ORDERS = tuple(
    FeatureSpec(f"orders_{w}d", "frequency", "order", "number", f"{{value:order}} in the last {w} days", w)
    for w in WINDOWS
)
NET_SPEND = tuple(
    FeatureSpec(
        f"net_spend_{w}d", "spend", "money", "number",
        f"spent {{value:money}} in the last {w} days", w,
    )
    for w in WINDOWS
)  # fmt: skip
ACTIVE_DAYS = tuple(
    FeatureSpec(
        f"active_days_{w}d", "frequency", "purchase day", "number",
        f"bought on {{value:day}} of the last {w}", w,
    )
    for w in WINDOWS
)  # fmt: skip
ORDER_TRENDS = tuple(
    FeatureSpec(
        f"orders_trend_{w}d", "trend", "ratio", "number",
        f"{{orders_{w}d:order}} in the last {w} days, {{value:change}} in the {w} days before", 2 * w,
    )
    for w in TREND_WINDOWS
)  # fmt: skip
NET_SPEND_TRENDS = tuple(
    FeatureSpec(
        f"net_spend_trend_{w}d", "trend", "ratio", "number",
        f"spent {{net_spend_{w}d:money}} in the last {w} days, {{value:change}} in the {w} days before",
        2 * w,
    )
    for w in TREND_WINDOWS
)  # fmt: skip
WINDOW_FEATURES = (*ORDERS, *NET_SPEND, *ACTIVE_DAYS, *ORDER_TRENDS, *NET_SPEND_TRENDS)


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
    >>> import ibis
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
