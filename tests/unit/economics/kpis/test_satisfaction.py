"""What customers say, worked out on paper."""

from datetime import date

import ibis
import numpy as np
import pandas as pd
import pytest

from patron.economics.kpis.satisfaction import net_promoter_score, satisfaction
from patron.economics.periods import whole_periods

MARCH = whole_periods(date(2024, 3, 1), date(2024, 3, 31), "month")


def said(rows) -> dict:
    frame = pd.DataFrame(rows, columns=["customer_id", "answered_at", "kind", "score"])
    frame["answered_at"] = pd.to_datetime(frame["answered_at"])
    frame["day"] = frame["answered_at"].dt.date
    return satisfaction(ibis.memtable(frame), MARCH, "month")[0]


def test_csat_is_the_share_of_the_top_two_boxes_with_one_voice_each():
    found = said(
        [
            (1, "2024-03-01", "csat", 1.0),
            (1, "2024-03-09", "csat", 5.0),  # the later answer counts
            (2, "2024-03-02", "csat", 4.0),
            (3, "2024-03-02", "csat", 3.0),
            (4, "2024-03-02", "csat", 2.0),
            (5, "2024-04-02", "csat", 1.0),  # not in March
        ]
    )
    assert (found["csat"].value, found["csat"].n) == (0.5, 4)
    assert found["nps"].reason == "no NPS answer"


def test_the_net_promoter_score_and_its_standard_error():
    scores = [10.0] * 20 + [8.0] * 10 + [6.0] * 10
    found = said([(i, "2024-03-02", "nps", score) for i, score in enumerate(scores)])
    assert found["nps"].value == 25.0
    values = np.repeat([1.0, 0.0, -1.0], [20, 10, 10])
    assert found["nps_standard_error"].value == pytest.approx(100 * values.std() / np.sqrt(40))
    assert found["loyalty_attitude"].value == 0.5


def test_below_thirty_answers_no_score_is_shown():
    hidden = net_promoter_score(20, 5, 29)
    assert [one.value for one in hidden] == [None, None]
    assert hidden[0].reason == "29 answers are too few; at least 30 are needed"
    assert net_promoter_score(20, 5, 30)[0].value == 50.0


def test_all_promoters_leave_no_spread():
    score, error = net_promoter_score(30, 0, 30)
    assert (score.value, score.high, error.value) == (100.0, 100.0, 0.0)
