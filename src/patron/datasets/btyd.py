"""RFM rows that follow the BTYD models exactly, with the purchases of the horizon after them.

For recovery tests: are the parameters found again, and do the intervals of purchases and value have their
nominal coverage? `simulate_btyd` explains the symbols.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from patron.arrays import Floats, Integers
from patron.checks import finite, one_of, positive, whole_number
from patron.datasets.purchase_process import draw_order_values, draw_repeat_purchases
from patron.datasets.streams import stream
from patron.errors import RangeError

__all__ = ["SimulatedBuyers", "simulate_btyd"]


_SMALLEST_RATE = 1e-300  # a gamma draw of small shape may come out as zero


@dataclass(frozen=True, slots=True)
class SimulatedBuyers:
    """Simulated customers: what a model may see and what it may not, each one row per customer in one order.

    Attributes
    ----------
    rfm
        customer_id, frequency, recency, T, monetary_value; times in the unit of T
    truth
        customer_id, purchase_rate (per unit of time), leave_probability, mean_order_value (money), alive
        (at T), purchases (in the horizon after T), value (money spent in it), next_purchase (time from T to
        the first of them; NaN where there is none)
    """

    rfm: pd.DataFrame
    truth: pd.DataFrame


def simulate_btyd(
    n: int,
    *,
    r: float,
    alpha: float,
    a: float,
    b: float,
    p: float,
    q: float,
    v: float,
    T: float | npt.ArrayLike,
    horizon: float,
    family: Literal["bgnbd", "mbgnbd"] = "bgnbd",
    daily: bool = False,
    seed: int = 0,
) -> SimulatedBuyers:
    """Customers whose purchases follow BG/NBD or MBG/NBD and whose spend follows Gamma-Gamma.

    Parameters
    ----------
    n
        customers, ≥ 1
    r, alpha
        > 0, shape and rate of the gamma distribution of purchase rates λ
    a, b
        > 0, of the beta distribution of the probability of leaving after a purchase
    p, q, v
        > 0, an order is worth Gamma(p, ν) with ν ~ Gamma(q, v) for each customer
    T
        ≥ 0, one number or (n,), age: time from the first purchase to the end of observation, in any unit
    horizon
        ≥ 0, time after T that the truth covers
    family
        "bgnbd" leaves after repeat purchases only, "mbgnbd" after the first one too
    daily
        whether time is in whole days, as in real tables: T and horizon are whole numbers, the purchases
        of one day are one occasion, and the horizon is the days T + 1 to T + horizon. If False, purchases
        happen at any moment
    seed
        ≥ 0

    Raises
    ------
    RangeError
        a parameter is out of range, or T or the horizon is not a whole number of days

    References
    ----------
    Fader, Hardie & Lee (2005), Marketing Science 24(2), 275-284.
    Batislam, Denizel & Filiztekin (2007), International Journal of Research in Marketing 24(3), 201-209.
    Fader & Hardie (2013), "The Gamma-Gamma Model of Monetary Value".

    Examples
    --------
    >>> world = dict(r=0.5, alpha=10.0, a=0.8, b=2.5, p=6.0, q=4.0, v=15.0)
    >>> buyers = simulate_btyd(1000, **world, T=200.0, horizon=90.0, seed=1)
    >>> list(buyers.rfm.columns)
    ['customer_id', 'frequency', 'recency', 'T', 'monetary_value']
    >>> int(buyers.truth.loc[~buyers.truth["alive"], "purchases"].sum())
    0
    """
    parameters = {"r": r, "alpha": alpha, "a": a, "b": b, "p": p, "q": q, "v": v}
    age = _checked_age(n, parameters, T, horizon, family, daily)
    rate = np.maximum(stream(seed, "purchase rates").gamma(r, 1 / alpha, size=n), _SMALLEST_RATE)
    leaves = stream(seed, "leaving").beta(a, b, size=n)
    spend_rate = np.maximum(stream(seed, "spend rates").gamma(q, 1 / v, size=n), _SMALLEST_RATE)

    # In whole days the first purchase falls anywhere within day 0, and day T is observed to its end.
    begin = stream(seed, "first purchases").random(n) if daily else np.zeros(n)
    known = age + (1 if daily else 0)
    who, when, left = draw_repeat_purchases(
        stream(seed, "orders"), rate, known + horizon - begin, leaves, leaves_at_first=family == "mbgnbd"
    )
    values = draw_order_values(stream(seed, "order values"), spend_rate[who], p)
    when = when + begin[who]
    if daily:
        who, when, values = _merge_days(who, np.floor(when), values)

    past = when <= age[who]
    frequency, recency, spent = _summarise(n, who[past], when[past], values[past])
    purchases, _, value = _summarise(n, who[~past], when[~past], values[~past])
    first_ahead = np.full(n, np.inf)
    np.minimum.at(first_ahead, who[~past], when[~past] - age[who[~past]])
    identity = np.arange(1, n + 1)
    rfm = pd.DataFrame(
        {
            "customer_id": identity,
            "frequency": frequency,
            "recency": recency,
            "T": age,
            "monetary_value": spent / np.maximum(frequency, 1),
        }
    )
    truth = pd.DataFrame(
        {
            "customer_id": identity,
            "purchase_rate": rate,
            "leave_probability": leaves,
            "mean_order_value": p / spend_rate,
            "alive": left + begin > known,
            "purchases": purchases,
            "value": value,
            "next_purchase": np.where(np.isinf(first_ahead), np.nan, first_ahead),
        }
    )
    return SimulatedBuyers(rfm, truth)


def _checked_age(
    n: int, parameters: dict[str, float], T: float | npt.ArrayLike, horizon: float, family: str, daily: bool
) -> Floats:
    """T of each customer: (n,)."""
    whole_number("n", n, 1)
    for name, value in parameters.items():
        positive(name, value)
    one_of("family", family, ("bgnbd", "mbgnbd"))
    given = np.asarray(T, dtype=float)
    if given.shape not in ((), (n,)):
        raise RangeError(f"T must be one number or {n}, got an array of shape {given.shape}.")
    for name, times in (("T", given), ("horizon", np.asarray(horizon, dtype=float))):
        if (finite(name, times, lowest=0) % 1 != 0).any() and daily:
            raise RangeError(f"{name} must be whole days with daily=True, got fractions of a day.")
    return np.broadcast_to(given, (n,)).copy()


def _merge_days(who: Integers, day: Floats, values: Floats) -> tuple[Integers, Floats, Floats]:
    """One occasion per customer and day. Later purchases of the first day belong to the first one."""
    later = day > 0
    length = day.max(initial=0) + 1
    occasion, belongs = np.unique(who[later] * length + day[later], return_inverse=True)
    total = np.bincount(belongs, weights=values[later], minlength=occasion.size)
    return (occasion // length).astype(np.int64), occasion % length, total


def _summarise(n: int, who: Integers, when: Floats, values: Floats) -> tuple[Integers, Floats, Floats]:
    """Count, last moment (0 if none) and total of each customer's purchases: (n,) each."""
    last = np.zeros(n)
    np.maximum.at(last, who, when)
    return np.bincount(who, minlength=n), last, np.bincount(who, weights=values, minlength=n)
