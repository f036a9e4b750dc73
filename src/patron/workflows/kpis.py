"""Tables → the indicators of the customer base by period, and what customers cost to win, by channel."""

from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import ibis.expr.types as ir
import numpy as np
import pandas as pd

from patron.economics.kpis.acquisition import ALL, acquisition_by_channel
from patron.economics.kpis.indicators import KPIS, CustomerBase, KpiRules, indicators, read_base
from patron.economics.kpis.simple_clv import latest_scores, mean_ahead, values_beside_model
from patron.errors import DateError, MissingColumnsError, SettingsError, counted
from patron.progress import Progress, silent
from patron.results import Printed
from patron.settings import Settings
from patron.settings.inputs import read_records, refuse_strangers
from patron.simple_value import RULE_OF_THREE, most_to_keep
from patron.storage.atomic_files import check_target, write_frame
from patron.tables.daily_activity import known_days
from patron.tables.engine import open_engine
from patron.tables.records import Records
from patron.tables.report import DataReport, combine_rejected
from patron.tables.source import open_source

__all__ = ["KpisResult", "kpis"]

TABLES = (
    *("transactions", "subscriptions", "customers", "leads", "lead_events"),
    *("surveys", "costs", "contacts"),
)
_IN_SHORT = (
    *("new_customers", "active_customers", "churn_rate", "net_growth_rate", "sales_per_customer_mean"),
    "net_revenue_retention",
)
_TABLE_OF = {"purchases": "transactions", "subscriptions": "subscriptions"}
MEMORY = "2GB"  # for the engine; Python and its libraries need another half


@dataclass(frozen=True, slots=True)
class KpisResult:
    """What `kpis` found.

    Attributes
    ----------
    rows
        one row per period and indicator, see :func:`patron.economics.kpis.indicators.indicators`
    acquisition
        one row per channel and cohort, see :func:`patron.economics.kpis.acquisition.acquisition_by_channel`;
        empty without transactions and customers
    values
        the simple lifetime values beside the model's, see :mod:`patron.simple_value`
    keep_a_point
        money, the most that one may pay per active customer to raise retention by one point; None
        without scores
    report
        what each table holds
    rejected
        one row per rejected row of any table, as text: `table`, `rule`, then the columns as they came
    first_known
        the first day of the data
    rules
        what counted as what
    by_contract
        whether contracts say who is active
    written
        the files that were written
    """

    rows: pd.DataFrame
    acquisition: pd.DataFrame
    values: pd.DataFrame
    keep_a_point: float | None
    report: DataReport
    rejected: pd.DataFrame
    first_known: date
    rules: KpiRules
    by_contract: bool
    written: tuple[Path, ...] = ()

    @property
    def latest(self) -> pd.DataFrame:
        """The indicators of the last period, for people to read."""
        last = self.rows["period_start"] == self.rows["period_start"].max()
        shown = ["kpi", "value", "low", "high", "n", "reason"]
        table: pd.DataFrame = self.rows.loc[last, shown].reset_index(drop=True)
        return table

    @property
    def in_short(self) -> pd.DataFrame:
        """A few indicators of every period, for people to read: one row per period."""
        columns = {"from": self.rows["period_start"].unique()}
        for name in _IN_SHORT:
            columns[name] = self.rows.loc[self.rows["kpi"] == name, "value"].to_numpy()
        return pd.DataFrame(columns)

    @property
    def by_channel(self) -> pd.DataFrame:
        """What customers cost to win by channel, for people to read."""
        if not len(self.acquisition):
            return self.acquisition
        shown = [
            *("channel", "customers", "cac", "margin_so_far", "value", "value_to_cost", "payback_months"),
            "most_to_acquire",
        ]
        table: pd.DataFrame = self.acquisition.loc[self.acquisition["cohort"] == ALL, shown]
        return table.reset_index(drop=True)

    def title(self) -> str:
        """What the table of the last period shows."""
        start, end = self.rows["period_start"].max(), self.rows["period_end"].max()
        return f"{start} to {end}; shares as fractions, money of the input, 95% intervals"

    def printed(self) -> Printed:
        """What a terminal shows."""
        yield self.title(), self.latest
        if len(self.acquisition):
            yield "Cost of acquisition and margin so far, money per customer by channel", self.by_channel
        if len(self.values):
            yield "Simple lifetime values, money per customer, next to the model's", self.values
        yield from self.sentences()

    def sentences(self) -> list[str]:
        """What was found, in words."""
        rule = (
            "who has a contract is active"
            if self.by_contract
            else f"active are customers for {self._within} from each purchase"
        )
        periods = self.rows["period_start"].nunique()
        told = [
            *self.report.sentences(),
            f"{counted(periods, f'whole {self.rules.every}')} from "
            f"{self.rows['period_start'].min()} to {self.rows['period_end'].max()}; {rule}.",
        ]
        blind = (pd.Timestamp(self.rows["period_start"].min()) - pd.Timestamp(self.first_known)).days
        if blind < (0 if self.by_contract else self.rules.active_within_days):
            told.append(
                f"The data begin on {self.first_known}: in the first {self.rules.every}s, customers won "
                "earlier look new, and fewer look active at the start than were."
            )
        return [
            *told,
            *_words_on_acquisition(self.acquisition),
            *(f"Written: {path}" for path in self.written),
        ]

    @property
    def _within(self) -> str:
        return counted(self.rules.active_within_days, "day")

    def to_dict(self) -> dict[str, Any]:
        """All of it as plain values."""
        return {
            "indicators": self.rows.to_dict("records"),
            "acquisition": self.acquisition.to_dict("records"),
            "lifetime_values": self.values.to_dict("records"),
            "most_to_keep_a_point": self.keep_a_point,
            "definitions": KPIS,
            "rule": "contract" if self.by_contract else f"active within {self._within}",
            "first_known": self.first_known.isoformat(),
            "tables": self.report.to_dict(),
            "written": [str(path) for path in self.written],
        }


