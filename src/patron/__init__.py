"""patron: who is about to leave, what each customer is worth, and what is worth doing about it.

Stages form a chain, formulas form a shelf, effects stay at the two ends. Each room imports only what stands
above it here, never a sibling on the same line::

    errors · money · simple_value   the shelf, as datasets is: any room may use it
    tables                          1   a path, frame or database → History, Records: validated, or rejected
    snapshots                       2   what was visible on a day, who is eligible, what happened next
    features                        3   one row per customer and as_of
    models                          4   churn (LightGBM), purchases and spend (PyMC), value, the bundle of all
    evaluation · scores · economics 5   how good is it · one row per customer · what keeping customers costs
    campaigns · tracking · reports  6   whom to contact, and did it work · MLflow · figures
    workflows                       7   train, score, target, kpis and every other command: recipes
    cli                             8   parse, call, print

Names below are loaded when first used, so that ``import patron`` stays instant.

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
