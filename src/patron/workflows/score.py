"""Score: tables and a registered model → the scorecard, one row per known customer.

Each stage leaves files behind, so that memory does not grow with the customers and an interrupted job can be
resumed; the target is replaced, or its transaction committed, at the very end.
"""

import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any

import ibis.expr.types as ir
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from patron.errors import ModelError, PatronWarning, SettingsError, counted
from patron.models.bundle.bundle import Bundle
from patron.progress import Progress, silent
from patron.results import Printed
from patron.scores.arrow import frame_of
from patron.scores.network import NetworkRules
from patron.scoring.costs_to_serve import CostsToServe, costs_taken
from patron.scoring.drift import Drift, DriftLimits, compare_with_training
from patron.scoring.engines import Engine, choose_engine
from patron.scoring.job_stages import Stage, Stages
from patron.scoring.model_choice import (
    activity_of_model,
    check_against_model,
    load_model,
    refuse_other_amounts,
)
from patron.scoring.options import ScoringJob, ScoringOptions
from patron.scoring.potential_parts import Equity, write_potentials
from patron.scoring.potentials import EVENTS
from patron.scoring.resuming import job_key, resumable_checkpoint
from patron.scoring.summary import Summary, summarise
from patron.settings import Settings
from patron.settings.bundle_policy import with_policy
from patron.settings.inputs import known_history, read_records, warn_of_rejected
from patron.storage.atomic_files import check_target
from patron.storage.job_folder import Checkpoint, Workspace, open_workspace, refuse_sources
from patron.storage.prediction_log import PredictionLog, log_shards, open_prediction_log
from patron.storage.target import Target, choose_target
from patron.tables.history import History
from patron.tables.records import Records
from patron.tracking.registry import ModelVersion
from patron.tracking.runs import start_training_run
from patron.tracking.store import Store, open_store

__all__ = ["ScoreResult", "score"]


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
        the tables, if they have been read already
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
        and none was named, so that the challenger scores; there is nothing to resume

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
    stages, model = Stages(progress), model or settings.score.model
    engine = choose_engine(
        settings.engine, batch_rows=settings.score.batch_rows, **settings.spark.model_dump()
    )
    target, potentials, log = _check_outputs(settings, engine)
    stages(f"Loading {model}")
    store = open_store()
    bundle, version = load_model(store, model)
    settings = _fitted_to_model(settings, bundle)
    bundle = with_policy(bundle, settings)
    uri = version.uri if version is not None else model
    options = _options(settings, version)
    with _workspace(target) as workspace:
        job = ScoringJob(workspace, bundle, options, stages)
        key = _key(settings, version, model, bundle) if history is None and target is not None else None
        found = resumable_checkpoint(workspace, key) if settings.score.resume else None
        if found is not None:
            stages(f"Resuming with the features as of {found.as_of}")
            stages.rows(found.features)
        checkpoint = found or _prepare(engine, job, key, settings, history)
        reused = engine.score(job, checkpoint)
        drift = _measure_drift(job, checkpoint, settings) if settings.drift.measure else None
        if drift is not None:
            _log_drift(store, drift, uri, checkpoint.as_of)
        equity = rows = None
        if potentials is not None:
            stages("Comparing customers with similar customers")
            equity = write_potentials(potentials, workspace, bundle, random_state=settings.seed)
        summary = summarise(workspace.shards())
        served = costs_taken(workspace.folder, workspace.features)
        if target is None:
            rows = pa.concat_tables([pq.read_table(shard) for shard in workspace.shards()])
        else:
            stages(f"Writing {target}")
            engine.publish(workspace, target)
            stages.rows(summary.rows)
        if log is not None:
            stages(f"Logging the predictions in {log}")
            log_shards(workspace.shards(), log, margin=bundle.margin)
    return ScoreResult(
        summary=summary,
        bundle=bundle,
        model_uri=uri,
        as_of=date.fromisoformat(checkpoint.as_of),
        target=target,
        drift=drift,
        equity=equity,
        costs_to_serve=served,
        stages=stages.end(),
        shards_reused=None if found is None else reused,
        rows=rows,
        prediction_log=None if log is None else str(log),
    )


