"""What customers cost, which plan is better and what more retention is worth: in short, on a simulated shop.

The samples of the demo hold purchases, but no ledger and no contracts. A simulated shop has all of them. It
is small, and three years long: within less, an annual contract comes up for renewal once at most.
"""

from dataclasses import dataclass
from typing import Any

import pandas as pd

from patron.datasets.simulate import SimulatedBusiness, simulate
from patron.models.bundle.tiers import Tiers
from patron.progress import Progress, silent
from patron.settings import Settings
from patron.workflows.costs import CostsResult, costs
from patron.workflows.plans import PlansResult, plans
from patron.workflows.what_if import WhatIfResult, what_if

__all__ = ["BusinessInShort", "business_in_short"]

CUSTOMERS, DAYS = 2000, 1096

_MINUTES = {
    "call": {"base_minutes": 4, "extra_minutes": {"complaint": 6}},
    "chat": {"base_minutes": 3},
    "return": {"base_minutes": 5, "extra_minutes": {"complaint": 6}},
}
"""Time equations, for the interactions whose minutes nobody wrote down."""


@dataclass(frozen=True, slots=True)
class BusinessInShort:
    """What the three commands say of one simulated shop.

    Attributes
    ----------
    words
        what the shop is
    costs
        of the last twelve months, by tier
    plans
        a monthly against an annual plan
    what_if
        one point more retention
    """

    words: str
    costs: CostsResult
    plans: PlansResult
    what_if: WhatIfResult

    def to_dict(self) -> dict[str, Any]:
        """The main numbers, as plain values."""
        return {
            "data": self.words,
            "costs": {
                "totals": self.costs.found.totals,
                "by_tier": self.costs.in_short.to_dict("records"),
            },
            "plans": {
                "plans": self.plans.in_short.to_dict("records"),
                "break_even_annual_price": self.plans.comparison.break_even_annual_price,
            },
            "what_if": {
                "change": str(self.what_if.change),
                "worth": self.what_if.found.worth,
                "worth_low": self.what_if.found.worth_low,
                "worth_high": self.what_if.found.worth_high,
            },
        }


def business_in_short(annual_discount_rate: float = 0.10, *, progress: Progress = silent) -> BusinessInShort:
    """Costs, plans and what-if of a simulated shop, as the commands make them.

    Parameters
    ----------
    annual_discount_rate
        per year; 10 % is 0.10
    progress
        called with each step as it begins

    Examples
    --------
    >>> business_in_short().what_if.title()
    'What if: retention +1 point'
    """
    progress("Simulating a shop with a ledger and contracts")
    shop = simulate(CUSTOMERS, days=DAYS)
    year = (pd.Period(shop.as_of, "M") - 11).start_time
    shared = {"annual_discount_rate": annual_discount_rate, "inference": "laplace", "as_of": shop.as_of}
    progress("Charging its ledger, comparing its plans, asking what if")
    spent = costs(_of_ledger(shop, year))
    each = float(spent.in_short["cost per active customer"].iloc[0])
    compared = plans(Settings.model_validate({"tables": {"subscriptions": shop.subscriptions}, **shared}))
    asked = {"retention_points": 1.0, "cost": round(each, 2)}
    changed = what_if(
        Settings.model_validate({"tables": {"transactions": shop.transactions}, "what_if": asked, **shared})
    )
    words = (
        f"A simulated shop of {CUSTOMERS:,} customers, {shop.start} to {shop.as_of}: what follows is of this "
        "shop, and of no real one (all of it: patron costs, patron plans, patron what-if)."
    )
    return BusinessInShort(words, spent, compared, changed)


def _of_ledger(shop: SimulatedBusiness, first: pd.Timestamp) -> Settings:
    """The settings of the costs from `first` on, with tiers by what customers have bought in all."""
    assert shop.costs is not None  # no shop is simulated with purchases only here
    ledger = shop.costs[shop.costs["month"] >= first]
    bought = shop.transactions.groupby("customer_id")["amount"].sum()
    tiers = pd.DataFrame({"customer_id": bought.index, "value_tier": Tiers.from_values(bought).tier(bought)})
    return Settings.model_validate(
        {
            "tables": {
                "transactions": shop.transactions,
                "interactions": shop.interactions,
                "costs": ledger,
            },
            "costs": {"scores": tiers, "capacity": shop.capacity, "touchpoints": _MINUTES},
        }
    )
