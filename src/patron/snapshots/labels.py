"""Outcomes after as_of: churned, purchases and value in the horizon. The only code that looks ahead.

=================  ==================================================================
activity           a customer has churned if the customer
=================  ==================================================================
purchases          buys nothing in the horizon
engagement         is part of no event in the horizon
subscriptions      has a contract on as_of that ends in it, and none on its last day
=================  ==================================================================
"""

import datetime
from collections.abc import Sequence

import ibis
import ibis.expr.types as ir
import pandas as pd

from patron.checks import at_least
from patron.errors import HistoryTooShortError
from patron.snapshots.asof import KEY, ahead, ended_ahead, running
from patron.snapshots.churn_window import adaptive_windows
from patron.snapshots.spine import make_spine
from patron.tables.history import History

__all__ = ["CANDIDATE_WINDOWS", "audit_windows", "make_labels"]

CANDIDATE_WINDOWS = (14, 30, 60, 90, 120, 180, 365)
"""Days of silence that `audit_windows` tries."""


def make_labels(history: History, spine: ir.Table, horizon_days: int) -> ir.Table:
    """The outcome of each row of the spine in the horizon (as_of, as_of + horizon_days].

    Parameters
    ----------
    history
        the tables of the business. Its churn window decides how long a silence is churn: "fixed", the
        whole horizon for everyone, or "adaptive", a window of each customer's own within the horizon
        (:mod:`patron.snapshots.churn_window`)
    spine
        customer_id, as_of (dates); one row per pair
    horizon_days
        days, ≥ 1

    Returns
    -------
    ir.Table
        exactly the rows of the spine: customer_id, as_of, churned (int8, 1 when the customer's activity
        ends in the horizon), purchases (int64, days with a positive net amount), value (float64 money, net of
        refunds; negative when more came back than was bought). Without transactions, purchases and value both
        count the active days

    Raises
    ------
    RangeError
        the horizon is shorter than a day
    HistoryTooShortError
        some horizon ends after the last day known, so that its outcome is unknown
    SettingsError
        the window is adaptive and the activity is a contract

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


def audit_windows(
    history: History, *, windows: Sequence[int] = CANDIDATE_WINDOWS, horizon_days: int = 90
) -> pd.DataFrame:
    """For each candidate churn window, how many customers labelled as churned came back.

    For a window of w days, take the customers eligible 2 w days before the last day known. Customers silent
    for the first w days count as churned; those active in the next w days came back. For adaptive windows, w
    is the customer's own. A window after which many come back is too short.

    Parameters
    ----------
    history
        the tables of the business; its activity is not a contract
    windows
        days of silence to try; windows for which the history is too short are skipped
    horizon_days
        days, the longest adaptive window; adaptive windows are the last row

    Returns
    -------
    pd.DataFrame
        one row per window: window ("90 days", or "own, at most 90 days"), as_of, customers, churned,
        came_back (counts), churned_share, came_back_share (of the churned; NaN where there are none). No row
        for contracts, whose end is known.

    Raises
    ------
    RangeError
        a window is shorter than a day

    Examples
    --------
    >>> lines = pd.DataFrame({"customer_id": [1, 1, 2], "amount": 5.0,
    ...                       "order_at": ["2024-01-01", "2024-03-01", "2024-01-01"]})
    >>> found = audit_windows(History.read(lines), windows=[30], horizon_days=30)
    >>> found.loc[0, ["churned", "came_back"]].to_dict()
    {'churned': 2, 'came_back': 1}
    """
    candidates = [(days, "fixed", f"{days} days") for days in windows]
    candidates.append((horizon_days, "adaptive", f"own, at most {horizon_days} days"))
    first = history.active_days.day.min().to_pyarrow().as_py()  # None without any activity
    rows = []
    for days, kind, words in candidates if history.activity != "subscriptions" and first is not None else []:
        at_least("windows", days, 1, "day")
        as_of = history.known_until - datetime.timedelta(days=2 * days)
        if as_of >= max(history.first_day, first):
            rows.append({"window": words, "as_of": as_of, **_audited(history, as_of, days, kind)})
    columns = ["window", "as_of", "customers", "churned", "came_back", "churned_share", "came_back_share"]
    return pd.DataFrame(rows, columns=columns)


def _audited(history: History, as_of: datetime.date, days: int, kind: str) -> dict[str, float]:
    spine = make_spine(history, as_of)
    if kind == "adaptive":
        windows = adaptive_windows(history, spine, days)
    else:
        windows = spine.mutate(window_days=ibis.literal(days, "int64"))
    later = ahead(history.active_days, spine, 2 * days)
    first = later.group_by(*KEY).aggregate(first=later.days_ahead.min())
    watched = windows.left_join(first, list(KEY))
    silent = watched["first"].isnull() | (watched["first"] > watched.window_days)
    back = silent & (watched["first"] <= 2 * watched.window_days).fill_null(False)
    found = watched.aggregate(customers=watched.count(), churned=silent.sum(), came_back=back.sum())
    counts: dict[str, float] = found.to_pyarrow().to_pylist()[0]
    counts = {name: int(count or 0) for name, count in counts.items()}
    return counts | {
        "churned_share": counts["churned"] / max(counts["customers"], 1),
        "came_back_share": counts["came_back"] / counts["churned"] if counts["churned"] else float("nan"),
    }


def _activity_left(history: History, spine: ir.Table, horizon_days: int) -> ir.Table | None:
    """Activity in the horizon by row of the spine; None where purchases are the activity."""
    if history.churn.window == "adaptive":
        later = ahead(history.active_days, spine, horizon_days)
        judged = later.join(adaptive_windows(history, spine, horizon_days), list(KEY))
        inside = judged.filter(judged.days_ahead <= judged.window_days)
        return inside.group_by(*KEY).aggregate(activity=inside.count().cast("int64"))
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
    at_least("horizon_days", horizon_days, 1, "day")
    latest = spine.as_of.max().to_pyarrow().as_py()
    if latest is None:  # a spine without rows has labels without rows
        return
    end = latest + datetime.timedelta(days=horizon_days)
    if end > history.known_until:
        raise HistoryTooShortError(
            f"the horizon of {horizon_days} days after {latest} ends on {end}, but the last day known is "
            f"{history.known_until}: its outcome window is not complete. Take a snapshot on or before "
            f"{history.known_until - datetime.timedelta(days=horizon_days)}, or a shorter horizon."
        )
