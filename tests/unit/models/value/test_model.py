"""CustomerValueModel: what it asks for, what it gives, what it refuses."""

import itertools
import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from patron.datasets.btyd import simulate_btyd
from patron.errors import InputError, ModelError, NotFittedError, PatronWarning, RangeError, TableError
from patron.models.value.gamma_gamma import GammaGammaModel
from patron.models.value.model import CustomerValueModel
from patron.models.value.purchases.model import BetaGeoModel

COLUMNS = [
    "customer_id", "p_alive", "p_no_purchase", "expected_purchases", "expected_order_value",
    "expected_value", "expected_value_low", "expected_value_high",
    "growth_potential", "growth_potential_low", "growth_potential_high", "next_purchase_days",
]  # fmt: skip


def known_model(margin=1.0, annual_discount_rate=0.10, family="bgnbd"):
    return CustomerValueModel(
        BetaGeoModel.from_params(r=0.55, alpha=60.0, a=0.8, b=2.5, family=family),
        GammaGammaModel.from_params(p=6.25, q=3.74, v=15.44),
        margin=margin,
        annual_discount_rate=annual_discount_rate,
    )


@pytest.fixture(scope="module")
def rfm():
    world = {"r": 0.55, "alpha": 60.0, "a": 0.8, "b": 2.5, "p": 6.25, "q": 3.74, "v": 15.44}
    ages = np.random.default_rng(3).integers(1, 700, 400).astype(float)
    return simulate_btyd(400, **world, T=ages, horizon=90.0, daily=True, seed=2).rfm


def test_the_answer_has_one_row_per_row_in_the_same_order(rfm):
    shuffled = rfm.sample(frac=1, random_state=1)
    scores = known_model().predict(shuffled, 90)
    assert list(scores.columns) == COLUMNS
    assert scores["customer_id"].tolist() == shuffled["customer_id"].tolist()
    assert np.isfinite(scores[COLUMNS[1:]].to_numpy()).all()


def test_value_is_margin_times_purchases_times_order_value_when_nothing_is_discounted(rfm):
    scores = known_model(margin=0.3, annual_discount_rate=0.0).predict(rfm, 90)
    by_hand = 0.3 * scores["expected_purchases"] * scores["expected_order_value"]
    assert scores["expected_value"].to_numpy() == pytest.approx(by_hand.to_numpy(), rel=1e-12)


def test_its_numbers_are_those_of_its_parts(rfm):
    model = known_model()
    scores = model.predict(rfm, 90).set_index("customer_id")
    bought, order = model.purchases, model.spend.expected_spend(rfm)
    for column, part in (
        ("p_alive", bought.probability_alive(rfm)),
        ("p_no_purchase", bought.probability_no_purchase(rfm, 90)),
        ("expected_purchases", bought.expected_purchases(rfm, 90)),
        ("expected_order_value", order),
        ("expected_value", bought.discounted_expected_purchases(rfm, 0.10, 90) * order),
        (
            "growth_potential",
            bought.discounted_expected_purchases(rfm, 0.10, 365) * order,
        ),
    ):
        assert scores[column].to_numpy() == pytest.approx(part.to_numpy(), rel=1e-9), column


def test_half_of_those_who_are_alive_buy_before_the_median_next_purchase(rfm):
    model = known_model()
    scores = model.predict(rfm, 90)
    alive = scores["p_alive"].to_numpy()
    median = scores["next_purchase_days"].to_numpy()
    for row in (0, 17, 399):
        none = model.purchases.probability_no_purchase(rfm.iloc[[row]], median[row]).iloc[0]
        assert none == pytest.approx(1 - alive[row] / 2, rel=1e-8)


def test_a_margin_of_each_customer_scales_that_customer_alone(rfm):
    margin = np.linspace(0, 1, len(rfm))
    whole, kept = known_model().predict(rfm, 90), known_model().predict(rfm, 90, margin=margin)
    for column in ("expected_value", "expected_value_high", "growth_potential_low"):
        assert kept[column].to_numpy() == pytest.approx(margin * whole[column].to_numpy())
    assert kept["p_no_purchase"].equals(whole["p_no_purchase"])


def test_a_whole_lifetime_is_worth_more_than_ten_years_but_not_endlessly_more(rfm):
    ten_years = known_model().predict(rfm, 90, value_horizon_days=3650)["growth_potential"]
    lifetime = known_model().predict(rfm, 90, value_horizon_days=np.inf)
    assert (lifetime["growth_potential"] > ten_years).all()
    assert (lifetime["growth_potential"] < 3 * ten_years).all()
    assert np.isfinite(lifetime["growth_potential_high"]).all()


