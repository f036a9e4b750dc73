"""The customers of a value model: RFM rows, checked once, in the order in which they came.

============== =====================================================================================
column         meaning
============== =====================================================================================
customer_id    unique, of any type
frequency      repeat purchase days: a whole number, 0 for one-time buyers
recency        age at the last purchase: time units from the first purchase to the last, 0 without repeat
T              age today: time units from the first purchase to today
monetary_value mean money per repeat purchase day, positive where there is one
============== =====================================================================================
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from patron.arrays import Flags, Floats
from patron.errors import TableError, some

__all__ = ["RFM_COLUMNS", "RFM_WITH_ID", "Customers", "read_customers"]

RFM_COLUMNS = ("frequency", "recency", "T", "monetary_value")
RFM_WITH_ID = ["customer_id", *RFM_COLUMNS]


PURCHASES = ("frequency", "recency", "T")
SPEND = ("frequency", "monetary_value")

_CLASSIC = 0.9  # share of one-time buyers whose recency equals T from which recency counts days since


@dataclass(frozen=True, slots=True)
class Customers:
    """Checked RFM rows.

    Attributes
    ----------
    ids
        (n_customers,) customer_id in the order of the rows
    frequency
        (n_customers,) repeat purchases, whole numbers ≥ 0
    recency, T
        (n_customers,) time units, 0 ≤ recency ≤ T; zeros if only spend is needed
    monetary_value
        (n_customers,) money, 0 where there is no repeat purchase; zeros if not needed
    """

    ids: pd.Index
    frequency: Floats
    recency: Floats
    T: Floats
    monetary_value: Floats

    def __len__(self) -> int:
        return len(self.ids)

    def series(self, values: Floats, name: str) -> pd.Series:
        """`values`, one per customer in the order of the rows, by customer_id.

        Parameters
        ----------
        values
            (n_customers,) in the order of the rows
        name
            of the series
        """
        return pd.Series(values, index=self.ids, name=name)


def read_customers(rfm: pd.DataFrame, *, purchases: bool = True, spend: bool = False) -> Customers:
    """The rows of `rfm`, checked, in their order.

    Parameters
    ----------
    rfm
        one row per customer; customer_id is a column or the name of the index. Nullable, Arrow-backed and
        Decimal columns are as good as floats.
    purchases
        whether frequency, recency and T are needed
    spend
        whether frequency and monetary_value are needed

    Returns
    -------
    Customers
        one entry per row

    Raises
    ------
    TableError
        a column is missing, there is no row, or rows break a rule; the message names every broken
        rule with up to five customers and the count

    Examples
    --------
    >>> rfm = pd.DataFrame({"customer_id": ["b", "a"], "frequency": [2, 0], "recency": [30, 0], "T": 39})
    >>> customers = read_customers(rfm)
    >>> customers.series(customers.T - customers.recency, "days_since_last").to_dict()
    {'b': 9.0, 'a': 39.0}
    >>> read_customers(rfm.assign(T=[20, 39]))
    Traceback (most recent call last):
        ...
    patron.errors.TableError: rfm cannot be used. T (age today) is smaller than recency (age at the last
    purchase) for 1 customer: b.
    """
    needed = dict.fromkeys((*(PURCHASES if purchases else ()), *(SPEND if spend else ())))
    ids = _ids(rfm, list(needed))
    numbers = {name: _numbers(rfm[name], name) for name in needed}
    nothing = np.zeros(len(rfm))
    customers = Customers(ids, *(numbers.get(name, nothing) for name in (*PURCHASES, SPEND[-1])))
    _refuse_classic_recency(customers)
    broken = {
        "customer_id is missing": np.asarray(ids.isna()),
        "customer_id occurs more than once": ids.duplicated(),
    }
    broken |= {f"{name} is not a finite number": ~np.isfinite(values) for name, values in numbers.items()}
    broken |= _broken_rules(customers, purchases, spend)
    found = [f"{rule} for {_named(ids, wrong)}" for rule, wrong in broken.items() if wrong.any()]
    if found:
        raise TableError(f"rfm cannot be used. {'. '.join(found)}.")
    return customers


def _ids(rfm: pd.DataFrame, needed: list[str]) -> pd.Index:
    if not isinstance(rfm, pd.DataFrame):
        raise TableError(
            f"rfm must be a pandas DataFrame, got {type(rfm).__name__}. Convert it with .to_pandas()."
        )
    by_index = "customer_id" not in rfm.columns and rfm.index.name == "customer_id"
    missing = [name for name in ([] if by_index else ["customer_id"]) + needed if name not in rfm.columns]
    if missing:
        raise TableError(
            f"rfm lacks {', '.join(missing)}; it has {', '.join(map(str, rfm.columns))}. "
            f'Rename your columns: rfm.rename(columns={{"Your name": "{missing[0]}"}}).'
        )
    twice = [name for name in ("customer_id", *needed) if (rfm.columns == name).sum() > 1]
    if twice:
        raise TableError(f"rfm has more than one column named {', '.join(twice)}. Keep one of them.")
    if len(rfm) == 0:
        raise TableError("rfm has no rows: there is no customer to fit or to value.")
    return rfm.index if by_index else pd.Index(rfm["customer_id"], name="customer_id")


def _numbers(column: Any, name: str) -> Floats:
    """The column as floats, NaN where missing."""
    try:
        return np.asarray(column.astype("Float64") if column.dtype != object else column, dtype=np.float64)
    except (TypeError, ValueError):
        pass
    try:
        numbers = [np.nan if value is None or value is pd.NA else float(value) for value in column]
    except (TypeError, ValueError):
        raise TableError(
            f"rfm.{name} must hold numbers, got {column.dtype} with {some(map(repr, column), 3)}."
        ) from None
    return np.array(numbers, dtype=np.float64)


def _broken_rules(customers: Customers, purchases: bool, spend: bool) -> dict[str, Flags]:
    """Rule → which rows break it. NaN breaks none of these: it is named by itself."""
    x, t_x, T, z = customers.frequency, customers.recency, customers.T, customers.monetary_value
    return {
        "frequency (repeat purchases) is negative": x < 0,
        "frequency (repeat purchases) is not a whole number": np.isfinite(x) & (x != np.floor(x)),
        "recency (age at the last purchase) is negative": t_x < 0,
        "T (age today) is negative": T < 0,
        "T (age today) is smaller than recency (age at the last purchase)": t_x > T,
        "recency is positive without repeat purchase": (x == 0) & (t_x > 0),
        "recency is 0 in spite of repeat purchases": (x > 0) & (t_x == 0) & purchases,
        "monetary_value is not positive in spite of repeat purchases": (x > 0) & (z <= 0) & spend,
    }


def _named(ids: pd.Index, wrong: Flags) -> str:
    """How many customers are wrong, and up to five of them; a row number stands for a missing id."""
    rows = np.flatnonzero(wrong)
    names = [f"row {row}" if pd.isna(ids[row]) else str(ids[row]) for row in rows[:5]]
    more = ", …" if len(rows) > 5 else ""
    return f"{len(rows)} customer{'s' if len(rows) > 1 else ''}: {', '.join(names)}{more}"


def _refuse_classic_recency(customers: Customers) -> None:
    once = customers.frequency == 0
    classic = once & (customers.T > 0) & (customers.recency == customers.T)
    if once.any() and classic.sum() >= _CLASSIC * (once & (customers.T > 0)).sum() > 0:
        raise TableError(
            "rfm.recency seems to count the days since the last purchase, the classic RFM meaning: it equals "
            f"T for {classic.sum()} of {once.sum()} customers who bought once. Here recency is the age at "
            'the last purchase: write rfm["recency"] = rfm["T"] - rfm["recency"].'
        )
