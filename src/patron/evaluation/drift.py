"""Drift: population stability, and an early alarm by the purchases since the training.

Neither needs complete outcome windows. `population_stability` compares the distributions of features and
scores with those of the training; `early_alarm` compares purchases since the training with those that BG/NBD
expected.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from patron.arrays import Floats
from patron.checks import at_least
from patron.models.bundle.reference import MISSING, Reference
from patron.models.value.purchases.model import BetaGeoModel

__all__ = ["EarlyAlarm", "early_alarm", "population_stability"]


_EMPTY = 1e-4  # the share that an empty bin counts as: its logarithm would be infinite
_MOST_CUSTOMERS = 20_000  # simulated; more would change the spread of the total by less than it matters
_DRAWS = 200


def population_stability(reference: Reference, rows: pd.DataFrame) -> pd.DataFrame:
    """The population stability index of each column since the training.

    Parameters
    ----------
    reference
        the customers of the training
    rows
        (n_customers, …) the present customers, with the columns of the reference; others are ignored

    Returns
    -------
    pd.DataFrame
        One row per column, the largest shift first: `column`, `psi` (population stability index ≥ 0),
        `missing_then` and `missing_now` (shares), `new_levels` (count of categories that did not occur in
        training) and `share_new` (of the customers with one)

    Notes
    -----
    psi = Σ (now - then) · ln(now / then) over the bins of the column, including one for missing values. By
    convention, 0.1 deserves a look and 0.25 is a different population.

    References
    ----------
    Siddiqi (2006), Credit Risk Scorecards, Wiley, ch. 8. Yurdakul & Naranjo (2020), Journal of Risk Model
    Validation 14(4), 89-100.

    Examples
    --------
    >>> then = pd.DataFrame({"orders": [0.0, 1.0, 2.0, 3.0] * 25})
    >>> population_stability(Reference.learn(then), then)["psi"].item()
    0.0
    >>> bool(population_stability(Reference.learn(then), then + 2)["psi"].item() > 0.25)
    True
    """
    found = []
    for name, before in reference.columns.items():
        if name not in rows.columns:
            continue
        column = rows[name]
        now = before.place(column)
        new = before.new_levels(column)
        found.append(
            {
                "column": name,
                "psi": _psi(np.array(list(before.shares.values())), np.array(list(now.values()))),
                "missing_then": before.shares[MISSING],
                "missing_now": now[MISSING],
                "new_levels": len(new),
                "share_new": float(column.astype("string").isin(new).mean()) if new else 0.0,
            }
        )
    names = ["column", "psi", "missing_then", "missing_now", "new_levels", "share_new"]
    table = pd.DataFrame(found, columns=names)
    return table.sort_values("psi", ascending=False, kind="stable", ignore_index=True)


@dataclass(frozen=True, slots=True)
class EarlyAlarm:
    """Observed and expected purchases since the training, of the customers known then.

    Attributes
    ----------
    days
        since the training
    customers
        known then
    actual, expected
        purchases
    spread
        standard deviation of the total, by chance and by parameter uncertainty
    """

    days: int
    customers: int
    actual: float
    expected: float
    spread: float

    @property
    def ratio(self) -> float:
        """Actual over expected."""
        return self.actual / self.expected if self.expected > 0 else np.nan

    @property
    def z(self) -> float:
        """Standard deviations by which the observed number exceeds the expected one."""
        return (self.actual - self.expected) / self.spread if self.spread > 0 else np.nan

    def is_alarm(self, *, z: float, ratio: float) -> bool:
        """Whether the difference is both significant and large.

        Parameters
        ----------
        z
            standard deviations above which it is significant
        ratio
            share of the expected purchases above which it is large: with many customers any difference is
            significant, and a season alone makes some

        Examples
        --------
        >>> alarm = EarlyAlarm(days=30, customers=1000, actual=70, expected=100.0, spread=8.0)
        >>> alarm.is_alarm(z=3, ratio=0.2)
        True
        """
        return bool(abs(self.z) > z and abs(self.ratio - 1) > ratio)

    def __str__(self) -> str:
        return (
            f"{self.actual:,.0f} purchases in the {self.days} days since the training, "
            f"{self.expected:,.0f} expected ({self.ratio:.2f} times as many, z = {self.z:+.1f})"
        )


def early_alarm(
    model: BetaGeoModel,
    rfm: pd.DataFrame,
    actual: float,
    days: int,
    *,
    level: float = 1.0,
    random_state: int = 0,
) -> EarlyAlarm:
    """Observed against expected purchases since the training, before any outcome window is complete.

    Parameters
    ----------
    model
        the purchase model of the training
    rfm
        one row per customer as of the training: customer_id, frequency, recency and T in days
    actual
        purchases (customer × day) of these customers in the days since
    days
        since the training, ≥ 1
    level
        seasonal index of these days, a factor of the expected purchases
    random_state
        seed of the simulated customers

    Raises
    ------
    RangeError
        days below 1
    TableError, NotFittedError
        as :meth:`patron.models.value.purchases.BetaGeoModel.expected_purchases`

    Examples
    --------
    >>> model = BetaGeoModel.from_params(r=0.243, alpha=30.9, a=0.793, b=2.426)
    >>> rfm = pd.DataFrame({"customer_id": range(400), "frequency": 2, "recency": 200.0, "T": 250.0})
    >>> early_alarm(model, rfm, actual=20, days=60).is_alarm(z=3, ratio=0.2)
    True
    """
    at_least("days", days, 1)
    expected = level * float(model.expected_purchases(rfm, days).sum())
    drawn = rfm
    if len(rfm) > _MOST_CUSTOMERS:
        drawn = rfm.sample(_MOST_CUSTOMERS, random_state=random_state)
    variance = _variance_of_total(model, drawn, days, random_state) * len(rfm) / max(len(drawn), 1)
    return EarlyAlarm(days, len(rfm), float(actual), expected, level * float(np.sqrt(variance)))


def _variance_of_total(model: BetaGeoModel, rfm: pd.DataFrame, days: int, random_state: int) -> float:
    drawn = model.simulate(rfm, days, n_draws=_DRAWS, random_state=random_state)
    return float(np.asarray(drawn, dtype=np.float64).sum(axis=0).var(ddof=1))


def _psi(then: Floats, now: Floats) -> float:
    then, now = np.maximum(then, _EMPTY), np.maximum(now, _EMPTY)
    return float(((now - then) * np.log(now / then)).sum())
