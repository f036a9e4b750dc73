"""The likelihoods, summed over customers, with their gradients: compiled, so that chains run side by side.

A kernel gets coordinates θ and one array that holds everything else, arrays behind one another as
:func:`patron.models.inference.compression.packed` lays them out, and writes the gradient. Two callers share
each kernel: Python (`purchases`, `spend`, `renewals`) and, without Python in between, the sampler (the same
names with `_density`), for which the array begins with the whitened frame of the posterior. What the formulas
are stands where they can be read: :mod:`patron.models.value.purchases.likelihood`,
:mod:`patron.models.value.gamma_gamma_likelihood` and :mod:`patron.models.renewal.likelihood`.

Compiled code is kept on disk beside this file, or in the user's cache folder where that cannot be written;
only the first fit after an installation waits for the compiler. Everything is in this one file because the
compiler looks at no other to see whether the kept code is still right.
"""

from math import exp, lgamma, log

import numpy as np
import numpy.typing as npt
from numba import carray, cfunc, njit, types

from patron.arrays import Floats

__all__ = [
    "DENSITY",
    "placed",
    "purchases",
    "purchases_density",
    "renewals",
    "renewals_density",
    "spend",
    "spend_density",
    "unchanged",
    "with_prior",
]


_HUGE = 500.0  # e to this power, squared, is still a number
_FULL = 1e90  # a product of more than this is turned into a logarithm before it grows further
_DOES_NOT_COUNT = 4  # what the sampler takes as the answer of a point without a finite density

DENSITY = types.int64(
    types.uint64,
    types.CPointer(types.float64),
    types.CPointer(types.float64),
    types.CPointer(types.float64),
    types.CPointer(types.float64),
)
"""What the sampler calls: dimension, and addresses of the point, its gradient, its log-density, and data."""


def _can_be_kept() -> bool:
    """Whether there is a folder for compiled code that can be written to."""
    try:
        njit(cache=True)(_can_be_kept)
    except RuntimeError:
        return False
    return True


_KEPT = _can_be_kept()


@njit(nogil=True, error_model="numpy", cache=_KEPT)
def _begins(data: Floats) -> npt.NDArray[np.int64]:
    """Where each of the arrays begins that were put behind one another, and where the last one ends."""
    n = int(data[0])
    begins = np.empty(n + 1, np.int64)
    begins[0] = 1 + n
    for i in range(n):
        begins[i + 1] = begins[i] + int(data[1 + i])
    return begins


@njit(nogil=True, error_model="numpy", cache=_KEPT)
def _digamma(x: float) -> float:
    """The slope of log Γ: by recurrence to x ≥ 10, then its series (Abramowitz & Stegun 6.3.18)."""
    below = 0.0
    while x < 10.0:
        below += 1.0 / x
        x += 1.0
    s = 1.0 / (x * x)
    series = s * (1 / 12 - s * (1 / 120 - s * (1 / 252 - s * (1 / 240 - s * (1 / 132 - s * 691 / 32760)))))
    return log(x) - 0.5 / x - series - below


