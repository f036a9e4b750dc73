"""The population in which every customer is ranked, learned one column at a time."""

from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq

from patron.models.bundle.bundle import Bundle
from patron.models.bundle.population_ranks import population_percentiles
from patron.models.churn.percentile_ranks import ENOUGH_FOR_RANKS, Ranks
from patron.models.value.rfm import RFM_COLUMNS
from patron.scores.scorable import broken_rules, purchase_columns
from patron.scoring.options import ScoringOptions

__all__ = ["ranks_of_all"]


def ranks_of_all(features: Path, bundle: Bundle, options: ScoringOptions) -> Ranks:
    """The ranks of all customers who can be scored, or "model" for those of the training if they are too few.

    `Bundle.predict` chooses the same way for one frame of all customers.

    Parameters
    ----------
    features
        a Parquet file of the feature rows, or a folder of such files
    bundle
        the model
    options
        how the customers will be scored

    Returns
    -------
    Ranks
        what :func:`patron.scores.scorecard.make_scorecard` takes as `ranks`
    """
    rfm = purchase_columns(pq.read_table(features, columns=list(RFM_COLUMNS)).to_pandas())
    scorable = pd.isna(broken_rules(rfm))
    if scorable.sum() < ENOUGH_FOR_RANKS:
        return "model"
    everybody = bool(scorable.all())

    def column(name: str) -> pd.Series:
        read: pd.Series = pq.read_table(features, columns=[name]).column(name).to_pandas()
        return read if everybody else read[scorable].reset_index(drop=True)

    grid = population_percentiles(bundle, column, **options.of_predictions())
    return "model" if grid is None else grid
