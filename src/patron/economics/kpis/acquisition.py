"""Acquisition cost by period, and the number, cost and conversion of leads."""

from collections.abc import Collection, Sequence
from datetime import date

import ibis
import ibis.expr.types as ir

from patron.economics.kpis.estimates import Estimate, count, mean, share, unknown
from patron.economics.periods import Every, Period, number_of, rows_by_number
from patron.errors import counted

__all__ = ["acquisition_costs", "lead_estimates", "spend_of_periods", "with_conversions"]


NO_NEW = "no new customer in the period"
NO_SPEND = "no acquisition spend in the period"


def spend_of_periods(costs: ir.Table, pools: Collection[str], every: Every) -> dict[int, float]:
    """Acquisition spend by number of the period; periods without a row have no entry.

    Parameters
    ----------
    costs
        day (of the month), pool, amount
    pools
        names of the pools that count as acquisition spend
    every
        length of the periods
    """
    own = costs.filter(costs.pool.isin(list(pools)))
    numbered = own.select("amount", number=number_of(own.day, every))
    sums = numbered.group_by("number").aggregate(amount=numbered.amount.sum())
    return {number: float(row["amount"]) for number, row in rows_by_number(sums).items()}


def acquisition_costs(
    spells: ir.Table,
    periods: Sequence[Period],
    every: Every,
    *,
    new: Sequence[int],
    spend: dict[int, float] | None,
    customers: ir.Table | None,
) -> list[Estimate]:
    """Acquisition cost per new customer in each period.

    Parameters
    ----------
    spells, periods
        as in :func:`patron.economics.kpis.roll_forward.count_roll_forward`
    every
        length of the periods
    new
        (n_periods,) new customers
    spend
        of `spend_of_periods`, from the cost ledger; None uses the `acquisition_cost` of each new customer
    customers
        customer_id, acquisition_cost; None where there is no such table

    Returns
    -------
    list[Estimate]
        per period: spend ÷ new customers; null where either is missing, never infinite or 0. A cost ledger
        gives a total without an interval; costs by customer give Student's interval on the log scale
    """
    if spend is not None:
        return [_from_ledger(spend.get(period.number), n) for period, n in zip(periods, new, strict=True)]
    if customers is None or "acquisition_cost" not in customers.columns:
        return [unknown("acquisition spend is unknown: give costs, or acquisition_cost of customers")] * len(
            periods
        )
    firsts = spells.filter(spells.number == 1)
    won = firsts.select("customer_id", number=number_of(firsts.starts_on, every))
    priced = won.inner_join(customers.select("customer_id", cost="acquisition_cost"), "customer_id")
    priced = priced.filter(priced.cost.notnull())
    sums = priced.group_by("number").aggregate(
        n=priced.count(), total=priced.cost.sum(), squares=(priced.cost * priced.cost).sum()
    )
    rows, found = rows_by_number(sums), []
    for period, n in zip(periods, new, strict=True):
        row = rows.get(period.number)
        if n == 0:
            found.append(unknown(NO_NEW))
        elif row is None or not row["total"] > 0:
            found.append(unknown(NO_SPEND, n=n))
        else:
            found.append(mean(row["total"], row["squares"], int(row["n"]), empty=NO_NEW, least=0.0))
    return found


def lead_estimates(
    leads: ir.Table, periods: Sequence[Period], every: Every, *, lead_days: int, last: date
) -> list[dict[str, Estimate]]:
    """Number, cost and conversion rate of the leads of each period.

    Parameters
    ----------
    leads
        lead_id, day (of creation), and cost, converted_at, customer_id where given
    periods
        by time
    every
        length of the periods
    lead_days
        ≥ 1, days within which a conversion counts
    last
        the last day known

    Returns
    -------
    list[dict[str, Estimate]]
        per period: leads, cost_per_lead, and lead_conversion_rate, which is null until `lead_days` have
        passed since the last day of the period: younger leads could still convert and would look worse
    """
    empty_cost = ibis.null("float64")
    rows = leads.select(
        number=number_of(leads.day, every),
        cost=leads.cost if "cost" in leads.columns else empty_cost,
        converted=_converted(leads, lead_days),
    )
    sums = rows.group_by("number").aggregate(
        n=rows.count(),
        converted=rows.converted.sum(),
        priced=rows.cost.count(),
        total=rows.cost.sum(),
        squares=(rows.cost * rows.cost).sum(),
    )
    found = rows_by_number(sums)
    estimates = []
    for period in periods:
        row = found.get(period.number)
        if row is None:
            nothing = unknown("no lead in the period")
            estimates.append({"leads": count(0), "cost_per_lead": nothing, "lead_conversion_rate": nothing})
            continue
        n = int(row["n"])
        spent = row["total"] is not None and row["total"] > 0
        ripe = (last - period.end).days
        estimates.append(
            {
                "leads": count(n),
                "cost_per_lead": mean(
                    row["total"], row["squares"], int(row["priced"]), empty=NO_SPEND, least=0.0
                )
                if spent
                else unknown("no lead of the period has a cost", n=n),
                "lead_conversion_rate": share(int(row["converted"] or 0), n, empty="no lead")
                if ripe >= lead_days
                else unknown(
                    f"not matured: the youngest lead has been known for {max(ripe, 0)} of "
                    f"{counted(lead_days, 'day')}",
                    n=n,
                ),
            }
        )
    return estimates


def with_conversions(leads: ir.Table, events: ir.Table) -> ir.Table:
    """The leads, with the time of their first event of kind "converted" as converted_at.

    Parameters
    ----------
    leads
        lead_id and any columns
    events
        lead_id, event_at, kind
    """
    won = events.filter(events.kind == "converted")
    firsts = won.group_by("lead_id").aggregate(converted_at=won.event_at.min())
    return leads.left_join(firsts, "lead_id").drop("lead_id_right")


def _from_ledger(spend: float | None, new: int) -> Estimate:
    if new == 0:
        return unknown(NO_NEW, numerator=spend)
    if spend is None or not spend > 0:
        return unknown(NO_SPEND, n=new)
    return Estimate(
        value=spend / new,
        numerator=spend,
        denominator=float(new),
        n=new,
        reason="the spend is a total, which has no interval",
    )


def _converted(leads: ir.Table, lead_days: int) -> ir.BooleanValue:
    if "converted_at" in leads.columns:
        took = leads.converted_at.date().delta(leads.day, unit="day")
        return (took <= lead_days).fill_null(False)
    if "customer_id" in leads.columns:
        return leads.customer_id.notnull()
    return ibis.literal(False)
