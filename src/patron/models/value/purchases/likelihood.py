"""The log-likelihood of BG/NBD and MBG/NBD: `log_likelihood` per customer, and its sum with gradient.

`log_likelihood` is the formula as published, for checks and for PyMC. `PurchaseLikelihood`
is its sum over all customers, compressed, with its gradient, for the optimiser and the samplers;
the sum itself is compiled, see :mod:`patron.models.inference.kernels`.

========= ====================================================================================
symbol    in words
========= ====================================================================================
r, α      shape and inverse scale of the purchase rate λ ~ Gamma(r, α) over customers
a, b      shapes of the chance of dropping out after a purchase, p ~ Beta(a, b) over customers
φ, κ      a/(a + b), the mean chance of dropping out, and a + b, how alike customers are in it
x         frequency: repeat purchases so far
c         chances to drop out so far: x in BG/NBD, x + 1 in MBG/NBD
t_x, T    recency and age: time units from the first purchase to the last, and to today
========= ====================================================================================

The references are those of :mod:`patron.models.value.purchases.model`.
"""

from typing import Any

import numpy as np

from patron.arrays import Floats
from patron.checks import one_of
from patron.models.inference.backends import NUMPY, Backend, pytensor_backend
from patron.models.inference.compiled import CompiledLikelihood
from patron.models.inference.compression import count_distinct, distinct_rows, packed
from patron.models.value.purchases import FAMILIES

__all__ = ["PurchaseLikelihood", "dropout_opportunities", "log_likelihood"]


def log_likelihood(
    r: Any, alpha: Any, a: Any, b: Any, x: Any, t_x: Any, T: Any, family: str, backend: Backend = NUMPY
) -> Any:
    """The log-likelihood of each customer's purchases, without the constant x!.

    Parameters
    ----------
    r, alpha, a, b
        parameters, positive, broadcast against the customers
    x, t_x, T
        customers: repeat purchases, and recency and age in time units
    family
        "bgnbd" or "mbgnbd"
    backend
        NumPy's, or PyTensor's where the parameters are symbols

    Returns
    -------
    Any
        the broadcast shape, natural logarithm

    Notes
    -----
    Γ(r+x)/Γ(r) · α^r · B(a, b+c)/B(a, b) · [(α+T)^-(r+x) + a/(b+c-1) · (α+t_x)^-(r+x)]: either the customer
    is alive or dropped out at the last of c chances. Without a chance the second term is absent.

    Examples
    --------
    >>> x, t_x, T = np.array([2, 0]), np.array([30.43, 0]), 38.86
    >>> log_likelihood(0.243, 4.414, 0.793, 2.426, x, t_x, T, "bgnbd").round(4)
    array([-9.4586, -0.5547])
    """
    ln, ln_gamma = backend.log, backend.gammaln
    c = dropout_opportunities(x, family)
    survived = np.maximum(c, 1) - 1  # chances before the last; any number will do where there is none
    bought = ln_gamma(r + x) - ln_gamma(r) + r * ln(alpha) - (r + x) * ln(alpha + T)
    stayed = ln_gamma(b + c) - ln_gamma(b) + ln_gamma(a + b) - ln_gamma(a + b + c)
    odds = ln(a) - ln(b + survived) + (r + x) * (ln(alpha + T) - ln(alpha + t_x))
    return bought + stayed + backend.where(c > 0, backend.softplus(odds), 0.0)


def dropout_opportunities(x: Any, family: str) -> Any:
    """The number of occasions at which a customer with x repeat purchases could have dropped out.

    Parameters
    ----------
    x
        repeat purchases
    family
        "bgnbd" or "mbgnbd"

    Examples
    --------
    >>> dropout_opportunities(np.array([0, 3]), "mbgnbd")
    array([1, 4])
    """
    one_of("family", family, FAMILIES)
    return x + (family == "mbgnbd")


