"""Sales per customer, repeat rates and revenue retention.

Purchases of one customer on one day are one order. Refunds reduce the sales of the day of the refund, so a
day with more refunds than purchases is not an order.
"""

from collections.abc import Sequence

import ibis
import ibis.expr.types as ir
import numpy as np

from patron.durations import DAYS_PER_MONTH
from patron.economics.kpis.estimates import Estimate, Z, mean, ratio, share, unknown
from patron.economics.periods import Every, Period, in_table, number_of, rows_by_number

__all__ = [
    "contract_revenue",
    "loyalty_in_behaviour",
    "revenue_of_periods",
    "revenue_retention",
    "sales_by_period",
    "sales_of_days",
    "sales_per_customer",
]

NOBODY_BOUGHT = "no customer bought in the period"
_FEWEST_FOR_MEDIAN = 6  # the range of five numbers contains the median with less than 95 %


def sales_of_days(lines: ir.Table) -> ir.Table:
    """Sales by customer and day: customer_id, day, amount (money, net of refunds).

    Parameters
    ----------
    lines
        customer_id, day, amount

    Examples
    --------
    >>> from datetime import date
    >>> two = ibis.memtable({"customer_id": [1, 1], "day": [date(2024, 1, 5)] * 2, "amount": [9.0, -2.0]})
    >>> sales_of_days(two).to_pandas()["amount"].tolist()
    [7.0]
    """
    sums = lines.group_by("customer_id", "day").aggregate(amount=lines.amount.sum())
    return sums.mutate(amount=sums.amount.round(6))  # 0.1 + 0.2 - 0.3 is 0, not a purchase


def sales_by_period(days: ir.Table, every: Every) -> ir.Table:
    """Sales by customer and period: customer_id, number (of the period), amount (money), orders.

    Parameters
    ----------
    days
        of `sales_of_days`
    every
        length of the periods
    """
    numbered = days.mutate(number=number_of(days.day, every))
    return numbered.group_by("customer_id", "number").aggregate(
        amount=numbered.amount.sum().round(6), orders=(numbered.amount > 0).sum().cast("int64")
    )


def sales_per_customer(sales: ir.Table, periods: Sequence[Period]) -> list[dict[str, Estimate]]:
    """Mean and median sales per buyer of each period.

    Parameters
    ----------
    sales
        of `sales_by_period`
    periods
        by time

    Returns
    -------
    list[dict[str, Estimate]]
        per period: sales_per_customer_mean with Student's interval, on the log scale unless refunds made the
        sales of a customer negative; sales_per_customer_median with the interval of order statistics
    """
    within = sales.number.between(periods[0].number, periods[-1].number)
    buyers = sales.filter((sales.orders > 0) & within)
    sums = rows_by_number(
        buyers.group_by("number").aggregate(
            n=buyers.count(),
            total=buyers.amount.sum(),
            squares=(buyers.amount * buyers.amount).sum(),
            least=buyers.amount.min(),
            median=buyers.amount.median(),
        )
    )
    ends = _ends_of_medians(buyers, {number: int(row["n"]) for number, row in sums.items()})
    found = []
    for period in periods:
        row = sums.get(period.number)
        if row is None:
            missing = unknown(NOBODY_BOUGHT)
            found.append({"sales_per_customer_mean": missing, "sales_per_customer_median": missing})
            continue
        n = int(row["n"])
        low, high = ends.get(period.number, (None, None))
        median = Estimate(
            value=row["median"],
            n=n,
            low=low,
            high=high,
            reason=None
            if low is not None
            else f"the median of fewer than {_FEWEST_FOR_MEDIAN} customers has no interval",
        )
        average = mean(row["total"], row["squares"], n, empty=NOBODY_BOUGHT, least=row["least"])
        found.append({"sales_per_customer_mean": average, "sales_per_customer_median": median})
    return found


def loyalty_in_behaviour(sales: ir.Table, periods: Sequence[Period]) -> list[dict[str, Estimate]]:
    """Repeat rates of the buyers of each period.

    Parameters
    ----------
    sales
        of `sales_by_period`, from the first known purchase on
    periods
        by time

    Returns
    -------
    list[dict[str, Estimate]]
        per period, among its buyers: repeat_rate, the share with two orders or more until its end, and
        three_orders_rate, with three or more
    """
    so_far = ibis.cumulative_window(group_by="customer_id", order_by="number")
    bought = sales.filter(sales.orders > 0)
    to_date = bought.mutate(orders=bought.orders.sum().over(so_far))
    counted = to_date.group_by("number").aggregate(
        n=to_date.count(), two=(to_date.orders >= 2).sum(), three=(to_date.orders >= 3).sum()
    )
    rows = rows_by_number(counted)
    none = {"n": 0, "two": 0, "three": 0}
    return [
        {
            "repeat_rate": share(int(row["two"]), int(row["n"]), empty=NOBODY_BOUGHT),
            "three_orders_rate": share(int(row["three"]), int(row["n"]), empty=NOBODY_BOUGHT),
        }
        for row in (rows.get(period.number, none) for period in periods)
    ]


