"""Where scikit-learn has the same metric, the numbers are the same."""

import numpy as np
import pytest
from sklearn.calibration import calibration_curve
from sklearn.metrics import average_precision_score, brier_score_loss, d2_brier_score, log_loss, roc_auc_score

from patron.evaluation.metrics import calibration_table, churn_metrics


@pytest.mark.parametrize("decimals", [1, 2, 12], ids=["many ties", "some ties", "no ties"])
@pytest.mark.parametrize(("n", "rate"), [(20, 0.5), (1000, 0.03), (5000, 0.9)])
def test_the_metrics_are_those_of_scikit_learn(n, rate, decimals):
    rng = np.random.default_rng(n)
    p = rng.beta(4 * rate, 4 * (1 - rate), n).round(decimals)
    y = (rng.random(n) < p).astype(int)
    y[:2] = 0, 1
    ours = churn_metrics(y, p)
    assert ours["auc"] == pytest.approx(roc_auc_score(y, p), rel=1e-12)
    assert ours["average_precision"] == pytest.approx(average_precision_score(y, p), rel=1e-12)
    assert ours["brier"] == pytest.approx(brier_score_loss(y, p), rel=1e-12)
    assert ours["brier_skill"] == pytest.approx(d2_brier_score(y, p), rel=1e-12, abs=1e-12)
    assert ours["log_loss"] == pytest.approx(log_loss(y, p), rel=1e-12)


def test_bins_without_ties_are_those_of_scikit_learn():
    rng = np.random.default_rng(0)
    p = rng.random(1000)
    y = rng.random(1000) < p
    observed, predicted = calibration_curve(y, p, n_bins=10, strategy="quantile")
    table = calibration_table(y, p)
    np.testing.assert_allclose(table["observed"], observed)
    np.testing.assert_allclose(table["predicted"], predicted)
