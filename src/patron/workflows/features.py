"""Features: tables → one feature row per eligible customer, as of one day."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import ibis.expr.types as ir

from patron.features.assemble import discover_catalogue
from patron.features.catalogue import FeatureCatalogue
from patron.progress import Progress, silent
from patron.results import Printed
from patron.scoring.engines import choose_engine
from patron.settings import Settings
from patron.settings.inputs import known_history
from patron.storage.job_folder import refuse_sources
from patron.tables.history import History

__all__ = ["FeaturesResult", "build_features"]


@dataclass(frozen=True, slots=True)
class FeaturesResult:
    """The result of `build_features`.

    Attributes
    ----------
    table
        key (customer_id, as_of), one row per eligible customer; then the columns of `catalogue` in order
    catalogue
        the features
    as_of
        the last day known
    rows
        count
    out
        the file, or with Spark the folder, that was written; or None
    """

    table: ir.Table
    catalogue: FeatureCatalogue
    as_of: date
    rows: int
    out: Path | None

    def to_dict(self) -> dict[str, Any]:
        """The result as plain values."""
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
        """The result in sentences."""
        made = f"{self.rows:,} customers and {len(self.catalogue)} features as of {self.as_of}"
        where = f"written to {self.out}" if self.out is not None else "not written: name a file with --out"
        return [f"{made}, {where}."]


def build_features(
    settings: Settings, *, history: History | None = None, progress: Progress = silent
) -> FeaturesResult:
    """Features of every eligible customer, from what was known on `settings.as_of`.

    Parameters
    ----------
    settings
        where the tables are, as_of, and where to write
    history, progress
        as in :func:`patron.workflows.train.train`

    Examples
    --------
    >>> import pandas as pd
    >>> days = ["2024-05-01", "2024-05-11"]
    >>> sales = pd.DataFrame({"customer_id": [7, 7], "order_at": days, "amount": [9.5, 8.0]})
    >>> made = build_features(Settings(tables={"transactions": sales}))
    >>> made.table.execute().loc[0, ["frequency", "recency", "T"]].tolist()
    [1.0, 10.0, 10.0]
    """
    engine = choose_engine(settings.engine, **settings.spark.model_dump())
    out = None if settings.features.out is None else engine.check_features_target(settings.features.out)
    if out is not None:
        refuse_sources(out, {name: table.source for name, table in settings.tables if table is not None})
    known = known_history(settings, history, progress)
    as_of = known.known_until
    progress(f"Building features as of {as_of}")
    catalogue = discover_catalogue(known, as_of, max_kinds=settings.train.max_kinds)
    table, rows = engine.write_features(
        known, catalogue, out, active_within_days=settings.active_within_days, progress=progress
    )
    return FeaturesResult(table=table, catalogue=catalogue, as_of=as_of, rows=rows, out=out)
