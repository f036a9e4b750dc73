"""A small trained model for all tests: a classifier of churn in 90 days, a value model of known numbers."""

from datetime import date

import numpy as np
import pandas as pd
import pytest
from hypothesis import settings

from patron.models.bundle.bundle import Bundle
from patron.models.churn.classifier import ChurnClassifier
from patron.scores.scorecard import freeze_tiers
from postgres_here import WHY_NOT_POSTGRES
from small_model import AS_OF, CATALOGUE, make_rows, make_value_model
from spark_here import NOT_RUN, WHY_NOT_SPARK

settings.register_profile("no clock", deadline=None)  # a busy machine is no reason to fail
settings.load_profile("no clock")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say at the very end what nobody should believe to have been tested."""
    if WHY_NOT_SPARK is not None:
        terminalreporter.write_line(f"Spark: {NOT_RUN}: {WHY_NOT_SPARK}.", yellow=True)
    if WHY_NOT_POSTGRES is not None:
        terminalreporter.write_line(f"PostgreSQL: it was not written to: {WHY_NOT_POSTGRES}.", yellow=True)


@pytest.fixture(scope="session")
def bundle() -> Bundle:
    """Trained on 1000 customers, who leave the sooner the longer ago their last order is."""
    rows = make_rows(1000)
    leaves = np.random.default_rng(1).random(1000) < 1 / (1 + np.exp(-(rows["days_since_last"] - 150) / 60))
    untiered = Bundle(
        churn=ChurnClassifier(n_estimators=60).fit(rows[list(CATALOGUE.names)], leaves),
        value=make_value_model(),
        catalogue=CATALOGUE,
        horizon_days=90,
        value_horizon_days=365,
        first_day=date(2022, 7, 1),
        as_of=AS_OF,
    )
    return freeze_tiers(untiered, rows)


@pytest.fixture(scope="session")
def value_only(bundle: Bundle) -> Bundle:
    """The same model without its classifier."""
    return Bundle(
        churn=None,
        value=bundle.value,
        catalogue=bundle.catalogue,
        horizon_days=90,
        value_horizon_days=365,
        first_day=bundle.first_day,
        as_of=AS_OF,
        tiers=bundle.tiers,
    )


@pytest.fixture
def rows() -> pd.DataFrame:
    """Twenty feature rows."""
    return make_rows(20, seed=7)
