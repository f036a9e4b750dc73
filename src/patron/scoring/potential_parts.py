"""The components of the four potentials, one row per customer with a score: for `patron score --potentials`.

==================================================================  =====================================
past_margin − cost_to_serve − acquisition_cost                      base_potential
growth_potential, growth_potential_low, growth_potential_high       a forecast, with its interval
growth_headroom = more_purchases + larger_orders + new_categories   informative; not part of any sum
acquisition_saved + margin_brought + from_deeper                    network_made
network_made + network_to_come                                      network_potential
learning_potential                                                  by the rate card
==================================================================  =====================================
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

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
from patron.scoring.potentials import CATEGORIES, NETWORK, OF_NETWORK
from patron.storage.atomic_files import write_frame
from patron.storage.job_folder import SCORED, Workspace

__all__ = ["Equity", "write_potentials"]

FROM_FEATURES = ("customer_id", "as_of", *RFM_COLUMNS, "net_spend_total", "cost_total", "acquisition_cost")
FROM_SCORES = (
    "base_potential", "growth_potential", "growth_potential_low", "growth_potential_high",
    "expected_order_value", "lifecycle_stage", "network_potential", "learning_potential", "customer_value",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Equity:
    """Customer equity: the total value of the customers.

    Attributes
    ----------
    customer_equity
        money, each amount counted once
    attributed
        money, the sum of customer_value, in which a referred customer counts for both customers
    path
        where the components are
    """

    customer_equity: float
    attributed: float
    path: Path

    def to_dict(self) -> dict[str, Any]:
        """The result as plain values."""
        return {
            "customer_equity": self.customer_equity,
            "attributed": self.attributed,
            "out": str(self.path),
        }

    def sentence(self) -> str:
        """The result in a sentence.

        Examples
        --------
        >>> Equity(900.0, 1000.0, Path("parts.parquet")).sentence()
        'Customer equity is 900: the customer values add up to 1,000, of which 100 are counted in two rows.
        The components are in parts.parquet.'
        """
        twice = self.attributed - self.customer_equity
        return (
            f"Customer equity is {self.customer_equity:,.0f}: the customer values add up to "
            f"{self.attributed:,.0f}, of which {twice:,.0f} are counted in two rows. "
            f"The components are in {self.path}."
        )


def write_potentials(out: Path, workspace: Workspace, bundle: Bundle, *, random_state: int) -> Equity:
    """Write the components of the potentials.

    Parameters
    ----------
    out
        Parquet or CSV by its ending
    workspace
        with features and scores, and with categories and network if they are known
    bundle
        the model
    random_state
        seed of the sample of peers

    Returns
    -------
    Equity
        The total value of the customers.

    Raises
    ------
    PatronError
        the disk is full
    """
    folder = workspace.folder
    there, table = _feature_rows(workspace.features, folder / NETWORK)
    wanted = ["customer_id", *FROM_SCORES]
    answers = pa.concat_tables([pq.read_table(shard, columns=wanted) for shard in workspace.shards(SCORED)])
    if workspace.features.is_dir():  # Spark's files, in any order
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
    write_frame(parts, out)
    value = parts["customer_value"].to_numpy(dtype=np.float64)
    made = parts["network_made"].to_numpy(dtype=np.float64)
    return Equity(customer_equity(value, made), float(np.nansum(value)), out)


def _feature_rows(features: Path, network: Path) -> tuple[list[str], pa.Table]:
    """The names of the wanted columns that exist, and these columns with those of the network."""
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
