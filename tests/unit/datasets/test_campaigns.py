"""The simulated campaign: what it says is true of what follows."""

import numpy as np
import pandas as pd
import pytest

from patron.datasets.campaigns import simulate_campaign
from patron.errors import InputError, RangeError

NOBODY = pd.DataFrame({"customer_id": [], "offer": []})


@pytest.fixture(scope="module")
def world():
    return simulate_campaign(20_000, past_contacts=20_000, seed=3)


def test_the_same_seed_gives_the_same_business():
    one, two = (simulate_campaign(500, past_contacts=300, seed=5) for _ in range(2))
    pd.testing.assert_frame_equal(one.truth, two.truth)
    pd.testing.assert_frame_equal(one.past, two.past)


def test_customers_do_not_change_with_the_size_of_the_past_campaign():
    few, many = (simulate_campaign(500, past_contacts=n, seed=5) for n in (10, 400))
    pd.testing.assert_frame_equal(few.scores, many.scores)


@pytest.mark.parametrize("offer", ["reminder", "voucher", "call"])
def test_what_follows_agrees_with_the_true_profit(world, offer):
    everyone = world.truth[["customer_id"]].assign(offer=offer)
    contacted, left_alone = world.follow(everyone), world.follow(NOBODY)
    earned = contacted.transactions["amount"].sum() - left_alone.transactions["amount"].sum()
    profit = world.margin * earned - contacted.contacts["cost"].sum()
    # Twenty thousand customers whose profit varies by less than 60 each.
    assert profit == pytest.approx(world.profit(everyone), abs=4 * 60 * np.sqrt(20_000))


def test_contacting_one_customer_changes_nothing_for_another(world):
    before = world.follow(NOBODY).transactions
    after = world.follow(pd.DataFrame({"customer_id": [7], "offer": ["call"]})).transactions
    others = [frame[frame["customer_id"] != 7].reset_index(drop=True) for frame in (before, after)]
    pd.testing.assert_frame_equal(*others)


def test_treatment_in_the_past_was_drawn_by_lot(world):
    past = world.past
    assert past["treated"].mean() == pytest.approx(0.5, abs=0.02)
    gap = past.groupby("treated")["churn_probability"].mean().diff().iloc[-1]
    assert abs(gap) < 4 * past["churn_probability"].std() * 2 / np.sqrt(len(past))
    assert (past.loc[past["treated"] == 0, "cost"] == 0).all()


def test_an_unknown_offer_or_a_second_contact_is_refused(world):
    with pytest.raises(InputError, match=r"No such customer or offer: \(7, 'letter'\)"):
        world.follow(pd.DataFrame({"customer_id": [7], "offer": ["letter"]}))
    with pytest.raises(InputError, match="contacted twice"):
        world.profit(pd.DataFrame({"customer_id": [7, 7], "offer": ["call", "call"]}))


def test_a_share_that_is_none_is_refused():
    with pytest.raises(RangeError, match="treated_share"):
        simulate_campaign(10, treated_share=1.0)
