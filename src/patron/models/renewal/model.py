"""How long customers with a contract stay: `RenewalModel`, the shifted beta-geometric model (sBG).

At the end of every term a customer leaves with a constant probability θ of its own. Over customers
θ ~ Beta(α, β). Those who are likely to leave leave early, so that the retention rate of a cohort rises with
its age although no customer becomes more loyal; one constant rate for all undervalues those who stayed.

========= ==========================================================================================
symbol    in words
========= ==========================================================================================
α, β      shapes of the chance θ of not renewing over customers
φ, κ      α/(α + β), the mean chance of not renewing at first, and α + β, how alike customers are in it
n         renewals made so far
S(t)      share of customers who have renewed t times
========= ==========================================================================================

References
----------
Fader & Hardie (2007), How to project customer retention, Journal of Interactive Marketing 21(1), 76-90.
Fader & Hardie (2010), Customer-base valuation in a contractual setting: the perils of ignoring heterogeneity,
Marketing Science 29(1), 85-93.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import pandas as pd
from scipy.optimize import minimize_scalar
from scipy.special import expit, logit

from patron.arrays import Floats
from patron.checks import share, whole_number
from patron.errors import RangeError, TableError
from patron.models.inference.covariates import Covariates
from patron.models.inference.drawn_model import DrawnModel
from patron.models.inference.posterior import Posterior, find_mode
from patron.models.inference.priors import EFFECT_SPREAD, Priors, few_warning, prior_of
from patron.models.renewal.contracts import Contracts, read_contracts
from patron.models.renewal.likelihood import RenewalLikelihood
from patron.models.renewal.survival import (
    constant_residual_lifetime,
    residual_lifetime,
    retention_rate,
    survival,
)

__all__ = ["PRIORS", "RenewalModel", "fit_warnings", "renewal_posterior"]


PRIORS: Priors = {"phi": (0.3, 2.0), "kappa": (2.0, 2.0), "tau": (0.3, 1.0)}
"""Median, and spread: standard deviation of the logarithm (of the log-odds for φ).

