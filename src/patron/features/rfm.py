"""Recency, frequency and money, as every library of the field defines them, in days.

frequency = purchase days − 1; T = age at as_of, counted from the first purchase day; recency = age at the
last purchase day; monetary_value = mean net amount of the purchase days after the first. A purchase day is a
day whose net amount is positive.
"""

from typing import TYPE_CHECKING

from patron.features.catalogue import FeatureSpec

if TYPE_CHECKING:
    import ibis.expr.types as ir

__all__ = ["RFM", "rfm"]

RFM = (
    FeatureSpec("frequency", "frequency", "purchase day", "number", "{value:repeat purchase} in {T:day}"),
    FeatureSpec(
        "recency", "recency", "day", "number",
        "last order {value:day} after the first[, {days_since_last:day} ago]", when_none=None,
    ),
    FeatureSpec("T", "tenure", "day", "number", "first order {value:day} ago", when_none=None),
    FeatureSpec("monetary_value", "spend", "money", "number", "{value:money} per repeat purchase on average"),
    FeatureSpec(
        "days_since_last", "recency", "day", "number",
        "last order {value:day} ago[, usually every {gap_median:day}]", when_none=None,
    ),
)  # fmt: skip


def rfm(days: "ir.Table") -> dict[str, "ir.NumericScalar"]:
    """Frequency, recency, T, monetary value and days since the last purchase: days and money.

    Parameters
    ----------
    days
        visible days, one row per customer, as_of and day, with ``days_ago``, ``is_purchase``,
        ``net_amount``, and ``gap`` (days since the purchase day before)

    Returns
    -------
    dict[str, 'ir.NumericScalar']
        Feature → aggregate over the days of one customer and as_of. Recency, T and days_since_last are null
        where nothing was ever bought, monetary_value where nothing was bought again.

    References
    ----------
    Fader, Hardie & Lee (2005), "Counting Your Customers" the Easy Way, Marketing Science 24(2), 275-284.

    Examples
    --------
    >>> import ibis
    >>> days = ibis.memtable({"customer_id": [7, 7, 7], "days_ago": [100, 40, 10], "gap": [None, 60, 30],
    ...                       "is_purchase": [True] * 3, "net_amount": [50.0, 20.0, 30.0]})
    >>> row = days.group_by("customer_id").agg(**rfm(days)).to_pyarrow().to_pylist()[0]
    >>> row["frequency"], row["recency"], row["T"], row["monetary_value"], row["days_since_last"]
    (2, 90, 100, 25.0, 10)
    """
    again = days.gap.notnull()  # every purchase day but the first has a gap before it
    first = days.days_ago.max(where=days.is_purchase)
    last = days.days_ago.min(where=days.is_purchase)
    return {
        "frequency": days.gap.count(),
        "recency": first - last,
        "T": first,
        "monetary_value": (days.net_amount.sum(where=again).round(6) / days.gap.count()).round(6),
        "days_since_last": last,
    }
