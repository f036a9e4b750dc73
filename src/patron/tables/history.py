"""History: the validated tables of one business.

`History.read` looks at every row once, keeps or rejects it, and stores one table: `days`, one row per customer and
day with a transaction. Nearly every feature reads `days` and never touches the lines again.
"""

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal, Self

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.types as ir
import pandas as pd

from patron.errors import DateError, SettingsError, TableError, some
from patron.tables.cells import WHOLE_NUMBER
from patron.tables.engine import open_engine
from patron.tables.report import DataReport, TableReport
from patron.tables.rows import DUPLICATE, CheckedRows, check_rows, refuse_if_useless
from patron.tables.schema import CUSTOMERS, ENGAGEMENT, TRANSACTIONS, TableSchema
from patron.tables.source import TableSource, open_source, reading

__all__ = ["History"]

SCHEMAS = {schema.name: schema for schema in (TRANSACTIONS, ENGAGEMENT, CUSTOMERS)}
MONEY = dt.Decimal(38, 6)  # exact, so that the order of summation changes nothing


@dataclass(frozen=True, eq=False)
class History:
    """The validated tables of one business, as Ibis tables of one connection. Made by `History.read`.

    Parameters
    ----------
    transactions : one row per valid line: customer_id (as given), order_at (naive business-local time), day,
        amount (money), and of order_id, product_id, category, quantity, discount, cost those that were given
    engagement : one row per valid event: customer_id, event_at, day, kind, and channel, value where given; or None
    customers : one row per customer: customer_id, acquired_at, channel, acquisition_cost where given, and every other
        column as an attribute; or None
    days : one row per customer × day with a transaction: customer_id, day, net_amount (money), orders (distinct
        orders that are no refund, or lines where there is no order_id), lines, refunds (lines), refund_amount
        (money, ≥ 0), quantity, discount, cost where given, is_purchase (net_amount > 0)
    first_day : day of the first transaction
    last_day : day of the last transaction
    known_until : last day of which everything is known: last_day, or the day that `until` was given
    report : what was read, kept and rejected
    connection : the Ibis backend that holds the tables
    """

    transactions: ir.Table
    engagement: ir.Table | None
    customers: ir.Table | None
    days: ir.Table
    first_day: datetime.date
    last_day: datetime.date
    known_until: datetime.date
    report: DataReport
    connection: Any
    _rows: Mapping[str, CheckedRows]

    @classmethod
    def read(
        cls,
        transactions: Any,
        engagement: Any = None,
        customers: Any = None,
        *,
        columns: Mapping[str, Mapping[str, str]] | None = None,
        time_zones: str | Mapping[str, str] | None = None,
        duplicates: Literal["keep", "reject"] = "keep",
        today: datetime.date | None = None,
        connection: Any = None,
    ) -> Self:
        """The tables of one business, wherever they are, checked row by row.

        Parameters
        ----------
        transactions, engagement, customers : each a CSV or Parquet path or glob; a pandas, Polars or Arrow table; an
            Ibis table; a database URL with the table's name ("duckdb:///shop.db::orders"); or a TableSource
        columns : table → patron's column name → your column name
        time_zones : zone of the business, such as "Europe/Berlin", for every table or per table
        duplicates : "keep" rows equal in every column (and count them), or "reject" all but the first
        today : last day that a row may carry; None is the day of the call
        connection : Ibis backend that does the work; None is the one of the Ibis tables given, or else a DuckDB of
            bounded memory

        Returns
        -------
        History

        Raises
        ------
        SourceError : a table is not there or cannot be read
        MissingColumnsError : a table lacks a column that it must have
        TableError : a table is empty, has no valid row, no positive amount, or the same customer twice
        SettingsError : a table, column, time zone or duplicate rule is unknown

        Examples
        --------
        >>> import pandas as pd
        >>> lines = pd.DataFrame({
        ...     "customer_id": ["Ann", "Ann", "Bob", "Bob", None],
        ...     "order_at": ["2024-01-05 09:30", "2024-01-05 17:00", "2024-02-01", "2024-02-31", "2024-02-03"],
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
        if duplicates not in ("keep", "reject"):
            raise SettingsError(f'duplicates must be "keep" or "reject", got {duplicates!r}.')
        given = {"transactions": transactions, "engagement": engagement, "customers": customers}
        sources = _as_sources(given, columns or {}, time_zones)
        connection = connection or _shared_backend(sources) or open_engine()
        raw = {name: open_source(source, name, connection) for name, source in sources.items()}
        for name, table in raw.items():
            SCHEMAS[name].check_columns(table.columns)
        id_type = _id_type(raw, sources)
        rows: dict[str, CheckedRows] = {}
        for name, table in raw.items():
            checked = check_rows(
                table,
                SCHEMAS[name],
                sources[name],
                id_type,
                today or datetime.date.today(),
                duplicates == "reject",
            )
            refuse_if_useless(checked)
            rows[name] = checked
        kept = {name: _with_day(checked.valid, SCHEMAS[name]) for name, checked in rows.items()}
        # Text is parsed, and duplicates are looked for, once: what is used again is stored.
        for name, source in sources.items():
            if source.holds_text or duplicates == "reject":
                with reading(name, source.source):
                    kept[name] = _store(connection, kept[name], name)
        with reading("transactions", sources["transactions"].source):
            days = _store(connection, _by_day(kept["transactions"]), "days")
        if "customers" in kept:
            _refuse_repeated(kept["customers"])
        report = DataReport(
            {name: _table_report(checked, kept[name], days) for name, checked in rows.items()}
        )
        _refuse_without_purchase(days, report["transactions"])
        first_day, last_day = report["transactions"].first_day, report["transactions"].last_day
        assert first_day is not None
        assert last_day is not None
        return cls(
            transactions=kept["transactions"],
            engagement=kept.get("engagement"),
            customers=kept.get("customers"),
            days=days,
            first_day=first_day,
            last_day=last_day,
            known_until=last_day,
            report=report,
            connection=connection,
            _rows=rows,
        )

    @cached_property
    def rejected(self) -> dict[str, pd.DataFrame]:
        """Table → its rejected rows as they came, in patron's column names, and the `rule` that each broke."""
        return {name: checked.rejected() for name, checked in self._rows.items()}

    @property
    def customer_id_type(self) -> dt.DataType:
        """The Ibis type of customer_id in every table."""
        return self.days.customer_id.type()

    def until(self, as_of: datetime.date) -> "History":
        """The same business as it was known at the end of `as_of`: every later row is gone.

        Parameters
        ----------
        as_of : last day known

        Returns
        -------
        History whose `known_until` is `as_of`; its report and rejected rows stay those of the whole

        Raises
        ------
        DateError : nothing happened until then, or `as_of` is after the last day known

        Examples
        --------
        >>> import datetime
        >>> import pandas as pd
        >>> lines = pd.DataFrame({"customer_id": [1, 1], "order_at": ["2024-01-05", "2024-02-01"], "amount": [2, 3]})
        >>> History.read(lines).until(datetime.date(2024, 1, 31)).last_day
        datetime.date(2024, 1, 5)
        """
        self.check_as_of(as_of)
        days = self.days.filter(self.days.day <= ibis.literal(as_of))
        last_day = days.day.max().to_pyarrow().as_py()
        engagement, customers = self.engagement, self.customers
        if customers is not None and "acquired_at" in customers.columns:
            acquired = customers.acquired_at.date()
            customers = customers.filter(acquired.isnull() | (acquired <= ibis.literal(as_of)))
        return replace(
            self,
            transactions=self.transactions.filter(self.transactions.day <= ibis.literal(as_of)),
            engagement=None
            if engagement is None
            else engagement.filter(engagement.day <= ibis.literal(as_of)),
            customers=customers,
            days=days,
            last_day=last_day,
            known_until=as_of,
        )

    def check_as_of(self, as_of: datetime.date) -> None:
        """Raise unless `as_of` lies within the days known.

        Raises
        ------
        DateError : `as_of` is before the first transaction, or after the last day known
        """
        if as_of < self.first_day:
            raise DateError(
                f"as_of {as_of} is before the first transaction, on {self.first_day}. "
                f"Choose a day from {self.first_day} to {self.known_until}."
            )
        if as_of > self.known_until:
            raise DateError(
                f"as_of {as_of} is after the last day of the transactions, {self.known_until}: what happened in between "
                f"is unknown. Choose a day up to {self.known_until}, or add the transactions until {as_of}."
            )

    def store(self, table: ir.Table, name: str) -> ir.Table:
        """The table, computed once and held by the connection.

        Parameters
        ----------
        table : an expression over this history's tables
        name : what it is, for whoever reads the connection's list of tables

        Returns
        -------
        ir.Table, same columns and rows
        """
        return _store(self.connection, table, name)


