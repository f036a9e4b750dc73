"""What holds for every snapshot: past and horizon share no day, and the future changes nothing before it."""

import datetime
import itertools

import pandas as pd
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from patron.errors import HistoryTooShortError
from patron.snapshots.asof import ahead, visible
from patron.snapshots.labels import make_labels
from patron.snapshots.spine import make_spine, not_eligible
from patron.snapshots.splits import choose_fit_split, choose_split
from patron.tables.engine import open_engine
from patron.tables.history import History

FEW = settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
FIRST = datetime.date(2024, 1, 1)
LAST = 60

lines = st.lists(
    st.tuples(st.integers(1, 5), st.integers(0, LAST), st.sampled_from([-5.0, 0.0, 5.0, 8.0])), max_size=40
)


def after(days: int) -> datetime.date:
    return FIRST + datetime.timedelta(days=days)


def read(drawn: list[tuple[int, int, float]], engine: object) -> History:
    """A history from the first day to the last, on both of which somebody buys."""
    whole = [(0, 0, 1.0), (0, LAST, 1.0), *drawn]
    frame = pd.DataFrame(whole, columns=["customer_id", "order_at", "amount"])
    return History.read(frame.assign(order_at=frame.order_at.map(after)), connection=engine)


def sorted_frame(table: object) -> pd.DataFrame:
    frame = table.to_pandas()
    return frame.sort_values(list(frame.columns), ignore_index=True)


@pytest.fixture(scope="module")
def engine() -> object:
    return open_engine()


@FEW
@given(drawn=lines, as_of=st.integers(0, LAST))
def test_past_and_future_share_no_event_and_lose_none(engine, drawn, as_of):
    history = read(drawn, engine)
    spine = make_spine(history, after(as_of))
    past, future = visible(history.days, spine), ahead(history.days, spine, LAST + 1)
    mine = history.days.semi_join(spine, "customer_id")
    assert past.count().execute() + future.count().execute() == mine.count().execute()
    assert past.days_ago.min().execute() >= 0
    assert future.filter(future.days_ahead < 1).count().execute() == 0


@FEW
@given(drawn=lines, as_of=st.integers(0, LAST), active_within_days=st.sampled_from([None, 1, 20]))
def test_the_future_changes_neither_spine_nor_the_others(engine, drawn, as_of, active_within_days):
    history = read(drawn, engine)
    for of in (make_spine, not_eligible):
        with_future = of(history, after(as_of), active_within_days=active_within_days)
        without = of(history.until(after(as_of)), after(as_of), active_within_days=active_within_days)
        pd.testing.assert_frame_equal(sorted_frame(with_future), sorted_frame(without))


@FEW
@given(drawn=lines, as_of=st.integers(0, LAST - 10))
def test_labels_are_those_of_counting_by_hand(engine, drawn, as_of):
    history = read(drawn, engine)
    days = history.days.to_pandas()
    found = make_labels(history, make_spine(history, after(as_of)), 10).to_pandas()
    ends = pd.Timestamp(after(as_of)), pd.Timestamp(after(as_of + 10))
    horizon = days[(days.day > ends[0]) & (days.day <= ends[1])].set_index("customer_id")
    for row in found.itertuples():
        mine = horizon[horizon.index == row.customer_id]
        assert row.purchases == (mine.net_amount > 0).sum()
        assert row.value == mine.net_amount.sum()
        assert row.churned == int(row.purchases == 0)


@given(known=st.integers(0, 3000), horizon_days=st.integers(1, 400), max_snapshots=st.integers(3, 20))
def test_a_split_looks_neither_into_a_later_group_nor_past_as_of(known, horizon_days, max_snapshots):
    as_of = after(known)
    needed = 3 * horizon_days + max(horizon_days // 2, 14)
    if known < needed:
        with pytest.raises(HistoryTooShortError, match=f"so {needed - known} are missing"):
            choose_split(FIRST, as_of, horizon_days, max_snapshots=max_snapshots)
        return
    split = choose_split(FIRST, as_of, horizon_days, max_snapshots=max_snapshots)
    gaps = [(later - earlier).days for earlier, later in itertools.pairwise(split.dates)]
    assert min(gaps) >= horizon_days
    assert (as_of - split.test).days == horizon_days
    assert (split.dates[0] - FIRST).days >= max(horizon_days // 2, 14)
    assert 3 <= len(split.dates) <= max_snapshots
    assert (split.stop is None) == (len(split.dates) == 3)


@given(
    known=st.integers(0, 3000),
    horizon_days=st.integers(1, 400),
    max_snapshots=st.integers(3, 20),
    step_days=st.none() | st.integers(1, 500),
)
def test_a_fit_split_uses_every_group_and_looks_into_none(known, horizon_days, max_snapshots, step_days):
    as_of, before = after(known), max(horizon_days // 2, 14)
    if known < 2 * horizon_days + before:
        with pytest.raises(HistoryTooShortError):
            choose_fit_split(FIRST, as_of, horizon_days, max_snapshots=max_snapshots)
        return
    split = choose_fit_split(FIRST, as_of, horizon_days, max_snapshots=max_snapshots, step_days=step_days)
    groups = [split.train[-1], *([split.stop] if split.stop else []), split.calibrate, as_of]
    assert min((later - earlier).days for earlier, later in itertools.pairwise(groups)) >= horizon_days
    assert (as_of - split.calibrate).days == horizon_days
    assert (split.dates[0] - FIRST).days >= before
    assert sorted(set(split.dates)) == list(split.dates)
    assert len(split.dates) <= max_snapshots
    if max_snapshots > 3 and horizon_days <= 121 and known - before >= 365:
        assert split.same_season == as_of - datetime.timedelta(days=365)


@given(days=st.sets(st.integers(0, 300), min_size=3, max_size=12), horizon_days=st.integers(1, 60))
@pytest.mark.filterwarnings("ignore::patron.errors.PatronWarning")
def test_given_snapshots_are_split_with_gaps_or_refused(days, horizon_days):
    given_dates = [after(day) for day in days]
    try:
        split = choose_split(FIRST, after(300 + horizon_days), horizon_days, as_of_dates=given_dates)
    except HistoryTooShortError:
        assume(False)
    groups = [split.train[-1], *([split.stop] if split.stop else []), split.calibrate, split.test]
    assert all((later - earlier).days >= horizon_days for earlier, later in itertools.pairwise(groups))
    assert set(split.dates) <= set(given_dates)
    assert split.test == after(max(days))
