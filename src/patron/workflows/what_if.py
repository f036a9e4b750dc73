"""Tables or figures → the effect of more retention, or less cost, on customers, revenue and profit."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from patron.arrays import Floats
from patron.economics.decisions.last_year import count_last_year
from patron.economics.decisions.what_if import Business, Change, WhatIf
from patron.economics.decisions.what_if import what_if as project
from patron.errors import SettingsError, counted
from patron.progress import Progress, silent
from patron.results import Printed, plain_fields
from patron.settings import Settings
from patron.settings.inputs import read_records, warn_of_rejected
from patron.storage.atomic_files import check_target, write_frame
from patron.tables.engine import open_engine

__all__ = ["WhatIfResult", "what_if"]

_FIGURES = {
    **{name: name for name in ("customers", "acquisition", "revenue", "retention")},
    "profit": "margin",
}
"""Settings of the figures of today → names in `Business`."""


@dataclass(frozen=True, slots=True)
class WhatIfResult:
    """The result of `what_if`.

    Attributes
    ----------
    found
        see :class:`patron.economics.decisions.what_if.WhatIf`
    business
        figures of today
    retention
        (n_draws,) share who stay each year
    change
        the change
    basis
        source of today's figures, in a sentence
    written
        files written
    """

    found: WhatIf
    business: Business
    retention: Floats
    change: Change
    basis: str
    written: tuple[Path, ...] = ()

    @property
    def table(self) -> pd.DataFrame:
        """Mean paths by year, today and changed, for display."""
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
        """Title of the table."""
        return f"What if: {self.change}"

    def findings(self) -> list[str]:
        """The basis and the present value of the change, in sentences."""
        found, rate = self.found, self.retention
        years = counted(int(found.paths["year"].max()), "year")
        return [
            self.basis,
            f"Today {rate.mean():.1%} stay each year; the change makes it "
            f"{self.change.retained(rate).mean():.1%}.",
            f"Its present value over {years} is {found.present_value:,.2f}, with 80% probability between "
            f"{found.present_value_low:,.2f} and {found.present_value_high:,.2f}: the most it may cost.",
        ]

    def printed(self) -> Printed:
        """What a terminal shows."""
        yield f"{self.title()}; money of each year, means: --out writes them with intervals", self.table
        yield from self.sentences()

    def sentences(self) -> list[str]:
        """The findings and the files written, in sentences."""
        lines = self.findings()
        for row in self.found.doubling.to_dict("records"):
            if np.isfinite(row["years"]):
                lines.append(f"The base doubles in {row['years']:.1f} years ({row['scenario']}).")
            else:
                lines.append(f"No doubling time ({row['scenario']}): {row['reason']}.")
        return [*lines, *(f"Written: {path}" for path in self.written)]

    def to_dict(self) -> dict[str, Any]:
        """The result as plain values."""
        present = ("present_value", "present_value_low", "present_value_high")
        return {
            "change": str(self.change),
            "basis": self.basis,
            "retention": float(self.retention.mean()),
            **plain_fields(self.found, *present, "doubling", "paths"),
            **plain_fields(self, "written"),
        }


def what_if(settings: Settings, *, progress: Progress = silent) -> WhatIfResult:
    """The effect of a change of retention or cost; also as a file if `what_if.out` names one.

    Parameters
    ----------
    settings
        `what_if` with the change and, without `tables`, the figures of today; as_of, margin,
        annual_discount_rate and seed
    progress
        called with each step as it begins

    Raises
    ------
    SettingsError
        nothing changes, points and per cent are both given, a figure is missing, or the cost
        would fall below 0
    TableError
        no customer was active a year ago
    DateError
        there are fewer than twelve whole months of data

    Examples
    --------
    >>> numbers = {"customers": 1000, "retention": 0.8, "acquisition": 0.2, "revenue": 100, "profit": 40}
    >>> print(what_if(Settings(what_if={**numbers, "retention_points": 10})).sentences()[-1])
    The base doubles in 7.3 years (changed).
    """
    chosen = settings.what_if
    change = Change.of(
        **chosen.model_dump(
            include={"retention_points", "retention_percent", "cost_down", "cost_down_percent"}
        )
    )
    target = None if chosen.out is None else check_target(chosen.out)
    given = _figures_given(chosen.model_dump(include={*_FIGURES}))
    if settings.tables.transactions is None:
        _refuse_missing(given)
        figures, retention, basis = given, np.array([given["retention"]]), "Today's figures are as given."
    else:
        progress("Reading the tables")
        records = read_records(settings, "transactions", "subscriptions", connection=open_engine())
        warn_of_rejected(records.report)
        progress("Counting who stayed")
        year = count_last_year(
            records, settings.as_of, margin=settings.margin, active_within=chosen.active_within_days
        )
        figures, basis = year.figures | given, year.sentence()
        retention = np.array([given["retention"]]) if "retention" in given else year.retention(settings.seed)
        if chosen.cost > 0:
            basis += f" Keeping a customer costs {chosen.cost:,.2f} a year."
    change.check_cost(chosen.cost)
    business = Business(
        **{name: figures[name] for name in ("customers", "acquisition", "revenue", "margin")},
        cost=chosen.cost,
        acquisition_cost=chosen.acquisition_cost,
    )
    found = project(
        business, retention, change, years=chosen.years, annual_discount_rate=settings.annual_discount_rate
    )
    result = WhatIfResult(found, business, retention, change, basis)
    if target is None:
        return result
    progress(f"Writing {target}")
    return replace(result, written=(write_frame(found.paths, target),))


def _figures_given(settings: Mapping[str, float | None]) -> dict[str, float]:
    """The figures of today that are set, named as in `Business`, where profit is the margin."""
    return {_FIGURES[name]: figure for name, figure in settings.items() if figure is not None}


def _refuse_missing(given: Mapping[str, float]) -> None:
    missing = [name for name, field in _FIGURES.items() if field not in given]
    if missing:
        raise SettingsError(
            f"what-if needs {', '.join(missing)}. Give them as flags, or --transactions to count them."
        )
