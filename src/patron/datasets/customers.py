"""The customers and referrals tables: acquisition channel, cost, attributes, and who referred whom."""

import numpy as np
import pandas as pd

from patron.arrays import Floats, Integers
from patron.datasets.columns import from_codes, timestamps
from patron.datasets.streams import stream
from patron.datasets.world import World

__all__ = [
    "CHANNELS",
    "channel_effects",
    "describe_customers",
    "describe_prospects",
    "draw_channels",
    "draw_referrals",
]


CHANNELS = ("search", "organic", "social", "referral")
# In the order of CHANNELS: share of the customers not referred, cost relative to search, and the logarithm of
# the factor on the purchase rate at World.channel_effect = 1.
_SHARES = (0.35, 0.40, 0.25, 0.0)
_RELATIVE_COSTS = np.array([1.0, 0.0, 1.5, 0.3])
_EFFECTS = np.array([0.0, 0.2, -0.5, 0.5])

_REGIONS = {"north": 0.30, "south": 0.25, "east": 0.20, "west": 0.15, "islands": 0.10}
_AGE_BANDS = {"18-29": 0.22, "30-44": 0.34, "45-59": 0.27, "60+": 0.17}
_COST_SPREAD = 4.0  # shape of the gamma distribution of single acquisition costs
_TRIES = 8  # to find a referrer who is still a customer; without one the referral is not recorded


def draw_channels(world: World, seed: int, n: int) -> Integers:
    """The acquisition channel of each customer: (n,) position in `CHANNELS`.

    Parameters
    ----------
    world
        the share of referred customers
    seed
        of the whole simulation
    n
        customers

    Examples
    --------
    >>> draw_channels(World(referral_share=0.99), 0, 4).tolist()
    [3, 3, 3, 3]
    """
    shares = np.array(_SHARES) * (1 - world.referral_share)
    shares[CHANNELS.index("referral")] = world.referral_share
    return stream(seed, "channels").choice(len(CHANNELS), size=n, p=shares)


def channel_effects(world: World, channel: Integers) -> Floats:
    """The factor of each customer's channel on the purchase rate: (n,), 1 for paid search.

    Parameters
    ----------
    world
        the size of the effect
    channel
        (n,) position in `CHANNELS`

    Examples
    --------
    >>> channel_effects(World(channel_effect=1.0), np.array([0, 2, 3])).round(3)
    array([1.   , 0.607, 1.649])
    """
    return np.exp(world.channel_effect * _EFFECTS[channel])


def describe_customers(
    world: World, seed: int, channel: Integers, arrived: Floats, start: np.datetime64
) -> pd.DataFrame:
    """The customers table: one row per customer 1, 2, … n.

    Parameters
    ----------
    world
        the mean acquisition cost
    seed
        of the whole simulation
    channel
        (n,) position in `CHANNELS`
    arrived
        (n,) calendar days since the start
    start
        the first day of the window

    Returns
    -------
    pd.DataFrame
        customer_id, acquired_at (a day), channel, acquisition_cost (money), region, age_band

    Examples
    --------
    >>> organic, third_day = np.array([1]), np.array([2.5])
    >>> customers = describe_customers(World(), 0, organic, third_day, np.datetime64("2024-01-01"))
    >>> customers[["customer_id", "acquired_at", "channel", "acquisition_cost"]]
       customer_id acquired_at  channel  acquisition_cost
    0            1  2024-01-03  organic               0.0
    """
    return _describe(stream(seed, "customers"), world, channel, arrived, start)


def describe_prospects(
    world: World, seed: int, n_customers: int, start: np.datetime64, days: int
) -> pd.DataFrame:
    """Rows of the customers table for people who never buy; their ids follow those of the customers.

    Parameters
    ----------
    world
        the share of such people, and the mean acquisition cost
    seed
        of the whole simulation
    n_customers
        customers who buy
    start, days
        first day and length of the window; they arrive throughout it, none of them by referral

    Examples
    --------
    >>> half = World(never_buy_share=0.5)
    >>> describe_prospects(half, 0, 2, np.datetime64("2024-01-01"), 90)["customer_id"].tolist()
    [3, 4]
    """
    n = round(n_customers * world.never_buy_share / (1 - world.never_buy_share))
    chance = stream(seed, "prospects")
    channel = chance.choice(len(CHANNELS), size=n, p=_SHARES)
    people = _describe(chance, world, channel, np.sort(chance.random(n)) * days, start)
    return people.assign(customer_id=people["customer_id"] + n_customers)


def _describe(
    chance: np.random.Generator, world: World, channel: Integers, arrived: Floats, start: np.datetime64
) -> pd.DataFrame:
    n = channel.size
    mean_cost = world.acquisition_cost * _RELATIVE_COSTS[channel]
    cost = mean_cost * chance.gamma(_COST_SPREAD, 1 / _COST_SPREAD, size=n)
    return pd.DataFrame(
        {
            "customer_id": np.arange(1, n + 1),
            "acquired_at": timestamps(start, np.floor(arrived)),
            "channel": from_codes(channel, list(CHANNELS)),
            "acquisition_cost": cost.round(2),
            "region": _attribute(chance, _REGIONS, n),
            "age_band": _attribute(chance, _AGE_BANDS, n),
        },
        copy=False,
    )


def draw_referrals(
    seed: int, channel: Integers, arrived: Floats, left: Floats, start: np.datetime64
) -> pd.DataFrame:
    """The referrals table: one row per referred customer, by time.

    The referrer arrived earlier and is still a customer at that time; some customers refer many and most
    refer none. Where no referrer is found, as for the very first customers, there is no row.

    Parameters
    ----------
    seed
        of the whole simulation
    channel
        (n,) position in `CHANNELS`; those won by referral get a referrer
    arrived, left
        (n,) calendar days since the start, infinite for customers who stay
    start
        the first day of the window

    Returns
    -------
    pd.DataFrame
        referrer_id, referred_id, referred_at (when the referred customer arrives)

    Examples
    --------
    >>> how, arrived, left = np.array([0, 3]), np.array([1.0, 9.0]), np.full(2, np.inf)
    >>> draw_referrals(0, how, arrived, left, np.datetime64("2024-01-01"))
       referrer_id  referred_id referred_at
    0            1            2  2024-01-10
    """
    chance = stream(seed, "referrals")
    by_arrival = np.argsort(arrived, kind="stable")
    place = np.empty_like(by_arrival)
    place[by_arrival] = np.arange(by_arrival.size)
    eagerness = chance.gamma(0.3, size=by_arrival.size)[by_arrival]
    up_to = np.concatenate([[0.0], np.cumsum(eagerness)])

    referred = by_arrival[channel[by_arrival] == CHANNELS.index("referral")]
    referrer = np.full(referred.size, -1)
    for _ in range(_TRIES):
        open_ = np.flatnonzero((referrer < 0) & (place[referred] > 0))
        spot = chance.random(open_.size) * up_to[place[referred[open_]]]
        rank = np.minimum(np.searchsorted(up_to, spot, side="right") - 1, place[referred[open_]] - 1)
        candidate = by_arrival[rank]
        still_there = left[candidate] > arrived[referred[open_]]
        referrer[open_[still_there]] = candidate[still_there]
    found = referrer >= 0
    return pd.DataFrame(
        {
            "referrer_id": referrer[found] + 1,
            "referred_id": referred[found] + 1,
            "referred_at": timestamps(start, arrived[referred[found]]),
        },
        copy=False,
    )


def _attribute(chance: np.random.Generator, shares: dict[str, float], n: int) -> object:
    return from_codes(chance.choice(len(shares), size=n, p=list(shares.values())), list(shares))
