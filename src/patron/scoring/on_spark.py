"""Scoring on Spark: the stages of batch.py, with features, scores and files made by Spark's workers.

The numbers are those of one machine. Features come from the same expressions; every customer is ranked among
all, by a grid that the driver learns from one column at a time; and the registered model, with this grid in
it, is what MLflow's `spark_udf` runs beside the data. What the driver holds is one column, and counts; where
referrals, contributions or costs to serve are given, also what they bring or take for each customer.
"""

import uuid
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from patron.features.assemble import assemble_features
from patron.features.engagement import warn_of_new_kinds
from patron.models.bundle.bundle import Bundle
from patron.models.churn.percentile_ranks import Percentiles
from patron.scores.columns import SCORECARD_COLUMNS, SCORECARD_TYPES
from patron.scores.not_scored import NEVER, WITHIN_REACH
from patron.scoring.batches import Asked, keep_beside, potentials_beside, ranks_of_all
from patron.scoring.drift import purchases_since_training
from patron.scoring.job_stages import Stages
from patron.settings import Settings
from patron.settings.inputs import engine_for, refuse_nobody
from patron.snapshots.asof import visible
from patron.snapshots.spine import make_spine, not_eligible
from patron.storage.atomic_files import ENDINGS, writing
from patron.storage.job_folder import SCORED, UNSCORED, Begun, Work
from patron.storage.spark_output import as_parts, publish, write_files
from patron.storage.target import Target
from patron.tables.files import as_url
from patron.tables.history import History
from patron.tables.spark import spark_failures
from patron.tracking.batch import save_batch_model, spark_scorer

__all__ = ["partitioned", "prepare_on_spark", "publish_on_spark", "score_on_spark"]

PARTS_PER_CORE, MOST_CORES = 2, 10_000
STEM = "scores"
BESIDE = "beside.parquet"
SPARK_TYPES = {"date": "date", "time": "timestamp", "whole": "bigint", "number": "double", "text": "string"}


def partitioned(settings: Settings) -> Settings:
    """The settings, with folders by as_of where a folder is to be written and nothing is said of its folders.

    Examples
    --------
    >>> partitioned(Settings(score={"out": "scores"})).score.partition_by
    'as_of'
    """
    score = settings.score
    if score.out is None or score.partition_by is not None or score.out.suffix.lower() in ENDINGS:
        return settings
    return settings.model_copy(update={"score": score.model_copy(update={"partition_by": "as_of"})})


def prepare_on_spark(work: Work, known: History, bundle: Bundle, settings: Settings, stages: Stages) -> Begun:
    """Let Spark write the features of everybody who gets a score, and the names of the others, into `work`.

    Parameters, result and errors are those of :func:`patron.scoring.batches.prepare`; both tables are folders
    here, and the tables of `known` are Spark's.

    Raises
    ------
    SettingsError
        nobody is eligible
    PatronError
        a worker or Spark itself died, or a disk is full
    """
    as_of, within = known.known_until, settings.active_within_days
    engine = known.connection
    stages(f"Building features as of {as_of}")
    with spark_failures():
        spine = make_spine(known, as_of, active_within_days=within)
        if known.engagement is not None:
            warn_of_new_kinds(visible(known.engagement, spine), bundle.catalogue)
        features = engine.frame_of(assemble_features(known, spine, bundle.catalogue))
        others = engine.frame_of(not_eligible(known, as_of, active_within_days=within))
    scored = write_files(features, work.features)
    refuse_nobody(scored, settings, as_of)
    unscored = write_files(others, work.others)
    with writing(work.target), spark_failures():
        keep_beside(work, known, bundle, settings)
    stages.rows(scored)
    purchases = None
    if settings.drift.measure and as_of > bundle.as_of:
        stages("Counting the purchases since the training")
        with spark_failures():
            purchases = purchases_since_training(bundle, known)
    return Begun(
        key={},
        as_of=as_of.isoformat(),
        scored_at=datetime.now(UTC).isoformat(),
        features=scored,
        others=unscored,
        purchases=None if purchases is None else asdict(purchases),
    )


