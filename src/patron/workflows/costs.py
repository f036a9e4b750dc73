"""Tables → what it costs to keep customers, and where every cent of the ledger went."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import ibis.expr.types as ir
import pandas as pd

from patron.economics.costs.journey import Journey, Touchpoint
from patron.economics.costs.retention_costs import RetentionCosts, retention_costs
from patron.errors import DateError, MissingColumnsError, SettingsError, some
from patron.progress import Progress, silent
from patron.results import Printed
from patron.settings import Settings
from patron.settings.inputs import read_records, refuse_strangers
from patron.storage.atomic_files import check_target, write_frame, write_json, write_table
from patron.tables.engine import open_engine
from patron.tables.records import Records
from patron.tables.source import open_source

__all__ = ["CostsResult", "costs"]

MEMORY = "1500MB"  # for the engine; Python and its libraries need another half
_NEEDED = ("transactions", "interactions", "costs")
_TABLES = ("journey", "summary", "whale", "statement")


@dataclass(frozen=True, slots=True)
class CostsResult:
    """What `costs` found.

    Attributes
    ----------
    found
        the tables, see :class:`patron.economics.costs.retention_costs.RetentionCosts`
    rejected
        table → its rejected rows with the rule
    first, last
        the days within which whole months count
    report
        what was read, in sentences
    written
        the files that were written
    """

    found: RetentionCosts
    rejected: dict[str, pd.DataFrame]
    first: date
    last: date
    report: list[str]
    written: tuple[Path, ...] = ()

    @property
    def by_tier(self) -> pd.DataFrame:
        """Costs by tier and in all, for people to read."""
        shown = ["segment", "active", "retained", "margin", "cost", "cost_per_active", "cost_per_retained"]
        rows = self.found.summary[self.found.summary["by"].isin(["tier", "all"])]
        table: pd.DataFrame = rows[[*shown, "cost_to_margin", "reason"]].reset_index(drop=True)
        return table.assign(segment=table["segment"].replace("", "all")).rename(columns={"segment": "tier"})

    @property
    def in_short(self) -> pd.DataFrame:
        """Costs by tier in a few columns: all customers first, then the dearest to keep."""
        shown = {
            "tier": "tier",
            "active": "active customers",
            "cost": "cost",
            "cost_per_active": "cost per active customer",
            "cost_to_margin": "cost ÷ margin",
        }
        of_all = self.by_tier["tier"] == "all"
        tiers = self.by_tier[~of_all].sort_values("cost_per_active", ascending=False, kind="stable")
        table: pd.DataFrame = pd.concat([self.by_tier[of_all], tiers], ignore_index=True)[list(shown)]
        return table.rename(columns=shown)

    @property
    def by_touchpoint(self) -> pd.DataFrame:
        """Costs by touchpoint, dearest first, for people to read."""
        rows = self.found.summary[self.found.summary["by"] == "touchpoint"]
        shown = ["segment", "events", "minutes", "direct", "indirect", "cost", "cost_per_active"]
        table: pd.DataFrame = rows[shown].rename(columns={"segment": "touchpoint"})
        return table.sort_values("cost", ascending=False, ignore_index=True)

    def title(self) -> str:
        """What the table of tiers shows."""
        return f"Cost of keeping customers in money of the ledger, {self.first} to {self.last}"

    def printed(self) -> Printed:
        """What a terminal shows."""
        yield self.title(), self.by_tier
        yield "Cost by touchpoint", self.by_touchpoint
        yield from self.sentences()

    def sentences(self) -> list[str]:
        """What was read, found and written, in words."""
        return [*self.report, *self.findings(), *(f"Written: {path}" for path in self.written)]

    def findings(self) -> list[str]:
        """What was found, in words: where the ledger went, and what to know before trusting a number."""
        totals, whale = self.found.totals, self.found.whale
        lines = [
            f"Of {totals['ledger']:,.2f} in the ledger {totals['customers']:,.2f} went to customers, "
            f"{totals['anonymous']:,.2f} to anonymous interactions, {totals['unused_capacity']:,.2f} was "
            f"unused capacity, and {totals['unallocated']:,.2f} has no cause on record.",
        ]
        if len(whale) and whale["profit_share"].notna().all():
            best = max(whale.to_dict("records"), key=lambda row: float(row["profit"]))
            lines.append(
                f"The most profitable {best['percent']:.0f}% of the customers earn "
                f"{best['profit_share']:.0%} of the profit; the others take "
                f"{best['profit_share'] - 1:.0%} away."
            )
        lost = self.found.statement[self.found.statement["unallocated"] != 0]
        by_cause = lost.groupby(["pool", "reason"])["unallocated"].sum().reset_index()
        lines += [
            f"Unallocated: {money:,.2f} of pool {pool!r}, because {reason}."
            for pool, reason, money in by_cause.to_numpy().tolist()
        ]
        return [*lines, *self.found.notes]

    def to_dict(self) -> dict[str, Any]:
        """All of it but the rows of single customers, as plain values."""
        found = self.found
        tables = {name: getattr(found, name).to_dict("records") for name in _TABLES}
        return {
            "from": self.first.isoformat(),
            "to": self.last.isoformat(),
            "totals": found.totals,
            **tables,
            "rejected": {name: len(rows) for name, rows in self.rejected.items()},
            "remarks": found.notes,
            "written": [str(path) for path in self.written],
        }


def costs(settings: Settings, *, progress: Progress = silent) -> CostsResult:
    """What it costs to keep customers; also as files if a folder is named.

    Into `costs.out` go customers.parquet, which `score` takes as costs_to_serve, and journey, summary, whale,
    statement and rejected rows as CSV.

    Raises
    ------
    SettingsError
        interactions, costs or transactions are not named
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
        raise SettingsError(f"costs needs the table {missing[0]!r}: give it with --{missing[0]} FILE.")
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
    _refuse_unknown_pools(chosen.capacity, records)
    held = records.report["costs"]
    begin, end = _month_start(held.first_day), _month_end(held.last_day)
    first, last = chosen.first or begin, chosen.last or end
    if first > end or last < begin:
        raise DateError(
            f"The costs reach from {begin} to {end}, and none of these days is among those that count. "
            "Choose other days with --from and --to."
        )
    progress("Charging the ledger")
    found = retention_costs(
        records,
        first,
        last,
        journey=journey,
        tiers=None if chosen.scores is None else _read_tiers(chosen.scores, records),
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


def _refuse_unknown_pools(capacity: Iterable[str], records: Records) -> None:
    pools = sorted(records["costs"].pool.as_table().distinct().to_pandas()["pool"])
    for pool in capacity:
        if pool not in pools:
            raise SettingsError(f"The capacity is that of pool {pool!r}; the costs have {some(pools, 20)}.")


def _read_tiers(source: Any, records: Records) -> ir.Table:
    """customer_id and tier of a scorecard, and as_of where it has one."""
    given = open_source(source, "scores", records.connection)
    tier = next((name for name in ("value_tier", "tier") if name in given.columns), None)
    if tier is None or "customer_id" not in given.columns:
        raise MissingColumnsError("scores", {"customer_id", "value_tier"} - set(given.columns), given.columns)
    ids = records["transactions"].customer_id.type()
    columns = {"customer_id": given.customer_id.try_cast(ids), "tier": given[tier].cast("string")}
    if "as_of" in given.columns:
        columns["as_of"] = given.as_of.try_cast("date")
    table: ir.Table = given.select(**columns)
    refuse_strangers(table, records["transactions"])
    return table.filter(table.customer_id.notnull() & table.tier.notnull())


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


def _month_start(day: date | None) -> date:
    assert day is not None  # the table has a valid row, and every row has a day
    return day.replace(day=1)


def _month_end(day: date | None) -> date:
    assert day is not None
    return (pd.Timestamp(day) + pd.offsets.MonthEnd(0)).date()
