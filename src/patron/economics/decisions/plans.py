"""A monthly plan against a discounted annual one: what a signed customer is worth, and when the cash comes.

An annual plan earns less a month, but earlier, and from customers who stay to the end of the term; it also
asks for money once a year, so that fewer payments fail. And it is chosen by those who would have stayed
anyway: that must not be credited to the plan (`PlanTerms.selection`).

Plans are compared at the renewal month, after whole years: in the middle of a term one of them has been paid
for months that are still to come.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import expit, logit

from patron.arrays import Floats
from patron.economics.decisions.plan_cash import Flows, annual_flows, monthly_flows
from patron.errors import RangeError
from patron.models.renewal.model import RenewalModel
from patron.models.renewal.survival import survival
from patron.money import continuous_rate, discount_factor

__all__ = ["PlanComparison", "PlanTerms", "compare_plans"]


_MOST_DRAWS = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanTerms:
    """What both plans are about. Money in one currency, per customer.

    Attributes
    ----------
    monthly_price
        of the monthly plan, a month
    annual_price
        of the annual plan, a year, paid in advance
    cost_to_serve
        a month of a customer who does not pause
    payment_fee
        share in [0, 1) of each payment that the bank keeps
    failed_payments
        share in [0, 1) of payments that fail for good; the customer is lost without wanting to
        leave
    paused
        share in [0, 1) of the months in which a customer of the monthly plan pauses: neither paid nor
        served
    refunded
        share in [0, 1] of the rest of the term that is paid back to a customer of the annual plan who
        leaves within it
    selection
        the odds of leaving of those who choose the annual plan ÷ the odds of all; 1 where everybody
        is as likely to choose it, below 1 where the loyal do
    fixed_cost
        money, of offering the annual plan at all
    signed
        customers who sign, count

    Raises
    ------
    RangeError
        a number is out of range

    Examples
    --------
    >>> PlanTerms(monthly_price=10.0, annual_price=100.0).discount
    0.16666666666666663
    """

    monthly_price: float
    annual_price: float
    cost_to_serve: float = 0.0
    payment_fee: float = 0.0
    failed_payments: float = 0.0
    paused: float = 0.0
    refunded: float = 0.0
    selection: float = 1.0
    fixed_cost: float = 0.0
    signed: float = 1000.0

    def __post_init__(self) -> None:
        for name in ("monthly_price", "annual_price", "selection", "signed"):
            if not 0 < getattr(self, name) < np.inf:
                raise RangeError(
                    f"PlanTerms.{name} must be positive and finite, got {getattr(self, name)!r}."
                )
        for name in ("cost_to_serve", "fixed_cost"):
            if not 0 <= getattr(self, name) < np.inf:
                raise RangeError(
                    f"PlanTerms.{name} must be finite and at least 0, got {getattr(self, name)!r}."
                )
        for name in ("payment_fee", "failed_payments", "paused", "refunded"):
            share = getattr(self, name)
            if not (0 <= share < 1 or (name == "refunded" and share == 1)):
                raise RangeError(
                    f"PlanTerms.{name} must be a share in [0, 1), got {share!r}. Write 2 % as 0.02."
                )

    @property
    def discount(self) -> float:
        """Share that the annual plan takes off twelve monthly prices."""
        return 1 - self.annual_price / (12 * self.monthly_price)


@dataclass(frozen=True, slots=True)
class PlanComparison:
    """Two plans, per signed customer.

    Attributes
    ----------
    plans
        one row per plan (monthly for all, monthly for those who would choose annual, annual):
        present_value, with its 80 % interval present_value_low and present_value_high, money; its parts
        payments, refunds, fees, cost_to_serve; lost_to_failed_payments, what the plan would be worth more if
        none failed; customers_left, share at the end; left_voluntarily, left_involuntarily, shares
    cash
        one row per month from 0 and plan: cash and cumulative cash per signed customer, undiscounted
    break_even_annual_price, break_even_discount
        at which those who choose the annual plan are worth the
        same on either; the discount is negative where it would have to be dearer
    gain_per_switcher
        money, the annual plan's value less the monthly plan's, of the same customers
    apparent_gain
        the same beside all customers of the monthly plan: selection taken for an effect
    share_to_switch
        share of the signed who must switch so that the gain pays the fixed cost; missing where
        there is no gain, or more than all would have to
    reason
        why it is missing; None otherwise
    ahead_until
        last month in which the annual plan was ahead in cash
    """

    plans: pd.DataFrame
    cash: pd.DataFrame
    break_even_annual_price: float
    break_even_discount: float
    gain_per_switcher: float
    apparent_gain: float
    share_to_switch: float
    reason: str | None
    ahead_until: int

    def sentences(self) -> list[str]:
        """What was found, in words."""
        gain, apparent = self.gain_per_switcher, self.apparent_gain
        off = self.break_even_discount
        beside = f"; set against all customers of the monthly plan it looks like {apparent:+,.2f}"
        lines = [
            f"A customer who switches to the annual plan is worth {'more' if gain > 0 else 'less'} by "
            f"{abs(gain):,.2f}{beside if abs(apparent - gain) >= 0.005 else ''}.",
            f"Both plans are worth the same at an annual price of {self.break_even_annual_price:,.2f}, "
            + (f"a discount of {off:.1%}." if off >= 0 else f"{-off:.1%} more than twelve months."),
        ]
        if self.reason is None and self.share_to_switch > 0:
            lines.append(f"{self.share_to_switch:.1%} of the signed must switch to pay the fixed cost.")
        elif self.reason is not None:
            lines.append(f"No share that must switch: {self.reason}.")
        lines.append(f"The annual plan was last ahead in cash in month {self.ahead_until}.")
        return lines


def compare_plans(
    model: RenewalModel,
    terms: PlanTerms,
    *,
    years: int = 3,
    annual_discount_rate: float = 0.10,
    annual_model: RenewalModel | None = None,
) -> PlanComparison:
    """What a signed customer is worth on a monthly and on an annual plan, after whole years.

    Parameters
    ----------
    model
        the renewals of monthly contracts
    terms
        prices, costs and what goes wrong
    years
        until the renewal month at which the plans are compared, count ≥ 1
    annual_discount_rate
        per year; 10 % is 0.10
    annual_model
        the renewals of annual contracts, where there are enough of them. None: whoever would have
        left a monthly plan by then does not renew the annual one

    Returns
    -------
    PlanComparison

    Raises
    ------
    RangeError
        a number is out of range; years is no whole number
    NotFittedError
        the model is not fitted

    Examples
    --------
    >>> model = RenewalModel.from_params(alpha=0.8, beta=9.0)
    >>> found = compare_plans(model, PlanTerms(monthly_price=10.0, annual_price=100.0), years=2)
    >>> found.plans.set_index("plan")["present_value"].round(1).to_dict()
    {'monthly, all': 126.7, 'monthly, choosers of annual': 126.7, 'annual': 145.9}
    >>> round(found.break_even_annual_price, 2)
    86.81
    """
    if not isinstance(years, int | np.integer) or years < 1:
        raise RangeError(
            f"years must be a whole number of at least 1, got {years!r}: plans are compared at the renewal "
            "month, never in the middle of a term."
        )
    months = 12 * int(years)
    discount = discount_factor(np.arange(months + 1), continuous_rate(annual_discount_rate, "M"))
    everyone = _survival(model, months, 1.0)
    choosers = _survival(model, months, terms.selection)
    renewed = choosers[:, ::12] if annual_model is None else _survival(annual_model, int(years), 1.0)
    wanted = _within_terms(choosers, renewed)
    flows = {
        "monthly, all": monthly_flows(everyone, terms),
        "monthly, choosers of annual": monthly_flows(choosers, terms),
        "annual": annual_flows(renewed, wanted, terms),
    }
    worth = {plan: flow.net @ discount for plan, flow in flows.items()}
    rows = [_row(plan, flow, worth[plan], discount) for plan, flow in flows.items()]
    cash = pd.concat([_cash(plan, flow) for plan, flow in flows.items()], ignore_index=True)
    annual, monthly = worth["annual"].mean(), worth["monthly, choosers of annual"].mean()
    per_unit = float((flows["annual"].by_price @ discount).mean()) / terms.annual_price
    price = terms.annual_price + (monthly - annual) / per_unit
    gain = float(annual - monthly)
    share = terms.fixed_cost / (terms.signed * gain) if gain > 0 else np.nan
    reason = None
    if not gain > 0:
        reason = "the annual plan is worth less to the same customers"
    elif share > 1:
        reason, share = "even if all of them switched the fixed cost would not be paid", np.nan
    ahead = (
        flows["annual"].net.mean(axis=0).cumsum()
        > flows["monthly, choosers of annual"].net.mean(axis=0).cumsum()
    )
    return PlanComparison(
        plans=pd.DataFrame(rows),
        cash=cash,
        break_even_annual_price=float(price),
        break_even_discount=float(1 - price / (12 * terms.monthly_price)),
        gain_per_switcher=gain,
        apparent_gain=float(annual - worth["monthly, all"].mean()),
        share_to_switch=float(share),
        reason=reason,
        ahead_until=int(np.flatnonzero(ahead)[-1]) if ahead.any() else 0,
    )


def _survival(model: RenewalModel, periods: int, odds: float) -> Floats:
    """(n_draws, periods + 1) share who still want to stay; `odds` multiplies the odds of leaving."""
    draws = model.thinned(_MOST_DRAWS)
    alpha, beta = draws["alpha"], draws["beta"]
    if odds != 1:
        phi = expit(logit(alpha / (alpha + beta)) + np.log(odds))
        alpha, beta = (alpha + beta) * phi, (alpha + beta) * (1 - phi)
    return survival(alpha, beta, np.arange(periods + 1))


def _within_terms(monthly: Floats, renewed: Floats) -> Floats:
    """(n_draws, months + 1) share who still want the annual plan, through the months of each term.

    Within a term they fall as customers of the monthly plan would, to the share who renew at its end.
    """
    wanted = monthly.copy()
    for year in range(renewed.shape[1] - 1):
        part = slice(12 * year, 12 * year + 13)
        start, end = monthly[:, part.start][:, None], monthly[:, part.stop - 1][:, None]
        fallen = np.where(
            start > end, (start - monthly[:, part]) / np.where(start > end, start - end, 1), 0.0
        )
        wanted[:, part] = renewed[:, [year]] - fallen * (renewed[:, [year]] - renewed[:, [year + 1]])
    return wanted


def _row(plan: str, flow: Flows, worth: Floats, discount: Floats) -> dict[str, object]:
    low, high = np.quantile(worth, [0.1, 0.9])
    parts = {
        name: float((getattr(flow, name) @ discount).mean())
        for name in ("payments", "refunds", "fees", "cost_to_serve")
    }
    without_failures = float((flow.without_failures @ discount).mean())
    return {
        "plan": plan,
        "present_value": float(worth.mean()),
        "present_value_low": float(low),
        "present_value_high": float(high),
        **parts,
        "lost_to_failed_payments": without_failures - float(worth.mean()),
        "customers_left": float(flow.here[:, -1].mean()),
        "left_voluntarily": float(flow.left_voluntarily.mean()),
        "left_involuntarily": float(flow.left_involuntarily.mean()),
    }


def _cash(plan: str, flow: Flows) -> pd.DataFrame:
    net = flow.net.mean(axis=0)
    return pd.DataFrame(
        {"plan": plan, "month": np.arange(len(net)), "cash": net, "cumulative_cash": net.cumsum()}
    )