def score_on_spark(
    work: Work, begun: Begun, bundle: Bundle, asked: Asked, settings: Settings, stages: Stages
) -> None:
    """Let Spark write the scorecard into `work`, part by part.

    Parameters
    ----------
    work
        with the folders that `prepare_on_spark` wrote
    begun
        what it returned
    bundle
        the model
    asked
        what the scorecard is to hold
    settings
        `spark` says into how many parts

    Raises
    ------
    PatronError
        a worker or Spark itself died, or a disk is full; nothing has been published
    """
    if bundle.percentiles is not None:
        stages("Ranking the customers among each other")
        ranks = ranks_of_all(work.features, bundle, asked)
        bundle = replace(bundle, percentiles=ranks) if isinstance(ranks, Percentiles) else bundle
        stages.rows(begun.features)
    beside = potentials_beside(work, bundle, asked, settings, ranks="model")
    if beside is not None:
        ids = ds.dataset(work.features).to_table(columns=["customer_id"])["customer_id"]
        with work.writing(work.folder / BESIDE) as temporary:
            pq.write_table(pa.table({"customer_id": ids, **beside.columns(0, len(ids))}), temporary)
    stages(f"Scoring {begun.features:,} customers")
    model = save_batch_model(
        bundle,
        work.folder / f"model-{uuid.uuid4().hex[:12]}",  # MLflow's workers may still hold the one before
        reasons=asked.reasons,
        value_horizon_days=asked.value_horizon_days,
        annual_discount_rate=asked.annual_discount_rate,
        random_state=asked.random_state,
    )
    with spark_failures():
        session = engine_for(settings).session
        scored, shared = _scored(session, work, model, begun, bundle, asked, settings)
        unscored = session.read.parquet(as_url(work.others))
    as_parts(scored, work, SCORED)
    if begun.others:
        as_parts(_completed(unscored, shared), work, UNSCORED)
    stages.rows(begun.features)


def publish_on_spark(work: Work, target: Target, settings: Settings) -> None:
    """Write the scorecard of `work` where it belongs; a folder by Spark, anything else from the driver.

    Raises
    ------
    PatronError
        a disk or the database refuses; the old scores are still there
    """
    parts = work.parts()
    if target.path is None or target.partition_by is None:
        target.publish(parts, work)
        return
    engine = engine_for(settings)
    grown = work.folder / "whole"
    with spark_failures():
        whole = engine.session.read.parquet(*(as_url(part) for part in parts))
    write_files(whole, grown, by=target.partition_by)
    publish(engine, grown, target.path.absolute(), target.partition_by, STEM)


def _scored(
    session: Any, work: Work, model: Path, begun: Begun, bundle: Bundle, asked: Asked, settings: Settings
) -> tuple[Any, dict[str, Any]]:
    """The scorecard of those who get a score, and the columns that are the same for all."""
    import pyspark.sql.functions as sf

    rows = session.read.parquet(as_url(work.features))
    seen = [sf.col("as_of").cast("string").alias("as_of")]
    seen += [sf.col(f"`{name}`") for name in bundle.catalogue.names]
    if (work.folder / BESIDE).is_file():
        beside = session.read.parquet(as_url(work.folder / BESIDE))
        rows = rows.join(beside, "customer_id")
        seen += [sf.col(name) for name in beside.columns if name != "customer_id"]
    rows = rows.repartition(settings.spark.partitions or PARTS_PER_CORE * _cores(session))
    answers = rows.select(
        "customer_id", "as_of", spark_scorer(session, model)(sf.struct(*seen)).alias("card")
    )
    shared = {
        "model_version": sf.lit(asked.model_version),
        "scored_at": sf.lit(begun.scored_at),
        "horizon_days": sf.lit(bundle.horizon_days),
        "value_horizon_days": sf.lit(asked.value_horizon_days or bundle.value_horizon_days),
    }
    own = {"customer_id": sf.col("customer_id"), "as_of": sf.col("as_of")}
    columns = {name: sf.col(f"card.{name}") for name in SCORECARD_COLUMNS if name not in own} | own | shared
    return answers.select(*_typed(columns)), shared


def _cores(session: Any) -> int:
    """How many parts Spark works on at a time; a remote session tells it by how it cuts a range."""
    import pyspark.sql.functions as sf

    part = sf.spark_partition_id().alias("part")
    return int(session.range(MOST_CORES).select(part).distinct().count())


def _completed(others: Any, shared: dict[str, Any]) -> Any:
    """The rows of those who get no score."""
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
