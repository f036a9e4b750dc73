"""One random number generator per table and trait of a simulation."""

import numpy as np

from patron.checks import whole_number

__all__ = ["stream"]


def stream(seed: int, name: str) -> np.random.Generator:
    """The random generator of one table or trait: a table that is added later changes no draw of the others.

    Parameters
    ----------
    seed
        ≥ 0, of the whole simulation
    name
        of the table or trait

    Raises
    ------
    RangeError
        the seed is negative or not a whole number

    Examples
    --------
    >>> bool(stream(0, "orders").random() == stream(0, "orders").random())
    True
    >>> bool(stream(0, "orders").random() == stream(0, "engagement").random())
    False
    """
    return np.random.default_rng([whole_number("seed", seed, 0), *name.encode()])
