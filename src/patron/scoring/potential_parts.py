"""The four potentials in their parts, one row per customer with a score: for `patron score --potentials`.

==================================================================  =====================================
past_margin − cost_to_serve − acquisition_cost                      base_potential
growth_potential, growth_potential_low, growth_potential_high       a forecast, with its interval
growth_headroom = more_purchases + larger_orders + new_categories   beside it; in no sum
acquisition_saved + margin_brought + from_deeper                    network_made
network_made + network_to_come                                      network_potential
learning_potential                                                  declared by the rate card
==================================================================  =====================================
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ibis
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from patron.arrays import Floats
from patron.models.bundle.bundle import Bundle
from patron.models.value.rfm import RFM_COLUMNS
from patron.scores.decisions import figures
from patron.scores.headroom import buying_space, growth_headroom
from patron.scores.network import customer_equity
from patron.scores.potentials import past_margin
from patron.scoring.costs_to_serve import costs_of
from patron.snapshots.asof import visible_on
from patron.storage.atomic_files import write_frame
from patron.tables.history import History

__all__ = ["Equity", "keep_categories", "keep_network", "write_potentials"]


CATEGORIES, NETWORK = "categories.parquet", "network.parquet"

MOST_CATEGORIES = 12
"""Categories in which customers are compared, those with the largest turnover."""

FROM_FEATURES = ("customer_id", "as_of", *RFM_COLUMNS, "net_spend_total", "cost_total", "acquisition_cost")
FROM_SCORES = (
    "base_potential", "growth_potential", "growth_potential_low", "growth_potential_high",
    "expected_order_value", "lifecycle_stage", "network_potential", "learning_potential", "customer_value",
)  # fmt: skip
OF_NETWORK = (
    "referrals_made", "acquisition_saved", "margin_brought", "from_deeper", "network_made",
    "expected_referrals", "network_to_come",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Equity:
    """What the customers are worth together.

    Attributes
    ----------
    customer_equity
        money, nothing counted twice
    attributed
        money, the sum of customer_value, in which a customer who was brought counts for both
    path
        where the parts are
    """

    customer_equity: float
    attributed: float
    path: Path

    def to_dict(self) -> dict[str, Any]:
        """As plain values."""
        return {
            "customer_equity": self.customer_equity,
            "attributed": self.attributed,
            "out": str(self.path),
        }

    def sentence(self) -> str:
        """In words.

        Examples
        --------
        >>> Equity(900.0, 1000.0, Path("parts.parquet")).sentence()
        'Together the customers are worth 900: their values add up to 1,000, of which 100 stand in two rows.
        The parts are in parts.parquet.'
        """
        twice = self.attributed - self.customer_equity
        return (
            f"Together the customers are worth {self.customer_equity:,.0f}: their values add up to "
            f"{self.attributed:,.0f}, of which {twice:,.0f} stand in two rows. The parts are in {self.path}."
        )


def keep_categories(folder: Path, known: History, days: int) -> None:
    """Write what each customer spent in each of the larger categories lately.

    Parameters
    ----------
    folder
        takes categories.parquet, without which no category is compared
    known
        what is known on the day
    days
        how many days up to and including that day count
    """
    lines = known.transactions
    if lines is None or "category" not in lines.columns:
        return
    seen = visible_on(lines, known.known_until)
    seen = seen.filter(seen.days_ago < days, seen.category.notnull())
    turnover = seen.group_by("category").agg(turnover=seen.amount.sum())
    largest = turnover.order_by(ibis.desc("turnover"), "category").limit(MOST_CATEGORIES)
    names = largest.category.to_pyarrow().to_pylist()
    if names:
        spent = seen.filter(seen.category.isin(names)).group_by("customer_id", "category")
        spent.agg(spend=seen.amount.sum().cast("float64")).to_parquet(folder / CATEGORIES)


def keep_network(folder: Path, network: pd.DataFrame) -> None:
    """Write the parts of the network potential, one row per feature row, as network.parquet."""
    pq.write_table(pa.Table.from_pandas(network[list(OF_NETWORK)], preserve_index=False), folder / NETWORK)


def write_potentials(
    target: Path, folder: Path, features: Path, scored: list[Path], bundle: Bundle, *, random_state: int
) -> Equity:
    """Write the parts of the potentials.

    Parameters
    ----------
    target
        Parquet or CSV by its ending
    folder
        where `keep_categories` and `keep_network` have written
    features
        Parquet file of the feature rows; or a folder of such files, in any order
    scored
        Parquet files of their scores, in the order of that file; or, for a folder, in any order
    bundle
        the model
    random_state
        seed of the sample of peers

    Returns
    -------
    Equity

    Raises
    ------
    PatronError
        the disk is full
    """
    there, table = _feature_rows(features, folder / NETWORK)
    wanted = ["customer_id", *FROM_SCORES]
    answers = pa.concat_tables([pq.read_table(part, columns=wanted) for part in scored])
    if features.is_dir():
        table, answers = table.sort_by("customer_id"), answers.sort_by("customer_id")
    rows, scores = table.to_pandas(date_as_object=True), answers.drop_columns("customer_id").to_pandas()
    margin = bundle.margin * _spend_by_category(folder / CATEGORIES, rows["customer_id"])
    stage = scores["lifecycle_stage"].to_numpy(dtype=object, na_value=None)
    headroom = growth_headroom(
        scores["growth_potential"].to_numpy(dtype=np.float64),
        scores["expected_order_value"].to_numpy(dtype=np.float64),
        buying_space(rows, margin),
        stage,
        margin,
        random_state=random_state,
    )
    network: dict[str, Any] = {name: rows.get(name, 0.0) for name in OF_NETWORK}
    past = {name: rows[name].to_numpy(dtype=np.float64) for name in there[2:]}
    parts = rows[["customer_id", "as_of"]].assign(
        past_margin=past_margin(
            figures(past, "net_spend_total", np.nan), figures(past, "cost_total", 0.0), bundle.margin
        ),
        cost_to_serve=costs_of(folder, rows["customer_id"]),
        acquisition_cost=figures(past, "acquisition_cost", 0.0),
        base_potential=scores["base_potential"],
        growth_potential=scores["growth_potential"],
        growth_potential_low=scores["growth_potential_low"],
        growth_potential_high=scores["growth_potential_high"],
        **headroom,
        **network,
        network_potential=scores["network_potential"],
        learning_potential=scores["learning_potential"],
        customer_value=scores["customer_value"],
    )
    write_frame(parts, target)
    value = parts["customer_value"].to_numpy(dtype=np.float64)
    made = parts["network_made"].to_numpy(dtype=np.float64)
    return Equity(customer_equity(value, made), float(np.nansum(value)), target)


def _feature_rows(features: Path, network: Path) -> tuple[list[str], pa.Table]:
    """The names of the columns wanted that are there, and these columns; beside them those of the network."""
    read = ds.dataset(features)
    there = [name for name in FROM_FEATURES if name in read.schema.names]
    rows = read.to_table(columns=there)
    if network.is_file():
        kept = pq.read_table(network)
        for name in OF_NETWORK:
            rows = rows.append_column(name, kept[name])
    return there, rows


def _spend_by_category(path: Path, ids: pd.Series) -> Floats:
    """(n_customers, n_categories) money."""
    if not path.is_file():
        return np.empty((len(ids), 0))
    spent = pd.read_parquet(path)
    place = pd.Index(ids).get_indexer(pd.Index(spent["customer_id"]))
    categories = np.sort(spent["category"].unique().astype(str))
    column = np.searchsorted(categories, spent["category"].astype(str).to_numpy(dtype=str))
    matrix = np.zeros((len(ids), categories.size))
    there = place >= 0
    matrix[place[there], column[there]] = spent["spend"].to_numpy()[there]
    return matrix
