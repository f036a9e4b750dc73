"""The settings of the commands that make a campaign and measure it: one section per command."""

from pathlib import Path
from typing import Any

from pydantic import Field, field_validator

from patron.settings.section import Section, Source

__all__ = ["AudienceSettings", "MeasureSettings", "TargetSettings"]


class TargetSettings(Section):
    """Whom `patron target` chooses from, and within which limits.

    Attributes
    ----------
    scores
        the scorecard that `patron score` wrote: a path, or a frame
    offers
        TOML file of offers and channels
    budget
        money for the whole list, ≥ 0; None where there is no limit
    out
        folder for list.parquet, list.csv and plan.json, or None
    effects
        what contact changes for whom, as learned from a trial: a path, a frame, or None to learn it
        from the contacts and transactions, where they show it
    suppress
        table of customer_id, who must never be contacted: a path, a frame, or None
    rest_days
        customers contacted in the last so many days are left alone, ≥ 0; needs the contacts table
    segment
        column of the scores that `least` speaks of
    least
        segment → count of customers who must be on the list
    holdout
        share of the list in [0, 1) that is held out by lot, to measure the campaign by
    """

    scores: Source = None
    offers: Path | None = None
    budget: float | None = Field(default=None, ge=0)
    out: Path | None = None
    effects: Source = None
    suppress: Source = None
    rest_days: int = Field(default=30, ge=0, le=3650)
    segment: str | None = None
    least: dict[str, int] = Field(default_factory=dict)
    holdout: float = Field(default=0.10, ge=0, lt=1)


class MeasureSettings(Section):
    """Which list `patron measure` measures, and how.

    Attributes
    ----------
    folder
        folder that `patron target` wrote
    campaign
        name of the campaign in the contacts table; None counts every contact after the list
    level
        in (0, 1), of the intervals
    adjust
        whether the two groups are compared at equal expected profit and equal past purchases
    """

    folder: Path | None = None
    campaign: str | None = None
    level: float = Field(default=0.95, gt=0, lt=1)
    adjust: bool = False


class AudienceSettings(Section):
    """What `patron audience` exports.

    Attributes
    ----------
    folder
        folder that `patron target` wrote
    columns
        of the list and of the customers table, in order; on the command line with commas between them
    hashed
        those of them that hold e-mail addresses and leave as SHA-256
    offer
        only customers who get this offer; None for all
    out
        CSV file
    """

    folder: Path | None = None
    columns: tuple[str, ...] = ("customer_id", "offer", "channel")
    hashed: tuple[str, ...] = ()
    offer: str | None = None
    out: Path | None = None

    @field_validator("columns", "hashed", mode="before")
    @classmethod
    def _split_at_commas(cls, given: Any) -> Any:
        return [name.strip() for name in given.split(",")] if isinstance(given, str) else given
