"""Tables and a seed group → the customers most similar to it by what was known at acquisition."""

import warnings
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from patron.campaigns.input_tables import ids_as_text
from patron.errors import PatronWarning, SettingsError, TableError, some
from patron.features.assemble import assemble_features, discover_catalogue
from patron.progress import Progress, silent
from patron.results import Printed, plain_fields
from patron.scores.lookalikes import FIRST_KNOWN, known_at_acquisition, lookalikes
from patron.settings import Settings
from patron.settings.inputs import known_history
from patron.snapshots.spine import make_spine
from patron.storage.atomic_files import check_target, write_frame
from patron.tables.history import History
from patron.tables.source import open_source, reading

__all__ = ["LookalikesResult", "find_lookalikes"]


def find_lookalikes(
    settings: Settings, *, history: History | None = None, progress: Progress = silent
) -> "LookalikesResult":
    """The customers most similar to a seed group; also as a file if one is named.

    Parameters
    ----------
    settings
        the tables; `lookalikes` names the group and limits the list
    history
        the tables, if they have already been read
    progress
        names with each step as it begins

    Raises
    ------
    SettingsError
        no group is named
    TableError
        none of the group is a customer, or nothing is known at acquisition
    RangeError
        all customers are in the group
    InputError
        a table cannot be used, or as_of lies outside the data

    Warns
    -----
    PatronWarning
        some of the group are not customers

    Examples
    --------
    >>> people = pd.DataFrame({"customer_id": range(1, 7), "channel": ["referral", "search"] * 3})
    >>> sales = people[["customer_id"]].assign(order_at="2024-05-01", amount=20.0)
    >>> found = find_lookalikes(Settings(
    ...     tables={"transactions": sales, "customers": people},
    ...     lookalikes={"group": pd.DataFrame({"customer_id": [1, 3]}), "limit": 1}))
    >>> found.listed[["customer_id", "because"]].values.tolist()
    [[5, 'channel']]
    """
    chosen = settings.lookalikes
    if chosen.group is None:
        raise SettingsError(
            "No group is named. Name a table with the column customer_id, the seed customers to find "
            "lookalikes of, with --group."
        )
    out = check_target(chosen.out) if chosen.out is not None else None
    wanted = _read_group(chosen.group)
    known = known_history(settings, history, progress)
    progress(f"Looking at what was known at acquisition, as of {known.known_until}")
    everyone, names = _at_acquisition(known)
    group = _members(wanted, everyone["customer_id"])
    progress(f"Comparing {len(everyone):,} customers with the group")
    listed = lookalikes(everyone, group, most=chosen.limit)
    listed["because"] = listed["because"].map(names).astype(object).where(listed["because"].notna(), None)
    if out is not None:
        progress(f"Writing {out}")
        write_frame(listed, out)
    return LookalikesResult(listed, int(group.sum()), len(everyone), known.known_until, out)


@dataclass(frozen=True, slots=True)
class LookalikesResult:
    """The result of `find_lookalikes`.

    Attributes
    ----------
    listed
        customer_id, likeness (log-odds) and because (the strongest reason, by its name in the tables; null if
        there is none), best first; see :func:`patron.scores.lookalikes.lookalikes`
    group
        number of customers in the group
    customers
        number of all customers
    as_of
        the last day known
    out
        the file that was written, or None
    """

    listed: pd.DataFrame
    group: int
    customers: int
    as_of: date
    out: Path | None = None

    @property
    def alike(self) -> int:
        """The number of listed customers who are more like the group than like the others."""
        return int((self.listed["likeness"] > 0).sum())

    @property
    def shown(self) -> pd.DataFrame:
        """The ten most similar, for people to read."""
        return self.listed.head(10)

    def title(self) -> str:
        """The title of `shown`."""
        return f"Most similar to the group of {self.group:,}, as of {self.as_of}; likeness in log-odds"

    def to_dict(self) -> dict[str, Any]:
        """The result as plain values."""
        return {
            **plain_fields(self, "as_of", "customers", "group"),
            "listed": len(self.listed),
            "alike": self.alike,
            "because": self._reasons().to_dict(),
            **plain_fields(self, "out"),
        }

    def printed(self) -> Printed:
        """What a terminal shows."""
        yield self.title(), self.shown
        yield from self.sentences()

    def sentences(self) -> list[str]:
        """The result in words."""
        if not self.alike:
            found = "Nothing that was known at acquisition distinguishes the group from the other customers."
        else:
            reasons = ", ".join(f"{name} ({count:,})" for name, count in self._reasons().head(3).items())
            found = (
                f"{self.alike:,} of {len(self.listed):,} listed customers are more like the group than like "
                f"the others; the main reasons: {reasons}."
            )
        where = f"Written to {self.out}." if self.out is not None else "Not written: name a file with --out."
        return [found, where]

    def _reasons(self) -> "pd.Series[int]":
        """The strongest reasons of the listed customers and their counts, most common first."""
        counted = self.listed["because"].value_counts()
        return counted.sort_index().sort_values(ascending=False, kind="stable")


def _at_acquisition(known: History) -> tuple[pd.DataFrame, dict[str, str]]:
    """What was known of each customer at acquisition, by customer_id, and its names in the tables."""
    catalogue = discover_catalogue(known, known.known_until)
    names = {attribute.feature: attribute.column for attribute in catalogue.attributes}
    names |= {name: name.replace("_", " ") for name in FIRST_KNOWN}
    known_first = replace(catalogue, specs=tuple(spec for spec in catalogue.specs if spec.name in names))
    features = assemble_features(known, make_spine(known, known.known_until), known_first)
    return known_at_acquisition(features.order_by("customer_id").to_pandas(), known_first), names


def _read_group(source: Any) -> npt.NDArray[np.str_]:
    """The distinct ids of the group as text."""
    table = open_source(source, "group")
    if "customer_id" not in table.columns:
        has = some(sorted(table.columns))
        raise TableError(f"The group has no column customer_id; it has {has}. Rename the column of ids.")
    with reading("group", source):
        given = table.select(customer_id=table.customer_id.cast("string")).distinct().to_pandas()
    wanted = ids_as_text(given["customer_id"].dropna())
    if not len(wanted):
        raise TableError("The group has no rows. Give the seed customers to find lookalikes of.")
    return wanted


def _members(wanted: npt.NDArray[np.str_], customers: "pd.Series[Any]") -> npt.NDArray[np.bool_]:
    """(n_customers,) whether the customer is in the group, whatever the type of its ids."""
    ids = ids_as_text(customers)
    inside = np.isin(ids, wanted)
    if not inside.any():
        raise TableError(
            f"None of the {len(wanted):,} customers of the group is in the tables, whose ids look like "
            f"{str(ids[0])!r}, those of the group like {str(wanted[0])!r}. Give customers of these tables."
        )
    if strangers := len(wanted) - int(inside.sum()):
        warnings.warn(
            f"{strangers:,} of {len(wanted):,} customers of the group have bought nothing and are left out.",
            PatronWarning,
            stacklevel=3,
        )
    return inside