def kpis(settings: Settings, *, progress: Progress = silent) -> KpisResult:
    """The indicators of the customer base; also as a file if one is named.

    Beside `kpis.out`, named after it, go the table of channels and cohorts and the rejected rows, where there
    are any.

    Raises
    ------
    InputError
        neither transactions nor subscriptions are named, or not that of the activity, or a table
        cannot be used
    DateError
        no whole period lies between the first and the last day

    Examples
    --------
    >>> sales = pd.DataFrame({"customer_id": [7, 8], "order_at": ["2024-05-01", "2024-05-30"], "amount": 9.5})
    >>> chosen = Settings(tables={"transactions": sales}, kpis={"first": "2024-05-01", "last": "2024-05-31"})
    >>> found = kpis(chosen).rows.set_index("kpi")
    >>> found.loc["new_customers", "value"], found.loc["churn_rate", "reason"]
    (np.float64(2.0), 'nobody was active at the start')
    """
    target = None if settings.kpis.out is None else check_target(settings.kpis.out)
    if settings.tables.transactions is None and settings.tables.subscriptions is None:
        raise SettingsError("kpis needs transactions or subscriptions: name at least one of the two.")
    progress("Reading the tables")
    engine = open_engine(memory_limit=MEMORY)
    records = read_records(settings, *TABLES, connection=engine)
    first_known, last_known = _days_known(records)
    rules = _rules(settings, first_known, last_known)
    progress("Finding out who was active when")
    base = read_base(_chosen(settings, records), rules, engine)
    if settings.kpis.scores is not None:
        scores = _read_scores(settings.kpis.scores, base, engine)
        base = replace(base, tables={**base.tables, "scores": scores})
    progress(f"Counting {counted(len(base.periods), rules.every)}")
    rows = indicators(base, engine)
    progress("Pricing how customers were won")
    ahead = mean_ahead(base)
    result = KpisResult(
        rows=rows,
        acquisition=_acquisition(base, settings),
        values=values_beside_model(
            base,
            rows,
            margin=settings.margin,
            annual_rate=settings.annual_discount_rate,
            years=settings.kpis.years,
        ),
        keep_a_point=None if np.isnan(ahead) else float(most_to_keep(ahead, 0.01)),
        report=records.report,
        rejected=combine_rejected({name: records.rejected(name) for name in records.tables}),
        first_known=first_known,
        rules=rules,
        by_contract="subscriptions" in base.tables,
    )
    return result if target is None else replace(result, written=_write(result, target, progress))


