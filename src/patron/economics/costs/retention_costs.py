"""The cost of keeping customers, by time-driven activity-based costing.

Interactions use minutes and units; the cost ledger gives each minute and unit its rate (`cost_ledger.py`);
customers are charged for their interactions and for their share of common costs. Unused capacity and costs
without a driver stay visible and are charged to no customer.

The engine aggregates interactions where the tables are; pandas sees only sums by month, touchpoint and tier.

References
----------
Kaplan & Anderson (2004), Time-driven activity-based costing, Harvard Business Review 82(11), 131-138.
Kaplan & Narayanan (2001), Measuring and managing customer profitability, Journal of Cost Management 15(5),
5-15 (the whale curve).
"""

from dataclasses import dataclass
from datetime import date

import ibis
import ibis.expr.types as ir
import pandas as pd

from patron.economics.costs.cost_ledger import PARTS, Allocation, allocate
from patron.economics.costs.cost_tables import charged_customers, summarise, whale_curve
from patron.economics.costs.journey import QUANTITIES, Journey
from patron.economics.costs.rounding import in_cents, largest_remainder
from patron.economics.monthly_base import ANONYMOUS, UNSCORED, MonthlyBase, monthly_base, with_tier
from patron.economics.periods import Period, first_day_of_month, number_of, whole_periods
from patron.errors import TableError, counted
from patron.tables.records import Records
from patron.tables.report import TableReport

__all__ = ["RetentionCosts", "months_known", "retention_costs"]

SHARED_POINT = "(no touchpoint)"
"""The touchpoint of costs driven by active customers or revenue."""


@dataclass(frozen=True, slots=True)
class RetentionCosts:
    """The cost of keeping customers. Money in the currency of the input.

    Attributes
    ----------
    customers
        one row per customer with a cost, a purchase or an active month: customer_id, period_start,
        period_end (first and last day counted), tier, active, retained, revenue, margin (contribution
        margin before retention cost), events, minutes, direct, indirect, retention_cost, margin_after,
        cost_to_margin, and reason if that is null
    journey
        one row per month, tier, stage, touchpoint and channel: events, minutes, direct, indirect, cost
    summary
        one row per `by` (all, tier, stage, touchpoint, channel, month, month and tier) and segment:
        active and retained customers, revenue, margin, events, minutes, direct, indirect, cost,
        cost_per_active, cost_per_retained, cost_to_margin, reason
    whale
        one row per percent of the customers, most profitable first: percent, customers, profit and
        profit_share, all cumulative
    statement
        one row per month and line of the ledger: how it was allocated
    notes
        caveats, in sentences
    """

    customers: ir.Table
    journey: pd.DataFrame
    summary: pd.DataFrame
    whale: pd.DataFrame
    statement: pd.DataFrame
    notes: list[str]

    @property
    def totals(self) -> dict[str, float]:
        """The total of the ledger, and its four parts, which add up to it to the cent."""
        cents = {name: int((self.statement[name] * 100).round().sum()) for name in ("amount", *PARTS)}
        return {"ledger" if name == "amount" else name: value / 100 for name, value in cents.items()}

    @property
    def by_tier(self) -> pd.DataFrame:
        """Costs in all and by tier, for display."""
        shown = ["segment", "active", "retained", "margin", "cost", "cost_per_active", "cost_per_retained"]
        rows = self.summary[self.summary["by"].isin(["tier", "all"])]
        table: pd.DataFrame = rows[[*shown, "cost_to_margin", "reason"]].reset_index(drop=True)
        return table.assign(segment=table["segment"].replace("", "all")).rename(columns={"segment": "tier"})

    @property
    def by_touchpoint(self) -> pd.DataFrame:
        """Costs by touchpoint, highest first, for display."""
        rows = self.summary[self.summary["by"] == "touchpoint"]
        shown = ["segment", "events", "minutes", "direct", "indirect", "cost", "cost_per_active"]
        table: pd.DataFrame = rows[shown].rename(columns={"segment": "touchpoint"})
        return table.sort_values("cost", ascending=False, ignore_index=True)

    @property
    def in_short(self) -> pd.DataFrame:
        """Costs by tier in a few columns, for display: all customers first, then the most costly tiers."""
        shown = {
            "tier": "tier",
            "active": "active customers",
            "cost": "cost",
            "cost_per_active": "cost per active customer",
            "cost_to_margin": "cost ÷ margin",
        }
        of_all = self.by_tier["tier"] == "all"
        tiers = self.by_tier[~of_all].sort_values("cost_per_active", ascending=False, kind="stable")
        table: pd.DataFrame = pd.concat([self.by_tier[of_all], tiers], ignore_index=True)[list(shown)]
        return table.rename(columns=shown)

    def findings(self) -> list[str]:
        """How the ledger was allocated, who earns the profit, and the caveats, in sentences."""
        totals, whale = self.totals, self.whale
        lines = [
            f"Of {totals['ledger']:,.2f} in the ledger {totals['customers']:,.2f} went to customers, "
            f"{totals['anonymous']:,.2f} to anonymous interactions, {totals['unused_capacity']:,.2f} was "
            f"unused capacity, and {totals['unallocated']:,.2f} could not be allocated.",
        ]
        if len(whale) and whale["profit_share"].notna().all():
            best = max(whale.to_dict("records"), key=lambda row: float(row["profit"]))
            lines.append(
                f"The most profitable {best['percent']:.0f}% of the customers earn "
                f"{best['profit_share']:.0%} of the profit; the others lose "
                f"{best['profit_share'] - 1:.0%} of it."
            )
        rest = self.statement[self.statement["unallocated"] != 0]
        by_cause = rest.groupby(["pool", "reason"])["unallocated"].sum().reset_index()
        lines += [
            f"Unallocated: {money:,.2f} of pool {pool!r} ({reason})."
            for pool, reason, money in by_cause.to_numpy().tolist()
        ]
        return [*lines, *self.notes]