@njit(nogil=True, error_model="numpy", cache=_KEPT)
def purchases(theta: Floats, data: Floats, slope: Floats) -> float:
    """The log-likelihood of BG/NBD or MBG/NBD at θ; `slope` gets the gradient.

    Parameters
    ----------
    theta, slope
        (4 + 2k,)
    data
        design (n_segments · k), customers of each segment; x and weight, once per distinct x; segment, c
        and weight, once per distinct c of a segment; segment, T, customers and purchases, once per distinct T
        of a segment; segment and t_x, once per distinct t_x of a segment; segment and c - 1 likewise; and
        once per distinct history with a chance to drop out: which T, which t_x, which c - 1, x and weight
    """
    at = _begins(data)
    design, customers = data[at[0] : at[1]], data[at[1] : at[2]]
    n, k = len(customers), (len(theta) - 4) // 2
    r, kappa = exp(theta[0]), exp(theta[3])
    alpha, a, b = np.empty(n), np.empty(n), np.empty(n)
    slope_r, slope_alpha, slope_a, slope_b = 0.0, np.zeros(n), np.zeros(n), np.zeros(n)
    value: float = 0.0
    for s in range(n):
        log_alpha, logit = theta[1], theta[2]
        for j in range(k):
            log_alpha -= design[s * k + j] * theta[4 + j]
            logit += design[s * k + j] * theta[4 + k + j]
        alpha[s] = exp(log_alpha)
        a[s], b[s] = kappa / (1.0 + exp(-logit)), kappa / (1.0 + exp(logit))
        value += customers[s] * r * log_alpha
        slope_r += customers[s] * log_alpha
        slope_alpha[s] = customers[s] * r / alpha[s]

    # Γ(r+x)/Γ(r)
    x, weight = data[at[2] : at[3]], data[at[3] : at[4]]
    for i in range(len(x)):
        value += weight[i] * lgamma(r + x[i])
        slope_r += weight[i] * _digamma(r + x[i])

    # B(a, b+c)/B(a, b)
    of, c, weight = data[at[4] : at[5]], data[at[5] : at[6]], data[at[6] : at[7]]
    for i in range(len(c)):
        s = int(of[i])
        stays = b[s] + c[i]
        value += weight[i] * (lgamma(stays) - lgamma(a[s] + stays))
        both = weight[i] * _digamma(a[s] + stays)
        slope_a[s] -= both
        slope_b[s] += weight[i] * _digamma(stays) - both

    # (α+T)^-(r+x)
    of, age, weight, bought = (
        data[at[7] : at[8]],
        data[at[8] : at[9]],
        data[at[9] : at[10]],
        data[at[10] : at[11]],
    )
    log_end, end = np.empty(len(age)), np.empty(len(age))
    for i in range(len(age)):
        s = int(of[i])
        log_end[i], end[i] = log(alpha[s] + age[i]), 1.0 / (alpha[s] + age[i])
        value -= (r * weight[i] + bought[i]) * log_end[i]
        slope_r -= weight[i] * log_end[i]
        slope_alpha[s] -= (r * weight[i] + bought[i]) * end[i]

    # 1 + a/(b+c-1) · ((α+T)/(α+t_x))^(r+x): the logarithms once per distinct time
    of, recency = data[at[11] : at[12]], data[at[12] : at[13]]
    log_last, last = np.empty(len(recency)), np.empty(len(recency))
    for i in range(len(recency)):
        from_start = alpha[int(of[i])] + recency[i]
        log_last[i], last[i] = log(from_start), 1.0 / from_start
    of, survived = data[at[13] : at[14]], data[at[14] : at[15]]
    log_odds, gone = np.empty(len(survived)), np.zeros(len(survived))
    for i in range(len(survived)):
        log_odds[i] = log(a[int(of[i])] / (b[int(of[i])] + survived[i]))
    which_T, which_t, which_c = data[at[15] : at[16]], data[at[16] : at[17]], data[at[17] : at[18]]
    x, weight = data[at[18] : at[19]], data[at[19] : at[20]]
    product = 1.0  # of 1 + odds, so that most customers need no logarithm of their own
    for i in range(len(x)):
        T, t, m = int(which_T[i]), int(which_t[i]), int(which_c[i])
        wait, power = log_end[T] - log_last[t], r + x[i]
        logarithm = log_odds[m] + power * wait
        if logarithm < _HUGE:
            odds = exp(logarithm)
            share = weight[i] * (odds / (1.0 + odds))  # of these customers, those who are gone
            if weight[i] == 1.0 and odds < _FULL:
                product *= 1.0 + odds
                if product > _FULL:
                    value += log(product)
                    product = 1.0
            else:
                value += weight[i] * log(1.0 + odds)
        else:
            share = weight[i]
            value += weight[i] * logarithm
        gone[m] += share
        slope_r += share * wait
        slope_alpha[int(of[m])] += share * power * (end[T] - last[t])
    value += log(product)
    for i in range(len(survived)):
        s = int(of[i])
        slope_a[s] += gone[i] / a[s]
        slope_b[s] -= gone[i] / (b[s] + survived[i])

    slope[:] = 0.0
    slope[0] = r * slope_r
    for s in range(n):
        by_alpha, by_a, by_b = alpha[s] * slope_alpha[s], a[s] * slope_a[s], b[s] * slope_b[s]
        by_phi = (b[s] * by_a - a[s] * by_b) / (a[s] + b[s])
        slope[1] += by_alpha
        slope[2] += by_phi
        slope[3] += by_a + by_b
        for j in range(k):
            slope[4 + j] -= by_alpha * design[s * k + j]
            slope[4 + k + j] += by_phi * design[s * k + j]
    return value


