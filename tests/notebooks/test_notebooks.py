"""Every notebook runs from top to bottom, and only uses the package."""

import ast
import os
import re
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

ROOT = Path(__file__).parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


def read(path: Path) -> nbformat.NotebookNode:
    return nbformat.read(path, as_version=4)


def test_there_is_a_notebook():
    assert NOTEBOOKS


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs(path, tmp_path):
    notebook = read(path)
    # The kernel is a process of its own: it keeps its models in the tests' store through the environment.
    assert "PATRON_HOME" in os.environ
    NotebookClient(
        notebook, timeout=420, kernel_name="python3", resources={"metadata": {"path": tmp_path}}
    ).execute()
    drawn = [o for c in notebook.cells for o in c.get("outputs", []) if "image/png" in o.get("data", {})]
    assert drawn, "no picture was drawn"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_defines_no_function(path):
    source = "\n".join(cell.source for cell in read(path).cells if cell.cell_type == "code")
    source = re.sub(r"^%.*$", "", source, flags=re.MULTILINE)  # magics are not Python
    defined = [
        node.name for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef | ast.ClassDef)
    ]
    assert defined == []


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_kept_without_outputs(path):
    assert [cell.outputs for cell in read(path).cells if cell.get("outputs")] == []
