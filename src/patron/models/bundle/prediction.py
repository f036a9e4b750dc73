"""The predictions of a bundle: its parts put together, row by row.

==================  ==================================================================================
value model         expected purchases and value; also columns that the trees see
percentiles         the rank of a customer among the others of the day
churn classifier    probability of churn, calibrated; blended with the value model where trees have seen
                    few minority-class events, and shifted to the base rate of the season
value trees         expected value by trees, stacked with that of the value model
seasonal index      how far the coming horizon lies above or below what the models expect
==================  ==================================================================================

Where the classifier does not apply (another horizon, or rows with nothing but purchase columns), the value
model predicts alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from patron.arrays import Floats, Index, Matrix
from patron.errors import InputError, some
from patron.features.catalogue import FeatureCatalogue
from patron.models.churn.percentile_ranks import PERCENTILE, Percentiles, Ranks
from patron.models.churn.rows import Columns, as_columns, count_rows, take_rows
from patron.models.encoding import FeatureEncoder
from patron.models.ensemble.stacking import ValueStacking
from patron.models.ensemble.tree_columns import btyd_columns, ranked_columns, tree_rows, with_expected_value
from patron.models.value.rfm import RFM_COLUMNS, Customers, read_customers

if TYPE_CHECKING:
    from patron.models.bundle.bundle import Bundle
    from patron.models.churn.classifier import ChurnClassifier

__all__ = ["TreeView", "learn_percentiles", "predict_columns", "predict_rows", "tree_matrix", "tree_view"]


_CHUNK = 50_000  # rows held in memory as the trees see them
_NEVER_CERTAIN = 1e-6


def predict_rows(bundle: "Bundle", features: pd.DataFrame) -> pd.DataFrame:
    """The predictions of a bundle for each customer, over its own horizons.

    Parameters
    ----------
    bundle
        the model
    features
        one row per customer as of one day: customer_id and all features of the catalogue; or none
        but frequency, recency, T and monetary_value, from which the value model answers alone

    Returns
    -------
    pd.DataFrame
        DataFrame, one row per row of `features`, in order, index 0, 1, 2, …: customer_id,
        churn_probability, and the columns of :meth:`patron.models.value.model.CustomerValueModel.predict`

    Raises
    ------
    TableError
        a feature is missing, or an RFM column breaks a rule
    InputError
        a feature is infinite or is text

    Examples
    --------
    See :func:`patron.training.fit_bundle.fit_bundle`.
    """
    read_customers(_rfm(features), purchases=True, spend=True)
    predicted = predict_columns(bundle, as_columns(features, (*RFM_COLUMNS, *bundle.catalogue.numbers)))
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
    bundle
        the model
    ranks
        among whom a customer's percentiles are taken: "own", the rows of `features`; "model", the
        customers of the training; "auto", the rows where they are at least 1000; or the grid of the whole
        population, as :func:`patron.models.bundle.population_ranks.population_percentiles` learns it
    horizon_days, value_horizon_days
        days ahead; the bundle's own if None. Another horizon than the
        bundle's is answered by the value model alone
    annual_discount_rate
        per year, ≥ 0; the bundle's own if None
    interval
        share in (0, 1) of the predictive intervals
    random_state
        seed of the draws behind the intervals

    Returns
    -------
    dict[str, Floats]
        column → (n_customers,)
    """
    horizon = bundle.horizon_days if horizon_days is None else horizon_days
    farther = bundle.value_horizon_days if value_horizon_days is None else value_horizon_days
    expected = bundle.value.predict_checked(
        Customers(pd.RangeIndex(count_rows(features)), *(features[name] for name in RFM_COLUMNS)),
        horizon_days=horizon,
        value_horizon_days=farther,
        annual_discount_rate=annual_discount_rate,
        interval=interval,
        random_state=random_state,
    )
    predicted = {"churn_probability": expected["p_no_purchase"], **expected}
    complete = all(name in features for name in bundle.catalogue.names)
    if bundle.churn is None or horizon != bundle.horizon_days or not complete:
        return predicted
    seen = features if bundle.percentiles is None else {**features, **with_expected_value(expected)}
    churn, trees = _predict_trees(bundle, bundle.churn, seen, expected["p_no_purchase"], ranks)
    predicted["churn_probability"] = churn
    predicted["expected_purchases"] = expected["expected_purchases"] * bundle.season.purchases
    if bundle.stacking is not None:
        _stack(predicted, bundle.stacking, trees, farther >= horizon)
    return predicted


@dataclass(frozen=True, slots=True)
class TreeView:
    """Customers as the trees of a bundle see them, some at a time.

    Attributes
    ----------
    figures
        (n_customers, …) the features and the BTYD columns
    grid
        by which they are ranked; None where the trees see `figures` as they are
    catalogue
        the features
    """

    figures: pd.DataFrame
    grid: Percentiles | None
    catalogue: FeatureCatalogue

    def rows(self, chunk: slice) -> pd.DataFrame:
        """The rows of some of these customers, as the trees see them.

        Parameters
        ----------
        chunk
            positions of the customers
        """
        figures = self.figures.iloc[chunk]
        return figures if self.grid is None else tree_rows(figures, self.grid, self.catalogue)


def tree_view(
    bundle: "Bundle", features: pd.DataFrame, predicted: pd.DataFrame, ranks: Ranks = "auto"
) -> TreeView:
    """The customers of `features` as the trees of a bundle see them.

    Parameters
    ----------
    bundle
        with a classifier
    features
        (n_customers, …) the features of its catalogue
    predicted
        (n_customers, …) the predictions of `predict_rows` for them
    ranks
        as there
    """
    if bundle.percentiles is None:
        return TreeView(features, None, bundle.catalogue)
    figures = _figures(bundle, features, predicted, bundle.season.purchases)
    return TreeView(figures, bundle.percentiles.among(figures, ranks), bundle.catalogue)


