"""Lines → one row per customer and day: the table that nearly every feature reads."""

import ibis.expr.datatypes as dt
import ibis.expr.types as ir

__all__ = ["EXACT", "by_day"]

EXACT = dt.Decimal(38, 6)  # sums of decimals are exact: the order of summation changes nothing


def by_day(lines: ir.Table) -> ir.Table:
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
        - orders : int64, distinct orders that are not all refund (lines of one day without an order_id are
          one order); where the table has no order_id, lines that are no refund
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
    >>> by_day(ibis.memtable(lines)).to_pandas().drop(columns=["customer_id", "day"])
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


def _exact(number: ir.FloatingColumn) -> ir.DecimalColumn:
    return number.cast(EXACT)
