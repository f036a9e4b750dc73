"""A membership that customers may sign: monthly or annual, renewed until they do not want it any more.

Each member leaves at a renewal with a chance of its own that never changes, Beta over members: the world of
the shifted beta-geometric law. The loyal are likelier to sign for a year. Now and then a payment fails for
good and ends the membership of somebody who wanted to stay.
"""

import numpy as np
import pandas as pd

from patron.arrays import Floats
from patron.datasets.buying import stream
from patron.datasets.lines import names_of, timestamps
from patron.durations import DAYS_PER_MONTH, SECONDS_PER_DAY

__all__ = ["MEMBERSHIP", "draw_memberships"]


MEMBERSHIP = {
    "alpha": 0.8,
    "beta": 8.0,
    "annual_share": 0.3,
    "selection": 0.5,
    "failed_payments": 0.005,
    "monthly_price": 9.0,
    "annual_price": 90.0,
}
"""How members behave: the chance of not renewing a month is Beta(alpha, beta) over members; those who sign
for a year have `selection` times the odds; prices are money a month and a year."""

_MEMBERS = 0.35  # share of the customers
_MEAN_DELAY = 60.0  # days from the first purchase to signing
_LONGEST = 1e6  # renewals: who leaves later never does


def draw_memberships(
    seed: int, arrived: Floats, *, start: np.datetime64, days: int
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The subscriptions table, and the truth about each member.

    Parameters
    ----------
    seed
        of the whole simulation
    arrived
        (n,) calendar days since the start, of customers 1, 2, … n
    start, days
        the window; what ends after it still runs

    Returns
    -------
    subscriptions
        customer_id, started_at, ended_at, plan ("monthly" or "annual"), price (a period),
        period_days, cancel_reason ("cancelled" or "payment_failed"); by the day they began
    truth
        customer_id, leave_chance (of not renewing for the next month, by own wish)

    Examples
    --------
    >>> members, truth = draw_memberships(0, np.zeros(1000), start=np.datetime64("2024-01-01"), days=365)
    >>> bool(300 < len(members) < 400), sorted(members["plan"].unique())
    (True, ['annual', 'monthly'])
    """
    chance = stream(seed, "subscriptions")
    signed = arrived + chance.exponential(_MEAN_DELAY, size=arrived.size)
    signs = (chance.random(arrived.size) < _MEMBERS) & (signed < days)
    who = np.flatnonzero(signs)
    who = who[np.argsort(signed[who], kind="stable")]
    begins = np.floor(signed[who])
    annual = chance.random(who.size) < MEMBERSHIP["annual_share"]
    leaves = chance.beta(MEMBERSHIP["alpha"], MEMBERSHIP["beta"], size=who.size)
    odds = leaves / (1 - leaves) * np.where(annual, MEMBERSHIP["selection"], 1.0)
    leaves = np.clip(odds / (1 + odds), 1e-12, 1 - 1e-12)

    term = np.where(annual, 12.0, 1.0)  # months
    gives_up = -np.expm1(term * np.log1p(-leaves))  # at the end of a term
    wanted = _terms(chance, gives_up)
    payable = _terms(chance, np.full(who.size, MEMBERSHIP["failed_payments"]))
    ended = begins + np.rint(np.minimum(wanted, payable) * term * DAYS_PER_MONTH)
    over = ended < days
    seconds = np.where(over, ended, 0).astype(np.int64) * SECONDS_PER_DAY
    ended_at = timestamps(start, seconds)
    ended_at = np.where(over, ended_at, np.datetime64("NaT", "us"))
    plan = annual.astype(np.int64)
    reason = pd.Series(np.where(payable < wanted, "payment_failed", "cancelled"), dtype="str")
    subscriptions = pd.DataFrame(
        {
            "customer_id": who + 1,
            "started_at": timestamps(start, begins.astype(np.int64) * SECONDS_PER_DAY),
            "ended_at": ended_at,
            "plan": names_of(plan, ["monthly", "annual"]),
            "price": np.where(annual, MEMBERSHIP["annual_price"], MEMBERSHIP["monthly_price"]),
            "period_days": np.where(annual, 365, 30),
            "cancel_reason": reason.where(over),
        },
        copy=False,
    )
    return subscriptions, pd.DataFrame({"customer_id": who + 1, "leave_chance": leaves})


def _terms(chance: np.random.Generator, ends: Floats) -> Floats:
    """Terms until one is the last, each being so with the chance `ends`."""
    terms = np.ceil(np.log1p(-chance.random(ends.size)) / np.log1p(-np.minimum(ends, 1 - 1e-12)))
    return np.clip(terms, 1.0, _LONGEST)
