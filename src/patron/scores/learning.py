"""Learning potential: contributions of a customer × value per unit.

The unit values are declared, not estimated: a rate card of the business, such as 15 for a review and 200 for
an interview. The learning potential is only as accurate as the card, and 0 without contributions.
"""

import warnings
from collections.abc import Mapping

import numpy as np
import pandas as pd

from patron.errors import PatronWarning, RangeError, some

__all__ = ["learning_potential"]


def learning_potential(contributions: pd.DataFrame, rate_card: Mapping[str, float]) -> pd.Series:
    """The value of each customer's contributions by the rate card.

    Parameters
    ----------
    contributions
        one row per contribution that was visible on as_of, or per customer and kind: customer_id,
        kind, units (count ≥ 0, null counts as 1), and unit_value (money, null if the card decides)
    rate_card
        kind → money per unit

    Returns
    -------
    pd.Series
        Series by customer_id, money; only customers who contributed something.

    Raises
    ------
    RangeError
        a value of the card is negative or not finite

    Warns
    -----
    PatronWarning
        a kind is not on the card and its rows carry no value of their own; it counts 0

    Examples
    --------
    >>> given = pd.DataFrame({"customer_id": [7, 7, 8], "kind": ["review", "interview", "review"],
    ...                       "units": [2, None, 1], "unit_value": [None, 150.0, None]})
    >>> learning_potential(given, {"review": 15.0, "interview": 200.0}).to_dict()
    {7: 180.0, 8: 15.0}
    """
    wrong = {kind: worth for kind, worth in rate_card.items() if not 0 <= worth < np.inf}
    if wrong:
        kind, worth = next(iter(wrong.items()))
        raise RangeError(f"learning.rate_card.{kind} must be money of at least 0, got {worth!r}.")
    own = contributions["unit_value"].astype("Float64")
    each = own.fillna(contributions["kind"].map(dict(rate_card)).astype("Float64"))
    strangers = sorted(set(contributions["kind"][each.isna()]))
    if strangers:
        warnings.warn(
            f"the rate card has no value for {some(strangers)}, so that such contributions count 0. Write "
            "one under [learning.rate_card] in patron.toml.",
            PatronWarning,
            stacklevel=2,
        )
    worth_of = contributions["units"].astype("Float64").fillna(1.0) * each.fillna(0.0)
    summed = worth_of.astype(np.float64).groupby(contributions["customer_id"]).sum()
    return summed.rename("learning_potential")
