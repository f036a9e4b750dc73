"""Predictive intervals from weighted draws."""

import numpy as np

from patron.arrays import Floats, Matrix

__all__ = ["interval_of"]


SLACK = 1e-6  # of probability: rounding error of a sum in single precision


def interval_of(values: Matrix, weights: Matrix, coverage: float) -> tuple[Floats, Floats]:
    """The predictive interval of each customer.

    Parameters
    ----------
    values
        (n_customers, n_draws) at least 0, what happens in each draw if the customer is alive
    weights
        (n_customers, n_draws) P(alive) in each draw; a customer who is gone counts as 0
    coverage
        probability in (0, 1) that the interval covers

    Returns
    -------
    low, high
        (n_customers,)

    Notes
    -----
    low is the quantile at (1 - coverage)/2, and high the smallest number such that [low, high] covers. Where
    values are smooth that is the central interval. Where much of the probability lies at 0, low is 0 and high
    the quantile at `coverage`: a central interval would cover more than it states.

    Examples
    --------
    Up to ten purchases, equally likely, of a customer who is surely alive; and of one who is gone with
    probability one half:

    >>> values = np.arange(1, 11, dtype=np.float32)[None, :]
    >>> interval_of(values, np.ones((1, 10), dtype=np.float32), 0.8)
    (array([1.]), array([8.]))
    >>> interval_of(values, np.full((1, 10), 0.5, dtype=np.float32), 0.8)
    (array([0.]), array([6.]))
    """
    n_draws = values.shape[1]
    ordered, summed = _sorted_with_sums(values, weights)
    gone = 1 - summed[:, -1].astype(np.float64) / n_draws

    def quantile(probability: Floats) -> Floats:
        wanted = ((probability - gone - SLACK) * n_draws).astype(np.float32)
        short = np.add.reduce(summed < wanted[:, None], axis=1)
        found = ordered[np.arange(short.size), np.minimum(short, n_draws - 1)]
        return np.where(gone >= probability - SLACK, 0.0, found).astype(np.float64)

    low = quantile(np.full(gone.size, 0.5 * (1 - coverage)))
    n_below = np.add.reduce(ordered < low.astype(np.float32)[:, None], axis=1)
    last_below = summed[np.arange(low.size), np.maximum(n_below, 1) - 1].astype(np.float64) / n_draws
    below = np.where(low > 0, gone + np.where(n_below > 0, last_below, 0.0), 0.0)
    return low, quantile(np.minimum(below + coverage, 1.0))


def _sorted_with_sums(values: Matrix, weights: Matrix) -> tuple[Matrix, Matrix]:
    """Each row in ascending order, and the running sum of the weights in that order.

    Numbers of at least 0 sort like their bits, so value and weight travel as one 64-bit key, which sorts four
    times as fast as an index does.
    """
    keys = np.empty((*values.shape, 2), dtype="<f4")
    keys[..., 0], keys[..., 1] = weights, values
    keys.view("<u8")[..., 0].sort(axis=1)
    return keys[..., 1], np.cumsum(keys[..., 0], axis=1)
