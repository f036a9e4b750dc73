"""Tables → the indicators of the customer base by period, and acquisition cost and value by channel."""

from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd

from patron.economics.kpis.channels import ALL, channels_of_base, rule_of_three_sentences
from patron.economics.kpis.customer_base import KpiRules, choose_tables, days_known, read_base
from patron.economics.kpis.indicators import KPIS, indicators
from patron.economics.kpis.simple_clv import max_spend_per_point, simple_clvs
from patron.economics.periods import choose_days
from patron.economics.scorecards import read_growth_potential
from patron.errors import SettingsError, counted
from patron.progress import Progress, silent
from patron.results import Printed, plain_fields
from patron.settings import Settings
from patron.settings.inputs import read_records
from patron.storage.atomic_files import check_target, write_frames
from patron.tables.engine import open_engine
from patron.tables.report import DataReport, combine_rejected

__all__ = ["KpisResult", "kpis"]

TABLES = (
    *("transactions", "subscriptions", "customers", "leads", "lead_events"),
    *("surveys", "costs", "contacts"),
)
_IN_SHORT = (
    *("new_customers", "active_customers", "churn_rate", "net_growth_rate", "sales_per_customer_mean"),
    "net_revenue_retention",
)
MEMORY = "2GB"  # of the engine; Python and its libraries need about half as much again


@dataclass(frozen=True, slots=True)
class KpisResult:
    """The result of `kpis`.

    Attributes
    ----------
    rows
        one row per period and indicator, see :func:`patron.economics.kpis.indicators.indicators`
    acquisition
        one row per channel and cohort, see :func:`patron.economics.kpis.channels.acquisition_by_channel`;
        empty without transactions and customers
    values
        CLV by simple formulas and by the model, see :func:`patron.economics.kpis.simple_clv.simple_clvs`
    max_spend_per_point
        money, the most that raising retention by one point may cost per active customer; None without
        scores
    report
        the content of each table
    rejected
        one row per rejected row of any table, as text: `table`, `rule`, then the columns as read
    first_known
        the first day of the data
    rules
        the rules of counting
    by_contract
        whether contracts define who is active
    written
        files written
    """

    rows: pd.DataFrame
    acquisition: pd.DataFrame
    values: pd.DataFrame
    max_spend_per_point: float | None
    report: DataReport
    rejected: pd.DataFrame
    first_known: date
    rules: KpiRules
    by_contract: bool
    written: tuple[Path, ...] = ()

    @property
    def latest(self) -> pd.DataFrame:
        """The indicators of the last period, for display."""
        last = self.rows["period_start"] == self.rows["period_start"].max()
        shown = ["kpi", "value", "low", "high", "n", "reason"]
        table: pd.DataFrame = self.rows.loc[last, shown].reset_index(drop=True)
        return table

    @property
    def in_short(self) -> pd.DataFrame:
        """A few indicators of every period, for display: one row per period."""
        columns = {"from": self.rows["period_start"].unique()}
        for name in _IN_SHORT:
            columns[name] = self.rows.loc[self.rows["kpi"] == name, "value"].to_numpy()
        return pd.DataFrame(columns)

    @property
    def by_channel(self) -> pd.DataFrame:
        """Acquisition cost and value by channel, for display."""
        if not len(self.acquisition):
            return self.acquisition
        shown = [
            *("channel", "customers", "cac", "margin_so_far", "value", "value_to_cost", "payback_months"),
            "max_acquisition_cost",
        ]
        table: pd.DataFrame = self.acquisition.loc[self.acquisition["cohort"] == ALL, shown]
        return table.reset_index(drop=True)

    def title(self) -> str:
        """Title of the table of the last period."""
        start, end = self.rows["period_start"].max(), self.rows["period_end"].max()
        return f"{start} to {end}; shares as fractions, money of the input, 95% intervals"

    def printed(self) -> Printed:
        """What a terminal shows."""
        yield self.title(), self.latest
        if len(self.acquisition):
            yield "Cost of acquisition and margin so far, money per customer by channel", self.by_channel
        if len(self.values):
            yield "Simple CLV, money per customer, next to the model's", self.values
        yield from self.sentences()

    def sentences(self) -> list[str]:
        """The tables, the rules, and caveats, in sentences."""
        rule = (
            "customers with a running contract are active"
            if self.by_contract
            else f"customers are active for {self._within} after each purchase"
        )
        periods = self.rows["period_start"].nunique()
        lines = [
            *self.report.sentences(),
            f"{counted(periods, f'whole {self.rules.every}')} from "
            f"{self.rows['period_start'].min()} to {self.rows['period_end'].max()}; {rule}.",
        ]
        blind = (pd.Timestamp(self.rows["period_start"].min()) - pd.Timestamp(self.first_known)).days
        if blind < (0 if self.by_contract else self.rules.active_within_days):
            lines.append(
                f"The data begin on {self.first_known}: in the first {self.rules.every}s, older customers "
                "look new, and fewer customers look active at the start than were."
            )
        return [
            *lines,
            *rule_of_three_sentences(self.acquisition),
            *(f"Written: {path}" for path in self.written),
        ]

    @property
    def _within(self) -> str:
        return counted(self.rules.active_within_days, "day")

    def to_dict(self) -> dict[str, Any]:
        """The result as plain values."""
        return {
            **plain_fields(self, indicators="rows", acquisition="acquisition", lifetime_values="values"),
            "max_spend_per_point": self.max_spend_per_point,
            "definitions": KPIS,
            "rule": "contract" if self.by_contract else f"active within {self._within}",
            **plain_fields(self, "first_known"),
            "tables": self.report.to_dict(),
            **plain_fields(self, "written"),
        }


