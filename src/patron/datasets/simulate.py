"""A business with known truth, of any size, from a seed.

How it comes about: customers arrive, each with an own rate of buying, an own way of leaving and an own mean
order; they buy until they leave; each purchase becomes an order of several lines, a few of which come back;
newsletters go out and are opened less and less by those who are about to leave; some customers bring others.

Every table and trait draws from a `stream` of its own, so that a new table, or leaving one out, changes no
other.
"""

from dataclasses import asdict, dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from patron.arrays import Floats, Integers
from patron.datasets.buying import draw_order_values, draw_repeat_purchases, stream
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
from patron.datasets.lines import draw_lines, timestamps
from patron.datasets.memberships import draw_memberships
from patron.datasets.seasons import Tempo
from patron.datasets.service import Service, draw_service
from patron.datasets.surveys import draw_surveys
from patron.datasets.world import World
from patron.durations import SECONDS_PER_DAY
from patron.errors import RangeError

__all__ = ["SimulatedBusiness", "simulate"]


_SMALLEST_RATE = 1e-12  # a gamma draw of small shape may come out as zero, and nobody's gap is infinite
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
        after those who buy the people who never do, as many as the world has of them
    referrals
        referrer_id, referred_id, referred_at; None with purchases_only
    truth
        one row per customer who buys, which no model may see: customer_id, purchase_rate (per day while a
        customer), leave_probability (after a purchase; NaN under "paretonbd"), leave_rate (per day; NaN
        otherwise), mean_order_value (money), liveliness (factor on engagement; NaN with purchases_only),
        orders (count in the window, refunds not deducted), left_at (NaT for customers who have not left by
        the end), alive (at the end)
    world, start, days, seed
        what it was made from
    name, words
        what it is, in a word and in a sentence
    horizon_days
        the horizon that suits it
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
        what was done for customers and the ledger, see
        :class:`patron.datasets.service.Service`; None with purchases_only
    capacity
        pool of the costs → practical capacity, minutes a month; None with purchases_only
    service_truth
        customer_id, minutes, letters, direct_cost; None with purchases_only
    subscriptions
        memberships, see :func:`patron.datasets.memberships.draw_memberships`; None with
        purchases_only. With them a customer is one by contract, so that they are no table of the demo
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
        """Everything that it was made from, as plain values: the arguments of `simulate` and those of its
        `World`.

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
    """A business of `n_customers` over `days`, and the truth about each customer.

    Parameters
    ----------
    n_customers
        count ≥ 1, all of whom buy at least once
    days
        ≥ 1, length of the window
    start
        its first day
    seed
        ≥ 0; the same seed gives the same data
    world
        how customers behave; `World()` if None
    purchases_only
        leave out engagement, referrals, contributions, surveys and leads, which at a million
        customers are the larger part; every other table stays the same

    Returns
    -------
    SimulatedBusiness
        After a customer has left (`truth.left_at`) there are no more purchases; what may still come are
        refunds, newsletters sent, and the share `world.lapsed_engagement` of opens, clicks and visits.

    Raises
    ------
    RangeError
        a number is out of range

    Examples
    --------
    >>> business = simulate(n_customers=100, days=365, seed=1)
    >>> business.transactions["customer_id"].nunique()
    100
    >>> again = simulate(n_customers=100, days=365, seed=1, purchases_only=True)
    >>> again.transactions.equals(business.transactions), again.engagement is None
    (True, True)
    """
    _require_size(n_customers, days)
    world = world or World()
    tempo, first_day = Tempo(world, start, days), np.datetime64(start, "D")

    arrivals_end = tempo.clock(np.array([days * world.acquisition_share]))
    arrived = tempo.moments(stream(seed, "arrivals").random(n_customers) * arrivals_end)
    channel = draw_channels(world, seed, n_customers)
    traits = _draw_traits(world, seed, channel_effects(world, channel))
    customer, at, left = _draw_orders(world, seed, tempo, arrived, traits, days)
    value = draw_order_values(
        stream(seed, "order values"), world.p / traits["mean_order_value"][customer], world.p
    )
    transactions = draw_lines(world, seed, customer + 1, at, value, start=first_day, days=days)

    engagement = referrals = contributions = None
    surveys = satisfaction = leads = lead_events = lead_truth = None
    service: Service | None = None
    subscriptions = membership_truth = None
    liveliness = np.full(n_customers, np.nan)
    if not purchases_only:
        engagement, liveliness = draw_engagement(
            world, seed, tempo, arrived, left, start=first_day, days=days
        )
        referrals = draw_referrals(seed, channel, arrived, left, first_day)
        contributions = draw_contributions(world, seed, arrived, left, start=first_day, days=days)
        leaving = traits["leave_rate" if world.family == "paretonbd" else "leave_probability"]
        surveys, moods = draw_surveys(seed, customer, at, arrived, left, leaving, start=first_day, days=days)
        satisfaction = pd.DataFrame({"customer_id": np.arange(1, n_customers + 1), "satisfaction": moods})
        leads, lead_events, lead_truth = draw_leads(seed, channel, arrived, start=first_day, days=days)
        subscriptions, membership_truth = draw_memberships(seed, arrived, start=first_day, days=days)
    truth = pd.DataFrame(
        {
            "customer_id": np.arange(1, n_customers + 1),
            **traits,
            "liveliness": liveliness,
            "orders": np.bincount(customer, minlength=n_customers),
            "left_at": _moments_or_missing(first_day, left),
            "alive": np.isinf(left),
        }
    )
    customers = describe_customers(world, seed, channel, arrived, first_day)
    if not purchases_only:
        won_for = customers["acquisition_cost"].to_numpy()
        service = draw_service(seed, customer, at, value, arrived, left, won_for, start=first_day, days=days)
    if world.never_buy_share:
        never = describe_prospects(world, seed, n_customers, first_day, days)
        customers = pd.concat([customers, never], ignore_index=True)
    return SimulatedBusiness(
        transactions,
        engagement,
        customers,
        referrals,
        truth,
        world,
        start,
        days,
        seed,
        contributions=contributions,
        surveys=surveys,
        satisfaction=satisfaction,
        leads=leads,
        lead_events=lead_events,
        lead_truth=lead_truth,
        interactions=None if service is None else service.interactions,
        costs=None if service is None else service.costs,
        capacity=None if service is None else service.capacity,
        service_truth=None if service is None else service.truth,
        subscriptions=subscriptions,
        membership_truth=membership_truth,
    )


def _require_size(n_customers: int, days: int) -> None:
    for name, count in (("n_customers", n_customers), ("days", days)):
        if not isinstance(count, int | np.integer) or count < 1:
            raise RangeError(f"simulate({name}=…) must be a whole number ≥ 1, got {count!r}.")


def _draw_traits(world: World, seed: int, effect: Floats) -> dict[str, Floats]:
    """What each customer is like: (n,) each, as the columns of the truth are called."""
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
    world: World, seed: int, tempo: Tempo, arrived: Floats, traits: dict[str, Floats], days: int
) -> tuple[Integers, Floats, Floats]:
    """Customer (row) and moment of each order, by time, first ones included; when each customer leaves."""
    chance = stream(seed, "orders")
    arrived_on_clock = tempo.clock(arrived)
    if world.family == "paretonbd":
        lifetime = stream(seed, "lifetimes").exponential(size=arrived.size)
        left = arrived + lifetime / np.maximum(traits["leave_rate"], _SMALLEST_RATE)
        left[left >= days] = np.inf
        span = tempo.clock(np.minimum(left, days)) - arrived_on_clock
        who, when, _ = draw_repeat_purchases(chance, traits["purchase_rate"], span, np.zeros(arrived.size))
    else:
        who, when, left_after = draw_repeat_purchases(
            chance,
            traits["purchase_rate"],
            tempo.length - arrived_on_clock,
            traits["leave_probability"],
            leaves_at_first=world.family == "mbgnbd",
        )
        left = np.where(np.isinf(left_after), np.inf, tempo.moments(arrived_on_clock + left_after))
    at = np.concatenate([arrived, tempo.moments(arrived_on_clock[who] + when)])
    customer = np.concatenate([np.arange(arrived.size), who])
    by_time = np.argsort(at, kind="stable")
    return customer[by_time], np.minimum(at[by_time], days - _ONE_SECOND), left


def _moments_or_missing(start: np.datetime64, at: Floats) -> npt.NDArray[np.datetime64]:
    known = np.isfinite(at)
    moments = np.full(at.size, np.datetime64("NaT", "us"))
    moments[known] = timestamps(start, np.floor(at[known] * SECONDS_PER_DAY).astype(np.int64))
    return moments
