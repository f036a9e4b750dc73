"""BetaGeoModel: every answer by customer, in the order of the rows, whatever the unit; and when it warns."""

import json
import warnings

import numpy as np
import pandas as pd
import pytest

from patron.datasets.btyd import simulate_btyd
from patron.errors import ModelError, NotFittedError, PatronWarning, RangeError, SettingsError, TableError
from patron.models.value.gamma_gamma import GammaGammaModel
from patron.models.value.purchases.families import families_in_words
from patron.models.value.purchases.model import BetaGeoModel

WORLD = {"r": 0.6, "alpha": 30.0, "a": 0.8, "b": 2.5, "p": 6.0, "q": 4.0, "v": 15.0}
AGES = np.random.default_rng(0).integers(60, 500, 1500).astype(float)
RFM = simulate_btyd(1500, **WORLD, T=AGES, horizon=90.0, daily=True, seed=5).rfm
WEEKLY = {"r": 0.243, "alpha": 4.414, "a": 0.793, "b": 2.426, "time_unit": "W"}
SOME = pd.DataFrame(
    {
        "customer_id": ["d", "a", "c", "b"],
        "frequency": [7, 2, 0, 26],
        "recency": [29.43, 30.43, 0.0, 30.86],
        "T": [38.86, 38.86, 38.86, 31.0],
    }
)

ANSWERS = {
    "log_likelihood": {},
    "probability_alive": {},
    "probability_no_purchase": {"horizon": 39},
    "expected_purchases": {"horizon": 39, "start": 4},
    "discounted_expected_purchases": {"annual_discount_rate": 0.15},
    "probability_of_purchases": {"horizon": 39, "n": 2},
}


@pytest.fixture(scope="module")
def fitted():
    return BetaGeoModel(inference="laplace", draws=250).fit(RFM)


@pytest.mark.parametrize("answer", ANSWERS)
def test_answers_come_in_the_order_of_the_rows(answer):
    model = BetaGeoModel.from_params(**WEEKLY)
    whole = getattr(model, answer)(SOME, **ANSWERS[answer])
    assert whole.index.tolist() == ["d", "a", "c", "b"]
    assert whole.name == answer
    for row in range(4):
        alone = getattr(model, answer)(SOME.iloc[[row]], **ANSWERS[answer])
        assert alone.iloc[0] == pytest.approx(whole.iloc[row], rel=1e-13)


def test_known_parameters_give_the_published_numbers():
    # Fader, Hardie & Lee (2005) and their notes 004 and 025; times in weeks, 15 % a year over 52 weeks.
    model = BetaGeoModel.from_params(**WEEKLY)
    np.testing.assert_allclose(
        model.expected_purchases(SOME, 39), [3.33705327485, 1.22602817477, 0.195098052011, 20.7497261409],
        rtol=1e-9,
    )  # fmt: skip
    np.testing.assert_allclose(
        model.discounted_expected_purchases(SOME, 0.15),
        [12.7008682924, 5.16955392844, 1.01874619465, 71.0647422325], rtol=1e-9,
    )  # fmt: skip
    assert model.expected_purchases_new_customer(39) == pytest.approx(1.19672319332, rel=1e-9)


def test_a_fitted_model_averages_over_its_draws(fitted):
    few = RFM.head(5)
    draws = fitted.draws_
    one_by_one = [
        BetaGeoModel.from_params(**{name: draws[name][i] for name in ("r", "alpha", "a", "b")})
        .expected_purchases(few, 90)
        .to_numpy()
        for i in range(0, 1000, 10)
    ]
    np.testing.assert_allclose(fitted.expected_purchases(few, 90), np.mean(one_by_one, axis=0), rtol=1e-12)


def test_many_rows_are_worked_out_in_parts_without_a_trace(fitted, monkeypatch):
    whole = fitted.probability_no_purchase(RFM, 90)
    monkeypatch.setattr("patron.models.value.purchases.model._NUMBERS_AT_A_TIME", 1000)
    pd.testing.assert_series_equal(fitted.probability_no_purchase(RFM, 90), whole)


def test_simulated_futures_have_the_expected_mean(fitted):
    futures = fitted.simulate(RFM, 90, n_draws=400, random_state=1)
    assert futures.shape == (1500, 400)
    assert futures.index.tolist() == RFM["customer_id"].tolist()
    assert futures.to_numpy().mean() == pytest.approx(fitted.expected_purchases(RFM, 90).mean(), rel=0.03)
    assert (futures == fitted.simulate(RFM, 90, n_draws=400, random_state=1)).all(axis=None)


