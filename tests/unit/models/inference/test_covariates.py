"""Covariates: numbers around zero, the same whatever the order of rows, average where nothing is known."""

import json

import numpy as np
import pandas as pd
import pytest

from patron.errors import InputError, TableError
from patron.models.inference.covariates import Covariates

SEEN = pd.DataFrame({"age": [20, 30, 70], "shop": ["web", "mall", "web"], "flat": [1, 1, 1]})


def test_a_number_becomes_deviations_from_the_mean():
    matrix = Covariates.learn(SEEN, ["age"]).matrix(SEEN)
    deviation = np.std([20, 30, 70])
    np.testing.assert_allclose(matrix[:, 0], (np.array([20, 30, 70]) - 40) / deviation, rtol=1e-6)


def test_a_category_becomes_a_column_for_each_level():
    covariates = Covariates.learn(SEEN, ["shop"])
    assert covariates.effects == ("shop=mall", "shop=web")
    assert covariates.matrix(SEEN).tolist() == [[0, 1], [1, 0], [0, 1]]


def test_what_is_missing_or_never_seen_is_average():
    covariates = Covariates.learn(SEEN, ["age", "shop"])
    unknown = pd.DataFrame({"age": [None, 40.0], "shop": ["never seen", None]})
    assert (covariates.matrix(unknown) == 0).all()


def test_a_column_without_spread_says_nothing():
    assert (Covariates.learn(SEEN, ["flat"]).matrix(SEEN) == 0).all()


def test_the_order_of_rows_and_columns_changes_no_bit():
    rng = np.random.default_rng(0)
    rows = pd.DataFrame({"age": rng.gamma(2, 20, 500), "income": rng.lognormal(10, 1, 500)})
    first = Covariates.learn(rows, ["age", "income"])
    second = Covariates.learn(rows[["income", "age"]].sample(frac=1, random_state=1), ["age", "income"])
    assert (first.matrix(rows) == second.matrix(rows)).all()


def test_covariates_survive_json():
    covariates = Covariates.learn(SEEN, ["age", "shop"])
    again = Covariates.from_dict(json.loads(json.dumps(covariates.to_dict())))
    assert again.effects == covariates.effects
    assert (again.matrix(SEEN) == covariates.matrix(SEEN)).all()


def test_a_missing_column_is_named():
    with pytest.raises(TableError, match="rfm lacks the covariates city; it has age, shop, flat"):
        Covariates.learn(SEEN, ["age", "city"])


def test_a_column_that_is_neither_number_nor_category_is_refused():
    with pytest.raises(InputError, match="born"):
        Covariates.learn(SEEN.assign(born=pd.Timestamp("1990-01-01")), ["born"])
