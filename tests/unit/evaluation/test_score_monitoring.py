"""Promises beside outcomes, by hand."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from patron.errors import InputError, RangeError, TableError
from patron.evaluation.score_monitoring import (
    awaiting_outcome,
    fingerprint,
    monitoring_report,
    newest,
    predictions_of,
    with_outcomes,
)

DAY = date(2024, 6, 30)


def make_card(customers=(1, 2, 3, 4), version="3", scored_at="2024-07-01", **changed):
    n = len(customers)
    card = {
        "customer_id": list(customers),
        "as_of": [DAY] * n,
        "horizon_days": [90] * n,
        "churn_probability": np.linspace(0.9, 0.1, n),
        "expected_value": np.linspace(10.0, 40.0, n),
        "expected_value_low": [0.0] * n,
        "expected_value_high": [50.0] * n,
        "model_version": [version] * n,
        "scored_at": [pd.Timestamp(scored_at, tz="UTC")] * n,
    }
    return pd.DataFrame(card | changed)


def make_outcomes(customers=(1, 2, 3, 4), **changed):
    n = len(customers)
    found = {
        "customer_id": list(customers),
        "as_of": [DAY] * n,
        "horizon_days": [90] * n,
        "churned": [1, 1, 0, 0][:n],
        "purchases": [0, 0, 1, 2][:n],
        "value": [0.0, 0.0, 60.0, 120.0][:n],
        "days_since_last": [80, 10, 5, 40][:n],
    }
    return pd.DataFrame(found | changed)


def test_the_report_by_hand():
    rows = with_outcomes(predictions_of(make_card(), margin=0.5), make_outcomes())
    report = monitoring_report(rows, depth=0.25).iloc[0]
    assert rows["earned"].tolist() == [0, 0, 30, 60]
    assert report["predictions"] == 4
    assert report["churn_bias"] == pytest.approx(2.0 / 2 - 1)
    assert report["value_bias"] == pytest.approx(100 / 90 - 1)
    assert report["coverage"] == 0.75  # 60 lies above 50
    assert report["brier"] == pytest.approx((0.1**2 + (1 - 0.9 + 0.8 / 3) ** 2) / 2)
    # one customer by each order: 4 is the most valuable and 3 bought last; 1 is the riskiest and most silent
    assert (report["earned_by_scores"], report["earned_by_recency"], report["worth"]) == (60, 30, 30)
    assert (report["leavers_by_scores"], report["leavers_by_recency"], report["worth_of_leavers"]) == (
        1,
        1,
        0,
    )


def test_two_versions_in_one_ledger_are_judged_apart():
    cards = [make_card(version="3"), make_card(version="4", churn_probability=[0.1, 0.1, 0.9, 0.9])]
    rows = with_outcomes(pd.concat([predictions_of(card) for card in cards]), make_outcomes())
    report = monitoring_report(rows).set_index("model_version")
    assert report["auc"].to_dict() == {"3": 1.0, "4": 0.0}


def test_of_a_customer_scored_twice_the_newest_prediction_counts():
    older = predictions_of(make_card(scored_at="2024-07-01"))
    newer = predictions_of(make_card(scored_at="2024-07-02", churn_probability=[0.5] * 4))
    for order in ([older, newer], [newer, older]):
        assert newest(pd.concat(order, ignore_index=True))["churn_probability"].tolist() == [0.5] * 4


def test_the_time_of_scoring_does_not_make_another_prediction():
    again = predictions_of(make_card(scored_at="2024-07-09"))
    assert fingerprint(again) == fingerprint(predictions_of(make_card()))
    assert fingerprint(again) != fingerprint(predictions_of(make_card(version="4")))


def test_a_horizon_that_ends_today_has_passed_and_one_of_tomorrow_has_not():
    predictions = predictions_of(make_card())
    nothing = make_outcomes().head(0)
    assert len(awaiting_outcome(predictions, nothing, date(2024, 9, 28))[0]) == 4
    rows, ends = awaiting_outcome(predictions, nothing, date(2024, 9, 27))
    assert (len(rows), ends) == (0, [date(2024, 9, 28)])
    assert len(awaiting_outcome(predictions, make_outcomes((1, 2)), date(2024, 9, 28))[0]) == 2


def test_customers_without_a_score_are_not_logged():
    card = make_card(churn_probability=[0.9, None, 0.2, 0.1])
    assert predictions_of(card)["customer_id"].tolist() == [1, 3, 4]
    assert predictions_of(make_card(version=None))["model_version"].unique().tolist() == ["unregistered"]


def test_what_cannot_be_logged_is_refused():
    with pytest.raises(TableError, match="lack model_version"):
        predictions_of(make_card().drop(columns="model_version"))
    with pytest.raises(TableError, match="None of the 4 customers has a score"):
        predictions_of(make_card(churn_probability=[None] * 4))
    with pytest.raises(TableError, match="twice for one day: 1"):
        predictions_of(make_card(customers=(1, 1, 2)))
    with pytest.raises(RangeError, match=r"Write 35 % as 0\.35"):
        predictions_of(make_card(), margin=35)
    with pytest.raises(InputError, match="nothing to report"):
        monitoring_report(pd.DataFrame())
    with pytest.raises(RangeError, match="depth"):
        monitoring_report(with_outcomes(predictions_of(make_card()), make_outcomes()), depth=10)


def test_where_nobody_left_what_compares_leavers_is_unknown():
    rows = with_outcomes(predictions_of(make_card()), make_outcomes(churned=[0] * 4))
    report = monitoring_report(rows).iloc[0]
    assert np.isnan(report["auc"])
    assert np.isnan(report["churn_bias"])
    assert report["churn_rate"] == 0
