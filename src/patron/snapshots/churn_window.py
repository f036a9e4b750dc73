"""How long a silence of each customer means that the customer has left: the adaptive window.

One horizon for everybody calls a weekly customer loyal who has been away for two months, and a yearly one
lost who is on time. So a window of one's own is the 90 % quantile of the customer's gaps, drawn towards that
of the customer's segment as far as the customer's own are few, and never longer than the horizon, in which
the outcome must be known. Segments are made by a column of the customers table, `History.churn.segment`; one
with few gaps is drawn towards all customers, who are the only segment where no column is named. Everything
rests on what was visible on as_of; what came after decides in labels.py.
"""

import ibis
import ibis.expr.types as ir

from patron.errors import RangeError, SettingsError, some
from patron.snapshots.asof import KEY, known_customers, visible
from patron.tables.history import History

__all__ = ["own_windows"]

PRIOR_GAPS = 5  # so many gaps of one's own weigh as much as those of the segment
PRIOR_GAPS_OF_SEGMENT = 50  # and so many of a segment as much as those of all customers
SHORTEST = 7  # days; a shorter silence is a weekend


def own_windows(history: History, spine: ir.Table, horizon_days: int, *, quantile: float = 0.9) -> ir.Table:
    """The window of each row of the spine: days of silence after as_of that mean churn.

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
        in (0, 1), the share of a customer's gaps that is shorter than the window

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
        the activity is a contract, which has no gaps; or there is no customers table, or no such
        column in it, to make segments by

    Notes
    -----
    exp((n log q + 5 log S) / (n + 5)) days, with n gaps of the customer's own, their quantile q, and S for
    the segment: exp((m log s + 50 log Q) / (m + 50)), with its m gaps, their quantile s, and that of all gaps
    visible on the same as_of, Q. Without segments, and for customers whose segment nothing is known of, S is
    Q. The weight is on logarithms, since gaps differ by factors.

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
    >>> own_windows(history, spine, 90).order_by("customer_id").window_days.to_pandas().tolist()
    [7, 11]
    """
    if horizon_days < 1:
        raise RangeError(f"horizon_days must be at least 1 day, got {horizon_days!r}.")
    if not 0 < quantile < 1:
        raise RangeError(f"quantile must lie between 0 and 1, got {quantile!r}. Write 90 % as 0.90.")
    if history.activity == "subscriptions":
        raise SettingsError(
            'churn_window "adaptive" needs gaps between days of activity, and the activity is a contract, '
            'which has none. Take churn_window = "fixed".'
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
    usual = joined.everyone.fill_null(float(horizon_days))  # nobody has come back yet: the horizon counts
    joined = joined.mutate(usual=usual)
    if segments is not None:
        joined = _usual_of_segment(joined, seen, segments, quantile)
    drawn = _drawn(joined.own, joined.gaps, joined.usual, PRIOR_GAPS)
    shortest = float(min(SHORTEST, horizon_days))
    window = ibis.greatest(shortest, ibis.least(float(horizon_days), drawn.round(6).ceil()))
    return joined.select(*KEY, window_days=window.cast("int64"))


def _segments(history: History, spine: ir.Table) -> ir.Table | None:
    """Customer_id, as_of and segment of the rows of the spine that have one; None where all are one."""
    name, customers = history.churn.segment, history.customers
    if name is None:
        return None
    if customers is None:
        raise SettingsError(
            f"churn_segment {name!r} is a column of the table 'customers', which is not given. Name it with "
            "--customers, or leave churn_segment out."
        )
    columns = [column for column in customers.columns if column != "customer_id"]
    if name not in columns:
        raise SettingsError(
            f"churn_segment {name!r} is no column of the table 'customers'; it has {some(columns, 20)}. Name "
            "one of them, or leave churn_segment out."
        )
    known = known_customers(customers, {"segment": customers[name]}, spine).select(*KEY, "segment")
    return known.filter(known.segment.notnull())


def _usual_of_segment(rows: ir.Table, seen: ir.Table, segments: ir.Table, quantile: float) -> ir.Table:
    """The rows, their `usual` gap drawn from that of all customers towards that of their segment."""
    inside = seen.inner_join(segments, list(KEY))
    theirs = inside.group_by("as_of", "segment").aggregate(
        gaps_inside=inside.gap.count(), inside=inside.gap.quantile(quantile)
    )
    rows = rows.left_join(segments, list(KEY)).drop(*(f"{key}_right" for key in KEY))
    rows = rows.left_join(theirs, ["as_of", "segment"]).drop("as_of_right", "segment_right")
    usual = _drawn(rows.inside, rows.gaps_inside, rows.usual, PRIOR_GAPS_OF_SEGMENT)
    return rows.mutate(usual=usual)


def _drawn(gap: ir.Column, count: ir.Column, usual: ir.Column, prior: int) -> ir.Column:
    """A gap that rests on `count` gaps, drawn towards the usual one as if there were `prior` more like it."""
    count, gap_log = count.fill_null(0), gap.fill_null(1.0).log()
    return ((count * gap_log + prior * usual.log()) / (count + prior)).exp()