@pytest.mark.parametrize("inference", ["map", "laplace"])
def test_days_and_weeks_give_the_same_posterior(inference):
    weeks = RFM.assign(recency=RFM["recency"] / 7, T=RFM["T"] / 7)
    by_day, by_week = BetaGeoModel(inference=inference, draws=50), BetaGeoModel(inference=inference, draws=50)
    day, week = by_day.fit(RFM).draws_, by_week.fit(weeks).draws_
    np.testing.assert_allclose(day["alpha"], 7 * week["alpha"], rtol=1e-6)
    for name in ("r", "a", "b"):
        np.testing.assert_allclose(day[name], week[name], rtol=1e-6)
    shift = RFM["frequency"].sum() * np.log(7)
    assert by_day.diagnostics_.log_likelihood + shift == pytest.approx(by_week.diagnostics_.log_likelihood)


@pytest.mark.parametrize("inference", ["laplace", "nuts"])
def test_neither_order_nor_last_bits_change_a_draw(inference):
    few = {"inference": inference, "draws": 50, "tune": 50, "chains": 2}
    shuffled = RFM.sample(frac=1, random_state=3).assign(
        recency=lambda rows: rows["recency"] * (1 - 2e-16), T=lambda rows: rows["T"] * (1 + 3e-16)
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PatronWarning)  # so few draws need not converge
        first, second = (BetaGeoModel(**few).fit(rows).draws_ for rows in (RFM, shuffled))
    for name in first:
        assert (first[name] == second[name]).all()


def test_the_log_likelihood_of_the_mode_is_that_of_the_customers():
    model = BetaGeoModel(inference="map").fit(RFM)
    assert model.log_likelihood(RFM).sum() == pytest.approx(model.diagnostics_.log_likelihood, rel=1e-6)


def test_settings_of_fit_come_before_those_of_the_model():
    model = BetaGeoModel(inference="nuts").fit(RFM, inference="map", random_state=7)
    assert model.diagnostics_.inference == "map"


def test_a_prior_can_be_given():
    sure = BetaGeoModel(inference="map", priors={"r": (3.0, 0.001)}).fit(RFM)
    assert sure.params_["r"] == pytest.approx(3.0, rel=0.01)


def test_a_model_comes_back_from_its_file_as_it_was(fitted, tmp_path):
    file = tmp_path / "purchases.npz"
    fitted.save(file)
    again = BetaGeoModel.load(file)
    assert file.stat().st_size < 1_000_000
    assert again.get_params() == fitted.get_params()
    assert again.diagnostics_ == fitted.diagnostics_
    pd.testing.assert_series_equal(again.expected_purchases(RFM, 90), fitted.expected_purchases(RFM, 90))
    with np.load(file, allow_pickle=False) as stored:
        assert max(array.size for array in stored.values()) == 1000  # draws; no row of a customer


def test_a_model_survives_as_arrays_and_json(fitted):
    arrays, meta = fitted.to_arrays()
    again = BetaGeoModel.from_arrays(arrays, json.loads(json.dumps(meta)))
    pd.testing.assert_series_equal(again.probability_alive(RFM), fitted.probability_alive(RFM))


def test_many_draws_are_thinned_to_stay_below_a_megabyte(tmp_path):
    model = BetaGeoModel(inference="laplace", draws=26_000, chains=1).fit(RFM.head(200))
    model.save(tmp_path / "thinned.npz")
    assert len(model.draws_["r"]) == 13_000
    assert (tmp_path / "thinned.npz").stat().st_size < 1_000_000


def test_a_file_that_is_no_model_is_refused(tmp_path):
    (tmp_path / "text.npz").write_text("hello")
    GammaGammaModel.from_params(p=6.0, q=4.0, v=15.0).save(tmp_path / "spend.npz")
    for name in ("text.npz", "spend.npz", "absent.npz"):
        with pytest.raises(ModelError, match="cannot be read as a BetaGeoModel"):
            BetaGeoModel.load(tmp_path / name)


def test_prediction_before_fitting_is_refused():
    with pytest.raises(NotFittedError, match=r"Call fit\(rfm\), or BetaGeoModel\.from_params"):
        BetaGeoModel().probability_alive(RFM)


KNOWN = BetaGeoModel.from_params(**WEEKLY)

