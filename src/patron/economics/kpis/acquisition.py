"""What customers cost to win and what comes of leads; by channel and cohort, what they are worth beside it.

A cohort is the customers of one channel whose first purchase, or first contract, falls in one period.
"""

from collections.abc import Collection, Sequence
from datetime import date

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd

from patron.durations import DAYS_PER_MONTH
from patron.economics.kpis.estimates import Estimate, count, mean, share, unknown
from patron.economics.kpis.periods import Every, Period, number_of
from patron.errors import counted
from patron.simple_value import RULE_OF_THREE, marginal_cost, most_to_acquire, value_to_cost

__all__ = [
    "ALL",
    "acquisition_by_channel",
    "acquisition_costs",
    "lead_estimates",
    "spend_of_periods",
    "with_conversions",
]


NO_NEW = "no new customer in the period"
NO_SPEND = "no acquisition spend in the period"
ALL = "all"
_KEYS = ["channel", "cohort"]
_COLUMNS = (
    *("channel", "cohort", "customers", "spend", "cac", "marginal_cac", "margin_so_far", "value"),
    *("value_to_cost", "meets_rule_of_three", "payback_months", "most_to_acquire"),
    *("most_by_rule_of_three", "reason"),
)


def spend_of_periods(costs: ir.Table, pools: Collection[str], every: Every) -> dict[int, float]:
    """What was spent on winning customers, by number of the period; periods without a row have no entry.

    Parameters
    ----------
    costs
        day (of the month), pool, amount
    pools
        names of the pools that win customers
    every
        which periods
    """
    own = costs.filter(costs.pool.isin(list(pools)))
    numbered = own.select("amount", number=number_of(own.day, every))
    sums = numbered.group_by("number").aggregate(amount=numbered.amount.sum())
    return {row["number"]: float(row["amount"]) for row in sums.to_pyarrow().to_pylist()}


def acquisition_costs(
    spells: ir.Table,
    periods: Sequence[Period],
    every: Every,
    *,
    new: Sequence[int],
    spend: dict[int, float] | None,
    customers: ir.Table | None,
) -> list[Estimate]:
    """What it cost to win a customer, in each period.

    Parameters
    ----------
    spells
        as `patron.economics.kpis.spells` makes them
    periods
        in order of time
    every
        which periods these are
    new
        (n_periods,) count, customers won
    spend
        as `spend_of_periods`, from the ledger; None takes the `acquisition_cost` of each new customer
    customers
        customer_id, acquisition_cost; None where there is no such table

    Returns
    -------
    list[Estimate]
        per period: spend ÷ new customers; null, and never infinite or 0, where either is not there. A ledger
        gives a total and no interval, costs by customer give Student's on the scale of logarithms
    """
    if spend is not None:
        return [_from_ledger(spend.get(period.number), n) for period, n in zip(periods, new, strict=True)]
    if customers is None or "acquisition_cost" not in customers.columns:
        return [
            unknown("acquisition spend is not known: give costs, or acquisition_cost of customers")
        ] * len(periods)
    firsts = spells.filter(spells.number == 1)
    won = firsts.select("customer_id", number=number_of(firsts.starts_on, every))
    priced = won.inner_join(customers.select("customer_id", cost="acquisition_cost"), "customer_id")
    priced = priced.filter(priced.cost.notnull())
    sums = priced.group_by("number").aggregate(
        n=priced.count(), total=priced.cost.sum(), squares=(priced.cost * priced.cost).sum()
    )
    rows = {row["number"]: row for row in sums.to_pyarrow().to_pylist()}
    found = []
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
    """How many leads came, what they cost, and how many of them became customers.

    Parameters
    ----------
    leads
        lead_id, day (of creation), and cost, converted_at, customer_id where given
    periods
        in order of time
    every
        which periods these are
    lead_days
        ≥ 1, days within which a conversion counts
    last
        the last day known

    Returns
    -------
    list[dict[str, Estimate]]
        per period: leads, cost_per_lead, and lead_conversion_rate, null until `lead_days` have passed since
        the last day of the period: younger leads have not had their time, and would look worse than older
        ones
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
    found = {row["number"]: row for row in sums.to_pyarrow().to_pylist()}
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
                    f"not matured: the youngest lead is known for {max(ripe, 0)} of "
                    f"{counted(lead_days, 'day')}",
                    n=n,
                ),
            }
        )
    return estimates


def with_conversions(leads: ir.Table, events: ir.Table) -> ir.Table:
    """The leads with the moment of their first event of the kind "converted" as converted_at.

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


