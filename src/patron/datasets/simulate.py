"""A simulated business of any size, with the truth about each customer.

Customers arrive, each with an individual purchase rate, dropout probability and mean order value, and buy
until they leave. Each purchase becomes an order of several lines, a few of which are returned. Newsletters
are opened less often by customers who are about to leave. Some customers refer others.

Every table and trait draws from its own `stream`, so adding or leaving out a table changes no other table.
"""

from dataclasses import asdict, dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from patron.arrays import Floats, Integers
from patron.checks import whole_number
from patron.datasets.columns import timestamps
from patron.datasets.contributions import draw_contributions
from patron.datasets.customers import (
    channel_effects,
    describe_customers,
    describe_prospects,
    draw_channels,
    draw_referrals,
)
from patron.datasets.engagement import draw_engagement
from patron.datasets.leads import draw_leads
from patron.datasets.lines import draw_lines
from patron.datasets.memberships import draw_memberships
from patron.datasets.purchase_process import draw_order_values, draw_repeat_purchases
from patron.datasets.seasonality import SeasonalClock
from patron.datasets.service import draw_service
from patron.datasets.streams import stream
from patron.datasets.surveys import draw_surveys
from patron.datasets.world import World
from patron.durations import SECONDS_PER_DAY

__all__ = ["SimulatedBusiness", "simulate"]


_SMALLEST_RATE = 1e-12  # a gamma draw of small shape may come out as zero, which would make gaps infinite
_ONE_SECOND = 1 / SECONDS_PER_DAY  # of a day


@dataclass(frozen=True, slots=True)
class SimulatedBusiness:
    """The tables of a simulated business, as `patron.History.read` takes them, and the truth behind them.

    Attributes
    ----------
    transactions
        one row per line bought or returned: customer_id, order_at, order_id, product_id, category,
        quantity, amount, discount, cost
    engagement
        one row per newsletter sent, opened or clicked and per visit: customer_id, event_at, kind,
        channel; None with purchases_only
    customers
        one row per customer: customer_id, acquired_at, channel, acquisition_cost, region, age_band;
        those who buy first, then those who never do
    referrals
        referrer_id, referred_id, referred_at; None with purchases_only
    truth
        one row per customer who buys, hidden from models: customer_id, purchase_rate (per day while a
        customer), leave_probability (after a purchase; NaN under "paretonbd"), leave_rate (per day; NaN
        otherwise), mean_order_value (money), liveliness (factor on engagement; NaN with purchases_only),
        orders (count in the window, refunds not deducted), left_at (NaT for customers who have not left by
        the end), alive (at the end)
    world, start, days, seed
        the arguments of `simulate`
    name, words
        a name and a one-sentence description
    horizon_days
        a suitable horizon
    contributions
        one row per review, idea or interview: customer_id, contributed_at, kind, units; None with
        purchases_only
    surveys
        one row per answer: customer_id, answered_at, kind, score; None with purchases_only
    satisfaction
        customer_id, satisfaction, the truth behind the answers; None with purchases_only
    leads, lead_events
        see :func:`patron.datasets.leads.draw_leads`; None with purchases_only
    lead_truth
        lead_id, intent, conversion_probability, converts; None with purchases_only
    interactions, costs
        interactions with customers and the cost ledger, see
        :class:`patron.datasets.service.Service`; None with purchases_only
    capacity
        pool of the costs → practical capacity, minutes a month; None with purchases_only
    service_truth
        customer_id, minutes, letters, direct_cost; None with purchases_only
    subscriptions
        memberships, see :func:`patron.datasets.memberships.draw_memberships`; None with
        purchases_only. The demo leaves them out, because with them activity would be defined by contract
    membership_truth
        customer_id, leave_chance of the members; None with purchases_only
    """

    transactions: pd.DataFrame
    engagement: pd.DataFrame | None
    customers: pd.DataFrame
    referrals: pd.DataFrame | None
    truth: pd.DataFrame
    world: World
    start: date
    days: int
    seed: int
    name: str = "simulated"
    words: str = "A simulated shop whose customers' purchase rates, departures and mean orders are known."
    horizon_days: int = 90
    contributions: pd.DataFrame | None = None
    surveys: pd.DataFrame | None = None
    satisfaction: pd.DataFrame | None = None
    leads: pd.DataFrame | None = None
    lead_events: pd.DataFrame | None = None
    lead_truth: pd.DataFrame | None = None
    interactions: pd.DataFrame | None = None
    costs: pd.DataFrame | None = None
    capacity: dict[str, float] | None = None
    service_truth: pd.DataFrame | None = None
    subscriptions: pd.DataFrame | None = None
    membership_truth: pd.DataFrame | None = None

    @property
    def as_of(self) -> date:
        """The last day of the window.

        Examples
        --------
        >>> simulate(10, days=366, start=date(2024, 1, 1)).as_of
        datetime.date(2024, 12, 31)
        """
        return self.start + timedelta(days=self.days - 1)

    @property
    def parameters(self) -> dict[str, Any]:
        """The arguments of `simulate` and of its `World`, as plain values.

        Examples
        --------
        >>> parameters = simulate(10, days=100, world=World(r=0.5)).parameters
        >>> parameters["n_customers"], parameters["start"], parameters["r"]
        (10, '2023-01-01', 0.5)
        """
        made_from = {"n_customers": len(self.truth), "days": self.days, "start": self.start.isoformat()}
        return {**made_from, "seed": self.seed, **asdict(self.world)}


