"""Percentile grids of a population too large for one frame: learned once, then passed to each batch."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from patron.models.churn.percentile_ranks import Percentiles
from patron.models.ensemble.tree_columns import btyd_columns
from patron.models.value.rfm import RFM_COLUMNS

if TYPE_CHECKING:
    from patron.models.bundle.bundle import Bundle

__all__ = ["population_percentiles"]


def population_percentiles(
    bundle: "Bundle",
    column: Callable[[str], pd.Series],
    *,
    value_horizon_days: float | None = None,
    annual_discount_rate: float | None = None,
    random_state: int = 0,
) -> Percentiles | None:
    """The grid of a whole population, for the `ranks` of its batches.

    Parameters
    ----------
    bundle
        the model
    column
        from the name of a feature to its (n_customers,) values; called for one feature at a time, so that
        the frame of all features is never held in memory
    value_horizon_days, annual_discount_rate, random_state
        as for the batches

    Returns
    -------
    Percentiles | None
        The grid that :func:`patron.models.bundle.prediction.predict_rows` learns from all customers in one
        frame with ranks "own"; None for a model that does not rank its customers

    Examples
    --------
    See :func:`patron.scoring.ranks.ranks_of_all`.
    """
    if bundle.percentiles is None:
        return None
    rfm = pd.DataFrame({name: column(name).to_numpy(dtype=np.float64) for name in RFM_COLUMNS})
    rfm.insert(0, "customer_id", np.arange(len(rfm)))
    found = bundle.value.expectations(
        rfm,
        bundle.horizon_days,
        value_horizon_days=bundle.value_horizon_days if value_horizon_days is None else value_horizon_days,
        annual_discount_rate=annual_discount_rate,
        random_state=random_state,
    )
    expected = btyd_columns(pd.DataFrame(found))
    grids: dict[str, Any] = {}
    for name in bundle.percentiles.names:
        figures = expected[name] if name in expected.columns else column(name)
        grids |= Percentiles.learn(figures.to_frame(name), [name]).grids
    return Percentiles(grids)
