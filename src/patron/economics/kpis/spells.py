"""Spells of activity, one row each: by contract, or by recency of purchase if there are no contracts.

A spell is an uninterrupted time of activity. By recency it begins with a purchase and ends n days after the
last purchase that is not followed by another within n days. By contract it is the time covered by contracts;
contracts that overlap or follow one another without a gap are merged.
"""

from datetime import date

import ibis
import ibis.expr.types as ir

__all__ = ["RUNNING", "spells_by_contract", "spells_by_rule"]

RUNNING = date(9999, 12, 31)
"""End of a contract that is still running."""


def spells_by_rule(purchases: ir.Table, within_days: int) -> ir.Table:
    """Spells of customers who are active for `within_days` after each purchase.

    Parameters
    ----------
    purchases
        customer_id, day; one row per customer and day with a purchase
    within_days
        ≥ 1; a customer is active at the end of a day after a purchase on it or in the `within_days` - 1
        days before

    Returns
    -------
    ir.Table
        one row per spell: customer_id, number (1 for the first), starts_on, ends_on (the first day
        not active), previous_end (ends_on of the spell before; null for the first)

    Examples
    --------
    >>> days = [date(2024, 1, 1), date(2024, 1, 31), date(2024, 6, 1)]
    >>> bought = ibis.memtable({"customer_id": [7, 7, 7], "day": days})
    >>> spells_by_rule(bought, 30).order_by("number").select("starts_on", "ends_on").to_pandas()
       starts_on    ends_on
    0 2024-01-01 2024-03-01
    1 2024-06-01 2024-07-01
    """
    by_day = ibis.cumulative_window(group_by="customer_id", order_by="day")
    gaps = purchases.mutate(gap=purchases.day.delta(purchases.day.lag().over(by_day), unit="day"))
    breaks = gaps.gap.isnull() | (gaps.gap > within_days)
    in_spells = gaps.mutate(number=breaks.cast("int64").sum().over(by_day).cast("int64"))
    spells = in_spells.group_by("customer_id", "number").aggregate(
        starts_on=in_spells.day.min(), last_day=in_spells.day.max()
    )
    return _with_previous(
        spells.mutate(ends_on=(spells.last_day + ibis.interval(days=within_days)).cast("date")).drop(
            "last_day"
        )
    )


def spells_by_contract(contracts: ir.Table) -> ir.Table:
    """Spells of customers who are active while a contract runs.

    Parameters
    ----------
    contracts
        customer_id, day (of the start), ended_on (null while running; optional)

    Returns
    -------
    ir.Table
        as `spells_by_rule`; ends_on is `RUNNING` if the last contract has no end

    Examples
    --------
    A contract that overlaps the first, and one a year later:

    >>> table = ibis.memtable({
    ...     "customer_id": [7, 7, 7],
    ...     "day": [date(2023, 1, 1), date(2023, 3, 1), date(2024, 1, 1)],
    ...     "ended_on": [date(2023, 4, 1), date(2023, 6, 1), None],
    ... })
    >>> spells_by_contract(table).order_by("number").select("starts_on", "ends_on").to_pandas()
       starts_on    ends_on
    0 2023-01-01 2023-06-01
    1 2024-01-01 9999-12-31
    """
    running = ibis.literal(RUNNING)
    ended = contracts.ended_on.fill_null(running) if "ended_on" in contracts.columns else running
    ended_ones = contracts.select("customer_id", starts_on=contracts.day, ended=ended)
    by_start = ibis.cumulative_window(group_by="customer_id", order_by=["starts_on", "ended"])
    reaches = ended_ones.mutate(covered=ended_ones.ended.max().over(by_start))
    so_far = reaches.mutate(before=reaches.covered.lag().over(by_start))
    breaks = so_far.before.isnull() | (
        so_far.starts_on > (so_far.before + ibis.interval(days=1)).cast("date")
    )
    in_spells = so_far.mutate(number=breaks.cast("int64").sum().over(by_start).cast("int64"))
    spells = in_spells.group_by("customer_id", "number").aggregate(
        starts_on=in_spells.starts_on.min(), ends_on=in_spells.ended.max()
    )
    return _with_previous(spells)


def _with_previous(spells: ir.Table) -> ir.Table:
    by_number = ibis.window(group_by="customer_id", order_by="number")
    return spells.mutate(previous_end=spells.ends_on.lag().over(by_number))
