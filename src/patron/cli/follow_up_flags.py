"""The flags of the commands that follow customers up, and their places in the settings."""

from typing import Annotated

from typer import Option

__all__ = ["places_of"]

_TABLES, _OUTPUT = "Tables", "Output"

Contacts = Annotated[
    str | None,
    Option(metavar="SOURCE", help="Past contacts with a random control group.", rich_help_panel=_TABLES),
]
Products = Annotated[
    str | None,
    Option(metavar="SOURCE", help="Warranty, life and end of products.", rich_help_panel=_TABLES),
]
Cost = Annotated[str | None, Option(metavar="MONEY", help="Of one contact (default 1.00).")]
Lift = Annotated[
    str | None,
    Option(metavar="SHARE", help="By how much a contact is assumed to raise the chance of a return."),
]
Ahead = Annotated[str | None, Option("--ahead", metavar="DAYS", help="How far ahead (default 90).")]
Ledger = Annotated[
    str | None,
    Option(
        metavar="DIR|URL",
        help="Folder of the ledger, or database, as sqlite:///FILE or postgresql://….",
        rich_help_panel=_TABLES,
    ),
]
Depth = Annotated[
    str | None, Option(metavar="SHARE", help="Of the customers that a campaign reaches (default 0.10).")
]
Snapshots = Annotated[str | None, Option(metavar="N", help="Days to look at, at most (default 12).")]
Step = Annotated[
    str | None, Option("--step", metavar="DAYS", help="From one of these days to the next (default 30).")
]
Group = Annotated[
    str | None,
    Option(
        metavar="SOURCE",
        help="Whom others shall resemble: a table with customer_id.",
        rich_help_panel=_TABLES,
    ),
]
Most = Annotated[str | None, Option(metavar="N", help="Customers to list (default 100).")]

_OF_COMMAND = ("cost", "lift", "ledger", "depth", "snapshots", "group", "most", "out", "model")


def places_of(section: str) -> dict[str, tuple[str, ...]]:
    """Flag → its place in the settings, for the flags of this file.

    Examples
    --------
    >>> places_of("settle")["ledger"], places_of("due")["products"]
    (('settle', 'ledger'), ('tables', 'products', 'source'))
    """
    tables = {name: ("tables", name, "source") for name in ("contacts", "products")}
    return {
        **tables,
        **{name: (section, name) for name in _OF_COMMAND},
        "ahead": (section, "ahead_days"),
        "step": (section, "step_days"),
    }
