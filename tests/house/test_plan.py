"""The plan of the house: maps that are true, files and functions of one sitting, short chains, no circle."""

import re
from pathlib import Path

import pytest
from measure_house import (
    FUNCTION_LINES,
    WITH_SETTINGS,
    circles,
    code_lines,
    import_graph,
    long_functions,
    longest_chain,
    modules,
    takes_settings,
)

import patron

PACKAGE = Path(patron.__file__).parent
SOURCE = PACKAGE.parent
FILES = modules(SOURCE)
FOLDERS = [path.parent for path in FILES.values() if path.name == "__init__.py"]
FILE_LINES = 300
CHAIN = 14

# One compiled loop whose sums share their accumulators: in parts, the last digits would change.
LONG_ON_PURPOSE = {("patron.models.inference.kernels", "purchases")}

ENTRY = re.compile(r"    (\w+\.py|\w+/) +\S")
CONTINUED = re.compile(r"     +\S|$")


def map_of(docstring: str) -> list[str] | None:
    """The names that the map in a docstring lists: the first indented block that is made of entries."""
    for block in re.findall(r"::\n\n((?:    .*\n|\n)+)", docstring):
        lines = block.rstrip("\n").split("\n")
        if all(ENTRY.match(line) or CONTINUED.match(line) for line in lines) and ENTRY.match(lines[0]):
            return [found.group(1) for line in lines if (found := ENTRY.match(line))]
    return None


def contents(folder: Path) -> list[str]:
    files = [path.name for path in folder.glob("*.py") if path.stem not in ("__init__", "__main__")]
    return sorted([*files, *(f"{path.parent.name}/" for path in folder.glob("*/__init__.py"))])


def place(folder: Path) -> str:
    return str(folder.relative_to(SOURCE))


@pytest.mark.parametrize("folder", FOLDERS, ids=place)
def test_the_map_of_a_folder_lists_exactly_what_is_in_it(folder):
    text = (folder / "__init__.py").read_text(encoding="utf-8")
    docstring = text.split('"""')[1] + "\n"
    assert sorted(map_of(docstring) or []) == contents(folder)


def test_a_map_that_forgets_or_invents_a_file_is_found():
    room = "Room.\n\n::\n\n    a.py   one\n           thing\n    b/     more\n\nText.\n"
    assert map_of(room) == ["a.py", "b/"]
    assert map_of("Room.\n\n::\n\n    code = 1\n\nText.\n") is None


def test_no_file_is_longer_than_one_sitting():
    long = {name: lines for name, path in FILES.items() if (lines := code_lines(path)) > FILE_LINES}
    assert long == {}


def test_no_function_is_longer_than_one_screen():
    long = {
        name: found
        for name, path in FILES.items()
        for found in long_functions(path, FUNCTION_LINES)
        if (name, found[0]) not in LONG_ON_PURPOSE
    }
    assert long == {}


def test_no_modules_import_each_other():
    assert circles(import_graph(SOURCE, lazy=True, types=True)) == []


def test_a_chain_of_imports_stays_short():
    chain = longest_chain(import_graph(SOURCE, lazy=False, types=False))
    assert len(chain) <= CHAIN, " > ".join(chain)


def test_settings_stop_at_the_door_of_the_workflows():
    below = {
        name: found
        for name, path in FILES.items()
        if name.split(".")[1:2] not in [[room] for room in WITH_SETTINGS]
        if (found := takes_settings(path))
    }
    assert below == {}


def test_only_recipes_and_the_command_line_import_the_settings():
    graph = import_graph(SOURCE, lazy=True, types=True)
    below = {
        name: sorted(targets)
        for name, imported in graph.items()
        if name != "patron" and name.split(".")[1] not in WITH_SETTINGS
        if (targets := [target for target in imported if target.split(".")[1] == "settings"])
    }
    assert below == {}
