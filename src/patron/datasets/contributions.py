"""What customers teach the business: reviews, ideas and interviews."""

import numpy as np
import pandas as pd

from patron.arrays import Floats
from patron.datasets.buying import stream
from patron.datasets.lines import names_of, timestamps
from patron.datasets.world import World
from patron.durations import SECONDS_PER_DAY

__all__ = ["KINDS", "draw_contributions"]


KINDS = ("review", "idea", "interview")

_SHARES = (0.85, 0.12, 0.03)
_ZEAL = 0.3  # shape of the gamma distribution over customers: most contribute nothing


def draw_contributions(
    world: World, seed: int, arrived: Floats, left: Floats, *, start: np.datetime64, days: int
) -> pd.DataFrame:
    """The contributions table of customers 1, 2, … n, by time: customer_id, contributed_at, kind, units.

    Parameters
    ----------
    world
        how often customers contribute
    seed
        of the whole simulation
    arrived
        (n,) calendar days since the start
    left
        (n,) calendar days since the start, infinite for customers who stay; who has left teaches nothing
    start, days
        the window

    Examples
    --------
    >>> eager, new_year = World(contributions_per_year=5.0), np.datetime64("2024-01-01")
    >>> given = draw_contributions(eager, 0, np.zeros(10_000), np.full(10_000, 36.5), start=new_year,
    ...                            days=365)
    >>> round(len(given) / 10_000, 1)
    0.5
    """
    chance, n = stream(seed, "contributions"), arrived.size
    stays = np.minimum(left, days) - arrived
    zeal = chance.gamma(_ZEAL, 1 / _ZEAL, size=n)
    count = chance.poisson(zeal * stays * world.contributions_per_year / 365)
    who = np.repeat(np.arange(n), count)
    at = arrived[who] + chance.random(who.size) * stays[who]
    kind = chance.choice(len(KINDS), size=who.size, p=_SHARES)
    by_time = np.argsort(at, kind="stable")
    return pd.DataFrame(
        {
            "customer_id": who[by_time] + 1,
            "contributed_at": timestamps(start, np.floor(at[by_time] * SECONDS_PER_DAY).astype(np.int64)),
            "kind": names_of(kind[by_time], list(KINDS)),
            "units": 1.0,
        },
        copy=False,
    )
