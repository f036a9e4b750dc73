"""One table as given → its valid rows, its rejected rows with the rule each broke, and how many there are.

Every row is kept or rejected, by the first rule that it breaks, and counted either way. The columns as given travel
beside the values read from them (under a name with a leading "given "), so that a rejected row can be shown as it
came, and so that rows count as equal only if they were equal in every column.
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

from patron.errors import TableError
from patron.tables.cells import read_cells, rules, without_nan
from patron.tables.dates import WrittenDates, look_at_dates
from patron.tables.schema import ColumnSpec, TableSchema
from patron.tables.source import TableSource, reading

__all__ = ["CheckedRows", "check_rows"]

RULE = "broken rule"
GIVEN = "given "
DUPLICATE = "exact duplicate"


@dataclass(frozen=True)
class CheckedRows:
    """The rows of one table, each with the rule it broke or null.

    Parameters
    ----------
    table : the table's name
    source : where its rows are, for messages
    tagged : columns as given (prefixed), values read, and the broken rule
    rejects_duplicates : whether of rows equal in every column only the first is valid
    """

    table: str
    source: Any
    tagged: ir.Table
    rejects_duplicates: bool

    @property
    def values(self) -> list[str]:
        """The columns read, in patron's names."""
        return [name for name in self.tagged.columns if not name.startswith(GIVEN) and name != RULE]

    @property
    def given(self) -> list[str]:
        """The columns as they came, prefixed."""
        return [name for name in self.tagged.columns if name.startswith(GIVEN)]

    @property
    def valid(self) -> ir.Table:
        """The rows that broke no rule, as read."""
        sound = self.tagged.filter(self.tagged[RULE].isnull())
        return (sound.distinct() if self.rejects_duplicates else sound).select(self.values)

    @cached_property
    def counts(self) -> Counter[str | None]:
        """Rule → rows that broke it; None → rows that broke none."""
        by_rule = self.tagged.group_by(RULE).aggregate(rows=self.tagged.count())
        with reading(self.table, self.source):
            found = by_rule.to_pyarrow().to_pylist()
        return Counter({row[RULE]: row["rows"] for row in found})

    @cached_property
    def duplicates(self) -> int:
        """Rows that broke no rule and equal an earlier one in every column."""
        sound = self.tagged.filter(self.tagged[RULE].isnull()).select(self.given)
        with reading(self.table, self.source):
            return int(self.counts[None] - sound.distinct().count().to_pyarrow().as_py())

    def rejected(self) -> pd.DataFrame:
        """The rejected rows as they came, and the rule that each broke."""
        broken = self.tagged.filter(self.tagged[RULE].notnull()).select(*self.given, rule=RULE)
        if self.rejects_duplicates:
            sound = self.tagged.filter(self.tagged[RULE].isnull())
            often = sound.group_by(self.given).aggregate(times=sound.count()).filter(ibis._.times > 1)
            repeats = often.mutate(copy=ibis.range(1, often.times).unnest(), rule=ibis.literal(DUPLICATE))
            broken = broken.union(repeats.select(*self.given, "rule"))
        with reading(self.table, self.source):
            frame: pd.DataFrame = broken.to_pandas()
        return frame.rename(columns=lambda name: name.removeprefix(GIVEN))


def check_rows(
    raw: ir.Table,
    schema: TableSchema,
    source: TableSource,
    id_type: dt.DataType,
    today: datetime.date,
    rejects_duplicates: bool = False,
) -> CheckedRows:
    """Read every column of a table and tag each row with the first rule that it breaks.

    Parameters
    ----------
    raw : the table as given, with patron's column names
    schema : what it must look like
    source : where it came from, and its time zones
    id_type : type that customer ids have in all tables
    today : last day that a row may carry
    rejects_duplicates : whether of rows equal in every column only the first is kept

    Returns
    -------
    CheckedRows, one row per row of `raw`

    Raises
    ------
    MissingColumnsError : a required column is not there
    TableError : a column holds what it cannot hold, or its dates can be read in two ways
    """
    schema.check_columns(raw.columns)
    specs = [spec for spec in schema.columns if spec.name in raw.columns]
    values = {}
    for spec in specs:
        with reading(schema.name, source.source):
            written = _written_dates(raw[spec.name], spec, schema.name, source)
        values[spec.name] = read_cells(
            raw[spec.name], spec, schema.name, source=source, id_type=id_type, written=written
        )
    if schema.keeps_attributes:
        values |= {name: without_nan(raw[name]) for name in raw.columns if name not in schema.names}
    read = raw.select(**{GIVEN + name: raw[name] for name in raw.columns}, **values)
    broken = [
        rule
        for spec in specs
        for rule in rules(read[GIVEN + spec.name], read[spec.name], spec, today=today, id_type=id_type)
    ]
    tagged = read.mutate(**{RULE: ibis.cases(*broken, else_=ibis.null("string"))})
    return CheckedRows(schema.name, source.source, tagged, rejects_duplicates)


def _written_dates(given: ir.Value, spec: ColumnSpec, table: str, source: TableSource) -> WrittenDates | None:
    """Which written forms a column of times holds; None where it holds no text."""
    kind = given.type()
    if spec.kind != "time" or not (kind.is_string() or kind.is_integer()):
        return None
    return look_at_dates(given.cast("string"), table, spec.name, source.day_first)


def refuse_if_useless(rows: CheckedRows) -> None:
    """Raise when a table has no row at all, or none that is valid.

    Raises
    ------
    TableError : says how many rows broke which rule, with an example of each
    """
    counts = rows.counts
    if not counts.total():
        raise TableError(f"table {rows.table!r} is empty: it has columns but no row. Give a table with rows.")
    if counts[None]:
        return
    rules = [f"{rule} ({count} rows{_example(rows, rule)})" for rule, count in counts.most_common() if rule]
    raise TableError(
        f"table {rows.table!r} has no valid row among {counts.total()}: {'; '.join(rules)}. "
        "Mend the cells, or map the columns that are meant."
    )


def _example(rows: CheckedRows, rule: str) -> str:
    """A cell that broke the rule, as it came."""
    column = GIVEN + rule.split(" ")[0]
    found = (
        rows.tagged.filter(rows.tagged[RULE] == rule).select(column).limit(1).to_pyarrow()[column][0].as_py()
    )
    return "" if found is None else f", such as {found!r}"
