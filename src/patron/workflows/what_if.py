"""Tables or numbers → what more retention, or less cost, would do to base, revenue and profit."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from patron.economics.costs.monthly_base import monthly_base
from patron.economics.decisions.rate_changes import Percent, Points
from patron.economics.decisions.what_if import Business, Change, WhatIf, retention_draws
from patron.economics.decisions.what_if import what_if as follow
from patron.economics.kpis.periods import whole_periods
from patron.errors import DateError, SettingsError, TableError, counted
from patron.progress import Progress, silent
from patron.results import Printed
from patron.settings import Settings
from patron.settings.economics import WhatIfSettings
from patron.settings.inputs import read_records, tell_rejected
from patron.storage.atomic_files import check_target, write_frame
from patron.tables.engine import open_engine

__all__ = ["WhatIfResult", "what_if"]

_FROM_TABLES = ("customers", "acquisition", "revenue", "profit")


@dataclass(frozen=True, slots=True)
class WhatIfResult:
    """What `what_if` found.

    Attributes
    ----------
    found
        see :class:`patron.economics.decisions.what_if.WhatIf`
    business
        today
    retention
        (n_draws,) share who stay each year
    change
        what changes
    basis
        where today's numbers come from, in a sentence
    written
        the files that were written
    """

    found: WhatIf
    business: Business
    retention: npt.NDArray[np.float64]
    change: Change
    basis: str
    written: tuple[Path, ...] = ()

    @property
    def table(self) -> pd.DataFrame:
        """The paths for people to read: year by year, today beside changed; means."""
        wide = self.found.paths.pivot_table(index="year", columns="scenario")
        shown = [
            (name, scenario)
            for name in ("customers", "revenue", "profit")
            for scenario in ("today", "changed")
        ]
        table = wide[shown]
        table.columns = [f"{name}, {scenario}" for name, scenario in shown]
        counts = [name for name in table.columns if name.startswith("customers")]
        return table.round(dict.fromkeys(counts, 0)).reset_index()

    def title(self) -> str:
        """What the table shows."""
        return f"What if: {self.change}"

    def findings(self) -> list[str]:
        """What the change is worth, in words."""
        found, rate = self.found, self.retention
        years = counted(int(found.paths["year"].max()), "year")
        return [
            self.basis,
            f"Today {rate.mean():.1%} stay each year; the change makes it "
            f"{self.change.retained(rate).mean():.1%}.",
            f"Over {years} it is worth {found.worth:,.2f} in money of today, between {found.worth_low:,.2f} "
            f"and {found.worth_high:,.2f} with 80% probability: the most that may be paid for it.",
        ]

    def printed(self) -> Printed:
        """What a terminal shows."""
        yield f"{self.title()}; money of each year, means: --out writes them with intervals", self.table
        yield from self.sentences()

    def sentences(self) -> list[str]:
        """What was found and written, in words."""
        lines = self.findings()
        for row in self.found.doubling.to_dict("records"):
            if np.isfinite(row["years"]):
                lines.append(f"The base doubles in {row['years']:.1f} years ({row['scenario']}).")
            else:
                lines.append(f"No doubling time ({row['scenario']}): {row['reason']}.")
        return [*lines, *(f"Written: {path}" for path in self.written)]

    def to_dict(self) -> dict[str, Any]:
        """All of it as plain values."""
        found = self.found
        return {
            "change": str(self.change),
            "basis": self.basis,
            "retention": float(self.retention.mean()),
            "worth": found.worth,
            "worth_low": found.worth_low,
            "worth_high": found.worth_high,
            "doubling": found.doubling.to_dict("records"),
            "paths": found.paths.to_dict("records"),
            "written": [str(path) for path in self.written],
        }


def what_if(settings: Settings, *, progress: Progress = silent) -> WhatIfResult:
    """What a change of retention or cost would do; also as a file if one is named.

    Raises
    ------
    SettingsError
        nothing changes, points and per cent are both given, a number is missing, or the cost
        would fall below nought
    TableError
        nobody was active a year ago
    DateError
        the data hold no twelve whole months

    Examples
    --------
    >>> numbers = {"customers": 1000, "retention": 0.8, "acquisition": 0.2, "revenue": 100, "profit": 40}
    >>> print(what_if(Settings(what_if={**numbers, "retention_points": 10})).sentences()[-1])
    The base doubles in 7.3 years (changed).
    """
    chosen = settings.what_if
    change = _change(chosen)
    target = None if chosen.out is None else check_target(chosen.out)
    if settings.tables.transactions is None:
        business, retention, basis = _given(chosen)
    else:
        progress("Reading the tables")
        business, retention, basis = _counted(settings, progress)
    fall = chosen.cost_down or chosen.cost_down_percent or 0.0
    if (chosen.cost_down or 0.0) > chosen.cost or (chosen.cost == 0 and fall):
        raise SettingsError(
            f"Keeping a customer costs {chosen.cost:,.2f} a year, which cannot fall by {fall:g}. Give the "
            "cost with --cost, or a smaller fall."
        )
    found = follow(
        business, retention, change, years=chosen.years, annual_discount_rate=settings.annual_discount_rate
    )
    result = WhatIfResult(found, business, np.atleast_1d(retention), change, basis)
    if target is None:
        return result
    progress(f"Writing {target}")
    return replace(result, written=(write_frame(found.paths, target),))


def _change(chosen: WhatIfSettings) -> Change:
    for one, other in (("retention_points", "retention_percent"), ("cost_down", "cost_down_percent")):
        if getattr(chosen, one) is not None and getattr(chosen, other) is not None:
            raise SettingsError(f"{one} and {other} say two things about one number. Give one of them.")
    retention: Points | Percent | None = None
    if chosen.retention_points is not None:
        retention = Points(chosen.retention_points)
    elif chosen.retention_percent is not None:
        retention = Percent(chosen.retention_percent)
    cost: float | Percent | None = chosen.cost_down
    if chosen.cost_down_percent is not None:
        cost = Percent(chosen.cost_down_percent)
    if retention is None and cost is None:
        raise SettingsError(
            "what-if needs a change: --retention-points, --retention-percent, --cost-down or "
            "--cost-down-percent."
        )
    return Change(retention=retention, cost_down=cost)


def _given(chosen: WhatIfSettings) -> tuple[Business, npt.NDArray[np.float64], str]:
    missing = [name for name in (*_FROM_TABLES, "retention") if getattr(chosen, name) is None]
    if missing:
        raise SettingsError(
            f"what-if needs {', '.join(missing)}: give them as flags, or --transactions to count them."
        )
    numbers = {name: getattr(chosen, name) for name in _FROM_TABLES}
    return _business(chosen, numbers), np.array([chosen.retention]), "Today's numbers are as given."


def _counted(settings: Settings, progress: Progress) -> tuple[Business, npt.NDArray[np.float64], str]:
    """The business of the last twelve whole months, and draws of the share who stayed."""
    chosen = settings.what_if
    records = read_records(settings, "transactions", "subscriptions", connection=open_engine())
    tell_rejected(records.report)
    held = records.report["transactions"]
    assert held.first_day is not None  # the table has a valid row, and every row has a day
    assert held.last_day is not None
    months = whole_periods(held.first_day, settings.as_of or held.last_day, "month")[-12:]
    if len(months) < 12:
        raise DateError(
            f"The data hold {counted(len(months), 'whole month')}, and retention is by the year. Give twelve "
            "months, or the numbers as flags."
        )
    progress("Counting who stayed")
    base = monthly_base(records, months, margin=settings.margin, active_within=chosen.active_within_days)
    each, last = base.each, len(months)
    began, ended = each.active & 1, (each.active >> last) & 1
    sums_of_all = each.aggregate(
        began=began.sum().cast("int64"),
        ended=ended.sum().cast("int64"),
        kept=(began * ended).sum().cast("int64"),
    ).to_pandas()
    at_start, at_end, kept = (int(sums_of_all[name].fillna(0).iloc[0]) for name in ("began", "ended", "kept"))
    if at_start == 0:
        raise TableError(
            f"Nobody was active on {months[0].before}, a year before the last day, so that nobody could stay."
        )
    sums = base.segments[["revenue", "margin"]].sum()
    mean = max((at_start + at_end) / 2, 1)
    numbers = {
        "customers": float(at_end),
        "acquisition": (at_end - kept) / at_start,
        "revenue": max(float(sums["revenue"]) / mean, 0.0),
        "profit": float(sums["margin"]) / mean,
    }
    numbers |= {name: getattr(chosen, name) for name in _FROM_TABLES if getattr(chosen, name) is not None}
    retention = retention_draws(kept, at_start - kept, random_state=settings.seed)
    if chosen.retention is not None:
        retention = np.array([chosen.retention])
    basis = (
        f"From {months[0].start} to {months[-1].end}: {kept:,} of {counted(at_start, 'customer')} stayed, "
        f"{at_end - kept:,} came or came back."
    )
    if chosen.cost > 0:
        basis += f" Keeping a customer costs {chosen.cost:,.2f} a year."
    return _business(chosen, numbers), retention, basis


def _business(chosen: WhatIfSettings, numbers: dict[str, Any]) -> Business:
    named = {"margin" if name == "profit" else name: value for name, value in numbers.items()}
    return Business(**named, cost=chosen.cost, acquisition_cost=chosen.acquisition_cost)