def simulate(
    n_customers: int = 1000,
    *,
    days: int = 730,
    start: date = date(2023, 1, 1),
    seed: int = 0,
    world: World | None = None,
    purchases_only: bool = False,
) -> SimulatedBusiness:
    """The tables of a simulated business, and the truth about each customer.

    Parameters
    ----------
    n_customers
        customers, ≥ 1, each of whom buys at least once
    days
        ≥ 1, length of the window
    start
        its first day
    seed
        ≥ 0; the same seed gives the same data
    world
        how customers behave; `World()` if None
    purchases_only
        whether to make transactions and customers only, which is much faster for a million customers;
        the rows of these two tables stay the same

    Returns
    -------
    SimulatedBusiness
        After `truth.left_at` a customer has no purchases, but may still have refunds, newsletters, and the
        share `world.lapsed_engagement` of opens, clicks and visits.

    Examples
    --------
    >>> business = simulate(n_customers=100, days=365, seed=1)
    >>> business.transactions["customer_id"].nunique()
    100
    >>> again = simulate(n_customers=100, days=365, seed=1, purchases_only=True)
    >>> again.transactions.equals(business.transactions), again.engagement is None
    (True, True)
    """
    whole_number("n_customers", n_customers, 1)
    whole_number("days", days, 1)
    world = world or World()
    clock, first_day = SeasonalClock(world, start, days), np.datetime64(start, "D")

    arrivals_end = clock.operational_time(np.array([days * world.acquisition_share]))
    arrived = clock.calendar_time(stream(seed, "arrivals").random(n_customers) * arrivals_end)
    channel = draw_channels(world, seed, n_customers)
    traits = _draw_traits(world, seed, channel_effects(world, channel))
    customer, at, left = _draw_orders(world, seed, clock, arrived, traits, days)
    value = draw_order_values(
        stream(seed, "order values"), world.p / traits["mean_order_value"][customer], world.p
    )
    transactions = draw_lines(world, seed, customer + 1, at, value, start=first_day, days=days)

    customers = describe_customers(world, seed, channel, arrived, first_day)
    ids = np.arange(1, n_customers + 1)
    window: dict[str, Any] = {"start": first_day, "days": days}
    liveliness, tables = np.full(n_customers, np.nan), dict[str, Any](engagement=None, referrals=None)
    if not purchases_only:
        leaving = traits["leave_rate" if world.family == "paretonbd" else "leave_probability"]
        cost = customers["acquisition_cost"].to_numpy()
        tables["engagement"], liveliness = draw_engagement(world, seed, clock, arrived, left, **window)
        tables["referrals"] = draw_referrals(seed, channel, arrived, left, first_day)
        tables["contributions"] = draw_contributions(world, seed, arrived, left, **window)
        tables["surveys"], moods = draw_surveys(seed, customer, at, arrived, left, leaving, **window)
        tables["satisfaction"] = pd.DataFrame({"customer_id": ids, "satisfaction": moods})
        leads = draw_leads(seed, channel, arrived, **window)
        tables |= zip(("leads", "lead_events", "lead_truth"), leads, strict=True)
        members = draw_memberships(seed, arrived, **window)
        tables |= zip(("subscriptions", "membership_truth"), members, strict=True)
        service = draw_service(seed, customer, at, value, arrived, left, cost, **window)
        tables |= {"interactions": service.interactions, "costs": service.costs}
        tables |= {"capacity": service.capacity, "service_truth": service.truth}
    facts: dict[str, Any] = {"liveliness": liveliness, "orders": np.bincount(customer, minlength=n_customers)}
    facts |= {"left_at": _moments_or_missing(first_day, left), "alive": np.isinf(left)}
    if world.never_buy_share:
        never = describe_prospects(world, seed, n_customers, first_day, days)
        customers = pd.concat([customers, never], ignore_index=True)
    return SimulatedBusiness(
        transactions=transactions,
        customers=customers,
        truth=pd.DataFrame({"customer_id": ids, **traits, **facts}),
        world=world,
        start=start,
        days=days,
        seed=seed,
        **tables,
    )


