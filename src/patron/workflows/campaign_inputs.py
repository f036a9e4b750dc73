"""What a campaign is made from: scores, offers, contacts, effects and whom to leave alone."""

import tomllib
import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import ibis
import ibis.expr.types as ir
import numpy as np
import numpy.typing as npt
import pandas as pd

from patron.arrays import Flags
from patron.campaigns.allocation.offers import OfferBook
from patron.errors import PatronWarning, SettingsError, TableError, counted, some
from patron.settings import Settings
from patron.settings.inputs import read_records, tell_rejected
from patron.tables.source import open_source, reading

__all__ = ["Scores", "ids_as_text", "left_alone", "read_effects", "read_offers", "read_scores"]


KEYS = ("customer_id", "as_of", "horizon_days", "model_version")
NUMBERS = ("churn_probability", "growth_potential")
ENDS = ("growth_potential_low", "growth_potential_high")
EFFECTS = ("effect_on_value", "low", "high")

RECENTLY, SUPPRESSED = "contacted in the last {} days", "on the suppression list"


@dataclass(frozen=True, slots=True)
class Scores:
    """A scorecard, as far as a campaign needs it.

    Attributes
    ----------
    rows
        key customer_id, sorted by it: churn_probability, growth_potential, and where they are given its
        ends, reason_1 and the column of the segments
    as_of
        the day of the scores
    horizon_days
        days ahead of the risk
    model_version
        which model gave them, or None
    """

    rows: pd.DataFrame
    as_of: date
    horizon_days: int
    model_version: str | None


def read_scores(source: Any, segment: str | None = None) -> Scores:
    """The scores of one day by one model.

    Parameters
    ----------
    source
        CSV or Parquet path or glob, or a frame, as `patron score` makes them
    segment
        one more column to read, or None

    Raises
    ------
    SettingsError
        no scores are named, or they are of several days, models or horizons
    SourceError
        they cannot be read
    TableError
        a column is missing, there is no row, or a customer is there twice
    """
    if source is None:
        raise SettingsError("No scores are named. Name the file that patron score wrote, with --scores.")
    table = open_source(source, "scores")
    _refuse_missing("scores", table, (*KEYS, *NUMBERS), "Give the file that patron score wrote.")
    text = [name for name in ("reason_1", segment) if name is not None and name in table.columns]
    with reading("scores", source):
        rows = table.select(
            "customer_id",
            as_of=table.as_of.cast("string")[:10],
            horizon_days=table.horizon_days.cast("string"),
            model_version=table.model_version.cast("string"),
            **{name: _number(table[name]) for name in (*NUMBERS, *ENDS) if name in table.columns},
            **{name: table[name].cast("string") for name in text},
        ).order_by("customer_id")
        found = rows.to_pandas()
    if found.empty:
        raise TableError("The scores have no row. Score the customers with patron score first.")
    twice = found["customer_id"].duplicated()
    if twice.any():
        raise TableError(
            f"{counted(int(twice.sum()), 'customer is', 'customers are')} in the scores twice, such as "
            f"{some(found.loc[twice, 'customer_id'].unique(), 3)}. Give the scores of one day by one model."
        )
    day, horizon, model = (
        _the_only(found[name], name) for name in ("as_of", "horizon_days", "model_version")
    )
    if day is None or horizon is None:
        raise TableError(
            "The scores have no as_of or no horizon_days. Give the file that patron score wrote."
        )
    return Scores(
        found.drop(columns=["as_of", "horizon_days", "model_version"]),
        date.fromisoformat(day),
        int(float(horizon)),
        model,
    )


def read_offers(path: Path | None) -> OfferBook:
    """The offers and channels of a TOML file.

    Raises
    ------
    SettingsError
        there is no such file, it is no TOML, or a key in it is unknown or missing
    RangeError
        a number in it is outside its range
    """
    if path is None:
        raise SettingsError("No offers are named. Write them into a TOML file and name it with --offers.")
    try:
        given = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise SettingsError(
            f"The offers file {str(path)!r} does not exist. Check the path after --offers."
        ) from None
    except (OSError, UnicodeDecodeError) as refused:
        raise SettingsError(
            f"The offers file {str(path)!r} cannot be read: {refused}. It must be UTF-8 text."
        ) from None
    except tomllib.TOMLDecodeError as refused:
        raise SettingsError(f"The offers file {str(path)!r} is no valid TOML: {refused}.") from None
    return OfferBook.of(given)


