"""Groups of customers with equal covariates, and the parameter draws that each group shares.

Without covariates all customers are one group. A category makes a group per level; a numeric covariate tends
to make one per customer, which is exact but slow.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from patron.arrays import Floats, Index
from patron.models.inference.compression import distinct_rows

if TYPE_CHECKING:
    from patron.models.value.gamma_gamma import GammaGammaModel
    from patron.models.value.purchases.model import BetaGeoModel

__all__ = ["ParameterDraws", "parameter_groups", "shared_parameters", "thinned"]


@dataclass(frozen=True, slots=True)
class ParameterDraws:
    """Posterior draws of both models for customers who share them.

    Attributes
    ----------
    purchases
        r, alpha, a, b, each (n,)
    spend
        p, q, v, each (m,)
    family
        "bgnbd" or "mbgnbd"
    """

    purchases: Mapping[str, Floats]
    spend: Mapping[str, Floats]
    family: str


def parameter_groups(
    purchases: "BetaGeoModel", spend: "GammaGammaModel", rfm: pd.DataFrame
) -> list[tuple[Index, ParameterDraws]]:
    """The rows of each group of customers with equal covariates, and the parameter draws of the group.

    Parameters
    ----------
    purchases, spend
        fitted models
    rfm
        one row per customer, with the covariates of both models

    Returns
    -------
    list[tuple[Index, ParameterDraws]]
        (rows, draws) per group: rows (n,) positions in `rfm`, each position in one group

    Raises
    ------
    TableError
        a covariate is missing
    NotFittedError
        a model is not fitted

    Examples
    --------
    >>> from patron.models.value.gamma_gamma import GammaGammaModel
    >>> from patron.models.value.purchases.model import BetaGeoModel
    >>> model = BetaGeoModel.from_params(r=0.24, alpha=30.9, a=0.79, b=2.43)
    >>> spend = GammaGammaModel.from_params(p=6.25, q=3.74, v=15.44)
    >>> ((rows, draws),) = parameter_groups(model, spend, pd.DataFrame({"customer_id": ["a", "b"]}))
    >>> rows, draws.purchases["alpha"], draws.family
    (array([0, 1]), array([30.9]), 'bgnbd')
    """
    bought = {name: values[:, None] for name, values in purchases.to_arrays()[0].items()}
    spent = {name: values[:, None] for name, values in spend.to_arrays()[0].items()}
    of_purchases, of_spend = purchases.covariate_matrix(rfm), spend.covariate_matrix(rfm)
    distinct, which = distinct_rows(np.hstack([of_purchases, of_spend]))
    groups = []
    for number, covariates in enumerate(distinct[:, None]):
        r, alpha, a, b = purchases.parameters_of(bought, covariates[:, : of_purchases.shape[1]])
        v = spend.scale_of(spent, covariates[:, of_purchases.shape[1] :])
        draws = ParameterDraws(
            {"r": r[:, 0], "alpha": alpha[:, 0], "a": a[:, 0], "b": b[:, 0]},
            {"p": spent["p"][:, 0], "q": spent["q"][:, 0], "v": v[:, 0]},
            purchases.family,
        )
        groups.append((np.flatnonzero(which == number), draws))
    return groups


def shared_parameters(purchases: "BetaGeoModel", spend: "GammaGammaModel") -> ParameterDraws | None:
    """The parameter draws that all customers share; None if a model has covariates.

    Parameters
    ----------
    purchases, spend
        fitted models

    Examples
    --------
    >>> from patron.models.value.gamma_gamma import GammaGammaModel
    >>> from patron.models.value.purchases.model import BetaGeoModel
    >>> model = BetaGeoModel.from_params(r=0.24, alpha=30.9, a=0.79, b=2.43)
    >>> shared_parameters(model, GammaGammaModel.from_params(p=6.25, q=3.74, v=15.44)).purchases["alpha"]
    array([30.9])
    """
    draws = ParameterDraws(purchases.known_draws, spend.known_draws, purchases.family)
    return draws if purchases.covariates_ is None and spend.covariates_ is None else None


def thinned(draws: Mapping[str, Floats], n_draws: int) -> dict[str, Floats]:
    """At most `n_draws` of the draws, evenly spaced.

    Parameters
    ----------
    draws
        parameter → (n,) posterior draws
    n_draws
        maximum number of draws, ≥ 1

    Returns
    -------
    dict[str, Floats]
        parameter → (min(n, n_draws),)

    Examples
    --------
    >>> thinned({"r": np.arange(10.0)}, 5)
    {'r': array([0., 2., 4., 6., 8.])}
    """
    size = next(iter(draws.values())).size
    chosen = np.arange(min(n_draws, size)) * size // min(n_draws, size)
    return {name: np.ascontiguousarray(values, dtype=np.float64)[chosen] for name, values in draws.items()}
