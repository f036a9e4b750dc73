"""Importance weights, the largest smoothed by a Pareto distribution, and k-hat as their diagnostic.

ArviZ has the same method. Its weights differ in the fourteenth digit, which would change the draws that are
saved, and importing it takes seconds; a test compares the two.

References
----------
Vehtari, Simpson, Gelman, Yao & Gabry (2024), Pareto smoothed importance sampling, Journal of Machine
Learning Research 25(72), 1-58.
Zhang & Stephens (2009), A new and efficient estimation method for the generalized Pareto distribution,
Technometrics 51(3), 316-325.
"""

import numpy as np

from patron.arrays import Floats

__all__ = ["fit_pareto", "smooth_weights"]


_FEWEST = 5  # weights in the tail that a distribution can be fitted to


def smooth_weights(log_weights: Floats) -> tuple[Floats, float]:
    """The log-weights with their tail smoothed, and k-hat.

    Parameters
    ----------
    log_weights
        (n,) up to a constant

    Returns
    -------
    log_weights
        (n,) the largest is 0 at most
    k_hat
        shape of the tail; up to 0.7 means that averages over the weights can be trusted

    Examples
    --------
    >>> _, light = smooth_weights(np.random.default_rng(0).normal(0, 0.5, 4000))
    >>> _, heavy = smooth_weights(np.random.default_rng(0).exponential(1, 4000))
    >>> light < 0.5, heavy > 0.7
    (True, True)
    """
    relative = log_weights - np.max(log_weights)
    n_tail = int(min(0.2 * len(relative), 3 * np.sqrt(len(relative))))
    order = np.argsort(relative, kind="stable")
    tail = order[-n_tail:]
    cutoff = np.exp(relative[order[-n_tail - 1]])
    excess = np.exp(relative[tail]) - cutoff
    if excess[-1] == 0:
        return relative, 0.0  # all weigh alike: no tail
    if n_tail < _FEWEST or excess[0] <= 0:
        return relative, np.inf  # a few weigh everything
    k_hat, scale = fit_pareto(excess)
    rank = (np.arange(n_tail) + 0.5) / n_tail
    with np.errstate(over="ignore"):  # the largest are cut at 1 anyway
        quantile = scale * (np.expm1(-k_hat * np.log1p(-rank)) / k_hat if k_hat else -np.log1p(-rank))
    smoothed = relative.copy()
    smoothed[tail] = np.minimum(np.log(quantile + cutoff), 0.0)
    return smoothed, k_hat


def fit_pareto(excess: Floats) -> tuple[float, float]:
    """Shape and scale of a generalised Pareto distribution.

    Parameters
    ----------
    excess
        (n,) positive, ascending

    Returns
    -------
    shape
        drawn a little towards 0.5, as ten observations of it would
    scale
        in the unit of `excess`

    Examples
    --------
    >>> uniform = (np.arange(1000) + 0.5) / 1000
    >>> shape, scale = fit_pareto(2.0 / 0.5 * ((1 - uniform) ** -0.5 - 1))
    >>> round(shape, 1), round(scale, 1)
    (0.5, 2.0)
    """
    n = len(excess)
    n_grid = 30 + int(np.sqrt(n))
    grid = 1 - np.sqrt(n_grid / (np.arange(n_grid) + 0.5))
    rates = grid / (3 * excess[int(n / 4 + 0.5) - 1]) + 1 / excess[-1]
    shapes = np.log1p(-rates[:, None] * excess).mean(axis=1)
    profile = n * (np.log(-rates / shapes) - shapes - 1)
    weights = np.exp(profile - profile.max())
    rate = float(rates @ weights / weights.sum())
    shape = float(np.log1p(-rate * excess).mean())
    return (n * shape + 10 * 0.5) / (n + 10), -shape / rate
