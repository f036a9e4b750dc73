"""The flags of the commands that count what customers cost and bring, and their places in the settings."""

from typing import Annotated

from typer import Option

__all__ = ["places_of"]

_TABLES = "Tables"

Leads = Annotated[
    str | None,
    Option(metavar="SOURCE", help="One row per lead, and when it converted.", rich_help_panel=_TABLES),
]
LeadEvents = Annotated[
    str | None,
    Option(metavar="SOURCE", help="What leads did: visits, downloads, demos.", rich_help_panel=_TABLES),
]
Surveys = Annotated[
    str | None, Option(metavar="SOURCE", help="Answers to NPS and CSAT.", rich_help_panel=_TABLES)
]
Costs = Annotated[
    str | None, Option(metavar="SOURCE", help="The ledger, by month and pool.", rich_help_panel=_TABLES)
]
Contacts = Annotated[
    str | None,
    Option(metavar="SOURCE", help="Who was addressed, and who left alone.", rich_help_panel=_TABLES),
]
Scores = Annotated[
    str | None,
    Option(metavar="SOURCE", help="The scorecard that patron score wrote.", rich_help_panel=_TABLES),
]
First = Annotated[
    str | None, Option("--from", metavar="YYYY-MM-DD", help="First day that counts (default: of the data).")
]
Last = Annotated[
    str | None, Option("--to", metavar="YYYY-MM-DD", help="Last day that counts (default: of the data).")
]
Every = Annotated[
    str | None, Option(metavar="month|quarter|year", help="Length of a period (default month).")
]
ActiveWithin = Annotated[
    str | None,
    Option(
        metavar="DAYS", help="Active for so long from a purchase, where no contract says it (default 90)."
    ),
]
LeadDays = Annotated[
    str | None, Option(metavar="DAYS", help="Days that a lead has to become a customer (default 90).")
]

_OF_TABLES = ("leads", "lead_events", "surveys", "costs", "contacts")
_OF_COMMAND = ("first", "last", "every", "lead_days", "scores")


def places_of(command: str) -> dict[str, tuple[str, ...]]:
    """Flag → its place in the settings, for the flags of this file.

    Examples
    --------
    >>> places_of("kpis")["first"]
    ('kpis', 'first')
    """
    tables = {name: ("tables", name, "source") for name in _OF_TABLES}
    own = {name: (command, name) for name in _OF_COMMAND}
    return {**tables, **own, "active_within": (command, "active_within_days")}
