"""Features and scores on Spark: its workers compute and write them, and the driver sees counts.

The numbers are those of one machine. Features come from the same expressions; every customer is ranked among
all, by a grid that the driver learns one column at a time; and the registered model, with this grid in it, is
run next to the data by MLflow's `spark_udf`. The driver holds one column at a time, and counts; and where
referrals, contributions or costs to serve are given, what they add per customer.
"""

import shutil
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import ibis.expr.types as ir
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from patron.features.assemble import assemble_features
from patron.features.catalogue import FeatureCatalogue
from patron.models.bundle.bundle import Bundle
from patron.models.churn.percentile_ranks import Percentiles
from patron.progress import Progress
from patron.scores.columns import SCORECARD_COLUMNS, SCORECARD_TYPES
from patron.scores.not_scored import NEVER, WITHIN_REACH
from patron.scoring.options import ScoringJob, ScoringOptions
from patron.scoring.potentials import potentials_of_all
from patron.scoring.preparation import prepare_scoring
from patron.scoring.ranks import ranks_of_all
from patron.snapshots.spine import make_spine, refuse_empty_spine
from patron.storage.atomic_files import ENDINGS
from patron.storage.job_folder import SCORED, UNSCORED, Checkpoint, Workspace, sole_job
from patron.storage.spark_output import as_shards, check_spark_target, publish, write_files
from patron.storage.target import Target
from patron.tables.files import as_url
from patron.tables.history import History
from patron.tables.records import Records
from patron.tables.spark import open_spark, spark_failures
from patron.tracking.batch import save_batch_model, spark_scorer

__all__ = ["OnSpark"]

PARTITIONS_PER_CORE, MAX_CORES = 2, 10_000
SCORES_STEM, FEATURES_STEM = "scores", "features"
POTENTIALS = "potentials.parquet"
SPARK_TYPES = {"date": "date", "time": "timestamp", "whole": "bigint", "number": "double", "text": "string"}


@dataclass(frozen=True, slots=True, kw_only=True)
class OnSpark:
    """The engine of more than one machine, with the methods of :class:`patron.scoring.on_duckdb.OnDuckDB`.

    Attributes
    ----------
    master, remote, config
        as :func:`patron.tables.spark.open_spark`
    partitions
        count of partitions in which customers are scored; None for two per core
    """

    master: str = "local[*]"
    remote: str | None = None
    config: Mapping[str, str] = field(default_factory=dict, repr=False)  # it may hold passwords
    partitions: int | None = None

    def check_features_target(self, out: Path) -> Path:
        """The folder that features may be written to, checked before the work starts.

        Parameters
        ----------
        out
            as it was named
        """
        return check_spark_target(out)

    def write_features(
        self,
        known: History,
        catalogue: FeatureCatalogue,
        out: Path | None,
        *,
        active_within_days: int | None,
        progress: Progress,
    ) -> tuple[ir.Table, int]:
        """One feature row per eligible customer, and the count of rows; `out` is partitioned by as_of.

        Parameters
        ----------
        known, catalogue, out, active_within_days, progress
            as in :class:`patron.scoring.on_duckdb.OnDuckDB`
        """
        engine, within = known.connection, active_within_days
        with spark_failures():
            spine = make_spine(known, known.known_until, active_within_days=within)
            table = assemble_features(known, spine, catalogue)
            if out is None:
                table = known.store(table, FEATURES_STEM)
                rows = int(table.count().to_pyarrow().as_py())
                refuse_empty_spine(rows, known, active_within_days=within)
                return table, rows
        with sole_job(out.with_name(f".{out.name}.lock"), str(out)):
            grown = out.with_name(f".{out.name}.work")
            try:
                rows = write_files(engine.frame_of(table), grown, by="as_of")
                refuse_empty_spine(rows, known, active_within_days=within)
                publish(engine, grown, out, "as_of", FEATURES_STEM)
            finally:
                shutil.rmtree(grown, ignore_errors=True)
        with spark_failures():
            day = out / f"as_of={known.known_until}"
            written = engine.session.read.option("basePath", as_url(out)).parquet(as_url(day))
            return engine.adopt(written.select(*table.columns), FEATURES_STEM), rows

    def partition_column(self, out: Path | None, partition_by: str | None) -> str | None:
        """The column by which a scorecard is partitioned: as_of for a folder, unless another was asked for.

        Parameters
        ----------
        out, partition_by
            as in :class:`patron.scoring.on_duckdb.OnDuckDB`

        Examples
        --------
        >>> OnSpark().partition_column(Path("scores"), None)
        'as_of'
        """
        if out is None or partition_by is not None or out.suffix.lower() in ENDINGS:
            return partition_by
        return "as_of"

    def prepare(self, job: ScoringJob, known: History, events: Records | None) -> Checkpoint:
        """Write features, customers without a score, and events into the workspace; the first two as folders.

        Parameters
        ----------
        job, known, events
            as :func:`patron.scoring.preparation.prepare_scoring`
        """

        def write(table: ir.Table, path: Path) -> int:
            with spark_failures():
                frame = known.connection.frame_of(table)
            return write_files(frame, path)

        return prepare_scoring(job, known, events, write=write, failures=spark_failures)

    def score(self, job: ScoringJob, checkpoint: Checkpoint) -> int:
        """Write the scorecard as shards; none are kept of a job that was interrupted, so the answer is 0.

        Parameters
        ----------
        job, checkpoint
            as in :class:`patron.scoring.on_duckdb.OnDuckDB`
        """
        workspace, bundle, options, stages = job.workspace, job.bundle, job.options, job.stages
        if bundle.percentiles is not None:
            stages("Ranking the customers among each other")
            ranks = ranks_of_all(workspace.features, bundle, options)
            bundle = replace(bundle, percentiles=ranks) if isinstance(ranks, Percentiles) else bundle
            stages.rows(checkpoint.features)
        extra = potentials_of_all(workspace.folder, workspace.features, bundle, options, "model")
        if extra is not None:
            ids = ds.dataset(workspace.features).to_table(columns=["customer_id"])["customer_id"]
            with workspace.writing(workspace.folder / POTENTIALS) as temporary:
                pq.write_table(pa.table({"customer_id": ids, **extra.columns(0, len(ids))}), temporary)
        stages(f"Scoring {checkpoint.features:,} customers")
        model = save_batch_model(
            bundle,
            workspace.folder / f"model-{uuid.uuid4().hex[:12]}",  # workers may still hold an earlier one
            reasons=options.reasons,
            **options.of_predictions(),
        )
        with spark_failures():
            session = self._connect().session
            rows = self._rows(session, workspace, bundle)
            shared = _shared(checkpoint, bundle, options)
            scored = _scorecard(rows, spark_scorer(session, model), shared)
            unscored = session.read.parquet(as_url(workspace.others))
        as_shards(scored, workspace, SCORED)
        if checkpoint.others:
            as_shards(_unscored(unscored, shared), workspace, UNSCORED)
        stages.rows(checkpoint.features)
        return 0

    def publish(self, workspace: Workspace, target: Target) -> None:
        """Write the scorecard to `target`: a folder by Spark, anything else from the driver.

        Parameters
        ----------
        workspace, target
            as in :class:`patron.scoring.on_duckdb.OnDuckDB`
        """
        shards = workspace.shards()
        if target.path is None or target.partition_by is None:
            target.publish(shards, workspace.folder)
            return
        engine = self._connect()
        grown = workspace.folder / "whole"
        with spark_failures():
            whole = engine.session.read.parquet(*(as_url(shard) for shard in shards))
        write_files(whole, grown, by=target.partition_by)
        publish(engine, grown, target.path.absolute(), target.partition_by, SCORES_STEM)

    def _connect(self) -> Any:
        return open_spark(master=self.master, remote=self.remote, config=self.config)

    def _rows(self, session: Any, workspace: Workspace, bundle: Bundle) -> Any:
        """customer_id, as_of, and a struct of what the model reads, in as many partitions as are scored."""
        import pyspark.sql.functions as sf

        rows = session.read.parquet(as_url(workspace.features))
        seen = [sf.col("as_of").cast("string").alias("as_of")]
        seen += [sf.col(f"`{name}`") for name in bundle.catalogue.names]
        if (workspace.folder / POTENTIALS).is_file():
            extra = session.read.parquet(as_url(workspace.folder / POTENTIALS))
            rows = rows.join(extra, "customer_id")
            seen += [sf.col(name) for name in extra.columns if name != "customer_id"]
        rows = rows.repartition(self.partitions or PARTITIONS_PER_CORE * _cores(session))
        return rows.select("customer_id", "as_of", sf.struct(*seen).alias("seen"))


