"""What the data say about the parameters of BG/NBD and MBG/NBD: `log_likelihood`, and its sum with gradient.

The formula stands once, in `log_likelihood`. Per customer it serves checks and PyMC; `PurchaseLikelihood` is its
sum over all customers, compressed, with the gradient worked out, for the optimiser and the samplers.

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

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import digamma, expit, gammaln

from patron.errors import RangeError
from patron.models.compression import Groups, count_distinct, distinct_rows
from patron.models.purchases.expectation import FAMILIES

__all__ = ["NUMPY", "Functions", "PurchaseLikelihood", "log_likelihood"]

type Floats = npt.NDArray[np.float64]
type Slope = Floats  # the derivative of a sum over customers: one number, or one per segment


@dataclass(frozen=True, slots=True)
class Functions:
    """The functions of which a formula is made: those of NumPy for numbers, those of PyTensor for PyMC."""

    log: Callable[[Any], Any]
    gammaln: Callable[[Any], Any]
    softplus: Callable[[Any], Any]
    where: Callable[[Any, Any, Any], Any]


NUMPY = Functions(np.log, gammaln, lambda s: np.logaddexp(0.0, s), np.where)


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
    functions : NumPy's, or PyTensor's where parameters are symbols

    Returns
    -------
    the broadcast shape, natural logarithm

    Raises
    ------
    RangeError : the family is unknown

    Notes
    -----
    Γ(r+x)/Γ(r) · α^r · B(a, b+c)/B(a, b) · [(α+T)^-(r+x) + a/(b+c-1) · (α+t_x)^-(r+x)]: the customer is alive,
    or dropped out at the last of c chances; without a chance the second term is absent.

    Examples
    --------
    >>> log_likelihood(0.243, 4.414, 0.793, 2.426, np.array([2, 0]), np.array([30.43, 0]), 38.86).round(4)
    array([-9.4586, -0.5547])
    """
    ln, ln_gamma = functions.log, functions.gammaln
    c = chances(x, family)
    last = (
        np.maximum(c, 1) - 1
    )  # chances survived before the last one; any number will do where there is none
    bought = ln_gamma(r + x) - ln_gamma(r) + r * ln(alpha) - (r + x) * ln(alpha + T)
    stayed = ln_gamma(b + c) - ln_gamma(b) + ln_gamma(a + b) - ln_gamma(a + b + c)
    odds = ln(a) - ln(b + last) + (r + x) * (ln(alpha + T) - ln(alpha + t_x))
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
    The coordinates θ are log r, log α, the log-odds of φ and log κ, then k effects on buying, which lower log α,
    and k effects on dropping out, which raise the log-odds of φ.

    Customers who are alike count once, with a weight: gamma functions once per distinct x, waiting once per
    distinct T, dropping out once per distinct (x, t_x, T); each of these per distinct row of covariates, which
    is called a segment.

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
        self.family = family
        self.histories = (x, t_x, T)
        self.segments, self.segment = distinct_rows(
            np.zeros((len(x), 0)) if covariates is None else covariates
        )
        n, one, c = len(self.segments), np.ones(len(x)), chances(x, family)
        self._customers = np.bincount(self.segment, minlength=n).astype(np.float64)

        # Gamma functions, once per distinct x and per distinct c of a segment. An entry of its own, x = 0 and
        # c = 0, takes the number of customers off, so that Γ(r) and B(a, b) need no terms of their own.
        (self._x,), self._x_weight, _ = count_distinct([np.append(x, 0.0)], np.append(one, -len(x)))
        stays = [np.append(self.segment, np.arange(n)), np.append(c, np.zeros(n))]
        (of, self._c), self._c_weight, _ = count_distinct(stays, np.append(one, -self._customers))
        self._c_groups = Groups(of, n)

        # Waiting, once per distinct T: so many customers, with so many purchases.
        (of, self._T), self._T_customers, which = count_distinct([self.segment, T], one)
        self._T_purchases = np.bincount(which, weights=x, minlength=len(self._T))
        self._T_groups = Groups(of, n)

        # Dropping out, once per distinct history of those who had a chance to, in the order of their chances.
        had = c > 0
        rows = [column[had] for column in (self.segment, c - 1, x, t_x, T)]
        (of, before, self._row_x, t_x, T), self._row_weight, _ = count_distinct(rows, one[had])
        self._row_t_x, self._row_T, self._row_groups = t_x, T, Groups(of, n)
        (of, self._before), times, _ = count_distinct([of, before], np.ones(len(of)))
        self._before_groups, self._before_rows = Groups(of, n), times.astype(np.intp)
        self._before_start = np.cumsum(self._before_rows) - self._before_rows

    def value_and_gradient(self, theta: Floats) -> tuple[float, Floats]:
        """The log-likelihood at θ, and its slope in each coordinate.

        Parameters
        ----------
        theta : (4 + 2k,) the coordinates

        Returns
        -------
        float and (4 + 2k,)
        """
        k = self.segments.shape[1]
        buying, dropping = theta[4 : 4 + k], theta[4 + k :]
        r, kappa = np.exp(theta[0]), np.exp(theta[3])
        alpha = np.exp(theta[1] - self.segments @ buying)
        phi = expit(theta[2] + self.segments @ dropping)
        a, b = kappa * phi, kappa * (1 - phi)

        bought, r_1 = self._bought(r)
        waited, r_2, alpha_1 = self._waited(r, alpha)
        stayed, a_1, b_1 = self._stayed(a, b)
        left, r_3, alpha_2, a_2, b_2 = self._left(r, alpha, a, b)

        log_alpha = alpha * (alpha_1 + alpha_2)
        logit_phi = kappa * phi * (1 - phi) * (a_1 + a_2 - b_1 - b_2)
        log_kappa = a @ (a_1 + a_2) + b @ (b_1 + b_2)
        slopes = [[r * (r_1 + r_2 + r_3), log_alpha.sum(), logit_phi.sum(), log_kappa]]
        slopes += [-self.segments.T @ log_alpha, self.segments.T @ logit_phi] if k else []
        return float(bought + waited + stayed + left), np.concatenate(slopes)

    def symbolic(self, theta: Any) -> Any:
        """The same log-likelihood as a PyTensor expression of θ, straight from the formula."""
        import pytensor.tensor as pt

        (segment, *history), weight, _ = count_distinct(
            [self.segment, *self.histories], np.ones(len(self.segment))
        )
        design = self.segments[segment]
        k = design.shape[1]
        r, kappa = pt.exp(theta[0]), pt.exp(theta[3])
        alpha = pt.exp(theta[1] - pt.dot(design, theta[4 : 4 + k]))
        phi = pt.sigmoid(theta[2] + pt.dot(design, theta[4 + k :]))
        functions = Functions(pt.log, pt.gammaln, pt.softplus, pt.where)
        each = log_likelihood(r, alpha, kappa * phi, kappa * (1 - phi), *history, self.family, functions)
        return pt.sum(weight * each)

    def _bought(self, r: float) -> tuple[float, float]:
        """Γ(r+x)/Γ(r); slope in r."""
        shape = r + self._x
        return self._x_weight @ gammaln(shape), self._x_weight @ digamma(shape)

    def _waited(self, r: float, alpha: Floats) -> tuple[float, float, Slope]:
        """α^r (α+T)^-(r+x); slopes in r and α."""
        end = self._T_groups.spread(alpha) + self._T
        log_end, log_alpha = np.log(end), np.log(alpha)
        power = r * self._T_customers + self._T_purchases
        value = r * (self._customers @ log_alpha) - power @ log_end
        slope_r = self._customers @ log_alpha - self._T_customers @ log_end
        return value, slope_r, r * self._customers / alpha - self._T_groups.collect(power / end)

    def _stayed(self, a: Floats, b: Floats) -> tuple[float, Slope, Slope]:
        """B(a, b+c)/B(a, b); slopes in a and b."""
        shape = self._c_groups.spread(b) + self._c
        total = self._c_groups.spread(a) + shape
        value = self._c_weight @ (gammaln(shape) - gammaln(total))
        slope_a = -self._c_groups.collect(self._c_weight * digamma(total))
        return value, slope_a, slope_a + self._c_groups.collect(self._c_weight * digamma(shape))

    def _left(
        self, r: float, alpha: Floats, a: Floats, b: Floats
    ) -> tuple[float, float, Slope, Slope, Slope]:
        """1 + a/(b+c-1) ((α+T)/(α+t_x))^(r+x): 1 + the odds of having dropped out; slopes in r, α, a and b."""
        scale = self._row_groups.spread(alpha)
        end, last = scale + self._row_T, scale + self._row_t_x
        wait = np.log(end / last)
        power = self._row_x + r
        survived = self._before_groups.spread(b) + self._before
        odds = np.repeat(np.log(self._before_groups.spread(a) / survived), self._before_rows)
        odds += power * wait
        # log(1 + e^odds) and its slope P(dropped out), from e^-|odds|, which cannot overflow.
        size = np.abs(odds)
        one_more = 1 + np.exp(-size)
        value = 0.5 * (self._row_weight @ odds + self._row_weight @ size) + self._row_weight @ np.log(
            one_more
        )
        gone = self._row_weight * (0.5 + np.copysign(1 / one_more - 0.5, odds))
        slope_alpha = self._row_groups.collect(gone * power * ((last - end) / (end * last)))
        by_chance = np.add.reduceat(gone, self._before_start) if len(gone) else gone
        slope_b = -self._before_groups.collect(by_chance / survived)
        return value, gone @ wait, slope_alpha, self._before_groups.collect(by_chance) / a, slope_b
