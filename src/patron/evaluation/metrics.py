"""Metrics of churn predictions.

Every function takes the outcome first, 1 for a customer who left and 0 for one who stayed, then one number
per customer in the same order: a *probability* of churn, or any *score* that is higher for a higher risk.

=================  ======================================================  =============  ====================
metric             meaning                                                 perfect        no information
=================  ======================================================  =============  ====================
auc                probability that a leaver ranks above a stayer          1              0.5
average_precision  precision, averaged over the leavers found              1              base rate
top_decile_lift    leavers in the riskiest tenth against a random tenth    1 / base rate  1
brier              mean squared error of the probability                   0              base · (1 - base)
brier_skill        share of the base rate's squared error that is removed  1              0
log_loss           mean surprise, in nats                                  0              entropy of the base
calibration_error  distance of predicted from observed shares, ten bins    0              0
=================  ======================================================  =============  ====================

Ties are split evenly: customers with the same score count as if their order were random.
"""

import warnings
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import xlogy
from scipy.stats import rankdata

from patron.arrays import Floats
from patron.checks import at_least, same_length, share
from patron.errors import InputError, PatronWarning, RangeError, some

__all__ = [
    "PROBABILITY_METRICS",
    "RANKING_METRICS",
    "calibration_table",
    "churn_metrics",
    "gains_curve",
    "lift_table",
    "one_class_reason",
    "ranking_metrics",
]


RANKING_METRICS = ("auc", "average_precision", "top_decile_lift")
"""Metrics of the order alone: any score has them."""

PROBABILITY_METRICS = ("brier", "brier_skill", "log_loss", "calibration_error")
"""Metrics that only a probability has."""

_EPSILON = float(np.finfo(np.float64).eps)  # a probability of exactly 0 or 1 would make log-loss infinite
_Z_95 = 1.959963984540054


def churn_metrics(y: Any, p: Any, *, base_rate: float | None = None) -> dict[str, float]:
    """The metrics of churn probabilities: `RANKING_METRICS` and `PROBABILITY_METRICS`.

    Parameters
    ----------
    y
        (n_customers,) 1 if the customer left, 0 if not
    p
        (n_customers,) probability in [0, 1] of leaving
    base_rate
        the reference of `brier_skill`, in [0, 1], such as the churn rate in training; by default the
        churn rate of these customers

    Returns
    -------
    dict[str, float]
        Metric → number. If all customers left or all stayed, metrics that compare leavers with stayers are
        NaN.

    Raises
    ------
    InputError
        no customers, different lengths, or another value in `y`
    RangeError
        a probability is NaN or outside [0, 1]

    Warns
    -----
    PatronWarning
        all customers left or all stayed

    Notes
    -----
    With outcome yᵢ, probability pᵢ, n customers and base rate b:

    - brier = Σ (pᵢ - yᵢ)² / n, and brier_skill = 1 - brier / (Σ (b - yᵢ)² / n)
    - log_loss = -Σ (yᵢ·ln pᵢ + (1 - yᵢ)·ln(1 - pᵢ)) / n, pᵢ kept 2e-16 away from 0 and 1
    - calibration_error = Σ_bins (customers / n)·|mean p - share that left|, over the bins of
      `calibration_table`

    References
    ----------
    Brier (1950), Monthly Weather Review 78, 1-3. Murphy (1973), Journal of Applied Meteorology 12, 215-223
    (skill). Naeini, Cooper & Hauskrecht (2015), AAAI, 2901-2907 (calibration error).

    Examples
    --------
    >>> metrics = churn_metrics([1, 0, 1, 0], [0.9, 0.2, 0.6, 0.5])
    >>> round(metrics["auc"], 3), round(metrics["brier"], 3), round(metrics["brier_skill"], 3)
    (1.0, 0.115, 0.54)
    """
    left, probability = _probabilities(y, p)
    guess = left.mean() if base_rate is None else share("base_rate", base_rate)
    brier = np.mean((probability - left) ** 2)
    brier_of_guess = np.mean((guess - left) ** 2)
    safe = np.clip(probability, _EPSILON, 1 - _EPSILON)
    bins = calibration_table(left, probability)
    gap = (bins["predicted"] - bins["observed"]).abs()
    return ranking_metrics(left, probability) | {
        "brier": float(brier),
        "brier_skill": float(1 - brier / brier_of_guess) if brier_of_guess > 0 else np.nan,
        "log_loss": float(-np.mean(xlogy(left, safe) + xlogy(1 - left, 1 - safe))),
        "calibration_error": float((gap * bins["customers"]).sum() / len(left)),
    }


