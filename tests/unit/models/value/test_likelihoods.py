"""The likelihoods: as published, the same compressed as customer by customer, and with the right slope."""

import numpy as np
import pytest
from scipy.optimize import approx_fprime

from patron.errors import RangeError
from patron.models.inference.posterior import Posterior
from patron.models.value.gamma_gamma_likelihood import SpendLikelihood
from patron.models.value.gamma_gamma_likelihood import log_likelihood as spend_log_likelihood
from patron.models.value.purchases.likelihood import PurchaseLikelihood, log_likelihood

FAMILIES = ("bgnbd", "mbgnbd")

# Fader, Hardie & Lee (2005) and Batislam, Denizel & Filiztekin (2007): x, t_x, T in weeks, logarithm of the
# likelihood without x!, to twelve digits of forty-digit arithmetic.
PUBLISHED = {
    ("bgnbd", (0.243, 4.414, 0.793, 2.426)): [
        (2, 30.43, 38.86, -9.45860630707),
        (1, 1.71, 38.86, -4.46909327503),
        (0, 0, 38.86, -0.554713276438),
        (7, 29.43, 38.86, -21.8632762715),
        (26, 30.86, 31, -37.7265794734),
    ],
    ("mbgnbd", (0.525, 6.183, 0.891, 1.614)): [
        (2, 30.43, 38.86, -9.48555131453),
        (1, 1.71, 38.86, -4.46036061258),
        (0, 0, 38.86, -0.539837463531),
        (7, 29.43, 38.86, -21.7765222489),
        (26, 30.86, 31, -38.3221269478),
    ],
}


def histories(n, seed=0):
    """x, t_x, T and mean values z of n customers, many of them alike."""
    rng = np.random.default_rng(seed)
    T = rng.integers(1, 40, n) / 20
    x = np.minimum(rng.poisson(1.5, n), 9).astype(float)
    t_x = np.where(x > 0, T * rng.integers(1, 21, n) / 20, 0.0)
    return x, t_x, T, rng.integers(1, 30, n) / 10


def covariates(n, kinds, seed=1):
    """Two columns with so many distinct rows."""
    return np.random.default_rng(seed).normal(size=(kinds, 2)).astype(np.float32)[np.arange(n) % kinds] * 1.0


@pytest.mark.parametrize(("family", "params"), PUBLISHED)
def test_the_likelihood_of_a_customer_is_the_published_one(family, params):
    x, t_x, T, published = np.array(PUBLISHED[family, params]).T
    np.testing.assert_allclose(log_likelihood(*params, x, t_x, T, family), published, rtol=1e-9)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("kinds", [0, 3, 400])
def test_customers_who_are_alike_may_be_counted_once(family, kinds):
    x, t_x, T, _ = histories(1000)
    design = covariates(1000, kinds) if kinds else np.zeros((1000, 2))
    theta = np.array([-1.0, -0.5, -0.8, 0.9, *((0.3, -0.2, 0.4, 0.1) if kinds else ())])
    likelihood = PurchaseLikelihood(x, t_x, T, family, design if kinds else None)
    r, kappa = np.exp(-1.0), np.exp(0.9)
    alpha = np.exp(-0.5 - design @ [0.3, -0.2])
    phi = 1 / (1 + np.exp(0.8 - design @ [0.4, 0.1]))
    one_by_one = log_likelihood(r, alpha, kappa * phi, kappa * (1 - phi), x, t_x, T, family).sum()
    assert likelihood.value_and_gradient(theta)[0] == pytest.approx(one_by_one, rel=1e-12)


@pytest.mark.parametrize("kinds", [0, 3, 400])
def test_spenders_who_are_alike_may_be_counted_once(kinds):
    x, _, _, z = histories(1000)
    x = x + 1
    design = covariates(1000, kinds) if kinds else np.zeros((1000, 2))
    theta = np.array([1.2, 0.7, -0.4, *((0.3, -0.2) if kinds else ())])
    likelihood = SpendLikelihood(x, z, design if kinds else None)
    v = np.exp(-0.4 + design @ [0.3, -0.2])
    one_by_one = spend_log_likelihood(np.exp(1.2), 1 + np.exp(0.7), v, x, z).sum()
    assert likelihood.value_and_gradient(theta)[0] == pytest.approx(one_by_one, rel=1e-12)


