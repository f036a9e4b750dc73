"""Inference on posteriors whose answer is known: the mode, draws, and when to doubt them."""

from dataclasses import replace

import numpy as np
import pytest
from numba import carray, cfunc

from patron.errors import RangeError, SettingsError
from patron.models.inference.diagnostics import Diagnostics, good_enough
from patron.models.inference.kernels import DENSITY, placed, with_prior
from patron.models.inference.posterior import Posterior, find_mode
from patron.models.inference.sampling import infer

PRECISION = np.array([[2.0, 0.6, 0.0], [0.6, 1.0, -0.3], [0.0, -0.3, 3.0]]) * 100
CENTRE = np.array([0.5, -1.0, 2.0])
PRIOR = 10.0


@cfunc(DENSITY)
def normal_density(dim, at, slope_at, value_at, data_at):
    """Normal as the sampler calls it: the frame of the posterior, then CENTRE and PRECISION."""
    data = carray(data_at, (int(data_at[0]),))
    frame = data[2 : 2 + int(data[1])]
    centre = data[2 + len(frame) :]
    theta, slope, value = np.empty(dim), np.zeros(dim), 0.0
    placed(carray(at, (dim,)), frame, theta)
    for i in range(dim):
        for j in range(dim):
            slope[i] -= centre[dim + i * dim + j] * (theta[j] - centre[j])
        value += 0.5 * slope[i] * (theta[i] - centre[i])
    value_at[0] = with_prior(value, theta, slope, frame, carray(slope_at, (dim,)))
    return 0


class Normal:
    """A likelihood that is a normal density, so that the posterior is one too."""

    def compiled(self):
        return normal_density, np.concatenate([CENTRE, PRECISION.ravel()])

    def value_and_gradient(self, theta):
        away = theta - CENTRE
        return -0.5 * float(away @ PRECISION @ away), -PRECISION @ away

    def symbolic(self, theta):
        import pytensor.tensor as pt

        away = theta - CENTRE
        return -0.5 * pt.dot(away, pt.dot(PRECISION, away))


class Spike(Normal):
    """Half of the plausibility in a narrow spike, half all around, which the curvature of the spike hides."""

    def value_and_gradient(self, theta):
        deviations = np.array([0.01, 3.0])
        log_each = -0.5 * (theta @ theta) / deviations**2 - 3 * np.log(deviations)
        share = np.exp(log_each - np.logaddexp.reduce(log_each))
        return float(np.logaddexp.reduce(log_each)), -theta * (share @ deviations**-2.0)


class Steep(Normal):
    """Only defined to one side, like a parameter that overflows."""

    def value_and_gradient(self, theta):
        if theta[0] > 30:
            raise OverflowError
        return float(np.log(30 - theta[0])), np.full(3, np.nan if theta[0] < -30 else 0.1)


def posterior(likelihood=None, **changes):
    exact = Posterior(likelihood or Normal(), ("one", "two", "three"), np.zeros(3), np.full(3, PRIOR), 500)
    return replace(exact, **changes)


COVARIANCE = np.linalg.inv(PRECISION + np.eye(3) / PRIOR**2)
MEAN = COVARIANCE @ PRECISION @ CENTRE


def test_the_mode_of_a_normal_posterior_is_its_mean():
    mode = find_mode(posterior())
    np.testing.assert_allclose(mode.theta, MEAN, rtol=1e-8)
    np.testing.assert_allclose(mode.factor @ mode.factor.T, COVARIANCE, rtol=1e-6, atol=1e-9)
    assert mode.distance < 1e-6
    assert mode.log_likelihood == pytest.approx(Normal().value_and_gradient(MEAN)[0])


@pytest.mark.parametrize("inference", ["laplace", "nuts"])
def test_draws_have_the_mean_and_the_covariance_of_the_posterior(inference):
    draws, found = infer(posterior(), inference, random_state=3)
    deviation = np.sqrt(np.diag(COVARIANCE))
    assert draws.shape == (4000, 3)
    np.testing.assert_allclose((draws.mean(axis=0) - MEAN) / deviation, 0, atol=0.06)
    np.testing.assert_allclose(draws.std(axis=0) / deviation, 1, atol=0.05)
    np.testing.assert_allclose(np.corrcoef(draws.T)[0, 1], -0.414, atol=0.05)
    assert found.converged
    assert found.warnings() == []


def test_map_gives_the_mode_alone():
    draws, found = infer(posterior(), "map")
    assert draws.shape == (1, 3)
    np.testing.assert_allclose(draws[0], MEAN, rtol=1e-8)
    assert found.converged
    assert found.k_hat is found.r_hat is found.divergences is None


