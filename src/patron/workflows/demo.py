"""All of it on sample data: check, train, score, the ten most valuable at risk, and the business in short."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from patron.datasets.samples import SampleData, load_cdnow, load_complete_journey
from patron.datasets.simulate import SimulatedBusiness, simulate
from patron.errors import counted
from patron.progress import Progress, silent
from patron.results import Printed
from patron.settings import Settings
from patron.settings.inputs import read_history
from patron.storage.atomic_files import check_target, write_frame
from patron.workflows.demo_business import BusinessInShort, business_in_short
from patron.workflows.kpis import KpisResult, kpis
from patron.workflows.score import ScoreResult, score
from patron.workflows.train import TrainResult, train

__all__ = ["DemoResult", "demo"]

SIMULATED_CUSTOMERS = 3000


def demo(settings: Settings, *, progress: Progress = silent) -> "DemoResult":
    """A model trained on sample data, and the scorecard of its customers as Parquet and CSV.

    Parameters
    ----------
    settings
        `demo.data` says whose customers, `demo.out` into which folder; horizon and as_of are those
        that suit the sample unless they are given
    progress
        called with each step as it begins

    Raises
    ------
    MissingExtraError
        the package that carries the sample is not installed
    ModelError
        the model could not be recorded

    Examples
    --------
    >>> import tempfile
    >>> where = {"data": "simulated", "out": tempfile.mkdtemp()}
    >>> shown = demo(Settings(demo=where, inference="map"))
    >>> [file.name for file in shown.files]
    ['scores.parquet', 'scores.csv']
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
    progress("Counting the indicators of each quarter")
    indicators = kpis(_by_quarter(suited, sample.as_of))
    business = business_in_short(suited.annual_discount_rate, progress=progress)
    return DemoResult(sample.words, trained, scored, indicators, business, files)


@dataclass(frozen=True, slots=True)
class DemoResult:
    """What `demo` made.

    Attributes
    ----------
    words
        what the sample is
    trained, scored
        what the two jobs made
    indicators
        those of each quarter
    business
        costs, plans and what-if, of a simulated shop
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
        """What was made, as plain values."""
        return {
            "data": self.words,
            "train": self.trained.to_dict(),
            "score": self.scored.to_dict(),
            "kpis": self.indicators.to_dict(),
            "simulated_business": self.business.to_dict(),
            "files": [str(file) for file in self.files],
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
        yield self.business.costs.title(), self.business.costs.in_short
        yield from [*self.business.costs.findings(), ""]
        yield self.business.plans.title(), self.business.plans.in_short
        yield from [*self.business.plans.findings(), "", self.business.what_if.title()]
        yield from [*self.business.what_if.findings(), ""]
        yield from self.sentences()

    def sentences(self) -> list[str]:
        """Where everything is, and what to do next."""
        scored = counted(len(self.scored.scored), "customer")
        return [
            f"The scorecard of {scored} is in {self.files[0]} and {self.files[1]}.",
            "With your own purchases: patron check --transactions FILE, then patron train and patron score.",
        ]


def _load(name: str) -> SampleData | SimulatedBusiness:
    if name == "simulated":
        return simulate(SIMULATED_CUSTOMERS)
    return load_cdnow() if name == "cdnow" else load_complete_journey()


def _by_quarter(suited: Settings, last: date) -> Settings:
    """The settings of the indicators: whole quarters until the last day of the sample."""
    chosen = suited.kpis.model_copy(update={"every": "quarter", "last": last})
    return suited.model_copy(update={"kpis": chosen})


def _suit(settings: Settings, sample: SampleData | SimulatedBusiness) -> Settings:
    """The settings with the tables of the sample, and its own horizon and as_of where none are given."""
    tables = {
        "transactions": sample.transactions,
        "engagement": sample.engagement,
        "customers": sample.customers,
    }
    given = settings.model_dump(exclude_unset=True, exclude={"tables"})
    return Settings.model_validate(
        {"horizon_days": sample.horizon_days, "as_of": sample.as_of} | given | {"tables": tables}
    )
