"""The indicators of a customer base: one row per period and indicator.

Without contracts, a customer is active for some days after each purchase; with contracts, while one is
running. Every rate comes with its numerator, denominator, sample size and interval. A missing number is null
with a reason, never 0 or infinite.
"""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import ibis
import pandas as pd

from patron.economics.kpis.acquisition import (
    acquisition_costs,
    lead_estimates,
    spend_of_periods,
    with_conversions,
)
from patron.economics.kpis.customer_base import CustomerBase
from patron.economics.kpis.estimates import Estimate, unknown
from patron.economics.kpis.roll_forward import (
    contacted_lapsed,
    count_roll_forward,
    roll_forward_rates,
    win_back_rates,
)
from patron.economics.kpis.sales import (
    contract_revenue,
    loyalty_in_behaviour,
    revenue_of_periods,
    revenue_retention,
    sales_by_period,
    sales_per_customer,
)
from patron.economics.kpis.satisfaction import satisfaction
from patron.economics.kpis.tenure import observed_tenures, tenure_estimates
from patron.economics.kpis.up_sell import baskets_by_period, cross_sell, up_sell, up_sell_of_contracts
from patron.economics.periods import number_of, rows_by_number
from patron.tables.engine import store

__all__ = ["KPIS", "indicators"]

KPIS = {
    "new_customers": "customers active for the first time",
    "cac": "acquisition spend ÷ new customers",
    "active_customers": "customers active at the close of the last day",
    "churn_rate": "share of the customers active at the start who are not active at the end",
    "churn_rate_annual": "1 − (1 − churn)^(periods in a year)",
    "retention_rate": "1 − churn",
    "net_growth_rate": "(gained − lost) ÷ active at the start",
    "net_growth_rate_total": "new ÷ all customers who were ever active before",
    "gross_revenue_retention": "Σ min(now, before) ÷ Σ before, over customers who paid before",
    "net_revenue_retention": "Σ now ÷ Σ before, over customers who paid before",
    "win_back_rate": "share of the contacted lapsed customers who came back after the contact",
    "win_back_rate_organic": "share of the other lapsed customers who came back",
    "tenure_median_days": "days after which half of the customers have left (Kaplan-Meier)",
    "tenure_mean_days": "mean days active, up to the longest tenure observed (Kaplan-Meier)",
    "sales_per_customer_mean": "mean sales net of refunds, per customer who bought",
    "sales_per_customer_median": "median sales net of refunds, per customer who bought",
    "repeat_rate": "share of the buyers with two orders or more to date",
    "three_orders_rate": "share of the buyers with three orders or more to date",
    "up_sell_rate": "share of repeat buyers in a category who paid more per unit than ever, or by contract",
    "cross_sell_rate": "share of repeat buyers with a category left who bought from a new one",
    "leads": "leads created",
    "cost_per_lead": "mean cost of the leads whose cost is known",
    "lead_conversion_rate": "share of the matured leads that converted in time",
    "csat": "share of the CSAT answers that are 4 or 5 of 5",
    "nps": "share of answers 9 and 10 minus share of 0 to 6, in points",
    "nps_standard_error": "standard error of the NPS, in points",
    "loyalty_attitude": "share of the NPS answers that are 9 or 10",
    "customer_equity": "discounted margin expected from all scored customers",
}
"""The definition of every indicator, in the order of the rows of a period."""

_SIGNIFICANT = 12  # digits; the last digits of a sum depend on the order in which the engine adds


