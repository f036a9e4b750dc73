"""What holds for every table: no row is lost, and neither order nor unit of the rows matters."""

import datetime
import math

import ibis
import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from patron.tables.daily_activity import daily_transactions
from patron.tables.dates import look_at_dates, read_dates
from patron.tables.engine import open_engine
from patron.tables.history import History

FEW = settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
TODAY = datetime.date(2024, 6, 30)

ids = st.sampled_from(["Ann", "Bob", "سارا", "", None])
times = st.sampled_from(["2024-01-05", "2024-01-05 10:00", "2024-09-01", "soon", "31.12.2023", None])
amounts = st.one_of(
    st.sampled_from([0.0, 0.1, 0.2, -5.0, 20.0, math.inf, math.nan, 1e16]),
    st.floats(-1e6, 1e6, allow_nan=False).map(lambda amount: round(amount, 2)),
)
rows = st.lists(st.tuples(ids, times, amounts), max_size=30)
SOUND = ("Zoe", "2024-01-05", 1e7)  # so that there is always a purchase


def frame(drawn: list[tuple[str | None, str | None, float]]) -> pd.DataFrame:
    return pd.DataFrame([SOUND, *drawn], columns=["customer_id", "order_at", "amount"])


def days(history: History) -> pd.DataFrame:
    return history.days.order_by("customer_id", "day").to_pandas()


@pytest.fixture(scope="module")
def engine() -> object:
    return open_engine()


@FEW
@given(drawn=rows, duplicates=st.sampled_from(["keep", "reject"]))
def test_every_row_is_kept_or_rejected_and_counted(engine, drawn, duplicates):
    history = History.read(frame(drawn), duplicates=duplicates, today=TODAY, connection=engine)
    numbers = history.report["transactions"]
    assert numbers.rows_read == len(drawn) + 1
    assert numbers.rows_kept == history.transactions.count().execute()
    assert numbers.rows_rejected == len(history.rejected["transactions"])
    assert numbers.rows_kept + numbers.rows_rejected == numbers.rows_read
    assert history.days.lines.sum().execute() == numbers.rows_kept


@FEW
@given(drawn=rows, seed=st.integers(0, 2**32 - 1))
def test_the_order_of_the_rows_changes_not_one_bit(engine, drawn, seed):
    lines = frame(drawn)
    mixed = lines.sample(frac=1, random_state=seed)
    one, other = (History.read(given, today=TODAY, connection=engine) for given in (lines, mixed))
    pd.testing.assert_frame_equal(days(one), days(other), check_exact=True)
    assert one.report.to_dict() == other.report.to_dict()


@FEW
@given(drawn=rows)
def test_the_sums_of_the_days_are_those_of_the_valid_lines(engine, drawn):
    history = History.read(frame(drawn), today=TODAY, connection=engine)
    lines = history.transactions.to_pandas()
    wanted = lines.groupby(["customer_id", "day"]).amount.agg(math.fsum).reset_index()
    found = days(history)
    assert found.net_amount.tolist() == pytest.approx(wanted.amount.tolist(), abs=1e-6)
    assert found.is_purchase.tolist() == (wanted.amount.round(6) > 0).tolist()
    assert (found.refund_amount >= 0).all()
    assert (found.orders <= found.lines).all()


@FEW
@given(cents=st.lists(st.integers(-(10**9), 10**9), min_size=1, max_size=50))
def test_money_in_cents_is_summed_without_an_error(engine, cents):
    lines = pd.DataFrame({"customer_id": 1, "day": TODAY, "amount": np.array(cents) / 100})
    table = engine.create_table(ibis.util.gen_name("lines"), ibis.memtable(lines), temp=True)
    assert daily_transactions(table).net_amount.to_pandas().tolist() == [sum(cents) / 100]


@FEW
@given(
    moments=st.lists(st.datetimes(datetime.datetime(1950, 1, 1), datetime.datetime(2049, 1, 1)), max_size=9)
)
@pytest.mark.parametrize(
    "form",
    [
        "%Y-%m-%d %H:%M:%S",
        "%d.%m.%Y %H:%M:%S",
        "%d/%m/%Y %H:%M:%S",
        "%m/%d/%Y %I:%M:%S %p",
        "%d %b %Y %H:%M:%S",
        "%B %d, %Y %I:%M:%S %p",
    ],
)
def test_what_is_written_is_read_back(form, moments):
    moments = [moment.replace(microsecond=0) for moment in [*moments, datetime.datetime(2024, 1, 31, 12)]]
    texts = [moment.strftime(form) for moment in moments]
    cells = ibis.memtable({"row": range(len(texts)), "order_at": texts})
    written = look_at_dates(cells.order_at, "transactions", "order_at")
    read = cells.mutate(read=read_dates(cells.order_at, written, None, None)).order_by("row").read
    assert read.to_pandas().dt.to_pydatetime().tolist() == moments
