"""Who came, stayed, left and came back in each period, and the rates of the customer base.

Every rate compares the close of the day before the period with the close of its last day. Churn is the share
of those active at the start who are not active at the end; who joined in between is in neither number, so
that growth can hide no loss.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import ibis
import ibis.expr.types as ir
import numpy as np
from scipy import stats

from patron.economics.kpis.estimates import LEVEL, Estimate, count, share, turned, unknown
from patron.economics.kpis.periods import Period, in_table
from patron.simple_value import churn_over

__all__ = [
    "Movement",
    "base_rates",
    "contacted_lapsed",
    "count_movements",
    "movement_rates",
    "win_back_rates",
]

NOBODY_ACTIVE = "nobody was active at the start"
NOBODY_LAPSED = "nobody had lapsed at the start"


@dataclass(frozen=True, slots=True, kw_only=True)
class Movement:
    """The customers of one period in counts.

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
        of those known and not active at the start, those who became active in the period
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


def count_movements(spells: ir.Table, periods: Sequence[Period]) -> list[Movement]:
    """The movements of each period.

    Parameters
    ----------
    spells
        as `patron.economics.kpis.spells` makes them
    periods
        in order of time

    Returns
    -------
    list[Movement]
        list of `Movement`, one per period

    Examples
    --------
    >>> from datetime import date
    >>> from patron.economics.kpis.periods import whole_periods
    >>> from patron.economics.kpis.spells import spells_by_rule
    >>> days = [date(2024, 1, 1), date(2024, 1, 10), date(2024, 2, 20)]
    >>> bought = ibis.memtable({"customer_id": [1, 2, 3], "day": days})
    >>> february = whole_periods(date(2024, 2, 1), date(2024, 2, 29), "month")
    >>> found = count_movements(spells_by_rule(bought, 40), february)[0]
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
    # Some lose their place and find it again within one period: two spells, but no loss.
    left = over.filter(there & ~remains).select("period", "customer_id")
    back = over.filter(again & remains).select("period", "customer_id")
    found_again = (
        left.inner_join(back, ["period", "customer_id"]).group_by("period").aggregate(back=ibis._.count())
    )
    by_period = {row["period"]: row for row in counted.to_pyarrow().to_pylist()}
    twice = {row["period"]: row["back"] for row in found_again.to_pyarrow().to_pylist()}
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
    movements = []
    for period in periods:
        row = {
            name: int(value) for name, value in by_period.get(period.number, {}).items() if name != "period"
        }
        found = Movement(**row, known=int(known[str(period.number)] or 0))
        movements.append(replace(found, stayed=found.stayed + twice.get(period.number, 0)))
    return movements


def base_rates(*, at_start: int, lost: int, gained: int, per_year: float = 1) -> dict[str, Estimate]:
    """Churn, retention and growth of a customer base.

    Parameters
    ----------
    at_start
        count, active at the start
    lost
        count, of those, no longer active at the end
    gained
        count, active at the end and not at the start: new ones and those who came back
    per_year
        how many such periods make a year

    Returns
    -------
    dict[str, Estimate]
        churn_rate (lost ÷ at_start), churn_rate_annual (1 − (1 − churn)^per_year), retention_rate (1 −
        churn), net_growth_rate ((gained − lost) ÷ at_start); growth takes the arrivals as Poisson for its
        interval

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
        "retention_rate": turned(churn),
        "net_growth_rate": _growth(at_start, lost, gained),
    }


def movement_rates(found: Movement, per_year: int) -> dict[str, Estimate]:
    """Every count and rate of one period's movement, but for winning back.

    Returns
    -------
    dict[str, Estimate]
        active_customers (at the end), new_customers, net_growth_rate_total (new ÷ all ever known at the
        start) and those of `base_rates`

    Examples
    --------
    >>> quarter = Movement(at_start=40, at_end=46, stayed=30, new=12, known=100, returned=4)
    >>> rates = movement_rates(quarter, per_year=4)
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
        "net_growth_rate_total": _growth(found.known, 0, found.new, empty="nobody was known at the start"),
    }


def contacted_lapsed(
    spells: ir.Table, contacts: ir.Table, periods: Sequence[Period]
) -> list[tuple[int, int, int]]:
    """Of the lapsed customers of each period, those who were contacted in it.

    Parameters
    ----------
    spells
        as `patron.economics.kpis.spells` makes them
    contacts
        customer_id, day, treated (1 where the contact was made)
    periods
        in order of time

    Returns
    -------
    list[tuple[int, int, int]]
        per period: how many were contacted, how many of them came back on the day of their first contact or
        later, and how many at any time of the period
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
    by_period = {row["period"]: row for row in counted.to_pyarrow().to_pylist()}
    none = {"contacted": 0, "back": 0, "any_back": 0}
    rows = [by_period.get(period.number, none) for period in periods]
    return [(int(row["contacted"]), int(row["back"]), int(row["any_back"])) for row in rows]


def win_back_rates(found: Movement, contacted: tuple[int, int, int] | None) -> dict[str, Estimate]:
    """How many of the lapsed customers came back: of those contacted, and of those left alone.

    Parameters
    ----------
    found
        the period's movement
    contacted
        as `contacted_lapsed` counts them; None where there is no table of contacts

    Returns
    -------
    dict[str, Estimate]
        win_back_rate, and beside it win_back_rate_organic, what would have come back anyway

    Examples
    --------
    >>> quarter = Movement(at_start=40, known=100, returned=9)
    >>> rates = win_back_rates(quarter, contacted=(20, 5, 5))
    >>> rates["win_back_rate"].value, rates["win_back_rate_organic"].value
    (0.25, 0.1)
    """
    if contacted is None:
        return {
            "win_back_rate": unknown("no table of contacts: who was addressed is not known"),
            "win_back_rate_organic": share(found.returned, found.lapsed, empty=NOBODY_LAPSED),
        }
    addressed, back, any_back = contacted
    alone = found.lapsed - addressed
    return {
        "win_back_rate": share(back, addressed, empty="no lapsed customer was contacted"),
        "win_back_rate_organic": share(found.returned - any_back, alone, empty=NOBODY_LAPSED),
    }


def _over_a_year(churn: Estimate, per_year: float) -> Estimate:
    ends = [churn.value, churn.low, churn.high]
    value, low, high = (None if end is None else float(churn_over(end, per_year)) for end in ends)
    return replace(churn, value=value, low=low, high=high)


def _growth(at_start: int, lost: int, gained: int, *, empty: str = NOBODY_ACTIVE) -> Estimate:
    if at_start <= 0:
        return unknown(empty, numerator=float(gained - lost))
    value = (gained - lost) / at_start
    half = float(stats.norm.ppf(0.5 + LEVEL / 2)) * np.sqrt(lost * (1 - lost / at_start) + gained) / at_start
    return Estimate(
        value=value,
        numerator=float(gained - lost),
        denominator=float(at_start),
        n=at_start,
        low=float(value - half),
        high=float(value + half),
    )
