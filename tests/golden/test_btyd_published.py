"""Expectations of single customers as published, and as computed with forty digits.

Sources: Fader, Hardie & Lee (2005), Marketing Science 24(2), 275-284, and notes 004, 021, 025 and 039 of
brucehardie.com, whose parameters these are; Batislam, Denizel & Filiztekin (2007) for MBG. Values with
twelve digits, and btyd_forty_digits.csv, were computed from the formulas with forty-digit arithmetic. Times
in weeks.
"""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from patron.models.value.purchases.expectation import (
    discounted_expected_purchases,
    expected_purchases,
    expected_purchases_new_customer,
    probability_alive,
    probability_no_purchase,
    probability_of_purchases,
)
from patron.money import continuous_rate

BGNBD = (0.243, 4.414, 0.793, 2.426)
MBGNBD = (0.525, 6.183, 0.891, 1.614)

# x, t_x, T; P(alive), purchases in 39 weeks, P(no purchase in 39 weeks), DERT at 15 % a year
ROWS = {
    ("bgnbd", BGNBD): [
        (2, 30.43, 38.86, 0.726578570081, 1.22602817477, 0.445372862083, 5.16955392844),
        (1, 1.71, 38.86, 0.212100985377, 0.20318698708, 0.883332650617, 0.917458753855),
        (0, 0, 38.86, 1.0, 0.195098052011, 0.855449459217, 1.01874619465),
        (7, 29.43, 38.86, 0.641756345946, 3.33705327485, 0.364357514573, 12.7008682924),
        (26, 30.86, 31, 0.968915649718, 20.7497261409, 0.0310843536202, 71.0647422325),
    ],
    ("mbgnbd", MBGNBD): [
        (2, 30.43, 38.86, 0.706202265118, 1.26296062327, 0.440005909178, 4.92467578602),
        (1, 1.71, 38.86, 0.17083648431, 0.188836541364, 0.895156445816, 0.784007777864),
        (0, 0, 38.86, 0.389735080919, 0.154012746675, 0.891170601223, 0.724823222947),
        (7, 29.43, 38.86, 0.622723814169, 3.1675724323, 0.382977393096, 11.1772248314),
        (26, 30.86, 31, 0.965566144144, 19.4507226522, 0.0344338611268, 61.5414208916),
    ],
}

# r, alpha, a, b; x, t_x, T; horizon; expected purchases; P(alive), which is 1 without repeat purchase
EDGES = {
    "a = 1 is a removable singularity": (
        (0.2426, 4.4136, 1.0, 2.4259), (2, 30.43, 38.86), 39, 1.10198952397, 0.678187065245,
    ),
    "a + b = 1 with x = 0": ((0.11, 2.24, 0.31, 0.69), (0, 0, 1), 30, 0.613284318561, 1.0),
    "a + b < 1 with x = 0, where the direct formula gives NaN": (
        (0.11, 2.24, 0.31, 0.5), (0, 0, 1), 30, 0.564588615533, 1.0,
    ),
    "a heavy buyer": ((0.6, 12, 0.1, 1.5), (1000, 364, 365), 365, 931.804318765, 0.99857648639),
    "a very heavy buyer, where the direct formula overflows": (
        (0.6, 2, 0.1, 1.5), (2000, 699, 700), 365, 1016.360366, None,
    ),
}  # fmt: skip

FORTY_DIGITS = pd.read_csv(Path(__file__).with_name("btyd_forty_digits.csv"))


@pytest.mark.parametrize(("model", "rows"), ROWS.items(), ids=["bgnbd", "mbgnbd"])
def test_every_published_customer_is_met(model, rows):
    family, params = model
    x, t_x, T, alive, purchases, no_purchase, dert = np.array(rows).T
    weekly = continuous_rate(0.15, "W")
    assert probability_alive(*params, x, t_x, T, family) == pytest.approx(alive, rel=1e-11)
    assert expected_purchases(*params, x, t_x, T, 39, family) == pytest.approx(purchases, rel=1e-11)
    assert probability_no_purchase(*params, x, t_x, T, 39, family) == pytest.approx(no_purchase, rel=1e-11)
    found = discounted_expected_purchases(*params, x, t_x, T, weekly, family=family)
    assert found == pytest.approx(dert, rel=1e-11)


@pytest.mark.parametrize(("params", "customer", "horizon", "purchases", "alive"), EDGES.values(), ids=EDGES)
def test_the_edges_that_trip_the_direct_formula_are_met(params, customer, horizon, purchases, alive):
    assert expected_purchases(*params, *customer, horizon) == pytest.approx(purchases, rel=1e-9)
    if alive is not None:
        assert probability_alive(*params, *customer) == pytest.approx(alive, rel=1e-11)


def test_a_new_customer_is_expected_to_buy_as_published():
    weeks = np.array([1, 39, 52, 78])
    published = [0.0532678911717, 1.19672319332, 1.4460505954, 1.86051905794]
    assert expected_purchases_new_customer(*BGNBD, weeks) == pytest.approx(published, rel=1e-11)


@pytest.mark.parametrize("family", ["bgnbd", "mbgnbd"])
def test_240_random_customers_agree_with_forty_digit_arithmetic(family):
    rows = FORTY_DIGITS[FORTY_DIGITS["family"] == family]
    customers = [rows[name].to_numpy() for name in ("r", "alpha", "a", "b", "x", "t_x", "T")]
    t, smallest = rows["t"].to_numpy(), 1e-290  # below it doubles lose digits
    alive = probability_alive(*customers, family)
    assert alive == pytest.approx(rows["p_alive"].to_numpy(), rel=1e-11, abs=smallest)
    found = probability_no_purchase(*customers, t, family)
    assert found == pytest.approx(rows["p_no_purchase"].to_numpy(), rel=1e-11)
    found = expected_purchases(*customers, t, family)
    assert found == pytest.approx(rows["expected_purchases"].to_numpy(), rel=1e-11, abs=smallest)
    found = [
        discounted_expected_purchases(*(values[i] for values in customers), rate, t[i], family)
        for i, rate in enumerate(rows["rate"])
    ]
    assert found == pytest.approx(rows["discounted_expected_purchases"].to_numpy(), rel=1e-10, abs=smallest)


@pytest.mark.parametrize(("family", "params"), [("bgnbd", BGNBD), ("mbgnbd", MBGNBD)])
def test_the_probabilities_of_each_count_sum_to_one_and_give_the_expectation(family, params):
    counts = np.arange(400)
    for customer in ((0, 0.0, 38.86), (2, 30.43, 38.86), (26, 30.86, 31.0)):
        chances = probability_of_purchases(*params, *customer, 39, counts, family)
        assert chances.sum() == pytest.approx(1, abs=1e-9)
        assert chances @ counts == pytest.approx(expected_purchases(*params, *customer, 39, family), rel=1e-7)
