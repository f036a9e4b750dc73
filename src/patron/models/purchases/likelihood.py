"""What the data say about the parameters of BG/NBD and MBG/NBD: `log_likelihood`, and its sum with gradient.

The formula stands once, in `log_likelihood`: per customer, for checks and for PyMC. `PurchaseLikelihood` is
its sum over all customers, compressed, with the gradient worked out, for the optimiser and the samplers.

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

References
----------
Fader, Hardie & Lee (2005), "Counting your customers" the easy way, Marketing Science 24(2), 275-284.
Batislam, Denizel & Filiztekin (2007), International Journal of Research in Marketing 24(3), 201-209.
"""

from math import exp
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import digamma, expit, gammaln

from patron.errors import RangeError
from patron.models.compression import Groups, blocks, count_distinct, distinct_rows
from patron.models.functions import NUMPY, Functions, pytensor_functions
from patron.models.purchases.expectation import FAMILIES
from patron.models.purchases.histories import Histories

__all__ = ["PurchaseLikelihood", "chances", "log_likelihood"]

type Floats = npt.NDArray[np.float64]
type Each = Any  # a number, or (n_segments,) where segments have their own


def log_likelihood(
    r: Any,
    alpha: Any,
    a: Any,
    b: Any,
    x: Any,
    t_x: Any,
    T: Any,
    family: str = "bgnbd",
    functions: Functions = NUMPY,
) -> Any:
    """The log-likelihood of each customer's purchases, without the constant x!.

    Parameters
    ----------
    r, alpha, a, b : parameters, positive, broadcast against the customers
    x, t_x, T : customers: repeat purchases, and recency and age in time units
    family : "bgnbd" or "mbgnbd"
    functions : NumPy's, or PyTensor's where the parameters are symbols

    Returns
    -------
    the broadcast shape, natural logarithm

    Raises
    ------
    RangeError : the family is unknown

    Notes
    -----
    Γ(r+x)/Γ(r) · α^r · B(a, b+c)/B(a, b) · [(α+T)^-(r+x) + a/(b+c-1) · (α+t_x)^-(r+x)]: either the customer
    is alive or dropped out at the last of c chances. Without a chance the second term is absent.

    Examples
    --------
    >>> log_likelihood(0.243, 4.414, 0.793, 2.426, np.array([2, 0]), np.array([30.43, 0]), 38.86).round(4)
    array([-9.4586, -0.5547])
    """
    ln, ln_gamma = functions.log, functions.gammaln
    c = chances(x, family)
    survived = np.maximum(c, 1) - 1  # chances before the last; any number will do where there is none
    bought = ln_gamma(r + x) - ln_gamma(r) + r * ln(alpha) - (r + x) * ln(alpha + T)
    stayed = ln_gamma(b + c) - ln_gamma(b) + ln_gamma(a + b) - ln_gamma(a + b + c)
    odds = ln(a) - ln(b + survived) + (r + x) * (ln(alpha + T) - ln(alpha + t_x))
    return bought + stayed + functions.where(c > 0, functions.softplus(odds), 0.0)


def chances(x: Any, family: str) -> Any:
    """How often a customer with x repeat purchases could have dropped out.

    Examples
    --------
    >>> chances(np.array([0, 3]), "mbgnbd")
    array([1, 4])
    """
    if family not in FAMILIES:
        raise RangeError(f"family must be one of {', '.join(FAMILIES)}, got {family!r}.")
    return x + (family == "mbgnbd")


