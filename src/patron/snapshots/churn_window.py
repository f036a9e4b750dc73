"""How long a silence of each customer means that the customer has left: the adaptive window.

One horizon for everybody calls a weekly customer loyal who has been away for two months, and a yearly one
lost who is on time. So a window of one's own is the 90 % quantile of the customer's gaps, drawn towards that
of all gaps of the business as far as the customer's own are few, and never longer than the horizon, in which
the outcome must be known. It rests on what was visible on as_of; what came after decides in labels.py.
"""

import ibis
import ibis.expr.types as ir

from patron.errors import RangeError, SettingsError
from patron.snapshots.asof import KEY, visible
from patron.tables.history import History

__all__ = ["own_windows"]

PRIOR_GAPS = 5  # so many gaps of one's own weigh as much as those of all customers
SHORTEST = 7  # days; a shorter silence is a weekend


def own_windows(history: History, spine: ir.Table, horizon_days: int, *, quantile: float = 0.9) -> ir.Table:
    """The window of each row of the spine: days of silence after as_of that mean churn.

    Parameters
    ----------
    history : the tables of the business; its activity says between which days the gaps lie
    spine : customer_id, as_of; one row per pair
    horizon_days : days ≥ 1, the longest window
    quantile : in (0, 1), the share of a customer's gaps that is shorter than the window

    Returns
    -------
    ir.Table, exactly the rows of the spine: customer_id, as_of, window_days (int64, from the smaller of 7 and
    horizon_days to horizon_days)

    Raises
    ------
    RangeError : the horizon is shorter than a day, or the quantile outside (0, 1)
    SettingsError : the activity is a contract, which has no gaps

    Notes
    -----
    exp((n log q + 5 log Q) / (n + 5)) days, with n gaps of the customer's own, their quantile q, and that of
    all gaps visible on the same as_of, Q. The weight is on logarithms, since gaps differ by factors.

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
    days = history.active_days.distinct()
    before = days.day.lag().over(ibis.window(group_by="customer_id", order_by="day"))
    gaps = days.mutate(gap=days.day.delta(before, unit="day").cast("float64"))
    seen = visible(gaps.filter(gaps.gap.notnull()), spine)
    own = seen.group_by(*KEY).aggregate(gaps=seen.gap.count(), own=seen.gap.quantile(quantile))
    everyone = seen.group_by("as_of").aggregate(everyone=seen.gap.quantile(quantile))
    joined = spine.select(*KEY).left_join(own, list(KEY)).drop(*(f"{key}_right" for key in KEY))
    joined = joined.left_join(everyone, "as_of").drop("as_of_right")
    count = joined.gaps.fill_null(0)
    usual = joined.everyone.fill_null(float(horizon_days))  # nobody has come back yet: the horizon counts
    own_log = joined.own.fill_null(1.0).log()
    days_of_silence = ((count * own_log + PRIOR_GAPS * usual.log()) / (count + PRIOR_GAPS)).exp()
    shortest = float(min(SHORTEST, horizon_days))
    window = ibis.greatest(shortest, ibis.least(float(horizon_days), days_of_silence.round(6).ceil()))
    return joined.select(*KEY, window_days=window.cast("int64"))
