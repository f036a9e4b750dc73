"""Uplift metrics of a ranking by predicted effect: Qini, AUUC, uplift at depth, with bootstrap intervals.

Individual effects are never observed. What can be observed is the mean outcome of treated and of control
customers, so customers are ranked by predicted effect and the two groups are compared among the first k.

===========  ========================================================================  ========  ===========
metric       meaning                                                                   perfect   random
===========  ========================================================================  ========  ===========
qini         area between Qini curve and diagonal, as a share of that of the optimum   1         0
auuc         mean gain per customer over all depths, in the unit of the outcome        –         half uplift
uplift_at_…  mean outcome of treated minus control customers, among the first          –         uplift
uplift       the same for all customers                                                –         uplift
===========  ========================================================================  ========  ===========

The Qini curve at depth k is Y₁(k) - Y₀(k)·n₁(k)/n₀(k): the total outcome of the treated among the first k
customers minus that of the control customers, scaled to the same number. Customers with equal predicted
effects enter together.

References
----------
Radcliffe (2007), Using control groups to target on predicted lift, Direct Marketing Analytics Journal, 14-21.
Devriendt, Van Belle, Guns & Verbeke (2022), Learning to rank for uplift modeling, IEEE TKDE 34(10),
4888-4904 (areas under curves).
"""

from typing import Any

import numpy as np
import pandas as pd
from scipy.special import ndtri

from patron.arrays import Floats
from patron.checks import at_least, share
from patron.errors import InputError

__all__ = ["uplift_by_decile", "uplift_metrics"]


_BATCH_CELLS = 400_000  # weights at a time: small enough for the CPU cache
_TOTAL_CELLS = 6_000_000  # customers × resamples; large trials need fewer resamples
_MIN_DRAWS, _MAX_DRAWS = 100, 1000


