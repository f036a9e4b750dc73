"""One table as given → its valid rows, its rejected rows with the rule each broke, and how many there are.

Every row is kept or rejected, by the first rule that it breaks, and counted either way. The columns as given
are kept next to the values read from them (under a name that begins with "given "), so that a rejected row
can be shown as it came, and rows are duplicates only if they were equal in every column.
"""

import datetime
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.types as ir
import pandas as pd

from patron.errors import TableError, counted
from patron.tables.cell_rules import read_cells, rules, without_nan
from patron.tables.dates import WrittenDates, look_at_dates
from patron.tables.engine import EXACT_DECIMAL, store
from patron.tables.report import DUPLICATE, TableReport
from patron.tables.schema import ColumnSpec, TableSchema
from patron.tables.source import TableSource, reading

__all__ = ["CheckedRows", "check_rows"]

RULE = "broken rule"
GIVEN = "given "


@dataclass(frozen=True)
class CheckedRows:
    """The rows of one table, each with the rule that it broke.

    Parameters
    ----------
    table
        the table's name
    source
        where its rows are, for messages
    tagged
        columns as given (prefixed), values read, and the broken rule or null
    rejects_duplicates
        whether only the first of rows equal in every column is valid
    """

    table: str
    source: Any
    tagged: ir.Table
    rejects_duplicates: bool

    @property
    def valid(self) -> ir.Table:
        """The rows that broke no rule, as read."""
        rows = self._sound.distinct() if self.rejects_duplicates else self._sound
        return rows.drop(*self._given, RULE)

    @cached_property
    def counts(self) -> Counter[str | None]:
        """Rule → rows that broke it; None → rows that are valid."""
        counts = Counter(self._by_rule)
        if self.rejects_duplicates and self.duplicates:
            counts[DUPLICATE] = self.duplicates
            counts[None] -= self.duplicates
        return counts

    @cached_property
    def duplicates(self) -> int:
        """Rows that broke no other rule and equal an earlier one in every column."""
        distinct = self._sound.select(self._given).distinct()
        with reading(self.table, self.source):
            return int(self._by_rule[None] - distinct.count().to_pyarrow().as_py())

    def refuse_if_unusable(self) -> None:
        """Raise if the table has no row at all, or no valid one.

        Raises
        ------
        TableError
            counts the rows that broke each rule and quotes some of their cells
        """
        counts = self.counts
        if not counts.total():
            raise TableError(
                f"table {self.table!r} is empty: it has columns but no row. Give a table with rows."
            )
        if counts[None]:
            return
        found = []
        for rule, count in counts.most_common():
            if rule is not None and count:
                cells = ", ".join(_as_written(cell) for cell in self.examples(rule))
                found.append(f"{rule} ({counted(count, 'row')}{f', such as {cells}' if cells else ''})")
        raise TableError(
            f"table {self.table!r} has no valid row among {counts.total()}: {'; '.join(found)}. "
            "Correct the cells, or map the columns that are meant."
        )

    def report(self, kept: ir.Table, days: ir.Table | None = None) -> TableReport:
        """The table in numbers.

        Parameters
        ----------
        kept
            the valid rows
        days
            for transactions, the same rows by customer and day, which are quicker to count
        """
        counted_rows = kept if days is None else days
        numbers: dict[str, ir.Value] = {}
        if "customer_id" in counted_rows.columns:
            numbers["customers"] = counted_rows.customer_id.nunique()
        if "day" in counted_rows.columns:
            numbers |= {"first_day": counted_rows.day.min(), "last_day": counted_rows.day.max()}
        if days is not None:
            total = days.net_amount.cast(EXACT_DECIMAL).sum().cast("float64")
            numbers |= {"total_amount": total, "refunds": days.refunds.sum()}
        may_repeat = self.table != "customers" and not self.rejects_duplicates
        return TableReport(
            table=self.table,
            rows_read=self.counts.total(),
            rows_kept=self.counts[None],
            rejected={rule: count for rule, count in self.counts.most_common() if rule is not None},
            exact_duplicates_kept=self.duplicates if may_repeat else 0,
            **(counted_rows.aggregate(**numbers).to_pyarrow().to_pylist()[0] if numbers else {}),
        )

    def rejected(self) -> pd.DataFrame:
        """The rejected rows as they came, each with the rule that it broke."""
        broken = self.tagged.filter(self.tagged[RULE].notnull()).select(*self._given, RULE)
        if self.rejects_duplicates:
            often = self._sound.group_by(self._given).aggregate(times=self._sound.count())
            repeated = often.filter(often.times > 1)
            repeats = repeated.mutate(copy=ibis.range(1, repeated.times).unnest())
            broken = broken.union(repeats.select(*self._given, **{RULE: ibis.literal(DUPLICATE)}))
        with reading(self.table, self.source):
            frame: pd.DataFrame = broken.to_pandas()
        names = {name: name.removeprefix(GIVEN) for name in self._given}
        return frame.rename(columns=names | {RULE: "rule"})

    def examples(self, rule: str, limit: int = 3) -> list[Any]:
        """A few distinct cells that broke a rule, as they came.

        Parameters
        ----------
        rule
            a rule in words; its first word is the column
        limit
            most cells to return
        """
        column = GIVEN + rule.split(" ")[0]
        found = self.tagged.filter((self.tagged[RULE] == rule) & self.tagged[column].notnull())
        with reading(self.table, self.source):
            cells: list[Any] = (
                found.select(column).distinct().order_by(column).limit(limit).to_pyarrow()[column].to_pylist()
            )
        return cells

    @cached_property
    def _by_rule(self) -> Counter[str | None]:
        by_rule = self.tagged.group_by(RULE).aggregate(rows=self.tagged.count())
        with reading(self.table, self.source):
            counted = by_rule.order_by(RULE).to_pyarrow().to_pylist()
        return Counter({row[RULE]: row["rows"] for row in counted})  # equally frequent rules keep one order

    @property
    def _given(self) -> list[str]:
        return [name for name in self.tagged.columns if name.startswith(GIVEN)]

    @property
    def _sound(self) -> ir.Table:
        if set(self._by_rule) == {None}:  # no row broke a rule: no filter needed
            return self.tagged
        return self.tagged.filter(self.tagged[RULE].isnull())


