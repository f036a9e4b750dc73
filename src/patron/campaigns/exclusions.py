"""Customers who must not be contacted: contacted recently, or on a suppression list."""

import warnings
from datetime import date, timedelta
from typing import Any

import ibis
import ibis.expr.types as ir
import numpy as np
import numpy.typing as npt
import pandas as pd

from patron.arrays import Flags
from patron.campaigns.input_tables import check_columns, ids_as_text
from patron.errors import PatronWarning, SettingsError
from patron.tables.source import open_source, reading

__all__ = ["excluded_customers"]


_RECENTLY, _SUPPRESSED = "contacted in the last {} days", "on the suppression list"


def excluded_customers(
    customer_id: "pd.Series[Any]",
    as_of: date,
    *,
    contacts: ir.Table | None = None,
    rest_days: int = 0,
    suppress: Any = None,
) -> dict[str, Flags]:
    """The customers who must not be contacted: reason → (n_customers,).

    Parameters
    ----------
    customer_id
        (n_customers,) the customers of the scores
    as_of
        the day of the scores
    contacts
        validated contacts: customer_id, day, treated; or None
    rest_days
        customers contacted in this many days up to `as_of` are excluded
    suppress
        table of customer_id: a path or a frame; or None

    Raises
    ------
    SettingsError
        the contacts continue after the day of the scores
    SourceError, TableError
        the suppression list cannot be read or used

    Warns
    -----
    PatronWarning
        no contacts are known for the rest days, or none of the excluded customers is in the scores

    Examples
    --------
    >>> contacts = ibis.memtable({"customer_id": [8], "day": [date(2024, 6, 20)], "treated": [1]})
    >>> ids = pd.Series([7, 8])
    >>> excluded_customers(ids, date(2024, 6, 30), contacts=contacts, rest_days=30)
    {'contacted in the last 30 days': array([False,  True])}
    """
    ids = ids_as_text(customer_id)
    found: dict[str, Flags] = {}
    if contacts is not None:
        rested = _contacted_since(contacts, as_of, rest_days)
        found[_RECENTLY.format(rest_days)] = np.isin(ids, rested)
        _warn_of_unknown_ids("contacted recently", rested, ids)
    if suppress is not None:
        table = open_source(suppress, "suppress")
        check_columns("customers to suppress", table, ("customer_id",), "Name the column customer_id.")
        with reading("suppress", suppress):
            given = table.select(customer_id=table.customer_id.cast("string")).to_pandas()
        never = ids_as_text(given["customer_id"].dropna())
        found[_SUPPRESSED] = np.isin(ids, never)
        _warn_of_unknown_ids("to be suppressed", never, ids)
    return found


def _contacted_since(contacts: ir.Table, as_of: date, rest_days: int) -> npt.NDArray[np.str_]:
    last = contacts.day.max().to_pyarrow().as_py()
    if last > as_of:
        raise SettingsError(
            f"The contacts continue until {last}, but the scores are of {as_of}: customers contacted since "
            f"then were scored too early. Score them as of {last}, or give the contacts until {as_of}."
        )
    if rest_days and last <= as_of - timedelta(days=rest_days):
        warnings.warn(
            f"The contacts end on {last}, more than {rest_days} days before the scores of {as_of}: customers "
            "contacted since then are not known and not excluded.",
            PatronWarning,
            stacklevel=3,
        )
    recent = contacts.filter(
        contacts.day > ibis.literal(as_of - timedelta(days=rest_days)), contacts.treated == 1
    )
    people = recent.select(customer_id=recent.customer_id.cast("string")).distinct().to_pandas()
    return ids_as_text(people["customer_id"])


def _warn_of_unknown_ids(who: str, given: npt.NDArray[np.str_], ids: npt.NDArray[np.str_]) -> None:
    """Warn if none of the excluded customers is in the scores: ids may be written differently."""
    if len(given) and not np.isin(given, ids).any():
        many = len(given) > 1
        nobody = f"None of the {len(given):,} customers {who} is" if many else f"The customer {who} is not"
        warnings.warn(
            f"{nobody} in the scores, so no customer is excluded for it; their ids look like "
            f"{str(given[0])!r}, those of the scores like {str(ids[0])!r}.",
            PatronWarning,
            stacklevel=3,
        )
