"""A list → a CSV file for marketing tools: treated customers, chosen columns, no formulas."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ibis.expr.types as ir
import pandas as pd

from patron.campaigns.audience import as_audience, to_csv
from patron.campaigns.input_tables import ids_as_text
from patron.campaigns.list_folder import read_list
from patron.errors import SettingsError, TableError, counted, some
from patron.progress import Progress, silent
from patron.results import Printed, plain_fields
from patron.settings import Settings
from patron.settings.inputs import read_records, warn_of_rejected
from patron.storage.atomic_files import check_target, whole_file

__all__ = ["AudienceResult", "audience"]


def audience(settings: Settings, *, progress: Progress = silent) -> "AudienceResult":
    """The customers to contact, as a CSV file; those held out are never in it.

    Parameters
    ----------
    settings
        `audience` names the folder of the list, the columns and the file; `tables.customers` has the columns
        that the list lacks, such as the e-mail address
    progress
        called with each step as it begins

    Raises
    ------
    SettingsError
        no list or no file is named, the file is not CSV, or the list has no such offer
    TableError
        a column is missing, or no customer to contact is in the customers table
    """
    chosen = settings.audience
    if chosen.out is None:
        raise SettingsError("No file is named. Name a CSV file with --out.")
    out = check_target(chosen.out)
    if out.suffix.lower() != ".csv":
        raise SettingsError(
            f"An audience is a CSV file, but {str(chosen.out)!r} is not. Name one that ends in .csv."
        )
    listed, _ = read_list(chosen.folder)
    contacted = listed[listed["treated"].astype(bool)]
    if chosen.offer is not None:
        if chosen.offer not in set(listed["offer"]):
            offers = ", ".join(sorted(set(listed["offer"]))) or "none"
            raise SettingsError(f"The list has no offer {chosen.offer!r}; it has {offers}.")
        contacted = contacted[contacted["offer"] == chosen.offer]
    if settings.tables.customers is not None:
        progress("Reading the customers")
        records = read_records(settings, "customers")
        warn_of_rejected(records.report)
        contacted = _with_attributes(contacted, records["customers"], chosen.columns)
    exported = as_audience(contacted, tuple(dict.fromkeys(chosen.columns)), hashed=chosen.hashed)
    progress(f"Writing {out}")
    with whole_file(out) as temporary:
        temporary.write_text(to_csv(exported), encoding="utf-8")
    return AudienceResult(len(exported), chosen.columns, chosen.hashed, out)


@dataclass(frozen=True, slots=True)
class AudienceResult:
    """What `audience` wrote.

    Attributes
    ----------
    customers
        number of rows
    columns
        the columns of the file, in order
    hashed
        those of them that are hashed
    out
        the file
    """

    customers: int
    columns: tuple[str, ...]
    hashed: tuple[str, ...]
    out: Path

    def to_dict(self) -> dict[str, Any]:
        """The result as plain values."""
        return plain_fields(self, "customers", "columns", "hashed", "out")

    def printed(self) -> Printed:
        """What a terminal shows."""
        yield from self.sentences()

    def sentences(self) -> list[str]:
        """The result in words."""
        people = counted(self.customers, "customer")
        return [f"{people} to contact, without those held out, written to {self.out}."]


def _with_attributes(contacted: pd.DataFrame, table: ir.Table, columns: Sequence[str]) -> pd.DataFrame:
    """The list with the wanted columns of the customers table that it lacks."""
    for name in columns:
        if name not in table.columns and name not in contacted.columns:
            raise TableError(
                f"There is no column {name!r} to export; the list has {some(contacted.columns, 20)}, the "
                f"customers table {some(table.columns, 20)}."
            )
    wanted = [
        name for name in dict.fromkeys(columns) if name in table.columns and name not in contacted.columns
    ]
    if not wanted:
        return contacted
    known = table.select(key=table.customer_id.cast("string"), **{name: table[name] for name in wanted})
    attributes = known.to_pandas().set_index("key")
    ids = ids_as_text(contacted["customer_id"])
    if len(ids) and not attributes.index.isin(ids).any():
        one = len(ids) == 1
        nobody = "The customer" if one else f"None of the {len(ids):,} customers"
        raise TableError(
            f"{nobody} to contact is {'not ' if one else ''}in the customers table, whose ids look "
            f"like {attributes.index[0]!r}, those of the list like {str(ids[0])!r}. Give their table."
        )
    found = attributes.reindex(ids)
    return contacted.assign(**{name: found[name].to_numpy() for name in wanted})
