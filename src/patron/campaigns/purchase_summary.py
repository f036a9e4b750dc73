"""A summary of each customer's purchases on one or several days: RFM, rhythm and reason for leaving."""

from datetime import date

import ibis
import ibis.expr.types as ir
import pandas as pd

from patron.features.purchases import add_gaps, rfm, rhythm
from patron.snapshots.asof import KEY, visible
from patron.snapshots.spine import make_spine
from patron.tables.history import History

__all__ = ["purchase_summaries"]


def purchase_summaries(history: History, as_of: date | list[date]) -> pd.DataFrame:
    """What each customer's purchases looked like on each day.

    Parameters
    ----------
    history
        the tables of the business
    as_of
        one day or several

    Returns
    -------
    pd.DataFrame
        customer_id, as_of, the features of RFM and rhythm (:mod:`patron.features.purchases`), and
        last_reason (why the last contract ended) if contracts record it; by as_of and customer_id

    Examples
    --------
    >>> lines = pd.DataFrame({"customer_id": [7, 7], "order_at": ["2024-01-01", "2024-01-11"],
    ...                       "amount": [5.0, 7.0]})
    >>> row = purchase_summaries(History.read(lines), date(2024, 1, 11)).iloc[0]
    >>> row["frequency"], row["monetary_value"], row["gap_median"]
    (np.int64(1), np.float64(7.0), np.float64(10.0))
    """
    spine = make_spine(history, as_of)
    seen = visible(add_gaps(history.days), spine)
    summaries = seen.group_by(*KEY).aggregate(**rfm(seen), **rhythm(seen))
    summaries = summaries.mutate(monetary_value=summaries.monetary_value.fill_null(0.0))
    contracts = history.subscriptions
    if contracts is not None and {"cancel_reason", "ended_on"} <= set(contracts.columns):
        summaries = summaries.left_join(_last_reason(contracts, spine), list(KEY))
        summaries = summaries.drop(*(name for name in summaries.columns if name.endswith("_right")))
    known = summaries.filter(summaries["T"].notnull()).order_by("as_of", "customer_id")
    rows: pd.DataFrame = known.to_pandas()
    return rows


def _last_reason(contracts: ir.Table, spine: ir.Table) -> ir.Table:
    ended = contracts.filter(contracts.ended_on.notnull() & contracts.cancel_reason.notnull())
    seen = visible(ended.select("customer_id", "cancel_reason", day=ended.ended_on), spine)
    order = ibis.window(group_by=KEY, order_by=[seen.days_ago, seen.cancel_reason])
    placed = seen.mutate(place=ibis.row_number().over(order))
    return placed.filter(placed.place == 0).select(*KEY, last_reason=placed.cancel_reason)
