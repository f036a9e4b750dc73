"""Tests and docstring examples keep their models in a store of their own, not in the one of the checkout."""

import tempfile
from collections.abc import Iterator
from importlib.util import find_spec

import pytest

collect_ignore = [] if find_spec("pyspark") else ["src/patron/tables/spark_sql.py"]


@pytest.fixture(autouse=True, scope="session")
def store_of_its_own() -> Iterator[None]:
    with tempfile.TemporaryDirectory() as home, pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATRON_HOME", home)
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        patch.setenv("COLUMNS", "120")
        yield
