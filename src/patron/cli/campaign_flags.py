"""The flags of the commands that make a campaign and follow it up, and their places in the settings."""

from typing import Annotated

from typer import Option

__all__ = ["places_of"]

_TABLES, _LIMITS, _OUTPUT = "Tables", "Limits", "Output"

Scores = Annotated[
    str | None,
    Option(metavar="SOURCE", help="The scorecard that patron score wrote.", rich_help_panel=_TABLES),
]
Offers = Annotated[
    str | None, Option(metavar="FILE", help="TOML file of offers and channels.", rich_help_panel=_TABLES)
]
Contacts = Annotated[
    str | None,
    Option(metavar="SOURCE", help="Who was contacted when, and who left alone.", rich_help_panel=_TABLES),
]
PastPurchases = Annotated[
    str | None,
    Option(
        "--transactions",
        metavar="SOURCE",
        help="Purchases: they teach, with contacts and a control group, what contact changes.",
        rich_help_panel=_TABLES,
    ),
]
Effects = Annotated[
    str | None,
    Option(
        metavar="SOURCE",
        help="What contact changes, as patron uplift wrote it (default: learned anew).",
        rich_help_panel=_TABLES,
    ),
]
Suppress = Annotated[
    str | None,
    Option(metavar="SOURCE", help="Ids of those never to be contacted.", rich_help_panel=_TABLES),
]
Budget = Annotated[
    str | None,
    Option(metavar="MONEY", help="For the whole list (default: no limit).", rich_help_panel=_LIMITS),
]
RestDays = Annotated[
    str | None,
    Option(
        metavar="DAYS",
        help="Leave alone who was contacted in these last days (default 30).",
        rich_help_panel=_LIMITS,
    ),
]
Segment = Annotated[
    str | None,
    Option(metavar="COLUMN", help="Column of the scores that --least speaks of.", rich_help_panel=_LIMITS),
]
Least = Annotated[
    list[str] | None,
    Option(
        metavar="SEGMENT=N",
        help="So many customers of a segment at least; repeatable.",
        rich_help_panel=_LIMITS,
    ),
]
Holdout = Annotated[
    str | None,
    Option(
        metavar="SHARE",
        help="Of the list, left alone by lot to measure by (default 0.10).",
        rich_help_panel=_LIMITS,
    ),
]
NewFolder = Annotated[
    str | None,
    Option("--out", metavar="DIR", help="New folder for list and plan.", rich_help_panel=_OUTPUT),
]
List = Annotated[
    str | None,
    Option("--list", metavar="DIR", help="Folder that patron target wrote.", rich_help_panel=_TABLES),
]
Campaign = Annotated[
    str | None, Option(metavar="NAME", help="Its name in the contacts (default: every contact counts).")
]
Level = Annotated[str | None, Option(metavar="SHARE", help="Of the intervals (default 0.95).")]
Adjust = Annotated[
    bool, Option("--adjust", metavar="", help="Compare at equal expected profit and past purchases.")
]
Columns = Annotated[
    str | None, Option(metavar="A,B,…", help="What to export (default customer_id,offer,channel).")
]
Hashed = Annotated[str | None, Option(metavar="A,B,…", help="Columns of e-mail addresses, as SHA-256.")]
OnlyOffer = Annotated[str | None, Option("--offer", metavar="NAME", help="Only who gets this offer.")]
CsvFile = Annotated[str | None, Option("--out", metavar="FILE", help="CSV file.", rich_help_panel=_OUTPUT)]

_OF_COMMAND = (
    "scores", "offers", "effects", "suppress", "budget", "rest_days", "segment", "holdout", "folder",
    "campaign", "level", "adjust", "columns", "hashed", "offer",
)  # fmt: skip


def places_of(command: str) -> dict[str, tuple[str, ...]]:
    """Flag → its place in the settings, for the flags of this file.

    Parameters
    ----------
    command
        such as "target", whose section the flags belong to

    Examples
    --------
    >>> places_of("target")["budget"], places_of("measure")["contacts"]
    (('target', 'budget'), ('tables', 'contacts', 'source'))
    """
    own = {name: (command, name) for name in _OF_COMMAND}
    return {**own, "contacts": ("tables", "contacts", "source"), "least": (command, "least")}
