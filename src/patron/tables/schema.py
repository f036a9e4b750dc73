"""What a schema is: the columns of a table, their units, and the rules of their cells.

A schema is plain data, which `cell_rules.py` turns into Ibis expressions; `table_schemas.toml` has those of
all tables. A schema checks the required columns and suggests which of the columns found a missing one may be.
"""

import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from patron.errors import MissingColumnsError

__all__ = ["ColumnSpec", "Kind", "TableSchema"]

Kind = Literal["customer", "key", "time", "number", "text"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnSpec:
    """One column: its name, its content, and what makes a cell invalid.

    Parameters
    ----------
    name
        patron's name of the column
    kind
        "customer" (an id of a customer, of one type in all tables), "key" (any plain type, kept as given),
        "time", "number" (finite) or "text"
    words
        what the column means
    unit
        unit of a number or time; "" where there is none
    required
        whether the table must have it; a required cell may not be empty
    least
        smallest number allowed; None for no bound
    not_before
        the column whose time this one may not precede, None for no bound
    may_lie_ahead
        whether a time after today is allowed, as a plan
    one_of
        allowed values; () for any
    scale_of, scales
        the column that names the scale of a number, and scale → smallest and largest number
    also_called
        common other names, in lower case, used to suggest a mapping

    Examples
    --------
    >>> from patron.tables.table_schemas import schema_of
    >>> schema_of("transactions")["amount"].unit
    'money, currency of the input; negative = refund'
    """

    name: str
    kind: Kind
    words: str
    unit: str = ""
    required: bool = False
    least: float | None = None
    not_before: str | None = None
    may_lie_ahead: bool = False
    one_of: tuple[str, ...] | tuple[float, ...] = ()
    scale_of: str | None = None
    scales: tuple[tuple[str, float, float], ...] = ()
    also_called: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TableSchema:
    """The columns of one table.

    Parameters
    ----------
    name
        the table's name
    columns
        its columns, those that identify a row first
    keeps_attributes
        whether columns outside the schema are kept, as attributes of the customer

    Examples
    --------
    >>> from patron.tables.table_schemas import schema_of
    >>> schema_of("transactions").required
    ('customer_id', 'order_at', 'amount')
    >>> schema_of("transactions").time
    'order_at'
    """

    name: str
    columns: tuple[ColumnSpec, ...]
    keeps_attributes: bool = False

    def __getitem__(self, name: str) -> ColumnSpec:
        return next(column for column in self.columns if column.name == name)

    @property
    def names(self) -> tuple[str, ...]:
        """Every column of the schema."""
        return tuple(column.name for column in self.columns)

    @property
    def required(self) -> tuple[str, ...]:
        """The columns that the table must have."""
        return tuple(column.name for column in self.columns if column.required)

    @property
    def time(self) -> str | None:
        """The column with the time of a row; None where there is none."""
        return next((column.name for column in self.columns if column.kind == "time"), None)

    @property
    def customer(self) -> str | None:
        """The first column of customer ids; None where there is none."""
        return next((column.name for column in self.columns if column.kind == "customer"), None)

    def check_columns(self, found: Iterable[str]) -> None:
        """Raise unless every required column is among those found.

        Parameters
        ----------
        found
            the columns of the table as given

        Raises
        ------
        MissingColumnsError
            with the missing columns, those found, and the likely mapping

        Examples
        --------
        >>> from patron.tables.table_schemas import schema_of
        >>> schema_of("customers").check_columns(["Customer ID", "age"])
        Traceback (most recent call last):
        patron.errors.MissingColumnsError: table 'customers' lacks ['customer_id']; it has ['Customer ID',
        'age']. Perhaps 'Customer ID' is customer_id: map it with --column customers.customer_id="Customer ID"
        or under [tables.customers.columns] in patron.toml.
        """
        there = list(found)
        missing = [name for name in self.required if name not in there]
        if missing:
            spare = [name for name in there if name not in self.names]
            raise MissingColumnsError(self.name, missing, there, self._probably_meant(missing, spare))

    def _probably_meant(self, missing: list[str], spare: list[str]) -> dict[str, str]:
        """Missing column → the spare name that looks most like it, for those that resemble one."""
        by_letters = {_letters(name): name for name in reversed(spare)}
        meant: dict[str, str] = {}
        for name in missing:
            for wanted in (name, *self[name].also_called):
                close = difflib.get_close_matches(_letters(wanted), by_letters, n=1, cutoff=0.8)
                if close and by_letters[close[0]] not in meant.values():
                    meant[name] = by_letters[close[0]]
                    break
        return meant


def _letters(name: str) -> str:
    return re.sub(r"[\W_]+", "", name).lower()