def learn_percentiles(bundle: "Bundle", features: pd.DataFrame, predicted: pd.DataFrame) -> Percentiles:
    """The grid of these customers, for the columns that the trees of the bundle see.

    Parameters
    ----------
    bundle
        not yet with a grid
    features
        (n_customers, …) the features of its catalogue
    predicted
        (n_customers, …) the predictions of its value model alone
    """
    return Percentiles.learn(_figures(bundle, features, predicted), ranked_columns(bundle.catalogue))


def tree_matrix(columns: Columns, encoder: FeatureEncoder, grid: Percentiles | None) -> Matrix:
    """The matrix that trees predict from: the numbers of `tree_rows`, encoded, without a frame in between.

    Parameters
    ----------
    columns
        the features, and the BTYD columns where the trees see them
    encoder
        the order of the features and the levels of the categories
    grid
        by which numbers are ranked; None where the trees see the features alone

    Returns
    -------
    Matrix
        (n_customers, n_features) in the order of the encoder, NaN where missing

    Raises
    ------
    InputError
        a number is infinite
    KeyError
        a feature is missing

    Examples
    --------
    >>> grid = Percentiles({"orders": (np.float32([0, 4]), np.float32([0.25, 0.75]))})
    >>> encoder = FeatureEncoder(("plan", "orders", "orders_pct"), {"plan": ("basic", "gold")})
    >>> tree_matrix({"orders": np.array([2.0]), "plan": np.array(["gold"])}, encoder, grid)
    array([[1. , 2. , 0.5]], dtype=float32)
    """
    ranked = () if grid is None else grid.names
    figures, order = _places(encoder.names, tuple(encoder.levels), ranked)
    seen = np.empty((len(figures) + len(ranked) + len(encoder.levels), count_rows(columns)), np.float32)
    with np.errstate(over="ignore"):
        for place, name in enumerate(figures):
            seen[place] = columns[name]
    _check_finite(seen[: len(figures)], figures)
    if grid is not None:
        grid.place_rows(seen[: len(ranked)], into=seen[len(figures) : len(figures) + len(ranked)])
    for place, name in enumerate(encoder.levels, start=len(figures) + len(ranked)):
        seen[place] = encoder.codes(name, columns[name].tolist())
    return np.ascontiguousarray(seen[order].T)


def _predict_trees(
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
    if not bundle.churn_blend.changes_nothing:
        moved = bundle.churn_blend.probability(churn, no_purchase)
        churn = np.clip(moved, _NEVER_CERTAIN, 1 - _NEVER_CERTAIN)
    return churn, None if value_trees is None else money


def _stack(predicted: dict[str, Floats], stacking: ValueStacking, trees: Floats | None, beyond: bool) -> None:
    """Puts the stacked value in place of the models'; `beyond`, growth reaches past the horizon."""
    bounds = [f"expected_value{end}" for end in ("", "_low", "_high")]
    btyd, low, high = (predicted[name] for name in bounds)
    combined = stacking.columns(btyd, trees, low, high)
    for end, alone in zip(("", "_low", "_high"), (btyd, low, high), strict=True):
        value, growth = combined[f"expected_value{end}"], predicted[f"growth_potential{end}"]
        # Days after the horizon stay as they were expected.
        grown = growth + (value - alone) if beyond else growth * value / np.where(alone > 0, alone, 1.0)
        predicted[f"expected_value{end}"] = value
        predicted[f"growth_potential{end}"] = np.maximum(grown, 0.0)


def _figures(
    bundle: "Bundle", features: pd.DataFrame, predicted: pd.DataFrame, seasonal_index: float = 1.0
) -> pd.DataFrame:
    """The features and the BTYD columns, which the trees see without the seasonal index."""
    expected = btyd_columns(predicted)
    if seasonal_index != 1.0:
        expected[["expected_purchases", "expected_value"]] /= seasonal_index
    known = features[list(bundle.catalogue.names)].reset_index(drop=True)
    return pd.concat([known, expected], axis=1)


def _rfm(features: pd.DataFrame) -> pd.DataFrame:
    rfm = features[list(RFM_COLUMNS)].reset_index(drop=True)
    rfm.insert(0, "customer_id", np.arange(len(rfm)))  # ids may be null or come twice
    return rfm


@lru_cache(maxsize=16)
def _places(
    names: tuple[str, ...], categories: tuple[str, ...], ranked: tuple[str, ...]
) -> tuple[tuple[str, ...], Index]:
    """The numbers needed, ranked ones first, and the position of each feature among the columns.

    The columns are the numbers, their ranks and the categories.
    """
    ranks = [name + PERCENTILE for name in ranked]
    figures = tuple(dict.fromkeys([*ranked, *(n for n in names if n not in ranks and n not in categories)]))
    place = {name: number for number, name in enumerate([*figures, *ranks, *categories])}
    return figures, np.array([place[name] for name in names], dtype=np.intp)


def _check_finite(seen: Matrix, names: Sequence[str]) -> None:
    infinite = np.isinf(seen)
    if infinite.any():
        which = int(infinite.any(axis=1).argmax())
        raise InputError(
            f"feature {names[which]!r} of the rows to be scored is infinite in {infinite[which].sum()} rows, "
            f"at position {some(np.flatnonzero(infinite[which]))}. Give null where a number is unknown."
        )
