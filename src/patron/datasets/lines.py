"""The transactions table: the lines of each order, their cost, and returns."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from patron.arrays import Floats, Integers
from patron.datasets.columns import after_seconds, from_codes
from patron.datasets.streams import stream
from patron.datasets.world import World
from patron.durations import SECONDS_PER_DAY

__all__ = ["draw_lines"]


_FAVOURITE_SHARE = 0.6  # of a customer's lines come from the customer's favourite category
_EXTRA_PIECES = 0.25  # mean number of pieces beyond the first
_SMALLEST_AMOUNT = 0.01
_DISCOUNTS = (0.05, 0.30)  # share of the price, from and to
_FIRST_RETURN, _MEAN_RETURN = 2.0, 10.0  # days: the minimum, and the mean beyond it


def draw_lines(
    world: World, seed: int, customer: Integers, at: Floats, value: Floats, *, start: np.datetime64, days: int
) -> pd.DataFrame:
    """The transactions table of orders: one row per line bought or returned, by time.

    Parameters
    ----------
    world
        lines per order, products, discounts, costs and refunds
    seed
        of the whole simulation
    customer
        (n_orders,) id of the customer, ≥ 0
    at
        (n_orders,) calendar days since the start, ascending
    value
        (n_orders,) money, value of the order; its lines are rounded to cents, at least one cent each
    start, days
        first day and length of the window; later returns are not in the table

    Returns
    -------
    pd.DataFrame
        customer_id, order_at, order_id (1, 2, … by time), product_id, category, quantity,
        amount, discount and cost. A return is a row of its own under the order_id of the purchase, with
        negative quantity, amount, discount and cost, so that sums are net.

    Examples
    --------
    >>> bought = np.array([7]), np.array([0.5]), np.array([30.0])
    >>> lines = draw_lines(World(refund_share=1.0), 0, *bought, start=np.datetime64("2024-01-01"), days=365)
    >>> lines["customer_id"].unique().tolist(), float(lines["amount"].sum())
    ([7], 0.0)
    """
    chance = stream(seed, "lines")
    n_lines = 1 + chance.poisson(world.lines_per_order - 1, size=customer.size)
    order = np.repeat(np.arange(customer.size), n_lines)
    seconds = np.floor(at * SECONDS_PER_DAY).astype(np.int64)[order]

    category_of, cost_share_of, popularity = _assortment(world, stream(seed, "products"))
    product = _pick_products(chance, customer[order], category_of, popularity, stream(seed, "favourites"))
    amount = _split_into_lines(chance, value, n_lines, order)
    discount = _discounts(world, chance, amount)
    cost = ((amount + discount) * cost_share_of[product]).round(2)
    quantity = 1 + chance.poisson(_EXTRA_PIECES, size=order.size)

    returned, returned_at = _returns(world, stream(seed, "refunds"), seconds, days)
    happened = np.concatenate([seconds, returned_at])
    by_time = np.argsort(happened, kind="stable")

    def both(bought: npt.NDArray[Any], sign: int = 1) -> npt.NDArray[Any]:
        """The rows bought and the rows returned, by time."""
        return np.concatenate([bought, sign * bought[returned]])[by_time]

    product = both(product)
    return pd.DataFrame(
        {
            "customer_id": both(customer[order]),
            "order_at": after_seconds(start, happened[by_time]),
            "order_id": both(order + 1),
            "product_id": product + 1,
            "category": from_codes(
                category_of[product], [f"category {k + 1}" for k in range(world.categories)]
            ),
            "quantity": both(quantity, -1),
            "amount": both(amount, -1),
            "discount": both(discount, -1),
            "cost": both(cost, -1),
        },
        copy=False,
    )


def _assortment(world: World, chance: np.random.Generator) -> tuple[npt.NDArray[np.int32], Floats, Floats]:
    """(products,) each: category (those of one are neighbours), cost as a share of the price, popularity."""
    category = np.arange(world.products, dtype=np.int32) * world.categories // world.products
    cost_share = np.minimum(world.cost_share * chance.uniform(0.8, 1.2, world.products), 0.99)
    popularity = chance.permutation(1 / np.arange(1, world.products + 1))  # Zipf's law
    return category, cost_share, popularity


def _pick_products(
    chance: np.random.Generator,
    customer: Integers,
    category_of: npt.NDArray[np.int32],
    popularity: Floats,
    taste: np.random.Generator,
) -> Integers:
    """(n_lines,) product by popularity, often from the customer's favourite category."""
    edges = np.concatenate([[0.0], np.cumsum(popularity) / popularity.sum()])
    first = np.searchsorted(category_of, np.arange(category_of[-1] + 2))
    low, high = edges[first[:-1]], edges[first[1:]]
    favourite = taste.integers(category_of[-1] + 1, size=customer.max(initial=0) + 1)[customer]
    spot = chance.random(customer.size)
    spot = np.where(
        chance.random(customer.size) < _FAVOURITE_SHARE, low[favourite] + spot * (high - low)[favourite], spot
    )
    return np.minimum(np.searchsorted(edges, spot, side="right") - 1, category_of.size - 1)


def _split_into_lines(
    chance: np.random.Generator, value: Floats, n_lines: Integers, order: Integers
) -> Floats:
    weight = 0.2 + chance.exponential(size=order.size)
    first = np.cumsum(n_lines) - n_lines
    per_weight = value / np.add.reduceat(weight, first) if value.size else value
    return np.maximum((weight * per_weight[order]).round(2), _SMALLEST_AMOUNT)


def _discounts(world: World, chance: np.random.Generator, amount: Floats) -> Floats:
    """(n_lines,) discount in money, given the `amount` paid."""
    off = np.where(
        chance.random(amount.size) < world.discount_share, chance.uniform(*_DISCOUNTS, amount.size), 0.0
    )
    discount: Floats = (amount * off / (1 - off)).round(2)
    return discount


def _returns(
    world: World, chance: np.random.Generator, seconds: Integers, days: int
) -> tuple[Integers, Integers]:
    """Lines returned within the window, and when: (m,) rows and seconds since the start."""
    returned = np.flatnonzero(chance.random(seconds.size) < world.refund_share)
    wait = _FIRST_RETURN + chance.exponential(_MEAN_RETURN, size=returned.size)
    returned_at = seconds[returned] + (wait * SECONDS_PER_DAY).astype(np.int64)
    seen = returned_at < days * SECONDS_PER_DAY
    return returned[seen], returned_at[seen]