class PurchaseLikelihood:
    """The log-likelihood of many customers and its gradient, in coordinates without bounds.

    Parameters
    ----------
    x, t_x, T : (n_customers,) repeat purchases, and recency and age in time units of order one
    family : "bgnbd" or "mbgnbd"
    covariates : (n_customers, k) standardised; none by default

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
    >>> bool(np.isclose(value, log_likelihood(1.0, 1.0, 0.5, 0.5, x, t_x, T).sum()))
    True
    """

    def __init__(
        self, x: Floats, t_x: Floats, T: Floats, family: str, covariates: Floats | None = None
    ) -> None:
        design = np.zeros((len(x), 0)) if covariates is None else covariates
        one, c = np.ones(len(x)), chances(x, family)
        self._segments, position = distinct_rows(design)
        segment, every = position.astype(np.float64), np.arange(len(self._segments))
        self._family, self._everyone = family, [segment, x, t_x, T]
        n = len(self._segments) if design.shape[1] else None
        per_segment = np.bincount(position).astype(np.float64)
        self._customers = per_segment if n else float(len(x))

        # Gamma functions, once per distinct x and per distinct c of a segment. An entry of its own, x = 0 and
        # c = 0, takes the number of customers off, so that Γ(r) and B(a, b) need no terms of their own.
        (self._x,), self._x_weight, _ = count_distinct([np.append(x, 0.0)], np.append(one, -len(x)))
        stays = [np.append(segment, every), np.append(c, 0.0 * every)]
        (of, self._c), self._c_weight, _ = count_distinct(stays, np.append(one, -per_segment))
        self._c_groups = Groups(of, n)

        # Waiting, once per distinct T: so many customers, with so many purchases.
        (of, self._T), self._T_customers, which = count_distinct([segment, T], one)
        self._T_purchases = np.bincount(which, weights=x, minlength=len(self._T))
        self._T_groups = Groups(of, n)

        # Dropping out, once per distinct history of those who had a chance to.
        had = c > 0
        rows = [column[had] for column in (segment, c - 1, x, t_x, T)]
        (of, survived, x, t_x, T), weight, _ = count_distinct(rows, one[had])
        self._histories = [
            (
                segments,
                Histories(
                    of[i] - segments.start,
                    n and segments.stop - segments.start,
                    *(column[i] for column in (survived, x, t_x, T, weight)),
                ),
            )
            for i, segments in blocks(of)
        ]

    def value_and_gradient(self, theta: Floats) -> tuple[float, Floats]:
        """The log-likelihood at θ, and its slope in each coordinate.

        Parameters
        ----------
        theta : (4 + 2k,) the coordinates

        Returns
        -------
        float and (4 + 2k,)
        """
        r, log_alpha, a, b = self._parameters(theta)
        alpha = np.exp(log_alpha)
        bought, r_1 = self._bought(r)
        waited, r_2, alpha_1 = self._waited(r, alpha, log_alpha)
        stayed, a_1, b_1 = self._stayed(a, b)
        gone, r_3, alpha_2, a_2, b_2 = self._gone(r, alpha, a, b)

        slope_alpha = alpha * (alpha_1 + alpha_2)
        slope_a, slope_b = a * (a_1 + a_2), b * (b_1 + b_2)
        slope_phi = (b * slope_a - a * slope_b) / (a + b)
        slopes = slope_alpha, slope_phi, slope_a + slope_b
        gradient = np.empty(len(theta))
        gradient[0] = r * (r_1 + r_2 + r_3)
        if k := self._segments.shape[1]:
            gradient[1:4] = [slope.sum() for slope in slopes]
            gradient[4 : 4 + k] = -slope_alpha @ self._segments
            gradient[4 + k :] = slope_phi @ self._segments
        else:
            gradient[1:4] = slopes
        return bought + waited + stayed + gone, gradient

    def value(self, theta: Floats) -> float:
        """The log-likelihood at θ alone, for half the time."""
        r, log_alpha, a, b = self._parameters(theta)
        alpha = np.exp(log_alpha)
        parts = self._bought(r)[0], self._waited(r, alpha, log_alpha)[0], self._stayed(a, b)[0]
        if self._segments.shape[1] == 0:
            return sum(parts) + sum(each.value(r, alpha, a, b) for _, each in self._histories)
        return sum(parts) + sum(each.value(r, alpha[i], a[i], b[i]) for i, each in self._histories)

    def symbolic(self, theta: Any) -> Any:
        """The same log-likelihood as a PyTensor expression of θ, straight from the formula."""
        import pytensor.tensor as pt

        (segment, x, t_x, T), weight, _ = count_distinct(self._everyone, np.ones(len(self._everyone[0])))
        design = self._segments[segment.astype(np.intp)]
        k = design.shape[1]
        r, kappa = pt.exp(theta[0]), pt.exp(theta[3])
        alpha = pt.exp(theta[1] - pt.dot(design, theta[4 : 4 + k]))
        phi = pt.sigmoid(theta[2] + pt.dot(design, theta[4 + k :]))
        a, b = kappa * phi, kappa * (1 - phi)
        each = log_likelihood(r, alpha, a, b, x, t_x, T, self._family, pytensor_functions())
        return pt.sum(weight * each)

    def _parameters(self, theta: Floats) -> tuple[float, Each, Each, Each]:
        """r, log α, a and b."""
        log_alpha, logit_phi, kappa = theta[1], theta[2], exp(theta[3])
        if k := self._segments.shape[1]:
            log_alpha = log_alpha - self._segments @ theta[4 : 4 + k]
            logit_phi = logit_phi + self._segments @ theta[4 + k :]
        return exp(theta[0]), log_alpha, kappa * expit(logit_phi), kappa * expit(-logit_phi)

    def _bought(self, r: float) -> tuple[float, float]:
        """Of Γ(r+x)/Γ(r): the logarithm, and its slope in r."""
        shape = r + self._x
        return float(self._x_weight @ gammaln(shape)), float(self._x_weight @ digamma(shape))

    def _waited(self, r: float, alpha: Each, log_alpha: Each) -> tuple[float, float, Each]:
        """Of α^r (α+T)^-(r+x): the logarithm, and its slopes in r and α."""
        end = self._T_groups.spread(alpha) + self._T
        log_end = np.log(end)
        slope_r = float(np.dot(self._customers, log_alpha) - self._T_customers @ log_end)
        value = r * slope_r - float(self._T_purchases @ log_end)
        power = r * self._T_customers + self._T_purchases
        return value, slope_r, r * self._customers / alpha - self._T_groups.collect(power, 1 / end)

    def _stayed(self, a: Each, b: Each) -> tuple[float, Each, Each]:
        """Of B(a, b+c)/B(a, b): the logarithm, and its slopes in a and b."""
        shape = self._c_groups.spread(b) + self._c
        total = self._c_groups.spread(a) + shape
        value = float(self._c_weight @ (gammaln(shape) - gammaln(total)))
        slope_a = -self._c_groups.collect(self._c_weight, digamma(total))
        return value, slope_a, slope_a + self._c_groups.collect(self._c_weight, digamma(shape))

    def _gone(self, r: float, alpha: Each, a: Each, b: Each) -> tuple[float, float, Each, Each, Each]:
        """Of 1 + a/(b+c-1) · ((α+T)/(α+t_x))^(r+x): the logarithm, and its slopes in r, α, a and b."""
        if self._segments.shape[1] == 0:
            total = np.zeros(5)
            for _, each in self._histories:
                total += each.value_and_slopes(r, alpha, a, b)
            return float(total[0]), float(total[1]), total[2], total[3], total[4]
        value, slope_r = 0.0, 0.0
        slope_alpha, slope_a, slope_b = np.zeros((3, len(a)))
        for i, each in self._histories:
            part = each.value_and_slopes(r, alpha[i], a[i], b[i])
            value += part[0]
            slope_r += part[1]
            slope_alpha[i] += part[2]
            slope_a[i] += part[3]
            slope_b[i] += part[4]
        return value, slope_r, slope_alpha, slope_a, slope_b
