"""Scores in a table of a database: all or none, and never twice."""

import sqlite3
import uuid
from datetime import date
from pathlib import Path

import duckdb
import ibis
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from patron.errors import MissingExtraError, PatronError, SettingsError, SourceError
from patron.scores.arrow import unscored_rows
from patron.scores.columns import SCORECARD_COLUMNS
from patron.storage import databases
from patron.storage.target import check_table, read_database_table, upsert
from patron.tables.source import open_source

AS_OF = date(2024, 1, 31)


def parts(folder, ids, *, as_of=AS_OF, version="3", percentiles=None):
    """Scorecard rows in two files, as a scoring leaves them."""
    written = []
    for number, some in enumerate((ids[:2], ids[2:])):
        others = {"customer_id": some, "as_of": [as_of] * len(some), "not_scored_reason": [None] * len(some)}
        shared = {"model_version": version, "scored_at": pd.Timestamp.now("UTC"), "horizon_days": 90}
        rows = unscored_rows(pa.table(others), shared | {"p_alive": 0.25, "value_percentile": percentiles})
        written.append(Path(folder) / f"scored-{uuid.uuid4().hex}-{number}.parquet")
        pq.write_table(rows, written[-1])
    return written


@pytest.fixture(params=["duckdb", "sqlite", "postgresql"])
def url(request, tmp_path):
    """An empty database of each kind."""
    if request.param == "postgresql":
        return request.getfixturevalue("postgres")
    return f"{request.param}:///{tmp_path}/crm.db"


@pytest.fixture
def table(url):
    return read_database_table(f"{url}::t{uuid.uuid4().hex[:8]}")


def rows_of(table):
    backend = ibis.connect(table.url)
    try:
        names = [name for name in SCORECARD_COLUMNS if name != "scored_at"]
        found = backend.con.execute(
            f"SELECT {', '.join(names)} FROM {table.name} ORDER BY customer_id, as_of"
        )
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]
    finally:
        backend.disconnect()


def test_the_table_is_made_with_all_columns(table, tmp_path):
    check_table(table, SCORECARD_COLUMNS)
    upsert(table, parts(tmp_path, [3, 1, 2]))
    check_table(table, SCORECARD_COLUMNS)
    with pytest.raises(SettingsError, match="lacks the columns mood"):
        check_table(table, ["mood"])
    rows = rows_of(table)
    assert [row["customer_id"] for row in rows] == [1, 2, 3]
    assert str(rows[0]["as_of"]) == "2024-01-31"
    assert rows[0]["p_alive"] == 0.25
    assert rows[0]["value_percentile"] is None


def test_what_was_written_can_be_read_as_a_table(postgres, tmp_path):
    server = ibis.connect(postgres)
    server.create_database("marketing")
    server.disconnect()
    upsert(read_database_table(f"{postgres}::marketing.scores"), parts(tmp_path, [3, 1, 2]))
    found = open_source(f"{postgres}::marketing.scores")
    assert sorted(found.customer_id.to_pyarrow().to_pylist()) == [1, 2, 3]
    with pytest.raises(SourceError, match=r"has no table 'marketing\.sales'; it has scores\."):
        open_source(f"{postgres}::marketing.sales")


def test_the_same_key_gives_way_and_all_else_stays(table, tmp_path):
    upsert(table, parts(tmp_path, [1, 2, 3], percentiles=10))
    upsert(table, parts(tmp_path, [1, 2, 3], as_of=date(2024, 1, 30)))
    upsert(table, parts(tmp_path, [1, 2, 3], version="4"))
    upsert(table, parts(tmp_path, [2, 3, 4], percentiles=20))
    rows = rows_of(table)
    assert len(rows) == 3 + 3 + 4
    ours = [row for row in rows if str(row["as_of"]) == "2024-01-31" and row["model_version"] == "3"]
    assert [(row["customer_id"], row["value_percentile"]) for row in ours] == [
        (1, 10),
        (2, 20),
        (3, 20),
        (4, 20),
    ]


def test_a_model_without_a_version_is_a_key_too(table, tmp_path):
    for _ in range(2):
        upsert(table, parts(tmp_path, ["a", "b", "c"], version=None))
    assert [row["customer_id"] for row in rows_of(table)] == ["a", "b", "c"]


def test_what_fails_half_way_changes_nothing(table, tmp_path):
    upsert(table, parts(tmp_path, [1, 2, 3], percentiles=10))
    before = rows_of(table)
    of_other_type = parts(tmp_path, [1, 2, 3])[:1] + parts(tmp_path, ["x", "y", "z"])[1:]
    if table.scheme == "sqlite":  # which takes any type: let the second part be missing instead
        of_other_type[1].unlink()
    with pytest.raises(PatronError, match=r"Cannot write the table .*It is as it was before\."):
        upsert(table, of_other_type)
    assert rows_of(table) == before


def test_a_table_that_lacks_columns_is_refused_before_the_work(tmp_path):
    sqlite3.connect(tmp_path / "crm.db").execute(
        "CREATE TABLE scorecard (customer_id INTEGER)"
    ).connection.close()
    table = read_database_table(f"sqlite:///{tmp_path}/crm.db")
    with pytest.raises(SettingsError, match=r"lacks the columns as_of, .*\(32 in all\)"):
        check_table(table, SCORECARD_COLUMNS)


