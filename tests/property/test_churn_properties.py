"""What is true of the churn classifier and its calibration whatever the customers."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from patron.models.churn.calibration import fit_isotonic, fit_sigmoid
from patron.models.churn.classifier import ChurnClassifier

rng = np.random.default_rng(0)
X = pd.DataFrame(
    {
        "days_since_last": rng.integers(0, 200, 1200).astype(float),
        "net_spend_90d": rng.gamma(2, 30, 1200).round(2),
        "attribute_plan": rng.choice(["basic", "gold"], 1200),
    }
)
y = rng.random(1200) < X["days_since_last"] / 250
MODEL = ChurnClassifier(n_estimators=40).fit(X[:800], y[:800], calibrate=(X[800:], y[800:]))

anything = st.one_of(st.none(), st.floats(-1e30, 1e30), st.integers(-(10**9), 10**9))
rows = st.lists(
    st.tuples(anything, anything, st.one_of(st.none(), st.text(max_size=5))), min_size=1, max_size=20
)


@given(rows)
@settings(deadline=None)  # a busy machine is no failure
def test_any_customer_gets_a_probability(rows):
    p = MODEL.predict_proba(pd.DataFrame(rows, columns=list(X)))
    assert ((p > 0) & (p < 1)).all()


@given(st.randoms(use_true_random=False))
@settings(deadline=None)  # a busy machine is no failure
def test_a_customer_s_score_does_not_depend_on_the_others(chance):
    order = chance.sample(range(len(X)), 50)
    together = MODEL.predict_proba(X)[order]
    np.testing.assert_array_equal(MODEL.predict_proba(X.iloc[order]), together)


@pytest.mark.parametrize("factor", [100.0, 2.0**-7])
def test_cents_or_euros_give_the_same_probabilities(factor):
    def in_other_money(frame):
        return frame.assign(net_spend_90d=frame["net_spend_90d"] * factor)

    other = ChurnClassifier(n_estimators=40).fit(
        in_other_money(X[:800]), y[:800], calibrate=(in_other_money(X[800:]), y[800:])
    )
    np.testing.assert_allclose(
        other.predict_proba(in_other_money(X)), MODEL.predict_proba(X), rtol=0, atol=1e-9
    )


log_odds_and_outcomes = st.lists(st.tuples(st.floats(-8, 8), st.integers(0, 1)), min_size=3, max_size=60)


@given(log_odds_and_outcomes)
@settings(deadline=None)  # a busy machine is no failure
def test_calibration_never_turns_two_customers_round(pairs):
    log_odds, left = (np.array(part, dtype=float) for part in zip(*pairs, strict=True))
    for fit in (fit_sigmoid, fit_isotonic):
        p = fit(log_odds, left)(np.sort(log_odds))
        assert (np.diff(p) >= -1e-12).all()
        assert ((p >= 0) & (p <= 1)).all()
