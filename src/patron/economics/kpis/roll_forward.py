"""The customer-base roll-forward: customers at start, new, lost, returned and at end of each period; rates.

Every rate compares the close of the day before the period with the close of its last day. Churn is the share
of the customers active at the start who are not active at the end. Customers who join in between are in
neither number, so growth cannot hide losses.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import ibis
import ibis.expr.types as ir
import numpy as np

from patron.economics.kpis.estimates import Estimate, Z, complement, count, share, unknown
from patron.economics.periods import Period, in_table, rows_by_number
from patron.simple_value import churn_over

__all__ = [
    "RollForward",
    "base_rates",
    "contacted_lapsed",
    "count_roll_forward",
    "roll_forward_rates",
    "win_back_rates",
]

NOBODY_ACTIVE = "no customer was active at the start"
NOBODY_LAPSED = "no customer had lapsed at the start"


@dataclass(frozen=True, slots=True, kw_only=True)
class RollForward:
    """Customer counts of one period.

    Attributes
    ----------
    at_start, at_end
        active at the close of the day before, and at the close of the last day
    stayed
        active at both
    new
        active for the first time ever
    known
        active at some time before the period
    returned
        known, not active at the start, and active again in the period
    """

    at_start: int = 0
    at_end: int = 0
    stayed: int = 0
    new: int = 0
    known: int = 0
    returned: int = 0

    @property
    def lost(self) -> int:
        """Active at the start and not at the end."""
        return self.at_start - self.stayed

    @property
    def lapsed(self) -> int:
        """Known and not active at the start."""
        return self.known - self.at_start


def count_roll_forward(spells: ir.Table, periods: Sequence[Period]) -> list[RollForward]:
    """The roll-forward of each period.

    Parameters
    ----------
    spells
        as in `patron.economics.kpis.spells`
    periods
        by time

    Returns
    -------
    list[RollForward]
        one per period

    Examples
    --------
    >>> from datetime import date
    >>> from patron.economics.periods import whole_periods
    >>> from patron.economics.kpis.spells import spells_by_rule
    >>> days = [date(2024, 1, 1), date(2024, 1, 10), date(2024, 2, 20)]
    >>> bought = ibis.memtable({"customer_id": [1, 2, 3], "day": days})
    >>> february = whole_periods(date(2024, 2, 1), date(2024, 2, 29), "month")
    >>> found = count_roll_forward(spells_by_rule(bought, 40), february)[0]
    >>> found.at_start, found.lost, found.new, found.at_end
    (2, 2, 1, 1)
    """
    spells = spells.select("customer_id", "number", "starts_on", "ends_on", "previous_end")
    number_of_period = in_table(periods).rename(period="number")
    over = spells.join(
        number_of_period,
        [spells.starts_on <= number_of_period.end, spells.ends_on > number_of_period.before],
    )
    there, remains = over.starts_on <= over.before, over.ends_on > over.end
    again = (over.number > 1) & ~there
    counted = over.group_by("period").aggregate(
        at_start=there.sum(),
        at_end=remains.sum(),
        stayed=(there & remains).sum(),
        new=((over.number == 1) & ~there).sum(),
        returned=(again & (over.previous_end <= over.before)).sum(),
    )
    # A customer may lapse and return within one period: two spells, but no loss.
    left = over.filter(there & ~remains).select("period", "customer_id")
    back = over.filter(again & remains).select("period", "customer_id")
    found_again = (
        left.inner_join(back, ["period", "customer_id"]).group_by("period").aggregate(back=ibis._.count())
    )
    by_period = rows_by_number(counted, "period")
    twice = {number: row["back"] for number, row in rows_by_number(found_again, "period").items()}
    firsts = spells.filter(spells.number == 1)
    known = (
        firsts.aggregate(
            **{
                str(period.number): (firsts.starts_on <= ibis.literal(period.before)).sum()
                for period in periods
            }
        )
        .to_pyarrow()
        .to_pylist()[0]
    )
    found_all = []
    for period in periods:
        row = {
            name: int(value) for name, value in by_period.get(period.number, {}).items() if name != "period"
        }
        found = RollForward(**row, known=int(known[str(period.number)] or 0))
        found_all.append(replace(found, stayed=found.stayed + twice.get(period.number, 0)))
    return found_all


def base_rates(*, at_start: int, lost: int, gained: int, per_year: float = 1) -> dict[str, Estimate]:
    """Churn, retention and growth of a customer base.

    Parameters
    ----------
    at_start
        customers active at the start
    lost
        of those, not active at the end
    gained
        customers active at the end and not at the start: new and returned
    per_year
        periods in a year

    Returns
    -------
    dict[str, Estimate]
        churn_rate (lost ÷ at_start), churn_rate_annual (1 − (1 − churn)^per_year), retention_rate (1 −
        churn), net_growth_rate ((gained − lost) ÷ at_start), whose interval assumes Poisson arrivals

    Examples
    --------
    Seventeen million customers, 680,000 new ones and 170,000 lost:

    >>> rates = base_rates(at_start=17_000_000, lost=170_000, gained=680_000)
    >>> rates["churn_rate"].value, rates["net_growth_rate"].value
    (0.01, 0.03)
    """
    churn = share(lost, at_start, empty=NOBODY_ACTIVE)
    return {
        "churn_rate": churn,
        "churn_rate_annual": _over_a_year(churn, per_year),
        "retention_rate": complement(churn),
        "net_growth_rate": _growth(at_start, lost, gained),
    }


def roll_forward_rates(found: RollForward, per_year: int) -> dict[str, Estimate]:
    """The counts and rates of one period's roll-forward, without win-back.

    Parameters
    ----------
    found
        the counts
    per_year
        periods in a year

    Returns
    -------
    dict[str, Estimate]
        active_customers (at the end), new_customers, net_growth_rate_total (new ÷ all known at the
        start) and the rates of `base_rates`

    Examples
    --------
    >>> quarter = RollForward(at_start=40, at_end=46, stayed=30, new=12, known=100, returned=4)
    >>> rates = roll_forward_rates(quarter, per_year=4)
    >>> rates["churn_rate"].value, rates["net_growth_rate"].value, rates["net_growth_rate_total"].value
    (0.25, 0.15, 0.12)
    """
    rates = base_rates(
        at_start=found.at_start, lost=found.lost, gained=found.at_end - found.stayed, per_year=per_year
    )
    return {
        "active_customers": count(found.at_end),
        "new_customers": count(found.new),
        **rates,
        "net_growth_rate_total": _growth(
            found.known, 0, found.new, empty="no customer was known at the start"
        ),
    }


def contacted_lapsed(
    spells: ir.Table, contacts: ir.Table, periods: Sequence[Period]
) -> list[tuple[int, int, int]]:
    """Lapsed customers contacted in each period, and how many of them came back.

    Parameters
    ----------
    spells
        as in `patron.economics.kpis.spells`
    contacts
        customer_id, day, treated (1 if contacted)
    periods
        by time

    Returns
    -------
    list[tuple[int, int, int]]
        per period: lapsed customers contacted, those of them who came back on the day of the first contact
        or later, and those who came back at any time of the period
    """
    made = contacts.filter(contacts.treated == 1)
    span = in_table(periods).rename(period="number")
    within = made.join(span, [made.day >= span.start, made.day <= span.end])
    first = within.group_by("period", "before", "end", "customer_id").aggregate(contacted_on=within.day.min())
    seen = first.inner_join(spells.select("customer_id", "starts_on", "ends_on"), "customer_id")
    was_there = seen.starts_on <= seen.before
    comes = (seen.starts_on > seen.before) & (seen.starts_on <= seen.end)
    each = seen.group_by("period", "customer_id").aggregate(
        known=was_there.any(),
        active=(was_there & (seen.ends_on > seen.before)).any(),
        back=(comes & (seen.starts_on >= seen.contacted_on)).any(),
        any_back=comes.any(),
    )
    lapsed = each.filter(each.known & ~each.active)
    counted = lapsed.group_by("period").aggregate(
        contacted=lapsed.count(), back=lapsed.back.sum(), any_back=lapsed.any_back.sum()
    )
    by_period = rows_by_number(counted, "period")
    none = {"contacted": 0, "back": 0, "any_back": 0}
    rows = [by_period.get(period.number, none) for period in periods]
    return [(int(row["contacted"]), int(row["back"]), int(row["any_back"])) for row in rows]


def win_back_rates(found: RollForward, contacted: tuple[int, int, int] | None) -> dict[str, Estimate]:
    """The share of lapsed customers who came back, among those contacted and among the others.

    Parameters
    ----------
    found
        the roll-forward of the period
    contacted
        the counts of `contacted_lapsed`; None if there is no table of contacts

    Returns
    -------
    dict[str, Estimate]
        win_back_rate, and win_back_rate_organic of the customers who were not contacted

    Examples
    --------
    >>> quarter = RollForward(at_start=40, known=100, returned=9)
    >>> rates = win_back_rates(quarter, contacted=(20, 5, 5))
    >>> rates["win_back_rate"].value, rates["win_back_rate_organic"].value
    (0.25, 0.1)
    """
    if contacted is None:
        return {
            "win_back_rate": unknown("no table of contacts, so contacted customers are unknown"),
            "win_back_rate_organic": share(found.returned, found.lapsed, empty=NOBODY_LAPSED),
        }
    reached, back, any_back = contacted
    others = found.lapsed - reached
    return {
        "win_back_rate": share(back, reached, empty="no lapsed customer was contacted"),
        "win_back_rate_organic": share(found.returned - any_back, others, empty=NOBODY_LAPSED),
    }


def _over_a_year(churn: Estimate, per_year: float) -> Estimate:
    ends = [churn.value, churn.low, churn.high]
    value, low, high = (None if end is None else float(churn_over(end, per_year)) for end in ends)
    return replace(churn, value=value, low=low, high=high)


def _growth(at_start: int, lost: int, gained: int, *, empty: str = NOBODY_ACTIVE) -> Estimate:
    if at_start <= 0:
        return unknown(empty, numerator=float(gained - lost))
    value = (gained - lost) / at_start
    half = Z * np.sqrt(lost * (1 - lost / at_start) + gained) / at_start
    return Estimate(
        value=value,
        numerator=float(gained - lost),
        denominator=float(at_start),
        n=at_start,
        low=float(value - half),
        high=float(value + half),
    )
