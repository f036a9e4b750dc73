"""History: what was read, as numbers and sentences, and what was known on a day."""

import datetime
import gc
import subprocess
import sys
import tempfile
from pathlib import Path

import pandas as pd
import pytest

from patron.errors import DateError
from patron.tables.engine import open_engine
from patron.tables.history import History

LINES = pd.DataFrame(
    {
        "customer_id": ["Ann", "Bob", "Ann", None],
        "order_at": ["2024-01-05 10:00", "2024-01-10", "2024-02-05", "2024-02-06"],
        "amount": [20.0, 8.0, -5.0, 1.0],
        "product_id": [1, 2, 1, 1],
    }
)
EVENTS = pd.DataFrame(
    {"customer_id": ["Ann", "Eve"], "event_at": ["2024-01-07", "2024-03-01"], "kind": "visit"}
)
CUSTOMERS = pd.DataFrame(
    {"customer_id": ["Ann", "Bob", "Eve"], "acquired_at": ["2024-01-01", None, "2024-02-20"], "city": "Kiel"}
)


@pytest.fixture(scope="module")
def history() -> History:
    return History.read(LINES, EVENTS, CUSTOMERS)


def day(text: str) -> datetime.date:
    return datetime.date.fromisoformat(text)


def test_tables_hold_the_columns_given_and_the_day(history):
    assert history.transactions.columns == ("customer_id", "order_at", "amount", "product_id", "day")
    assert history.engagement.columns == ("customer_id", "event_at", "kind", "day")
    assert history.customers.columns == ("customer_id", "acquired_at", "city")


def test_tables_that_were_not_given_are_none():
    history = History.read(LINES)
    assert history.engagement is None
    assert history.customers is None
    assert list(history.rejected) == ["transactions"]


def test_the_days_known_are_those_of_the_valid_transactions(history):
    assert (history.first_day, history.last_day) == (day("2024-01-05"), day("2024-02-05"))
    assert history.known_until == day("2024-02-05")


def test_the_report_counts_every_table(history):
    assert history.report.to_dict() == {
        "transactions": {
            "rows_read": 4,
            "rows_kept": 3,
            "rows_rejected": 1,
            "rejected": {"customer_id is missing": 1},
            "exact_duplicates_kept": 0,
            "customers": 2,
            "first_day": "2024-01-05",
            "last_day": "2024-02-05",
            "total_amount": 23.0,
            "refunds": 1,
        },
        "engagement": {
            "rows_read": 2,
            "rows_kept": 2,
            "rows_rejected": 0,
            "rejected": {},
            "exact_duplicates_kept": 0,
            "customers": 2,
            "first_day": "2024-01-07",
            "last_day": "2024-03-01",
            "total_amount": None,
            "refunds": None,
        },
        "customers": {
            "rows_read": 3,
            "rows_kept": 3,
            "rows_rejected": 0,
            "rejected": {},
            "exact_duplicates_kept": 0,
            "customers": 3,
            "first_day": None,
            "last_day": None,
            "total_amount": None,
            "refunds": None,
        },
    }


def test_the_report_speaks_in_sentences(history):
    assert history.report.sentences() == [
        "transactions: 3 of 4 rows kept, 2 customers, 2024-01-05 to 2024-02-05, 23.00 in all, "
        "1 refund netted.",
        "transactions: 1 row rejected because customer_id is missing.",
        "engagement: 2 of 2 rows kept, 2 customers, 2024-01-07 to 2024-03-01.",
        "customers: 3 of 3 rows kept, 3 customers.",
    ]


def test_a_history_prints_as_one_line(history):
    assert repr(history) == "<History of 2 customers, 2024-01-05 to 2024-02-05>"


def test_until_leaves_out_all_that_came_later(history):
    then = history.until(day("2024-01-31"))
    assert sorted(then.transactions.amount.to_pandas()) == [8.0, 20.0]
    assert then.days.count().execute() == 2
    assert then.engagement.customer_id.to_pandas().tolist() == ["Ann"]
    assert sorted(then.customers.customer_id.to_pandas()) == ["Ann", "Bob"]  # Eve came in February
    assert (then.first_day, then.last_day) == (day("2024-01-05"), day("2024-01-10"))


def test_until_knows_the_days_on_which_nothing_happened(history):
    assert history.until(day("2024-01-31")).known_until == day("2024-01-31")
    with pytest.raises(DateError, match="after the last day"):
        history.until(day("2024-01-31")).until(day("2024-02-01"))


def test_until_leaves_the_whole_as_it_was(history):
    history.until(day("2024-01-31"))
    assert history.days.count().execute() == 3


@pytest.mark.parametrize(
    ("as_of", "words"),
    [
        ("2024-01-04", "as_of 2024-01-04 is before the first transaction, on 2024-01-05"),
        ("2024-02-06", "as_of 2024-02-06 is after the last day of the transactions, 2024-02-05"),
    ],
)
def test_a_day_outside_the_data_is_refused_with_the_days_that_are_known(history, as_of, words):
    with pytest.raises(DateError, match=words):
        history.until(day(as_of))


def test_the_days_are_stored_and_the_lines_are_not_read_again(history):
    assert "patron_days" in history.days.get_name()


def test_a_csv_file_that_changes_later_changes_nothing(tmp_path):
    path = tmp_path / "a.csv"
    LINES.to_csv(path, index=False)
    history = History.read(path)
    path.unlink()
    assert history.transactions.count().execute() == 3
    assert len(history.rejected["transactions"]) == 1


def test_an_engine_takes_its_folder_with_it():
    engine = open_engine()
    folder = Path(engine.con.execute("SELECT current_setting('temp_directory')").fetchone()[0])
    assert folder.is_dir()
    del engine
    gc.collect()
    assert not folder.exists()


def test_python_leaves_no_folder_behind_when_it_exits():
    program = """
import pandas as pd
from patron.tables.history import History
lines = pd.DataFrame({"customer_id": [1], "order_at": ["2024-01-05"], "amount": [1.0]})
history = History.read(lines)
print(history.connection.con.execute("SELECT current_setting('temp_directory')").fetchone()[0])
"""
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert run.stderr == ""
    folder = Path(run.stdout.strip())
    assert folder.parent == Path(tempfile.gettempdir())
    assert not folder.exists()


def test_memory_is_bounded_and_what_does_not_fit_is_spilled():
    engine = open_engine(memory_limit="200MB", threads=1)
    row = engine.con.execute(
        "SELECT current_setting('memory_limit'), current_setting('threads'), current_setting('TimeZone')"
    ).fetchone()
    assert row == ("190.7 MiB", 1, "UTC")
    engine.con.execute(
        "CREATE TEMP TABLE big AS SELECT hash(range) AS a, hash(range + 1) AS b FROM range(20_000_000)"
    )
    assert engine.con.execute("SELECT count(*) FROM big").fetchone() == (20_000_000,)
