"""The retention triangle counts who was left, as far as everybody was watched."""

import pandas as pd
import pytest

from patron.economics.kpis.cohorts import retention_triangle
from patron.errors import TableError


def test_a_cohort_is_followed_as_far_as_its_youngest_contract():
    contracts = pd.DataFrame(
        {"cohort": "a", "renewals": [0, 1, 4, 5], "ended": [1, 1, 0, 0], "count": [10, 20, 30, 40]}
    )
    found = retention_triangle(contracts, "cohort").set_index("renewals")
    assert found["left"].tolist() == [100, 90, 70, 70, 70]  # the fifth renewal is still to come for thirty
    assert found["survival"].tolist() == [1.0, 0.9, 0.7, 0.7, 0.7]
    assert found["retention"][2] == pytest.approx(70 / 90)


def test_a_cohort_of_which_nobody_is_left_ends_with_zero():
    contracts = pd.DataFrame({"cohort": "a", "renewals": [0, 1], "ended": [1, 1]})
    assert retention_triangle(contracts, "cohort")["left"].tolist() == [2, 1, 0]


def test_an_empty_segment_is_refused():
    with pytest.raises(TableError, match="contracts has no row"):
        retention_triangle(pd.DataFrame({"cohort": [], "renewals": [], "ended": []}), "cohort")
