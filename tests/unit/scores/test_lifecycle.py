"""Everybody is in exactly one stage, and moves for a reason that can be checked."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from patron.errors import TableError
from patron.models.bundle.policy import StageRules
from patron.scores.lifecycle import STAGES, lifecycle_stage
from patron.scores.stage_history import median_dwell_time, stage_history, stays, transition_matrix

maybe = st.one_of(st.none(), st.floats(0, 3000))
columns = st.fixed_dictionaries(
    {
        "frequency": st.one_of(st.none(), st.integers(0, 300)),
        "recency": maybe,
        "T": maybe,
        "gap_median": maybe,
        "gap_max": maybe,
        "active_days_90d": st.one_of(st.none(), st.integers(0, 90)),
        "active_days_365d": st.one_of(st.none(), st.integers(0, 365)),
    }
)


def stage_of(rules=None, **customer):
    customer = {"frequency": 0, "recency": 0, **customer}
    return lifecycle_stage({name: [value] for name, value in customer.items()}, rules)[0]


@given(st.lists(columns, min_size=1, max_size=30))
def test_every_row_has_exactly_one_stage_and_its_neighbours_do_not_matter(rows):
    frame = pd.DataFrame(rows, dtype="Float64")
    together = lifecycle_stage(frame)
    assert set(together) <= set(STAGES)
    alone = [lifecycle_stage(frame.iloc[[row]])[0] for row in range(len(frame))]
    assert together.tolist() == alone


def test_the_way_of_a_good_customer():
    assert stage_of(T=np.nan, recency=np.nan) == "reach"
    assert stage_of(T=5) == "acquisition"
    assert stage_of(T=60, frequency=1, recency=40) == "development"
    assert stage_of(T=200, frequency=4, recency=190) == "retention"
    assert stage_of(T=200, frequency=20, recency=190) == "retention"  # a customer of half a year
    assert stage_of(T=500, frequency=20, recency=490) == "loyalty"


def test_silence_leads_from_at_risk_over_dormant_to_lost():
    regular = {"frequency": 10, "recency": 200}  # every 20 days
    assert stage_of(T=239, **regular) == "retention"
    assert stage_of(T=241, **regular) == "at_risk"
    assert stage_of(T=381, **regular) == "dormant"
    assert stage_of(T=566, **regular) == "lost"


def test_a_silence_is_as_long_as_it_is_unusual():
    twice_a_year = {"frequency": 4, "recency": 720, "gap_median": 180}
    assert stage_of(T=720 + 300, **twice_a_year) == "retention"
    assert stage_of(T=720 + 361, **twice_a_year) == "at_risk"
    assert stage_of(T=720 + 721, **twice_a_year) == "dormant"


def test_who_comes_back_after_an_unusual_pause_is_won_back():
    back = {"T": 800, "frequency": 5, "recency": 790, "active_days_90d": 1, "active_days_365d": 1}
    assert stage_of(**back, gap_median=30, gap_max=670) == "won_back"
    assert stage_of(**back, gap_median=158, gap_max=158) == "retention"  # buys twice a year anyway
    assert stage_of(**{**back, "active_days_365d": 2}, gap_median=30, gap_max=670) == "retention"


def test_a_new_customer_is_not_won_back():
    new = {"active_days_90d": 2, "active_days_365d": 2, "gap_median": 10, "gap_max": 10}
    assert stage_of(T=20, frequency=1, recency=10, **new) == "development"


def test_the_rules_are_the_businesss():
    assert stage_of(T=60, frequency=1, recency=40, rules=StageRules(retention_from=1)) == "retention"


def history_of(**stages):
    """One letter a month for each customer, a blank where the customer is not seen."""
    letters = {"a": "acquisition", "d": "development", "r": "retention", "k": "at_risk", "l": "lost"}
    months = pd.date_range("2024-01-01", periods=12, freq="30D")
    rows = [
        (customer, months[place], letters[letter])
        for customer, seen in stages.items()
        for place, letter in enumerate(seen)
        if letter != " "
    ]
    return pd.DataFrame(rows, columns=["customer_id", "as_of", "lifecycle_stage"])


def test_a_stay_lasts_until_the_first_snapshot_after_it():
    seen = stays(history_of(Ann="addr"))
    assert seen["lifecycle_stage"].tolist() == [
        "development",
        "retention",
    ]  # the first has no known beginning
    assert seen["days"].tolist() == [60, 0]
    assert seen["ended"].tolist() == [True, False]


def test_a_customer_who_arrives_later_has_a_beginning():
    seen = stays(history_of(Ann="aaaa", Bob=" aad"))
    assert seen[["customer_id", "days", "ended"]].to_numpy().tolist()[0] == ["Bob", 60, True]


def test_who_is_out_of_sight_for_a_while_has_not_moved():
    history = history_of(Ann="aaaaaa", Bob=" a  dd")
    assert stays(history)["ended"].tolist() == [False]
    assert transition_matrix(history).loc["acquisition", "development"] == 0


def test_transitions_are_shares_of_those_who_were_seen_again():
    matrix = transition_matrix(history_of(Ann="aad", Bob="adr", Cat="a"))
    assert matrix.loc["acquisition", ["acquisition", "development"]].tolist() == [1 / 3, 2 / 3]
    assert matrix.loc["development", "retention"] == 1
    assert matrix.loc["retention"].isna().all()


def test_open_stays_make_the_median_longer():
    # Stays in development: 30 ended; 30 still open; 60 ended; 90 ended. Worked by hand:
    # S(30) = 1 - 1/4 = 3/4, S(60) = 3/4 · (1 - 1/2) = 3/8, so the median is 60 days.
    dwelt = median_dwell_time(history_of(Ann="adr", Bob="add", Cat="addr", Dan="adddr"))
    assert dwelt.loc["development"].tolist() == [4, 3, 60]


def test_half_that_go_on_have_no_median_yet():
    dwelt = median_dwell_time(history_of(Ann="addd", Bob="addd", Cat="adr "))
    assert np.isnan(dwelt.loc["development", "median_days"])
    assert dwelt.loc["lost"].tolist()[:2] == [0, 0]


def test_a_history_of_nobody_is_empty():
    nobody = history_of()
    assert stays(nobody).empty
    assert transition_matrix(nobody).empty


def test_a_customer_comes_once_a_day():
    twice = pd.DataFrame({"customer_id": [7, 7], "as_of": ["2024-01-31"] * 2, "frequency": 0, "recency": 0})
    with pytest.raises(TableError, match="a customer twice on 2024-01-31"):
        stage_history(twice.assign(T=3))
