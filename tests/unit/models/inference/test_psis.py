"""Pareto-smoothed weights: like those of ArviZ, and honest about weights that mean nothing."""

import numpy as np
import pytest
from arviz_stats.base import array_stats

from patron.models.inference.psis import smooth_weights


@pytest.mark.parametrize("n", [100, 1000, 4000])
@pytest.mark.parametrize("spread", [0.3, 1.0, 3.0])
def test_weights_and_k_hat_are_those_of_arviz(n, spread):
    log_weights = np.random.default_rng(n).normal(0, spread, n)
    smoothed, k_hat = smooth_weights(log_weights)
    reference, reference_k_hat = array_stats.psislw(-log_weights)  # which takes minus the log-weights
    assert k_hat == pytest.approx(float(reference_k_hat), rel=1e-9)
    np.testing.assert_allclose(smoothed - smoothed[0], reference - reference[0], atol=1e-9)


def test_the_tail_of_a_pareto_distribution_is_recognised():
    uniform = np.random.default_rng(0).random(20_000)
    for shape in (0.2, 0.5, 0.9):
        _, k_hat = smooth_weights(-shape * np.log(uniform))
        assert k_hat == pytest.approx(shape, abs=0.12)


def test_equal_weights_have_no_tail():
    smoothed, k_hat = smooth_weights(np.full(200, -7.0))
    assert k_hat == 0
    assert (smoothed == 0).all()


def test_one_weight_that_outweighs_all_others_cannot_be_trusted():
    assert smooth_weights(np.append(np.full(200, -800.0), 1.0))[1] == np.inf


def test_too_few_weights_cannot_be_judged():
    assert smooth_weights(np.arange(20.0))[1] == np.inf
