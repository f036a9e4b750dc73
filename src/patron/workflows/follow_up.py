"""What the workflows that follow customers up share: the value model, and rows of first lives."""

from datetime import date
from typing import TYPE_CHECKING

import ibis
import pandas as pd

from patron.errors import ModelNotFoundError, TooFewCustomersError
from patron.features.purchases import add_gaps, rfm, rhythm
from patron.models.value.gamma_gamma import GammaGammaModel
from patron.models.value.model import CustomerValueModel
from patron.models.value.purchases.model import BetaGeoModel
from patron.models.value.rfm import RFM_WITH_ID
from patron.settings import Settings
from patron.snapshots.asof import KEY, visible
from patron.snapshots.spine import make_spine
from patron.tables.history import History
from patron.tracking.registry import load_bundle
from patron.tracking.store import open_store

if TYPE_CHECKING:
    import ibis.expr.types as ir

__all__ = ["first_lives", "value_model"]

CHAMPION = "models:/patron@champion"
"""The model that need not be there; one that was named must."""


def value_model(settings: Settings, model: str, rows: pd.DataFrame) -> tuple[CustomerValueModel, str]:
    """The value model of a registered model; where there is no champion, one fitted to these customers.

    Parameters
    ----------
    settings
        how a model is fitted
    model
        URI of the registered model
    rows
        one row per customer: customer_id, frequency, recency, T, monetary_value

    Returns
    -------
    tuple[CustomerValueModel, str]
        model, and what it is called in a sentence

    Raises
    ------
    ModelNotFoundError
        there is no such model, and it is not the champion
    TooFewCustomersError
        there is no champion, and none of these customers has bought on two days
    """
    try:
        bundle, version = load_bundle(open_store(), model)
        return bundle.value, version.uri if version is not None else model
    except ModelNotFoundError:
        if model != CHAMPION:
            raise
        if not (rows["frequency"] > 0).any():
            raise TooFewCustomersError(
                "There is no champion, and no customer has bought on two days, so that no value model can be "
                "fitted to these customers. Train one with patron train, or give a longer history."
            ) from None
        inference = settings.inference if "inference" in settings.model_fields_set else "map"
        made = CustomerValueModel(
            BetaGeoModel(family=settings.purchase_family, inference=inference, random_state=settings.seed),
            GammaGammaModel(inference=inference, random_state=settings.seed),
            margin=settings.margin,
            annual_discount_rate=settings.annual_discount_rate,
        )
        return made.fit(
            rows[RFM_WITH_ID]
        ), "a value model fitted to these customers, since there is no champion"


def first_lives(history: History, as_of: date | list[date]) -> pd.DataFrame:
    """What each customer's purchases look like on each day.

    Returns
    -------
    pd.DataFrame
        customer_id, as_of, the features of RFM and rhythm (:mod:`patron.features.purchases`), and
        last_reason (why the last contract ended) where contracts say so; by as_of and customer_id

    Examples
    --------
    >>> lines = pd.DataFrame({"customer_id": [7, 7], "order_at": ["2024-01-01", "2024-01-11"],
    ...                       "amount": [5.0, 7.0]})
    >>> row = first_lives(History.read(lines), date(2024, 1, 11)).iloc[0]
    >>> row["frequency"], row["monetary_value"], row["gap_median"]
    (np.int64(1), np.float64(7.0), np.float64(10.0))
    """
    spine = make_spine(history, as_of)
    seen = visible(add_gaps(history.days), spine)
    lives = seen.group_by(*KEY).aggregate(**rfm(seen), **rhythm(seen))
    lives = lives.mutate(monetary_value=lives.monetary_value.fill_null(0.0))
    contracts = history.subscriptions
    if contracts is not None and {"cancel_reason", "ended_on"} <= set(contracts.columns):
        lives = lives.left_join(_last_reason(contracts, spine), list(KEY))
        lives = lives.drop(*(name for name in lives.columns if name.endswith("_right")))
    known = lives.filter(lives["T"].notnull()).order_by("as_of", "customer_id")
    rows: pd.DataFrame = known.to_pandas()
    return rows


def _last_reason(contracts: "ir.Table", spine: "ir.Table") -> "ir.Table":
    ended = contracts.filter(contracts.ended_on.notnull() & contracts.cancel_reason.notnull())
    seen = visible(ended.select("customer_id", "cancel_reason", day=ended.ended_on), spine)
    order = ibis.window(group_by=KEY, order_by=[seen.days_ago, seen.cancel_reason])
    placed = seen.mutate(place=ibis.row_number().over(order))
    return placed.filter(placed.place == 0).select(*KEY, last_reason=placed.cancel_reason)
