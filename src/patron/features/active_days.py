"""Purchase features of a business whose activity is not, or not only, buying.

Without transactions every active day counts as a purchase of 1, so amounts only repeat what the days show:
those features are left out, and the texts of the others name active days instead of orders. And where a
visitor or the holder of a contract may never have bought, the age of a customer counts from the first
activity of any kind.
"""

import re
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

import ibis

from patron.features.catalogue import FeatureSpec
from patron.snapshots.asof import KEY, visible

if TYPE_CHECKING:
    import ibis.expr.types as ir

    from patron.tables.history import History

__all__ = ["in_active_days", "with_age_of_activity"]

# A scorecard reads these, so they stay, although they are 1 for everyone.
KEPT = ("monetary_value", "net_spend_total", "first_order_value")
LEFT_OUT = ("spend", "refunds", "cost")
REWORDED = (
    (re.compile(r"\{value:repeat purchase\}"), "{value:later active day}"),
    (re.compile(r"\bspent \{value:money\}"), "{value:active day}"),
    (re.compile(r"\b(last|first) order\b"), r"\1 active day"),
    (re.compile(r"\bbought on (one|\{value:day\})"), r"active on \1"),
    (re.compile(r"\brepeat purchase\b"), "later active day"),
    (re.compile(r"\b(purchase day|order|purchase)(s?)\b(?!_)"), r"active day\2"),
)


def in_active_days(specs: Iterable[FeatureSpec]) -> tuple[FeatureSpec, ...]:
    """The purchase features of a business without transactions: no money, and texts that name active days.

    Parameters
    ----------
    specs
        the purchase features

    Examples
    --------
    >>> last = FeatureSpec("days_since_last", "recency", "day", "number", "last order {value:day} ago")
    >>> spent = FeatureSpec("net_spend_90d", "spend", "money", "number", "spent {value:money}", 90)
    >>> [spec.template for spec in in_active_days([last, spent])]
    ['last active day {value:day} ago']
    """
    return tuple(
        replace(
            spec,
            unit=_reworded(spec.unit),
            template=_reworded(spec.template),
            text_unknown=_reworded(spec.text_unknown),
        )
        for spec in specs
        if spec.name in KEPT
        or not (spec.topic in LEFT_OUT or spec.name.startswith(("orders_", "net_spend_")))
    )


def with_age_of_activity(features: "ir.Table", history: "History", spine: "ir.Table") -> "ir.Table":
    """`features` with T and recency also for customers without a purchase: days since first activity, and 0.

    Parameters
    ----------
    features
        customer_id, as_of, and features among which are T and recency; at most one row per row of `spine`
    history
        the tables of the business
    spine
        one row per customer and as_of

    Returns
    -------
    ir.Table
        The same columns. Where activity is more than buying, one row for each row of `spine`, and T counts
        from the first event or from the start of the first contract; else the same rows.
    """
    tables = [table for table in (history.engagement, history.subscriptions) if table is not None]
    if history.activity == "purchases" or not tables:
        return features
    seen = [visible(table.select("customer_id", "day"), spine) for table in tables]
    events = ibis.union(*seen) if len(seen) > 1 else seen[0]
    ages = events.group_by(*KEY).aggregate(activity_age=events.days_ago.max())
    known = spine
    for group in (features, ages):
        known = known.left_join(group, KEY).drop([f"{key}_right" for key in KEY])
    known = known.mutate(T=ibis.coalesce(known["T"], known.activity_age), recency=known.recency.fill_null(0))
    return known.drop("activity_age")


def _reworded(text: str) -> str:
    for pattern, wording in REWORDED:
        text = pattern.sub(wording, text)
    return text
