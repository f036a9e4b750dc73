"""Draws from the curvature at the mode, corrected by Pareto-smoothed importance weights.

References
----------
Vehtari, Simpson, Gelman, Yao & Gabry (2024), Pareto smoothed importance sampling, Journal of Machine Learning
Research 25(72), 1-58.
"""

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from patron.models.posterior import Diagnostics, Mode, Posterior

__all__ = ["POOR_K_HAT", "draw_laplace"]

type Floats = npt.NDArray[np.float64]

POOR_K_HAT = 0.7
"""The k-hat above which importance weights cannot mend the approximation."""

_TAIL = 8.0  # degrees of freedom of the proposals: tails a little heavier than the posterior's


def draw_laplace(
    posterior: Posterior, mode: Mode, found: Diagnostics, n_draws: int, random_state: int
) -> tuple[Floats, Diagnostics]:
    """Draws of the coordinates, resampled so that all count alike.

    Parameters
    ----------
    posterior, mode : what to draw from, and its top
    found : diagnostics so far
    n_draws : how many
    random_state : seed

    Returns
    -------
    draws : (n_draws, d)
    diagnostics : with k_hat
    """
    from arviz_stats.base import array_stats

    rng = np.random.default_rng(random_state)
    size = len(mode.theta)
    stretch = np.sqrt(_TAIL / rng.chisquare(_TAIL, n_draws))
    z = rng.standard_normal((n_draws, size)) * stretch[:, None]
    proposed = mode.place(z)
    target = np.array([posterior.value_and_gradient(theta)[0] for theta in proposed])
    proposal = -0.5 * (_TAIL + size) * np.log1p((z**2).sum(axis=1) / _TAIL)
    log_weight, k_hat = array_stats.psislw(proposal - target)  # of minus the log weights
    edges = np.cumsum(np.exp(log_weight - log_weight.max()))
    marks = (np.arange(n_draws) + rng.random()) / n_draws * edges[-1]
    chosen = np.minimum(np.searchsorted(edges, marks), n_draws - 1)
    good = bool(k_hat <= POOR_K_HAT)
    return rng.permutation(proposed[chosen]), replace(
        found, converged=found.converged and good, k_hat=float(k_hat)
    )