def test_nuts_tells_how_well_the_chains_mix():
    _, found = infer(posterior(), "nuts", draws=500, tune=300, chains=3)
    assert found.r_hat < 1.01
    assert found.ess_bulk > 750
    assert found.ess_tail > 500
    assert found.divergences == 0


@pytest.mark.parametrize("inference", ["laplace", "nuts"])
def test_a_seed_gives_the_same_draws_to_the_last_bit(inference):
    few = {"draws": 100, "tune": 100, "chains": 2}
    zero, again, one = (infer(posterior(), inference, random_state=seed, **few)[0] for seed in (0, 0, 1))
    assert (zero == again).all()
    assert (zero != one).any()


def test_k_hat_gives_away_what_the_curvature_hides():
    found = infer(posterior(Spike()), "laplace")[1]
    assert found.k_hat > 0.7
    assert not found.converged
    assert 'Use inference="nuts"' in found.warnings()[0]


def test_a_coordinate_that_the_data_do_not_know_is_called_a_ridge():
    class Silent(Normal):
        def value_and_gradient(self, theta):
            value, gradient = super().value_and_gradient(np.array([theta[0], theta[1], CENTRE[2]]))
            return value, gradient * [1, 1, 0]

    found = infer(posterior(Silent()), "map")[1]
    assert found.ridge == ("three",)
    assert "the data carry little information on three" in found.warnings()[0]


def test_where_the_density_overflows_it_is_nil():
    steep = posterior(Steep())
    for theta in (np.array([31.0, 0, 0]), np.array([-31.0, 0, 0])):
        value, gradient = steep.value_and_gradient(theta)
        assert value == -np.inf
        assert (gradient == 0).all()


def test_pymc_states_the_same_density():
    model = posterior().pymc_model()
    log_density = model.compile_logp(mode="FAST_COMPILE")
    ours = [posterior().value_and_gradient(np.full(3, at))[0] for at in (0.3, -0.7)]
    stated = [float(log_density({"theta": np.full(3, at)})) for at in (0.3, -0.7)]
    assert ours[0] - ours[1] == pytest.approx(stated[0] - stated[1], rel=1e-10)
    assert list(model.coords["coordinate"]) == ["one", "two", "three"]


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"draws": 0}, "draws must be a whole number of at least 1, got 0"),
        ({"chains": 1.5}, r"chains must be a whole number of at least 1, got 1\.5"),
        ({"tune": -1}, "tune must be a whole number of at least 0, got -1"),
        ({"random_state": None}, "random_state must be a whole number of at least 0, got None"),
    ],
)
def test_a_setting_out_of_range_is_refused(settings, sentence):
    with pytest.raises(RangeError, match=sentence):
        infer(posterior(), "map", **settings)


def test_an_unknown_inference_is_refused():
    with pytest.raises(SettingsError, match="inference must be one of nuts, laplace, map, got 'vi'"):
        infer(posterior(), "vi")


FIT = Diagnostics(inference="nuts", converged=False, n_customers=90, log_likelihood=-80.5, gradient=0.0)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"gradient": 0.3}, "were not found: the search ended 0.3 standard deviations away"),
        ({"k_hat": 0.9}, "k-hat is 0.90, above 0.7"),
        (
            {"r_hat": 1.05, "ess_bulk": 50.0, "ess_tail": 40.0, "divergences": 9},
            "R-hat 1.050, effective draws 50",
        ),
    ],
)
def test_every_doubt_is_a_sentence(changes, sentence):
    (doubt,) = replace(FIT, **changes).warnings()
    assert sentence in doubt


def test_diagnostics_survive_json():
    import json

    found = replace(FIT, ridge=("log kappa",), r_hat=1.003)
    assert Diagnostics.from_dict(json.loads(json.dumps(found.to_dict()))) == found
    endless = replace(FIT, k_hat=np.inf, ess_tail=np.nan)
    assert json.loads(json.dumps(endless.to_dict(), allow_nan=False)) == FIT.to_dict()


@pytest.mark.parametrize("lost", ["r_hat", "ess_bulk", "ess_tail", "k_hat", "divergences"])
def test_a_measure_that_is_no_number_is_no_convergence(lost):
    fine = {"r_hat": 1.0, "ess_bulk": 3000.0, "ess_tail": 3000.0, "k_hat": 0.1, "divergences": 0}
    assert good_enough(1e-9, fine, 1000, 4)
    assert not good_enough(1e-9, fine | {lost: np.nan}, 1000, 4)
