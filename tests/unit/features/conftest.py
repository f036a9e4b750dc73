"""A small business, written as tuples, and its features as a DataFrame."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pandas as pd
import pytest

from patron.features.assemble import assemble_features, discover_catalogue
from patron.features.catalogue import FeatureCatalogue
from patron.snapshots.spine import make_spine
from patron.tables.history import History

AS_OF = date(2024, 6, 30)


@pytest.fixture
def as_of() -> date:
    """The last day known, and the last day of every small business."""
    return AS_OF


@pytest.fixture
def history_of() -> Callable[..., History]:
    """Lines (customer, day, amount), events (customer, day, kind) and customer rows → their History."""

    def build(lines: list[tuple[Any, ...]], events: Any = None, customers: Any = None) -> History:
        frame = pd.DataFrame(lines, columns=["customer_id", "order_at", "amount", "cost"][: len(lines[0])])
        if events is not None:
            events = pd.DataFrame(events, columns=["customer_id", "event_at", "kind"])
        if customers is not None:
            customers = pd.DataFrame(customers)
        return History.read(frame, events, customers)

    return build


@pytest.fixture
def features_of(history_of: Callable[..., History]) -> Callable[..., pd.DataFrame]:
    """The features on as_of, one row per customer, indexed by customer_id."""

    def build(
        lines: list[tuple[Any, ...]],
        events: Any = None,
        customers: Any = None,
        catalogue: FeatureCatalogue | None = None,
        on: date = AS_OF,
    ) -> pd.DataFrame:
        history = history_of(lines, events, customers)
        catalogue = catalogue or discover_catalogue(history, on)
        features = assemble_features(history, make_spine(history, on), catalogue).to_pyarrow().to_pandas()
        return features.set_index("customer_id").sort_index()

    return build
