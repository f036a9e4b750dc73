"""Where the tables of a business are, and what their columns are called."""

from collections.abc import Mapping
from typing import Any

from pydantic import field_validator

from patron.settings.section import Section, Source, setting

__all__ = ["TableSettings", "TablesSettings"]


class TableSettings(Section):
    """Where one table is and what its columns are called."""

    source: Source = setting(..., metavar="SOURCE", example="sales/*.parquet")
    """CSV or Parquet path or glob, database URL such as duckdb:///shop.db::sales, or a frame."""
    columns: dict[str, str] = setting(
        {}, example={"customer_id": "Customer ID", "order_at": "Booked", "amount": "Total"}
    )
    """Names of your columns, keyed by patron's names."""
    time_zone: str | None = setting(
        None, absent="the time_zone of the settings", metavar="ZONE", example="Europe/Berlin"
    )
    """IANA time zone of the business, in which a day begins and ends."""
    naive_time_zone: str | None = setting(
        None, absent="they are local already", metavar="ZONE", example="UTC"
    )
    """IANA time zone of times that carry none."""
    day_first: bool | None = setting(None, absent="the column decides", example=True)
    """Read 02/03/2024 as 2 March."""


def _table() -> Any:
    return setting(None, panel="Tables", metavar="SOURCE")


class TablesSettings(Section):
    """Where the tables are; a bare path or frame is short for a table with only a source.

    Examples
    --------
    >>> TablesSettings(transactions="sales.csv").transactions.source
    'sales.csv'
    """

    transactions: TableSettings | None = _table()
    """Purchases: CSV or Parquet path or glob, or a database URL, as for all tables."""
    engagement: TableSettings | None = _table()
    """Visits, openings, campaigns received and other events."""
    customers: TableSettings | None = _table()
    """One row per customer, with any attributes."""
    subscriptions: TableSettings | None = _table()
    """One row per contract; the end of a contract is churn."""
    interactions: TableSettings | None = _table()
    """Service interactions with customers, with the minutes they took."""
    costs: TableSettings | None = _table()
    """Cost ledger by month and pool."""
    costs_to_serve: TableSettings | None = _table()
    """Cost of each customer by period, as patron costs writes it; it is subtracted from base_potential."""
    referrals: TableSettings | None = _table()
    """Which customer referred whom, and when."""
    contributions: TableSettings | None = _table()
    """Reviews, ideas and the like; the setting learning.rate_card gives their value."""
    surveys: TableSettings | None = _table()
    """Answers to NPS and CSAT surveys."""
    leads: TableSettings | None = _table()
    """One row per lead, with the customer it became."""
    lead_events: TableSettings | None = _table()
    """Events of leads: visits, downloads, demos."""
    contacts: TableSettings | None = _table()
    """Past campaign contacts of treated customers and of the random control group."""
    products: TableSettings | None = _table()
    """Warranty, lifetime and end of life of products."""

    @field_validator("*", mode="before")
    @classmethod
    def _accept_a_bare_source(cls, given: Any) -> Any:
        return given if given is None or isinstance(given, Mapping | TableSettings) else {"source": given}
