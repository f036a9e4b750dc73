"""What README.md shows is true: its Python runs, its commands and flags exist."""

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from patron.cli import app

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
COMMANDS = re.findall(r"^(?:\.venv/bin/)?patron ([\w-]+)(.*)$", README, re.MULTILINE)


def test_there_are_examples():
    assert len(EXAMPLES) >= 2
    assert len(EXAMPLES[0].strip().splitlines()) <= 20


@pytest.mark.parametrize("example", EXAMPLES, ids=range(len(EXAMPLES)))
def test_an_example_runs(example, capsys):
    exec(compile(example, "README.md", "exec"), {})
    assert capsys.readouterr().out.strip()


@pytest.mark.parametrize(("command", "flags"), COMMANDS)
def test_a_command_has_the_flags_that_are_shown(command, flags):
    shown = CliRunner().invoke(app, [command, "--help"], env={"COLUMNS": "200", "TERM": "dumb"})
    assert shown.exit_code == 0
    plain = re.sub(r"\x1b\[[0-9;]*m", "", shown.output)
    assert [flag for flag in re.findall(r"--[a-z-]+", flags) if flag not in plain] == []


def test_the_two_commands_come_first():
    assert README.index("make demo") < README.index("make test") < README.index("```python")
