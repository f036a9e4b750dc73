"""Paired bootstrap: is one model better than another, or is the difference due to chance.

Customers are resampled with replacement, the same ones for both models, and the metric of both is computed
each time. What the models have in common, such as easy and difficult customers, cancels out.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from patron.arrays import Floats
from patron.checks import at_least, share
from patron.errors import InputError
from patron.evaluation.weighted import HIGHER_IS_BETTER, WEIGHTED_METRICS, Drawn

__all__ = ["Advantage", "compare_with_best", "paired_bootstrap"]


_CELLS = 200_000  # weights at a time: small enough for the processor's own memory
_WORK = 6_000_000  # customers × resamples; large samples need fewer, since each is more like the others
_FEWEST, _MOST = 200, 1000


@dataclass(frozen=True, slots=True)
class Advantage:
    """The advantage of one model over another: positive is better, whatever the direction of the metric.

    Attributes
    ----------
    metric
        its name
    size
        difference of the metric on all customers
    low, high
        ends of the interval
    level
        probability that the interval holds

    Examples
    --------
    >>> Advantage("brier", 0.004, 0.001, 0.007, 0.95).is_win
    True
    >>> print(Advantage("auc", -0.0051, -0.0079, -0.0024, 0.95))
    worse by 0.0051 (95% interval +0.0024 to +0.0079)
    """

    metric: str
    size: float
    low: float
    high: float
    level: float

    @property
    def is_win(self) -> bool:
        """Whether the advantage is significant."""
        return self.low > 0

    @property
    def is_loss(self) -> bool:
        """Whether the disadvantage is significant."""
        return self.high < 0

    def __str__(self) -> str:
        how, low, high = (
            ("better", self.low, self.high) if self.size >= 0 else ("worse", -self.high, -self.low)
        )
        return f"{how} by {abs(self.size):.4f} ({self.level:.0%} interval {low:+.4f} to {high:+.4f})"


def paired_bootstrap(
    metric: str,
    y: Any,
    a: Any,
    b: Any,
    *,
    draws: int | None = None,
    level: float = 0.95,
    random_state: int = 0,
) -> Advantage:
    """The advantage of predictions `a` over `b`, with its confidence interval.

    Parameters
    ----------
    metric
        one of `patron.evaluation.weighted.WEIGHTED_METRICS`, such as "brier" or "gini"
    y
        (n_customers,) outcome: 1 if the customer left and 0 if not, or money
    a, b
        (n_customers,) predictions of the two models, in the order of `y`
    draws
        count of resamples; None for 1000, and fewer (at least 200) above 6,000 customers
    level
        probability in (0, 1) that the interval holds
    random_state
        seed

    Returns
    -------
    Advantage
        The difference on all customers, with the percentiles of the resamples.

    Raises
    ------
    InputError
        an unknown metric, no customers, different lengths, or a number that is missing
    RangeError
        draws below 1 or level outside (0, 1)

    References
    ----------
    Efron & Tibshirani (1993), An Introduction to the Bootstrap, ch. 13 (percentile intervals).

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> truth = rng.random(2000)
    >>> left = rng.random(2000) < truth
    >>> better = paired_bootstrap("auc", left, truth, truth + rng.normal(0, 0.3, 2000))
    >>> better.is_win, bool(better.low < better.size < better.high)
    (True, True)
    """
    found = _resampled([metric], y, {"a": a, "b": b}, draws=draws, random_state=random_state)
    share("level", level, ends="()", example="95 % as 0.95")
    return _advantage(metric, found[metric, "a"], found[metric, "b"], level)


def compare_with_best(
    metrics: Iterable[str],
    y: Any,
    predictions: Mapping[str, Any],
    baselines: Iterable[str],
    *,
    draws: int | None = None,
    level: float = 0.95,
    random_state: int = 0,
) -> pd.DataFrame:
    """The advantage of every model over the best baseline, metric by metric.

    Parameters
    ----------
    metrics, y, draws, level, random_state
        see `paired_bootstrap`
    predictions
        model → (n_customers,) predictions
    baselines
        which of the models are baselines; at least one

    Returns
    -------
    pd.DataFrame
        One row per metric and model: `metric`, `model`, `number` (the metric on all customers),
        `best_baseline`, `advantage` over it (positive is better), `advantage_low` and `advantage_high`. For
        the best baseline itself the last three are 0; where a metric is not defined they are NaN.

    Raises
    ------
    InputError, RangeError
        see `paired_bootstrap`; a baseline is not among the models, or there is none

    Examples
    --------
    >>> table = compare_with_best(["mae"], [10, 0, 5], {"ours": [9, 0, 5], "zero": [0, 0, 0]}, ["zero"])
    >>> table[["model", "number", "best_baseline", "advantage"]].round(2)
      model  number best_baseline  advantage
    0  ours    0.33          zero       4.67
    1  zero    5.00          zero       0.00
    """
    metrics, baselines = list(metrics), list(baselines)
    if not baselines or set(baselines) - set(predictions):
        raise InputError(f"baselines {baselines} must name at least one of the models {list(predictions)}.")
    found = _resampled(metrics, y, predictions, draws=draws, random_state=random_state)
    rows = []
    for metric in metrics:
        best = _best(metric, {name: float(found[metric, name][0]) for name in baselines})
        for model in predictions:
            gained = _advantage(metric, found[metric, model], found[metric, best], level)
            rows.append(
                {
                    "metric": metric,
                    "model": model,
                    "number": float(found[metric, model][0]),
                    "best_baseline": best,
                    "advantage": gained.size,
                    "advantage_low": gained.low,
                    "advantage_high": gained.high,
                }
            )
    return pd.DataFrame(rows)


def _best(metric: str, numbers: Mapping[str, float]) -> str:
    sign = 1 if metric in HIGHER_IS_BETTER else -1
    defined = {name: sign * number for name, number in numbers.items() if np.isfinite(number)}
    return max(defined, key=lambda name: defined[name]) if defined else next(iter(numbers))


def _advantage(metric: str, ours: Floats, theirs: Floats, level: float) -> Advantage:
    """The advantage, from the metric on all customers (first) and on each resample."""
    gained = ours - theirs if metric in HIGHER_IS_BETTER else theirs - ours
    size, resampled = float(gained[0]), gained[1:][np.isfinite(gained[1:])]
    if not np.isfinite(size) or len(resampled) == 0:
        return Advantage(metric, size, np.nan, np.nan, level)
    low, high = np.quantile(resampled, [(1 - level) / 2, (1 + level) / 2])
    return Advantage(metric, size, float(low), float(high), level)


def _resampled(
    metrics: Iterable[str], y: Any, predictions: Mapping[str, Any], *, draws: int | None, random_state: int
) -> dict[tuple[str, str], Floats]:
    """(metric, model) → the metric on all customers, then on each resample."""
    metrics = list(metrics)
    if unknown := [name for name in metrics if name not in WEIGHTED_METRICS]:
        raise InputError(f"there is no metric {unknown[0]!r}; there are {', '.join(WEIGHTED_METRICS)}.")
    outcome = _numbers(y, "y")
    numbers = {name: _numbers(given, name, len(outcome)) for name, given in predictions.items()}
    customers = len(outcome)
    if draws is None:
        draws = int(np.clip(_WORK // customers, _FEWEST, _MOST))
    at_least("draws", draws, 1)
    rng = np.random.default_rng(random_state)
    at_a_time = max(1, _CELLS // customers)
    parts: dict[tuple[str, str], list[Floats]] = {(m, name): [] for m in metrics for name in numbers}
    for start in range(0, draws + 1, at_a_time):
        weights = np.ones((min(at_a_time, draws + 1 - start), customers))
        for row in range(int(start == 0), len(weights)):  # the very first row is everybody once
            weights[row] = np.bincount(rng.integers(0, customers, customers), minlength=customers)
        for name, prediction in numbers.items():
            drawn = Drawn(outcome, prediction, weights)
            for metric in metrics:
                parts[metric, name].append(WEIGHTED_METRICS[metric](drawn))
    return {key: np.concatenate(found) for key, found in parts.items()}


def _numbers(given: Any, name: str, length: int | None = None) -> Floats:
    numbers = pd.Series(given).to_numpy(dtype=np.float64, na_value=np.nan)
    if len(numbers) == 0:
        raise InputError(f"{name} is empty. A comparison needs at least one customer.")
    if length is not None and len(numbers) != length:
        raise InputError(f"{name} has {len(numbers)} customers and y has {length}. Give one for each.")
    if not np.isfinite(numbers).all():
        raise InputError(
            f"{(~np.isfinite(numbers)).sum()} of {len(numbers)} numbers of {name} are missing or infinite. "
            "Leave those customers out of all."
        )
    return numbers
