"""How good a ranking of customers by their effect is: Qini, AUUC, uplift by depth, with bootstrap intervals.

Nobody's own effect is ever seen. What can be seen is what a group did with contact and what one like it did
without; so customers are ranked by their effect, and the two are compared among the first ones, the more and
more.

===========  ========================================================================  ========  ===========
number       what it says                                                              perfect   guess
===========  ========================================================================  ========  ===========
qini         area between Qini curve and straight line, as a share of a perfect one's  1         0
auuc         mean gain per customer over all depths, in the unit of the outcome        –         half uplift
uplift_at_…  outcome of those contacted less that of the others, among the first       –         uplift
uplift       the same, of all                                                          –         uplift
===========  ========================================================================  ========  ===========

The Qini curve at depth k is Y₁(k) - Y₀(k)·n₁(k)/n₀(k): with the first k customers, the outcomes of those
contacted less those of the others, scaled to as many. Customers with one and the same effect are taken
together.

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
from patron.errors import InputError, RangeError

__all__ = ["qini_curve", "uplift_by_decile", "uplift_metrics"]


_CELLS = 400_000  # weights at a time: small enough for the processor's own memory
_WORK = 6_000_000  # customers × resamples; large trials need fewer
_FEWEST, _MOST = 100, 1000


def qini_curve(y: Any, treated: Any, effect: Any) -> pd.DataFrame:
    """What contacting the customers with the largest effects first would have gained.

    Parameters
    ----------
    y
        (n_customers,) what happened: 0 or 1, or money
    treated
        (n_customers,) 1 contacted, 0 not
    effect
        (n_customers,) any number, higher for whom contact helps more

    Returns
    -------
    pd.DataFrame
        One row per distinct effect, from the highest, after a first row of zeros: `customers` (count so far),
        `gained` (in the unit of the outcome, over those contacted so far) and `by_chance` (what a random
        order would have gained)

    Raises
    ------
    InputError
        lengths differ, a number is missing, or one of the two groups is empty

    Examples
    --------
    >>> qini_curve([1, 0, 0, 1], [1, 0, 1, 0], effect=[0.5, 0.5, -0.1, -0.1])
       customers  gained  by_chance
    0        0.0     0.0        0.0
    1        2.0     1.0        0.0
    2        4.0     0.0        0.0
    """
    outcome, contacted, score = _checked(y, treated, effect)
    ranked = _Ranked(score)
    customers, gained, _ = ranked.curves(outcome, contacted, np.ones((1, len(outcome))))
    by_chance = gained[0, -1] * customers[0] / customers[0, -1]
    return pd.DataFrame({"customers": customers[0], "gained": gained[0], "by_chance": by_chance})


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
    y, treated, effect
        as `qini_curve`
    depth
        share in (0, 1] of the customers that `uplift_at_…` looks at
    level
        probability in (0, 1) that the intervals hold
    draws
        resamples of the customers; None takes 1000, and fewer (at least 100) from 6,000 customers on
    random_state
        seed

    Returns
    -------
    pd.DataFrame
        One row per number: `metric` ("qini", "auuc", "uplift_at_30", "uplift" of all customers), `number`,
        `low`, `high`; NaN where it is not defined

    Raises
    ------
    InputError
        as `qini_curve`
    RangeError
        depth, level or draws is out of range

    Notes
    -----
    A perfect order, for qini, has those contacted with the best outcomes first and the others with the best
    outcomes last. Areas are by the trapezoid rule, as in scikit-uplift, whose `qini_auc_score` this is.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> contacted, effect = rng.random(4000) < 0.5, rng.uniform(-0.2, 0.4, 4000)
    >>> stayed = rng.random(4000) < 0.4 + effect * contacted
    >>> found = uplift_metrics(stayed, contacted, effect).set_index("metric")
    >>> found.loc["uplift_at_30", "number"].round(2), bool(found.loc["qini", "low"] > 0)
    (np.float64(0.32), True)
    """
    if not 0 < depth <= 1:
        raise RangeError(f"depth must be a share in (0, 1], got {depth!r}. Write 30 % as 0.3.")
    if not 0 < level < 1:
        raise RangeError(f"level must lie between 0 and 1, got {level!r}. Write 95 % as 0.95.")
    outcome, contacted, score = _checked(y, treated, effect)
    n = len(outcome)
    if draws is None:
        draws = int(np.clip(_WORK // n, _FEWEST, _MOST))
    if draws < 1:
        raise RangeError(f"draws must be at least 1, got {draws!r}.")
    said, best = _Ranked(score), _Ranked((2 * contacted - 1) * outcome)
    first = np.argsort(-score, kind="stable")[: max(1, int(n * depth))]
    rng = np.random.default_rng(random_state)
    parts: dict[str, list[Floats]] = {}
    at_a_time = max(1, _CELLS // n)
    for start in range(0, draws + 1, at_a_time):
        weights = np.ones((min(at_a_time, draws + 1 - start), n))
        for row in range(int(start == 0), len(weights)):  # the very first row is everybody once
            weights[row] = np.bincount(rng.integers(0, n, n), minlength=n)
        found = {
            "qini": _qini(said, best, outcome, contacted, weights),
            "auuc": _auuc(said, outcome, contacted, weights),
            f"uplift_at_{round(100 * depth)}": _uplift(outcome[first], contacted[first], weights[:, first]),
            "uplift": _uplift(outcome, contacted, weights),
        }
        for name, numbers in found.items():
            parts.setdefault(name, []).append(numbers)
    return pd.DataFrame([_row(name, np.concatenate(numbers), level) for name, numbers in parts.items()])


def uplift_by_decile(
    y: Any, treated: Any, effect: Any, *, bins: int = 10, level: float = 0.95
) -> pd.DataFrame:
    """The effect that was expected beside the one that was seen, from those with the largest to the smallest.

    Parameters
    ----------
    y, treated, effect
        as `qini_curve`
    bins
        slices of equally many customers, ≥ 1
    level
        probability in (0, 1) that the intervals hold

    Returns
    -------
    pd.DataFrame
        One row per slice: `bin` (1, 2, …), `customers`, `contacted` (counts), `expected` (mean effect),
        `with_contact`, `without` (mean outcomes), `uplift` (their difference) and its interval `low`, `high`;
        NaN where a slice holds nobody of a group

    Raises
    ------
    InputError
        as `qini_curve`
    RangeError
        bins below 1

    Examples
    --------
    >>> table = uplift_by_decile([1, 0, 0, 1], [1, 0, 1, 0], effect=[0.5, 0.5, -0.1, -0.1], bins=2)
    >>> table[["bin", "customers", "expected", "uplift"]]
       bin  customers  expected  uplift
    0    1          2       0.5     1.0
    1    2          2      -0.1    -1.0
    """
    if bins < 1:
        raise RangeError(f"bins must be at least 1, got {bins!r}.")
    outcome, contacted, score = _checked(y, treated, effect)
    order = np.argsort(-score, kind="stable")
    slices = np.empty(len(order), dtype=np.int64)
    slices[order] = np.arange(len(order)) * bins // len(order)
    rows = pd.DataFrame({"bin": slices + 1, "y": outcome, "contacted": contacted, "effect": score})
    table = rows.groupby("bin", as_index=False).agg(
        customers=("y", "size"), contacted=("contacted", "sum"), expected=("effect", "mean")
    )
    table["contacted"] = table["contacted"].astype(np.int64)
    arms = [rows[rows["contacted"] == arm].groupby("bin")["y"] for arm in (1.0, 0.0)]
    means = [arm.mean().reindex(table["bin"]) for arm in arms]
    squares = sum((arm.var() / arm.size()).reindex(table["bin"]) for arm in arms)
    uplift = means[0] - means[1]
    half = float(ndtri((1 + level) / 2)) * np.sqrt(squares)
    columns = {
        "with_contact": means[0],
        "without": means[1],
        "uplift": uplift,
        "low": uplift - half,
        "high": uplift + half,
    }
    return table.assign(**{name: column.to_numpy() for name, column in columns.items()})


class _Ranked:
    """Customers from the highest score, those of one score together."""

    def __init__(self, score: Floats) -> None:
        self._order = np.argsort(-score, kind="stable")
        ranked = score[self._order]
        self._ends = np.append(np.flatnonzero(np.diff(ranked)), len(ranked) - 1)

    def curves(self, y: Floats, treated: Floats, weights: Floats) -> tuple[Floats, Floats, Floats]:
        """(n_draws, n_points) each, from (0, 0): customers so far, the Qini curve and the uplift curve."""
        order = self._order
        drawn, contacted = weights[:, order], treated[order]
        n = self._so_far(drawn)
        with_contact = drawn * contacted
        n1, y1 = self._so_far(with_contact), self._so_far(with_contact * y[order])
        y0 = self._so_far((drawn - with_contact) * y[order])
        n0 = n - n1
        mean0 = np.divide(y0, n0, out=np.zeros_like(y0), where=n0 > 0)
        mean1 = np.divide(y1, n1, out=np.zeros_like(y1), where=n1 > 0)
        return n, y1 - mean0 * n1, (mean1 - mean0) * n

    def _so_far(self, numbers: Floats) -> Floats:
        sums: Floats = np.cumsum(numbers, axis=1)[:, self._ends]
        return np.concatenate([np.zeros((len(sums), 1)), sums], axis=1)


def _qini(said: _Ranked, best: _Ranked, y: Floats, treated: Floats, weights: Floats) -> Floats:
    areas = []
    for ranked in (said, best):
        customers, gained, _ = ranked.curves(y, treated, weights)
        by_chance = customers[:, -1] * gained[:, -1] / 2
        areas.append(np.trapezoid(gained, customers, axis=1) - by_chance)
    share: Floats = np.divide(areas[0], areas[1], out=np.full(len(weights), np.nan), where=areas[1] > 0)
    return share


def _auuc(said: _Ranked, y: Floats, treated: Floats, weights: Floats) -> Floats:
    customers, _, gained = said.curves(y, treated, weights)
    area: Floats = np.trapezoid(gained, customers, axis=1) / customers[:, -1] ** 2
    return area


def _uplift(y: Floats, treated: Floats, weights: Floats) -> Floats:
    with np.errstate(invalid="ignore", divide="ignore"):
        with_contact = (weights @ (treated * y)) / (weights @ treated)
        without = (weights @ ((1 - treated) * y)) / (weights @ (1 - treated))
    difference: Floats = with_contact - without
    return difference


def _row(name: str, numbers: Floats, level: float) -> dict[str, Any]:
    """From the number of all customers, which stands first, and of each resample."""
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
    outcome, contacted, score = columns
    if not np.isin(contacted, (0.0, 1.0)).all() or len(np.unique(contacted)) < 2:
        raise InputError(
            "treated must be 1 for some customers and 0 for others: without both there is no uplift to see."
        )
    return outcome, contacted, score