@dataclass(frozen=True, kw_only=True)
class ScoreResult:
    """The result of `score`.

    Attributes
    ----------
    summary
        the scorecard in a few numbers
    bundle
        the model
    model_uri
        its URI
    as_of
        the last day known
    target
        the file, folder or table that was written, or None
    drift
        the drift since the training; None if it was not measured
    equity
        the total value of the customers; None if the components of the potentials were not asked for
    costs_to_serve
        what was subtracted from the base potentials; None without such a table
    stages
        the stages of the job, with rows and seconds
    shards_reused
        count of the shards reused from an interrupted job; None if no job was resumed
    rows
        the scorecard, if it was not written
    prediction_log
        where the predictions were logged, or None
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
    shards_reused: int | None = None
    rows: pa.Table | None = None
    prediction_log: str | None = None

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
        """The customers with the highest value at risk, highest first, for display.

        Parameters
        ----------
        most
            count, at most 100
        """
        return self.summary.most_at_risk(most)

    def title(self) -> str:
        """The heading of `most_valuable_at_risk`."""
        catalogue = self.bundle.catalogue
        money = "revenue" if self.bundle.margin == 1 else "margin"
        money = money if catalogue.has_money else "active days"
        return (
            f"The most valuable at risk as of {self.as_of}: probability of {catalogue.churn} in "
            f"{self.bundle.horizon_days} days × {money} expected in {self.summary.value_horizon_days} days"
        )

    def to_dict(self) -> dict[str, Any]:
        """The result as plain values."""
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
            "shards_reused": self.shards_reused,
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
        """The result in sentences."""
        scored, everyone = self.summary.scored, self.summary.rows
        others = (
            f"; {counted(everyone - scored, 'more has', 'more have')} none: see not_scored_reason"
            if everyone > scored
            else ""
        )
        have = counted(scored, "customer has", "customers have")
        lines = [f"{have} a score by {self.model_uri}{others}."]
        lines += [] if self.drift is None else self.drift.sentences()
        if self.shards_reused is not None:
            shards = counted(self.shards_reused, "shard")
            lines.append(f"Resumed an interrupted job: reused its features and {shards}.")
        if self.costs_to_serve is not None:
            lines.append(self.costs_to_serve.sentence())
        if self.equity is not None:
            lines.append(self.equity.sentence())
        if self.prediction_log is not None:
            lines.append(f"The predictions are logged in {self.prediction_log}.")
        lines.append(f"Written to {self.target}." if self.target else "Not written: name a file with --out.")
        return lines


def _check_outputs(
    settings: Settings, engine: Engine
) -> tuple[Target | None, Path | None, PredictionLog | None]:
    """Scorecard, components of the potentials and prediction log, refused before the work starts."""
    wanted = settings.score
    to = None if wanted.to is None else wanted.to.get_secret_value()
    target = choose_target(wanted.out, to, engine.partition_column(wanted.out, wanted.partition_by))
    potentials = None if wanted.potentials is None else check_target(wanted.potentials)
    if potentials is not None and wanted.out is not None and potentials.resolve() == wanted.out.resolve():
        raise SettingsError("--out and --potentials name the same file. Give each its own.")
    for path in (potentials, None if target is None else target.path):
        if path is not None:
            refuse_sources(path, _sources(settings))
    log = (
        None
        if wanted.prediction_log is None
        else open_prediction_log(wanted.prediction_log.get_secret_value())
    )
    return target, potentials, log


def _fitted_to_model(settings: Settings, bundle: Bundle) -> Settings:
    """The settings with the activity of the model, after checking what they ask of it."""
    check_against_model(
        bundle, horizon_days=_given(settings, "horizon_days"), margin=_given(settings, "margin")
    )
    activity = activity_of_model(bundle, settings.activity)
    return settings if activity == settings.activity else settings.model_copy(update={"activity": activity})


def _given(settings: Settings, name: str) -> Any:
    """A setting that was given; None where it is only the default, so that the model's own counts."""
    return getattr(settings, name) if name in settings.model_fields_set else None


