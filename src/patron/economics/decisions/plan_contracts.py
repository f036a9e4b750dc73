"""Contracts → the prices, failed payments and renewal models of a monthly and an annual plan."""

from dataclasses import dataclass
from datetime import date
from typing import Literal

import ibis.expr.types as ir
import pandas as pd

from patron.errors import DateError, SettingsError, TableError
from patron.models.renewal.contracts import contracts_of_subscriptions
from patron.models.renewal.model import RenewalModel
from patron.tables.daily_activity import known_days

__all__ = ["PlanContracts", "read_plan_contracts"]

_MONTH, _YEAR = (28, 31), (364, 366)  # days of a period
_MIN_ANNUAL = 200  # annual contracts, for a model of their own
_FAILED = "fail"  # in the cancel reason of a payment that failed for good


@dataclass(frozen=True, slots=True)
class PlanContracts:
    """The contracts that renew each month and each year, as known on a day.

    Attributes
    ----------
    monthly, annual
        one row per contract, as `patron.models.renewal.contracts.contracts_of_subscriptions` returns them
    signed
        contracts of any period
    """

    monthly: pd.DataFrame
    annual: pd.DataFrame
    signed: int

    def price(self, plan: str) -> float:
        """The mean price of a plan: money per period.

        Parameters
        ----------
        plan
            "monthly" or "annual"

        Raises
        ------
        SettingsError
            no contract of the plan has a price
        """
        contracts = self.monthly if plan == "monthly" else self.annual
        prices = contracts["price"].dropna() if "price" in contracts.columns else pd.Series(dtype="float64")
        if prices.empty or not prices.astype("float64").mean() > 0:
            raise SettingsError(f"No {plan} contract has a price. Give it with --{plan}-price.")
        return float(prices.astype("float64").mean())

    @property
    def failed_payments(self) -> float:
        """Share of the payments of monthly contracts that failed for good."""
        payments = float((self.monthly["renewals"] + 1).sum())
        return float((_failed(self.monthly) & (self.monthly["ended"] == 1)).sum()) / payments

    def fit(
        self, inference: Literal["nuts", "laplace", "map"], random_state: int
    ) -> tuple[RenewalModel, RenewalModel | None]:
        """The renewal models of monthly and of annual contracts; None for the latter if there are too few.

        Parameters
        ----------
        inference
            how the posterior is computed, as in `RenewalModel`
        random_state
            seed
        """
        annual, own = self.annual, None
        monthly = RenewalModel(inference=inference, random_state=random_state).fit(_voluntary(self.monthly))
        if len(annual) >= _MIN_ANNUAL and annual["renewals"].sum() > 0 and annual["ended"].any():
            own = RenewalModel(inference=inference, random_state=random_state).fit(_voluntary(annual))
        return monthly, own


def read_plan_contracts(subscriptions: ir.Table, as_of: date | None) -> PlanContracts:
    """The monthly and annual contracts known on a day.

    Parameters
    ----------
    subscriptions
        as `patron.tables.records.Records` holds them
    as_of
        the day; None takes the last one on which a contract began or ended

    Raises
    ------
    TableError
        there are no lengths of period, or there is no monthly contract
    DateError
        no contract had begun on the day
    """
    if "period_days" not in subscriptions.columns:
        raise TableError(
            "table 'subscriptions' lacks 'period_days', so it is unknown when contracts renew. Map it with "
            '--column subscriptions.period_days="Your name".'
        )
    day = as_of or _last_day(subscriptions)
    ends = {} if "ended_at" in subscriptions.columns else {"ended_at": pd.NaT}
    contracts = contracts_of_subscriptions(subscriptions.to_pandas().assign(**ends), day)
    if contracts.empty:
        first = subscriptions.day.min().to_pyarrow().as_py()
        raise DateError(f"No contract had begun on {day}: the first began on {first}.")
    monthly, annual = (contracts[contracts["period_days"].between(*days)] for days in (_MONTH, _YEAR))
    if monthly.empty:
        raise TableError(
            "table 'subscriptions' has no contract that renews each month (period_days 28 to 31). Comparing "
            "plans needs some."
        )
    return PlanContracts(monthly, annual, len(contracts))


def _last_day(subscriptions: ir.Table) -> date:
    """The last day on which a contract began or ended, not counting ends that lie in the future."""
    return known_days("subscriptions", {"subscriptions": subscriptions}, subscriptions, date.today())[-1]


def _voluntary(contracts: pd.DataFrame) -> pd.DataFrame:
    """The contracts with ends by failed payment censored: those customers had not cancelled."""
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
