"""How often and how long customers buy: `BetaGeoModel`, BG/NBD and MBG/NBD in one.

A customer buys at an individual rate λ and, after each purchase, drops out with an individual probability p.
Over customers λ ~ Gamma(r, α) and p ~ Beta(a, b). In MBG/NBD a customer may also drop out after the first
purchase.

========= ====================================================================================
symbol    in words
========= ====================================================================================
r, alpha  shape and inverse scale (time) of the purchase rate λ over customers
a, b      shapes of the probability p of dropping out after a purchase
φ, κ      a/(a + b), the mean drop-out probability, and a + b, how alike customers are in it
x         frequency: repeat purchases so far
t_x, T    recency and age: time units from the first purchase to the last, and to today
========= ====================================================================================

References
----------
Fader, Hardie & Lee (2005), "Counting your customers" the easy way, Marketing Science 24(2), 275-284.
Batislam, Denizel & Filiztekin (2007), International Journal of Research in Marketing 24(3), 201-209.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, Self

import numpy as np
import pandas as pd
from scipy.special import expit

from patron.arrays import Floats
from patron.checks import one_of, whole_number
from patron.errors import SettingsError
from patron.models.inference.compression import count_distinct
from patron.models.inference.drawn_model import DrawnModel
from patron.models.inference.posterior import Posterior, find_mode
from patron.models.value.purchases import FAMILIES, expectation
from patron.models.value.purchases.likelihood import log_likelihood
from patron.models.value.purchases.priors import fit_warnings, purchase_draws, purchase_posterior
from patron.models.value.purchases.simulate import simulate_purchases
from patron.models.value.rfm import read_customers
from patron.money import UNITS_PER_YEAR, continuous_rate

__all__ = ["BetaGeoModel"]


_OTHER = {"bgnbd": "mbgnbd", "mbgnbd": "bgnbd"}
_NUMBERS_AT_A_TIME = 1_000_000


@dataclass(kw_only=True, eq=False, repr=False)
class BetaGeoModel(DrawnModel):
    """The purchases of customers without a contract.

    Parameters
    ----------
    family
        "bgnbd", or "mbgnbd", in which one-time buyers may be gone; `diagnostics_` compares their fit
    time_unit
        of recency, T and horizons: "D" days, "W" weeks, "M" months or "Y" years
    covariates
        columns of rfm, numbers or categories, that move buying (1/α) and dropping out (φ)
    priors
        r, alpha, phi or kappa → (median, spread), in place of those of `patron.models.value.purchases.priors`
    inference, draws, tune, chains, random_state
        as in :class:`patron.models.inference.drawn_model.DrawnModel`

    Attributes
    ----------
    draws_
        r, alpha, a, b → (n_draws,), alpha in time units; buying[·] and dropping_out[·], the effects of
        covariates, on the logarithm of the rate and on the log-odds of φ
    params_
        the same, means over the draws: posterior means, or the mode for "map"
    diagnostics_
        whether to trust the fit

    Notes
    -----
    Times are scaled by the median T before fitting, and priors are stated in that scale, so that days and
    weeks give the same answer. Predictions are means over posterior draws, `n_draws` of them evenly spaced.

    Examples
    --------
    >>> from patron.datasets.btyd import simulate_btyd
    >>> world = dict(r=0.5, alpha=30.0, a=0.8, b=2.5, p=6.0, q=4.0, v=15.0)
    >>> rfm = simulate_btyd(3000, **world, T=365.0, horizon=90.0, daily=True, seed=1).rfm
    >>> model = BetaGeoModel(inference="laplace").fit(rfm)
    >>> bool(0.4 < model.params_["r"] < 0.6), model.diagnostics_.converged
    (True, True)

    With parameters that are known, here from the literature:

    >>> model = BetaGeoModel.from_params(r=0.243, alpha=4.414, a=0.793, b=2.426, time_unit="W")
    >>> rfm = pd.DataFrame({"customer_id": [7, 3], "frequency": [2, 0], "recency": [30.43, 0], "T": 38.86})
    >>> pd.DataFrame({
    ...     "alive": model.probability_alive(rfm),
    ...     "none": model.probability_no_purchase(rfm, horizon=39),
    ...     "exactly one": model.probability_of_purchases(rfm, horizon=39, n=1),
    ...     "expected": model.expected_purchases(rfm, horizon=39),
    ...     "discounted": model.discounted_expected_purchases(rfm, annual_discount_rate=0.15),
    ... }).round(2)
                 alive  none  exactly one  expected  discounted
    customer_id
    7            0.73  0.45         0.24      1.23        5.17
    3            1.00  0.86         0.11      0.20        1.02
    """

    family: Literal["bgnbd", "mbgnbd"] = "bgnbd"
    time_unit: Literal["D", "W", "M", "Y"] = "D"

    @classmethod
    def from_params(
        cls,
        *,
        r: float,
        alpha: float,
        a: float,
        b: float,
        family: Literal["bgnbd", "mbgnbd"] = "bgnbd",
        time_unit: Literal["D", "W", "M", "Y"] = "D",
    ) -> Self:
        """A model whose parameters are known.

        Parameters
        ----------
        r, alpha
            shape and inverse scale (time units) of the purchase rate over customers, positive
        a, b
            shapes of the drop-out probability over customers, positive
        family, time_unit
            see the settings of the class

        Raises
        ------
        RangeError
            a parameter is not positive
        SettingsError
            the family or the time unit is unknown
        """
        model = cls(family=family, time_unit=time_unit)
        model._check_settings()
        model._keep_known(r=r, alpha=alpha, a=a, b=b)
        return model

    def fit(
        self, rfm: pd.DataFrame, *, inference: str | None = None, random_state: int | None = None
    ) -> Self:
        """The model itself, its parameters learned from the customers in `rfm`.

        Parameters
        ----------
        rfm
            one row per customer: customer_id, frequency, recency, T, and the covariates
        inference, random_state
            in place of the settings

        Raises
        ------
        TableError
            rfm lacks a column, has no row, or rows break a rule of RFM tables
        SettingsError, RangeError
            a setting is unknown or out of range

        Warns
        -----
        PatronWarning
            few customers, nobody has bought twice, the fit did not converge, or the data carry little
            information on a parameter
        """
        self._check_settings()
        customers = read_customers(rfm)
        covariates, matrix = self._learn_covariates(rfm)
        posterior, scale = purchase_posterior(customers, matrix, self.family, self.priors)
        drawn, found = self._infer(posterior, inference, random_state, fit_warnings(customers))
        other = purchase_posterior(customers, matrix, _OTHER[self.family], self.priors)[0]
        found = replace(
            found,
            log_likelihood=found.log_likelihood - float(customers.frequency.sum() * np.log(scale)),
            other_family=find_mode(other).log_likelihood - found.log_likelihood,
        )
        effects = () if covariates is None else covariates.effects
        self._keep(purchase_draws(drawn, scale, effects), found, covariates)
        return self

    def log_likelihood(self, rfm: pd.DataFrame) -> pd.Series:
        """The log-likelihood of each customer's purchases at `params_`, without x!.

        Parameters
        ----------
        rfm
            one row per customer: customer_id, frequency, recency, T, and the covariates

        Returns
        -------
        pd.Series
            Series by customer_id, in the order of `rfm`
        """
        customers = read_customers(rfm)
        x, t_x, T = customers.frequency, customers.recency, customers.T
        means = {name: np.array([[value]]) for name, value in self.params_.items()}
        r, alpha, a, b = self.parameters_of(means, self.covariate_matrix(rfm))
        each = log_likelihood(r, alpha, a, b, x, t_x, T, self.family)
        return customers.series(each[0], "log_likelihood")

    def probability_alive(self, rfm: pd.DataFrame, *, n_draws: int = 100) -> pd.Series:
        """The probability that a customer has not dropped out; 1 for one-time buyers in BG/NBD.

        Parameters
        ----------
        rfm
            one row per customer: customer_id, frequency, recency, T, and the covariates
        n_draws
            maximum number of posterior draws that the mean is taken over

        Returns
        -------
        pd.Series
            Series by customer_id, in the order of `rfm`; in [0, 1]
        """
        return self._mean(rfm, expectation.probability_alive, "probability_alive", n_draws)

    def probability_no_purchase(self, rfm: pd.DataFrame, horizon: float, *, n_draws: int = 100) -> pd.Series:
        """The probability that a customer buys nothing within the horizon: churn, as this model sees it.

        Parameters
        ----------
        rfm, n_draws
            see `probability_alive`
        horizon
            time units ahead, at least 0

        Returns
        -------
        pd.Series
            Series by customer_id, in the order of `rfm`; in [0, 1]
        """
        formula = expectation.probability_no_purchase
        return self._mean(rfm, formula, "probability_no_purchase", n_draws, t=horizon)

    def expected_purchases(
        self, rfm: pd.DataFrame, horizon: float, start: float = 0.0, *, n_draws: int = 100
    ) -> pd.Series:
        """Expected purchases in (T + start, T + start + horizon].

        Parameters
        ----------
        rfm, n_draws
            see `probability_alive`
        horizon, start
            length of the window, and time from T to its beginning, time units, at least 0

        Returns
        -------
        pd.Series
            Series by customer_id, in the order of `rfm`; at least 0
        """
        formula = expectation.expected_purchases
        return self._mean(rfm, formula, "expected_purchases", n_draws, t=horizon, start=start)

    def discounted_expected_purchases(
        self,
        rfm: pd.DataFrame,
        annual_discount_rate: float,
        horizon: float | None = None,
        *,
        n_draws: int = 100,
    ) -> pd.Series:
        """Expected purchases within the horizon, each discounted to today; over all future without a horizon.

        Parameters
        ----------
        rfm, n_draws
            see `probability_alive`
        annual_discount_rate
            per year; 10 % is 0.10. Must be positive without a horizon
        horizon
            time units ahead, or None

        Returns
        -------
        pd.Series
            Series by customer_id, in the order of `rfm`; at least 0
        """
        rate = continuous_rate(annual_discount_rate, self.time_unit)
        formula = expectation.discounted_expected_purchases
        return self._mean(rfm, formula, "discounted_expected_purchases", n_draws, t=horizon, rate=rate)

    def probability_of_purchases(
        self, rfm: pd.DataFrame, horizon: float, n: int, *, n_draws: int = 100
    ) -> pd.Series:
        """The probability of exactly `n` purchases within the horizon.

        Parameters
        ----------
        rfm, n_draws
            see `probability_alive`
        horizon
            time units ahead, at least 0
        n
            whole number of at least 0

        Returns
        -------
        pd.Series
            Series by customer_id, in the order of `rfm`; in [0, 1]
        """
        formula = expectation.probability_of_purchases
        return self._mean(rfm, formula, "probability_of_purchases", n_draws, t=horizon, n=n)

    def expected_purchases_new_customer(self, horizon: float) -> float:
        """Expected repeat purchases within `horizon` time units of a first purchase, at average covariates.

        Parameters
        ----------
        horizon
            time units since the first purchase, at least 0

        Examples
        --------
        >>> model = BetaGeoModel.from_params(r=0.243, alpha=4.414, a=0.793, b=2.426, time_unit="W")
        >>> round(model.expected_purchases_new_customer(39), 4)
        1.1967
        """
        draws = self._fitted()
        r, alpha, a, b = (draws[name] for name in ("r", "alpha", "a", "b"))
        formula = expectation.expected_purchases_new_customer
        return float(formula(r, alpha, a, b, horizon, self.family).mean())

    def simulate(
        self, rfm: pd.DataFrame, horizon: float, n_draws: int = 100, random_state: int = 0
    ) -> pd.DataFrame:
        """Simulated purchases within the horizon, independent between customers.

        Parameters
        ----------
        rfm
            one row per customer: customer_id, frequency, recency, T, and the covariates
        horizon
            time units ahead, at least 0
        n_draws
            futures of each customer, each with its own posterior draw
        random_state
            seed

        Returns
        -------
        pd.DataFrame
            DataFrame of counts: one row per customer, by customer_id in the order of `rfm`; one column per
            future
        """
        customers = read_customers(rfm)
        x, t_x, T = customers.frequency, customers.recency, customers.T
        r, alpha, a, b = self.parameters_of(self._spaced(n_draws), self.covariate_matrix(rfm))
        rng = np.random.default_rng(whole_number("random_state", random_state, 0))
        counts = simulate_purchases(rng, r, alpha, a, b, x, t_x, T, horizon, self.family)
        return pd.DataFrame(counts.T, index=customers.ids)

    def parameters_of(
        self, draws: Mapping[str, Floats], matrix: Floats
    ) -> tuple[Floats, Floats, Floats, Floats]:
        """The parameters of customers whose covariates differ.

        Parameters
        ----------
        draws
            parameter → (n_draws, 1), as `draws_` has them
        matrix
            (n_customers, k) of `covariate_matrix`

        Returns
        -------
        r, alpha, a, b
            each (n_draws, 1), or (n_draws, n_customers) where covariates move it
        """
        r, alpha, a, b = (draws[name] for name in ("r", "alpha", "a", "b"))
        if self.covariates_ is None:
            return r, alpha, a, b
        buying, dropping = (
            np.hstack([draws[f"{kind}[{effect}]"] for effect in self.covariates_.effects])
            for kind in ("buying", "dropping_out")
        )
        phi = expit(np.log(a / b) + dropping @ matrix.T)
        return r, alpha * np.exp(-buying @ matrix.T), (a + b) * phi, (a + b) * (1 - phi)

    def _posterior_of(self, customers: pd.DataFrame) -> Posterior:
        self._check_settings()
        rows, matrix = read_customers(customers), self._learn_covariates(customers)[1]
        return purchase_posterior(rows, matrix, self.family, self.priors)[0]

    def _check_settings(self) -> None:
        one_of("BetaGeoModel.family", self.family, FAMILIES, error=SettingsError)
        one_of("BetaGeoModel.time_unit", self.time_unit, tuple(UNITS_PER_YEAR), error=SettingsError)

    def _mean(
        self, rfm: pd.DataFrame, formula: Callable[..., Floats], name: str, n_draws: int, **options: Any
    ) -> pd.Series:
        """The mean of a formula over posterior draws, worked out once for customers who are alike."""
        customers, matrix = read_customers(rfm), self.covariate_matrix(rfm)
        columns = [customers.frequency, customers.recency, customers.T, *matrix.T]
        (x, t_x, T, *distinct), _, which = count_distinct(columns, np.ones(len(customers)))
        matrix = np.column_stack(distinct) if distinct else np.zeros((len(x), 0))
        draws = self._spaced(min(n_draws, len(self._fitted()["r"])))
        step = max(_NUMBERS_AT_A_TIME // len(draws["r"]), 1)
        means = []
        for begin in range(0, len(x), step):
            part = slice(begin, begin + step)
            history = x[part], t_x[part], T[part]
            values = formula(
                *self.parameters_of(draws, matrix[part]), *history, family=self.family, **options
            )
            means.append(values.mean(axis=0))
        return customers.series(np.concatenate(means)[which], name)
