"""Fits to the CDNOW sample: parameters and likelihoods as published, and purchases expected in the holdout.

The sample is one customer in ten of those who first bought in early 1997, calibrated to 1997-09-30; times in
weeks. Sources: Fader, Hardie & Lee (2005), Marketing Science 24(2), 275-284, with notes 004, 021 and 039 of
brucehardie.com; Batislam, Denizel & Filiztekin (2007); Fader & Hardie (2013) for Gamma-Gamma. Published are
maximum-likelihood estimates; the mode under the wide priors of patron lies within a percent of them.
"""

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from patron.datasets.samples import load_cdnow
from patron.models.value.gamma_gamma import GammaGammaModel
from patron.models.value.purchases.families import families_in_words
from patron.models.value.purchases.model import BetaGeoModel

CALIBRATION_END = pd.Timestamp("1997-09-30")


@pytest.fixture(scope="module")
def purchases():
    """One row per customer of the sample and day with purchases: customer_id, day, amount."""
    folder = Path(find_spec("lifetimes").submodule_search_locations[0]) / "datasets"
    sample = {line.split()[0] for line in (folder / "CDNOW_sample.txt").read_text().splitlines()}
    bought = load_cdnow().transactions
    bought = bought[bought["customer_id"].astype(str).str.zfill(5).isin(sample)]
    days = bought.assign(day=pd.to_datetime(bought["order_at"]).dt.normalize())
    return days.groupby(["customer_id", "day"], as_index=False)["amount"].sum()


@pytest.fixture(scope="module")
def rfm(purchases):
    """The calibration period as RFM rows, in weeks."""
    known = purchases[purchases["day"] <= CALIBRATION_END]
    first = known.groupby("customer_id")["day"].transform("min")
    repeat = known[known["day"] > first]
    by_customer = known.groupby("customer_id")["day"].agg(["min", "max"])
    table = pd.DataFrame(
        {
            "frequency": repeat.groupby("customer_id").size(),
            "recency": (by_customer["max"] - by_customer["min"]).dt.days / 7,
            "T": (CALIBRATION_END - by_customer["min"]).dt.days / 7,
            "monetary_value": repeat.groupby("customer_id")["amount"].mean(),
        }
    )
    return table.fillna({"frequency": 0, "monetary_value": 0.0}).reset_index()


def test_the_sample_is_the_published_one(rfm):
    counts = rfm["frequency"].clip(upper=7).value_counts().sort_index().tolist()
    assert counts == [1411, 439, 214, 100, 62, 38, 29, 64]


PUBLISHED = {
    "bgnbd": ({"r": 0.242595, "alpha": 4.413602, "a": 0.792922, "b": 2.425907}, -9582.4292),
    "mbgnbd": ({"r": 0.52484, "alpha": 6.18309, "a": 0.89136, "b": 1.614}, -9582.136),
}


@pytest.mark.parametrize("family", PUBLISHED)
def test_the_mode_is_the_published_estimate(rfm, family):
    params, log_likelihood = PUBLISHED[family]
    model = BetaGeoModel(family=family, time_unit="W", inference="map").fit(rfm)
    for name, value in params.items():
        assert model.params_[name] == pytest.approx(value, rel=0.01)
    assert model.diagnostics_.log_likelihood == pytest.approx(log_likelihood, abs=1e-3)
    assert model.log_likelihood(rfm).sum() == pytest.approx(log_likelihood, abs=1e-3)


def test_the_mode_of_spend_is_the_published_estimate(rfm):
    model = GammaGammaModel(inference="map").fit(rfm)
    assert model.diagnostics_.n_customers == 946
    assert model.params_ == pytest.approx({"p": 6.2496, "q": 3.7442, "v": 15.4435}, rel=0.01)
    new = pd.DataFrame({"customer_id": [0], "frequency": [0], "monetary_value": [0.0]})
    assert model.expected_spend(new)[0] == pytest.approx(35.08, rel=0.005)


def test_the_uncertainty_is_near_the_published_standard_errors(rfm):
    draws = BetaGeoModel(time_unit="W", inference="laplace").fit(rfm).draws_
    # a and b have a long upper tail, which a standard error knows nothing of; r and α have none.
    for name, error, tolerance in (("r", 0.01256, 0.05), ("alpha", 0.37822, 0.05), ("a", 0.18573, 0.25)):
        assert draws[name].std() == pytest.approx(error, rel=tolerance)


@pytest.mark.parametrize(("family", "expected"), [("bgnbd", 1653.4), ("mbgnbd", 1576.7)])
def test_the_purchases_expected_in_the_holdout_are_the_published_ones(rfm, purchases, family, expected):
    model = BetaGeoModel(family=family, time_unit="W", inference="map").fit(rfm)
    ahead = model.expected_purchases(rfm, 39)
    assert ahead.sum() == pytest.approx(expected, rel=0.002)
    later = purchases[purchases["day"] > CALIBRATION_END].groupby("customer_id").size()
    actual = later.reindex(ahead.index, fill_value=0)
    assert actual.sum() == 1882
    if family == "bgnbd":
        assert np.abs(actual - ahead).mean() == pytest.approx(0.7855, abs=0.002)
        assert np.corrcoef(actual, ahead)[0, 1] == pytest.approx(0.6256, abs=0.002)


def test_both_families_fit_the_sample_alike(rfm):
    found = BetaGeoModel(family="bgnbd", inference="map").fit(rfm).diagnostics_
    assert found.other_family == pytest.approx(-9582.136 + 9582.4292, abs=2e-3)
    assert (
        families_in_words("bgnbd", found.other_family)
        == "MBG/NBD and BG/NBD fit alike (log-likelihood +0.3)."
    )


def test_laplace_agrees_with_nuts_on_the_sample(rfm):
    for make in (BetaGeoModel, GammaGammaModel):
        fast, slow = make(inference="laplace").fit(rfm), make(inference="nuts").fit(rfm)
        assert fast.diagnostics_.converged
        assert slow.diagnostics_.converged
        for name, mean in slow.params_.items():
            assert fast.params_[name] == pytest.approx(mean, rel=0.02)
            assert fast.draws_[name].std() == pytest.approx(slow.draws_[name].std(), rel=0.10)
