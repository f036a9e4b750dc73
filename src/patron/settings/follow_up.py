"""The settings of the commands that follow the customers up: one section per command."""

from pathlib import Path
from typing import Literal

from pydantic import Field

from patron.settings.section import Place, Section, Source

__all__ = [
    "DueSettings",
    "LookalikesSettings",
    "SettleSettings",
    "StageHistorySettings",
    "UpliftSettings",
    "WinBackSettings",
]


class UpliftSettings(Section):
    """How effects are learned from the contacts table.

    Attributes
    ----------
    learners
        of "smooth", "s", "t", "x" and "dr", simplest first: the first is kept unless another, or their
        mean, explains more by a standard error
    folds
        parts of the customers, each predicted by models that have not seen it
    repeats
        how often the customers are divided anew
    level
        probability that the interval of an effect holds
    adjust
        whether a control group that was not drawn by lot is made up for by what is known of the
        customers; the effects are then called adjusted, and no uplift
    out
        file of the effects, Parquet or CSV by its ending; or None
    """

    learners: tuple[Literal["smooth", "s", "t", "x", "dr"], ...] = ("smooth", "s", "t", "x")
    folds: int = Field(default=5, ge=2, le=20)
    repeats: int = Field(default=1, ge=1, le=20)
    level: float = Field(default=0.8, gt=0, lt=1)
    adjust: bool = False
    out: Path | None = None


class WinBackSettings(Section):
    """What `patron win-back` assumes and writes.

    Attributes
    ----------
    cost
        money, of one contact
    lift
        by what share a contact raises the chance of a return, an assumption; None where nobody knows
    snapshots
        count, the most past days from which reactivation is learned
    model
        URI of the model that values a second life; a value model is fitted where there is no champion
    out
        file of the list, Parquet or CSV by its ending; or None
    """

    cost: float = Field(default=1.0, ge=0)
    lift: float | None = Field(default=None, ge=0, le=10)
    snapshots: int = Field(default=8, ge=1)
    model: str = "models:/patron@champion"
    out: Path | None = None


class DueSettings(Section):
    """Which moments `patron due` looks for, and where the list goes.

    Attributes
    ----------
    ahead_days
        how far ahead, ≥ 1
    late_days
        how long ago a moment may have passed and still be due, ≥ 0
    renewals
        days before a renewal at which it comes up, such as 90, 60 and 30
    regular
        largest coefficient of variation of gaps that count as regular
    fewest_gaps
        gaps between purchases of a product from which on its rhythm is known, ≥ 2
    model
        URI of the model that says when the next purchase is; that moment is left out where there is none
    out
        file of the list, Parquet or CSV by its ending; or None
    """

    ahead_days: int = Field(default=90, ge=1, le=3650)
    late_days: int = Field(default=14, ge=0, le=3650)
    renewals: tuple[int, ...] = (90, 60, 30)
    regular: float = Field(default=0.5, gt=0)
    fewest_gaps: int = Field(default=3, ge=2)
    model: str = "models:/patron@champion"
    out: Path | None = None


class SettleSettings(Section):
    """Which ledger `patron settle` settles, and how.

    Attributes
    ----------
    ledger
        folder or database of the ledger, see :func:`patron.storage.prediction_log.open_ledger`
    depth
        share of the customers that a campaign would have reached, for what following the scores was worth
    out
        file of the settled promises, Parquet or CSV by its ending; or None
    """

    ledger: Place | None = None
    depth: float = Field(default=0.10, gt=0, le=1)
    out: Path | None = None


class StageHistorySettings(Section):
    """Which days `patron stages` looks at, and where the stages go; the rules are those of `stages`.

    Attributes
    ----------
    snapshots
        count, the most days, ≥ 2
    step_days
        from one of them to the next, ≥ 1
    out
        file of the stages, Parquet or CSV by its ending, with transitions and dwell times beside it; or
        None
    """

    snapshots: int = Field(default=12, ge=2, le=1000)
    step_days: int = Field(default=30, ge=1, le=3650)
    out: Path | None = None


class LookalikesSettings(Section):
    """Whom `patron lookalikes` looks for, and where they go.

    Attributes
    ----------
    group
        table of customer_id, whom others shall resemble: a path, or a frame
    most
        count of customers to list, ≥ 1
    out
        file of the list, Parquet or CSV by its ending; or None
    """

    group: Source = None
    most: int = Field(default=100, ge=1)
    out: Path | None = None
