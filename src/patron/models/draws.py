"""A model that is known by draws of its parameters: `DrawnModel`, stored without pickle and without customers."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from patron.errors import ModelError, NotFittedError
from patron.models.estimator import Estimator
from patron.models.posterior import Diagnostics

__all__ = ["DrawnModel"]

type Floats = npt.NDArray[np.float64]

_MOST_NUMBERS = 100_000  # kept in draws, so that a stored model stays below a megabyte


class DrawnModel(Estimator):
    """An estimator whose `fit` leaves draws of its parameters behind, and nothing of its customers.

    Attributes
    ----------
    draws_ : parameter → (n_draws,) in the user's units; one draw for "map" and for known parameters
    params_ : parameter → its mean over the draws: the posterior mean, or the mode for "map"
    diagnostics_ : whether to trust the fit; None for known parameters
    """

    draws_: dict[str, Floats]
    diagnostics_: Diagnostics | None

    @property
    def params_(self) -> dict[str, float]:
        """Parameter → posterior mean (the mode for "map")."""
        return {name: float(values.mean()) for name, values in self._fitted().items()}

    def to_arrays(self) -> tuple[dict[str, Floats], dict[str, Any]]:
        """The draws as arrays, and everything else as JSON has it."""
        draws = dict(self._fitted())
        found = None if self.diagnostics_ is None else self.diagnostics_.to_dict()
        return draws, {"settings": self._stored_settings(), "diagnostics": found} | self._learned()

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, npt.ArrayLike], meta: Mapping[str, Any]) -> Self:
        """The model that `to_arrays` took apart; it predicts the same to the last bit."""
        model = cls(**meta["settings"])
        found = None if meta["diagnostics"] is None else Diagnostics.from_dict(meta["diagnostics"])
        model._keep({name: np.asarray(values, dtype=np.float64) for name, values in arrays.items()}, found)
        model._relearn(meta)
        return model

    def save(self, path: str | Path) -> None:
        """Writes the model to an .npz file of less than a megabyte, without pickle.

        Raises
        ------
        NotFittedError : fit comes first
        """
        arrays, meta = self.to_arrays()
        with Path(path).open("wb") as file:
            np.savez_compressed(file, allow_pickle=False, meta=np.array(json.dumps(meta)), **arrays)

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """The model that `save` wrote.

        Raises
        ------
        ModelError : the file is missing or no such model
        """
        try:
            with np.load(path, allow_pickle=False) as stored:
                arrays = dict(stored)
            return cls.from_arrays(arrays, json.loads(str(arrays.pop("meta"))))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ModelError(f"{path} cannot be read as a {cls.__name__}: {error}. Save it again.") from error

    def _keep(self, draws: Mapping[str, Floats], found: Diagnostics | None) -> None:
        """Remembers the draws, thinned evenly if they would not fit into a megabyte."""
        n_draws = len(next(iter(draws.values())))
        step = -(-n_draws * len(draws) // _MOST_NUMBERS)
        self.draws_ = {name: np.ascontiguousarray(values[::step]) for name, values in draws.items()}
        self.diagnostics_ = found

    def _fitted(self) -> dict[str, Floats]:
        if not hasattr(self, "draws_"):
            name = type(self).__name__
            raise NotFittedError(
                f"this {name} is not fitted yet. Call fit(rfm), or {name}.from_params for known parameters."
            )
        return self.draws_

    def _thinned(self, n_draws: int | None) -> dict[str, Floats]:
        """At most `n_draws` draws, evenly spaced over all."""
        draws = self._fitted()
        have = len(next(iter(draws.values())))
        chosen = np.linspace(0, have - 1, min(n_draws or have, have)).round().astype(np.intp)
        return {name: values[chosen] for name, values in draws.items()}

    def _stored_settings(self) -> dict[str, Any]:
        return self.get_params()

    def _learned(self) -> dict[str, Any]:
        """What fit learned besides the draws, as JSON has it."""
        return {}

    def _relearn(self, meta: Mapping[str, Any]) -> None:
        """Takes back what `_learned` gave."""
