"""A scorecard in a few numbers, read shard by shard."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pyarrow.compute as pc
import pyarrow.parquet as pq

from patron.scores.arrow import frame_of

__all__ = ["Summary", "summarise"]

MAX_SHOWN = 100
SHOWN = (
    "customer_id", "churn_probability", "growth_potential", "value_at_risk", "value_tier", "reason_1",
    "reason_2",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Summary:
    """A scorecard in a few numbers.

    Attributes
    ----------
    rows, scored
        count of all customers, and of those with a score
    mean_churn_probability
        of those with a score; NaN if there are none
    value_at_risk
        money, their sum
    value_horizon_days
        days ahead over which value counts
    model_version
        in the registry, or None
    top
        the customers with the highest value at risk, highest first, at most 100
    """

    rows: int
    scored: int
    mean_churn_probability: float
    value_at_risk: float
    value_horizon_days: int
    model_version: str | None
    top: pd.DataFrame

    def most_at_risk(self, most: int = 10) -> pd.DataFrame:
        """The customers with the highest value at risk, highest first, for display.

        Parameters
        ----------
        most
            count, at most 100
        """
        columns = ["customer_id", "churn_probability", "growth_potential", "value_at_risk", "value_tier"]
        top = self.top.head(most)
        reasons = top[["reason_1", "reason_2"]].apply(lambda row: "; ".join(row.dropna()), axis=1)
        return top[columns].assign(why=reasons).reset_index(drop=True)


def summarise(shards: Sequence[Path]) -> Summary:
    """The summary of a scorecard.

    Parameters
    ----------
    shards
        Parquet files of the scorecard, at least one
    """
    rows = scored = 0
    churn = at_risk = 0.0
    tops = []
    for shard in shards:
        shown = pq.read_table(shard, columns=list(SHOWN))
        rows += len(shown)
        shown = shown.filter(pc.is_valid(shown["churn_probability"]))
        if not len(shown):
            continue
        scored += len(shown)
        churn += pc.sum(shown["churn_probability"]).as_py()
        at_risk += pc.sum(shown["value_at_risk"]).as_py() or 0.0
        tops.append(_most_at_risk(frame_of(shown)))
    top = _most_at_risk(pd.concat(tops, ignore_index=True)) if tops else pd.DataFrame(columns=list(SHOWN))
    shared = pq.read_table(shards[0], columns=["value_horizon_days", "model_version"])
    first = shared.slice(0, 1).to_pylist()[0]
    mean = churn / scored if scored else float("nan")
    return Summary(rows, scored, mean, at_risk, **first, top=top.reset_index(drop=True))


def _most_at_risk(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.sort_values("value_at_risk", ascending=False, kind="stable").head(MAX_SHOWN)
