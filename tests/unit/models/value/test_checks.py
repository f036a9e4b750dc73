"""The checks before trust: what they find where something is wrong, and what they refuse."""

import numpy as np
import pandas as pd
import pytest

from patron.datasets.btyd import simulate_btyd
from patron.errors import InputError, NotFittedError, RangeError, TableError
from patron.models.value.checks import (
    calibration,
    frequency_histogram,
    tracking,
)
from patron.models.value.purchases.model import BetaGeoModel

WORLD = {"r": 0.8, "alpha": 30.0, "a": 0.6, "b": 3.0}
SPEND = {"p": 6.0, "q": 4.0, "v": 16.0}


@pytest.fixture(scope="module")
def model():
    return BetaGeoModel.from_params(**WORLD)


@pytest.fixture(scope="module")
def buyers():
    return simulate_btyd(4000, **WORLD, **SPEND, T=360.0, horizon=180.0, daily=True, seed=4)


def purchases_with_gaps(gaps):
    """Customers with a purchase at the end of each gap; gaps (n_customers, k) in days."""
    days = np.cumsum(np.column_stack([np.zeros(len(gaps)), gaps]), axis=1).astype(int)
    return pd.DataFrame(
        {
            "customer_id": np.repeat(np.arange(len(days)), days.shape[1]),
            "day": pd.Timestamp("2020-01-01") + pd.to_timedelta(days.ravel(), unit="D"),
        }
    )


def test_customers_of_the_model_buy_as_often_as_the_model_says(model, buyers):
    table = frequency_histogram(model, buyers.rfm, max_frequency=10)
    assert table["actual"].sum() == 4000
    assert table["expected"].sum() == pytest.approx(4000)
    distance = ((table["actual"] - table["expected"]) ** 2 / table["expected"]).sum()
    assert distance < 40  # many purchases of one day are one: a little off, but no more


@pytest.mark.filterwarnings("ignore:BetaGeoModel")
def test_customers_of_two_kinds_are_expected_to_buy_as_often_as_their_kind():
    seldom = simulate_btyd(1500, **WORLD | {"alpha": 60.0}, **SPEND, T=360.0, horizon=0.0, seed=1).rfm
    often = simulate_btyd(1500, **WORLD | {"alpha": 15.0}, **SPEND, T=360.0, horizon=0.0, seed=2).rfm
    both = pd.concat([seldom.assign(kind="a"), often.assign(kind="b")]).assign(customer_id=range(3000))
    model = BetaGeoModel(inference="map", covariates=["kind"]).fit(both)
    for kind, never in (("a", (seldom["frequency"] == 0).sum()), ("b", (often["frequency"] == 0).sum())):
        expected = frequency_histogram(model, both[both["kind"] == kind])["expected"]
        assert expected.sum() == pytest.approx(1500)
        assert expected[0] == pytest.approx(never, rel=0.2)  # without their kind: a third off


def test_customers_of_the_model_buy_in_the_horizon_as_much_as_expected_of_their_group(model, buyers):
    bought = buyers.truth.set_index("customer_id")["purchases"]
    measures = {
        "frequency": buyers.rfm["frequency"],
        "recency": buyers.rfm["recency"],
        "time_since_last": buyers.rfm["T"] - buyers.rfm["recency"],
    }
    for by, measure in measures.items():
        table = calibration(model, buyers.rfm, bought, 180, by=by)
        assert (table["from"].iloc[0], table["to"].iloc[-1]) == (measure.min(), measure.max())
        assert table["customers"].sum() == 4000
        assert table["actual"].to_numpy() == pytest.approx(table["expected"].to_numpy(), rel=0.25, abs=0.15)


def test_who_is_not_named_has_bought_nothing(model, buyers):
    none = calibration(model, buyers.rfm, pd.Series(dtype=float), 180)
    assert (none["actual"] == 0).all()


def test_tracking_counts_each_day_once_and_leaves_out_who_came_later(model):
    days = ["2024-01-01", "2024-01-01", "2024-01-03", "2024-01-20", "2024-02-01", "2024-02-05"]
    purchases = pd.DataFrame({"customer_id": list("aaaabb"), "day": pd.to_datetime(days)})
    table = tracking(model, purchases, "2024-01-14", step_days=10)
    assert table["day"].dt.strftime("%m-%d").tolist() == ["01-10", "01-20"]
    assert table["in_fit_window"].tolist() == [True, False]
    assert table["actual"].tolist() == [1, 1]
    alone = [model.expected_purchases_new_customer(days) for days in (9, 19)]
    assert table["expected_cumulative"].to_numpy() == pytest.approx(alone)


def test_tracking_reads_weeks_of_a_model_in_weeks():
    weekly = BetaGeoModel.from_params(r=0.8, alpha=30.0 / 7, a=0.6, b=3.0, time_unit="W")
    daily = BetaGeoModel.from_params(r=0.8, alpha=30.0, a=0.6, b=3.0)
    purchases = purchases_with_gaps(np.array([[10, 10], [5, 30]]))
    tables = [tracking(one, purchases, "2020-01-20")["expected"].to_numpy() for one in (weekly, daily)]
    assert tables[0] == pytest.approx(tables[1])


@pytest.mark.parametrize(
    ("wrong", "error", "message"),
    [
        (lambda m, f: frequency_histogram(m, f.head(0)), TableError, "no rows"),
        (lambda m, f: tracking(m, f, "2024-01-14"), TableError, "purchases lacks day"),
        (
            lambda m, f: frequency_histogram(m, f, max_frequency=0),
            RangeError,
            "max_frequency must be a whole number of at least 1",
        ),
        (lambda m, f: frequency_histogram(BetaGeoModel(), f), NotFittedError, "not fitted"),
        (lambda m, f: calibration(m, f, pd.Series({"x": 1}), 90), InputError, "does not have: x"),
        (lambda m, f: calibration(m, f, pd.Series(dtype=int), 90, by="T"), RangeError, "by must be"),
        (lambda m, f: calibration(m, f, pd.Series(dtype=int), 90, groups=0), RangeError, "groups must be"),
    ],
)
def test_a_question_that_cannot_be_answered_is_refused_with_the_reason(model, buyers, wrong, error, message):
    with pytest.raises(error, match=message):
        wrong(model, buyers.rfm)


def test_tracking_needs_purchases_to_look_at(model):
    two_days = purchases_with_gaps(np.full((50, 1), 10))
    with pytest.raises(InputError, match="nobody in purchases bought on or before 2019-01-01"):
        tracking(model, two_days, "2019-01-01")
    with pytest.raises(RangeError, match="step_days must be a whole number of at least 1"):
        tracking(model, two_days, "2020-02-01", step_days=0)