REFUSED = {
    "family must be one of bgnbd, mbgnbd": (SettingsError, lambda: BetaGeoModel(family="nbd").fit(RFM)),
    "time_unit must be one of D, W, M, Y": (SettingsError, lambda: BetaGeoModel(time_unit="H").fit(RFM)),
    "inference must be one of nuts": (SettingsError, lambda: BetaGeoModel().fit(RFM, inference="em")),
    "no parameter q to put a prior": (SettingsError, lambda: BetaGeoModel(priors={"q": (1, 1)}).fit(RFM)),
    "a positive median": (RangeError, lambda: BetaGeoModel(priors={"r": (-1, 1)}).fit(RFM)),
    "phi must lie between 0 and 1": (RangeError, lambda: BetaGeoModel(priors={"phi": (2, 1)}).fit(RFM)),
    "positive and finite, got r = 0": (RangeError, lambda: BetaGeoModel.from_params(r=0, alpha=1, a=1, b=1)),
    "n_draws must be a whole number": (RangeError, lambda: KNOWN.probability_alive(RFM, n_draws=0)),
    "horizon must be at least 0 time units": (RangeError, lambda: KNOWN.expected_purchases(RFM, -1)),
    "horizon must be at least 0 .*got -1.0": (RangeError, lambda: KNOWN.simulate(RFM, -1, n_draws=1)),
    "horizon must be at least 0 .*got nan": (RangeError, lambda: KNOWN.simulate(RFM, np.nan, n_draws=1)),
    "horizon must be finite": (RangeError, lambda: KNOWN.simulate(RFM, np.inf, n_draws=1)),
    "random_state must be a whole number": (RangeError, lambda: KNOWN.simulate(RFM, 9, random_state=-1)),
    "Give a horizon, or a rate above 0": (
        RangeError,
        lambda: KNOWN.discounted_expected_purchases(RFM, annual_discount_rate=0),
    ),
    r"a prior is a median and a spread": (RangeError, lambda: BetaGeoModel(priors={"r": 1.5}).fit(RFM)),
    r"covariates must be a list of columns, got 'shop'\. Write \['shop'\]": (
        SettingsError,
        lambda: BetaGeoModel(covariates="shop").fit(RFM),
    ),
    "more than one column named T": (
        TableError,
        lambda: KNOWN.probability_alive(pd.concat([RFM, RFM[["T"]]], axis=1)),
    ),
    "lacks the covariates shop": (TableError, lambda: BetaGeoModel(covariates=["shop"]).fit(RFM)),
    "is smaller than recency": (TableError, lambda: BetaGeoModel().fit(RFM.assign(T=1.0))),
}


@pytest.mark.parametrize("sentence", REFUSED)
def test_what_cannot_be_is_refused_in_a_sentence(sentence):
    error, attempt = REFUSED[sentence]
    with pytest.raises(error, match=sentence):
        attempt()


def fit_warnings(rfm):
    """A quick fit, and what it warns of."""
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always", PatronWarning)
        model = BetaGeoModel(inference="map").fit(rfm)
    return model, " ".join(str(warning.message) for warning in warned)


def test_few_customers_come_with_a_warning():
    _, doubts = fit_warnings(RFM.head(30))
    assert "fitted to 30 customers, fewer than 50" in doubts


def test_enough_customers_come_with_none():
    assert fit_warnings(RFM)[1] == ""


def test_nobody_who_bought_twice_comes_with_a_warning():
    once = pd.DataFrame({"customer_id": range(80), "frequency": 0, "recency": 0.0, "T": np.arange(80) + 5.0})
    model, doubts = fit_warnings(once)
    assert "none of the 80 customers has bought twice" in doubts
    assert "the data carry little information on" in doubts
    assert model.expected_purchases(once, 30).between(0, 1).all()


def test_a_ridge_of_large_b_comes_with_a_warning():
    # Everybody buys on to the end: nobody drops out, so a + b may be anything.
    alive = pd.DataFrame({"customer_id": range(60), "frequency": 10, "recency": 99.0, "T": 100.0})
    model, doubts = fit_warnings(alive)
    assert "log kappa" in model.diagnostics_.ridge
    assert "the data carry little information on" in doubts