# --- sources ---------------------------------------------------------------------------------------------------


def _as_sources(
    given: Mapping[str, Any],
    columns: Mapping[str, Mapping[str, str]],
    time_zones: str | Mapping[str, str] | None,
) -> dict[str, TableSource]:
    for setting, named in (("columns", columns), ("time_zones", time_zones)):
        unknown = sorted(set(named) - set(given)) if isinstance(named, Mapping) else []
        if unknown:
            raise SettingsError(
                f"{setting} names the table {unknown[0]!r}; the tables are {', '.join(given)}."
            )
    sources = {}
    for name, source in given.items():
        if source is None:
            continue
        whole = source if isinstance(source, TableSource) else TableSource(source)
        zone = time_zones if isinstance(time_zones, str) else (time_zones or {}).get(name)
        whole = replace(
            whole, columns={**whole.columns, **columns.get(name, {})}, time_zone=zone or whole.time_zone
        )
        _check_mapping(SCHEMAS[name], whole.columns)
        sources[name] = whole
    return sources


def _check_mapping(schema: TableSchema, columns: Mapping[str, str]) -> None:
    unknown = [] if schema.keeps_attributes else sorted(set(columns) - set(schema.names))
    if unknown:
        raise SettingsError(
            f"columns maps {schema.name}.{unknown[0]}, which patron does not know. "
            f"The columns of {schema.name} are {', '.join(schema.names)}."
        )


