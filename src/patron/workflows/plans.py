"""Contracts → a monthly against an annual plan, given the renewals of the contracts."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from patron.economics.decisions.plan_cash import PlanTerms
from patron.economics.decisions.plan_contracts import read_plan_contracts
from patron.economics.decisions.plans import PlanComparison, compare_plans
from patron.errors import SettingsError, counted
from patron.progress import Progress, silent
from patron.results import Printed, plain_fields
from patron.settings import Settings
from patron.settings.inputs import read_records
from patron.storage.atomic_files import check_target, write_frames
from patron.tables.report import combine_rejected

__all__ = ["PlansResult", "plans"]

_SHOWN_RENEWALS = (0, 1, 3, 6, 12, 24, 36)


@dataclass(frozen=True, slots=True)
class PlansResult:
    """The result of `plans`.

    Attributes
    ----------
    comparison
        see :class:`patron.economics.decisions.plans.PlanComparison`
    terms
        the terms compared
    curve
        survival and retention of monthly contracts by month, with those of a constant rate
    lifetimes
        discounted months still to come by renewals made so far, and those of a constant rate
    n_monthly, n_annual
        contracts of each kind
    report
        the tables read, in sentences
    rejected
        rows of the contracts that failed validation
    written
        files written
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
        """The plans, for display."""
        shown = {
            "plan": "plan",
            "present_value": "present value",
            "present_value_low": "low (80%)",
            "present_value_high": "high (80%)",
            "payments": "payments",
            "refunds": "refunds",
            "cost_to_serve": "service",
            "lost_to_failed_payments": "lost to failed payments",
            "left_voluntarily": "left voluntarily",
            "left_involuntarily": "left involuntarily",
        }
        return self.comparison.plans[list(shown)].rename(columns=shown)

    @property
    def in_short(self) -> pd.DataFrame:
        """The present value of either plan, with its 80 % interval, for display."""
        shown = ["plan", "present value", "low (80%)", "high (80%)"]
        return self.table.iloc[[0, -1]][shown].reset_index(drop=True)

    def title(self) -> str:
        """Title of the table of plans."""
        years = int(self.comparison.cash["month"].max()) // 12
        return (
            f"{self.terms.monthly_price:,.2f} a month or {self.terms.annual_price:,.2f} a year, per signed "
            f"customer over {counted(years, 'year')}; discounted to today"
        )

    def printed(self) -> Printed:
        """What a terminal shows."""
        yield self.title(), self.table
        yield "Discounted months still to come, next to those at a constant rate", self.lifetimes
        yield from self.sentences()

    def sentences(self) -> list[str]:
        """The tables read, the findings and the files written, in sentences."""
        return [*self.report, *self.findings(), *(f"Written: {path}" for path in self.written)]

    def findings(self) -> list[str]:
        """The findings, in sentences."""
        last = self.lifetimes.iloc[-1]
        return [
            f"Renewals were estimated from {counted(self.n_monthly, 'monthly contract')} and "
            f"{counted(self.n_annual, 'annual contract')}.",
            f"After {last['renewals']:.0f} renewals a monthly customer has {last['ratio']:.1f} times the "
            "lifetime that the first retention rate implies.",
            *self.comparison.sentences(),
        ]

    def to_dict(self) -> dict[str, Any]:
        """The result as plain values."""
        figures = ("break_even_annual_price", "break_even_discount", "gain_per_switcher", "apparent_gain")
        return {
            **plain_fields(self.comparison, "plans", "cash"),
            **plain_fields(self, survival="curve", lifetimes="lifetimes"),
            **plain_fields(
                self.comparison, *figures, "share_to_switch", "reason", ahead_until_month="ahead_until"
            ),
            "contracts": {"monthly": self.n_monthly, "annual": self.n_annual},
            "rejected": len(self.rejected),
            **plain_fields(self, "written"),
        }


def plans(settings: Settings, *, progress: Progress = silent) -> PlansResult:
    """A monthly against an annual plan; also as files if `plans.out` names one.

    Parameters
    ----------
    settings
        `tables`, `plans`, as_of, annual_discount_rate, inference and seed
    progress
        called with each step as it begins

    Raises
    ------
    SettingsError
        subscriptions are not given, or a price is neither given nor in the contracts
    TableError
        there is no monthly contract
    DateError
        no contract had begun on as_of

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
        raise SettingsError("plans needs the table 'subscriptions'. Give it with --subscriptions FILE.")
    chosen = settings.plans
    target = None if chosen.out is None else check_target(chosen.out)
    progress("Reading the contracts")
    records = read_records(settings, "subscriptions")
    contracts = read_plan_contracts(records["subscriptions"], settings.as_of)
    terms = PlanTerms(  # before the fit, because a price may be missing
        monthly_price=chosen.monthly_price or contracts.price("monthly"),
        annual_price=chosen.annual_price or contracts.price("annual"),
        failed_payments=contracts.failed_payments
        if chosen.failed_payments is None
        else chosen.failed_payments,
        signed=contracts.signed,
        **chosen.model_dump(
            include={"cost_to_serve", "payment_fee", "paused", "refunded", "churn_odds_ratio", "fixed_cost"}
        ),
    )
    progress("Fitting the renewals")
    model, own = contracts.fit(settings.inference, settings.seed)
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
        n_monthly=len(contracts.monthly),
        n_annual=len(contracts.annual),
        report=records.report.sentences(),
        rejected=records.rejected("subscriptions"),
    )
    if target is None:
        return result
    progress(f"Writing {target}")
    beside = {"cash": result.comparison.cash, "survival": result.curve}
    if len(result.rejected):
        beside["rejected"] = combine_rejected({"subscriptions": result.rejected})
    return replace(result, written=write_frames(target, result.comparison.plans, **beside))
