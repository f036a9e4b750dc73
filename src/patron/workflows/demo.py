"""Sample data → a trained model, its scorecard, indicators by quarter, and the economics of a shop."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd

from patron.datasets.samples import SampleData, load_cdnow, load_complete_journey
from patron.datasets.simulate import SimulatedBusiness, simulate
from patron.errors import counted
from patron.models.bundle.tiers import Tiers
from patron.progress import Progress, silent
from patron.results import Printed, plain_fields
from patron.settings import Settings
from patron.settings.inputs import read_history
from patron.storage.atomic_files import check_target, write_frame
from patron.workflows.costs import CostsResult, costs
from patron.workflows.kpis import KpisResult, kpis
from patron.workflows.plans import PlansResult, plans
from patron.workflows.score import ScoreResult, score
from patron.workflows.train import TrainResult, train
from patron.workflows.what_if import WhatIfResult, what_if

__all__ = ["BusinessInShort", "DemoResult", "business_in_short", "demo"]

SIMULATED_CUSTOMERS = 3000
SHOP_CUSTOMERS, SHOP_DAYS = 2000, 1096  # within less, an annual contract comes up for renewal once at most

_MINUTES = {
    "call": {"base_minutes": 4, "extra_minutes": {"complaint": 6}},
    "chat": {"base_minutes": 3},
    "return": {"base_minutes": 5, "extra_minutes": {"complaint": 6}},
}
"""Time equations of the shop, for interactions without recorded minutes."""


def demo(settings: Settings, *, progress: Progress = silent) -> "DemoResult":
    """A model trained on sample data, its scorecard as Parquet and CSV, and economic indicators.

    Parameters
    ----------
    settings
        `demo.data` names the sample, `demo.out` the folder; horizon and as_of default to those of the
        sample
    progress
        called with each step as it begins

    Raises
    ------
    MissingExtraError
        the package that carries the sample is not installed
    ModelError
        the model could not be recorded
    """
    targets = [check_target(settings.demo.out / name) for name in ("scores.parquet", "scores.csv")]
    progress(f"Loading {settings.demo.data}")
    sample = _load(settings.demo.data)
    suited = _suit(settings, sample)

    progress("Reading the tables")
    history = read_history(suited)
    trained = train(suited, history=history, progress=progress)
    scored = score(suited, history=history, model=trained.model_uri, progress=progress)

    progress(f"Writing {targets[0]} and {targets[1].name}")
    files = [write_frame(scored.scorecard, target) for target in targets]
    progress("Computing the KPIs of each quarter")
    indicators = kpis(_by_quarter(suited, sample.as_of))
    business = business_in_short(suited.annual_discount_rate, progress=progress)
    return DemoResult(sample.words, trained, scored, indicators, business, files)


@dataclass(frozen=True, slots=True)
class BusinessInShort:
    """The results of costs, plans and what-if for one simulated shop.

    The samples of the demo have purchases, but no cost ledger and no contracts; a simulated shop has both.

    Attributes
    ----------
    words
        description of the shop
    costs
        retention costs of the last twelve months, by tier
    plans
        a monthly against an annual plan
    what_if
        one point more retention
    """

    words: str
    costs: CostsResult
    plans: PlansResult
    what_if: WhatIfResult

    def to_dict(self) -> dict[str, Any]:
        """The main figures as plain values."""
        return {
            "data": self.words,
            "costs": plain_fields(self.costs.found, totals="totals", by_tier="in_short"),
            "plans": {
                **plain_fields(self.plans, plans="in_short"),
                "break_even_annual_price": self.plans.comparison.break_even_annual_price,
            },
            "what_if": {
                "change": str(self.what_if.change),
                **plain_fields(
                    self.what_if.found, "present_value", "present_value_low", "present_value_high"
                ),
            },
        }


@dataclass(frozen=True, slots=True)
class DemoResult:
    """The result of `demo`.

    Attributes
    ----------
    words
        description of the sample
    trained, scored
        results of the two jobs
    indicators
        indicators of each quarter
    business
        costs, plans and what-if of a simulated shop
    files
        the scorecard as Parquet and as CSV
    """

    words: str
    trained: TrainResult
    scored: ScoreResult
    indicators: KpisResult
    business: BusinessInShort
    files: list[Path]

    def to_dict(self) -> dict[str, Any]:
        """The result as plain values."""
        return {
            "data": self.words,
            "train": self.trained.to_dict(),
            "score": self.scored.to_dict(),
            "kpis": self.indicators.to_dict(),
            "simulated_business": self.business.to_dict(),
            **plain_fields(self, "files"),
        }

    def printed(self) -> Printed:
        """What a terminal shows."""
        yield from [self.words, "", *self.trained.outcome.report.sentences(), ""]
        yield self.trained.title(), self.trained.comparison
        yield from [*self.trained.sentences(), ""]
        yield self.scored.title(), self.scored.most_valuable_at_risk()
        yield ""
        title = "How the customer base is doing, by quarter; shares as fractions, money of the input"
        yield f"{title} (all of it: patron kpis)", self.indicators.in_short
        yield from ["", self.business.words, ""]
        yield self.business.costs.title(), self.business.costs.found.in_short
        yield from [*self.business.costs.found.findings(), ""]
        yield self.business.plans.title(), self.business.plans.in_short
        yield from [*self.business.plans.findings(), "", self.business.what_if.title()]
        yield from [*self.business.what_if.findings(), ""]
        yield from self.sentences()

    def sentences(self) -> list[str]:
        """The files written, and the next step, in sentences."""
        scored = counted(len(self.scored.scored), "customer")
        return [
            f"The scorecard of {scored} is in {self.files[0]} and {self.files[1]}.",
            "With your own purchases: patron check --transactions FILE, then patron train and patron score.",
        ]


def business_in_short(annual_discount_rate: float = 0.10, *, progress: Progress = silent) -> BusinessInShort:
    """Costs, plans and what-if of a simulated shop, by the recipes of the commands.

    Parameters
    ----------
    annual_discount_rate
        per year; 10 % is 0.10
    progress
        called with each step as it begins
    """
    progress("Simulating a shop with a ledger and contracts")
    shop = simulate(SHOP_CUSTOMERS, days=SHOP_DAYS)
    year = (pd.Period(shop.as_of, "M") - 11).start_time
    shared = {"annual_discount_rate": annual_discount_rate, "inference": "laplace", "as_of": shop.as_of}
    progress("Allocating its ledger, comparing its plans, projecting more retention")
    spent = costs(_costs_settings(shop, year))
    each = float(spent.found.in_short["cost per active customer"].iloc[0])
    compared = plans(Settings.model_validate({"tables": {"subscriptions": shop.subscriptions}, **shared}))
    asked = {"retention_points": 1.0, "cost": round(each, 2)}
    changed = what_if(
        Settings.model_validate({"tables": {"transactions": shop.transactions}, "what_if": asked, **shared})
    )
    words = (
        f"A simulated shop of {SHOP_CUSTOMERS:,} customers, {shop.start} to {shop.as_of}: the following "
        "figures are of this shop (in full: patron costs, patron plans, patron what-if)."
    )
    return BusinessInShort(words, spent, compared, changed)


def _costs_settings(shop: SimulatedBusiness, first: pd.Timestamp) -> Settings:
    """Settings of the costs from `first` on, with tiers by total purchases."""
    assert shop.costs is not None  # not simulated with purchases only
    ledger = shop.costs[shop.costs["month"] >= first]
    bought = shop.transactions.groupby("customer_id")["amount"].sum()
    tiers = pd.DataFrame({"customer_id": bought.index, "value_tier": Tiers.from_values(bought).tier(bought)})
    return Settings.model_validate(
        {
            "tables": {
                "transactions": shop.transactions,
                "interactions": shop.interactions,
                "costs": ledger,
            },
            "costs": {"scores": tiers, "capacity": shop.capacity, "touchpoints": _MINUTES},
        }
    )


def _load(name: str) -> SampleData | SimulatedBusiness:
    if name == "simulated":
        return simulate(SIMULATED_CUSTOMERS)
    return load_cdnow() if name == "cdnow" else load_complete_journey()


def _by_quarter(suited: Settings, last: date) -> Settings:
    """Settings of the indicators: whole quarters until the last day of the sample."""
    chosen = suited.kpis.model_copy(update={"every": "quarter", "last": last})
    return suited.model_copy(update={"kpis": chosen})


def _suit(settings: Settings, sample: SampleData | SimulatedBusiness) -> Settings:
    """The settings with the tables of the sample, and its horizon and as_of unless they are given."""
    tables = {
        "transactions": sample.transactions,
        "engagement": sample.engagement,
        "customers": sample.customers,
    }
    given = settings.model_dump(exclude_unset=True, exclude={"tables"})
    return Settings.model_validate(
        {"horizon_days": sample.horizon_days, "as_of": sample.as_of} | given | {"tables": tables}
    )