def _shared_backend(sources: Mapping[str, TableSource]) -> Any:
    """The backend of the first Ibis table among the sources that has one."""
    for source in sources.values():
        if isinstance(source.source, ir.Table):
            backends, _ = source.source._find_backends()
            if backends:
                return backends[0]
    return None


def _id_type(raw: Mapping[str, ir.Table], sources: Mapping[str, TableSource]) -> dt.DataType:
    """The type of the transactions' ids. Text files have no types: whole numbers throughout are read as such."""
    untyped = [name for name, source in sources.items() if source.holds_text]
    if "transactions" not in untyped:
        return raw["transactions"].customer_id.type().copy(nullable=True)
    typed_as_text = any(raw[name].customer_id.type().is_string() for name in raw if name not in untyped)
    return (
        dt.string
        if typed_as_text or not all(_whole_numbers(raw[name], name) for name in untyped)
        else dt.int64
    )


def _whole_numbers(table: ir.Table, name: str) -> bool:
    ids = table.customer_id
    written = ids.strip().length() > 0
    with reading(name):
        odd = table.filter(written & ~ids.re_search(WHOLE_NUMBER)).count().to_pyarrow().as_py()
    return bool(odd == 0)


# --- tables ----------------------------------------------------------------------------------------------------


def _with_day(table: ir.Table, schema: TableSchema) -> ir.Table:
    """The table with the day of its time beside it; customers have no such day."""
    return table if schema is CUSTOMERS else table.mutate(day=table[schema.time].date())


