"""Features on Spark: computed by its workers and written by them; the driver sees counts alone."""

import shutil
from pathlib import Path

import ibis.expr.types as ir

from patron.features.assemble import assemble_features
from patron.features.catalogue import FeatureCatalogue
from patron.settings import Settings
from patron.settings.inputs import refuse_nobody
from patron.snapshots.spine import make_spine
from patron.storage.job_folder import only_job
from patron.storage.spark_output import publish, write_files
from patron.tables.files import as_url
from patron.tables.history import History
from patron.tables.spark import spark_failures

__all__ = ["features_on_spark"]

STEM = "features"


def features_on_spark(
    known: History, catalogue: FeatureCatalogue, settings: Settings, out: Path | None
) -> tuple[ir.Table, int]:
    """One feature row per eligible customer, written to the folder `out` as as_of=YYYY-MM-DD/….

    Parameters
    ----------
    known
        what is known on the day, as tables of Spark
    catalogue
        which features
    settings
        `active_within_days` counts
    out
        folder as `check_spark_target` returned it; None holds the table in Spark

    Returns
    -------
    table
        key (customer_id, as_of), where it is now
    rows
        count

    Raises
    ------
    SettingsError
        nobody is eligible
    PatronError
        a worker or Spark itself died, or a disk is full; what was there before is still there
    """
    engine = known.connection
    with spark_failures():
        spine = make_spine(known, known.known_until, active_within_days=settings.active_within_days)
        table = assemble_features(known, spine, catalogue)
        if out is None:
            table = known.store(table, STEM)
            rows = int(table.count().to_pyarrow().as_py())
            refuse_nobody(rows, settings, known.known_until)
            return table, rows
    with only_job(out.with_name(f".{out.name}.lock"), str(out)):
        grown = out.with_name(f".{out.name}.work")
        try:
            rows = write_files(engine.frame_of(table), grown, by="as_of")
            refuse_nobody(rows, settings, known.known_until)
            publish(engine, grown, out, "as_of", STEM)
        finally:
            shutil.rmtree(grown, ignore_errors=True)
    with spark_failures():
        day = out / f"as_of={known.known_until}"
        written = engine.session.read.option("basePath", as_url(out)).parquet(as_url(day))
        return engine.adopt(written.select(*table.columns), STEM), rows
