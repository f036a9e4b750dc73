"""The tables that a caller gave, in one form: a TableSource each, one backend, one type of customer ids."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import ibis.expr.datatypes as dt
import ibis.expr.types as ir

from patron.errors import SettingsError
from patron.tables.cell_rules import is_whole_number
from patron.tables.dates import is_blank
from patron.tables.schema import TableSchema
from patron.tables.source import TableSource, backends_of, reading
from patron.tables.spark import is_spark_frame, on_spark, open_spark
from patron.tables.table_schemas import schema_of

__all__ = ["as_sources", "id_type", "shared_backend"]


def as_sources(
    given: Mapping[str, Any],
    columns: Mapping[str, Mapping[str, str]],
    time_zones: str | Mapping[str, str] | None,
) -> dict[str, TableSource]:
    """The tables that were given, each with its mapping and time zone.

    Parameters
    ----------
    given
        table → any source, or None
    columns
        table → patron's column name → your column name
    time_zones
        zone of the business, for every table or per table

    Raises
    ------
    SettingsError
        `columns` or `time_zones` names an unknown table or column
    """
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
        _check_mapping(schema_of(name), whole.columns)
        sources[name] = whole
    return sources


def _check_mapping(schema: TableSchema, columns: Mapping[str, str]) -> None:
    unknown = [] if schema.keeps_attributes else sorted(set(columns) - set(schema.names))
    if unknown:
        raise SettingsError(
            f"columns maps {schema.name}.{unknown[0]}, which is not a column of patron. "
            f"The columns of {schema.name} are {', '.join(schema.names)}."
        )


def shared_backend(sources: Mapping[str, TableSource]) -> Any:
    """The backend of the first Ibis table or Spark frame among the sources; None without any.

    Parameters
    ----------
    sources
        table → where it is
    """
    for source in sources.values():
        if is_spark_frame(source.source):
            return open_spark(source.source.sparkSession)
        if isinstance(source.source, ir.Table):
            backends = backends_of(source.source)
            if backends:
                return on_spark(backends[0])
    return None


def id_type(raw: Mapping[str, ir.Table], sources: Mapping[str, TableSource]) -> dt.DataType:
    """The type of the first table's ids. CSV has no types: ids that are all whole numbers become integers.

    Parameters
    ----------
    raw
        table → its rows as given
    sources
        table → where it is
    """
    columns = {name: schema_of(name).customer for name in raw}
    ids = {name: raw[name][column] for name, column in columns.items() if column in raw[name].columns}
    if not ids:
        return dt.string
    untyped = [name for name in ids if sources[name].holds_text]
    first = next(iter(ids))
    if first not in untyped:
        return ids[first].type().copy(nullable=True)
    if any(ids[name].type().is_string() for name in ids if name not in untyped):
        return dt.string
    for name in untyped:
        odd = ids[name].count(where=~is_blank(ids[name]) & ~is_whole_number(ids[name]))
        with reading(name, sources[name].source):
            if odd.to_pyarrow().as_py():
                return dt.string
    return dt.int64
