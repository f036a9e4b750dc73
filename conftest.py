"""Tests and docstring examples keep their models in a store of their own, not in the one of the checkout."""

import tempfile
from collections.abc import Iterator
from datetime import date
from importlib.util import find_spec
from typing import Any

import pytest

collect_ignore = [] if find_spec("pyspark") else ["src/patron/tables/spark_sql.py"]


@pytest.fixture(autouse=True, scope="session")
def store_of_its_own() -> Iterator[None]:
    with tempfile.TemporaryDirectory() as home, pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATRON_HOME", home)
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        patch.setenv("COLUMNS", "120")
        yield


@pytest.fixture(autouse=True, scope="session")
def bundle_of_the_examples(doctest_namespace: dict[str, Any]) -> None:
    """The bundle that the example of `Bundle` makes, for the examples that refer to it."""
    from patron.features.catalogue import FeatureCatalogue
    from patron.models.bundle.bundle import Bundle
    from patron.models.value.gamma_gamma import GammaGammaModel
    from patron.models.value.model import CustomerValueModel
    from patron.models.value.purchases.model import BetaGeoModel

    purchases = BetaGeoModel.from_params(r=0.24, alpha=31.0, a=0.79, b=2.43)
    spend = GammaGammaModel.from_params(p=6.25, q=3.74, v=15.4)
    doctest_namespace["bundle"] = Bundle(
        churn=None,
        value=CustomerValueModel(purchases, spend),
        catalogue=FeatureCatalogue(()),
        horizon_days=90,
        value_horizon_days=365,
        first_day=date(1997, 1, 1),
        as_of=date(1997, 9, 30),
    )
