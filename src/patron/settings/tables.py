"""Where the tables of a business are, and what their columns are called."""

from collections.abc import Mapping
from typing import Any

from pydantic import Field, field_validator

from patron.settings.section import Section, Source

__all__ = ["TableSettings", "TablesSettings"]


class TableSettings(Section):
    """Where one table is and what its columns are called.

    Attributes
    ----------
    source
        a CSV or Parquet path or glob, a database URL such as ``duckdb:///shop.db::sales``, or a frame
    columns
        patron's name → your name, for the columns that are called otherwise
    time_zone
        the zone of the business, in which a day begins and ends; None takes the one of the settings
    naive_time_zone
        the zone of times that name none; None takes them as local already
    day_first
        whether 02/03/2024 is the 2 March; None lets the column decide
    """

    source: Source
    columns: dict[str, str] = Field(default_factory=dict)
    time_zone: str | None = None
    naive_time_zone: str | None = None
    day_first: bool | None = None


class TablesSettings(Section):
    """The tables of one business. A bare path or frame is short for a table with only a source.

    Examples
    --------
    >>> TablesSettings(transactions="sales.csv").transactions.source
    'sales.csv'
    """

    transactions: TableSettings | None = None
    engagement: TableSettings | None = None
    customers: TableSettings | None = None
    subscriptions: TableSettings | None = None
    interactions: TableSettings | None = None
    costs: TableSettings | None = None
    costs_to_serve: TableSettings | None = None
    referrals: TableSettings | None = None
    contributions: TableSettings | None = None
    surveys: TableSettings | None = None
    leads: TableSettings | None = None
    lead_events: TableSettings | None = None
    contacts: TableSettings | None = None
    products: TableSettings | None = None

    @field_validator("*", mode="before")
    @classmethod
    def _accept_a_bare_source(cls, given: Any) -> Any:
        return given if given is None or isinstance(given, Mapping | TableSettings) else {"source": given}
