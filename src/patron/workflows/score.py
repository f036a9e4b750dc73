"""Tables and a registered model → the scorecard: every known customer once.

The work is done in stages that leave files behind (batch.py), so that memory does not grow with the customers
and a job that was killed can go on; the target gets its name, or its transaction, at the very end.
"""

import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from importlib.metadata import version as package_version
from pathlib import Path
from typing import Any

import ibis.expr.types as ir
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from patron.errors import ModelError, PatronWarning, SettingsError, counted, some
from patron.models.bundle.bundle import Bundle
from patron.progress import Progress, silent
from patron.results import Printed
from patron.scores.arrow import frame_of
from patron.scoring.batches import Asked, Summary, compare_with_training, prepare, score_in_batches, summarise
from patron.scoring.costs_to_serve import CostsToServe, costs_taken
from patron.scoring.drift import Drift, log_drift
from patron.scoring.job_stages import Stage, Stages
from patron.scoring.model_choice import (
    check_against_model,
    defining_churn_alike,
    if_asked,
    load_model,
    refuse_other_amounts,
)
from patron.scoring.on_spark import partitioned, prepare_on_spark, publish_on_spark, score_on_spark
from patron.scoring.potential_parts import Equity, write_potentials
from patron.settings import Settings
from patron.settings.bundle_policy import with_policy
from patron.settings.inputs import known_history
from patron.storage.atomic_files import check_target
from patron.storage.job_folder import SCORED, Begun, Work, fingerprint, refuse_sources, working
from patron.storage.prediction_log import open_ledger
from patron.storage.target import Target, choose_target
from patron.tables.history import History
from patron.tracking.registry import ModelVersion
from patron.tracking.store import Store, open_store
from patron.workflows.settle import append_parts

__all__ = ["ScoreResult", "score"]

KEYS = {"model": "the model", "settings": "the settings", "tables": "the tables", "patron": "patron"}


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
    settings
        where the tables are, which model, where to write; see
        :class:`patron.settings.prediction.ScoreSettings`
    history
        the tables, where they have been read already
    model
        URI of the model; `settings.score.model` if None
    progress
        called with each step as it begins

    Raises
    ------
    InputError
        a table cannot be used, as_of lies outside the data, there is no such model, or it predicts
        another horizon than the settings ask for
    ModelError
        the model cannot be read
    PatronError
        another job scores into the same target, the disk is full, or the database refuses; the old
        scores are still there

    Warns
    -----
    PatronWarning
        the settings ask for another margin than the model was trained with; there is no champion
        and none was named, so that the challenger scores; there is nothing to go on from

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
    if settings.engine == "spark":
        settings = partitioned(settings)
    to = settings.score.to
    target = choose_target(
        settings.score.out, None if to is None else to.get_secret_value(), settings.score.partition_by
    )
    parts_path = _potentials_target(settings)
    for path in (parts_path, None if target is None else target.path):
        if path is not None:
            refuse_sources(path, _sources(settings))
    place = settings.score.prediction_log
    ledger = None if place is None else open_ledger(place.get_secret_value())  # refused before the work
    model = model or settings.score.model
    stages = Stages(progress)
    stages(f"Loading {model}")
    store = open_store()
    bundle, version = load_model(store, model)
    check_against_model(settings, bundle)
    settings, bundle = defining_churn_alike(settings, bundle), with_policy(bundle, settings)
    uri = version.uri if version is not None else model
    asked = _asked(settings, version)
    with _workshop(target) as work:
        key = _key(settings, version, model, bundle) if history is None and target is not None else None
        begun = _unfinished(work, key) if settings.score.resume else None
        if goes_on := begun is not None:
            stages(f"Going on with the features as of {begun.as_of} that are there")
            stages.rows(begun.features)
        else:
            begun = _begin(work, key, settings, bundle, history, stages)
        if settings.engine == "spark":
            score_on_spark(work, begun, bundle, asked, settings, stages)
            parts_there = 0
        else:
            parts_there = score_in_batches(work, begun, bundle, asked, settings, stages)
        drift = None
        if settings.drift.measure:
            stages("Comparing the customers with those of the training")
            drift = compare_with_training(work, begun, bundle, settings)
            _log(store, drift, uri, date.fromisoformat(begun.as_of))
        parts = work.parts()
        equity = None
        if parts_path is not None:
            stages("Comparing customers with their like")
            scored = [part for part in parts if part.name.startswith(SCORED)]
            equity = write_potentials(
                parts_path, work.folder, work.features, scored, bundle, random_state=settings.seed
            )
        summary = summarise(parts)
        served = costs_taken(work.folder, work.features)
        rows = None
        if target is None:
            rows = pa.concat_tables([pq.read_table(part) for part in parts])
        else:
            stages(f"Writing {target}")
            publish_on_spark(work, target, settings) if settings.engine == "spark" else target.publish(
                parts, work
            )
            stages.rows(summary.rows)
        if ledger is not None:
            stages(f"Writing the promises down in {ledger}")
            append_parts(parts, ledger, margin=bundle.margin)
    return ScoreResult(
        summary=summary,
        bundle=bundle,
        model_uri=uri,
        as_of=date.fromisoformat(begun.as_of),
        target=target,
        drift=drift,
        equity=equity,
        costs_to_serve=served,
        stages=stages.end(),
        parts_reused=parts_there if goes_on else None,
        rows=rows,
        ledger=None if ledger is None else str(ledger),
    )


