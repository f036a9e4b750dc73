"""The term of the likelihood that needs whole histories, and where its time goes: who has dropped out?"""

import numpy as np
import numpy.typing as npt

from patron.models.compression import Groups, count_distinct

__all__ = ["Histories"]

type Floats = npt.NDArray[np.float64]

_LARGEST = 700.0  # e to this power is still a number


class Histories:
    """Distinct histories of customers who had a chance to drop out, few enough for the processor's cache.

    Parameters
    ----------
    segment : (n,) number of the segment, ascending from 0
    survived : (n,) chances to drop out that came before the last, c - 1, ascending within a segment
    x, t_x, T : (n,) repeat purchases, recency and age
    weight : (n,) customers with this history
    """

    def __init__(
        self, segment: Floats, survived: Floats, x: Floats, t_x: Floats, T: Floats, weight: Floats
    ) -> None:
        n_segments = int(segment[-1]) + 1
        self._x, self._t_x, self._T, self._weight = x, t_x, T, weight
        self._gap = t_x - T
        self._segments = Groups(segment, n_segments)
        # The odds depend on a and b by the segment and the chances survived alone.
        (of, self._survived), times, _ = count_distinct([segment, survived], np.ones(len(x)))
        self._chances, self._times = Groups(of, n_segments), times.astype(np.intp)
        self._starts = np.cumsum(self._times) - self._times

    def value(self, r: float, alpha: Floats, a: Floats, b: Floats) -> float:
        """The sum of log(1 + odds), where odds = a/(b+c-1) · ((α+T)/(α+t_x))^(r+x) are those of being gone.

        Parameters
        ----------
        r : shape of the purchase rate
        alpha, a, b : (n_segments,) the other parameters

        Examples
        --------
        >>> one = np.ones(1)
        >>> history = Histories(np.zeros(1), np.array([1.0]), np.array([2.0]), np.array([0.8]), one, one)
        >>> round(history.value(1.0, one, one, one), 6), round(float(np.log(1 + 1 / 2 * (2 / 1.8) ** 3)), 6)
        (0.522282, 0.522282)
        """
        log_odds, *_ = self._log_odds(r, alpha, a, b)
        beyond = self._cut(log_odds)
        one_more = np.exp(log_odds, out=log_odds)
        one_more += 1
        return beyond + float(self._weight @ np.log(one_more, out=one_more))

    def value_and_slopes(
        self, r: float, alpha: Floats, a: Floats, b: Floats
    ) -> tuple[float, float, Floats, Floats, Floats]:
        """The value, and its slopes in r, in alpha, a and b: float, float, and (n_segments,) each."""
        log_odds, wait, power, end, last, survived = self._log_odds(r, alpha, a, b)
        beyond = self._cut(log_odds)
        one_more = np.exp(log_odds, out=log_odds)
        one_more += 1
        gone = self._weight / one_more
        np.subtract(self._weight, gone, out=gone)  # the probability of being gone, times the weight
        value = beyond + float(self._weight @ np.log(one_more, out=one_more))

        by_chances = np.add.reduceat(gone, self._starts)
        slope_a = self._chances.collect(by_chances) / a
        slope_b = -self._chances.collect(by_chances / survived)
        slope_r = float(gone @ wait)
        gone *= power
        end *= last
        gone /= end
        gone *= self._gap
        return value, slope_r, self._segments.collect(gone), slope_a, slope_b

    def _log_odds(self, r: float, alpha: Floats, a: Floats, b: Floats) -> tuple[Floats, ...]:
        """The logarithm of the odds of being gone, and what it is made of."""
        scale = self._segments.spread(alpha)
        end, last = self._T + scale, self._t_x + scale
        wait = end / last
        np.log(wait, out=wait)
        power = self._x + r
        survived = self._chances.spread(b) + self._survived
        log_odds = np.repeat(np.log(self._chances.spread(a) / survived), self._times)
        log_odds += power * wait
        return log_odds, wait, power, end, last, survived

    def _cut(self, log_odds: Floats) -> float:
        """Cuts log-odds of which e to the power is no number; returns what log(1 + odds) loses by that."""
        if log_odds.max() <= _LARGEST:
            return 0.0
        beyond = np.maximum(log_odds - _LARGEST, 0.0)
        log_odds -= beyond
        return float(self._weight @ beyond)  # log(1 + e^s) is s there, to the last digit
