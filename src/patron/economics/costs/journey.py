"""The customer journey: touchpoints, their stage and time equation, and the capacity and unit cost of pools.

Time-driven activity-based costing needs two inputs that a ledger does not have: the time equation of each
touchpoint (`Touchpoint`), and the practical capacity of each pool in minutes per month (`Journey.capacity`:
paid hours less breaks, training and waiting).

References
----------
Kaplan & Anderson (2004), Time-driven activity-based costing, Harvard Business Review 82(11), 131-138.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import ibis
import ibis.expr.types as ir

from patron.checks import at_least, one_of, positive
from patron.errors import RangeError, SettingsError, some

__all__ = ["QUANTITIES", "STAGES", "Journey", "Touchpoint"]

STAGES = ("reach", "acquisition", "development", "retention", "loyalty")
"""Stages of the customer life cycle that a touchpoint can serve."""

QUANTITIES = ("minutes", "events", "units")
"""Cost drivers measured on interactions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Touchpoint:
    """The time equation of one kind of interaction.

    Attributes
    ----------
    stage
        of the customer life cycle, one of `STAGES`
    base_minutes
        minutes of every interaction
    minutes_per_unit
        additional minutes per unit
    extra_minutes
        outcome → additional minutes

    Raises
    ------
    RangeError
        the stage is unknown, or a number of minutes is negative or not finite

    Examples
    --------
    >>> Touchpoint(base_minutes=4.0, extra_minutes={"complaint": 6.0}).stage
    'retention'
    >>> Touchpoint(base_minutes=-4.0)
    Traceback (most recent call last):
        ...
    patron.errors.RangeError: Touchpoint.base_minutes must be at least 0 minutes, got -4.0.
    """

    stage: str = "retention"
    base_minutes: float = 0.0
    minutes_per_unit: float = 0.0
    extra_minutes: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        one_of("Touchpoint.stage", self.stage, STAGES)
        extras = {f"extra_minutes[{outcome}]": minutes for outcome, minutes in self.extra_minutes.items()}
        given = {"base_minutes": self.base_minutes, "minutes_per_unit": self.minutes_per_unit} | extras
        for name, minutes in given.items():
            at_least(f"Touchpoint.{name}", minutes, 0, "minutes")


@dataclass(frozen=True, slots=True, kw_only=True)
class Journey:
    """The touchpoints of a business, and the capacity and unit cost of its direct pools.

    Attributes
    ----------
    touchpoints
        name → stage and time equation; others belong to retention and take their recorded minutes
    capacity
        direct pool → practical capacity, minutes per month. The rate per minute is the cost of the pool ÷
        capacity; minutes not used are unused capacity, which is charged to no customer
    unit_costs
        direct pool → standard cost per unit. Without one the cost of the pool is spread over the actual
        units

    Raises
    ------
    RangeError
        a capacity is not positive, a unit cost is negative, or a pool has both

    Examples
    --------
    >>> Journey(capacity={"call centre": 9600.0}).stage_of("call")
    'retention'
    """

    touchpoints: Mapping[str, Touchpoint] = field(default_factory=dict)
    capacity: Mapping[str, float] = field(default_factory=dict)
    unit_costs: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for pool, minutes in self.capacity.items():
            positive(f"The capacity of pool {pool!r} in minutes per month", minutes)
            if pool in self.unit_costs:
                raise RangeError(
                    f"Pool {pool!r} has a capacity and a unit cost. Keep the one that drives its cost."
                )
        for pool, money in self.unit_costs.items():
            at_least(f"The unit cost of pool {pool!r}", money, 0)

    def check_pools(self, pools: Sequence[str]) -> None:
        """Raise where a capacity belongs to a pool that the costs do not have.

        Parameters
        ----------
        pools
            names of the pools of the cost ledger

        Raises
        ------
        SettingsError
            a pool is unknown
        """
        for pool in self.capacity:
            if pool not in pools:
                raise SettingsError(f"The costs have no pool {pool!r}, only {some(pools, 20)}.")

    def stage_of(self, touchpoint: str) -> str:
        """The life-cycle stage of a touchpoint.

        Parameters
        ----------
        touchpoint
            its name
        """
        return self.touchpoints.get(touchpoint, Touchpoint()).stage

    def minutes_of(self, interactions: ir.Table) -> ir.NumericValue:
        """The minutes of each interaction: recorded, or by the time equation, or 0.

        Parameters
        ----------
        interactions
            touchpoint, and minutes, units and outcome if recorded

        Returns
        -------
        ir.NumericValue
            column of minutes ≥ 0

        Examples
        --------
        >>> calls = ibis.memtable({"touchpoint": ["call", "call", "visit"],
        ...                        "minutes": [None, 7.5, None],
        ...                        "outcome": ["complaint", "complaint", None]})
        >>> call = Touchpoint(base_minutes=4, extra_minutes={"complaint": 6})
        >>> journey = Journey(touchpoints={"call": call})
        >>> calls.select(minutes=journey.minutes_of(calls)).to_pandas()["minutes"].tolist()
        [10.0, 7.5, 0.0]
        """
        units = interactions.units.fill_null(0.0) if "units" in interactions.columns else ibis.literal(0.0)
        cases = []
        for name, point in self.touchpoints.items():
            minutes = point.base_minutes + units * point.minutes_per_unit
            if point.extra_minutes and "outcome" in interactions.columns:
                extras = [(interactions.outcome == what, more) for what, more in point.extra_minutes.items()]
                minutes = minutes + ibis.cases(*extras, else_=0.0)
            cases.append((interactions.touchpoint == name, minutes.cast("float64")))
        by_equation = ibis.cases(*cases, else_=0.0) if cases else ibis.literal(0.0)
        if "minutes" not in interactions.columns:
            return by_equation
        return interactions.minutes.cast("float64").fill_null(by_equation)

    def without_minutes(self, interactions: ir.Table) -> ir.BooleanValue:
        """Whether an interaction has neither recorded minutes nor a time equation.

        Parameters
        ----------
        interactions
            touchpoint, and minutes if recorded
        """
        unequated = ibis.literal(True)
        if self.touchpoints:
            unequated = interactions.touchpoint.notin(list(self.touchpoints))
        return interactions.minutes.isnull() & unequated if "minutes" in interactions.columns else unequated
