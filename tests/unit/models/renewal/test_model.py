"""Renewals: who stays, for how long, and what a constant rate gets wrong."""

from datetime import date

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from patron.errors import PatronWarning, RangeError, TableError
from patron.models.renewal.contracts import contracts_of_cohorts, contracts_of_subscriptions, read_contracts
from patron.models.renewal.model import RenewalModel, renewal_posterior
from patron.models.renewal.survival import residual_lifetime, survival


def simulated(alpha, beta, n, watched, seed, **columns):
    """Contracts that could be renewed up to `watched` times."""
    rng = np.random.default_rng(seed)
    lived = rng.geometric(rng.beta(alpha, beta, size=n)) - 1  # renewals made before leaving
    rows = {"renewals": np.minimum(lived, watched), "ended": (lived < watched).astype(int)}
    return pd.DataFrame(rows | columns)


@pytest.mark.filterwarnings("ignore::patron.errors.PatronWarning")
def test_the_gradient_is_the_slope_of_the_log_likelihood():
    rng = np.random.default_rng(1)
    contracts = simulated(0.8, 2.0, 40, 5, 2, start=0)
    rows = read_contracts(contracts)
    posterior, _ = renewal_posterior(rows, rng.normal(size=(40, 2)), np.eye(3)[rng.integers(0, 3, 40)])
    theta = rng.normal(size=7)
    slope = posterior.value_and_gradient(theta)[1]
    steps = 1e-6 * np.eye(7)
    numeric = [
        (posterior.value_and_gradient(theta + s)[0] - posterior.value_and_gradient(theta - s)[0]) / 2e-6
        for s in steps
    ]
    assert slope == pytest.approx(numeric, rel=1e-5, abs=1e-6)


def test_pymc_states_the_same_model():
    contracts = simulated(0.8, 2.0, 60, 5, 3, cohort=["a", "b"] * 30, age=np.arange(60.0))
    model = RenewalModel(covariates=["age"], pooled="cohort")
    stated = model.pymc_model(contracts)
    posterior = model._prepare(contracts)[2]
    points = np.random.default_rng(0).normal(size=(2, 5))
    density = stated.compile_logp(mode="FAST_COMPILE")
    one, other = (posterior.value_and_gradient(point)[0] - density({"theta": point}) for point in points)
    assert one == pytest.approx(other)  # equal up to a constant


@pytest.mark.parametrize("inference", ["nuts", "laplace"])
def test_the_truth_is_found_again(inference):
    contracts = simulated(0.9, 3.0, 20_000, 8, seed=5)
    model = RenewalModel(inference=inference).fit(contracts)
    for name, truth in (("alpha", 0.9), ("beta", 3.0)):
        assert abs(model.params_[name] - truth) < 4 * model.draws_[name].std()
        assert model.draws_[name].std() < 0.1 * truth


def test_contracts_counted_together_are_as_good_as_one_by_one():
    single = simulated(0.9, 3.0, 500, 6, seed=1)
    counted = single.value_counts().rename("count").reset_index()
    one, other = (RenewalModel(inference="map").fit(rows).params_ for rows in (single, counted))
    assert one == pytest.approx(other, rel=1e-6)


def test_customers_who_were_there_already_do_not_make_the_others_look_loyal():
    everyone = simulated(0.7, 1.3, 60_000, 6, seed=4)
    known_late = everyone[everyone["renewals"] >= 2].assign(start=2)  # nobody saw who left before
    biased = RenewalModel(inference="map").fit(known_late.drop(columns="start"))
    told = RenewalModel(inference="map").fit(known_late)
    truth = float(survival(0.7, 1.3, 6) / survival(0.7, 1.3, 2))
    assert float(survival(**told.params_, t=6) / survival(**told.params_, t=2)) == pytest.approx(
        truth, abs=0.01
    )
    assert float(survival(**biased.params_, t=2)) > 0.8
    assert float(survival(0.7, 1.3, 2)) < 0.5


def test_a_covariate_moves_the_chance_of_leaving():
    part = {"plan": ["monthly"] * 3000}, {"plan": ["annual"] * 3000}
    contracts = pd.concat(
        [simulated(1.2, 2.0, 3000, 6, 1, **part[0]), simulated(0.5, 2.7, 3000, 6, 2, **part[1])]
    )
    model = RenewalModel(covariates=["plan"], inference="laplace").fit(contracts.reset_index(drop=True))
    new = pd.DataFrame({"renewals": 0, "plan": ["monthly", "annual", "never seen"]})
    monthly, annual, unseen = model.renewal_probability(new)
    assert monthly == pytest.approx(2.0 / 3.2, abs=0.03)
    assert annual == pytest.approx(2.7 / 3.2, abs=0.03)
    assert monthly < unseen < annual


def test_a_small_cohort_is_drawn_towards_the_others():
    left = [2000, 2500, 3000, 3200, 2800, 2300, 2600, 2900]
    cohorts = {f"2023-{month:02}": [4000, n, 0.8 * n, 0.7 * n] for month, n in enumerate(left, start=1)}
    contracts = contracts_of_cohorts(cohorts | {"2023-09": [10, 1, 1, 1]})
    model = RenewalModel(pooled="cohort", draws=500, tune=500).fit(contracts)
    small, large, unseen = model.renewal_probability(
        pd.DataFrame({"renewals": 0, "cohort": ["2023-09", "2023-08", "2030-01"]})
    )
    assert 0.25 < small < unseen  # 1 of 10 stayed; 7 of 10 do elsewhere
    assert large == pytest.approx(2900 / 4000, abs=0.03)
    assert unseen == pytest.approx(np.mean(left) / 4000, abs=0.04)


