"""Settings → the tables of one business: its `History`, or `Records` of any tables."""

import warnings
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from patron.errors import PatronWarning
from patron.progress import Progress
from patron.settings import Settings, TableSettings
from patron.storage.job_folder import refuse_sources
from patron.tables.activity import ChurnDefinition
from patron.tables.history import History
from patron.tables.records import Records
from patron.tables.report import DataReport
from patron.tables.source import TableSource

if TYPE_CHECKING:
    from patron.tables.spark_sql import SparkEngine

__all__ = [
    "churn_definition",
    "engine_for",
    "known_history",
    "read_history",
    "read_records",
    "warn_of_rejected",
]

OF_HISTORY = ("transactions", "engagement", "customers", "subscriptions")


def read_history(settings: Settings) -> History:
    """The validated tables that the settings name.

    Parameters
    ----------
    settings
        `tables` names the sources; `duplicates` and `time_zone` decide how they are read, `engine` by which
        engine

    Raises
    ------
    SettingsError
        transactions, engagement and subscriptions are all missing, or that of the activity is; or one of
        them would be overwritten
    SourceError, TableError, MissingColumnsError
        a table cannot be read or used

    Examples
    --------
    >>> import pandas as pd
    >>> sales = pd.DataFrame({"customer_id": [7], "order_at": ["2024-05-01"], "amount": [9.5]})
    >>> read_history(Settings(tables={"transactions": sales})).last_day
    datetime.date(2024, 5, 1)
    """
    return History.read(
        **_sources(settings, OF_HISTORY),
        duplicates=settings.duplicates,
        churn=churn_definition(settings),
        connection=engine_for(settings) if settings.engine == "spark" else None,
    )


def read_records(settings: Settings, *tables: str, connection: Any = None) -> Records:
    """The named tables for which the settings have a source, validated.

    Parameters
    ----------
    settings
        `tables` names the sources; `duplicates` and `time_zone` decide how they are read
    tables
        names such as "costs"; the first one given decides the type of customer ids
    connection
        Ibis backend that does the work, such as the one of a History; None opens a DuckDB

    Raises
    ------
    SettingsError
        none of them is named, or one would be overwritten
    SourceError, TableError, MissingColumnsError
        a table cannot be read or used

    Examples
    --------
    >>> import pandas as pd
    >>> links = pd.DataFrame({"referrer_id": [7], "referred_id": [8], "referred_at": ["2024-05-01"]})
    >>> settings = Settings(tables={"referrals": links})
    >>> read_records(settings, "referrals", "contributions").get("contributions") is None
    True
    """
    return Records.read(**_sources(settings, tables), duplicates=settings.duplicates, connection=connection)


def churn_definition(settings: Settings) -> ChurnDefinition:
    """How the settings define churn.

    Parameters
    ----------
    settings
        `activity`, `churn_window` and `churn_segment`

    Examples
    --------
    >>> churn_definition(Settings(churn_window="adaptive")).window
    'adaptive'
    """
    return ChurnDefinition(
        activity=settings.activity, window=settings.churn_window, segment=settings.churn_segment
    )


def engine_for(settings: Settings) -> "SparkEngine":
    """The Spark engine of the settings.

    Parameters
    ----------
    settings
        `spark`: address and configuration

    Raises
    ------
    MissingExtraError, SettingsError, PatronError
        as :func:`patron.tables.spark.open_spark`

    Examples
    --------
    >>> engine_for(Settings(spark={"remote": "nowhere"}))
    Traceback (most recent call last):
    patron.errors.SettingsError: spark.remote must begin with sc://, got 'nowhere'.
    """
    from patron.tables.spark import open_spark

    spark = settings.spark
    return open_spark(master=spark.master, remote=spark.remote, config=spark.config)


def known_history(
    settings: Settings, history: History | None, progress: Progress, *, warn: bool = True
) -> History:
    """The history as known on `settings.as_of`, read now unless it is given.

    Parameters
    ----------
    settings
        an `as_of` of None means the last day known; a churn definition given here replaces that of `history`
    history
        None to read the tables
    progress
        called if the tables are read
    warn
        whether rejected rows raise a warning; False for callers that print the data report

    Raises
    ------
    DateError
        as_of lies outside the data
    InputError
        as `read_history`

    Warns
    -----
    PatronWarning
        as `warn_of_rejected`

    Examples
    --------
    >>> import pandas as pd
    >>> days = ["2024-05-01", "2024-06-01"]
    >>> sales = pd.DataFrame({"customer_id": [7, 7], "order_at": days, "amount": [9.5, 8.0]})
    >>> settings = Settings(tables={"transactions": sales}, as_of="2024-05-31")
    >>> known_history(settings, None, print).last_day
    Reading the tables
    datetime.date(2024, 5, 1)
    """
    if history is None:
        progress("Reading the tables")
        history = read_history(settings)
        if warn:
            warn_of_rejected(history.report)
    elif not {"activity", "churn_window", "churn_segment"}.isdisjoint(settings.model_fields_set):
        given = churn_definition(settings)
        history = history.with_churn(replace(given, segment=given.segment or history.churn.segment))
    return history.until(settings.as_of or history.known_until)


def warn_of_rejected(report: DataReport) -> None:
    """Warn of rejected rows, table by table.

    Parameters
    ----------
    report
        of the tables that were read

    Warns
    -----
    PatronWarning
        a table has rejected rows

    Examples
    --------
    >>> from patron.tables.report import TableReport
    >>> costs = TableReport(table="costs", rows_read=3, rows_kept=2, rejected={"pool is missing": 1})
    >>> with warnings.catch_warnings(record=True) as caught:
    ...     warnings.simplefilter("always")
    ...     warn_of_rejected(DataReport({"costs": costs}))
    >>> str(caught[0].message)
    'costs: 1 row rejected because pool is missing.'
    """
    for table in report.tables.values():
        rejected = table.sentences()[1 : 1 + len(table.rejected)]
        if rejected:
            warnings.warn(" ".join(rejected), PatronWarning, stacklevel=3)


def _sources(settings: Settings, tables: Iterable[str]) -> dict[str, Any]:
    given = {name: table for name in tables if (table := getattr(settings.tables, name)) is not None}
    for _, section in settings:
        if (out := getattr(section, "out", None)) is not None:
            refuse_sources(out, {name: table.source for name, table in given.items()})
    return {name: _source(table, settings.time_zone) for name, table in given.items()}


def _source(table: TableSettings, time_zone: str | None) -> Any:
    return TableSource(
        table.source,
        columns=dict(table.columns),
        time_zone=table.time_zone or time_zone,
        naive_time_zone=table.naive_time_zone,
        day_first=table.day_first,
    )