@njit(nogil=True, error_model="numpy", cache=_KEPT)
def spend(theta: Floats, data: Floats, slope: Floats) -> float:
    """The log-likelihood of Gamma-Gamma at θ; `slope` gets the gradient.

    Parameters
    ----------
    theta, slope
        (3 + k,)
    data
        design (n_segments · k); two sums that do not depend on θ: of -log z, and of x log(xz); x and
        customers, once per distinct x; segment, x, and where its rows begin and end, once per distinct x of a
        segment; and xz and weight, once per distinct (x, z) of a segment
    """
    at = _begins(data)
    design, constant = data[at[0] : at[1]], data[at[1] : at[2]]
    k = len(theta) - 3
    n = len(design) // k if k else 1
    p, beyond = exp(theta[0]), exp(theta[1])
    q = 1.0 + beyond
    value: float = constant[0] + p * constant[1]
    slope_p, slope_q = constant[1], 0.0
    log_v, v, slope_v = np.empty(n), np.empty(n), np.zeros(n)
    for s in range(n):
        log_v[s] = theta[2]
        for j in range(k):
            log_v[s] += design[s * k + j] * theta[3 + j]
        v[s] = exp(log_v[s])

    # 1/B(px, q)
    x, customers = data[at[2] : at[3]], data[at[3] : at[4]]
    log_gamma, digamma = lgamma(q), _digamma(q)
    for i in range(len(x)):
        value += customers[i] * (lgamma(p * x[i] + q) - lgamma(p * x[i]) - log_gamma)
        both = _digamma(p * x[i] + q)
        slope_p += customers[i] * x[i] * (both - _digamma(p * x[i]))
        slope_q += customers[i] * (both - digamma)

    # v^q (v+xz)^-(px+q)
    of, x = data[at[4] : at[5]], data[at[5] : at[6]]
    begin, end = data[at[6] : at[7]], data[at[7] : at[8]]
    spent, weight = data[at[8] : at[9]], data[at[9] : at[10]]
    for g in range(len(x)):
        s = int(of[g])
        logarithm, inverse, counted, product = 0.0, 0.0, 0.0, 1.0
        for i in range(int(begin[g]), int(end[g])):
            total = v[s] + spent[i]
            inverse += weight[i] / total
            counted += weight[i]
            if weight[i] == 1.0 and 1.0 / _FULL < total < _FULL:
                product *= total
                if product > _FULL or product < 1.0 / _FULL:
                    logarithm += log(product)
                    product = 1.0
            else:
                logarithm += weight[i] * log(total)
        logarithm += log(product)
        power = p * x[g] + q
        value += counted * q * log_v[s] - power * logarithm
        slope_p -= x[g] * logarithm
        slope_q += counted * log_v[s] - logarithm
        slope_v[s] += counted * q - power * v[s] * inverse

    slope[:] = 0.0
    slope[0], slope[1] = p * slope_p, beyond * slope_q
    for s in range(n):
        slope[2] += slope_v[s]
        for j in range(k):
            slope[3 + j] += slope_v[s] * design[s * k + j]
    return value


@njit(nogil=True, error_model="numpy", cache=_KEPT)
def renewals(theta: Floats, data: Floats, slope: Floats) -> float:
    """The log-likelihood of renewals (sBG) at θ; `slope` gets the gradient.

    Parameters
    ----------
    theta, slope
        (2 + k,)
    data
        design (n_segments · k); and segment, renewals made before, contracts lost and contracts kept, once
        per distinct number of renewals of a segment
    """
    at = _begins(data)
    design, k = data[at[0] : at[1]], len(theta) - 2
    of, age, lost, kept = data[at[1] : at[2]], data[at[2] : at[3]], data[at[3] : at[4]], data[at[4] : at[5]]
    n, kappa = int(of[-1]) + 1, exp(theta[1])
    phi, of_logit = np.empty(n), np.zeros(n)
    for s in range(n):
        logit = theta[0]
        for j in range(k):
            logit += design[s * k + j] * theta[2 + j]
        phi[s] = 1.0 / (1.0 + exp(-logit))
    slope[:] = 0.0
    value: float = 0.0
    for i in range(len(of)):
        s = int(of[i])
        leaves, stays, total = kappa * phi[s], kappa * (1.0 - phi[s]) + age[i], kappa + age[i]
        value += lost[i] * log(leaves) + kept[i] * log(stays) - (lost[i] + kept[i]) * log(total)
        by_stays = kept[i] / stays
        of_logit[s] += (1.0 - phi[s]) * (lost[i] - leaves * by_stays)
        slope[1] += lost[i] + kappa * ((1.0 - phi[s]) * by_stays - (lost[i] + kept[i]) / total)
    for s in range(n):
        slope[0] += of_logit[s]
        for j in range(k):
            slope[2 + j] += of_logit[s] * design[s * k + j]
    return value


@njit(nogil=True, error_model="numpy", cache=_KEPT)
def placed(z: Floats, frame: Floats, theta: Floats) -> None:
    """θ of a point in the whitened frame: mode + factor · z.

    Parameters
    ----------
    z
        (d,) coordinates in the whitened frame
    frame
        θ at the mode, then the factor
    theta
        (d,) receives θ
    """
    d = len(z)
    for i in range(d):
        theta[i] = frame[i]
        for j in range(d):
            theta[i] += frame[d + i * d + j] * z[j]


