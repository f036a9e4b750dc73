"""How much customers spend: `GammaGammaModel`.

A purchase is worth Gamma(p, ν), with a ν of the customer's own, and ν ~ Gamma(q, v) over customers. Spend
per purchase is assumed to be independent of purchase frequency.

======== =======================================================================================
symbol   in words
======== =======================================================================================
p        shape of the value of a purchase: how alike the purchases of one customer are
q, v     shape and inverse scale of ν over customers: how alike customers are; v is money
x, z     repeat purchases, and their mean value: frequency and monetary_value
======== =======================================================================================

References
----------
Fader & Hardie (2013), "The Gamma-Gamma Model of Monetary Value".
Fader, Hardie & Lee (2005), RFM and CLV: using iso-value curves for customer base analysis, Journal of
Marketing Research 42(4), 415-430.
"""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from patron.arrays import Floats
from patron.errors import InputError, PatronWarning, RangeError, TooFewCustomersError
from patron.models.inference.compression import scaled
from patron.models.inference.drawn_model import DrawnModel
from patron.models.inference.posterior import Posterior
from patron.models.inference.priors import EFFECT_SPREAD, Priors, few_warning, prior_of
from patron.models.value.gamma_gamma_likelihood import SpendLikelihood, log_likelihood
from patron.models.value.rfm import Customers, read_customers

__all__ = ["PRIORS", "GammaGammaModel", "expected_spend", "one_price", "population_spend"]


PRIORS: Priors = {"p": (5.0, 2.0), "q": (2.5, 2.0), "v": (0.5, 2.0)}
"""Median of p, of q - 1 and of v in median purchases, and spread: standard deviation of the logarithm."""

_SAME_PRICE = 1e-9  # relative difference below which amounts count as one price
_ALIKE = 1e6  # shape q where customers do not differ: the spread of their means is 1/√q of the mean


def expected_spend(
    p: npt.ArrayLike, q: npt.ArrayLike, v: npt.ArrayLike, x: npt.ArrayLike, z: npt.ArrayLike
) -> Floats:
    """The expected value of a customer's next purchase.

    Parameters
    ----------
    p, q, v
        parameters, positive, q > 1; v in money
    x, z
        customers: repeat purchases, and their mean value in money

    Returns
    -------
    Floats
        the broadcast shape, money

    Notes
    -----
    (q-1)/(px+q-1) · pv/(q-1) + px/(px+q-1) · z: between the mean of all customers and the customer's own, the
    nearer to the latter the more purchases there are.

    Examples
    --------
    >>> expected_spend(6.25, 3.74, 15.44, np.array([0, 2, 7]), np.array([0, 22.35, 73.74])).round(2)
    array([35.22, 24.66, 71.47])
    """
    p, q, v, x, z = (np.asarray(value, dtype=np.float64) for value in (p, q, v, x, z))
    seen = p * x
    return (p * v + seen * z) / (seen + q - 1)


