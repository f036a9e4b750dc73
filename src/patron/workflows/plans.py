"""Contracts → a monthly against an annual plan, under the renewals that they show."""

from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import ibis.expr.types as ir
import pandas as pd

from patron.economics.decisions.plans import PlanComparison, PlanTerms, compare_plans
from patron.errors import DateError, SettingsError, TableError, counted
from patron.models.renewal.contracts import contracts_of_subscriptions
from patron.models.renewal.model import RenewalModel
from patron.progress import Progress, silent
from patron.results import Printed
from patron.settings import Settings
from patron.settings.economics import PlansSettings
from patron.settings.inputs import read_records
from patron.storage.atomic_files import check_target, write_frame
from patron.tables.daily_activity import known_days
from patron.tables.report import combine_rejected

__all__ = ["PlansResult", "plans"]

_MONTH, _YEAR = (28, 31), (364, 366)  # days of a period
_ENOUGH = 200  # annual contracts, for a fit of their own
_FAILED = "fail"  # in the reason of an end: a payment failed for good
_SHOWN_RENEWALS = (0, 1, 3, 6, 12, 24, 36)


@dataclass(frozen=True, slots=True)
class PlansResult:
    """What `plans` found.

    Attributes
    ----------
    comparison
        see :class:`patron.economics.decisions.plans.PlanComparison`
    terms
        what was compared
    curve
        survival and retention of monthly contracts, month by month, beside a constant rate
    lifetimes
        by renewals made so far, the discounted months still to come, and what a constant rate says
    n_monthly, n_annual
        contracts that the renewals were learned from
    report
        what was read, in sentences
    rejected
        rows of the contracts that break a rule
    written
        the files that were written
    """

    comparison: PlanComparison
    terms: PlanTerms
    curve: pd.DataFrame
    lifetimes: pd.DataFrame
    n_monthly: int
    n_annual: int
    report: list[str]
    rejected: pd.DataFrame
    written: tuple[Path, ...] = ()

    @property
    def table(self) -> pd.DataFrame:
        """The plans for people to read."""
        shown = {
            "plan": "plan",
            "present_value": "worth",
            "present_value_low": "low (80%)",
            "present_value_high": "high (80%)",
            "payments": "payments",
            "refunds": "refunds",
            "cost_to_serve": "service",
            "lost_to_failed_payments": "lost to failures",
            "left_voluntarily": "left by wish",
            "left_involuntarily": "left by failure",
        }
        table: pd.DataFrame = self.comparison.plans[list(shown)].rename(columns=shown)
        return table

    @property
    def in_short(self) -> pd.DataFrame:
        """What either plan is worth, with its 80 % interval."""
        shown = ["plan", "worth", "low (80%)", "high (80%)"]
        table: pd.DataFrame = self.table.iloc[[0, -1]][shown].reset_index(drop=True)
        return table

    def title(self) -> str:
        """What the table of plans shows."""
        years = int(self.comparison.cash["month"].max()) // 12
        return (
            f"{self.terms.monthly_price:,.2f} a month or {self.terms.annual_price:,.2f} a year, per signed "
            f"customer over {counted(years, 'year')}; money of today"
        )

    def printed(self) -> Printed:
        """What a terminal shows."""
        yield self.title(), self.table
        yield "Discounted months still to come, next to those at a constant rate", self.lifetimes
        yield from self.sentences()

    def sentences(self) -> list[str]:
        """What was read, found and written, in words."""
        return [*self.report, *self.findings(), *(f"Written: {path}" for path in self.written)]

    def findings(self) -> list[str]:
        """What was found, in words."""
        last = self.lifetimes.iloc[-1]
        return [
            f"Renewals were learned from {counted(self.n_monthly, 'monthly contract')} and "
            f"{counted(self.n_annual, 'annual contract')}.",
            f"After {last['renewals']:.0f} renewals a monthly customer is worth "
            f"{last['ratio']:.1f} times what the first retention rate says.",
            *self.comparison.sentences(),
        ]

    def to_dict(self) -> dict[str, Any]:
        """All of it as plain values."""
        found = self.comparison
        return {
            "plans": found.plans.to_dict("records"),
            "cash": found.cash.to_dict("records"),
            "survival": self.curve.to_dict("records"),
            "lifetimes": self.lifetimes.to_dict("records"),
            "break_even_annual_price": found.break_even_annual_price,
            "break_even_discount": found.break_even_discount,
            "gain_per_switcher": found.gain_per_switcher,
            "apparent_gain": found.apparent_gain,
            "share_to_switch": found.share_to_switch,
            "reason": found.reason,
            "ahead_until_month": found.ahead_until,
            "contracts": {"monthly": self.n_monthly, "annual": self.n_annual},
            "rejected": len(self.rejected),
            "written": [str(path) for path in self.written],
        }


