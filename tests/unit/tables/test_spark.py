"""Whatever Spark lacks is one sentence that says what to install."""

import sys

import pytest

from patron.cli import main
from patron.errors import MissingExtraError, PatronError, SettingsError
from patron.tables import spark
from patron.tables.spark import java_fault, open_spark, spark_failures


@pytest.fixture
def no_java(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("JAVA_HOME", raising=False)


def test_without_java_the_sentence_says_how_to_get_it(no_java):
    pytest.importorskip("pyspark")
    with pytest.raises(
        SettingsError, match=r"needs Java 17 or 21, and there is none\. .*openjdk-17-jre-headless"
    ):
        open_spark()


def test_a_java_that_is_too_old_is_named(monkeypatch, tmp_path):
    java = tmp_path / "bin" / "java"
    java.parent.mkdir()
    java.write_text("#!/bin/sh\necho 'openjdk version \"11.0.2\" 2019-01-15' >&2\n")
    java.chmod(0o755)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    assert java_fault() == f"there is only Java 11 at {java}"


def test_a_java_home_without_java_is_named(monkeypatch, tmp_path):
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    assert java_fault() == f"there is none in JAVA_HOME ({tmp_path})"


def test_without_pyspark_the_sentence_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "pyspark.sql", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'patron\[spark\]'"):
        open_spark()


def test_on_the_command_line_that_is_exit_code_2(monkeypatch, tmp_path, capsys):
    monkeypatch.setitem(sys.modules, "pyspark.sql", None)
    sales = tmp_path / "sales.csv"
    sales.write_text("customer_id,order_at,amount\n7,2024-01-31,5\n")
    with pytest.raises(SystemExit) as left:
        main(
            [
                "features",
                "--transactions",
                str(sales),
                "--engine",
                "spark",
                "--out",
                str(tmp_path / "features"),
            ]
        )
    assert left.value.code == 2
    assert "pip install 'patron[spark]'" in capsys.readouterr().err
    assert not (tmp_path / "features").exists()


def test_without_what_spark_connect_is_made_of_the_sentence_says_how_to_get_it(monkeypatch):
    pytest.importorskip("pyspark")
    monkeypatch.setitem(sys.modules, "grpc", None)
    with pytest.raises(MissingExtraError, match=r"^spark.remote needs .* pip install 'patron\[spark\]'$"):
        open_spark(remote="sc://127.0.0.1:1")


def test_a_server_that_does_not_answer_is_one_sentence_without_the_token(monkeypatch):
    pytest.importorskip("grpc_status")
    monkeypatch.setattr(spark, "CONNECT_TIMEOUT", 0.1)
    sentence = r"^No Spark Connect server answers at sc://127\.0\.0\.1:1/\. Check"
    with pytest.raises(PatronError, match=sentence):
        open_spark(remote="sc://127.0.0.1:1/;token=secret")


@pytest.mark.parametrize("remote", ["sc://cluster:port", "sc://cluster/path;token=secret"])
def test_what_is_no_address_is_named_without_the_token(remote):
    pytest.importorskip("grpc_status")
    shown = remote.partition(";")[0]
    with pytest.raises(SettingsError, match=rf"^spark\.remote must be .* sc://HOST:PORT, got '{shown}'\.$"):
        open_spark(remote=remote)


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        (ConnectionRefusedError(111, "Connection refused"), "Spark has stopped answering"),
        (EOFError(), "Spark has stopped answering"),
    ],
)
def test_a_process_that_has_ended_is_one_sentence(said, sentence):
    with pytest.raises(PatronError, match=rf"^{sentence}.* Nothing was written\.$"), spark_failures():
        raise said


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ("SparkException: Python worker exited unexpectedly (crashed)", "A Spark worker died"),
        ("Lost task 1.0 in stage 4.0 (driver): java.io.IOException: Stream closed", "A Spark worker died"),
        ("ExecutorLostFailure (executor 3 exited caused by a task)", "Spark lost an executor"),
        ("java.io.IOException: No space left on device", "Spark ran out of disk space"),
        ("[RETRIES_EXCEEDED] The maximum number of retries has been", "Spark has stopped answering"),
        ("[NO_SUCH] None.\n\nJVM stacktrace:\nx.SparkException: y", "A Spark job failed: .* None"),
        (
            "x\norg.apache.spark.SparkException: no such thing.\n\tat org.apache.spark.X",
            "A Spark job failed: no such",
        ),
    ],
)
def test_what_spark_says_on_a_page_becomes_a_sentence(monkeypatch, said, sentence):
    monkeypatch.setattr(spark, "spark_errors", lambda: (RuntimeError,))
    with pytest.raises(PatronError, match=rf"^{sentence}[^\n]* Nothing was written\.$"), spark_failures():
        raise RuntimeError(said)
