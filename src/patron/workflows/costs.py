"""Tables → the cost of keeping customers, and the allocation of the cost ledger."""

from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd

from patron.economics.costs.journey import Journey, Touchpoint
from patron.economics.costs.retention_costs import RetentionCosts, months_known, retention_costs
from patron.economics.periods import choose_days
from patron.economics.scorecards import read_tiers
from patron.errors import SettingsError
from patron.progress import Progress, silent
from patron.results import Printed, plain_fields
from patron.settings import Settings
from patron.settings.inputs import read_records
from patron.storage.atomic_files import check_target, write_frame, write_json, write_table
from patron.tables.engine import open_engine

__all__ = ["CostsResult", "costs"]

MEMORY = "1500MB"  # of the engine; Python and its libraries need about half as much again
_NEEDED = ("transactions", "interactions", "costs")
_TABLES = ("journey", "summary", "whale", "statement")


@dataclass(frozen=True, slots=True)
class CostsResult:
    """The result of `costs`.

    Attributes
    ----------
    found
        the tables, see :class:`patron.economics.costs.retention_costs.RetentionCosts`
    rejected
        table → its rejected rows with the rule
    first, last
        the days within which whole months count
    report
        the tables read, in sentences
    written
        files written
    """

    found: RetentionCosts
    rejected: dict[str, pd.DataFrame]
    first: date
    last: date
    report: list[str]
    written: tuple[Path, ...] = ()

    def title(self) -> str:
        """Title of the table by tier."""
        return f"Cost of keeping customers in money of the ledger, {self.first} to {self.last}"

    def printed(self) -> Printed:
        """What a terminal shows."""
        yield self.title(), self.found.by_tier
        yield "Cost by touchpoint", self.found.by_touchpoint
        yield from self.sentences()

    def sentences(self) -> list[str]:
        """The tables read, the findings and the files written, in sentences."""
        return [*self.report, *self.found.findings(), *(f"Written: {path}" for path in self.written)]

    def to_dict(self) -> dict[str, Any]:
        """The result as plain values, without the rows of single customers."""
        return {
            **plain_fields(self, **{"from": "first", "to": "last"}),
            **plain_fields(self.found, "totals", *_TABLES),
            "rejected": {name: len(rows) for name, rows in self.rejected.items()},
            "remarks": self.found.notes,
            **plain_fields(self, "written"),
        }


def costs(settings: Settings, *, progress: Progress = silent) -> CostsResult:
    """The cost of keeping customers; also as files if `costs.out` names a folder.

    `costs.out` receives customers.parquet, which `score` takes as costs_to_serve, and journey, summary,
    whale, statement and rejected rows as CSV.

    Parameters
    ----------
    settings
        `tables` and `costs`; margin
    progress
        called with each step as it begins

    Raises
    ------
    SettingsError
        interactions, costs or transactions are not given
    InputError
        a table cannot be used
    DateError
        no whole month lies between the days

    Examples
    --------
    >>> from patron.datasets.simulate import simulate
    >>> shop = simulate(100, days=366, start=date(2024, 1, 1))
    >>> tables = {name: getattr(shop, name) for name in ("transactions", "interactions", "costs")}
    >>> result = costs(Settings(tables=tables, costs={"capacity": shop.capacity}))
    >>> parts = result.found.totals
    >>> whole = parts.pop("ledger")
    >>> round(sum(parts.values()) - whole, 6)
    0.0
    """
    missing = [name for name in _NEEDED if getattr(settings.tables, name) is None]
    if missing:
        raise SettingsError(f"costs needs the table {missing[0]!r}. Give it with --{missing[0]} FILE.")
    chosen, folder = settings.costs, settings.costs.out
    if folder is not None:
        check_target(folder / "customers.parquet")
    journey = Journey(
        touchpoints={name: Touchpoint(**point.model_dump()) for name, point in chosen.touchpoints.items()},
        capacity=chosen.capacity,
        unit_costs=chosen.unit_costs,
    )
    progress("Reading the tables")
    records = read_records(settings, *_NEEDED, "subscriptions", connection=open_engine(memory_limit=MEMORY))
    first, last = choose_days(
        chosen.first, chosen.last, known=months_known(records.report["costs"]), table="costs"
    )
    journey.check_pools(sorted(records["costs"].pool.as_table().distinct().to_pandas()["pool"]))
    progress("Allocating the ledger")
    found = retention_costs(
        records,
        first,
        last,
        journey=journey,
        tiers=None
        if chosen.scores is None
        else read_tiers(chosen.scores, records["transactions"], records.connection),
        margin=settings.margin,
        active_within=chosen.active_within_days,
    )
    result = CostsResult(
        found=found,
        rejected={name: records.rejected(name) for name in records.tables},
        first=first,
        last=last,
        report=records.report.sentences(),
    )
    return result if folder is None else replace(result, written=_write(result, folder, progress))


def _write(result: CostsResult, folder: Path, progress: Progress) -> tuple[Path, ...]:
    progress(f"Writing {folder}")
    folder.mkdir(parents=True, exist_ok=True)
    written = [write_table(result.found.customers, folder / "customers.parquet")]
    written += [write_frame(getattr(result.found, name), folder / f"{name}.csv") for name in _TABLES]
    written += [
        write_frame(rows, folder / f"rejected_{name}.csv")
        for name, rows in result.rejected.items()
        if len(rows)
    ]
    written.append(write_json({"totals": result.found.totals}, folder / "totals.json"))
    return tuple(written)
