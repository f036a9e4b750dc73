"""The array types that signatures name. NumPy only; any module may use it.

::

    Floats    float64: money, probabilities, days
    Integers  int64: counts, codes
    Index     intp: positions of rows
    Flags     bool
    Matrix    float32: what trees are grown on
    Texts     object: strings or None
    Real      a real number, or whatever array of them NumPy takes: the arguments of formulas
"""

import numpy as np
import numpy.typing as npt

__all__ = ["Flags", "Floats", "Index", "Integers", "Matrix", "Real", "Texts"]

type Floats = npt.NDArray[np.float64]
type Integers = npt.NDArray[np.int64]
type Index = npt.NDArray[np.intp]
type Flags = npt.NDArray[np.bool_]
type Matrix = npt.NDArray[np.float32]
type Texts = npt.NDArray[np.object_]
type Real = npt.ArrayLike
