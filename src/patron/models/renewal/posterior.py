"""What the renewal model takes for plausible before it sees contracts, and when contracts say little."""

from dataclasses import replace

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import logit

from patron.arrays import Floats
from patron.errors import RangeError
from patron.models.inference.drawn_model import EFFECT_SPREAD, FEW_CUSTOMERS, Priors, prior_of
from patron.models.inference.posterior import Posterior, find_mode
from patron.models.renewal.contracts import Contracts
from patron.models.renewal.likelihood import RenewalLikelihood

__all__ = ["PRIORS", "doubts_about", "renewal_posterior"]


PRIORS: Priors = {"phi": (0.3, 2.0), "kappa": (2.0, 2.0), "tau": (0.3, 1.0)}
"""Median, and spread: standard deviation of the logarithm (of the log-odds for φ).

τ is the standard deviation of cohorts in the log-odds of φ; it counts only where cohorts are pooled.
"""

_TAU = (0.01, 5.0)  # between which τ is looked for


def renewal_posterior(
    rows: Contracts, covariates: Floats | None, cohorts: Floats | None, priors: Priors | None = None
) -> tuple[Posterior, float]:
    """The posterior of the parameters, and how far cohorts lie apart.

    Parameters
    ----------
    rows
        whose renewals
    covariates
        (n_rows, k) standardised, or None
    cohorts
        (n_rows, m) 1 in the column of the row's cohort and 0 elsewhere, or None
    priors
        parameter → (median, spread), in place of those of `PRIORS`

    Returns
    -------
    posterior
        of the log-odds of φ, log κ, and the effects of covariates and of cohorts on the log-odds of φ
    tau
        the standard deviation of the cohorts' effects; no number without cohorts

    Raises
    ------
    SettingsError, RangeError
        a prior is on no parameter, or impossible

    Notes
    -----
    τ is the one under which the contracts are most plausible, all other parameters being averaged over as the
    curvature at the mode has them, times its prior. The posterior takes it as given.

    Examples
    --------
    >>> import pandas as pd
    >>> from patron.models.renewal.contracts import read_contracts
    >>> rows = read_contracts(pd.DataFrame({"renewals": [2, 0], "ended": [0, 1]}))
    >>> posterior, tau = renewal_posterior(rows, None, np.eye(2))
    >>> posterior.names, bool(tau > 0)
    (('log-odds of phi', 'log kappa', 'effect 1', 'effect 2'), True)
    """
    median, spread = prior_of(PRIORS, priors)
    if not median[0] < 1:
        raise RangeError(f"the prior median of phi must lie between 0 and 1, got {median[0]}.")
    k, m = (0 if matrix is None else matrix.shape[1] for matrix in (covariates, cohorts))
    parts = [matrix for matrix in (covariates, cohorts) if matrix is not None]
    design = np.hstack(parts) if parts else None
    flat = Posterior(
        RenewalLikelihood(rows.start, rows.renewals, rows.ended, rows.count, design),
        ("log-odds of phi", "log kappa", *(f"effect {number}" for number in range(1, k + m + 1))),
        np.concatenate([[logit(median[0]), np.log(median[1])], np.zeros(k + m)]),
        np.concatenate([spread[:2], np.full(k + m, EFFECT_SPREAD)]),
        int(np.ceil(rows.count.sum())),
    )
    if m == 0:
        return flat, np.nan

    def with_cohorts(tau: float) -> Posterior:
        return replace(flat, spread=np.append(flat.spread[: 2 + k], np.full(m, tau)))

    def implausible(log_tau: float) -> float:
        away = (log_tau - np.log(median[2])) / spread[2]
        return float(0.5 * away**2) - _log_evidence(with_cohorts(np.exp(log_tau)))

    found = minimize_scalar(implausible, bounds=np.log(_TAU), method="bounded", options={"xatol": 1e-3})
    tau = float(np.exp(found.x))
    return with_cohorts(tau), tau


def _log_evidence(posterior: Posterior) -> float:
    """The logarithm of the integral over all coordinates, by Laplace's method, up to a constant."""
    mode = find_mode(posterior)
    top = posterior.value_and_gradient(mode.theta)[0] - float(np.log(posterior.spread).sum())
    return float(top + np.log(np.diag(mode.factor)).sum())


def doubts_about(rows: Contracts) -> list[str]:
    """What to know before trusting a fit to these contracts, in sentences; none where all is well.

    Examples
    --------
    >>> import pandas as pd
    >>> from patron.models.renewal.contracts import read_contracts
    >>> doubts_about(read_contracts(pd.DataFrame({"renewals": [2], "ended": [0], "count": [90]})))
    ['none of the 90 contracts has ended: the data bound churn from above, no more.']
    """
    found, n = [], rows.count.sum()
    if n < FEW_CUSTOMERS:
        found.append(
            f"fitted to {n:.0f} contracts, fewer than {FEW_CUSTOMERS}: the prior weighs as much as they do. "
            "Read the numbers as a rough guess."
        )
    if not (rows.count * rows.ended).any():
        found.append(f"none of the {n:.0f} contracts has ended: the data bound churn from above, no more.")
    if not (rows.count * (rows.renewals - rows.start)).any():
        found.append(
            f"none of the {n:.0f} contracts was ever renewed: how retention rises is the prior's word."
        )
    return found
