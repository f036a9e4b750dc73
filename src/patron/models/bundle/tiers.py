"""Quantiles of customer value in the training population: `Tiers`.

The cut-offs are frozen when a model is trained. A customer's tier then changes only because the customer
changed, never because others did.
"""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from patron.arrays import Floats, Texts
from patron.errors import RangeError

__all__ = ["Tiers"]


@dataclass(frozen=True, slots=True)
class Tiers:
    """Quantiles of customer value, frozen: vip are the top 10 %, medium those down to half, low the rest.

    Attributes
    ----------
    quantiles
        (99,) money, non-decreasing; the 1 %, 2 %, … 99 % quantiles of customer value
    vip_share, medium_share
        whole percents in (0, 1), share of the customers that are vip, and that are vip
        or medium

    Raises
    ------
    RangeError
        there are not 99 quantiles, or they fall, or one is not finite; a share is no whole percent,
        or more are vip than vip or medium

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
    vip_share: float = 0.10
    medium_share: float = 0.50

    def __post_init__(self) -> None:
        for name in ("vip_share", "medium_share"):
            percent = 100 * getattr(self, name)
            if not (0 < percent < 100 and abs(percent - round(percent)) < 1e-6):
                raise RangeError(
                    f"tiers.{name} must be a whole percent between 0 and 1, got {getattr(self, name)!r}. "
                    "Write 10 % as 0.10."
                )
        if self.vip_share > self.medium_share:
            raise RangeError(
                f"tiers.vip_share ({self.vip_share}) must not exceed medium_share ({self.medium_share}), "
                "which counts the vip, too."
            )
        grid = np.asarray(self.quantiles, dtype=float)
        if grid.shape != (99,) or not np.isfinite(grid).all() or (np.diff(grid) < 0).any():
            raise RangeError(
                f"Tiers.quantiles must be 99 finite numbers that never fall, got {grid.size} numbers."
            )

    @classmethod
    def from_values(cls, values: npt.ArrayLike, vip_share: float = 0.10, medium_share: float = 0.50) -> Self:
        """Tiers of these customers.

        Parameters
        ----------
        values
            (n_customers,) money, customer value; NaN counts as unknown and is excluded
        vip_share, medium_share
            share of them that are vip, and that are vip or medium

        Raises
        ------
        RangeError
            no value is known
        """
        known = np.asarray(values, dtype=float)
        known = known[np.isfinite(known)]
        if known.size == 0:
            raise RangeError("Tiers need the value of at least one customer, and no value is known.")
        # Between equal values, interpolation may err in the last digit: without this, quantiles would fall.
        grid = np.maximum.accumulate(np.quantile(known, np.arange(1, 100) / 100))
        return cls(tuple(grid.tolist()), vip_share, medium_share)

    @property
    def vip_above(self) -> float:
        """Money; customers worth more than this are vip."""
        return self.quantiles[_percentile_above(self.vip_share) - 1]

    @property
    def medium_above(self) -> float:
        """Money; customers worth more than this, and not vip, are medium."""
        return self.quantiles[_percentile_above(self.medium_share) - 1]

    def percentile(self, values: npt.ArrayLike) -> Floats:
        """One more than the number of quantiles below each value: 1 to 100; NaN where the value is unknown.

        Equal values have equal percentiles, the lowest that either could have.

        Parameters
        ----------
        values
            any shape, money; NaN where unknown
        """
        values = np.asarray(values, dtype=float)
        below = np.searchsorted(np.asarray(self.quantiles), values, side="left")
        return np.where(np.isnan(values), np.nan, below + 1.0)

    def tier(self, values: npt.ArrayLike) -> Texts:
        """vip, medium or low for each value; None where the value is unknown.

        Parameters
        ----------
        values
            any shape, money; NaN where unknown
        """
        percentile = self.percentile(values)
        named = np.full(percentile.shape, None, dtype=object)
        named[percentile >= 1] = "low"
        named[percentile > _percentile_above(self.medium_share)] = "medium"
        named[percentile > _percentile_above(self.vip_share)] = "vip"
        return named

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON; the two cut-offs are for readers of the file only."""
        return {
            "vip_above": self.vip_above,
            "medium_above": self.medium_above,
            "vip_share": self.vip_share,
            "medium_share": self.medium_share,
            "quantiles": list(self.quantiles),
        }

    @classmethod
    def from_dict(cls, described: dict[str, Any]) -> Self:
        """The tiers that `to_dict` described.

        Parameters
        ----------
        described
            field → value, as `to_dict` returned it
        """
        return cls(tuple(described["quantiles"]), described["vip_share"], described["medium_share"])


def _percentile_above(share: float) -> int:
    """The percentile above which this share of the customers lies."""
    return 100 - round(100 * share)
