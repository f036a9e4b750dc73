"""Metrics of many bootstrap resamples of the same customers at once.

A resample of customers is a row of weights: how often each was drawn. Customers are sorted once, and every
metric is then a few sums over a matrix of weights: a thousand resamples cost about as much as a few metrics.
With all weights 1 each function returns the number of its namesake in :mod:`patron.evaluation.metrics` or
:mod:`patron.evaluation.value_metrics`; for `coverage`, the deviation from its level.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
from scipy.special import xlogy
from scipy.stats import rankdata

from patron.arrays import Floats

__all__ = ["HIGHER_IS_BETTER", "WEIGHTED_METRICS", "Drawn"]

type WeightedMetric = Callable[["Drawn"], Floats]
"""→ (resamples,) the metric; NaN where it is not defined."""

COVERED = 0.8
"""Share of the customers that an interval should hold."""

_EPSILON = float(np.finfo(np.float64).eps)


@dataclass(frozen=True)
class Drawn:
    """Outcomes, predictions and weights of the customers.

    Attributes
    ----------
    outcome
        (n,) 1 or 0, or money
    prediction
        (n,) probability, score or money
    weights
        (resamples, n) counts
    """

    outcome: Floats
    prediction: Floats
    weights: Floats

    @cached_property
    def gains(self) -> tuple[Floats, Floats]:
        """(resamples, 1 + distinct predictions) customers reached, and leavers or money found, best first."""
        return _gains(self.outcome, self.prediction, self.weights)

    @cached_property
    def customers(self) -> Floats:
        """(resamples,) count of customers drawn."""
        return self.weights.sum(axis=1)

    def mean(self, per_customer: Floats) -> Floats:
        """(resamples,) the mean of a number per customer.

        Parameters
        ----------
        per_customer
            (n_customers,) values
        """
        return (self.weights @ per_customer) / self.customers


def _auc(drawn: Drawn) -> Floats:
    reached, found = drawn.gains
    leavers, stayers = found[:, -1], reached[:, -1] - found[:, -1]
    missed = np.diff(reached - found, axis=1)  # stayers of each score
    below = stayers[:, None] - (reached - found)[:, 1:]
    ordered = (np.diff(found, axis=1) * (below + missed / 2)).sum(axis=1)
    return _ratio(ordered, leavers * stayers)


def _average_precision(drawn: Drawn) -> Floats:
    reached, found = drawn.gains
    precision = found[:, 1:] / np.maximum(reached[:, 1:], 1)
    return _ratio((np.diff(found, axis=1) * precision).sum(axis=1), found[:, -1])


def _top_decile_lift(drawn: Drawn) -> Floats:
    reached, found = drawn.gains
    return _ratio(_found_in_the_top(reached, found) * 10, found[:, -1])


def _brier(drawn: Drawn) -> Floats:
    return drawn.mean((drawn.prediction - drawn.outcome) ** 2)


def _log_loss(drawn: Drawn) -> Floats:
    left, safe = drawn.outcome, np.clip(drawn.prediction, _EPSILON, 1 - _EPSILON)
    surprise = np.asarray(-(xlogy(left, safe) + xlogy(1 - left, 1 - safe)), dtype=np.float64)
    return drawn.mean(surprise)


def _calibration_error(drawn: Drawn) -> Floats:
    """The calibration error, in the bins of all customers."""
    middle = (rankdata(drawn.prediction) - 0.5) / len(drawn.outcome)
    bins = (middle * 10).astype(np.int64)
    order = np.argsort(bins, kind="stable")
    starts = _starts(bins[order])
    gap = (drawn.prediction - drawn.outcome)[order]
    gaps = np.add.reduceat(drawn.weights[:, order] * gap, starts, axis=1)
    return _ratio(np.abs(gaps).sum(axis=1), drawn.customers)


def _gini(drawn: Drawn) -> Floats:
    best = _gains(drawn.outcome, drawn.outcome, drawn.weights)
    return _ratio(_area(*drawn.gains), _area(*best))


def _spearman(drawn: Drawn) -> Floats:
    weights, total = drawn.weights, drawn.customers[:, None]
    a, b = (_ranks(values, weights) for values in (drawn.outcome, drawn.prediction))
    a, b = (ranks - (weights * ranks).sum(axis=1, keepdims=True) / total for ranks in (a, b))
    spread = np.sqrt((weights * a * a).sum(axis=1) * (weights * b * b).sum(axis=1))
    return _ratio((weights * a * b).sum(axis=1), spread)


def _mae(drawn: Drawn) -> Floats:
    return drawn.mean(np.abs(drawn.outcome - drawn.prediction))


def _total_bias(drawn: Drawn) -> Floats:
    """The absolute total bias: too high is as bad as too low."""
    brought = drawn.mean(drawn.outcome)
    return np.abs(_ratio(drawn.mean(drawn.prediction) - brought, np.maximum(brought, 0.0)))


def _top_decile_share(drawn: Drawn) -> Floats:
    reached, found = drawn.gains
    return _ratio(_found_in_the_top(reached, found), np.maximum(found[:, -1], 0.0))


def _coverage_error(drawn: Drawn) -> Floats:
    """The deviation of the coverage from 80 %; the prediction is 1 for a customer within the interval."""
    return np.abs(drawn.mean(drawn.prediction) - COVERED)


WEIGHTED_METRICS: dict[str, WeightedMetric] = {
    "auc": _auc,
    "average_precision": _average_precision,
    "top_decile_lift": _top_decile_lift,
    "brier": _brier,
    "log_loss": _log_loss,
    "calibration_error": _calibration_error,
    "gini": _gini,
    "spearman": _spearman,
    "mae": _mae,
    "total_bias": _total_bias,
    "top_decile_share": _top_decile_share,
    "coverage_error": _coverage_error,
}
"""Metric → its function; `total_bias` by its size. `coverage_error` takes for prediction whether each
customer lies within the own interval: :func:`patron.evaluation.value_metrics.within_interval`."""

HIGHER_IS_BETTER = frozenset(
    {"auc", "average_precision", "top_decile_lift", "gini", "spearman", "top_decile_share"}
)
"""The metrics that want to be high; the others want to be low."""


def _gains(amount: Floats, score: Floats, weights: Floats) -> tuple[Floats, Floats]:
    """(resamples, 1 + distinct scores) customers reached and their outcome, highest score first."""
    order = np.argsort(-score, kind="stable")
    ends = np.append(_starts(score[order])[1:], len(score))
    reached, found = np.zeros((2, len(weights), len(score) + 1))
    np.take(weights, order, axis=1, out=reached[:, 1:])
    np.multiply(reached[:, 1:], amount[order], out=found[:, 1:])
    at = np.append(0, ends)
    return reached.cumsum(axis=1)[:, at], found.cumsum(axis=1)[:, at]


def _area(reached: Floats, found: Floats) -> Floats:
    """Between the gains curve and the diagonal, both as shares."""
    total = reached[:, -1] * np.where(found[:, -1] > 0, found[:, -1], np.nan)
    return np.trapezoid(found, reached, axis=1) / total - 0.5


def _found_in_the_top(reached: Floats, found: Floats) -> Floats:
    """The outcome of the tenth with the highest scores; customers at the border are split."""
    return np.array([np.interp(row[-1] / 10, row, what) for row, what in zip(reached, found, strict=True)])


def _ranks(values: Floats, weights: Floats) -> Floats:
    """(resamples, n) rank of each customer among those drawn, ties at their mean."""
    order = np.argsort(values, kind="stable")
    starts = _starts(values[order])
    below = np.hstack([np.zeros((len(weights), 1)), weights[:, order].cumsum(axis=1)])
    edges = below[:, [*starts, len(values)]]
    middle = (edges[:, 1:] + edges[:, :-1]) / 2
    ranks = np.empty_like(weights)
    ranks[:, order] = np.repeat(middle, np.diff([*starts, len(values)]), axis=1)
    return ranks


def _starts(ordered: npt.NDArray[np.float64] | npt.NDArray[np.int64]) -> npt.NDArray[np.intp]:
    """The position where each run of equal values begins."""
    return np.flatnonzero(np.append(True, ordered[1:] != ordered[:-1]))


def _ratio(above: Floats, below: Floats) -> Floats:
    usable = below > 0
    return np.where(usable, above / np.where(usable, below, 1.0), np.nan)
