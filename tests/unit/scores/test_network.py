"""A referral counts once, for the customer who came first to make it, and never in circles."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import patron
from patron.errors import PatronWarning, RangeError, TableError
from patron.scores.learning import learning_potential
from patron.scores.network import (
    NetworkRules,
    ReferralRate,
    Referrals,
    customer_equity,
    network_potential,
    valid_referrals,
)

NO_FUTURE = {"ahead": 0.0, "new_customer": 0.0, "saved_each": 0.0}


def said(*rows):
    return pd.DataFrame(rows, columns=["referrer_id", "referred_id", "days_ago"])


def among(n, referrals, age=1000.0):
    return valid_referrals(referrals, pd.Series(np.arange(n)), np.full(n, age) if np.isscalar(age) else age)


def potentials(referrer, margin, rules=None, saved=0.0):
    n = len(referrer)
    found = Referrals(np.array(referrer), {})
    return network_potential(
        found, np.array(margin, float), np.full(n, saved), np.full(n, 100.0), rules=rules, **NO_FUTURE
    )


def test_half_of_the_margin_is_the_referrers_unless_said_otherwise():
    assert potentials([-1, 0], [0, 100])["network_potential"].tolist() == [50, 0]
    all_of_it = NetworkRules(made_by=1.0)
    assert potentials([-1, 0], [0, 100], all_of_it)["network_potential"].tolist() == [100, 0]


def test_the_saved_cost_counts_in_full_for_each_customer_brought():
    found = potentials([-1, 0, 0], [0, 100, 60], saved=15.0)
    assert found.loc[0, ["acquisition_saved", "margin_brought", "network_made"]].tolist() == [30, 80, 110]


def test_deeper_degrees_count_by_decay_up_to_the_depth():
    chain, margin = [-1, 0, 1, 2], [0, 100, 100, 100]
    deep = potentials(chain, margin, NetworkRules(depth=2, decay=0.2))
    assert deep["network_potential"].tolist() == [60, 60, 50, 0]
    deeper = potentials(chain, margin, NetworkRules(depth=9, decay=0.2))
    assert deeper.loc[0, "network_potential"] == pytest.approx(50 + 10 + 2)


def test_the_first_of_two_referrers_made_the_referral():
    found = among(3, said((1, 2, 10), (0, 2, 20)), age=np.array([99.0, 99.0, 5.0]))
    assert found.referrer.tolist() == [-1, -1, 0]
    assert found.left_out["brought by another"] == 1


def test_who_had_bought_before_was_not_won_by_the_referral():
    found = among(3, said((0, 1, 10), (0, 2, 11)), age=np.array([99.0, 11.0, 11.0]))
    assert found.referrer.tolist() == [-1, -1, 0]
    assert found.left_out["had bought before"] == 1


def test_deleted_customers_refer_nobody():
    found = among(2, said((77, 1, 10), (0, 88, 10)))
    assert found.referrer.tolist() == [-1, -1]
    assert found.left_out["not a customer"] == 2


def test_a_circle_is_broken_where_it_closed():
    found = among(4, said((0, 1, 30), (1, 2, 20), (2, 0, 10), (2, 3, 5)), age=0.0)
    assert found.referrer.tolist() == [-1, 0, 1, 2]
    assert found.left_out["circle"] == 1


pairs = st.lists(st.tuples(st.integers(0, 8), st.integers(0, 8), st.integers(0, 30)), max_size=40)


@given(pairs, st.randoms())
def test_whatever_is_said_nobody_is_his_own_ancestor(rows, chance):
    found = among(8, said(*rows), age=0.0)
    for start in range(8):
        steps, here = 0, start
        while here >= 0:
            here, steps = found.referrer[here], steps + 1
            assert steps <= 8
    assert found.made.sum() + sum(found.left_out.values()) == len(rows)
    shuffled = list(rows)
    chance.shuffle(shuffled)
    assert among(8, said(*shuffled), age=0.0).referrer.tolist() == found.referrer.tolist()


def test_a_customer_is_known_once():
    with pytest.raises(TableError, match="The customer '7' occurs twice"):
        valid_referrals(said(), pd.Series([7, 7]), np.zeros(2))


def test_referrals_to_come_are_those_of_the_population_and_of_the_customer():
    chance = np.random.default_rng(3)
    days = chance.uniform(50, 700, 30_000)
    each = chance.gamma(0.4, 1 / 500, 30_000)
    made = chance.poisson(each * days)
    law = ReferralRate.fit(made, days)
    assert law.shape / law.rate == pytest.approx(0.4 / 500, rel=0.05)
    assert law.shape == pytest.approx(0.4, rel=0.1)
    later = chance.poisson(each * 365)
    expected = law.expected(made, days, 365)
    assert expected.sum() == pytest.approx(later.sum(), rel=0.05)
    eager = made >= 2
    assert expected[eager].mean() == pytest.approx(later[eager].mean(), rel=0.1)


def test_where_nobody_refers_nobody_is_expected_to():
    assert ReferralRate.fit([0, 0], [10.0, 20.0]) is None
    found = network_potential(
        Referrals(np.full(2, -1), {}), np.ones(2), np.ones(2), np.array([5.0, np.nan]), ahead=365.0,
        new_customer=50.0, saved_each=5.0,
    )  # fmt: skip
    assert (found == 0).all(axis=None)


def test_customers_who_all_refer_alike_are_fitted_too():
    law = ReferralRate.fit(np.ones(500), np.full(500, 100.0))
    assert law.expected(0, 100, 100) == pytest.approx(1, rel=0.05)


def test_a_referral_to_come_brings_what_is_saved_and_half_of_a_new_customer():
    found = network_potential(
        Referrals(np.array([-1, 0]), {}), np.zeros(2), np.zeros(2), np.array([200.0, 100.0]), ahead=365.0,
        new_customer=50.0, saved_each=5.0,
    )  # fmt: skip
    assert found["network_to_come"].to_numpy() == pytest.approx(found["expected_referrals"] * (5 + 0.5 * 50))
    assert (found["expected_referrals"] > 0).all()


def test_equity_counts_nobody_twice():
    own = np.array([300.0, 100.0, 40.0])
    network = potentials([-1, 0, 1], own, NetworkRules(depth=3))
    worth = own + network["network_potential"].to_numpy()
    assert worth.sum() > own.sum()
    assert customer_equity(worth, network["network_made"].to_numpy()) == pytest.approx(own.sum())


def test_the_referrals_of_a_simulated_shop_are_all_valid():
    shop = patron.simulate(n_customers=2000, days=600, seed=5)
    day = pd.Timestamp(shop.as_of)
    first = shop.transactions.groupby("customer_id")["order_at"].min().dt.normalize()
    age = (day - first).dt.days.reindex(shop.customers["customer_id"]).to_numpy(dtype=float)
    referrals = shop.referrals.assign(days_ago=(day - shop.referrals["referred_at"].dt.normalize()).dt.days)
    found = valid_referrals(referrals, shop.customers["customer_id"], age)
    assert not any(found.left_out.values())
    assert found.made.sum() == len(shop.referrals)


@pytest.mark.parametrize("wrong", [{"made_by": 1.5}, {"depth": 0}, {"decay": 1.0}, {"depth": float("nan")}])
def test_impossible_rules_are_refused(wrong):
    with pytest.raises(RangeError, match=f"network.{next(iter(wrong))} must"):
        NetworkRules(**wrong)


def test_learning_is_worth_what_the_business_declares():
    given_ = pd.DataFrame(
        {"customer_id": [1, 1, 2], "kind": ["idea", "idea", "review"], "units": [1, 3, 2], "unit_value": None}
    )
    assert learning_potential(given_, {"idea": 20, "review": 1}).to_dict() == {1: 80.0, 2: 2.0}


def test_a_kind_without_a_value_counts_nothing_and_is_named():
    given_ = pd.DataFrame({"customer_id": [1], "kind": ["poem"], "units": [1], "unit_value": [None]})
    with pytest.warns(PatronWarning, match="no value for poem"):
        assert learning_potential(given_, {}).to_dict() == {1: 0.0}


def test_a_negative_value_is_refused():
    with pytest.raises(RangeError, match=r"learning.rate_card.idea must be money of at least 0, got -1"):
        learning_potential(pd.DataFrame(), {"idea": -1})
