"""Flags are made from the fields: what is given twice is an error, what takes several values is a list."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import patron
from patron.cli import main
from patron.cli.builder import Command, flags_of
from patron.cli.commands import COMMANDS
from patron.cli.flags import settings_from
from patron.errors import SettingsError
from patron.settings.fields import describe

BY_NAME = {command.name: command for command in COMMANDS}


def settings_of(name: str, **given: object):
    """Settings of a command; `__` in a keyword stands for the point of its path."""
    fields = flags_of(BY_NAME[name])
    return settings_from(fields, {key.replace("__", "."): value for key, value in given.items()})


@pytest.fixture
def fail(capsys):
    """Run a command that cannot be run → its one sentence."""

    def fail(*arguments: str) -> str:
        with pytest.raises(SystemExit) as left:
            main(list(arguments))
        told = capsys.readouterr()
        assert (left.value.code, told.out) == (2, "")
        return told.err

    return fail


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["score", "--out", "a.csv", "--out", "b.csv"], "--out is given twice; it takes one value."),
        (
            ["train", "--seed", "1", "--seed", "1", "--seed", "1"],
            "--seed is given 3 times; it takes one value.",
        ),
        (["check", "--transactions", "a.csv", "--transactions", "b.csv"], "--transactions is given twice"),
        (["check", "--settings", "a.toml", "--settings", "b.toml"], "--settings is given twice"),
        (
            ["check", "--column", "transactions.amount=A", "--column", "transactions.amount=B"],
            "--column transactions.amount is given twice",
        ),
        (["costs", "--capacity", "calls=1", "--capacity", "calls=2"], "--capacity calls is given twice"),
        (["target", "--budget", "5", "--set", "target.budget=6"], "--set target.budget is given twice"),
    ],
)
def test_one_value_given_twice_is_an_error(fail, arguments, sentence):
    assert sentence in fail(*arguments)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (
            ["costs", "--capacity", "9600"],
            "--capacity '9600' cannot be read. Write POOL=MINUTES, for instance",
        ),
        (["target", "--min-contacts", "north"], "Write SEGMENT=N, for instance --min-contacts 'north=100'"),
        (["target", "--min-contacts", "north=many"], "target.min_contacts.north: should be a valid integer"),
        (["score", "--set", "offer.incentive"], "Write KEY=VALUE, for instance --set 'offer.incentive=4.0'"),
        (["score", "--set", "offer.incentiv=4"], "no key 'offer.incentiv'; did you mean 'incentive'?"),
    ],
)
def test_what_cannot_be_read_is_answered_with_an_example(fail, arguments, sentence):
    assert sentence in fail(*arguments)


def test_a_list_may_be_repeated_or_have_commas():
    chosen = settings_of("audience", audience__columns=["email, offer", "channel"])
    assert chosen.audience.columns == ("email", "offer", "channel")
    assert settings_of("due", due__renewals=["60", "30"]).due.renewals == (60, 30)


def test_a_mapping_is_one_name_and_value_per_flag():
    chosen = settings_of("target", target__min_contacts=["north=100", "south=7"])
    assert chosen.target.min_contacts == {"north": 100, "south": 7}


def test_a_switch_turns_its_default_over():
    assert settings_of("check", check__leaks=True).check.leaks
    assert not settings_of("score", score__reasons=True).score.reasons


def test_any_setting_can_be_given_by_its_path():
    given = ["offer.incentive=4", "drift.measure=false", "learning.rate_card.review=2.5", "kpis.every=year"]
    chosen = settings_from([], {"set": [*given, "tables.transactions.source=a.csv", "as_of=2024-05-01"]})
    assert (chosen.offer.incentive, chosen.drift.measure, chosen.kpis.every) == (4.0, False, "year")
    assert chosen.learning.rate_card == {"review": 2.5}
    assert chosen.tables.transactions.source == "a.csv"
    assert chosen.as_of.year == 2024


def test_a_setting_that_is_not_there_is_a_mistake_of_the_declaration():
    with pytest.raises(KeyError):
        flags_of(Command(name="x", panel="", help="", recipe="", settings=("score.nothing",)))


def test_a_flag_keeps_the_column_names_of_the_file(tmp_path):
    path = tmp_path / "patron.toml"
    path.write_text('[tables.transactions]\nsource = "old.csv"\ncolumns = { amount = "Total" }\n')
    chosen = settings_of("check", tables__transactions=["new.csv"], settings=[str(path)])
    assert chosen.tables.transactions.source == "new.csv"
    assert chosen.tables.transactions.columns == {"amount": "Total"}
    with pytest.raises(SettingsError, match="--column 'amount' cannot be read"):
        settings_of("check", column=["amount"])


def test_a_flag_that_a_message_names_exists():
    flags = {field.flag for command in COMMANDS for field in flags_of(command)}
    flags |= {"--column", "--settings", "--set", "--json", "--help", "--version"}
    texts = [path.read_text(encoding="utf-8") for path in Path(patron.__file__).parent.rglob("*.py")]
    ours = [line for text in texts for line in text.split("\n") if "mlflow" not in line]
    named = {flag for line in ours for flag in re.findall(r"(?<![\w-])--[a-z][a-z-]+", line)}
    assert named - flags == set()


def test_the_help_of_a_flag_is_its_field():
    assert describe("measure.confidence").help() == "Confidence level of the intervals (default 0.95)."
    assert describe("target.budget").help() == "Maximum spend on the whole list (default: no limit)."
    assert describe("audience.columns").help().endswith("(default customer_id,offer,channel).")
    assert describe("check.leaks").help().endswith("no feature or score changes.")


def run(*arguments: str, **environment: str) -> str:
    """Standard output of ``python -m patron``."""
    done = subprocess.run(
        [sys.executable, "-m", "patron", *arguments],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def complete(line: str) -> list[str]:
    """What the shell offers at the end of a line."""
    words = line.split(" ")
    return run(_PATRON_COMPLETE="complete_bash", COMP_WORDS=line, COMP_CWORD=str(len(words) - 1)).split()


def test_the_shell_completes_commands_flags_and_choices():
    assert complete("patron sc") == ["score"]
    assert complete("patron score --pre") == ["--prediction-log"]
    assert complete("patron score --engine s") == ["spark"]
    assert "complete -o default -F _patron_completion patron" in run(_PATRON_COMPLETE="source_bash")
