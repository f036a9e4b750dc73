"""What follows from risk, growth and history: the potentials, and what to do about them.

Each column rests on those before it, from the four potentials over tier, stage and band to the action. The
decisions of the business that go into them are the bundle's: its tiers, and its
:class:`patron.models.bundle.policy.Policy`.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from patron.arrays import Floats
from patron.models.bundle.bundle import Bundle
from patron.models.churn.rows import Columns, count_rows
from patron.scores.actions import churn_band, max_retention_spend, recommended_action
from patron.scores.lifecycle import lifecycle_stage
from patron.scores.potentials import base_potential, customer_value, past_margin, value_at_risk

__all__ = ["OPTIONAL_COLUMNS", "decide", "figures"]


OPTIONAL_COLUMNS = ("network_potential", "learning_potential", "cost_to_serve")
"""What a feature row may hold besides the features: money; null, and not given, count as 0."""


def decide(rows: Columns, bundle: Bundle, predicted: Columns) -> dict[str, Any]:
    """The columns of a scorecard that are no predictions.

    Parameters
    ----------
    rows
        feature rows that can be scored: the purchase columns at least; of the features those that are
        there, and perhaps `OPTIONAL_COLUMNS`
    bundle
        the model
    predicted
        (n_customers,) each: churn_probability and growth_potential

    Returns
    -------
    dict[str, Any]
        column → (n_customers,) money, counts and texts; None for all where the bundle has no tiers or no
        offer

    Examples
    --------
    See :func:`patron.scores.scorecard.make_scorecard`.
    """
    churn, growth = predicted["churn_probability"], predicted["growth_potential"]
    earned = past_margin(
        net_spend=figures(rows, "net_spend_total", np.nan),
        cost_of_goods=figures(rows, "cost_total", 0.0),
        margin=bundle.margin,
    )
    network, learning, service = (np.nan_to_num(figures(rows, name, 0.0)) for name in OPTIONAL_COLUMNS)
    base = base_potential(earned, service, figures(rows, "acquisition_cost", 0.0))
    worth = customer_value(base, growth, network, learning)
    tiers = bundle.tiers
    tier = None if tiers is None else tiers.tier(worth)
    stage = lifecycle_stage(rows, bundle.policy.stages)
    return {
        "base_potential": base,
        "network_potential": network,
        "learning_potential": learning,
        "customer_value": worth,
        "value_at_risk": value_at_risk(churn, growth),
        "value_tier": tier,
        "value_percentile": None if tiers is None else tiers.percentile(worth),
        "lifecycle_stage": stage,
        **_with_offer(bundle, churn, growth, stage, tier),
    }


def figures(rows: Columns, name: str, absent: float) -> Floats:
    """The column as numbers; `absent` for everybody where it is not there.

    Examples
    --------
    >>> figures({"T": np.array([90.0, 30.0])}, "cost_total", 0.0)
    array([0., 0.])
    """
    if name not in rows:
        return np.full(count_rows(rows), absent)
    return np.asarray(rows[name], dtype=np.float64)


def _with_offer(
    bundle: Bundle,
    churn: Floats,
    growth: Floats,
    stage: npt.NDArray[np.object_],
    tier: npt.NDArray[np.object_] | None,
) -> dict[str, Any]:
    """What only a business that knows what an offer costs can decide."""
    offer = bundle.policy.offer
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
