"""Where the store is, and what is said when it cannot be used."""

import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from functools import partial
from pathlib import Path

import mlflow
import pytest

import patron.tracking.store as store_module
from patron.errors import ModelError
from patron.tracking.store import open_store, project_root, store_failures

REPOSITORY = Path(__file__).parents[3]


def test_the_environment_decides_where_the_project_is(monkeypatch, tmp_path):
    monkeypatch.setenv("PATRON_HOME", str(tmp_path))
    assert project_root() == tmp_path


def test_a_checkout_is_its_own_project(monkeypatch):
    monkeypatch.delenv("PATRON_HOME")
    assert project_root() == REPOSITORY


@pytest.fixture
def installed(monkeypatch, tmp_path):
    """As if the package lay in site-packages and not in a checkout; a home of its own."""
    monkeypatch.delenv("PATRON_HOME")
    monkeypatch.setattr(store_module, "__file__", str(tmp_path / "lib/python/site-packages/patron/store.py"))
    monkeypatch.setenv("HOME", str(tmp_path / "me"))
    return tmp_path


def test_an_installed_patron_looks_for_the_nearest_patron_toml(installed, monkeypatch):
    (installed / "shop" / "nightly" / "logs").mkdir(parents=True)
    (installed / "shop" / "patron.toml").touch()
    monkeypatch.chdir(installed / "shop" / "nightly" / "logs")
    assert project_root() == installed / "shop"


def test_an_installed_patron_without_a_project_keeps_to_the_home_folder(installed, monkeypatch):
    monkeypatch.chdir(installed)
    assert project_root() == installed / "me" / ".patron"


def test_the_working_folder_decides_nothing(store, monkeypatch, tmp_path):
    root = Path(store.uri.removeprefix("sqlite:///")).parents[1]
    monkeypatch.chdir(tmp_path)
    assert open_store(root) == store
    with mlflow.start_run(experiment_id=store.experiment_id):
        mlflow.log_text("found", "note.txt")
    assert list(tmp_path.iterdir()) == []
    assert list((root / "mlruns" / "artifacts").rglob("note.txt"))


def test_database_and_artifacts_lie_together(store):
    database = Path(store.uri.removeprefix("sqlite:///"))
    assert database.is_file()
    assert database.parts[-2:] == ("mlruns", "mlflow.db")
    experiment = store.client().get_experiment(store.experiment_id)
    assert experiment.name == "patron"
    assert experiment.artifact_location == str(database.parent / "artifacts")


def test_runs_and_registry_are_one_store(store):
    open_store(Path(store.uri.removeprefix("sqlite:///")).parents[1])
    assert mlflow.get_registry_uri() == mlflow.get_tracking_uri() == store.uri


def test_mlflow_tracking_uri_decides_before_all(store, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", store.uri)
    assert open_store() == store


def test_opening_a_store_leaves_no_wish_behind_in_the_environment(store, monkeypatch, tmp_path):
    open_store(Path(store.uri.removeprefix("sqlite:///")).parents[1])
    assert not {"MLFLOW_TRACKING_URI", "MLFLOW_REGISTRY_URI"} & set(os.environ)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", store.uri)
    open_store(Path(store.uri.removeprefix("sqlite:///")).parents[1])
    assert os.environ["MLFLOW_TRACKING_URI"] == store.uri


def test_a_folder_that_is_given_decides_before_the_environment(store, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "sqlite:////nowhere/mlflow.db")
    assert open_store(Path(store.uri.removeprefix("sqlite:///")).parents[1]) == store


def test_a_path_may_hold_blanks_and_any_script(store):
    assert "my shop 100% فروشگاه" in store.uri
    with mlflow.start_run(experiment_id=store.experiment_id) as run:
        mlflow.log_text("found", "note.txt")
    assert mlflow.artifacts.load_text(f"{run.info.artifact_uri}/note.txt") == "found"


def test_the_command_for_the_browser_names_the_store(store):
    assert store.ui_command == f"mlflow ui --backend-store-uri '{store.uri}'"


def test_a_deleted_experiment_is_not_revived_in_silence(store):
    root = Path(store.uri.removeprefix("sqlite:///")).parents[1]
    other = open_store(root, experiment="abandoned")
    other.client().delete_experiment(other.experiment_id)
    with pytest.raises(
        ModelError, match=f"'abandoned' was deleted. .* --experiment-id {other.experiment_id}'"
    ):
        open_store(root, experiment="abandoned")


def test_a_locked_store_is_told_in_one_sentence(store, monkeypatch, tmp_path):
    (tmp_path / "mlruns").mkdir()
    database = shutil.copy(store.uri.removeprefix("sqlite:///"), tmp_path / "mlruns" / "mlflow.db")
    monkeypatch.setattr(
        "sqlite3.dbapi2.connect", partial(sqlite3.connect, timeout=0.05)
    )  # seconds of patience
    monkeypatch.setattr("mlflow.store.db.utils.MAX_RETRY_COUNT", 1)
    with closing(sqlite3.connect(database, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(ModelError, match="is locked by another job"):
            open_store(tmp_path)


def test_a_file_that_is_no_database_is_told(monkeypatch, tmp_path):
    (tmp_path / "mlflow.db").write_text("not a database " * 100)
    monkeypatch.setattr("mlflow.store.db.utils.MAX_RETRY_COUNT", 1)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")
    with pytest.raises(ModelError, match=r"mlflow\.db is not a database, or is damaged"):
        open_store()


def test_a_server_that_does_not_answer_is_told(monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with pytest.raises(ModelError, match="cannot be reached"):
        open_store()


def test_a_folder_that_may_not_be_made_is_told(monkeypatch, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(ModelError, match=r"mlruns/mlflow\.db failed: .*Not a directory"):
        open_store(tmp_path / "file")


def test_a_password_is_not_repeated():
    with pytest.raises(ModelError) as told, store_failures("postgresql://me:secret@db/mlflow"):
        raise OSError("Connection refused")
    assert "postgresql://…@db/mlflow cannot be reached" in str(told.value)
    assert "secret" not in str(told.value)


def test_our_own_errors_pass_through_unchanged():
    with pytest.raises(ModelError, match=r"^mine$"), store_failures("sqlite:///x"):
        raise ModelError("mine")


NIGHTLY_JOB = """
import sys
from patron.tracking.store import open_store
from patron.tracking.runs import start_training_run

with start_training_run(open_store(sys.argv[1])) as run:
    run.log_metrics({"auc": 0.8})

from mlflow.telemetry.client import get_telemetry_client
assert get_telemetry_client() is None
"""


def test_mlflow_reports_to_nobody_and_prints_nothing(tmp_path):
    ours = {name: value for name, value in os.environ.items() if not name.startswith(("MLFLOW", "PYTEST"))}
    done = subprocess.run(
        [sys.executable, "-c", NIGHTLY_JOB, str(tmp_path)],
        env=ours | {"CI": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_importing_the_room_is_instant():
    code = "import sys, patron.tracking; print('mlflow' in sys.modules, 'pandas' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False False"
