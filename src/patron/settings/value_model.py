"""Settings → the value model that due dates and win-backs are computed with."""

import pandas as pd

from patron.models.value.model import CustomerValueModel
from patron.scoring.value_model import registered_or_fitted
from patron.settings import Settings

__all__ = ["value_model_of"]


def value_model_of(settings: Settings, model: str, summaries: pd.DataFrame) -> tuple[CustomerValueModel, str]:
    """The registered value model, or one fitted to these customers, and its name in a sentence.

    Parameters
    ----------
    settings
        `purchase_family`, `margin`, `annual_discount_rate` and `seed`; `inference`, by default the mode
    model, summaries
        as in :func:`patron.scoring.value_model.registered_or_fitted`
    """
    return registered_or_fitted(
        model,
        summaries,
        family=settings.purchase_family,
        inference=settings.inference if "inference" in settings.model_fields_set else "map",
        margin=settings.margin,
        annual_discount_rate=settings.annual_discount_rate,
        seed=settings.seed,
    )
