"""A model of arrays and plain values, kept in one file without pickle: `Stored`."""

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt

from patron.errors import ModelError

__all__ = ["Stored", "with_prefix"]


class Stored(ABC):
    """A model that can be split into arrays of numbers and JSON values; `save` and `load` follow from that.

    Examples
    --------
    >>> import tempfile
    >>> from patron.models.value.gamma_gamma import GammaGammaModel
    >>> file = Path(tempfile.mkdtemp()) / "spend.npz"
    >>> GammaGammaModel.from_params(p=6.25, q=3.74, v=15.44).save(file)
    >>> GammaGammaModel.load(file).params_
    {'p': 6.25, 'q': 3.74, 'v': 15.44}
    """

    @abstractmethod
    def to_arrays(self) -> tuple[dict[str, npt.NDArray[Any]], dict[str, Any]]:
        """Arrays by name, and everything else as JSON values, the name of the class as `model`."""

    @classmethod
    @abstractmethod
    def from_arrays(cls, arrays: Mapping[str, npt.NDArray[Any]], meta: Mapping[str, Any]) -> Self:
        """The model that `to_arrays` took apart.

        Parameters
        ----------
        arrays
            name → array, as `to_arrays` returned them
        meta
            plain values, as `to_arrays` returned them
        """

    def save(self, path: str | Path) -> None:
        """Writes the model to an .npz file of less than a megabyte, atomically and without pickle.

        Parameters
        ----------
        path
            of the .npz file

        Raises
        ------
        NotFittedError
            fit comes first
        ModelError
            the file cannot be written
        """
        arrays, meta = self.to_arrays()
        unfinished = Path(f"{path}.unfinished")
        try:
            try:
                with unfinished.open("wb") as file:
                    np.savez_compressed(file, allow_pickle=False, meta=np.array(json.dumps(meta)), **arrays)
                unfinished.replace(path)
            finally:
                unfinished.unlink(missing_ok=True)
        except OSError as error:
            raise ModelError(f"Cannot save the model to {str(path)!r}: {error.strerror}.") from error

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """The model that `save` wrote.

        Parameters
        ----------
        path
            of a file that `save` wrote

        Raises
        ------
        ModelError
            there is no such file, or it holds no such model
        """
        try:
            with np.load(path, allow_pickle=False) as stored:
                arrays = dict(stored)
            return cls.from_arrays(arrays, json.loads(str(arrays.pop("meta"))))
        except (OSError, ValueError, KeyError, TypeError, EOFError, BadZipFile, ModelError) as error:
            raise ModelError(
                f"{path} cannot be read as a {cls.__name__} ({type(error).__name__}: {error}). "
                f"Give a file that {cls.__name__}.save wrote."
            ) from error


def with_prefix(prefix: str, arrays: Mapping[str, npt.NDArray[Any]]) -> dict[str, npt.NDArray[Any]]:
    """The arrays whose names begin with `prefix`, under what is left of their names.

    Parameters
    ----------
    prefix
        beginning of the names
    arrays
        name → array

    Examples
    --------
    >>> with_prefix("spend/", {"spend/p": np.ones(2), "purchases/r": np.ones(2)})
    {'p': array([1., 1.])}
    """
    return {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}
