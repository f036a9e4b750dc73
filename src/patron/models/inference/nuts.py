"""Draws by the No-U-Turn sampler of nutpie, in coordinates in which the posterior is nearly standard normal.

The curvature at the mode turns and scales the coordinates first. The chains then need three steps per draw,
where correlated coordinates need dozens, and successive draws are hardly correlated.

References
----------
Hoffman & Gelman (2014), The No-U-Turn sampler, Journal of Machine Learning Research 15, 1593-1623.
Vehtari, Gelman, Simpson, Carpenter & Bürkner (2021), Rank-normalization, folding, and localization: an
improved R-hat for assessing convergence of MCMC, Bayesian Analysis 16(2), 667-718.
"""

import os
from typing import Any

import numpy as np

from patron.arrays import Floats
from patron.models.inference.posterior import Mode, Posterior

__all__ = ["draw_nuts"]


def draw_nuts(
    posterior: Posterior, mode: Mode, draws: int, tune: int, chains: int, random_state: int
) -> tuple[Floats, dict[str, Any]]:
    """Draws of the coordinates, chain after chain, and their diagnostics.

    Parameters
    ----------
    posterior, mode
        distribution to draw from, and its mode
    draws, tune, chains
        draws per chain, warm-up draws per chain that are discarded, and number of chains
    random_state
        seed

    Returns
    -------
    draws
        (chains · draws, d)
    measures
        r_hat, the largest, ess_bulk and ess_tail, the smallest over coordinates, and divergences

    Examples
    --------
    >>> from patron.models.inference.posterior import find_mode
    >>> from patron.models.value.gamma_gamma_likelihood import SpendLikelihood
    >>> likelihood = SpendLikelihood(np.array([2.0, 7.0, 3.0]), np.array([0.7, 2.3, 1.1]))
    >>> names = ("log p", "log(q - 1)", "log v")
    >>> posterior = Posterior(likelihood, names, np.zeros(3), np.ones(3), n_customers=3)
    >>> draws, measures = draw_nuts(posterior, find_mode(posterior), 100, 100, chains=2, random_state=0)
    >>> draws.shape, sorted(measures)
    ((200, 3), ['divergences', 'ess_bulk', 'ess_tail', 'r_hat'])
    """
    import nutpie

    trace: Any = nutpie.sample(
        _model(posterior, mode),
        draws=draws,
        tune=tune,
        chains=chains,
        cores=min(chains, os.cpu_count() or 1),
        seed=random_state,
        save_warmup=False,
        progress_bar=False,
    )
    theta = mode.place(trace.posterior["z"].to_numpy())
    measures = _measures(theta) | {"divergences": int(trace.sample_stats["diverging"].sum())}
    return theta.reshape(-1, len(mode.theta)), measures


def _model(posterior: Posterior, mode: Mode) -> Any:
    """What nutpie samples from: compiled functions of z, so that no step calls Python."""
    from nutpie.compile_pymc import CompiledPyMCModel

    from patron.models.inference.kernels import unchanged

    size = len(mode.theta)
    density, data = posterior.likelihood.compiled()
    frame = np.concatenate([mode.theta, mode.factor.ravel(), posterior.centre, posterior.spread])
    return CompiledPyMCModel(
        compiled_logp_func=density,
        compiled_expand_func=unchanged,
        initial_point_func=lambda seed: np.random.default_rng(seed).standard_normal(size),
        user_data=np.concatenate([[2.0 + len(frame) + len(data), len(frame)], frame, data]),
        n_expanded=size,
        shape_info=(["z"], [slice(0, size)], [(size,)]),
        dims={},
        shared_data={},
        shared_var_keys={},
        logp_func=None,
        expand_func=None,
        _n_dim=size,
        _shapes={"z": (size,)},
        _coords={},
    )


def _measures(theta: Floats) -> dict[str, float]:
    from arviz_stats.base import array_stats

    axes = {"chain_axis": 0, "draw_axis": 1}
    return {
        "r_hat": float(np.max(array_stats.rhat(theta, **axes))),
        "ess_bulk": float(np.min(array_stats.ess(theta, method="bulk", **axes))),
        "ess_tail": float(np.min(array_stats.ess(theta, method="tail", prob=(0.05, 0.95), **axes))),
    }
