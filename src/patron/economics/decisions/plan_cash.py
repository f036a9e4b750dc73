"""The cash of a plan, month by month, of one signed customer: payments, refunds, fees and service.

Two ways of leaving are kept apart. Voluntary: the customer does not want the plan any more, as the fitted
survival says. Involuntary: a payment fails for good, at each payment with the same chance.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from patron.arrays import Floats

__all__ = ["Flows", "annual_flows", "monthly_flows"]


class Terms(Protocol):
    """What of the terms of a plan makes cash; see `patron.economics.decisions.plans.PlanTerms`."""

    @property
    def monthly_price(self) -> float: ...
    @property
    def annual_price(self) -> float: ...
    @property
    def cost_to_serve(self) -> float: ...
    @property
    def payment_fee(self) -> float: ...
    @property
    def failed_payments(self) -> float: ...
    @property
    def paused(self) -> float: ...
    @property
    def refunded(self) -> float: ...


@dataclass(frozen=True, slots=True)
class Flows:
    """Money per signed customer, (n_draws, months + 1) each; month 0 is the signing.

    Attributes
    ----------
    payments, refunds, fees, cost_to_serve
        money ≥ 0, what came in and what went out
    here
        share who are still customers
    left_voluntarily, left_involuntarily
        (n_draws,) shares of all who signed
    without_failures
        the net if no payment failed
    by_price
        the part of the net that grows with the price
    """

    payments: Floats
    refunds: Floats
    fees: Floats
    cost_to_serve: Floats
    here: Floats
    left_voluntarily: Floats
    left_involuntarily: Floats
    without_failures: Floats

    @property
    def by_price(self) -> Floats:
        """Payments less refunds and fees."""
        return self.payments - self.refunds - self.fees

    @property
    def net(self) -> Floats:
        """What is left of it all."""
        return self.by_price - self.cost_to_serve


def monthly_flows(wanted: Floats, terms: Terms) -> Flows:
    """The cash of a plan that is paid at the start of every month.

    Parameters
    ----------
    wanted
        (n_draws, months + 1) share who still want the plan at the start of each month
    terms
        prices and costs

    Returns
    -------
    Flows
        nothing is paid at the last month, at which the plans are compared

    Examples
    --------
    >>> from patron.economics.decisions.plans import PlanTerms
    >>> terms = PlanTerms(monthly_price=10.0, annual_price=100.0, failed_payments=0.5)
    >>> monthly_flows(np.array([[1.0, 0.8, 0.6]]), terms).payments
    array([[5., 2., 0.]])
    """
    months = wanted.shape[1] - 1
    asked = np.append(np.ones(months), 0.0) * (1 - terms.paused)  # of those who are there, to pay
    lost = terms.failed_payments * asked
    not_yet_lost = np.append(1.0, np.cumprod(1 - lost)[:-1])
    paying = wanted * not_yet_lost * asked * (1 - terms.failed_payments)
    return _flows(
        wanted,
        wanted * not_yet_lost * (1 - lost),
        payments=paying * terms.monthly_price,
        refunds=np.zeros_like(wanted),
        served=paying,
        terms=terms,
        without=wanted * asked * (terms.monthly_price * (1 - terms.payment_fee) - terms.cost_to_serve),
    )


def annual_flows(renewed: Floats, wanted: Floats, terms: Terms) -> Flows:
    """The cash of a plan that is paid at the start of every year.

    Parameters
    ----------
    renewed
        (n_draws, years + 1) share who renew for each year
    wanted
        (n_draws, 12 · years + 1) share who still want the plan in each month
    terms
        prices and costs; who leaves within a term gets `refunded` of its rest back and is not served

    Returns
    -------
    Flows
        nothing is paid at the last month, at which the plans are compared

    Examples
    --------
    >>> from patron.economics.decisions.plans import PlanTerms
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
    # Whoever leaves in month m of a term has had m months of twelve.
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
    here: Floats,
    *,
    payments: Floats,
    refunds: Floats,
    served: Floats,
    terms: Terms,
    without: Floats,
) -> Flows:
    voluntarily = 1 - wanted[:, -1]
    return Flows(
        payments=payments,
        refunds=refunds,
        fees=payments * terms.payment_fee,
        cost_to_serve=served * terms.cost_to_serve,
        here=here,
        left_voluntarily=voluntarily,
        left_involuntarily=wanted[:, -1] - here[:, -1],
        without_failures=without,
    )
