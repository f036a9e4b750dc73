"""The commands: settings from flags, one call into workflows, one result to show."""

from importlib.metadata import version
from typing import Annotated

import typer

from patron.cli import campaign_commands, economics_commands, flags, follow_up_commands, follow_up_flags
from patron.cli.terminal import print_json, print_lines, print_table, steps

__all__ = ["app"]

_FIRST, _PREDICT, _MODELS = "First steps", "Predict", "Models"
_CAMPAIGNS, _BASE = "Campaigns", "The customer base"

app = typer.Typer(
    name="patron",
    help="Who is about to leave, what each customer is worth, and what is worth doing about it.",
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    invoke_without_command=True,
)


@app.callback()
def about(
    context: typer.Context,
    show_version: Annotated[
        bool, typer.Option("--version", metavar="", help="Show the version and leave.")
    ] = False,
) -> None:
    """Who is about to leave, what each customer is worth, and what is worth doing about it."""
    if show_version:
        print_lines([f"patron {version('patron')}"])
    elif context.invoked_subcommand is None:
        print_lines([context.get_help()])


@app.command(rich_help_panel=_FIRST)
def check(
    context: typer.Context,
    transactions: flags.Transactions = None,
    engagement: flags.Engagement = None,
    customers: flags.Customers = None,
    subscriptions: flags.Subscriptions = None,
    activity: flags.Activity = None,
    column: flags.Column = None,
    duplicates: flags.Duplicates = None,
    time_zone: flags.TimeZone = None,
    as_of: flags.AsOf = None,
    horizon: flags.Horizon = None,
    leaks: flags.Leaks = False,
    rejected: flags.Rejected = None,
    settings: flags.SettingsFile = None,
    json: flags.Json = False,
) -> None:
    """Read the tables and report what they hold and what had to be rejected."""
    with steps() as tell:
        chosen = flags.settings_from("check", context.params)
        from patron.workflows.check import check as run

        found = run(chosen, progress=tell)
    if json:
        print_json({**found.to_dict(), "notes": tell.notes})
    else:
        print_lines(found.sentences())
    if found.leaks is not None and not found.leaks.is_clean:
        raise typer.Exit(1)


@app.command(rich_help_panel=_PREDICT)
def features(
    context: typer.Context,
    transactions: flags.Transactions = None,
    engagement: flags.Engagement = None,
    customers: flags.Customers = None,
    subscriptions: flags.Subscriptions = None,
    activity: flags.Activity = None,
    column: flags.Column = None,
    duplicates: flags.Duplicates = None,
    time_zone: flags.TimeZone = None,
    as_of: flags.AsOf = None,
    active_within_days: flags.ActiveWithinDays = None,
    out: flags.Out = None,
    engine: flags.Engine = None,
    spark_remote: flags.SparkRemote = None,
    settings: flags.SettingsFile = None,
    json: flags.Json = False,
) -> None:
    """Build one feature row per customer, from what was known on a date."""
    with steps() as tell:
        chosen = flags.settings_from("features", context.params)
        from patron.workflows.features import build_features

        made = build_features(chosen, progress=tell)
    if json:
        print_json({**made.to_dict(), "notes": tell.notes})
    else:
        print_lines(made.sentences())


@app.command(rich_help_panel=_PREDICT)
def train(
    context: typer.Context,
    transactions: flags.Transactions = None,
    engagement: flags.Engagement = None,
    customers: flags.Customers = None,
    subscriptions: flags.Subscriptions = None,
    activity: flags.Activity = None,
    column: flags.Column = None,
    duplicates: flags.Duplicates = None,
    time_zone: flags.TimeZone = None,
    as_of: flags.AsOf = None,
    active_within_days: flags.ActiveWithinDays = None,
    horizon: flags.Horizon = None,
    churn_window: flags.ChurnWindow = None,
    value_horizon: flags.ValueHorizon = None,
    margin: flags.Margin = None,
    annual_discount_rate: flags.DiscountRate = None,
    inference: flags.Inference = None,
    seed: flags.Seed = None,
    promote: flags.Promote = False,
    settings: flags.SettingsFile = None,
    json: flags.Json = False,
) -> None:
    """Train on what was known on a date, compare with simple rules, record and register the model."""
    with steps() as tell:
        chosen = flags.settings_from("train", context.params)
        from patron.workflows.train import train as run

        trained = run(chosen, progress=tell)
    if json:
        print_json({**trained.to_dict(), "notes": tell.notes})
    else:
        print_lines(trained.outcome.report.sentences())
        print_table(trained.comparison, trained.title())
        print_lines(trained.sentences())


