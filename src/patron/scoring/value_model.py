"""The value model of a registered model, or one fitted to the customers at hand if there is no champion."""

from typing import Literal

import pandas as pd

from patron.errors import ModelNotFoundError, TooFewCustomersError
from patron.models.value.gamma_gamma import GammaGammaModel
from patron.models.value.model import CustomerValueModel
from patron.models.value.purchases.model import BetaGeoModel
from patron.models.value.rfm import RFM_WITH_ID
from patron.tracking.registry import CHAMPION, MODEL_NAME, load_bundle
from patron.tracking.store import open_store

__all__ = ["registered_or_fitted"]

_OPTIONAL = f"models:/{MODEL_NAME}@{CHAMPION}"  # need not exist; any other model that is named must


def registered_or_fitted(
    model: str,
    summaries: pd.DataFrame,
    *,
    family: Literal["bgnbd", "mbgnbd"],
    inference: Literal["nuts", "laplace", "map"],
    margin: float,
    annual_discount_rate: float,
    seed: int,
) -> tuple[CustomerValueModel, str]:
    """The value model of a registered model; if there is no champion, one fitted to these customers.

    Parameters
    ----------
    model
        URI of the registered model
    summaries
        one row per customer: customer_id, frequency, recency, T, monetary_value
    family, inference, margin, annual_discount_rate, seed
        how the model is fitted, see :class:`patron.models.value.model.CustomerValueModel`

    Returns
    -------
    tuple[CustomerValueModel, str]
        model, and its name in a sentence

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
        if model != _OPTIONAL:
            raise
    if not (summaries["frequency"] > 0).any():
        raise TooFewCustomersError(
            "There is no champion, and no customer has bought on two days, so no value model can be fitted "
            "to these customers. Train one with patron train, or give a longer history."
        )
    unfitted = CustomerValueModel(
        BetaGeoModel(family=family, inference=inference, random_state=seed),
        GammaGammaModel(inference=inference, random_state=seed),
        margin=margin,
        annual_discount_rate=annual_discount_rate,
    )
    fitted = unfitted.fit(summaries[RFM_WITH_ID])
    return fitted, "a value model fitted to these customers, since there is no champion"
