"""Offers due: a dated list from purchase rhythms, contracts and product lifetimes.

=============  ===========================================================================================
kind           due on
=============  ===========================================================================================
next_purchase  the median day of the next purchase, with its range
renewal        the day on which a contract renews; the notices are 90, 60 and 30 days before
replenishment  the last purchase of a product plus its usual gap, if the gaps are regular
warranty_end   the purchase of a product plus its warranty
life_end       the purchase of a product plus its usual lifetime
product_end    the day from which a product that the customer owns is no longer sold or supported
=============  ===========================================================================================

Every row has `low` and `high`, the ends of an 80 % interval; for an agreed day both are that day.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import ibis
import ibis.expr.types as ir
import numpy as np
import numpy.typing as npt
import pandas as pd

from patron.checks import at_least, positive
from patron.errors import RangeError, TableError, counted
from patron.snapshots.asof import KEY, running, visible

__all__ = [
    "DUE_COLUMNS",
    "next_purchases_due",
    "product_dates_due",
    "renewals_due",
    "replenishments_due",
    "sort_due_dates",
]

DUE_COLUMNS = ("customer_id", "due_on", "low", "high", "kind", "product_id", "why")
"""The columns of due dates; due_on, low and high are dates, product_id is null if there is no product."""

_Z_80 = 1.2815515655446004
_PRODUCT_TIMES = {
    "warranty_end": ("warranty_days", "its warranty of {:.0f} days ends"),
    "life_end": ("life_days", "it reaches its usual lifetime of {:.0f} days"),
}


def next_purchases_due(waits: pd.DataFrame, as_of: date) -> pd.DataFrame:
    """The expected day of the next purchase of each customer.

    Parameters
    ----------
    waits
        customer_id, median, low, high (days from as_of) of probably active customers, from
        :func:`patron.models.value.next_purchase.next_purchase_range`
    as_of
        the last day known

    Returns
    -------
    pd.DataFrame
        `DUE_COLUMNS`, one row per row of `waits`

    Examples
    --------
    >>> waits = pd.DataFrame({"customer_id": [7], "median": [6.6], "low": [1.0], "high": [22.7]})
    >>> next_purchases_due(waits, date(2024, 6, 30))[["due_on", "low", "high"]].astype(str).values.tolist()
    [['2024-07-07', '2024-07-01', '2024-07-23']]
    """
    days = {
        name: _days_after(as_of, np.ceil(waits[column].to_numpy(dtype=np.float64)))
        for name, column in (("due_on", "median"), ("low", "low"), ("high", "high"))
    }
    why = [
        f"buys again in {counted(max(1, round(wait)), 'day')} if still a customer (median)"
        for wait in waits["median"]
    ]
    return _due_dates(waits["customer_id"], days, "next_purchase", None, why)


def renewals_due(
    contracts: ir.Table, spine: ir.Table, ahead_days: int, notices: Sequence[int]
) -> pd.DataFrame:
    """Contracts that renew soon.

    Parameters
    ----------
    contracts
        one row per contract: customer_id and day (of its start), period_days, and optionally renews_at,
        ended_on, plan and price
    spine
        customer_id and one as_of
    ahead_days
        number of days ahead
    notices
        days before the renewal at which it is announced, such as 90, 60 and 30

    Returns
    -------
    pd.DataFrame
        `DUE_COLUMNS`, one row per contract that renews within `ahead_days`; empty without period_days

    Raises
    ------
    RangeError
        there is no notice, or one is below 1 day

    Examples
    --------
    >>> contracts = ibis.memtable({"customer_id": [1], "day": [date(2024, 1, 1)], "period_days": [30.0]})
    >>> spine = ibis.memtable({"customer_id": [1], "as_of": [date(2024, 3, 6)]})
    >>> renewals_due(contracts, spine, 90, (90, 60, 30)).loc[0, ["due_on", "why"]].tolist()
    [datetime.date(2024, 3, 31), 'contract renews in 25 days: within the notice of 30 days']
    """
    if not notices or min(notices) < 1:
        raise RangeError(f"renewals must be days of at least 1, got {list(notices)!r}.")
    if "period_days" not in contracts.columns:
        return _nothing()
    now = running(contracts, spine)
    now = now.filter(now.period_days.notnull() & (now.period_days >= 1))
    since = now.days_ago
    if "renews_at" in now.columns:
        since = now.as_of.delta(now.renews_at.date(), unit="day").cast("int64").fill_null(since)
    period = now.period_days
    left = period - (since - (since / period).floor() * period)
    due = now.mutate(left=left.ceil().cast("int64"))
    due = due.filter(due.left <= ahead_days).select(*KEY, "left")
    rows = due.order_by("customer_id", "left").to_pandas()
    if rows.empty:
        return _nothing()
    on = [
        _day(as_of) + pd.Timedelta(days=int(wait))
        for as_of, wait in zip(rows["as_of"], rows["left"], strict=True)
    ]
    days = {name: pd.Series(on).dt.date for name in ("due_on", "low", "high")}
    why = [f"contract renews in {counted(wait, 'day')}{_notice(wait, notices)}" for wait in rows["left"]]
    return _due_dates(rows["customer_id"], days, "renewal", None, why)


def replenishments_due(
    lines: ir.Table, spine: ir.Table, *, max_gap_variation: float = 0.5, min_gaps: int = 3
) -> pd.DataFrame:
    """The due date of the next purchase of each product that a customer buys at regular intervals.

    Parameters
    ----------
    lines
        one row per line bought: customer_id, day, product_id and amount
    spine
        customer_id and one as_of
    max_gap_variation
        largest coefficient of variation (standard deviation ÷ mean) of regular gaps
    min_gaps
        smallest number of gaps, ≥ 2, that define a rhythm

    Returns
    -------
    pd.DataFrame
        `DUE_COLUMNS`, one row per customer and product with regular gaps: due_on is the last purchase plus
        the median gap, low and high are due_on minus and plus 1.28 standard deviations of the gaps; empty
        without product_id

    Raises
    ------
    RangeError
        max_gap_variation or min_gaps is too small

    Examples
    --------
    >>> days = [date(2024, month, 1) for month in (1, 2, 3, 4)]
    >>> lines = ibis.memtable({"customer_id": [1] * 4, "day": days, "product_id": ["filter"] * 4,
    ...                        "amount": [9.0] * 4})
    >>> spine = ibis.memtable({"customer_id": [1], "as_of": [date(2024, 4, 20)]})
    >>> replenishments_due(lines, spine).loc[0, ["due_on", "product_id", "why"]].tolist()
    [datetime.date(2024, 5, 2), 'filter', 'bought every 31 days (4 times), last on 2024-04-01']
    """
    positive("max_gap_variation", max_gap_variation)
    at_least("min_gaps", min_gaps, 2)
    if "product_id" not in lines.columns:
        return _nothing()
    bought = lines.filter((lines.amount > 0) & lines.product_id.notnull())
    days = visible(bought.select("customer_id", "product_id", "day").distinct(), spine)
    order = ibis.window(group_by=["customer_id", "product_id"], order_by="day")
    gaps = days.mutate(gap=days.day.delta(days.day.lag().over(order), unit="day").cast("int64"))
    total, squares = gaps.gap.sum().cast("float64"), (gaps.gap * gaps.gap).sum().cast("float64")
    count = gaps.gap.count()
    found = gaps.group_by("customer_id", "product_id").aggregate(
        last=gaps.day.max(),
        gaps=count,
        median=gaps.gap.median(),
        mean=total / count.nullif(0),
        sd=((count * squares - total * total) / (count * (count - 1)).nullif(0)).sqrt(),
    )
    steady = found.filter((found.gaps >= min_gaps) & (found.sd <= max_gap_variation * found["mean"]))
    rows = steady.order_by("customer_id", "product_id").to_pandas()
    if rows.empty:
        return _nothing()
    away = _Z_80 * rows["sd"].to_numpy(dtype=np.float64)
    median = rows["median"].to_numpy(dtype=np.float64)
    waits = {"due_on": median, "low": np.maximum(median - away, 1.0), "high": median + away}
    days_due = {name: _days_after(rows["last"], wait) for name, wait in waits.items()}
    why = [
        f"bought every {counted(round(gap), 'day')} ({count + 1} times), last on {_day(last).date()}"
        for gap, count, last in zip(median, rows["gaps"], rows["last"], strict=True)
    ]
    return _due_dates(rows["customer_id"], days_due, "replenishment", rows["product_id"], why)


def product_dates_due(lines: ir.Table, products: ir.Table, spine: ir.Table) -> pd.DataFrame:
    """Ends of warranty, lifetime and support of the products that customers own.

    Parameters
    ----------
    lines
        one row per line bought: customer_id, day, product_id and amount
    products
        one row per product: product_id, and optionally warranty_days, life_days, ends_at, name
    spine
        customer_id and one as_of

    Returns
    -------
    pd.DataFrame
        `DUE_COLUMNS`, one row per customer, product and end, counted from the last purchase of the product;
        empty without product_id

    Raises
    ------
    TableError
        a product appears twice

    Examples
    --------
    >>> lines = ibis.memtable({"customer_id": [1], "day": [date(2024, 1, 1)], "product_id": ["tv"],
    ...                        "amount": [500.0]})
    >>> products = ibis.memtable({"product_id": ["tv"], "warranty_days": [366.0]})
    >>> spine = ibis.memtable({"customer_id": [1], "as_of": [date(2024, 12, 1)]})
    >>> product_dates_due(lines, products, spine).loc[0, ["due_on", "kind", "why"]].tolist()
    [datetime.date(2025, 1, 1), 'warranty_end', 'tv, bought on 2024-01-01: its warranty of 366 days ends']
    """
    if "product_id" not in lines.columns:
        return _nothing()
    twice = products.group_by("product_id").aggregate(n=products.count())
    repeated = twice.filter(twice.n > 1).order_by("product_id").limit(3).product_id.to_pyarrow().to_pylist()
    if repeated:
        raise TableError(
            f"These products appear twice in the products table: {', '.join(map(str, repeated))}. "
            "Keep one row each."
        )
    wanted = [name for name in ("warranty_days", "life_days", "ends_at", "name") if name in products.columns]
    bought = lines.filter((lines.amount > 0) & lines.product_id.notnull())
    seen = visible(bought.select("customer_id", "product_id", "day"), spine)
    owned = seen.group_by("customer_id", "product_id").aggregate(last=seen.day.max())
    if products.product_id.type() != owned.product_id.type():
        owned = owned.mutate(product_id=owned.product_id.cast(products.product_id.type()))
    rows = owned.join(products.select("product_id", *wanted), "product_id")
    rows = rows.order_by("customer_id", "product_id").to_pandas()
    return sort_due_dates([_product_dates(rows, kind) for kind in (*_PRODUCT_TIMES, "product_end")])


def sort_due_dates(
    due_dates: Sequence[pd.DataFrame], first: date | None = None, last: date | None = None
) -> pd.DataFrame:
    """All due dates from `first` to `last`, by day, customer and kind.

    Parameters
    ----------
    due_dates
        tables with `DUE_COLUMNS`
    first, last
        the first and last day to keep; None for no limit

    Examples
    --------
    >>> sort_due_dates([]).columns.tolist() == list(DUE_COLUMNS)
    True
    """
    some = [frame for frame in due_dates if len(frame)]
    if not some:
        return _nothing()
    rows = pd.concat(some, ignore_index=True)
    if first is not None:
        rows = rows[rows["due_on"] >= first]
    if last is not None:
        rows = rows[rows["due_on"] <= last]
    return rows.sort_values(["due_on", "customer_id", "kind"], kind="stable", ignore_index=True)


def _product_dates(rows: pd.DataFrame, kind: str) -> pd.DataFrame:
    column, words = _PRODUCT_TIMES.get(kind, ("ends_at", "it is no longer sold or supported from then on"))
    if column not in rows.columns:
        return _nothing()
    known = rows[rows[column].notna()]
    if known.empty:
        return _nothing()
    if kind == "product_end":
        on = pd.to_datetime(known[column]).dt.date.to_numpy()
    else:
        on = _days_after(known["last"], known[column].to_numpy(dtype=np.float64))
    names = (
        known["name"].fillna(known["product_id"].astype(str))
        if "name" in known.columns
        else known["product_id"]
    )
    why = [
        f"{name}, bought on {_day(last).date()}: {words.format(value) if kind in _PRODUCT_TIMES else words}"
        for name, last, value in zip(names, known["last"], known[column], strict=True)
    ]
    days = dict.fromkeys(("due_on", "low", "high"), on)
    return _due_dates(known["customer_id"], days, kind, known["product_id"], why)


def _due_dates(
    customers: "pd.Series[Any]",
    days: Mapping[str, Any],
    kind: str,
    products: "pd.Series[Any] | None",
    why: list[str],
) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "customer_id": customers.to_numpy(),
            **{name: np.asarray(column, dtype=object) for name, column in days.items()},
            "kind": kind,
            "product_id": pd.Series(
                [None] * len(why) if products is None else products.astype(str).tolist(), dtype="str"
            ),
            "why": why,
        }
    )


def _nothing() -> pd.DataFrame:
    return pd.DataFrame({name: pd.Series(dtype=object) for name in DUE_COLUMNS})


def _notice(wait: int, notices: Sequence[int]) -> str:
    passed = [notice for notice in sorted(notices) if wait <= notice]
    return f": within the notice of {counted(passed[0], 'day')}" if passed else ""


def _day(value: object) -> pd.Timestamp:
    return pd.Timestamp(str(value)[:10])


def _days_after(since: Any, waits: npt.NDArray[np.float64]) -> npt.NDArray[np.object_]:
    """The days that lie a whole number of days, at most a century, after one day or after each day."""
    near = np.minimum(np.round(waits), 36_525).astype("timedelta64[D]")
    later: npt.NDArray[np.object_] = (np.asarray(since, dtype="datetime64[D]") + near).astype(object)
    return later
