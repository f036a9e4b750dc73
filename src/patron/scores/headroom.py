"""Growth headroom: the gap between a customer and the 80th percentile of similar customers.

Similar customers (peers) are the nearest neighbours in the same lifecycle stage, by how they buy (recency,
frequency, money) and what they buy (categories). The headroom is an upside, not a forecast: it is reported
next to the growth potential and never part of customer_value.

It is split by where the better peers are ahead::

    more purchases   peers' 80th percentile of purchases − own, at the own order value
    larger orders    peers' 80th percentile of order value − own, at the own number of purchases
    new categories   Σ over categories not bought yet: share of peers who buy it × their margin in it

The three overlap (a customer of a new category also buys more), so the headroom is allocated to them in
proportion; their raw sum has no meaning.

Time and memory are linear in the number of customers: each is compared with at most `most_peers` customers of
the stage, sampled once, in chunks of some thousands.
"""

import numpy as np
import pandas as pd
from scipy.spatial import KDTree

from patron.arrays import Floats, Index, Texts
from patron.checks import at_least, share
from patron.errors import TableError

__all__ = ["FEWEST_PEERS", "HEADROOM_COLUMNS", "buying_space", "growth_headroom"]


HEADROOM_COLUMNS = ("growth_headroom", "more_purchases", "larger_orders", "new_categories", "peers")

FEWEST_PEERS = 10
"""The minimum number of peers for an 80th percentile; below it the headroom is unknown."""

CHUNK_ROWS = 8_192
"""Customers whose peers are held in memory at a time."""


def growth_headroom(
    growth: Floats,
    order_value: Floats,
    space: Floats,
    stage: Texts,
    category_margin: Floats,
    *,
    n_peers: int = 30,
    most_peers: int = 2_000,
    quantile: float = 0.8,
    random_state: int = 0,
) -> pd.DataFrame:
    """The growth headroom of each customer, and its three parts.

    Parameters
    ----------
    growth
        (n_customers,) money, growth potential; NaN where unknown
    order_value
        (n_customers,) money > 0, expected order value
    space
        (n_customers, n_dimensions), see `buying_space`
    stage
        (n_customers,) lifecycle stage; a customer without one is not compared
    category_margin
        (n_customers, n_categories) money, margin in each category over a period as long as the horizon
        of growth; n_categories may be 0
    n_peers
        count of nearest neighbours that a customer is compared with
    most_peers
        count of customers of a stage among whom neighbours are sought; a random sample if there are
        more
    quantile
        in (0, 1), of the peers' values
    random_state
        seed of the sample

    Returns
    -------
    pd.DataFrame
        growth_headroom (money ≥ 0), more_purchases, larger_orders, new_categories (money ≥ 0, adding up to
        it), peers (count). Rows: those of `growth`, index 0, 1, 2, … The money is null for customers without
        a growth, an order value or a stage, and with fewer than `FEWEST_PEERS` peers.

    Raises
    ------
    TableError
        the arrays have different lengths
    RangeError
        a count or the quantile is out of range

    Examples
    --------
    Eleven customers who order for 10 each, and one who orders less often than the others:

    >>> growth = np.array([20.0] + [50.0] * 11)
    >>> alike, stage = np.zeros((12, 1)), np.full(12, "retention", dtype=object)
    >>> growth_headroom(growth, np.full(12, 10.0), alike, stage, np.empty((12, 0))).head(2)
       growth_headroom  more_purchases  larger_orders  new_categories  peers
    0             30.0            30.0            0.0             0.0     11
    1              0.0             0.0            0.0             0.0     11
    """
    lengths = {len(array) for array in (growth, order_value, space, stage, category_margin)}
    if len(lengths) > 1:
        raise TableError(
            f"growth_headroom needs one entry per customer in every array, and got lengths {sorted(lengths)}."
        )
    for name, count in (("n_peers", n_peers), ("most_peers", most_peers)):
        at_least(name, count, FEWEST_PEERS)
    share("quantile", quantile, ends="()", example="80 % as 0.8")
    found = np.full((growth.size, 4), np.nan)
    peers = np.zeros(growth.size, dtype=np.int64)
    usable = np.isfinite(growth) & (order_value > 0) & np.isfinite(space).all(axis=1)
    usable &= np.array([one is not None for one in stage], dtype=bool)
    chance = np.random.default_rng(random_state)
    for name in sorted(set(stage[usable])):
        members = np.flatnonzero(usable & (stage == name))
        pool = members
        if members.size > most_peers:
            pool = np.sort(chance.choice(members, most_peers, replace=False))
        if pool.size <= FEWEST_PEERS:
            peers[members] = max(members.size - 1, 0)
            continue
        tree, n_nearest = KDTree(space[pool]), min(n_peers, pool.size - 1)
        for start in range(0, members.size, CHUNK_ROWS):
            rows = members[start : start + CHUNK_ROWS]
            near = pool[_nearest(tree, pool, rows, space, n_nearest)]
            found[rows] = _headroom(growth, order_value, category_margin, rows, near, quantile)
        peers[members] = n_nearest
    columns = dict(zip(HEADROOM_COLUMNS, (*found.T, peers), strict=True))
    return pd.DataFrame(columns)


