"""Calibration of the trees' log-odds on a later snapshot.

Both ways take log-odds and return probabilities, rise with them (so that no ranking changes and no new ties
arise, unless the trees do not rank at all and the slope is 0), and are plain numbers, stored as JSON:

========  ==================================================  ============================================
sigmoid   expit(slope · log-odds + intercept), slope ≥ 0      two numbers: steady on few customers
isotonic  a rising staircase through the observed shares      follows any shape, needs many customers
========  ==================================================  ============================================

`fit_calibration(…, "auto")` is isotonic from `ENOUGH_FOR_ISOTONIC` minority-class events on.

References
----------
Platt (1999), Advances in Large Margin Classifiers, 61-74. Zadrozny & Elkan (2002), KDD, 694-699.
Niculescu-Mizil & Caruana (2005), ICML, 625-632: isotonic regression wins from about a thousand cases.
"""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
from scipy.optimize import brentq, isotonic_regression, minimize
from scipy.special import expit, logit

from patron.arrays import Floats
from patron.errors import ModelError, PatronWarning

__all__ = [
    "ENOUGH_FOR_ISOTONIC",
    "RANK_SHARE",
    "Calibration",
    "IsotonicCalibration",
    "SigmoidCalibration",
    "calibration_from_dict",
    "fit_calibration",
    "fit_isotonic",
    "fit_sigmoid",
    "shift_to_share",
]


ENOUGH_FOR_ISOTONIC = 1000
"""Minority-class events from which "auto" is isotonic."""

RANK_SHARE = 0.001
"""The share of the trees' own probability mixed into an isotonic staircase, so that customers on one step
keep their order. It moves no probability by more than this."""

_FARTHEST_SHIFT = 3.0


@dataclass(frozen=True, slots=True)
class SigmoidCalibration:
    """Platt scaling: expit(slope · log-odds + intercept).

    Attributes
    ----------
    slope
        factor on the log-odds, ≥ 0
    intercept
        added to the log-odds

    Examples
    --------
    >>> SigmoidCalibration(slope=1.0, intercept=0.0)(np.array([0.0, 2.0])).round(3)
    array([0.5  , 0.881])
    """

    method: ClassVar[str] = "sigmoid"
    slope: float
    intercept: float

    def __call__(self, log_odds: Floats) -> Floats:
        """(n_customers,) log-odds → (n_customers,) probability."""
        return expit(self.slope * log_odds + self.intercept)

    def to_dict(self) -> dict[str, Any]:
        """Slope and intercept as JSON has them."""
        return {"method": self.method, "slope": self.slope, "intercept": self.intercept}


@dataclass(frozen=True, slots=True)
class IsotonicCalibration:
    """Linear between knots: trees' own probability `raw` → probability `calibrated`, both rising from 0 to 1.

    Attributes
    ----------
    raw, calibrated
        (n_knots,) probability in [0, 1], rising

    Examples
    --------
    >>> halving = IsotonicCalibration(raw=(0.0, 1.0), calibrated=(0.1, 0.6))
    >>> halving(np.array([0.0])).round(3)
    array([0.35])
    """

    method: ClassVar[str] = "isotonic"
    raw: tuple[float, ...]
    calibrated: tuple[float, ...]

    def __call__(self, log_odds: Floats) -> Floats:
        """(n_customers,) log-odds → (n_customers,) probability."""
        return np.interp(expit(log_odds), self.raw, self.calibrated)

    def to_dict(self) -> dict[str, Any]:
        """The knots as JSON has them."""
        return {"method": self.method, "raw": list(self.raw), "calibrated": list(self.calibrated)}


type Calibration = SigmoidCalibration | IsotonicCalibration
"""From log-odds to probability; `method` names it, `to_dict` has its parameters as JSON values."""


def fit_calibration(
    log_odds: Floats, churned: Floats, method: Literal["auto", "isotonic", "sigmoid"] = "auto"
) -> Calibration | None:
    """The calibration of these customers, none if all of them left or all stayed.

    Parameters
    ----------
    log_odds
        (n_customers,) raw scores of the trees, for customers of a snapshot that they were not grown on
    churned
        (n_customers,) 1.0 if the customer left, else 0.0
    method
        "auto" is isotonic from `ENOUGH_FOR_ISOTONIC` minority-class events on

    Warns
    -----
    PatronWarning
        all left or all stayed; or the trees rank these customers no better than at random

    Examples
    --------
    >>> log_odds, churned = np.linspace(-2, 2, 100), np.repeat([0.0, 1.0], 50)
    >>> fit_calibration(log_odds, churned).method
    'sigmoid'
    """
    minority = min(churned.sum(), len(churned) - churned.sum())
    if minority == 0:
        warnings.warn(
            f"the probabilities are not calibrated: all {len(churned)} customers of the calibration snapshot "
            f"{'left' if churned[0] else 'stayed'}. Try another horizon.",
            PatronWarning,
            stacklevel=3,
        )
        return None
    if method == "auto":
        method = "isotonic" if minority >= ENOUGH_FOR_ISOTONIC else "sigmoid"
    fit = fit_isotonic if method == "isotonic" else fit_sigmoid
    fitted: Calibration = fit(log_odds, churned)
    if np.ptp(log_odds) > 0 and np.ptp(fitted(log_odds)) <= RANK_SHARE:
        warnings.warn(
            "on the calibration snapshot the trees rank no better than at random, so all customers get "
            "nearly the share that left there. Compare the features of that snapshot with the earlier ones.",
            PatronWarning,
            stacklevel=3,
        )
    return fitted


