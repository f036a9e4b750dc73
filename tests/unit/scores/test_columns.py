"""The types of a scorecard, in files and in JSON."""

import json
from datetime import UTC, date, datetime

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from patron.scores.columns import SCORECARD_COLUMNS, SCORECARD_TYPES, as_answer, as_scorecard, dates

COLUMNS = {
    "customer_id": ["a", "b"],
    "as_of": np.array(["2024-06-30", "NaT"], dtype="datetime64[D]"),
    "horizon_days": 90,
    "model_version": "3",
    "scored_at": pd.Timestamp("2024-07-01T02:00:00Z"),
    "p_alive": np.array([0.5, np.nan]),
    "value_percentile": np.array([np.nan, 99.0]),
    "reason_1": np.array([None, "first order 4 days ago"], dtype=object),
}


def test_every_column_is_there_in_its_order_and_type():
    frame = as_scorecard(COLUMNS, 2)
    assert tuple(frame.columns) == SCORECARD_COLUMNS
    kinds = {
        "number": "float64",
        "whole": "Int64",
        "text": "str",
        "date": "object",
        "time": "timestamp[us, tz=UTC][pyarrow]",
    }
    wrong = [n for n, kind in SCORECARD_TYPES.items() if kind != "id" and str(frame[n].dtype) != kinds[kind]]
    assert wrong == []


def test_an_arrow_table_has_the_types_that_files_need_even_where_all_is_null():
    types = {field.name: field.type for field in pa.Table.from_pandas(as_scorecard(COLUMNS, 2)).schema}
    assert types["as_of"] == pa.date32()
    assert types["churn_probability"] == types["max_retention_spend"] == pa.float64()
    assert types["value_percentile"] == types["horizon_days"] == pa.int64()
    assert pa.types.is_large_string(types["lifecycle_stage"])
    assert types["scored_at"] == pa.timestamp("us", tz="UTC")


def test_nan_is_null_in_an_arrow_table():
    table = pa.Table.from_pandas(as_scorecard(COLUMNS, 2))
    assert table["p_alive"].to_pylist() == [0.5, None]
    assert table["as_of"].to_pylist() == [date(2024, 6, 30), None]


def test_an_answer_is_json_without_a_single_nan():
    answer = as_answer(COLUMNS, 2)
    assert tuple(answer.columns) == SCORECARD_COLUMNS
    first, second = json.loads(json.dumps(answer.to_dict("records"), allow_nan=False))
    assert (first["as_of"], first["horizon_days"], first["p_alive"]) == ("2024-06-30", 90, 0.5)
    assert (second["as_of"], second["p_alive"], second["value_percentile"]) == (None, None, 99)
    assert first["scored_at"] == "2024-07-01T02:00:00+00:00"


@pytest.mark.parametrize("ids", [[7, 2**60], ["x", "ب"], [3.5, 4.0]])
def test_ids_keep_their_type(ids):
    assert as_scorecard({"customer_id": pd.Series(ids)}, 2)["customer_id"].tolist() == ids
    assert as_answer({"customer_id": pd.Series(ids)}, 2)["customer_id"].tolist() == ids


@pytest.mark.parametrize(
    "day",
    [
        date(2024, 6, 30),
        datetime(2024, 6, 30, 23, 59),
        "2024-06-30",
        "2024-06-30T23:59:59",
        pd.Timestamp("2024-06-30"),
    ],
)
def test_a_date_may_be_written_in_many_ways(day):
    assert dates([day])[0] == np.datetime64("2024-06-30")
    assert dates(pd.Series([day, None], dtype=object)).tolist() == [date(2024, 6, 30), None]


def test_a_time_with_a_zone_counts_as_the_day_it_names():
    assert dates([datetime(2024, 6, 30, 23, 30, tzinfo=UTC)])[0] == np.datetime64("2024-06-30")


@pytest.mark.parametrize("no_date", ["yesterday", 20240630, 1.5, "9999-12-31", "1066-10-14", True])
def test_what_is_no_date_of_our_time_is_refused(no_date):
    with pytest.raises((ValueError, TypeError)):
        dates([no_date])


def test_times_of_a_frame_are_held_to_the_same_years():
    with pytest.raises(ValueError, match="lies outside 1800-01-01 to 2200-01-01"):
        dates(pd.Series(np.array(["9999-12-31"], dtype="datetime64[s]")))
