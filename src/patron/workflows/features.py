"""Tables → one feature row per eligible customer, as of one date."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import ibis.expr.types as ir

from patron.features.assemble import assemble_features, discover_catalogue
from patron.features.catalogue import FeatureCatalogue
from patron.progress import Progress, silent
from patron.results import Printed
from patron.settings import Settings
from patron.settings.inputs import known_history, refuse_nobody
from patron.snapshots.spine import make_spine
from patron.storage.atomic_files import check_target, write_table
from patron.storage.job_folder import refuse_sources
from patron.tables.history import History

__all__ = ["FeaturesResult", "build_features"]


@dataclass(frozen=True, slots=True)
class FeaturesResult:
    """What `build_features` made.

    Attributes
    ----------
    table
        key (customer_id, as_of), one row per eligible customer; then the columns of `catalogue` in order
    rows
        count
    out
        the file, by Spark the folder, that was written, or None
    """

    table: ir.Table
    catalogue: FeatureCatalogue
    as_of: date
    rows: int
    out: Path | None

    def to_dict(self) -> dict[str, Any]:
        """What was made, as plain values."""
        return {
            "as_of": self.as_of.isoformat(),
            "rows": self.rows,
            "features": list(self.catalogue.names),
            "out": str(self.out) if self.out is not None else None,
        }

    def printed(self) -> Printed:
        """What a terminal shows."""
        yield from self.sentences()

    def sentences(self) -> list[str]:
        """What was made, in words."""
        made = f"{self.rows:,} customers and {len(self.catalogue)} features as of {self.as_of}"
        where = f"written to {self.out}" if self.out is not None else "not written: name a file with --out"
        return [f"{made}, {where}."]


def build_features(
    settings: Settings, *, history: History | None = None, progress: Progress = silent
) -> FeaturesResult:
    """Features of every eligible customer, from what was known on `settings.as_of`.

    Raises
    ------
    InputError
        a table cannot be used, or as_of lies outside the data

    Examples
    --------
    >>> import pandas as pd
    >>> days = ["2024-05-01", "2024-05-11"]
    >>> sales = pd.DataFrame({"customer_id": [7, 7], "order_at": days, "amount": [9.5, 8.0]})
    >>> made = build_features(Settings(tables={"transactions": sales}))
    >>> made.table.execute().loc[0, ["frequency", "recency", "T"]].tolist()
    [1.0, 10.0, 10.0]
    """
    out = _target(settings)
    known = known_history(settings, history, progress)
    as_of = known.known_until
    progress(f"Building features as of {as_of}")
    catalogue = discover_catalogue(known, as_of, max_kinds=settings.train.max_kinds)
    if settings.engine == "spark":
        from patron.scoring.spark_features import features_on_spark

        table, rows = features_on_spark(known, catalogue, settings, out)
        return FeaturesResult(table=table, catalogue=catalogue, as_of=as_of, rows=rows, out=out)
    spine = make_spine(known, as_of, active_within_days=settings.active_within_days)
    table = known.store(assemble_features(known, spine, catalogue).order_by("customer_id"), "features")
    rows = int(table.count().execute())
    refuse_nobody(rows, settings, as_of)
    if out is not None:
        progress(f"Writing {out}")
        write_table(table, out)
    return FeaturesResult(table=table, catalogue=catalogue, as_of=as_of, rows=rows, out=out)


def _target(settings: Settings) -> Path | None:
    """Where the features go, once it is sure that they can go there."""
    if settings.features.out is None:
        return None
    if settings.engine == "spark":
        from patron.storage.spark_output import check_spark_target

        return check_spark_target(settings.features.out)
    out = check_target(settings.features.out)
    refuse_sources(out, {name: table.source for name, table in settings.tables if table is not None})
    return out
