"""Network and learning potential and cost to serve of each customer: columns added to the features.

Referrals, contributions and costs are not features: `keep_events` writes what was visible on the day next to
the features, and `potentials_of_all` turns it into money with the model's value of the referred customers.
Referred customers are scored exactly as in the scorecard, so a referrer is credited with the very growth that
stands in the other customer's row.
"""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import ibis
import ibis.expr.types as ir
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from patron.arrays import Floats
from patron.errors import PatronWarning, TableError, counted
from patron.models.bundle.bundle import Bundle
from patron.models.churn.percentile_ranks import Ranks
from patron.money import continuous_rate, discounted_time
from patron.scores.decisions import figures
from patron.scores.learning import learning_potential
from patron.scores.network import (
    Referrals,
    acquisition_saved,
    network_potential,
    valid_referrals,
)
from patron.scores.potentials import past_margin
from patron.scores.scorecard import make_scorecard
from patron.scoring.costs_to_serve import COSTS, costs_known, costs_of
from patron.scoring.options import ScoringOptions
from patron.snapshots.asof import visible_on
from patron.tables.history import History
from patron.tables.records import Records

__all__ = [
    "CATEGORIES",
    "EVENTS",
    "NETWORK",
    "OF_NETWORK",
    "Potentials",
    "keep_categories",
    "keep_events",
    "potentials_of_all",
]

REFERRALS, CONTRIBUTIONS = "referrals.parquet", "contributions.parquet"
EVENTS = {"referrals": REFERRALS, "contributions": CONTRIBUTIONS, "costs_to_serve": COSTS}
"""Tables that are not features, and the files in which they are kept."""

CATEGORIES, NETWORK = "categories.parquet", "network.parquet"
MAX_CATEGORIES = 12
"""Count of categories in which customers are compared: those with the largest turnover."""

OF_NETWORK = (
    "referrals_made", "acquisition_saved", "margin_brought", "from_deeper", "network_made",
    "expected_referrals", "network_to_come",
)  # fmt: skip
"""The components of the network potential."""

PAST_COLUMNS = ("T", "net_spend_total", "cost_total", "acquisition_cost")
CHUNK_ROWS = 50_000


@dataclass(frozen=True, slots=True)
class Potentials:
    """Potentials that are not predictions, and the cost to serve, one entry per feature row.

    Attributes
    ----------
    network
        the columns of :func:`patron.scores.network.network_potential`
    learning
        (n_customers,) money
    cost_to_serve
        (n_customers,) money up to the day
    """

    network: pd.DataFrame
    learning: Floats
    cost_to_serve: Floats

    def columns(self, start: int, rows: int) -> dict[str, Any]:
        """The columns to append to some of the feature rows.

        Parameters
        ----------
        start
            position of the first row
        rows
            count
        """
        part = slice(start, start + rows)
        network = self.network["network_potential"].to_numpy()
        return {
            "network_potential": pa.array(network[part]),
            "learning_potential": pa.array(self.learning[part]),
            "cost_to_serve": pa.array(self.cost_to_serve[part]),
        }


def keep_events(folder: Path, known: History, events: Records) -> None:
    """Write the referrals, contributions and costs to serve that were known on the day into a folder.

    Parameters
    ----------
    folder
        takes referrals.parquet, contributions.parquet and costs_to_serve.parquet, as far as the tables
        are given
    known
        what is known on the day
    events
        any of the tables in `EVENTS`, read by the connection of `known`

    Raises
    ------
    TableError
        a table has none of the customers, or overlapping periods

    Warns
    -----
    PatronWarning
        rows are left out because no customer has their id, or because their period ends later
    """
    id_type = known.customer_id_type
    for name, file in EVENTS.items():
        if (given := events.get(name)) is None:
            continue
        table = _of_customers(given, name, id_type)
        if name == "costs_to_serve":
            wanted = costs_known(table, known.known_until, id_type)
        else:
            seen = visible_on(table, known.known_until)
            wanted = _referrals(seen) if name == "referrals" else _contributions(seen)
        wanted.to_parquet(folder / file)


def keep_categories(folder: Path, known: History, days: int) -> None:
    """Write what each customer spent recently in each of the larger categories.

    Parameters
    ----------
    folder
        takes categories.parquet, without which no categories are compared
    known
        what is known on the day
    days
        length of the period that ends on that day
    """
    lines = known.transactions
    if lines is None or "category" not in lines.columns:
        return
    seen = visible_on(lines, known.known_until)
    seen = seen.filter(seen.days_ago < days, seen.category.notnull())
    turnover = seen.group_by("category").agg(turnover=seen.amount.sum())
    largest = turnover.order_by(ibis.desc("turnover"), "category").limit(MAX_CATEGORIES)
    names = largest.category.to_pyarrow().to_pylist()
    if names:
        spent = seen.filter(seen.category.isin(names)).group_by("customer_id", "category")
        spent.agg(spend=seen.amount.sum().cast("float64")).to_parquet(folder / CATEGORIES)


