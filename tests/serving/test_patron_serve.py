"""`patron serve` over the wire: every request is answered, or refused with status 400 and one sentence."""

import gzip
import io
import json
import os
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.client import HTTPConnection
from types import SimpleNamespace

import pandas as pd
import pytest

from small_model import make_rows

SECRET = "Anna-Maria-4711"
ROW = {"customer_id": SECRET, "frequency": 2, "recency": 30, "T": 90, "monetary_value": 9.5}
HEAD, ROW_OF_TEXT = ",".join(ROW), ",".join(map(str, ROW.values()))
JSON = "application/json"
PATIENCE = 180  # seconds for the server to come up on a busy machine


@contextmanager
def serving(folder, log, *flags):
    """A running `patron serve` of the model in a folder: its process and its port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "patron", "serve", "--model", str(folder), "--port", str(port)]
    with log.open("w") as out:
        process = subprocess.Popen([*command, *flags], stdout=out, stderr=out)
        try:
            _wait(process, port, log)
            yield SimpleNamespace(process=process, port=port)
        finally:
            process.terminate()
            process.wait(60)


def _wait(process, port, log):
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end and process.poll() is None:
        try:
            return ask(port, "GET", "/ping")
        except OSError:
            time.sleep(0.2)
    raise AssertionError(log.read_text())


def ask(port, method, path, body=None, headers=None):
    """One request on a connection of its own: status, content type and text of the answer."""
    connection = HTTPConnection("127.0.0.1", port, timeout=120)
    try:
        connection.request(method, path, body, headers or {})
        answer = connection.getresponse()
        return SimpleNamespace(
            status=answer.status, kind=answer.headers.get("content-type"), text=answer.read().decode()
        )
    finally:
        connection.close()


@pytest.fixture(scope="module")
def log(tmp_path_factory):
    return tmp_path_factory.mktemp("serve") / "log.txt"


@pytest.fixture(scope="module")
def server(folder, log):
    with serving(folder, log) as server:
        yield server


@pytest.fixture(scope="module")
def post(server):
    """(body, content type) → the answer of /invocations."""

    def post(body, kind=JSON):
        sent = body if isinstance(body, bytes) else json.dumps(body).encode()
        return ask(server.port, "POST", "/invocations", sent, {} if kind is None else {"Content-Type": kind})

    return post


def rows_of(answer):
    def refuse(constant):
        raise ValueError(f"{constant} is no JSON")

    assert (answer.status, answer.kind) == (200, JSON), answer.text
    return json.loads(answer.text, parse_constant=refuse)["predictions"]


def sentence_of(answer):
    """The sentence of an answer that is a proper refusal."""
    assert (answer.status, answer.kind) == (400, JSON), answer.text
    said = json.loads(answer.text)
    assert said["error_code"] == "INVALID_PARAMETER_VALUE"
    assert set(said) <= {"error_code", "message", "sqlstate", "error_class"}  # no stack trace
    assert SECRET not in answer.text
    assert "\n" not in said["message"]
    assert len(said["message"]) < 400
    return said["message"]


def records(*rows, **params):
    return {"dataframe_records": list(rows)} | ({"params": params} if params else {})


def feature_row(**changed):
    row = make_rows(1, seed=7).astype(object).where(lambda rows: rows.notna(), None).iloc[0].to_dict()
    return row | {"as_of": "2024-06-30", "customer_id": SECRET} | changed


def without(name):
    return {key: value for key, value in ROW.items() if key != name}


def parquet(frame):
    written = io.BytesIO()
    frame.to_parquet(written)
    return written.getvalue()


def test_mlflow_answers_for_its_health_and_version(server):
    assert [ask(server.port, "GET", path).status for path in ("/ping", "/health", "/version")] == [200] * 3
    assert [ask(server.port, *what).status for what in (("GET", "/invocations"), ("GET", "/no"))] == [
        405,
        404,
    ]


def test_the_purchase_columns_and_the_feature_row_are_answered(post):
    [few] = rows_of(post(records(ROW)))
    assert few["not_scored_reason"].startswith("only frequency, recency, T and monetary_value were given")
    [full] = rows_of(post(records(feature_row(), reasons=True)))
    assert full["not_scored_reason"] is None
    assert full["reason_1"].endswith("risk)")
    assert 0 < full["churn_probability"] < 1


def test_every_shape_says_the_same(post):
    frame = make_rows(20, seed=3).round(3).assign(as_of="2024-06-30")
    plain = json.loads(frame.to_json(orient="split", index=False))
    as_records = [dict(zip(plain["columns"], row, strict=True)) for row in plain["data"]]
    ragged = [{key: value for key, value in row.items() if value is not None} for row in as_records]
    answers = [
        post({"dataframe_split": plain}),
        post({"dataframe_records": as_records}),
        post({"dataframe_records": ragged}),
        post({"instances": as_records}),
        post({"inputs": as_records}),
        post({"inputs": {name: [row[name] for row in as_records] for name in plain["columns"]}}),
        post(frame.to_csv(index=False).encode(), "text/csv; charset=utf-8"),
        post(parquet(frame), "application/vnd.apache.parquet"),
    ]
    first, *others = ([row | {"scored_at": None} for row in rows_of(answer)] for answer in answers)
    assert [row["customer_id"] for row in first] == frame["customer_id"].tolist()
    assert all(other == first for other in others)


def test_ids_keep_their_order_and_their_kind(post):
    ids = ["b", "a", "c", "a", 7, 2**60, "007", "\ud800"]
    assert [
        row["customer_id"] for row in rows_of(post(records(*(ROW | {"customer_id": i} for i in ids))))
    ] == ids


@pytest.mark.parametrize(
    ("row", "rule"),
    [
        *((without(name), f"lacks the column '{name}'") for name in ROW),
        (ROW | {"frequency": 1.5}, "In row 1, frequency must be a whole number"),
        (ROW | {"recency": 91}, "In row 1, recency must lie between 0 and T"),
        (ROW | {"T": -5, "recency": 0, "frequency": 0}, "In row 1, T must lie between 0 and 36525 days"),
        (ROW | {"recency": float("nan")}, "In row 1, recency must be a finite number"),
        (ROW | {"T": float("inf")}, "'T' must hold numbers between"),
        (ROW | {"monetary_value": "9.5"}, "The column 'monetary_value' must hold numbers."),
        (ROW | {"monetary_value": SECRET}, "The column 'monetary_value' must hold numbers."),
        (ROW | {"monetary_value": True}, "The column 'monetary_value' must hold numbers."),
        (ROW | {"monetary_value": [9.5]}, "The column 'monetary_value' must hold numbers."),
        (ROW | {"monetary_value": {"a": 1}}, "The column 'monetary_value' must hold numbers."),
        (ROW | {"T": 10**12}, "In row 1, T must lie between 0 and 36525 days"),
        (ROW | {"T": 10**400}, "The column 'T' must hold numbers."),
        (ROW | {"frequency": None}, "In row 1, frequency must be a finite number"),
        (ROW | {"customer_id": None}, "'customer_id' must not be null"),
        (ROW | {"customer_id": 7.5}, "'customer_id' must hold texts or whole numbers"),
        (ROW | {"customer_id": True}, "'customer_id' must hold texts or whole numbers"),
        (ROW | {"customer_id": [SECRET]}, "'customer_id' must hold texts or whole numbers"),
        (ROW | {"as_of": SECRET}, "'as_of' must hold dates such as 2024-12-31"),
        (ROW | {"as_of": 20240630}, "'as_of' must hold dates such as 2024-12-31"),
        (feature_row(orders_90d="many"), "The column 'orders_90d' must hold numbers."),
        (feature_row(orders_90d=float("inf")), "'orders_90d' must hold numbers between"),
        *(
            (ROW | {"as_of": text}, "'as_of' must hold dates such as 2024-12-31")
            for text in ("today", "nan", "", "2024", "2024-06")
        ),
        *(
            (feature_row(attribute_plan=plan), "The column 'attribute_plan' must hold texts.")
            for plan in (["gold"], 7, True)
        ),
        (ROW | {"orders_90d": 1}, "lacks 7 of the 12 features of this model"),
    ],
)
def test_a_row_that_breaks_a_rule_is_told_the_column_and_the_rule(post, row, rule):
    assert rule in sentence_of(post(records(row)))


def test_the_row_is_told_by_its_position(post):
    assert sentence_of(post(records(ROW, ROW, ROW | {"recency": 91}))).startswith("In row 3, recency")


@pytest.mark.parametrize(
    ("params", "sentence"),
    [
        ({"horizon": 30}, "The request sets horizon; it may set horizon_days"),
        ({SECRET: 30}, "The request sets an invalid name; it may set horizon_days"),
        ({"horizon_days": 0}, "horizon_days must be a whole number of days from 1 to 36525"),
        ({"horizon_days": 30.5}, "horizon_days must be a whole number of days from 1 to 36525"),
        ({"horizon_days": 10**12}, "horizon_days must be a whole number of days from 1 to 36525"),
        ({"horizon_days": 10**400}, "The parameter horizon_days must be a number below 1e+15."),
        ({"horizon_days": "ninety"}, "The parameter horizon_days must be a number."),
        ({"horizon_days": True}, "The parameter horizon_days must be a number."),
        ({"value_horizon_days": -1}, "value_horizon_days must be a whole number of days"),
        ({"annual_discount_rate": 10}, "annual_discount_rate must lie in [0, 1]"),
        ({"annual_discount_rate": float("nan")}, "annual_discount_rate must lie in [0, 1]"),
        ({"reasons": "yes"}, "The parameter reasons must be true or false."),
    ],
)
def test_a_wrong_parameter_is_refused(post, params, sentence):
    assert sentence in sentence_of(post(records(ROW, **params)))


def test_parameters_that_are_no_object_are_refused(post):
    for params in ([30], "reasons", 7):
        assert "params must be an object" in sentence_of(post({"dataframe_records": [ROW], "params": params}))
    assert rows_of(post({"dataframe_records": [ROW], "params": None}))


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b"", "The body is not valid JSON"),
        (
            b"not JSON " + SECRET.encode(),
            "The body is not valid JSON: it ends early or has an error at line 1, column 1.",
        ),
        (b'{"dataframe_records": [{"customer_id": "' + SECRET.encode(), "The body is not valid JSON"),
        (b"\xff\xfe" + SECRET.encode("utf-16-le"), "The body is not valid JSON"),
        (b"[" * 100_000, "The JSON body is nested too deeply"),
        (
            b'{"dataframe_records": [{"T": ' + b"9" * 5000 + b"}]}",
            "The JSON body is nested too deeply",
        ),
        ([ROW], "The body must be an object with one of dataframe_records"),
        (7, "The body must be an object with one of dataframe_records"),
        ({}, "The body must be an object with one of dataframe_records"),
        ({"rows": [ROW]}, "The body must be an object with one of dataframe_records"),
        (ROW, "The body must be an object with one of dataframe_records"),
        (records(ROW) | {"horizon_days": 30}, "and nothing else"),
        (records(ROW) | {"inputs": [ROW]}, "The body must be an object with one of"),
        ({"messages": [{"role": "user", "content": SECRET}]}, "The body must be an object with one of"),
        (records(), "The request has no rows: give at least one, with customer_id, frequency"),
        (records({}), "The request lacks the column 'customer_id'"),
        ({"dataframe_records": ROW}, "dataframe_records must be a list of objects"),
        ({"dataframe_records": [[1, 2]]}, "dataframe_records must be a list of objects"),
        ({"inputs": SECRET}, "inputs must be a list of objects"),
        ({"inputs": {"T": [1, 2], "recency": [1]}}, "inputs must hold for each column a list of values"),
        ({"dataframe_split": [ROW]}, "dataframe_split must be an object with columns"),
        (
            {"dataframe_split": {"columns": ["T"], "data": [[1, 2]]}},
            "In row 1, dataframe_split must hold 1 values",
        ),
        ({"dataframe_split": {"columns": ["T", "T"], "data": [[1, 2]]}}, "two columns of the same name"),
        (
            {"dataframe_split": {"columns": [["T"]], "data": [[1]]}},
            "The columns of dataframe_split must be texts",
        ),
        ({"dataframe_split": {"columns": [], "data": []}}, "The request has no rows"),
    ],
)
def test_a_body_of_another_shape_is_refused(post, body, sentence):
    assert sentence in sentence_of(post(body))


@pytest.mark.parametrize(
    ("kind", "body", "sentence"),
    [
        (None, json.dumps(records(ROW)).encode(), "The request has no Content-Type"),
        ("text/plain", json.dumps(records(ROW)).encode(), "The request has an unknown Content-Type"),
        (f"{JSON}; charset=latin-1", json.dumps(records(ROW)).encode(), "The body must be UTF-8"),
        ("text/csv", b"", "The body is not valid CSV"),
        ("text/csv", b'T,recency\n1,"2\n', "The body is not valid CSV"),
        ("text/csv", b"T,recency\n1,2,3\n4,5,6,7\n", "The body is not valid CSV"),
        ("text/csv", f"{HEAD}\n1,{SECRET},2,30,90,9.5\n".encode(), "as many values in each row"),
        ("text/csv", f"{HEAD}\n{ROW_OF_TEXT}\n{SECRET},2,30\n".encode(), "as many values in each row"),
        ("text/csv", f"{HEAD},T\n{ROW_OF_TEXT},91\n".encode(), "two columns of the same name"),
        ("text/csv", f"{HEAD}\n".encode(), "The request has no rows"),
        ("text/csv", HEAD.replace(",", ";").encode() + b"\n1;2\n", "lacks the column 'customer_id'"),
        ("text/csv", SECRET.encode("utf-16"), "The body is not valid CSV"),
        ("text/csv", f"customer_id,T\n{SECRET},x\n".encode(), "The request lacks the column 'frequency'"),
        ("application/vnd.apache.parquet", b"PAR1" + SECRET.encode(), "The body is not a Parquet file"),
        (
            "application/vnd.apache.parquet",
            parquet(pd.DataFrame([ROW]))[:-20],
            "The body is not a Parquet file",
        ),
    ],
)
def test_another_kind_of_content_is_refused(post, kind, body, sentence):
    assert sentence in sentence_of(post(body, kind))


def test_a_body_that_is_compressed_is_refused(server):
    headers = {"Content-Type": JSON, "Content-Encoding": "gzip"}
    body = gzip.compress(json.dumps(records(ROW)).encode())
    assert "The body is compressed" in sentence_of(ask(server.port, "POST", "/invocations", body, headers))


def test_a_million_rows_are_told_where_they_belong(post):
    row = json.dumps(ROW)
    too_large = b'{"dataframe_records": [' + b",".join([row.encode()] * 1_000_000) + b"]}"
    assert len(too_large) > 64_000_000
    assert "The body is larger than 64,000,000 bytes" in sentence_of(post(too_large))
    million = pd.DataFrame({name: [value] * 1_000_000 for name, value in ROW.items()})
    told = sentence_of(post(parquet(million), "application/vnd.apache.parquet"))
    assert told.startswith("The request has 1,000,000 rows; at most 100,000 are allowed")


def test_ten_thousand_rows_are_answered(post):
    frame = make_rows(10_000, seed=1).drop(columns="as_of")
    body = {
        "dataframe_split": json.loads(frame.to_json(orient="split", index=False)),
        "params": {"reasons": False},
    }
    assert [row["customer_id"] for row in rows_of(post(body))] == frame["customer_id"].tolist()


def test_many_clients_at_once_get_the_answers_of_one_after_the_other(post):
    bodies = [records(feature_row(customer_id=f"customer {n}", orders_90d=n % 7)) for n in range(64)]
    alone = [rows_of(post(body))[0] | {"scored_at": None} for body in bodies]
    with ThreadPoolExecutor(8) as clients:
        together = [rows_of(answer)[0] | {"scored_at": None} for answer in clients.map(post, bodies)]
    assert together == alone


def test_a_client_that_hangs_up_disturbs_nobody(server, post):
    with socket.create_connection(("127.0.0.1", server.port)) as client:
        client.sendall(b"POST /invocations HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{")
    assert rows_of(post(records(ROW)))


def test_the_log_holds_nothing_of_the_customers(log, post):
    sentence_of(post(records(ROW | {"recency": 91})))
    assert SECRET not in log.read_text()
    assert "Traceback" not in log.read_text()


def test_it_listens_on_this_machine_alone(server, log):
    assert f"http://127.0.0.1:{server.port}" in log.read_text()


def test_two_workers_share_the_port_and_stop_when_told(folder, tmp_path):
    pytest.importorskip("uvloop")
    with serving(folder, tmp_path / "log.txt", "--workers", "2") as server:
        headers = {"Content-Type": JSON}
        asked = [
            ask(server.port, "POST", "/invocations", json.dumps(records(ROW)), headers) for _ in range(8)
        ]
        assert [len(rows_of(answer)) for answer in asked] == [1] * 8
        os.kill(server.process.pid, signal.SIGTERM)
        server.process.wait(60)
        with pytest.raises(OSError, match="refused"):
            ask(server.port, "GET", "/ping")
