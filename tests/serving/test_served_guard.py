"""What the scoring server answers to requests that are wrong: 400, one sentence, nothing of the customers.

Where MLflow itself turns a request down before the model sees it, the answer is MLflow's own.
"""

import json

import numpy as np
import pandas as pd
import pytest
from mlflow.exceptions import MlflowException

from patron.tracking.guard import RefusedRequest, check_request
from small_model import make_rows

SECRET = "Anna-Maria-4711"
ROW = {"customer_id": SECRET, "frequency": 2, "recency": 30, "T": 90, "monetary_value": 9.5}


def records(*rows, **params):
    return {"dataframe_records": list(rows)} | ({"params": params} if params else {})


def without(name):
    return {key: value for key, value in ROW.items() if key != name}


def feature_row(**changed):
    row = make_rows(1, seed=7).astype(object).where(lambda rows: rows.notna(), None).iloc[0].to_dict()
    return row | {"as_of": "2024-06-30", "customer_id": SECRET} | changed


def refused(answer):
    """The sentence of an answer that is a proper refusal."""
    assert answer.status == 400
    assert set(answer.said) <= {"error_code", "message", "sqlstate", "error_class"}  # no stack trace
    assert SECRET not in answer.message
    assert "\n" not in answer.message
    return answer.message


def test_the_purchase_columns_alone_are_a_request(ask):
    [row] = ask(records(ROW)).rows
    assert row["customer_id"] == SECRET
    assert 0 < row["churn_probability"] < 1
    assert row["growth_potential_low"] <= row["growth_potential"]
    assert row["customer_value"] is None
    assert row["not_scored_reason"].startswith("only frequency, recency, T and monetary_value were given")


def test_a_feature_row_is_a_request(ask):
    [row] = ask(records(feature_row())).rows
    assert row["not_scored_reason"] is None
    assert row["reason_1"].endswith("risk)")
    assert row["value_tier"] in ("vip", "medium", "low")


def test_what_referrals_bring_counts_where_it_is_sent(ask):
    rich = feature_row(network_potential=25, learning_potential=1.5)
    plain, more, unknown = (
        ask(records(row)).rows[0] for row in (feature_row(), rich, feature_row(network_potential=None))
    )
    assert more["customer_value"] == pytest.approx(plain["customer_value"] + 26.5)
    assert unknown["customer_value"] == plain["customer_value"]
    assert "network_potential" in refused(ask(records(feature_row(network_potential="much"))))


def test_rows_come_back_in_the_order_of_the_request(ask):
    ids = ["b", "a", "c", "a", 7, 2**60]
    assert [row["customer_id"] for row in ask(records(*(ROW | {"customer_id": i} for i in ids))).rows] == ids


@pytest.mark.parametrize("shape", ["dataframe_split", "dataframe_records", "inputs", "instances"])
def test_every_shape_of_request_that_mlflow_knows_is_answered(ask, shape):
    frame = pd.DataFrame([ROW])
    body = (
        frame.to_dict(orient="split", index=False) if shape == "dataframe_split" else frame.to_dict("records")
    )
    [row] = ask({shape: body}).rows
    assert 0 < row["churn_probability"] < 1


def test_csv_is_answered(ask):
    [row] = ask(pd.DataFrame([ROW]).to_csv(index=False), "text/csv").rows
    assert 0 < row["churn_probability"] < 1


@pytest.mark.parametrize("name", ["customer_id", "frequency", "recency", "T", "monetary_value"])
def test_a_missing_column_is_named(ask, name):
    assert f"lacks the column '{name}'" in refused(ask(records(without(name))))


def test_half_of_the_features_are_refused_by_name(ask):
    row = feature_row()
    del row["orders_90d"]
    assert "lacks 1 of the 12 features of this model: orders_90d" in refused(ask(records(row)))


def test_columns_that_the_model_does_not_know_change_nothing(ask):
    [plain], [with_note] = (ask(records(ROW | extra)).rows for extra in ({}, {"note": "x"}))
    assert plain | {"scored_at": None} == with_note | {"scored_at": None}


@pytest.mark.parametrize(
    "body", ['{"dataframe_records": []}', '{"dataframe_split": {"columns": [], "data": []}}']
)
def test_an_empty_request_is_told_what_a_row_needs(ask, body):
    assert "has no rows: give at least one, with customer_id, frequency" in refused(ask(body))


@pytest.mark.parametrize(
    ("changed", "rule"),
    [
        ({"frequency": 1.5}, "In row 1, frequency must be a whole number from 0 up"),
        ({"frequency": -1}, "In row 1, frequency must be a whole number from 0 up"),
        ({"recency": 91}, "In row 1, recency must lie between 0 and T"),
        ({"T": -5, "recency": 0, "frequency": 0}, "In row 1, T must lie between 0 and 36525 days"),
        ({"T": 10**12}, "In row 1, T must lie between 0 and 36525 days"),
        ({"frequency": 10**12}, "In row 1, frequency must not exceed recency"),
        ({"frequency": 0}, "In row 1, recency must be 0 where frequency is 0"),
        ({"monetary_value": 0}, "In row 1, monetary_value must be above 0"),
        ({"monetary_value": 1e300}, "'monetary_value' must hold numbers between -1e+15 and 1e+15"),
        ({"frequency": None}, "In row 1, frequency must be a finite number"),
        ({"recency": float("nan")}, "In row 1, recency must be a finite number"),
        ({"T": float("inf")}, "'T' must hold numbers between -1e+15 and 1e+15"),
        ({"customer_id": None}, "'customer_id' must not be null"),
        ({"customer_id": ["a"]}, "'customer_id' must hold texts or whole numbers"),
        ({"customer_id": {"a": 1}}, "'customer_id' must hold texts or whole numbers"),
        ({"as_of": "soon"}, "'as_of' must hold dates such as 2024-12-31"),
        ({"as_of": 20240630}, "'as_of' must hold dates such as 2024-12-31"),
        ({"as_of": "9999-12-31"}, "'as_of' must hold dates such as 2024-12-31"),
    ],
)
def test_a_row_that_breaks_a_rule_is_told_the_column_and_the_rule(ask, changed, rule):
    assert rule in refused(ask(records(ROW | changed)))