def acquisition_by_channel(
    days: ir.Table,
    spells: ir.Table,
    customers: ir.Table,
    every: Every,
    *,
    margin: float,
    first: date,
    last: date,
    scores: ir.Table | None = None,
) -> pd.DataFrame:
    """What the customers of each channel and cohort cost, brought, and are worth.

    Parameters
    ----------
    days
        customer_id, day, amount
    spells
        as `patron.economics.kpis.spells` makes them
    customers
        customer_id, and channel, acquisition_cost where given
    every
        which periods the cohorts are
    margin
        share of an amount that is kept, in (0, 1]
    first, last
        the days that count; cohorts are those whose first day lies between them
    scores
        customer_id, growth_potential; None where no model has scored the customers

    Returns
    -------
    pd.DataFrame
        One row per channel and cohort, and one per channel over all of them:

        - channel, cohort (the first day of its period as text, or "all"), customers
        - spend, cac, marginal_cac : money, of the customers whose cost is known; the last is the price of one
          more of them than in the cohort before
        - margin_so_far : money a customer, until `last`
        - value : money a customer, margin so far and the model's discounted margin ahead, before acquisition
        - value_to_cost, meets_rule_of_three : LTV:CAC, and whether it is 3 or more
        - payback_months : months after which the margin of the cohort had paid for it
        - most_to_acquire, most_by_rule_of_three : money, what a customer may cost at most, and by the rule
        - reason : why a number is missing
    """
    channel = customers.channel if "channel" in customers.columns else ibis.literal("all")
    cost = customers.acquisition_cost if "acquisition_cost" in customers.columns else ibis.null("float64")
    firsts = spells.filter((spells.number == 1) & spells.starts_on.between(first, last))
    cohort = firsts.starts_on.truncate(every[0].upper()).strftime("%Y-%m-%d")
    won = firsts.select("customer_id", since=firsts.starts_on, cohort=cohort)
    known = customers.select("customer_id", channel=channel, cost=cost)
    people = won.left_join(known, "customer_id").drop("customer_id_right")
    people = people.mutate(channel=people.channel.fill_null("unknown"))
    if scores is None:
        people = people.mutate(ahead=ibis.null("float64"))
    else:
        ahead = scores.select("customer_id", ahead=scores.growth_potential)
        people = people.left_join(ahead, "customer_id").drop("customer_id_right")
    cohorts = people.group_by(_KEYS).aggregate(
        customers=people.count(),
        newest=people.since.max(),
        spend=people.cost.sum(),
        priced=people.cost.count(),
        ahead=people.ahead.sum(),
        scored=people.ahead.count(),
    )
    bought = days.filter(days.day <= last).inner_join(
        people.select("customer_id", "since", *_KEYS), "customer_id"
    )
    age = (bought.day.delta(bought.since, unit="day") / DAYS_PER_MONTH).floor().cast("int64")
    by_age = bought.mutate(age=age).group_by([*_KEYS, "age"]).aggregate(amount=ibis._.amount.sum())
    return _priced(
        cohorts.order_by(_KEYS).to_pandas(), by_age.order_by([*_KEYS, "age"]).to_pandas(), margin, last
    )


