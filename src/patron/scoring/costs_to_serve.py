"""Cost to serve of each customer up to a day, from a table such as `patron costs` writes.

A row is the cost of one customer over one period. It counts in full from the last day of the period, because
the table does not say when within the period the money was spent. Successive periods of a customer add up;
overlapping ones would count a cost twice and are refused.
"""

import warnings
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from patron.arrays import Floats
from patron.errors import PatronWarning, TableError, counted, some
from patron.snapshots.asof import visible_on

__all__ = ["COSTS", "CostsToServe", "costs_known", "costs_of", "costs_taken"]


COSTS = "costs_to_serve.parquet"
"""The file in which a scoring keeps the costs: customer_id, cost, until."""


@dataclass(frozen=True, slots=True)
class CostsToServe:
    """The costs to serve that were subtracted from the base potentials.

    Attributes
    ----------
    customers
        count of those with a feature row
    on_record
        count of them with a cost
    total
        money, the costs of these
    until
        last day of the periods that counted; None where none did
    """

    customers: int
    on_record: int
    total: float
    until: date | None

    def to_dict(self) -> dict[str, Any]:
        """The result as plain values."""
        return {**asdict(self), "until": None if self.until is None else self.until.isoformat()}

    def sentence(self) -> str:
        """The result in a sentence.

        Examples
        --------
        >>> CostsToServe(3000, 2950, 8123.4, date(2024, 6, 30)).sentence()
        'Costs to serve of 8,123.40 up to 2024-06-30 are subtracted from the base potentials of 2,950 of 3,000
        customers; the other 50 have none on record and count as 0.'
        """
        if self.on_record == 0:
            return "No cost to serve was known on that day: the base potentials are unchanged."
        others = self.customers - self.on_record
        rest = "has none on record and counts" if others == 1 else f"{others:,} have none on record and count"
        return (
            f"Costs to serve of {self.total:,.2f} up to {self.until} are subtracted from the base potentials "
            f"of {self.on_record:,} of {counted(self.customers, 'customer')}"
            f"{f'; the other {rest} as 0' if others else ''}."
        )


def costs_known(table: ir.Table, as_of: date, id_type: Any) -> ir.Table:
    """The cost of each customer up to a day.

    Parameters
    ----------
    table
        valid rows of costs_to_serve: customer_id, period_start, period_end, retention_cost (money), and
        day, the last of the period
    as_of
        the last day known
    id_type
        type of the customer ids of the business

    Returns
    -------
    ir.Table
        one row per customer with a period that had ended: customer_id, cost (money), until (date, the
        last day of these periods)

    Raises
    ------
    TableError
        periods of one customer overlap

    Warns
    -----
    PatronWarning
        periods end after as_of, and do not count

    Examples
    --------
    >>> months = pd.to_datetime(["2024-01-01", "2024-02-01", "2024-03-01"])
    >>> costs = ibis.memtable({"customer_id": [7, 7, 7], "retention_cost": [4.0, 2.5, 9.0],
    ...                        "period_start": months, "period_end": months + pd.offsets.MonthEnd(0)})
    >>> costs = costs.mutate(day=costs.period_end.date())
    >>> costs_known(costs, date(2024, 3, 31), "int64").to_pandas()["cost"].tolist()
    [15.5]
    """
    _refuse_overlaps(table)
    seen = visible_on(table, as_of)
    rows, ended = (int(part.count().to_pyarrow().as_py()) for part in (table, seen))
    if ended < rows:
        warnings.warn(
            f"Not counted of the table 'costs_to_serve': {counted(rows - ended, 'row')} whose period ends "
            f"after {as_of}.",
            PatronWarning,
            stacklevel=3,
        )
    ours = seen.mutate(customer_id=seen.customer_id.try_cast(id_type))
    sums = ours.group_by("customer_id").agg(cost=ours.retention_cost.sum().round(6), until=ours.day.max())
    return sums.filter(sums.customer_id.notnull()).order_by("customer_id")


def costs_of(folder: Path, ids: pd.Series) -> Floats:
    """The cost of each customer, from what `costs_known` returned and a folder keeps.

    Parameters
    ----------
    folder
        with costs_to_serve.parquet, if there is such a table
    ids
        (n_customers,) customer_id

    Returns
    -------
    Floats
        (n_customers,) money; 0 for customers without a cost on record, and for all without the table

    Raises
    ------
    TableError
        the table holds none of these customers
    """
    return np.nan_to_num(_looked_up(folder, ids))


def costs_taken(folder: Path, features: Path) -> CostsToServe | None:
    """The costs that were subtracted from the base potentials; None without the table.

    Parameters
    ----------
    folder
        with costs_to_serve.parquet, where there is such a table
    features
        Parquet file of the feature rows, or a folder of such files
    """
    if not (folder / COSTS).is_file():
        return None
    found = _looked_up(folder, ds.dataset(features).to_table(columns=["customer_id"])[0].to_pandas())
    until = pc.max(pq.read_table(folder / COSTS, columns=["until"])[0]).as_py()
    return CostsToServe(found.size, int(np.isfinite(found).sum()), float(np.nansum(found)), until)


def _looked_up(folder: Path, ids: pd.Series) -> Floats:
    """(n_customers,) money, NaN where there is none."""
    if not (folder / COSTS).is_file():
        return np.full(len(ids), np.nan)
    kept = pd.read_parquet(folder / COSTS).set_index("customer_id")["cost"]
    found: Floats = kept.reindex(pd.Index(ids)).to_numpy(dtype=np.float64)
    if len(kept) and not np.isfinite(found).any():
        raise TableError(
            f"None of the {counted(len(kept), 'customer')} of the table 'costs_to_serve' gets a score: are "
            "their ids those of the transactions?"
        )
    return found


def _refuse_overlaps(table: ir.Table) -> None:
    """Raise if periods of a customer overlap: in order of their starts, two neighbours do if any two do."""
    begins, ends = table.period_start.date(), table.period_end.date()
    in_order = ibis.window(group_by="customer_id", order_by=["period_start", "period_end"])
    dated = table.select("customer_id", begins=begins, ended=ends.lag().over(in_order))
    twice = dated.filter(dated.begins <= dated.ended).select("customer_id").distinct()
    count = int(twice.count().to_pyarrow().as_py())
    if count:
        first = twice.order_by("customer_id").limit(5).to_pyarrow()["customer_id"].to_pylist()
        more = f", … ({count:,} in all)" if count > len(first) else ""
        raise TableError(
            f"table 'costs_to_serve' has periods that overlap, for customer_id {some(first)}{more}: their "
            "costs would count twice. Give periods that follow one another."
        )
