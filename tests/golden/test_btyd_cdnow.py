"""The CDNOW sample at its published parameters: what 2,357 customers were expected to do, and what they did.

Sources: Fader, Hardie & Lee (2005), Marketing Science 24(2), 275-284, and Journal of Marketing Research
42(4), 415-430; Fader & Hardie's notes 004 and 025. Calibration to 1997-09-30, holdout of 39 weeks after it.
"""

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from patron.models.value.checks import (
    calibration,
    frequency_histogram,
    tracking,
)
from patron.models.value.gamma_gamma import GammaGammaModel
from patron.models.value.model import CustomerValueModel
from patron.models.value.purchases.model import BetaGeoModel

END = pd.Timestamp("1997-09-30")
BGNBD = {"r": 0.242595, "alpha": 4.413602, "a": 0.792922, "b": 2.425907}
MBGNBD = {"r": 0.52484, "alpha": 6.18309, "a": 0.89136, "b": 1.614}
GAMMA_GAMMA = {"p": 6.2496, "q": 3.7442, "v": 15.4435}


@pytest.fixture(scope="module")
def purchases():
    """One row per customer and day: customer_id, day, amount."""
    package = find_spec("lifetimes")  # it carries the file; it is never imported
    path = Path(package.origin).parent / "datasets" / "CDNOW_sample.txt"
    names = ["master_id", "customer_id", "day", "quantity", "amount"]
    lines = pd.read_csv(path, sep=r"\s+", names=names, dtype={"customer_id": str, "day": str})
    lines["day"] = pd.to_datetime(lines["day"], format="%Y%m%d")
    return lines.groupby(["customer_id", "day"], as_index=False)["amount"].sum()


@pytest.fixture(scope="module")
def rfm(purchases):
    """As of the end of the calibration period, in weeks."""
    known = purchases[purchases["day"] <= END]
    first = known.groupby("customer_id")["day"].transform("min")
    repeats = known[known["day"] > first]
    by_customer = known.groupby("customer_id")["day"]
    begin, last = by_customer.min(), by_customer.max()
    frame = pd.DataFrame(
        {
            "frequency": by_customer.size() - 1,
            "recency": (last - begin).dt.days / 7,
            "T": (END - begin).dt.days / 7,
            "monetary_value": repeats.groupby("customer_id")["amount"].mean(),
        }
    )
    return frame.fillna({"monetary_value": 0.0}).reset_index()


@pytest.fixture(scope="module")
def after(purchases):
    """Purchases of each customer in the holdout."""
    return purchases[purchases["day"] > END].groupby("customer_id").size()


def model_of(parameters, family="bgnbd"):
    return BetaGeoModel.from_params(**parameters, family=family, time_unit="W")


def test_the_sample_is_the_published_one(rfm, after):
    assert len(rfm) == 2357
    table = frequency_histogram(model_of(BGNBD), rfm, max_frequency=7)
    assert table["actual"].tolist() == [1411, 439, 214, 100, 62, 38, 29, 64]
    assert after.sum() == 1882


def test_as_many_customers_as_expected_buy_each_number_of_times(rfm):
    table = frequency_histogram(model_of(BGNBD), rfm, max_frequency=7)
    assert table["expected"].sum() == pytest.approx(2357)
    distance = ((table["actual"] - table["expected"]) ** 2 / table["expected"]).sum()
    assert distance < 7.81  # chi-square with 8 - 1 - 4 degrees of freedom, 5 %


@pytest.mark.parametrize(
    ("parameters", "family", "total"), [(BGNBD, "bgnbd", 1653.4), (MBGNBD, "mbgnbd", 1576.7)]
)
def test_the_expected_purchases_of_the_holdout_are_the_published_ones(rfm, parameters, family, total):
    expected = model_of(parameters, family).expected_purchases(rfm, 39)
    assert expected.sum() == pytest.approx(total, abs=0.05)


def test_the_error_of_single_customers_is_the_published_one(rfm, after):
    expected = model_of(BGNBD).expected_purchases(rfm, 39)
    actual = after.reindex(expected.index).fillna(0)
    assert (expected - actual).abs().mean() == pytest.approx(0.7855, abs=5e-5)
    assert np.corrcoef(expected, actual)[0, 1] == pytest.approx(0.6256, abs=5e-5)


def test_groups_of_customers_add_up_to_all_of_them(rfm, after):
    for by in ("frequency", "recency", "time_since_last"):
        table = calibration(model_of(BGNBD), rfm, after, 39, by=by)
        assert table["customers"].sum() == 2357
        assert table["customers"] @ table["actual"] == pytest.approx(1882)
        assert table["customers"] @ table["expected"] == pytest.approx(1653.4, abs=0.05)
        assert (table["from"] <= table["to"]).all()


def test_purchases_over_time_follow_the_model_in_the_fit_window_and_fall_short_after_it(rfm, purchases):
    table = tracking(model_of(BGNBD), purchases, END).set_index("day")
    fitted = table[table["in_fit_window"]].iloc[-1]
    assert fitted["actual_cumulative"] == rfm["frequency"].sum()
    assert fitted["expected_cumulative"] == pytest.approx(fitted["actual_cumulative"], rel=0.02)
    assert table["actual"].sum() == rfm["frequency"].sum() + 1882
    last = table.iloc[-1]
    assert last["expected_cumulative"] == pytest.approx(last["actual_cumulative"], rel=0.06)


def test_the_mean_expected_order_is_the_published_one(rfm):
    model = CustomerValueModel(model_of(BGNBD), GammaGammaModel.from_params(**GAMMA_GAMMA))
    new = model.predict_new_customer(39 * 7)
    assert new["expected_order_value"] == pytest.approx(35.17, abs=0.1)
    assert model.predict(rfm, 39 * 7)["expected_purchases"].sum() == pytest.approx(1653.4, abs=0.05)