@app.command(rich_help_panel=_PREDICT)
def score(
    context: typer.Context,
    transactions: flags.Transactions = None,
    engagement: flags.Engagement = None,
    customers: flags.Customers = None,
    subscriptions: flags.Subscriptions = None,
    referrals: flags.Referrals = None,
    contributions: flags.Contributions = None,
    costs_to_serve: flags.CostsToServe = None,
    activity: flags.Activity = None,
    column: flags.Column = None,
    duplicates: flags.Duplicates = None,
    time_zone: flags.TimeZone = None,
    as_of: flags.AsOf = None,
    active_within_days: flags.ActiveWithinDays = None,
    value_horizon: flags.ValueHorizon = None,
    model: flags.Model = None,
    out: flags.ScoresOut = None,
    to: flags.To = None,
    partition_by: flags.PartitionBy = None,
    potentials: flags.Potentials = None,
    ledger: follow_up_flags.Ledger = None,
    resume: flags.Resume = False,
    engine: flags.Engine = None,
    spark_remote: flags.SparkRemote = None,
    settings: flags.SettingsFile = None,
    json: flags.Json = False,
) -> None:
    """Score every customer as of a date with a registered model."""
    with steps() as tell:
        chosen = flags.settings_from("score", context.params, {"ledger": ("score", "ledger")})
        from patron.workflows.score import score as run

        scored = run(chosen, progress=tell)
    if json:
        print_json({**scored.to_dict(), "notes": tell.notes})
    else:
        print_table(scored.most_valuable_at_risk(), scored.title())
        print_lines(scored.sentences())


@app.command(rich_help_panel=_PREDICT)
def backtest(
    context: typer.Context,
    transactions: flags.Transactions = None,
    engagement: flags.Engagement = None,
    customers: flags.Customers = None,
    subscriptions: flags.Subscriptions = None,
    activity: flags.Activity = None,
    column: flags.Column = None,
    duplicates: flags.Duplicates = None,
    time_zone: flags.TimeZone = None,
    as_of: flags.AsOf = None,
    active_within_days: flags.ActiveWithinDays = None,
    horizon: flags.Horizon = None,
    churn_window: flags.ChurnWindow = None,
    cuts: flags.Cuts = None,
    margin: flags.Margin = None,
    seed: flags.Seed = None,
    out: flags.ResultsFolder = None,
    settings: flags.SettingsFile = None,
    json: flags.Json = False,
) -> None:
    """Fit again on several past days and compare with what happened, beside the baselines."""
    with steps() as tell:
        chosen = flags.settings_from("backtest", context.params)
        from patron.workflows.backtest import backtest as run

        found = run(chosen, progress=tell)
    if json:
        print_json({**found.to_dict(), "notes": tell.notes})
    else:
        print_table(found.churn, f"Churn. {found.title()}")
        print_table(found.value, f"Value. {found.title()}")
        print_lines(found.sentences())


@app.command(rich_help_panel=_MODELS)
def serve(
    context: typer.Context,
    model: flags.Model = None,
    host: flags.Host = None,
    port: flags.Port = None,
    workers: flags.Workers = None,
    settings: flags.SettingsFile = None,
) -> None:
    """Answer requests over HTTP by MLflow's scoring protocol, until stopped."""
    with steps():
        chosen = flags.settings_from("serve", context.params)
        from patron.workflows.serve import serve as run

        run(chosen)


