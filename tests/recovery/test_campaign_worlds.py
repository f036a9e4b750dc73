"""Lists and measurements in worlds whose effects are known: what they earn, and whether intervals hold it."""

import importlib.util
from pathlib import Path

import pandas as pd
import pytest

FILE = Path(__file__).parents[2] / "benchmarks" / "targeting.py"


@pytest.fixture(scope="module")
def targeting():
    spec = importlib.util.spec_from_file_location("targeting_benchmark", FILE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_list_earns_most_of_what_could_be_earned_and_more_than_simple_rules(targeting):
    world = targeting.study(0, customers=5_000, past=20_000)
    assert world["ours"] > 0.93 * world["oracle"]
    assert world["ours"] > max(world["risk_only"], world["value_only"], world["random"])


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_in_a_hundred_worlds_the_list_wins_and_the_measurement_holds(targeting):
    worlds = pd.DataFrame([targeting.study(seed, 10_000, past=20_000) for seed in range(100)])
    assert (worlds["ours"] / worlds["oracle"]).mean() >= 0.95
    for rule in ("risk_only", "value_only", "random"):
        assert (worlds["ours"] > worlds[rule]).sum() >= 95
    assert 90 <= worlds["covered"].sum() <= 99