def test_a_value_horizon_may_be_shorter_than_the_horizon(rfm):
    long_first = known_model().predict(rfm, 365, value_horizon_days=90)
    short_first = known_model().predict(rfm, 90, value_horizon_days=365)
    for one, other in (("expected_value", "growth_potential"), ("growth_potential", "expected_value")):
        for end in ("", "_low", "_high"):
            found = long_first[one + end].to_numpy()
            assert found == pytest.approx(short_first[other + end].to_numpy(), rel=1e-6)
    purchases = known_model().purchases.expected_purchases(rfm, 365)
    assert long_first["expected_purchases"].to_numpy() == pytest.approx(purchases.to_numpy(), rel=1e-9)


def test_the_probability_of_any_value_is_that_of_a_purchase_and_falls_with_the_threshold(rfm):
    model = known_model()
    some = model.probability_value_above(rfm, 0.0, 90, n_draws=2000)
    buys = 1 - model.purchases.probability_no_purchase(rfm, 90)
    assert (some - buys).abs().max() < 0.02
    more = [model.probability_value_above(rfm, threshold, 90) for threshold in (0.0, 10.0, 50.0, 1e6)]
    assert all((lower >= higher).all() for lower, higher in itertools.pairwise(more))
    assert more[-1].max() == 0
    assert some.index.tolist() == rfm["customer_id"].tolist()


def test_each_customer_can_have_a_threshold_of_their_own(rfm):
    model = known_model()
    threshold = np.where(np.arange(len(rfm)) % 2, 5.0, 60.0)
    each = model.probability_value_above(rfm, threshold, 90)
    low, high = (model.probability_value_above(rfm, money, 90) for money in (5.0, 60.0))
    assert each.to_numpy() == pytest.approx(np.where(threshold == 5, low, high))


def test_a_customer_without_margin_never_brings_more_than_nothing(rfm):
    assert known_model(margin=0.0).probability_value_above(rfm, 0.0, 90).max() == 0


def test_purchases_come_with_an_interval_around_most_of_what_happens(rfm):
    found = known_model().predict_purchases(rfm, 365)
    low, high = found["expected_purchases_low"], found["expected_purchases_high"]
    assert ((low == np.floor(low)) & (high == np.floor(high)) & (low <= high)).all()
    expected = known_model().purchases.expected_purchases(rfm, 365)
    assert found["expected_purchases"].to_numpy() == pytest.approx(expected.to_numpy(), rel=1e-9)


def test_a_new_customer_is_worth_the_repeat_purchases_of_an_average_one():
    found = known_model(margin=0.5, annual_discount_rate=0.0).predict_new_customer(365)
    average = known_model().purchases.expected_purchases_new_customer(365)
    assert found["expected_purchases"] == pytest.approx(average)
    assert found["expected_order_value"] == pytest.approx(6.25 * 15.44 / 2.74)
    assert found["expected_value"] == pytest.approx(0.5 * average * 6.25 * 15.44 / 2.74)


def test_weeks_inside_make_no_difference_to_days_outside(rfm):
    weekly = rfm.assign(recency=rfm["recency"] / 7, T=rfm["T"] / 7)
    of_weeks = CustomerValueModel(
        BetaGeoModel.from_params(r=0.55, alpha=60.0 / 7, a=0.8, b=2.5, time_unit="W"),
        GammaGammaModel.from_params(p=6.25, q=3.74, v=15.44),
        annual_discount_rate=0.0,
    )
    in_weeks = of_weeks.predict(weekly, 91)
    in_days = known_model(annual_discount_rate=0.0).predict(rfm, 91)
    for column in ("p_no_purchase", "expected_value", "growth_potential", "next_purchase_days"):
        assert in_weeks[column].to_numpy() == pytest.approx(in_days[column].to_numpy(), rel=1e-8), column


def test_cents_are_a_hundred_times_euros(rfm):
    cents = CustomerValueModel(
        BetaGeoModel.from_params(r=0.55, alpha=60.0, a=0.8, b=2.5),
        GammaGammaModel.from_params(p=6.25, q=3.74, v=1544.0),
    ).predict(rfm.assign(monetary_value=100 * rfm["monetary_value"]), 90)
    euros = known_model().predict(rfm, 90)
    for column in ("expected_value", "expected_value_high", "growth_potential_low"):
        assert cents[column].to_numpy() == pytest.approx(100 * euros[column].to_numpy(), rel=1e-5), column


