"""Scoring in batches: features to a file, then some tens of thousands of customers at a time.

What stands in memory does not grow with the number of customers, but for one column at a time. The scores are
those of scoring everybody in one frame, to the last bit: a customer's numbers depend on nothing but the
customer and the ranks among the others, and the ranks are learned once, from everybody.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import ibis.expr.types as ir
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from patron.errors import PatronError
from patron.evaluation.drift import EarlyAlarm
from patron.features.assemble import assemble_features
from patron.features.engagement import warn_of_new_kinds
from patron.models.bundle.bundle import Bundle
from patron.models.bundle.population_ranks import population_percentiles
from patron.models.churn.percentile_ranks import ENOUGH_FOR_RANKS, Ranks
from patron.models.value.rfm import RFM_COLUMNS
from patron.scores.arrow import frame_of, score_rows, unscored_rows
from patron.scores.scorable import broken_rules, purchase_columns
from patron.scoring.drift import SCORES, Drift, measure_drift, purchases_since_training
from patron.scoring.job_stages import Stages
from patron.scoring.model_choice import if_asked
from patron.scoring.potential_parts import keep_categories, keep_network
from patron.scoring.potentials import Potentials, keep_events, potentials_of_all
from patron.settings import Settings
from patron.settings.inputs import refuse_nobody
from patron.snapshots.asof import visible
from patron.snapshots.spine import make_spine, not_eligible
from patron.storage.job_folder import SCORED, UNSCORED, Begun, Work
from patron.tables.history import History

__all__ = [
    "Asked",
    "Summary",
    "compare_with_training",
    "keep_beside",
    "potentials_beside",
    "prepare",
    "ranks_of_all",
    "score_in_batches",
    "summarise",
]

MOST_SHOWN = 100
SHOWN = (
    "customer_id", "churn_probability", "growth_potential", "value_at_risk", "value_tier", "reason_1",
    "reason_2",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a scorecard is to hold, beyond the customers.

    Attributes
    ----------
    model_version
        of the registry; None for a model that it does not know
    reasons
        whether each customer gets three reasons
    value_horizon_days, annual_discount_rate
        the model's own if None
    random_state
        seed of the draws behind the intervals
    """

    model_version: str | None
    reasons: bool
    value_horizon_days: int | None
    annual_discount_rate: float | None
    random_state: int


def prepare(work: Work, known: History, bundle: Bundle, settings: Settings, stages: Stages) -> Begun:
    """Write the features of everybody who gets a score, and the names of the others, into `work`.

    Parameters
    ----------
    work
        takes features.parquet and others.parquet, both in the order of customer_id
    known
        what is known on the day of the scoring
    bundle
        names the features
    settings
        `active_within_days` and `drift` count

    Returns
    -------
    Begun
        with an empty key

    Raises
    ------
    SettingsError
        nobody is eligible
    PatronError
        the disk is full
    """
    as_of, within = known.known_until, settings.active_within_days
    stages(f"Building features as of {as_of}")
    spine = make_spine(known, as_of, active_within_days=within)
    if known.engagement is not None:
        warn_of_new_kinds(visible(known.engagement, spine), bundle.catalogue)
    features = _write(work, assemble_features(known, spine, bundle.catalogue), work.features)
    refuse_nobody(features, settings, as_of)
    others = _write(work, not_eligible(known, as_of, active_within_days=within), work.others)
    with _engine_writes():
        keep_beside(work, known, bundle, settings)
    stages.rows(features)
    purchases = None
    if settings.drift.measure and as_of > bundle.as_of:
        stages("Counting the purchases since the training")
        purchases = purchases_since_training(bundle, known)
    return Begun(
        key={},
        as_of=as_of.isoformat(),
        scored_at=datetime.now(UTC).isoformat(),
        features=features,
        others=others,
        purchases=None if purchases is None else asdict(purchases),
    )


