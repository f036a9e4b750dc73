"""Simulate worlds, fit, find their parameters again: 90 % intervals hold the truth 90 times in 100."""

import numpy as np
import pytest

from patron.datasets.btyd import simulate_btyd
from patron.models.value.gamma_gamma import GammaGammaModel
from patron.models.value.purchases.model import BetaGeoModel

CUSTOMERS = 2000


def made_world(seed):
    """A business that differs from seed to seed: its family, its parameters, and the customers it made."""
    rng = np.random.default_rng(seed)
    family = ("bgnbd", "mbgnbd")[seed % 2]
    world = {
        "r": rng.uniform(0.4, 2.0),
        "alpha": rng.uniform(15.0, 60.0),
        "a": rng.uniform(0.5, 1.5),
        "b": rng.uniform(2.0, 5.0),
        "p": rng.uniform(2.0, 8.0),
        "q": rng.uniform(2.5, 6.0),
        "v": 10 ** rng.uniform(0.5, 2.0),
    }
    ages = rng.uniform(200, 700, CUSTOMERS)
    return family, world, simulate_btyd(CUSTOMERS, **world, T=ages, horizon=0.0, family=family, seed=seed).rfm


def intervals_hold(seed):
    """For each of the seven parameters of a world, whether its 90 % interval holds it."""
    family, world, rfm = made_world(seed)
    few = {"inference": "laplace", "draws": 250, "random_state": seed}
    draws = BetaGeoModel(family=family, **few).fit(rfm).draws_ | GammaGammaModel(**few).fit(rfm).draws_
    bounds = {name: np.quantile(values, [0.05, 0.95]) for name, values in draws.items()}
    return [bounds[name][0] <= value <= bounds[name][1] for name, value in world.items()]


def test_intervals_hold_the_truth_about_as_often_as_they_promise():
    held = np.array([intervals_hold(seed) for seed in range(10, 20)])
    assert 0.80 <= held.mean() <= 0.97  # 70 intervals


@pytest.mark.slow
def test_intervals_of_every_parameter_hold_the_truth_in_fifty_worlds():
    held = np.array([intervals_hold(seed) for seed in range(50)])
    assert 0.85 <= held.mean() <= 0.95
    assert (held.mean(axis=0) >= 0.78).all()  # three standard errors of 50 throws below 90 %


def test_the_more_customers_the_narrower_and_the_nearer():
    world = {"r": 0.6, "alpha": 30.0, "a": 0.8, "b": 2.5, "p": 6.0, "q": 4.0, "v": 15.0}
    errors, deviations = [], []
    for n in (1000, 40_000):
        rfm = simulate_btyd(n, **world, T=400.0, horizon=0.0, daily=True, seed=3).rfm
        model = BetaGeoModel(inference="laplace", draws=250).fit(rfm)
        errors.append(
            max(abs(np.log(model.params_[name] / world[name])) for name in ("r", "alpha", "a", "b"))
        )
        deviations.append(model.draws_["r"].std())
    assert errors[1] < 0.08
    assert deviations[1] == pytest.approx(deviations[0] / np.sqrt(40), rel=0.3)
