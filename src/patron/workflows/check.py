"""Tables → the data report, the rejected rows, an audit of churn windows and, on request, a leak test."""

from dataclasses import dataclass
from typing import Any

import pandas as pd

from patron.errors import counted
from patron.progress import Progress, silent
from patron.results import Printed
from patron.settings import Settings
from patron.settings.inputs import known_history, read_history
from patron.settings.training_plan import training_plan
from patron.snapshots.labels import audit_windows
from patron.storage.atomic_files import check_target, write_frame
from patron.tables.report import DataReport, combine_rejected
from patron.training.leak_test import LeakReport, find_leaks

__all__ = ["CheckResult", "check"]


@dataclass(frozen=True, slots=True)
class CheckResult:
    """What the tables hold, and what had to be rejected.

    Attributes
    ----------
    report
        what each table holds
    rejected
        one row per rejected row of any table, as text: `table`, `rule`, then the columns as they came
    windows
        for each candidate churn window, how many customers labelled as churned came back: see
        :func:`patron.snapshots.labels.audit_windows`
    leaks
        the features and scores that planted rows of the future changed; None without a leak test
    """

    report: DataReport
    rejected: pd.DataFrame
    windows: pd.DataFrame
    leaks: LeakReport | None = None

    @property
    def exit_code(self) -> int:
        """1 if a planted row of the future has changed a feature or a score, else 0."""
        return int(self.leaks is not None and not self.leaks.is_clean)

    def to_dict(self) -> dict[str, Any]:
        """The result as plain values."""
        windows = self.windows.assign(as_of=self.windows["as_of"].astype("string"))
        found: dict[str, Any] = {**self.report.to_dict(), "churn_windows": windows.to_dict("records")}
        return found if self.leaks is None else {**found, "leaks": self.leaks.to_dict()}

    def printed(self) -> Printed:
        """What a terminal shows."""
        yield from self.sentences()

    def sentences(self) -> list[str]:
        """The result in sentences."""
        audit = [
            f"Of {counted(row['churned'], 'customer')} silent for {_in_words(row['window'])} after "
            f"{row['as_of']}, {row['came_back']:,} came back in as many days again "
            f"({row['came_back_share']:.0%})."
            for row in self.windows.to_dict("records")
            if row["churned"]
        ]
        return [*self.report.sentences(), *audit, *([] if self.leaks is None else self.leaks.sentences())]


def check(settings: Settings, *, progress: Progress = silent) -> CheckResult:
    """The data report and the rejected rows, which are also written to a file if one is named.

    Parameters
    ----------
    settings
        where the tables are, and which file to write; see :class:`patron.settings.prediction.CheckSettings`
    progress
        called with each step as it begins

    Raises
    ------
    InputError
        a table cannot be used at all; with `check.leaks`, no model can be fitted to them

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
    rejected = combine_rejected(history.rejected)
    if target is not None:
        progress(f"Writing {target}")
        write_frame(rejected, target)
    leaks = None
    if settings.check.leaks:
        leaks = find_leaks(
            known_history(settings, history, progress), training_plan(settings), progress=progress
        )
    progress("Counting customers who came back after each churn window")
    windows = audit_windows(history, horizon_days=settings.horizon_days)
    return CheckResult(report=history.report, rejected=rejected, windows=windows, leaks=leaks)


def _in_words(window: str) -> str:
    """A window as part of a sentence."""
    days, _, most = window.partition(", ")
    return f"a window of their own ({most})" if most else days
