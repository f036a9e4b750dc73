"""Tables and a registered model → the scorecard: every known customer once."""

import warnings
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd

from patron.errors import ModelError, ModelNotFoundError, PatronWarning, SettingsError
from patron.features.assemble import assemble_features
from patron.features.engagement import warn_of_new_kinds
from patron.models.bundle import Bundle
from patron.scores.scorecard import append_not_scored, make_scorecard
from patron.snapshots.asof import visible
from patron.snapshots.spine import make_spine, not_eligible
from patron.tables.history import History
from patron.tracking.registry import CHALLENGER, CHAMPION, MODEL_NAME, ModelVersion, load_bundle
from patron.tracking.store import Store, open_store
from patron.workflows.drift import Drift, log_drift, measure_drift
from patron.workflows.inputs import known_history, refuse_nobody
from patron.workflows.outputs import check_target, write_frame
from patron.workflows.progress import Progress, silent
from patron.workflows.settings import Settings

__all__ = ["ScoreResult", "score"]

CHAMPION_URI = f"models:/{MODEL_NAME}@{CHAMPION}"


def score(
    settings: Settings,
    *,
    history: History | None = None,
    model: str | None = None,
    progress: Progress = silent,
) -> "ScoreResult":
    """The scorecard of everyone known on `settings.as_of`.

    Parameters
    ----------
    settings : where the tables are, which model, where to write
    history : the tables, where they have been read already
    model : URI of the model; `settings.score.model` if None
    progress : called with each step as it begins

    Raises
    ------
    InputError : a table cannot be used, as_of lies outside the data, there is no such model, or it predicts
        another horizon than the settings ask for
    ModelError : the model cannot be read

    Warns
    -----
    PatronWarning : the settings ask for another margin than the model was trained with; there is no champion
        and none was named, so that the challenger scores

    Examples
    --------
    >>> import patron
    >>> shop = patron.simulate(n_customers=300, days=500, seed=1)
    >>> settings = Settings(tables={"transactions": shop.transactions}, horizon_days=60, inference="map")
    >>> trained = patron.train(settings)
    >>> scored = score(settings, model=trained.model_uri)
    >>> len(scored.scorecard)
    300
    """
    out = check_target(settings.score.out) if settings.score.out is not None else None
    model = model or settings.score.model
    progress(f"Loading {model}")
    store = open_store()
    bundle, version = _load(store, model)
    _check_against_model(settings, bundle)

    settings = _defining_churn_alike(settings, bundle)
    known = known_history(settings, history, progress)
    _refuse_other_amounts(known, bundle)
    as_of, active_within_days = known.known_until, settings.active_within_days

    progress(f"Building features as of {as_of}")
    spine = make_spine(known, as_of, active_within_days=active_within_days)
    if known.engagement is not None:
        warn_of_new_kinds(visible(known.engagement, spine), bundle.catalogue)
    features = assemble_features(known, spine, bundle.catalogue).order_by("customer_id").to_pandas()
    refuse_nobody(len(features), settings, as_of)
    others = not_eligible(known, as_of, active_within_days=active_within_days)

    progress(f"Scoring {len(features):,} customers")
    scorecard = make_scorecard(
        features,
        bundle,
        model_version=version.version if version is not None else None,
        reasons=settings.score.reasons,
        value_horizon_days=_if_asked(settings, "value_horizon_days"),
        annual_discount_rate=_if_asked(settings, "annual_discount_rate"),
        random_state=settings.seed,
    )
    drift = None
    if settings.drift.measure and len(scorecard):
        progress("Comparing the customers with those of the training")
        drift = measure_drift(bundle, features, scorecard, known, settings.drift)
        _log(store, drift, version.uri if version is not None else model, as_of)
    scorecard = append_not_scored(scorecard, others.order_by("customer_id").to_pandas())

    if out is not None:
        progress(f"Writing {out}")
        write_frame(scorecard, out)
    uri = version.uri if version is not None else model
    return ScoreResult(scorecard, bundle, uri, as_of, out, drift)


