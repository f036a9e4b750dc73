"""Contract rows of a renewal model: how often each was renewed, and whether it has ended.

========= ==========================================================================================
column    meaning
========= ==========================================================================================
renewals  renewals made so far: a whole number ≥ 0, 0 in the first term
ended     1 where the contract was not renewed again, 0 where it still runs
count     contracts that the row stands for; 1 each where the column is absent
start     renewals made when observation began; 0 where the column is absent
========= ==========================================================================================

Any other column may be a covariate or a cohort.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from patron.arrays import Floats
from patron.durations import DAYS_PER_MONTH, DAYS_PER_YEAR
from patron.errors import RangeError, TableError, some

__all__ = ["Contracts", "contracts_of_cohorts", "contracts_of_subscriptions", "read_contracts"]


_LATE = 0.1  # of a period: an end so shortly after a renewal day counts as that day


@dataclass(frozen=True, slots=True)
class Contracts:
    """Checked contracts.

    Attributes
    ----------
    index
        (n_rows,) index of the table
    renewals
        (n_rows,) renewals made so far, whole numbers
    ended
        (n_rows,) 1.0 where the contract was not renewed again, 0.0 where it still runs
    count
        (n_rows,) contracts that the row stands for
    start
        (n_rows,) renewals made when observation began
    """

    index: pd.Index
    renewals: Floats
    ended: Floats
    count: Floats
    start: Floats


def read_contracts(contracts: pd.DataFrame, needed: Sequence[str] = ()) -> Contracts:
    """The rows of `contracts`, checked, in their order.

    Parameters
    ----------
    contracts
        renewals and ended; count and start where they are not 1 and 0
    needed
        further columns that must be there

    Raises
    ------
    TableError
        a column is missing, there is no row, or rows break a rule; each broken rule is named with up
        to five rows and their number

    Examples
    --------
    >>> read_contracts(pd.DataFrame({"renewals": [2, 0], "ended": [0, 1]})).count
    array([1., 1.])
    >>> read_contracts(pd.DataFrame({"renewals": [-1, 0], "ended": [0, 1]}))
    Traceback (most recent call last):
        ...
    patron.errors.TableError: contracts breaks these rules: renewals must be a whole number ≥ start (rows 0).
    """
    missing = [name for name in ("renewals", "ended", *needed) if name not in contracts.columns]
    if missing:
        raise TableError(f"contracts lacks {some(missing)}; it has {some(contracts.columns, 20)}.")
    if contracts.empty:
        raise TableError("contracts has no row. Take a segment or a period with contracts in it.")
    n = len(contracts)
    renewals, ended = _numbers(contracts["renewals"]), _numbers(contracts["ended"])
    count = _numbers(contracts["count"]) if "count" in contracts else np.ones(n)
    start = _numbers(contracts["start"]) if "start" in contracts else np.zeros(n)
    rules = {
        "start must be a whole number ≥ 0": (start >= 0) & (start == np.floor(start)),
        "renewals must be a whole number ≥ start": (renewals >= start) & (renewals == np.floor(renewals)),
        "ended must be 1 or 0": (ended == 0) | (ended == 1),
        "count must be a finite number ≥ 0": (count >= 0) & np.isfinite(count),
    }
    broken = [
        f"{rule} (rows {some(contracts.index[~good])})" for rule, good in rules.items() if not good.all()
    ]
    if broken:
        raise TableError(f"contracts breaks these rules: {'; '.join(broken)}.")
    if not count.sum() > 0:
        raise TableError("contracts counts no contract: every count is 0. Take a segment with contracts.")
    return Contracts(contracts.index, renewals, ended, count, start)


def contracts_of_cohorts(survivors: Sequence[float] | Mapping[Any, Sequence[float]]) -> pd.DataFrame:
    """Contract rows from the survivors of each cohort.

    Parameters
    ----------
    survivors
        customers at the beginning and after each renewal, counts that never rise; or cohort → such
        counts. Others are refused with a RangeError

    Returns
    -------
    pd.DataFrame
        DataFrame, one row per cohort × number of renewals × ended: cohort (where cohorts were named),
        renewals, ended, count

    Examples
    --------
    >>> contracts_of_cohorts([1000, 631, 468])
       renewals  ended  count
    0         0      1  369.0
    1         1      1  163.0
    2         2      0  468.0
    """
    named = survivors if isinstance(survivors, Mapping) else {None: survivors}
    parts = []
    for cohort, counts in named.items():
        left = np.asarray(counts, dtype=np.float64)
        if left.size < 2 or not ((np.diff(left) <= 0).all() and left[-1] >= 0 and np.isfinite(left[0])):
            raise RangeError(
                f"the survivors of {'the cohort' if cohort is None else f'cohort {cohort!r}'} must be two or "
                f"more counts ≥ 0 that never rise, got {some(left.tolist())}."
            )
        made = len(left) - 1
        rows = pd.DataFrame(
            {
                "renewals": np.append(np.arange(made), made),
                "ended": np.append(np.ones(made, dtype=np.int64), 0),
                "count": np.append(-np.diff(left), left[-1]),
            }
        )
        if cohort is not None:
            rows.insert(0, "cohort", [cohort] * len(rows))
        parts.append(rows)
    return pd.concat(parts, ignore_index=True)


def contracts_of_subscriptions(subscriptions: pd.DataFrame, as_of: date) -> pd.DataFrame:
    """Contract rows from the start and end dates of subscriptions.

    Parameters
    ----------
    subscriptions
        one row per contract: started_at, ended_at (missing while it runs), period_days; other
        columns are kept
    as_of
        last day known; contracts that ended later still run, those that began later are excluded

    Returns
    -------
    pd.DataFrame
        DataFrame, one row per contract begun until then, in the order of `subscriptions`: renewals, ended,
        and the columns of `subscriptions`

    Raises
    ------
    TableError
        a column is missing, or a contract ends before it starts

    Notes
    -----
    A contract that is cancelled within a term ends with that term. Periods of 28 to 31 days count as calendar
    months, of 364 to 366 days as years.

    Examples
    --------
    >>> contracts_of_subscriptions(pd.DataFrame({
    ...     "started_at": pd.to_datetime(["2024-01-01", "2024-01-01", "2024-03-10"]),
    ...     "ended_at": pd.to_datetime(["2024-03-01", None, "2024-03-20"]),
    ...     "period_days": 30,
    ... }), date(2024, 6, 30))[["renewals", "ended"]]
       renewals  ended
    0         1      1
    1         5      0
    2         0      1
    """
    needed = ("started_at", "ended_at", "period_days")
    missing = [name for name in needed if name not in subscriptions.columns]
    if missing:
        raise TableError(f"subscriptions lacks {some(missing)}; it has {some(subscriptions.columns, 20)}.")
    begun = subscriptions[
        pd.to_datetime(subscriptions["started_at"]) < pd.Timestamp(as_of) + pd.Timedelta(days=1)
    ]
    started, ended = (pd.to_datetime(begun[name]) for name in needed[:2])
    backwards = begun.index[(ended < started).to_numpy()]
    if len(backwards):
        raise TableError(
            f"{len(backwards)} subscriptions end before they start (rows {some(backwards)}). Correct them."
        )
    over = (ended < pd.Timestamp(as_of) + pd.Timedelta(days=1)).to_numpy()
    days = ((ended.where(over, pd.Timestamp(as_of)) - started) / pd.Timedelta(days=1)).to_numpy(np.float64)
    period = _numbers(begun["period_days"])
    period = np.where((period >= 28) & (period <= 31), DAYS_PER_MONTH, period)
    period = np.where((period >= 364) & (period <= 366), DAYS_PER_YEAR, period)
    terms = days / period
    lost_at = np.maximum(np.ceil(terms - _LATE), 1)
    renewals = np.where(over, lost_at - 1, np.maximum(np.floor(terms + _LATE / 2), 0)).astype(np.int64)
    kept = begun.drop(columns=["renewals", "ended"], errors="ignore")
    return kept.assign(renewals=renewals, ended=over.astype(np.int64))


def _numbers(column: pd.Series) -> Floats:
    return pd.to_numeric(column, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
