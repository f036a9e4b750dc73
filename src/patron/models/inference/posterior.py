"""The posterior of a model's parameters, its mode and the curvature there: `Posterior`, `find_mode`.

The coordinates are unbounded and every prior is normal in them. Nothing but the value and the gradient of the
log-likelihood is used. `Posterior.pymc_model` states the same model in PyMC.
"""

from dataclasses import dataclass
from math import isfinite
from typing import Any, Protocol

import numpy as np
from scipy.optimize import minimize

from patron.arrays import Floats
from patron.models.inference.diagnostics import FARTHEST_FROM_MODE

__all__ = ["LogLikelihood", "Mode", "Posterior", "find_mode"]

_STEP = 1e-4  # of the central differences that turn gradients into curvature


class LogLikelihood(Protocol):
    """The log-likelihood of coordinates θ."""

    def value_and_gradient(self, theta: Floats) -> tuple[float, Floats]:
        """The log-likelihood at θ, and its slope in each coordinate.

        Parameters
        ----------
        theta
            (d,) the coordinates
        """

    def symbolic(self, theta: Any) -> Any:
        """The same as a PyTensor expression.

        Parameters
        ----------
        theta
            (d,) the coordinates, PyTensor symbols
        """

    def compiled(self) -> tuple[Any, Floats]:
        """The same compiled, with its data; see :mod:`patron.models.inference.kernels`."""


@dataclass(frozen=True, slots=True)
class Posterior:
    """A log-likelihood, with an independent normal prior on each coordinate.

    Attributes
    ----------
    likelihood
        log-likelihood of the data
    names
        (d,) of the coordinates
    centre, spread
        (d,) means and standard deviations of the priors
    n_customers
        customers behind the likelihood

    Examples
    --------
    >>> from patron.models.value.gamma_gamma_likelihood import SpendLikelihood
    >>> likelihood = SpendLikelihood(np.array([2.0, 7.0, 3.0]), np.array([0.7, 2.3, 1.1]))
    >>> names = ("log p", "log(q - 1)", "log v")
    >>> posterior = Posterior(likelihood, names, np.zeros(3), np.ones(3), n_customers=3)
    >>> value, slope = posterior.value_and_gradient(np.zeros(3))
    >>> bool(np.isclose(value, likelihood.value_and_gradient(np.zeros(3))[0]))
    True
    """

    likelihood: LogLikelihood
    names: tuple[str, ...]
    centre: Floats
    spread: Floats
    n_customers: int

    def value_and_gradient(self, theta: Floats) -> tuple[float, Floats]:
        """The log-density at θ up to a constant, and its slope; -inf and zeros where it overflows.

        Parameters
        ----------
        theta
            (d,) the coordinates
        """
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

    def pymc_model(self) -> Any:
        """The model as PyMC states it, over the same compressed rows: to read, extend or sample otherwise."""
        import pymc as pm

        with pm.Model(coords={"coordinate": list(self.names)}) as model:
            theta = pm.Normal("theta", self.centre, self.spread, dims="coordinate")
            pm.Potential("customers", self.likelihood.symbolic(theta))
        return model


@dataclass(frozen=True, slots=True)
class Mode:
    """The mode of a posterior, and the curvature there.

    Attributes
    ----------
    theta
        (d,) coordinates
    factor
        (d, d) lower triangular; factor · factorᵀ is the covariance that the curvature implies
    log_likelihood
        there, without the prior
    distance
        to the true mode, in posterior standard deviations
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
        """(…, d) coordinates of points z that are standard normal if the posterior is.

        Parameters
        ----------
        z
            (…, d) points in the whitened frame
        """
        return self.theta + z @ self.factor.T


def find_mode(posterior: Posterior) -> Mode:
    """The mode of a posterior, by BFGS and then Newton's steps.

    Parameters
    ----------
    posterior
        distribution whose mode is searched

    Returns
    -------
    Mode
        its `distance` is large if the search failed

    Examples
    --------
    >>> from patron.models.value.gamma_gamma_likelihood import SpendLikelihood
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
    return Mode(theta, factor, posterior.likelihood.value_and_gradient(theta)[0], distance)


def _downhill(theta: Floats, posterior: Posterior) -> tuple[float, Floats]:
    """Minus the log-density per customer, and its slope; a wall where it overflows."""
    value, gradient = posterior.value_and_gradient(theta)
    return (
        -value if np.isfinite(value) else 1e300
    ) / posterior.n_customers, -gradient / posterior.n_customers


def _factor(posterior: Posterior, theta: Floats) -> Floats:
    """The factor of the covariance that the curvature at θ implies, by differences of the gradient."""
    curvature = np.array(
        [
            posterior.value_and_gradient(theta - step)[1] - posterior.value_and_gradient(theta + step)[1]
            for step in _STEP * np.eye(len(theta))
        ]
    )
    values, vectors = np.linalg.eigh((curvature + curvature.T) / (4 * _STEP))
    # Far from the mode the surface may bend upwards. The flattest that a prior allows keeps steps finite.
    values = np.maximum(values, np.min(posterior.spread**-2))
    return np.linalg.cholesky((vectors / values) @ vectors.T)
