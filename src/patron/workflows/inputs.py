"""Settings → the `History` of one business."""

from typing import Any

from patron.errors import SettingsError
from patron.tables.history import History
from patron.tables.source import TableSource
from patron.workflows.settings import Settings, TableSettings

__all__ = ["read_history"]


def read_history(settings: Settings) -> History:
    """The validated tables that the settings name.

    Parameters
    ----------
    settings : `tables` says where the tables are; `duplicates` and `time_zone` how they are read

    Raises
    ------
    SettingsError : no transactions are named
    SourceError, TableError, MissingColumnsError : a table cannot be read or used

    Examples
    --------
    >>> import pandas as pd
    >>> sales = pd.DataFrame({"customer_id": [7], "order_at": ["2024-05-01"], "amount": [9.5]})
    >>> read_history(Settings(tables={"transactions": sales})).last_day
    datetime.date(2024, 5, 1)
    """
    if settings.tables.transactions is None:
        raise SettingsError(
            "No transactions are given. Name a file with --transactions "
            "or under [tables.transactions] in patron.toml."
        )
    sources = {
        name: _source(table, settings.time_zone) for name, table in settings.tables if table is not None
    }
    return History.read(**sources, duplicates=settings.duplicates)


def _source(table: TableSettings, time_zone: str | None) -> Any:
    return TableSource(
        table.source,
        columns=dict(table.columns),
        time_zone=table.time_zone or time_zone,
        naive_time_zone=table.naive_time_zone,
    )