def shift_to_share(log_odds: Floats, share: float, calibration: Calibration | None) -> float:
    """The shift of all log-odds for which the mean probability equals the actual churn rate.

    Trees that were grown again with the rows of the calibration have learned part of what it corrects;
    without the shift that would count twice.

    Parameters
    ----------
    log_odds
        (n_customers,) raw scores of the trees
    share
        share of these customers that left, in [0, 1]
    calibration
        from log-odds to probability; None where there is none

    Returns
    -------
    float
        Log-odds in [-3, 3]; 0 where no such shift does it, as where all left

    Examples
    --------
    >>> round(shift_to_share(np.zeros(10), 0.731, None), 1)
    1.0
    """

    def excess(shift: float) -> float:
        moved = log_odds + shift
        return float(np.mean(expit(moved) if calibration is None else calibration(moved))) - share

    if excess(-_FARTHEST_SHIFT) >= 0 or excess(_FARTHEST_SHIFT) <= 0:
        return 0.0
    return float(brentq(excess, -_FARTHEST_SHIFT, _FARTHEST_SHIFT))


def fit_sigmoid(log_odds: Floats, churned: Floats) -> SigmoidCalibration:
    """Slope and intercept by maximum likelihood; a slope below 0 becomes 0.

    A useless model is not inverted.

    Parameters
    ----------
    log_odds, churned
        as in :func:`fit_calibration`

    Notes
    -----
    Platt's targets stand in for 0 and 1, so that a perfect separation still gives finite numbers: leavers
    count as (n₁ + 1)/(n₁ + 2), stayers as 1/(n₀ + 2).

    Examples
    --------
    >>> twice_too_sure = np.repeat([-4.0, 4.0], 5000)
    >>> left = np.arange(5000) < 596  # a share of 0.119: log-odds of -2
    >>> churned = np.concatenate([left, ~left]).astype(float)
    >>> fit_sigmoid(twice_too_sure, churned)
    SigmoidCalibration(slope=0.49..., intercept=...)
    """
    leavers = churned.sum()
    stayers = len(churned) - leavers
    target = np.where(churned == 1, (leavers + 1) / (leavers + 2), 1 / (stayers + 2))
    if np.ptp(log_odds) == 0:  # the slope is not determined: the level is all there is to learn
        return SigmoidCalibration(slope=0.0, intercept=float(logit(target.mean())))

    def mean_loss(parameters: Floats) -> tuple[float, Floats]:
        shifted = parameters[0] * log_odds + parameters[1]
        error = expit(shifted) - target
        loss = np.logaddexp(0, shifted) - target * shifted
        return float(loss.mean()), np.array([(error * log_odds).mean(), error.mean()])

    best = minimize(
        mean_loss,
        x0=np.array([1.0, 0.0]),
        jac=True,
        method="L-BFGS-B",
        bounds=[(0, None), (None, None)],
        options={"ftol": 1e-15, "gtol": 1e-9, "maxiter": 1000},
    )
    return SigmoidCalibration(slope=float(best.x[0]), intercept=float(best.x[1]))


def fit_isotonic(log_odds: Floats, churned: Floats) -> IsotonicCalibration:
    """The rising staircase closest to the outcomes (pool adjacent violators), its steps joined by lines.

    Parameters
    ----------
    log_odds, churned
        as in :func:`fit_calibration`

    Notes
    -----
    n customers can show no share below 1/(n + 2) (the rule of succession), so the steps are kept within
    [1/(n + 2), 1 - 1/(n + 2)]; and a share `RANK_SHARE` of the trees' own probability keeps the order within
    a step.

    Examples
    --------
    >>> log_odds, churned = np.array([-2.0, -1.0, 1.0, 2.0]), np.array([0.0, 1.0, 0.0, 1.0])
    >>> fit_isotonic(log_odds, churned)(log_odds).round(2)
    array([0.17, 0.5 , 0.5 , 0.83])
    """
    raw, position, customers = np.unique(expit(log_odds), return_inverse=True, return_counts=True)
    share = np.bincount(position, weights=churned) / customers
    steps = isotonic_regression(share, weights=customers).x
    lowest = 1 / (len(churned) + 2)
    steps = np.clip(steps, lowest, 1 - lowest)

    corner = np.ones(len(raw), dtype=bool)  # inside a step nothing changes direction
    corner[1:-1] = (steps[1:-1] != steps[:-2]) | (steps[1:-1] != steps[2:])
    knots = np.concatenate([[0.0], raw[corner], [1.0]])
    heights = np.concatenate([steps[:1], steps[corner], steps[-1:]])
    mixed = (1 - RANK_SHARE) * heights + RANK_SHARE * knots
    return IsotonicCalibration(raw=tuple(knots.tolist()), calibrated=tuple(mixed.tolist()))


def calibration_from_dict(parts: Mapping[str, Any]) -> Calibration:
    """The calibration that `to_dict` described.

    Parameters
    ----------
    parts
        field → value, as `to_dict` returned it

    Raises
    ------
    ModelError
        its method is not known here

    Examples
    --------
    >>> calibration_from_dict({"method": "sigmoid", "slope": 0.9, "intercept": 0.1})
    SigmoidCalibration(slope=0.9, intercept=0.1)
    """
    if parts["method"] == "sigmoid":
        return SigmoidCalibration(parts["slope"], parts["intercept"])
    if parts["method"] == "isotonic":
        return IsotonicCalibration(tuple(parts["raw"]), tuple(parts["calibrated"]))
    raise ModelError(
        f"the stored calibration has the method {parts['method']!r}; this version knows sigmoid, isotonic."
    )
