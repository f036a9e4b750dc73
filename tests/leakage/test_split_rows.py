"""Not one row of a part knows anything of the days that a later part is judged on."""

import datetime
import itertools

import pandas as pd
import pytest

from patron.datasets.simulate import simulate
from patron.errors import HistoryTooShortError
from patron.features.assemble import assemble_features, discover_catalogue
from patron.snapshots.labels import make_labels
from patron.snapshots.spine import make_spine
from patron.snapshots.splits import choose_fit_split
from patron.tables.history import History

HORIZON = 60


@pytest.fixture(scope="module")
def history() -> History:
    shop = simulate(n_customers=150, days=560, seed=4)
    return History.read(shop.transactions, shop.engagement, shop.customers)


@pytest.fixture(scope="module")
def parts(history: History) -> list[list[datetime.date]]:
    """Train, stop and calibrate, and the day that is predicted from."""
    split = choose_fit_split(history.first_day, history.known_until, HORIZON, step_days=20)
    assert split.stop is not None
    return [list(split.train), [split.stop], [split.calibrate], [history.known_until]]


def rows(history: History, dates: list[datetime.date], known_at: datetime.date) -> pd.DataFrame:
    """Features and labels of these snapshots, from a history whose days after `known_at` are deleted."""
    catalogue = discover_catalogue(history, min(dates))
    known = history.until(known_at)
    spine = make_spine(known, dates)
    table = assemble_features(known, spine, catalogue)
    labelled = table.inner_join(make_labels(known, spine, HORIZON), ["customer_id", "as_of"])
    return labelled.order_by("as_of", "customer_id").to_pandas()


def test_rows_are_the_same_when_the_days_of_the_later_part_are_deleted(history, parts):
    for part, later in itertools.pairwise(parts):
        with_future = rows(history, part, history.known_until)
        without = rows(history, part, min(later))
        pd.testing.assert_frame_equal(without, with_future, check_exact=True)


def test_one_snapshot_a_day_later_would_leak_and_is_found_out(history, parts):
    train, (stop,), *_ = parts
    late = [*train[:-1], stop - datetime.timedelta(days=HORIZON - 1)]
    with pytest.raises(HistoryTooShortError, match="its outcome window is not complete"):
        rows(history, late, stop)
