"""Settings come from defaults, file and flags, and cannot be wrong."""

import json
from datetime import date

import pandas as pd
import pytest
from pydantic import ValidationError

from patron.errors import DateError, SettingsError
from patron.settings import Settings, read_settings


@pytest.fixture
def write(tmp_path):
    def write_toml(text: str):
        path = tmp_path / "patron.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return write_toml


def test_the_file_wins_over_the_defaults_and_flags_win_over_the_file(write):
    path = write("horizon_days = 28\nmargin = 0.3\n")
    settings = read_settings(path, margin=0.4, seed=None)
    assert (settings.horizon_days, settings.margin, settings.seed) == (28, 0.4, 0)


def test_a_date_may_be_a_toml_date_or_text(write):
    assert read_settings(write("as_of = 2024-05-01")).as_of == date(2024, 5, 1)
    assert read_settings(write('as_of = "2024-05-01"')).as_of == date(2024, 5, 1)


def test_a_flag_for_the_source_keeps_the_column_names_of_the_file(write):
    path = write('[tables.transactions]\nsource = "old.csv"\ncolumns = { amount = "Total" }\n')
    table = read_settings(path, tables={"transactions": {"source": "new.csv"}}).tables.transactions
    assert (table.source, table.columns) == ("new.csv", {"amount": "Total"})


def test_a_bare_source_in_the_file_takes_column_names_from_flags(write):
    path = write('[tables]\ntransactions = "old.csv"\n')
    table = read_settings(path, tables={"transactions": {"columns": {"amount": "Total"}}}).tables.transactions
    assert (table.source, table.columns) == ("old.csv", {"amount": "Total"})


def test_a_frame_is_a_source_too():
    sales = pd.DataFrame({"customer_id": [1], "order_at": ["2024-05-01"], "amount": [1.0]})
    settings = Settings(tables={"transactions": sales})
    assert settings.tables.transactions.source is sales
    assert settings.to_dict()["tables"] == {
        "transactions": {"columns": {}, "source": "DataFrame of 1 rows and 3 columns"}
    }


def test_no_password_stands_in_the_record_of_a_run():
    url, token = "postgresql://ann:zz/z@zz@db/crm", "sc://cluster:15002/;token=zz"
    settings = Settings(
        tables={"transactions": f"{url}::sales"},
        kpis={"scores": f"{url}::scores"},
        target={"scores": f"{url}::scores", "suppress": f"{url}::never"},
        lookalikes={"group": f"{url}?password=zz::best"},
        score={"to": url, "prediction_log": url},
        spark={"remote": token, "config": {"spark.hadoop.fs.s3a.secret.key": "zz", "spark.cores.max": "4"}},
    )
    told = settings.to_dict()
    assert "zz" not in json.dumps(told)
    assert told["lookalikes"]["group"] == "postgresql://…@db/crm?password=…"
    assert told["spark"]["remote"] == "sc://cluster:15002/;token=…"
    assert told["spark"]["config"]["spark.cores.max"] == "4"


def test_settings_cannot_be_changed():
    with pytest.raises(ValidationError, match="frozen"):
        Settings().horizon_days = 7


@pytest.mark.parametrize(
    ("text", "error", "sentence"),
    [
        ("horzon_days = 28", SettingsError, "no key 'horzon_days'; did you mean 'horizon_days'?"),
        ("[scores]\nout = 'a.csv'", SettingsError, "no key 'scores'; did you mean 'score'?"),
        ("[score]\nmodle = 'a'", SettingsError, "no key 'score.modle'; did you mean 'model'?"),
        (
            "[tables.sales]\nsource = 'a.csv'",
            SettingsError,
            "no key 'tables.sales'; it knows contacts, contributions, costs",
        ),
        (
            "[tables.transactions]\nsorce = 'a.csv'",
            SettingsError,
            "The settings lack 'tables.transactions.source'",
        ),
        (
            "as_of = '2024-13-01'",
            DateError,
            "as_of is '2024-13-01', which is not a date. Write it as YYYY-MM-DD",
        ),
        ("as_of = 'yesterday'", DateError, "as_of is 'yesterday', which is not a date"),
        ("as_of = 2024-05-01T12:30:00", DateError, "which is not a date"),
        ("as_of = 7", DateError, "which is not a date"),
        ("horizon_days = 0", SettingsError, "horizon_days should be greater than or equal to 1, got 0"),
        ("horizon_days = -7", SettingsError, "horizon_days should be greater than or equal to 1, got -7"),
        ("horizon_days = 'long'", SettingsError, "horizon_days: should be a valid integer.*'long'"),
        ("horizon_days = 1.5", SettingsError, "horizon_days: should be a valid integer"),
        ("margin = 30", SettingsError, "margin should be less than or equal to 1, got 30"),
        ("margin = nan", SettingsError, "margin should be"),
        (
            "annual_discount_rate = -0.1",
            SettingsError,
            "annual_discount_rate should be greater than or equal to 0",
        ),
        ("inference = 'fast'", SettingsError, "inference: should be 'nuts', 'laplace' or 'map', got 'fast'"),
        ("horizon_days = ", SettingsError, "not valid TOML"),
    ],
)
def test_what_cannot_be_used_is_answered_in_one_sentence(write, text, error, sentence):
    with pytest.raises(error, match=sentence) as raised:
        read_settings(write(text))
    assert "\n" not in str(raised.value)


def test_a_settings_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(SettingsError, match=r"absent\.toml' does not exist"):
        read_settings(tmp_path / "absent.toml")


def test_a_settings_file_that_is_no_text_is_named(tmp_path):
    (tmp_path / "patron.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SettingsError, match=r"cannot be read: .*It must be UTF-8"):
        read_settings(tmp_path / "patron.toml")
