"""Who of a list is left alone by lot, so that what the contact changed can be known afterwards.

The lot is drawn within strata: offer, and within the offer bands of expected profit. Treated and held out are
then alike in what the list was chosen by, and the comparison is the tighter for it. The strata follow from
the list itself: whoever measures later finds the same ones.

References
----------
Imbens & Rubin (2015), Causal Inference for Statistics, Social, and Biomedical Sciences, chapter 9 (stratified
randomised experiments). Cohen (1988), Statistical Power Analysis for the Behavioral Sciences (sample size).
"""

import math

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.stats import norm

from patron.arrays import Flags, Floats, Integers
from patron.errors import RangeError

__all__ = ["detectable_effect", "draw_treated", "list_size", "strata"]


_BANDS = 5  # of expected profit within an offer
_IN_A_BAND = 100  # customers, so that a tenth of them can be compared


def strata(offer: npt.ArrayLike, expected_profit: Floats) -> Integers:
    """The stratum of each customer of a list.

    Parameters
    ----------
    offer
        (n,) names of offers
    expected_profit
        (n,) money

    Returns
    -------
    Integers
        (n,) numbers from 0: the offers by name, within each up to five bands of equal size, lowest profit
        first; customers of equal profit are in one band, in whatever order they come

    Examples
    --------
    >>> strata(np.repeat(["call", "mail"], [200, 3]), np.arange(203.0))[[0, 150, 201]].tolist()
    [0, 1, 2]
    """
    profit = np.asarray(expected_profit, dtype=np.float64)
    codes, names = pd.factorize(np.asarray(offer, dtype=object), sort=True)
    stratum = np.zeros(len(profit), dtype=np.int64)
    first = 0
    for code in range(len(names)):
        members = np.flatnonzero(codes == code)
        bands = int(np.clip(len(members) // _IN_A_BAND, 1, _BANDS))
        edges = np.quantile(profit[members], np.arange(1, bands) / bands)
        stratum[members] = first + np.searchsorted(edges, profit[members], side="right")
        first += bands
    _, dense = np.unique(stratum, return_inverse=True)
    return dense.astype(np.int64)


def draw_treated(stratum: Integers, share: float, seed: int) -> Flags:
    """Who is contacted: everybody but a random share of each stratum.

    Parameters
    ----------
    stratum
        (n,) numbers
    share
        in [0, 1), of the customers to hold out; 0 holds out nobody
    seed
        ≥ 0; the same list and seed give the same lot

    Returns
    -------
    Flags
        (n,) False for the holdout. Every customer is held out with the probability `share`: where it leaves a
        fraction of a customer in a stratum, the lot decides about that one, too

    Raises
    ------
    RangeError
        the share is outside [0, 1)

    Examples
    --------
    >>> treated = draw_treated(np.repeat([0, 1], 50), share=0.1, seed=0)
    >>> int((~treated[:50]).sum()), int((~treated[50:]).sum())
    (5, 5)
    """
    if not 0 <= share < 1:
        raise RangeError(f"holdout must be a share in [0, 1), got {share!r}. Write 10 % as 0.10.")
    lot = np.random.default_rng([seed, *b"holdout"])
    treated = np.ones(len(stratum), dtype=bool)
    order, ends = np.argsort(stratum, kind="stable"), np.cumsum(np.bincount(stratum))
    for members in np.split(order, ends[:-1]) if len(order) else []:
        held_out = int(len(members) * share + lot.random())
        treated[lot.permutation(members)[:held_out]] = False
    return treated


def list_size(
    effect: float, spread: float, *, share: float = 0.1, power: float = 0.8, level: float = 0.95
) -> int:
    """How many customers a list needs so that an effect of this size is seen.

    Parameters
    ----------
    effect
        the effect hoped for, per customer, in the unit of the outcome; not 0
    spread
        > 0, standard deviation of the outcome over customers, in the same unit
    share
        in (0, 1), of the list that is held out
    power
        in (0, 1), the probability of seeing the effect if it is so large
    level
        in (0, 1), of the interval that must exclude 0

    Returns
    -------
    int
        count of customers, treated and held out together

    Raises
    ------
    RangeError
        a number is outside the range given above

    Notes
    -----
    n = (z₍₁₊level₎/₂ + z_power)² · spread² ÷ (effect² · share · (1 − share))

    Examples
    --------
    To see that 2 % more customers stay, where 60 % stay anyway, with a holdout of a tenth:

    >>> list_size(0.02, spread=(0.6 * 0.4) ** 0.5)
    52326
    >>> list_size(0.02, spread=(0.6 * 0.4) ** 0.5, share=0.5)
    18838
    """
    if effect == 0 or not np.isfinite(effect):
        raise RangeError(f"effect must be a finite number other than 0, got {effect!r}.")
    return math.ceil((_per_root(spread, share, power, level) / effect) ** 2)


def detectable_effect(
    customers: int, spread: float, *, share: float = 0.1, power: float = 0.8, level: float = 0.95
) -> float:
    """The smallest effect per customer that a list of this size is likely to show.

    Parameters
    ----------
    customers
        count ≥ 1, treated and held out together
    spread, share, power, level
        as `list_size` takes them

    Returns
    -------
    float
        in the unit of the outcome

    Raises
    ------
    RangeError
        a number is out of range

    Examples
    --------
    >>> round(detectable_effect(52_326, spread=(0.6 * 0.4) ** 0.5), 4)
    0.02
    """
    if customers < 1:
        raise RangeError(f"customers must be at least 1, got {customers!r}.")
    return _per_root(spread, share, power, level) / math.sqrt(customers)


def _per_root(spread: float, share: float, power: float, level: float) -> float:
    for name, number in (("share", share), ("power", power), ("level", level)):
        if not 0 < number < 1:
            raise RangeError(f"{name} must lie between 0 and 1, got {number!r}. Write 10 % as 0.10.")
    if not 0 < spread < np.inf:
        raise RangeError(f"spread must be a finite standard deviation above 0, got {spread!r}.")
    deviations = norm.ppf((1 + level) / 2) + norm.ppf(power)
    return float(deviations * spread / math.sqrt(share * (1 - share)))
