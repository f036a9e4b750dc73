"""A team's MLflow server with a database and an artifact proxy: the same commands, named by
MLFLOW_TRACKING_URI alone."""

import json
import sys
from http.client import HTTPConnection

import pandas as pd
import pytest

from mlflow_server import free_port, mlflow_server, running
from patron.cli import main
from patron.datasets.simulate import simulate
from patron.models.bundle.bundle import MOST_BYTES
from patron.tracking.store import open_store

ROW = {"customer_id": 7, "frequency": 2, "recency": 30, "T": 90, "monetary_value": 9.5}
PATRON_TOML = """
inference = "map"
horizon_days = 45
[tables]
transactions = "sales.parquet"
[train]
max_snapshots = 3
promote = true
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The folder of a small business, from which all commands are run."""
    folder = tmp_path_factory.mktemp("team")
    simulate(n_customers=160, days=330, seed=2).transactions.to_parquet(folder / "sales.parquet")
    (folder / "patron.toml").write_text(PATRON_TOML)
    return folder


@pytest.fixture(scope="module")
def server(folder):
    """The address of the team's server, by which every command of this file finds its models."""
    files = folder / "server"
    with (
        mlflow_server(files, "server", "--artifacts-destination", str(files / "artifacts")) as address,
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setenv("MLFLOW_TRACKING_URI", address)
        patch.setenv("PATRON_HOME", str(folder / "home"))
        patch.chdir(folder)
        yield address


@pytest.fixture
def run(server, capsys):
    """Run a command → what it prints with --json, or how it is told that it fails."""

    def run(*arguments, fails=False):
        with pytest.raises(SystemExit) as left:
            main([*map(str, arguments)])
        told = capsys.readouterr()
        assert bool(left.value.code) == fails, told.err
        return told.err if fails else json.loads(told.out)

    return run


@pytest.fixture(scope="module")
def trained(server, folder):
    """The first version, trained by the command."""
    with pytest.raises(SystemExit) as left:
        main(["train", "--settings", "patron.toml", "--json"])
    assert not left.value.code


def test_a_version_is_trained_and_registered_on_the_server(trained, run, server, folder):
    [version] = run("models", "--json")["versions"]
    assert (version["model_uri"], version["aliases"]) == ("models:/patron/1", ["champion"])
    client = open_store().client()
    parent = client.get_run(version["run_id"])
    assert parent.info.artifact_uri.startswith("mlflow-artifacts:/")
    kept = {file.path for file in client.list_artifacts(parent.info.run_id)}
    assert {"data_report.json", "figures"} <= kept
    assert len(client.search_runs([parent.info.experiment_id])) > 1  # a run for each part


def test_nothing_of_it_lies_beside_the_project(trained, folder):
    assert not (folder / "home").exists()
    assert not (folder / "mlruns").exists()
    assert not (folder / "mlartifacts").exists()
    models = [file for file in (folder / "server" / "artifacts").rglob("*") if file.is_file()]
    assert any(file.name == "MLmodel" for file in models)
    assert sum(file.stat().st_size for file in models if "bundle" in file.parts) < MOST_BYTES


def test_customers_are_scored_by_the_champion_of_the_server(trained, run, folder):
    run("score", "--settings", "patron.toml", "--out", "scores.parquet", "--json")
    scores = pd.read_parquet(folder / "scores.parquet")
    assert len(scores) == 160
    assert set(scores["model_version"]) == {"1"}


def test_the_champion_of_the_server_is_served(trained, folder):
    port = free_port()
    command = [sys.executable, "-m", "patron", "serve", "--port", str(port)]
    with running(command, "/ping", port, folder / "serve.txt"):
        connection = HTTPConnection("127.0.0.1", port, timeout=120)
        body = json.dumps({"dataframe_records": [ROW]})
        connection.request("POST", "/invocations", body, {"Content-Type": "application/json"})
        answer = json.load(connection.getresponse())
        connection.close()
    [row] = answer["predictions"]
    assert (row["customer_id"], row["model_version"]) == (7, "1")


def test_a_model_is_handed_over_from_the_server(trained, run, folder):
    run("export", "models:/patron@champion", "handed over", "--json")
    assert (folder / "handed over" / "MLmodel").is_file()


def test_a_version_that_was_deleted_is_told_with_those_that_there_are(trained, run, folder):
    """The last test: it takes the version away. What was scored before stays."""
    before = (folder / "scores.parquet").read_bytes() if (folder / "scores.parquet").exists() else b""
    client = open_store().client()
    first = client.get_model_version("patron", "1")
    second = client.create_model_version("patron", first.source, model_id=first.source.split("/")[-1])
    client.set_registered_model_alias("patron", "champion", second.version)
    client.delete_model_version("patron", "1")
    for command in (["score", "--settings", "patron.toml", "--out", "scores.parquet"], ["serve"]):
        told = run(*command, "--model", "models:/patron/1", fails=True)
        assert "There is no model 'models:/patron/1': 'patron' has the versions 2" in told
        assert "the aliases champion" in told
    client.delete_registered_model_alias("patron", "champion")
    told = run("score", "--settings", "patron.toml", "--out", "scores.parquet", fails=True)
    assert "There is no model 'models:/patron@champion': 'patron' has the versions 2" in told
    assert "the aliases none" in told
    assert before in (b"", (folder / "scores.parquet").read_bytes())