def _draw_traits(world: World, seed: int, effect: Floats) -> dict[str, Floats]:
    """Individual rates and means: (n,) each, named like the columns of the truth."""
    n, unused = effect.size, np.full(effect.size, np.nan)
    at_any_moment = world.family == "paretonbd"
    rate = stream(seed, "purchase rates").gamma(world.r, 1 / world.alpha, size=n) * effect
    spend_rate = stream(seed, "spend rates").gamma(world.q, 1 / world.v, size=n)
    leaving = stream(seed, "leaving")
    return {
        "purchase_rate": np.maximum(rate, _SMALLEST_RATE),
        "leave_probability": unused if at_any_moment else leaving.beta(world.a, world.b, size=n),
        "leave_rate": leaving.gamma(world.s, 1 / world.beta, size=n) if at_any_moment else unused,
        "mean_order_value": world.p / np.maximum(spend_rate, _SMALLEST_RATE),
    }


def _draw_orders(
    world: World, seed: int, clock: SeasonalClock, arrived: Floats, traits: dict[str, Floats], days: int
) -> tuple[Integers, Floats, Floats]:
    """Customer (row) and moment of each order, by time, with first orders; and when each customer leaves."""
    chance = stream(seed, "orders")
    arrived_operational = clock.operational_time(arrived)
    if world.family == "paretonbd":
        lifetime = stream(seed, "lifetimes").exponential(size=arrived.size)
        left = arrived + lifetime / np.maximum(traits["leave_rate"], _SMALLEST_RATE)
        left[left >= days] = np.inf
        span = clock.operational_time(np.minimum(left, days)) - arrived_operational
        who, when, _ = draw_repeat_purchases(chance, traits["purchase_rate"], span, np.zeros(arrived.size))
    else:
        who, when, left_after = draw_repeat_purchases(
            chance,
            traits["purchase_rate"],
            clock.length - arrived_operational,
            traits["leave_probability"],
            leaves_at_first=world.family == "mbgnbd",
        )
        left = np.where(np.isinf(left_after), np.inf, clock.calendar_time(arrived_operational + left_after))
    at = np.concatenate([arrived, clock.calendar_time(arrived_operational[who] + when)])
    customer = np.concatenate([np.arange(arrived.size), who])
    by_time = np.argsort(at, kind="stable")
    return customer[by_time], np.minimum(at[by_time], days - _ONE_SECOND), left


def _moments_or_missing(start: np.datetime64, at: Floats) -> npt.NDArray[np.datetime64]:
    known = np.isfinite(at)
    moments = np.full(at.size, np.datetime64("NaT", "us"))
    moments[known] = timestamps(start, at[known])
    return moments
