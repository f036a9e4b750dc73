"""Scenarios of serving customers differently: what each saves, and what it costs in retention."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from patron import checks
from patron.economics.decisions.rate_changes import Points
from patron.errors import SettingsError, TableError

__all__ = ["Scenario", "automation", "channel_shift", "compare_scenarios", "personalisation"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One way of serving customers differently: its saving and its effect on retention.

    Attributes
    ----------
    name
        what changes
    saving
        money per period; negative if it costs more
    effect
        on retention, in points; `Points(0)` for none, None if unknown
    freed_minutes
        working time per period; a saving once the capacity is reassigned or reduced

    Examples
    --------
    >>> Scenario(name="fewer letters", saving=900.0, effect=Points(-0.2)).effect
    Points(points=-0.2)
    """

    name: str
    saving: float
    effect: Points | None = None
    freed_minutes: float = 0.0


def channel_shift(
    journey: pd.DataFrame, touchpoint: str, *, start: str, to: str, share: float, effect: Points | None = None
) -> Scenario:
    """The scenario of moving a share of the interactions at a touchpoint to another channel.

    Parameters
    ----------
    journey
        touchpoint, channel, events, minutes and cost, as in `RetentionCosts.journey`
    touchpoint
        its name
    start, to
        channels from and to
    share
        of the events of `start`, in [0, 1]
    effect
        on the retention of all customers, in points; None if unknown

    Raises
    ------
    TableError
        a channel of the touchpoint has no events, so the cost of one is unknown
    RangeError
        share is out of range

    Examples
    --------
    >>> journey = pd.DataFrame({"touchpoint": "help", "channel": ["phone", "chat"], "events": [100, 50],
    ...                         "minutes": [800.0, 200.0], "cost": [600.0, 100.0]})
    >>> channel_shift(journey, "help", start="phone", to="chat", share=0.5, effect=Points(0)).saving
    200.0
    """
    checks.share("share", share)
    events, minutes, cost = _use_of(journey, touchpoint, start)
    other_events, other_minutes, other_cost = _use_of(journey, touchpoint, to)
    moved = share * events
    return Scenario(
        name=f"{touchpoint}: {share:.0%} from {start} to {to}",
        saving=moved * (cost / events - other_cost / other_events),
        effect=effect,
        freed_minutes=moved * (minutes / events - other_minutes / other_events),
    )


def automation(
    journey: pd.DataFrame,
    touchpoint: str,
    *,
    share: float,
    cost_per_event: float,
    fixed_cost: float = 0.0,
    effect: Points | None = None,
) -> Scenario:
    """The scenario of turning a share of the interactions at a touchpoint into self-service.

    Parameters
    ----------
    journey
        see `channel_shift`
    touchpoint
        its name
    share
        of its events, in [0, 1]
    cost_per_event
        money per self-service interaction
    fixed_cost
        money per period, of running it
    effect
        on the retention of all customers, in points; None if unknown

    Raises
    ------
    TableError
        the touchpoint has no events
    RangeError
        a number is out of range

    Examples
    --------
    >>> journey = pd.DataFrame({"touchpoint": ["help"], "channel": ["phone"], "events": [100],
    ...                         "minutes": [800.0], "cost": [600.0]})
    >>> automation(journey, "help", share=0.5, cost_per_event=0.1, fixed_cost=95.0, effect=Points(-1)).saving
    200.0
    """
    checks.share("share", share)
    events, minutes, cost = _use_of(journey, touchpoint, None)
    return Scenario(
        name=f"{touchpoint}: {share:.0%} by self-service",
        saving=share * events * (cost / events - cost_per_event) - fixed_cost,
        effect=effect,
        freed_minutes=share * minutes,
    )


def personalisation(*, customers: float, cost_per_customer: float, effect: Points | None = None) -> Scenario:
    """The scenario of personalised treatment, which costs money and may raise retention.

    Parameters
    ----------
    customers
        number of customers treated
    cost_per_customer
        money per period
    effect
        on the retention of all customers, in points; None if unknown

    Examples
    --------
    >>> personalisation(customers=1000, cost_per_customer=1.5, effect=Points(2)).saving
    -1500.0
    """
    return Scenario(
        name=f"personalisation at {cost_per_customer:g} per customer",
        saving=-customers * cost_per_customer,
        effect=effect,
    )


def compare_scenarios(
    scenarios: Sequence[Scenario], *, customers: float, retention: float, value: float
) -> pd.DataFrame:
    """Saving, customers kept or lost, and net of each scenario.

    Parameters
    ----------
    scenarios
        each with its effect on retention
    customers
        number of customers whose retention changes
    retention
        share in [0, 1] of them who stay today
    value
        money per retained customer

    Returns
    -------
    pd.DataFrame
        One row per scenario, best first: scenario, saving, effect_points, customers_kept, value_kept,
        net (money), freed_minutes, break_even_points (the loss of retention that offsets the saving)

    Raises
    ------
    SettingsError
        a scenario has no effect on retention
    RangeError
        a number is out of range

    Examples
    --------
    >>> cheap = Scenario(name="no letters", saving=500.0, effect=Points(-1.0))
    >>> compare_scenarios([cheap], customers=1000, retention=0.8, value=60.0)[["saving", "value_kept", "net"]]
       saving  value_kept    net
    0   500.0      -600.0 -100.0
    """
    unknown = [scenario.name for scenario in scenarios if scenario.effect is None]
    if unknown:
        raise SettingsError(
            f"The effect of scenario {unknown[0]!r} on retention is unknown. Give it in points, Points(0) "
            "for none."
        )
    checks.share("retention", retention, example="80 % as 0.80")
    rows = []
    for scenario in scenarios:
        effect = scenario.effect or Points(0)
        kept = customers * float(effect.of(retention) - retention)
        total = customers * value
        rows.append(
            {
                "scenario": scenario.name,
                "saving": scenario.saving,
                "effect_points": effect.points,
                "customers_kept": kept,
                "value_kept": kept * value,
                "net": scenario.saving + kept * value,
                "freed_minutes": scenario.freed_minutes,
                "break_even_points": -100 * scenario.saving / total if total > 0 else np.nan,
            }
        )
    table = pd.DataFrame(rows)
    return table.sort_values("net", ascending=False, ignore_index=True) if rows else table


def _use_of(journey: pd.DataFrame, touchpoint: str, channel: str | None) -> tuple[float, float, float]:
    """Events, minutes and cost of a touchpoint, in one channel or all."""
    rows = journey[journey["touchpoint"] == touchpoint]
    if channel is not None:
        rows = rows[rows["channel"] == channel]
    events, minutes, cost = (float(rows[name].sum()) for name in ("events", "minutes", "cost"))
    if not events > 0:
        where = "" if channel is None else f" in channel {channel!r}"
        raise TableError(
            f"Touchpoint {touchpoint!r} has no events{where}, so the cost of one is unknown. Check the name "
            "and the months."
        )
    return events, minutes, cost
