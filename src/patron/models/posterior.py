"""From a log-likelihood to draws of its parameters: one `Posterior`, three ways to learn about it.

::

    map        the most plausible parameters, without their uncertainty
    laplace    draws from the curvature there, corrected by weights; k-hat says whether that suffices
    nuts       draws by the No-U-Turn sampler, in chains; R-hat and effective sample sizes say so

All work in coordinates without bounds, in which every prior is normal, and ask nothing but the value and the
gradient of the log-likelihood. `Posterior.pymc_model` states the same model in PyMC.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from math import isfinite
from time import perf_counter
from typing import Any, Protocol, Self

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize

from patron.errors import RangeError, SettingsError

__all__ = ["INFERENCES", "Diagnostics", "LogLikelihood", "Mode", "Posterior", "find_mode", "infer"]

type Floats = npt.NDArray[np.float64]

INFERENCES = ("nuts", "laplace", "map")

# What makes a fit trustworthy.
LARGEST_R_HAT = 1.01
FEWEST_EFFECTIVE = 100  # draws per chain, in the middle and in the tails
LARGEST_K_HAT = 0.7
MOST_DIVERGENT = 0.001  # share of the draws
FARTHEST_FROM_MODE = 1e-4  # posterior standard deviations
HARDLY_LEARNED = 1.0  # standard deviation of a coordinate: above, a factor of e either way fits as well

_STEP = 1e-4  # of the central differences that turn gradients into curvature


class LogLikelihood(Protocol):
    """What the data say about coordinates θ."""

    def value_and_gradient(self, theta: Floats) -> tuple[float, Floats]:
        """The log-likelihood at θ, and its slope in each coordinate."""

    def value(self, theta: Floats) -> float:
        """The log-likelihood at θ alone."""

    def symbolic(self, theta: Any) -> Any:
        """The same as a PyTensor expression."""


@dataclass(frozen=True, slots=True)
class Posterior:
    """A log-likelihood, with an independent normal prior on each coordinate.

    Attributes
    ----------
    likelihood : what the data say
    names : (d,) of the coordinates
    centre, spread : (d,) means and standard deviations of the priors
    n_customers : whom the likelihood is about

    Examples
    --------
    >>> from patron.models.spend_likelihood import SpendLikelihood
    >>> likelihood = SpendLikelihood(np.array([2.0, 7.0, 3.0]), np.array([0.7, 2.3, 1.1]))
    >>> names = ("log p", "log(q - 1)", "log v")
    >>> posterior = Posterior(likelihood, names, np.zeros(3), np.ones(3), n_customers=3)
    >>> value, slope = posterior.value_and_gradient(np.zeros(3))
    >>> bool(np.isclose(value, likelihood.value(np.zeros(3))))
    True
    """

    likelihood: LogLikelihood
    names: tuple[str, ...]
    centre: Floats
    spread: Floats
    n_customers: int

    def value_and_gradient(self, theta: Floats) -> tuple[float, Floats]:
        """The log-density at θ up to a constant, and its slope; -inf and zeros where it overflows."""
        away = (theta - self.centre) / self.spread
        try:
            with np.errstate(all="ignore"):
                value, gradient = self.likelihood.value_and_gradient(theta)
        except OverflowError:
            return -np.inf, np.zeros_like(theta)
        value -= 0.5 * float(away @ away)
        gradient -= away / self.spread
        if not isfinite(value + float(gradient.sum())):
            return -np.inf, np.zeros_like(theta)
        return value, gradient

    def value(self, theta: Floats) -> float:
        """The log-density at θ alone; -inf where it overflows."""
        away = (theta - self.centre) / self.spread
        try:
            with np.errstate(all="ignore"):
                value = self.likelihood.value(theta) - 0.5 * float(away @ away)
        except OverflowError:
            return -np.inf
        return value if isfinite(value) else -np.inf

    def pymc_model(self) -> Any:
        """The model as PyMC states it, over the same compressed rows: to read, extend or sample otherwise."""
        import pymc as pm

        with pm.Model(coords={"coordinate": list(self.names)}) as model:
            theta = pm.Normal("theta", self.centre, self.spread, dims="coordinate")
            pm.Potential("customers", self.likelihood.symbolic(theta))
        return model


@dataclass(frozen=True, slots=True)
class Mode:
    """The top of a posterior, and its curvature there.

    Attributes
    ----------
    theta : (d,) coordinates
    factor : (d, d) lower triangular; factor · factorᵀ is the covariance that the curvature stands for
    log_likelihood : there, without the prior
    distance : to the true mode, in posterior standard deviations
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
        """(…, d) coordinates of points z that are standard normal if the posterior is."""
        return self.theta + z @ self.factor.T


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnostics:
    """Whether a fit can be trusted.

    Attributes
    ----------
    inference : "nuts", "laplace" or "map"
    converged : the mode was found, and the draws are as good as they should be
    n_customers : behind the fit
    log_likelihood : at the mode, of the data in the user's units, without x!
    gradient : at the mode, as the distance to the true one in posterior standard deviations
    ridge : coordinates of which the data say so little that their prior decides
    r_hat : the largest of the coordinates; at most 1.01 (nuts)
    ess_bulk, ess_tail : the smallest effective sample sizes; at least 100 per chain (nuts)
    divergences : draws at which the sampler broke down; at most one in a thousand (nuts)
    k_hat : Pareto shape of the importance weights; at most 0.7 (laplace)
    seconds : that the fit took
    """

    inference: str
    converged: bool
    n_customers: int
    log_likelihood: float
    gradient: float
    ridge: tuple[str, ...] = ()
    r_hat: float | None = None
    ess_bulk: float | None = None
    ess_tail: float | None = None
    divergences: int | None = None
    k_hat: float | None = None
    seconds: float = 0.0

    def doubts(self) -> list[str]:
        """What to know before trusting the fit, in sentences; none where all is well.

        Examples
        --------
        >>> fit = Diagnostics(
        ...     inference="laplace", converged=False, n_customers=90, log_likelihood=-80.5, gradient=0.0,
        ...     k_hat=0.9,
        ... )
        >>> fit.doubts()
        ['k-hat is 0.90, above 0.7: the curvature is a poor guide to the posterior. Use inference="nuts".']
        """
        found = []
        if self.gradient > FARTHEST_FROM_MODE:
            found.append(
                f"the most plausible parameters were not found: the search ended {self.gradient:.2g} "
                "standard deviations away. Look for impossible histories."
            )
        if self.k_hat is not None and self.k_hat > LARGEST_K_HAT:
            found.append(
                f"k-hat is {self.k_hat:.2f}, above {LARGEST_K_HAT}: the curvature is a poor guide to the "
                'posterior. Use inference="nuts".'
            )
        if self.r_hat is not None and not self.converged and self.gradient <= FARTHEST_FROM_MODE:
            found.append(
                f"the chains did not converge: R-hat {self.r_hat:.3f}, effective draws {self.ess_bulk:.0f} "
                f"in the middle and {self.ess_tail:.0f} in the tails, {self.divergences} divergences. Take "
                "more draws and tuning steps."
            )
        if self.ridge:
            found.append(
                f"the data say little about {' and '.join(self.ridge)}: many values fit alike, and the prior "
                "decides. Take more customers or a longer history, and read intervals, not means."
            )
        return found

    def to_dict(self) -> dict[str, Any]:
        """Field → value, as JSON has it."""
        return asdict(self) | {"ridge": list(self.ridge)}

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Self:
        """The diagnostics that `to_dict` took apart.

        Examples
        --------
        >>> fit = Diagnostics(
        ...     inference="map", converged=True, n_customers=90, log_likelihood=-80.5, gradient=1e-9
        ... )
        >>> Diagnostics.from_dict(fit.to_dict()) == fit
        True
        """
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
    draws, tune, chains : draws of each chain, draws before they count, and how many chains (nuts); laplace
        draws as many in all
    random_state : seed; the same one gives the same draws to the last bit

    Returns
    -------
    draws : (n_draws, d), chain after chain; (1, d), the mode, for "map"
    diagnostics

    Raises
    ------
    SettingsError : the inference is unknown
    RangeError : draws, tune, chains or random_state is no whole number large enough

    Examples
    --------
    >>> from patron.models.spend_likelihood import SpendLikelihood
    >>> rng = np.random.default_rng(0)
    >>> x, z = rng.integers(1, 9, 200).astype(float), rng.gamma(2.0, 0.5, 200)
    >>> names = ("log p", "log(q - 1)", "log v")
    >>> posterior = Posterior(SpendLikelihood(x, z), names, np.zeros(3), np.ones(3), n_customers=200)
    >>> draws, found = infer(posterior, "laplace", draws=250)
    >>> draws.shape, found.converged, found.k_hat < 0.7
    ((1000, 3), True, True)
    """
    if inference not in INFERENCES:
        raise SettingsError(f"inference must be one of {', '.join(INFERENCES)}, got {inference!r}.")
    numbers = {
        "draws": (draws, 1),
        "tune": (tune, 0),
        "chains": (chains, 1),
        "random_state": (random_state, 0),
    }
    for name, (number, least) in numbers.items():
        if not isinstance(number, int | np.integer) or number < least:
            raise RangeError(f"{name} must be a whole number of at least {least}, got {number!r}.")
    began = perf_counter()
    mode = find_mode(posterior)
    drawn, measures = mode.theta[None, :], dict[str, float]()
    if inference == "laplace":
        from patron.models.laplace import draw_laplace

        drawn, measures = draw_laplace(posterior, mode, draws * chains, int(random_state))
    elif inference == "nuts":
        from patron.models.nuts import draw_nuts

        drawn, measures = draw_nuts(posterior, mode, draws, tune, chains, int(random_state))
    return drawn, Diagnostics(
        inference=inference,
        converged=mode.distance <= FARTHEST_FROM_MODE and _good(measures, draws, chains),
        n_customers=posterior.n_customers,
        log_likelihood=mode.log_likelihood,
        gradient=mode.distance,
        ridge=tuple(np.array(posterior.names)[mode.deviations > HARDLY_LEARNED].tolist()),
        seconds=round(perf_counter() - began, 3),
        **measures,  # type: ignore[arg-type]
    )


def find_mode(posterior: Posterior) -> Mode:
    """The top of the posterior, by BFGS and then Newton's steps.

    Parameters
    ----------
    posterior : of what

    Returns
    -------
    Mode : its `distance` is large if the search failed

    Examples
    --------
    >>> from patron.models.spend_likelihood import SpendLikelihood
    >>> likelihood = SpendLikelihood(np.array([2.0, 7.0, 3.0]), np.array([0.7, 2.3, 1.1]))
    >>> names = ("log p", "log(q - 1)", "log v")
    >>> posterior = Posterior(likelihood, names, np.zeros(3), np.ones(3), n_customers=3)
    >>> mode = find_mode(posterior)
    >>> mode.distance < 1e-6, bool((abs(posterior.value_and_gradient(mode.theta)[1]) < 1e-5).all())
    (True, True)
    """
    theta = minimize(_downhill, posterior.centre, (posterior,), method="BFGS", jac=True).x
    for _ in range(20):
        factor = _factor(posterior, theta)
        slope = posterior.value_and_gradient(theta)[1] @ factor
        distance = float(np.sqrt(slope @ slope))
        if distance < 1e-3 * FARTHEST_FROM_MODE:
            break
        theta = theta + factor @ slope / max(1.0, distance)
    return Mode(theta, factor, posterior.likelihood.value(theta), distance)


def _downhill(theta: Floats, posterior: Posterior) -> tuple[float, Floats]:
    """Minus the log-density per customer, and its slope; a wall where it overflows."""
    value, gradient = posterior.value_and_gradient(theta)
    return (
        -value if np.isfinite(value) else 1e300
    ) / posterior.n_customers, -gradient / posterior.n_customers


def _factor(posterior: Posterior, theta: Floats) -> Floats:
    """The factor of the covariance that the curvature at θ stands for, by differences of the gradient."""
    curvature = np.array(
        [
            posterior.value_and_gradient(theta - step)[1] - posterior.value_and_gradient(theta + step)[1]
            for step in _STEP * np.eye(len(theta))
        ]
    )
    values, vectors = np.linalg.eigh((curvature + curvature.T) / (4 * _STEP))
    # Far from the mode the surface may bend upwards. The flattest that a prior allows keeps steps finite.
    values = np.maximum(values, np.min(posterior.spread**-2))
    factor: Floats = np.linalg.cholesky((vectors / values) @ vectors.T)
    return factor


def _good(measures: Mapping[str, float], draws: int, chains: int) -> bool:
    """Whether what the method measured lies within its limits."""
    return (
        measures.get("r_hat", 1.0) <= LARGEST_R_HAT
        and min(measures.get("ess_bulk", np.inf), measures.get("ess_tail", np.inf))
        >= FEWEST_EFFECTIVE * chains
        and measures.get("divergences", 0) <= MOST_DIVERGENT * draws * chains
        and measures.get("k_hat", 0.0) <= LARGEST_K_HAT
    )