def test_uuids_keep_their_type_where_there_is_one(tmp_path):
    table = read_database_table(f"duckdb:///{tmp_path}/crm.db")
    ids = [uuid.UUID(int=n) for n in (1, 2, 3)]
    upsert(table, parts(tmp_path, pa.array([one.bytes for one in ids], pa.uuid())))
    with duckdb.connect(str(tmp_path / "crm.db")) as database:
        assert database.sql("SELECT customer_id FROM scorecard ORDER BY 1").fetchall() == [
            (one,) for one in ids
        ]


def test_no_name_of_a_table_is_lost(url, tmp_path):
    table = read_database_table(f"{url}::patron_scores")
    upsert(table, parts(tmp_path, [3, 1, 2]))
    assert [row["customer_id"] for row in rows_of(table)] == [1, 2, 3]


def test_a_schema_that_is_not_there_is_told_before_the_work(url, tmp_path):
    upsert(read_database_table(f"{url}::scores"), parts(tmp_path, [1, 2, 3]))
    with pytest.raises(SettingsError, match="has no schema 'nowhere'"):
        check_table(read_database_table(f"{url}::nowhere.scores"), SCORECARD_COLUMNS)


def write_when_both_can(table, files, both):
    both.wait()
    upsert(table, files)


def test_two_jobs_at_once_leave_each_row_once(table, tmp_path, forks):
    both = forks.Barrier(2, timeout=300)
    files = [parts(tmp_path, list(range(9)), percentiles=percentiles) for percentiles in (10, 20)]
    jobs = [forks.Process(target=write_when_both_can, args=(table, mine, both)) for mine in files]
    for job in jobs:
        job.start()
    for job in jobs:
        job.join()
    assert [job.exitcode for job in jobs] == [0, 0]
    rows = rows_of(table)
    assert [row["customer_id"] for row in rows] == list(range(9))
    assert len({row["value_percentile"] for row in rows}) == 1  # all of one job


def test_a_database_that_another_job_holds_is_told_in_a_sentence(tmp_path, monkeypatch):
    monkeypatch.setattr(databases, "PATIENCE", 0.2)
    file = tmp_path / "crm.db"
    table = read_database_table(f"sqlite:///{file}")
    upsert(table, parts(tmp_path, [1, 2, 3]))
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(PatronError, match=r"Cannot write the table 'scorecard' .*: database is locked\."):
        upsert(table, parts(tmp_path, [1, 2, 3], percentiles=5))
    other.close()
    assert {row["value_percentile"] for row in rows_of(table)} == {None}


def test_a_missing_driver_is_named_with_its_extra(monkeypatch):
    def refuse(url):
        raise ModuleNotFoundError("No module named 'psycopg'")

    monkeypatch.setattr(ibis, "connect", refuse)
    with pytest.raises(MissingExtraError, match=r"psycopg.*pip install 'patron\[postgres\]'"):
        check_table(read_database_table("postgresql://db/crm"), SCORECARD_COLUMNS)


@pytest.mark.parametrize("url", ["nosuch://db/crm", "http://db/crm"])
def test_an_unknown_kind_of_database_is_refused(url):
    with pytest.raises(SettingsError, match="which Ibis does not know"):
        check_table(read_database_table(url), SCORECARD_COLUMNS)


@pytest.mark.parametrize("name", ["my-scores", "a.b.c", "scores; drop", ""])
def test_a_name_that_no_table_has_is_no_part_of_the_file(name):
    with pytest.raises(SettingsError, match="What follows the two colons of --to"):
        read_database_table(f"duckdb:///crm.db::{name}")


@pytest.mark.parametrize("url", ["duckdb://", "sqlite:///:memory:", "duckdb:///scores.parquet::scores"])
def test_where_nothing_would_be_kept_nothing_is_written(url):
    with pytest.raises(SettingsError, match="nothing would be kept"):
        read_database_table(url)


def test_a_file_of_rows_is_no_database(tmp_path):
    (tmp_path / "scores.tsv").write_text("customer_id\n1\n")
    with pytest.raises(SettingsError, match="is not a database: nothing would be kept"):
        check_table(read_database_table(f"duckdb:///{tmp_path}/scores.tsv::scores"), SCORECARD_COLUMNS)


def test_an_address_of_colons_is_no_table():
    assert read_database_table("postgresql://ann@[::1]/crm").name == "scorecard"


def test_a_password_that_breaks_the_url_is_told_how_to_write_it():
    with pytest.raises(SettingsError, match="write / as %2F") as told:
        check_table(read_database_table("postgresql://ann:se/cret@db/crm"), SCORECARD_COLUMNS)
    assert "cret" not in str(told.value)


def test_a_password_is_never_shown():
    for url in ("postgresql://ann:se@cret@db/crm", "postgresql://db/crm?user=ann&password=secret"):
        assert "cret" not in str(read_database_table(url))
    table = read_database_table("postgresql://ann:secret@db:5432/crm::marketing.scores")
    assert "secret" not in f"{table} {table!r}"
    assert (table.schema, table.name) == ("marketing", "scores")


@pytest.mark.parametrize("written", ["duckdb:///crm.db", "duckdb:///crm.db::scores"])
def test_three_slashes_name_a_file_of_the_working_folder(written, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert read_database_table(written).url == f"duckdb://{tmp_path}/crm.db"