def _chosen(settings: Settings, records: Records) -> dict[str, ir.Table]:
    """The tables that count: contracts are left out where purchases shall say who is active."""
    if settings.activity == "engagement":
        raise SettingsError("kpis takes activity purchases or subscriptions, got 'engagement'.")
    if settings.activity is not None and _TABLE_OF[settings.activity] not in records.tables:
        raise SettingsError(
            f"activity {settings.activity!r} needs the table {_TABLE_OF[settings.activity]!r}."
        )
    leaves_out = "subscriptions" if settings.activity == "purchases" else None
    return {name: table for name, table in records.tables.items() if name != leaves_out}


def _rules(settings: Settings, first_known: date, last_known: date) -> KpiRules:
    chosen = settings.kpis
    if (chosen.first or first_known) > last_known or (chosen.last or last_known) < first_known:
        raise DateError(
            f"The data reach from {first_known} to {last_known}, and none of these days is among those that "
            "count. Choose other days with --from and --to."
        )
    return KpiRules(
        first=chosen.first or first_known,
        last=chosen.last or last_known,
        every=chosen.every,
        active_within_days=chosen.active_within_days,
        lead_days=chosen.lead_days,
        acquisition_pools=chosen.acquisition_pools,
        dearer=chosen.up_sell_threshold,
    )


def _days_known(records: Records) -> tuple[date, date]:
    """First and last day of purchases, or else of contracts, whose ends tell of a day, too."""
    if "transactions" not in records.tables:
        contracts = records["subscriptions"]
        first, _, last = known_days("subscriptions", {"subscriptions": contracts}, contracts, date.today())
        return first, last
    held = records.report["transactions"]
    assert held.first_day is not None  # the table has a valid row, and every row has a day
    assert held.last_day is not None
    return held.first_day, held.last_day


def _read_scores(source: Any, base: CustomerBase, engine: Any) -> ir.Table:
    """customer_id, as_of, growth_potential of a scorecard, the ids as in the other tables."""
    given = open_source(source, "scores", engine)
    wanted = {"customer_id", "as_of", "growth_potential"}
    if missing := wanted - set(given.columns):
        raise MissingColumnsError("scores", missing, given.columns)
    ids = base.spells.customer_id.type()
    scores: ir.Table = given.select(
        customer_id=given.customer_id.try_cast(ids),
        as_of=given.as_of.try_cast("date"),
        growth_potential=given.growth_potential.try_cast("float64"),
    )
    refuse_strangers(scores, base.spells)
    return scores


def _acquisition(base: CustomerBase, settings: Settings) -> pd.DataFrame:
    customers, scores = base.tables.get("customers"), base.tables.get("scores")
    if base.days is None or customers is None:
        return pd.DataFrame()
    return acquisition_by_channel(
        base.days,
        base.spells,
        customers,
        base.rules.every,
        margin=settings.margin,
        first=base.periods[0].start,
        last=base.periods[-1].end,
        scores=None if scores is None else latest_scores(scores),
    )


def _write(result: KpisResult, target: Path, progress: Progress) -> tuple[Path, ...]:
    progress(f"Writing {target}")
    written = [write_frame(result.rows, target)]
    for name, table in (("acquisition", result.acquisition), ("rejected", result.rejected)):
        if len(table):
            written.append(write_frame(table, target.with_name(f"{target.stem}-{name}{target.suffix}")))
    return tuple(written)


def _words_on_acquisition(table: pd.DataFrame) -> list[str]:
    """How many cohorts meet the rule of three, which is a rule and no law."""
    if not len(table) or not table["meets_rule_of_three"].notna().any():
        return []
    judged = table.loc[table["cohort"] != ALL, "meets_rule_of_three"].dropna()
    known = counted(len(judged), "cohort of a channel", "cohorts of channels")
    return [
        f"Worth {RULE_OF_THREE:.0f} times what they cost to win, or more: {int(judged.sum())} of {known} "
        "with a known cost. Three to one is a rule of thumb: what one may pay at most is the value itself."
    ]