def test_what_is_taken_apart_and_put_together_predicts_the_same_to_the_last_bit(rfm):
    model = known_model(margin=0.4, family="mbgnbd")
    arrays, meta = model.to_arrays()
    again = CustomerValueModel.from_arrays(arrays, json.loads(json.dumps(meta)))
    pd.testing.assert_frame_equal(again.predict(rfm, 90), model.predict(rfm, 90), check_exact=True)
    assert sum(values.nbytes for values in arrays.values()) < 1_000_000


def test_a_model_comes_back_from_its_file_as_it_was(rfm, tmp_path):
    parts = BetaGeoModel(inference="map"), GammaGammaModel(inference="map")
    model = CustomerValueModel(*parts, margin=0.3, annual_discount_rate=0.05).fit(rfm)
    model.save(tmp_path / "value.npz")
    again = CustomerValueModel.load(tmp_path / "value.npz")
    pd.testing.assert_frame_equal(again.predict(rfm, 90), model.predict(rfm, 90), check_exact=True)
    assert (again.margin, again.annual_discount_rate) == (0.3, 0.05)
    assert again.purchases.diagnostics_ == model.purchases.diagnostics_
    assert [file.name for file in tmp_path.iterdir()] == ["value.npz"]
    with np.load(tmp_path / "value.npz", allow_pickle=False) as stored:
        assert max(array.size for array in stored.values()) == 1  # parameters and settings: no customer


def test_a_file_of_many_draws_stays_below_a_megabyte(tmp_path):
    arrays, meta = known_model().to_arrays()
    rng = np.random.default_rng(0)
    many = {name: values * np.exp(rng.normal(0, 0.1, 60_000)) for name, values in arrays.items()}
    CustomerValueModel.from_arrays(many, meta).save(tmp_path / "value.npz")
    assert (tmp_path / "value.npz").stat().st_size < 1_000_000
    with np.load(tmp_path / "value.npz", allow_pickle=False) as stored:
        assert {array.size for array in stored.values()} == {1, 15_000, 20_000}


def test_a_file_that_is_no_value_model_is_refused(tmp_path):
    (tmp_path / "text.npz").write_text("hello")
    known_model().purchases.save(tmp_path / "purchases.npz")
    for name in ("text.npz", "purchases.npz", "absent.npz"):
        with pytest.raises(ModelError, match=f"{name} cannot be read as a CustomerValueModel .*Give a file"):
            CustomerValueModel.load(tmp_path / name)
    known_model().save(tmp_path / "value.npz")
    with pytest.raises(ModelError, match=r"parts of a CustomerValueModel, not of a BetaGeoModel"):
        BetaGeoModel.load(tmp_path / "value.npz")


def test_a_model_is_saved_whole_or_not_at_all(tmp_path):
    with pytest.raises(NotFittedError):
        CustomerValueModel().save(tmp_path / "value.npz")
    with pytest.raises(ModelError, match=r"Cannot save the model to .*/absent/value\.npz': No such file"):
        known_model().save(tmp_path / "absent" / "value.npz")
    assert not list(tmp_path.iterdir())


def test_fit_learns_both_parts(rfm):
    parts = BetaGeoModel(inference="map"), GammaGammaModel(inference="map")
    model = CustomerValueModel(*parts).fit(rfm)
    assert model.purchases.params_["r"] == pytest.approx(0.55, rel=0.5)
    assert model.spend.params_["q"] == pytest.approx(3.74, rel=0.5)
    assert model.predict(rfm, 90)["expected_value"].gt(0).all()


@pytest.mark.filterwarnings("ignore:BetaGeoModel")
def test_without_a_second_purchase_orders_are_worth_their_mean_and_that_is_said(rfm):
    once = rfm.assign(frequency=0, recency=0.0, monetary_value=0.0, first_order_value=np.arange(1.0, 401.0))
    model = CustomerValueModel(BetaGeoModel(inference="map"), GammaGammaModel(inference="map"))
    with pytest.warns(PatronWarning, match=r"mean of first_order_value of 400 customers"):
        model.fit(once)
    scores = model.predict(once, 90)
    assert scores["expected_order_value"].to_numpy() == pytest.approx(200.5)
    assert scores["expected_value_high"].ge(scores["expected_value_low"]).all()


@pytest.mark.filterwarnings("ignore:BetaGeoModel")
def test_without_a_second_purchase_or_any_order_value_there_is_nothing_to_value(rfm):
    once = rfm.assign(frequency=0, recency=0.0, monetary_value=0.0)
    model = CustomerValueModel(BetaGeoModel(inference="map"), GammaGammaModel(inference="map"))
    with pytest.raises(InputError, match="Add a column first_order_value"):
        model.fit(once)


