"""Scorecard rows of customers without a score.

Customers who have not bought yet are in the stage `reach`, with an action.
"""

from typing import Any

import numpy as np
import pandas as pd

from patron.errors import TableError
from patron.scores.actions import ACTIONS
from patron.scores.columns import as_scorecard, dates

__all__ = ["NEVER", "WITHIN_REACH", "append_not_scored", "of_not_scored"]

NEVER = "on or before as_of"
"""How the reason of a customer ends who was never active."""

WITHIN_REACH = {
    "lifecycle_stage": "reach",
    "recommended_action": next(action for stage, *_, action in ACTIONS if stage == "reach"),
}
"""What is known of such customers all the same."""


def of_not_scored(reasons: pd.Series) -> dict[str, Any]:
    """The columns that are known for customers without a score.

    Parameters
    ----------
    reasons
        (n_customers,) text, their not_scored_reason

    Returns
    -------
    dict[str, Any]
        not_scored_reason, and lifecycle_stage and recommended_action of those who have not bought yet; None
        for the others

    Examples
    --------
    >>> of_not_scored(pd.Series(["no purchase on or before as_of"]))["lifecycle_stage"].tolist()
    ['reach']
    """
    never = reasons.str.endswith(NEVER).to_numpy(dtype=bool)
    unknown = np.full(len(reasons), None, dtype=object)
    said = {name: np.where(never, np.array(value, object), unknown) for name, value in WITHIN_REACH.items()}
    return {"not_scored_reason": reasons, **said}


def append_not_scored(scorecard: pd.DataFrame, not_eligible: pd.DataFrame) -> pd.DataFrame:
    """The scorecard with one more row for each customer without a score.

    Parameters
    ----------
    scorecard
        what `make_scorecard` returned, with at least one row: the others share its provenance
    not_eligible
        one row per customer: customer_id, as_of (a date), not_scored_reason (text)

    Returns
    -------
    pd.DataFrame
        All columns of the scorecard. Rows: those of `scorecard`, then those of `not_eligible`, index 0, 1, 2,
        …

    Raises
    ------
    TableError
        the scorecard has no row

    Examples
    --------
    >>> card = as_scorecard({"customer_id": [7], "horizon_days": 90, "p_alive": 0.8}, 1)
    >>> visitor = {"customer_id": [9], "as_of": ["2024-06-30"], "not_scored_reason": ["no order"]}
    >>> both = append_not_scored(card, pd.DataFrame(visitor))
    >>> both[["customer_id", "horizon_days", "p_alive", "not_scored_reason"]]
       customer_id  horizon_days  p_alive not_scored_reason
    0            7            90      0.8               NaN
    1            9            90      NaN          no order
    """
    if scorecard.empty:
        raise TableError(
            "The scorecard has no row, so the date and the model of the other rows are not known."
        )
    if not_eligible.empty:
        return scorecard
    shared = ("horizon_days", "value_horizon_days", "model_version", "scored_at")
    unscored = {name: scorecard[name].iloc[0] for name in shared} | {
        "customer_id": not_eligible["customer_id"],
        "as_of": dates(not_eligible["as_of"]),
        **of_not_scored(not_eligible["not_scored_reason"]),
    }
    return pd.concat([scorecard, as_scorecard(unscored, len(not_eligible))], ignore_index=True)