def retention_costs(
    records: Records,
    first: date,
    last: date,
    *,
    journey: Journey | None = None,
    tiers: ir.Table | None = None,
    margin: float = 1.0,
    active_within: int = 90,
) -> RetentionCosts:
    """The cost of keeping customers, by customer, tier, touchpoint, channel and month.

    Parameters
    ----------
    records
        interactions, costs and transactions; and subscriptions, which then define who is active
    first, last
        the days between which whole months count
    journey
        stages, time equations, capacities and unit costs; None uses the recorded minutes
    tiers
        customer_id and tier, and as_of if tiers change: the latest one up to the start of the month
        counts, or else the first. None for no tiers
    margin
        share of an amount that is kept, if transactions have no cost
    active_within
        days that a customer counts as active after a purchase if there are no contracts

    Returns
    -------
    RetentionCosts
        every cent of the ledger is in customers, anonymous, unused_capacity or unallocated

    Raises
    ------
    DateError
        no whole month lies between the days
    TableError
        the ledger has no line in these months

    Examples
    --------
    >>> lines = pd.DataFrame({"customer_id": [1, 2], "order_at": ["2024-05-03", "2024-05-20"],
    ...                       "amount": [80.0, 20.0]})
    >>> calls = pd.DataFrame({"customer_id": [1, 2, 2], "occurred_at": "2024-05-21", "touchpoint": "call",
    ...                       "minutes": [10, 10, 20]})
    >>> costs = pd.DataFrame({"month": ["2024-05-01"], "pool": ["service"], "amount": [100.0],
    ...                       "kind": ["direct"], "touchpoint": ["call"]})
    >>> records = Records.read(transactions=lines, interactions=calls, costs=costs)
    >>> found = retention_costs(records, date(2024, 5, 1), date(2024, 5, 31),
    ...                         journey=Journey(capacity={"service": 50}))
    >>> found.customers.order_by("customer_id").select("customer_id", "retention_cost").to_pandas()
       customer_id  retention_cost
    0            1            20.0
    1            2            60.0
    >>> found.totals
    {'ledger': 100.0, 'customers': 80.0, 'anonymous': 0.0, 'unused_capacity': 20.0, 'unallocated': 0.0}
    """
    journey = journey or Journey()
    months = whole_periods(first, last, "month")
    lines, notes = _lines_of(records["costs"], months)
    base = monthly_base(records, months, tiers=tiers, margin=margin, active_within=active_within)
    events = _events(records["interactions"], months, journey)
    used = _usage(events, base)
    by_touchpoint = used.groupby(["month", "touchpoint", "known"], as_index=False)[list(QUANTITIES)].sum()
    found = allocate(lines, by_touchpoint, base.by_month(), journey)
    table = _journey_table(used, base, found, journey)
    customers = charged_customers(events, base, found, records.store)
    missing = int(used.loc[used["touchpoint"].isin(_charged_by_minute(found)), "no_minutes"].sum())
    if missing:
        notes.append(
            f"No minutes are charged for {counted(missing, 'interaction')} with neither recorded minutes nor "
            "a time equation. Give base_minutes."
        )
    over = found.statement[found.statement["capacity"] < found.statement["quantity"]]
    notes += [
        f"Pool {row['pool']!r} used {row['quantity']:,.0f} minutes in {_name(row['month'])}, more than its "
        f"capacity of {row['capacity']:,.0f}, so its rate is the cost per minute used."
        for row in over.to_dict("records")
    ]
    return RetentionCosts(
        customers=customers,
        journey=table,
        summary=summarise(table, base),
        whale=whale_curve(customers),
        statement=_in_money(found.statement),
        notes=notes,
    )


