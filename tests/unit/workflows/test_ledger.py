"""A ledger is append-only, idempotent and safe for two writers; it is settled once the horizon has passed."""

import subprocess
import sys
from datetime import date, timedelta

import pandas as pd
import pytest

from patron.errors import HistoryTooShortError, InputError, SettingsError, SourceError, TableError
from patron.tables.history import History
from patron.workflows.ledger import append_to_ledger, settle
from patron.workflows.ledger_store import open_ledger
from patron.workflows.score import score
from patron.workflows.settings import Settings

DAY = date(2024, 6, 30)

WRITER = """
import sys
from datetime import date
import pandas as pd
from patron.campaigns.ledger import promises_of
from patron.workflows.ledger_store import open_ledger

ledger, first = sys.argv[1], int(sys.argv[2])
for run in range(first, first + 8):  # the two writers share half of their runs
    card = pd.DataFrame({"customer_id": range(200), "as_of": [date(2024, 6, 30)] * 200, "horizon_days": 90,
                         "churn_probability": 0.001 * run, "expected_value": 1.0, "expected_value_low": 0.0,
                         "expected_value_high": 2.0, "model_version": str(run),
                         "scored_at": pd.Timestamp("2024-07-01", tz="UTC")})
    open_ledger(ledger).append("promises", promises_of(card))
"""


def make_card(customers, version="3", as_of=DAY, horizon_days=30):
    n = len(customers)
    return pd.DataFrame(
        {
            "customer_id": customers,
            "as_of": [as_of] * n,
            "horizon_days": [horizon_days] * n,
            "churn_probability": [(row + 1) / (n + 1) for row in range(n)],
            "expected_value": [float(n - row) for row in range(n)],
            "expected_value_low": [0.0] * n,
            "expected_value_high": [20.0] * n,
            "model_version": [version] * n,
            "scored_at": [pd.Timestamp("2024-07-01", tz="UTC")] * n,
        }
    )


@pytest.fixture(scope="module")
def sold():
    """Customers 1 to 10 bought by the end of June; 1 to 5 come back on 15 July, for 10 each."""
    lines = [(customer, DAY - timedelta(days=customer), 5.0) for customer in range(1, 11)]
    lines += [(customer, date(2024, 7, 15), 10.0) for customer in range(1, 6)]
    lines += [(11, date(2024, 8, 31), 1.0)]
    return History.read(pd.DataFrame(lines, columns=["customer_id", "order_at", "amount"]))


@pytest.fixture(params=["folder", "database"])
def place(request, tmp_path):
    return str(tmp_path / "ledger") if request.param == "folder" else f"sqlite:///{tmp_path}/ledger.db"


def test_a_run_that_is_appended_again_changes_nothing(place):
    card = make_card([1, 2, 3])
    assert append_to_ledger(card, place) == 3
    before = open_ledger(place).read("promises")
    assert append_to_ledger(card.assign(scored_at=pd.Timestamp("2024-07-05", tz="UTC")), place) == 0
    assert append_to_ledger(card.sample(frac=1, random_state=1), place) == 0
    pd.testing.assert_frame_equal(open_ledger(place).read("promises"), before)
    assert append_to_ledger(make_card([1, 2, 3], version="4"), place) == 3


def test_two_writers_at_once_lose_nothing_and_double_nothing(place):
    command = [sys.executable, "-c", WRITER, place]
    writers = [subprocess.Popen([*command, first], stderr=subprocess.PIPE) for first in ("0", "4")]
    assert [(writer.communicate()[1], writer.returncode) for writer in writers] == [(b"", 0)] * 2
    rows = open_ledger(place).read("promises")
    assert len(rows) == 12 * 200
    assert not rows.duplicated(["customer_id", "model_version"]).any()


def test_settling_fills_in_what_happened_and_again_changes_nothing(place, sold):
    append_to_ledger(make_card(list(range(1, 11))), place, margin=0.5)
    settings = Settings(settle={"ledger": place, "depth": 0.5})
    found = settle(settings, history=sold)
    assert (found.new, found.unknown, found.open_until) == (10, 0, [])
    assert found.rows.set_index("customer_id")["churned"].to_dict() == {n: int(n > 5) for n in range(1, 11)}
    assert found.rows["earned"].sum() == 5 * 10 * 0.5
    assert found.report.loc[0, "auc"] == 1.0
    assert found.report.loc[0, "worth"] == 0  # the most valuable are those who bought last
    assert "10 promises are settled, 10 of them now." in found.sentences()
    again = settle(settings, history=sold)
    assert again.new == 0
    pd.testing.assert_frame_equal(again.report, found.report)


