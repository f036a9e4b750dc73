"""The simple rules that a model must beat, and the table that compares."""

import numpy as np
import pandas as pd
import pytest

from patron.errors import InputError, RangeError, TableError
from patron.evaluation.baselines import btyd_value, compare, recency_ranking, status_quo_value
from patron.evaluation.metrics import PROBABILITY_METRICS, churn_metrics, ranking_metrics

# Deliberately not in the order of the ids.
RFM = pd.DataFrame(
    {
        "customer_id": ["c", "a", "b"],
        "frequency": [4.0, 0.0, 1.0],
        "recency": [80.0, 0.0, 10.0],
        "T": [100.0, 30.0, 50.0],
        "monetary_value": [25.0, 0.0, 12.0],
    }
)


def test_recency_ranks_by_the_days_since_the_last_purchase():
    assert recency_ranking(RFM).to_dict() == {"c": 20, "a": 30, "b": 40}


def test_the_status_quo_is_past_rate_times_mean_order_times_horizon():
    assert status_quo_value(RFM, horizon_days=50).to_dict() == {
        "c": 4 / 100 * 50 * 25,
        "a": 0,
        "b": 1 / 50 * 50 * 12,
    }


def test_a_first_purchase_today_is_worth_nothing_to_the_status_quo():
    today = RFM.iloc[[1]].assign(T=0.0)
    assert status_quo_value(today, horizon_days=50).tolist() == [0.0]


@pytest.fixture(scope="module")
def shop():
    """Customers who buy at a rate of their own, and after each purchase may be gone: what BG/NBD assumes."""
    rng = np.random.default_rng(0)
    rows, left = [], []
    for customer in rng.permutation(1500):
        rate, drop_out = rng.gamma(0.8, 1 / 30), rng.beta(1.2, 4)
        days = rng.exponential(1 / rate, rng.geometric(drop_out)).cumsum()
        seen = days[days <= 200]
        rows.append((customer, len(seen), seen.max(initial=0), 200.0))
        left.append(not ((days > 200) & (days <= 290)).any())
    rfm = pd.DataFrame(rows, columns=["customer_id", "frequency", "recency", "T"])
    money = np.where(rfm["frequency"] > 0, rng.gamma(8, 4, len(rfm)), 0.0)
    return rfm.assign(monetary_value=money), np.array(left)


def test_no_purchase_is_a_probability_that_tells_leavers_from_stayers(shop):
    rfm, left = shop
    found = btyd_value(rfm, horizon_days=90)
    p = found["p_no_purchase"].to_numpy()
    assert ((p >= 0) & (p <= 1)).all()
    assert found["customer_id"].tolist() == rfm["customer_id"].tolist()
    metrics = churn_metrics(left, p)
    assert metrics["auc"] > ranking_metrics(left, recency_ranking(rfm))["auc"]
    assert metrics["calibration_error"] < 0.05


def test_no_purchase_does_not_depend_on_the_order_of_customers(shop):
    rfm, _ = shop
    shuffled = rfm.sample(frac=1, random_state=1)
    there, here = (btyd_value(rows, 90).set_index("customer_id")["p_no_purchase"] for rows in (rfm, shuffled))
    np.testing.assert_allclose(here, there.loc[here.index], rtol=1e-5)


@pytest.mark.parametrize(
    ("rule", "column"),
    [
        (recency_ranking, "T"),
        (lambda rfm: btyd_value(rfm, 90), "frequency"),
        (lambda rfm: status_quo_value(rfm, 90), "monetary_value"),
    ],
    ids=["recency", "btyd", "status quo"],
)
def test_a_missing_column_is_named(rule, column):
    with pytest.raises(TableError, match=f"rfm lacks {column}; it has customer_id, "):
        rule(RFM.drop(columns=column))


def test_a_horizon_is_positive():
    with pytest.raises(RangeError, match="horizon_days must be a finite number above 0, got 0"):
        status_quo_value(RFM, 0)


LEFT = [1, 0, 1, 0]
TREES, DAYS = [0.9, 0.2, 0.6, 0.5], [40, 10, 20, 30]


def test_a_comparison_has_one_row_per_model_in_the_given_order():
    table = compare(LEFT, {"trees": TREES, "recency": DAYS})
    assert table["model"].tolist() == ["trees", "recency"]
    assert table["kind"].tolist() == ["probability", "ranking"]
    assert table["customers"].tolist() == [4, 4]
    assert table["churn_rate"].tolist() == [0.5, 0.5]


def test_a_comparison_holds_the_metrics_of_each_model():
    trees, recency = compare(LEFT, {"trees": TREES, "recency": DAYS}).to_dict("records")
    assert {name: trees[name] for name in churn_metrics(LEFT, TREES)} == churn_metrics(LEFT, TREES)
    assert {name: recency[name] for name in ranking_metrics(LEFT, DAYS)} == ranking_metrics(LEFT, DAYS)
    assert all(np.isnan(recency[name]) for name in PROBABILITY_METRICS)
    assert (trees["note"], recency["note"]) == ("", "a ranking: it says nothing of probability")


def test_a_score_between_0_and_1_can_be_declared_a_ranking():
    table = compare(LEFT, {"overdue": TREES}, rankings=["overdue"])
    assert table["kind"].item() == "ranking"
    assert np.isnan(table["brier"].item())


def test_a_comparison_of_one_class_says_why_it_is_empty():
    row = compare([0, 0, 0], {"trees": [0.1, 0.2, 0.3]}).iloc[0]
    assert np.isnan(row["auc"])
    assert row["brier"] == pytest.approx((0.01 + 0.04 + 0.09) / 3)
    assert row["note"].startswith("all 3 customers stayed, so auc, ")


def test_nothing_to_compare_is_refused():
    with pytest.raises(InputError, match="there is no model to compare"):
        compare(LEFT, {})
    with pytest.raises(
        InputError, match=r"rankings names \['recency'\], which is not among the models \['trees'\]"
    ):
        compare(LEFT, {"trees": TREES}, rankings=["recency"])
