"""What the purchases were: the first and the last, what came back, and the totals to date."""

from typing import TYPE_CHECKING

import ibis

from patron.features.catalogue import FeatureSpec

if TYPE_CHECKING:
    import ibis.expr.types as ir

__all__ = ["BASKETS", "baskets"]

BASKETS = (
    FeatureSpec(
        "first_order_value", "spend", "money", "number",
        "first order {value:money}[, {T:day} ago]", when_none=None,
    ),
    FeatureSpec(
        "last_order_value", "spend", "money", "number",
        "last order {value:money}[, usually {monetary_value:money}]", when_none=None,
    ),
    FeatureSpec("refunds_total", "refunds", "refund", "number", "{value:refund} so far"),
    FeatureSpec("refund_amount_total", "refunds", "money", "number", "{value:money} refunded so far"),
    FeatureSpec("refund_share", "refunds", "share", "number", "{value:percent} of what was bought came back"),
    FeatureSpec("net_spend_total", "spend", "money", "number", "spent {value:money}[ in {T:day}]"),
    FeatureSpec("cost_total", "cost", "money", "number", "cost of goods {value:money} so far"),
)  # fmt: skip


def baskets(days: "ir.Table") -> dict[str, "ir.NumericScalar"]:
    """Value of the first and last purchase day, refunds, and totals to date: money and counts.

    Parameters
    ----------
    days
        visible days, one row per customer, as_of and day, with ``days_ago``, ``is_purchase``,
        ``net_amount``, ``gap`` (null on the first purchase day), ``refunds``, ``refund_amount``, and ``cost``
        if there is one

    Returns
    -------
    dict[str, 'ir.NumericScalar']
        Feature → aggregate over the days of one customer and as_of. refund_share is refunds ÷ (net spend +
        refunds), in [0, 1]. cost_total is 0 without a cost column.

    Examples
    --------
    >>> days = ibis.memtable({"customer_id": [7, 7], "days_ago": [40, 10], "is_purchase": [True] * 2,
    ...                       "gap": [None, 30], "net_amount": [50.0, 30.0], "refunds": [0, 1],
    ...                       "refund_amount": [0.0, 20.0]})
    >>> row = days.group_by("customer_id").agg(**baskets(days)).to_pyarrow().to_pylist()[0]
    >>> row["first_order_value"], row["last_order_value"], row["refund_share"], row["cost_total"]
    (50.0, 30.0, 0.2, 0.0)
    """
    bought = days.is_purchase
    net = days.net_amount.sum().round(6)
    refunded = days.refund_amount.sum().round(6)
    return {
        "first_order_value": days.net_amount.max(where=bought & days.gap.isnull()).round(6),
        "last_order_value": days.net_amount.argmin(days.days_ago, where=bought).round(6),
        "refunds_total": days.refunds.cast("float64").sum(),
        "refund_amount_total": refunded,
        "refund_share": refunded / (net + refunded).nullif(0),
        "net_spend_total": net,
        "cost_total": days.cost.sum().round(6) if "cost" in days.columns else ibis.literal(0.0),
    }