@dataclass(kw_only=True, eq=False, repr=False)
class GammaGammaModel(DrawnModel):
    """The value of purchases.

    Parameters
    ----------
    covariates
        columns of rfm, numbers or categories, that move the mean spend
    priors
        parameter → (median, spread), in place of those of `PRIORS`
    inference, draws, tune, chains, random_state
        as in :class:`patron.models.inference.drawn_model.DrawnModel`

    Attributes
    ----------
    draws_
        p, q, v → (n_draws,), v in money; spending[·], the effects of covariates, on the logarithm of v
    params_
        the same, means over the draws: posterior means, or the mode for "map"
    diagnostics_
        whether to trust the fit

    Notes
    -----
    Only customers with repeat purchases count. Money is scaled by the median purchase before fitting, and
    priors are stated in that scale, so that euros and cents give the same answer. q stays above 1, so that
    the mean spend is finite.

    Examples
    --------
    >>> from patron.datasets.btyd import simulate_btyd
    >>> world = dict(r=0.5, alpha=30.0, a=0.8, b=2.5, p=6.0, q=4.0, v=15.0)
    >>> rfm = simulate_btyd(3000, **world, T=365.0, horizon=90.0, daily=True, seed=1).rfm
    >>> model = GammaGammaModel(inference="laplace").fit(rfm)
    >>> bool(3 < model.params_["q"] < 5), model.diagnostics_.converged
    (True, True)
    """

    @classmethod
    def from_params(cls, *, p: float, q: float, v: float) -> Self:
        """A model whose parameters are known.

        Parameters
        ----------
        p
            shape of the value of a purchase, positive
        q
            shape of ν over customers, above 1
        v
            inverse scale of ν over customers, money, positive

        Raises
        ------
        RangeError
            a parameter is not positive, or q is not above 1

        Examples
        --------
        >>> model = GammaGammaModel.from_params(p=6.25, q=3.74, v=15.44)
        >>> rfm = pd.DataFrame({"customer_id": [7], "frequency": [2], "monetary_value": [22.35]})
        >>> model.expected_spend(rfm).round(2).to_dict()
        {7: 24.66}
        """
        if not q > 1:
            raise RangeError(f"q must be above 1, so that the mean spend is finite, got {q!r}.")
        model = cls()
        model._keep_known(p=p, q=q, v=v)
        return model

    def fit(
        self, rfm: pd.DataFrame, *, inference: str | None = None, random_state: int | None = None
    ) -> Self:
        """The model itself, its parameters learned from the repeat buyers in `rfm`.

        Parameters
        ----------
        rfm
            one row per customer: customer_id, frequency, monetary_value, and the covariates
        inference, random_state
            in place of the settings

        Raises
        ------
        TooFewCustomersError
            nobody has bought twice
        TableError
            rfm lacks a column, has no row, or rows break a rule of RFM tables
        SettingsError, RangeError
            a setting is unknown or out of range

        Warns
        -----
        PatronWarning
            few repeat buyers, the fit did not converge, or the data carry little information on a parameter
        """
        customers = read_customers(rfm, purchases=False, spend=True)
        covariates, matrix = self._learn_covariates(rfm)
        posterior, scale = self._posterior(customers, matrix)
        too_few = few_warning(posterior.n_customers, "customers who have bought twice")
        drawn, found = self._infer(posterior, inference, random_state, too_few)
        p, beyond, v = np.exp(drawn.T[:3])
        names = [f"spending[{effect}]" for effect in (() if covariates is None else covariates.effects)]
        draws = {"p": p, "q": 1 + beyond, "v": scale * v} | dict(zip(names, drawn.T[3:], strict=True))
        unscaled = found.log_likelihood - float(posterior.n_customers * np.log(scale))
        self._keep(draws, replace(found, log_likelihood=unscaled), covariates)
        return self

    def log_likelihood(self, rfm: pd.DataFrame) -> pd.Series:
        """The log-likelihood of each customer's mean purchase at `params_`; 0 without repeat purchases.

        Parameters
        ----------
        rfm
            one row per customer: customer_id, frequency, monetary_value, and the covariates

        Returns
        -------
        pd.Series
            Series by customer_id, in the order of `rfm`
        """
        customers = read_customers(rfm, purchases=False, spend=True)
        again = customers.frequency > 0
        x, z = np.where(again, customers.frequency, 1.0), np.where(again, customers.monetary_value, 1.0)
        means = {name: np.array([[value]]) for name, value in self.params_.items()}
        v = self.scale_of(means, self.covariate_matrix(rfm))
        known = log_likelihood(means["p"], means["q"], v, x, z)[0]
        return customers.series(np.where(again, known, 0.0), "log_likelihood")

    def expected_spend(self, rfm: pd.DataFrame, *, n_draws: int = 100) -> pd.Series:
        """The expected value of each customer's next purchase.

        Parameters
        ----------
        rfm
            one row per customer: customer_id, frequency, monetary_value, and the covariates
        n_draws
            maximum number of posterior draws that the mean is taken over

        Returns
        -------
        pd.Series
            Series by customer_id, in the order of `rfm`; money
        """
        customers, matrix = read_customers(rfm, purchases=False, spend=True), self.covariate_matrix(rfm)
        z = np.where(customers.frequency > 0, customers.monetary_value, 0.0)
        total = np.zeros(len(customers))
        draws = self._spaced(min(n_draws, len(self._fitted()["p"])))
        for draw in range(len(draws["p"])):
            one = {name: values[draw : draw + 1] for name, values in draws.items()}
            v = self.scale_of(one, matrix)
            total += expected_spend(one["p"], one["q"], v, customers.frequency, z)[0]
        return customers.series(total / len(draws["p"]), "expected_spend")

    def scale_of(self, draws: Mapping[str, Floats], matrix: Floats) -> Floats:
        """The scale v of customers whose covariates differ.

        Parameters
        ----------
        draws
            parameter → (n_draws, 1), as `draws_` has them
        matrix
            (n_customers, k) of `covariate_matrix`

        Returns
        -------
        Floats
            (n_draws, 1), or (n_draws, n_customers) where covariates move it; money
        """
        if self.covariates_ is None:
            return draws["v"]
        effects = np.hstack([draws[f"spending[{effect}]"] for effect in self.covariates_.effects])
        return draws["v"] * np.exp(effects @ matrix.T)

    def _posterior_of(self, customers: pd.DataFrame) -> Posterior:
        rows = read_customers(customers, purchases=False, spend=True)
        return self._posterior(rows, self._learn_covariates(customers)[1])[0]

    def _posterior(self, customers: Customers, covariates: Floats | None) -> tuple[Posterior, float]:
        """The posterior in scaled money, and the unit of that money."""
        again = customers.frequency > 0
        if not again.any():
            raise TooFewCustomersError(
                f"none of the {len(again)} customers in rfm has bought twice, so the spend model cannot be "
                "fitted. Take a longer history, or let CustomerValueModel value purchases by their mean."
            )
        x, z = customers.frequency[again], customers.monetary_value[again]
        z, scale = scaled(z, z)
        likelihood = SpendLikelihood(x, z, None if covariates is None else covariates[again])
        median, spread = prior_of(PRIORS, self.priors)
        n_effects = 0 if covariates is None else covariates.shape[1]
        return Posterior(
            likelihood,
            ("log p", "log(q - 1)", "log v", *(f"effect {number}" for number in range(1, n_effects + 1))),
            np.append(np.log(median), np.zeros(n_effects)),
            np.append(spread, np.full(n_effects, EFFECT_SPREAD)),
            len(x),
        ), scale