def plans(settings: Settings, *, progress: Progress = silent) -> PlansResult:
    """A monthly against an annual plan; also as files if one is named.

    Raises
    ------
    SettingsError
        subscriptions are not named, or a price is neither given nor in the contracts
    TableError
        there is no monthly contract
    DateError
        none had begun on as_of

    Examples
    --------
    >>> from patron.datasets.simulate import simulate
    >>> shop = simulate(600, days=730)
    >>> chosen = Settings(tables={"subscriptions": shop.subscriptions}, inference="laplace", as_of=shop.as_of)
    >>> found = plans(chosen)
    >>> found.terms.monthly_price, found.terms.annual_price
    (9.0, 90.0)
    """
    if settings.tables.subscriptions is None:
        raise SettingsError("plans needs the table 'subscriptions': give it with --subscriptions FILE.")
    chosen = settings.plans
    target = None if chosen.out is None else check_target(chosen.out)
    progress("Reading the contracts")
    records = read_records(settings, "subscriptions")
    table = records["subscriptions"]
    if "period_days" not in table.columns:
        raise TableError(
            "table 'subscriptions' lacks 'period_days', so that nobody knows when a contract renews. Map it "
            'with --column subscriptions.period_days="Your name".'
        )
    ends = {} if "ended_at" in table.columns else {"ended_at": pd.NaT}
    contracts = contracts_of_subscriptions(
        table.to_pandas().assign(**ends), settings.as_of or _last_day(table)
    )
    if contracts.empty:
        first = records.report["subscriptions"].first_day
        raise DateError(f"No contract had begun on {settings.as_of}: the first began on {first}.")
    monthly, annual = (contracts[contracts["period_days"].between(*days)] for days in (_MONTH, _YEAR))
    if monthly.empty:
        raise TableError(
            "table 'subscriptions' has no contract that renews each month (period_days 28 to 31). Compare "
            "plans where some customers pay by the month."
        )
    terms = _terms(chosen, contracts, monthly, annual)  # before the fit: a price may be missing
    progress("Fitting the renewals")
    model = RenewalModel(inference=settings.inference, random_state=settings.seed).fit(_willing(monthly))
    own = None
    if len(annual) >= _ENOUGH and annual["renewals"].sum() > 0 and annual["ended"].any():
        own = RenewalModel(inference=settings.inference, random_state=settings.seed).fit(_willing(annual))
    rate = settings.annual_discount_rate
    result = PlansResult(
        comparison=compare_plans(
            model, terms, years=chosen.years, annual_discount_rate=rate, annual_model=own
        ),
        terms=terms,
        curve=model.curve(12 * chosen.years),
        lifetimes=model.residual_lifetime(
            pd.DataFrame({"renewals": _SHOWN_RENEWALS}),
            rate,
            periods_per_year=12,
            periods=None if rate else 600,
        ),
        n_monthly=len(monthly),
        n_annual=len(annual),
        report=records.report.sentences(),
        rejected=records.rejected("subscriptions"),
    )
    return result if target is None else replace(result, written=_write(result, target, progress))


def _terms(
    chosen: PlansSettings, contracts: pd.DataFrame, monthly: pd.DataFrame, annual: pd.DataFrame
) -> PlanTerms:
    """What is compared: as the settings say, else as the contracts tell."""
    return PlanTerms(
        monthly_price=chosen.monthly_price or _price(monthly, "monthly_price"),
        annual_price=chosen.annual_price or _price(annual, "annual_price"),
        failed_payments=_failing(monthly) if chosen.failed_payments is None else chosen.failed_payments,
        signed=len(contracts),
        selection=chosen.churn_odds_ratio,
        **chosen.model_dump(include={"cost_to_serve", "payment_fee", "paused", "refunded", "fixed_cost"}),
    )


def _willing(contracts: pd.DataFrame) -> pd.DataFrame:
    """The contracts as far as the wish to stay goes: who was lost to a failed payment had not left."""
    return contracts.assign(ended=contracts["ended"].where(~_failed(contracts), 0))


def _failed(contracts: pd.DataFrame) -> "pd.Series[bool]":
    if "cancel_reason" not in contracts.columns:
        return pd.Series(False, index=contracts.index)
    return (
        contracts["cancel_reason"]
        .astype("string")
        .str.contains(_FAILED, case=False)
        .fillna(False)
        .astype(bool)
    )


def _failing(monthly: pd.DataFrame) -> float:
    """Share of the payments of monthly contracts that failed for good."""
    payments = float((monthly["renewals"] + 1).sum())
    return float((_failed(monthly) & (monthly["ended"] == 1)).sum()) / payments


def _price(contracts: pd.DataFrame, name: str) -> float:
    prices = contracts["price"].dropna() if "price" in contracts.columns else pd.Series(dtype="float64")
    if prices.empty or not prices.astype("float64").mean() > 0:
        raise SettingsError(
            f"plans needs {name}: no contract tells it. Give it with --{name.replace('_', '-')}."
        )
    return float(prices.astype("float64").mean())


def _last_day(contracts: ir.Table) -> date:
    """The last day on which a contract began or ended; an end that lies ahead is a plan."""
    return known_days("subscriptions", {"subscriptions": contracts}, contracts, date.today())[-1]


def _write(result: PlansResult, target: Path, progress: Progress) -> tuple[Path, ...]:
    progress(f"Writing {target}")
    beside = {"cash": result.comparison.cash, "survival": result.curve}
    if len(result.rejected):
        beside["rejected"] = combine_rejected({"subscriptions": result.rejected})
    written = [write_frame(result.comparison.plans, target)]
    for name, table in beside.items():
        written.append(write_frame(table, target.with_name(f"{target.stem}-{name}{target.suffix}")))
    return tuple(written)
