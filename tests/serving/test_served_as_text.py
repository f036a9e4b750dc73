"""The scoring server writes its answer from arrays; what it says is what the model says in a frame."""

import json

import numpy as np
import pandas as pd
import pytest

from patron.tracking.bodies import read_body
from patron.tracking.served import ServedModel
from small_model import make_rows

RFM = ["customer_id", "frequency", "recency", "T", "monetary_value"]


@pytest.fixture(scope="module")
def served(bundle):
    model = ServedModel()
    model.bundle, model.model_version = bundle, "7%"
    return model


def as_body(rows):
    plain = rows.astype(object).where(rows.notna(), None)
    plain = plain.assign(as_of=[str(day) for day in rows["as_of"]]) if "as_of" in rows else plain
    return json.dumps({"dataframe_records": plain.to_dict("records")}).encode()


def answer_of(served, rows, params=None):
    sent, _ = read_body(as_body(rows), "application/json", served.bundle)
    return [row | {"scored_at": None} for row in json.loads(served.answer(sent, params))]


@pytest.mark.parametrize("params", [None, {"reasons": False}, {"horizon_days": 30}])
@pytest.mark.parametrize("columns", [slice(None), RFM])
def test_the_text_is_the_frame(served, columns, params):
    rows = make_rows(40, seed=5).loc[:, columns]
    frame = served.predict(None, rows, params).assign(scored_at=None)
    assert answer_of(served, rows, params) == frame.astype(object).to_dict("records")


def test_a_row_alone_gets_the_answer_that_it_gets_among_others(served):
    rows = make_rows(60, seed=5)
    together = answer_of(served, rows)
    assert [answer_of(served, rows.iloc[[place]])[0] for place in range(0, 60, 7)] == together[::7]


def test_in_csv_na_is_a_text_among_texts_and_unknown_among_numbers(bundle):
    body = b"customer_id,attribute_plan,orders_90d\nNA,NA,NA\n007,,1\n"
    rows, _ = read_body(body, "text/csv", bundle)
    assert rows["customer_id"].tolist() == ["NA", "007"]
    assert rows["attribute_plan"].fillna("unknown").tolist() == ["NA", "unknown"]
    assert rows["orders_90d"].fillna(-1).tolist() == [-1, 1]


def as_records(frame):
    rows = [
        {name: value for name, value in row.items() if value == value} for row in frame.to_dict("records")
    ]
    return json.dumps({"dataframe_records": rows}).encode()


@pytest.mark.parametrize(
    ("kind", "write"),
    [
        ("application/json", as_records),
        ("text/csv", lambda frame: frame.to_csv(index=False).encode()),
        ("application/vnd.apache.parquet", lambda frame: frame.to_parquet()),
    ],
)
def test_columns_that_the_model_does_not_know_take_no_memory(bundle, kind, write):
    others = pd.DataFrame(np.where(np.eye(300, dtype=bool), 1.0, np.nan)).add_prefix("note_")
    frame = make_rows(300).loc[:, RFM].join(others)
    rows, _ = read_body(write(frame), kind, bundle)
    assert len(rows) == 300
    assert list(rows.columns) == RFM


def test_what_is_unknown_or_infinite_is_null(served, monkeypatch):
    def strange(*_args, **_kwargs):
        return {"customer_id": ["é\ud800"], "p_alive": np.array([np.inf]), "value_tier": np.array([None])}

    monkeypatch.setattr("patron.tracking.served.score_columns", strange)
    [row] = json.loads(served.answer(make_rows(1)))
    assert row["customer_id"] == "é\ud800"
    assert {value for name, value in row.items() if name != "customer_id"} == {None}