def score_in_batches(
    work: Work, begun: Begun, bundle: Bundle, asked: Asked, settings: Settings, stages: Stages
) -> int:
    """Write the scorecard into `work`, part by part; parts that are there already stay.

    Parameters
    ----------
    work
        with features.parquet and others.parquet
    begun
        what `prepare` returned
    bundle
        the model
    asked
        what the scorecard is to hold
    settings
        `score.batch_rows` are the customers at a time; `network` and `learning` count

    Returns
    -------
    int
        How many parts were there already.

    Raises
    ------
    PatronError
        the disk is full
    """
    batch_rows = settings.score.batch_rows
    sizes = [min(batch_rows, begun.features - start) for start in range(0, begun.features, batch_rows)]
    there = [work.has_part(SCORED, number, rows) for number, rows in enumerate(sizes)]
    ranks: Ranks = "auto"
    if not all(there) and bundle.percentiles is not None:
        stages("Ranking the customers among each other")
        ranks = ranks_of_all(work.features, bundle, asked)
        stages.rows(begun.features)
    beside = None
    if not all(there):
        beside = potentials_beside(work, bundle, asked, settings, ranks)
    stages(f"Scoring {begun.features:,} customers")
    for number, rows in enumerate(_batches(work.features, batch_rows)):
        if not there[number]:
            if beside is not None:
                for name, column in beside.columns(number * batch_rows, len(rows)).items():
                    rows = rows.append_column(name, column)
            scored = score_rows(
                rows,
                bundle,
                scored_at=datetime.fromisoformat(begun.scored_at),
                model_version=asked.model_version,
                ranks=ranks,
                reasons=asked.reasons,
                value_horizon_days=asked.value_horizon_days,
                annual_discount_rate=asked.annual_discount_rate,
                random_state=asked.random_state,
            )
            work.write_part(SCORED, number, scored)
    shared = _shared(pq.read_table(work.part(SCORED, 0)))
    for number, rows in enumerate(_batches(work.others, batch_rows)):
        work.write_part(UNSCORED, number, unscored_rows(rows, shared))
    stages.rows(begun.features)
    return sum(there)


def keep_beside(work: Work, known: History, bundle: Bundle, settings: Settings) -> None:
    """Write inputs that are not features into `work`: referrals, contributions and spend by category.

    Spend by category is written only if the parts of the potentials are wanted.

    Raises
    ------
    SourceError, TableError, MissingColumnsError
        a table cannot be read or used
    """
    keep_events(work.folder, known, settings)
    if settings.score.potentials is not None:
        days = if_asked(settings, "value_horizon_days") or bundle.value_horizon_days
        keep_categories(work.folder, known, days)


def potentials_beside(
    work: Work, bundle: Bundle, asked: Asked, settings: Settings, ranks: Ranks
) -> Potentials | None:
    """What referrals and contributions bring each customer, by what `keep_beside` has written into `work`.

    Returns
    -------
    Potentials | None
        Potentials, in the order of the features; None where neither table was given
    """
    beside = potentials_of_all(
        work.folder,
        work.features,
        bundle,
        settings,
        ranks=ranks,
        value_horizon_days=asked.value_horizon_days,
        annual_discount_rate=asked.annual_discount_rate,
        random_state=asked.random_state,
    )
    if beside is not None and settings.score.potentials is not None:
        keep_network(work.folder, beside.network)
    return beside


def ranks_of_all(features: Path, bundle: Bundle, asked: Asked) -> Ranks:
    """The customers among whom each one is ranked: all scorable ones, or if too few, those of the training.

    `Bundle.predict` decides in the same way for one frame of all customers.

    Parameters
    ----------
    features
        a Parquet file, or a folder of them
    bundle
        the model
    asked
        how the batches will be scored
    """
    rfm = purchase_columns(pq.read_table(features, columns=list(RFM_COLUMNS)).to_pandas())
    scorable = pd.isna(broken_rules(rfm))
    if scorable.sum() < ENOUGH_FOR_RANKS:
        return "model"
    grid = population_percentiles(
        bundle,
        _reader(features, scorable),
        value_horizon_days=asked.value_horizon_days,
        annual_discount_rate=asked.annual_discount_rate,
        random_state=asked.random_state,
    )
    return "model" if grid is None else grid