@pytest.mark.filterwarnings("ignore::patron.errors.PatronWarning")
def test_customers_of_one_segment_get_its_parameters(rfm):
    world = {"a": 0.8, "b": 2.5, "p": 6.0, "q": 4.0, "v": 15.0, "T": 365.0, "horizon": 90.0, "daily": True}
    shop = simulate_btyd(600, r=1.0, alpha=120.0, seed=1, **world).rfm.assign(channel="shop")
    web = simulate_btyd(600, r=1.0, alpha=20.0, seed=2, **world).rfm.assign(channel="web")
    both = pd.concat([shop, web], ignore_index=True).assign(customer_id=range(1200))
    parts = BetaGeoModel(inference="map", covariates=["channel"]), GammaGammaModel(inference="map")
    model = CustomerValueModel(*parts).fit(both)
    same_past = both.iloc[[0, 0]].assign(customer_id=[1, 2], channel=["shop", "web"])
    by_shop, by_web = model.predict(same_past, 90)["expected_purchases"]
    assert by_web > by_shop
    expected = model.purchases.expected_purchases(both, 90).to_numpy()
    assert model.predict(both, 90)["expected_purchases"].to_numpy() == pytest.approx(expected, rel=1e-9)
    shuffled = both.sample(frac=1, random_state=1)
    pd.testing.assert_frame_equal(
        model.predict(shuffled, 90).sort_values("customer_id", ignore_index=True), model.predict(both, 90)
    )


@pytest.mark.filterwarnings("ignore:BetaGeoModel:patron.errors.PatronWarning")
@pytest.mark.filterwarnings("ignore:GammaGammaModel:patron.errors.PatronWarning")
def test_so_many_kinds_of_customers_that_it_takes_time_are_announced(rfm, monkeypatch):
    aged = rfm.assign(age=np.arange(len(rfm)) % 4)
    parts = BetaGeoModel(inference="map", covariates=["age"]), GammaGammaModel(inference="map")
    model = CustomerValueModel(*parts).fit(aged)
    monkeypatch.setattr("patron.models.value.model._MANY_GROUPS", 3)
    with pytest.warns(PatronWarning, match="have 4 distinct combinations, and each takes about 20"):
        model.predict(aged, 90)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"horizon_days": 0}, "horizon_days must be a positive number of days, got 0"),
        ({"horizon_days": np.inf}, "A whole lifetime needs value_horizon_days"),
        ({"interval": 80}, "Write 80 % as 0"),
        ({"n_draws": 1}, "n_draws must be at least 10"),
        ({"random_state": -1}, "random_state must be a whole number of at least 0, got -1"),
        ({"margin": 30}, "Write 30 % as 0"),
        ({"margin": [0.3, 0.4]}, "one per customer"),
    ],
)
def test_a_setting_out_of_range_is_refused_by_name(rfm, wrong, message):
    with pytest.raises(RangeError, match=message):
        known_model().predict(rfm, **{"horizon_days": 90, **wrong})


def test_a_threshold_that_is_no_money_is_refused(rfm):
    with pytest.raises(RangeError, match="threshold must be finite and at least 0"):
        known_model().probability_value_above(rfm, -1.0, 90)
    with pytest.raises(RangeError, match=r"threshold must be one number or 400, one per customer"):
        known_model().probability_value_above(rfm, [1.0, 2.0], 90)


def test_a_margin_or_rate_out_of_range_is_refused_at_once():
    with pytest.raises(RangeError, match="margin"):
        CustomerValueModel(margin=1.5)
    with pytest.raises(RangeError, match="annual_discount_rate"):
        CustomerValueModel(annual_discount_rate=-0.1)


def test_a_model_that_is_not_fitted_says_so(rfm):
    with pytest.raises(NotFittedError, match="not fitted"):
        CustomerValueModel().predict(rfm, 90)


def test_a_row_that_breaks_a_rule_is_named(rfm):
    with pytest.raises(TableError, match="age today"):
        known_model().predict(rfm.assign(T=-1.0), 90)


def test_predicting_needs_nothing_that_only_training_needs():
    code = (
        "import sys, patron.models.value.model\n"
        "heavy = {'ibis', 'pymc', 'pytensor', 'nutpie', 'mlflow', 'matplotlib', 'sklearn', 'arviz'}\n"
        "sys.exit(', '.join(heavy & set(sys.modules)) or None)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
