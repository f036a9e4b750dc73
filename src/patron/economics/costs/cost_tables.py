"""Retention costs as tables: by customer, by segment, and the whale curve."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from functools import reduce
from operator import add
from typing import Any

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd

from patron.economics.costs.cost_ledger import Allocation
from patron.economics.costs.journey import QUANTITIES
from patron.economics.monthly_base import ANONYMOUS, UNSCORED, MonthlyBase, with_tier

__all__ = ["charged_customers", "summarise", "whale_curve"]

_COUNTS = ("active", "retained", "revenue", "margin")
_NO_MARGIN = "the margin is not positive"
_NONE_ACTIVE = "no active customer"
_NONE_RETAINED = "no retained customer"


def charged_customers(
    events: ir.Table,
    base: MonthlyBase,
    found: Allocation,
    store: Callable[[ir.Table, str], ir.Table],
) -> ir.Table:
    """Revenue, margin and cost of each customer: `customers` of `RetentionCosts`.

    Parameters
    ----------
    events
        one row per interaction: customer_id (null if anonymous), month, touchpoint, known,
        minutes, units
    base
        the customer base of the months
    found
        the allocated ledger
    store
        computes a table once and stores it

    Returns
    -------
    ir.Table
        one row per customer; direct and indirect costs add up to the customers' part of the statement, to
        the cent
    """
    charges = store(_charges(events, base, found), "charges")
    whole = store(charges.filter(_is_concerned(charges)), "charged")
    for kind in ("direct", "indirect"):
        total = int(found.statement.loc[found.statement["kind"] == kind, "customers"].sum())
        whole = _in_whole_cents(whole, kind, total)
    last = len(base.months)
    tiered = with_tier(whole.mutate(month=ibis.literal(base.months[-1].number)), base.tiers)
    cost = ((tiered.direct + tiered.indirect) / 100).round(2)
    profitable = tiered.margin > 0
    return store(
        tiered.select(
            customer_id=tiered.customer_id,
            period_start=ibis.literal(base.months[0].start),
            period_end=ibis.literal(base.months[-1].end),
            tier=tiered.tier.fill_null(UNSCORED),
            active=((tiered.active >> last) & 1) == 1,
            retained=((tiered.active & 1) * ((tiered.active >> last) & 1)) == 1,
            revenue=tiered.revenue.round(2),
            margin=tiered.margin.round(2),
            events=tiered.events,
            minutes=tiered.minutes.round(6),
            direct=tiered.direct / 100,
            indirect=tiered.indirect / 100,
            retention_cost=cost,
            margin_after=(tiered.margin - cost).round(2),
            cost_to_margin=ibis.ifelse(profitable, cost / tiered.margin, None),
            reason=ibis.ifelse(profitable, None, _NO_MARGIN),
        ),
        "customers",
    )


def summarise(table: pd.DataFrame, base: MonthlyBase) -> pd.DataFrame:
    """Costs per active and per retained customer, by tier, stage, touchpoint, channel and month.

    Parameters
    ----------
    table
        the journey: month, tier, stage, touchpoint, channel, events, minutes, direct, indirect, cost
    base
        the customer base of the months

    Returns
    -------
    pd.DataFrame
        `summary` of `RetentionCosts`. Anonymous interactions are in the tier of that name alone
    """
    known = table[table["tier"] != ANONYMOUS]
    starts = {month.number: month.start for month in base.months}
    segments = base.segments.assign(month=base.segments["month"].map(starts))
    totals = base.totals.set_index(base.totals["tier"].fillna(""))
    whole: dict[Any, Any] = totals.loc[""].to_dict() | segments[["revenue", "margin"]].sum().to_dict()
    tiers = sorted({*totals.index[1:], *known["tier"], *segments["tier"]})
    rows = [_row("all", "", known, whole), *_by_tier(table, segments, totals, tiers)]
    for by in ("stage", "touchpoint", "channel"):
        for name, part in known.groupby(by, dropna=False, sort=True):
            rows.append(_row(by, "(none)" if pd.isna(name) else str(name), part, whole))
    return pd.DataFrame([*rows, *_by_month(known, segments, list(starts.values()), tiers)])


def whale_curve(customers: ir.Table) -> pd.DataFrame:
    """Cumulative profit over customers, the most profitable first.

    Parameters
    ----------
    customers
        customer_id and margin_after, money

    Returns
    -------
    pd.DataFrame
        One row per percent of the customers: percent, customers (cumulative), profit (cumulative
        money), profit_share (of the total; missing unless the total is positive)

    Examples
    --------
    >>> few = ibis.memtable({"customer_id": [1, 2, 3, 4], "margin_after": [60.0, 50.0, 0.0, -10.0]})
    >>> whale_curve(few)
       percent  customers  profit  profit_share
    0       25          1    60.0           0.6
    1       50          2   110.0           1.1
    2       75          3   110.0           1.1
    3      100          4   100.0           1.0
    """
    n = customers.count()
    order = [customers.margin_after.desc(), customers.customer_id]
    placed = customers.select("margin_after", place=ibis.row_number().over(order_by=order) + 1)
    size = max(int(customers.aggregate(n=n).to_pandas()["n"].iloc[0]), 1)
    percent = ((placed.place * 100 + size - 1) // size).cast("int64")
    steps = placed.group_by(percent=percent).agg(
        customers=placed.count().cast("int64"), profit=placed.margin_after.sum()
    )
    curve: pd.DataFrame = steps.to_pandas().sort_values("percent", ignore_index=True)
    curve["customers"] = curve["customers"].cumsum()
    curve["profit"] = curve["profit"].cumsum().round(2)
    total = float(curve["profit"].iloc[-1]) if len(curve) else 0.0
    curve["profit_share"] = curve["profit"] / total if total > 0 else np.nan
    return curve


def _by_tier(
    table: pd.DataFrame, segments: pd.DataFrame, totals: pd.DataFrame, tiers: Sequence[str]
) -> Iterator[dict[str, Any]]:
    """One row of the summary per tier, the anonymous interactions last."""
    for tier in tiers:
        counts = totals.loc[tier].to_dict() if tier in totals.index else {"active": 0, "retained": 0}
        money = segments.loc[segments["tier"] == tier, ["revenue", "margin"]].sum().to_dict()
        yield _row("tier", tier, table[table["tier"] == tier], counts | money)
    anonymous = table[table["tier"] == ANONYMOUS]
    if len(anonymous):
        yield _row("tier", ANONYMOUS, anonymous, dict.fromkeys(_COUNTS, 0))


def _by_month(
    known: pd.DataFrame, segments: pd.DataFrame, months: Sequence[date], tiers: Sequence[str]
) -> Iterator[dict[str, Any]]:
    """One row of the summary per month, then one per month and tier."""
    nothing = dict.fromkeys(_COUNTS, 0)
    sums = segments.groupby("month")[list(_COUNTS)].sum()
    for month in months:
        counts = sums.loc[month].to_dict() if month in sums.index else {}
        yield _row("month", f"{month:%Y-%m}", known[known["month"] == month], nothing | counts)
    by_both = segments.set_index(["month", "tier"])[list(_COUNTS)]
    for month in months:
        for tier in tiers:
            part = known[(known["month"] == month) & (known["tier"] == tier)]
            key: Any = (month, tier)
            if len(part) or key in by_both.index:
                counts = by_both.loc[key].to_dict() if key in by_both.index else {}
                yield _row("month and tier", f"{month:%Y-%m} {tier}", part, nothing | counts)


def _charges(events: ir.Table, base: MonthlyBase, found: Allocation) -> ir.Table:
    """One row per customer: cents caused by interactions, by revenue and by being active."""
    shared = found.shared.set_index("month") if len(found.shared) else pd.DataFrame()
    by_revenue, by_activity = (
        {month: float(shared[name].get(month, 0.0)) for month in shared.index}
        for name in ("revenue", "active_customers")
    )
    bought, each = base.bought, base.each
    rate = ibis.literal(0.0)
    if by_revenue:
        rate = ibis.cases(*((bought.month == month, r) for month, r in by_revenue.items()), else_=0.0)
    bits = [
        ((each.active >> k) & 1) * by_activity.get(month.number, 0.0)
        for k, month in enumerate(base.months, start=1)
    ]
    every = ibis.union(
        _from_interactions(events, found.rates),
        _contribution(
            bought,
            revenue=bought.revenue,
            margin=bought.margin,
            indirect=bought.revenue.clip(lower=0.0) * rate,
        ),
        _contribution(each, active=each.active, indirect=reduce(add, bits).cast("float64")),
    )
    sums = {name: every[name].sum() for name in ("revenue", "margin", "minutes", "direct", "indirect")}
    return every.group_by("customer_id").agg(
        active=every.active.max(), events=every.events.sum().cast("int64"), **sums
    )


def _from_interactions(events: ir.Table, rates: pd.DataFrame) -> ir.Table:
    """What interactions contribute to the charges of identified customers."""
    known = events.filter(events.known)
    one = ibis.literal(1).cast("int64")
    rates = rates[rates["known"].astype(bool)] if len(rates) else rates
    if not len(rates):
        return _contribution(known, events=one, minutes=known.minutes)
    columns = [f"{kind}_{name}" for kind in ("direct", "indirect") for name in QUANTITIES]
    right = ibis.memtable(
        rates.rename(columns={"month": "rate_month", "touchpoint": "rate_touchpoint"})[
            ["rate_month", "rate_touchpoint", *columns]
        ].astype({"rate_month": "int64", **dict.fromkeys(columns, "float64")})
    )
    rated = known.left_join(
        right, [known.month == right.rate_month, known.touchpoint == right.rate_touchpoint]
    )
    quantity = {"minutes": rated.minutes, "events": ibis.literal(1.0), "units": rated.units}
    direct, indirect = (
        reduce(add, [quantity[name] * rated[f"{kind}_{name}"].fill_null(0.0) for name in QUANTITIES])
        for kind in ("direct", "indirect")
    )
    return _contribution(rated, events=one, minutes=rated.minutes, direct=direct, indirect=indirect)


def _contribution(table: ir.Table, **given: ir.Value) -> ir.Table:
    """customer_id and the columns of the charges, 0 unless given."""
    counts = dict.fromkeys(("active", "events"), ibis.literal(0).cast("int64"))
    numbers = dict.fromkeys(("revenue", "margin", "minutes", "direct", "indirect"), ibis.literal(0.0))
    columns = counts | numbers | given
    order = ("active", "revenue", "margin", "events", "minutes", "direct", "indirect")
    return table.select("customer_id", **{name: columns[name] for name in order})


def _is_concerned(charges: ir.Table) -> ir.BooleanValue:
    """Whether a customer was active, had an interaction, bought, or was charged in these months."""
    return (
        ((charges.active >> 1) > 0) | (charges.events > 0) | (charges.revenue != 0) | (charges.indirect != 0)
    )


def _in_whole_cents(table: ir.Table, column: str, total: int) -> ir.Table:
    """`column` in whole cents that add up to `total`, by largest remainders.

    Rounded to a millionth of a cent first, because the last bits of a sum depend on the order of its terms.
    """
    exact = table[column].round(6)
    down = exact.floor()
    have = table.aggregate(have=down.cast("int64").sum().cast("int64")).to_pandas()["have"].iloc[0]
    missing = total - (0 if pd.isna(have) else int(have))
    remainder = (exact - down).desc() if missing >= 0 else (exact - down).asc()
    place = ibis.row_number().over(order_by=[remainder, table.customer_id])
    step = ibis.ifelse(place < abs(missing), 1 if missing >= 0 else -1, 0)
    return table.mutate(**{column: (down.cast("int64") + step).cast("int64")})


def _row(by: str, segment: str, part: pd.DataFrame, counted: Mapping[Any, Any]) -> dict[str, Any]:
    """One row of the summary."""
    active, retained = int(counted["active"]), int(counted["retained"])
    margin, cost = float(counted["margin"]), round(float(part["cost"].sum()), 2)
    reasons = [
        *([_NONE_ACTIVE] if active == 0 else []),
        *([_NONE_RETAINED] if active > 0 and retained == 0 else []),
        *([_NO_MARGIN] if not margin > 0 else []),
    ]
    return {
        "by": by,
        "segment": segment,
        "active": active,
        "retained": retained,
        "revenue": round(float(counted["revenue"]), 2),
        "margin": round(margin, 2),
        "events": int(part["events"].sum()),
        "minutes": float(part["minutes"].sum()),
        "direct": round(float(part["direct"].sum()), 2),
        "indirect": round(float(part["indirect"].sum()), 2),
        "cost": cost,
        "cost_per_active": cost / active if active else np.nan,
        "cost_per_retained": cost / retained if retained else np.nan,
        "cost_to_margin": cost / margin if margin > 0 else np.nan,
        "reason": "; ".join(reasons) or None,
    }
