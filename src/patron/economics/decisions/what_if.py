"""What if more customers stayed, or cost less: paths of base, revenue and profit, with intervals.

Every year a share of the base stays and new customers come, as a share of the base. The rate at which
customers stay is not known but estimated, and its draws carry the doubt into every number.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from patron.arrays import Floats
from patron.economics.decisions.rate_changes import Percent, Points
from patron.errors import RangeError
from patron.money import continuous_rate, discount_factor

__all__ = ["Business", "Change", "WhatIf", "doubling_time", "retention_draws", "what_if"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Business:
    """A business in a year. Money in one currency.

    Attributes
    ----------
    customers
        count at the start
    acquisition
        new customers in a year, as a share of those at its start
    revenue
        money per customer and year
    margin
        money per customer and year before the cost of keeping the customer
    cost
        money per customer and year, of keeping the customer
    acquisition_cost
        money per new customer

    Raises
    ------
    RangeError
        a number is negative or not finite; margin alone may be negative

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
            number = getattr(self, name)
            if not 0 <= number < np.inf:
                raise RangeError(f"Business.{name} must be finite and at least 0, got {number!r}.")
        if not np.isfinite(self.margin):
            raise RangeError(f"Business.margin must be finite, got {self.margin!r}.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What is to change.

    Attributes
    ----------
    retention
        in points or in per cent; None for no change
    cost_down
        money per customer and year less, or per cent of today's cost; None for no change

    Raises
    ------
    RangeError
        nothing changes; or the cost changes in points, which says nothing of money

    Examples
    --------
    >>> str(Change(retention=Points(1.0)))
    'retention +1 point'
    """

    retention: Points | Percent | None = None
    cost_down: float | Percent | None = None

    def __post_init__(self) -> None:
        if self.retention is None and self.cost_down is None:
            raise RangeError("nothing changes. Give a change of retention or of the cost, or both.")
        if isinstance(self.cost_down, Points):
            raise RangeError("a cost has no points. Give money per customer, or Percent.")

    def retained(self, rate: Floats) -> Floats:
        """The rates at which customers stay, after the change."""
        return rate if self.retention is None else self.retention.of(rate)

    def cost(self, cost: float) -> float:
        """The cost of keeping a customer, after the change; never below 0."""
        if self.cost_down is None:
            return cost
        if isinstance(self.cost_down, Percent):
            return cost * max(1 - self.cost_down.percent / 100, 0.0)
        return max(cost - self.cost_down, 0.0)

    def __str__(self) -> str:
        said = [] if self.retention is None else [f"retention {self.retention}"]
        if self.cost_down is not None:
            less = self.cost_down
            said.append(
                f"cost down by {less.percent:g} per cent"
                if isinstance(less, Percent)
                else f"cost down by {less:g} a customer"
            )
        return ", ".join(said)


@dataclass(frozen=True, slots=True)
class WhatIf:
    """What a change would do.

    Attributes
    ----------
    paths
        one row per year from 0 and scenario (today, changed, difference): customers, new_customers,
        revenue, profit, each with its mean, `_low` and `_high`; the money of year t is earned between t - 1
        and t
    worth, worth_low, worth_high
        money today of the profits gained over all years
    doubling
        one row per scenario: years until the base has doubled, with low and high; missing where it
        does not grow, with the reason
    """

    paths: pd.DataFrame
    worth: float
    worth_low: float
    worth_high: float
    doubling: pd.DataFrame


def retention_draws(kept: float, lost: float, *, n_draws: int = 1000, random_state: int = 0) -> Floats:
    """Draws of the rate at which customers stay, from how many did.

    Parameters
    ----------
    kept, lost
        customers, count ≥ 0
    n_draws
        how many
    random_state
        seed

    Returns
    -------
    Floats
        (n_draws,) in [0, 1], from Beta(kept + ½, lost + ½), the posterior under Jeffreys' prior

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
        raise RangeError(f"retention needs customers who stayed or left, got {kept!r} and {lost!r}.")
    return np.random.default_rng(random_state).beta(kept + 0.5, lost + 0.5, size=n_draws)


def doubling_time(retention: npt.ArrayLike, acquisition: float) -> Floats:
    """Years until the base has doubled.

    Parameters
    ----------
    retention
        any shape, share in [0, 1] who stay each year
    acquisition
        new customers in a year, as a share of the base

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
    """What a change would do to base, revenue and profit over some years.

    Parameters
    ----------
    business
        today
    retention
        a share in [0, 1] who stay each year, or draws of it, as of `retention_draws` or a fitted
        `RenewalModel`
    change
        of retention, of cost, or of both
    years
        count ≥ 1
    annual_discount_rate
        per year; 10 % is 0.10
    level
        probability in (0, 1) that the intervals hold

    Returns
    -------
    WhatIf

    Raises
    ------
    RangeError
        a number is out of range

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
    if not ((rates >= 0) & (rates <= 1)).all():
        raise RangeError(
            f"retention must be a share in [0, 1], got {rates.min()} to {rates.max()}. Write 80 % as 0.80."
        )
    if not isinstance(years, int | np.integer) or years < 1:
        raise RangeError(f"years must be a whole number of at least 1, got {years!r}.")
    if not 0 < level < 1:
        raise RangeError(f"level must lie between 0 and 1, got {level!r}. Write 80 % as 0.80.")
    today = _paths(business, rates, business.cost, years)
    changed = _paths(business, change.retained(rates), change.cost(business.cost), years)
    difference = {name: changed[name] - today[name] for name in today}
    scenarios = {"today": today, "changed": changed, "difference": difference}
    tails = [(1 - level) / 2, (1 + level) / 2]
    discount = discount_factor(np.arange(years + 1), continuous_rate(annual_discount_rate, "Y"))
    worth = (difference["profit"] * discount).sum(axis=1)
    low, high = np.quantile(worth, tails)
    return WhatIf(
        paths=pd.concat([_tidy(name, path, tails) for name, path in scenarios.items()], ignore_index=True),
        worth=float(worth.mean()),
        worth_low=float(low),
        worth_high=float(high),
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
    if grows.mean() < tails[1]:  # the interval would hold draws that never double
        share = f"{grows.mean():.0%} of the draws grow"
        reason = "the base does not grow" if not grows.any() else f"only {share}"
        return {"scenario": scenario, "years": np.nan, "low": np.nan, "high": np.nan, "reason": reason}
    low, middle, high = np.quantile(years[grows], [tails[0], 0.5, tails[1]])
    return {"scenario": scenario, "years": middle, "low": low, "high": high, "reason": None}
