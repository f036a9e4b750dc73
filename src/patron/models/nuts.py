"""Draws by the No-U-Turn sampler of nutpie, in coordinates in which the posterior is nearly standard normal.

References
----------
Hoffman & Gelman (2014), The No-U-Turn sampler, Journal of Machine Learning Research 15, 1593-1623.
Vehtari, Gelman, Simpson, Carpenter & Bürkner (2021), Rank-normalization, folding, and localization: an improved
R-hat, Bayesian Analysis 16(2), 667-718.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from patron.models.posterior import Diagnostics, Mode, Posterior

__all__ = ["draw_nuts"]

type Floats = npt.NDArray[np.float64]

_R_HAT = 1.01
_ESS_PER_CHAIN = 100


def draw_nuts(
    posterior: Posterior,
    mode: Mode,
    found: Diagnostics,
    draws: int,
    tune: int,
    chains: int,
    random_state: int,
) -> tuple[Floats, Diagnostics]:
    """Draws of the coordinates, chain after chain.

    Parameters
    ----------
    posterior, mode : what to draw from, and its top
    found : diagnostics so far
    draws, tune, chains : per chain, before each chain counts, and how many
    random_state : seed

    Returns
    -------
    draws : (chains · draws, d)
    diagnostics : with r_hat, ess_bulk, ess_tail and divergences
    """
    import nutpie
    from arviz_stats.base import array_stats
    from nutpie.compiled_pyfunc import from_pyfunc

    def density() -> Callable[[Floats], tuple[float, Floats]]:
        def value_and_gradient(z: Floats) -> tuple[float, Floats]:
            value, gradient = posterior.value_and_gradient(mode.place(z))
            return value, gradient @ mode.factor

        return value_and_gradient

    def expand(*_: int) -> Callable[[Floats], dict[str, Floats]]:
        return lambda z: {"z": z}

    def start(seed: int) -> Floats:
        return np.random.default_rng(seed).standard_normal(size)

    size = len(mode.theta)
    model = from_pyfunc(
        size,
        density,
        expand,
        expanded_dtypes=[np.dtype("float64")],
        expanded_shapes=[(size,)],
        expanded_names=["z"],
        make_initial_point_fn=start,
    )
    trace: Any = nutpie.sample(
        model,
        draws=draws,
        tune=tune,
        chains=chains,
        cores=1,
        seed=random_state,
        save_warmup=False,
        progress_bar=False,
    )
    z: Floats = trace.posterior["z"].to_numpy()
    theta = mode.place(z)
    measured = {"chain_axis": 0, "draw_axis": 1}
    r_hat = float(np.max(array_stats.rhat(theta, **measured)))
    ess_bulk = float(np.min(array_stats.ess(theta, method="bulk", **measured)))
    ess_tail = float(np.min(array_stats.ess(theta, method="tail", prob=(0.05, 0.95), **measured)))
    divergences = int(trace.sample_stats["diverging"].sum())
    good = r_hat <= _R_HAT and min(ess_bulk, ess_tail) >= _ESS_PER_CHAIN * chains and divergences == 0
    return theta.reshape(-1, size), replace(
        found,
        converged=found.converged and good,
        r_hat=r_hat,
        ess_bulk=ess_bulk,
        ess_tail=ess_tail,
        divergences=divergences,
    )
