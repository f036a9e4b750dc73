"""History: the validated tables of one business and its definition of churn.

`History.read` checks every row once, keeps or rejects it, and stores one table: `days`, one row per customer
and day with a transaction. Nearly every feature reads `days` and never the lines again.
"""

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, Self

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.types as ir
import pandas as pd

from patron.errors import DateError
from patron.tables.activity import (
    Activity,
    ChurnDefinition,
    choose_activity,
    passive_kinds,
)
from patron.tables.daily_activity import daily_events, daily_transactions, known_days
from patron.tables.engine import open_engine, store
from patron.tables.inputs import as_sources, shared_backend
from patron.tables.records import Records, check_tables, keep_rows
from patron.tables.report import DataReport
from patron.tables.source import reading
from patron.tables.table_rules import refuse_repeated_customers, refuse_without_purchase

__all__ = ["History"]


AT_THE_END = ("ended_at", "ended_on", "cancel_reason")  # columns of a contract that are unknown while it runs


@dataclass(frozen=True, eq=False)
class History:
    """The validated tables of one business and its definition of churn. Made by `History.read`.

    Attributes
    ----------
    records
        the tables, of these names: transactions, engagement, customers, subscriptions
    churn
        how the business defines churn; its activity is never None
    days
        one row per customer × day with a transaction: customer_id, day, net_amount (money), orders
        (distinct orders that are not refunds, or lines without an order_id), lines, refunds (lines),
        refund_amount (money, ≥ 0), quantity, discount, cost where given, is_purchase (net_amount > 0).
        Without transactions: one row per customer × day with engagement other than invitations, or else with
        the start of a contract, with a net_amount of 1
    first_day
        day of the first transaction, or of the first event where engagement is the activity
    last_day
        last of the days
    known_until
        last day on which everything is known: the last day of the days and of the activity, or the
        day that `until` was given
    """

    records: Records
    churn: ChurnDefinition
    days: ir.Table
    first_day: datetime.date
    last_day: datetime.date
    known_until: datetime.date

    @classmethod
    def read(
        cls,
        transactions: Any = None,
        engagement: Any = None,
        customers: Any = None,
        subscriptions: Any = None,
        *,
        churn: ChurnDefinition | None = None,
        columns: Mapping[str, Mapping[str, str]] | None = None,
        time_zones: str | Mapping[str, str] | None = None,
        duplicates: Literal["keep", "reject"] = "keep",
        today: datetime.date | None = None,
        connection: Any = None,
    ) -> Self:
        """The tables of one business from any source, validated row by row.

        Parameters
        ----------
        transactions, engagement, customers, subscriptions
            each a CSV or Parquet path or glob; a
            pandas, Polars or Arrow table; an Ibis table; a database URL with the table's name
            ("duckdb:///shop.db::orders"); or a TableSource. Customers alone are not enough
        churn
            how the business defines churn; None for `ChurnDefinition()`: no activity of the first table given
            (contracts, else purchases, else engagement) in the whole horizon
        columns, time_zones, duplicates, today, connection
            as for :meth:`patron.tables.records.Records.read`

        Returns
        -------
        Self
            History

        Raises
        ------
        SourceError, MissingColumnsError, TableError, SettingsError
            as there; also if no amount is positive, or the table of the activity is not given

        Examples
        --------
        >>> import pandas as pd
        >>> lines = pd.DataFrame({
        ...     "customer_id": ["Ann", "Ann", "Bob", "Bob", None],
        ...     "order_at": ["2024-01-05 09:30", "2024-01-05", "2024-02-01", "2024-02-31", "2024-02-03"],
        ...     "amount": [20.0, -5.0, 8.0, 8.0, 3.0],
        ... })
        >>> history = History.read(lines)
        >>> history.days.order_by("day").select("customer_id", "day", "net_amount", "refunds").to_pandas()
          customer_id        day  net_amount  refunds
        0         Ann 2024-01-05        15.0        1
        1         Bob 2024-02-01         8.0        0
        >>> history.rejected["transactions"]["rule"].tolist()
        ['order_at is not a date', 'customer_id is missing']
        """
        given = {
            "transactions": transactions,
            "engagement": engagement,
            "customers": customers,
            "subscriptions": subscriptions,
        }
        sources = as_sources(given, columns or {}, time_zones)
        churn = churn or ChurnDefinition()
        activity = choose_activity(sources, churn.activity)
        connection = connection or shared_backend(sources) or open_engine()
        rows = check_tables(sources, duplicates=duplicates, today=today, connection=connection)
        kept = {name: keep_rows(checked, connection) for name, checked in rows.items()}
        of_days = next(name for name in ("transactions", "engagement", "subscriptions") if name in kept)
        with reading(of_days, sources[of_days].source):
            days = store(connection, _days(of_days, kept[of_days]), "days")
        if of_days == "transactions":
            refuse_without_purchase(days)
        if "customers" in kept:
            refuse_repeated_customers(kept["customers"])
        report = DataReport(
            {
                name: checked.report(kept[name], days if name == "transactions" else None)
                for name, checked in rows.items()
            }
        )
        first_day, last_day, known_until = known_days(activity, kept, days, today or datetime.date.today())
        return cls(
            records=Records(tables=kept, report=report, connection=connection, _rows=rows),
            churn=replace(churn, activity=activity),
            days=days,
            first_day=first_day,
            last_day=last_day,
            known_until=known_until,
        )

    def __repr__(self) -> str:
        customers = next(iter(self.report.tables.values())).customers
        return f"<History of {customers:,} customers, {self.first_day} to {self.known_until}>"

    @property
    def transactions(self) -> ir.Table | None:
        """One row per valid line.

        customer_id (as given), order_at (naive business-local time), day, amount (money), and of order_id,
        product_id, category, quantity, discount, cost those that were given.
        """
        return self.records.get("transactions")

    @property
    def engagement(self) -> ir.Table | None:
        """One row per valid event: customer_id, event_at, day, kind, and channel, value where given."""
        return self.records.get("engagement")

    @property
    def customers(self) -> ir.Table | None:
        """One row per customer.

        customer_id, acquired_at, channel, acquisition_cost where given, and every other column as an
        attribute.
        """
        return self.records.get("customers")

    @property
    def subscriptions(self) -> ir.Table | None:
        """One row per contract.

        customer_id, started_at, day (of the start), and ended_at, ended_on (its day; null while it runs),
        plan, price, period_days, renews_at, cancel_reason where given.
        """
        return self.records.get("subscriptions")

    @property
    def activity(self) -> Activity:
        """What counts as activity: a customer who ends it has churned."""
        assert self.churn.activity is not None
        return self.churn.activity

    @property
    def report(self) -> DataReport:
        """What was read, kept and rejected."""
        return self.records.report

    @property
    def connection(self) -> Any:
        """The Ibis backend that holds the tables."""
        return self.records.connection

    @property
    def rejected(self) -> dict[str, pd.DataFrame]:
        """Table → its rejected rows as given, under patron's names, each with the `rule` that it broke."""
        return {name: self.records.rejected(name) for name in self.records.tables}

    @property
    def has_money(self) -> bool:
        """Whether amounts are money; without transactions every active day counts as 1."""
        return self.transactions is not None

    @property
    def active_days(self) -> ir.Table:
        """Customer_id and day of every active day.

        Every purchase or, where engagement is the activity, every event that is not an invitation.
        """
        if self.activity == "engagement" and self.engagement is not None:
            return _active(self.engagement).select("customer_id", "day")
        return self.days.filter(self.days.is_purchase).select("customer_id", "day")

    @property
    def _event(self) -> str:
        return "event" if self.activity == "engagement" or not self.has_money else "transaction"

    @property
    def customer_id_type(self) -> dt.DataType:
        """The Ibis type of customer_id in every table."""
        return self.days.customer_id.type()

    def until(self, as_of: datetime.date) -> "History":
        """The same business as it was known at the end of `as_of`, without any later row.

        Parameters
        ----------
        as_of
            last day known

        Returns
        -------
        History
            its `known_until` is `as_of`; report and rejected rows stay those of the whole

        Raises
        ------
        DateError
            nothing happened until then, or `as_of` is after the last day known

        Examples
        --------
        >>> import datetime
        >>> import pandas as pd
        >>> days = ["2024-01-05", "2024-02-01"]
        >>> lines = pd.DataFrame({"customer_id": [1, 1], "order_at": days, "amount": [2, 3]})
        >>> History.read(lines).until(datetime.date(2024, 1, 31)).last_day
        datetime.date(2024, 1, 5)
        """
        as_of = self.check_as_of(as_of)
        days = self.days.filter(self.days.day <= ibis.literal(as_of))
        last_day = days.day.max().to_pyarrow().as_py() or as_of
        customers = self.customers
        if customers is not None and "acquired_at" in customers.columns:
            acquired = customers.acquired_at.date()
            customers = customers.filter(acquired.isnull() | (acquired <= ibis.literal(as_of)))
        dated = {name: table for name, table in self.records.tables.items() if name != "customers"}
        then = {name: _until(table, as_of) for name, table in dated.items()}
        if customers is not None:
            then["customers"] = customers
        return replace(
            self, records=self.records.with_tables(then), days=days, last_day=last_day, known_until=as_of
        )

    def with_churn(self, churn: ChurnDefinition) -> "History":
        """The same business with another definition of churn.

        Parameters
        ----------
        churn
            the new definition; an activity of None keeps the present one

        Raises
        ------
        SettingsError
            the table of that activity was not given

        Examples
        --------
        >>> import pandas as pd
        >>> lines = pd.DataFrame({"customer_id": [1], "order_at": ["2024-01-05"], "amount": [2]})
        >>> visits = pd.DataFrame({"customer_id": [1], "event_at": ["2024-02-01"], "kind": ["visit"]})
        >>> History.read(lines, visits).with_churn(ChurnDefinition(activity="engagement")).known_until
        datetime.date(2024, 2, 1)
        """
        if churn.activity in (None, self.activity):
            return replace(self, churn=replace(churn, activity=self.activity))
        tables = {name: table for name, table in self.records.tables.items() if name != "customers"}
        activity = choose_activity(tables, churn.activity)
        first_day, last_day, known_until = known_days(activity, tables, self.days, datetime.date.today())
        return replace(self, churn=churn, first_day=first_day, last_day=last_day, known_until=known_until)

    def check_as_of(self, as_of: datetime.date) -> datetime.date:
        """The day of `as_of`, once it is checked to lie within the days known.

        Parameters
        ----------
        as_of
            a day; a time of day is ignored

        Returns
        -------
        datetime.date

        Raises
        ------
        DateError
            `as_of` is before the first transaction, or after the last day known
        """
        if isinstance(as_of, datetime.datetime):  # pandas has times where a day is meant
            as_of = as_of.date()
        if as_of < self.first_day:
            raise DateError(
                f"as_of {as_of} is before the first {self._event}, on {self.first_day}. "
                f"Choose a day from {self.first_day} to {self.known_until}."
            )
        if as_of > self.known_until:
            raise DateError(
                f"as_of {as_of} is after the last day of the {self._event}s, {self.known_until}: later "
                f"activity is unknown. Choose a day up to {self.known_until}, or add the later "
                "rows."
            )
        return as_of

    def store(self, table: ir.Table, name: str) -> ir.Table:
        """The table, computed once and held by the connection.

        Parameters
        ----------
        table, name
            as in :func:`patron.tables.engine.store`
        """
        return self.records.store(table, name)


def _until(table: ir.Table, as_of: datetime.date) -> ir.Table:
    """The rows until then; a contract that ended later still runs."""
    then = table.filter(table.day <= ibis.literal(as_of))
    if "ended_on" not in then.columns:
        return then
    known = (then.ended_on <= ibis.literal(as_of)).fill_null(False)
    return then.mutate(
        **{
            name: ibis.ifelse(known, then[name], ibis.null(then[name].type()))
            for name in AT_THE_END
            if name in then.columns
        }
    )


def _days(table: str, kept: ir.Table) -> ir.Table:
    if table == "transactions":
        return daily_transactions(kept)
    return daily_events(_active(kept) if table == "engagement" else kept)


def _active(engagement: ir.Table) -> ir.Table:
    return engagement.filter(engagement.kind.notin(passive_kinds(engagement) or [""]))
