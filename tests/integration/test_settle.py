"""A prediction log is append-only, idempotent and safe for two writers; outcomes follow once known."""

import os
import signal
import uuid
from datetime import date, timedelta

import duckdb
import ibis
import pandas as pd
import pytest

from patron.errors import (
    HistoryTooShortError,
    InputError,
    PatronError,
    SettingsError,
    SourceError,
    TableError,
)
from patron.settings import Settings
from patron.storage import atomic_files, databases
from patron.storage.prediction_log import DatabaseLog, log_scorecard, open_prediction_log
from patron.tables.history import History
from patron.workflows.score import score
from patron.workflows.settle import settle

DAY = date(2024, 6, 30)
LONG = 300  # seconds after which one process gives up on another


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


DATABASES = ["sqlite", "duckdb", "postgresql"]


def a_place(kind, request, tmp_path):
    """A prediction log of each kind that is not there yet."""
    if kind == "folder":
        return str(tmp_path / "ledger")
    if kind != "postgresql":
        return f"{kind}:///{tmp_path}/ledger.db"
    url, schema = request.getfixturevalue("postgres"), f"s{uuid.uuid4().hex[:8]}"
    server = ibis.connect(url)
    server.create_database(schema)
    server.disconnect()
    return f"{url}::{schema}"


@pytest.fixture(params=["folder", *DATABASES])
def place(request, tmp_path):
    return a_place(request.param, request, tmp_path)


@pytest.fixture(params=DATABASES)
def database(request, tmp_path):
    return a_place(request.param, request, tmp_path)


def test_a_run_that_is_appended_again_changes_nothing(place):
    card = make_card([1, 2, 3])
    assert log_scorecard(card, place) == 3
    before = open_prediction_log(place).read("predictions")
    assert log_scorecard(card.assign(scored_at=pd.Timestamp("2024-07-05", tz="UTC")), place) == 0
    assert log_scorecard(card.sample(frac=1, random_state=1), place) == 0
    pd.testing.assert_frame_equal(open_prediction_log(place).read("predictions"), before)
    assert log_scorecard(make_card([1, 2, 3], version="4"), place) == 3


def write_runs(place, runs, both):
    both.wait()
    for run in runs:
        log_scorecard(make_card(list(range(200)), version=str(run)), place)


def test_two_writers_at_once_lose_nothing_and_double_nothing(place, forks):
    both = forks.Barrier(2, timeout=LONG)
    runs = [range(8), range(4, 12)]  # they share half of their runs, and make the ledger at once
    writers = [forks.Process(target=write_runs, args=(place, mine, both)) for mine in runs]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert [writer.exitcode for writer in writers] == [0, 0]
    rows = open_prediction_log(place).read("predictions")
    assert len(rows) == 12 * 200
    assert not rows.duplicated(["customer_id", "model_version"]).any()


def write_and_die(place, card):
    """Write a run, and be killed when all of it is there and none of it counts yet."""

    def die(*_):
        os.kill(os.getpid(), signal.SIGKILL)

    insert = databases.Transaction.insert

    def insert_and_die(step, table, rows):
        insert(step, table, rows)
        if table.name == "predictions":
            die()

    atomic_files.settle = die  # a file is whole, and about to take its name
    databases.Transaction.insert = insert_and_die
    log_scorecard(card, place)


def test_a_writer_that_is_killed_leaves_what_was_there_and_may_write_again(place, forks):
    log_scorecard(make_card([1, 2, 3]), place)
    before, card = open_prediction_log(place).read("predictions"), make_card([1, 2, 3], version="4")
    killed = forks.Process(target=write_and_die, args=(place, card))
    killed.start()
    killed.join()
    assert killed.exitcode == -signal.SIGKILL
    pd.testing.assert_frame_equal(open_prediction_log(place).read("predictions"), before)
    assert (log_scorecard(card, place), log_scorecard(card, place)) == (3, 0)
    assert len(open_prediction_log(place).read("predictions")) == 6


def hold(place, held, done):
    table = open_prediction_log(place).tables["predictions"]
    with databases.connected(table) as backend, databases.transaction(backend, "prediction log"):
        held.set()
        done.wait(LONG)


def test_a_log_that_another_writer_holds_is_waited_for_and_then_refused(database, forks, monkeypatch):
    log_scorecard(make_card([1, 2, 3]), database)
    held, done = forks.Event(), forks.Event()
    other = forks.Process(target=hold, args=(database, held, done))
    other.start()
    assert held.wait(LONG)
    monkeypatch.setattr(databases, "PATIENCE", 0.2)
    busy = "database is locked|another program .* has had the file open for|due to lock timeout"
    try:
        with pytest.raises(
            PatronError, match=rf"Cannot (write|connect to) the table 'predictions' .*({busy})"
        ):
            log_scorecard(make_card([1, 2, 3], version="4"), database)
    finally:
        monkeypatch.undo()
        done.set()
        other.join()
    assert log_scorecard(make_card([1, 2, 3], version="4"), database) == 3


