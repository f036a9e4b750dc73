"""Features and scores on one machine: DuckDB writes the features, and customers are scored in batches.

Memory does not grow with the number of customers, except for one column at a time. The scores are identical
to those of one frame of all customers: they depend on the customer and on the ranks among all customers, and
the ranks are learned once, from everyone.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import ibis.expr.types as ir
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from patron.errors import PatronError
from patron.features.assemble import assemble_features
from patron.features.catalogue import FeatureCatalogue
from patron.models.bundle.bundle import Bundle
from patron.models.churn.percentile_ranks import Ranks
from patron.progress import Progress
from patron.scores.arrow import table_of, unscored_rows
from patron.scores.scorecard import make_scorecard
from patron.scoring.options import ScoringJob, ScoringOptions
from patron.scoring.potentials import potentials_of_all
from patron.scoring.preparation import prepare_scoring
from patron.scoring.ranks import ranks_of_all
from patron.snapshots.spine import make_spine, refuse_empty_spine
from patron.storage.atomic_files import check_target, write_table
from patron.storage.job_folder import SCORED, UNSCORED, Checkpoint, Workspace
from patron.storage.target import Target
from patron.tables.history import History
from patron.tables.records import Records

__all__ = ["OnDuckDB", "score_batch"]


@dataclass(frozen=True, slots=True, kw_only=True)
class OnDuckDB:
    """The engine of one machine.

    Attributes
    ----------
    batch_rows
        count of customers scored at a time; the scores do not depend on it
    """

    batch_rows: int = 50_000

    def check_features_target(self, out: Path) -> Path:
        """The Parquet or CSV file that features may be written to, checked before the work starts.

        Parameters
        ----------
        out
            as it was named
        """
        return check_target(out)

    def write_features(
        self,
        known: History,
        catalogue: FeatureCatalogue,
        out: Path | None,
        *,
        active_within_days: int | None,
        progress: Progress,
    ) -> tuple[ir.Table, int]:
        """One feature row per eligible customer, and the count of rows.

        Parameters
        ----------
        known
            what is known on the day
        catalogue
            which features
        out
            what `check_features_target` returned; None holds the table in the engine
        active_within_days
            only customers active in these last days are eligible; None for everyone
        progress
            called with each step as it begins
        """
        spine = make_spine(known, known.known_until, active_within_days=active_within_days)
        table = known.store(assemble_features(known, spine, catalogue).order_by("customer_id"), "features")
        rows = int(table.count().execute())
        refuse_empty_spine(rows, known, active_within_days=active_within_days)
        if out is not None:
            progress(f"Writing {out}")
            write_table(table, out)
        return table, rows

    def partition_column(self, out: Path | None, partition_by: str | None) -> str | None:
        """The column by which a scorecard is partitioned: the one that was asked for; None for one file.

        Parameters
        ----------
        out
            where the scorecard is written
        partition_by
            the column that was asked for
        """
        return partition_by

    def prepare(self, job: ScoringJob, known: History, events: Records | None) -> Checkpoint:
        """Write features and events into the workspace.

        Parameters
        ----------
        job, known, events
            as :func:`patron.scoring.preparation.prepare_scoring`
        """

        def write(table: ir.Table, path: Path) -> int:
            with job.workspace.writing(path) as temporary, _failures():
                table.order_by("customer_id").to_parquet(temporary)
            return int(pq.read_metadata(path).num_rows)

        return prepare_scoring(job, known, events, write=write, failures=_failures)

    def score(self, job: ScoringJob, checkpoint: Checkpoint) -> int:
        """Write the scorecard into the workspace as shards, and return how many were there already.

        Parameters
        ----------
        job
            with the workspace as `prepare` left it
        checkpoint
            what `prepare` returned
        """
        workspace, bundle, options, stages = job.workspace, job.bundle, job.options, job.stages
        size, rows = self.batch_rows, checkpoint.features
        sizes = [min(size, rows - start) for start in range(0, rows, size)]
        done = [workspace.has_shard(SCORED, number, count) for number, count in enumerate(sizes)]
        ranks: Ranks = "auto"
        if not all(done) and bundle.percentiles is not None:
            stages("Ranking the customers among each other")
            ranks = ranks_of_all(workspace.features, bundle, options)
            stages.rows(rows)
        extra = None
        if not all(done):
            extra = potentials_of_all(workspace.folder, workspace.features, bundle, options, ranks)
        stages(f"Scoring {rows:,} customers")
        scored_at = datetime.fromisoformat(checkpoint.scored_at)
        for number, batch in enumerate(_batches(workspace.features, size)):
            if not done[number]:
                if extra is not None:
                    for name, column in extra.columns(number * size, len(batch)).items():
                        batch = batch.append_column(name, column)
                scored = score_batch(batch, bundle, options, ranks, scored_at)
                workspace.write_shard(SCORED, number, scored)
        shared = _shared(pq.read_table(workspace.shard(SCORED, 0)))
        for number, batch in enumerate(_batches(workspace.others, size)):
            workspace.write_shard(UNSCORED, number, unscored_rows(batch, shared))
        stages.rows(rows)
        return sum(done)

    def publish(self, workspace: Workspace, target: Target) -> None:
        """Write the scorecard to `target`; the old scores stay until the new ones are complete.

        Parameters
        ----------
        workspace
            as `score` left it
        target
            a file, a folder or a database table
        """
        target.publish(workspace.shards(), workspace.folder)


def score_batch(
    features: pa.Table, bundle: Bundle, options: ScoringOptions, ranks: Ranks, scored_at: datetime
) -> pa.Table:
    """The scorecard rows of one batch of customers.

    Parameters
    ----------
    features
        customer_id, as_of and the features of the bundle's catalogue, as DuckDB wrote them
    bundle
        the model
    options
        how the scorecard is made
    ranks
        as :func:`patron.scores.scorecard.make_scorecard` takes them
    scored_at
        when the job began

    Returns
    -------
    pa.Table
        of :func:`patron.scores.arrow.schema_of`; the rows of `features`, in order
    """
    frame = features.drop_columns(["customer_id"]).to_pandas(date_as_object=True)
    frame.insert(0, "customer_id", np.arange(len(frame)))  # ids never pass through pandas
    card = make_scorecard(
        frame,
        bundle,
        scored_at=scored_at,
        model_version=options.model_version,
        reasons=options.reasons,
        ranks=ranks,
        **options.of_predictions(),
    )
    return table_of(card, features.column("customer_id"))


@contextmanager
def _failures() -> Iterator[None]:
    """Errors of DuckDB as one sentence; those of the disk as OSError, which they are not by themselves."""
    try:
        yield
    except duckdb.IOException as failed:
        raise OSError(str(failed)) from failed
    except duckdb.Error as failed:
        first = str(failed).strip().splitlines()[0].rstrip(".")
        raise PatronError(f"The features cannot be built: {first}.") from failed


def _batches(path: Path, rows: int) -> Iterator[pa.Table]:
    """The rows of a file in batches of exactly `rows`, however the file groups them."""
    held: list[pa.RecordBatch] = []
    count = 0
    for batch in pq.ParquetFile(path).iter_batches(batch_size=rows):
        while count + batch.num_rows >= rows:
            held.append(batch.slice(0, rows - count))
            batch = batch.slice(rows - count)
            yield pa.Table.from_batches(held)
            held, count = [], 0
        if batch.num_rows:
            held.append(batch)
            count += batch.num_rows
    if held:
        yield pa.Table.from_batches(held)


def _shared(scored: pa.Table) -> dict[str, Any]:
    """The columns that are the same in every row of the scorecard."""
    shared = ("horizon_days", "value_horizon_days", "model_version")
    row = scored.slice(0, 1).select(list(shared)).to_pylist()[0]
    return {**row, "scored_at": pd.Timestamp(scored.column("scored_at")[0].as_py())}
