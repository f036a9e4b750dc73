"""The settings of the commands that count what customers cost and bring: one section per command."""

from datetime import date
from pathlib import Path
from typing import Literal

from patron.settings.section import Section, Source, setting

__all__ = ["CostsSettings", "KpisSettings", "PlansSettings", "TouchpointSettings", "WhatIfSettings"]


class KpisSettings(Section):
    """What `patron kpis` counts, and where it goes."""

    first: date | None = setting(None, absent="first of the data", example=date(2024, 1, 1), flag="from")
    """First day that counts."""
    last: date | None = setting(None, absent="last of the data", example=date(2024, 12, 31), flag="to")
    """Last day that counts."""
    every: Literal["month", "quarter", "year"] = setting("month")
    """Length of a period."""
    active_within_days: int = setting(90, unit="days", flag="active-within", ge=1)
    """Days a customer counts as active after a purchase if there is no contract."""
    lead_days: int = setting(90, unit="days", ge=1)
    """Days that a lead has to become a customer; younger leads are not counted."""
    acquisition_pools: tuple[str, ...] = setting(("acquisition",))
    """Cost pools that pay for acquiring customers."""
    up_sell_threshold: float = setting(0.10, unit="share", ge=0)
    """Relative increase of the price per unit from which a purchase counts as up-sell."""
    years: float | None = setting(None, unit="years", absent="the mean tenure", example=5, gt=0, le=100)
    """Number of years that the simple lifetime values cover."""
    scores: Source = setting(None, example="scores.parquet", panel="Tables", metavar="SOURCE")
    """Scorecard that patron score wrote, to compare values with costs."""
    out: Path | None = setting(None, example="kpis.csv", panel="Output")
    """File to write; its ending selects Parquet or CSV."""


class TouchpointSettings(Section):
    """How long one interaction takes; see :class:`patron.economics.costs.journey.Touchpoint`."""

    stage: Literal["reach", "acquisition", "development", "retention", "loyalty"] = setting("retention")
    """Stage of the customer's life that it serves."""
    base_minutes: float = setting(0.0, unit="minutes", ge=0)
    """Minutes that every interaction takes."""
    minutes_per_unit: float = setting(0.0, unit="minutes", ge=0)
    """Further minutes that each of its units takes."""
    extra_minutes: dict[str, float] = setting({}, unit="minutes", example={"complaint": 6})
    """Further minutes by outcome."""


class CostsSettings(Section):
    """What `patron costs` counts, and where it goes."""

    first: date | None = setting(None, absent="first of the ledger", example=date(2024, 1, 1), flag="from")
    """First day; only whole months count."""
    last: date | None = setting(None, absent="last of the ledger", example=date(2024, 12, 31), flag="to")
    """Last day; only whole months count."""
    scores: Source = setting(None, example="scores.parquet", panel="Tables", metavar="SOURCE")
    """Scorecard, or any table of customer_id and value_tier."""
    active_within_days: int = setting(90, unit="days", flag="active-within", ge=1)
    """Days a customer counts as active after a purchase if there is no contract."""
    capacity: dict[str, float] = setting(
        {}, unit="minutes", example={"call centre": 9600}, metavar="POOL=MINUTES"
    )
    """Practical capacity of a direct cost pool, in minutes a month."""
    unit_costs: dict[str, float] = setting({}, unit="money", example={"postage": 0.85}, metavar="POOL=MONEY")
    """Standard cost of one unit of a direct cost pool."""
    touchpoints: dict[str, TouchpointSettings] = setting(
        {}, example={"call": {"base_minutes": 4, "extra_minutes": {"complaint": 6}}}
    )
    """Stage and time equation of each touchpoint."""
    out: Path | None = setting(None, example="costs", panel="Output", metavar="DIR")
    """Folder for the tables."""


class PlansSettings(Section):
    """What `patron plans` compares; see `patron.economics.decisions.plan_cash.PlanTerms`."""

    monthly_price: float | None = setting(
        None, unit="money", absent="mean of the contracts", example=9.0, gt=0
    )
    """Price of the monthly plan per month."""
    annual_price: float | None = setting(
        None, unit="money", absent="mean of the contracts", example=90.0, gt=0
    )
    """Price of the annual plan per year."""
    cost_to_serve: float = setting(0.0, unit="money", ge=0)
    """Cost of serving a customer for a month."""
    payment_fee: float = setting(0.0, unit="share", ge=0, lt=1)
    """Share of each payment that the bank keeps."""
    failed_payments: float | None = setting(
        None, unit="share", absent="counted from the contracts", example=0.005, ge=0, lt=1
    )
    """Share of the payments that fail for good."""
    paused: float = setting(0.0, unit="share", ge=0, lt=1)
    """Share of the months in which customers of the monthly plan pause."""
    refunded: float = setting(0.0, unit="share", ge=0, le=1)
    """Share of the unused rest of a year that is refunded to a customer who leaves early."""
    churn_odds_ratio: float = setting(1.0, unit="ratio", gt=0)
    """Churn odds of customers who choose the annual plan, divided by the churn odds of all customers."""
    fixed_cost: float = setting(0.0, unit="money", ge=0)
    """Fixed cost of offering the annual plan."""
    years: int = setting(3, unit="years", ge=1, le=30)
    """Years until the renewal at which the plans are compared."""
    out: Path | None = setting(None, example="plans.csv", panel="Output")
    """File for the plans, with the cash flows next to it; Parquet or CSV by its ending."""


class WhatIfSettings(Section):
    """What `patron what-if` changes in a business; see `patron.economics.decisions.what_if.Business`.

    Points and per cent are separate settings, so that neither is taken for the other.
    """

    customers: float | None = setting(
        None,
        unit="customers",
        absent="counted from the transactions",
        example=1000,
        flag="customers-now",
        metavar="N",
        ge=0,
    )
    """Customers today."""
    retention: float | None = setting(None, unit="share", absent="counted", example=0.80, ge=0, le=1)
    """Share of the customers who stay each year."""
    acquisition: float | None = setting(None, unit="share", absent="counted", example=0.20, ge=0)
    """New customers per year as a share of all customers."""
    revenue: float | None = setting(None, unit="money", absent="counted", example=100.0, ge=0)
    """Revenue per customer and year."""
    profit: float | None = setting(None, unit="money", absent="counted", example=40.0)
    """Margin per customer and year before the cost of keeping the customer."""
    cost: float = setting(0.0, unit="money", ge=0)
    """Cost of keeping a customer for a year."""
    acquisition_cost: float = setting(0.0, unit="money", ge=0)
    """Cost of acquiring a customer."""
    retention_points: float | None = setting(None, unit="points", example=1.0)
    """Increase of retention in points: 1 turns 80 % into 81 %."""
    retention_percent: float | None = setting(None, unit="percent", example=1.0)
    """Increase of retention in per cent: 1 turns 80 % into 80.8 %."""
    cost_down: float | None = setting(None, unit="money", example=2.0, ge=0)
    """Decrease of the cost of keeping a customer for a year."""
    cost_down_percent: float | None = setting(None, unit="percent", example=10.0, ge=0, le=100)
    """Decrease of that cost in per cent."""
    years: int = setting(7, unit="years", ge=1, le=100)
    """Number of years to project."""
    active_within_days: int = setting(90, unit="days", flag="active-within", ge=1)
    """Days a customer counts as active after a purchase if there is no contract."""
    out: Path | None = setting(None, example="paths.csv", panel="Output")
    """File for the yearly paths with their intervals; Parquet or CSV by its ending."""
