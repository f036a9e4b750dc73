"""From a log-likelihood to draws of its parameters: one `Posterior`, three ways to learn about it.

::

    map        the most plausible parameters: seconds for millions of customers, no uncertainty
    laplace    draws from the curvature there, corrected by importance weights; k-hat says whether they suffice
    nuts       draws by the No-U-Turn sampler, in four chains; R-hat and effective sample size say whether

All work in coordinates without bounds, in which every prior is normal, and read nothing but the value and the
gradient of the log-likelihood. `Posterior.pymc_model` states the same model in PyMC.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from time import perf_counter
from typing import Any, Protocol, Self

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize

from patron.errors import SettingsError

__all__ = ["INFERENCES", "Diagnostics", "LogLikelihood", "Mode", "Posterior", "find_mode", "infer"]

type Floats = npt.NDArray[np.float64]

INFERENCES = ("nuts", "laplace", "map")

_STEP = 1e-4  # of the central differences that turn gradients into curvature
_AT_THE_MODE = 1e-4  # distance from the mode, in posterior standard deviations, that counts as being there
_HARDLY_LEARNED = 0.5  # posterior over prior standard deviation from which a prior is said to decide


class LogLikelihood(Protocol):
    """What the data say about coordinates θ."""

    def value_and_gradient(self, theta: Floats) -> tuple[float, Floats]:
        """The log-likelihood at θ, and its slope in each coordinate."""

    def symbolic(self, theta: Any) -> Any:
        """The same as a PyTensor expression."""


@dataclass(frozen=True, slots=True)
class Posterior:
    """A log-likelihood with an independent normal prior on each coordinate.

    Attributes
    ----------
    likelihood : what the data say
    names : (d,) of the coordinates
    centre, spread : (d,) means and standard deviations of the priors
    n_customers : behind the likelihood
    """

    likelihood: LogLikelihood
    names: tuple[str, ...]
    centre: Floats
    spread: Floats
    n_customers: int

    def value_and_gradient(self, theta: Floats) -> tuple[float, Floats]:
        """The log-density at θ up to a constant, and its slope; -inf and zeros where it overflows."""
        away = (theta - self.centre) / self.spread
        with np.errstate(all="ignore"):
            value, gradient = self.likelihood.value_and_gradient(theta)
        value, gradient = value - 0.5 * float(away @ away), gradient - away / self.spread
        if np.isfinite(value) and np.isfinite(gradient).all():
            return value, gradient
        return -np.inf, np.zeros_like(theta)

    def pymc_model(self) -> Any:
        """The model as PyMC states it, over the same compressed rows: to read, extend or sample otherwise."""
        import pymc as pm

        with pm.Model(coords={"coordinate": list(self.names)}) as model:
            theta = pm.Normal("theta", self.centre, self.spread, dims="coordinate")
            pm.Potential("customers", self.likelihood.symbolic(theta))
        return model


@dataclass(frozen=True, slots=True)
class Mode:
    """The top of a posterior and its curvature there.

    Attributes
    ----------
    theta : (d,) coordinates
    factor : (d, d) lower triangular; factor @ factor.T is the inverse of the negative curvature
    log_likelihood : there, without the prior
    distance : how far the true mode may be, in posterior standard deviations
    """

    theta: Floats
    factor: Floats
    log_likelihood: float
    distance: float

    @property
    def deviations(self) -> Floats:
        """(d,) standard deviations of the coordinates, as the curvature has them."""
        return np.sqrt((self.factor**2).sum(axis=1))

    def place(self, z: Floats) -> Floats:
        """(…, d) coordinates of points z, which are standard normal if the posterior is as the curvature says."""
        return self.theta + z @ self.factor.T


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnostics:
    """Whether a fit can be trusted.

    Attributes
    ----------
    inference : "nuts", "laplace" or "map"
    converged : the mode was found, and the draws are as good as the thresholds of the method ask
    n_customers : customers behind the fit
    log_likelihood : at the mode, of data in the user's units, without x!
    gradient : distance to the true mode in posterior standard deviations
    ridge : coordinates of which the data say so little that the prior decides
    r_hat : largest over coordinates, of the chains; near 1 (nuts)
    ess_bulk, ess_tail : smallest effective sample size, of the middle and of the 5 % tails (nuts)
    divergences : draws at which the sampler broke down (nuts)
    k_hat : Pareto shape of the importance weights; above 0.7 the approximation is poor (laplace)
    seconds : the fit took
    """

    inference: str
    converged: bool
    n_customers: int
    log_likelihood: float
    gradient: float
    ridge: tuple[str, ...]
    r_hat: float | None = None
    ess_bulk: float | None = None
    ess_tail: float | None = None
    divergences: int | None = None
    k_hat: float | None = None
    seconds: float = 0.0

    def to_dict(self) -> dict[str, Any]:
        """Field → value, as JSON has it."""
        return asdict(self) | {"ridge": list(self.ridge)}

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Self:
        """The diagnostics that `to_dict` wrote."""
        return cls(**{**fields, "ridge": tuple(fields["ridge"])})


def infer(
    posterior: Posterior,
    inference: str,
    *,
    draws: int = 1000,
    tune: int = 1000,
    chains: int = 4,
    random_state: int = 0,
) -> tuple[Floats, Diagnostics]:
    """Draws of the coordinates, and whether to trust them.

    Parameters
    ----------
    posterior : of what
    inference : "nuts", "laplace" or "map"
    draws, tune, chains : per chain, before each chain counts, and how many (nuts); laplace takes draws · chains
    random_state : seed; the same gives the same draws to the last bit

    Returns
    -------
    draws : (n_draws, d), in the order of the chains; (1, d), the mode, for "map"
    diagnostics : the warnings that follow from them are for the caller to give
    """
    if inference not in INFERENCES:
        raise SettingsError(f"inference must be one of {', '.join(INFERENCES)}, got {inference!r}.")
    began = perf_counter()
    mode = find_mode(posterior)
    ridge = tuple(
        name
        for name, after, before in zip(posterior.names, mode.deviations, posterior.spread, strict=True)
        if after > _HARDLY_LEARNED * before
    )
    found = Diagnostics(
        inference=inference,
        converged=mode.distance < _AT_THE_MODE,
        n_customers=posterior.n_customers,
        log_likelihood=mode.log_likelihood,
        gradient=mode.distance,
        ridge=ridge,
    )
    drawn = mode.theta[None, :]
    if inference == "laplace":
        from patron.models.laplace import draw_laplace

        drawn, found = draw_laplace(posterior, mode, found, draws * chains, random_state)
    elif inference == "nuts":
        from patron.models.nuts import draw_nuts

        drawn, found = draw_nuts(posterior, mode, found, draws, tune, chains, random_state)
    return drawn, replace(found, seconds=round(perf_counter() - began, 3))


def find_mode(posterior: Posterior) -> Mode:
    """The top of the posterior, by BFGS and then Newton's steps."""
    per_customer = 1.0 / max(posterior.n_customers, 1)

    def downhill(theta: Floats) -> tuple[float, Floats]:
        value, gradient = posterior.value_and_gradient(theta)
        return (-value * per_customer, -gradient * per_customer) if np.isfinite(value) else (1e300, gradient)

    theta = minimize(downhill, posterior.centre, jac=True, method="BFGS", options={"gtol": 1e-7}).x
    for _ in range(20):
        factor = _factor(posterior, theta)
        slope = factor.T @ posterior.value_and_gradient(theta)[1]
        distance = float(np.sqrt(slope @ slope))
        if distance < 1e-3 * _AT_THE_MODE:
            break
        theta = theta + factor @ slope / max(1.0, distance)
    log_likelihood = posterior.likelihood.value_and_gradient(theta)[0]
    return Mode(theta, factor, float(log_likelihood), distance)


def _factor(posterior: Posterior, theta: Floats) -> Floats:
    """The factor of the inverse curvature at θ, the curvature by central differences of the gradient."""
    steps = _STEP * np.eye(len(theta))
    rows = [
        posterior.value_and_gradient(theta - step)[1] - posterior.value_and_gradient(theta + step)[1]
        for step in steps
    ]
    curvature = np.array(rows) / (2 * _STEP)
    values, vectors = np.linalg.eigh((curvature + curvature.T) / 2)
    # Away from the mode the surface may bend upwards; there the prior's curvature keeps a step finite.
    values = np.maximum(values, np.min(1 / posterior.spread**2))
    factor: Floats = np.linalg.cholesky((vectors / values) @ vectors.T)
    return factor