def revenue_of_periods(sales: ir.Table) -> ir.Table:
    """Revenue of each customer in one period and in the next: number, customer_id, was, now (money).

    Parameters
    ----------
    sales
        of `sales_by_period`

    Returns
    -------
    ir.Table
        one row per customer and period with a positive amount in the period before
    """
    base = sales.filter(sales.amount > 0).select("customer_id", number=sales.number + 1, was=sales.amount)
    now = sales.select("customer_id", "number", now=sales.amount)
    pairs = base.left_join(now, ["customer_id", "number"])
    return pairs.select("number", "customer_id", "was", now=ibis.greatest(pairs.now.fill_null(0.0), 0.0))


def contract_revenue(contracts: ir.Table, periods: Sequence[Period]) -> ir.Table:
    """Monthly revenue of each customer's contracts at the start and at the end of each period.

    Parameters
    ----------
    contracts
        customer_id, day (of the start), price, and ended_on, period_days if given; a price without
        period_days is monthly
    periods
        by time

    Returns
    -------
    ir.Table
        number, customer_id, was, now; one row per customer who paid at the start
    """
    length = contracts.period_days if "period_days" in contracts.columns else ibis.null("float64")
    ended = contracts.ended_on if "ended_on" in contracts.columns else ibis.null("date")
    priced = contracts.select(
        "customer_id",
        starts_on=contracts.day,
        ends_on=ended,
        monthly=contracts.price * DAYS_PER_MONTH / length.fill_null(DAYS_PER_MONTH),
    )
    span = in_table(periods)
    running = priced.ends_on.isnull()
    over = priced.join(
        span, [priced.starts_on <= span.end, running | (priced.ends_on > span.before), priced.monthly > 0]
    )
    at_start = over.starts_on <= over.before
    at_end = over.ends_on.isnull() | (over.ends_on > over.end)
    sums = over.group_by("number", "customer_id").aggregate(
        was=over.monthly.sum(where=at_start), now=over.monthly.sum(where=at_end)
    )
    paying = sums.filter(sums.was > 0)
    return paying.mutate(now=paying.now.fill_null(0.0))


def revenue_retention(pairs: ir.Table, periods: Sequence[Period], *, empty: str) -> list[dict[str, Estimate]]:
    """Gross and net revenue retention of each period.

    Parameters
    ----------
    pairs
        number, customer_id, was, now
    periods
        by time
    empty
        the reason if no customer paid before

    Returns
    -------
    list[dict[str, Estimate]]
        per period: gross_revenue_retention, Σ min(now, was) ÷ Σ was, without expansion; and
        net_revenue_retention, Σ now ÷ Σ was. New customers are in neither
    """
    both = pairs.mutate(kept=ibis.least(pairs.was, pairs.now))
    sums = rows_by_number(
        both.group_by("number").aggregate(
            n=both.count(),
            was=both.was.sum(),
            now=both.now.sum(),
            kept=both.kept.sum(),
            was_was=(both.was * both.was).sum(),
            now_now=(both.now * both.now).sum(),
            kept_kept=(both.kept * both.kept).sum(),
            was_now=(both.was * both.now).sum(),
            was_kept=(both.was * both.kept).sum(),
        )
    )
    found = []
    for period in periods:
        row = sums.get(period.number)
        if row is None:
            found.append(dict.fromkeys(("gross_revenue_retention", "net_revenue_retention"), unknown(empty)))
            continue
        found.append(
            {
                name: ratio(
                    row[now],
                    row["was"],
                    (row[f"{now}_{now}"], row["was_was"], row[f"was_{now}"]),
                    int(row["n"]),
                    empty=empty,
                )
                for name, now in (("gross_revenue_retention", "kept"), ("net_revenue_retention", "now"))
            }
        )
    return found


def _ends_of_medians(buyers: ir.Table, counts: dict[int, int]) -> dict[int, tuple[float, float]]:
    """The order statistics that contain the median with 95 %, if there are enough customers."""
    reach = {
        number: min(Z / (2 * np.sqrt(n)), 0.5) for number, n in counts.items() if n >= _FEWEST_FOR_MEDIAN
    }
    if not reach:
        return {}
    wanted = {
        f"{side}{number}": buyers.amount.quantile(0.5 + sign * half, where=buyers.number == number)
        for number, half in reach.items()
        for side, sign in (("low", -1), ("high", 1))
    }
    row = buyers.aggregate(**wanted).to_pyarrow().to_pylist()[0]
    return {number: (row[f"low{number}"], row[f"high{number}"]) for number in reach}
