"""The random holdout of a list, by which the effect of the campaign is measured afterwards.

The holdout is drawn within strata: offers, and within each offer bands of expected profit. Treated and held
out customers are then alike in what the list was chosen by, which makes the comparison more precise. The
strata follow from the list itself, so they can be recomputed when the campaign is measured.

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
from patron.checks import at_least, positive
from patron.checks import share as check_share

__all__ = ["detectable_effect", "draw_treated", "strata"]


_BANDS = 5  # of expected profit within an offer
_BAND_SIZE = 100  # customers per band, so that a holdout of a tenth can be compared


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
        (n,) numbers from 0: offers by name, within each up to five bands of equal size, lowest profit first.
        Customers of equal profit are in one band, whatever their order

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
        bands = int(np.clip(len(members) // _BAND_SIZE, 1, _BANDS))
        edges = np.quantile(profit[members], np.arange(1, bands) / bands)
        stratum[members] = first + np.searchsorted(edges, profit[members], side="right")
        first += bands
    _, dense = np.unique(stratum, return_inverse=True)
    return dense.astype(np.int64)


def draw_treated(stratum: Integers, share: float, seed: int) -> Flags:
    """Which customers are contacted: all but a random share of each stratum.

    Parameters
    ----------
    stratum
        (n,) numbers
    share
        share of the customers to hold out, in [0, 1); 0 means no holdout
    seed
        ≥ 0; the same list and seed give the same holdout

    Returns
    -------
    Flags
        (n,) False for the holdout. Every customer is held out with probability `share`: if the share leaves a
        fraction of a customer in a stratum, the size of its holdout is rounded at random

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
    check_share("holdout", share, ends="[)", example="10 % as 0.10")
    rng = np.random.default_rng([seed, *b"holdout"])
    treated = np.ones(len(stratum), dtype=bool)
    order, ends = np.argsort(stratum, kind="stable"), np.cumsum(np.bincount(stratum))
    for members in np.split(order, ends[:-1]) if len(order) else []:
        held_out = int(len(members) * share + rng.random())
        treated[rng.permutation(members)[:held_out]] = False
    return treated


def detectable_effect(
    customers: int, sd: float, *, share: float = 0.1, power: float = 0.8, level: float = 0.95
) -> float:
    """The minimum detectable effect per customer of a list of this size.

    Parameters
    ----------
    customers
        number ≥ 1 of customers, treated and held out together
    sd
        > 0, standard deviation of the outcome over customers
    share
        share of the list that is held out, in (0, 1)
    power
        probability in (0, 1) of detecting the effect if it has this size
    level
        confidence level in (0, 1) of the interval that must exclude 0

    Returns
    -------
    float
        in the unit of the outcome

    Notes
    -----
    (z₍₁₊level₎/₂ + z_power) · sd ÷ √(customers · share · (1 − share))

    Examples
    --------
    >>> round(detectable_effect(52_326, sd=(0.6 * 0.4) ** 0.5), 4)
    0.02
    """
    at_least("customers", customers, 1)
    for name, number in (("share", share), ("power", power), ("level", level)):
        check_share(name, number, ends="()", example="10 % as 0.10")
    positive("sd", sd)
    deviations = norm.ppf((1 + level) / 2) + norm.ppf(power)
    return float(deviations * sd / math.sqrt(share * (1 - share)) / math.sqrt(customers))
