"""The commands that count what customers cost and bring."""

import typer

from patron.cli import economics_flags as own
from patron.cli import flags
from patron.cli.terminal import print_json, print_lines, print_table, steps

__all__ = ["costs", "kpis", "plans", "what_if"]


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
    activity: flags.Activity = None,
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
        print_table(
            found.by_channel, "What customers cost to win and have brought, money per customer by channel"
        )
    if len(found.values):
        print_table(found.values, "Lifetime value the simple way, money per customer, beside the model's")
    print_lines(found.sentences())


def costs(
    context: typer.Context,
    transactions: flags.Transactions = None,
    interactions: own.Interactions = None,
    costs: own.Costs = None,
    subscriptions: flags.Subscriptions = None,
    scores: own.Scores = None,
    column: flags.Column = None,
    duplicates: flags.Duplicates = None,
    time_zone: flags.TimeZone = None,
    first: own.First = None,
    last: own.Last = None,
    capacity: own.Capacity = None,
    active_within: own.ActiveWithin = None,
    margin: flags.Margin = None,
    out: own.TablesFolder = None,
    settings: flags.SettingsFile = None,
    json: flags.Json = False,
) -> None:
    """What it costs to keep customers, by tier, touchpoint, channel and month, to the cent."""
    with steps() as tell:
        chosen = flags.settings_from("costs", context.params, own.places_of("costs"))
        from patron.workflows.costs import costs as run

        found = run(chosen, progress=tell)
    if json:
        print_json({**found.to_dict(), "notes": tell.notes})
        return
    print_table(found.by_tier, found.title())
    print_table(found.by_touchpoint, "Where the money goes")
    print_lines(found.sentences())


def plans(
    context: typer.Context,
    subscriptions: flags.Subscriptions = None,
    column: flags.Column = None,
    duplicates: flags.Duplicates = None,
    time_zone: flags.TimeZone = None,
    as_of: flags.AsOf = None,
    monthly_price: own.MonthlyPrice = None,
    annual_price: own.AnnualPrice = None,
    cost_to_serve: own.CostToServe = None,
    failed_payments: own.FailedPayments = None,
    selection: own.Selection = None,
    fixed_cost: own.FixedCost = None,
    years: own.Years = None,
    annual_discount_rate: flags.DiscountRate = None,
    inference: flags.Inference = None,
    seed: flags.Seed = None,
    out: flags.Out = None,
    settings: flags.SettingsFile = None,
    json: flags.Json = False,
) -> None:
    """A monthly against a discounted annual plan, under the renewals that contracts show."""
    with steps() as tell:
        chosen = flags.settings_from("plans", context.params, own.places_of("plans"))
        from patron.workflows.plans import plans as run

        found = run(chosen, progress=tell)
    if json:
        print_json({**found.to_dict(), "notes": tell.notes})
        return
    print_table(found.table, found.title())
    print_table(found.lifetimes, "Discounted months still to come, beside what a constant rate says")
    print_lines(found.sentences())


def what_if(
    context: typer.Context,
    transactions: flags.Transactions = None,
    subscriptions: flags.Subscriptions = None,
    column: flags.Column = None,
    duplicates: flags.Duplicates = None,
    time_zone: flags.TimeZone = None,
    as_of: flags.AsOf = None,
    customers_now: own.CustomersNow = None,
    retention: own.Retention = None,
    acquisition: own.Acquisition = None,
    revenue: own.Revenue = None,
    profit: own.Profit = None,
    cost: own.KeepingCost = None,
    acquisition_cost: own.AcquisitionCost = None,
    retention_points: own.RetentionPoints = None,
    retention_percent: own.RetentionPercent = None,
    cost_down: own.CostDown = None,
    cost_down_percent: own.CostDownPercent = None,
    years: own.Years = None,
    active_within: own.ActiveWithin = None,
    margin: flags.Margin = None,
    annual_discount_rate: flags.DiscountRate = None,
    seed: flags.Seed = None,
    out: flags.Out = None,
    settings: flags.SettingsFile = None,
    json: flags.Json = False,
) -> None:
    """What more retention, or less cost, would do to base, revenue and profit."""
    with steps() as tell:
        chosen = flags.settings_from("what_if", context.params, own.places_of("what_if"))
        from patron.workflows.what_if import what_if as run

        found = run(chosen, progress=tell)
    if json:
        print_json({**found.to_dict(), "notes": tell.notes})
        return
    print_table(found.table, f"{found.title()}; money of each year, means: --out writes them with intervals")
    print_lines(found.sentences())
