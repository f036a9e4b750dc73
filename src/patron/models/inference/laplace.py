"""Draws from the curvature at the mode, corrected by importance weights: no chains, and k-hat to judge it.

References
----------
Tierney & Kadane (1986), Accurate approximations for posterior moments and marginal densities, Journal of the
American Statistical Association 81(393), 82-86.
Vehtari, Simpson, Gelman, Yao & Gabry (2024), Pareto smoothed importance sampling, Journal of Machine
Learning Research 25(72), 1-58.
"""

from dataclasses import replace
from typing import Any

import numpy as np

from patron.arrays import Floats
from patron.models.inference.posterior import Mode, Posterior
from patron.models.inference.psis import smooth_weights

__all__ = ["draw_laplace"]


_FEWEST = 4000  # proposals: with fewer, k-hat is uninformative
_TAIL = 5.0  # degrees of freedom of the proposals: tails a little heavier than those of a posterior
_DOUBTFUL = 0.4  # k-hat above which the proposals are moved to where the first ones found the weight


def draw_laplace(
    posterior: Posterior, mode: Mode, n_draws: int, random_state: int
) -> tuple[Floats, dict[str, Any]]:
    """Draws of the coordinates, all of the same weight, and their diagnostics.

    Parameters
    ----------
    posterior, mode
        distribution to draw from, and its mode
    n_draws
        number of draws returned
    random_state
        seed

    Returns
    -------
    draws
        (n_draws, d)
    measures
        k_hat, the Pareto shape of the importance weights

    Notes
    -----
    Proposals follow a multivariate t distribution around the mode, in pairs that face each other, so that
    means need few of them. Where their weights are doubtful, as along a ridge, they are drawn again around
    the weighted mean. They are resampled at evenly spaced marks along their smoothed weights, then shuffled,
    so that any part of the draws is as good as another.

    Examples
    --------
    >>> from patron.models.inference.posterior import find_mode
    >>> from patron.models.value.gamma_gamma_likelihood import SpendLikelihood
    >>> likelihood = SpendLikelihood(np.array([2.0, 7.0, 3.0]), np.array([0.7, 2.3, 1.1]))
    >>> names = ("log p", "log(q - 1)", "log v")
    >>> posterior = Posterior(likelihood, names, np.zeros(3), np.ones(3), n_customers=3)
    >>> draws, measures = draw_laplace(posterior, find_mode(posterior), 500, random_state=0)
    >>> draws.shape, measures["k_hat"] < 0.7
    ((500, 3), True)
    """
    rng = np.random.default_rng(random_state)
    n_proposals = max(n_draws, _FEWEST)
    proposed, weights, k_hat = _propose(posterior, mode, n_proposals, rng)
    if k_hat > _DOUBTFUL:
        around = _around(mode, proposed, weights)
        again = _propose(posterior, around, n_proposals, rng)
        if again[2] < k_hat:
            proposed, weights, k_hat = again
    edges = np.cumsum(weights)
    marks = (np.arange(n_draws) + rng.random()) / n_draws * edges[-1]
    chosen = np.minimum(np.searchsorted(edges, marks), len(proposed) - 1)
    return proposed[rng.permutation(chosen)], {"k_hat": k_hat}


def _propose(
    posterior: Posterior, around: Mode, n: int, rng: np.random.Generator
) -> tuple[Floats, Floats, float]:
    """Proposals, their smoothed weights, and k-hat."""
    size = len(around.theta)
    stretch = np.sqrt(_TAIL / rng.chisquare(_TAIL, (n + 1) // 2))
    z = rng.standard_normal((len(stretch), size)) * stretch[:, None]
    z = np.concatenate([z, -z])
    proposed = around.place(z)
    wanted = np.array([posterior.value_and_gradient(theta)[0] for theta in proposed])
    offered = -0.5 * (_TAIL + size) * np.log1p((z**2).sum(axis=1) / _TAIL)
    log_weights, k_hat = smooth_weights(wanted - offered)
    return proposed, np.exp(log_weights), k_hat


def _around(mode: Mode, proposed: Floats, weights: Floats) -> Mode:
    """The weighted mean and covariance of the proposals, in place of the mode and the curvature."""
    share = weights / weights.sum()
    centre: Floats = share @ proposed
    away = proposed - centre
    covariance = (away * share[:, None]).T @ away
    spread = np.sqrt(np.diag(covariance))
    correlation = covariance / np.outer(spread, spread) + 1e-9 * np.eye(len(spread))
    return replace(mode, theta=centre, factor=spread[:, None] * np.linalg.cholesky(correlation))
