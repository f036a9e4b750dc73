"""A small business, and a model of it, for all tests of this folder."""

import multiprocessing
import warnings
from collections.abc import Callable, Iterator
from multiprocessing.context import ForkServerContext
from pathlib import Path
from typing import Any

import pytest

from patron.datasets.simulate import SimulatedBusiness, simulate
from patron.errors import PatronWarning
from patron.settings import Settings
from patron.tracking.store import Store, open_store
from patron.workflows.train import TrainResult, train
from postgres_here import WHY_NOT_POSTGRES, postgres_server

type MakeSettings = Callable[..., Settings]


@pytest.fixture(scope="session")
def shop() -> SimulatedBusiness:
    return simulate(n_customers=250, days=420, seed=2)


@pytest.fixture(scope="session")
def make_settings(shop: SimulatedBusiness) -> MakeSettings:
    """Settings for the small business, changed as asked."""

    def make(**changes: Any) -> Settings:
        tables = {
            "transactions": shop.transactions,
            "engagement": shop.engagement,
            "customers": shop.customers,
        }
        return Settings.model_validate({"tables": tables, "horizon_days": 45, "inference": "map"} | changes)

    return make


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of one MLflow store for all tests: making its tables takes seconds."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture(autouse=True, scope="module")
def _at_home(home: Path) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATRON_HOME", str(home))
        yield


@pytest.fixture
def warned() -> Iterator[Callable[[], str]]:
    """What patron has warned of, as one text. Other libraries' warnings stay silent."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield lambda: " ".join(
            str(warning.message) for warning in caught if warning.category is PatronWarning
        )


@pytest.fixture
def store() -> Store:
    return open_store()


@pytest.fixture(scope="session")
def trained(make_settings: MakeSettings, home: Path) -> TrainResult:
    """The first version: champion, although so few customers prove nothing."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATRON_HOME", str(home))
        return train(make_settings(as_of="2024-01-31", train={"promote": True}))


@pytest.fixture(scope="session")
def forks() -> ForkServerContext:
    """Processes of their own, in which everything is imported already."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["patron.cli", "patron.workflows.score"])
    return context


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The URL of a PostgreSQL of its own."""
    if WHY_NOT_POSTGRES is not None:
        pytest.skip(WHY_NOT_POSTGRES)
    with postgres_server() as url:
        yield url
