"""The snapshots that have matured: features as of past days, beside what happened in the horizon after."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import pandas as pd

from patron.features.assemble import assemble_features
from patron.features.catalogue import FeatureCatalogue
from patron.models.value.rfm import RFM_WITH_ID
from patron.snapshots.labels import make_labels
from patron.snapshots.spine import make_spine
from patron.tables.history import History

__all__ = ["LABELS", "Part", "read_parts"]

KEY = ["customer_id", "as_of"]
LABELS = ["churned", "purchases", "value"]


@dataclass(frozen=True, slots=True)
class Part:
    """The rows of one or more snapshots.

    Attributes
    ----------
    rows
        key (customer_id, as_of), one row per eligible customer of each snapshot: features and labels
    """

    rows: pd.DataFrame

    @property
    def churned(self) -> pd.Series:
        """(n,) 0 or 1: no purchase in the horizon."""
        return self.rows["churned"].astype("int8")

    @property
    def rfm(self) -> pd.DataFrame:
        """(n, 5) customer_id, frequency, recency, T, monetary_value; days; of a part of one snapshot."""
        return self.rows[RFM_WITH_ID].reset_index(drop=True)

    def features(self, catalogue: FeatureCatalogue) -> pd.DataFrame:
        """(n, n_features) the features of the catalogue, in its order."""
        return self.rows[list(catalogue.names)]


def read_parts(
    history: History,
    groups: Sequence[Sequence[date]],
    horizon_days: int,
    catalogue: FeatureCatalogue,
    *,
    active_within_days: int | None = None,
) -> list[Part]:
    """Features and labels of every snapshot of these groups, built by one query.

    Parameters
    ----------
    history
        what is known on the training day; nothing after it
    groups
        dates of each group; a group without dates is a part without rows
    horizon_days
        days that a label looks ahead, ≥ 1
    catalogue
        the features to build
    active_within_days
        eligibility, as for scoring

    Returns
    -------
    list[Part]
        One part per group : rows sorted by as_of and customer_id, so that their order never depends on the
        engine

    Examples
    --------
    See :func:`patron.training.fit_bundle.fit_bundle`.
    """
    dates = sorted({day for group in groups for day in group})
    spine = make_spine(history, dates, active_within_days=active_within_days)
    labels = make_labels(history, spine, horizon_days)
    features = assemble_features(history, spine, catalogue)
    rows = features.inner_join(labels, KEY).order_by("as_of", "customer_id").to_pandas()
    days = pd.to_datetime(rows["as_of"]).dt.date
    return [Part(rows[days.isin(group)].reset_index(drop=True)) for group in groups]
