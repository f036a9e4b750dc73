"""Prepare a scoring: features, customers without a score, and events, written into the workspace."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import ibis.expr.types as ir

from patron.features.assemble import assemble_features
from patron.features.engagement import warn_of_new_kinds
from patron.scoring.drift import purchases_since_training
from patron.scoring.options import ScoringJob
from patron.scoring.potentials import keep_categories, keep_events
from patron.snapshots.asof import visible
from patron.snapshots.spine import make_spine, not_eligible, refuse_empty_spine
from patron.storage.atomic_files import writing
from patron.storage.job_folder import Checkpoint
from patron.tables.history import History
from patron.tables.records import Records

__all__ = ["prepare_scoring"]


def prepare_scoring(
    job: ScoringJob,
    known: History,
    events: Records | None,
    *,
    write: Callable[[ir.Table, Path], int],
    failures: Callable[[], AbstractContextManager[None]],
) -> Checkpoint:
    """Write the features of everyone who gets a score, and everything else that scoring needs.

    Parameters
    ----------
    job
        its workspace takes the features, the customers without a score, and the events
    known
        what is known on the day of the scoring
    events
        referrals, contributions and costs to serve, as far as they are given
    write
        writes a table to a path by the engine, and returns the count of its rows
    failures
        turns errors of the engine into sentences

    Returns
    -------
    Checkpoint
        with an empty key

    Raises
    ------
    SettingsError
        no customer is eligible
    PatronError
        the engine failed, or the disk is full
    """
    workspace, bundle, options, stages = job.workspace, job.bundle, job.options, job.stages
    as_of, within = known.known_until, options.active_within_days
    stages(f"Building features as of {as_of}")
    with writing(workspace.target), failures():
        spine = make_spine(known, as_of, active_within_days=within)
        if known.engagement is not None:
            warn_of_new_kinds(visible(known.engagement, spine), bundle.catalogue)
        features = assemble_features(known, spine, bundle.catalogue)
        others = not_eligible(known, as_of, active_within_days=within)
    rows = write(features, workspace.features)
    refuse_empty_spine(rows, known, active_within_days=within)
    rows_without_score = write(others, workspace.others)
    with writing(workspace.target), failures():
        if events is not None:
            keep_events(workspace.folder, known, events)
        if options.keep_components:
            keep_categories(workspace.folder, known, options.value_horizon_days or bundle.value_horizon_days)
    stages.rows(rows)
    purchases = None
    if options.measure_drift and as_of > bundle.as_of:
        stages("Counting the purchases since the training")
        with failures():
            purchases = purchases_since_training(bundle, known)
    return Checkpoint(
        key={},
        as_of=as_of.isoformat(),
        scored_at=datetime.now(UTC).isoformat(),
        features=rows,
        others=rows_without_score,
        purchases=None if purchases is None else asdict(purchases),
    )
