"""The terms of a monthly and an annual plan, and the monthly cash flows of each per signed customer.

Customers leave voluntarily, by the fitted survival curve, or involuntarily, when a payment fails for good,
which happens with the same probability at each payment.
"""

from dataclasses import dataclass

import numpy as np

from patron.arrays import Floats
from patron.checks import at_least, positive, share

__all__ = ["Flows", "PlanTerms", "annual_flows", "monthly_flows"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanTerms:
    """The terms of a monthly and an annual plan. Money in one currency, per customer.

    Attributes
    ----------
    monthly_price
        money per month, of the monthly plan
    annual_price
        money per year paid in advance, of the annual plan
    cost_to_serve
        money per month of a customer who is not paused
    payment_fee
        share in [0, 1) of each payment kept by the payment provider
    failed_payments
        share in [0, 1) of payments that fail for good, which ends the contract involuntarily
    paused
        share in [0, 1) of the months in which a customer of the monthly plan is paused: not charged and not
        served
    refunded
        share in [0, 1] of the unused term refunded to a customer of the annual plan who leaves within it
    churn_odds_ratio
        odds ratio of leaving, customers who choose the annual plan ÷ all customers; below 1 if loyal
        customers choose it, 1 without selection
    fixed_cost
        money, of offering the annual plan
    signed
        customers who sign

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
    churn_odds_ratio: float = 1.0
    fixed_cost: float = 0.0
    signed: float = 1000.0

    def __post_init__(self) -> None:
        for name in ("monthly_price", "annual_price", "churn_odds_ratio", "signed"):
            positive(f"PlanTerms.{name}", getattr(self, name))
        for name in ("cost_to_serve", "fixed_cost"):
            at_least(f"PlanTerms.{name}", getattr(self, name), 0)
        for name in ("payment_fee", "failed_payments", "paused"):
            share(f"PlanTerms.{name}", getattr(self, name), ends="[)", example="2 % as 0.02")
        share("PlanTerms.refunded", self.refunded)

    @property
    def discount(self) -> float:
        """Discount of the annual price on twelve monthly prices, as a share."""
        return 1 - self.annual_price / (12 * self.monthly_price)


@dataclass(frozen=True, slots=True)
class Flows:
    """Cash flows per signed customer, (n_draws, months + 1) each; month 0 is the signing.

    Attributes
    ----------
    payments, refunds, fees, cost_to_serve
        money ≥ 0, in and out
    remaining
        share of the signed who are still customers
    left_voluntarily, left_involuntarily
        (n_draws,) shares of the signed
    without_failures
        the net cash flow if no payment failed
    """

    payments: Floats
    refunds: Floats
    fees: Floats
    cost_to_serve: Floats
    remaining: Floats
    left_voluntarily: Floats
    left_involuntarily: Floats
    without_failures: Floats

    @property
    def by_price(self) -> Floats:
        """Payments less refunds and fees: the part of the net proportional to the price."""
        return self.payments - self.refunds - self.fees

    @property
    def net(self) -> Floats:
        """Net cash flow."""
        return self.by_price - self.cost_to_serve


def monthly_flows(wanted: Floats, terms: PlanTerms) -> Flows:
    """Cash flows of a plan paid at the start of every month.

    Parameters
    ----------
    wanted
        (n_draws, months + 1) share who still want the plan at the start of each month
    terms
        prices and costs

    Returns
    -------
    Flows
        without a payment in the last month, when the plans are compared

    Examples
    --------
    >>> terms = PlanTerms(monthly_price=10.0, annual_price=100.0, failed_payments=0.5)
    >>> monthly_flows(np.array([[1.0, 0.8, 0.6]]), terms).payments
    array([[5., 2., 0.]])
    """
    months = wanted.shape[1] - 1
    charged = np.append(np.ones(months), 0.0) * (1 - terms.paused)  # share of the remaining
    lost = terms.failed_payments * charged
    not_yet_lost = np.append(1.0, np.cumprod(1 - lost)[:-1])
    paying = wanted * not_yet_lost * charged * (1 - terms.failed_payments)
    return _flows(
        wanted,
        wanted * not_yet_lost * (1 - lost),
        payments=paying * terms.monthly_price,
        refunds=np.zeros_like(wanted),
        served=paying,
        terms=terms,
        without=wanted * charged * (terms.monthly_price * (1 - terms.payment_fee) - terms.cost_to_serve),
    )


def annual_flows(renewed: Floats, wanted: Floats, terms: PlanTerms) -> Flows:
    """Cash flows of a plan paid at the start of every year, with the last month as in `monthly_flows`.

    Parameters
    ----------
    renewed
        (n_draws, years + 1) share who renew for each year
    wanted
        (n_draws, 12 · years + 1) share who still want the plan in each month
    terms
        prices and costs; a customer who leaves within a term is refunded `refunded` of the unused part and
        no longer served

    Examples
    --------
    >>> terms = PlanTerms(monthly_price=10.0, annual_price=120.0, refunded=1.0)
    >>> wanted = np.array([[1.0, *[0.5] * 12]])
    >>> flows = annual_flows(np.array([[1.0, 0.5]]), wanted, terms)
    >>> flows.payments.sum(), flows.refunds.sum()
    (np.float64(120.0), np.float64(55.0))
    """
    years = renewed.shape[1] - 1
    months = 12 * years
    paid_up = (1 - terms.failed_payments) ** np.arange(1, years + 1)
    by_month = np.append(np.repeat(paid_up, 12), paid_up[-1])
    payments, refunds, stays = (np.zeros_like(wanted) for _ in range(3))
    payments[:, :months:12] = renewed[:, :-1] * paid_up * terms.annual_price
    # A customer who leaves in month m of a term has used m of its twelve months.
    leaves = np.zeros_like(wanted)
    leaves[:, 1:] = np.maximum(wanted[:, :-1] - wanted[:, 1:], 0.0) * by_month[1:]
    into = np.arange(months + 1) % 12
    rest = np.where(into > 0, (12 - into) / 12, 0.0)
    refunds[:] = leaves * rest * terms.refunded * terms.annual_price
    stays[:, :-1] = wanted[:, :-1] if terms.refunded > 0 else np.repeat(renewed[:, :-1], 12, axis=1)
    free = payments / np.append(np.repeat(paid_up, 12), 1.0) * (1 - terms.payment_fee)
    free = free - refunds / by_month - stays * terms.cost_to_serve
    return _flows(
        wanted,
        wanted * by_month,
        payments=payments,
        refunds=refunds,
        served=stays * by_month,
        terms=terms,
        without=free,
    )


def _flows(
    wanted: Floats,
    remaining: Floats,
    *,
    payments: Floats,
    refunds: Floats,
    served: Floats,
    terms: PlanTerms,
    without: Floats,
) -> Flows:
    voluntarily = 1 - wanted[:, -1]
    return Flows(
        payments=payments,
        refunds=refunds,
        fees=payments * terms.payment_fee,
        cost_to_serve=served * terms.cost_to_serve,
        remaining=remaining,
        left_voluntarily=voluntarily,
        left_involuntarily=wanted[:, -1] - remaining[:, -1],
        without_failures=without,
    )
