"""Renewals as published: the cohorts of Fader & Hardie (2007), Journal of Interactive Marketing 21(1), 76-90.

Discounted lifetimes at 10 % a year as in Fader & Hardie (2010), Marketing Science 29(1), 85-93.
"""

import numpy as np
import pandas as pd
import pytest

from patron.models.renewal.contracts import contracts_of_cohorts
from patron.models.renewal.model import RenewalModel

SURVIVORS = [1000, 631, 468, 382, 326]
PUBLISHED = {"alpha": 0.764, "beta": 1.296}
YEARS_5_TO_12 = [0.284, 0.254, 0.230, 0.210, 0.194, 0.181, 0.169, 0.160]


@pytest.fixture(scope="module")
def contracts():
    return contracts_of_cohorts(SURVIVORS)


def test_the_published_parameters_are_found_to_one_per_cent(contracts):
    model = RenewalModel(inference="map").fit(contracts)
    assert model.params_ == pytest.approx(PUBLISHED, rel=0.01)
    assert model.diagnostics_.log_likelihood == pytest.approx(-1401.56, abs=0.01)


def test_the_sampler_finds_them_within_ten_seconds(contracts):
    model = RenewalModel(inference="nuts").fit(contracts)
    assert model.diagnostics_.converged
    assert model.diagnostics_.seconds < 10
    medians = {name: float(np.median(draws)) for name, draws in model.draws_.items()}
    assert medians == pytest.approx(PUBLISHED, rel=0.01)


def test_the_years_after_the_data_survive_as_published():
    model = RenewalModel.from_params(**PUBLISHED)
    assert model.curve(12)["survival"].tolist()[5:] == pytest.approx(YEARS_5_TO_12, abs=0.0006)


def test_a_customer_of_four_years_is_worth_almost_four_times_what_a_constant_rate_says():
    model = RenewalModel.from_params(**PUBLISHED)
    assert model.expected_lifetime(0.10) == pytest.approx(3.62, abs=0.005)
    (row,) = model.residual_lifetime(pd.DataFrame({"renewals": [4]}), 0.10).itertuples()
    assert row.residual_lifetime == pytest.approx(5.17, abs=0.005)
    assert row.ratio == pytest.approx(3.87, abs=0.005)


@pytest.mark.parametrize(
    ("shapes", "retention"),
    [({"alpha": 0.668, "beta": 3.806}, 0.851), ({"alpha": 0.704, "beta": 1.182}, 0.627)],
    ids=["high end", "regular"],
)
def test_the_published_segments_keep_their_first_retention_rates(shapes, retention):
    assert RenewalModel.from_params(**shapes).curve(1)["retention_rate"][1] == pytest.approx(
        retention, abs=5e-4
    )
