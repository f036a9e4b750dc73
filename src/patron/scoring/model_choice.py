"""The model that scores, and what the settings may ask of it."""

import warnings
from typing import Any

from patron.errors import ModelNotFoundError, PatronWarning, SettingsError
from patron.models.bundle.bundle import Bundle
from patron.settings import Settings
from patron.tables.history import History
from patron.tracking.registry import CHALLENGER, CHAMPION, MODEL_NAME, ModelVersion, load_bundle
from patron.tracking.store import Store

__all__ = [
    "check_against_model",
    "defining_churn_alike",
    "if_asked",
    "load_model",
    "refuse_other_amounts",
]

CHAMPION_URI = f"models:/{MODEL_NAME}@{CHAMPION}"


def load_model(store: Store, model: str) -> tuple[Bundle, ModelVersion | None]:
    """The model; where it is the champion and there is none, the challenger, and a warning."""
    try:
        return load_bundle(store, model)
    except ModelNotFoundError:
        if model != CHAMPION_URI:
            raise
        try:
            bundle, version = load_bundle(store, f"models:/{MODEL_NAME}@{CHALLENGER}")
        except ModelNotFoundError:
            version = None
        if version is None:
            raise
    warnings.warn(
        f"There is no champion: no version has passed the comparison with simple rules yet. The challenger "
        f"{version.uri} scores instead ({version.tags.get('verdict', 'no reason noted')}).",
        PatronWarning,
        stacklevel=3,
    )
    return bundle, version


def check_against_model(settings: Settings, bundle: Bundle) -> None:
    """What the settings ask for and the model cannot do."""
    horizon_days = if_asked(settings, "horizon_days")
    if horizon_days not in (None, bundle.horizon_days):
        raise SettingsError(
            f"The model predicts {bundle.horizon_days} days ahead, and horizon_days asks for {horizon_days}. "
            "Leave it out, or train a model for it."
        )
    margin = if_asked(settings, "margin")
    if margin not in (None, bundle.margin):
        warnings.warn(
            f"The model was trained with margin {bundle.margin}; the margin {margin} of the settings counts "
            "from the next training on.",
            PatronWarning,
            stacklevel=3,
        )


def defining_churn_alike(settings: Settings, bundle: Bundle) -> Settings:
    """The settings with the model's own activity: who is eligible depends on it."""
    activity = bundle.catalogue.activity
    if activity is None or settings.activity == activity:
        return settings
    if settings.activity is not None:
        raise SettingsError(
            f"The model predicts the end of {activity}, and activity asks for {settings.activity}. Leave it "
            "out, or train a model for it."
        )
    return settings.model_copy(update={"activity": activity})


def refuse_other_amounts(known: History, bundle: Bundle) -> None:
    """Raise where one of model and tables knows of money and the other does not."""
    if known.has_money != bundle.catalogue.has_money:
        trained, now = ("with", "none are") if bundle.catalogue.has_money else ("without", "there are some")
        raise SettingsError(
            f"The model was trained {trained} transactions, and {now} given here. Give the tables that the "
            "training had, or train again."
        )


def if_asked(settings: Settings, name: str) -> Any:
    """A setting that was given; None where it is only the default, so that the model's own counts."""
    return getattr(settings, name) if name in settings.model_fields_set else None
