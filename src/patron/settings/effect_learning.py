"""Settings → what effects of offers are learned from, and how."""

from datetime import date
from typing import Any

import ibis.expr.types as ir

from patron.campaigns.uplift.from_contacts import LearningOptions
from patron.campaigns.uplift.model import UpliftModel
from patron.progress import Progress
from patron.settings import Settings
from patron.settings.inputs import known_history, read_records, warn_of_rejected
from patron.tables.history import History

__all__ = ["as_of_scores", "contacts_of", "history_and_contacts", "learning_options"]


def learning_options(settings: Settings) -> LearningOptions:
    """The options of :func:`patron.campaigns.uplift.from_contacts.learn_offer_effects`.

    Parameters
    ----------
    settings
        `uplift`, `horizon_days`, `margin`, `active_within_days` and `seed`

    Examples
    --------
    >>> learning_options(Settings(horizon_days=60, uplift={"folds": 3})).uplift
    UpliftModel(folds=3)
    """
    chosen = settings.uplift
    return LearningOptions(
        uplift=UpliftModel(
            learners=chosen.learners,
            folds=chosen.folds,
            repeats=chosen.repeats,
            level=chosen.confidence,
            random_state=settings.seed,
        ),
        horizon_days=settings.horizon_days,
        margin=settings.margin,
        adjust=chosen.adjust,
        active_within_days=settings.active_within_days,
        random_state=settings.seed,
    )


def history_and_contacts(
    settings: Settings, history: History | None, progress: Progress
) -> tuple[History, ir.Table]:
    """What was known on `settings.as_of`, and the validated contacts, in one engine.

    Parameters
    ----------
    settings
        `tables`, contacts among them
    history
        the tables except contacts, if they have already been read
    progress
        called with each step as it begins
    """
    known = known_history(settings, history, progress)
    progress("Reading the contacts")
    return known, contacts_of(settings, connection=known.connection)


def contacts_of(settings: Settings, *, connection: Any = None) -> ir.Table:
    """The validated contacts by themselves; rejected rows give a warning.

    Parameters
    ----------
    settings
        `tables.contacts` says where they are
    connection
        Ibis backend that reads them; None opens a DuckDB
    """
    records = read_records(settings, "contacts", connection=connection)
    warn_of_rejected(records.report)
    return records["contacts"]


def as_of_scores(settings: Settings, as_of: date, horizon_days: int) -> Settings:
    """The settings with which `patron uplift` would learn the effects for these scores, without a file.

    Parameters
    ----------
    settings
        the settings of `patron target`
    as_of
        the day of the scores
    horizon_days
        their horizon
    """
    without_file = settings.uplift.model_copy(update={"out": None})
    return settings.model_copy(update={"as_of": as_of, "horizon_days": horizon_days, "uplift": without_file})
