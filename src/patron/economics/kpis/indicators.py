"""The indicators of a customer base: one row per period and indicator.

Shops have no contracts: there a customer is active for so many days from each purchase on. Where there are
contracts, who has one is active. Every rate says what was divided by what, how many customers it rests on and
how sure it is; a number that is not there is null, with the reason, and never 0 or infinite.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

import ibis
import ibis.expr.types as ir
import pandas as pd

from patron.economics.kpis.acquisition import (
    acquisition_costs,
    lead_estimates,
    spend_of_periods,
    with_conversions,
)
from patron.economics.kpis.estimates import Estimate, unknown
from patron.economics.kpis.periods import Every, Period, number_of, whole_periods
from patron.economics.kpis.roll_forward import (
    contacted_lapsed,
    count_movements,
    movement_rates,
    win_back_rates,
)
from patron.economics.kpis.sales import (
    contract_revenue,
    loyalty_in_behaviour,
    revenue_of_periods,
    revenue_retention,
    sales_by_period,
    sales_of_days,
    sales_per_customer,
)
from patron.economics.kpis.satisfaction import satisfaction
from patron.economics.kpis.spells import spells_by_contract, spells_by_rule
from patron.economics.kpis.tenure import tenure_estimates, watched_tenures
from patron.economics.kpis.up_sell import baskets_by_period, cross_sell, up_sell, up_sell_of_contracts
from patron.errors import RangeError, TableError
from patron.tables.engine import store

__all__ = ["KPIS", "CustomerBase", "KpiRules", "indicators", "read_base"]

KPIS = {
    "new_customers": "active for the first time ever",
    "cac": "acquisition spend ÷ new customers",
    "active_customers": "active at the close of the last day",
    "churn_rate": "of those active at the start, no longer active at the end",
    "churn_rate_annual": "1 − (1 − churn)^(periods in a year)",
    "retention_rate": "1 − churn",
    "net_growth_rate": "(gained − lost) ÷ active at the start",
    "net_growth_rate_total": "new ÷ all who were ever active before",
    "gross_revenue_retention": "Σ min(now, before) ÷ Σ before, of those who paid before",
    "net_revenue_retention": "Σ now ÷ Σ before, of those who paid before",
    "win_back_rate": "of the lapsed whom the business contacted, came back after it",
    "win_back_rate_organic": "of the other lapsed, came back",
    "tenure_median_days": "after so many days half have left (Kaplan-Meier)",
    "tenure_mean_days": "mean days active, up to the longest tenure watched (Kaplan-Meier)",
    "sales_per_customer_mean": "money net of refunds, per customer who bought",
    "sales_per_customer_median": "half of those who bought spent less",
    "repeat_rate": "of those who bought, with two orders or more to date",
    "three_orders_rate": "of those who bought, with three orders or more to date",
    "up_sell_rate": "of those buying again in a category, paid more a unit than ever; or more by contract",
    "cross_sell_rate": "of those buying again with a category left, bought from a new one",
    "leads": "leads created",
    "cost_per_lead": "mean cost of the leads whose cost is known",
    "lead_conversion_rate": "of leads that have had their time, became customers within it",
    "csat": "of those asked for their satisfaction, answered 4 or 5 of 5",
    "nps": "share of 9 and 10 less share of 0 to 6, in points",
    "nps_standard_error": "of the score, in points",
    "loyalty_attitude": "of those asked for a recommendation, answered 9 or 10",
    "customer_equity": "discounted margin expected from all customers who were scored",
}
"""Every indicator and what it is, in the order of the rows of a period."""

_SIGNIFICANT = 12  # digits; the last ones of a sum depend on the order in which the engine adds


@dataclass(frozen=True, slots=True, kw_only=True)
class KpiRules:
    """What counts as what.

    Attributes
    ----------
    first, last
        the days that the periods lie within; nothing after `last` is known
    every
        "month", "quarter" or "year"
    active_within_days
        ≥ 1, days from a purchase for which a customer is active where there are no contracts
    lead_days
        ≥ 1, days within which a lead may become a customer; younger leads are not judged
    acquisition_pools
        pools of the ledger that pay for winning customers
    dearer
        ≥ 0, by what share a unit must cost more than before to count as up-sell

    Raises
    ------
    RangeError
        a number is out of range
    """

    first: date
    last: date
    every: Every = "month"
    active_within_days: int = 90
    lead_days: int = 90
    acquisition_pools: tuple[str, ...] = ("acquisition",)
    dearer: float = 0.10

    def __post_init__(self) -> None:
        for name in ("active_within_days", "lead_days"):
            if getattr(self, name) < 1:
                raise RangeError(f"{name} must be at least 1 day, got {getattr(self, name)!r}.")
        if not self.dearer >= 0:
            raise RangeError(f"dearer must be at least 0, got {self.dearer!r}. Write 10 % as 0.10.")


@dataclass(frozen=True, eq=False)
class CustomerBase:
    """The customers of one business as the indicators need them: spells and sales, computed once.

    Attributes
    ----------
    tables
        the tables as `patron.tables.records.Records` holds them, by name
    rules
        what counts as what
    periods
        in order of time
    spells
        when each customer was active
    days
        customer_id, day, amount; None without transactions
    """

    tables: Mapping[str, ir.Table]
    rules: KpiRules
    periods: Sequence[Period]
    spells: ir.Table
    days: ir.Table | None


def read_base(tables: Mapping[str, ir.Table], rules: KpiRules, connection: Any) -> CustomerBase:
    """Sales by day and spells of all customers, held by the engine.

    Parameters
    ----------
    tables
        by name; transactions or subscriptions at least
    rules
        what counts as what
    connection
        Ibis backend that holds them

    Raises
    ------
    TableError
        there are neither transactions nor subscriptions
    DateError
        no whole period lies between the first and the last day
    """
    periods = whole_periods(rules.first, rules.last, rules.every)
    days, contracts = None, tables.get("subscriptions")
    if "transactions" in tables:
        lines = _until(tables["transactions"], rules.last)
        days = store(connection, sales_of_days(lines), "sales")
    if contracts is not None:
        spells = spells_by_contract(_until(contracts, rules.last))
    elif days is not None:
        spells = spells_by_rule(days.filter(days.amount > 0), rules.active_within_days)
    else:
        raise TableError("Indicators need transactions or subscriptions: give at least one of the two.")
    return CustomerBase(tables, rules, periods, store(connection, spells, "spells"), days)


def indicators(base: CustomerBase, connection: Any) -> pd.DataFrame:
    """Every indicator of every period.

    Parameters
    ----------
    base
        as `read_base` makes it
    connection
        Ibis backend that holds its tables

    Returns
    -------
    pd.DataFrame
        One row per period and indicator of `KPIS`: period_start, period_end (text, YYYY-MM-DD), kpi, value,
        numerator, denominator, n, low, high (95 % interval), reason (why the value or its interval is null)

    Examples
    --------
    >>> from patron.tables.engine import open_engine
    >>> bought = ibis.memtable({
    ...     "customer_id": [1, 2, 2, 3],
    ...     "day": [date(2024, 1, 9), date(2024, 1, 20), date(2024, 2, 10), date(2024, 2, 20)],
    ...     "amount": [20.0, 30.0, 10.0, 50.0],
    ... })
    >>> rules = KpiRules(first=date(2024, 2, 1), last=date(2024, 2, 29), active_within_days=30)
    >>> engine = open_engine()
    >>> rows = indicators(read_base({"transactions": bought}, rules, engine), engine).set_index("kpi")
    >>> rows.loc["churn_rate", ["numerator", "denominator", "value"]].tolist()
    [1.0, 2.0, 0.5]
    >>> rows.loc["csat", "reason"]
    'no table of surveys'
    """
    found: list[dict[str, Estimate]] = [{} for _ in base.periods]
    parts = (
        _movements(base),
        _tenures(base),
        _sales(base, connection),
        _leads(base),
        _voices(base),
        _equity(base),
    )
    for part in parts:
        for own, more in zip(found, part, strict=True):
            own.update(more)
    rows = [
        {
            "period_start": period.start.isoformat(),
            "period_end": period.end.isoformat(),
            "kpi": name,
            **asdict(own[name]),
        }
        for period, own in zip(base.periods, found, strict=True)
        for name in KPIS
    ]
    frame = pd.DataFrame(rows)
    numbers = ["value", "numerator", "denominator", "low", "high"]
    frame[numbers] = frame[numbers].astype("float64").map(_rounded)
    return frame


def _movements(base: CustomerBase) -> list[dict[str, Estimate]]:
    rules, periods, tables = base.rules, base.periods, base.tables
    moved = count_movements(base.spells, periods)
    contacts = tables.get("contacts")
    contacted: Sequence[tuple[int, int, int] | None] = [None] * len(periods)
    if contacts is not None:
        contacted = contacted_lapsed(base.spells, _until(contacts, rules.last), periods)
    spend = None
    if "costs" in tables:
        spend = spend_of_periods(tables["costs"], rules.acquisition_pools, rules.every)
    costs = acquisition_costs(
        base.spells,
        periods,
        rules.every,
        new=[one.new for one in moved],
        spend=spend,
        customers=tables.get("customers"),
    )
    return [
        {**movement_rates(one, period.per_year), **win_back_rates(one, addressed), "cac": cac}
        for one, period, addressed, cac in zip(moved, periods, contacted, costs, strict=True)
    ]


def _tenures(base: CustomerBase) -> list[dict[str, Estimate]]:
    return [tenure_estimates(one) for one in watched_tenures(base.spells, base.periods)]


def _sales(base: CustomerBase, connection: Any) -> list[dict[str, Estimate]]:
    rules, periods = base.rules, base.periods
    found: list[dict[str, Estimate]] = [{} for _ in periods]
    contracts = base.tables.get("subscriptions")
    if base.days is None:
        nothing = unknown("no transactions")
        names = ("sales_per_customer_mean", "sales_per_customer_median", "repeat_rate", "three_orders_rate")
        pairs, none_paid = None, "the contracts have no price"
        found = [dict.fromkeys((*names, "cross_sell_rate"), nothing) for _ in periods]
    else:
        sales = store(connection, sales_by_period(base.days, rules.every), "periods")
        lines = _until(base.tables["transactions"], rules.last)
        baskets = store(connection, baskets_by_period(lines, rules.every), "baskets")
        parts = (sales_per_customer(sales, periods), loyalty_in_behaviour(sales, periods))
        found = [{**spent, **came} for spent, came in zip(*parts, strict=True)]
        crossed, raised = cross_sell(baskets, periods), up_sell(baskets, periods, dearer=rules.dearer)
        for own, cross, up in zip(found, crossed, raised, strict=True):
            own |= {"cross_sell_rate": cross, "up_sell_rate": up}
        pairs, none_paid = revenue_of_periods(sales), "nobody bought in the period before"
    if contracts is not None and "price" in contracts.columns:
        pairs, none_paid = (
            contract_revenue(_until(contracts, rules.last), periods),
            "nobody paid at the start",
        )
        for own, up in zip(found, up_sell_of_contracts(pairs, periods), strict=True):
            own["up_sell_rate"] = up
    if pairs is None:
        kept = ("gross_revenue_retention", "net_revenue_retention", "up_sell_rate")
        return [{**own, **dict.fromkeys(kept, unknown(none_paid))} for own in found]
    retained = revenue_retention(pairs, periods, empty=none_paid)
    return [{**own, **stays} for own, stays in zip(found, retained, strict=True)]


def _leads(base: CustomerBase) -> list[dict[str, Estimate]]:
    leads, rules = base.tables.get("leads"), base.rules
    if leads is None:
        names = ("leads", "cost_per_lead", "lead_conversion_rate")
        return [dict.fromkeys(names, unknown("no table of leads")) for _ in base.periods]
    known, events = _until(leads, rules.last), base.tables.get("lead_events")
    if "converted_at" not in known.columns and events is not None:
        known = with_conversions(known, events)
    return lead_estimates(known, base.periods, rules.every, lead_days=rules.lead_days, last=rules.last)


def _voices(base: CustomerBase) -> list[dict[str, Estimate]]:
    surveys = base.tables.get("surveys")
    if surveys is None:
        names = ("csat", "nps", "nps_standard_error", "loyalty_attitude")
        return [dict.fromkeys(names, unknown("no table of surveys")) for _ in base.periods]
    return satisfaction(surveys, base.periods, base.rules.every)


def _equity(base: CustomerBase) -> list[dict[str, Estimate]]:
    """The discounted margin expected from all who were scored, on the last day of the period with scores."""
    scores = base.tables.get("scores")
    if scores is None:
        return [{"customer_equity": unknown("no scores")} for _ in base.periods]
    numbered = scores.mutate(number=number_of(scores.as_of, base.rules.every))
    of_period = ibis.window(group_by="number")
    numbered = numbered.filter(numbered.as_of == numbered.as_of.max().over(of_period))
    sums = numbered.group_by("number").aggregate(
        n=numbered.growth_potential.count(), total=numbered.growth_potential.sum()
    )
    rows = {row["number"]: row for row in sums.to_pyarrow().to_pylist() if row["n"]}
    found = []
    for period in base.periods:
        row = rows.get(period.number)
        equity = (
            unknown("no scores of a day in the period")
            if row is None
            else Estimate(
                value=float(row["total"]),
                n=int(row["n"]),
                reason="a sum of expected values; the scorecard holds the interval of each",
            )
        )
        found.append({"customer_equity": equity})
    return found


def _until(table: ir.Table, last: date) -> ir.Table:
    return table.filter(table.day <= last)


def _rounded(number: float) -> float:
    return float(f"{number:.{_SIGNIFICANT}g}")
