"""Settings by name, as scikit-learn expects of estimators, without loading scikit-learn: `Estimator`.

It is all that scikit-learn's `clone`, searches and cross-validation need besides `fit` and `predict`.
"""

import inspect
from typing import Any, Self

import numpy as np

from patron.errors import SettingsError, some

__all__ = ["Estimator"]


class Estimator:
    """An object whose constructor takes settings and stores each, unchanged, under its own name.

    Examples
    --------
    >>> class Rule(Estimator):
    ...     def __init__(self, *, threshold: float = 0.5) -> None:
    ...         self.threshold = threshold
    >>> Rule(threshold=0.5), Rule().set_params(threshold=0.3)
    (Rule(), Rule(threshold=0.3))
    """

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """The settings by name. `deep` asks for nested settings, of which there are none.

        Parameters
        ----------
        deep
            for scikit-learn; there are no nested settings
        """
        return {name: getattr(self, name) for name in inspect.signature(type(self)).parameters}

    def plain_settings(self) -> dict[str, Any]:
        """The settings by name, NumPy's scalars as Python's, so that JSON can hold them."""
        return {
            name: value.item() if isinstance(value, np.generic) else value
            for name, value in self.get_params().items()
        }

    def set_params(self, **settings: Any) -> Self:
        """The estimator with these settings changed; an unknown name is a SettingsError.

        Parameters
        ----------
        **settings
            name → value
        """
        known = self.get_params()
        for name, value in settings.items():
            if name not in known:
                raise SettingsError(
                    f"{type(self).__name__} has no setting {name!r}; it has {some(known, 20)}."
                )
            setattr(self, name, value)
        return self

    def __repr__(self) -> str:
        defaults = inspect.signature(type(self)).parameters
        changed = {
            name: value for name, value in self.get_params().items() if value != defaults[name].default
        }
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in changed.items())})"
