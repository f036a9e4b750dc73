"""Where the store of models cannot be used: one sentence, exit code 1, and what was there before stays."""

import shutil
import sqlite3
from contextlib import closing
from functools import partial

import pytest

from patron.cli import main
from patron.tracking.store import open_store

CLOSED_PORT = "http://127.0.0.1:9"
COMMANDS = {
    "models": ["models"],
    "promote": ["promote", "1"],
    "serve": ["serve", "--port", "0"],
    "train": ["train", "--transactions", "sales.csv", "--inference", "map", "--horizon", "30"],
    "score": ["score", "--transactions", "sales.csv", "--out", "scores.csv"],
    "export": ["export", "models:/patron@champion", "there"],
}


@pytest.fixture(autouse=True)
def folder(monkeypatch, tmp_path):
    """A folder with sales, and with the scores of yesterday."""
    days = [f"2024-0{month}-{day:02}" for month in (1, 2, 3) for day in range(1, 29)]
    lines = [f"{number % 40},{day},{10 + number % 7}" for number, day in enumerate(days * 8)]
    (tmp_path / "sales.csv").write_text("customer_id,order_at,amount\n" + "\n".join(lines))
    (tmp_path / "scores.csv").write_text("of yesterday")
    monkeypatch.setenv("PATRON_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def run(capsys):
    """Run a command → exit code and what it says of its failure."""

    def run(command):
        with pytest.raises(SystemExit) as left:
            main(COMMANDS[command])
        told = capsys.readouterr()
        assert "Traceback" not in told.err
        [sentence] = [line for line in told.err.splitlines() if line.startswith("patron: ")]
        return int(left.value.code or 0), sentence

    return run


def check_nothing_changed(folder):
    assert (folder / "scores.csv").read_text() == "of yesterday"
    assert {path.name for path in folder.iterdir()} <= {"sales.csv", "scores.csv", "home"}


@pytest.mark.parametrize("command", COMMANDS)
def test_a_server_that_cannot_be_reached_is_told(command, run, folder, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", CLOSED_PORT)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    code, sentence = run(command)
    assert code == 1
    assert f"The MLflow store {CLOSED_PORT} cannot be reached." in sentence
    check_nothing_changed(folder)


def test_a_server_that_cannot_be_reached_is_told_within_seconds(run, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", CLOSED_PORT)
    slept = []
    monkeypatch.setattr("time.sleep", slept.append)  # between two tries
    assert run("models")[0] == 1
    assert sum(slept) < 30  # MLflow's own retries take four minutes


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """The database of a store, to be copied: making its tables takes seconds."""
    home = tmp_path_factory.mktemp("store")
    open_store(home)
    return home / "mlruns" / "mlflow.db"


@pytest.mark.parametrize("command", COMMANDS)
def test_a_store_that_another_job_holds_is_told(command, run, folder, store, monkeypatch):
    (folder / "home" / "mlruns").mkdir(parents=True)
    database = shutil.copy(store, folder / "home" / "mlruns" / "mlflow.db")
    monkeypatch.setattr("sqlite3.dbapi2.connect", partial(sqlite3.connect, timeout=0.05))
    monkeypatch.setattr("mlflow.store.db.utils.MAX_RETRY_COUNT", 1)  # not the seconds that it has patience
    with closing(sqlite3.connect(database, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        code, sentence = run(command)
    assert code == 1
    assert "mlflow.db is locked by another job. Try again when that job has ended." in sentence
    check_nothing_changed(folder)
