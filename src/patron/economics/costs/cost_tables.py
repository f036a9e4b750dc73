"""Costs of keeping customers as tables: per customer, per segment, and the whale curve."""

from collections.abc import Callable, Mapping
from functools import reduce
from operator import add
from typing import Any

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd

from patron.economics.costs.cost_ledger import QUANTITIES, Allocation
from patron.economics.costs.monthly_base import ANONYMOUS, UNSCORED, MonthlyBase, with_tier

__all__ = ["charged_customers", "summarise", "whale_curve"]

_NO_MARGIN = "the margin is not positive"
_NOBODY = "no active customer"
_NOBODY_KEPT = "no retained customer"


def charged_customers(
    events: ir.Table,
    base: MonthlyBase,
    found: Allocation,
    store: Callable[[ir.Table, str], ir.Table],
) -> ir.Table:
    """What each customer brought and cost: see `customers` of `RetentionCosts`.

    Parameters
    ----------
    events
        one row per interaction: customer_id (null: nobody in particular), month, touchpoint, known,
        minutes, units
    base
        the customers of the months
    found
        the rates
    store
        computes a table once and holds it

    Returns
    -------
    ir.Table
        whose direct and indirect costs add up, to the cent, to what the statement says of customers
    """
    charges = store(_charges(events, base, found), "charges")
    whole = store(charges.filter(_counts(charges)), "charged")
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
        the customers of the months

    Returns
    -------
    pd.DataFrame
        DataFrame, see `summary` of `RetentionCosts`. Anonymous interactions are in the tier of that name
        alone
    """
    known = table[table["tier"] != ANONYMOUS]
    segments = base.segments.assign(month=[_month_of(base, number) for number in base.segments["month"]])
    totals = base.totals.set_index(base.totals["tier"].fillna(""))
    money = segments[["revenue", "margin"]]
    whole: dict[Any, Any] = totals.loc[""].to_dict() | money.sum().to_dict()
    rows = [_row("all", "", known, whole)]
    tiers = sorted({*totals.index[1:], *known["tier"], *segments["tier"]})
    for tier in tiers:
        base_of_tier = {"active": 0, "retained": 0} | (
            totals.loc[tier].to_dict() if tier in totals.index else {}
        )
        sums = money[segments["tier"] == tier].sum().to_dict()
        rows.append(_row("tier", tier, known[known["tier"] == tier], base_of_tier | sums))
    nobody = table[table["tier"] == ANONYMOUS]
    if len(nobody):
        rows.append(
            _row("tier", ANONYMOUS, nobody, dict.fromkeys(("active", "retained", "revenue", "margin"), 0))
        )
    for by in ("stage", "touchpoint", "channel"):
        for name, part in known.groupby(by, dropna=False, sort=True):
            rows.append(_row(by, "(none)" if pd.isna(name) else str(name), part, whole))
    months = segments.groupby("month")[["active", "retained", "revenue", "margin"]].sum()
    for month in base.months:
        counted = months.loc[month.start].to_dict() if month.start in months.index else {}
        nothing = dict.fromkeys(months.columns, 0)
        part = known[known["month"] == month.start]
        rows.append(_row("month", f"{month.start:%Y-%m}", part, nothing | counted))
    by_both = segments.set_index(["month", "tier"])
    for month in base.months:
        for tier in tiers:
            part = known[(known["month"] == month.start) & (known["tier"] == tier)]
            key = (month.start, tier)
            if len(part) or key in by_both.index:
                nothing = dict.fromkeys(months.columns, 0)
                counted = by_both.loc[key, list(months.columns)].to_dict() if key in by_both.index else {}
                rows.append(_row("month and tier", f"{month.start:%Y-%m} {tier}", part, nothing | counted))
    return pd.DataFrame(rows)


def whale_curve(customers: ir.Table) -> pd.DataFrame:
    """How profit adds up over customers, the most profitable first.

    Parameters
    ----------
    customers
        customer_id and margin_after, money

    Returns
    -------
    pd.DataFrame
        One row per percent of the customers: percent, customers (count so far), profit (money so far),
        profit_share (of the whole; missing where the whole is not positive)

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


