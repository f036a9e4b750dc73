"""What a clone must hold, and must not."""

import re
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def tracked() -> list[Path]:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode != 0:
        pytest.skip("not a git checkout: nothing to list")
    return [ROOT / line for line in listed.stdout.splitlines() if (ROOT / line).is_file()]


def texts() -> dict[str, str]:
    found = {}
    for path in tracked():
        try:
            found[str(path.relative_to(ROOT))] = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
    return found


def test_no_file_names_a_package_registry():
    hosts = re.compile(
        r"py" r"pi\.org|python" r"hosted\.org|registry\.n" r"pmjs|--(extra-)?index-" r"url=|file:/" r"//"
    )
    assert [name for name, text in texts().items() if hosts.search(text)] == []


def test_every_pin_carries_a_hash():
    lock = (ROOT / "requirements.lock").read_text()
    pins = re.split(r"\n(?=[a-z0-9])", lock.strip())
    assert len(pins) > 50
    assert [pin.split()[0] for pin in pins if "==" not in pin.split()[0] or "--hash=sha256:" not in pin] == []


def test_every_dependency_is_pinned():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = [*project["dependencies"], *(d for e in project["optional-dependencies"].values() for d in e)]
    names = {re.split(r"[\[<>=!~; ]", dependency)[0].lower() for dependency in wanted}
    pinned = set(re.findall(r"^([a-z0-9_.-]+)==", (ROOT / "requirements.lock").read_text(), re.MULTILINE))
    assert names - pinned == set()


def test_nothing_is_left_unfinished():
    marks = re.compile(r"\b(TO" r"DO|FIX" r"ME|XX" r"X|NotImplemented" r"Error)\b")
    assert [name for name, text in texts().items() if name.endswith(".py") and marks.search(text)] == []


def test_the_make_targets_are_there():
    makefile = (ROOT / "Makefile").read_text()
    for target in ("setup", "demo", "test", "test-slow", "coverage", "lint", "settings", "bench", "clean"):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
    assert "make test" in (ROOT / ".ci/run").read_text()
