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

Interactions = Annotated[
    str | None,
    Option(metavar="SOURCE", help="What was done for customers, and how long.", rich_help_panel=_TABLES),
]
Capacity = Annotated[
    list[str] | None,
    Option(metavar="POOL=MINUTES", help="Practical capacity a month of a pool of the costs; repeatable."),
]
TablesFolder = Annotated[
    str | None, Option("--out", metavar="DIR", help="Folder for the tables.", rich_help_panel="Output")
]
MonthlyPrice = Annotated[str | None, Option(metavar="MONEY", help="A month (default: of the contracts).")]
AnnualPrice = Annotated[str | None, Option(metavar="MONEY", help="A year (default: of the contracts).")]
CostToServe = Annotated[str | None, Option(metavar="MONEY", help="A month and customer (default 0).")]
FailedPayments = Annotated[
    str | None,
    Option(metavar="SHARE", help="Payments that fail for good (default: as the contracts tell)."),
]
Selection = Annotated[
    str | None,
    Option(metavar="ODDS", help="Odds of leaving of who chooses a year ÷ those of all (default 1)."),
]
FixedCost = Annotated[str | None, Option(metavar="MONEY", help="Of offering the annual plan (default 0).")]
Years = Annotated[str | None, Option(metavar="N", help="Years ahead (default 3 for plans, 7 for what-if).")]
CustomersNow = Annotated[
    str | None, Option("--customers-now", metavar="N", help="Customers today (default: counted).")
]
Retention = Annotated[
    str | None, Option(metavar="SHARE", help="Share who stay each year (default: counted).")
]
Acquisition = Annotated[
    str | None, Option(metavar="SHARE", help="New customers a year ÷ customers (default: counted).")
]
Revenue = Annotated[str | None, Option(metavar="MONEY", help="Per customer and year (default: counted).")]
Profit = Annotated[
    str | None,
    Option(metavar="MONEY", help="Margin per customer and year before keeping costs (default: counted)."),
]
KeepingCost = Annotated[
    str | None, Option("--cost", metavar="MONEY", help="Of keeping a customer for a year (default 0).")
]
AcquisitionCost = Annotated[str | None, Option(metavar="MONEY", help="Per new customer (default 0).")]
RetentionPoints = Annotated[
    str | None, Option(metavar="POINTS", help="More retention, in points: 1 turns 80 % into 81 %.")
]
RetentionPercent = Annotated[
    str | None, Option(metavar="PERCENT", help="More retention, in per cent: 1 turns 80 % into 80.8 %.")
]
CostDown = Annotated[str | None, Option(metavar="MONEY", help="Less cost of keeping a customer a year.")]
CostDownPercent = Annotated[str | None, Option(metavar="PERCENT", help="The same in per cent of the cost.")]

_OF_TABLES = ("leads", "lead_events", "surveys", "costs", "contacts", "interactions")
_OF_COMMAND = (
    *("first", "last", "every", "lead_days", "scores", "capacity", "years"),
    *("monthly_price", "annual_price", "cost_to_serve", "failed_payments", "selection", "fixed_cost"),
    *("retention", "acquisition", "revenue", "profit", "cost", "acquisition_cost"),
    *("retention_points", "retention_percent", "cost_down", "cost_down_percent"),
)


def places_of(command: str) -> dict[str, tuple[str, ...]]:
    """Flag → its place in the settings, for the flags of this file.

    Examples
    --------
    >>> places_of("kpis")["first"]
    ('kpis', 'first')
    """
    tables = {name: ("tables", name, "source") for name in _OF_TABLES}
    own = {name: (command, name) for name in _OF_COMMAND}
    renamed = {"active_within": (command, "active_within_days"), "customers_now": (command, "customers")}
    return {**tables, **own, **renamed}
