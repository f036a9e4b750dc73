"""What a bundle says of customers: its parts put together, row by row.

==================  ==================================================================================
value model         what is expected of buying; also columns that the trees see
percentiles         where the customer stands among the others of the day
churn classifier    the ranking, calibrated on the newest matured snapshot; moved by the level, which
                    lets the value model have its say where trees have seen few cases
value trees         the other opinion on money, combined with that of the value model
level               how high the coming horizon lies above the newest matured one
==================  ==================================================================================

Where the classifier has no say (another horizon, or nothing but purchase columns), the value model answers
alone.
"""

import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from patron.arrays import Floats
from patron.features.catalogue import FeatureCatalogue
from patron.models.churn.percentile_ranks import Percentiles, Ranks
from patron.models.churn.rows import Columns, as_columns, count_rows, take_rows
from patron.models.churn.tree_matrix import tree_matrix
from patron.models.ensemble.btyd_features import columns_of, expectations, tree_columns, tree_rows
from patron.models.value.rfm import RFM_COLUMNS, Customers, read_customers

if TYPE_CHECKING:
    from patron.models.bundle.bundle import Bundle
    from patron.models.churn.classifier import ChurnClassifier
    from patron.models.value.model import CustomerValueModel

__all__ = ["Seen", "learn_percentiles", "predict_columns", "predict_rows", "see"]


_CHUNK = 50_000  # rows that stand in memory as trees see them
_NEVER_CERTAIN = 1e-6


def predict_rows(
    bundle: "Bundle",
    features: pd.DataFrame,
    *,
    ranks: Ranks = "auto",
    horizon_days: float | None = None,
    value_horizon_days: float | None = None,
    annual_discount_rate: float | None = None,
    interval: float = 0.8,
    random_state: int = 0,
) -> pd.DataFrame:
    """What is expected of each customer; see :meth:`patron.models.bundle.bundle.Bundle.predict`."""
    read_customers(_rfm(features), purchases=True, spend=True)
    predicted = predict_columns(
        bundle,
        as_columns(features, (*RFM_COLUMNS, *bundle.catalogue.numbers)),
        ranks=ranks,
        horizon_days=horizon_days,
        value_horizon_days=value_horizon_days,
        annual_discount_rate=annual_discount_rate,
        interval=interval,
        random_state=random_state,
    )
    return pd.DataFrame({"customer_id": features["customer_id"].array, **predicted})


def predict_columns(
    bundle: "Bundle",
    features: Columns,
    *,
    ranks: Ranks = "auto",
    horizon_days: float | None = None,
    value_horizon_days: float | None = None,
    annual_discount_rate: float | None = None,
    interval: float = 0.8,
    random_state: int = 0,
) -> dict[str, Floats]:
    """The columns of `predict_rows` but the id, as arrays.

    Parameters
    ----------
    features
        as there, as arrays; the RFM columns keep the rules of :mod:`patron.models.value.rfm`
    bundle, ranks, horizon_days, value_horizon_days, annual_discount_rate, interval, random_state
        as there

    Returns
    -------
    dict[str, Floats]
        column → (n_customers,)
    """
    horizon = bundle.horizon_days if horizon_days is None else horizon_days
    farther = bundle.value_horizon_days if value_horizon_days is None else value_horizon_days
    expected = _with_rate(bundle.value, annual_discount_rate).expected(
        Customers(pd.RangeIndex(count_rows(features)), *(features[name] for name in RFM_COLUMNS)),
        horizon_days=horizon,
        value_horizon_days=farther,
        interval=interval,
        random_state=random_state,
    )
    predicted = {"churn_probability": expected["p_no_purchase"], **expected}
    complete = all(name in features for name in bundle.catalogue.names)
    if bundle.churn is None or horizon != bundle.horizon_days or not complete:
        return predicted
    seen = features if bundle.percentiles is None else {**features, **expectations(expected)}
    churn, trees = _ask_trees(bundle, bundle.churn, seen, expected["p_no_purchase"], ranks)
    predicted["churn_probability"] = churn
    predicted["expected_purchases"] = expected["expected_purchases"] * bundle.level.purchases
    if bundle.combination is not None:
        _combine(predicted, bundle, trees, horizon, farther)
    return predicted


@dataclass(frozen=True, slots=True)
class Seen:
    """Customers as the trees of a bundle see them, some at a time.

    Attributes
    ----------
    figures
        (n_customers, …) the features, and what is expected of each customer
    grid
        by which they are ranked; None where the trees see `figures` as they are
    catalogue
        the features
    """

    figures: pd.DataFrame
    grid: Percentiles | None
    catalogue: FeatureCatalogue

    def rows(self, chunk: slice) -> pd.DataFrame:
        """All that the trees see of these customers."""
        figures = self.figures.iloc[chunk]
        return figures if self.grid is None else tree_rows(figures, self.grid, self.catalogue)