def indicators(base: CustomerBase, connection: Any) -> pd.DataFrame:
    """Every indicator of every period.

    Parameters
    ----------
    base
        as `patron.economics.kpis.customer_base.read_base` returns it
    connection
        Ibis backend that holds its tables

    Returns
    -------
    pd.DataFrame
        One row per period and indicator of `KPIS`: period_start, period_end (text, YYYY-MM-DD), kpi, value,
        numerator, denominator, n, low, high (95 % interval), reason (why the value or its interval is null)

    Examples
    --------
    >>> from datetime import date
    >>> from patron.economics.kpis.customer_base import KpiRules, read_base
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
        _roll_forward(base),
        [tenure_estimates(one) for one in observed_tenures(base.spells, base.periods)],
        _sales(base, connection),
        _leads(base),
        _surveys(base),
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


def _roll_forward(base: CustomerBase) -> list[dict[str, Estimate]]:
    rules, periods, tables = base.rules, base.periods, base.tables
    counted = count_roll_forward(base.spells, periods)
    contacts = base.known("contacts")
    contacted: Sequence[tuple[int, int, int] | None] = [None] * len(periods)
    if contacts is not None:
        contacted = contacted_lapsed(base.spells, contacts, periods)
    spend = None
    if "costs" in tables:
        spend = spend_of_periods(tables["costs"], rules.acquisition_pools, rules.every)
    costs = acquisition_costs(
        base.spells,
        periods,
        rules.every,
        new=[one.new for one in counted],
        spend=spend,
        customers=tables.get("customers"),
    )
    return [
        {**roll_forward_rates(one, period.per_year), **win_back_rates(one, reached), "cac": cac}
        for one, period, reached, cac in zip(counted, periods, contacted, costs, strict=True)
    ]


def _sales(base: CustomerBase, connection: Any) -> list[dict[str, Estimate]]:
    rules, periods = base.rules, base.periods
    found: list[dict[str, Estimate]] = [{} for _ in periods]
    contracts, lines = base.known("subscriptions"), base.known("transactions")
    if base.days is None or lines is None:
        nothing = unknown("no transactions")
        names = ("sales_per_customer_mean", "sales_per_customer_median", "repeat_rate", "three_orders_rate")
        pairs, nobody_paid = None, "the contracts have no price"
        found = [dict.fromkeys((*names, "cross_sell_rate"), nothing) for _ in periods]
    else:
        sales = store(connection, sales_by_period(base.days, rules.every), "periods")
        baskets = store(connection, baskets_by_period(lines, rules.every), "baskets")
        parts = (sales_per_customer(sales, periods), loyalty_in_behaviour(sales, periods))
        found = [{**spent, **came} for spent, came in zip(*parts, strict=True)]
        crossed = cross_sell(baskets, periods)
        raised = up_sell(baskets, periods, threshold=rules.up_sell_threshold)
        for own, cross, up in zip(found, crossed, raised, strict=True):
            own |= {"cross_sell_rate": cross, "up_sell_rate": up}
        pairs, nobody_paid = revenue_of_periods(sales), "no customer bought in the period before"
    if contracts is not None and "price" in contracts.columns:
        pairs, nobody_paid = contract_revenue(contracts, periods), "no customer paid at the start"
        for own, up in zip(found, up_sell_of_contracts(pairs, periods), strict=True):
            own["up_sell_rate"] = up
    if pairs is None:
        kept = ("gross_revenue_retention", "net_revenue_retention", "up_sell_rate")
        return [{**own, **dict.fromkeys(kept, unknown(nobody_paid))} for own in found]
    retained = revenue_retention(pairs, periods, empty=nobody_paid)
    return [{**own, **stays} for own, stays in zip(found, retained, strict=True)]


def _leads(base: CustomerBase) -> list[dict[str, Estimate]]:
    known, rules = base.known("leads"), base.rules
    if known is None:
        names = ("leads", "cost_per_lead", "lead_conversion_rate")
        return [dict.fromkeys(names, unknown("no table of leads")) for _ in base.periods]
    events = base.tables.get("lead_events")
    if "converted_at" not in known.columns and events is not None:
        known = with_conversions(known, events)
    return lead_estimates(known, base.periods, rules.every, lead_days=rules.lead_days, last=rules.last)


def _surveys(base: CustomerBase) -> list[dict[str, Estimate]]:
    surveys = base.tables.get("surveys")
    if surveys is None:
        names = ("csat", "nps", "nps_standard_error", "loyalty_attitude")
        return [dict.fromkeys(names, unknown("no table of surveys")) for _ in base.periods]
    return satisfaction(surveys, base.periods, base.rules.every)


def _equity(base: CustomerBase) -> list[dict[str, Estimate]]:
    """The discounted margin expected from all scored customers, on the last day of the period with scores."""
    scores = base.tables.get("scores")
    if scores is None:
        return [{"customer_equity": unknown("no scores")} for _ in base.periods]
    numbered = scores.mutate(number=number_of(scores.as_of, base.rules.every))
    of_period = ibis.window(group_by="number")
    numbered = numbered.filter(numbered.as_of == numbered.as_of.max().over(of_period))
    sums = numbered.group_by("number").aggregate(
        n=numbered.growth_potential.count(), total=numbered.growth_potential.sum()
    )
    rows = {number: row for number, row in rows_by_number(sums).items() if row["n"]}
    found = []
    for period in base.periods:
        row = rows.get(period.number)
        equity = (
            unknown("no scores in the period")
            if row is None
            else Estimate(
                value=float(row["total"]),
                n=int(row["n"]),
                reason="a sum of expected values; the scorecard holds the interval of each customer",
            )
        )
        found.append({"customer_equity": equity})
    return found


def _rounded(number: float) -> float:
    return float(f"{number:.{_SIGNIFICANT}g}")
