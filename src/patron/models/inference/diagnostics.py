"""Whether a fit can be trusted: `Diagnostics`, and the limits that decide."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from math import isfinite
from typing import Any, Self

import numpy as np

__all__ = ["Diagnostics", "good_enough"]

LARGEST_R_HAT = 1.01
FEWEST_EFFECTIVE = 100  # draws per chain, in the middle and in the tails
LARGEST_K_HAT = 0.7
MOST_DIVERGENT = 0.001  # share of the draws
FARTHEST_FROM_MODE = 1e-4  # posterior standard deviations
HARDLY_LEARNED = 1.0  # standard deviation of a coordinate: above, a factor of e either way fits as well

_MEASURES = ("r_hat", "ess_bulk", "ess_tail", "k_hat", "other_family")


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnostics:
    """Whether a fit can be trusted.

    Attributes
    ----------
    inference
        "nuts", "laplace" or "map"
    converged
        the mode was found, and the draws are as good as they should be
    n_customers
        behind the fit
    log_likelihood
        at the mode, of the data in the user's units, without x!
    gradient
        at the mode, as the distance to the true one in posterior standard deviations
    ridge
        coordinates on which the data carry so little information that the prior decides
    r_hat
        the largest of the coordinates; at most 1.01 (nuts)
    ess_bulk, ess_tail
        the smallest effective sample sizes; at least 100 per chain (nuts)
    divergences
        draws at which the sampler broke down; at most one in a thousand (nuts)
    k_hat
        Pareto shape of the importance weights; at most 0.7 (laplace)
    other_family
        log-likelihood that the other family of purchases would gain; from 2 it clearly fits better
    seconds
        duration of the fit
    """

    inference: str
    converged: bool
    n_customers: int
    log_likelihood: float
    gradient: float
    ridge: tuple[str, ...] = ()
    r_hat: float | None = None
    ess_bulk: float | None = None
    ess_tail: float | None = None
    divergences: int | None = None
    k_hat: float | None = None
    other_family: float | None = None
    seconds: float = 0.0

    def warnings(self) -> list[str]:
        """Warnings about the fit, as sentences; empty if there are none.

        Examples
        --------
        >>> fit = Diagnostics(
        ...     inference="laplace", converged=False, n_customers=90, log_likelihood=-80.5, gradient=0.0,
        ...     k_hat=0.9,
        ... )
        >>> fit.warnings()
        ['k-hat is 0.90, above 0.7: the curvature is a poor guide to the posterior. Use inference="nuts".']
        """
        found = []
        if self.gradient > FARTHEST_FROM_MODE:
            found.append(
                f"the most plausible parameters were not found: the search ended {self.gradient:.2g} "
                "standard deviations away. Look for impossible histories."
            )
        if self.k_hat is not None and self.k_hat > LARGEST_K_HAT:
            found.append(
                f"k-hat is {self.k_hat:.2f}, above {LARGEST_K_HAT}: the curvature is a poor guide to the "
                'posterior. Use inference="nuts".'
            )
        if self.r_hat is not None and not self.converged and self.gradient <= FARTHEST_FROM_MODE:
            found.append(
                f"the chains did not converge: R-hat {self.r_hat:.3f}, effective draws {self.ess_bulk:.0f} "
                f"in the middle and {self.ess_tail:.0f} in the tails, {self.divergences} divergences. Take "
                "more draws and tuning steps."
            )
        if self.ridge:
            found.append(
                f"the data carry little information on {' and '.join(self.ridge)}: many values fit alike, "
                "and the prior decides. Take more customers or a longer history, and read intervals, not "
                "means."
            )
        return found

    def to_dict(self) -> dict[str, Any]:
        """Field → value, as JSON has it: a measure that is not finite is null, as if not taken."""
        lost = {name: None for name in _MEASURES if not isfinite(getattr(self, name) or 0.0)}
        return asdict(self) | {"ridge": list(self.ridge)} | lost

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Self:
        """The diagnostics that `to_dict` took apart.

        Parameters
        ----------
        fields
            field → value, as `to_dict` returned it

        Examples
        --------
        >>> fit = Diagnostics(
        ...     inference="map", converged=True, n_customers=90, log_likelihood=-80.5, gradient=1e-9
        ... )
        >>> Diagnostics.from_dict(fit.to_dict()) == fit
        True
        """
        return cls(**{**fields, "ridge": tuple(fields["ridge"])})


def good_enough(gradient: float, measures: Mapping[str, float], draws: int, chains: int) -> bool:
    """Whether the mode was found, and the measures of the method lie within their limits.

    Parameters
    ----------
    gradient
        distance to the true mode in posterior standard deviations
    measures
        those fields of `Diagnostics` that the method knows
    draws, chains
        of each chain, and how many

    Examples
    --------
    >>> good_enough(1e-9, {"k_hat": 0.3}, 1000, 4), good_enough(1e-9, {"r_hat": 1.05}, 1000, 4)
    (True, False)
    """
    return (  # written so that NaN fails everywhere
        gradient <= FARTHEST_FROM_MODE
        and measures.get("r_hat", 1.0) <= LARGEST_R_HAT
        and measures.get("ess_bulk", np.inf) >= FEWEST_EFFECTIVE * chains
        and measures.get("ess_tail", np.inf) >= FEWEST_EFFECTIVE * chains
        and measures.get("divergences", 0) <= MOST_DIVERGENT * draws * chains
        and measures.get("k_hat", 0.0) <= LARGEST_K_HAT
    )
