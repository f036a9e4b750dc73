"""The effect of a campaign: treated customers against a random holdout.

Within each stratum the two groups differ by chance only, so the difference of their means estimates the
effect of contact. The differences are weighted by the number of treated customers, and the interval is
Neyman's, which treats each group as a sample. Revenue that treated customers would have brought anyway is in
both means and cancels; it is never claimed.

With covariates, numbers known before the randomisation, the means are compared at equal covariates (a
regression in each group), which narrows the interval if the covariates predict the outcome.

References
----------
Neyman (1923), translated in Statistical Science 5(4), 465-472 (1990). Imbens & Rubin (2015), Causal Inference
for Statistics, Social, and Biomedical Sciences, chapters 6 and 9. Lin (2013), Agnostic notes on regression
adjustments to experimental data, Annals of Applied Statistics 7(1), 295-318.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from scipy.stats import t as student

from patron.arrays import Flags, Floats, Integers
from patron.checks import share
from patron.errors import InputError, counted

__all__ = ["measure_effects"]


def measure_effects(
    outcomes: Mapping[str, Floats],
    treated: Flags,
    stratum: Integers,
    *,
    covariates: Floats | None = None,
    level: float = 0.95,
) -> pd.DataFrame:
    """The effect of contact on each outcome, per customer and in total.

    Parameters
    ----------
    outcomes
        name → (n,) outcome of each customer of the list after the randomisation
    treated
        (n,) whether the customer was to be contacted; False for the holdout
    stratum
        (n,) stratum within which the holdout was drawn
    covariates
        (n, k) numbers known before the randomisation, or None
    level
        confidence level of the intervals, in (0, 1)

    Returns
    -------
    pd.DataFrame
        Key outcome: mean_treated, mean_holdout (weighted by the treated customers per stratum), effect with
        low and high (per treated customer), total with total_low and total_high (of all treated customers)

    Raises
    ------
    InputError
        all or none were treated, one group is too small, or an outcome is unknown
    RangeError
        the level is outside (0, 1)

    Examples
    --------
    >>> treated = np.repeat([True, False], [6, 4])
    >>> bought = np.array([1.0, 1, 1, 0, 1, 0, 0, 1, 0, 0])
    >>> measured = measure_effects({"purchases": bought}, treated, np.zeros(10, dtype=np.int64))
    >>> measured[["mean_treated", "mean_holdout", "effect", "total"]].round(3)
       mean_treated  mean_holdout  effect  total
    0         0.667          0.25   0.417    2.5
    """
    share("level", level, ends="()", example="95 % as 0.95")
    treated = np.asarray(treated, dtype=bool)
    _check_groups(treated)
    stratum = _merge_small_strata(stratum, treated)
    rows = []
    for name, outcome in outcomes.items():
        known = np.asarray(outcome, dtype=np.float64)
        if not np.isfinite(known).all():
            raise InputError(
                f"The outcome {name!r} is unknown for some customers. Give each a number, 0 for none."
            )
        if covariates is not None:
            known = _adjust_for_covariates(known, treated, stratum, np.asarray(covariates, dtype=np.float64))
        rows.append({"outcome": name, **_difference(known, treated, stratum, level)})
    return pd.DataFrame(rows)


def _check_groups(treated: Flags) -> None:
    n_treated, held_out = int(treated.sum()), int((~treated).sum())
    if n_treated == 0:
        raise InputError("No customer on this list was to be contacted, so there is no effect to measure.")
    if held_out == 0:
        raise InputError(
            f"{counted(n_treated, 'customer was', 'customers were')} to be contacted, and none held out. "
            "Without a holdout it is unknown what they would have done anyway; make the next list with a "
            "holdout, for instance of 0.10."
        )
    if min(n_treated, held_out) < 2:
        raise InputError(
            f"The list has {counted(n_treated, 'customer')} treated and {held_out:,} held out. A comparison "
            "needs at least two of each; make a longer list or hold out a larger share."
        )


def _merge_small_strata(stratum: Integers, treated: Flags) -> Integers:
    """The strata, with those merged that have fewer than two customers of either group."""
    _, codes = np.unique(stratum, return_inverse=True)
    while True:
        sizes = [np.bincount(codes[group], minlength=codes.max() + 1) for group in (treated, ~treated)]
        small = np.flatnonzero((np.minimum(*sizes) < 2) & (np.add(*sizes) > 0))
        if not len(small):
            return codes.astype(np.int64)
        others = np.setdiff1d(np.unique(codes), small)
        if len(small) == 1 or len(others) == 0:
            merged = np.union1d(small, others[np.argsort(np.add(*sizes)[others], kind="stable")][:1])
        else:
            merged = small
        codes = np.where(np.isin(codes, merged), merged[0], codes)


def _difference(outcome: Floats, treated: Flags, stratum: Integers, level: float) -> dict[str, float]:
    customers = int(treated.sum())
    weight = np.bincount(stratum[treated], minlength=stratum.max() + 1) / customers
    means, variances, freedom = [], [], []
    for group in (treated, ~treated):
        count = np.bincount(stratum[group], minlength=len(weight))
        used = count > 0
        total = np.bincount(stratum[group], weights=outcome[group], minlength=len(weight))
        mean = np.divide(total, count, out=np.zeros(len(weight)), where=used)
        squares = np.bincount(
            stratum[group], weights=(outcome[group] - mean[stratum[group]]) ** 2, minlength=len(weight)
        )
        means.append(float(weight @ mean))
        variances.append((weight[used] ** 2) * squares[used] / ((count[used] - 1) * count[used]))
        freedom.append(count[used] - 1)
    variance = np.concatenate(variances)
    error = float(np.sqrt(variance.sum()))
    # Welch and Satterthwaite: the groups may have unequal variances.
    degrees = variance.sum() ** 2 / (variance**2 / np.concatenate(freedom)).sum() if error > 0 else 1.0
    half = float(student.ppf((1 + level) / 2, degrees)) * error
    effect = means[0] - means[1]
    return {
        "mean_treated": means[0],
        "mean_holdout": means[1],
        "effect": effect,
        "low": effect - half,
        "high": effect + half,
        "total": effect * customers,
        "total_low": (effect - half) * customers,
        "total_high": (effect + half) * customers,
    }


def _adjust_for_covariates(outcome: Floats, treated: Flags, stratum: Integers, covariates: Floats) -> Floats:
    """The outcome minus the prediction of each group's regression on covariates centred by stratum."""
    count = np.bincount(stratum)
    centred = np.empty_like(covariates)
    for column, numbers in enumerate(covariates.T):
        mean = np.bincount(stratum, weights=numbers) / np.maximum(count, 1)
        centred[:, column] = numbers - mean[stratum]
    adjusted = outcome.copy()
    for group in (treated, ~treated):
        own = [_centre_by_stratum(table[group], stratum[group]) for table in (centred, outcome[:, None])]
        slope = np.linalg.lstsq(own[0], own[1][:, 0], rcond=None)[0]
        adjusted[group] -= centred[group] @ slope
    return adjusted


def _centre_by_stratum(table: Floats, stratum: Integers) -> Floats:
    count = np.maximum(np.bincount(stratum), 1)
    means = np.stack([np.bincount(stratum, weights=column) / count for column in table.T], axis=1)
    return table - means[stratum]
