"""Rows that break a rule: rejected with the rule, counted, and never dropped in silence."""

import datetime

import numpy as np
import pandas as pd
import pytest

from patron.errors import SettingsError
from patron.tables.history import History

TODAY = datetime.date(2024, 6, 30)
SOUND = {"customer_id": "Ann", "order_at": "2024-01-31", "amount": 20.0}


def read(*rows: dict[str, object], **settings: object) -> History:
    """A history of one sound transaction and the rows given, which differ from it as they say."""
    return History.read(pd.DataFrame([SOUND, *({**SOUND, **row} for row in rows)]), today=TODAY, **settings)


def test_every_broken_row_is_rejected_by_its_first_rule():
    history = read(
        {"customer_id": None},
        {"customer_id": "  "},
        {"order_at": None},
        {"order_at": ""},
        {"order_at": "soon"},
        {"order_at": "0001-01-01"},
        {"order_at": "1900-01-01"},
        {"order_at": "2024-07-01"},
        {"order_at": "2999-01-01"},
        {"amount": np.nan},
        {"amount": np.inf},
        {"amount": -np.inf},
        {"amount": 1e16},
        {"customer_id": None, "amount": np.inf},
    )
    numbers = history.report["transactions"]
    assert numbers.rejected == {
        "customer_id is missing": 3,
        "order_at is missing": 2,
        "order_at is before 1900-01-02": 2,
        "order_at is after today": 2,
        "amount is infinite": 2,
        "order_at is not a date": 1,
        "amount is missing or NaN": 1,
        "amount is beyond 1e15": 1,
    }
    assert (numbers.rows_read, numbers.rows_kept, numbers.rows_rejected) == (15, 1, 14)
    assert history.rejected["transactions"].rule.value_counts().to_dict() == dict(numbers.rejected)


def test_a_rejected_row_is_shown_as_it_came_under_patrons_names():
    frame = pd.DataFrame(
        {"who": ["Ann", "Bob"], "when": ["2024-01-31", "soon"], "amount": ["20", "8"], "note": ["", "!"]}
    )
    history = History.read(frame, columns={"transactions": {"customer_id": "who", "order_at": "when"}})
    (row,) = history.rejected["transactions"].to_dict("records")
    assert row == {
        "customer_id": "Bob",
        "order_at": "soon",
        "amount": "8",
        "note": "!",
        "rule": "order_at is not a date",
    }


def test_a_day_that_is_today_is_kept():
    assert read({"order_at": "2024-06-30 23:59"}).report["transactions"].rows_rejected == 0


def test_numbers_written_as_text_are_read_and_words_are_rejected():
    frame = pd.DataFrame([SOUND] * 5).assign(amount=["12.50", "-2", "free", "12,50", None])
    history = History.read(frame)
    assert history.report["transactions"].total_amount == 10.5
    assert history.report["transactions"].rejected == {
        "amount is not a number": 2,
        "amount is missing or NaN": 1,
    }


@pytest.mark.parametrize("column", ["quantity", "discount", "cost"])
def test_optional_numbers_may_be_missing_but_not_wrong(column):
    history = read({column: 1.0}, {column: np.nan}, {column: np.inf})
    assert history.report["transactions"].rejected == {f"{column} is infinite": 1}
    assert history.days[column].to_pandas().tolist() == [1.0]


def test_events_need_a_time_and_a_kind():
    event = {"customer_id": "Ann", "event_at": "2024-01-31", "kind": "visit", "value": 1.0}
    wrong = [{"customer_id": None}, {"event_at": "soon"}, {"kind": None}, {"kind": " "}, {"value": np.inf}]
    events = pd.DataFrame([event, *({**event, **row} for row in wrong)])
    assert read(engagement=events).report["engagement"].rejected == {
        "kind is missing": 2,
        "customer_id is missing": 1,
        "event_at is not a date": 1,
        "value is infinite": 1,
    }


def test_customers_may_lack_everything_but_their_id():
    customers = pd.DataFrame(
        {
            "customer_id": ["Ann", "Bob", "Cem", "Dan", None],
            "acquired_at": ["2024-01-01", None, "soon", "2024-07-01", "2024-01-01"],
            "acquisition_cost": [5.0, np.nan, 5.0, 5.0, 5.0],
        }
    )
    history = read(customers=customers)
    assert sorted(history.customers.customer_id.to_pandas()) == ["Ann", "Bob"]
    assert history.report["customers"].rejected == {
        "customer_id is missing": 1,
        "acquired_at is not a date": 1,
        "acquired_at is after today": 1,
    }


def test_a_negative_acquisition_cost_is_rejected():
    customers = pd.DataFrame({"customer_id": ["Ann", "Bob"], "acquisition_cost": [0.0, -1.0]})
    assert read(customers=customers).report["customers"].rejected == {"acquisition_cost is below 0": 1}


def test_rows_equal_in_every_column_are_kept_and_counted():
    history = read({}, {}, {"amount": 8.0}, {"amount": None})
    assert history.report["transactions"].exact_duplicates_kept == 2
    assert history.report["transactions"].total_amount == 68.0
    assert "duplicates" in history.report.sentences()[-1]


def test_rows_equal_in_every_column_are_rejected_but_the_first_when_asked():
    history = read({}, {}, {"amount": 8.0}, {"amount": None}, duplicates="reject")
    numbers = history.report["transactions"]
    assert numbers.rejected == {"exact duplicate": 2, "amount is missing or NaN": 1}
    assert (numbers.rows_read, numbers.rows_kept, numbers.exact_duplicates_kept) == (5, 2, 0)
    assert numbers.total_amount == 28.0
    assert history.transactions.count().execute() == 2
    assert history.rejected["transactions"].rule.value_counts().to_dict() == dict(numbers.rejected)
    assert history.rejected["transactions"].query("rule == 'exact duplicate'").amount.tolist() == [20.0, 20.0]


def test_a_column_that_patron_does_not_read_tells_like_rows_apart():
    history = read({"receipt": 1}, {"receipt": 2}, duplicates="reject")
    assert history.report["transactions"].rejected == {}
    assert "receipt" not in history.transactions.columns


def test_rows_that_are_equal_only_once_read_are_no_duplicates():
    history = read({"order_at": "2024-01-31 00:00"}, {"order_at": "2024/01/31"})
    assert history.report["transactions"].exact_duplicates_kept == 0


def test_an_unknown_rule_for_duplicates_is_refused():
    with pytest.raises(SettingsError, match=r'duplicates must be "keep" or "reject", got \'drop\''):
        read(duplicates="drop")
