"""What-if analysis of retention and retention cost: paths of customers, revenue and profit, with intervals.

Every year a share of the customers stays and new customers arrive, as a share of the base. Retention is
estimated, and its posterior draws carry the uncertainty into every number.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from patron.arrays import Floats
from patron.checks import at_least, finite, share, whole_number
from patron.economics.decisions.rate_changes import Percent, Points
from patron.errors import RangeError, SettingsError
from patron.money import continuous_rate, discount_factor

__all__ = ["Business", "Change", "WhatIf", "doubling_time", "retention_draws", "what_if"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Business:
    """Annual figures of a business. Money in one currency.

    Attributes
    ----------
    customers
        number at the start
    acquisition
        new customers per year, as a share of the customers at its start
    revenue
        money per customer and year
    margin
        money per customer and year, before retention cost
    cost
        retention cost, money per customer and year
    acquisition_cost
        money per new customer

    Raises
    ------
    RangeError
        a number is not finite, or a number other than margin is negative

    Examples
    --------
    >>> Business(customers=1000, acquisition=0.2, revenue=100.0, margin=40.0).cost
    0.0
    """

    customers: float
    acquisition: float
    revenue: float
    margin: float
    cost: float = 0.0
    acquisition_cost: float = 0.0

    def __post_init__(self) -> None:
        for name in ("customers", "acquisition", "revenue", "cost", "acquisition_cost"):
            at_least(f"Business.{name}", getattr(self, name), 0)
        finite("Business.margin", self.margin)


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A change of retention, of retention cost, or of both.

    Attributes
    ----------
    retention
        in points or per cent; None for no change
    cost_down
        reduction, money per customer and year or per cent of today's cost; None for no change

    Raises
    ------
    RangeError
        nothing changes, or the cost changes in points

    Examples
    --------
    >>> str(Change(retention=Points(1.0)))
    'retention +1 point'
    """

    retention: Points | Percent | None = None
    cost_down: float | Percent | None = None

    def __post_init__(self) -> None:
        if self.retention is None and self.cost_down is None:
            raise RangeError("Nothing changes. Give a change of retention, of the cost, or of both.")
        if isinstance(self.cost_down, Points):
            raise RangeError("A cost cannot change in points. Give money per customer, or Percent.")

    @classmethod
    def of(
        cls,
        *,
        retention_points: float | None = None,
        retention_percent: float | None = None,
        cost_down: float | None = None,
        cost_down_percent: float | None = None,
    ) -> Self:
        """The change given by plain numbers.

        Parameters
        ----------
        retention_points, retention_percent
            change of retention; at most one of the two
        cost_down, cost_down_percent
            reduction of the retention cost; at most one of the two

        Raises
        ------
        SettingsError
            both of a pair are given, or nothing

        Examples
        --------
        >>> str(Change.of(retention_points=1.0, cost_down_percent=5.0))
        'retention +1 point, cost down by 5 per cent'
        """
        pairs = {
            "retention_points": (retention_points, "retention_percent", retention_percent),
            "cost_down": (cost_down, "cost_down_percent", cost_down_percent),
        }
        for one, (first, other, second) in pairs.items():
            if first is not None and second is not None:
                raise SettingsError(f"{one} and {other} change the same figure. Give one of them.")
        retention = None if retention_points is None else Points(retention_points)
        by_percent = None if retention_percent is None else Percent(retention_percent)
        cost = cost_down if cost_down_percent is None else Percent(cost_down_percent)
        if (retention or by_percent or cost) is None:
            raise SettingsError(
                "what-if needs a change: --retention-points, --retention-percent, --cost-down or "
                "--cost-down-percent."
            )
        return cls(retention=retention or by_percent, cost_down=cost)

    def retained(self, rate: Floats) -> Floats:
        """Retention after the change.

        Parameters
        ----------
        rate
            any shape, retention today, in [0, 1]
        """
        return rate if self.retention is None else self.retention.of(rate)

    def cost(self, cost: float) -> float:
        """Retention cost after the change, at least 0.

        Parameters
        ----------
        cost
            money per customer and year today
        """
        if self.cost_down is None:
            return cost
        if isinstance(self.cost_down, Percent):
            return cost * max(1 - self.cost_down.percent / 100, 0.0)
        return max(cost - self.cost_down, 0.0)

    def check_cost(self, cost: float) -> None:
        """Raise where a cost cannot fall as much as the change asks.

        Parameters
        ----------
        cost
            money per customer and year today

        Raises
        ------
        SettingsError
            the cost would fall below 0
        """
        if self.cost_down is None:
            return
        is_percent = isinstance(self.cost_down, Percent)
        fall = self.cost_down.percent if isinstance(self.cost_down, Percent) else self.cost_down
        if (cost == 0 and fall) or (not is_percent and fall > cost):
            raise SettingsError(
                f"Keeping a customer costs {cost:,.2f} a year, which cannot fall by {fall:g}. Give the cost "
                "with --cost, or a smaller fall."
            )

    def __str__(self) -> str:
        parts = [] if self.retention is None else [f"retention {self.retention}"]
        if self.cost_down is not None:
            less = self.cost_down
            parts.append(
                f"cost down by {less.percent:g} per cent"
                if isinstance(less, Percent)
                else f"cost down by {less:g} per customer"
            )
        return ", ".join(parts)


