"""How much customers spend: `GammaGammaModel`.

A purchase of a customer is worth Gamma(p, ν) with a ν ~ Gamma(q, v) of the customer's own.

======== =======================================================================================
symbol   in words
======== =======================================================================================
p        shape of the value of a purchase: how alike a customer's purchases are
q, v     shape and inverse scale of ν over customers: how alike customers are; v is money
x, z     repeat purchases, and their mean value (frequency and monetary_value)
======== =======================================================================================

References
----------
Fader & Hardie (2013), "The Gamma-Gamma Model of Monetary Value".
Fader, Hardie & Lee (2005), Journal of Marketing Research 42(4), 415-430.
"""

from collections.abc import Mapping
from typing import Any, Literal, Self

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import digamma, gammaln

from patron.errors import TooFewCustomersError
from patron.models.compression import count_distinct, rounded
from patron.models.customers import Customers, read_customers
from patron.models.draws import DrawnModel
from patron.models.posterior import Posterior, infer

__all__ = ["GammaGammaModel", "expected_spend", "log_likelihood"]

type Floats = npt.NDArray[np.float64]

PRIORS: Mapping[str, tuple[float, float]] = {"p": (5.0, 2.0), "q": (2.5, 2.0), "v": (0.5, 2.0)}
"""Median of p, q - 1 and v, and standard deviation of the logarithm. v in median order values."""


def expected_spend(p: Any, q: Any, v: Any, x: Any, z: Any) -> Floats:
    """The mean value of a customer's future purchases."""
    weight = p * x / (p * x + q - 1)
    mean: Floats = (1 - weight) * p * v / (q - 1) + weight * z
    return mean


def log_likelihood(p: Any, q: Any, v: Any, x: Any, z: Any, ln: Any = np.log, ln_gamma: Any = gammaln) -> Any:
    """The log-likelihood of each customer's mean purchase value; x > 0."""
    shape = p * x
    return (
        ln_gamma(shape + q) - ln_gamma(shape) - ln_gamma(q)
        + q * ln(v) + (shape - 1) * ln(z) + shape * ln(x) - (shape + q) * ln(x * z + v)
    )  # fmt: skip


class SpendLikelihood:
    """The log-likelihood of many customers and its gradient in log p, log(q - 1) and log v."""

    def __init__(self, x: Floats, z: Floats) -> None:
        (self._x,), self._x_weight, _ = count_distinct([x], np.ones(len(x)))
        (row_x, self._z), self._weight, _ = count_distinct([x, z], np.ones(len(x)))
        self._row_x, self._spent = row_x, row_x * self._z
        self._n, self._purchases = float(len(x)), float(x.sum())
        # Of (px - 1) log z + px log x: the constant, and the factor of p.
        self._constant = -float(self._weight @ np.log(self._z))
        self._factor = float(self._weight @ (row_x * np.log(self._spent)))

    def value_and_gradient(self, theta: Floats) -> tuple[float, Floats]:
        """The log-likelihood at θ, and its slope in each coordinate."""
        p, beyond, v = np.exp(theta)
        q = 1 + beyond
        shape = p * self._x
        value = self._x_weight @ (gammaln(shape + q) - gammaln(shape))
        total = self._x_weight * digamma(shape + q)
        p_1 = self._x @ (total - self._x_weight * digamma(shape))
        q_1 = total.sum() - self._n * digamma(q)
        value += self._constant + p * self._factor - self._n * gammaln(q) + self._n * q * theta[2]

        end = self._spent + v
        log_end = self._weight * np.log(end)
        log_x, log_one = self._row_x @ log_end, log_end.sum()
        value -= p * log_x + q * log_one
        share = self._weight / end
        v_1 = self._n * q / v - p * (self._row_x @ share) - q * share.sum()
        p_1 += self._factor - log_x
        q_1 += self._n * theta[2] - log_one
        return float(value), np.array([p * p_1, beyond * q_1, v * v_1])

    def symbolic(self, theta: Any) -> Any:
        """The same log-likelihood as a PyTensor expression of θ, straight from the formula."""
        import pytensor.tensor as pt

        p, q, v = pt.exp(theta[0]), 1 + pt.exp(theta[1]), pt.exp(theta[2])
        each = log_likelihood(p, q, v, self._row_x, self._z, pt.log, pt.gammaln)
        return pt.sum(self._weight * each)


class GammaGammaModel(DrawnModel):
    def __init__(
        self,
        *,
        inference: Literal["nuts", "laplace", "map"] = "nuts",
        priors: Mapping[str, tuple[float, float]] | None = None,
        draws: int = 1000,
        tune: int = 1000,
        chains: int = 4,
        random_state: int = 0,
    ) -> None:
        self.inference = inference
        self.priors = priors
        self.draws = draws
        self.tune = tune
        self.chains = chains
        self.random_state = random_state

    @classmethod
    def from_params(cls, *, p: float, q: float, v: float) -> Self:
        model = cls()
        model._keep(
            {name: np.array([value], dtype=np.float64) for name, value in zip("pqv", (p, q, v))}, None
        )
        return model

    def fit(
        self, rfm: pd.DataFrame, *, inference: str | None = None, random_state: int | None = None
    ) -> Self:
        customers = read_customers(rfm, purchases=False, spend=True)
        posterior, scale = self._posterior(customers)
        drawn, found = infer(
            posterior,
            inference or self.inference,
            draws=self.draws,
            tune=self.tune,
            chains=self.chains,
            random_state=self.random_state if random_state is None else random_state,
        )
        p, beyond, v = np.exp(drawn.T)
        self._keep({"p": p, "q": 1 + beyond, "v": scale * v}, found)
        return self

    def _posterior(self, customers: Customers) -> tuple[Posterior, float]:
        again = customers.frequency > 0
        if not again.any():
            raise TooFewCustomersError(
                f"none of the {len(again)} customers has bought twice, so the spend model cannot be fitted. "
                "Take a longer history, or value orders by their mean (CustomerValueModel does)."
            )
        x, z = customers.frequency[again], customers.monetary_value[again]
        scale = float(np.median(z))
        priors = {**PRIORS, **(self.priors or {})}
        median, spread = np.array([priors[name] for name in PRIORS], dtype=np.float64).T
        likelihood = SpendLikelihood(x, rounded(z / scale))
        return Posterior(likelihood, ("log p", "log(q - 1)", "log v"), np.log(median), spread, len(x)), scale

    def log_likelihood(self, rfm: pd.DataFrame) -> pd.Series:
        p = self.params_
        customers = read_customers(rfm, purchases=False, spend=True)
        x, z = customers.frequency, customers.monetary_value
        again = x > 0
        known = log_likelihood(p["p"], p["q"], p["v"], np.where(again, x, 1), np.where(again, z, 1))
        return customers.series(np.where(again, known, 0.0), "log_likelihood")

    def expected_spend(self, rfm: pd.DataFrame, *, n_draws: int = 100) -> pd.Series:
        customers = read_customers(rfm, purchases=False, spend=True)
        draws = self._thinned(n_draws)
        mean = np.zeros(len(customers))
        for p, q, v in zip(draws["p"], draws["q"], draws["v"], strict=True):
            mean += expected_spend(p, q, v, customers.frequency, customers.monetary_value)
        return customers.series(mean / len(draws["p"]), "expected_spend")