def _charges(events: ir.Table, base: MonthlyBase, found: Allocation) -> ir.Table:
    """One row per customer: cents caused by interactions, by buying and by being there."""
    nothing = ibis.literal(0.0)
    known = events.filter(events.known)
    direct = indirect = nothing
    rates = found.rates[found.rates["known"].astype(bool)] if len(found.rates) else found.rates
    if len(rates):
        columns = [f"{kind}_{name}" for kind in ("direct", "indirect") for name in QUANTITIES]
        right = ibis.memtable(
            rates.rename(columns={"month": "rate_month", "touchpoint": "rate_touchpoint"})[
                ["rate_month", "rate_touchpoint", *columns]
            ].astype({"rate_month": "int64", **dict.fromkeys(columns, "float64")})
        )
        known = known.left_join(
            right, [known.month == right.rate_month, known.touchpoint == right.rate_touchpoint]
        )
        quantity = {"minutes": known.minutes, "events": ibis.literal(1.0), "units": known.units}
        direct, indirect = (
            reduce(add, [quantity[name] * known[f"{kind}_{name}"].fill_null(0.0) for name in QUANTITIES])
            for kind in ("direct", "indirect")
        )
    done = known.select(
        customer_id=known.customer_id,
        active=ibis.literal(0).cast("int64"),
        revenue=nothing,
        margin=nothing,
        events=ibis.literal(1).cast("int64"),
        minutes=known.minutes,
        direct=direct,
        indirect=indirect,
    )
    shared = found.shared.set_index("month") if len(found.shared) else pd.DataFrame()
    by_revenue = {m: float(shared["revenue"].get(m, 0.0)) for m in shared.index}
    by_being = {m: float(shared["active_customers"].get(m, 0.0)) for m in shared.index}
    bought = base.bought
    rate = (
        ibis.cases(*((bought.month == m, r) for m, r in by_revenue.items()), else_=0.0)
        if by_revenue
        else nothing
    )
    paid = bought.select(
        customer_id=bought.customer_id,
        active=ibis.literal(0).cast("int64"),
        revenue=bought.revenue,
        margin=bought.margin,
        events=ibis.literal(0).cast("int64"),
        minutes=nothing,
        direct=nothing,
        indirect=bought.revenue.clip(lower=0.0) * rate,
    )
    there = base.each
    bits = [
        ((there.active >> k) & 1) * by_being.get(month.number, 0.0)
        for k, month in enumerate(base.months, start=1)
    ]
    being = there.select(
        customer_id=there.customer_id,
        active=there.active,
        revenue=nothing,
        margin=nothing,
        events=ibis.literal(0).cast("int64"),
        minutes=nothing,
        direct=nothing,
        indirect=reduce(add, bits).cast("float64"),
    )
    every = ibis.union(done, paid, being)
    sums = {name: every[name].sum() for name in ("revenue", "margin", "minutes", "direct", "indirect")}
    return every.group_by("customer_id").agg(
        active=every.active.max(), events=every.events.sum().cast("int64"), **sums
    )


def _counts(charges: ir.Table) -> ir.BooleanValue:
    """Whether a customer was there in these months."""
    return (
        ((charges.active >> 1) > 0) | (charges.events > 0) | (charges.revenue != 0) | (charges.indirect != 0)
    )


def _in_whole_cents(table: ir.Table, column: str, total: int) -> ir.Table:
    """`column` in whole cents that add up to `total`: rounded down, and up for the largest remainders.

    The last bits of a sum depend on the order of its terms; a millionth of a cent does not.
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
        *([_NOBODY] if active == 0 else []),
        *([_NOBODY_KEPT] if active > 0 and retained == 0 else []),
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


def _month_of(base: MonthlyBase, number: int) -> Any:
    return next(month.start for month in base.months if month.number == number)
