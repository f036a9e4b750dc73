"""CSV and Parquet files, databases: what can be read, and the sentence for what cannot."""

import sqlite3
from contextlib import closing
from pathlib import Path

import duckdb
import ibis
import pandas as pd
import pytest

from patron.errors import InputError, MissingColumnsError, SourceError, TableError
from patron.tables.history import History
from patron.tables.source import TableSource, open_source

LINES = pd.DataFrame(
    {
        "customer_id": ["Ann", "Bob", "Ann"],
        "order_at": ["2024-01-05", "2024-01-06", "2024-02-05"],
        "amount": [20.0, 8.0, 30.0],
    }
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def write(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def total(source: object, **settings: object) -> float | None:
    return History.read(source, **settings).report["transactions"].total_amount


def test_a_csv_a_parquet_file_and_a_compressed_csv_give_the_same_history(folder):
    LINES.to_csv(folder / "a.csv", index=False)
    LINES.to_csv(folder / "a.csv.gz", index=False)
    LINES.to_parquet(folder / "a.parquet")
    assert total(folder / "a.csv") == total(str(folder / "a.csv.gz")) == total(folder / "a.parquet") == 58.0


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_a_glob_reads_all_of_its_files(folder, ending):
    for month, part in LINES.groupby(LINES.order_at.str[:7]):
        path = folder / f"{month}.{ending}"
        part.to_csv(path, index=False) if ending == "csv" else part.to_parquet(path)
    assert total(f"{folder}/2024-*.{ending}") == 58.0


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_the_header_tells_the_separator(folder, separator):
    LINES.to_csv(folder / "a.csv", index=False, sep=separator)
    assert total(folder / "a.csv") == 58.0


def test_line_ends_byte_order_marks_quoted_commas_and_empty_lines_do_not_matter(folder):
    text = '\ufeffcustomer_id,order_at,amount\r\n"Ann, the first",2024-01-05,20\r\n\r\nBob,2024-01-06,"8"'
    history = History.read(write(folder / "a.csv", text))
    assert sorted(history.days.customer_id.to_pandas()) == ["Ann, the first", "Bob"]


def test_an_apostrophe_in_a_path_is_no_matter(folder):
    LINES.to_csv(folder / "o'hara's.csv", index=False)
    assert total(folder / "o'hara's.csv") == 58.0


def test_ids_in_a_csv_keep_their_leading_zeros(folder):
    path = write(folder / "a.csv", "customer_id,order_at,amount\n007,2024-01-05,1\n8,2024-01-05,1\n")
    assert sorted(History.read(path).days.customer_id.to_pandas()) == ["007", "8"]


def test_ids_in_a_csv_that_are_whole_numbers_throughout_are_integers(folder):
    path = write(folder / "a.csv", "customer_id,order_at,amount\n7,2024-01-05,1\n-8,2024-01-05,1\n")
    assert History.read(path).days.customer_id.to_pandas().sort_values().tolist() == [-8, 7]


def test_ids_have_one_type_in_all_csv_files(folder):
    lines = write(folder / "a.csv", "customer_id,order_at,amount\n7,2024-01-05,1\n8,2024-01-05,1\n")
    customers = write(folder / "c.csv", "customer_id,city\n7,Kiel\nA9,Ulm\n")
    history = History.read(lines, customers=customers)
    assert history.customer_id_type.is_string()
    assert history.customers.semi_join(history.days, "customer_id").city.to_pandas().tolist() == ["Kiel"]


def test_a_file_that_is_not_there_is_named_with_what_is_there(folder):
    LINES.to_csv(folder / "orders.csv", index=False)
    with pytest.raises(
        SourceError,
        match=r"there is no file .*order\.csv .*holds orders\.csv.*; perhaps .*orders\.csv is meant",
    ):
        History.read(folder / "order.csv")


def test_a_folder_that_is_not_there_is_named(folder):
    with pytest.raises(SourceError, match=r"the folder .*nowhere does not exist"):
        History.read(folder / "nowhere" / "a.csv")


def test_a_glob_without_files_is_no_empty_table(folder):
    with pytest.raises(SourceError, match=r"there is no file"):
        History.read(f"{folder}/*.parquet")


def test_a_folder_is_answered_with_a_glob(folder):
    with pytest.raises(SourceError, match=r"is a folder. Name its files, such as .*\*\.parquet"):
        History.read(folder)


def test_a_spreadsheet_is_answered_with_the_formats_that_are_read(folder):
    with pytest.raises(SourceError, match=r"must end in \.csv.*Save the table as CSV \(UTF-8\) or Parquet"):
        History.read(write(folder / "a.xlsx", b"PK"))


def test_a_file_that_is_another_kind_than_its_name_says_is_told_by_its_content(folder):
    LINES.to_parquet(folder / "a.parquet")
    (folder / "a.parquet").rename(folder / "a.csv")
    with pytest.raises(SourceError, match=r"a\.csv is a Parquet file. Rename it to end in \.parquet"):
        History.read(folder / "a.csv")
    with pytest.raises(SourceError, match=r"b\.parquet is not a Parquet file.* rename it to end in \.csv"):
        History.read(write(folder / "b.parquet", "customer_id,order_at,amount\nAnn,2024-01-05,1\n"))


@pytest.mark.parametrize("encoding", ["latin-1", "utf-16"])
@pytest.mark.parametrize("place", ["header", "body"])
def test_a_file_that_is_not_utf8_says_so(folder, encoding, place):
    text = "customer_id,order_at,amount,Stra\u00dfe\nM\u00fcller,2024-01-05,1,x\n"
    text = text.replace("Stra\u00dfe", "street") if place == "body" else text
    with pytest.raises(SourceError, match=r"a\.csv.* not UTF-8 text. Save (it|the file) as UTF-8"):
        History.read(write(folder / "a.csv", text.encode(encoding)))


def test_bad_bytes_deep_in_a_file_are_found(folder):
    rows = b"".join(b"%d,2024-01-05,1\n" % row for row in range(50_000))
    path = write(folder / "a.csv", b"customer_id,order_at,amount\n" + rows + b"M\xfcller,2024-01-05,1\n")
    with pytest.raises(SourceError, match=r"line 50002 is not UTF-8 text"):
        History.read(path)


def test_a_quote_that_is_never_closed_is_named_by_its_line(folder):
    path = write(folder / "a.csv", 'customer_id,order_at,amount\nAnn,2024-01-05,1\n"Bob,2024-01-05,1\n')
    with pytest.raises(SourceError, match="line 3 opens a quote that is never closed"):
        History.read(path)


@pytest.mark.parametrize(("line", "columns"), [("Bob,2024-01-05", 2), ("Bob,2024-01-05,1,2", 4)])
def test_a_line_of_another_length_is_named(folder, line, columns):
    path = write(
        folder / "a.csv", f"customer_id,order_at,amount\nAnn,2024-01-05,1\n{line}\nBob,2024-01-05,1\n"
    )
    with pytest.raises(SourceError, match=f"line 3 has {columns} columns where the header has 3"):
        History.read(path)


def test_files_of_one_glob_must_have_the_same_columns(folder):
    LINES.to_csv(folder / "a1.csv", index=False)
    LINES[["order_at", "customer_id", "amount"]].to_csv(folder / "a2.csv", index=False)
    with pytest.raises(SourceError, match=r"a2\.csv has the header .* Give files with the same columns"):
        History.read(f"{folder}/a?.csv")


@pytest.mark.parametrize("header", ["customer_id,order_at,amount,Amount", "customer_id,order_at,amount,"])
def test_a_header_must_name_each_column_once(folder, header):
    with pytest.raises(SourceError, match="must name each column once"):
        History.read(write(folder / "a.csv", header + "\nAnn,2024-01-05,1,1\n"))


def test_an_empty_file_is_no_table(folder):
    with pytest.raises(SourceError, match=r"is empty. The first line must name the columns"):
        History.read(write(folder / "a.csv", ""))


def test_a_header_alone_is_an_empty_table(folder):
    with pytest.raises(TableError, match=r"table 'transactions' is empty: it has columns but no row"):
        History.read(write(folder / "a.csv", "customer_id,order_at,amount\n"))


@pytest.mark.parametrize("cut", [5, 40, -10])
def test_a_truncated_compressed_file_cannot_be_read(folder, cut):
    LINES.to_csv(folder / "whole.csv.gz", index=False)
    whole = (folder / "whole.csv.gz").read_bytes()
    with pytest.raises(SourceError, match=r"a\.csv\.gz cannot be read: .*\."):
        History.read(write(folder / "a.csv.gz", whole[:cut]))


@pytest.mark.parametrize("cut", [4, 200, -20])
def test_a_truncated_parquet_file_cannot_be_read(folder, cut):
    LINES.to_parquet(folder / "whole.parquet")
    whole = (folder / "whole.parquet").read_bytes()
    with pytest.raises(
        SourceError, match=r"table 'transactions': .*a\.parquet cannot be read: .*\."
    ) as found:
        History.read(write(folder / "a.parquet", whole[:cut]))
    assert "LINE 1" not in str(found.value)


def test_a_parquet_file_damaged_inside_cannot_be_read(folder):
    pd.concat([LINES] * 5000).to_parquet(folder / "whole.parquet", compression="snappy")
    whole = bytearray((folder / "whole.parquet").read_bytes())
    whole[8:200] = bytes(192)
    with pytest.raises(SourceError, match=r"a\.parquet cannot be read"):
        History.read(write(folder / "a.parquet", bytes(whole)))


@pytest.fixture
def shop(folder: Path) -> Path:
    with duckdb.connect(folder / "shop.db") as database:
        database.register("lines", LINES)
        database.execute(
            "CREATE TABLE orders AS FROM lines; CREATE SCHEMA old; CREATE TABLE old.bills AS FROM lines"
        )
    return folder / "shop.db"


@pytest.mark.parametrize("table", ["orders", "main.orders", "bills", "old.bills"])
def test_a_table_of_a_duckdb_file_is_read_where_it_is(shop, table):
    assert total(f"duckdb://{shop}::{table}") == 58.0


def test_a_database_path_may_be_relative(shop, monkeypatch):
    monkeypatch.chdir(shop.parent)
    assert total("duckdb:///shop.db::orders") == total("duckdb://shop.db::orders") == 58.0


def test_two_tables_of_one_database_may_be_read_together(shop):
    url = f"duckdb://{shop}::"
    assert (
        total(
            url + "orders",
            engagement=f"{url}bills",
            columns={"engagement": {"event_at": "order_at", "kind": "amount"}},
        )
        == 58.0
    )


def test_a_database_without_the_table_says_what_it_has(shop):
    with pytest.raises(SourceError, match=r"has no table 'sales'; it has bills, orders"):
        History.read(f"duckdb://{shop}::sales")


def test_a_database_url_must_name_the_table(shop):
    with pytest.raises(SourceError, match=r"names no table of the database. Add it after two colons"):
        History.read(f"duckdb://{shop}")


def test_a_database_that_is_not_there_is_named(folder):
    with pytest.raises(SourceError, match=r"there is no database file .*none\.db"):
        History.read(f"duckdb://{folder}/none.db::orders")


def test_a_file_that_is_no_database_cannot_be_read(folder):
    with pytest.raises(SourceError, match=r"shop\.db::orders cannot be read"):
        History.read(f"duckdb://{write(folder / 'shop.db', 'not a database' * 500)}::orders")


def test_a_table_of_another_database_is_copied_over(folder, monkeypatch):
    with closing(sqlite3.connect(folder / "shop.sqlite")) as database:
        LINES.to_sql("orders", database, index=False)
    url = f"sqlite:///{folder}/shop.sqlite"
    assert total(f"{url}::orders") == total(f"{url}::main.orders") == 58.0
    with pytest.raises(SourceError, match=r"shop\.sqlite has no table 'sales'; it has orders\."):
        History.read(f"{url}::sales")
    monkeypatch.chdir(folder)
    assert total("sqlite:///shop.sqlite::orders") == 58.0
    with pytest.raises(SourceError, match=r"there is no database file /.*nowhere\.sqlite\. Check the path"):
        History.read(f"sqlite:///{folder}/nowhere.sqlite::orders")
    assert not (folder / "nowhere.sqlite").exists()


def test_a_password_is_never_shown():
    with pytest.raises(InputError) as found:
        History.read("nosuch://ann:secret@host/shop::orders")
    assert "secret" not in str(found.value)
    assert "nosuch://…@host/shop::orders" in str(found.value)


def test_a_mapped_name_that_is_not_there_is_answered_with_the_closest():
    with pytest.raises(
        TableError, match=r"columns maps amount to 'Amout', but it has .*Perhaps 'Amount' is meant"
    ):
        open_source(TableSource(LINES.rename(columns={"amount": "Amount"}), columns={"amount": "Amout"}))


def test_a_mapped_column_takes_the_place_of_one_that_had_the_name():
    lines = LINES.assign(paid=[1.0, 1.0, 1.0])
    assert total(TableSource(lines, columns={"amount": "paid"})) == 3.0


def test_missing_columns_come_with_the_names_that_were_probably_meant():
    lines = LINES.rename(columns={"customer_id": "Customer ID", "order_at": "InvoiceDate"})
    with pytest.raises(MissingColumnsError) as found:
        History.read(lines)
    assert "lacks ['customer_id', 'order_at']; it has ['Customer ID', 'InvoiceDate', 'amount']" in str(
        found.value
    )
    assert '--column transactions.customer_id="Customer ID"' in str(found.value)
    assert '--column transactions.order_at="InvoiceDate"' in str(found.value)


def test_a_frame_of_another_ibis_connection_is_copied_over():
    elsewhere = ibis.duckdb.connect()
    customers = elsewhere.create_table("c", schema={"customer_id": "string", "city": "string"})
    elsewhere.raw_sql("INSERT INTO c VALUES ('Ann', 'Kiel')")
    other = ibis.duckdb.connect()
    history = History.read(LINES, customers=customers, connection=other)
    assert history.connection is other
    assert history.customers.city.to_pandas().tolist() == ["Kiel"]


def test_an_ibis_table_is_worked_on_where_it_is():
    connection = ibis.duckdb.connect()
    lines = connection.create_table("lines", ibis.memtable(LINES))
    history = History.read(lines)
    assert history.connection is connection
    assert history.report["transactions"].total_amount == 58.0


def test_an_ibis_frame_without_a_connection_is_read():
    assert total(ibis.memtable(LINES)) == 58.0