def compare_with_training(work: Work, begun: Begun, bundle: Bundle, settings: Settings) -> Drift | None:
    """The customers of `work` against those of the training."""

    def column(name: str) -> pd.Series:
        if name not in SCORES:
            return _column(work.features, name)
        parts = [path for path in work.parts() if path.name.startswith(SCORED)]
        return pd.concat([_column(part, name) for part in parts], ignore_index=True)

    purchases = None if begun.purchases is None else EarlyAlarm(**begun.purchases)
    return measure_drift(bundle, column, purchases, settings.drift)


@dataclass(frozen=True, slots=True)
class Summary:
    """A scorecard in a few numbers.

    Attributes
    ----------
    rows, scored
        count of all customers, and of those with a score
    mean_churn_probability
        of those with a score; NaN where nobody has one
    value_at_risk
        money, their sum
    value_horizon_days
        days ahead over which value counts
    model_version
        of the registry, or None
    top
        the customers with the highest value at risk, highest first, 100 at most
    """

    rows: int
    scored: int
    mean_churn_probability: float
    value_at_risk: float
    value_horizon_days: int
    model_version: str | None
    top: pd.DataFrame


def summarise(parts: Sequence[Path]) -> Summary:
    """The numbers of a scorecard that lies in parts."""
    rows = scored = 0
    churn = at_risk = 0.0
    tops = []
    for part in parts:
        shown = pq.read_table(part, columns=list(SHOWN))
        rows += len(shown)
        shown = shown.filter(pc.is_valid(shown["churn_probability"]))
        if not len(shown):
            continue
        scored += len(shown)
        churn += pc.sum(shown["churn_probability"]).as_py()
        at_risk += pc.sum(shown["value_at_risk"]).as_py() or 0.0
        tops.append(_most_at_risk(frame_of(shown)))
    top = _most_at_risk(pd.concat(tops, ignore_index=True)) if tops else pd.DataFrame(columns=list(SHOWN))
    shared = pq.read_table(parts[0], columns=["value_horizon_days", "model_version"])
    first = shared.slice(0, 1).to_pylist()[0]
    mean = churn / scored if scored else float("nan")
    return Summary(rows, scored, mean, at_risk, **first, top=top.reset_index(drop=True))


def _write(work: Work, table: ir.Table, path: Path) -> int:
    with work.writing(path) as temporary, _engine_writes():
        table.order_by("customer_id").to_parquet(temporary)
    return int(pq.read_metadata(path).num_rows)


@contextmanager
def _engine_writes() -> Iterator[None]:
    """What DuckDB says when a disk refuses is no OSError by itself."""
    try:
        yield
    except duckdb.IOException as failed:
        raise OSError(str(failed)) from failed
    except duckdb.Error as failed:
        first = str(failed).strip().splitlines()[0].rstrip(".")
        raise PatronError(f"The features cannot be built: {first}.") from failed


def _reader(features: Path, rows: npt.NDArray[np.bool_]) -> Callable[[str], pd.Series]:
    everybody = bool(rows.all())

    def column(name: str) -> pd.Series:
        read = _column(features, name)
        return read if everybody else read[rows].reset_index(drop=True)

    return column


def _column(path: Path, name: str) -> pd.Series:
    column: pd.Series = pq.read_table(path, columns=[name]).column(name).to_pandas()
    return column


def _batches(path: Path, rows: int) -> Iterator[pa.Table]:
    """The rows of a file, so many at a time, whatever groups the file has them in."""
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
    """What every row of the scorecard holds."""
    shared = ("horizon_days", "value_horizon_days", "model_version")
    row = scored.slice(0, 1).select(list(shared)).to_pylist()[0]
    return {**row, "scored_at": pd.Timestamp(scored.column("scored_at")[0].as_py())}


def _most_at_risk(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.sort_values("value_at_risk", ascending=False, kind="stable").head(MOST_SHOWN)
