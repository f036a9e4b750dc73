"""The customer's own rhythm: the days between one purchase day and the next.

The gap that ends on a purchase day was known on that day, whatever came later. So gaps are laid beside the
days once, and each as_of then takes those it can see.
"""

from typing import TYPE_CHECKING

import ibis

from patron.features.catalogue import FeatureSpec

if TYPE_CHECKING:
    import ibis.expr.types as ir

__all__ = ["RHYTHM", "add_gaps", "rhythm"]

ONE_DAY_ONLY = "bought on one day only, so there is no usual gap"

RHYTHM = (
    FeatureSpec(
        "gap_mean", "rhythm", "day", "number",
        "{value:day} between purchases on average", when_none=None, words_unknown=ONE_DAY_ONLY,
    ),
    FeatureSpec(
        "gap_std", "rhythm", "day", "number",
        "gaps between purchases vary by {value:day}[ around {gap_mean:day}]",
        when_none=None, words_unknown="too few purchases to know how regular they are",
    ),
    FeatureSpec(
        "gap_median", "rhythm", "day", "number",
        "usually {value:day} between purchases", when_none=None, words_unknown=ONE_DAY_ONLY,
    ),
    FeatureSpec(
        "gap_max", "rhythm", "day", "number",
        "longest pause between purchases {value:day}[, now {days_since_last:day}]",
        when_none=None, words_unknown=ONE_DAY_ONLY,
    ),
    FeatureSpec(
        "overdue_ratio", "rhythm", "ratio", "number",
        "last order {days_since_last:day} ago, {value:.1f} times the usual {gap_median:day}",
        when_none=None, words_unknown=ONE_DAY_ONLY,
    ),
)  # fmt: skip


def add_gaps(days: "ir.Table") -> "ir.Table":
    """`days` with ``gap``: days since the purchase day before; null on the first and without a purchase.

    Parameters
    ----------
    days
        one row per customer and day, with ``is_purchase``

    Returns
    -------
    ir.Table
        The same rows, and the column ``gap``, int64, at least 1.

    Examples
    --------
    >>> from datetime import date
    >>> days = ibis.memtable({"customer_id": [7, 7, 7], "is_purchase": [True, False, True],
    ...                       "day": [date(2024, 1, 1), date(2024, 1, 5), date(2024, 1, 22)]})
    >>> add_gaps(days).order_by("day").gap.to_pyarrow().to_pylist()
    [None, None, 21]
    """
    before = days.day.lag().over(ibis.window(group_by=["customer_id", "is_purchase"], order_by="day"))
    gap = days.day.delta(before, unit="day").cast("int64")
    return days.mutate(gap=days.is_purchase.ifelse(gap, ibis.null("int64")))


def rhythm(days: "ir.Table") -> dict[str, "ir.NumericScalar"]:
    """Mean, spread, median and longest gap in days, and days since the last purchase ÷ median gap.

    Parameters
    ----------
    days
        visible days, one row per customer, as_of and day, with ``gap``, ``days_ago`` and ``is_purchase``

    Returns
    -------
    dict[str, 'ir.NumericScalar']
        Feature → aggregate over the days of one customer and as_of; null where there is no gap, and for the
        standard deviation (of a sample) where there is only one.

    Examples
    --------
    >>> days = ibis.memtable({"customer_id": [7, 7, 7], "days_ago": [100, 40, 30], "is_purchase": [True] * 3,
    ...                       "gap": [None, 60, 10]}, schema={"customer_id": "int64", "days_ago": "int64",
    ...                                                       "is_purchase": "boolean", "gap": "int64"})
    >>> row = days.group_by("customer_id").agg(**rhythm(days)).to_pyarrow().to_pylist()[0]
    >>> row["gap_mean"], row["gap_median"], row["gap_max"], round(row["overdue_ratio"], 3)
    (35.0, 35.0, 60, 0.857)
    """
    gaps = days.gap.count()
    total = days.gap.sum().cast("float64")
    squares = (days.gap * days.gap).sum().cast("float64")
    median = days.gap.median()
    # Sums of whole days are exact, so the spread is the same to the last digit in whatever order they are
    # added up.
    return {
        "gap_mean": total / gaps.nullif(0),
        "gap_std": ((gaps * squares - total * total) / (gaps * (gaps - 1)).nullif(0)).sqrt(),
        "gap_median": median,
        "gap_max": days.gap.max(),
        "overdue_ratio": days.days_ago.min(where=days.is_purchase) / median,
    }