class PurchaseLikelihood(CompiledLikelihood):
    """The log-likelihood of many customers and its gradient, in coordinates without bounds.

    Parameters
    ----------
    x, t_x, T
        (n_customers,) repeat purchases, and recency and age in time units of order one
    family
        "bgnbd" or "mbgnbd"
    covariates
        (n_customers, k) standardised; none by default

    Notes
    -----
    The coordinates θ are log r, log α, the log-odds of φ and log κ, then k effects on buying, which lower
    log α, and k effects on dropping out, which raise the log-odds of φ.

    Customers who are alike count once, with a weight: gamma functions once per distinct x, waiting once per
    distinct T, dropping out once per distinct (x, t_x, T); each of these per distinct row of covariates,
    which is called a segment.

    Examples
    --------
    >>> x, t_x, T = np.array([2.0, 0, 0, 2]), np.array([0.8, 0, 0, 0.8]), np.ones(4)
    >>> likelihood = PurchaseLikelihood(x, t_x, T, "bgnbd")
    >>> value, gradient = likelihood.value_and_gradient(np.zeros(4))
    >>> bool(np.isclose(value, log_likelihood(1.0, 1.0, 0.5, 0.5, x, t_x, T, "bgnbd").sum()))
    True
    """

    kernel = "purchases"

    def __init__(
        self, x: Floats, t_x: Floats, T: Floats, family: str, covariates: Floats | None = None
    ) -> None:
        design = np.zeros((len(x), 0)) if covariates is None else covariates
        one, c = np.ones(len(x)), dropout_opportunities(x, family)
        self._segments, position = distinct_rows(design)
        segment, every = position.astype(np.float64), np.arange(float(len(self._segments)))
        self._family, self._everyone = family, [segment, x, t_x, T]
        customers = np.bincount(position).astype(np.float64)

        # Gamma functions, once per distinct x and per distinct c of a segment. An entry of its own, x = 0 and
        # c = 0, takes the number of customers off, so that Γ(r) and B(a, b) need no terms of their own.
        of_x, x_weight, _ = count_distinct([np.append(x, 0.0)], np.append(one, -len(x)))
        stays = [np.append(segment, every), np.append(c, 0.0 * every)]
        of_c, c_weight, _ = count_distinct(stays, np.append(one, -customers))

        # Waiting, once per distinct T of a segment: number of customers and of their purchases.
        of_T, T_customers, which_T = count_distinct([segment, T], one)
        T_purchases = np.bincount(which_T, weights=x, minlength=len(T_customers))

        # Dropping out, once per distinct history of those who had a chance to; its parts once per distinct
        # t_x and once per distinct c - 1 of a segment.
        had = c > 0
        of_t_x, _, which_t_x = count_distinct([segment[had], t_x[had]], one[had])
        of_survived, _, which_c = count_distinct([segment[had], c[had] - 1], one[had])
        parts = [which_c.astype(np.float64), x[had], which_t_x.astype(np.float64), which_T[had] * 1.0]
        (which, bought, last, end), weight, _ = count_distinct(parts, one[had])

        self._data = packed(
            [
                *(self._segments, customers, *of_x, x_weight, *of_c, c_weight),
                *(*of_T, T_customers, T_purchases, *of_t_x, *of_survived),
                *(end, last, which, bought, weight),
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

        (segment, x, t_x, T), weight, _ = count_distinct(self._everyone, np.ones(len(self._everyone[0])))
        design = self._segments[segment.astype(np.intp)]
        k = design.shape[1]
        r, kappa = pt.exp(theta[0]), pt.exp(theta[3])
        alpha = pt.exp(theta[1] - pt.dot(design, theta[4 : 4 + k]))
        phi = pt.sigmoid(theta[2] + pt.dot(design, theta[4 + k :]))
        a, b = kappa * phi, kappa * (1 - phi)
        each = log_likelihood(r, alpha, a, b, x, t_x, T, self._family, pytensor_backend())
        return pt.sum(weight * each)
