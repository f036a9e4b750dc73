"""The customers of one business as indicators need them: sales by day, spells, periods and rules."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Self

import ibis.expr.types as ir

from patron.checks import at_least, whole_number
from patron.economics.kpis.sales import sales_of_days
from patron.economics.kpis.spells import spells_by_contract, spells_by_rule
from patron.economics.periods import Every, Period, whole_periods
from patron.errors import SettingsError, TableError
from patron.tables.daily_activity import known_days
from patron.tables.engine import store
from patron.tables.records import Records

__all__ = ["CustomerBase", "KpiRules", "choose_tables", "days_known", "read_base"]

_TABLE_OF = {"purchases": "transactions", "subscriptions": "subscriptions"}


@dataclass(frozen=True, slots=True, kw_only=True)
class KpiRules:
    """The rules by which indicators are counted.

    Attributes
    ----------
    first, last
        the days that the periods lie within; nothing after `last` is known
    every
        "month", "quarter" or "year"
    active_within_days
        ≥ 1, days that a customer counts as active after a purchase if there are no contracts
    lead_days
        ≥ 1, days within which a conversion of a lead counts; younger leads are not judged
    acquisition_pools
        pools of the cost ledger that count as acquisition spend
    up_sell_threshold
        ≥ 0, share by which a unit must cost more than before to count as up-sell
    """

    first: date
    last: date
    every: Every = "month"
    active_within_days: int = 90
    lead_days: int = 90
    acquisition_pools: tuple[str, ...] = ("acquisition",)
    up_sell_threshold: float = 0.10

    def __post_init__(self) -> None:
        whole_number("active_within_days", self.active_within_days, 1)
        whole_number("lead_days", self.lead_days, 1)
        at_least("up_sell_threshold", self.up_sell_threshold, 0)


@dataclass(frozen=True, eq=False)
class CustomerBase:
    """The customers of one business: spells and sales, computed once for all indicators.

    Attributes
    ----------
    tables
        the tables as `patron.tables.records.Records` holds them, by name
    rules
        the rules of counting
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

    def known(self, name: str) -> ir.Table | None:
        """A table as it was known on the last day; None where there is no such table.

        Parameters
        ----------
        name
            of a table with a column `day`
        """
        table = self.tables.get(name)
        return None if table is None else _until(table, self.rules.last)

    def with_scores(self, scores: ir.Table) -> Self:
        """The same customers, with scores among the tables.

        Parameters
        ----------
        scores
            customer_id, as_of, growth_potential
        """
        return replace(self, tables={**self.tables, "scores": scores})


def read_base(tables: Mapping[str, ir.Table], rules: KpiRules, connection: Any) -> CustomerBase:
    """The customer base, with sales by day and spells stored by the engine.

    Parameters
    ----------
    tables
        by name; transactions or subscriptions at least
    rules
        the rules of counting
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
        raise TableError("Indicators need transactions or subscriptions. Give at least one of the two.")
    return CustomerBase(tables, rules, periods, store(connection, spells, "spells"), days)


def choose_tables(tables: Mapping[str, ir.Table], activity: str | None) -> dict[str, ir.Table]:
    """The tables that count: without contracts if purchases define who is active.

    Parameters
    ----------
    tables
        by name
    activity
        "purchases", "subscriptions", or None for contracts where there are any

    Raises
    ------
    SettingsError
        the activity is another one, or its table is missing

    Examples
    --------
    >>> import ibis
    >>> one = ibis.memtable({"customer_id": [1]})
    >>> list(choose_tables({"transactions": one, "subscriptions": one}, "purchases"))
    ['transactions']
    """
    if activity == "engagement":
        raise SettingsError("kpis takes activity purchases or subscriptions, got 'engagement'.")
    if activity is not None and _TABLE_OF[activity] not in tables:
        raise SettingsError(f"activity {activity!r} needs the table {_TABLE_OF[activity]!r}.")
    leaves_out = "subscriptions" if activity == "purchases" else None
    return {name: table for name, table in tables.items() if name != leaves_out}


def days_known(records: Records) -> tuple[date, date]:
    """First and last day of the transactions, or else of the contracts and their ends.

    Parameters
    ----------
    records
        with transactions or subscriptions
    """
    if "transactions" not in records.tables:
        contracts = records["subscriptions"]
        first, _, last = known_days("subscriptions", {"subscriptions": contracts}, contracts, date.today())
        return first, last
    held = records.report["transactions"]
    assert held.first_day is not None  # the table has a valid row, and every row has a day
    assert held.last_day is not None
    return held.first_day, held.last_day


def _until(table: ir.Table, last: date) -> ir.Table:
    return table.filter(table.day <= last)
