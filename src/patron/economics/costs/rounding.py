"""Rounding to whole cents that preserves the total."""

import numpy as np
import numpy.typing as npt

from patron.arrays import Integers

__all__ = ["in_cents", "largest_remainder"]


def largest_remainder(parts: npt.ArrayLike, total: int) -> Integers:
    """Whole numbers closest to `parts` that add up to `total`.

    Parameters
    ----------
    parts
        (n,) real numbers, of either sign, whose sum is `total` up to rounding
    total
        sum of the whole numbers

    Returns
    -------
    Integers
        (n,) each part rounded down, or up for the largest remainders; the first one on ties

    Examples
    --------
    >>> largest_remainder([33.4, 33.4, 33.2], 100)
    array([34, 33, 33])
    >>> largest_remainder([-0.5, -0.5], -1)
    array([ 0, -1])
    """
    exact = np.asarray(parts, dtype=np.float64)
    down = np.floor(exact)
    whole: Integers = down.astype(np.int64)
    missing = int(total) - int(whole.sum())
    if exact.size and missing:
        order = np.argsort(-(exact - down), kind="stable")
        if missing < 0:  # rounding put a sum of floats slightly above a whole number
            order = order[::-1]
        turns, rest = divmod(abs(missing), exact.size)
        step = 1 if missing > 0 else -1
        whole += step * turns
        whole[order[:rest]] += step
    return whole


def in_cents(amounts: npt.ArrayLike) -> Integers:
    """Amounts in whole cents whose sum is the rounded sum of the amounts.

    Parameters
    ----------
    amounts
        (n,) money

    Returns
    -------
    Integers
        (n,) cents

    Examples
    --------
    >>> in_cents([10.005, 10.005, -3.0])
    array([1001, 1000, -300])
    """
    cents = np.asarray(amounts, dtype=np.float64) * 100
    exact = np.where(np.abs(cents - np.rint(cents)) < 1e-6, np.rint(cents), cents)  # 19.99 * 100 is 1998.99…
    return largest_remainder(exact, int(np.rint(exact.sum())))
