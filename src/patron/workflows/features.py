"""Tables → one feature row per eligible customer, as of one date."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path

import ibis.expr.types as ir

from patron.errors import SettingsError
from patron.features.assemble import assemble_features, discover_catalogue
from patron.features.catalogue import FeatureCatalogue
from patron.snapshots.spine import make_spine
from patron.tables.history import History
from patron.workflows.inputs import read_history
from patron.workflows.outputs import check_target, write_table
from patron.workflows.progress import Progress, silent
from patron.workflows.settings import Settings

__all__ = ["FeaturesResult", "build_features"]


@dataclass(frozen=True, slots=True)
class FeaturesResult:
    """What `build_features` made.

    Attributes
    ----------
    table : key (customer_id, as_of), one row per eligible customer; then the columns of `catalogue` in order
    rows : count
    out : the file that was written, or None
    """

    table: ir.Table
    catalogue: FeatureCatalogue
    as_of: date
    rows: int
    out: Path | None


def build_features(
    settings: Settings, *, history: History | None = None, progress: Progress = silent
) -> FeaturesResult:
    """Features of every eligible customer, from what was known on `settings.as_of`.

    Raises
    ------
    InputError : a table cannot be used, or as_of lies outside the data

    Examples
    --------
    >>> import pandas as pd
    >>> days = ["2024-05-01", "2024-05-11"]
    >>> sales = pd.DataFrame({"customer_id": [7, 7], "order_at": days, "amount": [9.5, 8.0]})
    >>> made = build_features(Settings(tables={"transactions": sales}))
    >>> made.table.execute().loc[0, ["customer_id", "frequency", "recency", "T"]].tolist()
    [7, 1.0, 10.0, 10.0]
    """
    out = check_target(settings.features.out) if settings.features.out is not None else None
    progress("Reading the tables")
    history = history or read_history(settings)
    as_of = settings.as_of or history.last_day
    progress(f"Building features as of {as_of}")
    catalogue = discover_catalogue(history, as_of, max_kinds=settings.train.max_kinds)
    spine = make_spine(history, as_of, active_within_days=settings.active_within_days)
    table = assemble_features(history, spine, catalogue).order_by("customer_id").cache()
    rows = int(table.count().execute())
    if rows == 0:
        raise SettingsError(
            f"No customer bought in the {settings.active_within_days} days up to {as_of}. "
            "Widen active_within_days."
        )
    if out is not None:
        progress(f"Writing {out}")
        write_table(table, out)
    return FeaturesResult(table=table, catalogue=catalogue, as_of=as_of, rows=rows, out=out)