@dataclass(frozen=True, slots=True)
class WhatIf:
    """The effect of a change.

    Attributes
    ----------
    paths
        one row per year from 0 and scenario (today, changed, difference): customers, new_customers,
        revenue, profit, each as mean, `_low` and `_high`; the money of year t is earned between t - 1 and t
    present_value, present_value_low, present_value_high
        money, present value of the profit gained over all years
    doubling
        one row per scenario: years until the base has doubled, low, high, and reason if it does not grow
    """

    paths: pd.DataFrame
    present_value: float
    present_value_low: float
    present_value_high: float
    doubling: pd.DataFrame


def retention_draws(kept: float, lost: float, *, n_draws: int = 1000, random_state: int = 0) -> Floats:
    """Posterior draws of retention, from the customers who stayed and left.

    Parameters
    ----------
    kept, lost
        customers, ≥ 0
    n_draws
        number of draws
    random_state
        seed

    Returns
    -------
    Floats
        (n_draws,) in [0, 1], from Beta(kept + ½, lost + ½), the posterior under the Jeffreys prior

    Raises
    ------
    RangeError
        a count is negative, or both are 0

    Examples
    --------
    >>> retention_draws(800, 200).mean().round(2)
    np.float64(0.8)
    """
    if not (kept >= 0 and lost >= 0 and kept + lost > 0):
        raise RangeError(f"kept and lost must be at least 0 and not both 0, got {kept!r} and {lost!r}.")
    return np.random.default_rng(random_state).beta(kept + 0.5, lost + 0.5, size=n_draws)


def doubling_time(retention: npt.ArrayLike, acquisition: float) -> Floats:
    """Years until the customer base has doubled.

    Parameters
    ----------
    retention
        any shape, in [0, 1], per year
    acquisition
        new customers per year, as a share of the base

    Returns
    -------
    Floats
        the shape of `retention`, years: ln 2 / ln(retention + acquisition); NaN where the base does not grow

    Examples
    --------
    >>> doubling_time([0.9, 0.8], 0.2).round(1)
    array([7.3, nan])
    """
    growth = np.asarray(retention, dtype=np.float64) + acquisition
    grows = growth > 1 + 1e-12
    return np.where(grows, np.log(2) / np.log(np.where(grows, growth, 2.0)), np.nan)


