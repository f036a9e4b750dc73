"""The settings of the commands that count what customers cost and bring: one section per command."""

from datetime import date
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, field_validator

from patron.errors import SettingsError
from patron.settings.section import Section, Source

__all__ = ["CostsSettings", "KpisSettings", "PlansSettings", "TouchpointSettings", "WhatIfSettings"]


class KpisSettings(Section):
    """What `patron kpis` counts, and where it goes.

    Attributes
    ----------
    first, last
        the days that the periods lie within; None takes the first and the last day of the data
    every
        "month", "quarter" or "year"
    active_within_days
        days from a purchase for which a customer is active where there are no contracts
    lead_days
        days within which a lead may become a customer; younger leads are not judged
    acquisition_pools
        pools of the costs that pay for winning customers
    dearer
        by what share a unit must cost more than before to count as up-sell
    years
        how many years the simple lifetime values count that need a number; None for the mean tenure
    scores
        scorecard, as `patron score` writes it, for values beside the costs; or None
    out
        file of the indicators, Parquet or CSV by its ending; or None
    """

    first: date | None = None
    last: date | None = None
    every: Literal["month", "quarter", "year"] = "month"
    active_within_days: int = Field(default=90, ge=1)
    lead_days: int = Field(default=90, ge=1)
    acquisition_pools: tuple[str, ...] = ("acquisition",)
    dearer: float = Field(default=0.10, ge=0)
    years: float | None = Field(default=None, gt=0, le=100)
    scores: Source = None
    out: Path | None = None


class TouchpointSettings(Section):
    """How long one interaction takes; see :class:`patron.economics.costs.journey.Touchpoint`."""

    stage: Literal["reach", "acquisition", "development", "retention", "loyalty"] = "retention"
    base_minutes: float = Field(default=0.0, ge=0)
    minutes_per_unit: float = Field(default=0.0, ge=0)
    extra_minutes: dict[str, float] = Field(default_factory=dict)


class CostsSettings(Section):
    """What `patron costs` counts, and where it goes.

    Attributes
    ----------
    first, last
        the days within which whole months count; None takes those of the ledger
    scores
        scorecard, as `patron score` writes it, or any table of customer_id and value_tier; or None
    active_within_days
        days from a purchase for which a customer is active where there are no contracts
    capacity
        direct pool → practical capacity, minutes a month
    unit_costs
        direct pool → money per unit, where a standard is known
    touchpoints
        touchpoint → its stage and time equation
    out
        folder of the tables; or None
    """

    first: date | None = None
    last: date | None = None
    scores: Source = None
    active_within_days: int = Field(default=90, ge=1)
    capacity: dict[str, float] = Field(default_factory=dict)
    unit_costs: dict[str, float] = Field(default_factory=dict)
    touchpoints: dict[str, TouchpointSettings] = Field(default_factory=dict)
    out: Path | None = None

    @field_validator("capacity", "unit_costs", mode="before")
    @classmethod
    def _read_pairs(cls, given: Any) -> Any:
        """A flag says POOL=NUMBER, and may be repeated."""
        if not isinstance(given, list | tuple):
            return given
        pairs = [str(pair).rpartition("=") for pair in given]
        wrong = [str(pair) for pair, parts in zip(given, pairs, strict=True) if not (parts[0] and parts[2])]
        if wrong:
            raise SettingsError(
                f'{wrong[0]!r} cannot be read. Write POOL=NUMBER, for instance "call centre=9600".'
            )
        return {pool.strip(): number for pool, _, number in pairs}


class PlansSettings(Section):
    """What `patron plans` compares; see :class:`patron.economics.decisions.plans.PlanTerms`.

    Attributes
    ----------
    monthly_price, annual_price
        money; None takes the mean price of the contracts
    years
        until the renewal month at which the plans are compared
    out
        file of the plans, Parquet or CSV by its ending; the cash goes beside it; or None
    """

    monthly_price: float | None = Field(default=None, gt=0)
    annual_price: float | None = Field(default=None, gt=0)
    cost_to_serve: float = Field(default=0.0, ge=0)
    payment_fee: float = Field(default=0.0, ge=0, lt=1)
    failed_payments: float | None = Field(default=None, ge=0, lt=1)
    paused: float = Field(default=0.0, ge=0, lt=1)
    refunded: float = Field(default=0.0, ge=0, le=1)
    selection: float = Field(default=1.0, gt=0)
    fixed_cost: float = Field(default=0.0, ge=0)
    years: int = Field(default=3, ge=1, le=30)
    out: Path | None = None


class WhatIfSettings(Section):
    """What `patron what-if` asks. Points and per cent are settings of their own, so that none is the other.

    Attributes
    ----------
    customers, retention, acquisition, revenue, profit
        of the business today, see
        :class:`patron.economics.decisions.what_if.Business`; `profit` is its margin; None takes them from the
        transactions of the last twelve whole months
    cost, acquisition_cost
        money per customer and year, and per new customer
    retention_points, retention_percent
        more retention: 1 point turns 80 % into 81 %, 1 per cent into 80.8 %
    cost_down, cost_down_percent
        less cost of keeping a customer: money, or per cent
    years
        ahead
    active_within_days
        days from a purchase for which a customer is active where there are no contracts
    out
        file of the paths, Parquet or CSV by its ending; or None
    """

    customers: float | None = Field(default=None, ge=0)
    retention: float | None = Field(default=None, ge=0, le=1)
    acquisition: float | None = Field(default=None, ge=0)
    revenue: float | None = Field(default=None, ge=0)
    profit: float | None = None
    cost: float = Field(default=0.0, ge=0)
    acquisition_cost: float = Field(default=0.0, ge=0)
    retention_points: float | None = None
    retention_percent: float | None = None
    cost_down: float | None = Field(default=None, ge=0)
    cost_down_percent: float | None = Field(default=None, ge=0, le=100)
    years: int = Field(default=7, ge=1, le=100)
    active_within_days: int = Field(default=90, ge=1)
    out: Path | None = None
