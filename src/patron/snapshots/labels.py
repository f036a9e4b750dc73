"""What came after as_of: churned, purchases and value in the horizon. The only code that looks ahead.

=================  ==================================================================
activity           a customer has churned who
=================  ==================================================================
purchases          buys nothing in the horizon
engagement         is part of no event in the horizon
subscriptions      has a contract on as_of that ends in it, and none on its last day
=================  ==================================================================
"""

import datetime

import ibis
import ibis.expr.types as ir

from patron.errors import HistoryTooShortError, RangeError
from patron.snapshots.asof import KEY, ahead, ended_ahead, running
from patron.tables.history import History

__all__ = ["make_labels"]


def make_labels(history: History, spine: ir.Table, horizon_days: int) -> ir.Table:
    """What each customer of the spine did in the horizon (as_of, as_of + horizon_days].

    Parameters
    ----------
    history : the tables of the business
    spine : customer_id, as_of (dates); one row per pair
    horizon_days : days, ≥ 1

    Returns
    -------
    ir.Table, exactly the rows of the spine: customer_id, as_of, churned (int8, 1 when the customer's activity
    ends in the horizon), purchases (int64, days with a positive net amount), value (float64 money, net of
    refunds; negative when more came back than was bought). Without transactions, purchases and value both
    count the active days

    Raises
    ------
    RangeError : the horizon is shorter than a day
    HistoryTooShortError : some horizon ends after the last day known, so that its outcome is unknown

    Examples
    --------
    >>> import datetime
    >>> import pandas as pd
    >>> from patron.snapshots.spine import make_spine
    >>> lines = pd.DataFrame({
    ...     "customer_id": ["Ann", "Bob", "Ann"],
    ...     "order_at": ["2024-01-05", "2024-01-06", "2024-02-05"],
    ...     "amount": [20.0, 8.0, 30.0],
    ... })
    >>> history = History.read(lines)
    >>> spine = make_spine(history, datetime.date(2024, 1, 6))
    >>> make_labels(history, spine, horizon_days=30).order_by("customer_id").to_pandas()
      customer_id      as_of  churned  purchases  value
    0         Ann 2024-01-06        0          1   30.0
    1         Bob 2024-01-06        1          0    0.0
    """
    _check_horizon(history, spine, horizon_days)
    later = ahead(history.days.select("customer_id", "day", "net_amount", "is_purchase"), spine, horizon_days)
    outcome = later.group_by(*KEY).aggregate(
        purchases=later.is_purchase.sum().cast("int64"), value=later.net_amount.cast("decimal(38, 6)").sum()
    )
    joined = spine.select(*KEY).left_join(outcome, list(KEY)).drop(*(f"{key}_right" for key in KEY))
    joined = joined.mutate(purchases=joined.purchases.fill_null(0))
    activity = _activity_left(history, spine, horizon_days)
    if activity is None:
        left = joined.purchases
    else:
        joined = joined.left_join(activity, list(KEY))
        left = joined.activity.fill_null(0)
    return joined.select(
        *KEY,
        churned=ibis.ifelse(left <= 0, 1, 0).cast("int8"),
        purchases=joined.purchases,
        value=joined.value.cast("float64").fill_null(0.0),
    )


def _activity_left(history: History, spine: ir.Table, horizon_days: int) -> ir.Table | None:
    """How much activity there is in the horizon, by row of the spine; None where it is the purchases."""
    if history.activity == "engagement" and history.engagement is not None:
        later = ahead(history.active_days, spine, horizon_days)
        return later.group_by(*KEY).aggregate(activity=later.count().cast("int64"))
    if history.activity == "subscriptions" and history.subscriptions is not None:
        contracts = history.subscriptions
        counts = [
            (running(contracts, spine), 1),
            (ahead(contracts, spine, horizon_days), 1),
            (ended_ahead(contracts, spine, horizon_days), -1),
        ]
        changes = ibis.union(
            *(table.select(*KEY, change=ibis.literal(sign, "int64")) for table, sign in counts)
        )
        return changes.group_by(*KEY).aggregate(activity=changes.change.sum().cast("int64"))
    return None


def _check_horizon(history: History, spine: ir.Table, horizon_days: int) -> None:
    if horizon_days < 1:
        raise RangeError(f"horizon_days must be at least 1 day, got {horizon_days!r}.")
    latest = spine.as_of.max().to_pyarrow().as_py()
    if latest is None:  # a spine without rows has labels without rows
        return
    end = latest + datetime.timedelta(days=horizon_days)
    if end > history.known_until:
        raise HistoryTooShortError(
            f"the horizon of {horizon_days} days after {latest} ends on {end}, but the last day known is "
            f"{history.known_until}: what happened until then is unknown. Take a snapshot on or before "
            f"{history.known_until - datetime.timedelta(days=horizon_days)}, or a shorter horizon."
        )