def kpis(settings: Settings, *, progress: Progress = silent) -> KpisResult:
    """The indicators of the customer base; also as a file if `kpis.out` names one.

    The table of channels and cohorts and the rejected rows, if any, are written next to `kpis.out`.

    Parameters
    ----------
    settings
        `tables` and `kpis`; activity, margin and annual_discount_rate
    progress
        called with each step as it begins

    Raises
    ------
    InputError
        neither transactions nor subscriptions are given, or not the table of the activity, or a table
        cannot be used
    DateError
        no whole period lies between the first and the last day

    Examples
    --------
    >>> sales = pd.DataFrame({"customer_id": [7, 8], "order_at": ["2024-05-01", "2024-05-30"], "amount": 9.5})
    >>> chosen = Settings(tables={"transactions": sales}, kpis={"first": "2024-05-01", "last": "2024-05-31"})
    >>> found = kpis(chosen).rows.set_index("kpi")
    >>> found.loc["new_customers", "value"], found.loc["churn_rate", "reason"]
    (np.float64(2.0), 'no customer was active at the start')
    """
    chosen = settings.kpis
    target = None if chosen.out is None else check_target(chosen.out)
    if settings.tables.transactions is None and settings.tables.subscriptions is None:
        raise SettingsError("kpis needs transactions or subscriptions. Give at least one of the two.")
    progress("Reading the tables")
    engine = open_engine(memory_limit=MEMORY)
    records = read_records(settings, *TABLES, connection=engine)
    known = days_known(records)
    first, last = choose_days(chosen.first, chosen.last, known=known, table="data")
    rules = KpiRules(
        first=first,
        last=last,
        **chosen.model_dump(
            include={"every", "active_within_days", "lead_days", "acquisition_pools", "up_sell_threshold"}
        ),
    )
    progress("Finding out who was active when")
    base = read_base(choose_tables(records.tables, settings.activity), rules, engine)
    if chosen.scores is not None:
        base = base.with_scores(read_growth_potential(chosen.scores, base.spells, engine))
    progress(f"Counting {counted(len(base.periods), rules.every)}")
    rows = indicators(base, engine)
    progress("Pricing the acquisition of customers")
    result = KpisResult(
        rows=rows,
        acquisition=channels_of_base(base, margin=settings.margin),
        values=simple_clvs(
            base, rows, margin=settings.margin, annual_rate=settings.annual_discount_rate, years=chosen.years
        ),
        max_spend_per_point=max_spend_per_point(base),
        report=records.report,
        rejected=combine_rejected({name: records.rejected(name) for name in records.tables}),
        first_known=known[0],
        rules=rules,
        by_contract="subscriptions" in base.tables,
    )
    if target is None:
        return result
    progress(f"Writing {target}")
    tables = {"acquisition": result.acquisition, "rejected": result.rejected}
    beside = {name: table for name, table in tables.items() if len(table)}
    return replace(result, written=write_frames(target, result.rows, **beside))
