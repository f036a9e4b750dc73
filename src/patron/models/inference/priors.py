"""Prior distributions of parameters: medians and spreads, and those that replace the defaults."""

from collections.abc import Mapping

import numpy as np

from patron.arrays import Floats
from patron.errors import RangeError, SettingsError

__all__ = ["EFFECT_SPREAD", "FEW_CUSTOMERS", "Priors", "few_warning", "prior_of"]

type Priors = Mapping[str, tuple[float, float]]

FEW_CUSTOMERS = 50
"""A fit to fewer customers comes with a warning: the prior then weighs as much as the data."""

EFFECT_SPREAD = 0.5
"""Prior standard deviation of the effect of a covariate: a factor of 1.65 either way."""


def few_warning(n: float, noun: str = "customers") -> list[str]:
    """A warning if a model is fitted to few.

    Parameters
    ----------
    n
        count
    noun
        what is counted
    """
    if n >= FEW_CUSTOMERS:
        return []
    return [
        f"fitted to {n:.0f} {noun}, fewer than {FEW_CUSTOMERS}: the prior weighs as much as they do. "
        "Treat the numbers as rough estimates."
    ]


def prior_of(defaults: Priors, chosen: Priors | None) -> tuple[Floats, Floats]:
    """Medians and spreads of the priors, one each per parameter in the order of the defaults.

    Parameters
    ----------
    defaults
        parameter → (median, spread)
    chosen
        parameter → (median, spread) that replaces the default; None for none

    Returns
    -------
    median, spread
        (n_parameters,) each

    Raises
    ------
    SettingsError
        a prior is on a parameter that the model does not have
    RangeError
        a median or spread is not positive and finite

    Examples
    --------
    >>> prior_of({"p": (5.0, 2.0), "q": (2.5, 2.0)}, {"q": (1.5, 1.0)})
    (array([5. , 1.5]), array([2., 1.]))
    """
    unknown = sorted(set(chosen or {}) - set(defaults))
    if unknown:
        raise SettingsError(
            f"there is no parameter {', '.join(unknown)} to put a prior on; there are {', '.join(defaults)}."
        )
    merged = {**defaults, **(chosen or {})}
    if any(np.shape(prior) != (2,) for prior in merged.values()):
        raise RangeError(f"a prior is a median and a spread, as (1.5, 2.0), got {dict(chosen or {})}.")
    median, spread = np.array([merged[name] for name in defaults], dtype=np.float64).T
    if not ((median > 0) & (spread > 0) & np.isfinite(median) & np.isfinite(spread)).all():
        raise RangeError(f"a prior is a positive median and a positive spread, got {dict(chosen or {})}.")
    return median, spread
