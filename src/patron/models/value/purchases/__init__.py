"""How often and how long customers buy: BG/NBD and MBG/NBD, one model with a parameter.

::

    likelihood.py    what the data say about the parameters: the formula, compressed, with its gradient
    model.py         BetaGeoModel: fit, predict, save
    rate.py          the expected purchase rate of a customer who is alive, and its integral
    expectation.py   probabilities and expected purchases of one customer, as formulas of arrays
    by_age.py        the same of a million customers, at few ages and interpolated between them
    simulate.py      what a customer may do, drawn at random

The field's symbols r, α, a, b, x, t_x, T are explained at the top of each file that uses them.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from patron.models.value.purchases.model import BetaGeoModel

__all__ = ["BetaGeoModel"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from patron.models.value.purchases import model

    return getattr(model, name)
