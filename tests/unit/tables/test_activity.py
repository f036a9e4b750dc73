"""Event logs and contracts as tables of their own, and what counts as activity."""

import datetime

import pandas as pd
import pytest

from patron.errors import RangeError, SettingsError, TableError
from patron.tables.activity import ChurnDefinition
from patron.tables.history import History

TODAY = datetime.date(2024, 12, 31)
EVENTS = pd.DataFrame(
    [(7, "2024-01-05 09:00", "visit"), (7, "2024-01-05 18:00", "visit"), (8, "2024-02-01", "email_sent")],
    columns=["customer_id", "event_at", "kind"],
)
LINES = pd.DataFrame({"customer_id": [7], "order_at": ["2024-01-10"], "amount": [5.0]})
CONTRACTS = pd.DataFrame(
    [
        (7, "2024-01-01", "2024-03-01", "moved"),
        (8, "2024-02-01", "2025-06-30", None),
        (9, "2024-02-01", "", None),
    ],
    columns=["customer_id", "started_at", "ended_at", "cancel_reason"],
)


def test_without_transactions_an_active_day_is_worth_one_and_counts_once():
    history = History.read(engagement=EVENTS)
    assert (history.activity, history.has_money) == ("engagement", False)
    days = history.days.to_pandas()
    assert days[["customer_id", "net_amount", "lines"]].values.tolist() == [[7, 1.0, 2]]
    assert history.known_until == datetime.date(2024, 2, 1)  # what was sent is known too


def test_the_activity_is_contracts_or_else_purchases_or_else_engagement():
    assert History.read(LINES, EVENTS).activity == "purchases"
    assert History.read(LINES, EVENTS, subscriptions=CONTRACTS, today=TODAY).activity == "subscriptions"
    assert (
        History.read(
            LINES, subscriptions=CONTRACTS, churn=ChurnDefinition(activity="purchases"), today=TODAY
        ).activity
        == "purchases"
    )


def test_an_activity_without_its_table_is_refused():
    with pytest.raises(SettingsError, match="activity 'engagement' needs the table 'engagement'"):
        History.read(LINES, churn=ChurnDefinition(activity="engagement"))
    with pytest.raises(RangeError, match=r"churn\.activity must be one of purchases, engagement"):
        ChurnDefinition(activity="visits")
    with pytest.raises(SettingsError, match="No transactions are given, and neither engagement nor"):
        History.read(customers=pd.DataFrame({"customer_id": [7]}))


def test_a_log_of_nothing_but_what_was_sent_tells_of_no_activity():
    with pytest.raises(TableError, match=r"holds only what was sent to customers \(email_sent\)"):
        History.read(engagement=EVENTS[EVENTS.kind == "email_sent"])


def test_with_engagement_the_last_day_known_is_that_of_the_log_if_it_goes_further():
    history = History.read(LINES, EVENTS)
    assert history.known_until == datetime.date(2024, 1, 10)
    engaged = history.with_churn(ChurnDefinition(activity="engagement"))
    assert (engaged.first_day, engaged.known_until) == (datetime.date(2024, 1, 5), datetime.date(2024, 2, 1))


def test_the_end_of_a_contract_is_unknown_before_it_has_come():
    history = History.read(subscriptions=CONTRACTS, today=TODAY)
    then = history.until(datetime.date(2024, 2, 29)).subscriptions.order_by("customer_id").to_pandas()
    assert then.customer_id.tolist() == [7, 8, 9]
    assert then[["ended_at", "ended_on", "cancel_reason"]].isna().all(axis=None)
    assert history.until(datetime.date(2024, 3, 1)).subscriptions.ended_on.count().execute() == 1


def test_an_end_that_is_planned_is_no_mistake_and_one_before_the_start_is():
    wrong = pd.DataFrame({"customer_id": [1], "started_at": ["2024-02-01"], "ended_at": ["2024-01-31"]})
    history = History.read(subscriptions=pd.concat([CONTRACTS, wrong]), today=TODAY)
    assert history.report["subscriptions"].rejected == {"ended_at is before started_at": 1}
    assert history.known_until == datetime.date(2024, 3, 1)  # a planned end tells of no day


def test_with_contracts_alone_the_days_are_those_on_which_they_began():
    history = History.read(subscriptions=CONTRACTS, today=TODAY)
    assert history.days.count().execute() == 3
    assert repr(history) == "<History of 3 customers, 2024-01-01 to 2024-03-01>"
