"""Customer tenure: the Kaplan-Meier survival of customers, with right-censoring of those still active.

The mean of completed tenures is biased downwards, badly so in a growing business, because it leaves out the
customers who stay. Here every customer counts for as long as observed.

References
----------
Kaplan & Meier (1958), Journal of the American Statistical Association 53(282), 457-481. Greenwood (1926), The
natural duration of cancer (variance). Brookmeyer & Crowley (1982), Biometrics 38(1), 29-41 (the median's
interval). Klein & Moeschberger (2003), Survival Analysis, ch. 4 (the restricted mean).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import ibis
import ibis.expr.types as ir
import numpy as np
import numpy.typing as npt

from patron.arrays import Floats
from patron.economics.kpis.estimates import Estimate, Z, unknown
from patron.economics.periods import Period, in_table

__all__ = ["Survival", "kaplan_meier", "observed_tenures", "tenure_estimates"]


_HALF = 0.5 + 1e-12  # rounding may put a product of fractions slightly above one half


@dataclass(frozen=True, slots=True)
class Survival:
    """A Kaplan-Meier survival curve.

    Attributes
    ----------
    times
        (n_times,) days, ascending, at which a customer left
    share
        (n_times,) in [0, 1], survival after each time
    spread
        (n_times,) Greenwood's sum Σ d ÷ (n (n − d)); infinite once no customer is left
    longest
        days, the longest tenure observed
    n
        customers observed
    """

    times: Floats
    share: Floats
    spread: Floats
    longest: float
    n: int


def kaplan_meier(tenure: npt.ArrayLike, left: npt.ArrayLike, weight: npt.ArrayLike | None = None) -> Survival:
    """The survival curve of customers, some of whom are still active.

    Parameters
    ----------
    tenure
        (n,) days ≥ 0, until the customer left or observation ended
    left
        (n,) whether the customer left; False for customers still active
    weight
        (n,) customers per row; None for one

    Returns
    -------
    Survival

    Examples
    --------
    >>> found = kaplan_meier([10, 20, 20, 30], [True, True, False, False])
    >>> found.times.tolist(), found.share.tolist()
    ([10.0, 20.0], [0.75, 0.5])
    """
    days = np.asarray(tenure, dtype=np.float64)
    counts = np.ones(days.size) if weight is None else np.asarray(weight, dtype=np.float64)
    times, place = np.unique(days, return_inverse=True)
    there = np.bincount(place, counts, minlength=times.size)[::-1].cumsum()[::-1]
    gone = np.bincount(place, counts * np.asarray(left, dtype=np.float64), minlength=times.size)
    leaves = gone > 0
    there, gone = there[leaves], gone[leaves]
    remain = there - gone
    terms = np.divide(gone, there * remain, out=np.full(gone.size, np.inf), where=remain > 0)
    return Survival(
        times=times[leaves],
        share=np.cumprod(remain / there),
        spread=np.cumsum(terms),
        longest=float(times[-1]) if times.size else 0.0,
        n=int(counts.sum()),
    )


def tenure_estimates(found: Survival) -> dict[str, Estimate]:
    """Median and mean tenure of a survival curve.

    Parameters
    ----------
    found
        the curve

    Returns
    -------
    dict[str, Estimate]
        tenure_median_days, after which half have left; tenure_mean_days, the mean restricted to the longest
        tenure observed

    Examples
    --------
    >>> estimates = tenure_estimates(kaplan_meier([10, 20, 20, 30], [True, True, False, False]))
    >>> estimates["tenure_median_days"].value, estimates["tenure_mean_days"].value
    (20.0, 22.5)
    """
    if found.n == 0:
        missing = unknown("no customer was observed yet")
        return {"tenure_median_days": missing, "tenure_mean_days": missing}
    return {"tenure_median_days": _median(found), "tenure_mean_days": _restricted_mean(found)}


def observed_tenures(spells: ir.Table, periods: Sequence[Period]) -> list[Survival]:
    """The survival curve of all customers as known at the end of each period.

    Parameters
    ----------
    spells
        as in `patron.economics.kpis.spells`; the first spell of each customer counts, from its first day to
        the first day not active
    periods
        by time

    Returns
    -------
    list[Survival]
        one per period
    """
    firsts = spells.filter(spells.number == 1).select("starts_on", "ends_on")
    span = in_table(periods).select("number", "end")
    seen = firsts.join(span, [firsts.starts_on <= span.end])
    left = seen.ends_on <= seen.end
    until = left.ifelse(seen.ends_on, (seen.end + ibis.interval(days=1)).cast("date"))
    rows = seen.select("number", left=left, days=until.delta(seen.starts_on, unit="day"))
    counted = rows.group_by("number", "days", "left").aggregate(customers=rows.count())
    frame = counted.order_by("number", "days", "left").to_pandas()
    found = []
    for period in periods:
        own = frame[frame["number"] == period.number]
        found.append(
            kaplan_meier(own["days"].to_numpy(), own["left"].to_numpy(), own["customers"].to_numpy())
        )
    return found


def _median(found: Survival) -> Estimate:
    """The median, with its interval on the log-log scale (Brookmeyer & Crowley)."""
    below = np.flatnonzero(found.share <= _HALF)
    if below.size == 0:
        rest = float(found.share[-1]) if found.share.size else 1.0
        return unknown(
            f"fewer than half have left: {rest:.0%} stay longer than any tenure observed", n=found.n
        )
    inner = (found.share > 0) & (found.share < 1)
    steps, spread = np.log(found.share[inner]), found.spread[inner]
    reach = Z * np.sqrt(spread) / np.abs(steps)
    low_share, high_share = np.exp(steps * np.exp(reach)), np.exp(steps * np.exp(-reach))
    times = found.times[inner]
    lows, highs = times[low_share <= _HALF], times[high_share <= _HALF]
    high = float(highs[0]) if highs.size else None
    return Estimate(
        value=float(found.times[below[0]]),
        n=found.n,
        low=float(lows[0]) if lows.size else float(found.times[below[0]]),
        high=high,
        reason=None if high is not None else "too few customers have left for an upper end of the interval",
    )


def _restricted_mean(found: Survival) -> Estimate:
    edges = np.concatenate([[0.0], found.times, [found.longest]])
    areas = np.diff(edges) * np.concatenate([[1.0], found.share])
    beyond = areas[::-1].cumsum()[::-1][1:]  # area from each time on
    finite = np.isfinite(found.spread)
    added = np.diff(found.spread[finite], prepend=0.0)
    half = Z * float(np.sqrt(np.sum(beyond[finite] ** 2 * added)))
    mean = float(areas.sum())
    if half == 0:
        return Estimate(value=mean, n=found.n, reason="no customer has left, or all at one time: no interval")
    return Estimate(value=mean, n=found.n, low=max(mean - half, 0.0), high=mean + half)
