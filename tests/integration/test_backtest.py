"""A backtest fits at each cut on what was known then, and compares everything on the days after."""

import json
from datetime import timedelta

import numpy as np
import pandas as pd
import pytest

from patron.errors import HistoryTooShortError
from patron.workflows.backtest import backtest


@pytest.fixture(scope="module")
def found(make_settings, tmp_path_factory):
    out = tmp_path_factory.mktemp("backtest") / "new"
    asked = {"cuts": 2, "inference": "map", "out": out}
    return backtest(make_settings(backtest=asked)), out


def test_every_cut_has_every_model(found, shop):
    table = found[0].table
    cuts = [shop.as_of - timedelta(days=90), shop.as_of - timedelta(days=45)]
    assert table["as_of"].drop_duplicates().tolist() == cuts
    for _, rows in table.groupby("as_of"):
        assert rows["model"].tolist() == [
            "patron", "recency", "BG/NBD + Gamma-Gamma", "logistic RFM", "LightGBM, plain", "status quo",
        ]  # fmt: skip


def test_the_best_baseline_has_no_gain_over_itself_and_a_gain_lies_in_its_interval(found):
    table = found[0].table
    best = table[table["model"] == table["brier_best"]]
    assert (best["brier_gain"] == 0).all()
    ours = table[table["model"] == "patron"]
    assert (ours["auc_gain_low"] <= ours["auc_gain"]).all()
    assert (ours["auc_gain"] <= ours["auc_gain_high"]).all()


def test_every_metric_of_value_has_an_interval_against_the_best_baseline(found):
    ours = found[0].table.query("model == 'patron'")
    for metric in ("gini", "spearman", "mae", "total_bias", "top_decile_share", "coverage_error"):
        assert (ours[f"{metric}_gain_low"] <= ours[f"{metric}_gain_high"]).all(), metric
    off = (found[0].table.set_index("model")["coverage"] - 0.8).abs().dropna()
    gained = off["BG/NBD + Gamma-Gamma"].to_numpy() - off["patron"].to_numpy()
    assert ours["coverage_error_gain"].to_numpy() == pytest.approx(gained)


def test_the_mean_bias_is_that_of_its_sizes(found):
    result = found[0]
    ours = result.table.loc[result.table["model"] == "patron", "total_bias"]
    assert result.means.set_index("model").loc["patron", "total_bias"] == pytest.approx(ours.abs().mean())


def test_table_deciles_json_and_figure_are_written(found):
    result, out = found
    assert sorted(file.name for file in out.iterdir()) == [
        "backtest.csv", "backtest.json", "backtest.png", "deciles.csv",
    ]  # fmt: skip
    told = json.loads((out / "backtest.json").read_text())
    assert len(told["cuts"]) == len(result.table) == len(pd.read_csv(out / "backtest.csv"))
    assert np.isfinite(told["means"][0]["gini"])
    assert len(pd.read_csv(out / "deciles.csv")) % 10 == 0


def test_too_short_a_history_says_how_many_days_are_missing(make_settings):
    with pytest.raises(HistoryTooShortError, match=r"are missing\. Take a horizon of at most"):
        backtest(make_settings(horizon_days=400))
