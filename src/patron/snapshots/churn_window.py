"""Adaptive churn windows: for each customer, the days of silence that count as churn.

With one horizon for all, a weekly customer who has been away for two months counts as loyal, and a yearly
customer who is on time counts as lost. An adaptive window is the 90 % quantile of the customer's gaps, shrunk
towards that of the customer's segment where the customer has few gaps, and never longer than the horizon, in
which the outcome must be known. A column of the customers table, `History.churn.segment`, defines the
segments; a segment with few gaps is shrunk towards all customers. Without such a column all customers are one
segment. Windows depend only on what was visible on as_of; labels.py applies them to what came after.
"""

import ibis
import ibis.expr.types as ir

from patron.checks import at_least, share
from patron.errors import SettingsError, some
from patron.snapshots.asof import KEY, known_customers, visible
from patron.tables.history import History

__all__ = ["adaptive_windows"]

PRIOR_GAPS = 5  # weight of the segment, in gaps of the customer
PRIOR_GAPS_OF_SEGMENT = 50  # weight of all customers, in gaps of the segment
SHORTEST = 7  # days; a shorter silence may be a weekend


def adaptive_windows(
    history: History, spine: ir.Table, horizon_days: int, *, quantile: float = 0.9
) -> ir.Table:
    """The adaptive churn window of each row of the spine: days of silence after as_of that count as churn.

    Parameters
    ----------
    history
        the tables of the business; its churn definition names the activity between whose days the gaps
        lie, and the column of the customers that makes the segments
    spine
        customer_id, as_of; one row per pair
    horizon_days
        days ≥ 1, the longest window
    quantile
        in (0, 1), share of a customer's gaps that are shorter than the window

    Returns
    -------
    ir.Table
        exactly the rows of the spine: customer_id, as_of, window_days (int64, from the smaller of 7 and
        horizon_days to horizon_days)

    Raises
    ------
    RangeError
        the horizon is shorter than a day, or the quantile outside (0, 1)
    SettingsError
        the activity is a contract, which has no gaps; or the customers table or its segment column is
        missing

    Notes
    -----
    exp((n log q + 5 log S) / (n + 5)) days, with n gaps of the customer's own, their quantile q, and S for
    the segment: exp((m log s + 50 log Q) / (m + 50)), with its m gaps, their quantile s, and that of all gaps
    visible on the same as_of, Q. Without segments, and for customers of an unknown segment, S is Q.
    Logarithms are averaged because gaps differ by factors.

    Examples
    --------
    >>> import datetime
    >>> import pandas as pd
    >>> from patron.snapshots.spine import make_spine
    >>> weekly = pd.date_range("2024-01-01", periods=20, freq="7D")
    >>> lines = pd.DataFrame({"customer_id": 1, "order_at": weekly, "amount": 5.0})
    >>> lines.loc[20] = [2, pd.Timestamp("2024-01-01"), 5.0]
    >>> lines.loc[21] = [2, pd.Timestamp("2024-03-01"), 5.0]
    >>> history = History.read(lines)
    >>> spine = make_spine(history, datetime.date(2024, 5, 1))
    >>> adaptive_windows(history, spine, 90).order_by("customer_id").window_days.to_pandas().tolist()
    [7, 11]
    """
    at_least("horizon_days", horizon_days, 1, "day")
    share("quantile", quantile, ends="()", example="90 % as 0.90")
    if history.activity == "subscriptions":
        raise SettingsError(
            'churn_window "adaptive" needs gaps between days of activity, and the activity is a contract, '
            'which has none. Use churn_window = "fixed".'
        )
    segments = _segments(history, spine)
    days = history.active_days.distinct()
    before = days.day.lag().over(ibis.window(group_by="customer_id", order_by="day"))
    gaps = days.mutate(gap=days.day.delta(before, unit="day").cast("float64"))
    seen = visible(gaps.filter(gaps.gap.notnull()), spine)
    own = seen.group_by(*KEY).aggregate(gaps=seen.gap.count(), own=seen.gap.quantile(quantile))
    everyone = seen.group_by("as_of").aggregate(everyone=seen.gap.quantile(quantile))
    joined = spine.select(*KEY).left_join(own, list(KEY)).drop(*(f"{key}_right" for key in KEY))
    joined = joined.left_join(everyone, "as_of").drop("as_of_right")
    usual = joined.everyone.fill_null(float(horizon_days))  # no customer has come back yet: use the horizon
    joined = joined.mutate(usual=usual)
    if segments is not None:
        joined = _usual_of_segment(joined, seen, segments, quantile)
    window = _shrunk(joined.own, joined.gaps, joined.usual, PRIOR_GAPS)
    shortest = float(min(SHORTEST, horizon_days))
    window = ibis.greatest(shortest, ibis.least(float(horizon_days), window.round(6).ceil()))
    return joined.select(*KEY, window_days=window.cast("int64"))


def _segments(history: History, spine: ir.Table) -> ir.Table | None:
    """Customer_id, as_of and segment of the rows of the spine that have one; None without segments."""
    name, customers = history.churn.segment, history.customers
    if name is None:
        return None
    if customers is None:
        raise SettingsError(
            f"churn_segment {name!r} is a column of the table 'customers', which is not given. Name it with "
            "--customers, or omit churn_segment."
        )
    columns = [column for column in customers.columns if column != "customer_id"]
    if name not in columns:
        raise SettingsError(
            f"churn_segment {name!r} is not a column of the table 'customers'; it has {some(columns, 20)}. "
            "Name one of them, or omit churn_segment."
        )
    known = known_customers(customers, {"segment": customers[name]}, spine).select(*KEY, "segment")
    return known.filter(known.segment.notnull())


def _usual_of_segment(rows: ir.Table, seen: ir.Table, segments: ir.Table, quantile: float) -> ir.Table:
    """The rows, with the `usual` gap of their segment, shrunk towards that of all customers."""
    inside = seen.inner_join(segments, list(KEY))
    theirs = inside.group_by("as_of", "segment").aggregate(
        gaps_inside=inside.gap.count(), inside=inside.gap.quantile(quantile)
    )
    rows = rows.left_join(segments, list(KEY)).drop(*(f"{key}_right" for key in KEY))
    rows = rows.left_join(theirs, ["as_of", "segment"]).drop("as_of_right", "segment_right")
    usual = _shrunk(rows.inside, rows.gaps_inside, rows.usual, PRIOR_GAPS_OF_SEGMENT)
    return rows.mutate(usual=usual)


def _shrunk(gap: ir.Column, count: ir.Column, usual: ir.Column, prior: int) -> ir.Column:
    """A gap estimated from `count` gaps, shrunk towards the usual one with the weight of `prior` gaps."""
    count, gap_log = count.fill_null(0), gap.fill_null(1.0).log()
    return ((count * gap_log + prior * usual.log()) / (count + prior)).exp()
