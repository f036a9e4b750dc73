"""One row per customer and day of activity: the table that nearly every feature reads.

Transactions are netted by day. A business without transactions has the days of its events instead, each worth
1: value then counts active days, and no money.
"""

import datetime
from collections.abc import Mapping

import ibis
import ibis.expr.types as ir

from patron.tables.engine import EXACT_DECIMAL

__all__ = ["daily_events", "daily_transactions", "known_days"]


def daily_transactions(lines: ir.Table) -> ir.Table:
    """One row per customer and day with a transaction.

    Parameters
    ----------
    lines
        customer_id, day, amount, and order_id, quantity, discount, cost where given

    Returns
    -------
    ir.Table
        key customer_id × day:

        - net_amount : money, float64, refunds subtracted
        - orders : int64, distinct orders that are not refunded as a whole (lines of one day without an
          order_id are one order); without order_id, lines that are not refunds
        - lines, refunds : int64, all lines, and those with a negative amount
        - refund_amount : money, float64 ≥ 0
        - quantity, discount, cost : float64 sums, where given; empty cells count as 0
        - is_purchase : whether net_amount > 0

        Money is summed exactly, to 6 decimals.

    Examples
    --------
    >>> import datetime, ibis
    >>> lines = {"customer_id": [1, 1, 1], "day": [datetime.date(2024, 1, 5)] * 3,
    ...          "order_id": ["a", "a", "b"], "amount": [0.1, 0.2, -0.05]}
    >>> daily_transactions(ibis.memtable(lines)).to_pandas().drop(columns=["customer_id", "day"])
       net_amount  orders  lines  refunds  refund_amount  is_purchase
    0        0.25       1      3        1           0.05         True
    """
    refund = lines.amount < 0
    given = [name for name in ("quantity", "discount", "cost") if name in lines.columns]
    has_orders = "order_id" in lines.columns
    key = ("customer_id", "day", "order_id") if has_orders else ("customer_id", "day")
    orders = lines.group_by(*key).aggregate(
        lines=lines.count(),
        refunds=refund.sum(),
        net_amount=_exact(lines.amount).sum(),
        refund_amount=_exact(lines.amount).sum(where=refund),
        **{name: _exact(lines[name]).sum() for name in given},
    )
    bought = orders.lines - orders.refunds
    days = orders.group_by("customer_id", "day").aggregate(
        net_amount=orders.net_amount.sum(),
        orders=(bought > 0).sum() if has_orders else bought.sum(),
        lines=orders.lines.sum(),
        refunds=orders.refunds.sum(),
        refund_amount=-orders.refund_amount.sum(),
        **{name: orders[name].sum() for name in given},
    )
    sums = ("net_amount", "refund_amount", *given)
    days = days.mutate(
        **{name: days[name].cast("float64").fill_null(0.0) for name in sums},
        **{name: days[name].cast("int64") for name in ("orders", "lines", "refunds")},
    )
    return days.mutate(is_purchase=days.net_amount > 0)


def daily_events(events: ir.Table) -> ir.Table:
    """One row per customer and day with an event, in the columns of `daily_transactions`.

    Parameters
    ----------
    events
        engagement or subscriptions, one row per event, with customer_id and day

    Returns
    -------
    ir.Table
        key customer_id × day: net_amount 1.0, orders 1, lines (events), refunds 0, refund_amount 0.0,
        is_purchase true

    Examples
    --------
    >>> visits = {"customer_id": [7, 7], "day": [datetime.date(2024, 1, 5)] * 2}
    >>> daily_events(ibis.memtable(visits)).to_pandas()[["net_amount", "orders", "lines"]]
       net_amount  orders  lines
    0         1.0       1      2
    """
    days = events.group_by("customer_id", "day").aggregate(lines=events.count().cast("int64"))
    return days.mutate(
        net_amount=ibis.literal(1.0),
        orders=ibis.literal(1, "int64"),
        refunds=ibis.literal(0, "int64"),
        refund_amount=ibis.literal(0.0),
        is_purchase=ibis.literal(True),
    )


def known_days(
    activity: str, kept: Mapping[str, ir.Table], days: ir.Table, today: datetime.date
) -> tuple[datetime.date, datetime.date, datetime.date]:
    """First and last day of the data, and the last day known.

    Parameters
    ----------
    activity
        what counts as activity; its days may lie outside `days`
    kept
        table → its valid rows
    days
        one row per customer and day
    today
        ends of contracts after it are planned

    Returns
    -------
    tuple[datetime.date, datetime.date, datetime.date]
        first day of `days` or of the activity, last day of `days`, last day known

    Examples
    --------
    >>> day = [datetime.date(2024, 1, number) for number in (5, 9)]
    >>> events = ibis.memtable({"customer_id": [7, 7], "day": day})
    >>> first, last, known = known_days("engagement", {"engagement": events}, events.limit(1), day[1])
    >>> known.isoformat()
    '2024-01-09'
    """
    first, last = _ends(days.day)
    known = last
    if activity == "engagement":
        begin, end = _ends(kept["engagement"].day)
        first, known = min(first, begin), max(last, end)
    if activity == "subscriptions":
        contracts = kept["subscriptions"]
        ends = [_ends(contracts.day)[1]]
        if "ended_on" in contracts.columns:
            past = contracts.filter(contracts.ended_on <= ibis.literal(today))
            ends.append(past.ended_on.max().to_pyarrow().as_py() or last)
        known = max(last, *ends)
    return first, last, known


def _exact(number: ir.FloatingColumn) -> ir.DecimalColumn:
    return number.cast(EXACT_DECIMAL)


def _ends(day: ir.DateColumn) -> tuple[datetime.date, datetime.date]:
    found = day.as_table().aggregate(first=day.min(), last=day.max()).to_pyarrow().to_pylist()[0]
    return found["first"], found["last"]
