"""What the customers of each acquisition channel and cohort cost, have brought, and are worth.

A cohort is the customers of one channel whose first purchase, or first contract, falls in one period.
"""

from datetime import date

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd

from patron.durations import DAYS_PER_MONTH
from patron.economics.kpis.customer_base import CustomerBase
from patron.economics.periods import Every
from patron.economics.scorecards import latest_scores
from patron.errors import counted
from patron.simple_value import RULE_OF_THREE, marginal_cost, most_to_acquire, value_to_cost

__all__ = ["ALL", "acquisition_by_channel", "channels_of_base", "rule_of_three_sentences"]

ALL = "all"
"""The cohort of the rows over all cohorts of a channel."""

_KEYS = ["channel", "cohort"]
_COLUMNS = (
    *("channel", "cohort", "customers", "spend", "cac", "marginal_cac", "margin_so_far", "value"),
    *("value_to_cost", "meets_rule_of_three", "payback_months", "max_acquisition_cost"),
    *("max_cost_by_rule_of_three", "reason"),
)


def channels_of_base(base: CustomerBase, *, margin: float) -> pd.DataFrame:
    """Cost and value by channel and cohort: `acquisition_by_channel`, or no row without sales or customers.

    Parameters
    ----------
    base
        the customers, with scores among its tables where a model has scored them
    margin
        share of an amount that is kept, in (0, 1]
    """
    customers, scores = base.tables.get("customers"), base.tables.get("scores")
    if base.days is None or customers is None:
        return pd.DataFrame()
    return acquisition_by_channel(
        base.days,
        base.spells,
        customers,
        base.rules.every,
        margin=margin,
        first=base.periods[0].start,
        last=base.periods[-1].end,
        scores=None if scores is None else latest_scores(scores),
    )


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
    """Acquisition cost, margin so far and value of the customers of each channel and cohort.

    Parameters
    ----------
    days
        customer_id, day, amount
    spells
        as in `patron.economics.kpis.spells`
    customers
        customer_id, and channel, acquisition_cost where given
    every
        length of the periods that define cohorts
    margin
        share of an amount that is kept, in (0, 1]
    first, last
        the days that count; only customers whose first day lies between them are in a cohort
    scores
        customer_id, growth_potential; None where no model has scored the customers

    Returns
    -------
    pd.DataFrame
        One row per channel and cohort, and one per channel over all of them:

        - channel, cohort (the first day of its period as text, or "all"), customers
        - spend, cac, marginal_cac : money, over customers whose cost is known; the last is the cost of one
          more customer than in the cohort before
        - margin_so_far : money per customer, until `last`
        - value : money per customer, margin so far plus the model's discounted future margin, before
          acquisition cost
        - value_to_cost, meets_rule_of_three : LTV:CAC, and whether it is 3 or more
        - payback_months : months until the margin had covered the acquisition cost
        - max_acquisition_cost, max_cost_by_rule_of_three : money, the most that a customer may cost to
          break even, and to meet the rule
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


def rule_of_three_sentences(table: pd.DataFrame) -> list[str]:
    """The number of cohorts that meet the rule of three, in a sentence; none if no cost is known.

    Parameters
    ----------
    table
        of `acquisition_by_channel`; may be empty
    """
    if not len(table) or not table["meets_rule_of_three"].notna().any():
        return []
    judged = table.loc[table["cohort"] != ALL, "meets_rule_of_three"].dropna()
    known = counted(len(judged), "cohort")
    return [
        f"The value is at least {RULE_OF_THREE:.0f} times the acquisition cost in {int(judged.sum())} of "
        f"{known} with a known cost. Three to one is a rule of thumb; the break-even cost is the value."
    ]


def _priced(cohorts: pd.DataFrame, by_age: pd.DataFrame, margin: float, last: date) -> pd.DataFrame:
    """Cost and value per customer of each cohort, and of each channel as a whole."""
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
    table["max_acquisition_cost"] = most_to_acquire(table["value"])
    table["max_cost_by_rule_of_three"] = most_to_acquire(table["value"], RULE_OF_THREE)
    no_cost = table["cac"].isna()
    gaps = {
        "the acquisition spend is unknown": no_cost,
        "not paid back in the months observed": table["payback_months"].isna() & ~no_cost,
        "no scores, so the future margin is unknown": table["value"].isna(),
    }
    table["reason"] = ["; ".join(words for words in gaps if gaps[words][row]) or None for row in table.index]
    return table[list(_COLUMNS)]


def _payback(cohorts: pd.DataFrame, by_age: pd.DataFrame, margin: float, last: date) -> pd.DataFrame:
    """Margin per customer earned until each month of age: by cohort, and by channel over its cohorts.

    A month counts only for cohorts observed to its end; otherwise young cohorts would look poor.
    """
    observed = (pd.Timestamp(last) - pd.to_datetime(cohorts["newest"])).dt.days // DAYS_PER_MONTH
    grid = cohorts.loc[cohorts.index.repeat(observed.clip(lower=0).astype(int)), [*_KEYS, "customers"]]
    grid = grid.assign(age=grid.groupby(level=0).cumcount())
    grid = grid.merge(by_age, on=[*_KEYS, "age"], how="left").fillna({"amount": 0.0})
    both = pd.concat([grid, grid.assign(cohort=ALL)])
    sums = both.groupby([*_KEYS, "age"], as_index=False)[["amount", "customers"]].sum()
    sums["earned"] = margin * sums["amount"] / sums["customers"]
    sums["earned"] = sums.groupby(_KEYS)["earned"].cumsum()
    return sums
