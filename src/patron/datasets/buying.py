"""Who buys, when, until when, and for how much: the chance behind every simulated purchase.

A customer buys at exponential gaps with an own rate λ. Under BG/NBD the customer leaves with an own
probability p after each repeat purchase, under MBG/NBD after the first one too, under Pareto/NBD at a moment
of its own. What an order is worth varies by Gamma-Gamma.

References
----------
Fader, Hardie & Lee (2005), Marketing Science 24(2), 275-284 (BG/NBD).
Batislam, Denizel & Filiztekin (2007), International Journal of Research in Marketing 24(3), 201-209
(MBG/NBD). Schmittlein, Morrison & Colombo (1987), Management Science 33(1), 1-24 (Pareto/NBD). Fader & Hardie
(2013), "The Gamma-Gamma Model of Monetary Value".
"""

import numpy as np

from patron.arrays import Floats, Integers
from patron.errors import RangeError

__all__ = ["draw_order_values", "draw_repeat_purchases", "stream"]


def stream(seed: int, name: str) -> np.random.Generator:
    """The source of chance for one table or trait: a table that is added later changes no draw of the others.

    Parameters
    ----------
    seed
        ≥ 0, of the whole simulation
    name
        of the table or trait

    Raises
    ------
    RangeError
        the seed is negative or no whole number

    Examples
    --------
    >>> bool(stream(0, "orders").random() == stream(0, "orders").random())
    True
    >>> bool(stream(0, "orders").random() == stream(0, "engagement").random())
    False
    """
    if not isinstance(seed, int | np.integer) or seed < 0:
        raise RangeError(f"seed must be a whole number ≥ 0, got {seed!r}.")
    return np.random.default_rng([int(seed), *name.encode()])


def draw_repeat_purchases(
    chance: np.random.Generator, rate: Floats, span: Floats, leaves: Floats, *, leaves_at_first: bool = False
) -> tuple[Integers, Floats, Floats]:
    """Repeat purchases of each customer from the first purchase until leaving or the end of the time watched.

    Parameters
    ----------
    chance
        the source of chance
    rate
        (n,) purchases per unit of time, > 0
    span
        (n,) time watched after the first purchase, ≥ 0
    leaves
        (n,) probability in [0, 1] of leaving after each repeat purchase
    leaves_at_first
        whether the first purchase may be the last one too (MBG/NBD)

    Returns
    -------
    who
        (m,) row of the customer who buys
    when
        (m,) time since that customer's first purchase, in (0, span]; each customer's purchases in order
    left
        (n,) time since the first purchase at which the customer left, infinite if not while watched

    Examples
    --------
    A customer who surely leaves after the first repeat purchase has exactly one:

    >>> who, when, left = draw_repeat_purchases(stream(0, "x"), np.ones(3), np.full(3, 100.0), np.ones(3))
    >>> who.tolist(), bool((when == left).all())
    ([0, 1, 2], True)
    """
    left = np.full(rate.size, np.inf)
    active = np.arange(rate.size)
    if leaves_at_first:
        gone = chance.random(rate.size) < leaves
        left[gone] = 0.0
        active = active[~gone]
    now = np.zeros(active.size)
    buyers, moments = [np.empty(0, np.int64)], [np.empty(0)]
    while active.size:  # one round draws everybody's next purchase; the work is that of the purchases alone
        now = now + chance.exponential(size=active.size) / rate[active]
        watched = now <= span[active]
        active, now = active[watched], now[watched]
        buyers.append(active)
        moments.append(now)
        gone = chance.random(active.size) < leaves[active]
        left[active[gone]] = now[gone]
        active, now = active[~gone], now[~gone]
    return np.concatenate(buyers), np.concatenate(moments), left


def draw_order_values(chance: np.random.Generator, spend_rate: Floats, p: float) -> Floats:
    """What orders are worth: (m,) money ~ Gamma(p, ν), for the spend rate ν (m,) of the customer of each
    order.

    Examples
    --------
    >>> values = draw_order_values(stream(0, "x"), np.full(100_000, 0.15), p=6.0)
    >>> float(values.mean().round())
    40.0
    """
    return chance.gamma(p, size=spend_rate.size) / spend_rate
