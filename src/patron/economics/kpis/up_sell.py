"""Up-sell and cross-sell rates among the customers who could buy more.

Customers who bought nothing in a period cannot be up-sold in it, and customers who bought from every category
cannot be cross-sold: neither is in the denominator. A rate over all customers would fall with every new one.
"""

from collections.abc import Sequence

import ibis
import ibis.expr.types as ir

from patron.economics.kpis.estimates import Estimate, share, unknown
from patron.economics.periods import Every, Period, number_of, rows_by_number

__all__ = ["baskets_by_period", "cross_sell", "up_sell", "up_sell_of_contracts"]

ALL = "all"


def baskets_by_period(lines: ir.Table, every: Every) -> ir.Table:
    """Highest unit price by customer, category and period, without refunds.

    Parameters
    ----------
    lines
        customer_id, day, amount, and category, quantity where given
    every
        length of the periods

    Returns
    -------
    ir.Table
        customer_id, number, category ("all" if there is none), price (money, of the most expensive unit,
        or line if there is no quantity)
    """
    sold = lines.filter(lines.amount > 0)
    if "quantity" in sold.columns:
        price = (sold.quantity > 0).ifelse(sold.amount / sold.quantity, sold.amount)
    else:
        price = sold.amount
    category = sold.category.fill_null(ALL) if "category" in sold.columns else ibis.literal(ALL)
    numbered = sold.select("customer_id", number=number_of(sold.day, every), category=category, price=price)
    return numbered.group_by("customer_id", "number", "category").aggregate(price=numbered.price.max())


def up_sell(baskets: ir.Table, periods: Sequence[Period], *, threshold: float) -> list[Estimate]:
    """The share of repeat buyers in a category who bought something more expensive.

    Parameters
    ----------
    baskets
        of `baskets_by_period`, from the first known purchase on
    periods
        by time
    threshold
        ≥ 0, share by which the unit price must exceed the highest one that the customer paid in the
        category before

    Returns
    -------
    list[Estimate]
        per period, among the customers who bought again in a category

    Examples
    --------
    >>> from datetime import date
    >>> from patron.economics.periods import whole_periods
    >>> lines = ibis.memtable({
    ...     "customer_id": [1, 1, 2, 2],
    ...     "day": [date(2024, 1, 5), date(2024, 2, 5), date(2024, 1, 5), date(2024, 2, 5)],
    ...     "amount": [10.0, 12.0, 10.0, 10.5],
    ... })
    >>> february = whole_periods(date(2024, 2, 1), date(2024, 2, 29), "month")
    >>> up_sell(baskets_by_period(lines, "month"), february, threshold=0.10)[0].value
    0.5
    """
    before = ibis.window(group_by=["customer_id", "category"], order_by="number", preceding=(None, 1))
    history = baskets.mutate(highest=baskets.price.max().over(before))
    again = history.filter(history.highest.notnull())
    rises = again.price >= (1 + threshold) * again.highest
    each = again.mutate(rises=rises).group_by("number", "customer_id").aggregate(rises=ibis._.rises.any())
    return _shares(each, "rises", periods, "no customer bought again in a category")


def cross_sell(baskets: ir.Table, periods: Sequence[Period]) -> list[Estimate]:
    """The share of repeat buyers with a category left who bought from a new one.

    Parameters
    ----------
    baskets, periods
        as in :func:`up_sell`

    Returns
    -------
    list[Estimate]
        per period, among the repeat buyers who had not yet bought from every category
    """
    categories = baskets.group_by("category").aggregate(since=baskets.number.min()).to_pyarrow().to_pylist()
    if len(categories) < 2:
        return [unknown("the transactions have fewer than two categories") for _ in periods]
    first_numbers = [row["since"] for row in categories]
    there = ibis.memtable(
        {
            "number": [period.number for period in periods],
            "there": [sum(since <= period.number for since in first_numbers) for period in periods],
        }
    )
    order = ibis.window(group_by=["customer_id", "category"], order_by="number")
    firsts = baskets.mutate(fresh=ibis.row_number().over(order) == 0)
    each = firsts.group_by("customer_id", "number").aggregate(fresh=firsts.fresh.sum().cast("int64"))
    so_far = ibis.cumulative_window(group_by="customer_id", order_by="number")
    known = each.mutate(known=each.fresh.sum().over(so_far) - each.fresh)
    open_ = known.inner_join(there, "number")
    eligible = open_.filter((open_.known > 0) & (open_.known < open_.there))
    return _shares(
        eligible.mutate(crosses=eligible.fresh > 0),
        "crosses",
        periods,
        "no customer with a category left bought again",
    )


def up_sell_of_contracts(pairs: ir.Table, periods: Sequence[Period]) -> list[Estimate]:
    """The share of customers under contract at the start and at the end of a period who pay more at the end.

    Parameters
    ----------
    pairs
        of `patron.economics.kpis.sales.contract_revenue`
    periods
        by time
    """
    stayed = pairs.filter(pairs.now > 0)
    compared = stayed.mutate(rises=stayed.now > stayed.was * (1 + 1e-9))
    return _shares(compared, "rises", periods, "no customer was under contract at the start and at the end")


def _shares(rows: ir.Table, which: str, periods: Sequence[Period], empty: str) -> list[Estimate]:
    counted = rows.group_by("number").aggregate(n=rows.count(), part=rows[which].sum())
    found = rows_by_number(counted)
    none = {"n": 0, "part": 0}
    pairs = (found.get(period.number, none) for period in periods)
    return [share(int(row["part"] or 0), int(row["n"]), empty=empty) for row in pairs]