def test_laplace_and_nuts_agree():
    fast = BetaGeoModel(inference="laplace").fit(RFM)
    slow = BetaGeoModel(inference="nuts", tune=500).fit(RFM)
    assert fast.diagnostics_.converged
    assert slow.diagnostics_.converged
    for name, mean in slow.params_.items():
        assert fast.params_[name] == pytest.approx(mean, rel=0.02)
        assert fast.draws_[name].std() == pytest.approx(slow.draws_[name].std(), rel=0.10)


def test_one_time_buyers_may_be_gone_in_mbgnbd_only():
    once = SOME[SOME["frequency"] == 0]
    published = {"r": 0.525, "alpha": 6.183, "a": 0.891, "b": 1.614, "time_unit": "W"}
    assert BetaGeoModel.from_params(**WEEKLY).probability_alive(once).iloc[0] == 1
    modified = BetaGeoModel.from_params(**published, family="mbgnbd")
    assert modified.probability_alive(once).iloc[0] == pytest.approx(0.389735080919, rel=1e-9)


@pytest.mark.parametrize("family", ["bgnbd", "mbgnbd"])
def test_the_family_that_made_the_customers_fits_better(family):
    world = WORLD | {"a": 1.5, "b": 2.0}
    rfm = simulate_btyd(4000, **world, T=400.0, horizon=0.0, family=family, seed=2).rfm
    gain = BetaGeoModel(family="bgnbd", inference="map").fit(rfm).diagnostics_.other_family
    assert (gain > 0) == (family == "mbgnbd")
    better = "MBG" if family == "mbgnbd" else "BG"
    assert families_in_words("bgnbd", gain).startswith(f"{better}/NBD fits better than")


def covered(n=4000, seed=9):
    """Customers of three shops: in the mall they buy twice as often, on the web they leave sooner."""
    rng = np.random.default_rng(seed)
    parts = []
    for shop, alpha, a in (("high street", 30.0, 0.8), ("mall", 15.0, 0.8), ("web", 30.0, 2.4)):
        world = WORLD | {"alpha": alpha, "a": a}
        rfm = simulate_btyd(n // 3, **world, T=365.0, horizon=0.0, seed=int(rng.integers(99))).rfm
        parts.append(rfm.assign(shop=shop, age=rng.normal(40, 10, n // 3).round()))
    return pd.concat(parts).assign(customer_id=range(3 * (n // 3)))


def test_covariates_move_buying_and_dropping_out():
    rfm = covered()
    model = BetaGeoModel(inference="laplace", covariates=["shop"], draws=250).fit(rfm)
    effect = model.params_
    faster = effect["buying[shop=mall]"] - effect["buying[shop=high street]"]
    sooner = effect["dropping_out[shop=web]"] - effect["dropping_out[shop=high street]"]
    assert faster == pytest.approx(np.log(2), abs=0.25)
    assert sooner == pytest.approx(np.log(3), abs=0.5)  # odds a/b grow threefold
    assert model.diagnostics_.converged


def test_a_covariate_that_means_nothing_has_no_effect():
    model = BetaGeoModel(inference="laplace", covariates=["age"], draws=250).fit(covered())
    for name in ("buying[age]", "dropping_out[age]"):
        assert abs(model.params_[name]) < 3 * model.draws_[name].std()


def test_customers_alike_but_for_their_covariates_get_their_own_numbers():
    model = BetaGeoModel(inference="map", covariates=["shop"]).fit(covered())
    alike = pd.DataFrame({"customer_id": [3, 1, 2], "frequency": 0, "recency": 0.0, "T": 100.0})
    bought = model.expected_purchases(alike.assign(shop=["web", "mall", "never seen"]), 90)
    assert bought.index.tolist() == [3, 1, 2]
    assert bought[1] > bought[2] > bought[3]


def test_a_model_with_covariates_survives_its_file(tmp_path):
    rfm = covered(600)
    model = BetaGeoModel(inference="map", covariates=["shop", "age"]).fit(rfm)
    model.save(tmp_path / "covariates.npz")
    again = BetaGeoModel.load(tmp_path / "covariates.npz")
    pd.testing.assert_series_equal(again.expected_purchases(rfm, 90), model.expected_purchases(rfm, 90))


def test_prediction_asks_for_the_covariates():
    model = BetaGeoModel(inference="map", covariates=["shop"]).fit(covered(600))
    with pytest.raises(TableError, match="shop"):
        model.probability_alive(RFM)


def test_scikit_learn_can_clone_it():
    from sklearn.base import clone

    model = BetaGeoModel(family="mbgnbd", covariates=("shop",), draws=10)
    assert clone(model).get_params() == model.get_params()
