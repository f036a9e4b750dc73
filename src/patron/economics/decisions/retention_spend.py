"""The optimal retention spend per customer and tier.

Spending on retention has diminishing returns: retention(s) = ceiling · (1 - e^(-k·s)). Today's spend and
retention and the ceiling determine k; with the value of a retained customer, k determines the optimal spend.

References
----------
Blattberg & Deighton (1996), Manage marketing by the customer equity test, Harvard Business Review 74(4),
136-144.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.optimize import brentq

from patron.arrays import Floats
from patron.checks import at_least, finite, positive, share
from patron.errors import RangeError, TableError, some

__all__ = ["RetentionCurve", "best_spend"]


_COLUMNS = ("tier", "customers", "spend", "retention", "ceiling", "value")


@dataclass(frozen=True, slots=True, kw_only=True)
class RetentionCurve:
    """Retention as a function of spending.

    Attributes
    ----------
    ceiling
        share in (0, 1] who would stay at any spend
    k
        > 0, per unit of money and customer: how fast retention approaches the ceiling

    Examples
    --------
    >>> curve = RetentionCurve.from_today(spend=10.0, retention=0.40, ceiling=0.80)
    >>> round(curve.k, 5), float(curve.retention(20.0).round(2))
    (0.06931, 0.6)
    """

    ceiling: float
    k: float

    def __post_init__(self) -> None:
        share("RetentionCurve.ceiling", self.ceiling, ends="(]", example="80 % as 0.80")
        positive("RetentionCurve.k", self.k)

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
        positive("spend", spend)
        if not 0 < retention < ceiling <= 1:
            raise RangeError(
                f"retention must lie between 0 and its ceiling, which is at most 1, got {retention!r} and "
                f"{ceiling!r}. Raise the ceiling or check today's retention."
            )
        return cls(ceiling=ceiling, k=float(-np.log1p(-retention / ceiling) / spend))

    def retention(self, spend: npt.ArrayLike) -> Floats:
        """Share who stay at a spend.

        Parameters
        ----------
        spend
            any shape, money per customer
        """
        return -self.ceiling * np.expm1(-self.k * np.asarray(spend, dtype=np.float64))

    def profit(self, spend: npt.ArrayLike, value: float) -> Floats:
        """Profit per customer at a spend: retention times value less spend.

        Parameters
        ----------
        spend
            any shape, money per customer
        value
            money, value of a retained customer
        """
        return self.retention(spend) * value - np.asarray(spend, dtype=np.float64)

    def best_spend(self, value: float, shadow_price: float = 0.0) -> float:
        """The optimal spend per customer.

        Parameters
        ----------
        value
            money, value of a retained customer
        shadow_price
            ≥ 0, what one unit of a scarce budget would earn elsewhere

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
        ceiling (share), value (money per retained customer)
    budget
        money for all customers together; None for no limit

    Returns
    -------
    pd.DataFrame
        One row per tier: the columns given, k, best_spend, best_retention, profit_today, profit_best
        (money, all customers of the tier), and shadow_price (what one more unit of budget would earn; 0 if
        the budget does not bind)

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
    if budget is not None:
        at_least("budget", budget, 0)
    rows = tiers.to_dict("records")
    curves = [
        RetentionCurve.from_today(
            spend=float(row["spend"]), retention=float(row["retention"]), ceiling=float(row["ceiling"])
        )
        for row in rows
    ]
    value = finite("value", tiers["value"])
    n = finite("customers", tiers["customers"], lowest=0)

    def spends(shadow_price: float) -> Floats:
        best = [curve.best_spend(money, shadow_price) for curve, money in zip(curves, value, strict=True)]
        return np.array(best)

    def profits(spent: Floats) -> list[float]:
        pairs = zip(n, curves, spent, value, strict=True)
        return [count * float(curve.profit(spend, money)) for count, curve, spend, money in pairs]

    price = 0.0
    if budget is not None and n @ spends(0.0) > budget:
        steepest = max(c.k * c.ceiling * money for c, money in zip(curves, value, strict=True))
        price = steepest - 1  # at which no spend pays
        if budget > 0:
            price = float(brentq(lambda p: float(n @ spends(p)) - budget, 0.0, price, xtol=1e-12))
    best = spends(price)
    return tiers.assign(
        k=[curve.k for curve in curves],
        best_spend=best,
        best_retention=[float(curve.retention(spend)) for curve, spend in zip(curves, best, strict=True)],
        profit_today=profits(tiers["spend"].to_numpy(dtype=np.float64)),
        profit_best=profits(best),
        shadow_price=price,
    )
