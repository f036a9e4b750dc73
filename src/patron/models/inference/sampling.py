"""Posterior draws by the method of choice: `infer`.

::

    map        the mode only, without uncertainty
    laplace    draws from the curvature at the mode, corrected by importance weights; judged by k-hat
    nuts       draws by the No-U-Turn sampler, in chains; judged by R-hat and effective sample sizes
"""

from time import perf_counter
from typing import Any

import numpy as np

from patron.arrays import Floats
from patron.checks import one_of, whole_number
from patron.errors import SettingsError
from patron.models.inference.diagnostics import HARDLY_LEARNED, Diagnostics, good_enough
from patron.models.inference.laplace import draw_laplace
from patron.models.inference.nuts import draw_nuts
from patron.models.inference.posterior import Posterior, find_mode

__all__ = ["INFERENCES", "infer"]

INFERENCES = ("nuts", "laplace", "map")


def infer(
    posterior: Posterior,
    inference: str,
    *,
    draws: int = 1000,
    tune: int = 1000,
    chains: int = 4,
    random_state: int = 0,
) -> tuple[Floats, Diagnostics]:
    """Draws of the coordinates, and their diagnostics.

    Parameters
    ----------
    posterior
        distribution to draw from
    inference
        "nuts", "laplace" or "map"
    draws, tune, chains
        draws per chain, warm-up draws per chain that are discarded, and number of chains (nuts); laplace
        takes draws · chains in all
    random_state
        seed; the same one gives the same draws to the last bit

    Returns
    -------
    draws
        (n_draws, d), chain after chain; (1, d), the mode, for "map"
    diagnostics
        whether to trust them

    Raises
    ------
    SettingsError
        the inference is unknown
    RangeError
        draws, tune, chains or random_state is no whole number large enough

    Examples
    --------
    >>> from patron.models.inference.posterior import Posterior
    >>> from patron.models.value.gamma_gamma_likelihood import SpendLikelihood
    >>> rng = np.random.default_rng(0)
    >>> x, z = rng.integers(1, 9, 200).astype(float), rng.gamma(2.0, 0.5, 200)
    >>> names = ("log p", "log(q - 1)", "log v")
    >>> posterior = Posterior(SpendLikelihood(x, z), names, np.zeros(3), np.ones(3), n_customers=200)
    >>> draws, found = infer(posterior, "laplace", draws=250)
    >>> draws.shape, found.converged, found.k_hat < 0.7
    ((1000, 3), True, True)
    """
    one_of("inference", inference, INFERENCES, error=SettingsError)
    draws, tune = whole_number("draws", draws, 1), whole_number("tune", tune, 0)
    chains, random_state = whole_number("chains", chains, 1), whole_number("random_state", random_state, 0)
    began = perf_counter()
    mode = find_mode(posterior)
    drawn, measures = mode.theta[None, :], dict[str, Any]()
    if inference == "laplace":
        drawn, measures = draw_laplace(posterior, mode, draws * chains, random_state)
    elif inference == "nuts":
        drawn, measures = draw_nuts(posterior, mode, draws, tune, chains, random_state)
    return drawn, Diagnostics(
        inference=inference,
        converged=good_enough(mode.distance, measures, draws, chains),
        n_customers=posterior.n_customers,
        log_likelihood=mode.log_likelihood,
        gradient=mode.distance,
        ridge=tuple(np.array(posterior.names)[mode.deviations > HARDLY_LEARNED].tolist()),
        seconds=round(perf_counter() - began, 3),
        **measures,
    )
