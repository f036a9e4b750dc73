"""Control customers without an offer on record are compared with each offer of their campaign."""

import ibis
import pandas as pd
import pytest

from patron.campaigns.uplift.trial_arms import EVERY_CONTACT, offers_made


def made(**columns):
    """customer_id and offer_made of such contacts, in order."""
    n = len(columns["treated"])
    table = pd.DataFrame({"customer_id": range(1, n + 1), **columns})
    rows = offers_made(ibis.memtable(table)).order_by("customer_id", "offer_made").to_pandas()
    assert set(rows.columns) == {*table.columns, "offer_made"}
    return list(zip(rows["customer_id"], rows["offer_made"], strict=True))


def test_an_offer_on_record_is_the_offer_that_counts():
    assert made(treated=[1, 0], offer=["call", "letter"]) == [(1, "call"), (2, "letter")]


def test_a_control_customer_without_an_offer_is_compared_with_each_offer():
    found = made(treated=[1, 1, 0, 0], offer=["call", "letter", None, "call"])
    assert found == [(1, "call"), (2, "letter"), (3, "call"), (3, "letter"), (4, "call")]


def test_a_control_group_is_that_of_its_own_campaign():
    found = made(
        treated=[1, 1, 1, 0, 0],
        offer=["call", "letter", "call", None, None],
        campaign=["may", "june", "june", "may", None],
    )
    assert found[3:] == [(4, "call"), (5, "call"), (5, "letter")]


def test_a_control_group_of_a_campaign_without_treated_customers_stays_by_itself():
    found = made(treated=[1, 0], offer=["call", None], campaign=["may", "june"])
    assert found == [(1, "call"), (2, EVERY_CONTACT)]


@pytest.mark.parametrize(
    ("columns", "offer"),
    [
        ({"campaign": ["may", "may"]}, "may"),
        ({"campaign": ["may", "may"], "offer": [None, None]}, "may"),
        ({}, EVERY_CONTACT),
    ],
)
def test_without_offers_the_campaign_distinguishes_contacts(columns, offer):
    columns = {name: pd.array(values, dtype="string") for name, values in columns.items()}
    assert made(treated=[1, 0], **columns) == [(1, offer), (2, offer)]
