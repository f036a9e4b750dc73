"""Tables → the data report and the rejected rows."""

from dataclasses import dataclass

import pandas as pd

from patron.tables.report import DataReport
from patron.workflows.inputs import read_history
from patron.workflows.outputs import check_target, write_frame
from patron.workflows.progress import Progress, silent
from patron.workflows.settings import Settings

__all__ = ["CheckResult", "check"]


@dataclass(frozen=True, slots=True)
class CheckResult:
    """What `check` found.

    Attributes
    ----------
    report : what each table holds
    rejected : one row per rejected row of any table, as text: `table`, `rule`, then the columns as they came
    """

    report: DataReport
    rejected: pd.DataFrame


def check(settings: Settings, *, progress: Progress = silent) -> CheckResult:
    """What the tables hold and what had to be rejected; the rejected rows also as a file if one is named.

    Raises
    ------
    InputError : a table cannot be used at all

    Examples
    --------
    >>> sales = pd.DataFrame({"customer_id": [7, None], "order_at": ["2024-05-01"] * 2, "amount": [9.5, 1.0]})
    >>> found = check(Settings(tables={"transactions": sales}))
    >>> len(found.rejected)
    1
    """
    target = settings.check.rejected
    if target is not None:
        check_target(target)
    progress("Reading the tables")
    history = read_history(settings)
    rejected = _in_one_frame(history.rejected)
    if target is not None:
        progress(f"Writing {target}")
        write_frame(rejected, target)
    return CheckResult(report=history.report, rejected=rejected)


def _in_one_frame(by_table: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Rows of several tables as text below one another, `table` and `rule` first."""
    parts = [rows.astype("string").assign(table=name) for name, rows in by_table.items() if len(rows)]
    if not parts:
        return pd.DataFrame({"table": pd.Series(dtype="string"), "rule": pd.Series(dtype="string")})
    rejected = pd.concat(parts, ignore_index=True)
    return rejected[["table", "rule", *rejected.columns.drop(["table", "rule"])]]
