"""The purchase process of a simulation: when customers buy, when they leave, and what an order is worth.

A customer buys at exponential gaps with an individual rate λ. Under BG/NBD the customer leaves with an
individual probability p after each repeat purchase, under MBG/NBD after the first one too, under Pareto/NBD
after an exponential lifetime. Order values follow Gamma-Gamma.

References
----------
Fader, Hardie & Lee (2005), Marketing Science 24(2), 275-284 (BG/NBD).
Batislam, Denizel & Filiztekin (2007), International Journal of Research in Marketing 24(3), 201-209
(MBG/NBD). Schmittlein, Morrison & Colombo (1987), Management Science 33(1), 1-24 (Pareto/NBD). Fader & Hardie
(2013), "The Gamma-Gamma Model of Monetary Value".
"""

import numpy as np

from patron.arrays import Floats, Integers

__all__ = ["draw_order_values", "draw_repeat_purchases"]


def draw_repeat_purchases(
    chance: np.random.Generator, rate: Floats, span: Floats, leaves: Floats, *, leaves_at_first: bool = False
) -> tuple[Integers, Floats, Floats]:
    """Repeat purchases of each customer, from the first purchase until leaving or the end of observation.

    Parameters
    ----------
    chance
        random generator
    rate
        (n,) purchases per unit of time, > 0
    span
        (n,) time observed after the first purchase, ≥ 0
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
        (n,) time since the first purchase at which the customer left, infinite if not while observed

    Examples
    --------
    A customer who is certain to leave after the first repeat purchase has exactly one:

    >>> from patron.datasets.streams import stream
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
    while active.size:  # one round draws the next purchase of every active customer
        now = now + chance.exponential(size=active.size) / rate[active]
        observed = now <= span[active]
        active, now = active[observed], now[observed]
        buyers.append(active)
        moments.append(now)
        gone = chance.random(active.size) < leaves[active]
        left[active[gone]] = now[gone]
        active, now = active[~gone], now[~gone]
    return np.concatenate(buyers), np.concatenate(moments), left


def draw_order_values(chance: np.random.Generator, spend_rate: Floats, p: float) -> Floats:
    """The value of each order: (m,) money ~ Gamma(p, ν).

    Parameters
    ----------
    chance
        random generator
    spend_rate
        (m,) > 0, the spend rate ν of the customer who places each order
    p
        > 0, shape

    Examples
    --------
    >>> from patron.datasets.streams import stream
    >>> values = draw_order_values(stream(0, "x"), np.full(100_000, 0.15), p=6.0)
    >>> float(values.mean().round())
    40.0
    """
    return chance.gamma(p, size=spend_rate.size) / spend_rate