def _by_day(lines: ir.Table) -> ir.Table:
    """Lines → one row per customer and day."""
    refund = lines.amount < 0
    orders = (~refund).sum()
    if "order_id" in lines.columns:
        named = lines.order_id.nunique(where=~refund)
        orders = named + (~refund & lines.order_id.isnull()).any().cast(
            "int64"
        )  # lines of no order are one order
    sums = {
        "net_amount": _money(lines.amount).sum(),
        "orders": orders,
        "lines": lines.count(),
        "refunds": refund.sum(),
        "refund_amount": -_money(lines.amount).sum(where=refund),
    } | {
        name: _money(lines[name]).sum() for name in ("quantity", "discount", "cost") if name in lines.columns
    }
    days = lines.group_by("customer_id", "day").aggregate(**sums)
    counts = {name: days[name].fill_null(0).cast("int64") for name in ("orders", "lines", "refunds")}
    money = {name: days[name].cast("float64").fill_null(0.0) for name in sums if name not in counts}
    return days.mutate(**counts, **money).mutate(is_purchase=ibis._.net_amount > 0)


def _money(amount: ir.FloatingColumn) -> ir.DecimalColumn:
    return amount.cast(MONEY)


def _store(connection: Any, table: ir.Table, name: str) -> ir.Table:
    stored: ir.Table = connection.create_table(ibis.util.gen_name(f"patron_{name}"), table, temp=True)
    return stored


def _table_report(rows: CheckedRows, kept: ir.Table, days: ir.Table) -> TableReport:
    rejected = {rule: count for rule, count in rows.counts.most_common() if rule is not None}
    repeated = 0 if rows.table == "customers" else rows.duplicates
    if rows.rejects_duplicates and repeated:
        rejected[DUPLICATE] = repeated
    numbers: dict[str, ir.Value] = {"customers": kept.customer_id.nunique()}
    if rows.table == "transactions":
        kept = days
        numbers |= {
            "customers": days.customer_id.nunique(),
            "total_amount": _money(days.net_amount).sum().cast("float64"),
            "refunds": days.refunds.sum(),
        }
    day = (
        kept.day
        if "day" in kept.columns
        else kept.acquired_at.date()
        if "acquired_at" in kept.columns
        else None
    )
    if day is not None:
        numbers |= {"first_day": day.min(), "last_day": day.max()}
    found = kept.aggregate(**numbers).to_pyarrow().to_pylist()[0]
    return TableReport(
        table=rows.table,
        rows_read=rows.counts.total(),
        rows_kept=rows.counts[None] - (repeated if rows.rejects_duplicates else 0),
        rejected=rejected,
        exact_duplicates_kept=0 if rows.rejects_duplicates else repeated,
        **found,
    )


def _refuse_repeated(customers: ir.Table) -> None:
    often = customers.group_by("customer_id").aggregate(rows=customers.count()).filter(ibis._.rows > 1)
    repeated = often.customer_id.to_pyarrow().to_pylist()
    if repeated:
        raise TableError(
            f"table 'customers' has more than one row for {len(repeated)} customers: {some(sorted(repeated))}. "
            "Keep one row per customer."
        )


def _refuse_without_purchase(days: ir.Table, numbers: TableReport) -> None:
    found = (
        days.aggregate(purchases=days.is_purchase.sum(), amount=days.net_amount.max())
        .to_pyarrow()
        .to_pylist()[0]
    )
    if found["purchases"]:
        return
    if numbers.refunds == 0:
        what = "every amount is zero"
    elif numbers.refunds == numbers.rows_kept:
        what = "every amount is negative, which means a refund"
    else:
        what = "no customer has a day whose amounts are positive once refunds are netted"
    raise TableError(
        f"table 'transactions' holds no purchase: {what}. Map the column that holds what customers paid to amount, "
        "with purchases positive."
    )
