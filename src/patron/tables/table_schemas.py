"""The schema of every table that patron reads: `SCHEMAS`, made from ``table_schemas.toml``."""

import tomllib
from pathlib import Path
from typing import Any

from patron.tables.schema import ColumnSpec, TableSchema

__all__ = ["SCHEMAS", "schema_of"]

_TABLES = Path(__file__).with_suffix(".toml")
_WITH_ATTRIBUTES = ("customers", "leads")  # tables whose other columns are kept


def _column(name: str, rules: dict[str, Any]) -> ColumnSpec:
    """A column; other common names are given in one text, separated by blanks."""
    if rules["kind"] == "time":
        rules["unit"] = "date or time, business-local"
    for several in ("one_of", "scales"):
        rules[several] = tuple(tuple(one) if isinstance(one, list) else one for one in rules.get(several, ()))
    return ColumnSpec(name=name, **rules | {"also_called": tuple(rules.get("also_called", "").split())})


SCHEMAS = {
    table: TableSchema(
        name=table,
        columns=tuple(_column(name, rules) for name, rules in columns.items()),
        keeps_attributes=table in _WITH_ATTRIBUTES,
    )
    for table, columns in tomllib.loads(_TABLES.read_text(encoding="utf-8")).items()
}
"""Table → its schema, for every table that patron reads."""


def schema_of(table: str) -> TableSchema:
    """The schema of a table.

    Parameters
    ----------
    table
        its name, such as "transactions" or "costs"

    Examples
    --------
    >>> schema_of("referrals").required
    ('referrer_id', 'referred_id', 'referred_at')
    """
    return SCHEMAS[table]
