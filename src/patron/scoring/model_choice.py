"""Choose the model that scores, and check what is asked of it."""

import warnings

from patron.errors import ModelNotFoundError, PatronWarning, SettingsError
from patron.models.bundle.bundle import Bundle
from patron.tables.history import History
from patron.tracking.registry import CHALLENGER, CHAMPION, MODEL_NAME, ModelVersion, load_bundle
from patron.tracking.store import Store

__all__ = [
    "activity_of_model",
    "check_against_model",
    "load_model",
    "refuse_other_amounts",
]

CHAMPION_URI = f"models:/{MODEL_NAME}@{CHAMPION}"


def load_model(store: Store, model: str) -> tuple[Bundle, ModelVersion | None]:
    """The model and its version; if the champion is asked for and there is none, the challenger.

    Parameters
    ----------
    store
        where it is
    model
        URI, or the folder of an exported model

    Returns
    -------
    tuple[Bundle, ModelVersion | None]
        The version is None for a model that is not registered.

    Raises
    ------
    ModelNotFoundError
        there is no such model
    ModelError
        it cannot be read

    Warns
    -----
    PatronWarning
        there is no champion, so that the challenger scores
    """
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
        f"There is no champion: no version has beaten the baselines yet. The challenger "
        f"{version.uri} scores instead ({version.tags.get('verdict', 'no reason recorded')}).",
        PatronWarning,
        stacklevel=3,
    )
    return bundle, version


def check_against_model(bundle: Bundle, *, horizon_days: int | None, margin: float | None) -> None:
    """Raise or warn if more is asked of the model than it can do.

    Parameters
    ----------
    bundle
        the model
    horizon_days, margin
        as they were asked for; None for the model's own

    Raises
    ------
    SettingsError
        the model predicts another horizon

    Warns
    -----
    PatronWarning
        the model was trained with another margin
    """
    if horizon_days not in (None, bundle.horizon_days):
        raise SettingsError(
            f"The model predicts {bundle.horizon_days} days ahead, and horizon_days asks for {horizon_days}. "
            "Leave it out, or train a model for it."
        )
    if margin not in (None, bundle.margin):
        warnings.warn(
            f"The model was trained with margin {bundle.margin}; the margin {margin} of the settings takes "
            "effect with the next training.",
            PatronWarning,
            stacklevel=3,
        )


def activity_of_model(bundle: Bundle, activity: str | None) -> str | None:
    """The activity that defines churn in this model: it also decides who is eligible.

    Parameters
    ----------
    bundle
        the model
    activity
        as it was asked for, or None

    Raises
    ------
    SettingsError
        the model predicts the end of another activity
    """
    trained = bundle.catalogue.activity
    if trained is not None and activity not in (None, trained):
        raise SettingsError(
            f"The model predicts the end of {trained}, and activity asks for {activity}. Leave it out, or "
            "train a model for it."
        )
    return activity if trained is None else trained


def refuse_other_amounts(known: History, bundle: Bundle) -> None:
    """Raise if only one of model and tables has amounts of money.

    Parameters
    ----------
    known
        the tables
    bundle
        the model

    Raises
    ------
    SettingsError
        the model was trained with transactions and there are none, or the other way round
    """
    if known.has_money != bundle.catalogue.has_money:
        trained, now = ("with", "none are") if bundle.catalogue.has_money else ("without", "there are some")
        raise SettingsError(
            f"The model was trained {trained} transactions, and {now} given here. Give the tables that the "
            "training had, or train again."
        )
