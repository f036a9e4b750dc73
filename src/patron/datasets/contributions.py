"""The contributions table: reviews, ideas and interviews that customers give the business."""

import numpy as np
import pandas as pd

from patron.arrays import Floats
from patron.datasets.columns import from_codes, timestamps
from patron.datasets.streams import stream
from patron.datasets.world import World

__all__ = ["KINDS", "draw_contributions"]


KINDS = ("review", "idea", "interview")

_SHARES = (0.85, 0.12, 0.03)
_SHAPE = 0.3  # of the gamma distribution of the rate over customers: most contribute nothing


def draw_contributions(
    world: World, seed: int, arrived: Floats, left: Floats, *, start: np.datetime64, days: int
) -> pd.DataFrame:
    """The contributions table of customers 1, 2, … n, by time: customer_id, contributed_at, kind, units.

    Parameters
    ----------
    world
        the contribution rate
    seed
        of the whole simulation
    arrived
        (n,) calendar days since the start
    left
        (n,) calendar days since the start, infinite for customers who stay; nothing comes after it
    start, days
        first day and length of the window

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
    rate = chance.gamma(_SHAPE, 1 / _SHAPE, size=n)
    count = chance.poisson(rate * stays * world.contributions_per_year / 365)
    who = np.repeat(np.arange(n), count)
    at = arrived[who] + chance.random(who.size) * stays[who]
    kind = chance.choice(len(KINDS), size=who.size, p=_SHARES)
    by_time = np.argsort(at, kind="stable")
    return pd.DataFrame(
        {
            "customer_id": who[by_time] + 1,
            "contributed_at": timestamps(start, at[by_time]),
            "kind": from_codes(kind[by_time], list(KINDS)),
            "units": 1.0,
        },
        copy=False,
    )
