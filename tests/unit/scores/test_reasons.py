"""Three reasons: of different stories, strongest first, in the customer's own figures."""

import numpy as np
import pandas as pd
import pytest

from patron.scores import reasons
from patron.scores.reasons import explain_risk
from small_model import CATALOGUE, make_rows


class GivenParts:
    """A classifier whose parts are known."""

    def __init__(self, **parts):
        self.parts = parts

    def contributions(self, features):
        return pd.DataFrame(self.parts, index=features.index)


def reasons_of(rows, **parts):
    return explain_risk(rows, GivenParts(**parts), CATALOGUE)


@pytest.fixture
def customer():
    return make_rows(1).assign(
        days_since_last=63.0, gap_median=21.0, orders_90d=1.0, net_spend_total=250.0, T=400.0
    )


def test_the_strongest_comes_first_whatever_its_direction(customer):
    told = reasons_of(customer, days_since_last=[0.9], orders_90d=[0.1], net_spend_total=[-1.2], T=[0.05])
    assert told[0].tolist() == [
        "250 spent in all (lowers risk)",
        "last order 63 days ago, usually every 21 days (raises risk)",
        "1 order in the last 90 days (raises risk)",
    ]


def test_features_of_one_family_are_one_reason(customer):
    told = reasons_of(customer, orders_90d=[0.4], frequency=[0.3], T=[0.5])
    assert told[0, 0] == "1 order in the last 90 days (raises risk)"  # 0.7 together
    assert told[0, 1] == "first order 400 days ago (raises risk)"
    assert told[0, 2] is None


def test_a_family_is_told_by_its_strongest_feature_of_the_same_direction(customer):
    told = reasons_of(customer, orders_90d=[-0.5], frequency=[0.6])
    assert told[0, 0].endswith("(raises risk)")
    assert "repeat purchase" in told[0, 0]


def test_what_moves_nothing_is_no_reason(customer):
    assert reasons_of(customer, orders_90d=[0.0], T=[1e-9])[0].tolist() == [None, None, None]


def test_an_unknown_gap_is_left_out_of_the_words(customer):
    told = reasons_of(customer.assign(gap_median=np.nan), days_since_last=[0.9])
    assert told[0, 0] == "last order 63 days ago (raises risk)"


def test_a_real_classifier_blames_a_long_silence(bundle):
    rows = make_rows(300, seed=3)
    silent = rows["days_since_last"].to_numpy() > 400
    told = explain_risk(rows, bundle.churn, CATALOGUE)
    assert all(first.endswith("(raises risk)") for first in told[silent, 0])


def test_chunks_do_not_show(bundle, monkeypatch):
    rows = make_rows(25, seed=3)
    whole = explain_risk(rows, bundle.churn, CATALOGUE)
    monkeypatch.setattr(reasons, "CHUNK_ROWS", 7)
    assert (explain_risk(rows, bundle.churn, CATALOGUE) == whole).all()


def test_nobody_needs_no_reasons(bundle):
    assert explain_risk(make_rows(0), bundle.churn, CATALOGUE).shape == (0, 3)