def check_rows(
    raw: ir.Table,
    schema: TableSchema,
    source: TableSource,
    *,
    id_type: dt.DataType,
    today: datetime.date,
    rejects_duplicates: bool,
    connection: Any,
) -> CheckedRows:
    """Read every column of a table and tag each row with the first rule that it breaks.

    Parameters
    ----------
    raw
        the table as given, with patron's column names
    schema
        its columns and rules
    source
        where the table is, and its time zones
    id_type
        the type that customer ids have in all tables
    today
        last day that a row may carry
    rejects_duplicates
        whether only the first of rows equal in every column is valid
    connection
        Ibis backend that stores a table that came as text once it is parsed

    Returns
    -------
    CheckedRows
        one row per row of `raw`

    Raises
    ------
    TableError
        a column is of an impossible type, or its dates are ambiguous
    SourceError
        the rows cannot be read
    """
    with reading(schema.name, source.source):
        tagged = _tag(raw, schema, source, id_type, today)
        if source.holds_text:  # parsing is the slow part
            tagged = store(connection, tagged, schema.name)
    return CheckedRows(schema.name, source.source, tagged, rejects_duplicates)


def _tag(
    raw: ir.Table, schema: TableSchema, source: TableSource, id_type: dt.DataType, today: datetime.date
) -> ir.Table:
    """The columns as given, the values read from them, and the first rule that each row breaks."""
    specs = [spec for spec in schema.columns if spec.name in raw.columns]
    values = {}
    for spec in specs:
        given = raw[spec.name]
        written = _written_dates(given, spec, schema.name, source)
        values[spec.name] = read_cells(
            given,
            spec,
            schema.name,
            id_type=id_type,
            time_zone=source.time_zone,
            naive_time_zone=source.naive_time_zone,
            written=written,
        )
    if schema.keeps_attributes:
        values |= {name: without_nan(raw[name]) for name in raw.columns if name not in schema.names}
    read = raw.select(**{GIVEN + name: raw[name] for name in raw.columns}, **values)
    broken = [
        rule
        for spec in specs
        for rule in rules(read[GIVEN + spec.name], read[spec.name], spec, today=today, id_type=id_type)
    ]
    broken += [
        (read[spec.name] < read[spec.not_before], f"{spec.name} is before {spec.not_before}")
        for spec in specs
        if spec.not_before is not None and spec.not_before in values
    ]
    broken += [
        (
            (read[spec.scale_of] == kind) & ~read[spec.name].between(least, most),
            f"{spec.name} is outside the scale of {kind}, {least:g} to {most:g}",
        )
        for spec in specs
        if spec.scale_of in values
        for kind, least, most in spec.scales
    ]
    return read.mutate(**{RULE: ibis.cases(*broken, else_=ibis.null("string"))})


def _written_dates(given: ir.Value, spec: ColumnSpec, table: str, source: TableSource) -> WrittenDates | None:
    """The written forms in a text column of times; None for other columns."""
    kind = given.type()
    if spec.kind != "time" or not (kind.is_string() or kind.is_integer()):
        return None
    return look_at_dates(given.cast("string"), table, spec.name, source.day_first)


def _as_written(cell: Any) -> str:
    """A cell for a message: days and times as ISO text, other text in quotes."""
    if isinstance(cell, datetime.date):
        return cell.isoformat().removesuffix("T00:00:00")
    return repr(cell) if isinstance(cell, str) else str(cell)
