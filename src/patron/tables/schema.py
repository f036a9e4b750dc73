"""Schemas of the main tables: columns, units, and the rule of each cell.

A schema is plain data, which `cell_rules.py` turns into Ibis expressions. It checks the required columns and
suggests which of the columns found a missing one may be.
"""

import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from patron.errors import MissingColumnsError

__all__ = [
    "CUSTOMERS",
    "CUSTOMER_ID",
    "ENGAGEMENT",
    "SUBSCRIPTIONS",
    "TRANSACTIONS",
    "ColumnSpec",
    "TableSchema",
]

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
    >>> TRANSACTIONS["amount"].unit
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
    >>> TRANSACTIONS.required
    ('customer_id', 'order_at', 'amount')
    >>> TRANSACTIONS.time
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
        >>> CUSTOMERS.check_columns(["Customer ID", "age"])
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


CUSTOMER_ID = ColumnSpec(
    name="customer_id",
    kind="customer",
    words="who: an integer, text or UUID, the same in every table",
    required=True,
    also_called=("customer", "cust_id", "client_id", "user_id", "household_id", "member_id"),
)

TRANSACTIONS = TableSchema(
    name="transactions",
    columns=(
        CUSTOMER_ID,
        ColumnSpec(
            name="order_at",
            kind="time",
            words="when it was bought",
            unit="date or time, business-local",
            required=True,
            also_called=(
                "order_date",
                "date",
                "ordered_at",
                "purchase_date",
                "invoice_date",
                "transaction_date",
                "transaction_timestamp",
                "timestamp",
                "datetime",
            ),
        ),
        ColumnSpec(
            name="amount",
            kind="number",
            words="what was paid for the line",
            unit="money, currency of the input; negative = refund",
            required=True,
            also_called=("total", "sales_value", "revenue", "price", "spend", "net_amount", "value"),
        ),
        ColumnSpec(name="order_id", kind="key", words="which order the line belongs to"),
        ColumnSpec(name="product_id", kind="key", words="what was bought"),
        ColumnSpec(name="category", kind="text", words="the kind of product"),
        ColumnSpec(name="quantity", kind="number", words="how many", unit="units; negative = returned"),
        ColumnSpec(name="discount", kind="number", words="what was taken off the price", unit="money"),
        ColumnSpec(name="cost", kind="number", words="what the line cost the business", unit="money"),
        ColumnSpec(name="currency", kind="text", words="the currency of the amounts; one in all rows"),
    ),
)

ENGAGEMENT = TableSchema(
    name="engagement",
    columns=(
        CUSTOMER_ID,
        ColumnSpec(
            name="event_at",
            kind="time",
            words="when it happened",
            unit="date or time, business-local",
            required=True,
            also_called=("event_date", "date", "event_time", "timestamp", "datetime"),
        ),
        ColumnSpec(
            name="kind",
            kind="text",
            words="what happened, such as visit, email_opened or coupon_redeemed",
            required=True,
            also_called=("event", "event_type", "type", "event_kind", "action"),
        ),
        ColumnSpec(name="channel", kind="text", words="where it happened, such as web or store"),
        ColumnSpec(name="value", kind="number", words="how much of it, such as minutes", unit="as given"),
    ),
)

CUSTOMERS = TableSchema(
    name="customers",
    columns=(
        CUSTOMER_ID,
        ColumnSpec(
            name="acquired_at",
            kind="time",
            words="when the customer was won",
            unit="date or time, business-local",
        ),
        ColumnSpec(name="channel", kind="text", words="through which channel the customer was won"),
        ColumnSpec(
            name="acquisition_cost",
            kind="number",
            words="what it cost to win the customer",
            unit="money",
            least=0.0,
        ),
    ),
    keeps_attributes=True,
)

SUBSCRIPTIONS = TableSchema(
    name="subscriptions",
    columns=(
        CUSTOMER_ID,
        ColumnSpec(
            name="started_at",
            kind="time",
            words="when the contract began",
            unit="date or time, business-local",
            required=True,
            also_called=(
                "start",
                "start_date",
                "begins_at",
                "signed_at",
                "registered_at",
                "date_registration",
            ),
        ),
        ColumnSpec(
            name="ended_at",
            kind="time",
            words="when it ended; empty while it runs",
            unit="date or time, business-local",
            not_before="started_at",
            may_lie_ahead=True,
            also_called=("end", "end_date", "cancelled_at", "terminated_at", "date_unregistration"),
        ),
        ColumnSpec(name="plan", kind="text", words="what was agreed, such as basic or gold"),
        ColumnSpec(name="price", kind="number", words="what it costs a period", unit="money", least=0.0),
        ColumnSpec(name="period_days", kind="number", words="days from one renewal to the next", least=1.0),
        ColumnSpec(
            name="renews_at",
            kind="time",
            words="a day on which it renews; only its place within the period counts",
            unit="date or time, business-local",
            may_lie_ahead=True,
        ),
        ColumnSpec(name="cancel_reason", kind="text", words="why it ended"),
    ),
)
