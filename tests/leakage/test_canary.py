"""The canary finds no leak in patron, and would find one."""

from datetime import timedelta

import pandas as pd
import pytest

from patron.datasets.simulate import simulate
from patron.tables.history import History
from patron.training import leak_test
from patron.training.leak_test import find_leaks, plant_future
from patron.training.plan import TrainingPlan

PLAN = TrainingPlan(horizon_days=30)


@pytest.fixture(scope="module")
def known():
    shop = simulate(n_customers=150, days=240, seed=3)
    return History.read(shop.transactions, shop.engagement, shop.customers)


def test_no_feature_and_no_score_of_patron_sees_the_future(known):
    report = find_leaks(known, PLAN)
    assert report.is_clean
    assert report.customers == 150
    assert report.planted == 150 * 4 + 4 * known.engagement.customer_id.nunique().execute()
    assert "none of" in report.sentences()[0]


def test_every_customer_gets_a_future(known):
    planted, _ = plant_future(known)
    assert planted.known_until == known.known_until + timedelta(days=30)
    later = planted.days.filter(planted.days.day > known.known_until)
    assert later.customer_id.nunique().execute() == 150


def test_a_feature_that_looks_ahead_is_named(known, monkeypatch):
    honest = leak_test.assemble_features

    def with_a_leak(history, spine, catalogue):
        total = history.days.group_by("customer_id").aggregate(
            spend_of_all_time=history.days.net_amount.sum()
        )
        return honest(history, spine, catalogue).left_join(total, "customer_id").drop("customer_id_right")

    monkeypatch.setattr(leak_test, "assemble_features", with_a_leak)
    monkeypatch.setattr(leak_test, "_scores", lambda *_: pd.DataFrame(index=pd.Index([], name="customer_id")))
    report = find_leaks(known, PLAN)
    assert report.moved["name"].tolist() == ["spend_of_all_time"]
    assert report.moved["customers"].tolist() == [150]
    assert "1 features or scores have seen them: spend_of_all_time (150 customers)" in report.sentences()[0]
