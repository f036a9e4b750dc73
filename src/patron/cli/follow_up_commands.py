"""The commands that follow customers up: effects, win-back, offers due, stages, promises of the scores."""

import typer

from patron.cli import flags
from patron.cli import follow_up_flags as own
from patron.cli.terminal import print_json, print_lines, print_table, steps

__all__ = ["due", "lookalikes", "settle", "stages", "uplift", "win_back"]


def uplift(
    context: typer.Context,
    transactions: flags.Transactions = None,
    engagement: flags.Engagement = None,
    customers: flags.Customers = None,
    subscriptions: flags.Subscriptions = None,
    contacts: own.Contacts = None,
    activity: flags.Activity = None,
    column: flags.Column = None,
    duplicates: flags.Duplicates = None,
    time_zone: flags.TimeZone = None,
    as_of: flags.AsOf = None,
    active_within_days: flags.ActiveWithinDays = None,
    horizon: flags.Horizon = None,
    margin: flags.Margin = None,
    seed: flags.Seed = None,
    out: flags.Out = None,
    settings: flags.SettingsFile = None,
    json: flags.Json = False,
) -> None:
    """Learn from past contacts with a control group what each offer changes for each customer."""
    with steps() as tell:
        chosen = flags.settings_from("uplift", context.params, own.places_of("uplift"))
        from patron.workflows.uplift import learn_effects

        found = learn_effects(chosen, progress=tell)
    if json:
        print_json({**found.to_dict(), "notes": tell.notes})
    else:
        print_table(found.shown, found.title())
        print_lines(found.sentences())


def win_back(
    context: typer.Context,
    transactions: flags.Transactions = None,
    customers: flags.Customers = None,
    subscriptions: flags.Subscriptions = None,
    column: flags.Column = None,
    duplicates: flags.Duplicates = None,
    time_zone: flags.TimeZone = None,
    as_of: flags.AsOf = None,
    horizon: flags.Horizon = None,
    value_horizon: flags.ValueHorizon = None,
    margin: flags.Margin = None,
    cost: own.Cost = None,
    lift: own.Lift = None,
    model: flags.Model = None,
    seed: flags.Seed = None,
    out: flags.Out = None,
    settings: flags.SettingsFile = None,
    json: flags.Json = False,
) -> None:
    """Rank dormant and lost customers by chance of a return × value of a second life."""
    with steps() as tell:
        chosen = flags.settings_from("win_back", context.params, own.places_of("win_back"))
        from patron.workflows.win_back import win_back as run

        found = run(chosen, progress=tell)
    if json:
        print_json({**found.to_dict(), "notes": tell.notes})
        return
    if len(found.listed):
        print_table(found.shown, found.title())
    print_lines(found.sentences())


def due(
    context: typer.Context,
    transactions: flags.Transactions = None,
    customers: flags.Customers = None,
    subscriptions: flags.Subscriptions = None,
    products: own.Products = None,
    column: flags.Column = None,
    duplicates: flags.Duplicates = None,
    time_zone: flags.TimeZone = None,
    as_of: flags.AsOf = None,
    ahead: own.Ahead = None,
    model: flags.Model = None,
    out: flags.Out = None,
    settings: flags.SettingsFile = None,
    json: flags.Json = False,
) -> None:
    """List the offers due: next purchases, renewals, replenishments, ends of warranty and life."""
    with steps() as tell:
        chosen = flags.settings_from("due", context.params, own.places_of("due"))
        from patron.workflows.due import due as run

        found = run(chosen, progress=tell)
    if json:
        print_json({**found.to_dict(), "notes": tell.notes})
        return
    if len(found.moments):
        print_table(found.counts, found.title())
    print_lines(found.sentences())


def settle(
    context: typer.Context,
    ledger: own.Ledger = None,
    transactions: flags.Transactions = None,
    engagement: flags.Engagement = None,
    customers: flags.Customers = None,
    subscriptions: flags.Subscriptions = None,
    activity: flags.Activity = None,
    churn_window: flags.ChurnWindow = None,
    column: flags.Column = None,
    duplicates: flags.Duplicates = None,
    time_zone: flags.TimeZone = None,
    as_of: flags.AsOf = None,
    depth: own.Depth = None,
    out: flags.Out = None,
    settings: flags.SettingsFile = None,
    json: flags.Json = False,
) -> None:
    """See what became of the scores in a ledger, once their horizon has passed."""
    with steps() as tell:
        chosen = flags.settings_from("settle", context.params, own.places_of("settle"))
        from patron.workflows.settle import settle as run

        found = run(chosen, progress=tell)
    if json:
        print_json({**found.to_dict(), "notes": tell.notes})
    else:
        print_table(found.shown, found.title())
        print_lines(found.sentences())


def stages(
    context: typer.Context,
    transactions: flags.Transactions = None,
    engagement: flags.Engagement = None,
    customers: flags.Customers = None,
    column: flags.Column = None,
    duplicates: flags.Duplicates = None,
    time_zone: flags.TimeZone = None,
    as_of: flags.AsOf = None,
    snapshots: own.Snapshots = None,
    step: own.Step = None,
    out: flags.Out = None,
    settings: flags.SettingsFile = None,
    json: flags.Json = False,
) -> None:
    """See how customers move from stage to stage, and how long they stay in each."""
    with steps() as tell:
        chosen = flags.settings_from("stage_history", context.params, own.places_of("stage_history"))
        from patron.workflows.stage_history import follow_stages

        found = follow_stages(chosen, progress=tell)
    if json:
        print_json({**found.to_dict(), "notes": tell.notes})
        return
    print_table(found.dwelt, found.title())
    print_table(found.transitions, "Of those in a stage, the share in each stage on the next of the days")
    print_lines(found.sentences())


def lookalikes(
    context: typer.Context,
    transactions: flags.Transactions = None,
    customers: flags.Customers = None,
    group: own.Group = None,
    column: flags.Column = None,
    duplicates: flags.Duplicates = None,
    time_zone: flags.TimeZone = None,
    as_of: flags.AsOf = None,
    most: own.Most = None,
    out: flags.Out = None,
    settings: flags.SettingsFile = None,
    json: flags.Json = False,
) -> None:
    """Find the customers most like a group, by what was known when they were won."""
    with steps() as tell:
        chosen = flags.settings_from("lookalikes", context.params, own.places_of("lookalikes"))
        from patron.workflows.lookalikes import find_lookalikes

        found = find_lookalikes(chosen, progress=tell)
    if json:
        print_json({**found.to_dict(), "notes": tell.notes})
    else:
        print_table(found.shown, found.title())
        print_lines(found.sentences())
