"""Every flag: its type, its help, and the place in the settings where its value belongs.

Flags are all optional here and None when not given, so that the settings file and then the defaults speak for
them. They stay text until `Settings` reads them, which answers in the same words wherever a value came from.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

from typer import Argument, Option

from patron.errors import SettingsError

if TYPE_CHECKING:
    from patron.settings import Settings

__all__ = ["settings_from"]

_TABLES, _MODEL, _OUTPUT = "Tables", "Model", "Output"

Transactions = Annotated[
    str | None,
    Option(
        metavar="SOURCE",
        help="Purchases: CSV or Parquet path or glob, or a database URL.",
        rich_help_panel=_TABLES,
    ),
]
Engagement = Annotated[
    str | None,
    Option(metavar="SOURCE", help="Visits, openings, campaigns received, …", rich_help_panel=_TABLES),
]
Customers = Annotated[
    str | None,
    Option(metavar="SOURCE", help="One row per customer, with any attributes.", rich_help_panel=_TABLES),
]
Subscriptions = Annotated[
    str | None,
    Option(metavar="SOURCE", help="One row per contract; its end is churn.", rich_help_panel=_TABLES),
]
Referrals = Annotated[
    str | None, Option(metavar="SOURCE", help="Who brought whom, and when.", rich_help_panel=_TABLES)
]
Contributions = Annotated[
    str | None,
    Option(
        metavar="SOURCE",
        help="Reviews, ideas and the like; the setting learning.rate_card says what they are worth.",
        rich_help_panel=_TABLES,
    ),
]
CostsToServe = Annotated[
    str | None,
    Option(
        metavar="SOURCE",
        help="What each customer cost by period, as patron costs writes it: taken off base_potential.",
        rich_help_panel=_TABLES,
    ),
]
Activity = Annotated[
    str | None,
    Option(
        metavar="KIND",
        help="What a customer who leaves no longer has: purchases, engagement or subscriptions "
        "(default: contracts or else purchases).",
    ),
]
ChurnWindow = Annotated[
    str | None,
    Option(
        metavar="fixed|adaptive",
        help="The silence that is churn: the horizon, or by each customer's usual gaps (default fixed).",
        rich_help_panel=_MODEL,
    ),
]
Column = Annotated[
    list[str] | None,
    Option(
        metavar="TABLE.NAME=YOURS",
        help='Your name of a column, as in transactions.customer_id="Customer ID"; repeatable.',
        rich_help_panel=_TABLES,
    ),
]
Duplicates = Annotated[
    str | None,
    Option(metavar="keep|reject", help="Rows equal in every column (default keep).", rich_help_panel=_TABLES),
]
TimeZone = Annotated[
    str | None,
    Option(metavar="ZONE", help="Zone of the business, as Europe/Berlin.", rich_help_panel=_TABLES),
]
Engine = Annotated[
    str | None,
    Option(
        metavar="duckdb|spark", help="What does the work (default duckdb); spark needs the extra 'spark'."
    ),
]
SparkRemote = Annotated[
    str | None,
    Option(metavar="sc://HOST:PORT", help="Spark Connect server (default: Spark on this machine)."),
]
SettingsFile = Annotated[
    str | None,
    Option("--settings", metavar="FILE", help="TOML file with any of these and more; flags win."),
]
AsOf = Annotated[
    str | None,
    Option(metavar="YYYY-MM-DD", help="The last day known (default: the last of the data)."),
]
ActiveWithinDays = Annotated[
    str | None, Option(metavar="DAYS", help="Only customers active in these last days.")
]
Horizon = Annotated[
    str | None, Option(metavar="DAYS", help="Days ahead to predict (default 90).", rich_help_panel=_MODEL)
]
ValueHorizon = Annotated[
    str | None,
    Option(metavar="DAYS", help="Days ahead over which value counts (default 365).", rich_help_panel=_MODEL),
]
Margin = Annotated[
    str | None,
    Option(
        metavar="SHARE",
        help="Share of an amount that is kept (default 1.0: money is revenue).",
        rich_help_panel=_MODEL,
    ),
]
DiscountRate = Annotated[
    str | None,
    Option("--annual-discount-rate", metavar="RATE", help="Per year (default 0.10).", rich_help_panel=_MODEL),
]
Inference = Annotated[
    str | None,
    Option(
        metavar="nuts|laplace|map",
        help="How the value models are fitted (default nuts; map is quick).",
        rich_help_panel=_MODEL,
    ),
]
Seed = Annotated[
    str | None,
    Option(metavar="N", help="Every draw of chance comes from it (default 0).", rich_help_panel=_MODEL),
]
Promote = Annotated[
    bool,
    Option("--promote", metavar="", help="Champion whatever the comparison says.", rich_help_panel=_MODEL),
]
Model = Annotated[
    str | None,
    Option(metavar="URI", help="Registered model (default models:/patron@champion).", rich_help_panel=_MODEL),
]
Out = Annotated[
    str | None, Option(metavar="FILE", help="Parquet or CSV by the ending.", rich_help_panel=_OUTPUT)
]
ScoresOut = Annotated[
    str | None,
    Option(
        "--out",
        metavar="FILE",
        help="Parquet or CSV by the ending; a folder with --partition-by.",
        rich_help_panel=_OUTPUT,
    ),
]
To = Annotated[
    str | None,
    Option(
        metavar="URL::TABLE",
        help="Table of a database instead, as duckdb:///crm.db::scorecard; rows with the same key give way.",
        rich_help_panel=_OUTPUT,
    ),
]
PartitionBy = Annotated[
    str | None,
    Option(metavar="COLUMN", help="A folder for each value, as of as_of.", rich_help_panel=_OUTPUT),
]
Resume = Annotated[
    bool, Option("--resume", metavar="", help="Go on where a killed job stopped.", rich_help_panel=_OUTPUT)
]
Potentials = Annotated[
    str | None,
    Option(
        metavar="FILE",
        help="The parts of the four potentials, with the growth headroom; Parquet or CSV.",
        rich_help_panel=_OUTPUT,
    ),
]
Rejected = Annotated[
    str | None,
    Option(metavar="FILE", help="Where the rejected rows go; Parquet or CSV.", rich_help_panel=_OUTPUT),
]
Folder = Annotated[
    str | None,
    Option("--out", metavar="DIR", help="Folder for the scores (default out/demo).", rich_help_panel=_OUTPUT),
]
Cuts = Annotated[
    str | None,
    Option(metavar="N", help="Past days to predict from (default 4).", rich_help_panel=_MODEL),
]
ResultsFolder = Annotated[
    str | None,
    Option("--out", metavar="DIR", help="Folder for table, JSON and figure.", rich_help_panel=_OUTPUT),
]
Leaks = Annotated[
    bool,
    Option("--leaks", metavar="", help="Plant rows of the future: no feature and no score may move."),
]
Data = Annotated[
    str | None,
    Option(metavar="complete-journey|cdnow|simulated", help="Whose customers (default complete-journey)."),
]
Json = Annotated[
    bool, Option("--json", metavar="", help="One JSON object on stdout.", rich_help_panel=_OUTPUT)
]
Host = Annotated[
    str | None, Option(metavar="ADDRESS", help="Where to listen (default 127.0.0.1: this machine alone).")
]
Port = Annotated[str | None, Option(metavar="N", help="TCP port (default 5001).")]
Workers = Annotated[
    str | None,
    Option(metavar="N", help="Processes (default 1); more than one needs the extra 'serve'."),
]
Version = Annotated[int, Argument(metavar="VERSION", min=1, help="Its number in patron models.")]
ModelUri = Annotated[
    str, Argument(metavar="URI", help="Registered model, such as models:/patron@champion, or a folder.")
]
NewFolder = Annotated[str, Argument(metavar="DIR", help="New or empty folder.")]

_PLACES: dict[str, tuple[str, ...]] = {
    "transactions": ("tables", "transactions", "source"),
    "engagement": ("tables", "engagement", "source"),
    "customers": ("tables", "customers", "source"),
    "subscriptions": ("tables", "subscriptions", "source"),
    "referrals": ("tables", "referrals", "source"),
    "contributions": ("tables", "contributions", "source"),
    "costs_to_serve": ("tables", "costs_to_serve", "source"),
    "activity": ("activity",),
    "churn_window": ("churn_window",),
    "duplicates": ("duplicates",),
    "time_zone": ("time_zone",),
    "as_of": ("as_of",),
    "active_within_days": ("active_within_days",),
    "horizon": ("horizon_days",),
    "value_horizon": ("value_horizon_days",),
    "margin": ("margin",),
    "annual_discount_rate": ("annual_discount_rate",),
    "inference": ("inference",),
    "seed": ("seed",),
    "engine": ("engine",),
    "spark_remote": ("spark", "remote"),
    "promote": ("train", "promote"),
    "to": ("score", "to"),
    "partition_by": ("score", "partition_by"),
    "potentials": ("score", "potentials"),
    "resume": ("score", "resume"),
    "host": ("serve", "host"),
    "port": ("serve", "port"),
    "workers": ("serve", "workers"),
    "rejected": ("check", "rejected"),
    "leaks": ("check", "leaks"),
    "cuts": ("backtest", "cuts"),
    "data": ("demo", "data"),
}


def settings_from(
    command: str, flags: Mapping[str, Any], places: Mapping[str, tuple[str, ...]] | None = None
) -> "Settings":
    """The settings of one command: the defaults, then the settings file, then the flags that were given.

    Parameters
    ----------
    command
        such as "score"; its `--out` and `--model` belong to its own section
    flags
        flag → value as Typer parsed it, None or False where it was not given
    places
        flag → its place in the settings, for flags that are not in this file

    Raises
    ------
    SettingsError, RangeError, DateError
        a value that cannot be used

    Examples
    --------
    >>> settings_from("score", {"out": "scores.csv", "horizon": None}).score.out.name
    'scores.csv'
    """
    from patron.settings import read_settings

    known = _PLACES | {name: (command, name) for name in ("out", "model")} | dict(places or {})
    given: dict[str, Any] = {}
    for flag, place in known.items():
        if flags.get(flag) not in (None, False):
            _put(given, place, flags[flag])
    for mapping in flags.get("column") or []:
        table, name, theirs = _split_column(mapping)
        _put(given, ("tables", table, "columns", name), theirs)
    return read_settings(flags.get("settings"), **given)


def _put(given: dict[str, Any], place: tuple[str, ...], value: Any) -> None:
    for step in place[:-1]:
        given = given.setdefault(step, {})
    given[place[-1]] = value


def _split_column(mapping: str) -> tuple[str, str, str]:
    """TABLE.NAME=YOURS → the three."""
    ours, equals, theirs = mapping.partition("=")
    table, dot, name = ours.strip().partition(".")
    if not (equals and dot and table and name and theirs):
        raise SettingsError(
            f"--column {mapping!r} cannot be read. Write TABLE.NAME=YOURS, "
            'for instance --column transactions.customer_id="Customer ID".'
        )
    return table, name, theirs
