"""What customers buy: sales per customer, repeat buying, and how much of the revenue stays.

Purchases of one customer on one day are one order. Refunds are taken off the day they come back, so that a
day on which more came back than was bought is no purchase.
"""

from collections.abc import Sequence

import ibis
import ibis.expr.types as ir
import numpy as np
from scipy import stats

from patron.durations import DAYS_PER_MONTH
from patron.economics.kpis.estimates import LEVEL, Estimate, mean, ratio, share, unknown
from patron.economics.kpis.periods import Every, Period, in_table, number_of

__all__ = [
    "contract_revenue",
    "loyalty_in_behaviour",
    "revenue_of_periods",
    "revenue_retention",
    "sales_by_period",
    "sales_of_days",
    "sales_per_customer",
]

NOBODY_BOUGHT = "nobody bought in the period"
_FEWEST_FOR_MEDIAN = 6  # of five, even the smallest and the largest do not hold the median with 95 %


def sales_of_days(lines: ir.Table) -> ir.Table:
    """One row per customer and day: customer_id, day, amount (money, net of refunds).

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
    return sums.mutate(amount=sums.amount.round(6))  # 0.1 + 0.2 - 0.3 is no purchase


def sales_by_period(days: ir.Table, every: Every) -> ir.Table:
    """One row per customer and period with a purchase or a refund: customer_id, number, amount, orders.

    Parameters
    ----------
    days
        as `sales_of_days` makes them
    every
        which periods
    """
    numbered = days.mutate(number=number_of(days.day, every))
    return numbered.group_by("customer_id", "number").aggregate(
        amount=numbered.amount.sum().round(6), orders=(numbered.amount > 0).sum().cast("int64")
    )


def sales_per_customer(sales: ir.Table, periods: Sequence[Period]) -> list[dict[str, Estimate]]:
    """The mean and the median of what those who bought in a period spent in it.

    Parameters
    ----------
    sales
        as `sales_by_period` makes them
    periods
        in order of time

    Returns
    -------
    list[dict[str, Estimate]]
        per period: sales_per_customer_mean with Student's interval, on the scale of logarithms unless refunds
        have made somebody's sales negative; sales_per_customer_median with that of the order statistics
    """
    buyers = _buyers(sales, periods)
    sums = _by_period(
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
            nobody = unknown(NOBODY_BOUGHT)
            found.append({"sales_per_customer_mean": nobody, "sales_per_customer_median": nobody})
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
            else f"fewer than {_FEWEST_FOR_MEDIAN} have no interval of the median",
        )
        average = mean(row["total"], row["squares"], n, empty=NOBODY_BOUGHT, least=row["least"])
        found.append({"sales_per_customer_mean": average, "sales_per_customer_median": median})
    return found


def loyalty_in_behaviour(sales: ir.Table, periods: Sequence[Period]) -> list[dict[str, Estimate]]:
    """How many of those who bought in a period had bought before.

    Parameters
    ----------
    sales
        as `sales_by_period` makes them, from the first purchase known on
    periods
        in order of time

    Returns
    -------
    list[dict[str, Estimate]]
        per period, of those who bought in it: repeat_rate, the share with two orders or more until its end,
        and three_orders_rate, with three or more
    """
    so_far = ibis.cumulative_window(group_by="customer_id", order_by="number")
    bought = sales.filter(sales.orders > 0)
    to_date = bought.mutate(orders=bought.orders.sum().over(so_far))
    counted = to_date.group_by("number").aggregate(
        n=to_date.count(), two=(to_date.orders >= 2).sum(), three=(to_date.orders >= 3).sum()
    )
    rows = _by_period(counted)
    none = {"n": 0, "two": 0, "three": 0}
    return [
        {
            "repeat_rate": share(int(row["two"]), int(row["n"]), empty=NOBODY_BOUGHT),
            "three_orders_rate": share(int(row["three"]), int(row["n"]), empty=NOBODY_BOUGHT),
        }
        for row in (rows.get(period.number, none) for period in periods)
    ]


def revenue_of_periods(sales: ir.Table) -> ir.Table:
    """What each customer paid in the period before, and pays now: number, customer_id, was, now.

    Parameters
    ----------
    sales
        as `sales_by_period` makes them

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
    """What each customer's contracts bring a month, at the start of a period and at its end.

    Parameters
    ----------
    contracts
        customer_id, day (of the start), price, and ended_on, period_days where given; a price
        without a length of its period is one a month
    periods
        in order of time

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
    """How much of the revenue of those who paid before is still there.

    Parameters
    ----------
    pairs
        number, customer_id, was, now
    periods
        in order of time
    empty
        the reason where nobody paid before

    Returns
    -------
    list[dict[str, Estimate]]
        per period: gross_revenue_retention, Σ min(now, was) ÷ Σ was, to which nobody who pays more now adds;
        and net_revenue_retention, Σ now ÷ Σ was. New customers are in neither
    """
    both = pairs.mutate(kept=ibis.least(pairs.was, pairs.now))
    sums = _by_period(
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


def _buyers(sales: ir.Table, periods: Sequence[Period]) -> ir.Table:
    first, last = periods[0].number, periods[-1].number
    return sales.filter((sales.orders > 0) & sales.number.between(first, last))


def _ends_of_medians(buyers: ir.Table, counts: dict[int, int]) -> dict[int, tuple[float, float]]:
    """The order statistics that hold the median with 95 %, where there are enough customers."""
    z = float(stats.norm.ppf(0.5 + LEVEL / 2))
    reach = {
        number: min(z / (2 * np.sqrt(n)), 0.5) for number, n in counts.items() if n >= _FEWEST_FOR_MEDIAN
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


def _by_period(counted: ir.Table) -> dict[int, dict[str, float]]:
    return {row["number"]: row for row in counted.to_pyarrow().to_pylist()}
