"""The customer base by month: who is active and retained, in which tier, with which revenue and margin."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import reduce
from operator import add

import ibis
import ibis.expr.types as ir
import pandas as pd

from patron.economics.periods import Period, number_of
from patron.errors import DateError
from patron.tables.records import Records

__all__ = ["ANONYMOUS", "UNSCORED", "MonthlyBase", "monthly_base", "with_tier"]

ANONYMOUS, UNSCORED = "anonymous", "unscored"
"""The tiers of anonymous interactions, and of customers without a score."""

_MAX_MONTHS = 60  # each is a bit of a 64-bit integer


@dataclass(frozen=True, slots=True)
class MonthlyBase:
    """The customer base of some months.

    Attributes
    ----------
    months
        by time
    each
        one row per customer: customer_id and `active`, an integer whose bit 0 is set if the customer was
        active before the first month, and bit k if active at the end of the k-th
    bought
        one row per customer and month with a transaction: customer_id, month, revenue, margin (money)
    tiers
        customer_id and tier, and month if tiers change; None without tiers
    segments
        one row per month and tier: month, tier, active, retained (customers), revenue, margin, and
        positive (revenue of the customers whose revenue in the month is positive)
    totals
        one row per tier, and one for all (tier missing): active (customers active at the end of any month)
        and retained (active before the first month and at the end of the last)
    """

    months: Sequence[Period]
    each: ir.Table
    bought: ir.Table
    tiers: ir.Table | None
    segments: pd.DataFrame
    totals: pd.DataFrame

    def by_month(self) -> pd.DataFrame:
        """Cost drivers by month: active_customers, and revenue (the positive revenue of customers)."""
        sums = self.segments.groupby("month", as_index=False)[["active", "positive"]].sum()
        return sums.rename(columns={"active": "active_customers", "positive": "revenue"})


def monthly_base(
    records: Records,
    months: Sequence[Period],
    *,
    tiers: ir.Table | None = None,
    margin: float = 1.0,
    active_within: int = 90,
) -> MonthlyBase:
    """The customer base of some months.

    Parameters
    ----------
    records
        transactions; and subscriptions, which then define who is active
    months
        consecutive
    tiers
        customer_id, tier, and as_of if tiers change; None without tiers
    margin
        share of an amount that is kept, if transactions have no cost
    active_within
        days that a customer counts as active after a purchase if there are no contracts

    Raises
    ------
    DateError
        more than sixty months

    Examples
    --------
    See :func:`patron.economics.costs.retention_costs.retention_costs`.
    """
    if len(months) > _MAX_MONTHS:
        raise DateError(f"{len(months)} months are more than {_MAX_MONTHS}. Choose a shorter period.")
    tiers = None if tiers is None else records.store(_tiers_by_month(tiers, months), "tiers")
    each = records.store(_active_months(records, months, active_within), "active_months")
    bought = records.store(_bought(records["transactions"], months, margin), "bought")
    return MonthlyBase(
        months=months,
        each=each,
        bought=bought,
        tiers=tiers,
        segments=_segments(each, bought, tiers, months),
        totals=_totals(each, tiers, months),
    )


def with_tier(rows: ir.Table, tiers: ir.Table | None) -> ir.Table:
    """Rows with the tier of the customer in the month; null where unknown.

    Parameters
    ----------
    rows
        customer_id, month, and any columns
    tiers
        customer_id, tier, and month if tiers change; None without tiers
    """
    if tiers is None:
        return rows.mutate(tier=ibis.null("string"))
    key = [name for name in ("customer_id", "month") if name in tiers.columns]
    right = tiers.rename({f"{name}_of_tier": name for name in key})
    joined = rows.left_join(right, [rows[name] == right[f"{name}_of_tier"] for name in key])
    return joined.drop(*(f"{name}_of_tier" for name in key))


def _tiers_by_month(tiers: ir.Table, months: Sequence[Period]) -> ir.Table:
    """One tier per customer, or per customer and month if there are several days of scores."""
    if "as_of" not in tiers.columns:
        return tiers.group_by("customer_id").agg(tier=tiers.tier.max())
    days = sorted(tiers.as_of.cast("date").as_table().distinct().to_pandas().iloc[:, 0].dropna())
    if len(days) < 2:
        return tiers.group_by("customer_id").agg(tier=tiers.tier.max())
    # The latest score up to the start of the month, or else the customer's first score.
    begin = ibis.memtable(
        {"month": [month.number for month in months], "begins": [month.start for month in months]}
    )
    dated = tiers.select("customer_id", "tier", scored=tiers.as_of.cast("date"))
    crossed = dated.cross_join(begin)
    known = crossed.filter(crossed.scored <= crossed.begins)
    then = known.group_by("customer_id", "month").agg(tier=known.tier.argmax(known.scored))
    first = dated.group_by("customer_id").agg(
        first_tier=dated.tier.argmin(dated.scored), since=dated.scored.min()
    )
    early = first.cross_join(begin)
    early = early.filter(early.since > early.begins).select("customer_id", "month", tier=early.first_tier)
    return then.union(early)


def _active_months(records: Records, months: Sequence[Period], within: int) -> ir.Table:
    """customer_id and `active`, one bit per month at whose end the customer is active."""
    ends = [months[0].before, *(month.end for month in months)]
    subscriptions = records.get("subscriptions")
    if subscriptions is not None:
        begins, over = subscriptions.day, ibis.null("date")
        if "ended_on" in subscriptions.columns:
            over = subscriptions.ended_on
        flags = [(begins <= end) & (over.isnull() | (over > end)) for end in ends]
        spells = subscriptions.select("customer_id", active=_bits(flags))
    else:
        lines = records["transactions"]
        span = [(end - timedelta(days=within), end) for end in ends]
        bought = lines.filter((lines.amount > 0) & (lines.day > span[0][0]) & (lines.day <= ends[-1]))
        # Only the last purchase of a month matters for being active at the end of this and later months.
        month = number_of(bought.day, "month")
        spells = bought.group_by("customer_id", month=month).agg(day=bought.day.max())
        flags = [(spells.day > since) & (spells.day <= end) for since, end in span]
        spells = spells.select("customer_id", active=_bits(flags))
    return spells.group_by("customer_id").agg(active=spells.active.bit_or())


def _bits(flags: Sequence[ir.BooleanValue]) -> ir.IntegerValue:
    bits = [flag.cast("int64") * (1 << k) for k, flag in enumerate(flags)]
    total: ir.IntegerValue = reduce(add, bits)
    return total.cast("int64")


def _bought(transactions: ir.Table, months: Sequence[Period], margin: float) -> ir.Table:
    """Revenue and margin per customer and month."""
    inside = transactions.filter(transactions.day.between(months[0].start, months[-1].end))
    amount = inside.amount.cast("float64")
    kept = amount * margin
    if "cost" in inside.columns:
        kept = (amount - inside.cost.cast("float64")).fill_null(kept)
    return inside.group_by("customer_id", month=number_of(inside.day, "month")).agg(
        revenue=amount.sum(), margin=kept.sum()
    )


def _segments(
    each: ir.Table, bought: ir.Table, tiers: ir.Table | None, months: Sequence[Period]
) -> pd.DataFrame:
    place = ibis.memtable(
        {"month": [month.number for month in months], "bit": list(range(1, len(months) + 1))}
    )
    crossed = each.cross_join(place)
    now, before = (crossed.active >> crossed.bit) & 1, (crossed.active >> (crossed.bit - 1)) & 1
    crossed = crossed.mutate(now=now, stayed=now * before)
    there = with_tier(crossed.filter(crossed.now == 1), tiers)
    key = ["month", "tier"]
    counted = there.group_by(key).agg(
        active=there.now.sum().cast("int64"), retained=there.stayed.sum().cast("int64")
    )
    paid = with_tier(bought, tiers)
    sums = paid.group_by(key).agg(
        revenue=paid.revenue.sum(), margin=paid.margin.sum(), positive=paid.revenue.clip(lower=0.0).sum()
    )
    one, other = (
        table.to_pandas().astype({"tier": object}).fillna({"tier": UNSCORED}) for table in (counted, sums)
    )
    both = one.merge(other, on=key, how="outer").fillna(0.0)
    found: pd.DataFrame = both.astype({"active": "int64", "retained": "int64"})
    return found.sort_values(key, ignore_index=True)


def _totals(each: ir.Table, tiers: ir.Table | None, months: Sequence[Period]) -> pd.DataFrame:
    last = len(months)
    within = each.active >> 1
    flagged = each.mutate(
        month=ibis.literal(months[-1].number),
        ever=(within > 0).cast("int64"),
        stayed=(each.active & 1) * ((each.active >> last) & 1),
    )
    tiered = with_tier(flagged, tiers)
    counted = tiered.group_by("tier").agg(
        active=tiered.ever.sum().cast("int64"), retained=tiered.stayed.sum().cast("int64")
    )
    by_tier = counted.to_pandas().fillna({"tier": UNSCORED})
    whole = by_tier[["active", "retained"]].sum().to_frame().T.assign(tier=None)
    every: pd.DataFrame = pd.concat([whole, by_tier.sort_values("tier")], ignore_index=True)
    return every[["tier", "active", "retained"]]