def test_a_stored_model_says_the_same(tmp_path):
    contracts = contracts_of_cohorts({"a": [900, 500, 300], "b": [800, 600, 500]})
    model = RenewalModel(pooled="cohort", inference="map").fit(contracts)
    model.save(tmp_path / "renewals.npz")
    again = RenewalModel.load(tmp_path / "renewals.npz")
    pd.testing.assert_frame_equal(
        again.residual_lifetime(contracts, 0.1), model.residual_lifetime(contracts, 0.1)
    )


@given(st.floats(0.05, 20), st.floats(0.05, 20), st.integers(0, 30), st.floats(0.02, 0.5))
def test_the_closed_form_is_the_sum_of_all_renewals_to_come(alpha, beta, n, rate):
    t = np.arange(1, 1500)
    summed = np.sum(survival(alpha, beta, n + t) / survival(alpha, beta, n) * (1 + rate) ** -t.astype(float))
    assert residual_lifetime(alpha, beta, n, rate) == pytest.approx(summed, rel=1e-6)
    assert residual_lifetime(alpha, beta, n, rate, periods=1499) == pytest.approx(summed, rel=1e-9)


@given(st.floats(0.05, 20), st.floats(0.05, 20))
def test_those_who_have_stayed_longer_stay_longer(alpha, beta):
    assert (np.diff(residual_lifetime(alpha, beta, np.arange(10), 0.1)) > 0).all()


def test_monthly_terms_are_discounted_by_the_month():
    annual, monthly = (residual_lifetime(1e6, 9e6, 0, 0.10, periods_per_year=p) for p in (1, 12))
    assert annual == pytest.approx(0.9 / (1.1 - 0.9), rel=1e-3)
    assert monthly == pytest.approx(0.9 / (1.1 ** (1 / 12) - 0.9), rel=1e-3)


def test_contracts_of_calendar_months_and_years_count_whole_terms():
    subscriptions = pd.DataFrame(
        {
            "started_at": pd.to_datetime(
                ["2023-01-31", "2020-02-29", "2023-01-01", "2024-12-31", "2023-01-01"]
            ),
            "ended_at": pd.to_datetime(["2023-07-31", "2024-02-28", "2023-01-01", None, "2031-01-01"]),
            "period_days": [30, 365, 30, 30, 7],
        }
    )
    found = contracts_of_subscriptions(subscriptions, date(2024, 12, 31))
    assert found["ended"].tolist() == [1, 1, 1, 0, 0]
    assert found["renewals"].tolist() == [5, 3, 0, 0, 104]


def test_a_contract_that_ends_before_it_starts_is_refused():
    backwards = pd.DataFrame({"started_at": ["2024-02-01"], "ended_at": ["2024-01-01"], "period_days": [30]})
    with pytest.raises(TableError, match=r"1 subscriptions end before they start \(rows 0\)"):
        contracts_of_subscriptions(backwards, date(2024, 12, 31))


@pytest.mark.parametrize(
    ("contracts", "said"),
    [
        ({"renewals": [1]}, "contracts lacks ended"),
        ({"renewals": [], "ended": []}, "contracts has no row"),
        ({"renewals": [1.5], "ended": [1]}, "renewals must be a whole number"),
        ({"renewals": [1], "ended": [2]}, "ended must be 1 or 0"),
        ({"renewals": [1], "ended": [0], "start": [2]}, "renewals must be a whole number ≥ start"),
        ({"renewals": [1], "ended": [0], "count": [0]}, "counts no contract"),
    ],
)
def test_contracts_that_cannot_be_are_refused_in_a_sentence(contracts, said):
    with pytest.raises(TableError, match=said):
        RenewalModel().fit(pd.DataFrame(contracts))


def test_a_cohort_that_grows_is_refused():
    with pytest.raises(RangeError, match=r"cohort '2024' must be two or more counts"):
        contracts_of_cohorts({"2024": [10, 12]})


def test_a_cohort_without_a_name_is_refused():
    contracts = pd.DataFrame({"renewals": [1, 1], "ended": [0, 1], "cohort": ["a", None]})
    with pytest.raises(TableError, match="1 rows of contracts have no cohort"):
        RenewalModel(pooled="cohort").fit(contracts)


def test_a_lifetime_without_discount_or_end_is_refused():
    with pytest.raises(RangeError, match="a lifetime may be infinite"):
        RenewalModel.from_params(alpha=0.5, beta=1.0).expected_lifetime(0.0)


def test_little_data_comes_with_a_warning():
    with pytest.warns(PatronWarning) as told:
        RenewalModel(inference="map").fit(contracts_of_cohorts([20, 20, 20]))
    said = " ".join(str(warning.message) for warning in told)
    assert "fitted to 20 contracts, fewer than 50" in said
    assert "none of the 20 contracts has ended" in said