def ranking_metrics(y: Any, score: Any) -> dict[str, float]:
    """The metrics of a ranking: `RANKING_METRICS`.

    Parameters
    ----------
    y
        (n_customers,) 1 if the customer left, 0 if not
    score
        (n_customers,) any number, higher for a higher risk

    Returns
    -------
    dict[str, float]
        Metric → number; all NaN if all customers left or all stayed

    Raises
    ------
    InputError
        no customers, different lengths, another value in `y`, or a score that is missing or infinite

    Warns
    -----
    PatronWarning
        the metrics are undefined

    Notes
    -----
    - auc = (R - n₁(n₁ + 1)/2) / (n₁·n₀), R the sum of the leavers' ranks (ties share the mean rank), n₁
      leavers and n₀ stayers
    - average_precision = Σ (recallₖ - recallₖ₋₁)·precisionₖ over the distinct scores, highest first
    - top_decile_lift = (expected leavers in the n/10 customers with the highest scores) / (n₁/10)

    References
    ----------
    Mann & Whitney (1947), Annals of Mathematical Statistics 18, 50-60 (auc). Davis & Goadrich (2006), ICML,
    233-240 (average precision). Neslin et al. (2006), Journal of Marketing Research 43, 204-211 (top-decile
    lift).

    Examples
    --------
    >>> ranking_metrics([1, 0, 1, 0], score=[30, 10, 20, 20])
    {'auc': 0.875, 'average_precision': 0.8333333333333333, 'top_decile_lift': 2.0}
    """
    left, risk = _pair(y, score)
    reason = one_class_reason(left)
    if reason:
        warnings.warn(reason, PatronWarning, stacklevel=2)
        return dict.fromkeys(RANKING_METRICS, np.nan)
    leavers, stayers = left.sum(), len(left) - left.sum()
    auc = (rankdata(risk)[left == 1].sum() - leavers * (leavers + 1) / 2) / (leavers * stayers)
    reached, found = gains_curve(left, risk)
    precision = found[1:] / reached[1:]
    return {
        "auc": float(auc),
        "average_precision": float((np.diff(found) / leavers * precision).sum()),
        "top_decile_lift": float(np.interp(len(left) / 10, reached, found) / (leavers / 10)),
    }


def one_class_reason(y: Any) -> str:
    """Why ranking metrics are undefined for these outcomes; "" if they are defined.

    Parameters
    ----------
    y
        (n_customers,) 1 for a churned customer, else 0

    Examples
    --------
    >>> one_class_reason([0, 0, 0])
    'all 3 customers stayed, so auc, average_precision and top_decile_lift are undefined.'
    >>> one_class_reason([0, 1])
    ''
    """
    left = _outcomes(y)
    if 0 < left.sum() < len(left):
        return ""
    return (
        f"all {len(left)} customers {'left' if left[0] else 'stayed'}, so "
        f"{', '.join(RANKING_METRICS[:-1])} and {RANKING_METRICS[-1]} are undefined."
    )


def calibration_table(y: Any, p: Any, *, bins: int = 10) -> pd.DataFrame:
    """Predicted and observed churn rates, in bins of about equally many customers.

    Parameters
    ----------
    y
        (n_customers,) 1 if the customer left, 0 if not
    p
        (n_customers,) probability in [0, 1] of leaving
    bins
        maximum number of bins, ≥ 1

    Returns
    -------
    pd.DataFrame
        One row per non-empty bin, from the lowest risk: `bin` (1, 2, …), `customers`, `lowest` and
        `highest` probability in it, `predicted` (mean probability), `observed` (share that left) and its 95 %
        interval `observed_low`, `observed_high`. Customers with the same probability are never split.

    Raises
    ------
    InputError, RangeError
        as `churn_metrics`; `bins` below 1

    Notes
    -----
    A customer's bin is ⌊bins · (customers below + half of those equal) / n⌋ + 1. The interval is Wilson's.

    References
    ----------
    Nguyen & O'Connor (2015), EMNLP, 1587-1598 (bins of equal size). Wilson (1927), JASA 22, 209-212.

    Examples
    --------
    >>> table = calibration_table([0, 0, 1, 0, 1, 1], [0.1, 0.1, 0.2, 0.7, 0.8, 0.9], bins=2)
    >>> table[["bin", "customers", "predicted", "observed"]].round(3)
       bin  customers  predicted  observed
    0    1          3      0.133     0.333
    1    2          3      0.800     0.667
    """
    at_least("bins", bins, 1)
    left, probability = _probabilities(y, p)
    middle = (rankdata(probability) - 0.5) / len(left)  # the mean rank of those equal
    rows = pd.DataFrame({"bin": (middle * bins).astype(np.int64) + 1, "left": left, "p": probability})
    table = rows.groupby("bin", as_index=False).agg(
        customers=("p", "size"),
        lowest=("p", "min"),
        highest=("p", "max"),
        predicted=("p", "mean"),
        observed=("left", "mean"),
    )
    low, high = _wilson(table["observed"].to_numpy(), table["customers"].to_numpy(dtype=np.float64))
    return table.assign(observed_low=low, observed_high=high)


