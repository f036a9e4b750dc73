"""The commands: name, panel, help, the recipe that does the work, and the settings taken as flags."""

from importlib.metadata import version
from typing import Annotated

import typer

from patron.cli.builder import Command, group_of
from patron.cli.terminal import print_lines

__all__ = ["COMMANDS", "app"]

_ABOUT = "Who is about to leave, what each customer is worth, and what is worth doing about it."
_FIRST, _PREDICT, _MODELS = "First steps", "Predict", "Models"
_CAMPAIGNS, _BASE = "Campaigns", "The customer base"

_SALES, _EVENTS, _CUSTOMERS = "tables.transactions", "tables.engagement", "tables.customers"
_CONTRACTS, _CONTACTS = "tables.subscriptions", "tables.contacts"
_HISTORY = (_SALES, _EVENTS, _CUSTOMERS, _CONTRACTS)
_READING = ("duplicates", "time_zone")
_CHURN = ("churn_window", "churn_segment")
_MONEY = ("margin", "annual_discount_rate")
_FITTING = ("purchase_family", "inference", "seed")

COMMANDS = (
    Command(
        name="check",
        panel=_FIRST,
        help="Read the tables and report what they hold and which rows are rejected.",
        recipe="patron.workflows.check:check",
        settings=(*_HISTORY, *_READING, "activity", "as_of", "horizon_days", "check.*"),
    ),
    Command(
        name="features",
        panel=_PREDICT,
        help="Build one row of features per customer from what was known on a date.",
        recipe="patron.workflows.features:build_features",
        settings=(
            *(*_HISTORY, *_READING, "activity", "as_of", "active_within_days", "train.max_kinds"),
            *("features.*", "engine", "spark.*"),
        ),
    ),
    Command(
        name="train",
        panel=_PREDICT,
        help="Train a model on what was known on a date, compare it with baselines, and register it.",
        recipe="patron.workflows.train:train",
        settings=(
            *(*_HISTORY, *_READING, "activity", "as_of", "active_within_days"),
            *("horizon_days", "value_horizon_days", *_CHURN, *_MONEY, *_FITTING, "train.*"),
        ),
    ),
    Command(
        name="score",
        panel=_PREDICT,
        help="Score every customer as of a date with a registered model.",
        recipe="patron.workflows.score:score",
        settings=(
            *(*_HISTORY, "tables.referrals", "tables.contributions", "tables.costs_to_serve", *_READING),
            *("activity", "as_of", "active_within_days", "value_horizon_days", "score.*"),
            *("engine", "spark.*"),
        ),
    ),
    Command(
        name="backtest",
        panel=_PREDICT,
        help="Train on several past days and compare predictions and baselines with what happened.",
        recipe="patron.workflows.backtest:backtest",
        settings=(
            *(*_HISTORY, *_READING, "activity", "as_of", "active_within_days"),
            *("horizon_days", *_CHURN, "margin", "purchase_family", "seed", "backtest.*"),
        ),
    ),
    Command(
        name="serve",
        panel=_MODELS,
        help="Serve a model over HTTP by MLflow's scoring protocol until stopped.",
        recipe="patron.workflows.serve:serve",
        settings=("serve.*",),
        reports=False,
    ),
    Command(
        name="models",
        panel=_MODELS,
        help="List the registered versions, their quality, and the data they were trained on.",
        recipe="patron.workflows.releases:list_models",
        arguments={},
    ),
    Command(
        name="promote",
        panel=_MODELS,
        help="Make a version champion, the model used for scoring and serving.",
        recipe="patron.workflows.releases:promote",
        arguments={
            "version": (int, typer.Argument(metavar="VERSION", min=1, help="A version in patron models."))
        },
    ),
    Command(
        name="rollback",
        panel=_MODELS,
        help="Make the previous champion champion again.",
        recipe="patron.workflows.releases:rollback",
        arguments={},
    ),
    Command(
        name="export",
        panel=_MODELS,
        help="Write a model into a plain folder that MLflow loads and serves from any path.",
        recipe="patron.workflows.releases:export",
        arguments={
            "uri": (
                str,
                typer.Argument(
                    metavar="URI", help="Registered model, such as models:/patron@champion, or a folder."
                ),
            ),
            "folder": (str, typer.Argument(metavar="DIR", help="New or empty folder.")),
        },
    ),
    Command(
        name="demo",
        panel=_FIRST,
        help="Run check, train and score on sample data, and print a short business summary.",
        recipe="patron.workflows.demo:demo",
        settings=("demo.*", "horizon_days", "value_horizon_days", *_MONEY, "inference", "seed"),
    ),
    Command(
        name="settle",
        panel=_PREDICT,
        help="Evaluate logged predictions whose horizon has passed against what happened.",
        recipe="patron.workflows.settle:settle",
        settings=("settle.*", *_HISTORY, *_READING, "activity", "as_of", *_CHURN),
    ),
    Command(
        name="target",
        panel=_CAMPAIGNS,
        help="""Choose whom to contact with which offer for the most profit under a budget; hold out controls.

        The effect of a contact is learned from --contacts and --transactions if there is a random control
        group. Otherwise it is read from --effects or assumed: risk × value × acceptance. The output reports
        which, and why.""",
        recipe="patron.workflows.target:target",
        settings=("target.*", _CONTACTS, *_HISTORY, *_READING, "activity", "margin", "seed"),
    ),
    Command(
        name="audience",
        panel=_CAMPAIGNS,
        help="Export the customers to contact for a marketing tool: chosen columns, hashed addresses.",
        recipe="patron.workflows.audience:audience",
        settings=(_CUSTOMERS, *_READING, "audience.*"),
    ),
    Command(
        name="measure",
        panel=_CAMPAIGNS,
        help="Measure the effect of a campaign: treated against control, once the horizon has passed.",
        recipe="patron.workflows.measure:measure",
        settings=("measure.*", _SALES, _CONTACTS, *_READING, "as_of", "margin"),
    ),
    Command(
        name="uplift",
        panel=_CAMPAIGNS,
        help="Learn the effect of each offer on each customer from contacts with a control group.",
        recipe="patron.workflows.uplift:learn_effects",
        settings=(
            *(*_HISTORY, _CONTACTS, *_READING, "activity", "as_of", "active_within_days"),
            *("horizon_days", "margin", "seed", "uplift.*"),
        ),
    ),
    Command(
        name="win-back",
        panel=_CAMPAIGNS,
        help="Rank dormant and lost customers by the probability of a return times its value.",
        recipe="patron.workflows.win_back:win_back",
        settings=(
            *(_SALES, _CUSTOMERS, _CONTRACTS, *_READING, "as_of", "horizon_days", "value_horizon_days"),
            *("margin", "seed", "win_back.*"),
        ),
    ),
    Command(
        name="due",
        panel=_CAMPAIGNS,
        help="List due offers: next purchases, renewals, replenishments, ends of warranty and life.",
        recipe="patron.workflows.due:due",
        settings=(_SALES, _CUSTOMERS, _CONTRACTS, "tables.products", *_READING, "as_of", "due.*"),
    ),
    Command(
        name="lookalikes",
        panel=_CAMPAIGNS,
        help="Find the customers most similar to a seed group by what was known at acquisition.",
        recipe="patron.workflows.lookalikes:find_lookalikes",
        settings=(_SALES, _CUSTOMERS, "lookalikes.*", *_READING, "as_of"),
    ),
    Command(
        name="kpis",
        panel=_BASE,
        help="Report KPIs by period: new, lost and kept customers, costs, sales, satisfaction.",
        recipe="patron.workflows.kpis:kpis",
        settings=(
            *(_SALES, _CUSTOMERS, _CONTRACTS, "tables.leads", "tables.lead_events", "tables.surveys"),
            *("tables.costs", _CONTACTS, *_READING, "activity", "kpis.*", *_MONEY),
        ),
    ),
    Command(
        name="costs",
        panel=_BASE,
        help="Report the cost of serving customers by tier, touchpoint, channel and month, to the cent.",
        recipe="patron.workflows.costs:costs",
        settings=(
            *(_SALES, "tables.interactions", "tables.costs", _CONTRACTS, *_READING, "costs.*", "margin"),
        ),
    ),
    Command(
        name="plans",
        panel=_BASE,
        help="Compare a monthly with a discounted annual plan under the renewal rates of the contracts.",
        recipe="patron.workflows.plans:plans",
        settings=(_CONTRACTS, *_READING, "as_of", "plans.*", "annual_discount_rate", "inference", "seed"),
    ),
    Command(
        name="what-if",
        panel=_BASE,
        help="Project base, revenue and profit under higher retention or lower cost.",
        recipe="patron.workflows.what_if:what_if",
        settings=(_SALES, _CONTRACTS, *_READING, "as_of", "what_if.*", *_MONEY, "seed"),
    ),
    Command(
        name="stages",
        panel=_BASE,
        help="Report how customers move between stages, and how long they stay in each.",
        recipe="patron.workflows.stage_history:follow_stages",
        settings=(_SALES, _EVENTS, _CUSTOMERS, *_READING, "as_of", "stage_history.*"),
    ),
)
"""Every command, in the order of ``patron --help``."""

app = typer.Typer(
    name="patron",
    cls=group_of({command.name: command for command in COMMANDS}),
    help=_ABOUT,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    invoke_without_command=True,
)


@app.callback()
def about(
    context: typer.Context,
    show_version: Annotated[bool, typer.Option("--version", help="Show the version and exit.")] = False,
) -> None:
    """Show the version, or the help where no command is given."""
    if show_version:
        print_lines([f"patron {version('patron')}"])
    elif context.invoked_subcommand is None:
        print_lines([context.get_help()])


def _named() -> None:
    """What ``patron --help`` knows of a command; its flags are built when it is called."""


for command in COMMANDS:
    app.command(command.name, help=command.help.split("\n\n")[0], rich_help_panel=command.panel)(_named)
