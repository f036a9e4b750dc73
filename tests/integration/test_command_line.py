"""The command line says everything in a sentence, keeps stdout clean, and writes nothing when it fails."""

import json
import signal
import subprocess
import sys
from datetime import date

import pandas as pd
import pytest

from patron.cli import main
from patron.datasets.simulate import simulate
from patron.training.leak_test import LeakReport

COMMANDS = ["check", "features", "train", "score", "backtest"]


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """The tables of a small business as files, and a folder for MLflow."""
    folder = tmp_path_factory.mktemp("shop")
    business = simulate(n_customers=250, days=420, seed=2)
    business.transactions.to_csv(folder / "sales.csv", index=False)
    business.engagement.to_parquet(folder / "events.parquet")
    business.customers.to_parquet(folder / "customers.parquet")
    return folder


@pytest.fixture(autouse=True)
def elsewhere(monkeypatch, tmp_path, tmp_path_factory):
    """Every test in a folder of its own; MLflow's is shared."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    return tmp_path


@pytest.fixture
def run(capsys):
    """Run a command → exit code, stdout, stderr."""

    def run(*arguments: object) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as left:
            main([str(argument) for argument in arguments])
        told = capsys.readouterr()
        return int(left.value.code or 0), told.out, told.err

    return run


def sentence(err: str) -> str:
    """The one sentence in which a failure is told, after the steps that were done before it."""
    (told,) = [line for line in err.splitlines() if line.startswith("patron: ")]
    assert "Traceback" not in err
    return told


HEAVY = {"duckdb", "ibis", "lightgbm", "mlflow", "numpy", "pandas", "pymc", "sklearn"}


@pytest.mark.parametrize(
    ("arguments", "heavy", "words"),
    [
        (["--help"], HEAVY | {"pydantic"}, [*COMMANDS, "demo"]),
        (["score", "--help"], HEAVY, ["--prediction-log"]),
    ],
)
def test_help_loads_nothing_that_takes_long(arguments, heavy, words):
    program = f"""
import sys
from patron.cli import main
try:
    main({arguments})
finally:
    assert not {heavy} & set(sys.modules), {heavy} & set(sys.modules)
