"""What a column of features becomes before the trees see it."""

import json
from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from patron.errors import InputError, PatronWarning, TableError
from patron.models.encoding import MOST_LEVELS, FeatureEncoder, outcomes

NAN = np.nan


@pytest.mark.parametrize(
    "column",
    [
        pd.Series([1.5, None, 0]),
        pd.Series([1.5, pd.NA, 0], dtype="Float64"),
        pd.Series([1.5, None, 0], dtype="float64[pyarrow]"),
        pd.Series([Decimal("1.5"), None, Decimal(0)], dtype=object),
        pd.Series([Decimal("1.5"), None, Decimal(0)], dtype=pd.ArrowDtype(pa.decimal128(6, 2))),
    ],
    ids=lambda column: str(column.dtype),
)
def test_numbers_of_every_kind_are_numbers(column):
    encoder = FeatureEncoder.learn(pd.DataFrame({"spend": column}))
    assert encoder.levels == {}
    np.testing.assert_array_equal(
        encoder.encode(pd.DataFrame({"spend": column}))[:, 0], np.float32([1.5, NAN, 0])
    )


@pytest.mark.parametrize("dtype", ["bool", "boolean", "int8", "Int64", "bool[pyarrow]", object])
def test_yes_and_no_are_one_and_zero(dtype):
    frame = pd.DataFrame({"opted_in": pd.Series([True, False], dtype=dtype)})
    assert FeatureEncoder.learn(frame).encode(frame)[:, 0].tolist() == [1, 0]


@pytest.mark.parametrize(
    "dtype", ["str", "object", "string", "category", "string[pyarrow]", pd.ArrowDtype(pa.string())], ids=str
)
def test_texts_of_every_kind_are_categories(dtype):
    seen = pd.DataFrame({"plan": pd.Series(["gold", "basic", None], dtype=dtype)})
    encoder = FeatureEncoder.learn(seen)
    assert encoder.levels == {"plan": ("basic", "gold")}
    np.testing.assert_array_equal(encoder.encode(seen)[:, 0], np.float32([1, 0, NAN]))


def test_a_level_keeps_its_code_whatever_stands_around_it():
    encoder = FeatureEncoder.learn(pd.DataFrame({"plan": ["gold", "basic", "silver"]}))
    later = pd.DataFrame({"plan": pd.Categorical(["silver", "new"], categories=["silver", "new"])})
    np.testing.assert_array_equal(encoder.encode(later)[:, 0], np.float32([2, NAN]))


def test_a_whole_number_is_the_same_level_once_it_has_turned_into_a_float():
    encoder = FeatureEncoder.learn(pd.DataFrame({"region": pd.Categorical([3, 5])}))
    np.testing.assert_array_equal(
        encoder.encode(pd.DataFrame({"region": [5.0, NAN, 3.0]}))[:, 0], np.float32([1, NAN, 0])
    )


def test_a_category_that_is_empty_this_time_is_missing():
    encoder = FeatureEncoder.learn(pd.DataFrame({"plan": ["gold", "basic"]}))
    for nothing in (NAN, None, pd.NA):
        assert np.isnan(encoder.encode(pd.DataFrame({"plan": [nothing]}))).all()


def test_texts_of_any_script_are_levels():
    encoder = FeatureEncoder.learn(pd.DataFrame({"شهر": ["تهران", "شیراز"]}))
    again = FeatureEncoder.from_dict(json.loads(json.dumps(encoder.to_dict())))
    assert again == encoder
    assert again.encode(pd.DataFrame({"شهر": ["شیراز"]})).tolist() == [[1]]


def test_of_very_many_levels_the_most_frequent_are_kept():
    postcodes = [f"{i:05}" for i in range(1000)] + ["99999"] * 5 + ["88888"] * 4
    with pytest.warns(
        PatronWarning, match=f"'postcode' has 1002 levels; the {MOST_LEVELS} most frequent are used"
    ):
        encoder = FeatureEncoder.learn(pd.DataFrame({"postcode": postcodes}))
    assert len(encoder.levels["postcode"]) == MOST_LEVELS
    assert {"99999", "88888", "00000", "00097"} < set(encoder.levels["postcode"])


@pytest.mark.parametrize(
    ("column", "kind"),
    [
        (pd.to_datetime(["2024-01-01"]), "datetime64"),
        (pd.to_timedelta(["3D"]), "timedelta64"),
        ([1 + 2j], "complex"),
    ],
)
def test_dates_and_durations_are_refused(column, kind):
    with pytest.raises(
        InputError, match=f"feature 'as_of' holds {kind} values; a feature is a number or a category"
    ):
        FeatureEncoder.learn(pd.DataFrame({"as_of": column}))


def test_text_in_a_number_is_refused():
    encoder = FeatureEncoder.learn(pd.DataFrame({"spend": [1.0]}))
    with pytest.raises(InputError, match=r"'spend' of X was a number in training and is not now: .*'a lot'"):
        encoder.encode(pd.DataFrame({"spend": ["a lot"]}))


@pytest.mark.parametrize("infinite", [np.inf, -np.inf, 1e39])  # 1e39 is infinite as float32
def test_infinity_is_refused(infinite):
    encoder = FeatureEncoder.learn(pd.DataFrame({"spend": [1.0]}))
    with pytest.raises(
        InputError, match=r"'spend' of X is infinite in 6 rows, at index 0, 1, 2, 3, 4, … \(6 in all\)"
    ):
        encoder.encode(pd.DataFrame({"spend": [infinite] * 6}))


def test_a_frame_without_usable_columns_is_refused():
    with pytest.raises(InputError, match=r"X must be a pandas DataFrame .* got ndarray"):
        FeatureEncoder.learn(np.ones((3, 2)))
    with pytest.raises(TableError, match="X has no columns"):
        FeatureEncoder.learn(pd.DataFrame(index=range(3)))
    with pytest.raises(TableError, match="X has columns of the same name: spend"):
        FeatureEncoder.learn(pd.DataFrame([[1, 2]], columns=["spend", "spend"]))


@pytest.mark.parametrize(
    "y", [[1, 0], np.array([True, False]), pd.Series([1, 0], dtype="Int8"), np.array([[1.0], [0.0]])]
)
def test_outcomes_of_every_kind_are_one_or_zero(y):
    assert outcomes(y, 2).tolist() == [1.0, 0.0]
