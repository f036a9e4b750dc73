"""The journey: what is done for customers, in which stage, how long it takes, and what a minute costs.

Time-driven activity-based costing needs two things that no ledger holds: how long each touchpoint takes
(`Touchpoint`, a base and what comes on top), and how many minutes those who work there can give in a month
(`Journey.capacity`, practical capacity: the hours paid less breaks, training and waiting).

References
----------
Kaplan & Anderson (2004), Time-driven activity-based costing, Harvard Business Review 82(11), 131-138.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import ibis
import ibis.expr.types as ir
import numpy as np

from patron.errors import RangeError

__all__ = ["STAGES", "Journey", "Touchpoint"]

STAGES = ("reach", "acquisition", "development", "retention", "loyalty")
"""The stages of a customer's life that a touchpoint may serve."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Touchpoint:
    """How long one interaction takes: a time equation.

    Attributes
    ----------
    stage
        of the customer's life that it serves, one of `STAGES`
    base_minutes
        what every interaction takes
    minutes_per_unit
        what each of its units takes on top
    extra_minutes
        outcome → minutes on top where it came to that

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
    patron.errors.RangeError: Touchpoint.base_minutes must be a finite number of minutes ≥ 0, got -4.0.
    """

    stage: str = "retention"
    base_minutes: float = 0.0
    minutes_per_unit: float = 0.0
    extra_minutes: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.stage not in STAGES:
            raise RangeError(f"Touchpoint.stage must be one of {', '.join(STAGES)}, got {self.stage!r}.")
        extras = {f"extra_minutes[{outcome}]": minutes for outcome, minutes in self.extra_minutes.items()}
        given = {"base_minutes": self.base_minutes, "minutes_per_unit": self.minutes_per_unit} | extras
        for name, minutes in given.items():
            if not 0 <= minutes < np.inf:
                raise RangeError(
                    f"Touchpoint.{name} must be a finite number of minutes ≥ 0, got {minutes!r}."
                )


@dataclass(frozen=True, slots=True, kw_only=True)
class Journey:
    """The touchpoints of a business, and what the people behind them can do.

    Attributes
    ----------
    touchpoints
        name → its stage and time equation; those not named serve retention and take the minutes
        that are on record
    capacity
        direct pool → practical capacity, minutes a month. Its cost ÷ these minutes is the rate of a
        minute; what nobody asked for is unused capacity and no customer's fault
    unit_costs
        direct pool → money per unit, where a standard is known. Without one the pool is spread over
        the units that there were

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
            if not 0 < minutes < np.inf:
                raise RangeError(
                    f"the practical capacity of pool {pool!r} must be a positive number of minutes a month, "
                    f"got {minutes!r}."
                )
            if pool in self.unit_costs:
                raise RangeError(
                    f"pool {pool!r} has a capacity and a unit cost. Keep the one that causes it."
                )
        for pool, money in self.unit_costs.items():
            if not 0 <= money < np.inf:
                raise RangeError(f"the unit cost of pool {pool!r} must be money ≥ 0, got {money!r}.")

    def stage_of(self, touchpoint: str) -> str:
        """The stage of the customer's life that a touchpoint serves."""
        return self.touchpoints.get(touchpoint, Touchpoint()).stage

    def minutes_of(self, interactions: ir.Table) -> ir.NumericValue:
        """The minutes of each interaction: as recorded, or else by the time equation, or else none.

        Parameters
        ----------
        interactions
            touchpoint, and minutes, units and outcome where they are on record

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

    def says_nothing_of(self, interactions: ir.Table) -> ir.BooleanValue:
        """Whether neither the record nor a time equation says how long each interaction took."""
        unequated = ibis.literal(True)
        if self.touchpoints:
            unequated = interactions.touchpoint.notin(list(self.touchpoints))
        return interactions.minutes.isnull() & unequated if "minutes" in interactions.columns else unequated