def test_the_row_is_told_by_its_position(ask):
    assert refused(ask(records(ROW, ROW, ROW | {"recency": 91}))).startswith("In row 3, recency")


@pytest.mark.parametrize("changed", [{"monetary_value": 10**12}, {"T": 36_525}, {"frequency": 30}])
def test_an_unusual_customer_is_answered(ask, changed):
    [row] = ask(records(ROW | changed)).rows
    assert row["growth_potential"] >= 0


def test_a_null_feature_is_answered_and_an_infinite_one_refused(ask):
    assert ask(records(feature_row(gap_median=None, attribute_plan=None))).status == 200
    assert "'orders_90d' must hold numbers" in refused(ask(records(feature_row(orders_90d=float("inf")))))


def test_a_category_never_seen_is_answered(ask):
    [row] = ask(records(feature_row(attribute_plan="platinum"))).rows
    assert 0 < row["churn_probability"] < 1


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ({"horizon_days": 0}, "horizon_days must be a whole number of days from 1 to 36525"),
        ({"horizon_days": 10**12}, "horizon_days must be a whole number of days from 1 to 36525"),
        ({"value_horizon_days": -1}, "value_horizon_days must be a whole number of days from 1 to 36525"),
        ({"annual_discount_rate": 10.0}, "annual_discount_rate must lie in [0, 1], got 10.0"),
        ({"annual_discount_rate": float("nan")}, "annual_discount_rate must lie in [0, 1]"),
    ],
)
def test_a_parameter_out_of_range_is_refused(ask, asked, sentence):
    assert sentence in refused(ask(records(ROW, **asked)))


def test_a_mistake_of_our_own_shows_neither_rows_nor_stack(ask, model, monkeypatch, caplog):
    def fail(*args, **kwargs):
        raise ZeroDivisionError(SECRET)

    monkeypatch.setattr("patron.tracking.served.score_columns", fail)
    assert refused(ask(records(ROW))) == "The model cannot score this request (ZeroDivisionError)."
    assert "A request of 1 rows could not be scored" in caplog.text


@pytest.mark.parametrize(
    "body",
    [
        records(ROW | {"recency": "long ago"}),
        records(ROW, horizon_days="ninety"),
        records(ROW, horizon_days=30.5),
        {"dataframe_records": ROW},
        {"dataframe_split": {"columns": ["T"], "data": [[1, 2]]}},
        {"rows": [ROW]},
        "not JSON",
        "[]",
        "{}",
    ],
)
def test_what_mlflow_turns_down_itself_is_a_400_too(ask, body):
    answer = ask(body)
    assert answer.status == 400
    assert "stack_trace" not in answer.said


def test_called_from_python_the_rules_are_the_same(bundle):
    with pytest.raises(RefusedRequest, match="The column 'recency' must hold numbers"):
        check_request(pd.DataFrame([ROW | {"recency": "30"}]), bundle)
    with pytest.raises(RefusedRequest, match="must be a table"):
        check_request([ROW], bundle)
    with pytest.raises(RefusedRequest, match="two columns of the same name"):
        check_request(pd.DataFrame([[1, 2]], columns=["T", "T"]), bundle)


def test_called_from_python_whole_numbers_and_decimals_are_numbers(bundle):
    rows = pd.DataFrame([ROW]).astype({"frequency": "int64", "T": "Int64", "recency": "float32"})
    checked = check_request(rows, bundle)
    assert {checked[name].dtype for name in ("frequency", "recency", "T", "monetary_value")} == {
        np.dtype("f8")
    }


def test_an_unknown_parameter_is_named_where_the_model_sees_it(model):
    with pytest.raises(
        RefusedRequest, match="The request sets horizon; it may set horizon_days, value_horizon"
    ):
        model.unwrap_python_model().predict(None, pd.DataFrame([ROW]), {"horizon": 30})


def test_a_refusal_is_an_mlflow_exception_of_status_400():
    refusal = RefusedRequest.invalid_parameter_value("No.")
    assert isinstance(refusal, MlflowException)
    assert (refusal.get_http_status_code(), json.loads(refusal.serialize_as_json())["message"]) == (
        400,
        "No.",
    )


def test_ten_thousand_rows_are_answered_at_once(ask):
    frame = pd.concat([make_rows(10_000, seed=1)]).drop(columns="as_of")
    answer = ask(
        {
            "dataframe_split": json.loads(frame.to_json(orient="split", index=False)),
            "params": {"reasons": False},
        }
    )
    assert len(answer.rows) == 10_000
