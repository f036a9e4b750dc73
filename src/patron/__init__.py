"""patron: who is about to leave, what each customer is worth, and what is worth doing about it.

Stages form a chain, formulas form a shelf, and side effects stay at the two ends. Each room (subpackage)
imports only from rooms below it in this map::

    cli/             the command line: parse, call, print
    workflows/       one recipe per command
    settings/        every setting once: field, text, unit, range and flag
    training/        fitting, evaluation, champion gate, recording, leak test
    scoring/         scoring by DuckDB or Spark, drift, model choice, potentials
    storage/         atomic files, job folders, Parquet and database output, the prediction log
    campaigns/       whom to contact with which offer, and whether it worked
    tracking/        runs, registry and serving in MLflow, which is imported here and nowhere else
    reports/         figures in Matplotlib, which is imported here and nowhere else
    evaluation/      how good a prediction is, and whether it beats baselines
    scores/          the scorecard: one row per customer
    economics/       what keeping customers costs and brings
    models/          churn, purchases and spend, renewal, and the bundle of all
    features/        one row of features per customer and as_of
    snapshots/       who is eligible on a day, what was visible then, and what happened next
    tables/          a path, frame or database → History, Records: validated, or rejected with the rule
    datasets/        real samples and simulated businesses
    simple_value.py  customer value by textbook formulas
    money.py         discounting and rates
    checks.py        checks of arguments, one sentence each
    arrays.py        names for the types of arrays
    durations.py     lengths of time in days
    errors.py        every error and warning, as a tree
    progress.py      how a long job reports its progress
    results.py       what a recipe returns, as a terminal and a JSON object show it

training and scoring do not import each other, nor do campaigns, tracking and reports, nor evaluation,
scores and economics, nor datasets and simple_value.

The names below are loaded when first used, so that ``import patron`` stays instant.

Examples
--------
>>> import patron
>>> business = patron.simulate(n_customers=200, days=400, seed=1)
>>> history = patron.History.read(business.transactions, business.engagement, business.customers)
>>> history.report.tables["transactions"].customers <= 200
True
"""

from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from patron.campaigns.allocation.offers import OfferBook
    from patron.campaigns.uplift.model import UpliftModel
    from patron.datasets.samples import load_cdnow, load_complete_journey
    from patron.datasets.simulate import simulate
    from patron.errors import InputError, PatronError, PatronWarning
    from patron.evaluation.metrics import churn_metrics
    from patron.features.assemble import assemble_features, discover_catalogue
    from patron.models.bundle.bundle import Bundle
    from patron.models.churn.classifier import ChurnClassifier
    from patron.models.renewal.model import RenewalModel
    from patron.models.value.gamma_gamma import GammaGammaModel
    from patron.models.value.model import CustomerValueModel
    from patron.models.value.purchases.model import BetaGeoModel
    from patron.scores.network import customer_equity
    from patron.scores.scorecard import make_scorecard
    from patron.settings import Settings
    from patron.snapshots.labels import make_labels
    from patron.snapshots.spine import make_spine
    from patron.snapshots.splits import choose_fit_split, choose_split
    from patron.tables.activity import ChurnDefinition
    from patron.tables.history import History
    from patron.tables.records import Records
    from patron.workflows.backtest import backtest
    from patron.workflows.costs import costs
    from patron.workflows.due import due
    from patron.workflows.kpis import kpis
    from patron.workflows.measure import measure
    from patron.workflows.plans import plans
    from patron.workflows.score import score
    from patron.workflows.settle import settle
    from patron.workflows.target import target
    from patron.workflows.train import train
    from patron.workflows.uplift import learn_effects
    from patron.workflows.what_if import what_if
    from patron.workflows.win_back import win_back

_HOMES = {
    "BetaGeoModel": "patron.models.value.purchases.model",
    "Bundle": "patron.models.bundle.bundle",
    "ChurnClassifier": "patron.models.churn.classifier",
    "ChurnDefinition": "patron.tables.activity",
    "CustomerValueModel": "patron.models.value.model",
    "GammaGammaModel": "patron.models.value.gamma_gamma",
    "History": "patron.tables.history",
    "InputError": "patron.errors",
    "OfferBook": "patron.campaigns.allocation.offers",
    "PatronError": "patron.errors",
    "PatronWarning": "patron.errors",
    "Records": "patron.tables.records",
    "RenewalModel": "patron.models.renewal.model",
    "Settings": "patron.settings",
    "UpliftModel": "patron.campaigns.uplift.model",
    "assemble_features": "patron.features.assemble",
    "backtest": "patron.workflows.backtest",
    "choose_fit_split": "patron.snapshots.splits",
    "choose_split": "patron.snapshots.splits",
    "churn_metrics": "patron.evaluation.metrics",
    "costs": "patron.workflows.costs",
    "customer_equity": "patron.scores.network",
    "discover_catalogue": "patron.features.assemble",
    "due": "patron.workflows.due",
    "kpis": "patron.workflows.kpis",
    "learn_effects": "patron.workflows.uplift",
    "load_cdnow": "patron.datasets.samples",
    "load_complete_journey": "patron.datasets.samples",
    "make_labels": "patron.snapshots.labels",
    "make_scorecard": "patron.scores.scorecard",
    "make_spine": "patron.snapshots.spine",
    "measure": "patron.workflows.measure",
    "plans": "patron.workflows.plans",
    "score": "patron.workflows.score",
    "settle": "patron.workflows.settle",
    "simulate": "patron.datasets.simulate",
    "target": "patron.workflows.target",
    "train": "patron.workflows.train",
    "what_if": "patron.workflows.what_if",
    "win_back": "patron.workflows.win_back",
}

__all__ = [
    "BetaGeoModel",
    "Bundle",
    "ChurnClassifier",
    "ChurnDefinition",
    "CustomerValueModel",
    "GammaGammaModel",
    "History",
    "InputError",
    "OfferBook",
    "PatronError",
    "PatronWarning",
    "Records",
    "RenewalModel",
    "Settings",
    "UpliftModel",
    "__version__",
    "assemble_features",
    "backtest",
    "choose_fit_split",
    "choose_split",
    "churn_metrics",
    "costs",
    "customer_equity",
    "discover_catalogue",
    "due",
    "kpis",
    "learn_effects",
    "load_cdnow",
    "load_complete_journey",
    "make_labels",
    "make_scorecard",
    "make_spine",
    "measure",
    "plans",
    "score",
    "settle",
    "simulate",
    "target",
    "train",
    "what_if",
    "win_back",
]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        value: Any = version("patron")
    elif name in _HOMES:
        value = getattr(import_module(_HOMES[name]), name)
    else:
        raise AttributeError(f"module 'patron' has no attribute {name!r}; it has {', '.join(__all__)}.")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
