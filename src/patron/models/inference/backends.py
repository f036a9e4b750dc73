"""Backends of formulas: the functions of NumPy for numbers, and of PyTensor for the symbols of PyMC."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import gammaln

__all__ = ["NUMPY", "Backend", "pytensor_backend"]


@dataclass(frozen=True, slots=True)
class Backend:
    """The functions that formulas use, so that each formula is written once.

    Attributes
    ----------
    log
        natural logarithm
    gammaln
        logarithm of the gamma function
    softplus
        log(1 + e^s), for s of any size
    where
        one or the other, by a condition

    Examples
    --------
    >>> NUMPY.softplus(np.array([0.0, 1000.0])).round(4)
    array([6.931e-01, 1.000e+03])
    """

    log: Callable[[Any], Any]
    gammaln: Callable[[Any], Any]
    softplus: Callable[[Any], Any]
    where: Callable[[Any, Any, Any], Any]


NUMPY = Backend(np.log, gammaln, lambda s: np.logaddexp(0.0, s), np.where)


def pytensor_backend() -> Backend:
    """The functions of PyTensor, which is loaded by this call."""
    import pytensor.tensor as pt

    return Backend(pt.log, pt.gammaln, pt.softplus, pt.where)
