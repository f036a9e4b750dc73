"""The settings of the commands that count what customers cost and bring: one section per command."""

from datetime import date
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from patron.workflows.settings.section import Section

__all__ = ["KpisSettings"]


class KpisSettings(Section):
    """What `patron kpis` counts, and where it goes.

    Attributes
    ----------
    first, last : the days that the periods lie within; None takes the first and the last day of the data
    every : "month", "quarter" or "year"
    active_within_days : days from a purchase for which a customer is active where there are no contracts
    lead_days : days within which a lead may become a customer; younger leads are not judged
    acquisition_pools : pools of the costs that pay for winning customers
    dearer : by what share a unit must cost more than before to count as up-sell
    years : how many years the simple lifetime values count that need a number; None for the mean tenure
    scores : scorecard, as `patron score` writes it, for values beside the costs; or None
    out : file of the indicators, Parquet or CSV by its ending; or None
    """

    first: date | None = None
    last: date | None = None
    every: Literal["month", "quarter", "year"] = "month"
    active_within_days: int = Field(default=90, ge=1)
    lead_days: int = Field(default=90, ge=1)
    acquisition_pools: tuple[str, ...] = ("acquisition",)
    dearer: float = Field(default=0.10, ge=0)
    years: float | None = Field(default=None, gt=0, le=100)
    scores: Any = None
    out: Path | None = None
