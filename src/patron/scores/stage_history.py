"""Stage history: the transitions of customers between stages, and dwell times.

All of it is observed at snapshots: a change is dated by the first snapshot that shows it, and stays that
begin and end between two snapshots are not observed.
"""

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from patron.arrays import Flags
from patron.errors import TableError
from patron.models.bundle.policy import StageRules
from patron.scores.lifecycle import STAGES, lifecycle_stage

__all__ = ["median_dwell_time", "stage_history", "stays", "transition_matrix"]


def stage_history(snapshots: pd.DataFrame, rules: StageRules | None = None) -> pd.DataFrame:
    """The stage of each customer at each snapshot.

    Parameters
    ----------
    snapshots
        one row per customer and as_of: customer_id, as_of (a date), and what
        :func:`patron.scores.lifecycle.lifecycle_stage` needs
    rules
        of the stages; `StageRules()` if None

    Returns
    -------
    pd.DataFrame
        customer_id, as_of (`datetime64`), lifecycle_stage. Rows: those of `snapshots`, by customer and day.

    Raises
    ------
    TableError
        a customer comes twice on one day

    Examples
    --------
    >>> seen = pd.DataFrame({"customer_id": [7, 7], "as_of": ["2024-03-31", "2024-01-31"],
    ...                      "frequency": [1, 0], "recency": [50, 0], "T": [65, 5]})
    >>> stage_history(seen)["lifecycle_stage"].tolist()
    ['acquisition', 'development']
    """
    history = pd.DataFrame(
        {
            "customer_id": snapshots["customer_id"],
            "as_of": pd.to_datetime(snapshots["as_of"]),
            "lifecycle_stage": lifecycle_stage(snapshots, rules),
        }
    ).sort_values(["customer_id", "as_of"], kind="stable", ignore_index=True)
    if (twice := history.duplicated(["customer_id", "as_of"])).any():
        raise TableError(
            f"The snapshots hold a customer twice on {history['as_of'][twice].iloc[0]:%Y-%m-%d}: "
            "give one row per customer and as_of."
        )
    return history


def transition_matrix(history: pd.DataFrame) -> pd.DataFrame:
    """The share of customers of each stage that are in each stage one snapshot later.

    Parameters
    ----------
    history
        as `stage_history` returns it

    Returns
    -------
    pd.DataFrame
        Index and columns: the stages that occur, in the order of `STAGES`. A row sums to 1; it is null for a
        stage without customers at the next snapshot.

    Examples
    --------
    >>> days = pd.to_datetime(["2024-01-31", "2024-02-29", "2024-03-31"])
    >>> history = pd.DataFrame({"customer_id": [7] * 3, "as_of": days,
    ...                         "lifecycle_stage": ["retention", "at_risk", "retention"]})
    >>> transition_matrix(history)
               retention  at_risk
    retention        0.0      1.0
    at_risk          1.0      0.0
    """
    followed = _followed(history)
    there = [stage for stage in STAGES if (history["lifecycle_stage"] == stage).any()]
    moves = pd.crosstab(
        history["lifecycle_stage"][followed].to_numpy(),
        history["lifecycle_stage"].shift(-1)[followed].to_numpy(),
    ).reindex(index=there, columns=there, fill_value=0)
    counts = moves.to_numpy(dtype=np.float64)
    left = counts.sum(axis=1, keepdims=True)
    shares = np.divide(counts, left, out=np.full_like(counts, np.nan), where=left > 0)
    return pd.DataFrame(shares, index=there, columns=there)


