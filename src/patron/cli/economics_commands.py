"""The commands that count what customers cost and bring."""

import typer

from patron.cli import economics_flags as own
from patron.cli import flags
from patron.cli.terminal import print_json, print_lines, print_table, steps

__all__ = ["kpis"]


def kpis(
    context: typer.Context,
    transactions: flags.Transactions = None,
    customers: flags.Customers = None,
    subscriptions: flags.Subscriptions = None,
    leads: own.Leads = None,
    lead_events: own.LeadEvents = None,
    surveys: own.Surveys = None,
    costs: own.Costs = None,
    contacts: own.Contacts = None,
    scores: own.Scores = None,
    column: flags.Column = None,
    duplicates: flags.Duplicates = None,
    time_zone: flags.TimeZone = None,
    first: own.First = None,
    last: own.Last = None,
    every: own.Every = None,
    active_within: own.ActiveWithin = None,
    lead_days: own.LeadDays = None,
    margin: flags.Margin = None,
    annual_discount_rate: flags.DiscountRate = None,
    out: flags.Out = None,
    settings: flags.SettingsFile = None,
    json: flags.Json = False,
) -> None:
    """How the customer base is doing: new, lost and kept customers, costs, sales, satisfaction, by period."""
    with steps() as tell:
        chosen = flags.settings_from("kpis", context.params, own.places_of("kpis"))
        from patron.workflows.kpis import kpis as run

        found = run(chosen, progress=tell)
    if json:
        print_json({**found.to_dict(), "notes": tell.notes})
        return
    print_table(found.latest, found.title())
    if len(found.acquisition):
        print_table(found.by_channel, "What customers cost to win and brought, by channel")
    if len(found.values):
        print_table(found.values, "Lifetime value the simple way, beside the model's")
    print_lines(found.sentences())
