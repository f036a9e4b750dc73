"""The functions of which a formula is made: NumPy's for numbers, PyTensor's for the symbols of PyMC."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import gammaln

__all__ = ["NUMPY", "Functions", "pytensor_functions"]


@dataclass(frozen=True, slots=True)
class Functions:
    """One way to evaluate a formula, so that the formula is written once.

    Attributes
    ----------
    log
        natural logarithm
    gammaln
        logarithm of the gamma function
    softplus
        log(1 + e^s), for s of any size
    where
        the one or the other, by a condition

    Examples
    --------
    >>> NUMPY.softplus(np.array([0.0, 1000.0])).round(4)
    array([6.931e-01, 1.000e+03])
    """

    log: Callable[[Any], Any]
    gammaln: Callable[[Any], Any]
    softplus: Callable[[Any], Any]
    where: Callable[[Any, Any, Any], Any]


NUMPY = Functions(np.log, gammaln, lambda s: np.logaddexp(0.0, s), np.where)


def pytensor_functions() -> Functions:
    """PyTensor's functions; PyTensor is loaded when they are asked for."""
    import pytensor.tensor as pt

    return Functions(pt.log, pt.gammaln, pt.softplus, pt.where)
