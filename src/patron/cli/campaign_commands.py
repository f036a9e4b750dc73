"""The commands that make a campaign, measure it, and hand it to marketing tools."""

import typer

from patron.cli import campaign_flags as own
from patron.cli import flags
from patron.cli.terminal import print_json, print_lines, print_table, steps
from patron.errors import SettingsError

__all__ = ["audience", "measure", "target"]


def target(
    context: typer.Context,
    scores: own.Scores = None,
    offers: own.Offers = None,
    contacts: own.Contacts = None,
    transactions: own.PastPurchases = None,
    engagement: flags.Engagement = None,
    customers: flags.Customers = None,
    subscriptions: flags.Subscriptions = None,
    effects: own.Effects = None,
    suppress: own.Suppress = None,
    activity: flags.Activity = None,
    column: flags.Column = None,
    duplicates: flags.Duplicates = None,
    time_zone: flags.TimeZone = None,
    margin: flags.Margin = None,
    budget: own.Budget = None,
    rest_days: own.RestDays = None,
    segment: own.Segment = None,
    least: own.Least = None,
    holdout: own.Holdout = None,
    seed: flags.Seed = None,
    out: own.NewFolder = None,
    settings: flags.SettingsFile = None,
    json: flags.Json = False,
) -> None:
    """Choose whom to contact with which offer: the most profit under a budget, and a random holdout.

    What contact changes is learned from --contacts and --transactions, if some were left alone by lot.

    Or it is taken from --effects, or assumed: risk × value × acceptance. The output says which, and why.
    """
    with steps() as tell:
        given = {**context.params, "least": _minimums(least)}
        chosen = flags.settings_from("target", given, own.places_of("target"))
        from patron.workflows.target import target as run

        made = run(chosen, progress=tell)
    if json:
        print_json({**made.to_dict(), "notes": tell.notes})
        return
    if len(made.plan.listed):
        print_table(made.alternatives, made.title())
    print_lines(made.sentences())


def measure(
    context: typer.Context,
    folder: own.List = None,
    transactions: flags.Transactions = None,
    contacts: own.Contacts = None,
    column: flags.Column = None,
    duplicates: flags.Duplicates = None,
    time_zone: flags.TimeZone = None,
    as_of: flags.AsOf = None,
    campaign: own.Campaign = None,
    margin: flags.Margin = None,
    level: own.Level = None,
    adjust: own.Adjust = False,
    settings: flags.SettingsFile = None,
    json: flags.Json = False,
) -> None:
    """Measure what a campaign changed: treated against held out, once the horizon has passed."""
    with steps() as tell:
        chosen = flags.settings_from("measure", context.params, own.places_of("measure"))
        from patron.workflows.measure import measure as run

        found = run(chosen, progress=tell)
    if json:
        print_json({**found.to_dict(), "notes": tell.notes})
        return
    print_table(found.table, found.title())
    print_lines(found.sentences())


def audience(
    context: typer.Context,
    folder: own.List = None,
    customers: flags.Customers = None,
    column: flags.Column = None,
    columns: own.Columns = None,
    hashed: own.Hashed = None,
    offer: own.OnlyOffer = None,
    out: own.CsvFile = None,
    settings: flags.SettingsFile = None,
    json: flags.Json = False,
) -> None:
    """Export the customers to contact for a marketing tool: chosen columns, no formulas, hashed addresses."""
    with steps() as tell:
        chosen = flags.settings_from("audience", context.params, own.places_of("audience"))
        from patron.workflows.audience import audience as run

        written = run(chosen, progress=tell)
    if json:
        print_json({**written.to_dict(), "notes": tell.notes})
    else:
        print_lines(written.sentences())


def _minimums(given: list[str] | None) -> dict[str, str] | None:
    """SEGMENT=N, each → segment → N."""
    found = {}
    for minimum in given or []:
        segment, equals, count = minimum.rpartition("=")
        if not (equals and segment and count.strip().isdecimal()):
            raise SettingsError(
                f"--least {minimum!r} cannot be read. Write SEGMENT=N, for instance --least north=100."
            )
        found[segment] = count.strip()
    return found or None
