"""What customers say: satisfaction, recommendation, and loyalty in attitude.

Each customer has one voice a period and question, the last answer given in it; more would make the intervals
too narrow. Answers outside their scale were rejected when the table was read.

References
----------
Reichheld (2003), The one number you need to grow, Harvard Business Review 81(12), 46-54 (NPS). Rocks (2016),
Interval estimation for the "Net Promoter Score", The American Statistician 70(4), 365-372.
"""

from collections.abc import Sequence

import ibis
import ibis.expr.types as ir
import numpy as np
from scipy import stats

from patron.economics.kpis.estimates import LEVEL, Estimate, share, unknown
from patron.economics.kpis.periods import Every, Period, number_of

__all__ = ["FEWEST_ANSWERS", "net_promoter_score", "satisfaction"]

FEWEST_ANSWERS = 30
"""Answers below which no net promoter score is shown: it would move by tens of points by chance alone."""

_NAMES = ("csat", "nps", "nps_standard_error", "loyalty_attitude")
_Z = float(stats.norm.ppf(0.5 + LEVEL / 2))


def satisfaction(surveys: ir.Table, periods: Sequence[Period], every: Every) -> list[dict[str, Estimate]]:
    """What the surveys of each period say.

    Parameters
    ----------
    surveys
        customer_id, day, answered_at, kind ("nps" or "csat"), score
    periods
        in order of time
    every
        which periods these are

    Returns
    -------
    list[dict[str, Estimate]]
        per period: csat, the share of answers 4 and 5 of 5 (top two boxes); nps, and nps_standard_error, in
        points of −100 to 100; loyalty_attitude, the share who would recommend with 9 or 10 of 10
    """
    numbered = surveys.mutate(number=number_of(surveys.day, every))
    each = ["number", "kind", "customer_id"]
    of_each = ibis.window(group_by=each)
    latest = numbered.filter(numbered.answered_at == numbered.answered_at.max().over(of_each))
    last = latest.group_by(each).aggregate(score=latest.score.min())  # of two at one moment, the worse
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
            share(int(csat["top"]), int(csat["n"]), empty="no answer on satisfaction"),
            score,
            error,
            share(promoters, n, empty="no answer on recommendation"),
        )
        found.append(dict(zip(_NAMES, values, strict=True)))
    return found


def net_promoter_score(promoters: int, detractors: int, n: int) -> tuple[Estimate, Estimate]:
    """The net promoter score and its standard error, both in points.

    Parameters
    ----------
    promoters, detractors
        counts, answers of 9 and 10, and of 0 to 6
    n
        count of all answers

    Returns
    -------
    score, error
        100·(p − d), and 100·√((p + d − (p − d)²) ÷ n); both hidden below `FEWEST_ANSWERS`

    Examples
    --------
    >>> score, error = net_promoter_score(50, 20, 100)
    >>> score.value, round(error.value, 2), round(score.low, 1)
    (30.0, 7.81, 14.7)
    >>> net_promoter_score(5, 2, 10)[0].reason
    '10 answers are too few: it is shown from 30 on'
    """
    if n < FEWEST_ANSWERS:
        hidden = unknown(
            f"{n} answers are too few: it is shown from {FEWEST_ANSWERS} on"
            if n
            else "no answer on recommendation",
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
        low=max(value - _Z * error, -100.0),
        high=min(value + _Z * error, 100.0),
    )
    return score, Estimate(
        value=error, n=n, reason="it is the spread of the score and has no interval itself"
    )
