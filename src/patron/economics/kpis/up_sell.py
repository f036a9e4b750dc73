"""Up-sell and cross-sell, each among those who could be sold more.

Who bought nothing in a period could not be sold anything dearer in it, and who has bought from every category
has none left: neither is counted. A rate over all customers would fall with every new one.
"""

from collections.abc import Sequence

import ibis
import ibis.expr.types as ir

from patron.economics.kpis.estimates import Estimate, share, unknown
from patron.economics.kpis.periods import Every, Period, number_of

__all__ = ["baskets_by_period", "cross_sell", "up_sell", "up_sell_of_contracts"]

ALL = "all"


def baskets_by_period(lines: ir.Table, every: Every) -> ir.Table:
    """What each customer bought of each category in each period, refunds left out.

    Parameters
    ----------
    lines
        customer_id, day, amount, and category, quantity where given
    every
        which periods

    Returns
    -------
    ir.Table
        customer_id, number, category ("all" where there is none), price (money, of the dearest unit;
        of the dearest line where there is no quantity)
    """
    sold = lines.filter(lines.amount > 0)
    if "quantity" in sold.columns:
        price = (sold.quantity > 0).ifelse(sold.amount / sold.quantity, sold.amount)
    else:
        price = sold.amount
    category = sold.category.fill_null(ALL) if "category" in sold.columns else ibis.literal(ALL)
    numbered = sold.select("customer_id", number=number_of(sold.day, every), category=category, price=price)
    return numbered.group_by("customer_id", "number", "category").aggregate(price=numbered.price.max())


def up_sell(baskets: ir.Table, periods: Sequence[Period], *, dearer: float) -> list[Estimate]:
    """The share of those buying again in a category who bought something dearer.

    Parameters
    ----------
    baskets
        as `baskets_by_period` makes them, from the first purchase known on
    periods
        in order of time
    dearer
        by what share the price of a unit must exceed that of the dearest one which the customer bought
        of the category before, ≥ 0

    Returns
    -------
    list[Estimate]
        per period, among the customers who bought in a category that they had bought from before

    Examples
    --------
    >>> from datetime import date
    >>> from patron.economics.kpis.periods import whole_periods
    >>> lines = ibis.memtable({
    ...     "customer_id": [1, 1, 2, 2],
    ...     "day": [date(2024, 1, 5), date(2024, 2, 5), date(2024, 1, 5), date(2024, 2, 5)],
    ...     "amount": [10.0, 12.0, 10.0, 10.5],
    ... })
    >>> february = whole_periods(date(2024, 2, 1), date(2024, 2, 29), "month")
    >>> up_sell(baskets_by_period(lines, "month"), february, dearer=0.10)[0].value
    0.5
    """
    before = ibis.window(group_by=["customer_id", "category"], order_by="number", preceding=(None, 1))
    history = baskets.mutate(dearest=baskets.price.max().over(before))
    again = history.filter(history.dearest.notnull())
    rises = again.price >= (1 + dearer) * again.dearest
    each = again.mutate(rises=rises).group_by("number", "customer_id").aggregate(rises=ibis._.rises.any())
    return _shares(each, "rises", periods, "nobody bought again in a category known to them")


def cross_sell(baskets: ir.Table, periods: Sequence[Period]) -> list[Estimate]:
    """The share of those buying again, and not yet from everywhere, who bought from a new category.

    Parameters
    ----------
    baskets
        as `baskets_by_period` makes them, from the first purchase known on
    periods
        in order of time

    Returns
    -------
    list[Estimate]
        per period, among the customers who bought, had bought before, and had a category left to buy from
    """
    categories = baskets.group_by("category").aggregate(since=baskets.number.min()).to_pyarrow().to_pylist()
    if len(categories) < 2:
        return [unknown("the lines name fewer than two categories") for _ in periods]
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
        "nobody bought again who had a category left",
    )


def up_sell_of_contracts(pairs: ir.Table, periods: Sequence[Period]) -> list[Estimate]:
    """The share of customers under contract at the start and at the end who pay more at the end.

    Parameters
    ----------
    pairs
        as `patron.economics.kpis.sales.contract_revenue` makes them
    periods
        in order of time
    """
    stayed = pairs.filter(pairs.now > 0)
    dearer = stayed.mutate(rises=stayed.now > stayed.was * (1 + 1e-9))
    return _shares(dearer, "rises", periods, "nobody was under contract at the start and at the end")


def _shares(rows: ir.Table, which: str, periods: Sequence[Period], empty: str) -> list[Estimate]:
    counted = rows.group_by("number").aggregate(n=rows.count(), part=rows[which].sum())
    found = {row["number"]: row for row in counted.to_pyarrow().to_pylist()}
    none = {"n": 0, "part": 0}
    pairs = (found.get(period.number, none) for period in periods)
    return [share(int(row["part"] or 0), int(row["n"]), empty=empty) for row in pairs]
