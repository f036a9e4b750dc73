"""`patron serve` and the commands of the registry: what cannot be done is one sentence and exit code 2."""

import json
import socket
import sys

import pandas as pd
import pytest

from patron.cli import main


@pytest.fixture(autouse=True)
def nothing_registered(monkeypatch, tmp_path):
    """A store of this test's own, in which there is no model."""
    monkeypatch.setenv("PATRON_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def run(capsys):
    """Run a command → exit code, stdout, stderr."""

    def run(*arguments):
        with pytest.raises(SystemExit) as left:
            main([str(argument) for argument in arguments])
        told = capsys.readouterr()
        return int(left.value.code or 0), told.out, told.err

    return run


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["serve"], "no model 'patron' is registered yet"),
        (["serve", "--model", "nowhere"], "There is no model 'nowhere'"),
        (["serve", "--port", "70000"], "serve.port should be less than or equal to 65535"),
        (["serve", "--workers", "0"], "serve.workers should be greater than or equal to 1"),
        (["serve", "--host", "no such host"], "Cannot listen on no such host, port 5001"),
        (["promote", "7"], "There is no model 'models:/patron/7'"),
        (["promote", "first"], "Invalid value for 'VERSION'"),
        (["rollback"], "There is no model 'models:/patron@champion'"),
        (["export", "models:/patron@champion", "there"], "There is no model 'models:/patron@champion'"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(run, tmp_path, arguments, told):
    code, out, err = run(*arguments)
    assert (code, out) == (2, "")
    assert told in err
    assert "Traceback" not in err
    assert not (tmp_path / "there").exists()


def test_a_port_that_is_taken_is_told_before_anything_is_loaded(run):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        code, _, err = run("serve", "--port", taken.getsockname()[1])
    assert code == 2
    assert "Cannot listen on 127.0.0.1, port" in err


def test_more_than_one_worker_needs_the_extra_and_says_so(run, monkeypatch):
    monkeypatch.delitem(sys.modules, "uvloop", raising=False)
    monkeypatch.setattr("patron.tracking.server.find_spec", lambda name: None)
    code, _, err = run("serve", "--workers", "2")
    assert code == 2
    assert "pip install 'patron[serve]'" in err


def test_an_address_that_others_reach_is_announced(run):
    code, _, err = run("serve", "--host", "0.0.0.0", "--port", "0")
    assert code == 2
    assert "Note: 0.0.0.0 can be reached from other machines" in err


def test_an_empty_registry_is_no_failure(run):
    code, out, _ = run("models")
    assert (code, out.startswith("No model is registered yet in sqlite:")) == (0, True)
    code, out, _ = run("models", "--json")
    assert (code, json.loads(out)["versions"]) == (0, [])


@pytest.mark.parametrize("written", ["a: 'cut short", "[]", "flavors: {}", "flavors: {python_function: 7}"])
def test_a_folder_whose_description_is_spoiled_is_told(run, tmp_path, written):
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "MLmodel").write_text(written)
    code, out, err = run("serve", "--model", "model", "--port", 0)
    assert (code, out) == (1, "")
    assert err == "patron: The folder 'model' holds no model that MLflow loads.\n"
    assert pd.get_option("mode.string_storage") == "auto"  # only a process that serves is set up for it