def months_known(ledger: TableReport) -> tuple[date, date]:
    """The first day of the first month and the last day of the last month of a cost ledger.

    Parameters
    ----------
    ledger
        report of the table of costs
    """
    assert ledger.first_day is not None  # the table has a valid row, and every row has a day
    assert ledger.last_day is not None
    return ledger.first_day.replace(day=1), (pd.Timestamp(ledger.last_day) + pd.offsets.MonthEnd(0)).date()


def _lines_of(costs: ir.Table, months: list[Period]) -> tuple[pd.DataFrame, list[str]]:
    """The lines of the ledger in these months, in cents, and notes on ignored lines and empty months."""
    optional = [name for name in ("touchpoint", "driver") if name in costs.columns]
    key = ["month", "pool", "kind", *optional]
    dated = costs.mutate(month=number_of(costs.day, "month"), money=costs.amount.cast("float64"))
    lines = dated.group_by(key).agg(amount=dated.money.sum(), rows=dated.count())
    found = lines.to_pandas().sort_values(key, na_position="first", ignore_index=True)
    inside = found["month"].between(months[0].number, months[-1].number)
    if not inside.any():
        raise TableError(
            f"table 'costs' has no line from {months[0].start} to {months[-1].end}. Choose other days."
        )
    notes = []
    if not inside.all():
        outside = counted(int(found.loc[~inside, "rows"].sum()), "line")
        notes.append(f"Ignored {outside} of the ledger outside {months[0].start} to {months[-1].end}.")
    kept = found[inside].reset_index(drop=True)
    empty = sorted({month.number for month in months} - set(kept["month"]))
    if empty:
        notes.append(f"The ledger has no line for {', '.join(_name(number) for number in empty)}.")
    missing = {name: None for name in ("touchpoint", "driver") if name not in optional}
    return kept.assign(cents=in_cents(kept["amount"]), **missing), notes