def see(bundle: "Bundle", features: pd.DataFrame, predicted: pd.DataFrame, ranks: Ranks = "auto") -> Seen:
    """The customers of `features` as the trees of the bundle see them.

    Parameters
    ----------
    bundle
        with a classifier
    features
        (n_customers, …) the features of its catalogue
    predicted
        (n_customers, …) what :meth:`patron.models.bundle.bundle.Bundle.predict` said of them
    ranks
        as there
    """
    return _see(bundle, features, predicted, ranks, level=bundle.level.purchases)


def learn_percentiles(bundle: "Bundle", features: pd.DataFrame, predicted: pd.DataFrame) -> Percentiles:
    """The grid of these customers, for the columns that the trees of the bundle see.

    Parameters
    ----------
    bundle
        not yet with a grid
    features
        (n_customers, …) the features of its catalogue
    predicted
        (n_customers, …) what its value model alone said of them
    """
    return Percentiles.learn(_figures(bundle, features, predicted), tree_columns(bundle.catalogue))


def _ask_trees(
    bundle: "Bundle", classifier: "ChurnClassifier", seen: Columns, no_purchase: Floats, ranks: Ranks
) -> tuple[Floats, Floats | None]:
    """(n_customers,) probability of leaving, and money as the trees expect it; None without such trees."""
    n_customers, value_trees = count_rows(seen), bundle.value_trees
    grid = None if bundle.percentiles is None else bundle.percentiles.among_columns(seen, ranks)
    churn, money = np.empty(n_customers), np.empty(n_customers)
    for start in range(0, n_customers, _CHUNK):
        chunk = slice(start, start + _CHUNK)
        columns = seen if n_customers <= _CHUNK else take_rows(seen, chunk)
        matrix = tree_matrix(columns, classifier.encoder_, grid)
        churn[chunk] = classifier.leaves(matrix)
        if value_trees is not None:
            if value_trees.encoder_ != classifier.encoder_:
                matrix = tree_matrix(columns, value_trees.encoder_, grid)
            money[chunk] = value_trees.expected(matrix)
    if bundle.level.log_odds or bundle.level.tree_share < 1:
        moved = bundle.level.churn(churn, no_purchase)
        churn = np.clip(moved, _NEVER_CERTAIN, 1 - _NEVER_CERTAIN)
    return churn, None if value_trees is None else money


def _combine(
    predicted: dict[str, Floats],
    bundle: "Bundle",
    trees: Floats | None,
    horizon: float,
    farther: float,
) -> None:
    """Put the combined value in place of the value model's, and let the growth follow."""
    if bundle.combination is None:
        return
    bounds = [f"expected_value{end}" for end in ("", "_low", "_high")]
    btyd, low, high = (predicted[name] for name in bounds)
    combined = bundle.combination.columns(btyd, trees, low, high)
    for end, alone in zip(("", "_low", "_high"), (btyd, low, high), strict=True):
        value, growth = combined[f"expected_value{end}"], predicted[f"growth_potential{end}"]
        if farther >= horizon:  # the days after the horizon stay as they were expected
            grown = growth + (value - alone)
        else:
            grown = growth * value / np.where(alone > 0, alone, 1.0)
        predicted[f"expected_value{end}"] = value
        predicted[f"growth_potential{end}"] = np.maximum(grown, 0.0)


def _see(
    bundle: "Bundle", features: pd.DataFrame, predicted: pd.DataFrame, ranks: Ranks, level: float = 1.0
) -> Seen:
    if bundle.percentiles is None:
        return Seen(features, None, bundle.catalogue)
    figures = _figures(bundle, features, predicted, level)
    return Seen(figures, bundle.percentiles.among(figures, ranks), bundle.catalogue)


def _figures(
    bundle: "Bundle", features: pd.DataFrame, predicted: pd.DataFrame, level: float = 1.0
) -> pd.DataFrame:
    """The trees know what was expected before the level moved it."""
    expected = columns_of(predicted)
    if level != 1.0:
        expected[["expected_purchases", "expected_value"]] /= level
    known = features[list(bundle.catalogue.names)].reset_index(drop=True)
    return pd.concat([known, expected], axis=1)


def _rfm(features: pd.DataFrame) -> pd.DataFrame:
    rfm = features[list(RFM_COLUMNS)].reset_index(drop=True)
    rfm.insert(0, "customer_id", np.arange(len(rfm)))  # ids may be null or come twice
    return rfm


def _with_rate(value: "CustomerValueModel", annual_discount_rate: float | None) -> "CustomerValueModel":
    if annual_discount_rate is None:
        return value
    other = copy.copy(value)  # the draws are shared: only the rate differs
    other.annual_discount_rate = float(annual_discount_rate)
    return other
