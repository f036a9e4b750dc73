"""Qini, AUUC and uplift by depth, by hand and beside scikit-uplift 0.5.1."""

import numpy as np
import pandas as pd
import pytest

from patron.campaigns.uplift.metrics import uplift_by_decile, uplift_metrics
from patron.errors import InputError, RangeError


def _number(metric: str, *given: object, **settings: float) -> float:
    table = uplift_metrics(*given, draws=1, **settings).set_index("metric")
    return float(table.loc[metric, "number"])


def test_qini_by_hand() -> None:
    y, treated, effect = [1, 0, 1, 0, 1, 1], [1, 0, 1, 1, 0, 0], [6, 5, 4, 3, 2, 1]
    # after 1: 1 - 0; 2: 1 - 0·1/1; 3: 2 - 0·2/1; 4: 2 - 0·3/1; 5: 2 - 1·3/2; 6: 2 - 2·3/3: area 6.5
    # the optimal order, with ties: after 2: 2; 4: 2; 6: 0: area 8
    assert _number("qini", y, treated, effect) == pytest.approx(6.5 / 8)


def test_the_numbers_are_those_of_scikit_uplift() -> None:
    """Golden: scikit-uplift 0.5.1, qini_auc_score, area under uplift_curve ÷ n², uplift_at_k (overall)."""
    rng = np.random.default_rng(11)
    treated = (rng.random(500) < 0.4).astype(int)
    effect = np.round(rng.random(500), 1)  # with many ties
    y = (rng.random(500) < 0.3 + 0.2 * treated * effect).astype(int)
    assert (y.sum(), treated.sum()) == (179, 218)
    assert _number("qini", y, treated, effect) == pytest.approx(0.08549409681360247, rel=1e-12)
    assert _number("auuc", y, treated, effect) == pytest.approx(0.06357418821257824, rel=1e-12)
    by_order = np.arange(500)[::-1] / 500
    assert _number("uplift_at_30", y, treated, by_order) == pytest.approx(0.08119658119658119, rel=1e-12)


def test_the_perfect_order_has_a_qini_of_one_and_the_reverse_one_below_zero() -> None:
    rng = np.random.default_rng(0)
    treated, y = rng.integers(0, 2, 400), rng.integers(0, 2, 400)
    best = (2 * treated - 1) * y
    assert _number("qini", y, treated, best) == pytest.approx(1.0)
    assert _number("qini", y, treated, -best) < 0
    assert _number("qini", y, treated, np.zeros(400)) == pytest.approx(0.0, abs=1e-12)


def test_a_resample_is_the_same_as_drawing_the_rows() -> None:
    rng = np.random.default_rng(1)
    treated, y, effect = rng.integers(0, 2, 300), rng.random(300), np.round(rng.random(300), 2)
    found = uplift_metrics(y, treated, effect, draws=1, level=0.5, random_state=7).set_index("metric")
    drawn = np.random.default_rng(7).integers(0, 300, 300)
    again = uplift_metrics(y[drawn], treated[drawn], effect[drawn], draws=1).set_index("metric")
    for metric in ("qini", "auuc", "uplift"):
        assert found.loc[metric, "low"] == pytest.approx(again.loc[metric, "number"], rel=1e-9)


def test_the_bootstrap_interval_of_the_uplift_is_that_of_two_means() -> None:
    rng = np.random.default_rng(2)
    treated = rng.integers(0, 2, 3000)
    y = rng.random(3000) < 0.3 + 0.1 * treated
    row = uplift_metrics(y, treated, rng.random(3000), draws=600).set_index("metric").loc["uplift"]
    error = np.sqrt(sum(y[treated == arm].var() / (treated == arm).sum() for arm in (0, 1)))
    assert (row["high"] - row["low"]) / (2 * 1.96 * error) == pytest.approx(1, abs=0.1)
    assert row["number"] == pytest.approx(y[treated == 1].mean() - y[treated == 0].mean())


def test_bins_hold_each_customer_once_and_show_their_effect() -> None:
    rng = np.random.default_rng(3)
    effect = rng.uniform(-0.3, 0.5, 20_000)
    treated = rng.integers(0, 2, 20_000)
    y = rng.random(20_000) < 0.4 + effect * treated
    table = uplift_by_decile(y, treated, effect)
    assert table["customers"].tolist() == [2000] * 10
    assert table["expected"].is_monotonic_decreasing
    inside = (table["low"] <= table["expected"]) & (table["expected"] <= table["high"])
    assert inside.sum() >= 8


def test_a_bin_without_a_group_has_no_uplift() -> None:
    table = uplift_by_decile([1, 0, 1, 0], [1, 1, 0, 1], [4, 3, 2, 1], bins=2)
    assert pd.isna(table["uplift"].iloc[0])
    assert table["uplift"].iloc[1] == -1


@pytest.mark.parametrize(
    ("given", "settings", "error", "words"),
    [
        (([1, 0], [1, 1], [1, 2]), {}, InputError, "without both there is no uplift"),
        (([1, 0], [1, 0, 1], [1, 2]), {}, InputError, "treated has 3 customers and y has 2"),
        (([1, None], [1, 0], [1, 2]), {}, InputError, "1 of 2 y are missing or infinite"),
        (([1, 0], [1, 0], [1, 2]), {"depth": 30}, RangeError, "Write 30 % as 0.3"),
        (([1, 0], [1, 0], [1, 2]), {"level": 1}, RangeError, "Write 95 % as 0.95"),
        (([1, 0], [1, 0], [1, 2]), {"draws": 0}, RangeError, "draws must be at least 1"),
    ],
)
def test_what_shows_no_uplift_is_refused(given, settings, error, words) -> None:
    with pytest.raises(error, match=words):
        uplift_metrics(*given, **settings)