def _shared(checkpoint: Checkpoint, bundle: Bundle, options: ScoringOptions) -> dict[str, Any]:
    """The columns that are the same in every row of the scorecard."""
    import pyspark.sql.functions as sf

    return {
        "model_version": sf.lit(options.model_version),
        "scored_at": sf.lit(checkpoint.scored_at),
        "horizon_days": sf.lit(bundle.horizon_days),
        "value_horizon_days": sf.lit(options.value_horizon_days or bundle.value_horizon_days),
    }


def _scorecard(rows: Any, scorer: Any, shared: dict[str, Any]) -> Any:
    """The rows of customers with a score."""
    import pyspark.sql.functions as sf

    answers = rows.select("customer_id", "as_of", scorer(sf.col("seen")).alias("card"))
    own = {"customer_id": sf.col("customer_id"), "as_of": sf.col("as_of")}
    columns = {name: sf.col(f"card.{name}") for name in SCORECARD_COLUMNS if name not in own} | own | shared
    return answers.select(*_typed(columns))


def _cores(session: Any) -> int:
    """How many partitions Spark works on at a time; a remote session shows it by how it splits a range."""
    import pyspark.sql.functions as sf

    partition = sf.spark_partition_id().alias("part")
    return int(session.range(MAX_CORES).select(partition).distinct().count())


def _unscored(others: Any, shared: dict[str, Any]) -> Any:
    """The rows of customers without a score."""
    import pyspark.sql.functions as sf

    columns = dict.fromkeys(SCORECARD_COLUMNS, sf.lit(None)) | shared
    columns |= {name: sf.col(name) for name in ("customer_id", "as_of", "not_scored_reason")}
    never = sf.col("not_scored_reason").endswith(NEVER)
    columns |= {name: sf.when(never, sf.lit(value)) for name, value in WITHIN_REACH.items()}
    return others.select(*_typed(columns))


def _typed(columns: dict[str, Any]) -> list[Any]:
    """The columns of a scorecard in order, each in its type."""
    typed = []
    for name, kind in SCORECARD_TYPES.items():
        column = columns[name] if kind == "id" else columns[name].cast(SPARK_TYPES[kind])
        typed.append(column.alias(name))
    return typed