def what_if(
    business: Business,
    retention: npt.ArrayLike,
    change: Change,
    *,
    years: int = 7,
    annual_discount_rate: float = 0.10,
    level: float = 0.8,
) -> WhatIf:
    """Customers, revenue and profit over some years, today and after a change.

    Parameters
    ----------
    business
        annual figures of today
    retention
        in [0, 1] per year, or draws of it, from `retention_draws` or a fitted `RenewalModel`
    change
        of retention, of cost, or of both
    years
        ≥ 1
    annual_discount_rate
        per year; 10 % is 0.10
    level
        in (0, 1), probability of the intervals

    Returns
    -------
    WhatIf

    Examples
    --------
    >>> business = Business(customers=1000, acquisition=0.2, revenue=100.0, margin=40.0)
    >>> found = what_if(business, 0.8, Change(retention=Points(10.0)))
    >>> ends = found.paths.query("year == 7").set_index("scenario")["customers"].round()
    >>> ends.to_dict()
    {'today': 1000.0, 'changed': 1949.0, 'difference': 949.0}
    >>> found.doubling[["scenario", "years"]].round(1).values.tolist()
    [['today', nan], ['changed', 7.3]]
    """
    rates = np.atleast_1d(np.asarray(retention, dtype=np.float64))
    for rate in (rates.min(), rates.max()):  # NaN is both
        share("retention", float(rate), example="80 % as 0.80")
    years = whole_number("years", years, 1)
    share("level", level, ends="()", example="80 % as 0.80")
    today = _paths(business, rates, business.cost, years)
    changed = _paths(business, change.retained(rates), change.cost(business.cost), years)
    difference = {name: changed[name] - today[name] for name in today}
    scenarios = {"today": today, "changed": changed, "difference": difference}
    tails = [(1 - level) / 2, (1 + level) / 2]
    discount = discount_factor(np.arange(years + 1), continuous_rate(annual_discount_rate, "Y"))
    gained = (difference["profit"] * discount).sum(axis=1)
    low, high = np.quantile(gained, tails)
    return WhatIf(
        paths=pd.concat([_tidy(name, path, tails) for name, path in scenarios.items()], ignore_index=True),
        present_value=float(gained.mean()),
        present_value_low=float(low),
        present_value_high=float(high),
        doubling=pd.DataFrame(
            [
                _doubling(name, doubling_time(kept, business.acquisition), tails)
                for name, kept in (("today", rates), ("changed", change.retained(rates)))
            ]
        ),
    )


def _paths(business: Business, rates: Floats, cost: float, years: int) -> dict[str, Floats]:
    """(n_draws, years + 1) each; customers are counted at the end of each year."""
    growth = (rates + business.acquisition)[:, None]
    customers = business.customers * growth ** np.arange(years + 1)
    new = np.zeros_like(customers)
    new[:, 1:] = business.acquisition * customers[:, :-1]
    served = np.zeros_like(customers)
    served[:, 1:] = (customers[:, :-1] + customers[:, 1:]) / 2
    profit = served * (business.margin - cost) - new * business.acquisition_cost
    return {
        "customers": customers,
        "new_customers": new,
        "revenue": served * business.revenue,
        "profit": profit,
    }


def _tidy(scenario: str, paths: dict[str, Floats], tails: list[float]) -> pd.DataFrame:
    years = next(iter(paths.values())).shape[1]
    table = pd.DataFrame({"year": np.arange(years), "scenario": scenario})
    for name, path in paths.items():
        low, high = np.quantile(path, tails, axis=0)
        table[name], table[f"{name}_low"], table[f"{name}_high"] = path.mean(axis=0), low, high
    return table


def _doubling(scenario: str, years: Floats, tails: list[float]) -> dict[str, object]:
    grows = np.isfinite(years)
    if grows.mean() < tails[1]:  # the interval would contain draws that never double
        share = f"{grows.mean():.0%} of the draws grow"
        reason = "the base does not grow" if not grows.any() else f"only {share}"
        return {"scenario": scenario, "years": np.nan, "low": np.nan, "high": np.nan, "reason": reason}
    low, middle, high = np.quantile(years[grows], [tails[0], 0.5, tails[1]])
    return {"scenario": scenario, "years": middle, "low": low, "high": high, "reason": None}
