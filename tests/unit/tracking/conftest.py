"""One MLflow store for all tests of this folder: making its tables takes seconds."""

import pytest

from patron.tracking.store import Store, open_store


@pytest.fixture(scope="session")
def store(tmp_path_factory) -> Store:
    """A store whose path is no plain one."""
    return open_store(tmp_path_factory.mktemp("project") / "my shop 100% فروشگاه")


@pytest.fixture(autouse=True)
def _no_store_but_ours(monkeypatch, tmp_path):
    """Nothing may end up in the store of whoever runs the tests."""
    for name in ("MLFLOW_TRACKING_URI", "MLFLOW_REGISTRY_URI"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PATRON_HOME", str(tmp_path / "home"))