def test_only_what_has_passed_is_settled(place, sold):
    append_to_ledger(make_card(list(range(1, 11))), place)
    append_to_ledger(make_card(list(range(1, 11)), horizon_days=90), place)
    found = settle(Settings(settle={"ledger": place}), history=sold)
    assert found.report["horizon_days"].tolist() == [30]
    assert found.open_until == [DAY + timedelta(days=90)]


def test_before_the_horizon_nothing_is_settled(place, sold):
    append_to_ledger(make_card([1, 2], horizon_days=90), place)
    with pytest.raises(
        HistoryTooShortError, match=r"the first ends on 2024-09-28, .* Settle from 2024-09-28 on"
    ):
        settle(Settings(settle={"ledger": place}), history=sold)
    assert open_ledger(place).read("outcomes").empty


def test_customers_that_the_tables_do_not_know_stay_open(place, sold):
    append_to_ledger(make_card([1, 2, 77]), place)
    found = settle(Settings(settle={"ledger": place}), history=sold)
    assert (found.new, found.unknown) == (2, 1)


def test_tables_of_another_business_settle_nothing(place, sold):
    append_to_ledger(make_card([77, 78]), place)
    with pytest.raises(
        InputError, match="None of the 2 promised customers is in the tables: their ids are '"
    ):
        settle(Settings(settle={"ledger": place}), history=sold)


def test_whole_numbers_and_text_do_not_meet_in_one_ledger(place):
    append_to_ledger(make_card([1, 2]), place)
    with pytest.raises(TableError, match="are whole numbers, and those given are text"):
        append_to_ledger(make_card(["1", "2"]), place)


def test_a_broken_part_is_named(tmp_path, sold):
    append_to_ledger(make_card([1, 2]), tmp_path)
    (part,) = (tmp_path / "promises").iterdir()
    part.write_bytes(part.read_bytes()[:100])
    with pytest.raises(
        SourceError, match=f"{part.name}.* cannot be read: .* append the scores of that run again"
    ):
        settle(Settings(settle={"ledger": tmp_path}), history=sold)
    database = tmp_path / "broken.db"
    database.write_bytes(b"no database" * 100)
    with pytest.raises(SourceError, match="cannot be used: file is not a database"):
        open_ledger(f"sqlite:///{database}").read("promises")


def test_places_and_files_that_are_none_are_named(tmp_path, sold):
    with pytest.raises(SettingsError, match="No ledger is named"):
        settle(Settings(), history=sold)
    with pytest.raises(InputError, match="holds no promise"):
        settle(Settings(settle={"ledger": tmp_path / "none"}), history=sold)
    with pytest.raises(SettingsError, match="is a file"):
        open_ledger(__file__)
    with pytest.raises(SourceError, match="cannot be read"):
        append_to_ledger(tmp_path / "none.parquet", tmp_path)


def test_scores_are_taken_from_the_file_that_was_written(tmp_path):
    card = make_card([1, 2])
    card.assign(scored_at=card["scored_at"].astype("timestamp[us, tz=UTC][pyarrow]")).to_parquet(
        tmp_path / "scores.parquet"
    )
    card.to_csv(tmp_path / "scores.csv", index=False)
    assert append_to_ledger(tmp_path / "scores.parquet", tmp_path / "ledger") == 2
    assert append_to_ledger(tmp_path / "scores.csv", tmp_path / "ledger") == 0


def test_scoring_writes_its_promises_down_and_a_later_day_settles_them(
    trained, make_settings, shop, tmp_path
):
    ledger = str(tmp_path / "ledger")
    day = shop.as_of - timedelta(days=60)
    settings = make_settings(
        as_of=day, score={"ledger": ledger, "model": trained.model_uri, "reasons": False}
    )
    scored = score(settings)
    promised = open_ledger(ledger).read("promises")
    assert len(promised) == scored.summary.scored
    score(settings)
    assert len(open_ledger(ledger).read("promises")) == len(promised)
    found = settle(make_settings(settle={"ledger": ledger}))
    assert (found.new, found.unknown) == (len(promised), 0)
    assert 0 <= found.report.loc[0, "coverage"] <= 1
