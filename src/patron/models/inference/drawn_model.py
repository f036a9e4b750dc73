"""Estimators that are stored as draws of their parameters: `DrawnModel`."""

import warnings
from abc import abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from patron.arrays import Floats
from patron.checks import whole_number
from patron.errors import ModelError, NotFittedError, PatronWarning, RangeError, SettingsError
from patron.models.inference.covariates import Covariates
from patron.models.inference.diagnostics import Diagnostics
from patron.models.inference.estimator import Estimator
from patron.models.inference.posterior import Posterior
from patron.models.inference.priors import Priors
from patron.models.inference.stored import Stored

__all__ = ["DrawnModel"]

_MOST_NUMBERS = 60_000  # kept in draws, so that two models stored as one stay below a megabyte


@dataclass(kw_only=True, eq=False, repr=False)
class DrawnModel(Estimator, Stored):
    """An estimator that keeps posterior draws of its parameters, and no customers.

    Parameters
    ----------
    covariates
        columns of the customers, numbers or categories, that move the parameters
    priors
        parameter → (median, spread), in place of the model's own
    inference
        "nuts", "laplace" or "map"
    draws, tune, chains
        draws of each chain, draws before they count, number of chains (nuts); laplace takes
        draws · chains
    random_state
        seed; the same customers and seed give the same draws to the last bit

    Attributes
    ----------
    draws_
        parameter → (n_draws,) in the user's units; one draw for "map" and for known parameters
    params_
        parameter → its mean over the draws: the posterior mean, or the mode for "map"
    diagnostics_
        whether to trust the fit; None for known parameters
    covariates_
        how covariates become numbers; None without covariates
    """

    covariates: Sequence[str] = ()
    priors: Priors | None = None
    inference: Literal["nuts", "laplace", "map"] = "nuts"
    draws: int = 1000
    tune: int = 1000
    chains: int = 4
    random_state: int = 0
    draws_: dict[str, Floats] = field(init=False)
    diagnostics_: Diagnostics | None = field(init=False)
    covariates_: Covariates | None = field(init=False)

    @property
    def params_(self) -> dict[str, float]:
        """Parameter → posterior mean (the mode for "map")."""
        return {name: float(values.mean()) for name, values in self._fitted().items()}

    @property
    def known_draws(self) -> dict[str, Floats]:
        """Parameter → its draws.

        Raises
        ------
        NotFittedError
            fit comes first
        """
        return self._fitted()

    def to_arrays(self) -> tuple[dict[str, Floats], dict[str, Any]]:
        """The draws as arrays, and everything else as JSON has it; no customers."""
        draws = dict(self._fitted())
        settings = self.plain_settings() | {"covariates": list(self.covariates)}
        if self.priors is not None:
            settings["priors"] = {name: [float(x) for x in prior] for name, prior in self.priors.items()}
        return draws, {
            "model": type(self).__name__,
            "settings": settings,
            "diagnostics": None if self.diagnostics_ is None else self.diagnostics_.to_dict(),
            "covariates": None if self.covariates_ is None else self.covariates_.to_dict(),
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, npt.ArrayLike], meta: Mapping[str, Any]) -> Self:
        """The model that `to_arrays` took apart; it predicts the same to the last bit.

        Parameters
        ----------
        arrays, meta
            as in :meth:`patron.models.inference.stored.Stored.from_arrays`

        Raises
        ------
        ModelError
            the parts are those of another model
        """
        if meta["model"] != cls.__name__:
            raise ModelError(f"these are the parts of a {meta['model']}, not of a {cls.__name__}.")
        model = cls(**{**meta["settings"], "covariates": tuple(meta["settings"]["covariates"])})
        found, covariates = meta["diagnostics"], meta["covariates"]
        model._keep(
            {name: np.asarray(values, dtype=np.float64) for name, values in arrays.items()},
            None if found is None else Diagnostics.from_dict(found),
            None if covariates is None else Covariates.from_dict(covariates),
        )
        return model

    def covariate_matrix(self, rfm: pd.DataFrame) -> Floats:
        """The covariates of customers as numbers around zero.

        Parameters
        ----------
        rfm
            one row per customer, with the covariates

        Returns
        -------
        Floats
            (n_customers, k); k is 0 without covariates

        Raises
        ------
        NotFittedError
            fit comes first
        TableError
            rfm lacks a covariate
        """
        self._fitted()
        return np.zeros((len(rfm), 0)) if self.covariates_ is None else self.covariates_.matrix(rfm)

    def pymc_model(self, customers: pd.DataFrame) -> Any:
        """The model of these customers in PyMC, to read, extend or sample otherwise; `fit` does not need it.

        Parameters
        ----------
        customers
            as for `fit`

        Returns
        -------
        pymc.Model
            over `theta`, the coordinates of the posterior, whose names tell what they are
        """
        return self._posterior_of(customers).pymc_model()

    @abstractmethod
    def _posterior_of(self, customers: pd.DataFrame) -> Posterior:
        """The posterior of the parameters."""

    def _learn_covariates(self, rfm: pd.DataFrame) -> tuple[Covariates | None, Floats | None]:
        """The covariates named in the settings, and their matrix (n_customers, k)."""
        if not self.covariates:
            return None, None
        if isinstance(self.covariates, str):
            raise SettingsError(
                f"covariates must be a list of columns, got {self.covariates!r}. Write [{self.covariates!r}]."
            )
        learned = Covariates.learn(rfm, list(self.covariates))
        return learned, learned.matrix(rfm)

    def _infer(
        self,
        posterior: Posterior,
        inference: str | None,
        random_state: int | None,
        data_warnings: Iterable[str],
    ) -> tuple[Floats, Diagnostics]:
        """Draws of the coordinates, and their diagnostics; each reason to doubt them becomes a warning."""
        from patron.models.inference.sampling import infer  # predicting needs no sampler

        drawn, found = infer(
            posterior,
            self.inference if inference is None else inference,
            draws=self.draws,
            tune=self.tune,
            chains=self.chains,
            random_state=self.random_state if random_state is None else random_state,
        )
        for warning in (*data_warnings, *found.warnings()):
            warnings.warn(f"{type(self).__name__}: {warning}", PatronWarning, stacklevel=3)
        return drawn, found

    def _keep(
        self, draws: Mapping[str, Floats], found: Diagnostics | None, covariates: Covariates | None
    ) -> None:
        """Remembers the draws, thinned evenly if they would not fit into half a megabyte."""
        n_draws = len(next(iter(draws.values())))
        step = -(-n_draws * len(draws) // _MOST_NUMBERS)
        self.draws_ = {name: np.ascontiguousarray(values[::step]) for name, values in draws.items()}
        self.diagnostics_ = found
        self.covariates_ = covariates

    def _keep_known(self, **parameters: float) -> None:
        """Remembers known parameters as the only draw."""
        wrong = [f"{name} = {value!r}" for name, value in parameters.items() if not 0 < value < np.inf]
        if wrong:
            raise RangeError(f"parameters must be positive and finite, got {', '.join(wrong)}.")
        draws = {name: np.array([value], dtype=np.float64) for name, value in parameters.items()}
        self._keep(draws, None, None)

    def _fitted(self) -> dict[str, Floats]:
        if not hasattr(self, "draws_"):
            name = type(self).__name__
            raise NotFittedError(
                f"this {name} is not fitted yet. Call fit(rfm), or {name}.from_params for known parameters."
            )
        return self.draws_

    def _spaced(self, n_draws: int) -> dict[str, Floats]:
        """`n_draws` draws, evenly spaced over all, repeated if there are fewer: parameter → (n_draws, 1)."""
        n_draws = whole_number("n_draws", n_draws, 1)
        draws = self._fitted()
        have = len(next(iter(draws.values())))
        chosen = np.arange(n_draws) * have // n_draws
        return {name: values[chosen, None] for name, values in draws.items()}
