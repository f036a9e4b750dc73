"""Where a customer stands among the customers of the training: `Tiers`.

The cut-offs are frozen when a model is trained. A customer's tier then changes because the customer changed,
never because others did.
"""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from patron.errors import RangeError

__all__ = ["Tiers"]

VIP, MEDIUM = 90, 50
"""Percentiles above which a customer is vip, and medium."""


@dataclass(frozen=True, slots=True)
class Tiers:
    """Quantiles of customer value, frozen: vip are the top 10 %, medium those down to half, low the rest.

    Attributes
    ----------
    quantiles : (99,) money, non-decreasing; the 1 %, 2 %, … 99 % quantiles of customer value

    Raises
    ------
    RangeError : there are not 99 quantiles, or they fall, or one is not finite

    Examples
    --------
    >>> tiers = Tiers.from_values(np.arange(1.0, 101.0))
    >>> round(tiers.vip_above, 1), tiers.medium_above
    (90.1, 50.5)
    >>> tiers.tier(np.array([100.0, 91.0, 90.0, 50.0, np.nan])).tolist()
    ['vip', 'vip', 'medium', 'low', None]
    >>> tiers.percentile(np.array([100.0, 91.0, 50.0, 1.0, np.nan])).tolist()
    [100.0, 91.0, 50.0, 1.0, nan]
    """

    quantiles: tuple[float, ...]

    def __post_init__(self) -> None:
        grid = np.asarray(self.quantiles, dtype=float)
        if grid.shape != (99,) or not np.isfinite(grid).all() or (np.diff(grid) < 0).any():
            raise RangeError(
                f"Tiers.quantiles must be 99 finite numbers that never fall, got {grid.size} numbers."
            )

    @classmethod
    def from_values(cls, values: npt.ArrayLike) -> Self:
        """Tiers of these customers.

        Parameters
        ----------
        values : (n_customers,) money, customer value; NaN counts as unknown and is left out

        Raises
        ------
        RangeError : no value is known
        """
        known = np.asarray(values, dtype=float)
        known = known[np.isfinite(known)]
        if known.size == 0:
            raise RangeError("Tiers need the value of at least one customer, and no value is known.")
        # Between equal values, interpolation may err in the last digit: without this, quantiles would fall.
        grid = np.maximum.accumulate(np.quantile(known, np.arange(1, 100) / 100))
        return cls(tuple(grid.tolist()))

    @property
    def vip_above(self) -> float:
        """Money; customers worth more than this are vip."""
        return self.quantiles[VIP - 1]

    @property
    def medium_above(self) -> float:
        """Money; customers worth more than this, and not vip, are medium."""
        return self.quantiles[MEDIUM - 1]

    def percentile(self, values: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """One more than the number of quantiles below each value: 1 to 100; NaN where the value is unknown.

        Equal values have equal percentiles, the lowest that either could have.
        """
        values = np.asarray(values, dtype=float)
        below = np.searchsorted(np.asarray(self.quantiles), values, side="left")
        return np.where(np.isnan(values), np.nan, below + 1.0)

    def tier(self, values: npt.ArrayLike) -> npt.NDArray[np.object_]:
        """vip, medium or low for each value; None where the value is unknown."""
        percentile = self.percentile(values)
        named = np.full(percentile.shape, None, dtype=object)
        named[percentile >= 1] = "low"
        named[percentile > MEDIUM] = "medium"
        named[percentile > VIP] = "vip"
        return named

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON; the two cut-offs are there for people to read."""
        return {
            "vip_above": self.vip_above,
            "medium_above": self.medium_above,
            "quantiles": list(self.quantiles),
        }

    @classmethod
    def from_dict(cls, described: dict[str, Any]) -> Self:
        """The tiers that `to_dict` has described."""
        return cls(tuple(described["quantiles"]))
