"""The engines that build features and scores: DuckDB on one machine, or Spark on many."""

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

import ibis.expr.types as ir

from patron.features.catalogue import FeatureCatalogue
from patron.models.bundle.bundle import Bundle
from patron.progress import Progress
from patron.scoring.job_stages import Stages
from patron.scoring.options import ScoringOptions
from patron.storage.job_folder import Checkpoint, Workspace
from patron.storage.target import Target
from patron.tables.history import History
from patron.tables.records import Records

__all__ = ["Engine", "choose_engine"]


class Engine(Protocol):
    """What builds features and scores. The numbers are the same whatever the engine."""

    def check_features_target(self, out: Path) -> Path:
        """The file or folder that features may be written to, checked before the work starts.

        Parameters
        ----------
        out
            as it was named
        """
        ...

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
        ...

    def partition_column(self, out: Path | None, partition_by: str | None) -> str | None:
        """The column by which a scorecard is partitioned; None for one file.

        Parameters
        ----------
        out
            where the scorecard is written
        partition_by
            the column that was asked for
        """
        ...

    def prepare(
        self,
        workspace: Workspace,
        known: History,
        events: Records | None,
        bundle: Bundle,
        options: ScoringOptions,
        stages: Stages,
    ) -> Checkpoint:
        """Write features and events into `workspace`: :func:`patron.scoring.preparation.prepare_scoring`.

        Parameters
        ----------
        workspace, known, events, bundle, options, stages
            as there
        """
        ...

    def score(
        self,
        workspace: Workspace,
        checkpoint: Checkpoint,
        bundle: Bundle,
        options: ScoringOptions,
        stages: Stages,
    ) -> int:
        """Write the scorecard into `workspace` as shards, and return how many were there already.

        Parameters
        ----------
        workspace
            as `prepare` left it
        checkpoint
            what `prepare` returned
        bundle
            the model
        options
            how the scorecard is made
        stages
            reports the progress
        """
        ...

    def publish(self, workspace: Workspace, target: Target) -> None:
        """Write the scorecard to `target`; the old scores stay until the new ones are complete.

        Parameters
        ----------
        workspace
            as `score` left it
        target
            a file, a folder or a database table
        """
        ...


def choose_engine(
    name: str,
    *,
    batch_rows: int = 50_000,
    master: str = "local[*]",
    remote: str | None = None,
    config: Mapping[str, str] | None = None,
    partitions: int | None = None,
) -> Engine:
    """The engine of this name.

    Parameters
    ----------
    name
        "duckdb" or "spark"
    batch_rows
        DuckDB: count of customers scored at a time
    master, remote, config
        Spark: as :func:`patron.tables.spark.open_spark`
    partitions
        Spark: count of partitions in which customers are scored; None for two per core

    Examples
    --------
    >>> choose_engine("duckdb", batch_rows=1000)
    OnDuckDB(batch_rows=1000)
    """
    if name == "spark":
        from patron.scoring.on_spark import OnSpark

        return OnSpark(master=master, remote=remote, config=dict(config or {}), partitions=partitions)
    from patron.scoring.on_duckdb import OnDuckDB

    return OnDuckDB(batch_rows=batch_rows)