def _events(interactions: ir.Table, months: list[Period], journey: Journey) -> ir.Table:
    """The interactions of these months, with minutes, and no_minutes: whether these are unknown."""
    inside = interactions.filter(interactions.day.between(months[0].start, months[-1].end))
    none = ibis.null("string")
    return inside.select(
        customer_id=inside.customer_id,
        month=number_of(inside.day, "month"),
        touchpoint=inside.touchpoint,
        channel=inside.channel if "channel" in inside.columns else none,
        known=inside.customer_id.notnull(),
        minutes=journey.minutes_of(inside),
        no_minutes=journey.without_minutes(inside),
        units=inside.units.cast("float64").fill_null(0.0) if "units" in inside.columns else ibis.literal(0.0),
    )


def _usage(events: ir.Table, base: MonthlyBase) -> pd.DataFrame:
    """Events, minutes and units by month, tier, touchpoint, channel and known."""
    tiered = with_tier(events, base.tiers)
    tiered = tiered.mutate(tier=ibis.ifelse(tiered.known, tiered.tier.fill_null(UNSCORED), ANONYMOUS))
    key = ["month", "tier", "touchpoint", "channel", "known"]
    used = tiered.group_by(key).agg(
        events=tiered.count().cast("int64"),
        minutes=tiered.minutes.sum(),
        units=tiered.units.sum(),
        no_minutes=tiered.no_minutes.cast("int64").sum().cast("int64"),
    )
    found: pd.DataFrame = used.to_pandas()
    return found.sort_values(key, ignore_index=True)


def _journey_table(
    used: pd.DataFrame, base: MonthlyBase, found: Allocation, journey: Journey
) -> pd.DataFrame:
    """Cost by month, tier, touchpoint and channel, rounded to cents that add up to the statement."""
    key = ["month", "touchpoint", "known"]
    table = used.merge(found.rates, on=key, how="left") if len(found.rates) else used
    for kind in ("direct", "indirect"):
        rates = [table.get(f"{kind}_{name}", pd.Series(0.0, index=table.index)) for name in QUANTITIES]
        table[kind] = sum(
            table[name] * rate.fillna(0.0) for name, rate in zip(QUANTITIES, rates, strict=True)
        )
    table["stage"] = [journey.stage_of(name) for name in table["touchpoint"]]
    common = base.segments.merge(found.shared, on="month") if len(found.shared) else base.segments.iloc[:0]
    if len(common):
        cents = common["active"] * common["active_customers"] + common["positive"] * common["revenue_y"]
        common = common.assign(direct=0.0, indirect=cents, events=0, minutes=0.0, known=True, channel=None)
        common = common.assign(stage="retention", touchpoint=SHARED_POINT)[cents != 0]
    columns = ["month", "tier", "stage", "touchpoint", "channel", "known"]
    numbers = ["events", "minutes", "direct", "indirect"]
    parts = [part[[*columns, *numbers]] for part in (table, common) if len(part)]
    whole = pd.concat(parts, ignore_index=True) if parts else table.reindex(columns=[*columns, *numbers])
    for known, part in ((True, "customers"), (False, "anonymous")):
        rows = whole["known"].to_numpy(dtype=bool) == known
        for kind in ("direct", "indirect"):
            total = int(found.statement.loc[found.statement["kind"] == kind, part].sum())
            whole.loc[rows, kind] = largest_remainder(whole.loc[rows, kind], total) / 100
    whole["month"] = [first_day_of_month(number) for number in whole["month"]]
    whole["cost"] = (whole["direct"] + whole["indirect"]).round(2)
    return whole.drop(columns="known").sort_values(columns[:-1], ignore_index=True)


def _charged_by_minute(found: Allocation) -> set[str]:
    rates = found.rates
    return set(rates.loc[rates["direct_minutes"] != 0, "touchpoint"]) if len(rates) else set()


def _in_money(statement: pd.DataFrame) -> pd.DataFrame:
    shown = statement.assign(**{name: statement[name] / 100 for name in ("amount", *PARTS)})
    shown["month"] = [first_day_of_month(number) for number in shown["month"]]
    return shown


def _name(number: int) -> str:
    return f"{first_day_of_month(number):%Y-%m}"
