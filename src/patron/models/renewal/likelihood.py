"""The log-likelihood of the shifted beta-geometric model: `log_likelihood`, and its sum with gradient.

`log_likelihood` is the formula as published. `RenewalLikelihood` is its sum over all contracts, counted by
the number of renewals made, with the gradient worked out, for the optimiser and the samplers; the sum itself
is compiled, see :mod:`patron.models.inference.kernels`.

========= ==========================================================================================
symbol    in words
========= ==========================================================================================
α, β      shapes of the chance of not renewing, θ ~ Beta(α, β) over contracts; it never changes
φ, κ      α/(α + β), the mean chance of not renewing at first, and α + β, how alike contracts are in it
n         renewals made so far
========= ==========================================================================================

References
----------
Fader & Hardie (2007), How to project customer retention, Journal of Interactive Marketing 21(1), 76-90.
"""

from typing import Any

import numpy as np

from patron.arrays import Floats
from patron.models.inference.backends import NUMPY, Backend, pytensor_backend
from patron.models.inference.compiled import CompiledLikelihood
from patron.models.inference.compression import count_distinct, distinct_rows, packed

__all__ = ["RenewalLikelihood", "log_likelihood"]


def log_likelihood(
    alpha: Any, beta: Any, renewals: Any, lost: Any, kept: Any, backend: Backend = NUMPY
) -> Any:
    """The log-likelihood of what happened to contracts at one renewal.

    Parameters
    ----------
    alpha, beta
        parameters, positive, broadcast against the rest
    renewals
        renewals made before, count ≥ 0
    lost, kept
        how many of the contracts ended there, and how many went on
    backend
        as in :func:`patron.models.value.purchases.likelihood.log_likelihood`

    Notes
    -----
    After n renewals a contract is kept with the chance (β+n)/(α+β+n), the retention rate, and lost with
    α/(α+β+n). The product over the renewals of a contract is B(α, β+n)/B(α, β) or B(α+1, β+n)/B(α, β).

    Examples
    --------
    369 of 1000 customers leave at their first renewal, 163 of the others at their second:

    >>> log_likelihood(0.764, 1.296, np.array([0, 1]), np.array([369, 163]), np.array([631, 468])).round(1)
    array([-658.4, -360.6])
    """
    ln = backend.log
    seen = lost + kept
    return lost * ln(alpha) + kept * ln(beta + renewals) - seen * ln(alpha + beta + renewals)


class RenewalLikelihood(CompiledLikelihood):
    """The log-likelihood of many contracts and its gradient, in coordinates without bounds.

    Parameters
    ----------
    start, renewals
        (n_contracts,) renewals made when watching began, and so far; whole numbers, start ≤
        renewals
    ended
        (n_contracts,) 1 where the contract was not renewed again, 0 where it still runs
    count
        (n_contracts,) contracts that each row stands for
    covariates
        (n_contracts, k) standardised; none by default

    Notes
    -----
    The coordinates θ are the log-odds of φ, log κ and k effects on the log-odds of φ. Contracts that are
    alike count once: numbers lost and kept per number of renewals and distinct row of covariates.

    Renewals before `start` carry no information: contracts that ended earlier were not observed.

    Examples
    --------
    >>> one, likelihood = np.ones(2), RenewalLikelihood(
    ...     np.zeros(2), np.array([0.0, 2.0]), np.array([1.0, 0.0]), np.array([3.0, 1.0])
    ... )
    >>> value, gradient = likelihood.value_and_gradient(np.zeros(2))
    >>> bool(np.isclose(value, 3 * np.log(0.5) + np.log(0.5) + np.log(1.5 / 2)))
    True
    """

    kernel = "renewals"

    def __init__(
        self,
        start: Floats,
        renewals: Floats,
        ended: Floats,
        count: Floats,
        covariates: Floats | None = None,
    ) -> None:
        design = np.zeros((len(renewals), 0)) if covariates is None else covariates
        self._segments, position = distinct_rows(design)
        segment = position.astype(np.float64)
        keys = [segment, start, renewals]
        (segment, start, renewals), weight, which = count_distinct(keys, count)
        gone = np.bincount(which, weights=count * ended, minlength=len(weight))

        # One row per renewal that was, or was not, made: the contracts of a segment that reached it.
        made = (renewals - start).astype(np.intp)
        row = np.repeat(np.arange(len(made)), made)
        nth = np.arange(len(row)) - np.repeat(np.cumsum(made) - made, made)
        segments = np.concatenate([segment[row], segment])
        ages = np.concatenate([start[row] + nth, renewals])
        kept = np.concatenate([weight[row], np.zeros(len(weight))])
        lost = np.concatenate([np.zeros(len(row)), gone])
        (self._of, self._age), self._kept, position = count_distinct([segments, ages], kept)
        self._lost = np.bincount(position, weights=lost, minlength=len(self._kept))
        self._data = packed([self._segments, self._of, self._age, self._lost, self._kept])

    def symbolic(self, theta: Any) -> Any:
        """The same log-likelihood as a PyTensor expression of θ, straight from the formula.

        Parameters
        ----------
        theta
            (d,) the coordinates, PyTensor symbols
        """
        import pytensor.tensor as pt

        logit = theta[0] + pt.dot(self._segments[self._of.astype(np.intp)], theta[2:])
        kappa, phi = pt.exp(theta[1]), pt.sigmoid(logit)
        shapes = kappa * phi, kappa * (1 - phi)
        return pt.sum(log_likelihood(*shapes, self._age, self._lost, self._kept, pytensor_backend()))
