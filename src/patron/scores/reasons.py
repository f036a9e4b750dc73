"""Reasons of a churn risk: the three strongest feature families of each customer, as text.

The classifier's log-odds are a sum with one contribution per feature. Related features (orders in 7, 30, 90
days) would fill all three places, so contributions are summed by family; each family is represented by its
strongest feature of the same direction, with the customer's own figures::

    last order 63 days ago, usually every 21 days (raises risk)
    5 email opens so far, the last 80 days ago (raises risk, can be acted on)

Families that marketing can influence (contacts, responses, contract terms) are marked if they raise the risk.

References
----------
The contributions are Shapley values of the trees: Lundberg et al. (2020), Nature Machine Intelligence 2,
56-67.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from patron.arrays import Floats
from patron.features.catalogue import FeatureCatalogue
from patron.models.churn.classifier import ChurnClassifier
from patron.models.ensemble.tree_columns import BTYD_SPECS, spec_of

__all__ = ["REASON_COLUMNS", "explain_risk"]


REASON_COLUMNS = ("reason_1", "reason_2", "reason_3")

CHUNK_ROWS = 50_000
"""Customers explained at a time: a part for each feature of each customer is held in memory."""

NOTICEABLE = 1e-6
"""Log-odds; a family that moves the risk by less is no reason."""


CAN_BE_ACTED_ON = frozenset({"engagement", "refunds", "subscription"})
"""Families that something can be done about."""


def explain_risk(
    features: pd.DataFrame,
    churn: ChurnClassifier,
    catalogue: FeatureCatalogue,
    rows: Callable[[slice], pd.DataFrame] | None = None,
) -> npt.NDArray[np.object_]:
    """Up to three reasons for each customer's risk, strongest first.

    Parameters
    ----------
    features
        one row per customer: at least the features of the catalogue, and the expectations of the value
        model if the classifier was fitted on them
    churn
        classifier that was fitted on features of this catalogue
    catalogue
        the family and the text template of each feature
    rows
        from positions to the input of the classifier for these customers, including percentiles; None if
        its input is `features`

    Returns
    -------
    npt.NDArray[np.object_]
        (n_customers, 3) text, None if fewer families change the risk

    Examples
    --------
    >>> from patron.features.catalogue import FeatureSpec
    >>> last = FeatureSpec("days_since_last", "recency", "day", "number", "last order {value:day} ago")
    >>> seen = pd.DataFrame({"days_since_last": np.arange(400.0)})
    >>> churn = ChurnClassifier().fit(seen, np.arange(400) > 200)
    >>> explain_risk(seen.iloc[[3, 390]], churn, FeatureCatalogue((last,)))[:, 0].tolist()
    ['last order 3 days ago (lowers risk)', 'last order 390 days ago (raises risk)']
    """
    texts = np.full((len(features), len(REASON_COLUMNS)), None, dtype=object)
    for start in range(0, len(features), CHUNK_ROWS):
        chunk = slice(start, start + CHUNK_ROWS)
        figures = features.iloc[chunk]
        parts = churn.contributions(figures if rows is None else rows(chunk))
        _explain(figures, parts, catalogue, texts[chunk])
    return texts


def _explain(
    features: pd.DataFrame, parts: pd.DataFrame, catalogue: FeatureCatalogue, texts: npt.NDArray[np.object_]
) -> None:
    """Fill in the reasons of one chunk."""
    moved, teller = _by_family(parts, catalogue)
    strongest = np.argsort(-np.abs(moved), axis=1, kind="stable")[:, : len(REASON_COLUMNS)]
    specs = [spec_of(name, catalogue) for name in parts.columns]
    for row, figures in enumerate(_rows(features, catalogue)):
        for place, family in enumerate(strongest[row]):
            log_odds = moved[row, family]
            if abs(log_odds) > NOTICEABLE:
                spec = specs[teller[row, family]]
                texts[row, place] = f"{spec.describe(figures)} ({_direction(log_odds, spec.topic)})"


def _direction(log_odds: float, family: str) -> str:
    if log_odds < 0:
        return "lowers risk"
    return "raises risk, can be acted on" if family in CAN_BE_ACTED_ON else "raises risk"


def _by_family(parts: pd.DataFrame, catalogue: FeatureCatalogue) -> tuple[Floats, npt.NDArray[np.intp]]:
    """The contribution of each family to each customer's log-odds, and its strongest feature."""
    log_odds = parts.to_numpy(dtype=float)
    family_of = [spec_of(name, catalogue).topic for name in parts.columns]
    moved, teller = [], []
    for family in dict.fromkeys(family_of):
        members = np.flatnonzero([other == family for other in family_of])
        together = log_odds[:, members].sum(axis=1)
        same_direction = log_odds[:, members] * np.sign(together)[:, None]
        moved.append(together)
        teller.append(members[same_direction.argmax(axis=1)])
    return np.column_stack(moved), np.column_stack(teller)


def _rows(features: pd.DataFrame, catalogue: FeatureCatalogue) -> Iterator[Mapping[str, Any]]:
    """Name → the customer's own figure, customer by customer."""
    names = [*catalogue.names, *(spec.name for spec in BTYD_SPECS if spec.name in features.columns)]
    for figures in zip(*(features[name].tolist() for name in names), strict=True):
        yield dict(zip(names, figures, strict=True))
