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
    days : visible days, one row per customer, as_of and day, with ``days_ago``, ``is_purchase`` and
        ``net_amount``

    Returns
    -------
    Feature → aggregate over the days of one customer and as_of. Null recency, T and days_since_last where
    nothing was ever bought.

    References
    ----------
    Fader, Hardie & Lee (2005), "Counting Your Customers" the Easy Way, Marketing Science 24(2), 275-284.

    Examples
    --------
    >>> import ibis
    >>> days = ibis.memtable({"customer_id": [7, 7, 7], "days_ago": [100, 40, 10], "is_purchase": [True] * 3,
    ...                       "net_amount": [50.0, 20.0, 30.0]})
    >>> days.group_by("customer_id").agg(**rfm(days)).to_pyarrow().to_pylist()
    [{'customer_id': 7, 'frequency': 2, 'recency': 90, 'T': 100, 'monetary_value': 25.0, 'days_since_last':
    10}]
    """
    bought = days.is_purchase
    purchases = bought.sum()
    first, last = days.days_ago.max(where=bought), days.days_ago.min(where=bought)
    spent = days.net_amount.sum(where=bought).round(6)
    spent_first = days.net_amount.argmax(days.days_ago, where=bought).round(6)
    repeats = (purchases - 1).nullif(0).nullif(-1)
    return {
        "frequency": (purchases - 1).clip(lower=0),
        "recency": first - last,
        "T": first,
        "monetary_value": ((spent - spent_first) / repeats).round(6),
        "days_since_last": last,
    }