@dataclass(frozen=True, slots=True)
class ScoreResult:
    """What `score` made.

    Attributes
    ----------
    scorecard : key (customer_id, as_of), one row per known customer; the columns of
        :mod:`patron.scores.scorecard`
    bundle : the model
    model_uri : which one it is
    as_of : the last day known
    out : the file that was written, or None
    drift : what has moved since the training; None where it was not measured
    """

    scorecard: pd.DataFrame
    bundle: Bundle
    model_uri: str
    as_of: date
    out: Path | None
    drift: Drift | None = None

    @property
    def scored(self) -> pd.DataFrame:
        """The customers that have a score."""
        return self.scorecard[self.scorecard["churn_probability"].notna()]

    def most_valuable_at_risk(self, most: int = 10) -> pd.DataFrame:
        """The customers with the highest value at risk, highest first, for people to read."""
        columns = ["customer_id", "churn_probability", "growth_potential", "value_at_risk", "value_tier"]
        top = self.scored.sort_values("value_at_risk", ascending=False, kind="stable").head(most)
        reasons = top[["reason_1", "reason_2"]].apply(lambda row: "; ".join(row.dropna()), axis=1)
        return top[columns].assign(why=reasons).reset_index(drop=True)

    def title(self) -> str:
        """What `most_valuable_at_risk` shows."""
        months = f"{self.scorecard['value_horizon_days'].iloc[0]} days"
        catalogue = self.bundle.catalogue
        money = "revenue" if self.bundle.margin == 1 else "margin"
        money = money if catalogue.has_money else "active days"
        return (
            f"The most valuable at risk as of {self.as_of}: probability of {catalogue.churn} in "
            f"{self.bundle.horizon_days} days × {money} expected in {months}"
        )

    def to_dict(self) -> dict[str, Any]:
        """What was made, as plain values."""
        scored = self.scored
        return {
            "as_of": self.as_of.isoformat(),
            "model_uri": self.model_uri,
            "horizon_days": self.bundle.horizon_days,
            "rows": len(self.scorecard),
            "scored": len(scored),
            "not_scored": len(self.scorecard) - len(scored),
            "mean_churn_probability": float(scored["churn_probability"].mean()),
            "value_at_risk": float(scored["value_at_risk"].sum()),
            "out": str(self.out) if self.out is not None else None,
            "drift": None if self.drift is None else self.drift.to_dict(),
        }

    def sentences(self) -> list[str]:
        """What was made, in words."""
        scored, everyone = len(self.scored), len(self.scorecard)
        others = f"; {everyone - scored:,} more have none: see not_scored_reason" if everyone > scored else ""
        where = f"Written to {self.out}." if self.out is not None else "Not written: name a file with --out."
        moved = [] if self.drift is None else self.drift.sentences()
        return [f"{scored:,} customers have a score by {self.model_uri}{others}.", *moved, where]


def _log(store: Store, drift: Drift | None, model_uri: str, as_of: date) -> None:
    """A store that only lets models be read is no reason to give no scores."""
    if drift is None:
        return
    try:
        log_drift(store, drift, model_uri, as_of.isoformat())
    except ModelError as refused:
        warnings.warn(f"The drift could not be logged: {refused}", PatronWarning, stacklevel=3)


def _load(store: Store, model: str) -> tuple[Bundle, ModelVersion | None]:
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


def _check_against_model(settings: Settings, bundle: Bundle) -> None:
    """What the settings ask for and the model cannot do."""
    horizon_days = _if_asked(settings, "horizon_days")
    if horizon_days not in (None, bundle.horizon_days):
        raise SettingsError(
            f"The model predicts {bundle.horizon_days} days ahead, and horizon_days asks for {horizon_days}. "
            "Leave it out, or train a model for it."
        )
    margin = _if_asked(settings, "margin")
    if margin not in (None, bundle.margin):
        warnings.warn(
            f"The model was trained with margin {bundle.margin}; the margin {margin} of the settings counts "
            "from the next training on.",
            PatronWarning,
            stacklevel=3,
        )


def _defining_churn_alike(settings: Settings, bundle: Bundle) -> Settings:
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


def _refuse_other_amounts(known: History, bundle: Bundle) -> None:
    if known.has_money != bundle.catalogue.has_money:
        trained, now = ("with", "none are") if bundle.catalogue.has_money else ("without", "there are some")
        raise SettingsError(
            f"The model was trained {trained} transactions, and {now} given here. Give the tables that the "
            "training had, or train again."
        )


def _if_asked(settings: Settings, name: str) -> Any:
    """A setting that was given; None where it is only the default, so that the model's own counts."""
    return getattr(settings, name) if name in settings.model_fields_set else None
