"""Log-likelihoods whose sum and gradient are compiled: `CompiledLikelihood`."""

from typing import Any, ClassVar

import numpy as np

from patron.arrays import Floats

__all__ = ["CompiledLikelihood"]


class CompiledLikelihood:
    """The log-likelihood of compressed data, summed by a kernel of :mod:`patron.models.inference.kernels`.

    A subclass names its kernel, and packs the data that the kernel takes into `_data`.
    """

    kernel: ClassVar[str]
    _data: Floats

    def value_and_gradient(self, theta: Floats) -> tuple[float, Floats]:
        """The log-likelihood at θ, and its slope in each coordinate.

        Parameters
        ----------
        theta
            (d,) the coordinates

        Returns
        -------
        value
            the log-likelihood; NaN where a parameter overflows
        gradient
            (d,) its slope
        """
        gradient = np.empty(len(theta))
        return self._compiled(self.kernel)(theta, self._data, gradient), gradient

    def compiled(self) -> tuple[Any, Floats]:
        """The compiled function for a sampler that does not call Python, and the data that it takes."""
        return self._compiled(f"{self.kernel}_density"), self._data

    @staticmethod
    def _compiled(name: str) -> Any:
        from patron.models.inference import kernels  # loads the compiler

        return getattr(kernels, name)