@njit(nogil=True, error_model="numpy", cache=_KEPT)
def with_prior(value: float, theta: Floats, slope: Floats, frame: Floats, slope_z: Floats) -> float:
    """Adds the normal prior to value and slope; `slope_z` gets the slope in the whitened frame.

    Parameters
    ----------
    value
        log-likelihood at θ
    theta
        (d,) θ
    slope
        (d,) its gradient; receives the gradient with the prior
    frame
        θ at the mode, factor, prior means, prior standard deviations
    slope_z
        (d,) receives the gradient in z
    """
    d = len(theta)
    centre, spread = d + d * d, 2 * d + d * d
    for i in range(d):
        away = (theta[i] - frame[centre + i]) / frame[spread + i]
        value -= 0.5 * away * away
        slope[i] -= away / frame[spread + i]
    for j in range(d):
        slope_z[j] = 0.0
        for i in range(d):
            slope_z[j] += slope[i] * frame[d + i * d + j]
        value += 0.0 * slope_z[j]  # no number where the slope is none
    return value


@njit(nogil=True, error_model="numpy", cache=_KEPT)
def _unpacked(d: int, at: Floats, data_at: Floats) -> tuple[Floats, Floats, Floats]:
    """The frame, what the likelihood takes, and θ at a point of the whitened frame."""
    data = carray(data_at, (int(data_at[0]),))
    frame, theta = data[2 : 2 + int(data[1])], np.empty(d)
    placed(carray(at, (d,)), frame, theta)
    return frame, data[2 + len(frame) :], theta


@njit(nogil=True, error_model="numpy", cache=_KEPT)
def _answered(
    value: float, theta: Floats, slope: Floats, frame: Floats, slope_at: Floats, value_at: Floats
) -> int:
    """Writes the log-density and its gradient where the sampler reads them; 0 if it is finite."""
    value_at[0] = with_prior(value, theta, slope, frame, carray(slope_at, (len(theta),)))
    return 0 if np.isfinite(value_at[0]) else _DOES_NOT_COUNT


@cfunc(DENSITY, error_model="numpy", cache=_KEPT)
def purchases_density(dim: int, at: Floats, slope_at: Floats, value_at: Floats, data_at: Floats) -> int:
    """Log-density of θ in the whitened frame, for the sampler.

    Parameters
    ----------
    dim
        d
    at, slope_at
        addresses of (d,) z and of where its gradient goes
    value_at
        address of where the log-density goes
    data_at
        address of: length of all, length of the frame, the frame (θ at the mode, factor, prior means,
        prior standard deviations), and what `purchases` takes
    """
    frame, data, theta = _unpacked(int(dim), at, data_at)
    slope = np.empty(len(theta))
    answer: int = _answered(purchases(theta, data, slope), theta, slope, frame, slope_at, value_at)
    return answer


@cfunc(DENSITY, error_model="numpy", cache=_KEPT)
def spend_density(dim: int, at: Floats, slope_at: Floats, value_at: Floats, data_at: Floats) -> int:
    """Log-density of the θ of `spend`.

    Parameters
    ----------
    dim, at, slope_at, value_at, data_at
        as in :func:`purchases_density`, with what `spend` takes
    """
    frame, data, theta = _unpacked(int(dim), at, data_at)
    slope = np.empty(len(theta))
    answer: int = _answered(spend(theta, data, slope), theta, slope, frame, slope_at, value_at)
    return answer


@cfunc(DENSITY, error_model="numpy", cache=_KEPT)
def renewals_density(dim: int, at: Floats, slope_at: Floats, value_at: Floats, data_at: Floats) -> int:
    """Log-density of the θ of `renewals`.

    Parameters
    ----------
    dim, at, slope_at, value_at, data_at
        as in :func:`purchases_density`, with what `renewals` takes
    """
    frame, data, theta = _unpacked(int(dim), at, data_at)
    slope = np.empty(len(theta))
    answer: int = _answered(renewals(theta, data, slope), theta, slope, frame, slope_at, value_at)
    return answer


@cfunc(
    types.int64(
        types.uint64,
        types.uint64,
        types.CPointer(types.float64),
        types.CPointer(types.float64),
        types.CPointer(types.float64),
    ),
    cache=_KEPT,
)
def unchanged(dim: int, size: int, at: Floats, kept_at: Floats, data_at: Floats) -> int:
    """What the sampler keeps of z (dim,): all of it.

    Parameters
    ----------
    dim
        d
    size
        numbers kept per draw, d
    at
        address of (d,) z
    kept_at
        address that receives the numbers kept
    data_at
        not used
    """
    for i in range(int(dim)):
        kept_at[i] = at[i]
    return 0