def population_spend(rfm: pd.DataFrame) -> GammaGammaModel:
    """Gamma-Gamma with the mean and spread of single orders, the same for all customers.

    Parameters
    ----------
    rfm
        one row per customer; first_order_value (money), if there is such a column, else monetary_value,
        holds order values. Amounts that are missing or not positive are left out.

    Returns
    -------
    GammaGammaModel
        fitted, ready to predict

    Raises
    ------
    InputError
        no amount is positive

    Warns
    -----
    PatronWarning
        always, because the difference between customers is unknown

    Examples
    --------
    >>> rfm = pd.DataFrame({"customer_id": [1, 2], "frequency": [0, 0], "first_order_value": [10.0, 30.0]})
    >>> with warnings.catch_warnings(action="ignore"):
    ...     model = population_spend(rfm)
    >>> model.expected_spend(rfm.assign(monetary_value=0.0)).round(2).to_dict()
    {1: 20.0, 2: 20.0}
    """
    column = "first_order_value" if "first_order_value" in rfm.columns else "monetary_value"
    values = pd.to_numeric(rfm[column], errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
    known = values[np.isfinite(values) & (values > 0)]
    if known.size == 0:
        raise InputError(
            f"Nobody in rfm has bought twice, so the spend model cannot be fitted, and {column} holds no "
            "positive amount to fall back to. Add a column first_order_value, or take a longer history."
        )
    mean = float(known.mean())
    warnings.warn(
        f"Nobody has bought twice, so the spend model cannot be fitted: the expected order value of every "
        f"customer is {mean:.2f}, the mean of {column} of {known.size} customers.",
        PatronWarning,
        stacklevel=3,
    )
    return _without_differences(mean, spread=float(known.std()) / mean)


def one_price(rfm: pd.DataFrame) -> GammaGammaModel | None:
    """Gamma-Gamma of a business with one price; None where order values differ.

    Parameters
    ----------
    rfm
        one row per customer: frequency, and monetary_value (money) of those who have bought twice

    Examples
    --------
    >>> model = one_price(pd.DataFrame({"frequency": [3, 1], "monetary_value": [9.9, 9.9]}))
    >>> rfm = pd.DataFrame({"customer_id": [7], "frequency": [2], "monetary_value": [9.9]})
    >>> model.expected_spend(rfm).round(2).to_dict()
    {7: 9.9}
    """
    again = rfm.loc[rfm["frequency"].astype("float64") > 0, "monetary_value"]
    values = again.to_numpy(dtype=np.float64, na_value=np.nan)
    if values.size == 0 or np.ptp(values) > _SAME_PRICE * values.max():
        return None
    return _without_differences(float(values.mean()), spread=0.0)


def _without_differences(mean: float, spread: float) -> GammaGammaModel:
    p = 1 / max(spread, 1e-3) ** 2
    return GammaGammaModel.from_params(p=p, q=_ALIKE, v=mean * (_ALIKE - 1) / p)