@dataclass(frozen=True, kw_only=True)
class ScoreResult:
    """What `score` made.

    Attributes
    ----------
    summary
        the scorecard in a few numbers
    bundle
        the model
    model_uri
        which one it is
    as_of
        the last day known
    target
        the file, folder or table that was written, or None
    drift
        what has moved since the training; None where it was not measured
    equity
        what the customers are worth together; None where the parts of the potentials were not asked for
    costs_to_serve
        what was taken off the base potentials; None without such a table
    stages
        what was done, with rows and seconds
    parts_reused
        count of the parts that a killed job had left, where this one went on from it; or None
    rows
        the scorecard, where it was not written
    ledger
        where the promises were written down, or None
    """

    summary: Summary
    bundle: Bundle
    model_uri: str
    as_of: date
    target: Target | None = None
    drift: Drift | None = None
    equity: Equity | None = None
    costs_to_serve: CostsToServe | None = None
    stages: tuple[Stage, ...] = ()
    parts_reused: int | None = None
    rows: pa.Table | None = None
    ledger: str | None = None

    @property
    def out(self) -> Path | None:
        """The file or folder that was written, or None."""
        return None if self.target is None else self.target.path

    @cached_property
    def scorecard(self) -> pd.DataFrame:
        """Key (customer_id, as_of), one row per known customer; read from where it was written.

        The columns are those of :mod:`patron.scores.scorecard`.
        """
        if self.target is None:
            return frame_of(self.rows)
        version = self.summary.model_version
        return frame_of(self.target.read(self.as_of, version))

    @property
    def scored(self) -> pd.DataFrame:
        """The customers that have a score."""
        return self.scorecard[self.scorecard["churn_probability"].notna()]

    def most_valuable_at_risk(self, most: int = 10) -> pd.DataFrame:
        """The customers with the highest value at risk, highest first, for people to read; 100 at most."""
        columns = ["customer_id", "churn_probability", "growth_potential", "value_at_risk", "value_tier"]
        top = self.summary.top.head(most)
        reasons = top[["reason_1", "reason_2"]].apply(lambda row: "; ".join(row.dropna()), axis=1)
        return top[columns].assign(why=reasons).reset_index(drop=True)

    def title(self) -> str:
        """What `most_valuable_at_risk` shows."""
        catalogue = self.bundle.catalogue
        money = "revenue" if self.bundle.margin == 1 else "margin"
        money = money if catalogue.has_money else "active days"
        return (
            f"The most valuable at risk as of {self.as_of}: probability of {catalogue.churn} in "
            f"{self.bundle.horizon_days} days × {money} expected in {self.summary.value_horizon_days} days"
        )

    def to_dict(self) -> dict[str, Any]:
        """What was made, as plain values."""
        summary = self.summary
        return {
            "as_of": self.as_of.isoformat(),
            "model_uri": self.model_uri,
            "horizon_days": self.bundle.horizon_days,
            "rows": summary.rows,
            "scored": summary.scored,
            "not_scored": summary.rows - summary.scored,
            "mean_churn_probability": summary.mean_churn_probability,
            "value_at_risk": summary.value_at_risk,
            "out": str(self.out) if self.out is not None else None,
            "to": str(self.target) if self.target is not None and self.out is None else None,
            "parts_reused": self.parts_reused,
            "stages": [stage.to_dict() for stage in self.stages],
            "drift": None if self.drift is None else self.drift.to_dict(),
            "potentials": None if self.equity is None else self.equity.to_dict(),
            "costs_to_serve": None if self.costs_to_serve is None else self.costs_to_serve.to_dict(),
        }

    def printed(self) -> Printed:
        """What a terminal shows."""
        yield self.title(), self.most_valuable_at_risk()
        yield from self.sentences()

    def sentences(self) -> list[str]:
        """What was made, in words."""
        scored, everyone = self.summary.scored, self.summary.rows
        others = (
            f"; {counted(everyone - scored, 'more has', 'more have')} none: see not_scored_reason"
            if everyone > scored
            else ""
        )
        have = counted(scored, "customer has", "customers have")
        lines = [f"{have} a score by {self.model_uri}{others}."]
        lines += [] if self.drift is None else self.drift.sentences()
        if self.parts_reused is not None:
            parts = counted(self.parts_reused, "part")
            lines.append(f"Used the features and {parts} of a job that had stopped.")
        if self.costs_to_serve is not None:
            lines.append(self.costs_to_serve.sentence())
        if self.equity is not None:
            lines.append(self.equity.sentence())
        if self.ledger is not None:
            lines.append(f"The promises are written down in {self.ledger}.")
        lines.append(f"Written to {self.target}." if self.target else "Not written: name a file with --out.")
        return lines


