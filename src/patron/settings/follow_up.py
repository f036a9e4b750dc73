"""The settings of the commands that follow up customers and predictions: one section per command."""

from pathlib import Path
from typing import Literal

from patron.settings.section import Place, Section, Source, setting

__all__ = [
    "DueSettings",
    "LookalikesSettings",
    "SettleSettings",
    "StageHistorySettings",
    "UpliftSettings",
    "WinBackSettings",
]


class UpliftSettings(Section):
    """How `patron uplift` learns the effects of offers from the contacts."""

    learners: tuple[Literal["smooth", "s", "t", "x", "dr"], ...] = setting(
        ("smooth", "s", "t", "x"), panel="Model"
    )
    """Candidate learners, simplest first: the first is kept unless another, or their mean, is better by one
    standard error; also available: dr."""
    folds: int = setting(5, unit="folds", panel="Model", metavar="N", ge=2, le=20)
    """Number of cross-fitting folds."""
    repeats: int = setting(1, unit="repeats", panel="Model", metavar="N", ge=1, le=20)
    """Number of random divisions of the customers into folds."""
    confidence: float = setting(0.8, unit="share", panel="Model", gt=0, lt=1)
    """Confidence level of the interval of an effect."""
    adjust: bool = setting(False, panel="Model")
    """Adjust for a control group that is not random; the effects are then reported as adjusted, not as
    uplift."""
    out: Path | None = setting(None, example="effects.parquet", panel="Output")
    """File for the effects, which patron target reads; Parquet or CSV by its ending."""


class WinBackSettings(Section):
    """What `patron win-back` assumes and writes."""

    cost: float = setting(1.0, unit="money", ge=0)
    """Cost of one contact."""
    lift: float | None = setting(None, unit="share", absent="unknown", example=0.2, ge=0, le=10)
    """Relative increase of the probability of a return that one contact is assumed to cause."""
    max_snapshots: int = setting(8, unit="snapshots", panel="Model", metavar="N", ge=1)
    """Maximum number of past days from which returns are learned."""
    model: str = setting("models:/patron@champion", panel="Model", metavar="URI")
    """Registered model that values a second lifetime; without one, a value model is fitted."""
    out: Path | None = setting(None, example="win_back.csv", panel="Output")
    """File to write; its ending selects Parquet or CSV."""


class DueSettings(Section):
    """Which due dates `patron due` lists, and where the list goes."""

    ahead_days: int = setting(90, unit="days", flag="ahead", ge=1, le=3650)
    """Days to look ahead."""
    late_days: int = setting(14, unit="days", ge=0, le=3650)
    """Days for which an offer stays due after its date has passed."""
    renewals: tuple[int, ...] = setting((90, 60, 30), unit="days", metavar="DAYS,…")
    """Days before a renewal at which it is listed."""
    max_gap_variation: float = setting(0.5, metavar="CV", gt=0)
    """Largest coefficient of variation at which the gaps between purchases count as regular."""
    min_gaps: int = setting(3, unit="gaps", metavar="N", ge=2)
    """Minimum number of gaps needed to know how regularly a product is bought."""
    model: str = setting("models:/patron@champion", panel="Model", metavar="URI")
    """Registered model that predicts the next purchase; without one, that date is omitted."""
    out: Path | None = setting(None, example="due.csv", panel="Output")
    """File to write; its ending selects Parquet or CSV."""


class SettleSettings(Section):
    """Which predictions `patron settle` evaluates, and how."""

    prediction_log: Place | None = setting(None, example="predictions", panel="Tables", metavar="DIR|URL")
    """Folder or database to which patron score appended its predictions, such as sqlite:///FILE or
    postgresql://…."""
    depth: float = setting(0.10, unit="share", gt=0, le=1)
    """Share of the customers that a campaign is assumed to reach, to measure what the scores are worth."""
    out: Path | None = setting(None, example="evaluated.parquet", panel="Output")
    """File for the evaluated predictions; its ending selects Parquet or CSV."""


class StageHistorySettings(Section):
    """Which days `patron stages` looks at, and where the stages go; the section stages holds the rules."""

    max_snapshots: int = setting(12, unit="snapshots", metavar="N", ge=2, le=1000)
    """Maximum number of past days to look at."""
    step_days: int = setting(30, unit="days", flag="step", ge=1, le=3650)
    """Days from one of these past days to the next."""
    out: Path | None = setting(None, example="stages.parquet", panel="Output")
    """File for the stages, with transitions and dwell times next to it; Parquet or CSV by its ending."""


class LookalikesSettings(Section):
    """Which customers `patron lookalikes` looks for, and where they go."""

    group: Source = setting(None, example="best.csv", panel="Tables", metavar="SOURCE")
    """Seed group: table with the customer_id of customers to find lookalikes of."""
    limit: int = setting(100, unit="customers", metavar="N", ge=1)
    """Maximum number of customers to list."""
    out: Path | None = setting(None, example="alike.csv", panel="Output")
    """File to write; its ending selects Parquet or CSV."""
