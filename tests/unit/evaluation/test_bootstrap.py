"""The paired bootstrap: its metrics are those of the metrics room, and its interval holds."""

import numpy as np
import pytest

from patron.errors import InputError, RangeError
from patron.evaluation.bootstrap import compare_with_best, paired_bootstrap
from patron.evaluation.metrics import churn_metrics
from patron.evaluation.value_metrics import interval_metrics, value_metrics, within_interval
from patron.evaluation.weighted import WEIGHTED_METRICS, Drawn

RNG = np.random.default_rng(0)
P = RNG.random(300).round(1)  # with ties
LEFT = (RNG.random(300) < P).astype(float)
MONEY = RNG.gamma(1, 20, 300) * (RNG.random(300) < 0.5)
GUESS = (MONEY * RNG.random(300)).round()


def both() -> dict[str, tuple[np.ndarray, np.ndarray, float]]:
    churn = {name: (LEFT, P, number) for name, number in churn_metrics(LEFT, P).items()}
    value = {name: (MONEY, GUESS, abs(number)) for name, number in value_metrics(MONEY, GUESS).items()}
    coverage = interval_metrics(MONEY, 0 * GUESS, 1.4 * GUESS)["coverage"]
    off = (MONEY, within_interval(MONEY, 0 * GUESS, 1.4 * GUESS), abs(coverage - 0.8))
    found = churn | value | {"coverage_error": off}
    return {name: numbers for name, numbers in found.items() if name in WEIGHTED_METRICS}


@pytest.mark.parametrize("metric", list(WEIGHTED_METRICS))
def test_with_everybody_once_each_metric_is_its_namesake(metric):
    outcome, prediction, number = both()[metric]
    found = WEIGHTED_METRICS[metric](Drawn(outcome, prediction, np.ones((2, 300))))
    assert found == pytest.approx([number, number])


@pytest.mark.parametrize("metric", sorted(set(WEIGHTED_METRICS) - {"calibration_error"}))
def test_a_weight_counts_as_so_many_customers(metric):
    outcome, prediction, _ = both()[metric]
    weights = np.random.default_rng(1).integers(0, 3, 300)
    found = WEIGHTED_METRICS[metric](Drawn(outcome, prediction, weights[None].astype(float)))
    repeated = Drawn(np.repeat(outcome, weights), np.repeat(prediction, weights), np.ones((1, weights.sum())))
    assert found == pytest.approx(WEIGHTED_METRICS[metric](repeated))


def test_a_model_has_no_advantage_over_itself():
    same = paired_bootstrap("brier", LEFT, P, P)
    assert (same.size, same.low, same.high) == (0, 0, 0)
    assert not same.is_win
    assert not same.is_loss


def test_better_is_positive_whichever_way_a_metric_counts():
    worse = np.full(300, 0.5)
    assert paired_bootstrap("brier", LEFT, P, worse).is_win
    assert paired_bootstrap("auc", LEFT, P, worse).is_win
    assert paired_bootstrap("auc", LEFT, worse, P).is_loss


def test_the_interval_of_two_equal_models_holds_zero_about_as_often_as_it_says():
    rng = np.random.default_rng(7)
    held = 0
    for _ in range(100):
        truth = rng.random(200)
        left = (rng.random(200) < truth).astype(float)
        a, b = (np.clip(truth + rng.normal(0, 0.2, 200), 0, 1) for _ in range(2))
        found = paired_bootstrap("brier", left, a, b, draws=200, level=0.9)
        held += found.low <= 0 <= found.high
    assert 82 <= held <= 97


def test_the_same_seed_gives_the_same_interval():
    args = ("auc", LEFT, P, np.full(300, 0.5))
    assert paired_bootstrap(*args, random_state=3) == paired_bootstrap(*args, random_state=3)


def test_each_metric_has_its_own_best_baseline():
    models = {"ours": MONEY, "ranks": MONEY * 100, "level": np.full(300, MONEY.mean())}
    table = compare_with_best(["gini", "total_bias"], MONEY, models, ["ranks", "level"], draws=50)
    assert table.groupby("metric")["best_baseline"].first().to_dict() == {
        "gini": "ranks",
        "total_bias": "level",
    }


def test_what_cannot_be_compared_is_refused():
    with pytest.raises(InputError, match="there is no metric 'accuracy'"):
        paired_bootstrap("accuracy", LEFT, P, P)
    with pytest.raises(InputError, match="a has 2 customers and y has 300"):
        paired_bootstrap("auc", LEFT, [0, 1], P)
    with pytest.raises(InputError, match="must name at least one of the models"):
        compare_with_best(["auc"], LEFT, {"ours": P}, [])
    with pytest.raises(RangeError, match="level must lie between 0 and 1"):
        paired_bootstrap("auc", LEFT, P, P, level=95)
