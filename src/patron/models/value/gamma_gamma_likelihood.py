"""The log-likelihood of Gamma-Gamma: `log_likelihood` per customer, and its sum with gradient.

`log_likelihood` is the formula as published, for checks and for PyMC. `SpendLikelihood` is
its sum over all customers, compressed, with the gradient worked out, for the optimiser and the samplers; the
sum itself is compiled, see :mod:`patron.models.inference.kernels`.

The symbols and references are those of :mod:`patron.models.value.gamma_gamma`.
"""

from typing import Any

import numpy as np

from patron.arrays import Floats
from patron.models.inference.backends import NUMPY, Backend, pytensor_backend
from patron.models.inference.compiled import CompiledLikelihood
from patron.models.inference.compression import count_distinct, distinct_rows, packed

__all__ = ["SpendLikelihood", "log_likelihood"]


def log_likelihood(p: Any, q: Any, v: Any, x: Any, z: Any, backend: Backend = NUMPY) -> Any:
    """The log-likelihood of the mean value of each customer's repeat purchases.

    Parameters
    ----------
    p, q, v
        parameters, positive; v in money
    x, z
        customers: repeat purchases, at least 1, and their mean value in money
    backend
        as in :func:`patron.models.value.purchases.likelihood.log_likelihood`

    Notes
    -----
    1/B(px, q) · v^q z^(px-1) x^(px) / (v + xz)^(px+q)

    Examples
    --------
    >>> log_likelihood(6.25, 3.74, 15.44, np.array([2, 7]), np.array([22.35, 73.74])).round(4)
    array([-3.5513, -6.0549])
    """
    ln, ln_gamma = backend.log, backend.gammaln
    shape = p * x
    beta = ln_gamma(shape) + ln_gamma(q) - ln_gamma(shape + q)
    return q * ln(v) - ln(z) + shape * ln(x * z) - (shape + q) * ln(v + x * z) - beta


class SpendLikelihood(CompiledLikelihood):
    """The log-likelihood of many customers and its gradient, in coordinates without bounds.

    Parameters
    ----------
    x, z
        (n_customers,) repeat purchases, at least 1, and their mean value in money of order one
    covariates
        (n_customers, k) standardised; none by default

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

    kernel = "spend"

    def __init__(self, x: Floats, z: Floats, covariates: Floats | None = None) -> None:
        design = np.zeros((len(x), 0)) if covariates is None else covariates
        one = np.ones(len(x))
        self._segments, position = distinct_rows(design)
        of_x, x_weight, _ = count_distinct([x], one)
        rows, self._weight, _ = count_distinct([position.astype(np.float64), x, z], one)
        self._of, self._row_x, self._row_z = rows
        spent = self._row_x * self._row_z
        changes = np.diff(np.stack([self._of, self._row_x]), prepend=-1.0) != 0
        starts = np.flatnonzero(changes.any(axis=0))
        ends = np.append(starts[1:], len(spent))
        # Of -log z + px log(xz): what does not depend on the parameters, and the factor of p.
        constant = -float(self._weight @ np.log(self._row_z))
        factor = float((self._weight * self._row_x) @ np.log(spent))
        self._data = packed(
            [
                *(self._segments, np.array([constant, factor]), *of_x, x_weight),
                *(self._of[starts], self._row_x[starts], starts * 1.0, ends * 1.0, spent, self._weight),
            ]
        )

    def symbolic(self, theta: Any) -> Any:
        """The same log-likelihood as a PyTensor expression of θ, straight from the formula.

        Parameters
        ----------
        theta
            (d,) the coordinates, PyTensor symbols
        """
        import pytensor.tensor as pt

        p, q = pt.exp(theta[0]), 1 + pt.exp(theta[1])
        v = pt.exp(theta[2] + pt.dot(self._segments[self._of.astype(np.intp)], theta[3:]))
        each = log_likelihood(p, q, v, self._row_x, self._row_z, pytensor_backend())
        return pt.sum(self._weight * each)
