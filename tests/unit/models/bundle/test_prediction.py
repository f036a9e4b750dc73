"""What trees see when they predict is what they saw when they were grown, to the last bit."""

import numpy as np
import pandas as pd
import pytest

from patron.errors import InputError, TableError
from patron.features.catalogue import FeatureCatalogue, FeatureSpec
from patron.models.bundle.prediction import tree_matrix
from patron.models.churn.percentile_ranks import Percentiles
from patron.models.churn.rows import as_columns, take_rows
from patron.models.encoding import FeatureEncoder
from patron.models.ensemble.tree_columns import ranked_columns, tree_rows, with_expected_value

CATALOGUE = FeatureCatalogue(
    (
        FeatureSpec("gap_mean", "rhythm", "day", "number", "every {value:day}"),
        FeatureSpec("attribute_plan", "attributes", "plan", "category", "plan {value}"),
        FeatureSpec("orders_90d", "orders", "order", "number", "{value:order}"),
    )
)


@pytest.fixture(scope="module")
def day():
    """Customers of one day: their features, and what is expected of them."""
    rng = np.random.default_rng(0)
    expected = {
        name: rng.gamma(2.0, 3.0, 400)
        for name in ("p_alive", "p_no_purchase", "expected_purchases", "expected_order_value")
    }
    return pd.DataFrame(
        {
            "gap_mean": np.where(rng.random(400) < 0.2, np.nan, rng.gamma(2.0, 20.0, 400)),
            "attribute_plan": rng.choice(["basic", "gold", None], 400),
            "orders_90d": pd.array(rng.poisson(1.0, 400), dtype="Int64"),
            **with_expected_value(expected),
        }
    )


@pytest.fixture(scope="module")
def grid(day):
    return Percentiles.learn(day, ranked_columns(CATALOGUE))


def test_the_matrix_of_a_prediction_is_that_of_the_training(day, grid):
    in_training = tree_rows(day, grid, CATALOGUE)
    encoder = FeatureEncoder.learn(in_training)
    later = as_columns(day.sample(frac=1.0, random_state=1), CATALOGUE.numbers)
    wanted = encoder.encode(in_training.sample(frac=1.0, random_state=1))
    np.testing.assert_array_equal(tree_matrix(later, encoder, grid), wanted)


def test_without_ranks_the_trees_see_the_features_alone(day):
    plain = day[list(CATALOGUE.names)]
    encoder = FeatureEncoder.learn(plain)
    np.testing.assert_array_equal(
        tree_matrix(as_columns(plain, CATALOGUE.numbers), encoder, None), encoder.encode(plain)
    )


def test_one_customer_alone_is_seen_as_among_others(day, grid):
    encoder = FeatureEncoder.learn(tree_rows(day, grid, CATALOGUE))
    columns = as_columns(day, CATALOGUE.numbers)
    alone = [
        tree_matrix(take_rows(columns, slice(row, row + 1)), encoder, grid)[0] for row in range(0, 400, 57)
    ]
    np.testing.assert_array_equal(alone, tree_matrix(columns, encoder, grid)[::57])


def test_an_infinite_number_is_refused_by_name(day, grid):
    encoder = FeatureEncoder.learn(tree_rows(day, grid, CATALOGUE))
    columns = as_columns(day, CATALOGUE.numbers)
    columns["gap_mean"] = np.where(np.arange(400) == 7, np.inf, columns["gap_mean"])
    with pytest.raises(InputError, match="feature 'gap_mean' of the rows to be scored is infinite in 1 rows"):
        tree_matrix(columns, encoder, grid)


def test_text_where_a_number_belongs_is_refused_by_name():
    with pytest.raises(InputError, match="feature 'orders_90d' of the rows must be a number"):
        as_columns(pd.DataFrame({"orders_90d": ["many"]}), ["orders_90d"], "the rows")


def test_two_columns_of_a_name_are_refused_as_rows_to_score():
    with pytest.raises(TableError, match="X has columns of the same name"):
        as_columns(pd.DataFrame([[1, 2]], columns=["T", "T"]), ["T"])