def buying_space(features: pd.DataFrame, category_margin: Floats) -> Floats:
    """Coordinates of each customer by buying behaviour; similar customers are close to each other.

    Parameters
    ----------
    features
        one row per customer: frequency (count), recency and T (days), monetary_value (money)
    category_margin
        (n_customers, n_categories) money in each category; below 0 counts as 0

    Returns
    -------
    Floats
        (n_customers, 4 + n_categories). Silence, age, frequency and money are standardised over the customers
        given, by their logarithms; the categories count by the square roots of their shares, scaled so that
        all of them together vary as much as the other four. NaN where a number is unknown.

    Examples
    --------
    >>> rows = pd.DataFrame({"frequency": [1, 3], "recency": [30, 80], "T": [60, 90],
    ...                      "monetary_value": [10.0, 20.0]})
    >>> buying_space(rows, np.array([[5.0, 0.0], [2.0, 2.0]])).shape
    (2, 6)
    """
    frequency, recency, age, money = (
        features[name].to_numpy(dtype=np.float64, na_value=np.nan)
        for name in ("frequency", "recency", "T", "monetary_value")
    )
    how = _standardised(np.log1p(np.maximum(np.stack([age - recency, age, frequency, money], axis=1), 0.0)))
    spent = np.maximum(category_margin, 0.0)
    total = spent.sum(axis=1, keepdims=True)
    what = np.sqrt(np.divide(spent, total, out=np.zeros_like(spent), where=total > 0))
    spread = what.std(axis=0) if len(what) else np.zeros(what.shape[1])
    scale = np.sqrt(how.shape[1] / np.square(spread).sum()) if spread.any() else 0.0
    return np.concatenate([how, what * scale], axis=1)


def _nearest(tree: KDTree, pool: Index, rows: Index, space: Floats, n_nearest: int) -> Index:
    """(n_rows, n_nearest) positions in the pool of the nearest customers other than oneself."""
    near = np.asarray(tree.query(space[rows], k=n_nearest + 1, workers=-1)[1])
    oneself = pool[near] == rows[:, None]
    others = np.argsort(oneself, axis=1, kind="stable")[:, :n_nearest]  # oneself last, or else the farthest
    return np.take_along_axis(near, others, axis=1)


def _headroom(
    growth: Floats,
    order_value: Floats,
    category_margin: Floats,
    rows: Index,
    near: Index,
    quantile: float,
) -> Floats:
    """(n_rows, 4) money: the headroom and its three parts."""
    orders = growth / order_value  # margin in units of an order: purchases, up to one factor for all
    own_orders, own_value = orders[rows], order_value[rows]
    more = (_quantile(orders[near], quantile) - own_orders) * own_value
    larger = (_quantile(order_value[near], quantile) - own_value) * own_orders
    parts = np.maximum(np.stack([more, larger, np.zeros(rows.size)], axis=1), 0.0)
    for category in range(category_margin.shape[1]):
        margin = category_margin[:, category]
        among_peers = np.maximum(margin[near], 0.0).mean(axis=1)  # share of peers who buy × their margin
        parts[:, 2] += np.where(margin[rows] == 0, among_peers, 0.0)
    headroom = np.maximum(_quantile(growth[near], quantile) - growth[rows], 0.0)
    whole = parts.sum(axis=1)
    parts[whole == 0, 0], whole[whole == 0] = 1.0, 1.0
    return np.column_stack([headroom, parts * (headroom / whole)[:, None]])


def _quantile(values: Floats, quantile: float) -> Floats:
    """(n_rows,) quantile of each row: the smallest value that at least this share does not exceed."""
    place = int(np.ceil(quantile * values.shape[1])) - 1
    return np.partition(values, place, axis=1)[:, place]


def _standardised(columns: Floats) -> Floats:
    known = np.isfinite(columns).all(axis=1)
    if not known.any():
        return columns
    spread = columns[known].std(axis=0)
    return (columns - columns[known].mean(axis=0)) / np.where(spread > 0, spread, 1.0)