def uplift_metrics(
    y: Any,
    treated: Any,
    effect: Any,
    *,
    depth: float = 0.3,
    level: float = 0.95,
    draws: int | None = None,
    random_state: int = 0,
) -> pd.DataFrame:
    """Qini, AUUC and the uplift among the first customers, each with a bootstrap interval.

    Parameters
    ----------
    y
        (n_customers,) observed outcome: 0 or 1, or money
    treated
        (n_customers,) 1 treated, 0 control
    effect
        (n_customers,) predicted effect, or any score that is higher for larger effects
    depth
        share in (0, 1] of the customers for `uplift_at_…`
    level
        confidence level of the intervals, in (0, 1)
    draws
        bootstrap resamples of the customers; None for 1000, fewer (at least 100) above 6,000 customers
    random_state
        random seed

    Returns
    -------
    pd.DataFrame
        One row per metric: `metric` ("qini", "auuc", "uplift_at_30", "uplift" of all customers), `number`,
        `low`, `high`; NaN if it is not defined

    Raises
    ------
    InputError
        lengths differ, a number is missing, or there are no treated or no control customers
    RangeError
        depth, level or draws is out of range

    Notes
    -----
    The optimal order, for qini, has treated customers with the best outcomes first and control customers with
    the best outcomes last. Areas use the trapezoidal rule, as `qini_auc_score` of scikit-uplift.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> treated, effect = rng.random(4000) < 0.5, rng.uniform(-0.2, 0.4, 4000)
    >>> stayed = rng.random(4000) < 0.4 + effect * treated
    >>> found = uplift_metrics(stayed, treated, effect).set_index("metric")
    >>> found.loc["uplift_at_30", "number"].round(2), bool(found.loc["qini", "low"] > 0)
    (np.float64(0.32), True)
    """
    share("depth", depth, ends="(]")
    share("level", level, ends="()", example="95 % as 0.95")
    outcome, treatment, score = _checked(y, treated, effect)
    n = len(outcome)
    if draws is None:
        draws = int(np.clip(_TOTAL_CELLS // n, _MIN_DRAWS, _MAX_DRAWS))
    at_least("draws", draws, 1)
    predicted, optimal = _Ranked(score), _Ranked((2 * treatment - 1) * outcome)
    first = np.argsort(-score, kind="stable")[: max(1, int(n * depth))]
    rng = np.random.default_rng(random_state)
    parts: dict[str, list[Floats]] = {}
    at_a_time = max(1, _BATCH_CELLS // n)
    for start in range(0, draws + 1, at_a_time):
        weights = np.ones((min(at_a_time, draws + 1 - start), n))
        for row in range(int(start == 0), len(weights)):  # the very first row is the original sample
            weights[row] = np.bincount(rng.integers(0, n, n), minlength=n)
        found = {
            "qini": _qini(predicted, optimal, outcome, treatment, weights),
            "auuc": _auuc(predicted, outcome, treatment, weights),
            f"uplift_at_{round(100 * depth)}": _uplift(outcome[first], treatment[first], weights[:, first]),
            "uplift": _uplift(outcome, treatment, weights),
        }
        for name, numbers in found.items():
            parts.setdefault(name, []).append(numbers)
    return pd.DataFrame([_row(name, np.concatenate(numbers), level) for name, numbers in parts.items()])


def uplift_by_decile(
    y: Any, treated: Any, effect: Any, *, bins: int = 10, level: float = 0.95
) -> pd.DataFrame:
    """Predicted and observed effect by bins of the predicted effect, largest first.

    Parameters
    ----------
    y, treated, effect
        as in `uplift_metrics`
    bins
        number of bins of equal size, ≥ 1
    level
        confidence level of the intervals, in (0, 1)

    Returns
    -------
    pd.DataFrame
        One row per bin: `bin` (1, 2, …), `customers`, `treated` (numbers), `expected` (mean predicted
        effect), `mean_treated`, `mean_control` (outcomes), `uplift` (their difference) and its interval
        `low`, `high`; NaN if a group is missing in the bin

    Raises
    ------
    InputError
        as in `uplift_metrics`
    RangeError
        bins is below 1

    Examples
    --------
    >>> table = uplift_by_decile([1, 0, 0, 1], [1, 0, 1, 0], effect=[0.5, 0.5, -0.1, -0.1], bins=2)
    >>> table[["bin", "customers", "expected", "uplift"]]
       bin  customers  expected  uplift
    0    1          2       0.5     1.0
    1    2          2      -0.1    -1.0
    """
    at_least("bins", bins, 1)
    outcome, treatment, score = _checked(y, treated, effect)
    order = np.argsort(-score, kind="stable")
    position = np.empty(len(order), dtype=np.int64)
    position[order] = np.arange(len(order)) * bins // len(order)
    rows = pd.DataFrame({"bin": position + 1, "y": outcome, "treated": treatment, "effect": score})
    table = rows.groupby("bin", as_index=False).agg(
        customers=("y", "size"), treated=("treated", "sum"), expected=("effect", "mean")
    )
    table["treated"] = table["treated"].astype(np.int64)
    arms = [rows[rows["treated"] == arm].groupby("bin")["y"] for arm in (1.0, 0.0)]
    means = [arm.mean().reindex(table["bin"]) for arm in arms]
    squares = sum((arm.var() / arm.size()).reindex(table["bin"]) for arm in arms)
    uplift = means[0] - means[1]
    half = float(ndtri((1 + level) / 2)) * np.sqrt(squares)
    columns = {
        "mean_treated": means[0],
        "mean_control": means[1],
        "uplift": uplift,
        "low": uplift - half,
        "high": uplift + half,
    }
    return table.assign(**{name: column.to_numpy() for name, column in columns.items()})


class _Ranked:
    """Customers in descending order of their score, ties together."""

    def __init__(self, score: Floats) -> None:
        self._order = np.argsort(-score, kind="stable")
        ranked = score[self._order]
        self._ends = np.append(np.flatnonzero(np.diff(ranked)), len(ranked) - 1)

    def curves(self, y: Floats, treated: Floats, weights: Floats) -> tuple[Floats, Floats, Floats]:
        """(n_draws, n_points) each, from (0, 0): cumulative customers, Qini curve and uplift curve."""
        order = self._order
        drawn, treatment = weights[:, order], treated[order]
        n = self._cumulative(drawn)
        drawn_treated = drawn * treatment
        n1, y1 = self._cumulative(drawn_treated), self._cumulative(drawn_treated * y[order])
        y0 = self._cumulative((drawn - drawn_treated) * y[order])
        n0 = n - n1
        mean0 = np.divide(y0, n0, out=np.zeros_like(y0), where=n0 > 0)
        mean1 = np.divide(y1, n1, out=np.zeros_like(y1), where=n1 > 0)
        return n, y1 - mean0 * n1, (mean1 - mean0) * n

    def _cumulative(self, numbers: Floats) -> Floats:
        sums: Floats = np.cumsum(numbers, axis=1)[:, self._ends]
        return np.concatenate([np.zeros((len(sums), 1)), sums], axis=1)


def _qini(predicted: _Ranked, optimal: _Ranked, y: Floats, treated: Floats, weights: Floats) -> Floats:
    areas = []
    for ranked in (predicted, optimal):
        customers, gain, _ = ranked.curves(y, treated, weights)
        diagonal = customers[:, -1] * gain[:, -1] / 2
        areas.append(np.trapezoid(gain, customers, axis=1) - diagonal)
    ratio: Floats = np.divide(areas[0], areas[1], out=np.full(len(weights), np.nan), where=areas[1] > 0)
    return ratio


def _auuc(predicted: _Ranked, y: Floats, treated: Floats, weights: Floats) -> Floats:
    customers, _, gain = predicted.curves(y, treated, weights)
    area: Floats = np.trapezoid(gain, customers, axis=1) / customers[:, -1] ** 2
    return area


def _uplift(y: Floats, treated: Floats, weights: Floats) -> Floats:
    with np.errstate(invalid="ignore", divide="ignore"):
        if_treated = (weights @ (treated * y)) / (weights @ treated)
        if_control = (weights @ ((1 - treated) * y)) / (weights @ (1 - treated))
    difference: Floats = if_treated - if_control
    return difference


def _row(name: str, numbers: Floats, level: float) -> dict[str, Any]:
    """One row of metrics from the value of the original sample, the first, and those of the resamples."""
    resampled = numbers[1:][np.isfinite(numbers[1:])]
    low = high = np.nan
    if np.isfinite(numbers[0]) and len(resampled):
        low, high = np.quantile(resampled, [(1 - level) / 2, (1 + level) / 2])
    return {"metric": name, "number": float(numbers[0]), "low": float(low), "high": float(high)}


def _checked(y: Any, treated: Any, effect: Any) -> tuple[Floats, Floats, Floats]:
    columns: list[Floats] = []
    for name, given in (("y", y), ("treated", treated), ("effect", effect)):
        numbers = pd.Series(given).to_numpy(dtype=np.float64, na_value=np.nan)
        if columns and len(numbers) != len(columns[0]):
            raise InputError(f"{name} has {len(numbers)} customers and y has {len(columns[0])}.")
        if not np.isfinite(numbers).all():
            raise InputError(
                f"{(~np.isfinite(numbers)).sum()} of {len(numbers)} {name} are missing or infinite. "
                "Leave those customers out."
            )
        columns.append(numbers)
    outcome, treatment, score = columns
    if not np.isin(treatment, (0.0, 1.0)).all() or len(np.unique(treatment)) < 2:
        raise InputError(
            "treated must be 1 for some customers and 0 for others: without both there is no uplift."
        )
    return outcome, treatment, score