def _potentials_target(settings: Settings) -> Path | None:
    if settings.score.potentials is None:
        return None
    target = check_target(settings.score.potentials)
    if settings.score.out is not None and target.resolve() == Path(settings.score.out).resolve():
        raise SettingsError("--out and --potentials name the same file. Give each its own.")
    return target


@contextmanager
def _workshop(target: Target | None) -> Iterator[Work]:
    """The working folder: beside the target, or for a scorecard that is only returned, a temporary one."""
    if target is None:
        with tempfile.TemporaryDirectory(prefix="patron-") as folder:
            yield Work(Path(folder), "the temporary folder")
    else:
        with working(target.place, str(target)) as work:
            target.put_back()
            yield work


def _begin(
    work: Work,
    key: dict[str, Any] | None,
    settings: Settings,
    bundle: Bundle,
    history: History | None,
    stages: Stages,
) -> Begun:
    """Read the tables and build the features; afterwards the tables are needed no more."""
    work.empty()
    known = known_history(settings, history, stages)
    if history is None:
        stages.rows(sum(table.rows_read for table in known.report.tables.values()))
    refuse_other_amounts(known, bundle)
    prepare_features = prepare_on_spark if settings.engine == "spark" else prepare
    begun = prepare_features(work, known, bundle, settings, stages)
    sources = [table.source for _, table in settings.tables if table is not None]
    if history is None and not any(isinstance(source, ir.Table) for source in sources):
        known.connection.disconnect()  # it was opened for this; its memory is for the scoring
    if key is not None:
        begun = replace(begun, key=key)
        work.begin(begun)
    return begun


def _sources(settings: Settings) -> dict[str, Any]:
    return {name: table.source for name, table in settings.tables if table is not None}


def _unfinished(work: Work, key: dict[str, Any] | None) -> Begun | None:
    """What a job that was killed has left, if it was about to make the same; otherwise a note why not."""
    begun = work.begun()
    if key is None:
        why = "the tables are no files, so that nobody can tell whether they are still the same"
    elif begun is None:
        why = "no job for this target has stopped on its way"
    else:
        others = [words for name, words in KEYS.items() if begun.key.get(name) != key[name]]
        if not others:
            return begun
        why = f"{some(others)} changed since the job that has stopped"
    warnings.warn(f"There is nothing to go on from, {why}: all is done anew.", PatronWarning, stacklevel=3)
    return None


def _key(
    settings: Settings, version: ModelVersion | None, model: str, bundle: Bundle
) -> dict[str, Any] | None:
    """All that the scores depend on, as JSON holds it; None where that cannot be known."""
    tables = fingerprint(_sources(settings))
    if version is not None:
        trained: Any = [version.uri, version.run_id, version.created_at.isoformat()]
    else:
        trained = fingerprint({"model": str(Path(model) / "**")}) if Path(model).is_dir() else model
    if tables is None or trained is None:
        return None
    chosen = settings.to_dict()
    wanted = {
        name: chosen["score"][name]
        for name in ("reasons", "batch_rows", "potentials")
        if name in chosen["score"]
    }
    asked = sorted(settings.model_fields_set - {"score"})
    return {
        "model": trained,
        "settings": chosen | {"score": wanted, "asked": asked},
        "tables": tables,
        "patron": [package_version("patron"), bundle.describe()["patron_version"]],
    }


def _asked(settings: Settings, version: ModelVersion | None) -> Asked:
    return Asked(
        model_version=None if version is None else str(version.version),
        reasons=settings.score.reasons,
        value_horizon_days=if_asked(settings, "value_horizon_days"),
        annual_discount_rate=if_asked(settings, "annual_discount_rate"),
        random_state=settings.seed,
    )


def _log(store: Store, drift: Drift | None, model_uri: str, as_of: date) -> None:
    """A store that only lets models be read is no reason to give no scores."""
    if drift is None:
        return
    try:
        log_drift(store, drift, model_uri, as_of.isoformat())
    except ModelError as refused:
        warnings.warn(f"The drift could not be logged: {refused}", PatronWarning, stacklevel=3)
