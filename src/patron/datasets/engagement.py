"""The engagement table: newsletters and site visits, which fade before a customer leaves.

The newsletter goes to every customer who consented, active or not. Opens, clicks and visits are thinned by
`vitality`: 1 until some weeks before leaving, then falling linearly to the level of a lapsed customer.
"""

import numpy as np
import numpy.typing as npt
import pandas as pd

from patron.arrays import Floats
from patron.datasets.columns import from_codes, timestamps
from patron.datasets.seasonality import SeasonalClock
from patron.datasets.streams import stream
from patron.datasets.world import World

__all__ = ["KINDS", "draw_engagement", "vitality"]


KINDS = ("email_sent", "email_opened", "email_clicked", "site_visited")
_CHANNELS = ("email", "email", "email", "site")

_SENT_AT = 10 / 24  # newsletters go out at ten
_MEAN_OPEN_DELAY, _MEAN_CLICK_DELAY = 0.4, 0.001  # days
_SHAPE = 2.0  # of the gamma distribution of liveliness over customers, whose mean is 1


def draw_engagement(
    world: World,
    seed: int,
    clock: SeasonalClock,
    arrived: Floats,
    left: Floats,
    *,
    start: np.datetime64,
    days: int,
) -> tuple[pd.DataFrame, Floats]:
    """The engagement table of customers 1, 2, … n, by time, and the liveliness of each customer.

    Parameters
    ----------
    world
        rates of newsletters and visits, and how they fade
    seed
        of the whole simulation
    clock
        the seasonality of the shop, which visits follow
    arrived
        (n,) calendar days since the start
    left
        (n,) calendar days since the start, infinite for customers who stay
    start, days
        first day and length of the window

    Returns
    -------
    engagement
        customer_id, event_at, kind (one of `KINDS`), channel ("email" or "site")
    liveliness
        (n,) factor with mean 1 on the customer's visits and, up to a share of 1, on opens

    Examples
    --------
    >>> calm, start = World(email_consent=1.0), np.datetime64("2024-01-01")
    >>> shop = SeasonalClock(calm, start.item(), days=28)
    >>> events, _ = draw_engagement(calm, 0, shop, np.zeros(1), np.array([np.inf]), start=start, days=28)
    >>> int((events["kind"] == "email_sent").sum())
    2
    """
    chance = stream(seed, "engagement")
    n = arrived.size
    liveliness = chance.gamma(_SHAPE, 1 / _SHAPE, size=n)
    consents = chance.random(n) < world.email_consent

    sent, sent_to = _newsletters(world, arrived, consents, days)
    interested = chance.random(sent.size) < world.open_rate * liveliness[sent_to]
    opened, opened_by = sent[interested], sent_to[interested]
    opened = opened + chance.exponential(_MEAN_OPEN_DELAY, size=opened.size)
    opens = chance.random(opened.size) < vitality(world, opened, left[opened_by])
    opened, opened_by = opened[opens], opened_by[opens]
    clicked = opened + chance.exponential(_MEAN_CLICK_DELAY, size=opened.size)
    clicks = chance.random(opened.size) < world.click_rate
    clicks &= vitality(world, clicked, left[opened_by]) > 0  # some leave before they click
    clicked, clicked_by = clicked[clicks], opened_by[clicks]
    visited, visited_by = _visits(world, stream(seed, "visits"), clock, arrived, left, liveliness)

    parts = [(sent_to, sent), (opened_by, opened), (clicked_by, clicked), (visited_by, visited)]
    who = np.concatenate([part[0] for part in parts])
    at = np.concatenate([part[1] for part in parts])
    kind = np.repeat(np.arange(len(parts), dtype=np.int8), [part[0].size for part in parts])
    by_time = np.argsort(at, kind="stable")
    by_time = by_time[at[by_time] < days]
    engagement = pd.DataFrame(
        {
            "customer_id": who[by_time] + 1,
            "event_at": timestamps(start, at[by_time]),
            "kind": from_codes(kind[by_time], list(KINDS)),
            "channel": from_codes(kind[by_time], list(_CHANNELS)),
        },
        copy=False,
    )
    return engagement, liveliness


def vitality(world: World, at: Floats, left: Floats) -> Floats:
    """The share of a customer's engagement that is left: (n,) in [lapsed_engagement, 1].

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
    return world.lapsed_engagement + (1 - world.lapsed_engagement) * ahead


def _newsletters(
    world: World, arrived: Floats, consents: npt.NDArray[np.bool_], days: int
) -> tuple[Floats, npt.NDArray[np.int64]]:
    """When each newsletter goes out and to whom: every customer who consented and had arrived."""
    issues = np.arange(world.email_every_days, days + 1, world.email_every_days) - 1 + _SENT_AT
    readers = np.flatnonzero(consents)
    readers = readers[np.argsort(arrived[readers], kind="stable")]
    reached = np.searchsorted(arrived[readers], issues)
    sent_to = np.concatenate([readers[:count] for count in reached] or [readers[:0]])
    return np.repeat(issues, reached), sent_to


def _visits(
    world: World,
    chance: np.random.Generator,
    clock: SeasonalClock,
    arrived: Floats,
    left: Floats,
    liveliness: Floats,
) -> tuple[Floats, npt.NDArray[np.int64]]:
    """Visits of each customer by the seasonality of the shop, thinned by `vitality`."""
    begin = clock.operational_time(arrived)
    stay = clock.length - begin
    count = chance.poisson(world.visits_per_day * liveliness * stay)
    who = np.repeat(np.arange(arrived.size), count)
    at = clock.calendar_time(begin[who] + chance.random(who.size) * stay[who])
    happens = chance.random(who.size) < vitality(world, at, left[who])
    return at[happens], who[happens]