def _options(settings: Settings, version: ModelVersion | None) -> ScoringOptions:
    return ScoringOptions(
        model_version=None if version is None else str(version.version),
        reasons=settings.score.reasons,
        value_horizon_days=_given(settings, "value_horizon_days"),
        annual_discount_rate=_given(settings, "annual_discount_rate"),
        random_state=settings.seed,
        active_within_days=settings.active_within_days,
        measure_drift=settings.drift.measure,
        keep_components=settings.score.potentials is not None,
        network=NetworkRules(**settings.network.model_dump()),
        rate_card=settings.learning.rate_card,
    )


@contextmanager
def _workspace(target: Target | None) -> Iterator[Workspace]:
    """The workspace next to the target; a temporary one for a scorecard that is only returned."""
    if target is None:
        with tempfile.TemporaryDirectory(prefix="patron-") as folder:
            yield Workspace(Path(folder), "the temporary folder")
    else:
        with open_workspace(target.place, str(target)) as workspace:
            target.put_back()
            yield workspace


def _prepare(
    engine: Engine,
    job: ScoringJob,
    key: dict[str, Any] | None,
    settings: Settings,
    history: History | None,
) -> Checkpoint:
    """Read the tables and write the features; afterwards the tables are not needed any more."""
    job.workspace.empty()
    known = known_history(settings, history, job.stages)
    if history is None:
        job.stages.rows(sum(table.rows_read for table in known.report.tables.values()))
    refuse_other_amounts(known, job.bundle)
    checkpoint = engine.prepare(job, known, _read_events(settings, known))
    if history is None and not any(isinstance(table, ir.Table) for table in _sources(settings).values()):
        known.connection.disconnect()  # it was opened for this job; its memory is for the scoring
    if key is not None:
        checkpoint = replace(checkpoint, key=key)
        job.workspace.save_checkpoint(checkpoint)
    return checkpoint


def _read_events(settings: Settings, known: History) -> Records | None:
    """Referrals, contributions and costs to serve, as far as they are given."""
    given = [name for name in EVENTS if getattr(settings.tables, name) is not None]
    if not given:
        return None
    records = read_records(settings, *given, connection=known.connection)
    warn_of_rejected(records.report)
    return records


def _sources(settings: Settings) -> dict[str, Any]:
    return {name: table.source for name, table in settings.tables if table is not None}


def _key(
    settings: Settings, version: ModelVersion | None, model: str, bundle: Bundle
) -> dict[str, Any] | None:
    chosen = settings.to_dict()
    kept = {name: chosen["score"].get(name) for name in ("reasons", "batch_rows", "potentials")}
    given = sorted(settings.model_fields_set - {"score"})
    return job_key(chosen | {"score": kept, "given": given}, _sources(settings), model, version, bundle)


def _measure_drift(job: ScoringJob, checkpoint: Checkpoint, settings: Settings) -> Drift | None:
    job.stages("Comparing the customers with those of the training")
    limits = DriftLimits(**settings.drift.model_dump(exclude={"measure"}))
    return compare_with_training(job.workspace, checkpoint, job.bundle, limits)


def _log_drift(store: Store, drift: Drift, model_uri: str, as_of: str) -> None:
    """A run of its own in MLflow; a read-only store does not make the scoring fail."""
    tags = {"job": "score", "model": model_uri}
    try:
        with start_training_run(store, f"scores as of {as_of}", tags=tags) as run:
            run.log_metrics({name: number for name, number in drift.metrics.items() if number == number})
            run.log_table(drift.table, "drift")
    except ModelError as refused:
        warnings.warn(f"The drift could not be logged: {refused}", PatronWarning, stacklevel=3)
