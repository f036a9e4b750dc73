"""Survey indicators: CSAT, NPS, and attitudinal loyalty.

The last answer of each customer, period and question counts; several answers of one customer would make the
intervals too narrow. Answers outside the scale are rejected when the table is read.

References
----------
Reichheld (2003), The one number you need to grow, Harvard Business Review 81(12), 46-54 (NPS). Rocks (2016),
Interval estimation for the "Net Promoter Score", The American Statistician 70(4), 365-372.
"""

from collections.abc import Sequence

import ibis
import ibis.expr.types as ir
import numpy as np

from patron.economics.kpis.estimates import Estimate, Z, share, unknown
from patron.economics.periods import Every, Period, number_of

__all__ = ["FEWEST_ANSWERS", "net_promoter_score", "satisfaction"]

FEWEST_ANSWERS = 30
"""Minimum answers for a net promoter score: with fewer it varies by tens of points by chance."""

_NAMES = ("csat", "nps", "nps_standard_error", "loyalty_attitude")


def satisfaction(surveys: ir.Table, periods: Sequence[Period], every: Every) -> list[dict[str, Estimate]]:
    """CSAT, NPS and attitudinal loyalty of each period.

    Parameters
    ----------
    surveys
        customer_id, day, answered_at, kind ("nps" or "csat"), score
    periods
        by time
    every
        length of the periods

    Returns
    -------
    list[dict[str, Estimate]]
        per period: csat, the share of answers 4 and 5 of 5 (top two boxes); nps, and nps_standard_error, in
        points of −100 to 100; loyalty_attitude, the share of NPS answers of 9 or 10
    """
    numbered = surveys.mutate(number=number_of(surveys.day, every))
    each = ["number", "kind", "customer_id"]
    of_each = ibis.window(group_by=each)
    latest = numbered.filter(numbered.answered_at == numbered.answered_at.max().over(of_each))
    last = latest.group_by(each).aggregate(score=latest.score.min())  # the lower of two at one time
    counted = last.group_by("number", "kind").aggregate(
        n=last.count(),
        top=(last.score >= 4).sum(),
        promoters=(last.score >= 9).sum(),
        detractors=(last.score <= 6).sum(),
    )
    rows = {(row["number"], row["kind"]): row for row in counted.to_pyarrow().to_pylist()}
    none = {"n": 0, "top": 0, "promoters": 0, "detractors": 0}
    found = []
    for period in periods:
        csat, nps = (rows.get((period.number, kind), none) for kind in ("csat", "nps"))
        n, promoters, detractors = (int(nps[name]) for name in ("n", "promoters", "detractors"))
        score, error = net_promoter_score(promoters, detractors, n)
        values = (
            share(int(csat["top"]), int(csat["n"]), empty="no CSAT answer"),
            score,
            error,
            share(promoters, n, empty="no NPS answer"),
        )
        found.append(dict(zip(_NAMES, values, strict=True)))
    return found


def net_promoter_score(promoters: int, detractors: int, n: int) -> tuple[Estimate, Estimate]:
    """The net promoter score and its standard error, both in points.

    Parameters
    ----------
    promoters, detractors
        answers of 9 and 10, and of 0 to 6
    n
        all answers

    Returns
    -------
    score, error
        100·(p − d), and 100·√((p + d − (p − d)²) ÷ n); both missing below `FEWEST_ANSWERS`

    Examples
    --------
    >>> score, error = net_promoter_score(50, 20, 100)
    >>> score.value, round(error.value, 2), round(score.low, 1)
    (30.0, 7.81, 14.7)
    >>> net_promoter_score(5, 2, 10)[0].reason
    '10 answers are too few; at least 30 are needed'
    """
    if n < FEWEST_ANSWERS:
        hidden = unknown(
            f"{n} answers are too few; at least {FEWEST_ANSWERS} are needed" if n else "no NPS answer",
            numerator=float(promoters - detractors),
            n=n,
        )
        return hidden, hidden
    p, d = promoters / n, detractors / n
    value, error = 100 * (promoters - detractors) / n, 100 * float(np.sqrt((p + d - (p - d) ** 2) / n))
    score = Estimate(
        value=value,
        numerator=float(promoters - detractors),
        denominator=float(n),
        n=n,
        low=max(value - Z * error, -100.0),
        high=min(value + Z * error, 100.0),
    )
    return score, Estimate(value=error, n=n, reason="a standard error, which has no interval")