def potentials_of_all(
    folder: Path,
    features: Path,
    bundle: Bundle,
    options: ScoringOptions,
    ranks: Ranks,
) -> Potentials | None:
    """Network and learning potential and cost to serve of each customer.

    Parameters
    ----------
    folder
        where `keep_events` has written; takes network.parquet if the components are to be kept
    features
        Parquet file of the feature rows, or a folder of such files
    bundle
        the model
    options
        how the scorecard is made
    ranks
        as the scorecard is made with

    Returns
    -------
    Potentials | None
        In the order of the feature rows; None if none of the tables was given.

    Warns
    -----
    PatronWarning
        referrals do not count, and why; a kind of contribution is not on the rate card
    """
    if not any((folder / file).is_file() for file in EVENTS.values()):
        return None
    rows = ds.dataset(features)
    there = [name for name in PAST_COLUMNS if name in rows.schema.names]
    read = rows.to_table(columns=["customer_id", *there])
    ids = read.column("customer_id").to_pandas()
    past = {name: read.column(name).to_numpy() for name in there}
    found = _brought(folder / REFERRALS, ids, past["T"])
    growth = np.zeros(len(ids))
    growth[found.referrer >= 0] = _growth(
        features,
        np.flatnonzero(found.referrer >= 0),
        bundle,
        ranks=ranks,
        **options.of_predictions(),
    )
    earned = past_margin(
        figures(past, "net_spend_total", 0.0), figures(past, "cost_total", 0.0), bundle.margin
    )
    saved, saved_each = acquisition_saved(figures(past, "acquisition_cost", 0.0), found)
    horizon = options.value_horizon_days or bundle.value_horizon_days
    rate = options.annual_discount_rate
    rate = bundle.annual_discount_rate if rate is None else rate
    new = bundle.value.predict_new_customer(horizon)
    network = network_potential(
        found,
        earned + growth,
        saved,
        past["T"],
        ahead=float(discounted_time(horizon, continuous_rate(rate))),
        new_customer=float(new["expected_value"] + bundle.margin * new["expected_order_value"]),
        saved_each=saved_each,
        rules=options.network,
    )
    if options.keep_components:
        components = pa.Table.from_pandas(network[list(OF_NETWORK)], preserve_index=False)
        pq.write_table(components, folder / NETWORK)
    learning = _learning(folder / CONTRIBUTIONS, ids, options.rate_card)
    return Potentials(network, learning, costs_of(folder, ids))


def _brought(path: Path, ids: pd.Series, age_days: Floats) -> Referrals:
    if not path.is_file():
        return Referrals(np.full(len(ids), -1), {})
    referrals = pd.read_parquet(path)
    found = valid_referrals(referrals, ids, age_days)
    reasons = [f"{count:,} {words}" for words, count in found.left_out.items() if count]
    if reasons:
        warnings.warn(
            f"{sum(found.left_out.values()):,} of {len(referrals):,} referrals do not count: "
            f"{', '.join(reasons)}.",
            PatronWarning,
            stacklevel=3,
        )
    return found


def _learning(path: Path, ids: pd.Series, rate_card: Mapping[str, float]) -> Floats:
    if not path.is_file():
        return np.zeros(len(ids))
    worth = learning_potential(pd.read_parquet(path), rate_card)
    return worth.reindex(pd.Index(ids)).fillna(0.0).to_numpy(dtype=np.float64)


def _of_customers(table: ir.Table, name: str, id_type: Any) -> ir.Table:
    """The rows whose ids can be those of customers, in the type of the other tables."""
    columns = ("referrer_id", "referred_id") if name == "referrals" else ("customer_id",)
    ids = table.mutate(**{column: table[column].try_cast(id_type) for column in columns})
    ours = ids.filter(*(ids[column].notnull() for column in columns))
    rows, left = (int(part.count().to_pyarrow().as_py()) for part in (table, ours))
    if not left:
        example = table[columns[0]].as_table().limit(1).to_pyarrow()[0][0].as_py()
        raise TableError(
            f"No row of the table {name!r} belongs to a customer: its ids look like {example!r}, and those "
            f"of the customers are of type {id_type}. Give the ids of the transactions."
        )
    if left < rows:
        warnings.warn(
            f"Not counted of the table {name!r}: {counted(rows - left, 'row')} with ids of no customer.",
            PatronWarning,
            stacklevel=3,
        )
    return ours


def _referrals(seen: ir.Table) -> ir.Table:
    order = ["referred_id", "referrer_id", "days_ago"]
    return seen.select(order).order_by(order)


def _contributions(seen: ir.Table) -> ir.Table:
    """One row per customer, kind and value."""
    units = seen.units.fill_null(1.0) if "units" in seen.columns else ibis.literal(1.0)
    own = seen.unit_value if "unit_value" in seen.columns else ibis.null("float64")
    each = seen.select(
        customer_id=seen.customer_id,
        kind=seen.kind,
        unit_value=own.cast("float64"),
        units=units,
    )
    keys = ["customer_id", "kind", "unit_value"]
    return each.group_by(*keys).agg(units=each.units.sum()).order_by(*keys)


def _growth(features: Path, rows: npt.NDArray[np.intp], bundle: Bundle, **asked: Any) -> Floats:
    """(n_rows,) growth potential of these feature rows, as in the scorecard; 0 if unknown."""
    growth, start = [np.empty(0)], 0
    files = ds.dataset(features).files
    for batch in chain.from_iterable(pq.ParquetFile(file).iter_batches(CHUNK_ROWS) for file in files):
        inside = rows[(rows >= start) & (rows < start + batch.num_rows)] - start
        start += batch.num_rows
        if inside.size:
            frame = batch.take(pa.array(inside)).drop_columns(["customer_id"]).to_pandas(date_as_object=True)
            frame.insert(0, "customer_id", np.arange(len(frame)))
            card = make_scorecard(frame, bundle, reasons=False, **asked)
            growth.append(card["growth_potential"].fillna(0.0).to_numpy())
    return np.concatenate(growth)
