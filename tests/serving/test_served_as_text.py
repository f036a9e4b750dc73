"""The scoring server writes its answer from arrays; what it says is what the model says in a frame."""

import json

import numpy as np
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


def test_what_is_unknown_or_infinite_is_null(served, monkeypatch):
    def strange(*_args, **_kwargs):
        return {"customer_id": ["é\ud800"], "p_alive": np.array([np.inf]), "value_tier": np.array([None])}

    monkeypatch.setattr("patron.tracking.served.score_columns", strange)
    [row] = json.loads(served.answer(make_rows(1)))
    assert row["customer_id"] == "é\ud800"
    assert {value for name, value in row.items() if name != "customer_id"} == {None}