def stays(history: pd.DataFrame) -> pd.DataFrame:
    """The unbroken stays of each customer in one stage.

    Parameters
    ----------
    history
        as `stage_history` returns it

    Returns
    -------
    pd.DataFrame
        customer_id, lifecycle_stage, began_on, last_seen_on, days, ended. `days` run from the first snapshot
        of the stay to the first one after it, or to the last one of a stay that has not `ended`. Stays that
        were running at the first snapshot, or when a customer reappeared, have no known beginning and are
        left out.

    Examples
    --------
    >>> days = pd.to_datetime(["2024-01-31", "2024-02-29", "2024-03-31"])
    >>> history = pd.DataFrame({"customer_id": [7] * 3, "as_of": days,
    ...                         "lifecycle_stage": ["retention", "at_risk", "at_risk"]})
    >>> stays(history)[["lifecycle_stage", "days", "ended"]]
      lifecycle_stage  days  ended
    0         at_risk    31  False
    """
    stage, day = history["lifecycle_stage"].to_numpy(), history["as_of"].to_numpy()
    followed = _followed(history)
    goes_on = followed & _equals_next(stage)
    first, last = np.flatnonzero(~_moved_down(goes_on)), np.flatnonzero(~goes_on)
    arrived = ~history.duplicated("customer_id").to_numpy() & (_places(day) > 0)
    known = (_moved_down(followed) | arrived)[first]
    first, last = first[known], last[known]
    ended = followed[last]
    until = day[last + ended]
    return pd.DataFrame(
        {
            "customer_id": history["customer_id"].to_numpy()[first],
            "lifecycle_stage": stage[first],
            "began_on": day[first],
            "last_seen_on": day[last],
            "days": (until - day[first]) // np.timedelta64(1, "D"),
            "ended": ended,
        }
    )


def median_dwell_time(history: pd.DataFrame) -> pd.DataFrame:
    """The median dwell time in each stage, with open stays as censored.

    Parameters
    ----------
    history
        as `stage_history` returns it

    Returns
    -------
    pd.DataFrame
        Index: the stages, in the order of `STAGES`. Columns: stays (count with a known beginning), ended
        (count), median_days; the median is null while more than half of the stays are expected to continue.

    Notes
    -----
    The Kaplan-Meier estimate of the share of stays that last longer than t falls to S(t)·(1 − d / n) where d
    of n stays end; the median is the first t at which it is at most a half. Leaving out open stays would
    select short ones.

    References
    ----------
    Kaplan & Meier (1958), Journal of the American Statistical Association 53(282), 457-481.

    Examples
    --------
    The stay at risk goes on, so that all that is known is that it takes longer than 30 days:

    >>> days = pd.to_datetime(["2024-01-01", "2024-01-11", "2024-01-21", "2024-02-10", "2024-03-11"])
    >>> stage = ["reach", "retention", "retention", "at_risk", "at_risk"]
    >>> history = pd.DataFrame({"customer_id": [7] * 5, "as_of": days, "lifecycle_stage": stage})
    >>> median_dwell_time(history).loc[["retention", "at_risk"]]
               stays  ended  median_days
    retention      1      1         30.0
    at_risk        1      0          NaN
    """
    seen = stays(history)
    rows = {}
    for stage in STAGES:
        own = seen[seen["lifecycle_stage"] == stage]
        ended = own["ended"].to_numpy(dtype=bool)
        median = _median_survival(own["days"].to_numpy(dtype=np.float64), ended)
        rows[stage] = {"stays": len(own), "ended": int(ended.sum()), "median_days": median}
    return pd.DataFrame.from_dict(rows, orient="index")


def _followed(history: pd.DataFrame) -> Flags:
    """Whether the next row is that of the same customer at the next snapshot."""
    place = _places(history["as_of"].to_numpy())
    return _equals_next(history["customer_id"].to_numpy()) & _equals_next(place, ahead=1)


def _places(days: npt.NDArray[Any]) -> npt.NDArray[np.intp]:
    """The number of the snapshot of each day: 0, 1, 2, …"""
    return np.searchsorted(np.unique(days), days)


def _equals_next(values: npt.NDArray[Any], ahead: int = 0) -> Flags:
    """Whether the next value equals this one, or is `ahead` of it; False for the last."""
    equal = np.zeros(values.size, dtype=bool)
    equal[:-1] = values[1:] == (values[:-1] + ahead if ahead else values[:-1])
    return equal


def _moved_down(flags: Flags) -> Flags:
    """The values shifted down by one row."""
    moved = np.zeros_like(flags)
    moved[1:] = flags[:-1]
    return moved


def _median_survival(days: npt.NDArray[np.float64], ended: Flags) -> float:
    """The first time by which half of the stays have ended; NaN while they have not."""
    times = np.unique(days[ended])
    at_risk = days.size - np.searchsorted(np.sort(days), times, side="left")
    ends = np.searchsorted(np.sort(days[ended]), times, side="right")
    ends = np.diff(np.concatenate([[0], ends]))
    going_on = np.cumprod(1 - ends / at_risk)
    half = np.flatnonzero(going_on <= 0.5 + 1e-12)  # a product of fractions may miss a half by a hair
    return float(times[half[0]]) if half.size else float("nan")
