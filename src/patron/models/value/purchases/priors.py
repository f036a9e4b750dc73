"""Prior distributions of BG/NBD and MBG/NBD, and warnings where the data carry little information."""

from collections.abc import Sequence

import numpy as np
from scipy.special import expit

from patron.arrays import Floats
from patron.errors import RangeError
from patron.models.inference.compression import scaled
from patron.models.inference.posterior import Posterior
from patron.models.inference.priors import EFFECT_SPREAD, Priors, few_warning, prior_of
from patron.models.value.purchases.likelihood import PurchaseLikelihood
from patron.models.value.rfm import Customers

__all__ = ["PRIORS", "fit_warnings", "purchase_draws", "purchase_posterior"]


PRIORS: Priors = {"r": (0.5, 2.0), "alpha": (0.3, 2.0), "phi": (0.25, 2.0), "kappa": (3.0, 2.0)}
"""Median, and spread: standard deviation of the logarithm (of the log-odds for φ). α in median ages T.

Wide enough to move no estimate from a few thousand customers by a percent; narrow enough to keep κ finite
where few customers leave it open.
"""

_NAMES = ("log r", "log alpha", "log-odds of phi", "log kappa")


def purchase_posterior(
    customers: Customers, covariates: Floats | None, family: str, priors: Priors | None = None
) -> tuple[Posterior, float]:
    """The posterior of the parameters, in scaled time, and the unit of that time.

    Parameters
    ----------
    customers
        checked RFM rows
    covariates
        (n_customers, k) standardised, or None
    family
        "bgnbd" or "mbgnbd"
    priors
        parameter → (median, spread), in place of those of `PRIORS`

    Returns
    -------
    posterior
        of log r, log α, the log-odds of φ, log κ, and the effects of covariates
    unit
        the median age, in the time unit of the customers

    Raises
    ------
    SettingsError, RangeError
        a prior is on no parameter, or impossible

    Examples
    --------
    >>> import pandas as pd
    >>> from patron.models.value.rfm import read_customers
    >>> rfm = pd.DataFrame({"customer_id": [1, 2], "frequency": [2, 0], "recency": [30, 0], "T": [40, 60]})
    >>> posterior, unit = purchase_posterior(read_customers(rfm), None, "bgnbd")
    >>> posterior.names, unit
    (('log r', 'log alpha', 'log-odds of phi', 'log kappa'), 50.0)
    """
    (t_x, T), unit = scaled(np.stack([customers.recency, customers.T]), customers.T)
    median, spread = prior_of(PRIORS, priors)
    if not median[2] < 1:
        raise RangeError(f"the prior median of phi must lie between 0 and 1, got {median[2]}.")
    centre = np.log(median)
    centre[2] -= np.log1p(-median[2])
    n_effects = 0 if covariates is None else 2 * covariates.shape[1]
    return Posterior(
        PurchaseLikelihood(customers.frequency, t_x, T, family, covariates),
        (*_NAMES, *(f"effect {number}" for number in range(1, n_effects + 1))),
        np.append(centre, np.zeros(n_effects)),
        np.append(spread, np.full(n_effects, EFFECT_SPREAD)),
        len(customers),
    ), unit


def purchase_draws(coordinates: Floats, unit: float, effects: Sequence[str] = ()) -> dict[str, Floats]:
    """The parameters at draws of the coordinates.

    Parameters
    ----------
    coordinates
        (n_draws, 4 + 2k) of the posterior
    unit
        of its time
    effects
        (k,) names of the effects of covariates

    Returns
    -------
    dict[str, Floats]
        dict, parameter → (n_draws,): r, alpha (in the customers' time unit), a, b, buying[·], dropping_out[·]

    Examples
    --------
    >>> {name: float(draw[0]) for name, draw in purchase_draws(np.zeros((1, 4)), unit=50.0).items()}
    {'r': 1.0, 'alpha': 50.0, 'a': 0.5, 'b': 0.5}
    """
    r, alpha, kappa = np.exp(coordinates[:, 0]), unit * np.exp(coordinates[:, 1]), np.exp(coordinates[:, 3])
    a, b = kappa * expit(coordinates[:, 2]), kappa * expit(-coordinates[:, 2])
    names = [f"{kind}[{effect}]" for kind in ("buying", "dropping_out") for effect in effects]
    return {"r": r, "alpha": alpha, "a": a, "b": b} | dict(zip(names, coordinates.T[4:], strict=True))


def fit_warnings(customers: Customers) -> list[str]:
    """Warnings about a fit to these customers, as sentences; empty if there are none.

    Parameters
    ----------
    customers
        checked RFM rows

    Examples
    --------
    >>> import pandas as pd
    >>> from patron.models.value.rfm import read_customers
    >>> rfm = pd.DataFrame({"customer_id": [1, 2], "frequency": [2, 0], "recency": [30, 0], "T": [40, 60]})
    >>> fit_warnings(read_customers(rfm))
    ['fitted to 2 customers, fewer than 50: the prior weighs as much as they do. Treat the numbers as rough
    estimates.']
    """
    found = few_warning(len(customers))
    if not (customers.frequency > 0).any():
        found.append(
            f"none of the {len(customers)} customers has bought twice: the data bound the purchase rate from "
            "above and contain nothing about dropping out. Treat the numbers as rough estimates."
        )
    return found
