"""`mlflow models serve`, as anyone would start it, answering over the wire."""

import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

import pytest

SECRET = "Anna-Maria-4711"
ROW = {"customer_id": SECRET, "frequency": 2, "recency": 30, "T": 90, "monetary_value": 9.5}
PATIENCE = 120  # seconds for the server to come up on a busy machine


@pytest.fixture(scope="module")
def server(folder, tmp_path_factory):
    """The address of a running server."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [Path(sys.executable).with_name("mlflow"), "models", "serve", "--env-manager", "local"]
    command += ["--model-uri", folder, "--host", "127.0.0.1", "--port", str(port)]
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    quiet = {"MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false", "MLFLOW_DISABLE_TELEMETRY": "true", "PATH": path}
    with (tmp_path_factory.mktemp("server") / "log.txt").open("w+") as log:
        process = subprocess.Popen(
            command, env=os.environ | quiet, stdout=log, stderr=log, start_new_session=True
        )
        try:
            _wait(process, f"http://127.0.0.1:{port}/ping", log)
            yield f"http://127.0.0.1:{port}"
        finally:
            os.killpg(process.pid, 15)
            process.wait(30)


def _wait(process, ping, log):
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end and process.poll() is None:
        try:
            return urlopen(ping, timeout=1).close()
        except (URLError, OSError):
            time.sleep(0.2)
    log.seek(0)
    raise AssertionError(log.read())


def post(server, body):
    request = Request(
        f"{server}/invocations", json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    try:
        with urlopen(request, timeout=60) as answer:
            return answer.status, json.load(answer)
    except HTTPError as refused:
        return refused.code, json.load(refused)


def test_a_customer_is_scored_over_the_wire(server):
    status, answer = post(server, {"dataframe_records": [ROW], "params": {"horizon_days": 30}})
    [row] = answer["predictions"]
    assert (status, row["customer_id"], row["horizon_days"]) == (200, SECRET, 30)
    assert 0 < row["churn_probability"] < 1


def test_a_wrong_customer_is_refused_in_one_sentence_over_the_wire(server):
    status, answer = post(server, {"dataframe_records": [ROW | {"recency": 91}]})
    assert status == 400
    assert answer["message"].startswith("In row 1, recency must lie between 0 and T")
    assert SECRET not in json.dumps(answer)
