"""What the data say about the parameters of Gamma-Gamma: `log_likelihood`, and its sum with gradient.

The formula stands once, in `log_likelihood`: per customer, for checks and for PyMC. `SpendLikelihood` is its
sum over all customers, compressed, with the gradient worked out, for the optimiser and the samplers.

======== =======================================================================================
symbol   in words
======== =======================================================================================
p        shape of the value of a purchase: how alike the purchases of one customer are
q, v     shape and inverse scale of ν over customers: how alike customers are; v is money
x, z     repeat purchases, and their mean value: frequency and monetary_value
======== =======================================================================================

References
----------
Fader & Hardie (2013), "The Gamma-Gamma Model of Monetary Value".
"""

from math import exp
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import digamma, gammaln

from patron.models.compression import Groups, blocks, count_distinct, distinct_rows
from patron.models.functions import NUMPY, Functions, pytensor_functions

__all__ = ["SpendLikelihood", "log_likelihood"]

type Floats = npt.NDArray[np.float64]


def log_likelihood(p: Any, q: Any, v: Any, x: Any, z: Any, functions: Functions = NUMPY) -> Any:
    """The log-likelihood of the mean value of each customer's repeat purchases.

    Parameters
    ----------
    p, q, v : parameters, positive; v in money
    x, z : customers: repeat purchases, at least 1, and their mean value in money
    functions : NumPy's, or PyTensor's where the parameters are symbols

    Returns
    -------
    the broadcast shape, natural logarithm

    Notes
    -----
    1/B(px, q) · v^q z^(px-1) x^(px) / (v + xz)^(px+q)

    Examples
    --------
    >>> log_likelihood(6.25, 3.74, 15.44, np.array([2, 7]), np.array([22.35, 73.74])).round(4)
    array([-3.5513, -6.0549])
    """
    ln, ln_gamma = functions.log, functions.gammaln
    shape = p * x
    beta = ln_gamma(shape) + ln_gamma(q) - ln_gamma(shape + q)
    return q * ln(v) - ln(z) + shape * ln(x * z) - (shape + q) * ln(v + x * z) - beta


class SpendLikelihood:
    """The log-likelihood of many customers and its gradient, in coordinates without bounds.

    Parameters
    ----------
    x, z : (n_customers,) repeat purchases, at least 1, and their mean value in money of order one
    covariates : (n_customers, k) standardised; none by default

    Notes
    -----
    The coordinates θ are log p, log(q - 1) and log v, then k effects, which raise log v and with it the mean.
    Gamma functions are worked out once per distinct x, everything else once per distinct (x, z) of each
    distinct row of covariates.

    Examples
    --------
    >>> x, z = np.array([2.0, 7.0, 2.0]), np.array([0.7, 2.3, 0.7])
    >>> value, gradient = SpendLikelihood(x, z).value_and_gradient(np.zeros(3))
    >>> bool(np.isclose(value, log_likelihood(1.0, 2.0, 1.0, x, z).sum()))
    True
    """

    def __init__(self, x: Floats, z: Floats, covariates: Floats | None = None) -> None:
        design = np.zeros((len(x), 0)) if covariates is None else covariates
        one = np.ones(len(x))
        self._segments, position = distinct_rows(design)
        segmented = design.shape[1] > 0
        self._n = float(len(x))
        self._customers: Any = np.bincount(position).astype(np.float64) if segmented else self._n
        (self._x,), self._x_weight, _ = count_distinct([x], one)
        rows, self._weight, _ = count_distinct([position.astype(np.float64), x, z], one)
        self._of, self._row_x, self._row_z = rows
        spent, weight_x = self._row_x * self._row_z, self._weight * self._row_x
        self._blocks = [
            (
                segments,
                Groups(self._of[i] - segments.start, segments.stop - segments.start if segmented else None),
                spent[i],
                weight_x[i],
                self._weight[i],
            )
            for i, segments in blocks(self._of)
        ]
        # Of -log z + px log(xz): what does not depend on the parameters, and the factor of p.
        self._constant = -float(self._weight @ np.log(self._row_z))
        self._factor = float(weight_x @ np.log(spent))

    def value_and_gradient(self, theta: Floats) -> tuple[float, Floats]:
        """The log-likelihood at θ, and its slope in each coordinate.

        Parameters
        ----------
        theta : (3 + k,) the coordinates

        Returns
        -------
        float and (3 + k,)
        """
        p, beyond, log_v = self._parameters(theta)
        q, v, k = 1 + beyond, np.exp(log_v), self._segments.shape[1]
        value, slope_p, slope_q = self._beta(p, q)

        slope_v = q * self._customers  # in log v
        bought, customers = 0.0, 0.0
        for segments, of, spent, weight_x, weight in self._blocks:
            here = v[segments] if k else v
            end = spent + of.spread(here)
            log_end = np.log(end)
            bought += float(weight_x @ log_end)
            customers += float(weight @ log_end)
            power = p * weight_x
            power += q * weight
            np.divide(1, end, out=end)
            if k:
                slope_v[segments] -= here * of.collect(power, end)
            else:
                slope_v -= here * of.collect(power, end)
        known = float(np.dot(self._customers, log_v)) - customers
        value += q * known + self._constant + p * (self._factor - bought)

        gradient = np.empty(3 + k)
        gradient[0] = p * (slope_p + self._factor - bought)
        gradient[1] = beyond * (slope_q + known)
        gradient[2] = slope_v.sum()
        if k:
            gradient[3:] = slope_v @ self._segments
        return value, gradient

    def value(self, theta: Floats) -> float:
        """The log-likelihood at θ alone, for half the time."""
        p, beyond, log_v = self._parameters(theta)
        q, v = 1 + beyond, np.exp(log_v)
        bought, customers = 0.0, 0.0
        for segments, of, spent, weight_x, weight in self._blocks:
            end = spent + of.spread(v[segments] if self._segments.shape[1] else v)
            np.log(end, out=end)
            bought += float(weight_x @ end)
            customers += float(weight @ end)
        known = float(np.dot(self._customers, log_v)) - customers
        return self._beta(p, q)[0] + q * known + self._constant + p * (self._factor - bought)

    def symbolic(self, theta: Any) -> Any:
        """The same log-likelihood as a PyTensor expression of θ, straight from the formula."""
        import pytensor.tensor as pt

        p, q = pt.exp(theta[0]), 1 + pt.exp(theta[1])
        v = pt.exp(theta[2] + pt.dot(self._segments[self._of.astype(np.intp)], theta[3:]))
        each = log_likelihood(p, q, v, self._row_x, self._row_z, pytensor_functions())
        return pt.sum(self._weight * each)

    def _parameters(self, theta: Floats) -> tuple[float, float, Any]:
        """p, q - 1, and log v: a number, or (n_segments,) where segments have their own."""
        log_v = theta[2]
        if self._segments.shape[1]:
            log_v = log_v + self._segments @ theta[3:]
        return exp(theta[0]), exp(theta[1]), log_v

    def _beta(self, p: float, q: float) -> tuple[float, float, float]:
        """Of 1/B(px, q): the logarithm, and its slopes in p and q."""
        shape = p * self._x
        both, alone = self._x_weight * digamma(shape + q), self._x_weight * digamma(shape)
        value = float(self._x_weight @ (gammaln(shape + q) - gammaln(shape)) - self._n * gammaln(q))
        return value, float(self._x @ (both - alone)), float(both.sum() - self._n * digamma(q))
