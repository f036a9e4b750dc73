"""A monthly plan against a discounted annual one: present value and cash flow per signed customer.

An annual plan earns less per month, but earlier, and from customers bound until the end of the term; with one
payment a year, fewer payments fail. It is also chosen by customers who would have stayed anyway, which must
not be credited to the plan (`PlanTerms.churn_odds_ratio`).

Plans are compared after whole years, at a renewal: in the middle of a term the annual plan has been paid for
months that are still to come.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import expit, logit

from patron.arrays import Floats
from patron.checks import whole_number
from patron.economics.decisions.plan_cash import Flows, PlanTerms, annual_flows, monthly_flows
from patron.models.renewal.model import RenewalModel
from patron.models.renewal.survival import survival
from patron.money import continuous_rate, discount_factor

__all__ = ["PlanComparison", "compare_plans"]


_MAX_DRAWS = 400


@dataclass(frozen=True, slots=True)
class PlanComparison:
    """The comparison of two plans, per signed customer.

    Attributes
    ----------
    plans
        one row per plan (monthly for all, monthly for those who would choose annual, annual):
        present_value with its 80 % interval present_value_low and present_value_high (money); its parts
        payments, refunds, fees, cost_to_serve; lost_to_failed_payments (present value lost to them);
        customers_left (share remaining at the end); left_voluntarily, left_involuntarily (shares)
    cash
        one row per month from 0 and plan: cash and cumulative cash per signed customer, undiscounted
    break_even_annual_price, break_even_discount
        annual price at which customers who choose the annual plan have the same present value on either;
        the discount is negative if that price exceeds twelve monthly ones
    gain_per_switcher
        money, present value of the annual less the monthly plan, for the same customers
    apparent_gain
        the same against all customers of the monthly plan, which mistakes selection for an effect
    share_to_switch
        share of the signed who must switch for the gain to cover the fixed cost; missing if there is no
        gain, or if even all of them would not cover it
    reason
        why the share is missing; None otherwise
    ahead_until
        last month in which the annual plan is ahead in cumulative cash
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
        """The findings, in sentences."""
        gain, apparent = self.gain_per_switcher, self.apparent_gain
        off = self.break_even_discount
        naive = f"; against all customers of the monthly plan it looks like {apparent:+,.2f}"
        lines = [
            f"A customer who switches to the annual plan {'gains' if gain > 0 else 'loses'} "
            f"{abs(gain):,.2f} of present value{naive if abs(apparent - gain) >= 0.005 else ''}.",
            f"Both plans break even at an annual price of {self.break_even_annual_price:,.2f}, "
            + (f"a discount of {off:.1%}." if off >= 0 else f"{-off:.1%} more than twelve months."),
        ]
        if self.reason is None and self.share_to_switch > 0:
            lines.append(f"{self.share_to_switch:.1%} of the signed must switch to cover the fixed cost.")
        elif self.reason is not None:
            lines.append(f"No share of switchers covers the fixed cost: {self.reason}.")
        lines.append(f"The annual plan is ahead in cumulative cash until month {self.ahead_until}.")
        return lines


def compare_plans(
    model: RenewalModel,
    terms: PlanTerms,
    *,
    years: int = 3,
    annual_discount_rate: float = 0.10,
    annual_model: RenewalModel | None = None,
) -> PlanComparison:
    """Present value and cash of a signed customer on a monthly and on an annual plan, after whole years.

    Parameters
    ----------
    model
        renewal model of monthly contracts
    terms
        prices and costs
    years
        ≥ 1, until the renewal at which the plans are compared
    annual_discount_rate
        per year; 10 % is 0.10
    annual_model
        renewal model of annual contracts, if there are enough of them. None assumes that customers who
        would have left a monthly plan by then do not renew the annual one

    Returns
    -------
    PlanComparison

    Raises
    ------
    RangeError
        a number is out of range, or years is not a whole number
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
    years = whole_number("years", years, 1)
    months = 12 * years
    discount = discount_factor(np.arange(months + 1), continuous_rate(annual_discount_rate, "M"))
    everyone = _survival(model, months, 1.0)
    choosers = _survival(model, months, terms.churn_odds_ratio)
    renewed = choosers[:, ::12] if annual_model is None else _survival(annual_model, years, 1.0)
    wanted = _within_terms(choosers, renewed)
    flows = {
        "monthly, all": monthly_flows(everyone, terms),
        "monthly, choosers of annual": monthly_flows(choosers, terms),
        "annual": annual_flows(renewed, wanted, terms),
    }
    values = {plan: flow.net @ discount for plan, flow in flows.items()}
    rows = [_row(plan, flow, values[plan], discount) for plan, flow in flows.items()]
    cash = pd.concat([_cash(plan, flow) for plan, flow in flows.items()], ignore_index=True)
    annual, monthly = values["annual"].mean(), values["monthly, choosers of annual"].mean()
    per_unit = float((flows["annual"].by_price @ discount).mean()) / terms.annual_price
    price = terms.annual_price + (monthly - annual) / per_unit
    gain = float(annual - monthly)
    share = terms.fixed_cost / (terms.signed * gain) if gain > 0 else np.nan
    reason = None
    if not gain > 0:
        reason = "the annual plan has a lower present value for the same customers"
    elif share > 1:
        reason, share = "even if all customers switched, the gain would not cover the fixed cost", np.nan
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
        apparent_gain=float(annual - values["monthly, all"].mean()),
        share_to_switch=float(share),
        reason=reason,
        ahead_until=int(np.flatnonzero(ahead)[-1]) if ahead.any() else 0,
    )


def _survival(model: RenewalModel, periods: int, odds: float) -> Floats:
    """(n_draws, periods + 1) share who still want to stay; `odds` multiplies the odds of leaving."""
    draws = model.thinned(_MAX_DRAWS)
    alpha, beta = draws["alpha"], draws["beta"]
    if odds != 1:
        phi = expit(logit(alpha / (alpha + beta)) + np.log(odds))
        alpha, beta = (alpha + beta) * phi, (alpha + beta) * (1 - phi)
    return survival(alpha, beta, np.arange(periods + 1))


def _within_terms(monthly: Floats, renewed: Floats) -> Floats:
    """(n_draws, months + 1) share who still want the annual plan, in each month.

    Within a term the share falls in proportion to the monthly plan, to the share who renew at its end.
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


def _row(plan: str, flow: Flows, value: Floats, discount: Floats) -> dict[str, object]:
    low, high = np.quantile(value, [0.1, 0.9])
    parts = {
        name: float((getattr(flow, name) @ discount).mean())
        for name in ("payments", "refunds", "fees", "cost_to_serve")
    }
    without_failures = float((flow.without_failures @ discount).mean())
    return {
        "plan": plan,
        "present_value": float(value.mean()),
        "present_value_low": float(low),
        "present_value_high": float(high),
        **parts,
        "lost_to_failed_payments": without_failures - float(value.mean()),
        "customers_left": float(flow.remaining[:, -1].mean()),
        "left_voluntarily": float(flow.left_voluntarily.mean()),
        "left_involuntarily": float(flow.left_involuntarily.mean()),
    }


def _cash(plan: str, flow: Flows) -> pd.DataFrame:
    net = flow.net.mean(axis=0)
    return pd.DataFrame(
        {"plan": plan, "month": np.arange(len(net)), "cash": net, "cumulative_cash": net.cumsum()}
    )