@app.command(rich_help_panel=_MODELS)
def models(json: flags.Json = False) -> None:
    """List the registered versions: which of them scores, how good each is, what data it has seen."""
    from patron.workflows.releases import list_models

    found = list_models()
    if json:
        print_json(found.to_dict())
    elif found.versions:
        print_table(found.table, found.title())
    print_lines([] if json else found.sentences())


@app.command(rich_help_panel=_MODELS)
def promote(version: flags.Version, json: flags.Json = False) -> None:
    """Make a version champion: the one that scores and is served."""
    from patron.workflows.releases import promote as run

    done = run(version)
    print_json(done.to_dict()) if json else print_lines(done.sentences())


@app.command(rich_help_panel=_MODELS)
def rollback(json: flags.Json = False) -> None:
    """Make the version champion that was champion before the present one."""
    from patron.workflows.releases import rollback as run

    done = run()
    print_json(done.to_dict()) if json else print_lines(done.sentences())


@app.command(rich_help_panel=_MODELS)
def export(model: flags.ModelUri, folder: flags.NewFolder, json: flags.Json = False) -> None:
    """Write a model into a plain folder that MLflow loads and serves from any path."""
    from patron.workflows.releases import export as run

    done = run(model, folder)
    print_json(done.to_dict()) if json else print_lines(done.sentences())


@app.command(rich_help_panel=_FIRST)
def demo(
    context: typer.Context,
    data: flags.Data = None,
    horizon: flags.Horizon = None,
    value_horizon: flags.ValueHorizon = None,
    margin: flags.Margin = None,
    annual_discount_rate: flags.DiscountRate = None,
    inference: flags.Inference = None,
    seed: flags.Seed = None,
    out: flags.Folder = None,
    settings: flags.SettingsFile = None,
    json: flags.Json = False,
) -> None:
    """All of it on sample data: check, train, score, the ten most valuable at risk, the business in short."""
    with steps() as tell:
        chosen = flags.settings_from("demo", context.params)
        from patron.workflows.demo import demo as run

        shown = run(chosen, progress=tell)
    if json:
        print_json({**shown.to_dict(), "notes": tell.notes})
        return
    print_lines([shown.words, "", *shown.trained.outcome.report.sentences(), ""])
    print_table(shown.trained.comparison, shown.trained.title())
    print_lines([*shown.trained.sentences(), ""])
    print_table(shown.scored.most_valuable_at_risk(), shown.scored.title())
    indicators, business = shown.indicators, shown.business
    print_lines([""])
    title = "How the customer base is doing, by quarter; shares as fractions, money of the input"
    print_table(indicators.in_short, f"{title} (all of it: patron kpis)")
    print_lines(["", business.words, ""])
    print_table(business.costs.in_short, business.costs.title())
    print_lines([*business.costs.findings(), ""])
    print_table(business.plans.in_short, business.plans.title())
    print_lines([*business.plans.findings(), "", business.what_if.title()])
    print_lines([*business.what_if.findings(), "", *shown.sentences()])


app.command(rich_help_panel=_PREDICT)(follow_up_commands.settle)
app.command(rich_help_panel=_CAMPAIGNS)(campaign_commands.target)
app.command(rich_help_panel=_CAMPAIGNS)(campaign_commands.audience)
app.command(rich_help_panel=_CAMPAIGNS)(campaign_commands.measure)
app.command(rich_help_panel=_CAMPAIGNS)(follow_up_commands.uplift)
app.command("win-back", rich_help_panel=_CAMPAIGNS)(follow_up_commands.win_back)
app.command(rich_help_panel=_CAMPAIGNS)(follow_up_commands.due)
app.command(rich_help_panel=_CAMPAIGNS)(follow_up_commands.lookalikes)
app.command(rich_help_panel=_BASE)(economics_commands.kpis)
app.command(rich_help_panel=_BASE)(economics_commands.costs)
app.command(rich_help_panel=_BASE)(economics_commands.plans)
app.command("what-if", rich_help_panel=_BASE)(economics_commands.what_if)
app.command(rich_help_panel=_BASE)(follow_up_commands.stages)
