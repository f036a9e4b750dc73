"""The scores a campaign starts from, and effects estimated elsewhere for the same customers."""

from dataclasses import dataclass
from datetime import date
from typing import Any

import ibis
import ibis.expr.types as ir
import pandas as pd

from patron.campaigns.input_tables import check_columns, ids_as_text
from patron.errors import SettingsError, TableError, counted, some
from patron.tables.source import open_source, reading

__all__ = ["ScoredCustomers", "read_effects", "read_scored_customers"]


_KEYS = ("customer_id", "as_of", "horizon_days", "model_version")
_NUMBERS = ("churn_probability", "growth_potential")
_ENDS = ("growth_potential_low", "growth_potential_high")
_EFFECTS = ("effect_on_value", "low", "high")


@dataclass(frozen=True, slots=True)
class ScoredCustomers:
    """The columns of a scorecard that a campaign needs.

    Attributes
    ----------
    rows
        key customer_id, sorted by it: churn_probability, growth_potential, and if given its interval,
        reason_1 and the column of the segments
    as_of
        the day of the scores
    horizon_days
        days ahead for which churn is predicted
    model_version
        the model that scored, or None
    """

    rows: pd.DataFrame
    as_of: date
    horizon_days: int
    model_version: str | None


def read_scored_customers(source: Any, segment: str | None = None) -> ScoredCustomers:
    """The scores of one day by one model.

    Parameters
    ----------
    source
        CSV or Parquet path or glob, or a frame, as `patron score` writes them
    segment
        one more column to read, or None

    Raises
    ------
    SettingsError
        no scores are named, or they have several days, models or horizons
    SourceError
        they cannot be read
    TableError
        a column is missing, there are no rows, or a customer appears twice

    Examples
    --------
    >>> scores = pd.DataFrame({
    ...     "customer_id": [8, 7], "as_of": "2024-06-30", "horizon_days": 90, "model_version": "1",
    ...     "churn_probability": [0.05, 0.4], "growth_potential": 200.0})
    >>> scored = read_scored_customers(scores)
    >>> scored.as_of, scored.horizon_days, scored.rows["churn_probability"].tolist()
    (datetime.date(2024, 6, 30), 90, [0.4, 0.05])
    """
    if source is None:
        raise SettingsError("No scores are named. Name the file that patron score wrote, with --scores.")
    table = open_source(source, "scores")
    check_columns("scores", table, (*_KEYS, *_NUMBERS), "Give the file that patron score wrote.")
    text = [name for name in ("reason_1", segment) if name is not None and name in table.columns]
    with reading("scores", source):
        rows = table.select(
            "customer_id",
            as_of=table.as_of.cast("string")[:10],
            horizon_days=table.horizon_days.cast("string"),
            model_version=table.model_version.cast("string"),
            **{name: _number(table[name]) for name in (*_NUMBERS, *_ENDS) if name in table.columns},
            **{name: table[name].cast("string") for name in text},
        ).order_by("customer_id")
        found = rows.to_pandas()
    if found.empty:
        raise TableError("The scores have no rows. Score the customers with patron score first.")
    twice = found["customer_id"].duplicated()
    if twice.any():
        raise TableError(
            f"{counted(int(twice.sum()), 'customer appears', 'customers appear')} in the scores twice, such "
            f"as {some(found.loc[twice, 'customer_id'].unique(), 3)}. Give the scores of one day by one "
            "model."
        )
    day, horizon, model = (
        _single_value(found[name], name) for name in ("as_of", "horizon_days", "model_version")
    )
    if day is None or horizon is None:
        raise TableError(
            "The scores have no as_of or no horizon_days. Give the file that patron score wrote."
        )
    return ScoredCustomers(
        found.drop(columns=["as_of", "horizon_days", "model_version"]),
        date.fromisoformat(day),
        int(float(horizon)),
        model,
    )


def read_effects(source: Any, scored: ScoredCustomers) -> pd.DataFrame:
    """The effect of each offer on each scored customer, as estimated from a trial.

    Parameters
    ----------
    source
        path or frame, key (customer_id, offer): effect_on_value (money) with low and high, and sleeping_dog;
        as_of and model_version, if given, must be those of the scores
    scored
        the scores, whose ids are used

    Raises
    ------
    SettingsError
        the effects belong to another day or model than the scores
    SourceError, TableError
        they cannot be read, a column is missing, or they belong to other customers
    """
    table = open_source(source, "effects")
    check_columns("effects", table, ("customer_id", "offer", *_EFFECTS), "Estimate them from a trial first.")
    dog: Any = (
        table.sleeping_dog.cast("string").lower().isin(["true", "1"])
        if "sleeping_dog" in table.columns
        else ibis.literal(False)
    )
    known = [name for name in ("as_of", "model_version") if name in table.columns]
    with reading("effects", source):
        found: pd.DataFrame = table.select(
            customer_id=table.customer_id.cast("string"),
            offer=table.offer.cast("string"),
            sleeping_dog=dog,
            **{name: _number(table[name]) for name in _EFFECTS},
            **{name: table[name].cast("string") for name in known},
        ).to_pandas()
    wanted = {"as_of": scored.as_of.isoformat(), "model_version": scored.model_version}
    for name in known:
        theirs = found[name].str[:10] if name == "as_of" else found[name]
        if len(others := theirs[theirs != wanted[name]]):
            raise SettingsError(
                f"The effects have {name} {others.iloc[0]}, but the scores have {name} {wanted[name]}. "
                f"Estimate them for these scores: patron uplift --as-of {scored.as_of}."
            )
    own = pd.Series(scored.rows["customer_id"].to_numpy(), index=ids_as_text(scored.rows["customer_id"]))
    given = found["customer_id"].to_numpy()
    found["customer_id"] = own.reindex(given).to_numpy()
    if len(given) and found["customer_id"].isna().all():
        raise TableError(
            f"None of the effects belong to customers in the scores: their ids look like {given[0]!r}, those "
            f"of the scores like {str(own.index[0])!r}. Estimate them for these customers."
        )
    return found.dropna(subset="customer_id")


def _single_value(column: pd.Series, name: str) -> str | None:
    values = column.dropna().unique()
    if len(values) > 1:
        raise SettingsError(
            f"The scores have several values of {name}: {some(sorted(values))}. Give the scores of one day "
            "by one model."
        )
    return str(values[0]) if len(values) else None


def _number(column: ir.Column) -> ir.Column:
    number = column.try_cast("float64")
    return ibis.ifelse(number.isnan(), ibis.null("float64"), number)
