"""How much to spend on keeping customers, and what a saving costs in customers.

Spending on retention has falling returns: retention(s) = ceiling · (1 - e^(-k·s)). Whoever knows what is
spent today, how many stay, and how many would stay at most, knows k, and with the value of a customer who
stays, the best spend.

References
----------
Blattberg & Deighton (1996), Manage marketing by the customer equity test, Harvard Business Review 74(4),
136-144.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.optimize import brentq

from patron.arrays import Floats
from patron.economics.decisions.rate_changes import Points
from patron.errors import RangeError, SettingsError, TableError, some

__all__ = [
    "RetentionCurve",
    "Scenario",
    "automation",
    "best_spend",
    "channel_shift",
    "compare_scenarios",
    "personalisation",
]


_COLUMNS = ("tier", "customers", "spend", "retention", "ceiling", "value")


@dataclass(frozen=True, slots=True, kw_only=True)
class RetentionCurve:
    """How retention answers to spending.

    Attributes
    ----------
    ceiling
        share in (0, 1] who would stay however much were spent
    k
        per unit of money and customer, positive: how fast retention approaches the ceiling

    Raises
    ------
    RangeError
        a number is out of range

    Examples
    --------
    >>> curve = RetentionCurve.from_today(spend=10.0, retention=0.40, ceiling=0.80)
    >>> round(curve.k, 5), float(curve.retention(20.0).round(2))
    (0.06931, 0.6)
    """

    ceiling: float
    k: float

    def __post_init__(self) -> None:
        if not 0 < self.ceiling <= 1:
            raise RangeError(f"the ceiling of retention must be a share in (0, 1], got {self.ceiling!r}.")
        if not 0 < self.k < np.inf:
            raise RangeError(f"k must be positive and finite, got {self.k!r}.")

    @classmethod
    def from_today(cls, *, spend: float, retention: float, ceiling: float) -> Self:
        """The curve through today's point.

        Parameters
        ----------
        spend
            money per customer and period, positive
        retention
            share who stay at that spend, between 0 and the ceiling
        ceiling
            share who would stay at most

        Raises
        ------
        RangeError
            a number is out of range, so that no curve passes through the point
        """
        if not 0 < spend < np.inf:
            raise RangeError(
                f"today's spend must be positive, got {spend!r}: without spending nothing tells what it does."
            )
        if not 0 < retention < ceiling <= 1:
            raise RangeError(
                f"retention must lie between 0 and its ceiling, which is at most 1, got {retention!r} and "
                f"{ceiling!r}. Raise the ceiling or check today's retention."
            )
        return cls(ceiling=ceiling, k=float(-np.log1p(-retention / ceiling) / spend))

    def retention(self, spend: npt.ArrayLike) -> Floats:
        """Share who stay at a spend, money per customer, any shape."""
        return -self.ceiling * np.expm1(-self.k * np.asarray(spend, dtype=np.float64))

    def profit(self, spend: npt.ArrayLike, value: float) -> Floats:
        """Retention times value less spend, per customer, any shape."""
        return self.retention(spend) * value - np.asarray(spend, dtype=np.float64)

    def best_spend(self, value: float, shadow_price: float = 0.0) -> float:
        """The spend per customer that earns most.

        Parameters
        ----------
        value
            money, what a customer who stays is worth
        shadow_price
            what one unit of a scarce budget would earn elsewhere, at least 0

        Returns
        -------
        float
            money: ln(k · ceiling · value / (1 + shadow price)) / k, and 0 where that is negative

        Examples
        --------
        >>> curve = RetentionCurve(ceiling=0.8, k=0.05)
        >>> round(curve.best_spend(200.0), 2), curve.best_spend(20.0)
        (41.59, 0.0)
        """
        steep = self.k * self.ceiling * value / (1 + shadow_price)
        return float(np.log(steep) / self.k) if steep > 1 else 0.0


def best_spend(tiers: pd.DataFrame, budget: float | None = None) -> pd.DataFrame:
    """The spend per customer of each tier that maximises Σ customers · (retention(spend) · value - spend).

    Parameters
    ----------
    tiers
        one row per tier: tier, customers (count), spend and retention (today: money per customer, share),
        ceiling (share), value (money that a customer who stays is worth)
    budget
        money for all customers together; None for no limit

    Returns
    -------
    pd.DataFrame
        One row per tier: the columns given, k, best_spend, best_retention, profit_today, profit_best
        (money, all customers of the tier), and shadow_price: what one more unit of budget would earn; 0 where
        the budget does not bind

    Raises
    ------
    TableError
        a column is missing or there is no tier
    RangeError
        a number is out of range

    Examples
    --------
    >>> tiers = pd.DataFrame({"tier": ["vip", "low"], "customers": [100, 900], "spend": [20.0, 5.0],
    ...                       "retention": [0.7, 0.5], "ceiling": [0.9, 0.7], "value": [300.0, 40.0]})
    >>> best_spend(tiers)[["tier", "best_spend", "best_retention"]].round(2)
      tier  best_spend  best_retention
    0  vip       40.04            0.86
    1  low        7.78            0.60
    >>> round(float((best_spend(tiers, 5000.0).best_spend * tiers.customers).sum()), 2)
    5000.0
    """
    missing = [name for name in _COLUMNS if name not in tiers.columns]
    if missing or tiers.empty:
        raise TableError(
            f"the table of tiers lacks {some(missing)}." if missing else "the table of tiers has no row."
        )
    if budget is not None and not 0 <= budget < np.inf:
        raise RangeError(f"budget must be finite money of at least 0, got {budget!r}.")
    rows = tiers.to_dict("records")
    curves = [
        RetentionCurve.from_today(
            spend=float(row["spend"]), retention=float(row["retention"]), ceiling=float(row["ceiling"])
        )
        for row in rows
    ]
    value = tiers["value"].to_numpy(dtype=np.float64)
    n = tiers["customers"].to_numpy(dtype=np.float64)
    if not ((n >= 0).all() and np.isfinite(value).all()):
        raise RangeError("customers must be counts of at least 0 and values finite money in every tier.")

    def spends(shadow_price: float) -> Floats:
        best = [curve.best_spend(worth, shadow_price) for curve, worth in zip(curves, value, strict=True)]
        return np.array(best)

    price = 0.0
    if budget is not None and n @ spends(0.0) > budget:
        steepest = max(c.k * c.ceiling * worth for c, worth in zip(curves, value, strict=True))
        price = steepest - 1  # at which nobody is worth a cent
        if budget > 0:
            price = float(brentq(lambda p: float(n @ spends(p)) - budget, 0.0, price, xtol=1e-12))
    best = spends(price)
    today = tiers["spend"].to_numpy(dtype=np.float64)
    return tiers.assign(
        k=[curve.k for curve in curves],
        best_spend=best,
        best_retention=[float(curve.retention(spend)) for curve, spend in zip(curves, best, strict=True)],
        profit_today=[
            count * float(curve.profit(spend, worth))
            for count, curve, spend, worth in zip(n, curves, today, value, strict=True)
        ],
        profit_best=[
            count * float(curve.profit(spend, worth))
            for count, curve, spend, worth in zip(n, curves, best, value, strict=True)
        ],
        shadow_price=price,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """A way to serve customers otherwise: what it saves, and what it does to retention.

    Attributes
    ----------
    name
        what is done
    saving
        money a period; negative where it costs more
    effect
        on retention, in points; `Points(0)` says that there is none, None that nobody knows
    freed_minutes
        of working time a period; a saving once the capacity is used otherwise or given up

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
    """A share of the interactions at a touchpoint moves to another channel.

    Parameters
    ----------
    journey
        touchpoint, channel, events, minutes and cost, as `RetentionCosts.journey` has them
    touchpoint
        which
    start, to
        from which channel to which
    share
        of the events of `start`, in [0, 1]
    effect
        on the retention of all, in points

    Raises
    ------
    TableError
        a channel of the touchpoint has no events, so that nothing tells what one costs
    RangeError
        share is out of range

    Examples
    --------
    >>> journey = pd.DataFrame({"touchpoint": "help", "channel": ["phone", "chat"], "events": [100, 50],
    ...                         "minutes": [800.0, 200.0], "cost": [600.0, 100.0]})
    >>> channel_shift(journey, "help", start="phone", to="chat", share=0.5, effect=Points(0)).saving
    200.0
    """
    _check_share(share)
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
    """A share of the interactions at a touchpoint becomes self-service.

    Parameters
    ----------
    journey
        see `channel_shift`
    touchpoint
        which
    share
        of its events, in [0, 1]
    cost_per_event
        money, of one in self-service
    fixed_cost
        money a period, of running it
    effect
        on the retention of all, in points

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
    _check_share(share)
    events, minutes, cost = _use_of(journey, touchpoint, None)
    return Scenario(
        name=f"{touchpoint}: {share:.0%} by self-service",
        saving=share * events * (cost / events - cost_per_event) - fixed_cost,
        effect=effect,
        freed_minutes=share * minutes,
    )


def personalisation(*, customers: float, cost_per_customer: float, effect: Points | None = None) -> Scenario:
    """Customers are treated by what is known of them, which costs money and shall keep more of them.

    Examples
    --------
    >>> personalisation(customers=1000, cost_per_customer=1.5, effect=Points(2)).saving
    -1500.0
    """
    return Scenario(
        name=f"personalisation at {cost_per_customer:g} a customer",
        saving=-customers * cost_per_customer,
        effect=effect,
    )


def compare_scenarios(
    scenarios: Sequence[Scenario], *, customers: float, retention: float, value: float
) -> pd.DataFrame:
    """What each scenario saves, whom it keeps or loses, and what is left.

    Parameters
    ----------
    scenarios
        each with its effect on retention
    customers
        count whose retention changes
    retention
        share of them who stay today, in [0, 1]
    value
        money that a customer who stays is worth

    Returns
    -------
    pd.DataFrame
        One row per scenario, best first: scenario, saving, effect_points, customers_kept, value_kept,
        net (money), freed_minutes, break_even_points: the loss of retention that eats the saving up

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
            f"scenario {unknown[0]!r} compares costs alone. Give its effect on retention in points; "
            "Points(0) says that there is none."
        )
    if not 0 <= retention <= 1:
        raise RangeError(f"retention must be a share in [0, 1], got {retention!r}. Write 80 % as 0.80.")
    rows = []
    for scenario in scenarios:
        effect = scenario.effect or Points(0)
        kept = customers * float(effect.of(retention) - retention)
        worth = customers * value
        rows.append(
            {
                "scenario": scenario.name,
                "saving": scenario.saving,
                "effect_points": effect.points,
                "customers_kept": kept,
                "value_kept": kept * value,
                "net": scenario.saving + kept * value,
                "freed_minutes": scenario.freed_minutes,
                "break_even_points": -100 * scenario.saving / worth if worth > 0 else np.nan,
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
            f"touchpoint {touchpoint!r} has no events{where}, so that nothing tells what one costs. Check "
            "the name and the months."
        )
    return events, minutes, cost


def _check_share(share: float) -> None:
    if not 0 <= share <= 1:
        raise RangeError(f"share must lie in [0, 1], got {share!r}. Write 30 % as 0.30.")
