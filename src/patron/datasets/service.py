"""The interactions and costs tables: customer service, letters, and the cost ledger behind them.

Orders lead to calls, chats and returns; every active customer gets a letter each quarter; some callers stay
anonymous. One service centre, paid by the month for more minutes than are used, answers them all; letters
are paid by the piece.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from patron.arrays import Flags, Floats, Integers
from patron.datasets.columns import from_codes, timestamps
from patron.datasets.streams import stream

__all__ = ["Service", "draw_service"]


_POINTS = ("call", "chat", "return", "letter")
_CHANNELS = ("phone", "site", "post", "post")
_PER_ORDER = (0.25, 0.30, 0.08)  # calls, chats and returns
_COMPLAINTS = 0.2  # share of calls and returns
_BASE_MINUTES = np.array([4.0, 3.0, 5.0, 0.0])
_COMPLAINT_MINUTES = 6.0
_SHAPE = 6.0  # of the gamma distribution of recorded minutes around those of the time equation
_UNRECORDED = 0.1  # share of the interactions without recorded minutes
_ANONYMOUS = 0.06  # share of calls and chats without a customer_id
_LETTER_EVERY = 91  # days
_MINUTE, _LETTER = 0.90, 0.80  # money: a minute of practical capacity, a letter
_SPARE = 1.25  # practical capacity over the minutes used in the busiest month
_PROGRAMME, _IT, _BRAND = 0.35, 0.12, 0.01  # money per customer and month, per interaction, per revenue


@dataclass(frozen=True, slots=True)
class Service:
    """Interactions with customers, and their cost.

    Attributes
    ----------
    interactions
        customer_id (missing where anonymous), occurred_at, touchpoint, channel, minutes,
        units, outcome; by time
    costs
        month, pool, amount, kind, touchpoint, driver; the pool "acquisition" holds the
        acquisition cost of the month's new customers
    capacity
        pool → practical capacity, minutes a month
    truth
        customer_id, minutes, letters, and direct_cost (money) of those minutes and letters
    """

    interactions: pd.DataFrame
    costs: pd.DataFrame
    capacity: dict[str, float]
    truth: pd.DataFrame


def draw_service(
    seed: int,
    customer: Integers,
    at: Floats,
    value: Floats,
    arrived: Floats,
    left: Floats,
    acquisition_cost: Floats,
    *,
    start: np.datetime64,
    days: int,
) -> Service:
    """Interactions with customers 1, 2, … n, and the ledger.

    Parameters
    ----------
    seed
        of the whole simulation
    customer, at, value
        (n_orders,) row of the customer, calendar day since the start, and value of each order
    arrived, left
        (n,) calendar days since the start, infinite for customers who stay
    acquisition_cost
        (n,) money, cost of winning each customer
    start, days
        first day and length of the window

    Returns
    -------
    Service

    Examples
    --------
    >>> one = np.zeros(50, dtype=np.int64), np.linspace(1, 300, 50), np.full(50, 40.0)
    >>> found = draw_service(
    ...     0, *one, np.zeros(1), np.array([np.inf]), np.zeros(1), start=np.datetime64("2024-01-01"), days=365
    ... )
    >>> found.interactions["touchpoint"].value_counts()["letter"], float(found.truth["letters"].sum())
    (np.int64(4), 4.0)
    """
    events = _draw_events(seed, customer, at, arrived, left, days)
    month, months = _months(start, days)

    def by_month(when: Floats, weight: Floats | None = None) -> Floats:
        counts = np.bincount(month(when), weights=weight, minlength=len(months))
        return np.asarray(counts, dtype=np.float64)

    need = by_month(events.when, events.minutes)
    capacity = float(np.ceil(max(_SPARE * need.max(initial=0.0), 60.0) / 60) * 60)
    costs = _ledger(
        months,
        capacity * _MINUTE,
        letters=by_month(events.when, events.units) * _LETTER,
        events=by_month(events.when) * _IT,
        customers=_customers_of(months, start, arrived, left) * _PROGRAMME,
        revenue=by_month(at, value) * _BRAND,
        acquisition=by_month(arrived, acquisition_cost),
    )
    return Service(
        _interactions(events, start), costs, {"service centre": capacity}, _truth(events, arrived.size)
    )


@dataclass(frozen=True, slots=True)
class _Events:
    """Interactions, (m,) each: customer (row), day, touchpoint (position in `_POINTS`), and their traits."""

    who: Integers
    when: Floats
    what: Integers
    anonymous: Flags
    complaint: Flags
    minutes: Floats
    recorded: Flags

    @property
    def units(self) -> Floats:
        """1 for a letter, 0 otherwise."""
        return np.asarray(self.what == _POINTS.index("letter"), dtype=np.float64)


def _draw_events(
    seed: int, customer: Integers, at: Floats, arrived: Floats, left: Floats, days: int
) -> _Events:
    chance = stream(seed, "service")
    who, when, what = _of_orders(chance, customer, at)
    letters_to, letters_at = _letters(arrived, left, days)
    who = np.concatenate([who, letters_to])
    when = np.concatenate([when, letters_at])
    what = np.concatenate([what, np.full(letters_to.size, 3)])
    inside = when < days
    who, when, what = who[inside], when[inside], what[inside]
    anonymous = (chance.random(who.size) < _ANONYMOUS) & (what < 2)
    complaint = (chance.random(who.size) < _COMPLAINTS) & ((what == 0) | (what == 2))
    usual = _BASE_MINUTES[what] + complaint * _COMPLAINT_MINUTES
    minutes = np.round(usual * chance.gamma(_SHAPE, 1 / _SHAPE, size=who.size), 2)
    recorded = (chance.random(who.size) >= _UNRECORDED) | (what == 3)
    return _Events(who, when, what, anonymous, complaint, np.where(recorded, minutes, usual), recorded)


def _interactions(events: _Events, start: np.datetime64) -> pd.DataFrame:
    """The interactions table, by time."""
    by_time = np.argsort(events.when, kind="stable")
    what = events.what[by_time]
    ids = pd.array(events.who[by_time] + 1, dtype="Int64")
    ids[events.anonymous[by_time]] = pd.NA
    return pd.DataFrame(
        {
            "customer_id": ids,
            "occurred_at": timestamps(start, events.when[by_time]),
            "touchpoint": from_codes(what, list(_POINTS)),
            "channel": from_codes(what, list(_CHANNELS)),
            "minutes": np.where(events.recorded, events.minutes, np.nan)[by_time],
            "units": events.units[by_time].astype(np.int64),
            "outcome": from_codes(events.complaint[by_time].astype(np.int64), ["solved", "complaint"]),
        },
        copy=False,
    )


def _truth(events: _Events, n: int) -> pd.DataFrame:
    """Minutes, letters and direct cost of each customer."""
    known = ~events.anonymous
    minutes, letters = (
        np.bincount(events.who[known], weights=weight[known], minlength=n)
        for weight in (events.minutes, events.units)
    )
    return pd.DataFrame(
        {
            "customer_id": np.arange(1, n + 1),
            "minutes": minutes,
            "letters": letters,
            "direct_cost": minutes * _MINUTE + letters * _LETTER,
        }
    )


def _of_orders(
    chance: np.random.Generator, customer: Integers, at: Floats
) -> tuple[Integers, Floats, Integers]:
    """Customer, moment and touchpoint of the calls, chats and returns that follow each order."""
    who, when, what = [], [], []
    for point, mean in enumerate(_PER_ORDER):
        count = chance.poisson(mean, size=customer.size)
        who.append(np.repeat(customer, count))
        when.append(np.repeat(at, count) + chance.exponential(3.0, size=int(count.sum())))
        what.append(np.full(int(count.sum()), point))
    return np.concatenate(who), np.concatenate(when), np.concatenate(what)


def _letters(arrived: Floats, left: Floats, days: int) -> tuple[Integers, Floats]:
    """Recipient and moment of each letter: every active customer on a mailing day."""
    who, when = [np.empty(0, dtype=np.int64)], [np.empty(0)]
    for day in range(_LETTER_EVERY, days + 1, _LETTER_EVERY):
        there = np.flatnonzero((arrived < day - 1) & (left >= day - 1))
        who.append(there)
        when.append(np.full(there.size, day - 0.5))
    return np.concatenate(who), np.concatenate(when)


def _months(
    start: np.datetime64, days: int
) -> tuple[Callable[[Floats], Integers], npt.NDArray[np.datetime64]]:
    """A function from days since the start to the position of their month; and the months."""
    first = start.astype("datetime64[M]")
    last = (start + np.timedelta64(days - 1, "D")).astype("datetime64[M]")
    months = np.arange(first, last + np.timedelta64(1, "M"))

    def place(at: Floats) -> Integers:
        day = start.astype("datetime64[D]") + np.floor(at).astype(np.int64).astype("timedelta64[D]")
        months_on: Integers = (day.astype("datetime64[M]") - first).astype(np.int64)
        return months_on

    return place, months


def _customers_of(
    months: npt.NDArray[np.datetime64], start: np.datetime64, arrived: Floats, left: Floats
) -> Floats:
    """Customers at the end of each month."""
    ends = (months + np.timedelta64(1, "M")).astype("datetime64[D]") - start.astype("datetime64[D]")
    counted = [np.count_nonzero((arrived < end) & (left >= end)) for end in ends.astype(np.int64)]
    return np.array(counted, dtype=np.float64)


def _ledger(months: npt.NDArray[np.datetime64], centre: float, **by_month: Floats) -> pd.DataFrame:
    """One line per month and pool, in cents."""
    lines = [
        ("service centre", np.full(len(months), centre), "direct", None, None),
        ("postage", by_month["letters"], "direct", "letter", None),
        ("information technology", by_month["events"], "indirect", None, "events"),
        ("loyalty programme", by_month["customers"], "indirect", None, "active_customers"),
        ("brand", by_month["revenue"], "indirect", None, "revenue"),
        ("acquisition", by_month["acquisition"], "indirect", None, None),
    ]
    parts = [
        pd.DataFrame(
            {
                "month": months.astype("datetime64[us]"),
                "pool": pool,
                "amount": np.round(amount, 2),
                "kind": kind,
                "touchpoint": pd.Series([touchpoint] * len(months), dtype="str"),
                "driver": pd.Series([driver] * len(months), dtype="str"),
            }
        )
        for pool, amount, kind, touchpoint, driver in lines
    ]
    ledger = pd.concat(parts, ignore_index=True)
    return ledger[ledger["amount"] != 0].sort_values(["month", "pool"], ignore_index=True)