def test_what_the_first_run_lacked_has_room_in_a_later_one(place):
    day = {"as_of": [DAY] * 2, "horizon_days": [30] * 2, "churned": [0, 1], "purchases": [1, 0]}
    first = pd.DataFrame({"customer_id": [1, 2], **day, "value": [5, 0], "days_since_last": [3, 9]})
    later = first.assign(customer_id=[3, 2**40], value=[0.5, 0.0], days_since_last=[4.0, float("nan")])
    assert [open_prediction_log(place).append("outcomes", rows) for rows in (first, later)] == [2, 2]
    rows = open_prediction_log(place).read("outcomes").set_index("customer_id").sort_index()
    assert rows["value"].tolist() == [5.0, 0.0, 0.5, 0.0]
    assert rows["days_since_last"].isna().tolist() == [False, False, False, True]
    assert set(rows["as_of"]) == {DAY}


def test_settling_fills_in_what_happened_and_again_changes_nothing(place, sold):
    log_scorecard(make_card(list(range(1, 11))), place, margin=0.5)
    settings = Settings(settle={"prediction_log": place, "depth": 0.5})
    found = settle(settings, history=sold)
    assert (found.new, found.unknown, found.open_until) == (10, 0, [])
    assert found.rows.set_index("customer_id")["churned"].to_dict() == {n: int(n > 5) for n in range(1, 11)}
    assert found.rows["earned"].sum() == 5 * 10 * 0.5
    assert found.report.loc[0, "auc"] == 1.0
    assert found.report.loc[0, "worth"] == 0  # the most valuable are those who bought last
    assert "10 predictions have an outcome, 10 of them observed in this run." in found.sentences()
    again = settle(settings, history=sold)
    assert again.new == 0
    pd.testing.assert_frame_equal(again.report, found.report)


def test_only_horizons_that_have_passed_get_an_outcome(place, sold):
    log_scorecard(make_card(list(range(1, 11))), place)
    log_scorecard(make_card(list(range(1, 11)), horizon_days=90), place)
    found = settle(Settings(settle={"prediction_log": place}), history=sold)
    assert found.report["horizon_days"].tolist() == [30]
    assert found.open_until == [DAY + timedelta(days=90)]


def test_before_the_horizon_there_is_no_outcome(place, sold):
    log_scorecard(make_card([1, 2], horizon_days=90), place)
    with pytest.raises(
        HistoryTooShortError, match=r"the first ends on 2024-09-28, .* Settle from 2024-09-28 on"
    ):
        settle(Settings(settle={"prediction_log": place}), history=sold)
    assert open_prediction_log(place).read("outcomes").empty


def test_customers_that_the_tables_do_not_know_stay_open(place, sold):
    log_scorecard(make_card([1, 2, 77]), place)
    found = settle(Settings(settle={"prediction_log": place}), history=sold)
    assert (found.new, found.unknown) == (2, 1)


def test_tables_of_another_business_settle_nothing(place, sold):
    log_scorecard(make_card([77, 78]), place)
    with pytest.raises(InputError, match="None of the 2 logged customers is in the tables: their ids are '"):
        settle(Settings(settle={"prediction_log": place}), history=sold)


def test_uuids_get_their_outcome_too(place):
    ids = [uuid.UUID(int=n) for n in range(1, 4)]
    sales = pd.DataFrame({"customer_id": ids, "order_at": [DAY] * 3, "amount": [1.0] * 3})
    later = sales.head(1).assign(order_at=date(2024, 8, 31))
    known = History.read(pd.concat([sales, later]))
    log_scorecard(make_card(ids), place)
    found = settle(Settings(settle={"prediction_log": place}), history=known)
    assert (found.new, found.unknown) == (3, 0)
    assert found.rows["customer_id"].tolist() == [str(one) for one in ids]


def test_a_duckdb_file_may_hold_the_tables_and_their_prediction_log(tmp_path):
    file = tmp_path / "shop.db"
    sales = pd.DataFrame({"customer_id": [1, 2, 1], "amount": [1.0, 1.0, 2.0]})
    sales["order_at"] = [DAY, DAY, date(2024, 8, 31)]
    with duckdb.connect(str(file)) as shop:
        shop.register("sales", sales)
        shop.execute("CREATE TABLE orders AS SELECT * FROM sales")
    log_scorecard(make_card([1, 2]), f"duckdb:///{file}")
    tables = {"transactions": f"duckdb:///{file}::orders"}
    settings = Settings(tables=tables, settle={"prediction_log": f"duckdb:///{file}"})
    assert settle(settings).new == 2
    reading = History.read(tables["transactions"])
    with pytest.raises(PatronError, match="this job is reading tables from the same file, so name another"):
        settle(settings, history=reading)


def test_whole_numbers_and_text_do_not_meet_in_one_log(place):
    log_scorecard(make_card([1, 2]), place)
    with pytest.raises(TableError, match="are whole numbers, and those given are text"):
        log_scorecard(make_card(["1", "2"]), place)


