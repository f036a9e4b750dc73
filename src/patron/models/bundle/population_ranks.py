"""The ranks of customers who are too many for one frame: learned once, then handed to each batch."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from patron.models.churn.percentile_ranks import Percentiles
from patron.models.ensemble.btyd_features import columns_of
from patron.models.value.query import ask_all, settings_in_days
from patron.models.value.rfm import RFM_COLUMNS

if TYPE_CHECKING:
    from patron.models.bundle.bundle import Bundle

__all__ = ["population_percentiles"]

_DRAWS = 200  # what CustomerValueModel.predict takes unless told otherwise


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
        from the name of a feature to its (n_customers,) values; asked for one at a time, so that the
        frame of all features never stands in memory
    value_horizon_days, annual_discount_rate, random_state
        as for the batches

    Returns
    -------
    Percentiles | None
        The grid that :meth:`patron.models.bundle.bundle.Bundle.predict` learns from all of them in one frame
        with ranks "own"; None for a model that does not rank its customers

    Examples
    --------
    See :func:`patron.scoring.batches.score_in_batches`.
    """
    if bundle.percentiles is None:
        return None
    rfm = pd.DataFrame({name: column(name).to_numpy(dtype=np.float64) for name in RFM_COLUMNS})
    rfm.insert(0, "customer_id", np.arange(len(rfm)))
    rate = bundle.annual_discount_rate if annual_discount_rate is None else annual_discount_rate
    settings = settings_in_days(
        bundle.horizon_days,
        bundle.value_horizon_days if value_horizon_days is None else value_horizon_days,
        annual_discount_rate=rate,
        unit="D",
        interval=0.8,
        n_draws=_DRAWS,
        random_state=random_state,
    )
    purchases, spend = bundle.value.purchases, bundle.value.spend
    _, found = ask_all(lambda outlook, _: outlook.expectations(), purchases, spend, rfm, settings)
    names = {"purchases": "expected_purchases", "order_value": "expected_order_value"}
    expected = columns_of(pd.DataFrame(found).rename(columns=names))
    grids: dict[str, Any] = {}
    for name in bundle.percentiles.names:
        figures = expected[name] if name in expected.columns else column(name)
        grids |= Percentiles.learn(figures.to_frame(name), [name]).grids
    return Percentiles(grids)