def test_the_likelihood_of_a_mean_purchase_is_its_density():
    # For x = 1 the mean is the purchase: z ~ Gamma(p, ν), ν ~ Gamma(q, v), so its density integrates to 1.
    z = np.linspace(1e-6, 3000, 3_000_001)
    density = np.exp(spend_log_likelihood(6.25, 3.74, 15.44, 1.0, z))
    assert np.trapezoid(density, z) == pytest.approx(1, abs=1e-4)
    assert np.trapezoid(z * density, z) == pytest.approx(6.25 * 15.44 / 2.74, rel=1e-3)


def some_likelihoods():
    """Name → a likelihood of every kind, and the number of its coordinates."""
    x, t_x, T, z = histories(300)
    return {
        "BG/NBD": (PurchaseLikelihood(x, t_x, T, "bgnbd"), 4),
        "MBG/NBD": (PurchaseLikelihood(x, t_x, T, "mbgnbd"), 4),
        "BG/NBD with covariates": (PurchaseLikelihood(x, t_x, T, "bgnbd", covariates(300, 7)), 8),
        "MBG/NBD with covariates": (PurchaseLikelihood(x, t_x, T, "mbgnbd", covariates(300, 7)), 8),
        "Gamma-Gamma": (SpendLikelihood(x + 1, z), 3),
        "Gamma-Gamma with covariates": (SpendLikelihood(x + 1, z, covariates(300, 7)), 5),
    }


@pytest.mark.parametrize("kind", some_likelihoods())
def test_the_gradient_is_the_slope_of_the_value(kind):
    likelihood, size = some_likelihoods()[kind]
    theta = np.random.default_rng(2).normal(0, 0.5, size)
    slope = approx_fprime(theta, lambda at: likelihood.value_and_gradient(at)[0], 1e-7)
    np.testing.assert_allclose(likelihood.value_and_gradient(theta)[1], slope, rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("kind", some_likelihoods())
def test_pymc_states_the_same_posterior_with_the_same_gradient(kind):
    likelihood, size = some_likelihoods()[kind]
    posterior = Posterior(likelihood, tuple("abcdefgh"[:size]), np.full(size, 0.2), np.full(size, 1.5), 300)
    stated = posterior.pymc_model().logp_dlogp_function(ravel_inputs=True, mode="FAST_COMPILE")
    constant = -size * np.log(1.5 * np.sqrt(2 * np.pi))
    for theta in np.random.default_rng(3).normal(0, 0.5, (3, size)):
        value, gradient = posterior.value_and_gradient(theta)
        by_pymc, slope_by_pymc = stated(theta)
        assert value + constant == pytest.approx(float(by_pymc), rel=1e-11)
        np.testing.assert_allclose(gradient, slope_by_pymc, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("family", FAMILIES)
def test_the_order_of_customers_changes_no_bit(family):
    x, t_x, T, _ = histories(2000)
    order = np.random.default_rng(4).permutation(2000)
    theta = np.array([-1.0, -0.5, -0.8, 0.9])
    value, gradient = PurchaseLikelihood(x, t_x, T, family).value_and_gradient(theta)
    again, slope_again = PurchaseLikelihood(x[order], t_x[order], T[order], family).value_and_gradient(theta)
    assert value == again
    assert (gradient == slope_again).all()


@pytest.mark.parametrize("family", FAMILIES)
def test_a_heavy_buyer_long_gone_has_a_finite_likelihood(family):
    x, t_x, T = np.array([5000.0, 0.0]), np.array([0.2, 0.0]), np.array([4.0, 4.0])
    theta = np.array([-1.0, -6.0, -0.8, 0.9])  # the odds of being gone are e to the power of thousands
    likelihood = PurchaseLikelihood(x, t_x, T, family)
    value, gradient = likelihood.value_and_gradient(theta)
    assert np.isfinite(value)
    assert np.isfinite(gradient).all()
    np.testing.assert_allclose(
        gradient,
        approx_fprime(theta, lambda at: likelihood.value_and_gradient(at)[0], 1e-7),
        rtol=1e-4,
        atol=1e-3,
    )


def test_without_repeat_purchases_only_the_wait_counts_in_bgnbd():
    T = np.array([1.0, 2.0, 2.0])
    likelihood = PurchaseLikelihood(np.zeros(3), np.zeros(3), T, "bgnbd")
    value, gradient = likelihood.value_and_gradient(np.zeros(4))
    assert value == pytest.approx(-np.log(1 + T).sum())  # (α/(α+T))^r with α = r = 1
    assert gradient[2:] == pytest.approx([0.0, 0.0], abs=1e-12)


def test_an_unknown_family_is_refused():
    with pytest.raises(RangeError, match="family must be one of bgnbd, mbgnbd, got 'nbd'"):
        log_likelihood(1.0, 1.0, 1.0, 1.0, 0.0, 0.0, 1.0, "nbd")
