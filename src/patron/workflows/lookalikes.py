"""Tables and a chosen group → the customers most like it by what was known when they were won."""

import warnings
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from patron.errors import PatronWarning, SettingsError, TableError, some
from patron.features.assemble import assemble_features, discover_catalogue
from patron.progress import Progress, silent
from patron.results import Printed
from patron.scores.lookalikes import FIRST_KNOWN, known_at_acquisition, lookalikes
from patron.settings import Settings
from patron.settings.inputs import known_history
from patron.snapshots.spine import make_spine
from patron.storage.atomic_files import check_target, write_frame
from patron.tables.history import History
from patron.tables.source import open_source, reading
from patron.workflows.campaign_inputs import ids_as_text

__all__ = ["LookalikesResult", "find_lookalikes"]


def find_lookalikes(
    settings: Settings, *, history: History | None = None, progress: Progress = silent
) -> "LookalikesResult":
    """Who resembles a chosen group of customers; also as a file if one is named.

    Parameters
    ----------
    settings
        the tables; `lookalikes` names the group and says how many are listed
    history
        the tables, where they have been read already
    progress
        called with each step as it begins

    Raises
    ------
    SettingsError
        no group is named
    TableError
        none of the group is a customer, or nothing is known of the customers at acquisition
    RangeError
        everybody is in the group
    InputError
        a table cannot be used, or as_of lies outside the data

    Warns
    -----
    PatronWarning
        some of the group are no customers

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
            "No group is named. Name a table with the column customer_id, of the customers whom others shall "
            "resemble, with --group."
        )
    out = check_target(chosen.out) if chosen.out is not None else None
    wanted = _read_group(chosen.group)
    known = known_history(settings, history, progress)
    progress(f"Looking at what was known at acquisition, as of {known.known_until}")
    everyone, called = _at_acquisition(known)
    group = _members(wanted, everyone["customer_id"])
    progress(f"Comparing {len(everyone):,} customers with the group")
    listed = lookalikes(everyone, group, most=chosen.limit)
    listed["because"] = listed["because"].map(called).astype(object).where(listed["because"].notna(), None)
    if out is not None:
        progress(f"Writing {out}")
        write_frame(listed, out)
    return LookalikesResult(listed, int(group.sum()), len(everyone), known.known_until, out)


@dataclass(frozen=True, slots=True)
class LookalikesResult:
    """What `find_lookalikes` found.

    Attributes
    ----------
    listed
        customer_id, likeness (log-odds) and because (what speaks most for it, by its name in the tables;
        null where nothing does), best first; see :func:`patron.scores.lookalikes.lookalikes`
    group
        count of customers in the group
    customers
        count of all customers
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
        """How many of those listed are more like the group than like the others."""
        return int((self.listed["likeness"] > 0).sum())

    @property
    def shown(self) -> pd.DataFrame:
        """The ten most alike, for people to read."""
        return self.listed.head(10)

    def title(self) -> str:
        """What `shown` shows."""
        return f"Most like the group of {self.group:,}, as of {self.as_of}; likeness in log-odds"

    def to_dict(self) -> dict[str, Any]:
        """What was found, as plain values."""
        return {
            "as_of": self.as_of.isoformat(),
            "customers": self.customers,
            "group": self.group,
            "listed": len(self.listed),
            "alike": self.alike,
            "because": self._reasons().to_dict(),
            "out": str(self.out) if self.out is not None else None,
        }

    def printed(self) -> Printed:
        """What a terminal shows."""
        yield self.title(), self.shown
        yield from self.sentences()

    def sentences(self) -> list[str]:
        """What was found, in words."""
        if not self.alike:
            told = "Nothing that was known at acquisition tells the group from the other customers."
        else:
            reasons = ", ".join(f"{name} ({count:,})" for name, count in self._reasons().head(3).items())
            told = (
                f"Of {len(self.listed):,} customers listed {self.alike:,} are more like the group than like "
                f"the others; what speaks most for them: {reasons}."
            )
        where = f"Written to {self.out}." if self.out is not None else "Not written: name a file with --out."
        return [told, where]

    def _reasons(self) -> "pd.Series[int]":
        """What speaks most for how many of those listed, most common first."""
        counted = self.listed["because"].value_counts()
        return counted.sort_index().sort_values(ascending=False, kind="stable")


def _at_acquisition(known: History) -> tuple[pd.DataFrame, dict[str, str]]:
    """What was known of each customer at acquisition, by customer_id, and what the tables call it."""
    catalogue = discover_catalogue(known, known.known_until)
    called = {attribute.feature: attribute.column for attribute in catalogue.attributes}
    called |= {name: name.replace("_", " ") for name in FIRST_KNOWN}
    few = replace(catalogue, specs=tuple(spec for spec in catalogue.specs if spec.name in called))
    features = assemble_features(known, make_spine(known, known.known_until), few)
    return known_at_acquisition(features.order_by("customer_id").to_pandas(), few), called


def _read_group(source: Any) -> npt.NDArray[np.str_]:
    """The ids of the group as text, each once."""
    table = open_source(source, "group")
    if "customer_id" not in table.columns:
        has = some(sorted(table.columns))
        raise TableError(f"The group has no column customer_id; it has {has}. Give the ids this name.")
    with reading("group", source):
        given = table.select(customer_id=table.customer_id.cast("string")).distinct().to_pandas()
    wanted = ids_as_text(given["customer_id"].dropna())
    if not len(wanted):
        raise TableError("The group has no row. Name those whom others shall resemble.")
    return wanted


def _members(wanted: npt.NDArray[np.str_], customers: "pd.Series[Any]") -> npt.NDArray[np.bool_]:
    """(n_customers,) who is in the group, whatever type its ids are of."""
    ids = ids_as_text(customers)
    inside = np.isin(ids, wanted)
    if not inside.any():
        raise TableError(
            f"None of the {len(wanted):,} customers of the group is in the tables, whose ids are such as "
            f"{str(ids[0])!r}, those of the group such as {str(wanted[0])!r}. Give customers of these tables."
        )
    if strangers := len(wanted) - int(inside.sum()):
        warnings.warn(
            f"{strangers:,} of {len(wanted):,} customers of the group have bought nothing and are left out.",
            PatronWarning,
            stacklevel=3,
        )
    return inside