"""
    shown = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert all(word in shown.stdout for word in words)


@pytest.mark.parametrize("command", [*COMMANDS, "demo"])
def test_every_command_explains_itself(run, command):
    code, out, err = run(command, "--help")
    assert (code, err) == (0, "")
    assert "--json" in out


def test_patron_alone_shows_the_commands(run):
    code, out, err = run()
    assert (code, err) == (0, "")
    assert "train" in out


def test_the_version_is_told(run):
    assert run("--version")[1].startswith("patron 0.")


def test_check_reports_in_sentences(run, shop):
    code, out, err = run(
        "check", "--transactions", shop / "sales.csv", "--customers", shop / "customers.parquet"
    )
    assert code == 0
    assert out.startswith("transactions: ")
    assert "Reading the tables" in err


def test_check_writes_the_rejected_rows_with_their_rule(run, elsewhere):
    lines = ["customer_id,order_at,amount", "7,2024-05-01,9.5", ",2024-05-01,1.0", "8,no day,1.0"]
    (elsewhere / "sales.csv").write_text("\n".join(lines))
    code, _, _ = run("check", "--transactions", "sales.csv", "--rejected", "rejected.csv")
    rejected = pd.read_csv("rejected.csv")
    assert code == 0
    assert rejected["table"].tolist() == ["transactions"] * 2
    assert sorted(rejected["rule"]) == ["customer_id is missing", "order_at is not a date"]


def test_a_leak_is_told_and_fails_the_check(run, shop, monkeypatch):
    moved = pd.DataFrame({"name": ["spend_of_all_time"], "what": ["feature"], "customers": [150]})
    for rows, expected in ((moved, 1), (moved.head(0), 0)):
        report = LeakReport(
            as_of=date(2024, 1, 31), planted=600, customers=150, features=40, scores=9, moved=rows
        )
        monkeypatch.setattr("patron.workflows.check.find_leaks", lambda *_, told=report, **__: told)
        code, out, err = run("check", "--transactions", shop / "sales.csv", "--leaks")
        assert (code, "patron: " in err) == (expected, False)
        assert ("have seen them: spend_of_all_time (150 customers)" in out) == bool(expected)


def test_features_are_written_with_the_ids_as_they_came(run, shop):
    code, out, _ = run(
        "features",
        "--transactions",
        shop / "sales.csv",
        "--as-of",
        "2024-01-31",
        "--out",
        "features.csv",
        "--json",
    )
    features = pd.read_csv("features.csv")
    assert code == 0
    assert json.loads(out)["rows"] == len(features)
    assert features["as_of"].unique().tolist() == ["2024-01-31"]
    assert features["customer_id"].is_monotonic_increasing


def test_json_is_one_object_on_stdout_and_nothing_else(run, shop):
    code, out, _ = run("check", "--transactions", shop / "sales.csv", "--json")
    assert code == 0
    assert out.count("\n") == 1
    assert json.loads(out)["transactions"]["customers"] == 250


BAD = {
    "an unknown command": (["chek"], "No such command 'chek'"),
    "an unknown flag": (["check", "--transactons", "sales.csv"], "No such option: --transactons"),
    "no transactions": (["check"], "No transactions are given"),
    "a missing file": (["check", "--transactions", "absent.csv"], "there is no file absent.csv"),
    "an empty file": (["check", "--transactions", "empty.csv"], "empty.csv is empty"),
    "a table without rows": (["check", "--transactions", "header.csv"], "it has columns but no row"),
    "a misnamed column": (["check", "--transactions", "misnamed.csv"], "lacks ['customer_id']"),
    "no parsable date": (["check", "--transactions", "undated.csv"], "order_at is not a date"),
    "amounts all zero": (["check", "--transactions", "zero.csv"], "every amount is zero"),
    "amounts all negative": (["check", "--transactions", "negative.csv"], "no amount is positive"),
    "one customer twice": (
        ["check", "--transactions", "one.csv", "--customers", "twice.csv"],
        "more than one row for 1 of its customers: 7",
    ),
    "an unreadable mapping": (["check", "--column", "customer_id"], "--column 'customer_id' cannot be read"),
    "a mistyped date": (
        ["train", "--transactions", "one.csv", "--as-of", "2024-13-01"],
        "as_of is '2024-13-01'",
    ),
    "as_of before the data": (
        ["train", "--transactions", "one.csv", "--as-of", "1999-01-01"],
        "is before the first",
    ),
    "as_of after the data": (
        ["train", "--transactions", "one.csv", "--as-of", "2999-01-01"],
        "is after the last",
    ),
    "no horizon": (
        ["train", "--transactions", "one.csv", "--horizon", "0"],
        "horizon_days should be greater than",
    ),
    "a negative horizon": (
        ["train", "--transactions", "one.csv", "--horizon", "-7"],
        "horizon_days should be",
    ),
    "a horizon in words": (
        ["train", "--transactions", "one.csv", "--horizon", "long"],
        "horizon_days: should be",
    ),
    "a margin in percent": (
        ["train", "--transactions", "one.csv", "--margin", "30"],
        "margin should be less than",
    ),
    "an unknown inference": (
        ["train", "--transactions", "one.csv", "--inference", "fast"],
        "'nuts', 'laplace'",
    ),
    "an unknown zone": (["check", "--transactions", "one.csv", "--time-zone", "Berlin"], "'Europe/Berlin'"),
    "another ending": (
        ["features", "--transactions", "one.csv", "--out", "f.xlsx"],
        "must be .parquet or .csv",
    ),
    "no settings file": (["check", "--settings", "absent.toml"], "'absent.toml' does not exist"),
    "no such sample": (
        ["demo", "--data", "grocer"],
        "demo.data: should be 'complete-journey', 'cdnow' or 'simulated'",
    ),
    "no such model": (["score", "--transactions", "one.csv", "--model", "models:/patron/999"], "no model"),
}


def test_a_horizon_beyond_the_history_leaves_the_purchase_models_and_says_so(run, elsewhere, monkeypatch):
    monkeypatch.setenv("PATRON_HOME", str(elsewhere.parent / "home"))
    lines = ["customer_id,order_at,amount", "7,2024-05-01,9.5", "7,2024-05-20,4", "8,2024-06-01,3"]
    (elsewhere / "sales.csv").write_text("\n".join(lines))
    asked = ["--horizon", "900", "--inference", "map"]
    code, out, err = run("train", "--transactions", "sales.csv", *asked)
    assert code == 0
    assert "There is no churn classifier" in err
    assert "are missing" in err
    assert "challenger" in out


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_one_sentence_with_exit_code_2_and_nothing_written(run, elsewhere, monkeypatch, case):
    monkeypatch.setenv("PATRON_HOME", str(elsewhere.parent / "home"))
    header = "customer_id,order_at,amount\n"
    tables = {
        "empty.csv": "",
        "header.csv": header,
        "misnamed.csv": "Customer,order_at,amount\n7,2024-05-01,9.5\n",
        "undated.csv": header + "7,soon,9.5\n8,later,3\n",
        "zero.csv": header + "7,2024-05-01,0\n",
        "negative.csv": header + "7,2024-05-01,-3\n",
        "one.csv": header + "7,2024-05-01,9.5\n8,2024-06-01,3\n",
        "twice.csv": "customer_id,plan\n7,a\n7,b\n",
    }
    for name, text in tables.items():
        (elsewhere / name).write_text(text)
    arguments, told = BAD[case]
    code, out, err = run(*arguments)
    assert (code, out) == (2, "")
    assert told in sentence(err)
    assert {path.name for path in elsewhere.iterdir()} == set(tables)


def test_an_unexpected_failure_is_a_sentence_with_exit_code_1(run, shop, monkeypatch):
    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError("no customers\nat all")

    monkeypatch.setattr("patron.workflows.check.read_history", fail)
    code, out, err = run("check", "--transactions", shop / "sales.csv")
    assert (code, out) == (1, "")
    assert sentence(err).startswith("patron: Failed: ZeroDivisionError: no customers at all.")


def test_debugging_shows_the_traceback(run, monkeypatch):
    monkeypatch.setenv("PATRON_DEBUG", "1")
    code, _, err = run("check", "--transactions", "absent.csv")
    assert code == 2
    assert "Traceback" in err


STOP_WHILE_WRITING = """
def stop(table, path):
    with outputs.whole_file(outputs.Path(path)) as temporary:
        temporary.write_text("half")
        os.kill(os.getpid(), NUMBER)
        time.sleep(5)
