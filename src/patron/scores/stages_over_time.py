"""The lifecycle stage of each customer on several past days."""

from collections.abc import Iterable
from datetime import date

import ibis
import ibis.expr.types as ir
import pandas as pd

from patron.features.assemble import assemble_features
from patron.features.catalogue import FeatureCatalogue
from patron.features.purchases import ACTIVE_DAYS, RFM_FEATURES, RHYTHM_FEATURES
from patron.models.bundle.policy import StageRules
from patron.scores.lifecycle import STAGE_COLUMNS
from patron.scores.stage_history import stage_history
from patron.snapshots.spine import make_spine, not_eligible
from patron.tables.history import History

__all__ = ["stages_over_time"]


def stages_over_time(
    history: History, days: Iterable[date], *, rules: StageRules | None = None
) -> pd.DataFrame:
    """The stage of every customer known on each of these days.

    Parameters
    ----------
    history
        the tables of the business
    days
        at least one day, each once; each sees only what was known then
    rules
        rules of the stages; `StageRules()` if None

    Returns
    -------
    pd.DataFrame
        customer_id, as_of (`datetime64`), lifecycle_stage: the input of
        :func:`patron.scores.stage_history.transition_matrix` and
        :func:`patron.scores.stage_history.median_dwell_time`. Rows: by customer and day; people in the
        customers table who had not bought yet are in stage reach.

    Raises
    ------
    DateError
        a day lies outside the data

    Examples
    --------
    >>> orders = pd.DataFrame({"customer_id": [7, 7, 8], "amount": [50.0, 20.0, 30.0],
    ...                        "order_at": ["2024-01-01", "2024-01-22", "2024-06-30"]})
    >>> seen = stages_over_time(History.read(orders), [date(2024, 1, 31), date(2024, 6, 30)])
    >>> seen[["customer_id", "lifecycle_stage"]]
       customer_id lifecycle_stage
    0            7     development
    1            7         at_risk
    2            8     acquisition
    """
    rules = rules or StageRules()
    windows = tuple(f"active_days_{length}d" for length in (rules.won_back_within, rules.won_back_after))
    specs = tuple(
        spec
        for spec in (*RFM_FEATURES, *RHYTHM_FEATURES, *ACTIVE_DAYS)
        if spec.name in (*STAGE_COLUMNS, *windows)
    )
    catalogue = FeatureCatalogue(specs, activity=history.activity, has_money=history.has_money)
    parts = []
    for day in days:
        bought = assemble_features(history, make_spine(history, day), catalogue)
        parts.append(bought.to_pandas())
        parts.append(_not_yet_customers(history, day).to_pandas())
    return stage_history(pd.concat([part for part in parts if len(part)], ignore_index=True), rules)


def _not_yet_customers(history: History, day: date) -> ir.Table:
    others = not_eligible(history, day)
    unknown = {name: ibis.null("float64") for name in STAGE_COLUMNS}
    return others.select("customer_id", "as_of", **unknown)
