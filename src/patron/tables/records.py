"""Records: any tables of a business, each validated row by row against its schema, in one engine."""

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal, Self

import ibis.expr.types as ir
import pandas as pd

from patron.errors import SettingsError
from patron.tables.engine import open_engine, store
from patron.tables.inputs import as_sources, id_type, shared_backend
from patron.tables.report import DataReport
from patron.tables.row_rules import CheckedRows, check_rows
from patron.tables.source import TableSource, open_source, reading
from patron.tables.table_rules import refuse_mixed_currencies, refuse_repeated_customers
from patron.tables.table_schemas import SCHEMAS, schema_of

__all__ = ["Records", "check_tables", "keep_rows"]

type Duplicates = Literal["keep", "reject"]


@dataclass(frozen=True, eq=False)
class Records:
    """Tables of one business, as Ibis tables of one connection. Made by `Records.read`.

    Parameters
    ----------
    tables
        name → its valid rows, in patron's names and types, with the `day` of the table's time (for
        contracts also `ended_on`); customers and products have no such day
    report
        what was read, kept and rejected
    connection
        the Ibis backend that holds the tables
    """

    tables: Mapping[str, ir.Table]
    report: DataReport
    connection: Any
    _rows: Mapping[str, CheckedRows]

    @classmethod
    def read(
        cls,
        *,
        columns: Mapping[str, Mapping[str, str]] | None = None,
        time_zones: str | Mapping[str, str] | None = None,
        duplicates: Duplicates = "keep",
        today: datetime.date | None = None,
        connection: Any = None,
        **tables: Any,
    ) -> Self:
        """Tables of one business from any source, validated row by row.

        Parameters
        ----------
        columns
            table → patron's column name → your column name
        time_zones
            zone of the business, such as "Europe/Berlin", for every table or per table
        duplicates
            "keep" rows equal in every column (and count them), or "reject" all but the first
        today
            last day that a row may carry; None is the day of the call
        connection
            Ibis backend that does the work; None is the one of the Ibis tables given, or else a
            DuckDB of bounded memory
        tables
            a source by table name: transactions, engagement, customers, subscriptions, interactions,
            costs, costs_to_serve, referrals, contributions, surveys, leads, lead_events, contacts, products;
            None is left out

        Returns
        -------
        Self
            Records

        Raises
        ------
        SourceError
            a table is missing or cannot be read
        MissingColumnsError
            a table lacks a column that it must have
        TableError
            a table is empty, has no valid row, the same customer twice, or several currencies
        SettingsError
            a table, column or time zone is unknown, or no table was given

        Examples
        --------
        >>> import pandas as pd
        >>> costs = pd.DataFrame({"month": ["2024-01-01", "2024-01-01"], "pool": ["calls", "rent"],
        ...                       "amount": [900.0, 400.0], "kind": ["direct", "shared"]})
        >>> records = Records.read(costs=costs)
        >>> records["costs"].select("day", "pool", "amount").to_pandas()
                 day   pool  amount
        0 2024-01-01  calls   900.0
        >>> records.rejected("costs")["rule"].tolist()
        ['kind is none of direct, indirect']
        """
        unknown = sorted(set(tables) - set(SCHEMAS))
        if unknown:
            raise SettingsError(f"There is no table {unknown[0]!r}; the tables are {', '.join(SCHEMAS)}.")
        sources = as_sources(tables, columns or {}, time_zones)
        if not sources:
            raise SettingsError(f"No table was given; give at least one of {', '.join(SCHEMAS)}.")
        connection = connection or shared_backend(sources) or open_engine()
        rows = check_tables(sources, duplicates=duplicates, today=today, connection=connection)
        kept = {name: keep_rows(checked, connection) for name, checked in rows.items()}
        if "customers" in kept:
            refuse_repeated_customers(kept["customers"])
        report = DataReport({name: checked.report(kept[name]) for name, checked in rows.items()})
        return cls(tables=kept, report=report, connection=connection, _rows=rows)

    def __getitem__(self, table: str) -> ir.Table:
        return self.tables[table]

    def get(self, table: str) -> ir.Table | None:
        """The valid rows of a table, or None if it was not given.

        Parameters
        ----------
        table
            its name, such as "costs"
        """
        return self.tables.get(table)

    def rejected(self, table: str) -> pd.DataFrame:
        """The rejected rows of a table as given, under patron's names, each with the `rule` that it broke.

        Parameters
        ----------
        table
            its name, such as "costs"
        """
        return self._rejected[table]

    def with_tables(self, tables: Mapping[str, ir.Table]) -> Self:
        """The same records with other rows in some tables; report and rejected rows stay those of the source.

        Parameters
        ----------
        tables
            name → the rows that replace those of the table
        """
        return replace(self, tables={**self.tables, **tables})

    def store(self, table: ir.Table, name: str) -> ir.Table:
        """The table, computed once and held by the connection.

        Parameters
        ----------
        table
            what to compute
        name
            prefix of its name in the connection's list of tables
        """
        return store(self.connection, table, name)

    @cached_property
    def _rejected(self) -> dict[str, pd.DataFrame]:
        return {name: checked.rejected() for name, checked in self._rows.items()}


def check_tables(
    sources: Mapping[str, TableSource],
    *,
    duplicates: Duplicates,
    today: datetime.date | None,
    connection: Any,
) -> dict[str, CheckedRows]:
    """The rows of every table, each tagged with the rule that it breaks.

    Parameters
    ----------
    sources
        table → where it is; the first with customer ids decides their type
    duplicates
        "keep" or "reject" rows equal in every column
    today
        last day that a row may carry; None is the day of the call
    connection
        Ibis backend that does the work

    Raises
    ------
    SettingsError
        `duplicates` is neither
    SourceError, MissingColumnsError, TableError
        a table cannot be read or used
    """
    if duplicates not in ("keep", "reject"):
        raise SettingsError(f'duplicates must be "keep" or "reject", got {duplicates!r}.')
    raw = {name: open_source(source, name, connection) for name, source in sources.items()}
    for name, table in raw.items():
        schema_of(name).check_columns(table.columns)
    ids = id_type(raw, sources)
    rows = {
        name: check_rows(
            table,
            schema_of(name),
            sources[name],
            id_type=ids,
            today=today or datetime.date.today(),
            rejects_duplicates=duplicates == "reject",
            connection=connection,
        )
        for name, table in raw.items()
    }
    for checked in rows.values():
        checked.refuse_if_unusable()
    return rows


def keep_rows(rows: CheckedRows, connection: Any) -> ir.Table:
    """The valid rows of one table, with the `day` of their time where the schema requires a time.

    Parameters
    ----------
    rows
        the checked rows
    connection
        Ibis backend that holds them

    Raises
    ------
    TableError
        the amounts are in several currencies
    """
    schema, valid = schema_of(rows.table), rows.valid
    if rows.rejects_duplicates:  # finding duplicates is slow
        with reading(rows.table, rows.source):
            valid = store(connection, valid, rows.table)
    if "currency" in schema.names and "currency" in valid.columns:
        refuse_mixed_currencies(rows.table, valid)
    if schema.time is None or not schema[schema.time].required:
        return valid
    dated = valid.mutate(day=valid[schema.time].date())
    return dated.mutate(ended_on=dated.ended_at.date()) if "ended_at" in dated.columns else dated