features.write_table = stop
"""
# What a query of DuckDB does, and what a sampler may do, with Ctrl-C.
TURNED_INTO_ANOTHER_ERROR = """
def stop(*_, **__):
    try:
        os.kill(os.getpid(), NUMBER)
        time.sleep(5)
    except KeyboardInterrupt:
        raise RuntimeError("Query interrupted") from None
features.assemble_features = stop
"""
SWALLOWED = """
make_spine = features.make_spine
def stop(*arguments, **settings):
    try:
        os.kill(os.getpid(), NUMBER)
        time.sleep(5)
    except KeyboardInterrupt:
        return make_spine(*arguments, **settings)
features.make_spine = stop
"""


@pytest.mark.parametrize(
    ("program", "number", "code"),
    [
        (STOP_WHILE_WRITING, signal.SIGINT, 130),
        (STOP_WHILE_WRITING, signal.SIGTERM, 143),
        (TURNED_INTO_ANOTHER_ERROR, signal.SIGINT, 130),
        (SWALLOWED, signal.SIGINT, 130),
    ],
)
def test_a_stopped_command_leaves_the_old_file_and_nothing_half_written(elsewhere, program, number, code):
    (elsewhere / "features.csv").write_text("old")
    (elsewhere / "sales.csv").write_text("customer_id,order_at,amount\n7,2024-05-01,9.5\n")
    whole = f"""
import os, time
import patron.scoring.on_duckdb as features, patron.storage.atomic_files as outputs
from patron.cli import main
{program.replace("NUMBER", str(int(number)))}
main(["features", "--transactions", "sales.csv", "--out", "features.csv"])
"""
    stopped = subprocess.run([sys.executable, "-c", whole], capture_output=True, text=True, check=False)
    assert stopped.returncode == code
    assert "Traceback" not in stopped.stderr
    assert ("Stopped by Ctrl-C" in stopped.stderr) == (number == signal.SIGINT)
    assert (elsewhere / "features.csv").read_text() == "old"
    assert {path.name for path in elsewhere.iterdir()} == {"features.csv", "sales.csv"}


def test_the_whole_path_from_tables_to_scores(run, shop, elsewhere, monkeypatch):
    monkeypatch.setenv("PATRON_HOME", str(elsewhere / "home"))
    (elsewhere / "patron.toml").write_text(
        f"""
inference = "map"
[tables]
transactions = '{shop / "sales.csv"}'
engagement = '{shop / "events.parquet"}'
"""
    )
    code, out, _ = run("train", "--settings", "patron.toml", "--horizon", "45", "--margin", "0.35", "--json")
    trained = json.loads(out)
    assert code == 0
    assert trained["model_uri"] == "models:/patron/1"
    assert set(trained) >= {"model_uri", "model_version", "run_id", "metrics"}

    code, out, _ = run(
        "score", "--settings", "patron.toml", "--out", "scores.csv", "--prediction-log", "promises"
    )
    assert code == 0
    assert "250 customers have a score by models:/patron/1" in out
    assert "The predictions are logged in promises." in out
    assert len(pd.read_csv("scores.csv")) == 250

    code, out, _ = run("train", "--settings", "patron.toml", "--horizon", "45", "--margin", "0.35")
    assert code == 0
    assert "Registered as models:/patron/2, challenger, because" in out
    assert "Values are margin (35% of revenue)" in out
