"""Rows read, kept and rejected, as numbers and as sentences."""

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from patron.errors import counted

__all__ = ["DUPLICATE", "DataReport", "TableReport", "combine_rejected"]

DUPLICATE = "exact duplicate"


@dataclass(frozen=True, slots=True, kw_only=True)
class TableReport:
    """One table in numbers.

    Parameters
    ----------
    table
        the table's name
    rows_read, rows_kept
        rows at the source, and those that broke no rule
    rejected
        rule → rows that broke it, the most frequent first; a row counts under the first rule it breaks
    exact_duplicates_kept
        kept rows that equal an earlier one in every column
    customers
        distinct customers among the kept rows; None where the table has no customer_id
    first_day, last_day
        of the kept rows; None where the table has no times
    total_amount
        money, net of refunds; None outside transactions
    refunds
        kept lines with a negative amount; None outside transactions
    """

    table: str
    rows_read: int
    rows_kept: int
    customers: int | None = None
    rejected: Mapping[str, int] = field(default_factory=dict)
    exact_duplicates_kept: int = 0
    first_day: datetime.date | None = None
    last_day: datetime.date | None = None
    total_amount: float | None = None
    refunds: int | None = None

    @property
    def rows_rejected(self) -> int:
        """Rows that broke a rule."""
        return sum(self.rejected.values())

    def to_dict(self) -> dict[str, Any]:
        """The numbers as JSON values; days as ISO text."""
        return {
            "rows_read": self.rows_read,
            "rows_kept": self.rows_kept,
            "rows_rejected": self.rows_rejected,
            "rejected": dict(self.rejected),
            "exact_duplicates_kept": self.exact_duplicates_kept,
            "customers": self.customers,
            "first_day": self.first_day.isoformat() if self.first_day else None,
            "last_day": self.last_day.isoformat() if self.last_day else None,
            "total_amount": self.total_amount,
            "refunds": self.refunds,
        }

    def sentences(self) -> list[str]:
        """The numbers as sentences.

        Examples
        --------
        >>> numbers = TableReport(table="customers", rows_read=3, rows_kept=2, customers=2,
        ...                       rejected={"customer_id is missing": 1})
        >>> numbers.sentences()
        ['customers: 2 of 3 rows kept, 2 customers.', 'customers: 1 row rejected because customer_id is
        missing.']
        """
        days = f", {self.first_day} to {self.last_day}" if self.first_day else ""
        total = "" if self.total_amount is None else f", {self.total_amount:,.2f} in all"
        refunds = f", {counted(self.refunds, 'refund')} netted" if self.refunds else ""
        customers = "" if self.customers is None else f", {counted(self.customers, 'customer')}"
        lines = [
            f"{self.table}: {self.rows_kept:,} of {counted(self.rows_read, 'row')} kept"
            f"{customers}{days}{total}{refunds}."
        ]
        lines += [
            f"{self.table}: {counted(rows, 'row')} rejected "
            + ("as exact duplicates." if rule == DUPLICATE else f"because {rule}.")
            for rule, rows in self.rejected.items()
        ]
        if self.exact_duplicates_kept:
            lines.append(
                f"{self.table}: {counted(self.exact_duplicates_kept, 'row')} equal to an earlier row in "
                'every column, kept; duplicates = "reject" drops them.'
            )
        return lines


@dataclass(frozen=True, slots=True)
class DataReport:
    """Every table of a History in numbers.

    Parameters
    ----------
    tables
        table name → its numbers

    Examples
    --------
    >>> customers = TableReport(table="customers", rows_read=2, rows_kept=2, customers=2)
    >>> report = DataReport({"customers": customers})
    >>> report.to_dict()["customers"]["rows_kept"]
    2
    """

    tables: Mapping[str, TableReport]

    def __getitem__(self, table: str) -> TableReport:
        return self.tables[table]

    @property
    def rows_rejected(self) -> int:
        """Rows that broke a rule, over all tables."""
        return sum(table.rows_rejected for table in self.tables.values())

    def to_dict(self) -> dict[str, dict[str, Any]]:
        """Table name → its numbers as JSON values."""
        return {name: table.to_dict() for name, table in self.tables.items()}

    def sentences(self) -> list[str]:
        """Every table as sentences."""
        return [sentence for table in self.tables.values() for sentence in table.sentences()]


def combine_rejected(by_table: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """The rejected rows of several tables as text in one frame, `table` and `rule` first.

    Parameters
    ----------
    by_table
        table → its rejected rows, each with the `rule` that it broke

    Examples
    --------
    >>> rejected = pd.DataFrame({"score": [12], "rule": ["score is too high"]})
    >>> combine_rejected({"surveys": rejected}).columns.tolist()
    ['table', 'rule', 'score']
    """
    parts = [rows.astype("string").assign(table=name) for name, rows in by_table.items() if len(rows)]
    if not parts:
        return pd.DataFrame({"table": pd.Series(dtype="string"), "rule": pd.Series(dtype="string")})
    rejected = pd.concat(parts, ignore_index=True)
    return rejected[["table", "rule", *rejected.columns.drop(["table", "rule"])]]