def lift_table(y: Any, score: Any, *, bins: int = 10) -> pd.DataFrame:
    """Lift and gains of contacting the customers with the highest risk first.

    Parameters
    ----------
    y, score
        as in :func:`ranking_metrics`
    bins
        slices of equally many customers, ≥ 1; 10 gives deciles

    Returns
    -------
    pd.DataFrame
        One row per slice, from the highest risk: `bin` (1, 2, …), `customers` and expected `leavers` in it,
        `lift` (their share against the share of all), and of all slices so far `contacted` (share of
        customers), `captured` (share of leavers) and `cumulative_lift`. Numbers of customers may be
        fractions: ties and borders are split.

    Raises
    ------
    InputError
        as `ranking_metrics`, or no customer left
    RangeError
        `bins` below 1

    Examples
    --------
    >>> table = lift_table([1, 0, 1, 0], score=[30, 10, 20, 20], bins=2)
    >>> table[["bin", "customers", "leavers", "lift", "captured"]]
       bin  customers  leavers  lift  captured
    0    1        2.0      1.5   1.5      0.75
    1    2        2.0      0.5   0.5      1.00
    """
    at_least("bins", bins, 1)
    left, risk = _pair(y, score)
    if not left.any():
        raise InputError(
            f"none of the {len(left)} customers left, so there is no lift. Try a longer horizon."
        )
    contacted = np.linspace(0, 1, bins + 1)
    captured = np.interp(contacted * len(left), *gains_curve(left, risk)) / left.sum()
    return pd.DataFrame(
        {
            "bin": np.arange(1, bins + 1),
            "customers": np.diff(contacted) * len(left),
            "leavers": np.diff(captured) * left.sum(),
            "lift": np.diff(captured) / np.diff(contacted),
            "contacted": contacted[1:],
            "captured": captured[1:],
            "cumulative_lift": captured[1:] / contacted[1:],
        }
    )


def gains_curve(outcome: Floats, score: Floats) -> tuple[Floats, Floats]:
    """Customers reached and their outcome, after each distinct score from the highest, from (0, 0).

    Parameters
    ----------
    outcome
        (n_customers,) 1 if the customer left and 0 if not, or money
    score
        (n_customers,) any number; the highest come first
    """
    _, group, customers = np.unique(-score, return_inverse=True, return_counts=True)
    found = np.bincount(group, weights=outcome)
    return np.append(0.0, customers.cumsum()), np.append(0.0, found.cumsum())


def _wilson(share: Floats, customers: Floats) -> tuple[Floats, Floats]:
    weight = _Z_95**2 / customers
    centre = (share + weight / 2) / (1 + weight)
    half = _Z_95 / (1 + weight) * np.sqrt(share * (1 - share) / customers + weight / (4 * customers))
    return np.clip(centre - half, 0.0, share), np.clip(centre + half, share, 1.0)


def _outcomes(y: Any) -> Floats:
    outcomes = pd.Series(y)
    if outcomes.empty:
        raise InputError("y is empty. Metrics need at least one customer.")
    valid = outcomes.isin([0, 1])
    if not valid.all():
        raise InputError(f"y must be 1 (left) or 0 (stayed), got {some(outcomes[~valid].unique())}.")
    return outcomes.to_numpy(dtype=np.float64)


def _pair(y: Any, score: Any) -> tuple[Floats, Floats]:
    left = _outcomes(y)
    risk = pd.Series(score).to_numpy(dtype=np.float64, na_value=np.nan)
    same_length(y=left, scores=risk)
    if _shuffled(y, score):
        raise InputError(
            "y and the scores hold the same customers in different orders. Reindex one like the other."
        )
    strange = ~np.isfinite(risk)
    if strange.any():
        raise InputError(
            f"{strange.sum()} of {len(risk)} scores are missing or infinite. Leave those customers out."
        )
    return left, risk


def _shuffled(y: Any, score: Any) -> bool:
    if not (isinstance(y, pd.Series) and isinstance(score, pd.Series)):
        return False
    if isinstance(y.index, pd.RangeIndex) or isinstance(score.index, pd.RangeIndex):
        return False  # that is a position, no customer
    return not y.index.equals(score.index) and y.index.sort_values().equals(score.index.sort_values())


def _probabilities(y: Any, p: Any) -> tuple[Floats, Floats]:
    left, probability = _pair(y, p)
    low, high = probability.min(), probability.max()
    if low < 0 or high > 1:
        raise RangeError(
            f"p must lie in [0, 1], got {low:.6g} to {high:.6g}. For other scores: ranking_metrics."
        )
    return left, probability