def test_a_broken_part_is_named(tmp_path, sold):
    log_scorecard(make_card([1, 2]), tmp_path)
    (part,) = (tmp_path / "predictions").iterdir()
    part.write_bytes(part.read_bytes()[:100])
    with pytest.raises(
        SourceError, match=f"{part.name}.* cannot be read: .* log the scores of that run again"
    ):
        settle(Settings(settle={"prediction_log": tmp_path}), history=sold)
    database = tmp_path / "broken.db"
    database.write_bytes(b"no database" * 100)
    with pytest.raises(PatronError, match=r"Cannot connect to .*broken\.db: file is not a database\."):
        open_prediction_log(f"sqlite:///{database}")


def test_places_and_files_that_are_none_are_named(tmp_path, sold):
    with pytest.raises(SettingsError, match="No prediction log is named"):
        settle(Settings(), history=sold)
    with pytest.raises(InputError, match="is empty"):
        settle(Settings(settle={"prediction_log": tmp_path / "none"}), history=sold)
    with pytest.raises(SettingsError, match="is a file"):
        open_prediction_log(__file__)
    with pytest.raises(SettingsError, match=r"A prediction log is a folder .*, and not 'mysql://…@shop/crm'"):
        open_prediction_log("mysql://ann:secret@shop/crm")
    with pytest.raises(SettingsError, match=r"and not 'mysql://shop/crm\?password=…'"):
        open_prediction_log("mysql://shop/crm?password=secret")
    with pytest.raises(SourceError, match="cannot be read"):
        log_scorecard(tmp_path / "none.parquet", tmp_path)


@pytest.mark.parametrize("kind", ["{}", "sqlite:///{}/l.db", "duckdb:///{}/l.db"])
def test_a_place_that_cannot_be_made_is_told_before_the_work(kind, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(SettingsError, match="is a file, not a folder"):
        open_prediction_log(kind.format(tmp_path / "file" / "ledger"))
    with pytest.raises(SettingsError, match="A prediction log is a folder"):
        open_prediction_log(f"sqlite:///{tmp_path}/l.db?mode=ro")


def test_a_file_of_rows_is_not_a_prediction_log(tmp_path):
    make_card([1, 2]).to_parquet(tmp_path / "scores.parquet")
    with pytest.raises(SettingsError, match="is not a database: nothing would be kept"):
        open_prediction_log(f"duckdb:///{tmp_path}/scores.parquet")


def test_other_tables_of_the_same_names_are_refused_before_the_work(tmp_path):
    with duckdb.connect(str(tmp_path / "garage.db")) as garage:
        garage.execute("CREATE TABLE parts (part TEXT, price DOUBLE)")
    with pytest.raises(SettingsError, match="is not a table of a prediction log: it lacks kind"):
        open_prediction_log(f"duckdb:///{tmp_path}/garage.db")


def test_a_database_that_does_not_answer_is_told_before_the_work(postgres):
    nobody = postgres.replace("/postgres?", "/nobody?")
    with pytest.raises(PatronError, match=r"Cannot connect to the table 'predictions' of .*does not exist"):
        open_prediction_log(nobody)


def test_the_password_of_a_log_is_never_shown():
    url = "postgresql://ann:secret@shop/crm"
    settings = Settings(settle={"prediction_log": url}, score={"prediction_log": url})
    assert "secret" not in f"{settings!r} {settings.to_dict()} {DatabaseLog(url)}"
    recorded = Settings(tables={"transactions": f"{url}::sales"}).to_dict()
    assert recorded["tables"]["transactions"]["source"] == "postgresql://…@shop/crm::sales"


def test_scores_are_taken_from_the_file_that_was_written(tmp_path):
    card = make_card([1, 2])
    card.assign(scored_at=card["scored_at"].astype("timestamp[us, tz=UTC][pyarrow]")).to_parquet(
        tmp_path / "scores.parquet"
    )
    card.to_csv(tmp_path / "scores.csv", index=False)
    assert log_scorecard(tmp_path / "scores.parquet", tmp_path / "ledger") == 2
    assert log_scorecard(tmp_path / "scores.csv", tmp_path / "ledger") == 0


def test_scoring_logs_its_predictions_and_a_later_day_adds_the_outcomes(
    trained, make_settings, shop, tmp_path
):
    ledger = str(tmp_path / "ledger")
    day = shop.as_of - timedelta(days=60)
    settings = make_settings(
        as_of=day, score={"prediction_log": ledger, "model": trained.model_uri, "reasons": False}
    )
    scored = score(settings)
    promised = open_prediction_log(ledger).read("predictions")
    assert len(promised) == scored.summary.scored
    score(settings)
    assert len(open_prediction_log(ledger).read("predictions")) == len(promised)
    found = settle(make_settings(settle={"prediction_log": ledger}))
    assert (found.new, found.unknown) == (len(promised), 0)
    assert 0 <= found.report.loc[0, "coverage"] <= 1
