"""E-mails and visits: what a business sees of its customers between purchases.

The newsletter goes to everyone who agreed to it, whether still a customer or not. Whether it is opened, and
whether the site is visited, depends on how much of the customer is left: `vitality` is 1 until some weeks
before leaving, falls in a straight line to what is left of a lapsed customer, and stays there.
"""

import numpy as np
import numpy.typing as npt
import pandas as pd

from patron.arrays import Floats
from patron.datasets.buying import stream
from patron.datasets.lines import names_of, timestamps
from patron.datasets.seasons import Tempo
from patron.datasets.world import World
from patron.durations import SECONDS_PER_DAY

__all__ = ["KINDS", "draw_engagement", "vitality"]


KINDS = ("email_sent", "email_opened", "email_clicked", "site_visited")
_CHANNELS = ("email", "email", "email", "site")

_SENT_AT = 10 / 24  # newsletters go out at ten
_MEAN_OPEN_DELAY, _MEAN_CLICK_DELAY = 0.4, 0.001  # days
_SPREAD = 2.0  # shape of the gamma distribution of how lively customers are; its mean is 1


def draw_engagement(
    world: World, seed: int, tempo: Tempo, arrived: Floats, left: Floats, *, start: np.datetime64, days: int
) -> tuple[pd.DataFrame, Floats]:
    """The engagement table of customers 1, 2, … n, sorted by time, and how lively each of them is.

    Parameters
    ----------
    world
        how often newsletters go out and sites are visited, and how that fades
    seed
        of the whole simulation
    tempo
        the shop's clock; visits follow the hours and seasons
    arrived
        (n,) calendar days since the start
    left
        (n,) calendar days since the start, infinite for customers who stay
    start, days
        the window

    Returns
    -------
    engagement
        customer_id, event_at, kind (one of `KINDS`), channel ("email" or "site")
    liveliness
        (n,) factor with mean 1 on the customer's visits and, as far as a share can go, on opens

    Examples
    --------
    >>> calm, start = World(email_consent=1.0), np.datetime64("2024-01-01")
    >>> clock = Tempo(calm, start.item(), days=28)
    >>> events, _ = draw_engagement(calm, 0, clock, np.zeros(1), np.array([np.inf]), start=start, days=28)
    >>> int((events["kind"] == "email_sent").sum())
    2
    """
    chance = stream(seed, "engagement")
    n = arrived.size
    liveliness = chance.gamma(_SPREAD, 1 / _SPREAD, size=n)
    consents = chance.random(n) < world.email_consent

    sent, sent_to = _newsletters(world, arrived, consents, days)
    interested = chance.random(sent.size) < world.open_rate * liveliness[sent_to]
    opened, opened_by = sent[interested], sent_to[interested]
    opened = opened + chance.exponential(_MEAN_OPEN_DELAY, size=opened.size)
    opens = chance.random(opened.size) < vitality(world, opened, left[opened_by])
    opened, opened_by = opened[opens], opened_by[opens]
    clicked = opened + chance.exponential(_MEAN_CLICK_DELAY, size=opened.size)
    clicks = chance.random(opened.size) < world.click_rate
    clicks &= vitality(world, clicked, left[opened_by]) > 0  # some leave between the two
    clicked, clicked_by = clicked[clicks], opened_by[clicks]
    visited, visited_by = _visits(world, stream(seed, "visits"), tempo, arrived, left, liveliness)

    parts = [(sent_to, sent), (opened_by, opened), (clicked_by, clicked), (visited_by, visited)]
    who = np.concatenate([part[0] for part in parts])
    at = np.concatenate([part[1] for part in parts])
    kind = np.repeat(np.arange(len(parts), dtype=np.int8), [part[0].size for part in parts])
    by_time = np.argsort(at, kind="stable")
    by_time = by_time[at[by_time] < days]
    engagement = pd.DataFrame(
        {
            "customer_id": who[by_time] + 1,
            "event_at": timestamps(start, np.floor(at[by_time] * SECONDS_PER_DAY).astype(np.int64)),
            "kind": names_of(kind[by_time], list(KINDS)),
            "channel": names_of(kind[by_time], list(_CHANNELS)),
        },
        copy=False,
    )
    return engagement, liveliness


def vitality(world: World, at: Floats, left: Floats) -> Floats:
    """How much of a customer's engagement is there: (n,) in [lapsed_engagement, 1].

    Parameters
    ----------
    world
        fade_days and lapsed_engagement
    at
        (n,) the moment, days
    left
        (n,) when the customer leaves, days; infinite for one who stays

    Examples
    --------
    >>> fading = World(fade_days=60, lapsed_engagement=0.0)
    >>> vitality(fading, np.array([10.0, 70.0, 100.0, 130.0]), np.array([np.inf, 100.0, 100.0, 100.0]))
    array([1. , 0.5, 0. , 0. ])
    """
    ahead = np.clip((left - at) / world.fade_days, 0, 1)
    faded: Floats = world.lapsed_engagement + (1 - world.lapsed_engagement) * ahead
    return faded


def _newsletters(
    world: World, arrived: Floats, consents: npt.NDArray[np.bool_], days: int
) -> tuple[Floats, npt.NDArray[np.int64]]:
    """When each newsletter goes out and to whom: everybody who agreed and had arrived."""
    issues = np.arange(world.email_every_days, days + 1, world.email_every_days) - 1 + _SENT_AT
    readers = np.flatnonzero(consents)
    readers = readers[np.argsort(arrived[readers], kind="stable")]
    reached = np.searchsorted(arrived[readers], issues)
    sent_to = np.concatenate([readers[:count] for count in reached] or [readers[:0]])
    return np.repeat(issues, reached), sent_to


def _visits(
    world: World, chance: np.random.Generator, tempo: Tempo, arrived: Floats, left: Floats, liveliness: Floats
) -> tuple[Floats, npt.NDArray[np.int64]]:
    """Visits of each customer at the shop's tempo, thinned by what is left of the customer."""
    begin = tempo.clock(arrived)
    stay = tempo.length - begin
    count = chance.poisson(world.visits_per_day * liveliness * stay)
    who = np.repeat(np.arange(arrived.size), count)
    at = tempo.moments(begin[who] + chance.random(who.size) * stay[who])
    happens = chance.random(who.size) < vitality(world, at, left[who])
    return at[happens], who[happens]