τ is the standard deviation of cohorts in the log-odds of φ; it counts only where cohorts are pooled.
"""

_TAU = (0.01, 5.0)  # between which τ is looked for


@dataclass(kw_only=True, eq=False, repr=False)
class RenewalModel(DrawnModel):
    """The renewals of customers with a contract.

    Parameters
    ----------
    covariates
        columns of contracts, numbers or categories, that move the mean chance φ of not renewing
    pooled
        column of contracts that names the cohort; each cohort has a φ of its own, drawn towards the mean
        of all by as much as the cohorts resemble each other. None for one φ
    priors
        phi, kappa or tau → (median, spread), in place of those of `PRIORS`
    inference, draws, tune, chains, random_state
        as in :class:`patron.models.inference.drawn_model.DrawnModel`

    Attributes
    ----------
    draws_
        alpha, beta → (n_draws,); leaving[·], the effects of covariates on the log-odds of φ; cohort[·],
        how far each cohort lies from the mean on that scale, and tau, how far cohorts do in general
    params_
        the same, means over the draws: posterior means, or the mode for "map"
    diagnostics_
        whether to trust the fit

    Notes
    -----
    A contract counts from the renewal at which observation began, so that customers who were already there
    cause no bias. An unknown cohort counts as average.

    Examples
    --------
    The cohort of Fader & Hardie (2007): customers at the start and after each of four renewals.

    >>> from patron.models.renewal.contracts import contracts_of_cohorts
    >>> contracts = contracts_of_cohorts([1000, 631, 468, 382, 326])
    >>> model = RenewalModel(inference="map").fit(contracts)
    >>> {name: round(value, 2) for name, value in model.params_.items()}
    {'alpha': 0.76, 'beta': 1.3}
    >>> model.curve(2).round(3)
       renewals  survival  survival_low  survival_high  retention_rate  constant_survival
    0         0     1.000         1.000          1.000             NaN              1.000
    1         1     0.629         0.629          0.629           0.629              0.629
    2         2     0.472         0.472          0.472           0.750              0.396
    """

    pooled: str | None = None

    @classmethod
    def from_params(cls, *, alpha: float, beta: float) -> Self:
        """A model whose parameters are known.

        Parameters
        ----------
        alpha, beta
            shapes of the churn probability per renewal over customers, positive

        Raises
        ------
        RangeError
            a parameter is not positive

        Examples
        --------
        >>> round(RenewalModel.from_params(alpha=1.0, beta=3.0).expected_lifetime(0.10), 2)
        4.29
        """
        model = cls()
        model._keep_known(alpha=alpha, beta=beta)
        return model

    def fit(
        self, contracts: pd.DataFrame, *, inference: str | None = None, random_state: int | None = None
    ) -> Self:
        """The model itself, its parameters learned from contracts.

        Parameters
        ----------
        contracts
            renewals, ended, and count, start, covariates and the cohort; as
            `contracts_of_cohorts` and `contracts_of_subscriptions` make them
        inference, random_state
            in place of the settings

        Raises
        ------
        TableError
            contracts lacks a column, has no row, or rows break a rule
        SettingsError, RangeError
            a setting is unknown or out of range

        Warns
        -----
        PatronWarning
            few contracts, none has ended or none was renewed, the fit did not converge, or the data carry
            little information on a parameter
        """
        rows, covariates, posterior, tau = self._prepare(contracts)
        drawn, found = self._infer(posterior, inference, random_state, fit_warnings(rows))
        phi, kappa = expit(drawn[:, 0]), np.exp(drawn[:, 1])
        effects = () if covariates is None else covariates.effects
        k = len(effects)
        draws = {"alpha": kappa * phi, "beta": kappa * (1 - phi)}
        draws |= {f"leaving[{name}]": drawn[:, 2 + i] for i, name in enumerate(effects)}
        if self.pooled is not None:
            names = [f"cohort[{level}]" for level in _levels(contracts[self.pooled])]
            draws |= {"tau": np.full(len(drawn), tau)}
            draws |= {name: drawn[:, 2 + k + i] for i, name in enumerate(names)}
        self._keep(draws, found, covariates)
        return self

    def curve(self, periods: int, *, level: float = 0.8) -> pd.DataFrame:
        """Survival and retention of new customers by renewal, and with a constant rate for comparison.

        Parameters
        ----------
        periods
            renewals ahead, count ≥ 1
        level
            probability in (0, 1) that the interval of the survival holds

        Returns
        -------
        pd.DataFrame
            DataFrame, one row per number of renewals from 0: renewals; survival, survival_low, survival_high,
            shares in [0, 1]; retention_rate, the share of those left after the renewal before who renew again
            (missing at 0); constant_survival, with the first retention rate for ever

        Raises
        ------
        RangeError
            periods or level is out of range
        """
        whole_number("periods", periods, 1, floats=False)
        share("level", level, ends="()", example="80 % as 0.80")
        draws = self._fitted()
        alpha, beta = draws["alpha"][:, None], draws["beta"][:, None]
        renewals = np.arange(periods + 1)
        each = survival(alpha, beta, renewals)
        left = each.mean(axis=0)
        low, high = np.quantile(each, [(1 - level) / 2, (1 + level) / 2], axis=0)
        return pd.DataFrame(
            {
                "renewals": renewals,
                "survival": left,
                "survival_low": low,
                "survival_high": high,
                "retention_rate": np.append(np.nan, left[1:] / left[:-1]),
                "constant_survival": left[1] ** renewals,
            }
        )

    def renewal_probability(self, contracts: pd.DataFrame, *, n_draws: int = 100) -> pd.Series:
        """The probability that each running contract is renewed next time.

        Parameters
        ----------
        contracts
            renewals, and the covariates and cohort; assumed to be running, whatever `ended` is
        n_draws
            maximum number of posterior draws that the mean is taken over

        Returns
        -------
        pd.Series
            Series by the index of `contracts`; in [0, 1]

        Examples
        --------
        >>> model = RenewalModel.from_params(alpha=0.764, beta=1.296)
        >>> model.renewal_probability(pd.DataFrame({"renewals": [0, 4]})).round(3).tolist()
        [0.629, 0.874]
        """
        alpha, beta, renewals, index = self._running(contracts, n_draws)
        rates = retention_rate(alpha, beta, renewals + 1).mean(axis=0)
        return pd.Series(rates, index=index, name="renewal_probability")

    def expected_lifetime(
        self, annual_discount_rate: float, *, periods_per_year: float = 1.0, periods: int | None = None
    ) -> float:
        """Expected discounted terms of a new customer, the first one, paid now, included.

        Parameters
        ----------
        annual_discount_rate
            per year; 10 % is 0.10. Must be positive without `periods`
        periods_per_year
            renewals in a year, positive: 1 for annual contracts, 12 for monthly ones
        periods
            renewals to look ahead; None for all

        Returns
        -------
        float
            terms

        Raises
        ------
        RangeError
            a number is out of range

        Examples
        --------
        >>> round(RenewalModel.from_params(alpha=0.764, beta=1.296).expected_lifetime(0.10), 2)
        3.62
        """
        draws = self._fitted()
        rate = (annual_discount_rate, periods_per_year, periods)
        return 1.0 + float(residual_lifetime(draws["alpha"], draws["beta"], 0.0, *rate).mean())

    def residual_lifetime(
        self,
        contracts: pd.DataFrame,
        annual_discount_rate: float,
        *,
        periods_per_year: float = 1.0,
        periods: int | None = None,
        n_draws: int = 100,
    ) -> pd.DataFrame:
        """Expected discounted terms that running contracts still pay for, also with a constant rate.

        Parameters
        ----------
        contracts, n_draws
            as in :meth:`renewal_probability`
        annual_discount_rate, periods_per_year, periods
            see `expected_lifetime`

        Returns
        -------
        pd.DataFrame
            DataFrame by the index of `contracts`: renewals; residual_lifetime and constant_residual_lifetime,
            discounted terms from the next renewal on; ratio, the first ÷ the second

        Raises
        ------
        RangeError
            a number is out of range

        Examples
        --------
        A customer of four years is worth almost four times what the first retention rate implies:

        >>> model = RenewalModel.from_params(alpha=0.764, beta=1.296)
        >>> model.residual_lifetime(pd.DataFrame({"renewals": [0, 4]}), 0.10).round(2)
           renewals  residual_lifetime  constant_residual_lifetime  ratio
        0         0               2.62                        1.34   1.96
        1         4               5.17                        1.34   3.87
        """
        alpha, beta, renewals, index = self._running(contracts, n_draws)
        rate = (annual_discount_rate, periods_per_year, periods)
        distinct, which = np.unique(renewals, return_inverse=True)
        if alpha.shape[1] == 1:  # customers differ in nothing else
            left = residual_lifetime(alpha, beta, distinct, *rate).mean(axis=0)[which]
        else:
            left = residual_lifetime(alpha, beta, renewals, *rate).mean(axis=0)
        first = retention_rate(alpha, beta, np.ones(1)).mean(axis=0)
        constant = np.broadcast_to(constant_residual_lifetime(first, *rate), left.shape)
        return pd.DataFrame(
            {
                "renewals": renewals.astype(np.int64),
                "residual_lifetime": left,
                "constant_residual_lifetime": constant,
                "ratio": left / constant,
            },
            index=index,
        )

    def thinned(self, n_draws: int) -> dict[str, Floats]:
        """At most `n_draws` of the draws, evenly spaced: parameter → (n, 1).

        Parameters
        ----------
        n_draws
            maximum number of draws, ≥ 1

        Examples
        --------
        >>> RenewalModel.from_params(alpha=1.0, beta=3.0).thinned(100)["beta"]
        array([[3.]])
        """
        return self._spaced(min(n_draws, len(self._fitted()["alpha"])))

    def shapes_of(self, contracts: pd.DataFrame, draws: Mapping[str, Floats]) -> tuple[Floats, Floats]:
        """The shapes α and β of contracts whose covariates or cohorts differ.

        Parameters
        ----------
        contracts
            the covariates and the cohort
        draws
            parameter → (n_draws, 1), as `draws_` has them

        Returns
        -------
        alpha, beta
            each (n_draws, 1), or (n_draws, n_contracts) where something moves it

        Raises
        ------
        TableError
            contracts lacks a covariate or the cohort
        """
        alpha, beta = draws["alpha"], draws["beta"]
        away: Floats = np.zeros((len(alpha), 1))
        if self.covariates_ is not None:
            effects = np.hstack([draws[f"leaving[{effect}]"] for effect in self.covariates_.effects])
            away = away + effects @ self.covariates_.matrix(contracts).T
        if self.pooled is not None:
            unseen = np.zeros_like(alpha)
            cohorts = contracts[self.pooled].astype("string")
            away = away + np.hstack([draws.get(f"cohort[{cohort}]", unseen) for cohort in cohorts])
        if away.shape[1] == 1 and not away.any():
            return alpha, beta
        phi = expit(logit(alpha / (alpha + beta)) + away)
        return (alpha + beta) * phi, (alpha + beta) * (1 - phi)

    def _posterior_of(self, customers: pd.DataFrame) -> Posterior:
        return self._prepare(customers)[2]

    def _running(self, contracts: pd.DataFrame, n_draws: int) -> tuple[Floats, Floats, Floats, pd.Index]:
        """Shapes of running contracts, and the renewals made of each."""
        draws = self.thinned(n_draws)
        rows = read_contracts(contracts.assign(ended=0), self._needed)
        return *self.shapes_of(contracts, draws), rows.renewals, rows.index

    def _prepare(self, contracts: pd.DataFrame) -> tuple[Contracts, Covariates | None, Posterior, float]:
        rows = read_contracts(contracts, self._needed)
        covariates, matrix = self._learn_covariates(contracts)
        cohorts: Floats | None = None
        if self.pooled is not None:
            labels = contracts[self.pooled].astype("string")
            if labels.isna().any():
                raise TableError(
                    f"{int(labels.isna().sum())} rows of contracts have no {self.pooled}. Name their cohort."
                )
            names = np.array(_levels(labels), dtype=object)
            cohorts = (labels.to_numpy(dtype=object)[:, None] == names).astype(np.float64)
        posterior, tau = renewal_posterior(rows, matrix, cohorts, self.priors)
        return rows, covariates, posterior, tau

    @property
    def _needed(self) -> list[str]:
        return [*self.covariates, *([] if self.pooled is None else [self.pooled])]


def renewal_posterior(
    rows: Contracts, covariates: Floats | None, cohorts: Floats | None, priors: Priors | None = None
) -> tuple[Posterior, float]:
    """The posterior of the parameters, and the standard deviation between cohorts.

    Parameters
    ----------
    rows
        checked contracts
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
        standard deviation of the cohorts' effects; NaN without cohorts

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


def fit_warnings(rows: Contracts) -> list[str]:
    """Warnings about a fit to these contracts, as sentences; empty if there are none.

    Parameters
    ----------
    rows
        checked contracts

    Examples
    --------
    >>> import pandas as pd
    >>> from patron.models.renewal.contracts import read_contracts
    >>> fit_warnings(read_contracts(pd.DataFrame({"renewals": [2], "ended": [0], "count": [90]})))
    ['none of the 90 contracts has ended: the data only bound churn from above.']
    """
    n = rows.count.sum()
    found = few_warning(n, "contracts")
    if not (rows.count * rows.ended).any():
        found.append(f"none of the {n:.0f} contracts has ended: the data only bound churn from above.")
    if not (rows.count * (rows.renewals - rows.start)).any():
        found.append(
            f"none of the {n:.0f} contracts was ever renewed: how retention rises comes from the prior."
        )
    return found


def _levels(cohorts: pd.Series) -> list[str]:
    return sorted(set(cohorts.astype("string")))