def read_effects(source: Any, scores: Scores) -> pd.DataFrame | None:
    """What contact changes for whom, as learned from a trial.

    Parameters
    ----------
    source
        key (customer_id, offer): effect_on_value (money) with low and high, and sleeping_dog; with as_of
        and model_version, these must be those of the scores. None if there are none
    scores
        the ids are taken as they are there

    Raises
    ------
    SettingsError
        they are of another day or model than the scores
    SourceError, TableError
        they cannot be read, a column is missing, or they are those of other customers
    """
    if source is None:
        return None
    table = open_source(source, "effects")
    _refuse_missing("effects", table, ("customer_id", "offer", *EFFECTS), "Learn them from a trial first.")
    dog = (
        table.sleeping_dog.cast("string").lower().isin(["true", "1"])
        if "sleeping_dog" in table.columns
        else False
    )
    known = [name for name in ("as_of", "model_version") if name in table.columns]
    with reading("effects", source):
        found: pd.DataFrame = table.select(
            customer_id=table.customer_id.cast("string"),
            offer=table.offer.cast("string"),
            sleeping_dog=ibis.literal(dog) if isinstance(dog, bool) else dog,
            **{name: _number(table[name]) for name in EFFECTS},
            **{name: table[name].cast("string") for name in known},
        ).to_pandas()
    wanted = {"as_of": scores.as_of.isoformat(), "model_version": scores.model_version}
    for name in known:
        theirs = found[name].str[:10] if name == "as_of" else found[name]
        if len(strange := theirs[theirs != wanted[name]]):
            raise SettingsError(
                f"The effects are those of {name} {strange.iloc[0]}, the scores of {name} {wanted[name]}. "
                f"Learn them for these scores: patron uplift --as-of {scores.as_of}."
            )
    own = pd.Series(scores.rows["customer_id"].to_numpy(), index=ids_as_text(scores.rows["customer_id"]))
    given = found["customer_id"].to_numpy()
    found["customer_id"] = own.reindex(given).to_numpy()
    if len(given) and found["customer_id"].isna().all():
        raise TableError(
            "The effects are those of none of the customers of the scores: their ids are such as "
            f"{given[0]!r}, those of the scores such as {str(own.index[0])!r}. Learn them for these."
        )
    return found.dropna(subset="customer_id")


def left_alone(settings: Settings, scores: Scores) -> dict[str, Flags]:
    """Who must not be contacted, and why: reason → (n_customers,).

    Parameters
    ----------
    settings
        the contacts table, `target.rest_days` and `target.suppress`
    scores
        who could be

    Raises
    ------
    SettingsError
        the contacts go on after the day of the scores
    SourceError, TableError
        a table cannot be read or used

    Warns
    -----
    PatronWarning
        no contact is known of the days for which customers are to rest, or none of those who must
        be left alone is in the scores
    """
    ids = ids_as_text(scores.rows["customer_id"])
    found: dict[str, Flags] = {}
    if settings.tables.contacts is not None:
        rested = _contacted_since(settings, scores.as_of)
        found[RECENTLY.format(settings.target.rest_days)] = np.isin(ids, rested)
        _warn_of_strangers("contacted lately", rested, ids)
    if settings.target.suppress is not None:
        table = open_source(settings.target.suppress, "suppress")
        _refuse_missing("customers to suppress", table, ("customer_id",), "Name the column customer_id.")
        with reading("suppress", settings.target.suppress):
            given = table.select(customer_id=table.customer_id.cast("string")).to_pandas()
        never = ids_as_text(given["customer_id"].dropna())
        found[SUPPRESSED] = np.isin(ids, never)
        _warn_of_strangers("to be suppressed", never, ids)
    return found


def _warn_of_strangers(who: str, given: npt.NDArray[np.str_], ids: npt.NDArray[np.str_]) -> None:
    """Say so where none of those who must be left alone is in the scores: ids may be written otherwise."""
    if len(given) and not np.isin(given, ids).any():
        many = len(given) > 1
        nobody = f"None of the {len(given):,} customers {who} is" if many else f"The customer {who} is not"
        warnings.warn(
            f"{nobody} in the scores, so nobody is left alone for it; ids are such as {str(given[0])!r}, "
            f"those of the scores such as {str(ids[0])!r}.",
            PatronWarning,
            stacklevel=3,
        )


def ids_as_text(ids: pd.Series) -> npt.NDArray[np.str_]:
    """Customer ids as text, by which tables of different types find each other."""
    return ids.astype(str).to_numpy(dtype=object).astype(str)


def _contacted_since(settings: Settings, as_of: date) -> npt.NDArray[np.str_]:
    records = read_records(settings, "contacts")
    tell_rejected(records.report)
    contacts = records["contacts"]
    last = contacts.day.max().to_pyarrow().as_py()
    if last > as_of:
        raise SettingsError(
            f"The contacts go on until {last}, the scores are of {as_of}: who was contacted since then was "
            f"scored too early. Score the customers as of {last}, or give the contacts until {as_of}."
        )
    rest_days = settings.target.rest_days
    if rest_days and last <= as_of - timedelta(days=rest_days):
        warnings.warn(
            f"The contacts end on {last}, more than {rest_days} days before the scores of {as_of}: whoever "
            "was contacted since is not known and not left alone.",
            PatronWarning,
            stacklevel=3,
        )
    recent = contacts.filter(
        contacts.day > ibis.literal(as_of - timedelta(days=rest_days)), contacts.treated == 1
    )
    people = recent.select(customer_id=recent.customer_id.cast("string")).distinct().to_pandas()
    return ids_as_text(people["customer_id"])


def _the_only(column: pd.Series, name: str) -> str | None:
    values = column.dropna().unique()
    if len(values) > 1:
        raise SettingsError(
            f"The scores are of several values of {name}: {some(sorted(values))}. Give the scores of one day "
            "by one model."
        )
    return str(values[0]) if len(values) else None


def _number(column: ir.Column) -> ir.Column:
    number = column.try_cast("float64")
    return ibis.ifelse(number.isnan(), ibis.null("float64"), number)


def _refuse_missing(name: str, table: ir.Table, wanted: Iterable[str], remedy: str) -> None:
    if missing := [column for column in wanted if column not in table.columns]:
        raise TableError(
            f"The {name} lack {', '.join(missing)}; they have {some(sorted(table.columns), 12)}. {remedy}"
        )
