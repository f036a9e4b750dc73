"""GammaGammaModel: what a next purchase is worth, whatever the currency, and for whom it cannot tell."""

import warnings

import numpy as np
import pandas as pd
import pytest

from patron.datasets.btyd import simulate_btyd
from patron.errors import NotFittedError, PatronWarning, RangeError, TableError, TooFewCustomersError
from patron.models.value.gamma_gamma import GammaGammaModel, expected_spend

WORLD = {"r": 1.2, "alpha": 30.0, "a": 0.8, "b": 4.0, "p": 6.0, "q": 4.0, "v": 15.0}
RFM = simulate_btyd(1500, **WORLD, T=300.0, horizon=0.0, seed=6).rfm


def test_the_expected_spend_is_the_published_one():
    # Fader & Hardie (2013), with the parameters of the CDNOW sample.
    rfm = pd.DataFrame(
        {
            "customer_id": ["none", "two", "one", "seven", "once at 100"],
            "frequency": [0, 2, 1, 7, 1],
            "monetary_value": [0.0, 22.35, 11.77, 73.74, 100.0],
        }
    )
    spend = GammaGammaModel.from_params(p=6.25, q=3.74, v=15.44).expected_spend(rfm)
    assert spend.index.tolist() == rfm["customer_id"].tolist()
    np.testing.assert_allclose(
        spend, [35.2189781022, 24.6637139108, 18.9168520578, 71.469670897, 80.255839822], rtol=1e-11
    )


def test_the_expected_spend_lies_between_the_customer_and_the_average():
    seen = np.linspace(1, 200, 50)
    average = 6.25 * 15.44 / 2.74
    spend = expected_spend(6.25, 3.74, 15.44, 3.0, seen)
    assert ((spend >= np.minimum(seen, average)) & (spend <= np.maximum(seen, average))).all()


def test_the_more_purchases_the_more_the_customer_counts():
    spend = expected_spend(6.25, 3.74, 15.44, np.arange(200), 100.0)
    assert (np.diff(spend) > 0).all()
    assert spend[-1] == pytest.approx(100, rel=0.01)


@pytest.mark.parametrize("inference", ["map", "laplace"])
def test_euros_and_cents_give_the_same_posterior(inference):
    cents = RFM.assign(monetary_value=RFM["monetary_value"] * 100)
    in_euros, in_cents = (GammaGammaModel(inference=inference, draws=50) for _ in range(2))
    euro, cent = in_euros.fit(RFM).draws_, in_cents.fit(cents).draws_
    np.testing.assert_allclose(cent["v"], 100 * euro["v"], rtol=1e-9)
    np.testing.assert_allclose(cent["p"], euro["p"], rtol=1e-9)
    np.testing.assert_allclose(cent["q"], euro["q"], rtol=1e-9)


@pytest.mark.parametrize("inference", ["laplace", "nuts"])
def test_neither_order_nor_last_bits_change_a_draw(inference):
    few = {"inference": inference, "draws": 50, "tune": 50, "chains": 2}
    shuffled = RFM.sample(frac=1, random_state=3).assign(
        monetary_value=lambda rows: rows["monetary_value"] * (1 + 2e-16)
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PatronWarning)  # so few draws need not converge
        first, second = (GammaGammaModel(**few).fit(rows).draws_ for rows in (RFM, shuffled))
    for name in first:
        assert (first[name] == second[name]).all()


def test_laplace_and_nuts_agree():
    fast = GammaGammaModel(inference="laplace").fit(RFM)
    slow = GammaGammaModel(inference="nuts", tune=500).fit(RFM)
    assert fast.diagnostics_.converged
    assert slow.diagnostics_.converged
    for name, mean in slow.params_.items():
        assert fast.params_[name] == pytest.approx(mean, rel=0.02)
        assert fast.draws_[name].std() == pytest.approx(slow.draws_[name].std(), rel=0.10)


def test_one_time_buyers_change_nothing():
    once = pd.DataFrame({"customer_id": range(-50, 0), "frequency": 0, "monetary_value": 0.0})
    model, again = (GammaGammaModel(inference="map").fit(rows) for rows in (RFM, pd.concat([RFM, once])))
    assert model.params_ == again.params_


def test_the_log_likelihood_of_the_mode_is_that_of_the_customers():
    model = GammaGammaModel(inference="map").fit(RFM)
    each = model.log_likelihood(RFM)
    assert each.sum() == pytest.approx(model.diagnostics_.log_likelihood, rel=1e-6)
    assert (each[(RFM["frequency"] == 0).to_numpy()] == 0).all()


def test_nobody_who_bought_twice_is_refused():
    once = RFM.assign(frequency=0, monetary_value=0.0)
    with pytest.raises(TooFewCustomersError, match="none of the 1500 customers in rfm has bought twice"):
        GammaGammaModel().fit(once)


def test_few_repeat_buyers_come_with_a_warning():
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always", PatronWarning)
        GammaGammaModel(inference="map").fit(RFM[RFM["frequency"] > 0].head(40))
    assert "fitted to 40 customers who have bought twice, fewer than 50" in str(warned[0].message)


def test_q_stays_above_one_so_that_the_mean_is_finite():
    rng = np.random.default_rng(1)
    wild = pd.DataFrame(
        {"customer_id": range(400), "frequency": 1, "monetary_value": rng.pareto(0.8, 400) + 0.1}
    )
    model = GammaGammaModel(inference="laplace", draws=250).fit(wild)
    assert (model.draws_["q"] > 1).all()
    assert np.isfinite(model.expected_spend(wild)).all()


def test_covariates_move_the_mean_spend():
    rfm = RFM.assign(shop=np.where(np.arange(1500) % 2, "mall", "web"))
    rfm.loc[rfm["shop"] == "mall", "monetary_value"] *= 1.5
    model = GammaGammaModel(inference="laplace", covariates=["shop"], draws=250).fit(rfm)
    effect = model.params_["spending[shop=mall]"] - model.params_["spending[shop=web]"]
    assert effect == pytest.approx(np.log(1.5), abs=0.1)
    new = pd.DataFrame(
        {"customer_id": [1, 2], "frequency": 0, "monetary_value": 0.0, "shop": ["web", "mall"]}
    )
    spend = model.expected_spend(new)
    assert spend[2] / spend[1] == pytest.approx(np.exp(effect), rel=0.02)


def test_a_model_comes_back_from_its_file_as_it_was(tmp_path):
    model = GammaGammaModel(inference="laplace", draws=250).fit(RFM)
    model.save(tmp_path / "spend.npz")
    again = GammaGammaModel.load(tmp_path / "spend.npz")
    pd.testing.assert_series_equal(again.expected_spend(RFM), model.expected_spend(RFM))
    assert (tmp_path / "spend.npz").stat().st_size < 1_000_000


def test_money_of_zero_with_repeat_purchases_is_refused():
    free = RFM.assign(monetary_value=0.0)
    with pytest.raises(TableError, match="monetary_value is not positive in spite of repeat purchases"):
        GammaGammaModel().fit(free)


def test_prediction_before_fitting_is_refused():
    with pytest.raises(NotFittedError, match="this GammaGammaModel is not fitted yet"):
        GammaGammaModel().expected_spend(RFM)


def test_parameters_must_be_positive():
    with pytest.raises(RangeError, match=r"positive and finite, got v = -1\.0"):
        GammaGammaModel.from_params(p=6.0, q=4.0, v=-1.0)


def test_a_mean_spend_without_end_is_refused():
    with pytest.raises(RangeError, match="q must be above 1"):
        GammaGammaModel.from_params(p=6.0, q=0.9, v=15.0)