def _priced(cohorts: pd.DataFrame, by_age: pd.DataFrame, margin: float, last: date) -> pd.DataFrame:
    """Counts and sums of each cohort, and of each channel as a whole, turned into prices."""
    cohorts["spend"], cohorts["ahead"] = (cohorts[name].astype("float64") for name in ("spend", "ahead"))
    totals = by_age.groupby(_KEYS)["amount"].sum()
    table = cohorts.join(totals, on=_KEYS).fillna({"amount": 0.0})
    table["marginal_cac"] = np.nan
    for _, own in table.groupby("channel"):
        table.loc[own.index, "marginal_cac"] = marginal_cost(own["spend"], own["priced"])
    summed = ["customers", "spend", "priced", "ahead", "scored", "amount"]
    whole = table.groupby("channel", as_index=False)[summed].sum().assign(cohort=ALL)
    months = _payback(cohorts, by_age, margin, last)
    table = pd.concat([table, whole]).sort_values(_KEYS, ignore_index=True)
    n = table["customers"]
    table["cac"] = (table["spend"] / table["priced"]).where(table["spend"] > 0)
    table["margin_so_far"] = margin * table["amount"] / n
    table["value"] = table["margin_so_far"] + (table["ahead"] / table["scored"]).where(table["scored"] > 0)
    table["value_to_cost"] = value_to_cost(table["value"], table["cac"])
    enough = (table["value_to_cost"] >= RULE_OF_THREE).astype(object)
    table["meets_rule_of_three"] = enough.where(table["value_to_cost"].notna(), None)
    earned = months.merge(table[[*_KEYS, "cac"]], on=_KEYS)
    back = earned[earned["earned"] >= earned["cac"]].groupby(_KEYS)["age"].min() + 1
    table = table.join(back.rename("payback_months").astype("float64"), on=_KEYS)
    table["most_to_acquire"] = most_to_acquire(table["value"])
    table["most_by_rule_of_three"] = most_to_acquire(table["value"], RULE_OF_THREE)
    no_cost = table["cac"].isna()
    gaps = {
        "no acquisition spend is known": no_cost,
        "not paid back in the months watched": table["payback_months"].isna() & ~no_cost,
        "no scores say what is ahead": table["value"].isna(),
    }
    table["reason"] = ["; ".join(words for words in gaps if gaps[words][row]) or None for row in table.index]
    return table[list(_COLUMNS)]


def _payback(cohorts: pd.DataFrame, by_age: pd.DataFrame, margin: float, last: date) -> pd.DataFrame:
    """Margin per customer earned until each month of age: by cohort, and by channel over its cohorts.

    A month counts for the cohorts that were watched through it, so that young cohorts do not look poor.
    """
    watched = (pd.Timestamp(last) - pd.to_datetime(cohorts["newest"])).dt.days // DAYS_PER_MONTH
    grid = cohorts.loc[cohorts.index.repeat(watched.clip(lower=0).astype(int)), [*_KEYS, "customers"]]
    grid = grid.assign(age=grid.groupby(level=0).cumcount())
    grid = grid.merge(by_age, on=[*_KEYS, "age"], how="left").fillna({"amount": 0.0})
    both = pd.concat([grid, grid.assign(cohort=ALL)])
    sums = both.groupby([*_KEYS, "age"], as_index=False)[["amount", "customers"]].sum()
    sums["earned"] = margin * sums["amount"] / sums["customers"]
    sums["earned"] = sums.groupby(_KEYS)["earned"].cumsum()
    return sums


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
        reason="the spend is a total, so there is no interval",
    )


def _converted(leads: ir.Table, lead_days: int) -> ir.BooleanValue:
    if "converted_at" in leads.columns:
        took = leads.converted_at.date().delta(leads.day, unit="day")
        return (took <= lead_days).fill_null(False)
    if "customer_id" in leads.columns:
        return leads.customer_id.notnull()
    return ibis.literal(False)
