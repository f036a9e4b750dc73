"""What referrals and contributions bring each customer, and what serving took: columns beside the features.

These tables are about customers among themselves, or of another kind than purchases, so they are no features:
`keep_events` puts what was visible on the day beside the features, and `potentials_of_all` turns it into
money once the model can say what the customers who were referred are worth. Each of these is scored just as
in the scorecard, so that a referrer is credited with the very growth that stands in the other's row.
"""

import warnings
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
    NetworkRules,
    Referrals,
    acquisition_saved,
    network_potential,
    valid_referrals,
)
from patron.scores.potentials import past_margin
from patron.scores.scorecard import make_scorecard
from patron.scoring.costs_to_serve import COSTS, costs_known, costs_of
from patron.settings import Settings
from patron.settings.inputs import read_records, warn_of_rejected
from patron.snapshots.asof import visible_on
from patron.tables.history import History

__all__ = ["Potentials", "keep_events", "potentials_of_all"]


REFERRALS, CONTRIBUTIONS = "referrals.parquet", "contributions.parquet"
KEPT = {"referrals": REFERRALS, "contributions": CONTRIBUTIONS, "costs_to_serve": COSTS}
PAST_COLUMNS = ("T", "net_spend_total", "cost_total", "acquisition_cost")
CHUNK_ROWS = 50_000


@dataclass(frozen=True, slots=True)
class Potentials:
    """What referrals and contributions bring, and what serving took, one entry per feature row.

    Attributes
    ----------
    network
        the columns of :func:`patron.scores.network.network_potential`
    learning
        (n_customers,) money, learning potential
    cost_to_serve
        (n_customers,) money up to the day
    """

    network: pd.DataFrame
    learning: Floats
    cost_to_serve: Floats

    def columns(self, start: int, rows: int) -> dict[str, Any]:
        """The columns that go beside so many feature rows from `start` on."""
        part = slice(start, start + rows)
        network = self.network["network_potential"].to_numpy()
        return {
            "network_potential": pa.array(network[part]),
            "learning_potential": pa.array(self.learning[part]),
            "cost_to_serve": pa.array(self.cost_to_serve[part]),
        }


def keep_events(folder: Path, known: History, settings: Settings) -> None:
    """Write the referrals, contributions and costs to serve that were known on the day into a folder.

    Parameters
    ----------
    folder
        takes referrals.parquet, contributions.parquet and costs_to_serve.parquet, as far as the tables
        are given
    known
        what is known on the day; its connection does the work
    settings
        `tables` says where they are

    Raises
    ------
    SourceError, TableError, MissingColumnsError
        a table cannot be read or used

    Warns
    -----
    PatronWarning
        rows are left out because they break a rule or name nobody, or costs because they come
        later
    """
    given = [name for name in KEPT if getattr(settings.tables, name) is not None]
    if not given:
        return
    records = read_records(settings, *given, connection=known.connection)
    warn_of_rejected(records.report)
    id_type = known.customer_id_type
    for name in given:
        table = _of_customers(records[name], name, id_type)
        if name == "costs_to_serve":
            wanted = costs_known(table, known.known_until, id_type)
        else:
            seen = visible_on(table, known.known_until)
            wanted = _referrals(seen) if name == "referrals" else _contributions(seen)
        wanted.to_parquet(folder / KEPT[name])


def potentials_of_all(
    folder: Path,
    features: Path,
    bundle: Bundle,
    settings: Settings,
    *,
    ranks: Ranks,
    value_horizon_days: int | None,
    annual_discount_rate: float | None,
    random_state: int,
) -> Potentials | None:
    """What referrals and contributions bring each customer, and what serving took.

    Parameters
    ----------
    folder
        where `keep_events` has written
    features
        Parquet file of the feature rows, or a folder of such files
    bundle
        the model
    settings
        `network` and `learning` count
    ranks, value_horizon_days, annual_discount_rate, random_state
        as the scorecard is made with

    Returns
    -------
    Potentials | None
        Potentials, in the order of the feature rows; None where none of the tables was given

    Warns
    -----
    PatronWarning
        referrals do not count, and why; a kind of contribution is not on the rate card
    """
    if not any((folder / file).is_file() for file in KEPT.values()):
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
        value_horizon_days=value_horizon_days,
        annual_discount_rate=annual_discount_rate,
        random_state=random_state,
    )
    earned = past_margin(
        figures(past, "net_spend_total", 0.0), figures(past, "cost_total", 0.0), bundle.margin
    )
    saved, saved_each = acquisition_saved(figures(past, "acquisition_cost", 0.0), found)
    horizon = value_horizon_days or bundle.value_horizon_days
    rate = bundle.annual_discount_rate if annual_discount_rate is None else annual_discount_rate
    new = bundle.value.predict_new_customer(horizon)
    network = network_potential(
        found,
        earned + growth,
        saved,
        past["T"],
        ahead=float(discounted_time(horizon, continuous_rate(rate))),
        new_customer=float(new["expected_value"] + bundle.margin * new["expected_order_value"]),
        saved_each=saved_each,
        rules=NetworkRules(**settings.network.model_dump()),
    )
    return Potentials(network, _learning(folder / CONTRIBUTIONS, ids, settings), costs_of(folder, ids))


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


def _learning(path: Path, ids: pd.Series, settings: Settings) -> Floats:
    if not path.is_file():
        return np.zeros(len(ids))
    worth = learning_potential(pd.read_parquet(path), settings.learning.rate_card)
    return worth.reindex(pd.Index(ids)).fillna(0.0).to_numpy(dtype=np.float64)


def _of_customers(table: ir.Table, name: str, id_type: Any) -> ir.Table:
    """The rows whose ids may be those of customers, as these are written in the other tables."""
    columns = ("referrer_id", "referred_id") if name == "referrals" else ("customer_id",)
    ids = table.mutate(**{column: table[column].try_cast(id_type) for column in columns})
    ours = ids.filter(*(ids[column].notnull() for column in columns))
    rows, left = (int(part.count().to_pyarrow().as_py()) for part in (table, ours))
    if not left:
        example = table[columns[0]].as_table().limit(1).to_pyarrow()[0][0].as_py()
        raise TableError(
            f"No row of the table {name!r} is of a customer: ids there are such as {example!r}, and those of "
            f"the customers are of type {id_type}. Give the ids of the transactions."
        )
    if left < rows:
        warnings.warn(
            f"Not counted of the table {name!r}: {counted(rows - left, 'row')} of ids that no customer has.",
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
    """(n_rows,) growth potential of these feature rows, as in the scorecard; 0 where there is none."""
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
