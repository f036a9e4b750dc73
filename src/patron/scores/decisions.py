"""The columns of a scorecard that follow from predictions and history: potentials, tier, stage, band, action.

Each column depends on those before it. The decisions of the business are those of the model: its tiers, and
its :class:`patron.models.bundle.policy.Policy`.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from patron.arrays import Floats
from patron.models.bundle.policy import Policy
from patron.models.bundle.tiers import Tiers
from patron.models.churn.rows import Columns, count_rows
from patron.scores.actions import churn_band, max_retention_spend, recommended_action
from patron.scores.columns import OPTIONAL_COLUMNS
from patron.scores.lifecycle import lifecycle_stage
from patron.scores.potentials import base_potential, customer_value, past_margin, value_at_risk

__all__ = ["decide", "figures"]


def decide(
    rows: Columns, predicted: Columns, margin: float, policy: Policy, tiers: Tiers | None
) -> dict[str, Any]:
    """The columns of a scorecard that are not predictions.

    Parameters
    ----------
    rows
        feature rows that can be scored: the purchase columns at least; of the features those that are
        there, and perhaps `OPTIONAL_COLUMNS`
    predicted
        (n_customers,) each: churn_probability and growth_potential
    margin
        share of an amount that is kept, in (0, 1]
    policy
        rules of the stages, and the typical offer
    tiers
        cut-offs of value; None where none are frozen

    Returns
    -------
    dict[str, Any]
        column → (n_customers,) money, counts and texts; None for all where there are no tiers or no offer

    Examples
    --------
    See :func:`patron.scores.scorecard.make_scorecard`.
    """
    churn, growth = predicted["churn_probability"], predicted["growth_potential"]
    earned = past_margin(
        net_spend=figures(rows, "net_spend_total", np.nan),
        cost_of_goods=figures(rows, "cost_total", 0.0),
        margin=margin,
    )
    network, learning, service = (np.nan_to_num(figures(rows, name, 0.0)) for name in OPTIONAL_COLUMNS)
    base = base_potential(earned, service, figures(rows, "acquisition_cost", 0.0))
    worth = customer_value(base, growth, network, learning)
    tier = None if tiers is None else tiers.tier(worth)
    stage = lifecycle_stage(rows, policy.stages)
    return {
        "base_potential": base,
        "network_potential": network,
        "learning_potential": learning,
        "customer_value": worth,
        "value_at_risk": value_at_risk(churn, growth),
        "value_tier": tier,
        "value_percentile": None if tiers is None else tiers.percentile(worth),
        "lifecycle_stage": stage,
        **_with_offer(policy, churn, growth, stage, tier),
    }


def figures(rows: Columns, name: str, absent: float) -> Floats:
    """The column as numbers, or `absent` for every row if it is missing.

    Parameters
    ----------
    rows
        columns by name
    name
        of the column
    absent
        the number that stands for a missing column

    Examples
    --------
    >>> figures({"T": np.array([90.0, 30.0])}, "cost_total", 0.0)
    array([0., 0.])
    """
    if name not in rows:
        return np.full(count_rows(rows), absent)
    return np.asarray(rows[name], dtype=np.float64)


def _with_offer(
    policy: Policy,
    churn: Floats,
    growth: Floats,
    stage: npt.NDArray[np.object_],
    tier: npt.NDArray[np.object_] | None,
) -> dict[str, Any]:
    """The columns that need the cost of an offer."""
    offer = policy.offer
    if offer is None:
        return {}
    band = churn_band(churn, growth, offer)
    unknown = np.full(len(growth), None, dtype=object)
    spend = max_retention_spend(churn, growth, growth, growth, offer.acceptance)
    return {
        "churn_band": band,
        "recommended_action": recommended_action(stage, band, unknown if tier is None else tier),
        "max_retention_spend": spend.expected,
    }
