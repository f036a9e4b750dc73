"""What a point more retention is worth, and what it is not."""

import numpy as np
import pytest

from patron.economics.decisions.rate_changes import Percent, Points
from patron.economics.decisions.what_if import Business, Change, doubling_time, retention_draws, what_if
from patron.errors import RangeError

SHOP = Business(customers=1000, acquisition=0.2, revenue=100.0, margin=40.0, cost=10.0, acquisition_cost=25.0)


def of(found, scenario, column):
    return found.paths[found.paths["scenario"] == scenario][column].to_numpy()


def test_at_90_per_cent_the_base_about_doubles_in_seven_years_and_at_80_it_is_flat():
    found = what_if(SHOP, 0.8, Change(retention=Points(10)), years=7)
    assert of(found, "today", "customers") == pytest.approx([1000.0] * 8)
    assert of(found, "changed", "customers")[7] == pytest.approx(1000 * 1.1**7)
    assert 1.9 < 1.1**7 < 2.0
    assert doubling_time(0.9, 0.2) == pytest.approx(7.27, abs=0.005)
    assert found.doubling["reason"].iloc[0] == "the base does not grow"
    assert found.doubling["reason"].isna().tolist() == [False, True]


def test_the_second_year_by_hand():
    found = what_if(
        SHOP, 0.8, Change(retention=Points(10), cost_down=4.0), years=2, annual_discount_rate=0.10
    )
    assert of(found, "changed", "customers") == pytest.approx([1000, 1100, 1210])
    # Served on average 1050 and 1155, each with a margin of 40 - 6; new ones 200 and 220, at 25 each.
    assert of(found, "changed", "profit") == pytest.approx([0, 1050 * 34 - 5000, 1155 * 34 - 5500])
    assert of(found, "today", "profit") == pytest.approx([0, 25_000, 25_000])
    gains = 1050 * 34 - 5000 - 25_000, 1155 * 34 - 5500 - 25_000
    assert found.present_value == pytest.approx(gains[0] / 1.1 + gains[1] / 1.21)


def test_a_point_and_a_per_cent_are_not_the_same():
    point, cent = (
        what_if(SHOP, 0.8, Change(retention=change), years=1) for change in (Points(1), Percent(1))
    )
    assert of(point, "difference", "customers")[1] == pytest.approx(10)
    assert of(cent, "difference", "customers")[1] == pytest.approx(8)
    assert Change(cost_down=Percent(10)).cost(50.0) == pytest.approx(45.0)
    assert Change(cost_down=10.0).cost(50.0) == 40.0


def test_a_cost_has_no_points():
    with pytest.raises(RangeError, match="A cost cannot change in points"):
        Change(cost_down=Points(1))


def test_doubt_about_retention_becomes_an_interval():
    few, many = (
        what_if(SHOP, retention_draws(8 * n, 2 * n, n_draws=4000), Change(retention=Points(1)))
        for n in (10, 1000)
    )
    assert few.present_value_low < few.present_value < few.present_value_high
    assert few.present_value_high - few.present_value_low > 5 * (
        many.present_value_high - many.present_value_low
    )
    width = [
        of(found, "today", "customers_high")[7] - of(found, "today", "customers_low")[7]
        for found in (few, many)
    ]
    assert width[0] > 5 * width[1]


def test_a_base_that_may_not_grow_has_no_doubling_time():
    found = what_if(SHOP, np.array([0.79, 0.81]), Change(retention=Points(0.5)))
    assert found.doubling["years"].isna().all()
    assert found.doubling["reason"].tolist() == ["only 50% of the draws grow"] * 2


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: Change(), "Nothing changes"),
        (lambda: what_if(SHOP, 80.0, Change(cost_down=1.0)), "Write 80 % as 0.80"),
        (lambda: what_if(SHOP, 0.8, Change(cost_down=1.0), years=0), "years must be a whole number"),
        (lambda: what_if(SHOP, 0.8, Change(cost_down=1.0), level=80), "Write 80 % as 0.80"),
        (
            lambda: Business(customers=-1, acquisition=0.1, revenue=1, margin=1),
            "customers must be at least 0",
        ),
        (lambda: Business(customers=1, acquisition=0.1, revenue=1, margin=np.nan), "margin must be finite"),
        (lambda: retention_draws(0, 0), "kept and lost must be at least 0"),
        (lambda: Percent(-101), "Percent must be a finite number"),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(make, said):
    with pytest.raises(RangeError, match=said):
        make()
