"""How often and how long customers buy: `BetaGeoModel`, BG/NBD and MBG/NBD in one.

A customer buys at a rate λ of its own until, after some purchase, it drops out with a chance p of its own; over
customers λ ~ Gamma(r, α) and p ~ Beta(a, b). MBG/NBD lets a customer drop out after the very first purchase too.
The field's letters are put into words in `patron.models.purchases.expectation`.
"""

from collections.abc import Callable, Mapping
from typing import Any, Literal, Self

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import expit

from patron.models.compression import count_distinct, rounded
from patron.models.customers import Customers, read_customers
from patron.models.draws import DrawnModel
from patron.models.posterior import Posterior, infer
from patron.models.purchases import expectation
from patron.models.purchases.likelihood import PurchaseLikelihood, log_likelihood
from patron.models.purchases.simulate import simulate_purchases
from patron.money import continuous_rate

__all__ = ["BetaGeoModel"]

type Floats = npt.NDArray[np.float64]
type Formula = Callable[..., Floats]

PRIORS: Mapping[str, tuple[float, float]] = {
    "r": (0.5, 2.0),
    "alpha": (0.3, 2.0),
    "phi": (0.25, 2.0),
    "kappa": (3.0, 2.0),
}
"""Median, and standard deviation on the scale of the logarithm (of the log-odds for φ). α in median ages."""

FEW_CUSTOMERS = 50
_NUMBERS_AT_A_TIME = 1_000_000


class BetaGeoModel(DrawnModel):
    def __init__(
        self,
        *,
        family: Literal["bgnbd", "mbgnbd"] = "bgnbd",
        inference: Literal["nuts", "laplace", "map"] = "nuts",
        time_unit: str = "D",
        priors: Mapping[str, tuple[float, float]] | None = None,
        draws: int = 1000,
        tune: int = 1000,
        chains: int = 4,
        random_state: int = 0,
    ) -> None:
        self.family = family
        self.inference = inference
        self.time_unit = time_unit
        self.priors = priors
        self.draws = draws
        self.tune = tune
        self.chains = chains
        self.random_state = random_state

    @classmethod
    def from_params(
        cls,
        *,
        r: float,
        alpha: float,
        a: float,
        b: float,
        family: Literal["bgnbd", "mbgnbd"] = "bgnbd",
        time_unit: str = "D",
    ) -> Self:
        model = cls(family=family, time_unit=time_unit)
        given = {"r": r, "alpha": alpha, "a": a, "b": b}
        model._keep({name: np.array([value], dtype=np.float64) for name, value in given.items()}, None)
        return model

    def fit(
        self, rfm: pd.DataFrame, *, inference: str | None = None, random_state: int | None = None
    ) -> Self:
        customers = read_customers(rfm)
        posterior, scale = self._posterior(customers)
        drawn, found = infer(
            posterior,
            inference or self.inference,
            draws=self.draws,
            tune=self.tune,
            chains=self.chains,
            random_state=self.random_state if random_state is None else random_state,
        )
        r, alpha, kappa = np.exp(drawn[:, 0]), scale * np.exp(drawn[:, 1]), np.exp(drawn[:, 3])
        phi = expit(drawn[:, 2])
        self._keep({"r": r, "alpha": alpha, "a": kappa * phi, "b": kappa * (1 - phi)}, found)
        return self

    def _posterior(self, customers: Customers) -> tuple[Posterior, float]:
        scale = float(np.median(customers.T)) or 1.0
        likelihood = PurchaseLikelihood(
            customers.frequency, rounded(customers.recency / scale), rounded(customers.T / scale), self.family
        )
        priors = {**PRIORS, **(self.priors or {})}
        median, spread = np.array([priors[name] for name in PRIORS], dtype=np.float64).T
        centre = np.log(median)
        centre[2] -= np.log1p(-median[2])
        return Posterior(
            likelihood, ("log r", "log α", "logit φ", "log κ"), centre, spread, len(customers)
        ), scale

    def log_likelihood(self, rfm: pd.DataFrame) -> pd.Series:
        p = self.params_
        customers = read_customers(rfm)
        history = customers.frequency, customers.recency, customers.T
        return customers.series(
            log_likelihood(p["r"], p["alpha"], p["a"], p["b"], *history, self.family), "log_likelihood"
        )

    def probability_alive(self, rfm: pd.DataFrame, *, n_draws: int = 100) -> pd.Series:
        return self._mean(rfm, expectation.probability_alive, "probability_alive", n_draws)

    def probability_no_purchase(self, rfm: pd.DataFrame, horizon: float, *, n_draws: int = 100) -> pd.Series:
        return self._mean(
            rfm, expectation.probability_no_purchase, "probability_no_purchase", n_draws, t=horizon
        )

    def expected_purchases(
        self, rfm: pd.DataFrame, horizon: float, start: float = 0.0, *, n_draws: int = 100
    ) -> pd.Series:
        return self._mean(
            rfm, expectation.expected_purchases, "expected_purchases", n_draws, t=horizon, start=start
        )

    def discounted_expected_purchases(
        self,
        rfm: pd.DataFrame,
        annual_discount_rate: float,
        horizon: float | None = None,
        *,
        n_draws: int = 100,
    ) -> pd.Series:
        rate = continuous_rate(annual_discount_rate, self.time_unit)
        formula = expectation.discounted_expected_purchases
        return self._mean(rfm, formula, "discounted_expected_purchases", n_draws, t=horizon, rate=rate)

    def probability_of_purchases(
        self, rfm: pd.DataFrame, horizon: float, n: int, *, n_draws: int = 100
    ) -> pd.Series:
        formula = expectation.probability_of_purchases
        return self._mean(rfm, formula, f"probability_of_{n}_purchases", n_draws, t=horizon, n=n)

    def simulate(
        self, rfm: pd.DataFrame, horizon: float, n_draws: int = 100, random_state: int = 0
    ) -> pd.DataFrame:
        customers = read_customers(rfm)
        rng = np.random.default_rng(random_state)
        draws = self._fitted()
        chosen = np.linspace(0, len(draws["r"]) - 1, n_draws).round().astype(np.intp)
        p = {name: values[chosen][:, None] for name, values in draws.items()}
        bought = simulate_purchases(
            rng, p["r"], p["alpha"], p["a"], p["b"], customers.frequency, customers.recency, customers.T,
            horizon, self.family,
        )  # fmt: skip
        return pd.DataFrame(bought.T, index=customers.ids)

    def _mean(
        self, rfm: pd.DataFrame, formula: Formula, name: str, n_draws: int, **options: Any
    ) -> pd.Series:
        customers = read_customers(rfm)
        history = [customers.frequency, customers.recency, customers.T]
        (x, t_x, T), _, which = count_distinct(history, np.ones(len(customers)))
        p = {key: values[:, None] for key, values in self._thinned(n_draws).items()}
        step = max(_NUMBERS_AT_A_TIME // len(p["r"]), 1)
        parts = [
            formula(
                p["r"], p["alpha"], p["a"], p["b"], x[i : i + step], t_x[i : i + step], T[i : i + step],
                family=self.family, **options,
            ).mean(axis=0)
            for i in range(0, len(x), step)
        ]  # fmt: skip
        return customers.series(np.concatenate(parts)[which], name)
