"""Customers in an order, taken while there is room."""

from dataclasses import dataclass

import numpy as np

from patron.arrays import Flags, Floats, Integers
from patron.campaigns.allocation.shadow_prices import Competition

__all__ = ["Room", "fill"]


_TRIED = 20_000  # customers who are tried one by one once somebody no longer fits


@dataclass(slots=True)
class Room:
    """What is left of the budget (money) and of each channel (n_channels,) counts."""

    budget: float
    capacity: Floats

    def open(self, channel: Integers) -> Flags:
        """Whether the channel of each offer has room for one more: the shape of `channel`."""
        fits: Flags = self.capacity[channel] >= 1
        return fits


def fill(
    given: Competition,
    room: Room,
    customer: Integers,
    offer: Integers,
    chosen: Integers,
    *,
    most: int | None = None,
) -> int:
    """Take customers in order while there is room; whoever does not fit is passed over.

    Parameters
    ----------
    given
        costs and channels
    room
        what is left; made smaller by what is taken
    customer, offer
        (m,) who comes first, and which offer each would get
    chosen
        (n_customers,) position of the offer of each customer, −1 for none; those taken are written in
    most
        count of customers to take at most

    Returns
    -------
    int
        count of customers taken

    Examples
    --------
    >>> given = Competition(
    ...     profit=np.ones((1, 3)), cost=np.array([[2.0, 5.0, 1.0]]), budget=3.0, channel=np.array([0]),
    ...     capacity=np.array([2.0]), segment=np.full(3, -1), least=np.zeros(0, dtype=np.int64))
    >>> room, chosen = Room(3.0, np.array([2.0])), np.full(3, -1)
    >>> fill(given, room, np.arange(3), np.zeros(3, dtype=np.int64), chosen), chosen.tolist()
    (2, [0, -1, 0])
    """
    most = len(customer) if most is None else most
    cost, channel = given.cost[offer, customer], given.channel[offer]
    fits = np.ones(len(customer), dtype=bool)
    for position, capacity in enumerate(room.capacity):
        here = channel == position
        fits[here] = np.arange(1, np.count_nonzero(here) + 1) <= capacity
    spent = np.cumsum(np.where(fits, cost, 0.0))
    until = int(np.searchsorted(spent, room.budget, side="right"))
    taken = np.flatnonzero(fits[:until])[:most]
    _take(room, cost[taken], channel[taken])
    chosen[customer[taken]] = offer[taken]
    count = len(taken)
    for row in range(until, min(until + _TRIED, len(customer))):
        if count >= most or room.budget <= 0:
            break
        if cost[row] <= room.budget and room.capacity[channel[row]] >= 1:
            _take(room, cost[row : row + 1], channel[row : row + 1])
            chosen[customer[row]] = offer[row]
            count += 1
    return count


def _take(room: Room, cost: Floats, channel: Integers) -> None:
    room.budget -= float(cost.sum())
    room.capacity -= np.bincount(channel, minlength=len(room.capacity))
