"""The term of the likelihood that needs whole histories, and where its time goes: who has dropped out?"""

from typing import Any

import numpy as np
import numpy.typing as npt

from patron.models.compression import Groups, count_distinct

__all__ = ["Histories"]

type Floats = npt.NDArray[np.float64]
type Each = Any  # a number, or (n_segments,) where segments have their own

_LARGEST = 700.0  # e to this power is still a number


class Histories:
    """Distinct histories of customers who had a chance to drop out, few enough for the processor's cache.

    Parameters
    ----------
    segment : (n,) number of the segment, ascending from 0
    n_segments : ≥ 1, or None without segments: then α, a and b are numbers
    survived : (n,) chances to drop out that came before the last, c - 1, ascending within a segment
    x, t_x, T : (n,) repeat purchases, recency and age
    weight : (n,) customers with this history
    """

    def __init__(
        self,
        segment: Floats,
        n_segments: int | None,
        survived: Floats,
        x: Floats,
        t_x: Floats,
        T: Floats,
        weight: Floats,
    ) -> None:
        self._x, self._t_x, self._T, self._weight = x, t_x, T, weight
        self._segments = Groups(segment, n_segments)
        # The odds depend on a and b by the segment and the chances survived alone.
        (of, self._survived), times, _ = count_distinct([segment, survived], np.ones(len(x)))
        self._chances, self._times = Groups(of, n_segments), times.astype(np.intp)
        self._starts = np.cumsum(self._times) - self._times

    def value(self, r: float, alpha: Each, a: Each, b: Each) -> float:
        """The sum of log(1 + odds), where odds = a/(b+c-1) · ((α+T)/(α+t_x))^(r+x) are those of being gone.

        Parameters
        ----------
        r : shape of the purchase rate
        alpha, a, b : the other parameters; (n_segments,) with segments

        Examples
        --------
        >>> one = np.ones(1)
        >>> history = Histories(0 * one, None, survived=one, x=2 * one, t_x=0.8 * one, T=one, weight=one)
        >>> round(history.value(1.0, 1.0, 1.0, 1.0), 6), round(float(np.log(1 + 1 / 2 * (2 / 1.8) ** 3)), 6)
        (0.522282, 0.522282)
        """
        log_odds, *_ = self._log_odds(r, alpha, a, b)
        beyond = self._cut(log_odds)
        one_more = np.exp(log_odds, out=log_odds)
        one_more += 1
        return beyond + float(self._weight @ np.log(one_more, out=one_more))

    def value_and_slopes(
        self, r: float, alpha: Each, a: Each, b: Each
    ) -> tuple[float, float, Each, Each, Each]:
        """The value, and its slopes in r, α, a and b."""
        log_odds, gone, wait, power, end, last, survived = self._log_odds(r, alpha, a, b)
        beyond = self._cut(log_odds)
        one_more = np.exp(log_odds, out=log_odds)
        one_more += 1
        np.divide(self._weight, one_more, out=gone)
        np.subtract(self._weight, gone, out=gone)  # the probability of being gone, times the weight
        value = beyond + float(self._weight @ np.log(one_more, out=one_more))

        by_chances = np.add.reduceat(gone, self._starts)
        slope_a = self._chances.collect(by_chances, np.ones_like(by_chances)) / a
        slope_b = -self._chances.collect(by_chances, 1 / survived)
        slope_r = float(gone @ wait)
        gone *= power  # times 1/(α+T) - 1/(α+t_x), the slope of the wait in α
        np.subtract(last, end, out=wait)
        end *= last
        wait /= end
        return value, slope_r, self._segments.collect(gone, wait), slope_a, slope_b

    def _log_odds(self, r: float, alpha: Each, a: Each, b: Each) -> tuple[Floats, ...]:
        """The logarithm of the odds of being gone, a space to work in, and what the odds are made of."""
        scale = self._segments.spread(alpha)
        end, last = self._T + scale, self._t_x + scale
        wait = end / last
        np.log(wait, out=wait)
        power = self._x + r
        survived = self._chances.spread(b) + self._survived
        log_odds = np.repeat(np.log(self._chances.spread(a) / survived), self._times)
        space = power * wait
        log_odds += space
        return log_odds, space, wait, power, end, last, survived

    def _cut(self, log_odds: Floats) -> float:
        """Cuts log-odds of which e to the power is no number; returns what log(1 + odds) loses by that."""
        if log_odds.max() <= _LARGEST:
            return 0.0
        beyond = np.maximum(log_odds - _LARGEST, 0.0)
        log_odds -= beyond
        return float(self._weight @ beyond)  # log(1 + e^s) is s there, to the last digit
