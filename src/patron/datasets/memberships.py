"""The subscriptions table: monthly or annual memberships, renewed until the member cancels or payment fails.

Each member has a constant probability of not renewing, Beta distributed over members: the shifted
beta-geometric model. Loyal members are likelier to choose the annual plan. A payment that fails for good ends
the membership of a member who wanted to stay.
"""

import numpy as np
import pandas as pd

from patron.arrays import Floats
from patron.datasets.columns import from_codes, timestamps
from patron.datasets.streams import stream
from patron.durations import DAYS_PER_MONTH

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
"""The monthly probability of not renewing is Beta(alpha, beta) over members; members of the annual plan have
`selection` times the odds; prices are money per month and per year."""

_MEMBERS = 0.35  # share of the customers
_MEAN_DELAY = 60.0  # days from the first purchase to signing
_LONGEST = 1e6  # renewals, which no window reaches


def draw_memberships(
    seed: int, arrived: Floats, *, start: np.datetime64, days: int
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The subscriptions table of the members, and the truth about each of them.

    Parameters
    ----------
    seed
        of the whole simulation
    arrived
        (n,) calendar days since the start, of customers 1, 2, … n
    start, days
        first day and length of the window; contracts that end later are still running

    Returns
    -------
    subscriptions
        customer_id, started_at, ended_at, plan ("monthly" or "annual"), price (a period),
        period_days, cancel_reason ("cancelled" or "payment_failed"); by the day they began
    truth
        customer_id, leave_chance (probability of cancelling at the next month)

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
    cancels = -np.expm1(term * np.log1p(-leaves))  # at the end of a term
    wanted = _terms(chance, cancels)
    payable = _terms(chance, np.full(who.size, MEMBERSHIP["failed_payments"]))
    ended = begins + np.rint(np.minimum(wanted, payable) * term * DAYS_PER_MONTH)
    over = ended < days
    ended_at = np.where(over, timestamps(start, np.where(over, ended, 0.0)), np.datetime64("NaT", "us"))
    plan = annual.astype(np.int64)
    reason = pd.Series(np.where(payable < wanted, "payment_failed", "cancelled"), dtype="str")
    subscriptions = pd.DataFrame(
        {
            "customer_id": who + 1,
            "started_at": timestamps(start, begins),
            "ended_at": ended_at,
            "plan": from_codes(plan, ["monthly", "annual"]),
            "price": np.where(annual, MEMBERSHIP["annual_price"], MEMBERSHIP["monthly_price"]),
            "period_days": np.where(annual, 365, 30),
            "cancel_reason": reason.where(over),
        },
        copy=False,
    )
    return subscriptions, pd.DataFrame({"customer_id": who + 1, "leave_chance": leaves})


def _terms(chance: np.random.Generator, ends: Floats) -> Floats:
    """Number of terms, geometric with per-term end probability `ends`."""
    terms = np.ceil(np.log1p(-chance.random(ends.size)) / np.log1p(-np.minimum(ends, 1 - 1e-12)))
    return np.clip(terms, 1.0, _LONGEST)
