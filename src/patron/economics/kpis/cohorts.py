"""The retention triangle: the share of each cohort left after each renewal."""

import numpy as np
import pandas as pd

from patron.errors import TableError, some

__all__ = ["retention_triangle"]


def retention_triangle(contracts: pd.DataFrame, cohort: str) -> pd.DataFrame:
    """Survival and retention of each cohort by number of renewals, up to what the whole cohort has reached.

    Parameters
    ----------
    contracts
        renewals, ended, the column `cohort`, and count if a row stands for several contracts, as returned
        by `patron.models.renewal.contracts.contracts_of_subscriptions`
    cohort
        column of the cohort, such as the month in which the contract began

    Returns
    -------
    pd.DataFrame
        One row per cohort and number of renewals from 0: cohort, renewals, customers (at the start of
        the cohort), left (count), survival (share of the cohort), retention (share of
        those left before; missing at 0)

    Raises
    ------
    TableError
        a column is missing or there is no row

    Examples
    --------
    >>> contracts = pd.DataFrame({"began": ["Jan"] * 3 + ["Feb"] * 2, "renewals": [0, 2, 2, 1, 0],
    ...                           "ended": [1, 0, 0, 0, 1]})
    >>> retention_triangle(contracts, "began")[["cohort", "renewals", "left", "survival"]].round(2)
      cohort  renewals  left  survival
    0    Feb         0     2      1.00
    1    Feb         1     1      0.50
    2    Jan         0     3      1.00
    3    Jan         1     2      0.67
    4    Jan         2     2      0.67
    """
    missing = [name for name in ("renewals", "ended", cohort) if name not in contracts.columns]
    if missing or contracts.empty:
        raise TableError(
            f"contracts lacks {some(missing)}; it has {some(contracts.columns, 20)}."
            if missing
            else "contracts has no row. Take a segment or a period with contracts in it."
        )
    parts = []
    for name, rows in contracts.groupby(cohort, sort=True):
        made, running = rows["renewals"].to_numpy(), rows["ended"].to_numpy() == 0
        count = rows["count"].to_numpy(dtype=np.float64) if "count" in rows.columns else np.ones(len(rows))
        # The youngest running contract limits how far the whole cohort has been observed.
        observed = int(made[running].min()) if running.any() else int(made.max()) + 1
        ages = np.arange(observed + 1)
        left = np.array([count[made >= age].sum() for age in ages])
        before = np.append(np.nan, left[:-1])
        parts.append(
            pd.DataFrame(
                {
                    "cohort": name,
                    "renewals": ages,
                    "customers": count.sum(),
                    "left": left,
                    "survival": left / count.sum(),
                    "retention": np.divide(left, before, out=np.full(len(left), np.nan), where=before > 0),
                }
            )
        )
    return pd.concat(parts, ignore_index=True).astype({"customers": "int64", "left": "int64"})
