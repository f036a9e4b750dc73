"""Files appear whole or not at all, and give back what went in."""

import errno
import uuid
from datetime import date

import ibis
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from patron.errors import PatronError, SettingsError
from patron.storage.atomic_files import check_target, whole_file, write_frame, write_table

ENDINGS = [".parquet", ".csv"]


def scores(customer_ids: list[object]) -> pd.DataFrame:
    n = len(customer_ids)
    return pd.DataFrame(
        {
            "customer_id": customer_ids,
            "as_of": [date(2024, 5, 1)] * n,
            "churn_probability": np.linspace(0, 1, n),
            "not_scored_reason": [None] * n,
        }
    )


def read(path):
    return pd.read_parquet(path) if path.suffix == ".parquet" else pd.read_csv(path)


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("customer_ids", [[3, 1, 2], ["b", "a"], ["مشتری ۱", "مشتری ۲"], ["007", 'a,"b"']])
def test_customer_ids_come_back_as_they_went_in(tmp_path, ending, customer_ids):
    path = write_frame(scores(customer_ids), tmp_path / f"scores{ending}")
    back = pd.read_csv(path, dtype={"customer_id": type(customer_ids[0])}) if ending == ".csv" else read(path)
    assert back["customer_id"].tolist() == customer_ids


def test_uuids_come_back_as_text_in_csv_and_keep_their_type_in_parquet(tmp_path):
    customer_ids = [uuid.UUID(int=1), uuid.UUID(int=2)]
    text = write_frame(scores(customer_ids), tmp_path / "scores.csv")
    assert pd.read_csv(text)["customer_id"].tolist() == [str(value) for value in customer_ids]
    typed = write_frame(scores(customer_ids), tmp_path / "scores.parquet")
    assert pq.read_table(typed)["customer_id"].to_pylist() == customer_ids


def test_in_csv_null_is_empty_and_a_date_is_iso(tmp_path):
    path = write_frame(scores([7]), tmp_path / "scores.csv")
    assert path.read_text().splitlines()[1] == "7,2024-05-01,0.0,"


def test_in_parquet_a_date_is_a_date_and_null_is_null(tmp_path):
    schema = pq.read_schema(write_frame(scores([7]), tmp_path / "scores.parquet"))
    assert str(schema.field("as_of").type) == "date32[day]"
    assert pq.read_table(tmp_path / "scores.parquet")["not_scored_reason"].to_pylist() == [None]


@pytest.mark.parametrize("ending", ENDINGS)
def test_the_engine_writes_the_same_rows_as_a_frame(tmp_path, ending):
    frame = pd.DataFrame({"customer_id": [1, 2], "net_spend_total": [0.1, None]})
    from_frame = write_frame(frame, tmp_path / f"frame{ending}")
    from_engine = write_table(ibis.memtable(frame), tmp_path / f"table{ending}")
    pd.testing.assert_frame_equal(read(from_frame), read(from_engine))


def test_a_file_that_fails_half_way_leaves_the_old_one_and_nothing_else(tmp_path):
    target = tmp_path / "scores.csv"
    target.write_text("old")

    def write_half() -> None:
        with whole_file(target) as temporary:
            temporary.write_text("half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        write_half()
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_a_full_disk_is_told_in_a_sentence(tmp_path, monkeypatch):
    def refuse(handle: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.fsync", refuse)
    with pytest.raises(PatronError, match=r"Cannot write '.*scores\.csv': No space left on device\."):
        write_frame(scores([7]), tmp_path / "scores.csv")
    assert list(tmp_path.iterdir()) == []


def test_a_missing_folder_is_made_when_the_file_is_written(tmp_path):
    assert write_frame(scores([7]), tmp_path / "new" / "scores.csv").exists()


def test_a_file_may_be_read_by_those_who_may_read_other_files(tmp_path):
    (tmp_path / "plain").touch()
    written = write_frame(scores([7]), tmp_path / "scores.csv")
    assert written.stat().st_mode == (tmp_path / "plain").stat().st_mode


@pytest.mark.parametrize("name", ["scores", "scores.xlsx", "scores.parquet.gz", "scores.json"])
def test_another_ending_is_refused(tmp_path, name):
    with pytest.raises(SettingsError, match=r"the ending must be \.parquet or \.csv"):
        check_target(tmp_path / name)


def test_a_folder_in_place_of_the_file_is_refused(tmp_path):
    (tmp_path / "scores.csv").mkdir()
    with pytest.raises(SettingsError, match="it is a folder"):
        check_target(tmp_path / "scores.csv")


def test_a_file_in_place_of_the_folder_is_refused(tmp_path):
    (tmp_path / "scores").touch()
    with pytest.raises(SettingsError, match="is a file, not a folder"):
        check_target(tmp_path / "scores" / "scores.csv")
